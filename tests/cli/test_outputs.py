"""Where reports go: all formats of one run, files that are whole, private and written whatever happens, and what cannot be."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pty
import resource
import stat
import subprocess
import sys
import tempfile
import termios
from functools import partial
from pathlib import Path

import jsonschema
import pytest
import yaml

from rtdiag.cli.files import whole
from rtdiag.cli.outputs import Outputs
from rtdiag.engine.registry import load
from rtdiag.engine.rejudge import replay
from rtdiag.recorded import reading
from rtdiag.report import FORMATS, render
from rtdiag.testing import run_on_emulator
from tests.forked import Forked, rtdiag

SCHEMA = json.loads((Path(__file__).parents[2] / "rtdiag" / "report" / "schema.json").read_text(encoding="utf-8"))
QUICK = ["--emulator", "--only", "key"]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run writes that has something to say: every format at once, and the cassette."""
    folder = tmp_path_factory.mktemp("reports")
    reports = [f"--report={form}={folder / form}" for form in FORMATS]
    asked = ["run", "--emulator", "--as-of", "2025-03-21", *reports, "--record", str(folder / "cassette")]
    done = rtdiag(*asked, GITHUB_STEP_SUMMARY=str(folder / "summary"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    return folder


def test_one_run_writes_every_format_for_its_owner_alone(everything: Path) -> None:
    written = {path.name: path for path in everything.iterdir()}
    assert set(written) == {*FORMATS, "cassette", "summary"}
    assert all(path.stat().st_size for path in written.values())
    assert {stat.S_IMODE(path.stat().st_mode) for name, path in written.items() if name != "summary"} == {0o600}


def test_json_and_ndjson_are_the_same_report_by_the_schema(everything: Path) -> None:
    report = json.loads((everything / "json").read_text(encoding="utf-8"))
    jsonschema.validate(report, SCHEMA)
    lines = [json.loads(line) for line in (everything / "ndjson").read_text(encoding="utf-8").splitlines()]
    assert [line["type"] for line in lines] == ["start", *["check"] * len(report["checks"]), "end"]
    assert [line["check"] for line in lines if line["type"] == "check"] == report["checks"]
    for name in ("exchanges", "events", "peers"):
        told = {one["id"]: one for line in lines for one in line.get(name, ())}
        assert told == {one["id"]: one for one in report[name]}
    elsewhere = ("checks", "exchanges", "events", "peers", "seal")
    rest = {name: value for name, value in report.items() if name not in elsewhere}
    assert {name: lines[-1][name] for name in rest} == rest


def test_every_form_that_can_be_read_back_is_the_same_run(everything: Path) -> None:
    first, *others = (
        reading.report_in((everything / name).read_text(encoding="utf-8")) for name in ("json", "ndjson", "cassette")
    )
    checks = load(()).checks
    for other in others:
        assert replay(other, checks).diagnosis == replay(first, checks).diagnosis == first.diagnosis
        assert [o.rows for o in other.checks] != [], "the cassette leaves headers out, the judgement is the same"
        assert [r.finding for o in other.checks for r in o.rows] == [r.finding for o in first.checks for r in o.rows]


def test_vcrpy_loads_the_cassette_and_answers_from_it(everything: Path) -> None:
    import httpx
    import vcr

    held = yaml.safe_load((everything / "cassette").read_text(encoding="utf-8"))["interactions"]
    with vcr.use_cassette(str(everything / "cassette"), record_mode="none", match_on=["method", "uri", "body"]) as tape:
        assert len(tape.requests) == len(held) > 40
        for one in held[:10]:
            request, response = one["request"], one["response"]
            got = httpx.request(
                request["method"],
                request["uri"],
                content=request["body"],
                headers={k: v[0] for k, v in request["headers"].items()},
            )
            assert (got.status_code, got.text) == (response["status"]["code"], response["body"]["string"])


def test_replay_writes_any_format_of_an_old_run(everything: Path, tmp_path: Path) -> None:
    done = rtdiag("replay", str(everything / "cassette"), "-o", "short", "--report", f"html={tmp_path / 'r.html'}")
    assert done.returncode == 1
    assert done.stdout == (everything / "short").read_text(encoding="utf-8")
    assert "nothing is asked" in done.stderr
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_schema_holds_for_a_run_with_the_users_own_session(tmp_path: Path) -> None:
    report = run_on_emulator(only=["vad"], session={"type": "realtime", "audio": {}})
    parsed = json.loads(render(report, "json"))
    jsonschema.validate(parsed, SCHEMA)
    assert parsed["target"]["session"] == {"type": "realtime", "audio": {}}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--report", "json=-"], "--report json=-: standard output takes its format from -o"),
        (["--report", "pdf=x"], "give FORMAT=PATH with FORMAT one of table, json"),
        (["--report", "json="], "give FORMAT=PATH"),
        (["--report", "json=/"], "--report json=/: that is a folder"),
        (["--record", "/nowhere/x"], "--record /nowhere/x: there is no folder /nowhere"),
        (["--report", "json=/dev/fd/77"], "there is no such device"),
        (["--report", "json=x", "--report", "junit=./x"], "--report junit=./x: another report goes there, too"),
        (["--report", "json=" + "x" * 300], os.strerror(errno.ENAMETOOLONG)),
        (["--report", "json=a\0b"], "no file can be called so"),
    ],
)
def test_a_place_that_cannot_be_is_told_before_anything_is_asked(
    arguments: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from rtdiag.cli import main

    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["run", *QUICK, *arguments])
    assert done.exit_code == 2
    assert line in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("columns", [60, 80])
def test_a_terminal_is_written_to_in_its_width_and_a_file_is_a_log(columns: int, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    environment.pop("COLUMNS", None)
    target = tmp_path / "table"
    command = [sys.executable, "-m", "rtdiag", "run", *QUICK, "--report", f"table={target}"]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how the other end is told that it was closed
            while part := os.read(ours, 65536):
                shown += part
    os.close(ours)
    assert process.returncode == 0
    lines = shown.decode().splitlines()
    assert max(map(len, lines)) <= columns
    (place,) = [number for number, line in enumerate(lines) if line.startswith("✓ all is well: ")]
    assert place > len(lines) - 4, "the verdict is last"
    log = target.read_text(encoding="utf-8").splitlines()
    assert log[0].startswith("✓ all is well: ")
    assert max(map(len, log)) > columns


def test_a_full_disk_costs_that_report_alone_and_is_told(tmp_path: Path) -> None:
    done = rtdiag("run", *QUICK, "--report", "json=/dev/full", "--report", f"junit={tmp_path / 'j'}")
    assert done.returncode == 4, "the run was well, and its report is not there"
    assert f"rtdiag: /dev/full: {os.strerror(errno.ENOSPC)}; this report is not written\n" in done.stderr
    assert "all is well" in done.stdout
    assert (tmp_path / "j").exists()


def test_a_disk_that_fills_up_meanwhile_leaves_what_was_there_before(tmp_path: Path) -> None:
    """The limit is on the size of files, which is as if the disk had no more room."""
    target = tmp_path / "r.json"
    target.write_text("before", encoding="utf-8")

    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (2000, 2000))
    process = Forked(("run", *QUICK, "--report", f"json={target}"), first=limit)
    out, error = process.communicate()
    assert process.returncode == 4
    assert f"rtdiag: {target}: {os.strerror(errno.EFBIG)}; this report is not written\n" in error
    assert target.read_text(encoding="utf-8") == "before"
    assert {path.name for path in tmp_path.iterdir()} == {target.name, f"{target.name}.journal.ndjson"}
    assert f"r.json.journal.ndjson: {os.strerror(errno.EFBIG)}; no journal is kept\n" in error
    assert "all is well" in out


def test_a_failed_run_keeps_its_exit_code_when_a_report_cannot_be_written() -> None:
    done = rtdiag("run", *QUICK, "--fault", "key-revoked", "--report", "json=/dev/full")
    assert done.returncode == 1


def test_standard_output_that_is_full_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rtdiag", "run", *QUICK, "-o", "ndjson", "--report", f"json={tmp_path / 'r'}"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 4
    assert done.stderr.count(f"standard output: {os.strerror(errno.ENOSPC)}") == 1
    assert json.loads((tmp_path / "r").read_text(encoding="utf-8"))["exit_code"] == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_is_closed_is_nobody_to_write_to(closed: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m rtdiag run {' '.join(QUICK)} -o json --report json={tmp_path / 'r'} {closed}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert json.loads((tmp_path / "r").read_text(encoding="utf-8"))["overall"] == "pass"
    assert bool(done.stdout) is (closed == "2>&-")
    assert "broke" not in done.stderr


@pytest.mark.parametrize("nobody", ["2>/dev/full", "2>&1 >/dev/null | true"])
def test_standard_error_that_nobody_reads_costs_no_report(nobody: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m rtdiag run {' '.join(QUICK)} --report json={tmp_path / 'r'} {nobody}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert json.loads((tmp_path / "r").read_text(encoding="utf-8"))["overall"] == "pass"


def test_a_terminal_that_is_closed_meanwhile_costs_no_report(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rtdiag", "run", "--emulator", "--report", f"json={tmp_path / 'r'}"]
    environment = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment, start_new_session=True)
    os.close(theirs)
    assert os.read(ours, 100)
    os.close(ours)
    process.communicate(timeout=60)
    assert json.loads((tmp_path / "r").read_text(encoding="utf-8"))["exchanges"] is not None


def test_a_report_for_a_stream_goes_there_and_destroys_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n", encoding="utf-8")
    base = f"{sys.executable} -m rtdiag run {' '.join(QUICK)} -o short"
    for lines in (f"{base} --report json=/dev/stdout >> {log}", f"{base} --report json=/dev/stdout | cat >> {log}",
                  f"{base} --report json=>(cat >> {log}); wait", f"{base} --report ndjson=/dev/null >> {log}"):  # fmt: skip
        done = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("not written")) == (0, 0), (lines, done.stderr)
    text = log.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.count('"schema_version": 1') == 3
    assert text.count("rtdiag: PASS") == 3 + ("rtdiag: PASS" in done.stdout)
    assert stat.S_IMODE(Path("/dev/null").stat().st_mode) == 0o666
    assert {path.name for path in tmp_path.iterdir()} == {"log"}


def test_lines_to_a_pipe_come_once_and_a_pipe_that_nobody_reads_is_told(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        holder = os.open(pipe, os.O_WRONLY)  # returns when the reader is there
        done = rtdiag("run", *QUICK, "--report", f"ndjson={pipe}")
        os.close(holder)
        lines, _ = reader.communicate(timeout=60)
    told = [json.loads(line)["type"] for line in lines.splitlines()]
    assert (done.returncode, told) == (0, ["start", *["check"] * (len(told) - 2), "end"])
    lonely = rtdiag("run", *QUICK, "--report", f"json={pipe}")
    assert (lonely.returncode, f"{os.strerror(errno.ENXIO)}; this report is not written" in lonely.stderr) == (4, True)


def test_a_file_in_a_folder_that_takes_no_other_is_written_in_place() -> None:
    """As of a single file that is mounted. Root may write anywhere, so the one who writes is somebody else."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "r").write_text("x" * 100, encoding="utf-8")
        (folder / "r").chmod(0o666)
        folder.chmod(0o555)
        code = "import os, sys; from rtdiag.cli.files import whole; os.getuid() or os.setuid(65534); whole(sys.argv[1], 'new')"
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder / "r")], capture_output=True, text=True, check=False
        )
        folder.chmod(0o755)
        assert (done.returncode, done.stderr) == (0, "")
        assert (folder / "r").read_text(encoding="utf-8") == "new"
        assert [path.name for path in folder.iterdir()] == ["r"]


def test_what_fails_on_the_way_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "r"
    target.write_text("old", encoding="utf-8")
    (tmp_path / f".rtdiag-{os.getpid()}.part").mkdir()
    with pytest.raises(IsADirectoryError):
        whole(str(target), "new")
    assert target.read_text(encoding="utf-8") == "old"


def test_every_option_has_the_variable_of_its_name() -> None:
    from rtdiag.cli import main

    for command in main.commands.values():
        for option in command.params:
            long = max(option.opts, key=len)
            if long.startswith("--") and long != "--help" and getattr(option, "allow_from_autoenv", False):
                read = option.envvar or f"RTDIAG_{(option.name or '').upper()}"
                expected = "RTDIAG_" + long[2:].replace("-", "_").upper()
                assert (read if isinstance(read, str) else read[0]) == expected, f"{command.name} {long}"


@pytest.mark.parametrize("name", ["RTDIAG_FAULT", "RTDIAG_FAULTS"])
@pytest.mark.parametrize("command", [("emulator",), ("run", "--emulator")])
def test_a_variable_breaks_the_emulator_by_its_old_name_too(command: tuple[str, ...], name: str) -> None:
    from click.testing import CliRunner

    from rtdiag.cli import main

    done = CliRunner(env={name: "key-revoked key-revokd"}).invoke(main, [*command, "--as-of", "1999-01-01"])
    assert (done.exit_code, done.stderr) == (2, "rtdiag: unknown fault 'key-revokd': did you mean key-revoked?\n")


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({"RTDIAG_TYPE": "transcription"}, "transcription"),
        ({"RTDIAG_KIND": "transcription"}, "transcription"),
        ({"RTDIAG_TYPE": "realtime", "RTDIAG_KIND": "transcription"}, "realtime"),
        ({"RTDIAG_TYPE": "both"}, "realtime"),
        ({}, "realtime"),
    ],
)
def test_a_variable_says_the_kind_of_a_session_by_its_old_name_too(
    variables: dict[str, str], kind: str, tmp_path: Path
) -> None:
    from click.testing import CliRunner

    from rtdiag.cli import main

    (tmp_path / "s.json").write_text('{"type": "realtime", "model": "gpt-realtime"}', encoding="utf-8")
    done = CliRunner(env=variables).invoke(main, ["explain", "key", "--session", str(tmp_path / "s.json")])
    assert done.exit_code == 0, done.stderr
    assert json.JSONDecoder().raw_decode(done.stdout)[0]["type"] == kind


def test_variables_ask_for_reports_too(tmp_path: Path) -> None:
    asked = {
        "RTDIAG_REPORT": f"json={tmp_path / 'a'} junit={tmp_path / 'b'}",
        "RTDIAG_OUTPUT": "short",
        "RTDIAG_TIMEOUT": "9",
    }
    done = rtdiag("run", *QUICK, **asked)
    assert done.stdout.startswith("rtdiag: PASS")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
    both = rtdiag("diff", str(tmp_path / "a"), str(tmp_path / "a"), **asked)
    assert (both.returncode, "nothing changed" in both.stdout) == (0, True)


def test_what_programs_read_is_utf8_whatever_the_terminal_is(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rtdiag", "run", "--emulator", "--only", "token.shape-realtime", "-o", "json"],
        capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False,
    )  # fmt: skip
    assert "ek_…" in done.stdout.decode("utf-8")


def test_a_link_is_followed_and_a_file_that_is_there_becomes_private(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "r.json", tmp_path / "link"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o644)
    link.symlink_to(target)
    assert rtdiag("run", *QUICK, "--report", f"json={link}").returncode == 0
    assert link.is_symlink()
    assert json.loads(target.read_text(encoding="utf-8"))["overall"] == "pass"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"elsewhere", "link"}


def test_a_format_that_breaks_costs_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rtdiag.report import junit

    report = run_on_emulator(only=["key"])

    def breaks(_: object) -> str:
        raise RuntimeError("sk-proj-FAKE0000000000000000000000000000")

    monkeypatch.setattr(junit, "render", breaks)
    files = (("junit", str(tmp_path / "j")), ("json", str(tmp_path / "r")))
    assert Outputs("short", files, {}).give(report) == 4
    said = capsys.readouterr()
    assert "the format junit broke (RuntimeError in test_outputs.py, line" in said.err
    assert "sk-proj" not in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    assert said.out.startswith("rtdiag: PASS")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "not a report of rtdiag"),
        ("{", "not a report of rtdiag: line 1: the JSON ends too early: is the file whole?"),
        ("{]", "not a report of rtdiag: line 1: no JSON from column 2 on"),
        ("a: [", "not a report of rtdiag: no JSON, no YAML (line 2: the YAML ends too early"),
        ("{}", "not a report of rtdiag: make one by `rtdiag run -o json`"),
        ("interactions: []\nversion: 1\n", "a cassette without rtdiag's part"),
        (
            "interactions: []\nrtdiag: {exchanges: [{interaction: 3}]}\n",
            "not a whole cassette of rtdiag: an exchange lacks",
        ),
        ('{"type": "start"}\n', "not a report of rtdiag"),
        ("[" * 100_000, "not a report of rtdiag"),
        ('{"target": {}, "exchanges": [], "started_at": "soon"}', "not a whole report of rtdiag"),
        ("\x00\xff", "it is binary: give text, in UTF-8"),
        ("- " * 200_000, "not a report of rtdiag"),
        ("a: &a [x]\nb: *a\n", "not a report of rtdiag"),
        ('{"target": {}, "exchanges": [], "started_at": NaN}', "not a report of rtdiag: NaN is no JSON"),
    ],
)
@pytest.mark.parametrize("command", ["replay", "diff"])
def test_what_is_no_report_is_one_clear_line(command: str, text: str, line: str, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from rtdiag.cli import main

    given = tmp_path / "given"
    given.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, [command, *[str(given)] * (2 if command == "diff" else 1)])
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith(f"rtdiag: {given}: {line}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "1" + "0" * 400, "true", '"fast"', "[1]"])
@pytest.mark.parametrize("place", ["at_ms", "timing_ms"])
def test_a_number_that_is_none_is_refused_in_one_line(number: str, place: str, everything: Path) -> None:
    told = f'{{"wait": {number}}}' if place == "timing_ms" else number
    parsed = json.loads((everything / "json").read_text(encoding="utf-8"))
    parsed["exchanges"][0][place] = "HERE"
    with pytest.raises(ValueError, match=r"^not a (whole )?report of rtdiag: [^\n]{1,200}$"):
        reading.report_in(json.dumps(parsed).replace('"HERE"', told))


def test_a_file_that_is_not_there_is_one_clear_line() -> None:
    done = rtdiag("replay", "/nowhere/r.json")
    assert (done.returncode, done.stderr) == (2, f"rtdiag: /nowhere/r.json: {os.strerror(errno.ENOENT)}\n")
