"""Files that mean harm, or are merely odd, at every command that takes one: soon one clear line, in little memory.

Each command meets all of them in one process whose memory is limited, as `ulimit -v 1000000` would: what fills it, ends it. What
a file does to `--session`, the strictest, stands in the table.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from rtdiag.report import render
from rtdiag.testing import run_on_emulator
from tests.forked import Forked

LIMIT_BYTES = 1_000_000 * 1024
WAIT_S = 300  # of a process that would not end by itself

SESSION = '{"type": "realtime"}'
DEEP, TWICE, SPELT = "nested deeper than 100 levels", "stands twice", "a number in YAML's own spelling"
ITSELF, TAG, VALUES = "contains itself", "is not taken here", "values: give less of it"

# name: what it holds, and the words that --session refuses it with, "" where it is taken.
FILES: Mapping[str, tuple[str | bytes, str]] = {
    "self.yaml": ("&a\ntype: realtime\nme: *a\n", ITSELF),
    "self-in-a-list.yaml": ("&a [*a]\n", ITSELF),
    "self-merged.yaml": ("&a\ntype: realtime\n<<: *a\n", ITSELF),
    "bomb.yaml": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        "more than 16 aliases",
    ),
    "bomb-of-few.yaml": (
        "a: &a [" + "x," * 5_000 + "]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcde", "bcdef", strict=True)),
        VALUES,
    ),
    "bomb-of-merges.yaml": (
        "a: &a {k: 1}\n" + "".join(f"b{n}: &b{n} {{<<: [{', '.join(['*a'] * 9)}], k{n}: 1}}\n" for n in range(9)),
        "more than 16 aliases",
    ),
    "bomb-of-text.yaml": ("type: &a " + "x" * 500_000 + "\n" + "".join(f"b{n}: *a\n" for n in range(9)), "aliases multiply"),
    "few-aliases.yaml": ("type: realtime\ninclude: &a []\ntools: *a\n", ""),
    "deep-flow.yaml": ("type: " + "[" * 100_000, DEEP),
    "deep-closed.yaml": ("type: " + "[" * 300 + "]" * 300, DEEP),
    "deep-block.yaml": ("".join(" " * n + "a:\n" for n in range(600)), DEEP),
    "deep-dashes.yaml": ("- " * 100_000, DEEP),
    "deep-names.yaml": ("? " * 50_000, DEEP),
    "deep.json": ("[" * 100_000, DEEP),
    "deep-closed.json": ('{"type": ' + "[" * 900 + "]" * 900 + "}", DEEP),
    "deep-object.json": ('{"a":' * 100_000, DEEP),
    "lists.json": ("[" + "[]," * 5_000_000 + "[]]", "it is larger than 1 MiB"),
    "lists-of-a-session.json": ('{"a": [' + "[]," * 30_000 + "[]]}", "more than 10000 " + VALUES),
    "lists.yaml": ("- a\n" * 20_000, "more than 10000 " + VALUES),
    "long.json": ('{"type": "' + "x" * 2_000_000 + '"}', "it is larger than 1 MiB"),
    "long.yaml": ("type: " + "x" * 2_000_000, "it is larger than 1 MiB"),
    "nul.json": ('{"type": "real\0time"}', "it is binary"),
    "nuls": (b"\0" * 5_000, "it is binary"),
    "gzip.json": (gzip.compress(b"\0" * 5_000_000), "it is compressed with gzip: unpack it first"),
    "latin.json": (b'{"type": "caf\xe9"}', "it is not UTF-8 text (byte 13): save it as UTF-8"),
    "utf-16.json": (SESSION.encode("utf-16"), ""),
    "utf-16-be.yaml": (b"\xfe\xff" + "type: realtime".encode("utf-16-be"), ""),
    "utf-16-odd.json": (b"\xff\xfe{\x00}", "broken as UTF-16 text"),
    "utf-16-without-a-mark.json": (SESSION.encode("utf-16-le"), "it is binary"),
    "utf-32.json": (SESSION.encode("utf-32"), "it is binary"),
    "mark.json": (SESSION.encode("utf-8-sig"), ""),
    "mark-alone.json": (b"\xef\xbb\xbf", "it is empty"),
    "mark-alone-16.yaml": (b"\xff\xfe", "holds no session object"),
    "empty.json": ("", "it is empty"),
    "empty.yaml": ("", "holds no session object"),
    "blanks.yaml": ("  \n\n", "holds no session object"),
    "half.json": ('{"type": "realtime", "voi', "line 1: the text that begins in column 22 has no end"),
    "quotes.json": ("{'type': 'realtime'}", "line 1: no JSON from column 2 on; JSON takes double quotes alone"),
    "nothing.json": ('{"type":,}', "line 1: no JSON from column 9 on"),
    "two.json": (SESSION * 2, "the JSON has ended, and something follows from column 21 on"),
    "nan.json": ('{"type": "realtime", "speed": NaN}', "speed is nan, which JSON does not have"),
    "infinite.json": ('{"type": "realtime", "speed": 1e999}', "speed is infinite, or too large for a number"),
    "digits.json": ('{"type": "realtime", "speed": ' + "9" * 5_000 + "}", "speed is infinite, or too large for a number"),
    "digits.yaml": ("type: realtime\nspeed: " + "9" * 5_000, "speed is " + SPELT),
    "half-a-character.json": ('{"type": "realtime", "voice": "\\ud800"}', "voice is no whole text: it holds half a character"),
    "twice.json": ('{"type": "realtime", "type": "transcription"}', "the name 'type' " + TWICE),
    "twice.yaml": ("type: realtime\ntype: transcription\n", "line 2: the name 'type' " + TWICE),
    "object.yaml": ("!!python/object/apply:os.system ['true']\n", "line 1: the tag !!python/object/apply:os.system " + TAG),
    "name.yaml": ("type: !!python/name:os.system ''\n", TAG),
    "tag.yaml": ("type: !Ref x\n", TAG),
    "set.yaml": ("type: !!set {a, b}\n", TAG),
    "ordered.yaml": ("type: !!omap [a: 1]\n", TAG),
    "no-bool.yaml": ("type: !!bool maybe\n", TAG),
    "no-int.yaml": ("type: realtime\nspeed: !!int foo\n", "speed is " + SPELT),
    "no-digits.yaml": ("type: realtime\nspeed: !!int ''\n", "speed is " + SPELT),
    "no-float.yaml": ("type: realtime\nspeed: !!float ''\n", "speed is " + SPELT),
    "no-timestamp.yaml": ("type: realtime\nspeed: !!timestamp foo\n", "speed is a date"),
    "no-day.yaml": ("type: realtime\nspeed: 2026-99-99\n", "speed is a date"),
    "no-base64.yaml": ("type: realtime\nspeed: !!binary é\n", "line 2: this is no base64"),
    "binary.yaml": ("type: realtime\nspeed: !!binary aGk=\n", "speed is binary, which JSON does not have"),
    "octal.yaml": ("type: realtime\nspeed: 010\n", "speed is " + SPELT),
    "sexagesimal.yaml": ("type: realtime\nspeed: 190:20:30\n", "speed is " + SPELT),
    "underscore.yaml": ("type: realtime\nspeed: 1_000\n", "speed is " + SPELT),
    "infinite.yaml": ("type: realtime\nspeed: .inf\n", "speed is infinite"),
    "equals.yaml": ("type: realtime\nvoice: =\n", ""),
    "number-as-name.yaml": ("type: realtime\n1: 2\n", "the name 1 is no text: put it in quotes"),
    "list-as-name.yaml": ("? [a, b]\n: 1\n", "line 1: a list or mapping where a name must stand"),
    "merged-number.yaml": ("type: realtime\n<<: 5\n", "line 2: << takes a mapping"),
    "nothing-there.yaml": ("type: *nope\n", "line 1: *nope stands for nothing that came before"),
    "tab.yaml": ("type: realtime\naudio:\n\tinput: 1\n", "line 3: a tab, where YAML takes blanks alone"),
    "two.yaml": ("type: realtime\n---\ntype: transcription\n", "line 2: another document begins: give one"),
    "other-yaml.yaml": ("%YAML 9.9\n---\ntype: realtime\n", "line 1: no YAML from column 1 on"),
    "har-of-nothing.har": ('{"log": {"creator": {}, "entries": [' + "{}," * 60_000 + "{}]}}", "more than 10000 " + VALUES),
    "har-of-headers.har": (
        '{"log": {"creator": {}, "entries": [{"request": {"headers": [' + "{}," * 2_000_000 + "{}]}}]}}",
        "it is larger than 1 MiB",
    ),
    "har-digits.har": ('{"log": {"creator": {}, "entries": [{"response": {"status": ' + "9" * 5_000 + "}}]}}", "log.entries[0]"),
    "har-deep.har": ('{"log": {"creator": {}, "entries": [' + '{"a":[' * 50_000, DEEP),
    "newer.json": ('{"schema_version": 2, "tool": {"name": "rtdiag", "version": "9.0"}, "checks": []}', ""),
    "no-report.json": ('{"schema_version": 1, "target": {}, "exchanges": [], "started_at": "soon", "checks": []}', ""),
    "no-cassette.yaml": ("interactions: [{}]\nrtdiag: {exchanges: [{interaction: 0}]}\n", ""),
    "no-lines.ndjson": ('{"type": "start"}\n{"type": "check", "check": 5}\n{"type": "end", "check_ids": ["a"]}\n', "no YAML"),
}  # fmt: skip

# Words of Python and of its libraries.
_FOREIGN = re.compile(
    r"Traceback|Errno|codec|Expecting|Unterminated|Extra data|[Rr]ecursion|NoneType|unhashable|not subscriptable|object is not"
    r"|Exceeds the limit|constructor|mapping values|could not|tag:yaml|libyaml|lexical|Invalid|Error\b|\bbroke\b"
)

# Runs in the limited process: every file at one command, and a line of JSON for each.
_EACH = """
import json, os, sys
from click.testing import CliRunner
from rtdiag.engine import config
from rtdiag.cli import main

def made(**flags):
    try:
        done = config.make(config.Config(**flags), {})
        key = done.options.api_key
        return [0, "", key.secret.reveal()[:3] if key else ""]
    except config.ConfigError as refused:
        return [2, f"rtdiag: {refused}\\n", ""]

def command(*arguments):
    done = CliRunner().invoke(main, arguments)
    return [done.exit_code, done.stderr, done.stdout[:200]]

def at(name, file):
    if name == "--session":
        return made(emulator=True, session=file)
    if name == "--key-file":
        return made(base_url="http://127.0.0.1:9/v1", key_file=file)
    if name == "--audio":
        return made(emulator=True, audio=file)
    if name == "run":
        return command("run", "--all", "--config", file)
    given = {"explain": [file], "explain --session": ["--session", file], "replay": [file], "diff": [file, file]}
    return command(name.split()[0], *given.get(name, ["--compare", file]))

for file in sys.argv[2:]:
    print(json.dumps([os.path.basename(file), *at(sys.argv[1], file)]), flush=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of the files, and what is no file."""
    made = tmp_path_factory.mktemp("hostile")
    for name, (content, _) in FILES.items():
        (made / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (made / "circle").symlink_to("circle")
    (made / "folder").mkdir()
    (made / "zero").symlink_to("/dev/zero")
    (made / "random").symlink_to("/dev/random")
    os.mkfifo(made / "pipe")
    return made


# What `ulimit -v 1000000` does.
limited = partial(resource.setrlimit, resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))


def results(command: str, folder: Path) -> Mapping[str, tuple[int, str, str]]:
    """What became of every file at that command: the exit code, standard error, and what else there was."""
    files = sorted(str(path) for path in folder.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", _EACH, command, *files, str(folder / "nowhere")],
        capture_output=True, text=True, preexec_fn=limited, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(files) + 1
    return {name: (code, told, more) for name, code, told, more in found}


def unclear(found: Mapping[str, tuple[int, str, str]], codes: tuple[int, ...]) -> Iterator[str]:
    """What became of files otherwise than it should."""
    for name, (code, told, _) in found.items():
        one_line = told.startswith("rtdiag: ") and told.count("\n") == 1 and len(told) < 700
        if code not in codes or (code == 2 and not one_line) or _FOREIGN.search(told.replace(name, "")):
            yield f"{name}: {code} {told}"


def test_at_session(folder: Path) -> None:
    found = results("--session", folder)
    assert list(unclear(found, (0, 2))) == []
    for name, (_, words) in FILES.items():
        assert found[name][0] == (2 if words else 0), name
        assert words in found[name][1], name
    assert {found[name][0] for name in ("circle", "folder", "zero", "random", "pipe", "nowhere")} == {2}


def test_at_explain_session(folder: Path) -> None:
    found = results("explain --session", folder)
    assert list(unclear(found, (0, 2))) == []
    assert {name for name in FILES if found[name][0] == 0} == {name for name, (_, words) in FILES.items() if not words}


def test_at_key_file(folder: Path) -> None:
    found = results("--key-file", folder)
    assert list(unclear(found, (0, 2))) == []
    assert found["mark.json"][2] == found["utf-16.json"][2] == '{"t'
    assert {found[name][0] for name in ("long.json", "nuls", "gzip.json", "latin.json", "zero", "pipe", "folder")} == {
        2
    }


def test_at_explain(folder: Path) -> None:
    found = results("explain", folder)
    assert list(unclear(found, (0, 2))) == []
    for name in ("circle", "folder", "zero", "random", "pipe", "nuls", "gzip.json", "nowhere"):
        assert found[name][0] == 2, name
    assert "written by a newer rtdiag 9.0" in found["newer.json"][1]


@pytest.mark.parametrize("command", ["replay", "diff", "emulator"])
def test_where_a_report_belongs(folder: Path, command: str) -> None:
    found = results(command, folder)
    assert list(unclear(found, (2,))) == []
    assert "written by a newer rtdiag 9.0 (schema 2, this rtdiag reads 1): upgrade rtdiag" in found["newer.json"][1]


def test_where_targets_belong(folder: Path) -> None:
    """None of these files holds any; they are also read as a pyproject.toml is."""
    assert list(unclear(results("run", folder), (2,))) == []
    as_toml = folder.with_name("hostile-toml")
    as_toml.mkdir()
    for name, (content, _) in FILES.items():
        (as_toml / f"{name}.toml").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert list(unclear(results("run", as_toml), (2,))) == []


def test_at_audio(folder: Path) -> None:
    assert list(unclear(results("--audio", folder), (2,))) == []


@pytest.mark.parametrize("name", ["self.yaml", "bomb.yaml", "lists.json", "zero", "pipe"])
@pytest.mark.parametrize(
    "command", [["explain", "--session"], ["run", "--emulator", "--session"], ["explain"], ["replay"]]
)
def test_as_a_user_meets_it(folder: Path, command: list[str], name: str) -> None:
    if command == ["explain"] and name.endswith("yaml"):
        command = ["diff", str(folder / name)]
    process = Forked((*command, str(folder / name)), first=limited)
    out, error = process.communicate(WAIT_S)
    assert (process.returncode, out, error.count("\n")) == (2, "", 1), error
    assert error.startswith("rtdiag: ")


@pytest.mark.parametrize("source", ["/dev/zero", "closed"])
@pytest.mark.parametrize(
    "command", ["explain -", "explain --session -", "replay -", "emulator --compare -", "run --key-file -"]
)
def test_standard_input_is_no_other_door(command: str, source: str) -> None:
    redirected = "<&-" if source == "closed" else f"< {source}"
    done = subprocess.run(
        ["bash", "-c", f"ulimit -v 1000000; exec {sys.executable} -m rtdiag {command} {redirected}"],
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr


@pytest.fixture(scope="module")
def recorded() -> dict[str, str]:
    """A short run in every form that can be read back."""
    report = run_on_emulator(only=["key"])
    return {form: render(report, form) for form in ("json", "ndjson", "cassette")}


ENCODINGS = {"utf-8-sig": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", ["json", "ndjson", "cassette"])
def test_what_was_recorded_is_read_in_each_encoding(
    recorded: dict[str, str], form: str, encoding: str, tmp_path: Path
) -> None:
    from click.testing import CliRunner

    from rtdiag.cli import main

    given = tmp_path / "given"
    given.write_bytes(ENCODINGS[encoding] + recorded[form].encode(encoding))
    commands = [["replay", str(given)], ["diff", str(given), str(given)], ["explain", str(given)]]
    for command in [*commands, ["emulator", "--compare", str(given)]]:
        done = CliRunner().invoke(main, command)
        readable = not (form == "cassette" and command[0] in ("explain", "emulator"))
        assert done.exit_code == (0 if readable else 2), (command, done.output)


def test_a_run_that_was_cut_off_is_read_up_to_there(recorded: dict[str, str], tmp_path: Path) -> None:
    from click.testing import CliRunner

    from rtdiag.cli import main

    (tmp_path / "lines").write_text(recorded["ndjson"][:-100], encoding="utf-8")
    (tmp_path / "report").write_text(recorded["json"][:-100], encoding="utf-8")
    assert CliRunner().invoke(main, ["replay", str(tmp_path / "lines")]).exit_code == 130
    told = CliRunner().invoke(main, ["explain", str(tmp_path / "lines")])
    assert (told.exit_code, "interrupted" in told.stdout) == (0, True)
    for command in ("replay", "explain"):
        done = CliRunner().invoke(main, [command, str(tmp_path / "report")])
        assert done.exit_code == 2
        assert re.search(r"line \d+: the (JSON ends too early|text that begins in column \d+ has no end)", done.stderr)
