"""The command line as a user meets it: a process, its exit code, its two streams, and what it never shows."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rtdiag.engine import plan, registry
from tests import speech
from tests.forked import rtdiag
from tests.ports import free_port

KEY = "sk-proj-FAKEcanary000000000000000000000000abcd"
TOKEN = "ek_canary0123456789abcdef01234567"
SCHEMA = json.loads(files("rtdiag.report").joinpath("schema.json").read_text(encoding="utf-8"))


def checked(text: str) -> dict[str, Any]:
    """A JSON report, held against its schema."""
    report: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    ids = {x["id"] for kind in ("exchanges", "events", "peers") for x in report[kind]}
    for case in (case for check in report["checks"] for case in check["cases"]):
        assert {*case["exchanges"], *case["events"], *case["peers"]} <= ids
    assert sum(report["summary"].values()) >= len(report["checks"])
    return report


@pytest.fixture
def closed_port() -> int:
    """A port of loopback where nothing listens."""
    return free_port()


@pytest.fixture
def web_page() -> Iterator[str]:
    """The base URL of a server that answers everything with a web page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!DOCTYPE html><title>Welcome to nginx!</title>"
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_green_run_on_the_emulator() -> None:
    done = rtdiag("run", "--emulator", "-o", "json", OPENAI_API_KEY=KEY)
    report = checked(done.stdout)
    assert done.returncode == report["exit_code"] == 0
    assert report["overall"] == "pass"
    assert report["summary"]["fail"] == report["summary"]["inconclusive"] == report["summary"]["error"] == 0
    assert [c["id"] for c in report["checks"]] == [name for name in registry.load(()).checks if name != "browser"]
    assert report["target"]["emulator"] == {"as_of": "2026-11-13", "faults": []}
    assert report["credential"]["source"] == "the emulator"
    cost = plan.make(registry.load(()).checks.values(), skip=["vad-effect"]).cost
    counted = f"{cost.requests} requests, {cost.tokens_minted} tokens, {cost.sessions_opened} sessions"
    assert done.stderr == f"rtdiag asks about {counted}, no audio, within 120 s.\n"
    assert KEY not in done.stdout


def test_a_red_run_writes_the_same_report_to_files_too(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    done = rtdiag(
        "run",
        "--emulator",
        "--fault",
        "key-revoked",
        "--report",
        f"json={target}",
        "--report",
        f"table={tmp_path / 'table'}",
    )
    report = checked(target.read_text(encoding="utf-8"))
    assert done.returncode == report["exit_code"] == 1
    assert report["diagnosis"][0]["cause"] == "key-wrong-or-revoked"
    assert '"code": "invalid_api_key"' in done.stdout
    assert (tmp_path / "table").read_text(encoding="utf-8") == done.stdout
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "cost"),
    [
        (
            ["--emulator", "--only", "vad-effect"],
            "It sends about 100 s of audio, which costs nothing on the emulator.\n",
        ),
        (
            ["--base-url", "http://127.0.0.1:9/v1", "--allow", "audio", "--only", "vad-effect"],
            "It sends about 100 s of audio and asks for no answers: transcribing it with gpt-transcribe costs about 0.007 USD",
        ),
    ],
)
def test_what_audio_costs_is_said_before_the_first_request(arguments: list[str], cost: str) -> None:
    fault = ["--fault", "key-revoked"] if "--emulator" in arguments else []
    done = rtdiag("run", *arguments, *fault, OPENAI_API_KEY=KEY)
    asks, said, *_ = done.stderr.splitlines(keepends=True)
    assert "100 s of audio, within 180 s" in asks
    assert said.startswith(cost)
    assert done.returncode != 0


def test_a_clip_that_nobody_hears_is_told(tmp_path: Path) -> None:
    speech.wav(tmp_path / "own.wav", speech.speech(2))
    done = rtdiag("run", "--emulator", "--only", "key.shape", "--audio", str(tmp_path / "own.wav"))
    assert "--audio is for vad-effect, which is not to run: name it, and add --allow audio\n" in done.stderr
    assert done.returncode == 0


def test_ones_own_clip_is_counted_too(tmp_path: Path) -> None:
    speech.wav(tmp_path / "own.wav", speech.speech(20))
    given = ["--audio", str(tmp_path / "own.wav"), "--fault", "key-revoked"]
    done = rtdiag("run", "--emulator", "--only", "vad-effect", *given)
    assert "asks about" in done.stderr
    assert "It sends about 166.6 s of audio" in done.stderr  # a clip of 30 s in place of 16.6, five times


@pytest.mark.parametrize("globs", [["vad*"], ["*"]])
def test_a_glob_sends_no_audio(globs: list[str]) -> None:
    done = rtdiag("run", "--emulator", "--fault", "key-revoked", *(f"--only={glob}" for glob in globs))
    assert "no audio, within 120 s.\n" in done.stderr
    assert "It sends" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "--emulator", "--audio", "/nowhere.wav"], "rtdiag: --audio /nowhere.wav: No such file or directory"),
        (["run"], "rtdiag: nothing to ask with: set OPENAI_API_KEY"),
        (["run", "--emulator", "--only", "nope"], "rtdiag: no check or case is called 'nope'"),
        (["run", "--emulator", "--only", "vad", "--skip", "*"], "rtdiag: nothing is selected"),
        (["run", "--emulator", "--as-of", "2020-01-01"], "rtdiag: nothing to emulate on 2020-01-01"),
        (
            ["run", "--emulator", "--fault", "key-revokd"],
            "rtdiag: unknown fault 'key-revokd': did you mean key-revoked",
        ),
        (
            ["run", "--emulator", "--report", "json=/nowhere/x.json"],
            "rtdiag: --report json=/nowhere/x.json: there is no folder",
        ),
        (["emulator", "--as-of", "1999-01-01"], "rtdiag: nothing to emulate on 1999-01-01"),
    ],
)
def test_usage_is_one_clear_line_and_exit_2(arguments: list[str], line: str) -> None:
    done = rtdiag(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_no_credential_names_the_three_ways() -> None:
    line = rtdiag("run").stderr
    assert all(way in line for way in ("OPENAI_API_KEY", "RTDIAG_TOKEN", "--emulator"))


def test_a_session_file_that_does_not_parse(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    path.write_text('{"type":\n oops}')
    done = rtdiag("run", "--emulator", "--session", str(path))
    wanted = "JSON takes double quotes alone, no comment, and no comma before a bracket"
    line = f"rtdiag: --session {path}: line 2: no JSON from column 2 on; {wanted}\n"
    assert (done.returncode, done.stderr) == (2, line)


def test_a_server_that_is_not_there_says_nothing_of_the_key(closed_port: int) -> None:
    done = rtdiag("run", "-o", "json", "--base-url", f"http://127.0.0.1:{closed_port}/v1", OPENAI_API_KEY=KEY)
    asks = done.stderr.splitlines()[0]
    assert asks.startswith("rtdiag asks at most ")
    assert asks.endswith("; less where less is offered.")
    report = checked(done.stdout)
    assert done.returncode == report["exit_code"] == 3
    assert [d["cause"] for d in report["diagnosis"]] == ["network-unreachable/refused"]
    assert report["exchanges"][0]["failure"]["kind"] == "refused"
    assert KEY not in done.stdout + done.stderr


def test_a_server_that_answers_a_web_page_is_inconclusive(web_page: str) -> None:
    done = rtdiag("run", "--base-url", web_page, OPENAI_API_KEY=KEY)
    assert done.returncode == 3
    assert "a web page came instead of the API's JSON" in " ".join(done.stdout.split())
    assert "Welcome to nginx!" in done.stdout


@pytest.mark.parametrize("key", [KEY, f"{KEY}\n", f'"{KEY}"', f"Bearer {KEY}", KEY.replace("FAKE", "FÄKE")])
def test_no_spelling_of_a_key_reaches_a_screen_or_a_report(key: str, web_page: str, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    done = rtdiag(
        "run", "-v", "--base-url", web_page, "--report", f"json={target}", OPENAI_API_KEY=key, RTDIAG_TOKEN=TOKEN
    )
    everything = done.stdout + done.stderr + target.read_text(encoding="utf-8")
    assert "canary" not in everything
    assert "Traceback" not in everything
    assert done.returncode in (1, 3)


def test_a_key_from_standard_input(web_page: str) -> None:
    done = rtdiag("run", "--base-url", web_page, "--key-file", "-", "-o", "json", given=f"{KEY}\n")
    assert checked(done.stdout)["credential"] == {
        "kind": "api-key", "source": "--key-file -", "masked": "sk-proj-" + "*" * (len(KEY) - 12) + KEY[-4:],
    }  # fmt: skip


def test_flags_have_variables() -> None:
    done = rtdiag("run", RTDIAG_EMULATOR="1", RTDIAG_ONLY="key.shape", RTDIAG_OUTPUT="json")
    assert [c["id"] for c in checked(done.stdout)["checks"]] == ["key", "speed"]


def test_list_names_every_check_and_what_it_costs() -> None:
    text = rtdiag("list", "-v").stdout
    assert "about 13 requests, 4 tokens, 3 sessions, no audio; needs key, server, token" in text
    assert "vad.update-transcription-semantic-vad-low" in text


def _until(descriptor: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        seen += os.read(descriptor, 4096)
    return seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_hangs_up_and_gives_its_partial_report(number: signal.Signals) -> None:
    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "rtdiag", "run", "--emulator", "--fault", "no-session-created", "-o", "json"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, start_new_session=True, text=True)
    os.close(terminal)
    assert b"\r\x1b[K" in _until(screen, b"waiting for created"), "a line on the terminal says what is asked now"
    running.send_signal(number)
    out, _ = running.communicate()
    os.close(screen)
    report = checked(out)
    assert running.returncode == report["exit_code"] == 130
    assert report["interrupted"]
    assert [c["status"] for c in report["checks"]][:3] == ["pass", "pass", "pass"]
    assert any(x["url"].endswith("/hangup") for x in report["exchanges"])
    assert report["left_open"] == []
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)


def test_the_emulator_serves_until_it_is_interrupted() -> None:
    command = [sys.executable, "-u", "-m", "rtdiag", "emulator", "--as-of", "2025-03-21"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        lines = [serving.stdout.readline().strip() for _ in range(3)]
        assert lines[0] == "EMULATOR (as of 2025-03-21)"
        given = dict(line.split("=", 1) for line in lines[1:])
        done = rtdiag("run", "-o", "json", "--only", "token", **given)
        serving.send_signal(signal.SIGINT)
        assert serving.wait() == 0
    report = checked(done.stdout)
    assert report["target"]["dialects"] == ["beta"]
    assert report["target"]["recognised_as"] == "emulator"


def test_a_reader_that_goes_away_is_no_crash() -> None:
    command = f"{sys.executable} -m rtdiag run --emulator --only key -o json | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "{"
    assert "Traceback" not in done.stderr
