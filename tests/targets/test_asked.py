"""`--target`, `--all`, `--header` and `rtdiag init`: what wins over what, what does not go together, and what is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from rtdiag.cli import main
from rtdiag.recorded import report_in
from rtdiag.report import FORMATS, side_by_side
from tests.secrets.server import Asked, response, serving

KEY = "sk-proj-FAKE0000000000000000000000000000abcd"
TARGETS = """
targets:
  well: {emulator: true, only: [key]}
  revoked: {emulator: true, only: [key], faults: [key-revoked]}
  azure: {emulator: true, only: [key], profile: azure, as_of: 2026-06-01}
  borne:
    emulator: true
    only: [key]
    faults: [key-revoked]
    ignore: [{case: key.accepted, reason: the sandbox has no key, until: 2999-12-31}]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rtdiag.yaml").write_text(TARGETS, encoding="utf-8")
    return tmp_path


def called(*args: str, **environment: str) -> Result:
    done = CliRunner().invoke(
        main, args, env={"OPENAI_API_KEY": None, "COLUMNS": "80", **environment}, prog_name="rtdiag"
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done


@pytest.mark.parametrize(
    ("args", "environment", "line"),
    [
        (["--target", "azur"], {}, "rtdiag.yaml has no target 'azur': did you mean azure?"),
        (["--target", ""], {"OPENAI_API_KEY": KEY}, "--target names none: is the variable that it comes from set?"),
        (["--target", "well", "--all"], {}, "--all asks every target, --target one: leave one of the two out"),
        (["--all"], {"RTDIAG_TARGET": "well"}, "--all asks every target, RTDIAG_TARGET one: leave one of the two out"),
        (["--target", "well", "--emulator"], {}, "--emulator is no part of --target: a target with `emulator: true`"),
        (["--all"], {"RTDIAG_EMULATOR": "1"}, "RTDIAG_EMULATOR is no part of --all: a target with `emulator: true`"),
        (["--all", "--record", "x.yaml"], {}, "--record is for one run: name that by --target"),
        (["--all", "--key-file", "x"], {}, "--key-file is for one run: name that by --target"),
        (["--all", "--session", "x"], {}, "--session is for one run: name that by --target"),
        (["--all", "--base-url", "http://h/v1"], {}, "--base-url is for one run: name that by --target"),
        ([], {"RTDIAG_ALL": "1", "RTDIAG_BASE_URL": "http://h/v1"}, "RTDIAG_BASE_URL is for one run: name that by --target"),
        (["--all"], {"RTDIAG_TOKEN": "ek_FAKE"}, "RTDIAG_TOKEN is a token of one server: unset it for --all"),
        (["--config", "rtdiag.yaml"], {}, "--config names a file of targets: add --target NAME, or --all"),
        (["--config", "nowhere.yaml", "--all"], {}, "nowhere.yaml: No such file or directory"),
        (["--all"], {"RTDIAG_CONFIG": "nowhere.yaml"}, "nowhere.yaml: No such file or directory"),
        (["--target", "well", "--base-url", "http://h/v1"], {}, "target well of rtdiag.yaml: --emulator brings its own server"),
        (["--target", "well", "--only", "kee"], {}, "target well of rtdiag.yaml: no check or case is called 'kee'"),
        (["--target", "well", "--profile", "azur"], {}, "target well of rtdiag.yaml: unknown profile 'azur': did you mean azure?"),
        (["--all", "--report", "json=nowhere/x.json"], {}, "--report json=nowhere/x.json: there is no folder"),
        (["--emulator", "--profile", "azur"], {}, "unknown profile 'azur': did you mean azure?"),
        (["--profile", "opena"], {"OPENAI_API_KEY": KEY}, "no server is called 'opena': did you mean openai?"),
        (["--emulator", "--header", "x-a=ENV:NOT_SET"], {}, "the variable NOT_SET, where the header x-a is to come from"),
        (["--emulator", "--header", "x-a"], {}, "--header takes NAME=ENV:VARIABLE"),
        (["--emulator", "--header", "x-a=MY_TEAM"], {}, "--header x-a: ******* is taken for the value itself"),
        (["--emulator", "--header", f"x-a={KEY}"], {}, "--header x-a: sk-proj-********************************abcd is taken for"),
        (["--emulator", "--header", f"x-a=ENV:{KEY}"], {}, "--header x-a: no variable's name: "),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_one_line(args: list[str], environment: dict[str, str], line: str) -> None:
    done = called("run", *args, **environment)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"rtdiag: {line}")
    assert done.stderr.count("\n") == 1
    assert KEY not in done.stderr


def test_without_a_file_it_is_said_how_to_make_one(folder: Path) -> None:
    (folder / "rtdiag.yaml").unlink()
    told = "rtdiag: there is no rtdiag.yaml here or above, and no [tool.rtdiag] in a pyproject.toml: `rtdiag init` writes one\n"
    assert called("run", "--all").stderr == told


@pytest.fixture
def server() -> Iterator[tuple[int, list[Asked]]]:
    asked = list[Asked]()

    def answer(one: Asked) -> bytes:
        asked.extend([one] if one.line else [])  # a way that is measured is opened, and nothing sent
        return response(
            "401 Unauthorized", [("content-type", "application/json")], b'{"error": {"code": "invalid_api_key"}}'
        )

    with serving(answer) as port:
        yield port, asked


def one(port: int, fields: str) -> None:
    Path("rtdiag.yaml").write_text(
        f"targets: {{one: {{base_url: 'http://127.0.0.1:{port}/v1', only: [key], {fields}}}}}\n", "utf-8"
    )


def test_a_target_says_what_is_asked(server: tuple[int, list[Asked]]) -> None:
    port, asked = server
    one(port, "key: MY_KEY, headers: {x-team: MY_TEAM}, timeout: 3, model: mine")
    done = called(
        "run",
        "--target",
        "one",
        "-o",
        "json",
        MY_KEY=KEY,
        MY_TEAM="a-team-1",
        OPENAI_API_KEY="another",
        OPENAI_ORG_ID="o",
    )
    report = report_in(done.stdout)
    assert (report.target.name, report.target.model, report.credential.source) == ("one", "mine", "MY_KEY")
    assert {each.header("x-team") for each in asked} == {"a-team-1"}
    assert any(each.header("authorization") == f"Bearer {KEY}" for each in asked)
    assert not any("another" in each.headers or each.header("openai-organization") for each in asked)
    assert not any(secret in done.stdout + done.stderr for secret in ("a-team-1", KEY))


def test_a_key_lies_in_a_file_beside_the_targets(
    server: tuple[int, list[Asked]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = server
    one(port, "key: 'file:my.key'")
    Path("my.key").write_text(f"{KEY}\n", encoding="utf-8")
    Path("below").mkdir()
    monkeypatch.chdir("below")
    done = called("run", "--target", "one", "-o", "json")
    assert report_in(done.stdout).credential.kind == "api-key"
    assert any(each.header("authorization") == f"Bearer {KEY}" for each in asked)


def test_a_key_that_is_not_set_is_one_line(server: tuple[int, list[Asked]]) -> None:
    one(server[0], "key: MY_KEY")
    done = called("run", "--target", "one")
    told = "rtdiag: target one of rtdiag.yaml: the variable MY_KEY, where the key is to lie, is not set: set it\n"
    assert (done.exit_code, done.stderr) == (2, told)


def test_options_win_and_say_so(server: tuple[int, list[Asked]]) -> None:
    port, asked = server
    one(port, "key: MY_KEY, headers: {X-Team: MY_TEAM, x-else: MY_TEAM}, model: mine, transcription_model: theirs")
    Path("other.key").write_text(f"{KEY}\n", encoding="utf-8")
    given = [
        "--key-file",
        "other.key",
        "--header",
        "x-team=ENV:OTHER",
        "--only",
        "key",
        "--transcription-model",
        "theirs",
    ]
    done = called("run", "--target", "one", *given, "-o", "json", MY_TEAM="a", OTHER="b", RTDIAG_MODEL="other")
    told = "Target one of rtdiag.yaml: RTDIAG_MODEL and --key-file and --header in place of its own."
    assert done.stderr.splitlines()[0] == told, "and not what is alike"
    assert report_in(done.stdout).target.model == "other"
    assert {(each.header("x-team"), each.header("x-else")) for each in asked} == {("b", "a")}
    assert any(each.header("authorization") == f"Bearer {KEY}" for each in asked)


def test_nothing_is_read_where_no_target_is_asked_for() -> None:
    Path("rtdiag.yaml").write_text("no: targets\n", encoding="utf-8")
    assert called("run", "--emulator", "--only", "key").exit_code == 0


def test_a_header_goes_along_with_a_run_without_targets() -> None:
    done = called(
        "run", "--emulator", "--only", "key", "-o", "json", RTDIAG_HEADER="x-own=ENV:MY_OWN", MY_OWN="value-of-mine-1"
    )
    sent = [dict(x.request_headers).get("x-own") for x in report_in(done.stdout).exchanges]
    assert sent
    assert set(sent) == {"*" * len("value-of-mine-1")}


def test_the_emulator_plays_whom_it_is_told_to() -> None:
    done = called("run", "--emulator", "--profile", "azure", "--only", "key")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].startswith("EMULATOR (as of ")
    assert ", profile azure): nothing here was asked of the live API" in done.stdout


def test_all_of_them_are_one_screen() -> None:
    done = called("run", "--all")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert len(lines) <= 24, "at a glance"
    assert lines[0].startswith("EMULATOR (as of ")
    assert lines[0].endswith(", 2026-06-01): nothing here was asked of a live API")
    assert lines[-1] == lines[0]
    for cells in (
        "well revoked azure borne",
        "asked emulator emulator emulator azure emulator",
        "network ✓ ✓ ✓ ✓",
        "key ✓ ✗ 1 ✓ ✓",
        "✓ pass, ✗ fail, i info; in so many cases",
        "ignored until 2999-12-31: the sandbox has no key (key.accepted: fail)",
        "✗ 4 targets: 1 fail, 3 pass (exit 1)",
    ):
        assert cells in [" ".join(line.split()) for line in lines]
    starts = (
        "✓ well: PASS all is well: ",
        "✗ revoked: FAIL key-wrong-or-revoked (high): 1 fail, ",
        "    -> ",
        "✓ borne: PASS ",
    )
    assert all(any(line.startswith(start) for line in lines) for start in starts)
    order = [line for line in done.stderr.splitlines() if line.startswith("Target")]
    assert order == ["Target well:", "Target revoked:", "Target azure:", "Target borne:"]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_screen_fits_a_terminal(width: int, encoding: str) -> None:
    whole = json.loads(called("run", "--all", "-o", "json").stdout)
    reports = [report_in(json.dumps(report)) for report in whole["reports"]]
    text = side_by_side.render(reports, "table", width=width, encoding=encoding)
    assert max(map(len, text.splitlines())) <= width
    assert text.count("\n    asked ") == (1 if width >= 80 else 2), "in two tables, where one is too wide"
    assert text.encode(encoding)
    verbose = side_by_side.render(reports, "table", width=width, encoding=encoding, verbose=True)
    assert verbose.endswith(text), "one reads the end first"
    assert verbose.count("\nasked ") == len(reports)


def test_every_format_has_all_of_them() -> None:
    files = {form: Path(f"all.{form}") for form in FORMATS}
    done = called(
        "run", "--all", "-o", "json", *(part for f, path in files.items() for part in ("--report", f"{f}={path}"))
    )
    assert done.exit_code == 1
    reports = json.loads(done.stdout)["reports"]
    assert [(one["target"]["name"], one["exit_code"]) for one in reports] == [
        ("well", 0),
        ("revoked", 1),
        ("azure", 0),
        ("borne", 0),
    ]
    for form, path in files.items():
        text = path.read_text(encoding="utf-8")
        assert all(name in text for name in ("well", "revoked", "azure", "borne")), form
    suites = ElementTree.fromstring(files["junit"].read_text(encoding="utf-8"))
    assert [suite.get("name") for suite in suites][:2] == ["well.network", "well.key"]
    assert (suites.get("failures"), int(suites.get("tests", "0"))) == (
        "1",
        sum(int(s.get("tests", "0")) for s in suites),
    )
    page = files["html"].read_text(encoding="utf-8")
    ids = [part.partition('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    assert all(f'"{link}"' in page or f'id="{link}"' in page for link in ("run-1", "run-4-checks"))


def test_what_holds_several_is_read_by_target() -> None:
    Path("all.json").write_text(called("run", "--all", "-o", "json").stdout, encoding="utf-8")
    Path("one.json").write_text(called("run", "--target", "well", "-o", "json").stdout, encoding="utf-8")
    names = "(well, revoked, azure, borne)"
    told = f"rtdiag: all.json: it holds the reports of several targets {names}: name one by --target, or give its report alone\n"
    assert [called("replay", "all.json").stderr, called("diff", "all.json", "one.json").stderr] == [told] * 2
    done = called("replay", "all.json", "--target", "revoked")
    assert done.exit_code == 1
    assert "asked revoked: http" in done.stdout
    assert called("replay", "all.json", "--target", "borne").exit_code == 0, "what is ignored stays so"
    assert called("diff", "one.json", "all.json", "--target", "well").exit_code == 0
    wrong = called("diff", "one.json", "all.json", "--target", "azure")
    assert wrong.stderr == "rtdiag: one.json: it is the report of the target 'well', not of 'azure'\n"
    unknown = called("replay", "all.json", "--target", "x")
    assert (
        unknown.stderr == "rtdiag: all.json: it holds no report of a target 'x', but of well, revoked, azure, borne\n"
    )
    assert "key-wrong-or-revoked" in called("explain", "all.json").stdout


def test_what_is_wrong_at_several_is_explained_of_each() -> None:
    called("run", "--all", "--report", "json=all.json")
    told = json.loads(called("explain", "all.json", "-o", "json").stdout)
    assert [(one["id"], [d["cause"] for d in one["diagnosis"]]) for one in told] == [
        ("well", []),
        ("revoked", ["key-wrong-or-revoked"]),
        ("azure", []),
        ("borne", []),
    ]


def test_the_lines_of_several_runs_are_no_one_report() -> None:
    Path("all.ndjson").write_text(called("run", "--all", "-o", "ndjson").stdout, encoding="utf-8")
    for command in ("replay", "explain"):
        assert "it holds the lines of several runs: give those of one" in called(command, "all.ndjson").stderr


@pytest.mark.parametrize(
    ("codes", "worst"), [((0, 3), 3), ((3, 4), 4), ((4, 1), 1), ((1, 2), 2), ((0, 130, 1), 130), ((0, 0), 0)]
)
def test_the_exit_code_is_the_worst(codes: tuple[int, ...], worst: int) -> None:
    class Ran:
        def __init__(self, code: int) -> None:
            self.exit_code = code

    assert side_by_side.exit_code([Ran(code) for code in codes]) == worst  # type: ignore[misc]


def test_init_writes_what_can_be_used_and_overwrites_nothing(folder: Path) -> None:
    (folder / "rtdiag.yaml").unlink()
    done = called("init")
    assert done.exit_code == 0
    first = (folder / "rtdiag.yaml").read_text(encoding="utf-8")
    assert first.splitlines()[0] == "# yaml-language-server: $schema=rtdiag.schema.json"
    assert (folder / "rtdiag.schema.json").read_text(encoding="utf-8") == called("init", "--schema").stdout
    assert called("run", "--target", "emulator", "--only", "key").exit_code == 0
    again = called("init")
    assert (again.exit_code, again.stderr) == (2, "rtdiag: rtdiag.yaml is there already, and is not overwritten\n")
    (folder / "rtdiag.yaml").unlink()
    (folder / "rtdiag.schema.json").write_text("mine", encoding="utf-8")
    assert called("init").exit_code == 0
    assert (folder / "rtdiag.schema.json").read_text(encoding="utf-8") == "mine"


def test_init_where_nothing_can_be_written_is_one_line(folder: Path) -> None:
    (folder / "rtdiag.yaml").unlink()
    (folder / "rtdiag.yaml").symlink_to(folder / "no" / "where")
    done = called("init")
    assert done.exit_code == 2
    assert done.stderr.startswith("rtdiag: rtdiag.yaml")
