"""What is to be written instead: a file mended so is clean when it is read again, and reaches the emulator as a program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from rtdiag.diagnosis.code import scan
from rtdiag.diagnosis.code.flaws import rules
from rtdiag.diagnosis.code.scanning import hits
from rtdiag.diagnosis.code.source_text import Lines, read
from rtdiag.emulator.background import Running, running
from tests.diagnosis.test_code import FLAWED
from tests.needs import needed

TODAY = date(2026, 11, 22)

# Where no line can say it, and what remains then: which endpoint a session is opened at is not told by the line of its update.
UNSAID = {"transcription-update-in-a-conversation": 1}

OFFER = "\\r\\n".join(
    (
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0",
        "a=mid:0", "a=sendrecv", "a=rtcp-mux", "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=setup:actpass",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32), "a=rtpmap:111 opus/48000/2", "",
    )
)  # fmt: skip
URL = "https://api.openai.com/v1"
SOCKET = "wss://api.openai.com/v1/realtime"


def mended(text: str, name: str) -> str:
    """The text with every change that rtdiag proposes for it."""
    lines = [hit.instead for hit in hits(read(text, name), TODAY) if isinstance(hit.instead, Lines)]
    for start, end, new in sorted({edit for had in lines for edit in had.edits}, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def words(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("name", FLAWED)
def test_what_is_mended_is_clean_and_holds_the_lines_that_were_shown(name: str) -> None:
    file, code, *_ = FLAWED[name]
    after = mended(code, file)
    assert len(scan(after, file, TODAY)) == UNSAID.get(name, 0)
    shown = [words(flaw.instead) for flaw in scan(code, file, TODAY) if flaw.instead and "***" not in flaw.instead]
    assert all(one in words(after) for one in shown)


def test_every_rule_with_a_line_to_write_is_among_them() -> None:
    met = {hit.rule for file, code, *_ in FLAWED.values() for hit in hits(read(code, file), TODAY)}
    assert set(rules()) - met == {"beta-package"}


MASKED = {
    "a name in a sub-protocol": "openai-insecure-api-key.${this.apiKey}",
    "a call in a template": "openai-insecure-api-key.${getKey()}",
    "a name of Python": "openai-insecure-api-key.{self.key}",
}


@pytest.mark.parametrize("slot", MASKED.values(), ids=MASKED)
def test_what_code_puts_into_a_string_is_not_masked(slot: str) -> None:
    quote = "`" if "$" in slot else '"'
    f = "" if "$" in slot else "f"
    file = "a.js" if "$" in slot else "a.py"
    code = f'ws = connect("{SOCKET}?model=gpt-realtime-2.1", ["realtime", {f}{quote}{slot}{quote}, "openai-beta.realtime-v1"])'
    [flaw] = scan(code, file, TODAY)
    assert flaw.instead == code.replace(', "openai-beta.realtime-v1"', "")


def test_a_key_beside_such_a_name_is_masked() -> None:
    key = "sk-proj-" + "Fake0Key1" * 4
    protocols = f'[`a.${{b}}`, "openai-insecure-api-key.{key}", "openai-beta.realtime-v1"]'
    code = f'ws = new WebSocket("{SOCKET}?model=gpt-realtime-2.1", {protocols})'
    assert not any(key in flaw.instead or key in flaw.found for flaw in scan(code, "a.js", TODAY))


# Whole programs that the API refuses, each with all that goes wrong on its way; what they print in the end is "ok".
PYTHON = {
    "a socket": '''
        import asyncio, json, os
        import websockets
        URL = "wss://api.openai.com/v1/realtime?model=gpt-4o-realtime-preview"
        HEADERS = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}", "OpenAI-Beta": "realtime=v1"}
        async def main():
            async with websockets.connect(URL, extra_headers=HEADERS) as ws:
                await ws.send(json.dumps({"type": "session.update", "session": {
                    "modalities": ["text", "audio"], "voice": "verse", "input_audio_format": "pcm16", "temperature": 0.8,
                    "turn_detection": {"type": "server_vad", "threshold": 0.5},
                }}))
                async for raw in ws:
                    event = json.loads(raw)
                    if event["type"] == "error":
                        raise SystemExit(raw)
                    if event["type"] == "session.update.d" or event["type"] == "session.updated":
                        assert event["session"]["audio"]["output"]["voice"] == "verse"
                        return print("ok")
        asyncio.run(main())
    ''',
    "a transcription": '''
        import asyncio, json, os
        import websockets
        async def main():
            async with websockets.connect(
                "wss://api.openai.com/v1/realtime?intent=transcription&model=gpt-4o-transcribe",
                extra_headers={"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "OpenAI-Beta": "realtime=v1"},
            ) as ws:
                await ws.send(json.dumps({
                    "type": "transcription_session.update",
                    "session": {"input_audio_format": "pcm16", "input_audio_transcription": {"model": "gpt-transcribe"}},
                }))
                async for raw in ws:
                    event = json.loads(raw)
                    if event["type"] == "error":
                        raise SystemExit(raw)
                    if event["type"] == "transcription_session.updated":
                        return print("ok")
        asyncio.run(main())
    ''',
    "a mint": '''
        import os, httpx
        response = httpx.post(
            "https://api.openai.com/v1/realtime/sessions",
            headers={"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"},
            json={"model": "gpt-4o-realtime-preview", "voice": "verse", "modalities": ["audio", "text"]},
        )
        print("ok" if response.status_code == 200 else response.text)
    ''',
    "a mint of the SDK": '''
        from openai import OpenAI
        client = OpenAI()
        # https://api.openai.com/v1/realtime
        token = client.beta.realtime.sessions.create(model="gpt-4o-realtime-preview")
        print("ok" if token.value.startswith("ek_") else token)
    ''',
    "an offer with a key, its model in the URL": '''
        import os, httpx
        api_key = os.environ["OPENAI_API_KEY"]
        model, sdp = "gpt-realtime-2.1", os.environ["OFFER"]
        response = httpx.post(
            f"https://api.openai.com/v1/realtime?model={model}",
            content=sdp,
            headers={"Authorization": f"Bearer {api_key}", "Content-Type": "application/sdp"},
        )
        print("ok" if response.status_code == 201 else response.text)
    ''',
    "an offer with a key alone": '''
        import os, httpx
        api_key = os.environ["OPENAI_API_KEY"]
        sdp = os.environ["OFFER"]
        response = httpx.post(
            "https://api.openai.com/v1/realtime/calls",
            content=sdp,
            headers={"Authorization": f"Bearer {api_key}", "Content-Type": "application/sdp"},
        )
        print("ok" if response.status_code == 201 else response.text)
    ''',
    "an offer as JSON": '''
        import os, httpx
        headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
        mint = httpx.post(
            "https://api.openai.com/v1/realtime/client_secrets",
            headers=headers,
            json={"model": "gpt-realtime-2.1"},
        )
        token, offer_sdp = mint.json()["client_secret"]["value"], os.environ["OFFER"]
        response = httpx.post(
            "https://api.openai.com/v1/realtime/calls",
            json={"sdp": offer_sdp},
            headers={"Authorization": f"Bearer {token}"},
        )
        print("ok" if response.status_code == 201 else response.text)
    ''',
}  # fmt: skip
NODE = {
    "a mint": '''
        const response = await fetch("https://api.openai.com/v1/realtime/sessions", {
          method: "POST",
          headers: { Authorization: `Bearer ${process.env.OPENAI_API_KEY}`, "Content-Type": "application/json",
            "OpenAI-Beta": "realtime=v1" },
          body: JSON.stringify({ model: "gpt-4o-realtime-preview", voice: "verse",
            input_audio_transcription: { model: "gpt-transcribe" } }),
        });
        console.log(response.ok ? "ok" : await response.text());
    ''',
    "an offer with a token": '''
        const mint = await fetch("https://api.openai.com/v1/realtime/client_secrets", {
          method: "POST",
          headers: { Authorization: `Bearer ${process.env.OPENAI_API_KEY}`, "Content-Type": "application/json" },
          body: JSON.stringify({ session: { type: "realtime", model: "gpt-realtime-2.1" } }),
        });
        const { value: token } = await mint.json();
        const pc = { setRemoteDescription: ({ sdp }) => console.log(sdp.startsWith("v=0") ? "ok" : sdp) };
        const offer = { sdp: process.env.OFFER };
        const base = "https://api.openai.com/v1/realtime";
        const res = await fetch(`${base}?model=gpt-4o-realtime-preview`, {
          method: "POST",
          body: offer.sdp.trim(),
          headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" },
        });
        pc.setRemoteDescription({ type: "answer", sdp: await res.text() });
    ''',
    "an offer with a key": '''
        const offer = { sdp: process.env.OFFER };
        const res = await fetch("https://api.openai.com/v1/realtime/calls", {
          method: "POST",
          body: offer.sdp,
          headers: { Authorization: `Bearer ${process.env.OPENAI_API_KEY}`, "Content-Type": "application/sdp" },
        });
        console.log(res.status === 201 ? "ok" : await res.text());
    ''',
}  # fmt: skip


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    with running(as_of=TODAY) as found:
        yield found


def ran(program: str, runs: list[str], name: str, emulator: Running, folder: Path) -> str:
    """What a program prints that finds the emulator in OpenAI's place."""
    file = folder / name
    file.write_text(
        program.replace(URL, emulator.base_url).replace(SOCKET, f"{emulator.ws_url}/realtime"), encoding="utf-8"
    )
    ours = {
        "OPENAI_API_KEY": emulator.key,
        "OPENAI_BASE_URL": emulator.base_url,
        "OFFER": OFFER.replace("\\r\\n", "\r\n"),
    }
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run([*runs, str(file)], capture_output=True, text=True, env=clean | ours, timeout=60, check=False)
    return done.stdout.strip() or done.stderr


@pytest.mark.parametrize("name", PYTHON)
def test_a_mended_program_in_python_reaches_the_emulator(name: str, emulator: Running, tmp_path: Path) -> None:
    program = textwrap.dedent(PYTHON[name])
    assert ran(program, [sys.executable], "before.py", emulator, tmp_path) != "ok"
    after = mended(program, "app.py")
    assert scan(after, "app.py", TODAY) == ()
    assert ran(after, [sys.executable], "after.py", emulator, tmp_path) == "ok"


@pytest.mark.parametrize("name", NODE)
def test_a_mended_program_in_node_reaches_the_emulator(name: str, emulator: Running, tmp_path: Path) -> None:
    node = needed(shutil.which("node"), "node is not installed")
    program = textwrap.dedent(NODE[name])
    assert ran(program, [node], "before.mjs", emulator, tmp_path) != "ok"
    after = mended(program, "app.mjs")
    assert scan(after, "app.mjs", TODAY) == ()
    assert ran(after, [node], "after.mjs", emulator, tmp_path) == "ok"
