"""The emulator as a person starts it: its lists, its banner, and what it warns of."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from rtdiag.api.models import all_models
from rtdiag.emulator import Emulator, load_faults
from rtdiag.emulator.listings import faults_text, timeline_text
from rtdiag.emulator.timeline import timeline

RTDIAG = (sys.executable, "-m", "rtdiag")
IN_A_NAMESPACE = ("unshare", "-Urn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RTDIAG, "emulator", *arguments], capture_output=True, text=True, check=False, timeout=60)


class Served:
    """`rtdiag emulator` while it runs: its banner as a mapping, then, once it has ended, its errors and exit code."""

    def __init__(self, *arguments: str, before: Sequence[str] = ()) -> None:
        command = [*before, *RTDIAG, "emulator", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.banner: dict[str, str] = {}
        assert self.process.stdout is not None
        for line in iter(self.process.stdout.readline, ""):
            name, _, value = line.strip().partition(": " if line.startswith("control") else "=")
            self.banner[name] = value
            if name == "OPENAI_API_KEY":
                break

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[str, int]:
        """Its standard error and exit code after that signal."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        return errors, self.process.returncode


def namespaces_are_permitted() -> bool:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run([*IN_A_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


in_a_namespace = pytest.mark.skipif(not namespaces_are_permitted(), reason="unshare -Urn with ip is not permitted here")


def test_the_timeline_is_whole_and_in_order() -> None:
    lines = timeline_text().splitlines()
    changes, sources = lines[::2], lines[1::2]
    days = [line[:10] for line in changes]
    assert days == sorted(days)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d  \S.*", line) for line in changes)
    assert all(re.fullmatch(r" {12}\S.*", line) for line in sources)
    for entry in timeline():
        assert f"{entry.date}  {entry.what}" in changes
    for model in all_models():
        assert not model.shutdown or f"{model.shutdown}  model {model.id} ends" in changes
    assert "2026-07-28  model gpt-live-transcribe" in changes
    assert not any(line.endswith("model whisper-1") for line in changes)  # older than the API itself


def test_every_fault_is_listed_with_who_sees_it() -> None:
    text = faults_text({"key.accepted"})
    lines = [line for line in text.splitlines() if line and not line.startswith("With --profile ")]
    listed = sorted(load_faults().values(), key=lambda fault: list(fault.profiles))
    for line, source, fault in zip(lines[::3], lines[2::3], listed, strict=True):
        assert line.split(maxsplit=1) == [fault.id, fault.story]
        assert source.strip() == fault.source
    assert "\n\nWith --profile litellm:\nlitellm-key-wrong " in text
    seen = dict(zip((fault.id for fault in listed), map(str.strip, lines[1::3]), strict=True))
    assert seen["key-revoked"] == "fail as key-wrong-or-revoked in key.accepted"
    assert seen["no-location"] == "awaits the check sdp"
    assert all(seen.values())


@pytest.mark.parametrize("option", ["--timeline", "--list-faults"])
def test_a_list_is_printed_and_nothing_is_served(option: str) -> None:
    done = ran(option)
    assert (done.returncode, done.stderr) == (0, "")
    if option == "--timeline":
        assert done.stdout == timeline_text()
    else:
        assert "fail as key-wrong-or-revoked in key.accepted" in done.stdout
        assert all(fault in done.stdout for fault in load_faults())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_served_until_it_is_told_to_end(number: signal.Signals) -> None:
    served = Served("--control-port", "0", "--fault", "no-location", "--as-of", "2026-01-01")
    key = served.banner["OPENAI_API_KEY"]
    models = httpx.get(
        served.banner["OPENAI_BASE_URL"] + "/models", headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
    faults = httpx.get(served.banner["control"], trust_env=False).json()
    assert served.end(number) == ("", 0)
    assert "gpt-4o-realtime-preview" in {model["id"] for model in models.json()["data"]}
    assert faults["on"] == ["no-location"]
    assert "EMULATOR (as of 2026-01-01, faults: no-location)" in served.banner


def test_what_it_prints_says_whose_server_it_plays() -> None:
    assert Emulator(profile="openai").banner.splitlines()[0] == "EMULATOR (as of 2026-11-13)"
    assert Emulator(profile="litellm").banner.splitlines()[0] == "EMULATOR (as of 2026-11-13, profile litellm)"


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False), ("localhost", False)])
def test_who_listens_beyond_loopback_is_warned(host: str, warned: bool) -> None:
    served = Served("--host", host)
    answer = httpx.get(served.banner["OPENAI_BASE_URL"] + "/models", trust_env=False)
    errors, code = served.end()
    assert (answer.status_code, code) == (401, 0)
    wanted = f"rtdiag: the emulator listens on {host}: other machines can reach it, and its key is no secret\n"
    assert errors == (wanted if warned else "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--host", "192.0.2.1"), "--host 192.0.2.1: "),
        (("--host", "no host"), "--host no host: "),
        (("--fault", "vad-refusd"), "did you mean vad-refused"),
        (("--as-of", "2024-09-30"), "the first date is 2024-10-01"),
        (("--port", "65536"), "65536"),
    ],
)
def test_what_cannot_be_served_is_told(arguments: tuple[str, ...], words: str) -> None:
    done = ran(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7/v1"),
        ("0.0.0.0", "http://127.0.0.1:7/v1"),
        ("::1", "http://[::1]:7/v1"),
        ("::", "http://[::1]:7/v1"),
    ],
)
def test_the_base_url_can_be_asked(host: str, url: str) -> None:
    emulator = Emulator(host=host, port=7)
    assert emulator.base_url == url
    assert emulator.ws_url == url.replace("http", "ws")


@in_a_namespace
def test_with_loopback_alone_it_warns() -> None:
    served = Served(before=IN_A_NAMESPACE)
    errors, code = served.end()
    assert code == 0
    assert errors.startswith("rtdiag: this machine has no address but loopback")
    assert errors.count("\n") == 1


_ALONE = """
import asyncio, json
from rtdiag.emulator import Emulator
from tests.emulator.clients import SESSIONS, bearer, ga_token, http, peer, wire

async def run():
    async with Emulator() as emulator, http(emulator) as client, peer() as made:
        token = await ga_token(client, emulator, SESSIONS["realtime"])
        async with wire(emulator, "", token) as socket:
            first = await socket.event()
        headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), "application/sdp")
        answer = await client.post("/realtime/calls", headers=headers, content=await made.offer())
        return {"warnings": emulator.warnings, "first": first["type"], "call": answer.status_code,
                "candidates": answer.text.count("a=candidate")}

print(json.dumps(asyncio.run(run())))
"""


@in_a_namespace
def test_with_loopback_alone_tokens_and_sockets_work() -> None:
    command = [*IN_A_NAMESPACE, sys.executable, "-W", "error", "-c", _ALONE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=dict(os.environ))
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen["first"] == "session.created"
    assert (seen["call"], seen["candidates"]) == (201, 0)
    (warning,) = seen["warnings"]
    assert "no WebRTC session opens" in warning
