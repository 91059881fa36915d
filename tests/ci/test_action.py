"""The action for GitHub: what it says of itself, and what its steps do on a runner's environment with the real rtdiag."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.ci.conftest import ROOT, Installed
from tests.ci.runner import Runner

FOLDER = ROOT / ".github" / "actions" / "rtdiag"
ACTION: dict[str, Any] = yaml.safe_load((FOLDER / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
SCRIPTS = sorted(FOLDER.glob("*.sh"))
REPORTS = {"rtdiag.json", "junit.xml", "rtdiag.md", "rtdiag.html"}
FAKE_KEY = "sk-proj-FAKE00000000000000000000000000000000ci01"

pytestmark = pytest.mark.xdist_group("ci")
Job = Callable[..., Runner]


def reports(job: Runner) -> dict[str, str]:
    folder = job.workspace / "rtdiag-report"
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_it_is_composite_and_puts_nothing_that_others_write_into_a_script() -> None:
    assert ACTION["runs"]["using"] == "composite"
    for step in STEPS:
        assert step["name"]
        if "run" in step:
            assert step["shell"] == "bash"
            assert "${{" not in step["run"]
        else:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


def test_every_input_is_used_and_explained() -> None:
    used = re.findall(r"inputs\.([\w-]+)", yaml.safe_dump(STEPS))
    assert set(used) == set(ACTION["inputs"])
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, told in {**ACTION["inputs"], **ACTION["outputs"]}.items():
        assert told["description"]
        assert f"| `{name}` |" in readme


def test_the_key_goes_to_one_step_as_a_variable_and_nowhere_else() -> None:
    (step,) = [step for step in STEPS if "inputs.api-key" in yaml.safe_dump(step)]
    assert [value for value in step["env"].values() if "api-key" in value] == ["${{ inputs.api-key }}"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.name))
def test_a_script_is_executable_and_strict(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert "\nset -euo pipefail\n" in text
    assert "${{" not in text
    subprocess.run(["bash", "-n", script], check=True)


def test_every_script_that_is_named_is_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in FOLDER.rglob("*") if path.suffix in (".yml", ".md")]
    named = {name for text in texts for name in re.findall(r"([\w-]+\.sh)\b", text)}
    assert named == {script.name for script in SCRIPTS}


def test_installing_puts_one_command_on_the_path_and_is_done_once(installed: Installed, job: Job) -> None:
    assert [path.name for path in (installed.temp / "rtdiag" / "bin").iterdir()] == ["rtdiag"]
    before = (installed.temp / "rtdiag" / "venv" / "pyvenv.cfg").stat().st_mtime_ns
    again = job()
    step = {"name": "install", "run": f"{installed.action.parent}/install.sh"}
    again.steps([step, {"name": "use", "run": "command -v rtdiag"}], {})
    assert again.codes == {"install": 0, "use": 0}, again.log
    assert again.log.splitlines()[-1] == f"{installed.temp}/rtdiag/bin/rtdiag"
    assert (installed.temp / "rtdiag" / "venv" / "pyvenv.cfg").stat().st_mtime_ns == before


def test_a_python_that_is_too_old_is_named(job: Job) -> None:
    old = job(RTDIAG_PYTHON="false")  # a program that fails, as an old Python does when asked whether it will do
    old.steps([{"name": "install", "run": f"{FOLDER}/install.sh"}], {})
    assert old.codes == {"install": 2}
    assert "needs Python 3.11 or newer" in old.log


def test_a_healthy_api_passes_and_leaves_its_reports(installed: Installed, job: Job) -> None:
    done = job()
    outputs = done.action(installed.action, emulator="true", args="--only endpoint")
    assert set(done.codes.values()) == {0}, done.log
    assert outputs == {"exit-code": "0", "verdict": ""}
    assert re.search(r"^::notice ", done.log, re.MULTILINE)
    assert not re.search(r"^::error ", done.log, re.MULTILINE)
    assert "EMULATOR" in done.summary
    found = reports(done)
    assert found.keys() == REPORTS
    assert json.loads(found["rtdiag.json"])["overall"] == "pass"
    assert len(list(ElementTree.fromstring(found["junit.xml"]).iter("testcase"))) > 10
    assert done.used == [("actions/upload-artifact@v4", {"name": "rtdiag-report", "path": "rtdiag-report"})]


def test_a_revoked_key_fails_the_job_after_the_reports_were_kept(installed: Installed, job: Job) -> None:
    done = job()
    (done.workspace / "json.py").write_text("raise SystemExit('the project is not asked')", encoding="utf-8")
    outputs = done.action(installed.action, emulator="true", fault="key-revoked")
    assert done.codes == {"Install rtdiag": 0, "Run rtdiag": 0, "End as rtdiag ended": 1}
    assert [step["name"] for step in STEPS][-2:] == ["Keep the reports", "End as rtdiag ended"]
    assert outputs == {"exit-code": "1", "verdict": "key-wrong-or-revoked"}
    assert re.search(r"^::error title=.*key-wrong-or-revoked", done.log, re.MULTILINE)
    assert "key-wrong-or-revoked" in done.summary
    found = reports(done)
    assert found.keys() == REPORTS
    assert all("key-wrong-or-revoked" in text for text in found.values())
    assert [used for used, _ in done.used] == ["actions/upload-artifact@v4"]


def test_the_inputs_arrive(installed: Installed, job: Job) -> None:
    done = job()
    (done.workspace / "key.contents").touch()  # no file name for the pattern below
    outputs = done.action(
        installed.action, emulator="true", as_of="2025-09-01", fault="key-revoked key-missing-scope", fail_on="never",
        args="--only key\n--skip key.cont*", report_dir="out/here",
    )  # fmt: skip
    assert outputs["exit-code"] == "0", done.log
    report = json.loads((done.workspace / "out" / "here" / "rtdiag.json").read_text(encoding="utf-8"))
    assert report["target"]["emulator"] == {"as_of": "2025-09-01", "faults": ["key-revoked", "key-missing-scope"]}
    status = {case["id"]: case["status"] for check in report["checks"] for case in check["cases"]}
    assert (status["key.accepted"], status["key.control"]) == ("fail", "skip")
    assert done.used[0][1]["path"] == "out/here"


@pytest.mark.parametrize(
    "inputs",
    [{"emulator": "yes"}, {"emulator": "true", "args": '--only key; touch pwned "$(touch pwned)" `touch pwned`'}],
    ids=["no-boolean", "shell-in-args"],
)
def test_what_makes_no_sense_ends_with_2_and_runs_nothing(
    installed: Installed, job: Job, inputs: dict[str, str]
) -> None:
    done = job()
    (done.workspace / "rtdiag-report").mkdir()
    (done.workspace / "rtdiag-report" / "junit.xml").write_text("of an earlier run", encoding="utf-8")
    assert done.action(installed.action, **inputs) == {"exit-code": "2", "verdict": ""}
    assert done.codes["End as rtdiag ended"] == 2
    assert reports(done) == {}
    assert [path.name for path in done.workspace.iterdir()] == ["rtdiag-report"]


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """An API that answers every request so; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_OPTIONS = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the tests tell what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def command_lines() -> str:
    """What `ps` shows of every process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it has ended
            continue
    return "\n".join(found)


def test_the_key_is_asked_with_and_shown_nowhere(installed: Installed, job: Job) -> None:
    seen: list[tuple[str, str]] = []

    def refuse(request: BaseHTTPRequestHandler) -> None:
        seen.append((request.headers.get("Authorization", ""), command_lines()))
        told = {"message": f"Incorrect API key provided: {FAKE_KEY}.", "code": "invalid_api_key"}
        body = json.dumps({"error": told}).encode()
        request.send_response(401)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    with serving(refuse) as base_url:
        done = job(OPENAI_BASE_URL=base_url)
        outputs = done.action(installed.action, api_key=FAKE_KEY, args="--only key")
    assert outputs["exit-code"] == "1", done.log
    assert f"Bearer {FAKE_KEY}" in {authorization for authorization, _ in seen}
    assert all("rtdiag run --output github" in running for _, running in seen)
    assert not any(FAKE_KEY in running for _, running in seen)
    left = [path for path in [*done.workspace.rglob("*"), *done.files.iterdir()] if path.is_file()]
    assert reports(done).keys() == REPORTS
    assert not [path for path in left if FAKE_KEY.encode() in path.read_bytes()]
    assert FAKE_KEY not in done.log + str(outputs) + str(done.used)


def test_a_cancelled_job_still_reports_and_its_own_key_was_asked_with(installed: Installed, job: Job) -> None:
    asked, over, seen = threading.Event(), threading.Event(), list[str]()

    def hold(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.headers.get("Authorization", ""))
        asked.set()
        over.wait(60)

    def cancel(process: subprocess.Popen[bytes]) -> None:
        assert asked.wait(60)
        process.send_signal(signal.SIGINT)  # the one process that a runner signals

    with serving(hold) as base_url:
        done = job({"Run rtdiag": cancel}, OPENAI_BASE_URL=base_url, OPENAI_API_KEY=FAKE_KEY)
        outputs = done.action(installed.action, args="--only key.accepted --skip network")
        over.set()
    assert seen == [f"Bearer {FAKE_KEY}"]
    assert outputs["exit-code"] == "130", done.log
    assert done.codes["End as rtdiag ended"] == 130
    assert json.loads(reports(done)["rtdiag.json"])["interrupted"] is True
    assert [used for used, _ in done.used] == ["actions/upload-artifact@v4"]
