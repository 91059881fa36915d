"""Dumps of chrome://webrtc-internals, as old and new Chromes write them, read as a stream.

`PeerConnections` holds, for each, `updateLog` (what was called and which states came) and `stats` (every figure over time, as the
text of a list). Names have changed: `iceConnectionStateChange: ICEConnectionStateFailed` until 2020, `iceconnectionstatechange:
failed` until 2025, `oniceconnectionstatechange: "failed"` since (Chromium, peer_connection_tracker.cc; 156 as run here).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers.forms import Draft, Reading, cut
from rtdiag.diagnosis.readers.har_stream import Broken, Guarded
from rtdiag.diagnosis.readers.peer_connection import PeerConnection, all_well, failures
from rtdiag.diagnosis.readers.plain import at
from rtdiag.diagnosis.readers.timestamps import moment
from rtdiag.intake import Readable
from rtdiag.model import counted

_KEYS = ("PeerConnections", "getUserMedia")
_FORM = "webrtc-internals dump"
_MOST_CONNECTIONS, _MOST_OBJECTS, _MOST_UPDATES = 50, 400, 5000
_LONGEST = 64 * 1024
_DEEPEST = 20
_MOST_VALUES = 3_000_000

_STATES = {"iceconnectionstatechange": "ice", "connectionstatechange": "peer", "icegatheringstatechange": "gathering"}
_SPELT = expression(r"k?(?:ice|signaling)?(?:connection|gathering)?state", re.I)
_CANDIDATE = expression(r"candidate:\S{1,64} \d{1,3} (\w{1,8}) \d{1,20} \S{1,100} \d{1,5} typ (\w{1,8})")
_FAILED = expression(r"(.+)onfailure\Z|(.+)failed\Z")
# The types of statistics by the beginning of their id, from before the dump said them.
_TYPES = {"RTCIceCandidatePair": "candidate-pair", "RTCTransport": "transport", "RTCDataChannel": "data-channel"}


def is_dump(head: bytes) -> bool:
    """Whether a file that begins so is a dump: a JSON object with `PeerConnections` or `getUserMedia` as a key of its own."""
    if not head.lstrip().startswith(b"{") or not any(f'"{key}"'.encode() in head for key in _KEYS):
        return False
    try:
        return any(len(path) > 1 and path[0] in _KEYS for path, _ in _values(io.BytesIO(head)))
    except Broken:
        return False


def read_dump(source: Readable) -> Reading:
    """What failed in the peer connections and requests for a microphone that a dump holds."""
    dump, broken = _Dump(), ""
    try:
        for path, value in _values(source):
            dump.take(path, value)
    except Broken as error:
        broken = f"the dump ends early ({error})"
    return dump.reading(broken)


class _Dump:
    """What is known of a dump so far, value by value."""

    def __init__(self) -> None:
        self._found: dict[str, PeerConnection] = {}
        self._update: dict[str, Any] = {}
        self._updates = 0
        self._request: dict[str, dict[str, Any]] = {}
        self._changed_ms: dict[str, float] = {}
        self._taken_ms = 0.0

    def take(self, path: tuple[str, ...], value: Any) -> None:
        """Take in one value of the dump."""
        if path == ("timestamp",) and isinstance(value, int | float):
            self._taken_ms = float(value)
        elif path[0] == "getUserMedia" and len(path) == 3:
            self._request.setdefault(path[1], {})[path[2]] = value
        elif path[0] == "PeerConnections" and len(path) > 2:
            self._connection(path[1], path[2:], value)

    def reading(self, broken: str) -> Reading:
        """What all of it tells."""
        self._close_update()
        for name, pc in self._found.items():
            changed = self._changed_ms.get(name)
            pc.unchanged_s = max(0.0, (self._taken_ms - changed) / 1000) if changed and self._taken_ms else None
            for one in pc.of_type("transport"):
                pc.enter("dtls", str(one.get("dtlsState") or ""))
        drafts = [*self._microphones(), *(draft for pc in self._found.values() for draft in failures(pc))]
        note = "" if drafts else all_well(self._found)
        return Reading(_FORM, drafts, note="; ".join(filter(None, (note, broken))))

    def _microphones(self) -> Iterator[Draft]:
        """A request for a microphone that failed, and none after it that did not."""
        answers = [
            one for one in self._request.values() if "error" in one or "stream_id" in one or "audio_track_info" in one
        ]
        if answers and (error := answers[-1].get("error")):
            said = f"{error}: getUserMedia failed: {answers[-1].get('error_message') or ''}".rstrip(" :")
            yield Draft(said, surface="client", where=f"getUserMedia, of {counted(len(answers), 'request')} the last")

    def _connection(self, name: str, path: tuple[str, ...], value: Any) -> None:
        if name not in self._found and len(self._found) >= _MOST_CONNECTIONS:
            return
        pc = self._found.setdefault(name, PeerConnection(where=f"peer connection {name[:40]}", answered=False))
        if path == ("url",):
            pc.where += f" of {str(value)[:200]}"
        elif path[0] == "rtcConfiguration":
            _configured(pc, path[-1], str(value))
        elif path[0] == "stats" and path[-1] in ("values", "statsType"):
            self._figure(pc, path, value)
        elif path[0] == "stats" and path[-1] == "endTime":
            self._taken_ms = max(self._taken_ms, _ms(value))
        elif path[0] == "updateLog" and len(path) == 3:
            self._logged(name, path[1], path[2], value)

    def _figure(self, pc: PeerConnection, path: tuple[str, ...], value: Any) -> None:
        """The newest value of one figure: `CPabc-state` is `state` of the candidate pair CPabc."""
        owner, _, name = path[1].rpartition("-")
        if owner not in pc.objects and len(pc.objects) >= _MOST_OBJECTS:
            return
        one = pc.objects.setdefault(owner, {"type": next((t for b, t in _TYPES.items() if owner.startswith(b)), "")})
        if path[-1] == "statsType":
            one["type"] = value
        elif name != "type":
            one[name] = _newest(value)

    def _logged(self, name: str, number: str, field: str, value: Any) -> None:
        if self._update.get("number") != (name, number):
            self._close_update()
            self._update = {"number": (name, number), "name": name}
        self._update[field] = value

    def _close_update(self) -> None:
        update, self._update = self._update, {}
        self._updates += 1
        if not update or self._updates > _MOST_UPDATES * _MOST_CONNECTIONS:
            return
        if entered(self._found[update["name"]], str(update.get("type", "")), update.get("value")):
            self._changed_ms[update["name"]] = _ms(update.get("timestamp", update.get("time")))


def entered(pc: PeerConnection, name: str, value: Any) -> bool:
    """Take in a state, or a call of the page and what came of it, as a log names it; whether the connection has moved on by it."""
    kind = re.sub(r"\Aon|[ _-]|\(legacy\)", "", name.lower())
    said = _plain(value)
    if of := _STATES.get(kind):
        pc.enter(of, _SPELT.sub("", said).strip().lower())
    else:
        _called(pc, kind, said)
    return of in ("ice", "peer") or kind == "setremotedescriptiononsuccess"


def _called(pc: PeerConnection, kind: str, said: str) -> None:
    """Take in a call of the page, or what came of one."""
    candidates = [f"{typ} {protocol.lower()}" for protocol, typ in _CANDIDATE.findall(said)]
    if failed := _FAILED.match(kind):
        pc.failed.append(f"{_NAMES.get(failed[1] or failed[2], failed[1] or failed[2])} failed: {cut(said, 2000)}")
    elif kind == "icecandidate":
        pc.local += candidates[: _MOST_OBJECTS - len(pc.local)]
    elif kind in ("setremotedescription", "addicecandidate"):
        pc.remote = ((pc.remote or []) + candidates)[:_MOST_OBJECTS]
    elif kind == "setlocaldescription":
        pc.offered = True
    elif kind == "setremotedescriptiononsuccess":
        pc.answered = True


_NAMES = {
    name.lower(): name
    for name in ("setRemoteDescription", "setLocalDescription", "createOffer", "createAnswer", "addIceCandidate")
}


def _configured(pc: PeerConnection, name: str, value: str) -> None:
    """What of a configuration decides where media can go; as one text in dumps, as an object in some."""
    if re.search(r"iceTransportPolicy\W{1,8}relay|\Arelay\Z", value):
        pc.setting.append("iceTransportPolicy: relay, so media goes over a TURN server or not at all")
    if servers := re.findall(r"\b((?:stun|turns?):[^\s\"',\]]{1,200})", value):
        pc.setting.append(f"iceServers: {', '.join(dict.fromkeys(servers[:6]))}")


def _newest(value: Any) -> Any:
    """The last value of a figure: dumps write its values over time as the text of a list."""
    try:
        values = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None
    newest = values[-1] if isinstance(values, list) and values else values
    return newest if isinstance(newest, str | int | float | bool) else None


def _plain(value: Any) -> str:
    """The words of an update, without the quotes that new dumps put around them."""
    if isinstance(value, dict):
        return str(value.get("sdp") or value.get("candidate") or "")
    text = str(value or "")
    try:
        inner = json.loads(text) if text[:1] in ('"', "{") else text
    except (ValueError, RecursionError):
        return text
    if isinstance(inner, str):
        return inner
    return str(at(inner, "sdp") or at(inner, "candidate") or at(inner, "message") or text)


def _ms(value: Any) -> float:
    """A time of a dump in milliseconds since 1970: a number, its text, or ISO 8601; 0 for a time of day as a person reads it."""
    if found := moment(value):
        return found.timestamp() * 1000
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _values(source: Readable) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every text, number and truth value of a JSON file with the keys that lead to it. Raises Broken."""
    import ijson

    path: list[str] = []
    counts: list[int] = []  # of the lists that are open, -1 for an object
    try:
        for number, (event, value) in enumerate(
            ijson.basic_parse(Guarded(source), use_float=True, buf_size=256 * 1024)
        ):
            if event == "map_key":
                path[-1] = value[:200]
                continue
            if event.startswith("end"):
                path.pop()
                counts.pop()
                continue
            if counts and counts[-1] >= 0:
                path[-1], counts[-1] = str(counts[-1]), counts[-1] + 1
            if event.startswith("start"):
                path.append("")
                counts.append(0 if event == "start_array" else -1)
            elif event != "null":
                yield tuple(path), value
            if len(path) > _DEEPEST or number > _MOST_VALUES:
                raise Broken("it is deeper, or holds more, than a dump")
    except (ijson.JSONError, ValueError, ArithmeticError, RecursionError):
        raise Broken("there its JSON breaks off, or is none") from None
