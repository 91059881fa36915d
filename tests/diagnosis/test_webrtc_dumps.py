"""Dumps of chrome://webrtc-internals and getStats output: what failed in them, and that healthy ones are healthy.

That a Chrome of today writes them so, tests/browser/test_internals.py shows.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.readers import FILE, Read, read
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Limit, Source, Unusable
from rtdiag.model import Explanation
from rtdiag.redact import Mask

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
THERE = "a=candidate:1 1 udp 2130706431 192.0.2.7 3478 typ host\r\n"
HERE = "candidate:2 1 udp 2122194687 192.0.2.2 51686 typ host generation 0"
RELAY = {"iceServers": [{"urls": ["turn:turn.example:3478"]}], "iceTransportPolicy": "relay"}
STARTED_MS = 1_796_010_950_000
UNPARSED = "Failed to parse SessionDescription. { Expect line: v="
MICROPHONE = {"audio_track_info": '{"id":"x"}', "stream_id": "s", "request_id": 1}
NO_MICROPHONE = {"error": "NotAllowedError", "error_message": "Permission denied", "request_id": 0}


def pair(sent: int, back: int) -> dict[str, Any]:
    return {
        "type": "candidate-pair",
        "state": "succeeded" if back else "in-progress",
        "requestsSent": sent,
        "responsesReceived": back,
    }


def transport(ice: str, dtls: str, *, packets: int = 300, received: int = 66_841) -> dict[str, Any]:
    told = {"iceState": ice, "dtlsState": dtls, "packetsSent": packets}
    return {"type": "transport", **told, "bytesSent": 100 * packets, "bytesReceived": received}


def channel(state: str) -> dict[str, Any]:
    return {"type": "data-channel", "label": "oai-events", "state": state}


STOOD = {"T01": transport("connected", "connected"), "CP1": pair(5, 5), "D1": channel("open")}
UNANSWERED = {
    "T01": transport("checking", "new", packets=0, received=0),
    "CP1": pair(118, 0),
    "D1": channel("connecting"),
}
DTLS_FAILED = {"T01": transport("connected", "failed"), "CP1": pair(9, 2)}
DTLS_SILENT = {"T01": transport("connected", "connecting", packets=18, received=0), "CP1": pair(9, 9)}
PEER_FAILED = ("connectionstatechange", "failed")
UP = [
    ("iceconnectionstatechange", "checking"),
    ("iceconnectionstatechange", "connected"),
    ("connectionstatechange", "connecting"),
]
CONNECTED = [*UP, ("connectionstatechange", "connected")]
LOST = [*CONNECTED, ("iceconnectionstatechange", "disconnected"), ("connectionstatechange", "failed")]
NO_WAY = [
    ("iceconnectionstatechange", "checking"),
    ("iceconnectionstatechange", "disconnected"),
    ("connectionstatechange", "failed"),
]


def dump(
    states: list[tuple[str, str]],
    stats: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    answer: str | None = SDP + THERE,
    refused: str = "",
    microphone: list[dict[str, Any]] | None = None,
    config: Mapping[str, Any] | None = None,
    after_s: int = 20,
    spelt: str = "2026",
) -> dict[str, Any]:
    """A dump as the Chrome of that year writes it, taken so many seconds after the last change."""
    log: list[tuple[str, Any]] = [
        ("setLocalDescription", {"type": "offer", "sdp": SDP}),
        ("icecandidate", {"sdpMid": "0", "candidate": HERE}),
    ]
    if refused:
        log.append(("setRemoteDescriptionOnFailure", refused))
    elif answer is not None:
        log += [("setRemoteDescription", {"type": "answer", "sdp": answer}), ("setRemoteDescriptionOnSuccess", "")]
    updates = [SPELT[spelt](kind, value, STARTED_MS + n) for n, (kind, value) in enumerate([*log, *states])]
    ended_ms = STARTED_MS + len(updates) + after_s * 1000
    figures = {
        f"{owner}-{name}": figure(owner, name, one, spelt) for owner, one in (stats or {}).items() for name in one
    }
    connection = {
        "rtcConfiguration": json.dumps(config or {}),
        "stats": figures,
        "updateLog": updates,
        "url": "https://app.example/",
    }
    times = {"timestamp": ended_ms} if spelt == "2026" else {}
    return {**times, "getUserMedia": microphone or [], "PeerConnections": {"8-1": connection}, "UserAgent": "Chrome"}


def figure(owner: str, name: str, one: Mapping[str, Any], spelt: str) -> dict[str, Any]:
    kind = {} if spelt == "2018" else {"statsType": one["type"]}
    return {
        **kind,
        "startTime": "2026-11-30T03:55:45.544Z",
        "endTime": "2026-11-30T03:55:51.000Z",
        "values": json.dumps([0, one[name]]),
    }


def of_2026(kind: str, value: Any, ms: int) -> dict[str, Any]:
    on = "on" if kind.islower() else ""
    return {
        "type": on + kind,
        "value": json.dumps(value) if value and "Failure" not in kind else value,
        "timestamp": ms,
    }


def of_2022(kind: str, value: Any, ms: int) -> dict[str, Any]:
    told = ", ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, Mapping) else value
    return {"time": str(ms), "type": kind, "value": told}


def of_2018(kind: str, value: Any, ms: int) -> dict[str, Any]:
    names = {
        "iceconnectionstatechange": "iceConnectionStateChange",
        "icecandidate": "onIceCandidate",
        "connectionstatechange": "connectionStateChange",
    }
    ice = kind == "iceconnectionstatechange"
    spelt = of_2022(names.get(kind, kind), f"ICEConnectionState{str(value).title()}" if ice else value, ms)
    return spelt | {"time": "11/30/2026, 3:55:45 AM"}


SPELT = {"2026": of_2026, "2022": of_2022, "2018": of_2018}


def reading(given: Any) -> Read:
    return read(io.BytesIO(given if isinstance(given, bytes) else json.dumps(given).encode()), "-", Mask())


def explained(given: Any) -> Explanation:
    (found,) = explain(io.BytesIO(given if isinstance(given, bytes) else json.dumps(given).encode()), "-", Mask())
    return found


FAILED: dict[str, tuple[dict[str, Any], str]] = {
    "no way": (dump(NO_WAY, UNANSWERED), "ice-udp-blocked"),
    "still checking": (dump(NO_WAY[:1], UNANSWERED, after_s=1), "ice-udp-blocked"),
    "nothing happens": (dump([]), "ice-udp-blocked"),
    "relay alone": (dump([], config=RELAY), "ice-udp-blocked"),
    "no candidates": (dump([], answer=SDP), "answer-without-candidates"),
    "DTLS fails": (dump([*UP, PEER_FAILED], DTLS_FAILED), "dtls-fingerprint-mismatch"),
    "DTLS silent": (dump(UP, DTLS_SILENT), "dtls-no-answer"),
    "channel": (dump(CONNECTED, STOOD | {"D1": channel("connecting")}), "data-channel-never-opens"),
    "lost": (dump(LOST, STOOD), "network-lost-in-session"),
    "a refusal as the answer": (dump([], refused=UNPARSED), "error-json-used-as-sdp-answer"),
    "microphone": (dump(CONNECTED, STOOD, microphone=[NO_MICROPHONE]), "microphone-refused"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILED)
def test_a_dump_shows_what_failed(name: str) -> None:
    found = explained(FAILED[name][0])
    assert found.form == "webrtc-internals dump"
    assert found.diagnosis[0].cause == FAILED[name][1]
    assert [d.cause for d in found.diagnosis if d.confidence == "high"] in ([], [FAILED[name][1]])


@pytest.mark.parametrize("spelt", ["2022", "2018"])
@pytest.mark.parametrize(
    ("states", "stats", "cause"),
    [
        (NO_WAY, UNANSWERED, "ice-udp-blocked"),
        (
            [*UP, ("connectionstatechange", "failed")],
            {"RTCTransport_1": transport("connected", "failed")},
            "dtls-fingerprint-mismatch",
        ),
        (LOST, {"RTCTransport_1": transport("connected", "connected")}, "network-lost-in-session"),
        (CONNECTED, {"RTCTransport_1": transport("connected", "connected")}, ""),
    ],
)
def test_dumps_of_older_chromes_say_the_same(
    spelt: str, states: list[tuple[str, str]], stats: Mapping[str, Mapping[str, Any]], cause: str
) -> None:
    found = explained(dump(states, stats, spelt=spelt))
    assert [d.cause for d in found.diagnosis][:1] == ([cause] if cause else [])


def test_what_is_seen_of_a_connection_is_told() -> None:
    (situation,) = reading(dump(NO_WAY, UNANSWERED, config=RELAY)).situations
    assert situation.where == "peer connection 8-1 of https://app.example/"
    for fact in (
        "iceConnectionState: checking, disconnected",
        "connectionState: failed",
        "1 candidate pair, 118 checks sent, 0 answered",
        "candidates here: 1 host udp",
        "candidates there: 1 host udp",
        "data channel oai-events: connecting",
        "0 bytes sent, 0 received",
        "iceTransportPolicy: relay",
        "turn:turn.example:3478",
    ):
        assert fact in situation.text


def test_a_healthy_dump_is_healthy_and_says_what_it_does_not_show() -> None:
    found = explained(dump(CONNECTED, STOOD, microphone=[MICROPHONE]))
    assert found.diagnosis == ()
    assert found.note.startswith("nothing in it failed: iceConnectionState: checking, connected")
    assert "bring a HAR" in found.note


@pytest.mark.parametrize(
    ("given", "note"),
    [
        (dump([*CONNECTED, ("connectionstatechange", "closed")], STOOD), "nothing in it failed"),
        (dump([], answer=None), "an offer was made and no answer was ever set (peer connection 8-1 of https://app.example/)"),
        (dump(UP, STOOD | {"D1": channel("connecting")}, after_s=1), "nothing in it"),
        (dump([], after_s=1), "nothing in it has failed yet"),
        ({"getUserMedia": [MICROPHONE], "PeerConnections": {}, "UserAgent": "Chrome"}, "it holds no peer connection"),
        (dump(CONNECTED, STOOD, microphone=[NO_MICROPHONE, MICROPHONE]), "nothing in it failed"),
        (dump(CONNECTED, STOOD | {"S1": {"type": "media-source", "totalAudioEnergy": 0}}), "nothing in it failed"),
    ],
)  # fmt: skip
def test_what_is_no_failure_is_none(given: dict[str, Any], note: str) -> None:
    found = explained(given)
    assert found.diagnosis == ()
    assert found.note.startswith(note)


def test_a_silent_microphone_stands_out() -> None:
    silent = {"S1": {"type": "media-source", "totalAudioEnergy": 0}}
    assert "what the microphone gave was silence all the time" in explained(dump(CONNECTED, STOOD | silent)).note


def test_of_two_connections_the_one_that_failed_is_shown() -> None:
    both = dump(CONNECTED, STOOD)
    both["PeerConnections"]["8-2"] = dump(NO_WAY, UNANSWERED)["PeerConnections"]["8-1"]
    (situation,) = reading(both).situations
    assert situation.where.startswith("peer connection 8-2")


# --- compressed, cut off, hostile


@pytest.mark.parametrize("form", ["gzip", "fenced", "indented"])
def test_a_dump_may_be_compressed_or_pasted(form: str) -> None:
    text = json.dumps(dump(NO_WAY, UNANSWERED), indent=2 if form == "indented" else None)
    given = (
        gzip.compress(text.encode()) if form == "gzip" else (f"```\n{text}\n```" if form == "fenced" else text).encode()
    )
    assert explained(given).diagnosis[0].cause == "ice-udp-blocked"


def test_a_dump_that_is_cut_off_tells_what_it_has() -> None:
    text = json.dumps(dump(NO_WAY, UNANSWERED))
    found = explained(text[: text.index("UserAgent")].encode())
    assert found.diagnosis[0].cause == "ice-udp-blocked"
    assert "the dump ends early" in found.note


def test_gzip_is_unpacked_within_the_limit_only_and_never_at_once() -> None:
    packed = gzip.compress(b"x" * 3_000_000)
    with pytest.raises(Unusable, match="larger than 1 MiB"):
        Source(io.BytesIO(packed), Limit(1 << 20, "give less", unpacks=True)).rest()
    assert len(Source(io.BytesIO(packed), FILE).rest()) == 3_000_000
    assert Source(io.BytesIO(gzip.compress(b"one") + gzip.compress(b"two")), FILE).rest() == b"onetwo"


@pytest.mark.parametrize("raw", [b"\x1f\x8b", b"\x1f\x8b\x08\x00" + b"\xff" * 80, gzip.compress(b"", mtime=0)])
def test_what_only_begins_as_gzip_is_one_line(raw: bytes) -> None:
    with pytest.raises((Unreadable, Unusable)) as refused:
        read(Source(io.BytesIO(raw), FILE), "-", Mask())
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited with ulimit")
def test_a_gzip_bomb_ends_in_little_memory(tmp_path: Any) -> None:
    path = tmp_path / "dump.gz"
    head = b'{"getUserMedia": [], "PeerConnections": {"1-1": {"pid": 1, "url": "'
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(head)
        for _ in range(600):
            file.write(b"x" * (1 << 20))
    run = f"ulimit -v 700000; exec {sys.executable} -m rtdiag explain {path}"
    ended = subprocess.run(["bash", "-c", run], capture_output=True, text=True, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)


@pytest.mark.parametrize(
    "value",
    [None, 1, "x", [], {}, [[[]]], {"8-1": None}, {"8-1": {"updateLog": [1, {"type": None}], "stats": {"a-b": []}}}],
)
@pytest.mark.parametrize("key", ["PeerConnections", "getUserMedia"])
def test_odd_dumps_raise_nothing(key: str, value: Any) -> None:
    for given in (
        {key: value},
        {"getUserMedia": [], "PeerConnections": {}, key: value},
        {"PeerConnections": {"8-1": {"stats": value, "updateLog": value}}},
    ):
        assert reading(given).form


# --- getStats


def reports(stats: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": name, "timestamp": 1, **one} for name, one in stats.items()]


def printed(stats: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    listed = reports(stats)
    node = ",\n".join(f"  '{one['id']}' => {{ {', '.join(f'{k}: {v!r}' for k, v in one.items())} }}" for one in listed)
    aiortc = ", ".join(f"'{one['id']}': RTCStats({', '.join(f'{k}={v!r}' for k, v in one.items())})" for one in listed)
    return {
        "list": listed,
        "pairs": [[one["id"], one] for one in listed],
        "by id": {one["id"]: one for one in listed},
        "over time": [[one | {"state": "new"} for one in listed], listed],
        "Node": f"Map({len(listed)}) {{\n{node}\n}}".encode(),
        "aiortc": f"{{{aiortc}}}".encode(),
    }


@pytest.mark.parametrize("form", ["list", "pairs", "by id", "over time", "Node", "aiortc"])
@pytest.mark.parametrize(
    ("stats", "cause"),
    [
        (UNANSWERED, "ice-udp-blocked"),
        (DTLS_FAILED, "dtls-fingerprint-mismatch"),
        (DTLS_SILENT, "dtls-no-answer"),
        (STOOD | {"D1": channel("connecting")}, "data-channel-never-opens"),
        (STOOD, ""),
    ],
)
def test_stats_say_the_same(form: str, stats: Mapping[str, Mapping[str, Any]], cause: str) -> None:
    found = explained(printed(stats)[form])
    assert "getStats output" in found.form
    assert [d.cause for d in found.diagnosis][:1] == ([cause] if cause else [])
    assert found.note.startswith("nothing in it failed") is not bool(cause)


def test_firefox_tells_of_ice_by_its_pairs_alone() -> None:
    failed = [
        {"id": "a", "type": "candidate-pair", "state": "failed"},
        {"id": "b", "type": "local-candidate", "candidateType": "host"},
    ]
    assert explained(failed).diagnosis[0].cause == "ice-udp-blocked"
    assert explained([failed[0] | {"state": "succeeded"}]).note.startswith("nothing in it failed")


def test_events_and_errors_are_no_stats() -> None:
    assert reading([{"type": "session.created", "id": "x"}, {"type": "error", "id": "y"}]).form != "getStats output"
    assert reading({"id": "x", "type": "transport"}).form == "getStats output"


# --- the form of rtcstats


def lines(given: Mapping[str, Any], *more: list[Any]) -> bytes:
    """The same dump in that form, whose last column is the time since the line before."""
    log = given["PeerConnections"]["8-1"]["updateLog"]
    rows = [
        [one["type"], "6-1", json.loads(one["value"]) if one["value"][:1] == "{" else one["value"] or None, 1]
        for one in log
    ]
    start = ["create", None, {"deviceMemory": 16}, 0], ["create", "6-1", {}, "https://app.example/", 9.5]
    return "\n".join(["RTCStatsDump", '{"fileFormat":3}', *map(json.dumps, [*start, *rows, *more])]).encode()


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (lines(dump(NO_WAY)), "ice-udp-blocked"),
        (lines(dump(NO_WAY[:1]), ["getStats", "6-1", UNANSWERED, 1000]), "ice-udp-blocked"),
        (lines(dump(UP), ["getStats", "6-1", DTLS_SILENT, 9000]), "dtls-no-answer"),
        (lines(dump([*UP, PEER_FAILED])), "dtls-fingerprint-mismatch"),
        (lines(dump([], refused=UNPARSED)), "error-json-used-as-sdp-answer"),
        (
            lines(dump([]), ["navigator.mediaDevices.getUserMediaOnFailure", "6-0", "NotAllowedError", "g", 1]),
            "microphone-refused",
        ),
        (lines(dump(CONNECTED)), ""),
    ],
)
def test_the_form_of_rtcstats_says_the_same(given: bytes, cause: str) -> None:
    found = explained(given)
    assert found.form == "rtcstats dump"
    assert [d.cause for d in found.diagnosis][:1] == ([cause] if cause else [])
    assert found.note.startswith("nothing in it failed") is not bool(cause)
