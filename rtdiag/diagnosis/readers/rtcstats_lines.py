"""Dumps in the form of rtcstats, which Chrome offers beside its own: a line for each call, state and getStats, as JSON lists.

`["oniceconnectionstatechange", "6-1", "\\"checking\\"", 0.6]`: what, of which connection, its value, and the milliseconds since the
line before. Chrome 156 as run here; github.com/rtcstats/rtcstats.
"""

from __future__ import annotations

from typing import Any

from rtdiag.diagnosis.readers.forms import Draft, Reading
from rtdiag.diagnosis.readers.peer_connection import PeerConnection, all_well, failures
from rtdiag.diagnosis.readers.plain import compact, parsed
from rtdiag.diagnosis.readers.webrtc_internals import entered

_HEAD = "RTCStatsDump"
_MEDIA = "navigator.mediaDevices.getUserMedia"
_MOST_CONNECTIONS, _MOST_OBJECTS = 50, 400


def read_lines(text: str) -> Reading | None:
    """What failed in a dump of that form; None for any other text."""
    if not text.startswith(_HEAD):
        return None
    found: dict[str, PeerConnection] = {}
    changed_ms: dict[str, float] = {}
    microphone, now_ms = "", 0.0
    for row in text.splitlines():
        line = parsed(row) if row.startswith("[") else None
        if not isinstance(line, list) or len(line) < 3 or not isinstance(line[0], str) or not isinstance(line[1], str):
            continue
        now_ms += line[-1] if isinstance(line[-1], int | float) else 0
        if line[0].startswith(_MEDIA):
            failed = line[0].endswith("OnFailure")
            microphone = compact(line[2]) if failed else "" if line[0].endswith("OnSuccess") else microphone
        elif line[1] in found or len(found) < _MOST_CONNECTIONS:
            pc = found.setdefault(line[1], PeerConnection(where=f"peer connection {line[1][:40]}", answered=False))
            if _take(pc, line[0], line[2]):
                changed_ms[line[1]] = now_ms
    for name, pc in found.items():
        pc.unchanged_s = (now_ms - changed_ms[name]) / 1000 if name in changed_ms else None
    drafts = [Draft(f"{microphone}: getUserMedia failed", surface="client", where="getUserMedia")] if microphone else []
    drafts += [draft for pc in found.values() for draft in failures(pc)]
    return Reading("rtcstats dump", drafts, note="" if drafts else all_well(found))


def _take(pc: PeerConnection, name: str, value: Any) -> bool:
    """Take in one line; whether the connection has moved on by it."""
    if name.lower() == "getstats" and isinstance(value, dict):
        for key, one in value.items():
            if isinstance(one, dict) and (key in pc.objects or len(pc.objects) < _MOST_OBJECTS):
                pc.objects.setdefault(key, {}).update(one)
        for one in pc.of_type("transport"):
            pc.enter("dtls", str(one.get("dtlsState") or ""))
        return False
    return entered(pc, name, value)
