"""Known-bad calls in source code: each rule with a page that has the flaw and one that does not; what is not code is left alone."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from rtdiag.diagnosis.code import looks_like_code, scan, scan_path
from rtdiag.diagnosis.code.flaws import names, rules
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.model import Flaw
from rtdiag.redact import Mask

TODAY = date(2026, 11, 22)
ROOT = Path(__file__).parents[2]
FAKE_KEY = "sk-proj-" + "Fake0Key1" * 4
CALLS = "https://api.openai.com/v1/realtime/calls"
SOCKET = "wss://api.openai.com/v1/realtime"

# The page of the founding report, written anew: a microphone page that posts its offer where tokens are minted.
FIRST_PAGE = textwrap.dedent(
    """\
    const listen = async () => {
      const token = await askServerForToken();
      const peer = new RTCPeerConnection();
      const mic = await navigator.mediaDevices.getUserMedia({ audio: true });
      peer.addTrack(mic.getTracks()[0]);
      const channel = peer.createDataChannel("oai-events");
      channel.onmessage = (e) => {
        const message = JSON.parse(e.data);
        // words arrive here
        if (message.type === "transcription") {
          setWords(message.transcription.text);
        }
      };
      const offer = await peer.createOffer();
      await peer.setLocalDescription(offer);
      const mintUrl =
        "https://api.openai.com/v1/realtime/transcription_sessions";
      const model = "gpt-4o-transcribe";
      const reply = await fetch(`${mintUrl}?model=${model}`, {
        method: "POST",
        body: offer.sdp,
        headers: { Authorization: `Bearer ${token.value}`, "Content-Type": "application/sdp" },
      });
      const replyText = await reply.text();
      console.log("reply", reply.status);
      await peer.setRemoteDescription({ type: "answer" as RTCSdpType, sdp: replyText });
    };
    """
)

GOOD_PAGE = textwrap.dedent(
    """\
    <!doctype html>
    <!-- once: <script>fetch("https://api.openai.com/v1/realtime/sessions")</script> -->
    <button id="go">post offer.sdp.trim() to /v1/realtime?model=gpt-4o-realtime-preview</button>
    <script type="module">
    // formerly with "OpenAI-Beta": "realtime=v1", and dc.send(JSON.stringify({ type: "transcription_session.update" }))
    async function start() {
      const { value: token } = await (await fetch("/token")).json();
      const pc = new RTCPeerConnection();
      const mic = await navigator.mediaDevices.getUserMedia({ audio: true });
      pc.addTrack(mic.getTracks()[0]);
      const dc = pc.createDataChannel("oai-events");
      dc.onmessage = (e) => {
        const event = JSON.parse(e.data);
        switch (event.type) {
          case "session.created":
            if (event.session.type === "transcription") dc.send(JSON.stringify({
              type: "session.update",
              session: { type: "transcription", audio: { input: {
                transcription: { model: "gpt-transcribe" },
                turn_detection: { type: "server_vad", threshold: 0.6, silence_duration_ms: 400 },
              } } },
            }));
            break;
          case "conversation.item.input_audio_transcription.completed":
            show(event.transcript);
            break;
          case "error":
            show(event.error.message);
        }
      };
      const offer = await pc.createOffer();
      await pc.setLocalDescription(offer);
      const response = await fetch("https://api.openai.com/v1/realtime/calls", {
        method: "POST",
        body: offer.sdp,
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" },
      });
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
    }
    document.getElementById("go").onclick = start;
    </script>
    """
)

GOOD_CLIENT = textwrap.dedent(
    '''\
    """A listener. It once sent {"OpenAI-Beta": "realtime=v1"} and a transcription_session.update."""
    import asyncio, json, os
    import websockets

    URL = "wss://api.openai.com/v1/realtime?intent=transcription"

    async def main():
        headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
        async with websockets.connect(URL, additional_headers=headers) as ws:
            await ws.send(json.dumps({
                "type": "session.update",
                "session": {"type": "transcription", "audio": {"input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "transcription": {"model": "gpt-live-transcribe"},
                    "turn_detection": None,
                }}},
            }))
            async for raw in ws:
                event = json.loads(raw)
                if event["type"] == "conversation.item.input_audio_transcription.completed":
                    print(event["transcript"])

    asyncio.run(main())
    '''
)


def found(text: str, name: str = "app.ts") -> tuple[Flaw, ...]:
    return scan(text, name, TODAY)


def of(cause: str, flaws: Sequence[Flaw]) -> Flaw:
    [one] = [f for f in flaws if f.cause == cause]
    return one


def post(url: str, body: str, headers: str = '"Content-Type": "application/sdp"', token: str = "${token}") -> str:
    """A browser's request, its URL on line 1, its body on line 3 and its headers on line 4."""
    head = f"headers: {{ Authorization: `Bearer {token}`, {headers} }},"
    return f'const res = await fetch("{url}", {{\n  method: "POST",\n  body: {body},\n  {head}\n}});\nif (!res.ok) throw res;\n'


def js_session(session: str, event: str = "session.update") -> str:
    return (
        f'// {SOCKET}\nconst url = "{SOCKET}?intent=transcription";\n'
        f'dc.send(JSON.stringify({{ type: "{event}", session: {session} }}));\n'
    )


def on_event(test: str) -> str:
    return f'const ws = new WebSocket("{SOCKET}?model=gpt-realtime-2.1", ["realtime"]);\nws.onmessage = (e) => {{\n  {test}\n}};\n'


def peer(*lines: str) -> str:
    exchange = post(CALLS, "offer.sdp")
    return "\n".join(("const pc = new RTCPeerConnection();", *lines, exchange))


MIC, CHANNEL = "pc.addTrack(mic.getTracks()[0]);", 'const dc = pc.createDataChannel("oai-events");'
OFFER = "const offer = await pc.createOffer();"
UNCHECKED = 'await pc.setRemoteDescription({ type: "answer", sdp: await res.text() });'
PY_POST = (
    f'r = requests.post("{CALLS}", data=offer.sdp, headers={{"Content-Type": "application/sdp", "Authorization": t}})\n'
)
PY_ANSWER = 'await pc.setRemoteDescription(RTCSessionDescription(sdp=r.text, type="answer"))\n'

# name -> (file, code, line, cause, a part of the corrected lines, confidence)
FLAWED: dict[str, tuple[str, str, int, str, str, str]] = {
    "offer-to-client-secrets": (
        "a.js",
        post("https://api.openai.com/v1/realtime/client_secrets", "offer.sdp"),
        1,
        "ek-sent-to-mint-endpoint",
        f'const res = await fetch("{CALLS}", {{',
        "high",
    ),
    "offer-to-mint-by-base": (
        "a.js",
        'const BASE = "https://api.openai.com/v1";\nawait fetch(`${BASE}/realtime/sessions`, { body: pc.localDescription?.sdp });',
        2,
        "ek-sent-to-mint-endpoint",
        "await fetch(`${BASE}/realtime/calls`, { body: pc.localDescription?.sdp });",
        "high",
    ),
    "beta-mint": (
        "a.js",
        post(
            "https://api.openai.com/v1/realtime/sessions",
            'JSON.stringify({ model: "gpt-realtime-2.1", voice: "verse" })',
            '"X": "y"',
        ),
        1,
        "beta-mint-endpoint-retired",
        'JSON.stringify({ session: { type: "realtime", audio: { output: { voice: "verse" } }, model: "gpt-realtime-2.1" } })',
        "high",
    ),
    "beta-mint-py": (
        "a.py",
        'r = requests.post("https://api.openai.com/v1/realtime/transcription_sessions", headers=h, json={})\n',
        1,
        "beta-mint-endpoint-retired",
        '/client_secrets", headers=h, json={\n  "session": {"type": "transcription", "audio": {"input": {"transcription":',
        "high",
    ),
    "beta-sdp-url": (
        "a.js",
        'const url = "https://api.openai.com/v1/realtime";\nconst r = await fetch(url + "?model=" + model, { body: offer.sdp });',
        1,
        "beta-shape-retired",
        f'const url = "{CALLS}";',
        "high",
    ),
    "beta-sdp-url-py": (
        "a.py",
        'r = httpx.post(f"https://api.openai.com/v1/realtime?model={model}", content=offer_sdp)\n',
        1,
        "beta-shape-retired",
        f'r = httpx.post(f"{CALLS}", content=offer_sdp)',
        "high",
    ),
    "model-in-query": (
        "a.js",
        post(CALLS + "?model=gpt-realtime-2.1", "offer.sdp"),
        1,
        "token-kind-url-mismatch",
        f'const res = await fetch("{CALLS}", {{',
        "medium",
    ),
    "offer-as-json": (
        "a.js",
        post(CALLS, "JSON.stringify({ sdp: offer.sdp, type: offer.type })", '"Content-Type": "application/json"'),
        3,
        "sdp-content-type",
        'body: offer.sdp,\nheaders: { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" },',
        "high",
    ),
    "offer-as-json-py": (
        "a.py",
        f'requests.post("{CALLS}", json={{"sdp": offer.sdp}})\n',
        1,
        "sdp-content-type",
        f'requests.post("{CALLS}", data=offer.sdp, headers={{"Content-Type": "application/sdp"}})',
        "high",
    ),
    "offer-named-json": (
        "a.js",
        post(CALLS, "offer.sdp", '"Content-Type": "application/json"'),
        4,
        "sdp-content-type",
        'headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" },',
        "high",
    ),
    "raw-with-key": (
        "a.js",
        post(CALLS, "sdp", token="${process.env.OPENAI_API_KEY}"),
        3,
        "raw-sdp-with-project-key",
        'form.set("sdp", sdp);',
        "medium",
    ),
    "trimmed": ("a.js", post(CALLS, "offer.sdp.trim()"), 3, "sdp-offer-altered-in-transit", "body: offer.sdp,", "high"),
    "trimmed-in-a-form": (
        "a.ts",
        f'const form = new FormData();\nform.set("sdp", sdp.trim());\nawait fetch("{CALLS}", {{ method: "POST", body: form }});',
        2,
        "sdp-offer-altered-in-transit",
        'form.set("sdp", sdp);',
        "high",
    ),
    "line-ends-changed": (
        "a.js",
        post(CALLS, 'offer.sdp.replace(/\\r\\n/g, "\\n")'),
        3,
        "sdp-offer-altered-in-transit",
        "body: offer.sdp,",
        "high",
    ),
    "trimmed-py": (
        "a.py",
        f'body = offer.sdp.strip()\nr = requests.post("{CALLS}", data=body)\n',
        1,
        "sdp-offer-altered-in-transit",
        "body = offer.sdp",
        "high",
    ),
    "answer-unchecked": (
        "a.js",
        post(CALLS, "offer.sdp").replace("if (!res.ok) throw res;", UNCHECKED),
        6,
        "error-json-used-as-sdp-answer",
        f"if (!res.ok) throw new Error(`${{res.status}}: ${{await res.text()}}`);\n{UNCHECKED}",
        "high",
    ),
    "answer-unchecked-chained": (
        "a.js",
        f'const sdp = await fetch("{CALLS}", {{ body: offer.sdp }}).then((r) => r.text());\npc.setRemoteDescription({{ sdp }});',
        1,
        "error-json-used-as-sdp-answer",
        ".then((r) => (r.ok ? r.text() :",
        "high",
    ),
    "answer-unchecked-at-once": (
        "a.js",
        f'pc.setRemoteDescription({{ sdp: await (await fetch("{CALLS}", {{ body: offer.sdp }})).text() }});',
        1,
        "error-json-used-as-sdp-answer",
        "if (!r.ok) throw new Error(`${r.status}: ${await r.text()}`); return r; })).text() });",
        "high",
    ),
    "answer-unchecked-py": (
        "a.py",
        PY_POST + PY_ANSWER,
        2,
        "error-json-used-as-sdp-answer",
        "r.raise_for_status()\nawait pc.setRemoteDescription(",
        "high",
    ),
    "transcription-update": (
        "a.js",
        js_session('{ input_audio_transcription: { model: "gpt-transcribe" } }', "transcription_session.update"),
        3,
        "beta-shape-retired",
        'session: { type: "transcription", audio: { input: { transcription: { model: "gpt-transcribe" } } } },',
        "high",
    ),
    "transcription-update-in-a-conversation": (
        "a.js",
        f'const ws = new WebSocket("{SOCKET}?model=gpt-realtime-2.1");\n'
        f'ws.send(JSON.stringify({{ type: "session.update", session: {{ type: "transcription" }} }}));',
        2,
        "transcription-update-on-realtime-session",
        "",
        "high",
    ),
    "flat-fields": (
        "a.js",
        js_session(
            '{ type: "realtime", modalities: ["text", "audio"], input_audio_format: "g711_ulaw", temperature: 0.8 }'
        ),
        3,
        "flat-beta-fields-in-ga",
        'output_modalities: ["audio"],\n  audio: { input: { format: { type: "audio/pcmu" } } },',
        "high",
    ),
    "flat-fields-by-name": (
        "a.py",
        f'URL = "{SOCKET}"\nsettings = {{"type": "realtime", "voice": VOICE}}\n'
        f'ws.send(json.dumps({{"type": "session.update", "session": settings}}))\n',
        2,
        "flat-beta-fields-in-ga",
        'settings = {"type": "realtime", "audio": {"output": {"voice": VOICE}}}',
        "high",
    ),
    "flat-fields-sdk": (
        "a.py",
        "client = AsyncOpenAI()\n"
        'await connection.session.update(session={"type": "realtime", "turn_detection": None})\n# /v1/realtime\nx = "oai-events"\n',
        2,
        "flat-beta-fields-in-ga",
        'session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}',
        "medium",
    ),
    "flat-mint": (
        "a.js",
        post(
            "https://api.openai.com/v1/realtime/client_secrets",
            'JSON.stringify({ model: "gpt-realtime-2.1" })',
            '"X": "y"',
        ),
        3,
        "flat-beta-fields-in-ga",
        '{ session: { type: "realtime", model: "gpt-realtime-2.1" } }',
        "high",
    ),
    "flat-response": (
        "a.js",
        f'// talk\nconst url = "{SOCKET}";\n'
        f'ws.send(JSON.stringify({{ type: "response.create", response: {{ modalities: ["text"] }} }}));',
        3,
        "flat-beta-fields-in-ga",
        'response: { output_modalities: ["text"] }',
        "high",
    ),
    "no-session-type": (
        "a.js",
        js_session('{ instructions: "Be brief." }'),
        3,
        "session-type-missing-ga",
        'session: { type: "realtime", instructions: "Be brief." }',
        "high",
    ),
    "vad-with-streaming-model": (
        "a.js",
        js_session(
            '{ type: "transcription", audio: { input: { transcription: { model: "gpt-live-transcribe" }, '
            'turn_detection: { type: "server_vad" } } } }'
        ),
        3,
        "vad-unsupported-for-whisper",
        "turn_detection: null",
        "high",
    ),
    "vad-other-mode": (
        "a.js",
        js_session(
            '{ type: "realtime", audio: { input: { turn_detection: { type: "semantic_vad", threshold: 0.5 } } } }'
        ),
        3,
        "vad-fields-of-other-mode",
        'turn_detection: { type: "semantic_vad" }',
        "high",
    ),
    "vad-response-fields": (
        "a.py",
        f'URL = "{SOCKET}"\nevent = {{"type": "session.update", "session": {{\n'
        f'    "type": "transcription", "audio": {{"input": {{\n'
        '    "turn_detection": {"type": "server_vad", "create_response": False}}}}}\n',
        4,
        "vad-response-fields-in-transcription-session",
        '"turn_detection": {"type": "server_vad"}',
        "high",
    ),
    "beta-header": (
        "a.js",
        f'const url = "{SOCKET}";\nconst headers = {{ Authorization: `Bearer ${{key}}`, "OpenAI-Beta": "realtime=v1" }};',
        2,
        "beta-shape-retired",
        "const headers = { Authorization: `Bearer ${key}` };",
        "high",
    ),
    "beta-header-list-py": (
        "a.py",
        f'url = "{SOCKET}"\nheaders = ["Authorization: Bearer " + key, "OpenAI-Beta: realtime=v1"]\n',
        2,
        "beta-shape-retired",
        'headers = ["Authorization: Bearer " + key]',
        "high",
    ),
    "beta-header-pairs-py": (
        "a.py",
        f'url = "{SOCKET}"\nheaders = [("Authorization", key), ("OpenAI-Beta", "realtime=v1")]\n',
        2,
        "beta-shape-retired",
        'headers = [("Authorization", key)]',
        "high",
    ),
    "beta-protocol": (
        "a.js",
        f'const ws = new WebSocket("{SOCKET}?model=gpt-realtime-2.1", ["realtime", '
        f'"openai-insecure-api-key." + ek, "openai-beta.realtime-v1"]);',
        1,
        "beta-shape-retired",
        '["realtime", "openai-insecure-api-key." + ek]);',
        "high",
    ),
    "beta-sdk": (
        "a.py",
        'async with client.beta.realtime.connect(model="gpt-realtime-2.1") as connection:\n    pass\n',
        1,
        "beta-shape-retired",
        'client.realtime.connect(model="gpt-realtime-2.1")',
        "high",
    ),
    "beta-sdk-import": (
        "a.ts",
        'import { OpenAIRealtimeWebSocket } from "openai/beta/realtime/websocket";',
        1,
        "beta-shape-retired",
        'from "openai/realtime/websocket";',
        "high",
    ),
    "beta-sdk-mint": (
        "a.ts",
        "const session = await openai.beta.realtime.sessions.create({ model });",
        1,
        "beta-mint-endpoint-retired",
        'openai.realtime.clientSecrets.create({ session: { type: "realtime", model: "gpt-realtime-2.1" } })',
        "high",
    ),
    "event-renamed": (
        "a.js",
        on_event('if (event.type === "response.audio.delta") play(event.delta);'),
        3,
        "client-unknown-event",
        'if (event.type === "response.output_audio.delta") play(event.delta);',
        "high",
    ),
    "event-invented": (
        "a.js",
        on_event('switch (msg.type) { case "conversation.item.input_audio_transcription.done": show(msg); }'),
        3,
        "client-unknown-event",
        'case "conversation.item.input_audio_transcription.completed":',
        "high",
    ),
    "event-misspelt": (
        "a.js",
        f'const url = "{SOCKET}";\nrt.on("response.function_call_argument.done", call);',
        2,
        "client-unknown-event",
        'rt.on("response.function_call_arguments.done", call);',
        "high",
    ),
    "event-of-the-beta-py": (
        "a.py",
        f'URL = "{SOCKET}"\nif event["type"] == "transcription_session.updated":\n    pass\n',
        2,
        "client-unknown-event",
        'if event["type"] == "session.updated":',
        "high",
    ),
    "event-type-in-a-variable-py": (
        "a.py",
        f'URL = "{SOCKET}"\nkind = event.get("type")\nif kind == "response.audio_transcript.delta":\n    pass\n',
        3,
        "client-unknown-event",
        'if kind == "response.output_audio_transcript.delta":',
        "high",
    ),
    "nested-token": (
        "a.js",
        'const r = await fetch("https://api.openai.com/v1/realtime/client_secrets", { method: "POST", headers, body });\n'
        "const answer = await r.json();\nconst token = answer.client_secret.value;",
        3,
        "token-not-in-answer",
        "const token = answer.value;",
        "high",
    ),
    "flat-token": (
        "a.py",
        'r = requests.post("https://api.openai.com/v1/realtime/sessions", headers=h)\nanswer = r.json()\ntoken = answer["value"]\n',
        3,
        "token-not-in-answer",
        "",
        "medium",
    ),
    "key-in-page": (
        "a.js",
        f'const ws = new WebSocket("{SOCKET}?model=gpt-realtime-2.1", ["realtime", proto]);\nconst KEY = "{FAKE_KEY}";',
        2,
        "api-key-in-browser",
        'const KEY = (await (await fetch("/token")).json()).value;',
        "high",
    ),
    "key-in-code-py": (
        "a.py",
        f'URL = "{SOCKET}"\nclient = OpenAI(api_key="{FAKE_KEY}")\n',
        2,
        "api-key-in-browser",
        'client = OpenAI(api_key=os.environ["OPENAI_API_KEY"])',
        "medium",
    ),
    "public-variable": (
        "a.tsx",
        f'"use client";\nconst url = "{SOCKET}";\nconst key = process.env.NEXT_PUBLIC_OPENAI_API_KEY;',
        3,
        "api-key-in-browser",
        'const key = (await (await fetch("/token")).json()).value;',
        "high",
    ),
    "allowed-in-browser": (
        "a.ts",
        f'const el = document.body, url = "{SOCKET}";\n'
        f"const ai = new OpenAI({{ apiKey: settings.key, dangerouslyAllowBrowser: true }});",
        2,
        "api-key-in-browser",
        "dangerouslyAllowBrowser: false",
        "high",
    ),
    "model-ended": (
        "a.py",
        f'url = "{SOCKET}?model=gpt-4o-realtime-preview-2024-10-01"\n',
        1,
        "model-retired",
        f'url = "{SOCKET}?model=gpt-realtime-2.1"',
        "high",
    ),
    "model-ends": (
        "a.js",
        f'const url = "{SOCKET}";\nconst model = "gpt-4o-transcribe";',
        2,
        "model-retired",
        'const model = "gpt-transcribe";',
        "low",
    ),
    "offer-without-audio": (
        "a.js",
        peer(CHANNEL, OFFER),
        3,
        "sdp-offer-without-audio",
        f'pc.addTransceiver("audio", {{ direction: "recvonly" }});\n{OFFER}',
        "high",
    ),
    "channel-after-offer": (
        "a.js",
        peer(MIC, OFFER, CHANNEL),
        4,
        "data-channel-never-opens",
        f"{CHANNEL}\n{OFFER}",
        "high",
    ),
    "socket-scheme": (
        "a.py",
        'ws = await websockets.connect("https://api.openai.com/v1/realtime?model=gpt-realtime-2.1")\n',
        1,
        "websocket-url-scheme",
        'websockets.connect("wss://api.openai.com/',
        "high",
    ),
    "socket-scheme-js": (
        "a.js",
        'const ws = new WebSocket("https://api.openai.com/v1/realtime?model=gpt-realtime-2.1");',
        1,
        "websocket-url-scheme",
        'new WebSocket("wss://api.openai.com/',
        "medium",
    ),
    "socket-on-rest-path": (
        "a.js",
        'const ws = new WebSocket("wss://api.openai.com/v1/realtime/transcription_sessions");',
        1,
        "websocket-on-rest-path",
        f'new WebSocket("{SOCKET}?intent=transcription");',
        "high",
    ),
    "model-with-intent": (
        "a.py",
        'ws = websockets.connect("wss://api.openai.com/v1/realtime?model=gpt-transcribe&intent=transcription")\n',
        1,
        "model-given-with-transcription-intent",
        f'websockets.connect("{SOCKET}?intent=transcription")',
        "high",
    ),
    "transcription-model-in-url": (
        "a.js",
        f"const ws = new WebSocket(`{SOCKET}?model=gpt-transcribe`);",
        1,
        "transcription-model-as-session-model",
        f"new WebSocket(`{SOCKET}?intent=transcription`);",
        "high",
    ),
    "extra-headers": (
        "a.py",
        f'async with websockets.connect("{SOCKET}?model=gpt-realtime-2.1", extra_headers=headers) as ws:\n    pass\n',
        1,
        "websocket-library-version",
        "additional_headers=headers",
        "medium",
    ),
}


@pytest.mark.parametrize("name", FLAWED)
def test_each_flaw_is_found_on_its_line_with_the_line_that_works(name: str) -> None:
    file, code, line, cause, instead, confidence = FLAWED[name]
    flaw = of(cause, found(code, file))
    assert (flaw.line, flaw.confidence, flaw.file) == (line, confidence, file)
    assert flaw.found.removesuffix("…") in code.replace(FAKE_KEY, "sk-proj-" + "*" * 32 + "Key1")
    assert instead in flaw.instead if instead else not flaw.instead
    assert flaw.why.endswith(".")
    assert flaw.sources


# What looks like a flaw and is none; every one touches the Realtime API.
FINE: dict[str, tuple[str, str]] = {
    "offer-to-calls": ("a.js", post(CALLS, "offer.sdp")),
    "own-server": ("a.js", "// /v1/realtime\n" + post("/v1/realtime/sessions", "offer.sdp.trim()") + UNCHECKED),
    "localhost": (
        "a.js",
        post("http://localhost:3000/v1/realtime/sessions?model=x", "JSON.stringify({ sdp: offer.sdp })") + UNCHECKED,
    ),
    "unknown-host": (
        "a.js",
        "await fetch(`${process.env.BASE}/v1/realtime/sessions?model=${m}`, { body: offer.sdp });",
    ),
    "azure": (
        "a.py",
        'URL = "wss://x.openai.azure.com/openai/realtime?api-version=2025-04-01-preview"\n'
        'h = {"OpenAI-Beta": "realtime=v1"}\nevent = {"type": "session.update", "session": {"voice": "alloy"}}\n',
    ),
    "azure-in-its-own-function": (
        "a.js",
        f'function ours() {{ return new WebSocket("{SOCKET}?model=gpt-realtime-2.1"); }}\n'
        'function azure() { const ws = new WebSocket("wss://x.openai.azure.com/openai/realtime");\n'
        '  ws.onmessage = (event) => { if (event.type === "response.audio.delta") play(); }; }',
    ),
    "ga-mint": (
        "a.js",
        post(
            "https://api.openai.com/v1/realtime/client_secrets",
            'JSON.stringify({ session: { type: "realtime", model: "gpt-realtime-2.1" } })',
            '"Content-Type": "application/json"',
            "${process.env.OPENAI_API_KEY}",
        )
        + "const { value } = await res.json();\nconst token = value;",
    ),
    "model-with-a-key": ("a.js", post(CALLS + "?model=gpt-realtime-2.1", "sdp", token="${process.env.OPENAI_API_KEY}")),
    "multipart": (
        "a.ts",
        f'const form = new FormData();\nform.set("sdp", sdp);\nform.set("session", JSON.stringify({{ type: "realtime" }}));\n'
        f'const r = await fetch("{CALLS}", {{ method: "POST", body: form, headers: {{ Authorization: `Bearer '
        f"${{process.env.OPENAI_API_KEY}}` }} }});",
    ),
    "trim-to-look": ("a.js", "if (!offer.sdp.trim()) throw new Error();\n" + post(CALLS, "offer.sdp")),
    "checked-by-another": (
        "a.js",
        post(CALLS, "offer.sdp").replace("if (!res.ok) throw res;", "await mustBeOk(res);") + UNCHECKED,
    ),
    "checked-py": ("a.py", PY_POST + "r.raise_for_status()\n" + PY_ANSWER),
    "checked-by-content": (
        "a.js",
        post(CALLS, "offer.sdp").replace(
            "if (!res.ok) throw res;", "const sdp = await res.text();\nif (!sdp.startsWith('v=')) throw sdp;"
        )
        + "pc.setRemoteDescription({ sdp });",
    ),
    "ga-update": (
        "a.js",
        js_session('{ type: "realtime", output_modalities: ["audio"], audio: { output: { voice: "marin" } } }'),
    ),
    "type-may-be-spread": ("a.js", js_session("{ ...defaults, instructions }")),
    "type-may-be-elsewhere": ("a.js", js_session("settings")),
    "translation": (
        "a.js",
        f'const u = "{SOCKET}/translations";\nws.send(JSON.stringify({{ type: "session.update", session: {{ audio }} }}));',
    ),
    "ga-vad": (
        "a.js",
        js_session(
            '{ type: "realtime", audio: { input: { turn_detection: { type: "semantic_vad", eagerness: "low", '
            "create_response: true } } } }"
        ),
    ),
    "no-vad": (
        "a.js",
        js_session(
            '{ type: "transcription", audio: { input: { transcription: { model: "gpt-live-transcribe" }, turn_detection: null } } }'
        ),
    ),
    "header-looked-for": (
        "a.js",
        f'const u = "{SOCKET}";\nif (request.headers["OpenAI-Beta"] === "realtime=v1") refuse();',
    ),
    "other-beta": ("a.js", f'const u = "{SOCKET}";\nconst headers = {{ "OpenAI-Beta": "assistants=v2" }};'),
    "protocols": (
        "a.js",
        f'new WebSocket("{SOCKET}?model=gpt-realtime-2.1", ["realtime", "openai-insecure-api-key." + token]);',
    ),
    "sdk": ("a.py", 'async with client.realtime.connect(model="gpt-realtime-2.1") as connection:\n    pass\n'),
    "both-dialects": (
        "a.js",
        on_event('switch (e.type) { case "response.audio.delta": case "response.output_audio.delta": play(e); }'),
    ),
    "type-of-a-session": ("a.js", on_event('if (event.session.type === "transcription") listen();')),
    "own-messages": (
        "a.js",
        f'const api = new WebSocket("{SOCKET}?intent=transcription");\nconst own = new WebSocket("/events");\n'
        'own.onmessage = (m) => { if (message.type === "transcription") show(); };',
    ),
    "responses-api": ("a.py", f'URL = "{SOCKET}"\nif event.type == "response.completed":\n    pass\n'),
    "other-switch": ("a.js", on_event('switch (state) { case "transcription": show(); }')),
    "token-either-way": (
        "a.js",
        post("https://api.openai.com/v1/realtime/client_secrets", "body", '"X": "y"')
        + "const answer = await res.json();\nconst token = answer.value ?? answer.client_secret?.value;",
    ),
    "token-in-browser": (
        "a.ts",
        f'const el = document.body, u = "{SOCKET}";\nnew OpenAI({{ apiKey: ephemeralKey, dangerouslyAllowBrowser: true }});',
    ),
    "placeholder-key": (
        "a.js",
        f'const u = "{SOCKET}", el = document.body;\nconst key = "sk-your-api-key-goes-here-please-1A";',
    ),
    "public-but-no-key": (
        "a.tsx",
        f'"use client";\nconst u = "{SOCKET}";\nconst model = process.env.NEXT_PUBLIC_OPENAI_MODEL;',
    ),
    "model-compared": ("a.js", f'const u = "{SOCKET}";\nif (model === "gpt-4o-realtime-preview") warn();'),
    "model-of-now": ("a.js", f'const u = "{SOCKET}";\nconst model = "gpt-realtime-2.1";'),
    "audio-and-channel": ("a.js", peer(MIC, CHANNEL, OFFER)),
    "audio-elsewhere": ("a.js", peer(CHANNEL, "addMicrophone(pc);", OFFER)),
    "channel-elsewhere": ("a.js", peer(MIC, OFFER, f"function later() {{ {CHANNEL} }}")),
    "socket-of-a-call": (
        "a.py",
        'ws = websockets.connect(f"wss://api.openai.com/v1/realtime?call_id={call}", additional_headers=h)\n',
    ),
    "old-library": (
        "a.py",
        f'import websockets.legacy.client\nwebsockets.connect("{SOCKET}?model=gpt-realtime-2.1", extra_headers=h)\n',
    ),
    "comment": ("a.js", f"// {SOCKET}\n/* new WebSocket('{SOCKET}/transcription_sessions') */ const u = '{SOCKET}';"),
    "comment-py": ("a.py", f'URL = "{SOCKET}"  # not {{"OpenAI-Beta": "realtime=v1"}}\n'),
}


@pytest.mark.parametrize("name", FINE)
def test_what_only_looks_like_a_flaw_is_left_alone(name: str) -> None:
    file, code = FINE[name]
    assert found(code, file) == ()


def test_every_rule_has_a_page_with_its_flaw() -> None:
    causes = {cause for _, _, _, cause, _, _ in FLAWED.values()}
    assert {r.cause for r in rules().values()} == causes
    assert all(r.sources and r.why.endswith(".") for r in rules().values())


def test_the_names_of_events_do_not_contradict_each_other() -> None:
    known = names()
    assert set(known.renamed.values()) | set(known.invented.values()) <= set(known.server)
    assert not (set(known.renamed) | set(known.invented)) & set(known.server)


@pytest.mark.parametrize(
    ("name", "text"), [("page.html", GOOD_PAGE), ("listen.py", GOOD_CLIENT), ("", GOOD_PAGE), ("-", GOOD_CLIENT)]
)
def test_a_page_and_a_client_that_work_have_no_flaw(name: str, text: str) -> None:
    assert found(text, name) == ()


def test_the_first_page_has_its_four_flaws() -> None:
    flaws = found(FIRST_PAGE, "app.tsx")
    assert [(f.line, f.cause) for f in flaws] == [
        (10, "client-unknown-event"),
        (17, "ek-sent-to-mint-endpoint"),
        (18, "model-retired"),
        (19, "token-kind-url-mismatch"),
        (24, "error-json-used-as-sdp-answer"),
    ]
    instead = {f.cause: f.instead for f in flaws}
    assert instead["client-unknown-event"] == (
        'if (message.type === "conversation.item.input_audio_transcription.completed") {'
    )
    assert instead["ek-sent-to-mint-endpoint"] == instead["token-kind-url-mismatch"] == instead["model-retired"]
    assert instead["ek-sent-to-mint-endpoint"] == (
        f'"{CALLS}";\nconst model = "gpt-transcribe";\nconst reply = await fetch(`${{mintUrl}}`, {{'
    )
    assert instead["error-json-used-as-sdp-answer"].startswith("if (!reply.ok) throw new Error(")


def test_the_first_page_between_prose_is_found_on_the_same_lines() -> None:
    prose = "I tried the guide and it doesn't work, is `offer.sdp.trim()` needed with transcription_session.update?"
    pasted = found(f"{prose}\n\n```ts\n{FIRST_PAGE}```\n\nThanks for any help you can give me.\n", "-")
    assert [(f.line - 3, f.cause) for f in pasted] == [(f.line, f.cause) for f in found(FIRST_PAGE)]


THREAD = ROOT.parent / "shared" / "thread.txt"


@pytest.mark.skipif(not THREAD.exists(), reason="shared/thread.txt does not lie beside this repository")
def test_the_founding_report_itself() -> None:
    text = THREAD.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert looks_like_code(text)
    flaws = {f.cause: f for f in found(text, "thread.txt")}
    assert "transcription_sessions" in lines[flaws["ek-sent-to-mint-endpoint"].line - 1]
    assert "?model=" in lines[flaws["token-kind-url-mismatch"].line - 1]
    assert ".text()" in lines[flaws["error-json-used-as-sdp-answer"].line - 1]
    assert '"transcription"' in lines[flaws["client-unknown-event"].line - 1]
    assert max(f.line for f in flaws.values()) <= 58


def test_an_html_page_is_read_in_its_scripts_alone() -> None:
    page = f'<p>new WebSocket("{SOCKET}/sessions")</p>\n<script>\nnew WebSocket("{SOCKET}/sessions");\n</script>'
    assert [f.line for f in found(page, "a.html")] == [3]


def test_a_corrected_session_has_no_flaw_left() -> None:
    flat = js_session(
        '{ voice: "verse", turn_detection: { type: "server_vad", eagerness: "low" }, temperature: 0.7, tools }'
    )
    mended = of("flat-beta-fields-in-ga", found(flat)).instead.removeprefix("session: ")
    assert found(js_session(mended)) == ()


def test_keys_are_masked_in_what_is_shown() -> None:
    code = f'new WebSocket("{SOCKET}/sessions", ["realtime", "openai-insecure-api-key.{FAKE_KEY}"]);'
    flaws = found(code)
    assert len(flaws) == 2
    assert not any(FAKE_KEY in f.found or FAKE_KEY in f.instead for f in flaws)
    assert all(len(f.found) <= 160 for f in found(code + " " * 9 + "x" * 500))


def test_the_day_decides_about_models() -> None:
    code = f'const url = "{SOCKET}?model=gpt-realtime";'
    assert scan(code, "a.js", date(2026, 3, 1)) == ()
    assert [f.confidence for f in scan(code, "a.js", date(2027, 1, 20))] == ["high"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0\ufffd",
        "`${" * 12_000,
        "([{" * 12_000,
        "}])" * 12_000,
        "fetch(" * 6_000,
        "<script>" * 6_000,
        "\n" * 60_000,
        "a.client_secret" * 1_500,
        "\n".join(["const a = a + a;"] * 2_000),
        "{ type: 'session.update', session: " * 2_000 + "1" + "}" * 2_000,
        '"' * 20_001,
        "/[" * 10_000,
        "x" * 100_000,
        "'use client'; NEXT_PUBLIC_" + "OPENAI" * 1_500,
    ],
    ids=range(15),
)
@pytest.mark.parametrize("name", ["a.js", "a.py", "a.html", "-"])
def test_no_text_breaks_or_delays_the_scan(text: str, name: str) -> None:
    started = time.process_time()
    scan(f'u = "{SOCKET}";\n{text}', name, TODAY)
    looks_like_code(text)
    assert time.process_time() - started < 5


def test_other_code_is_quiet() -> None:
    other = (
        'const r = await fetch("https://api.example.com/session", { body: offer.sdp.trim() });\n'
        "pc.setRemoteDescription(await r.text());"
    )
    assert found(other) == ()
    assert (
        found('client = OpenAI(api_key="' + FAKE_KEY + '")\nclient.chat.completions.create(model="gpt-4o")\n', "a.py")
        == ()
    )


@pytest.mark.parametrize("folder", ["api", "report", "transport", "diagnosis"])
def test_this_project_is_quiet(folder: str) -> None:
    assert scan_path(ROOT / "rtdiag" / folder, Mask(), TODAY).flaws == ()


def test_a_directory_is_read_as_far_as_it_is_code(tmp_path: Path) -> None:
    bad = f'new WebSocket("{SOCKET}/sessions");\n'
    for name in ("src/app.ts", "node_modules/x/index.js", "dist/app.js", "lib.min.js", "notes.md", "src/deep/page.vue"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"<script>{bad}</script>" if name.endswith("vue") else bad, encoding="utf-8")
    (tmp_path / "large.js").write_text("x" * (1 << 20) + "\n1", encoding="utf-8")
    scanned = scan_path(tmp_path, Mask(), TODAY)
    assert [f.file for f in scanned.flaws] == ["src/app.ts", "src/deep/page.vue"]
    assert scanned.files == 2
    told = " | ".join(scanned.notes)
    assert all(word in told for word in ("node_modules", "dist", "lib.min.js: minified", "large.js: "))


def test_a_link_out_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out.js").write_text(f'new WebSocket("{SOCKET}/sessions");', encoding="utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "own.js").write_text("1;", encoding="utf-8")
    (tmp_path / "in" / "link.js").symlink_to(tmp_path / "out.js")
    (tmp_path / "in" / "folder").symlink_to(tmp_path)
    scanned = scan_path(tmp_path / "in", Mask(), TODAY)
    assert (scanned.files, scanned.flaws) == (1, ())
    assert "link.js: a link out of the directory" in scanned.notes[0]


def test_links_in_a_circle_and_pipes_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "own.js").write_bytes("\ufeff1;".encode("utf-16-le"))
    (tmp_path / "circle.js").symlink_to("circle.js")
    (tmp_path / "zero.js").symlink_to("/dev/zero")
    (tmp_path / "again").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.js")
    assert scan_path(tmp_path, Mask(), TODAY).files == 1
    for name, why in (("pipe.js", "nobody writes"), ("zero.js", "a device"), ("circle.js", "no such file")):
        with pytest.raises(Unreadable, match=rf"{name}: [^(]*{why}"):
            scan_path(tmp_path / name, Mask(), TODAY)


def test_of_all_files_together_no_more_is_read_than_can_be_judged_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[scan_path.__module__], "MOST_CHARACTERS", 50)
    for number in range(9):
        (tmp_path / f"{number}.js").write_text("const a = 'twenty characters';\n", encoding="utf-8")
    scanned = scan_path(tmp_path, Mask(), TODAY)
    assert (scanned.files, scanned.notes[0][:25]) == (2, "1.js: the last that was r")


def test_a_file_is_read_by_itself_and_nothing_readable_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "app.js"
    file.write_text(f'new WebSocket("{SOCKET}/sessions");', encoding="utf-8")
    assert len(scan_path(file, Mask(), TODAY).flaws) == 1
    with pytest.raises(Unreadable, match="no such file"):
        scan_path(tmp_path / "none.js", Mask())
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unreadable, match="no source code to read there"):
        scan_path(tmp_path / "empty", Mask())


@pytest.mark.parametrize(
    "text", [FIRST_PAGE, GOOD_PAGE, GOOD_CLIENT, f"Hello, what is wrong here?\n\n{FIRST_PAGE}\nThanks!"]
)
def test_code_is_recognised_without_a_name(text: str) -> None:
    assert looks_like_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"error": {"message": "Invalid URL (POST /v1/realtime/sessions)", "type": "invalid_request_error"}}',
        '{"type": "session.update", "session": {}}\n{"type": "session.created"}\n{"type": "input_audio_buffer.append"}',
        "I post my offer to /v1/realtime/calls and get 401, what is wrong? The token is fresh.",
        "curl -X POST https://api.openai.com/v1/realtime/calls -H 'Content-Type: application/sdp' -d @offer.sdp",
        "const a = 1;\nconst b = await go(a);\nexport default () => a + b;\n",
        "POST https://api.openai.com/v1/realtime/calls 401 (Unauthorized)\n    at start (app.js:41:20)\n"
        "    at async go (app.js:7:3)",
    ],
)
def test_what_is_no_code_of_this_api_is_not_taken_for_it(text: str) -> None:
    assert not looks_like_code(text)
