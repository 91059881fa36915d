"""The workflows that a user copies: read as YAML, and their scripts run in bash against the real emulator."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rtdiag.emulator.background import running
from tests.ci.conftest import ROOT, Installed
from tests.ci.runner import Runner

FOLDER = ROOT / ".github" / "actions" / "rtdiag"
GITHUB: dict[Any, Any] = yaml.safe_load((FOLDER / "examples" / "github.yml").read_text(encoding="utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load((FOLDER / "examples" / "gitlab-ci.yml").read_text(encoding="utf-8"))
FIXED = "--port 8089"  # stands in the examples; here other tests may have it

MINTS = f"""#!{sys.executable}
import json, os
from urllib.request import Request, urlopen
told = {{"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "Content-Type": "application/json"}}
url = os.environ["OPENAI_BASE_URL"] + "/realtime/client_secrets"
print(json.load(urlopen(Request(url, b"{{}}", told), timeout=60))["value"][:3])
"""
FAILS = "#!/bin/sh\nexit 7\n"

pytestmark = pytest.mark.xdist_group("ci")
Job = Callable[..., Runner]


def your_tests(workspace: Path, text: str) -> None:
    script = workspace / "your-tests"
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)


def ended(pid: int) -> bool:
    """Waits for a process that is no child of this one."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 30)[0])
    finally:
        os.close(watched)


def test_githubs_pull_requests_have_no_secret_and_the_live_job_fits_the_action() -> None:
    client, live = GITHUB["jobs"]["client"], GITHUB["jobs"]["live"]
    assert set(GITHUB[True]) == {"pull_request", "schedule", "workflow_dispatch"}  # YAML reads `on` as true
    assert GITHUB["permissions"] == {"contents": "read"}
    assert client["if"] == "github.event_name == 'pull_request'"
    assert "secrets." not in yaml.safe_dump(client)
    assert live["if"] == "github.event_name != 'pull_request'"
    (step,) = live["steps"]
    action = yaml.safe_load((FOLDER / "action.yml").read_text(encoding="utf-8"))
    assert step["uses"] == "OWNER/rtdiag/.github/actions/rtdiag@REF"
    assert step["with"].keys() <= action["inputs"].keys()
    assert "${{" not in "".join(step.get("run", "") for step in client["steps"])


@pytest.mark.parametrize(("text", "code"), [(MINTS, 0), (FAILS, 7)], ids=["passes", "fails"])
def test_githubs_job_runs_the_users_tests_against_the_emulator(
    installed: Installed, job: Job, text: str, code: int
) -> None:
    done = job(RTDIAG_INSTALL=str(installed.checkout))
    your_tests(done.workspace, text)
    (done.workspace / ".rtdiag").symlink_to(installed.checkout)
    steps = GITHUB["jobs"]["client"]["steps"]
    assert sum(FIXED in step.get("run", "") for step in steps) == 1
    done.steps([{**s, "run": s["run"].replace(FIXED, "--port 0")} if "run" in s else s for s in steps], {})
    assert list(done.codes.values()) == [0, 0, code, 0], done.log
    assert re.search(r"^OPENAI_BASE_URL=http://127.0.0.1:\d+/v1$", done.log, re.MULTILINE)
    assert ("ek_" in done.log.splitlines()) == (code == 0)
    assert ended(int(re.findall(r"^RTDIAG_EMULATOR_PID=(\d+)$", done.log, re.MULTILINE)[0]))


def test_an_emulator_that_does_not_start_stops_the_job_and_says_why(job: Job) -> None:
    done = job()
    start = {"name": "start", "run": f'PATH="$RUNNER_TEMP/rtdiag/bin:$PATH" {FOLDER}/emulator.sh --fault no-such-fault'}
    done.steps([start, {"name": "tests", "run": "./your-tests"}], {})
    assert done.codes == {"start": 2}
    assert "no-such-fault" in done.log
    assert "OPENAI_" not in done.log
    assert not (done.files / "GITHUB_ENV").exists()


@pytest.fixture
def gitlab(installed: Installed, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a job's lines in one shell, in an empty project, with rtdiag to be cloned from this machine."""
    source = tmp_path / "rtdiag.git"
    shutil.copytree(installed.checkout, source, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    quiet = ["git", "-C", str(source), "-c", "user.name=ci", "-c", "user.email=ci@example.invalid"]
    for command in (["init", "-q", "-b", "REF"], ["add", "."], ["commit", "-q", "-m", "copy"]):
        subprocess.run([*quiet, *command], check=True, env=installed.variables)
    project = tmp_path / "project"
    project.mkdir()

    def run(name: str, **variables: str) -> subprocess.CompletedProcess[str]:
        parent = GITLAB[GITLAB[name]["extends"]]
        script = "\n".join([*parent["before_script"], *GITLAB[name]["script"]])
        assert (FIXED in script) == (name == "client")
        given = GITLAB["variables"] | {"RTDIAG_REPOSITORY": source.as_uri()}
        # Where it is installed already is said, because GitLab has no RUNNER_TEMP and would install again.
        here = {"RTDIAG_INSTALL": str(installed.checkout), "RUNNER_TEMP": str(installed.temp)}
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script.replace(FIXED, "--port 0")],
            cwd=project, env=installed.variables | given | here | variables, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(("text", "code"), [(MINTS, 0), (FAILS, 7)], ids=["passes", "fails"])
def test_gitlabs_job_runs_the_users_tests_against_the_emulator(
    gitlab: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, text: str, code: int
) -> None:
    your_tests(tmp_path / "project", text)
    done = gitlab("client")
    assert done.returncode == code, done.stderr
    assert ("ek_" in done.stdout) == (code == 0)
    told = (tmp_path / "project" / "emulator.env").read_text(encoding="utf-8")
    assert ended(int(re.findall(r"^RTDIAG_EMULATOR_PID=(\d+)$", told, re.MULTILINE)[0]))


def test_gitlabs_live_job_fails_with_its_artifacts_written(
    gitlab: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    with running(faults=["key-revoked"]) as emulator:
        done = gitlab("live", OPENAI_BASE_URL=emulator.base_url, OPENAI_API_KEY=emulator.key)
    assert done.returncode == 1, done.stderr
    artifacts = GITLAB["live"]["artifacts"]
    assert artifacts["when"] == "always"
    assert artifacts["reports"]["junit"] in artifacts["paths"]
    for path in artifacts["paths"]:
        text = (tmp_path / "project" / path).read_text(encoding="utf-8")
        assert "key-wrong-or-revoked" in text
        assert emulator.key not in text
