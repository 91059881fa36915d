"""The requests to paste: they are what they look like, hold no key, survive odd values, and work on the emulator as printed."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rtdiag.api.endpoints import KINDS, Dialect, Kind
from rtdiag.emulator import Emulator
from rtdiag.model import CredentialShown, Report, WorkingRequests
from rtdiag.remedy import after_run
from rtdiag.remedy.requests import corrected
from rtdiag.testing import run_on_emulator
from tests.emulator.clients import WAIT_S, peer

DIALECTS: tuple[Dialect, ...] = ("ga", "beta")
BASE = "https://api.openai.com/v1"
MODELS = ("gpt-realtime", "gpt-4o-transcribe")
ODD = """it's "$(touch x)" `id` </script> \\ ; & é"""
PAIRS = [(kind, dialect) for kind in KINDS for dialect in DIALECTS]


def made(kind: Kind, dialect: Dialect, base_url: str = BASE, session: dict[str, Any] | None = None) -> WorkingRequests:
    return corrected(base_url, kind, dialect, *MODELS, session)


def curl_lines(of: WorkingRequests) -> list[str]:
    return [line for line in (of.mint, of.offer, of.unified) if line]


def without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def option(line: str, name: str) -> list[str]:
    words = shlex.split(without_comments(line))
    return [value for word, value in itertools.pairwise(words) if word == name]


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
@pytest.mark.parametrize("base_url", [BASE, f"https://host.test/{ODD}/v1"])
def test_every_curl_line_is_valid_shell_and_one_command(kind: Kind, dialect: Dialect, base_url: str) -> None:
    for line in curl_lines(made(kind, dialect, base_url)):
        subprocess.run(["bash", "-n", "-c", line], check=True, capture_output=True)
        words = shlex.split(without_comments(line))
        assert words[0] == "curl"
        assert {"-i", "--fail-with-body"} <= set(words)
        assert sum(word.startswith(base_url) for word in words) == 1
        assert "OPENAI_API_KEY" in line or "EPHEMERAL_TOKEN" in line
        assert not re.search(r"\b(sk-|ek_)", line)


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
def test_what_a_line_takes_from_elsewhere_stands_above_it(kind: Kind, dialect: Dialect) -> None:
    found = made(kind, dialect)
    for line in curl_lines(found):
        comments = [comment for comment in line.splitlines() if comment.startswith("#")]
        assert line.startswith("\n".join(comments))
        assert any("offer.sdp" in c and "script below logs" in c for c in comments) == ("offer.sdp" in line)
        assert not re.search("[\"'`();]", " ".join(comments)), "a shell that is typed into may take no comments"
    (token,) = (line for line in found.offer.splitlines() if line.startswith("# EPHEMERAL_TOKEN"))
    assert (" value " if dialect == "ga" else " client_secret.value ") in token
    assert "console.log(offer.sdp)" in found.page


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
def test_the_body_of_the_mint_is_json(kind: Kind, dialect: Dialect) -> None:
    session = {"instructions": ODD, "other": [1, None]}
    (body,) = option(made(kind, dialect, session=session).mint, "-d")
    assert json.loads(body) == ({"session": session} if dialect == "ga" else session)
    (smallest,) = option(made(kind, dialect).mint, "-d")
    assert (MODELS[0] if kind == "realtime" else MODELS[1]) in smallest


@pytest.mark.parametrize(
    ("kind", "dialect", "minted_at", "offered_to"),
    [
        ("realtime", "ga", "/realtime/client_secrets", "/realtime/calls"),
        ("transcription", "ga", "/realtime/client_secrets", "/realtime/calls"),
        ("realtime", "beta", "/realtime/sessions", "/realtime?model=gpt-realtime"),
        ("transcription", "beta", "/realtime/transcription_sessions", "/realtime?intent=transcription"),
    ],
)
def test_the_urls(kind: Kind, dialect: Dialect, minted_at: str, offered_to: str) -> None:
    found = made(kind, dialect, BASE + "/")
    assert BASE + minted_at in shlex.split(found.mint)
    assert BASE + offered_to in shlex.split(found.offer)
    assert json.dumps(BASE + offered_to) in found.page
    assert option(found.offer, "--data-binary") == ["@offer.sdp"]
    assert "Content-Type: application/sdp" in option(found.offer, "-H")


def test_a_model_cannot_add_to_the_query() -> None:
    line = corrected(BASE, "realtime", "beta", "a&intent=x", "whisper-1").offer
    assert f"{BASE}/realtime?model=a%26intent%3Dx" in shlex.split(line)


def test_the_unified_request_is_for_ga_conversations_alone() -> None:
    assert [pair for pair in PAIRS if made(*pair).unified] == [("realtime", "ga")]
    session = {"type": "realtime", "instructions": "first; then 'second'"}
    line = made("realtime", "ga", session=session).unified or ""
    (part,) = option(line, "--form-string")
    assert json.loads(part.removeprefix("session=")) == session


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
def test_the_page_does_things_in_the_order_that_works(kind: Kind, dialect: Dialect) -> None:
    page = made(kind, dialect).page
    steps = [
        "getUserMedia",
        'fetch("/token"',
        "minted.ok",
        "new RTCPeerConnection",
        "addTrack",
        '"oai-events"',
        "createOffer",
    ]
    steps += ["setLocalDescription", "response.text()", "response.ok", "setRemoteDescription", '"Location"']
    places = [page.index(step) for step in steps]
    assert places == sorted(places)
    assert "onconnectionstatechange" in page
    assert "OPENAI_API_KEY" not in page
    assert len(page.splitlines()) <= 42
    assert all(page.count(one) == page.count(other) for one, other in ("()", "{}", "[]"))


@pytest.mark.parametrize(
    ("kind", "dialect", "listened_for"),
    [
        ("realtime", "ga", {"response.output_audio_transcript.delta", "response.done", "session.updated"}),
        ("realtime", "beta", {"response.audio_transcript.delta", "response.done", "session.created"}),
        (
            "transcription",
            "ga",
            {f"conversation.item.input_audio_transcription.{end}" for end in ("delta", "completed", "failed")},
        ),
        ("transcription", "beta", {"transcription_session.created", "transcription_session.updated"}),
    ],
)
def test_the_page_listens_for_the_events_of_its_session(kind: Kind, dialect: Dialect, listened_for: set[str]) -> None:
    named = set(re.findall(r'event\.type === "([\w.]+)"', made(kind, dialect).page))
    assert listened_for | {"error"} <= named


def test_the_page_commits_where_nothing_else_ends_a_turn() -> None:
    def commits(kind: Kind, transcription_model: str, session: dict[str, Any] | None = None) -> bool:
        found = corrected(BASE, kind, "ga", "gpt-realtime", transcription_model, session)
        return "input_audio_buffer.commit" in found.page

    assert commits("transcription", "gpt-live-transcribe")
    assert not commits("transcription", "gpt-transcribe")
    assert commits("realtime", "", {"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    assert not commits("realtime", "gpt-live-transcribe")


def test_no_value_leaves_its_string_in_the_page() -> None:
    page = made("realtime", "ga", f"https://host.test/{ODD}").page
    assert "</script" not in page
    (literal,) = re.findall(r'fetch\(("https:.*), \{$', page, re.MULTILINE)
    assert json.loads(literal.replace("<\\/", "</")) == f"https://host.test/{ODD}/realtime/calls"


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
def test_the_page_is_javascript(kind: Kind, dialect: Dialect, tmp_path: Path) -> None:
    page = made(kind, dialect, f"https://host.test/{ODD}").page
    node = shutil.which("node")
    if node:
        script = tmp_path / "page.js"
        script.write_text(page, encoding="utf-8")
        subprocess.run([node, "--check", str(script)], check=True, capture_output=True)
    else:
        assert page.count("`") % 2 == 0
        assert page.count("async function start()") == 1


async def _run(line: str, folder: Path, **environment: str) -> str:
    """Standard output of a curl line in a shell; 22 is curl's exit code for an HTTP error whose body it has shown."""
    ambient = {"PATH": os.environ["PATH"], "NO_PROXY": "*"}
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", line),
        cwd=folder,
        env=ambient | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), WAIT_S)
    assert process.returncode in (0, 22), err.decode()
    return out.decode()


def _answer(text: str) -> tuple[int, str]:
    """Status and body of what `curl -i` printed; an interim 100 is passed over."""
    head, _, body = text.partition("\r\n\r\n")
    status = int(head.split()[1])
    return _answer(body) if status == 100 else (status, body)


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
def test_the_printed_lines_start_a_session_on_the_emulator(kind: Kind, dialect: Dialect, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        return test_every_curl_line_is_valid_shell_and_one_command(kind, dialect, BASE)

    async def run() -> None:
        async with Emulator(date(2025, 9, 1) if dialect == "beta" else None) as emulator, peer() as caller:
            found = made(kind, dialect, emulator.base_url)
            (tmp_path / "offer.sdp").write_bytes((await caller.offer()).encode())
            status, body = _answer(await _run(found.mint, tmp_path, OPENAI_API_KEY=emulator.key))
            assert status == 200, body
            minted = json.loads(body)
            token = minted["value"] if dialect == "ga" else minted["client_secret"]["value"]
            status, answer = _answer(await _run(found.offer, tmp_path, EPHEMERAL_TOKEN=token))
            assert (status, answer[:4]) == (201, "v=0\r")
            await caller.accept(answer)
            opened = "transcription_session" if (kind, dialect) == ("transcription", "beta") else "session"
            assert (await caller.event())["type"] == f"{opened}.created"

    asyncio.run(run())
    return None


def test_the_printed_unified_line_works_and_a_refusal_shows_its_body(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        return test_the_unified_request_is_for_ga_conversations_alone()

    async def run() -> None:
        async with Emulator() as emulator, peer() as caller:
            session = {"type": "realtime", "model": "gpt-realtime", "instructions": "one; 'two' \"three\""}
            line = made("realtime", "ga", emulator.base_url, session).unified or ""
            (tmp_path / "offer.sdp").write_bytes((await caller.offer()).encode())
            status, answer = _answer(await _run(line, tmp_path, OPENAI_API_KEY=emulator.key))
            assert status == 201, answer
            await caller.accept(answer)
            assert (await caller.event())["session"]["instructions"] == session["instructions"]
            status, body = _answer(await _run(line, tmp_path, OPENAI_API_KEY="sk-proj-FAKE-of-nobody"))
            assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")

    asyncio.run(run())
    return None


@cache
def _wrong_in_the_beta() -> Report:
    return run_on_emulator(as_of=date(2025, 4, 10), faults=["update-never-echoed"], only=["session-update"])


@pytest.mark.parametrize(
    ("server", "credential", "header"),
    [
        ("openai", CredentialShown("api-key", "OPENAI_API_KEY", "sk-***"), "Authorization: Bearer $OPENAI_API_KEY"),
        ("litellm", CredentialShown("api-key", "GATEWAY_KEY", "sk-***"), "Authorization: Bearer $GATEWAY_KEY"),
        ("azure", CredentialShown("api-key", "AZURE_KEY", "****"), "api-key: $AZURE_KEY"),
        ("azure", CredentialShown("api-key", "AZURE_KEY", "eyJ****"), "Authorization: Bearer $AZURE_KEY"),
        ("openai", CredentialShown("ephemeral", "RTDIAG_TOKEN", "ek_***"), "Authorization: Bearer $OPENAI_API_KEY"),
        ("compatible", CredentialShown(), None),
    ],
)
def test_a_key_goes_where_it_came_from_and_as_the_server_takes_it(
    server: str, credential: CredentialShown, header: str | None
) -> None:
    """Another server is not sent the key of OpenAI, and one that asks for none is sent none."""
    ran = _wrong_in_the_beta()
    target = replace(ran.target, recognised_as=server)
    right = after_run.requests(ran.diagnosis, ran.checks, target, ran.day, ran.exchanges, credential)
    assert right is not None
    shown = re.findall(r'-H "(.*)"', right.mint)
    assert shown == [header or "", "Content-Type: application/json"][not header :]
