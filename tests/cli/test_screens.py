"""What reaches a screen, a pipe or a log, byte by byte: from a tampered report, from a hostile server, from a file's name, in every
format of every command. No control character, no command to a CI, and without UTF-8 marks that still differ."""

from __future__ import annotations

import contextlib
import html as entities
import io
import json
import os
import re
import subprocess
import sys
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from rtdiag.api.plugins import Broken
from rtdiag.cli import main
from rtdiag.cli.outputs import Outputs
from rtdiag.cli.stderr import say
from rtdiag.cli.terminal import Screen
from rtdiag.engine.check import Case, Check
from rtdiag.engine.registry import Registry
from rtdiag.model import Evidence, Finding, Observation, Report, Row, Status
from rtdiag.report import FORMATS, render, table
from rtdiag.report.inert import inert
from rtdiag.report.phrases import SIGNS
from rtdiag.report.spelling import spelt
from rtdiag.testing import run_on_emulator
from tests.report import tree
from tests.report.heard_runs import facts, heard
from tests.report.hostile import filled

# What moves, rings, hides, colours, links, titles, clears; C1, bidi, no width, other line ends, tags; commands of three CIs.
EVIL = (
    "\x1b[8mhid\x1b[0m\x1b[31m\x1b]8;;http://evil.test\x07l\x1b]8;;\x1b\\\x1b]0;t\x07\x1b[2J\x1b[1;1H\x9b31m\x9d\x85\x00"
    "\x08\x0b\x0c\t\x7f\r\u202e\u2066\u200b\u200f\u2028\u2029\ufeff\xad\u061c\U000e0041\r\n::error::x\n \t\u3000"
    "::set-output name=a::b\n::stop-commands::c\n##[error]d ##vso[task.complete result=Failed]e ##teamcity[buildStop]\r"
    "::warning::f"
)
FORBIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
OWN_COLOURS = re.compile(r"\x1b\[(?:3[1-6]|2)m(?:[✓!✗?iE-]|[a-z]+)\x1b\[0m")
# Words and times by which a report reads itself; all else is anybody's text.
_OWN_WORDS = frozenset(
    {"status", "overall", "confidence", "direction", "body_encoding", "dialects", "kinds", "recognised_as", "as_of"}
    | {"started_at", "finished_at", "at", "session", "by"}
)
# What is read to judge again, and to ask again.
_JUDGED = frozenset({"id", "exchanges", "events", "peers"})
_ASKED = frozenset(
    {"id", "base_url", "url", "method", "request_headers", "request_body", "credential", "raw", "channel"}
)
_ANYBODYS_KEYS = frozenset({"correlation", "timing_ms", "candidates", "phases_ms", "close", "facts", "modes"})


@cache
def base() -> Report:
    """A run that has everything to say: a matrix, a session of one's own, a hearing, refusals, causes, something left open."""
    own = {"type": "realtime", "turn_detection": {"type": "semantic_vad"}}
    only = ["key", "endpoint", "vad.own-*"]
    report = run_on_emulator(as_of=date(2025, 3, 21), session=own, only=only)
    checks = (*(o for o in report.checks if o.id != "vad-effect"), heard(facts()).checks[-1])
    return replace(report, checks=checks, left_open=("session rtc_1",))


def tampered(value: Any, kept: Collection[str] = (), name: str = "") -> Any:
    """The parsed report with EVIL in every text and key that is none of its own, but in what is `kept`."""
    if name in kept or name in _OWN_WORDS:
        return value
    if isinstance(value, Mapping):
        evil = EVIL if name in _ANYBODYS_KEYS else ""
        return {key + evil: tampered(one, kept, key) for key, one in value.items()}
    if isinstance(value, list):
        return [tampered(one, kept, name) for one in value]
    return value + EVIL if isinstance(value, str) else value


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sane report, an evil one, one that is judged otherwise than it says, and one whose requests can be asked again."""
    folder = tmp_path_factory.mktemp("reports")
    sane = json.loads(render(base(), "json"))
    made = {"sane": sane, "evil": tampered(sane), "turned": tampered(sane, _JUDGED), "asked": tampered(sane, _ASKED)}
    for case in (case for check in made["turned"]["checks"] for case in check["cases"]):
        case["status"] = "warn"
    for name, report in made.items():
        (folder / name).write_text(json.dumps(report), encoding="utf-8")
    return folder


Said = Callable[..., tuple[bytes, bytes]]


@pytest.fixture
def said(capfdbinary: pytest.CaptureFixture[bytes]) -> Said:
    def run(*arguments: str) -> tuple[bytes, bytes]:
        with contextlib.suppress(SystemExit):
            main(list(arguments), prog_name="rtdiag")
        return capfdbinary.readouterr()

    return run


def assert_safe(data: bytes, *, coloured: bool = False) -> None:
    text = data.decode("utf-8")
    shown = OWN_COLOURS.sub("", text) if coloured else text
    found = {char for char in shown if char != "\n" and unicodedata.category(char) in FORBIDDEN}
    assert not found, repr(next(line for line in shown.split("\n") if found & set(line)))
    assert coloured == (shown != text)


def assert_no_command(data: bytes) -> None:
    for line in data.decode("utf-8").split("\n"):
        assert not line.strip().startswith("::"), line
        assert not re.search(r"##\w*\[", line), line


COMMANDS = [
    *[("replay", "evil", "-v", "-o", form) for form in FORMATS],
    *[("diff", "-v", old, new, "-o", form) for old, new in (("sane", "evil"), ("turned", "asked")) for form in ("table", "json")],
    *[("explain", "evil", "-o", form) for form in ("table", "json")],
    ("emulator", "--compare", "asked"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("runner", ["", "true"], ids=["", "in Actions"])
def test_a_tampered_report_steers_no_terminal_and_no_ci(
    arguments: tuple[str, ...], runner: str, reports: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", runner)
    monkeypatch.chdir(reports)
    out, err = said(*arguments)
    assert b"\\u001b[8m" in out, "it was there"
    for stream in (out, err):
        assert_safe(stream)
        if runner and not (arguments[-1] == "github" and stream is out):
            assert_no_command(stream)


def test_what_is_judged_otherwise_is_told_in_lines_of_our_own(
    reports: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    first, *lines = said("replay", str(reports / "turned"), "-o", "short")[1].splitlines(keepends=True)
    assert first.startswith(b"rtdiag judges again")
    assert len(lines) > 10
    assert sum(b"\\u001b[8m" in line for line in lines) > 5
    for line in lines:
        assert_safe(line)
        assert_no_command(line)


@pytest.mark.parametrize("file", ["evil", "turned", "sane"])
def test_only_our_own_colours_are_colours(file: str, reports: Path, said: Said) -> None:
    out, err = said("replay", str(reports / file), "-v", "--color", "always")
    assert_safe(out, coloured=True)
    assert_safe(err)


@pytest.mark.parametrize("form", ["table", "ndjson", "markdown"])
def test_a_stream_that_is_named_as_a_file_is_a_stream(
    form: str, reports: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    out, _ = said("replay", str(reports / "evil"), "-o", "short", "--report", f"{form}=/dev/stdout")
    assert out.count(b"\n") > 5
    assert_no_command(out)
    assert_safe(out)


def flat(text: str, form: str) -> Any:
    """What a reader of the format has of it."""
    if form == "json":
        return json.loads(text)
    if form == "ndjson":
        return [json.loads(line) for line in text.splitlines()]
    if form == "junit":
        return [(e.tag, sorted(e.attrib.items()), e.text) for e in ElementTree.fromstring(text).iter()]
    if form == "html":
        return [(n.name, sorted(n.attributes.items()), n.text) for n in tree.read(text.split("\n", 1)[1]).all()]
    return [*_flat_markdown(text)]


def _flat_markdown(text: str) -> Iterator[str]:
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        inside = [child.content for child in token.children or () if child.type != "html_inline"]
        held = re.fullmatch(r"<pre><code>(.*)</code></pre>\n?", token.content, re.DOTALL)
        fenced = entities.unescape(held[1]) + "\n" if held and token.type == "html_block" else token.content
        yield "".join(inside) if token.type == "inline" else entities.unescape(fenced)


@pytest.mark.parametrize("form", ["json", "ndjson", "junit", "html", "markdown"])
def test_for_a_ci_a_format_is_spelt_otherwise_and_says_the_same(form: str) -> None:
    for report in (filled(base()), filled(base(), EVIL), base()):
        text = spelt(render(report, form))
        told = inert(text, form)
        assert flat(told, form) == flat(text, form)
        assert_no_command(told.encode())
        assert (told == text) is (report is base())


# As a file can be called, and as a person can mistype; the last one is a byte that is no UTF-8.
NAME = "n\x1b[8m\x1b]0;t\x07\x9b\u202e\u200b\u2028\r\t\n::error::x\n ##[error]y\udcff"
MISTYPED = [
    ("--" + NAME,),
    (NAME,),
    ("list", NAME),
    ("replay", NAME),
    ("diff", NAME, NAME),
    ("explain", NAME),
    ("explain", f"./{NAME}"),
    ("explain", "--session", NAME),
    ("emulator", "--compare", NAME),
    ("emulator", "--host", NAME),
    ("emulator", "--fault", NAME),
    ("emulator", "--port", NAME),
    *[("run", "--emulator", option, NAME) for option in ("--only", "--skip", "--fault", "--as-of", "--session", "--audio")],
    *[("run", "--emulator", option, NAME) for option in ("-o", "--timeout", "--type", "--report", "--" + NAME)],
    *[("run", option, NAME) for option in ("--key-file", "--base-url", "--token-url", "--ice-server")],
    ("run", "--emulator", "--report", f"json=/nowhere/{NAME}"),
    ("run", "--emulator", "--record", f"/nowhere/{NAME}"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", MISTYPED, ids=lambda arguments: " ".join(arguments).replace(NAME, "NAME"))
def test_what_a_person_gives_is_told_safely(
    arguments: tuple[str, ...], said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-FAKE000000000000000000000000000000")
    out, err = said(*arguments)
    assert (out, bool(err)) == (b"", True)
    assert_safe(err)
    assert_no_command(err)


def test_files_with_such_a_name_and_variables_are_told_safely(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    (tmp_path / NAME).write_text(
        '{"error": {"code": "invalid_api_key"}}\n' + EVIL.replace("\x00", ""), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("explain", NAME),
        ("explain", NAME, "-o", "json"),
        ("replay", NAME),
        ("run", "--emulator", "--session", NAME),
    ):
        for stream in said(*arguments):
            assert_safe(stream)
            assert_no_command(stream)
    monkeypatch.setenv("RTDIAG_OUTPUT", NAME)
    assert_safe(said("run", "--emulator")[1])
    monkeypatch.delenv("RTDIAG_OUTPUT")
    monkeypatch.setenv("RTDIAG_MODEL", NAME.replace("\udcff", ""))
    out, err = said("run", "--emulator", "--only", "key", "-v")
    assert b"models n\\u001b[8m" in out
    assert_safe(out + err)
    assert_no_command(out + err)


class Evil(BaseHTTPRequestHandler):
    """Answers everything with the same refusal, whose every text is EVIL."""

    def do_GET(self) -> None:
        error = dict.fromkeys(("message", "type", "code", "param"), EVIL)
        body = json.dumps({"error": error, EVIL: EVIL}, ensure_ascii=False).encode("utf-8", "surrogatepass")
        self.send_response(403, "No\x9b8m")
        for name in ("x-request-id", "cf-ray", "server", "content-type"):
            self.send_header(name, "::error::\x9b8m\x85##[error]z")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def evil_server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("color", ["never", "always"])
def test_a_hostile_server_steers_no_terminal_and_no_ci(
    color: str, evil_server: str, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-FAKE000000000000000000000000000000")
    files = [f"--report={form}={tmp_path / form}" for form in FORMATS]
    out, err = said("run", "-v", "--base-url", evil_server, "--color", color, *files)
    assert b"\\u001b[8m" in out
    assert_safe(out, coloured=color == "always")
    assert_safe(err)
    assert_no_command(out + err)
    for path in tmp_path.iterdir():
        assert_safe(path.read_bytes())


def test_the_checks_of_another_package_steer_nothing_either(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    async def probe(_: object) -> AsyncIterator[Observation]:
        yield Observation("c" + EVIL, facts={EVIL: EVIL})

    def judge(_: Evidence) -> Iterator[Finding]:
        yield Finding("c" + EVIL, "fail", EVIL, EVIL, (EVIL,), EVIL, EVIL)

    case = Case("c" + EVIL, "t" + EVIL, line=EVIL, column=EVIL)
    check = Check("p" + EVIL, "t" + EVIL, (case,), probe, judge, doc=EVIL)
    known = Registry({check.id: check}, (Broken("b" + EVIL, "r" + EVIL),))
    monkeypatch.setattr("rtdiag.engine.registry.load", lambda *_: known)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for arguments in (("list", "-v"), ("run", "--emulator", "-v"), ("explain", check.id)):
        out, err = said(*arguments)
        assert b"\\u001b[8m" in out
        assert_safe(out + err)
        assert_no_command(out + err)


def test_the_line_that_moves_on_a_terminal_moves_by_our_own_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    screen = Screen(Outputs("table", (), {}))
    screen.asking("GET /models" + EVIL)
    screen.clear()
    say("said" + EVIL)
    first, asked, rest = terminal.getvalue().split("\r\x1b[K")
    assert (first, asked[:11], rest[:4], rest.count("\n")) == ("", "GET /models", "said", 1)
    assert_safe((asked + rest).encode())


ENCODINGS = ["ascii", "latin-1", "cp1252", "cp437", "cp850", "koi8-r", "shift_jis"]


@pytest.fixture(params=ENCODINGS)
def narrow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a command writes to a standard output of that encoding, which must hold it without a `?` in some letter's place."""

    def run(*arguments: str) -> str:
        raw = io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=request.param, newline="\n"))
        with contextlib.suppress(SystemExit):
            main(list(arguments), prog_name="rtdiag")
        return raw.getvalue().decode(request.param)

    return run


def with_statuses() -> Report:
    """The run with a case of each status in the table of one check, and all but one in a matrix."""
    key = next(outcome for outcome in base().checks if outcome.id == "key")
    first = key.rows[0]

    def row(status: Status, line: str = "") -> Row:
        return replace(
            first, id=status, finding=replace(first.finding, status=status, measured="…"), line=line, column=line
        )

    table = replace(key, id="other", rows=tuple(row(status) for status in SIGNS))
    matrix = replace(key, id="matrix", rows=tuple(row(status, status) for status in SIGNS))
    return replace(base(), checks=(table, matrix, *base().checks))


def test_without_utf8_marks_are_words_and_drawings_ascii(narrow: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "r").write_text(render(with_statuses(), "json"), encoding="utf-8")
    text = narrow("replay", str(tmp_path / "r"), "-v")
    assert text.isascii()
    assert text.count("?") < render(with_statuses(), "table", verbose=True).count("?"), "no sign became one"
    other = text.split("\n    other.", 1)[0]
    for status in SIGNS:
        told = "1 skipped: " if status == "skip" else f"+{status} "
        assert re.search(rf"^    {status} {told}", other, re.MULTILINE), status
    assert re.search(r"^    server_vad, 200 ms of silence +.*\[-+\]", text, re.MULTILINE)
    assert re.search(r"^    how loud it is +[.:=+*#@-]{20}", text, re.MULTILINE)


def test_the_legend_of_a_matrix_is_in_words_too() -> None:
    text = table.render(with_statuses(), encoding="ascii")
    assert (
        "    pass as expected in this dialect; info: no public source says what comes here; fail not what should come\n"
        in text
    )
    assert all(f"{status} ..." in text for status in SIGNS)


@pytest.mark.parametrize("form", FORMATS)
def test_in_ascii_a_format_for_persons_is_ascii_and_one_for_programs_the_same(
    form: str, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    (tmp_path / "r").write_text(render(base(), "json"), encoding="utf-8")
    narrow, err = said("replay", str(tmp_path / "r"), "-o", form)
    monkeypatch.delenv("LC_ALL")
    wide, _ = said("replay", str(tmp_path / "r"), "-o", form)
    assert err.isascii()
    assert narrow.isascii() if form in ("table", "short") else narrow == wide


def test_standard_error_without_utf8_is_spelt_and_its_arrows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(raw, encoding="cp1252", newline="\n"))
    say("1 → 2 … é 漢 😀")
    assert raw.getvalue() == "1 -> 2 ... é \\u6f22 \\ud83d\\ude00\n".encode("cp1252")


@pytest.mark.parametrize(
    "variables", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
)
def test_the_streams_of_a_process_are_asked_what_they_can_show(variables: dict[str, str]) -> None:
    command = [sys.executable, "-m", "rtdiag", "run", "--emulator", "--only", "key"]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **variables})
    assert done.stdout.isascii()
    assert b"\npass key  " in done.stdout
    assert b"pass all is well: " in done.stdout
