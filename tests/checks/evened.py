"""A recorded cassette, evened out: what differs from run to run and from machine to machine becomes the same each time.

Ids, ports, addresses, fingerprints and times are replaced in the order in which they come, at their length and in every place
alike; times keep their distance from the beginning, to the minute. Nothing that a judge looks at changes its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

_PORT = 8090
_NEAR_S = 3 * 3600
_STEP_S, _STEP_MS = 60, 10
_BEGINNING = 200

# Of one connection, or of the machine; the ids of a request are in no judgement.
_HEADERS = frozenset(
    {"server", "user-agent", "openai-processing-ms", "sec-websocket-key", "sec-websocket-accept", "x-client-request-id"}
)
# What is the same in each cassette, or computed anew when it is judged.
_LEFT_OUT = frozenset({"finished_at", "overall", "exit_code", "cost", "masking"})
_OF_EXCHANGES = frozenset({"timing_ms", "correlation", "at_ms", "credential_from", "reached"})
_OF_CASES = frozenset({"curl", "expected", "hint"})

# The group is what is replaced, in the order of this list.
_IDS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:sess|event|req|item|resp|conv|call)_([A-Za-z0-9]{21}|[0-9a-f]{32})\b",
        r"\b(?:rtc|sess)_u\d_([A-Za-z0-9]{21,32})\b",
        r"\bek_([0-9a-f]{5})(?=\*)",  # the server's own mask
        r"\bek_\w*\*{8,}([A-Za-z0-9]{4})\b",
        r"\b([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b",
        r"a=ice-ufrag:(\w+)",
        r" ufrag (\w+)",
        r"/u\d/(\w{6})\b",
        r"\bboundary=([0-9a-f]{32})",
        r"--([0-9a-f]{32})\b",
    )
)
_FINGERPRINT = re.compile(r"(?<=a=fingerprint:)(sha-\d+) ([0-9A-F:]+)")
# What else an SDP text holds of one attempt; line ends may be spelt as JSON spells them.
_SDP = tuple(
    (re.compile(pattern), even)
    for pattern, even in (
        (r"(?<=o=- )\d{6,} \d{6,}", "4000000000 4000000000"),
        (r"(?<=a=ssrc:)\d+", "1000000000"),
        (r"(?<=m=audio )(?!0 )\d+|(?<=m=application )(?!0 )\d+", "50000"),
        (r"c=IN IP[46] [^\s\\]+", "c=IN IP4 *********"),
        (r"a=candidate:\S+ 1 udp \d+ \S+ \d+ typ", f"a=candidate:{1:032d} 1 udp 2130706431 ********* 50000 typ"),
        (r"a=candidate:\S+ 1 tcp \d+ \S+ \d+ typ", f"a=candidate:{2:032d} 1 tcp 1671430143 ********* 50000 typ"),
        (r"((?:a=candidate:[^\r\n\\]*(?:\r\n|\\r\\n)){1,2}?)\1+", r"\1"),  # one or both for each address of the machine
        (r"(\r\n[^\r\n]{3})[^\r\n]*\Z", r"\1"),  # where one was cut off
    )
)
_UNIX_S = re.compile(r"(?<![\w.-])1[5-9]\d{8}(?:\.\d+)?(?![\w.])")
_PAIR_PORT = re.compile(r"(?<=\*):\d+")
_PORT_OF = re.compile(r":\d+$")
_ADDRESS = re.compile(r"(?<=udp host )[^ ]*(?=:\d+$)")
_CROSSED = re.compile(r"\d+ datagrams? to \S+:\d+(?: and \d+ more)? in [\d.]+ s")
_LANE = re.compile(r"(?<=\brtc_u)\d(?=_)|(?<=\bsess_u)\d(?=_)|(?<=/u)\d(?=/\w{6}\b)")
_LOCAL = re.compile(r"(?<=\b127\.0\.0\.1:)\d+")


def evened(whole: dict[str, Any]) -> dict[str, Any]:
    """The same for a cassette's content as plain values (rtdiag.report.cassette.content); what is empty is left out."""
    report = whole["rtdiag"]
    began = datetime.fromisoformat(report["started_at"]).timestamp()
    day = report["target"]["emulator"]["as_of"]
    texts = _Texts(began, datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp())
    report = {k: v for k, v in report.items() if k not in _LEFT_OUT} | {"started_at": f"{day}T12:00:00.000Z"}
    report["target"] = _filled(report["target"])
    report["checks"] = [_check(check) for check in report["checks"]]
    report["exchanges"] = [_exchange(x) for x in report["exchanges"]]
    report["events"] = [e | {"at_ms": place * _STEP_MS} for place, e in enumerate(report["events"])]
    report["peers"] = [_peer(p) for p in report["peers"]]
    kept = {"interrupted": False}
    even: dict[str, Any] = texts({**whole, "rtdiag": _filled(report) | kept})
    return even


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    cases = [_filled({k: v for k, v in case.items() if k not in _OF_CASES}) for case in check["cases"]]
    for case in cases:
        if "modes" in case.get("facts", {}):
            case["facts"] = _heard(case["facts"])
    return {"id": check["id"], "title": check["title"], "status": check["status"], "cases": cases}


def _heard(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What was heard of a clip: an event that carries no offset stands where the last one with an offset does."""
    end_ms = facts["clip"]["duration_ms"]
    modes = {}
    for name, mode in facts["modes"].items():
        at_ms, events = end_ms, []
        for event in mode["events"]:
            at_ms = event[1] if event[0] in ("started", "stopped") else at_ms
            events.append([event[0], at_ms, *event[2:]])
        modes[name] = {**mode, "events": events} | ({"commit_ms": end_ms} if "commit_ms" in mode else {})
    return {**facts, "modes": modes}


def _exchange(exchange: Mapping[str, Any]) -> dict[str, Any]:
    """Of a body that broke off or is too large the beginning says enough."""
    broken = {"body": (exchange["body"] or "")[:_BEGINNING]} if exchange["failure"] else {}
    return _filled({k: v for k, v in exchange.items() if k not in _OF_EXCHANGES} | broken) | _headers(exchange)


def _headers(exchange: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [pair for pair in exchange[name] if pair[0].lower() not in _HEADERS]
        for name in ("request_headers", "response_headers")
        if name in exchange
    }


def _peer(peer: Mapping[str, Any]) -> dict[str, Any]:
    states = [[place * _STEP_MS, *state[1:]] for place, state in enumerate(peer["states"])]
    phases = dict.fromkeys(peer["phases_ms"], float(_STEP_MS))
    candidates = dict.fromkeys(peer["candidates"], 1)
    left = {k: v for k, v in peer.items() if k != "at_ms"}
    left["selected_pair"] = _PAIR_PORT.sub(":50000", left["selected_pair"] or "")
    return _filled(left | {"states": states, "phases_ms": phases, "candidates": candidates} | _ways(peer))


def _ways(peer: Mapping[str, Any]) -> dict[str, Any]:
    """The ways that were tried where none was found, one for each that reads the same; where one was, nobody looks at them."""
    if not peer["failure"] or peer["failure"]["phase"] != "ice":
        return dict.fromkeys(
            ("pairs", "local_candidates", "remote_candidates", "elsewhere", "ice_tcp", "last_datagram_ms")
        )
    found = {name: _once(peer[name]) for name in ("local_candidates", "remote_candidates", "elsewhere")}
    pairs = [
        {k: _PORT_OF.sub(":50000", v) if isinstance(v, str) else v for k, v in pair.items()} for pair in peer["pairs"]
    ]
    pairs = [pair for place, pair in enumerate(pairs) if pair not in pairs[:place]]
    tcp = [
        one | {"candidate": _PORT_OF.sub(":50000", one["candidate"]), "took_ms": _STEP_MS} for one in peer["ice_tcp"]
    ]
    return {**found, "pairs": pairs, "ice_tcp": tcp}


def _once(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(_PORT_OF.sub(":50000", _ADDRESS.sub("*********", text)) for text in texts))


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing, which reading fills in again; the facts of a case are kept as they are."""
    empty: tuple[Any, ...] = (None, "", [], {}, ())
    return {k: v for k, v in values.items() if k == "interaction" or not any(v == e for e in empty)}


class _Texts:
    """Evens out every text inside plain values, the same text to the same in each place."""

    def __init__(self, began_s: float, begins_s: float) -> None:
        self._began_s, self._begins_s = began_s, begins_s
        self._numbers: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: self(v) for k, v in value.items() if str(k).lower() not in _HEADERS}
        if isinstance(value, list | tuple):
            return [self(v) for v in value]
        if isinstance(value, str):
            return self._text(value)
        seconds = isinstance(value, int | float) and not isinstance(value, bool)
        return self._moment(value) if seconds else value

    def _text(self, text: str) -> str:
        text = _LANE.sub("1", _LOCAL.sub(str(_PORT), text))
        text = _CROSSED.sub("4 datagrams to *********:50000 in 4.0 s", text)
        if "v=0" in text:
            text = self._sdp(text)
        for pattern in _IDS:
            text = pattern.sub(self._numbered, text)
        if re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", text):
            moment = self._moment(parsedate_to_datetime(text).timestamp())
            return format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)
        return _UNIX_S.sub(lambda found: f"{self._moment(float(found[0])):.0f}", text)

    def _numbered(self, found: re.Match[str]) -> str:
        whole, group = found[0], found[1]
        number = f"{len(self._numbers) + 1:0{len(group)}d}"
        if "-" in group:
            number = f"00000000-0000-4000-8000-{len(self._numbers) + 1:012d}"
        return whole.replace(group, self._numbers.setdefault(group, number))

    def _sdp(self, text: str) -> str:
        text = _FINGERPRINT.sub(lambda found: f"{found[1]} {self._fingerprint(found[2])}", text)
        for pattern, even in _SDP:
            text = pattern.sub(even, text)
        return text

    def _fingerprint(self, text: str) -> str:
        """A fingerprint as its number among all that was replaced, in every byte."""
        byte = self._numbers.setdefault(text, f"{len(self._numbers) + 1:02X}")
        return ":".join([byte] * len(text.split(":")))

    def _moment(self, seconds: float) -> float:
        """A time near the run, as far from the nominal beginning as it was from the real one; any other number as it is."""
        if abs(seconds - self._began_s) > _NEAR_S:
            return seconds
        return self._begins_s + round((seconds - self._began_s) / _STEP_S) * _STEP_S
