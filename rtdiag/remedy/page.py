"""The JavaScript of a page that starts a session and shows what comes: complete, in the order that works.

Steps and names: developers.openai.com/api/docs/guides/realtime-webrtc (2026); the events of both dialects: openai-openapi
@ f85dbe2 and CopilotKit/aimock @ c9af8c3 src/ws-realtime.ts:318.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.api.models import find
from rtdiag.api.sessions import Json, model_of, turn_detection_of

_PAGE = """\
// Call start() from a click. /token is a route of your own server: it mints with the API key and passes the answer on.
async function start() {
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  const minted = await fetch("/token", { method: "POST" });
  if (!minted.ok) throw new Error(`token: ${minted.status} ${await minted.text()}`);
  const token = (await minted.json())@SECRET@;

  const pc = new RTCPeerConnection();
  pc.onconnectionstatechange = () => console.log("connection:", pc.connectionState); // "failed": ICE or DTLS, see the network
@SOUND@  pc.addTrack(microphone.getAudioTracks()[0], microphone);
  const channel = pc.createDataChannel("oai-events"); // before the offer, or the offer does not hold it
  channel.onmessage = ({ data }) => show(JSON.parse(data));

  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  console.log(offer.sdp); // for a shell: saved as offer.sdp, as it is
  const response = await fetch(@URL@, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" },
    body: offer.sdp,
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`offer: ${response.status} ${body}`); // the body says why, and it is not SDP
  await pc.setRemoteDescription({ type: "answer", sdp: body });
  console.log("call:", response.headers.get("Location"));
@COMMIT@  return { pc, channel };
}

function show(event) {
@CASES@  else if (event.type === "error") console.error(event.error.code, event.error.message, event.error.param);
}
"""

_SOUND = "  pc.ontrack = ({ streams }) => Object.assign(new Audio(), { autoplay: true, srcObject: streams[0] });\n"
_COMMIT = "  // No turn detection: when the speaker is done, "
_TRANSCRIPT = "conversation.item.input_audio_transcription"
_SPOKEN: Mapping[Dialect, str] = {
    "ga": "response.output_audio_transcript.delta",
    "beta": "response.audio_transcript.delta",
}


def page(url: str, kind: Kind, dialect: Dialect, session: Json) -> str:
    """The script that posts its offer to `url` and listens for the events of that kind of session in that dialect."""
    parts = {
        "SECRET": ".value" if dialect == "ga" else ".client_secret.value",
        "SOUND": _SOUND if kind == "realtime" else "",
        "URL": _string(url),
        "COMMIT": _commit(kind) if _commits(kind, session) else "",
        "CASES": _cases(kind, dialect),
    }
    return re.sub("@([A-Z]+)@", lambda found: parts[found[1]], _PAGE)


def _string(text: str) -> str:
    """A JavaScript string, also inside a script element: there `</` would end it."""
    return json.dumps(text).replace("</", "<\\/")


def _commits(kind: Kind, session: Mapping[str, Any]) -> bool:
    """Whether nobody but the page ends a turn: null was sent, or the transcription model takes no turn detection."""
    model = find(model_of(session) or "") if kind == "transcription" else None
    return turn_detection_of(session) is None or (model is not None and model.server_vad == "no")


def _commit(kind: Kind) -> str:
    events = ["input_audio_buffer.commit"] + (["response.create"] if kind == "realtime" else [])
    sent = " ".join(f"channel.send(JSON.stringify({{ type: {_string(event)} }}));" for event in events)
    return f"{_COMMIT}{sent}\n"


def _cases(kind: Kind, dialect: Dialect) -> str:
    opened = "transcription_session" if (kind, dialect) == ("transcription", "beta") else "session"
    cases = [(f"{opened}.created", 'console.log("in force:", event.session)')]
    cases.append((f"{opened}.updated", 'console.log("in force:", event.session)'))
    if kind == "transcription":
        cases.append((f"{_TRANSCRIPT}.delta", 'console.log("…", event.delta)'))
        cases.append((f"{_TRANSCRIPT}.completed", 'console.log("heard:", event.transcript)'))
        cases.append((f"{_TRANSCRIPT}.failed", "console.error(event.error)"))
    else:
        cases.append((_SPOKEN[dialect], 'console.log("…", event.delta)'))
    lines = [f"if (event.type === {_string(name)}) {call};" for name, call in cases]
    if kind == "realtime":
        lines.append(
            'if (event.type === "response.done" && event.response.status === "failed")\n'
            "    console.error(event.response.status_details);"
        )
    return "  " + "\n  else ".join(lines) + "\n"
