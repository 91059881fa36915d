"""What a page tells becomes records of a run, whatever stands in it: it may be anybody's."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from rtdiag.browser.account import Account, Answer, Peer, Request, account_of
from rtdiag.browser.taking import OWN_PAGE, take
from rtdiag.model import Exchange, Observation, PeerTrace
from rtdiag.redact import Mask
from rtdiag.transport.failures import KINDS
from rtdiag.transport.recorder import Recorder

Json = dict[str, Any]
CALLS = "https://api.openai.com/v1/realtime/calls"
OFFER = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef0123456789\r\n"
CREATED = '{"type": "session.created"}'
REQUEST: Json = {"id": "r1", "method": "POST", "url": CALLS, "at_ms": 10, "took_ms": 40, "status": 201, "body": OFFER}
OPENED = [
    [55, "signalingState", "stable"],
    [75, "iceConnectionState", "connected"],
    [105, "connectionState", "connected"],
    [107, "channel oai-events", "open"],
]
PEER: Json = {"id": "p2", "at_ms": 5, "states": OPENED, "offered_in": "r1", "local": ["udp host 192.0.2.7:5"]}
EVENT: Json = {"channel": "p2/oai-events", "direction": "received", "at_ms": 110, "raw": CREATED}
SOCKET: Json = {
    "id": "s3",
    "url": "wss://api.openai.com/v1/realtime",
    "at_ms": 5,
    "opened_ms": 25,
    "offered": ["realtime"],
}


def told(**fields: Any) -> Account:
    """An account as JSON has it."""
    return account_of(msgspec.json.encode({"rtdiag_account": 1, **fields}))


def taken(account: Account, by: Any = "browser", mask: Mask | None = None) -> tuple[dict[str, Observation], Recorder]:
    """What it comes to, and where it was recorded."""
    recorder = Recorder(mask or Mask())
    return take(account, recorder, by=by), recorder


def session(**answer: Any) -> Account:
    """One session that went well, as the case `created` has seen it."""
    case = {"requests": ["r1"], "peers": ["p2"], "facts": {"events": [0, 1], **answer}}
    return told(requests=[REQUEST], peers=[PEER], events=[EVENT], answers={"created": case})


def test_a_session_is_told_phase_by_phase() -> None:
    seen, recorder = taken(session(first="session.created"))
    created = seen["created"]
    trace = created.peers[0]
    assert trace.phases_ms == {"answer": 5, "ice": 20, "dtls": 30, "channel": 2, "created": 3}
    assert (trace.id, trace.by, trace.offered_in, trace.at_ms) == (
        "p1-browser",
        "browser",
        "x1",
        recorder.theirs.peers["p1-browser"].at_ms,
    )
    assert trace.states[0] == (50, "signalingState", "stable")
    assert trace.states[-1][1:] == ("readyState", "open")
    assert [(e.channel, e.type) for e in created.events] == [("p1-browser/oai-events", "session.created")]
    assert created.facts == {"first": "session.created"}
    assert [exchange.id for exchange in recorder.theirs.exchanges] == ["x1"]
    assert (recorder.cost.requests, recorder.cost.sessions_opened) == (1, 1)


@pytest.mark.parametrize(
    ("states", "remote", "wrong", "failure"),
    [
        (OPENED[:1], ["udp host 192.0.2.9:1"], None, ("ice", "ice", "not done within 0.1 s")),
        (OPENED[:1], [], None, ("ice", "ice", "the answer carries no candidate")),
        (
            [*OPENED[:2], [90, "connectionState", "failed"]],
            [],
            None,
            ("dtls", "dtls", "ended as connectionState failed"),
        ),
        (OPENED[:3], [], None, ("channel", "channel", "not done within 0.0 s")),
        ([], [], ["setRemoteDescription", "OperationError: no"], ("sdp", "answer", "OperationError: no")),
        ([], [], ["new RTCPeerConnection", "Error: no"], ("request", "offer", "Error: no")),
        ([], [], None, None),
    ],
)
def test_the_first_phase_that_is_missing_has_failed(
    states: list[Any], remote: list[str], wrong: list[str] | None, failure: tuple[str, str, str] | None
) -> None:
    peer = PEER | {"states": states, "remote": remote}
    peer |= {"wrong": {"step": wrong[0], "said": wrong[1]}} if wrong else {}
    account = told(
        requests=[REQUEST], peers=[peer], events=[EVENT | {"channel": "p9/x"}], answers={"ice": {"peers": ["p2"]}}
    )
    trace = taken(account)[0]["ice"].peers[0]
    assert (trace.failure and (trace.failure.kind, trace.failure.phase, trace.failure.detail)) == failure
    assert trace.failure is None or trace.failure.kind in KINDS


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"wrong": {"step": "fetch", "said": "TypeError: Failed to fetch"}}, "untold"),
        ({"wrong": {"step": "fetch", "said": "TimeoutError: signal timed out"}}, "timeout"),
        ({"opaque": True}, "opaque"),
        ({}, "untold"),
        ({"status": 999}, "untold"),
        ({"status": 401, "answer": "{}"}, None),
    ],
)
def test_a_request_has_an_answer_or_a_failure(fields: Json, kind: str | None) -> None:
    asked = {"id": "r1", "method": "POST", "url": CALLS, "headers": [["Authorization", "Bearer ek_****"]], **fields}
    account = told(requests=[asked], answers={"cors-offer": {"requests": ["r1"]}})
    exchange = taken(account)[0]["cors-offer"].exchange
    assert exchange is not None
    assert (exchange.failure and exchange.failure.kind) == kind
    assert (exchange.status is None) == (kind is not None)
    assert exchange.credential == "made-up"


@pytest.mark.parametrize(
    ("by", "ours", "close"),
    [
        ("browser", True, None),
        ("browser", False, {"code": "4000", "reason": "out"}),
        ("page", True, {"code": "4000", "reason": "out"}),
    ],
)
def test_who_closed_a_socket_tells_whether_it_is_told(by: str, ours: bool, close: Json | None) -> None:
    socket = SOCKET | {"closed_ms": 50, "code": 4000, "reason": "out"}
    events = [EVENT | {"channel": "s3"}]
    account = told(sockets=[socket], events=events, answers={"websocket": {"sockets": ["s3"], "facts": {"ours": ours}}})
    trace = taken(account, by)[1].theirs.peers[f"w1-{by}"]
    assert (trace.close, trace.failure) == (close, None)
    assert trace.phases_ms == {"created": 85}


def test_a_socket_that_never_opened_has_a_failure_for_an_answer() -> None:
    socket = {
        "id": "s3",
        "url": "wss://api.openai.com/v1/realtime",
        "closed_ms": 9,
        "code": 1006,
        "offered": ["realtime"],
    }
    exchange = taken(told(sockets=[socket], answers={"websocket": {"sockets": ["s3"]}}))[0]["websocket"].exchange
    assert exchange is not None
    assert exchange.failure is not None
    assert (exchange.status, exchange.failure.detail) == (None, "not opened (1006), and no page is told why")


def test_a_page_of_the_users_own_costs_the_run_nothing_and_tells_everything() -> None:
    secret = "sk-proj-" + "FAKE0123456789" * 3
    asked = REQUEST | {"headers": [["authorization", f"Bearer {secret}"]]}
    line = {"at_ms": 1, "level": "error", "text": f"{secret} was refused"}
    account = told(page="http://localhost:3000/", requests=[asked], peers=[PEER], events=[EVENT], console=[line])
    seen, recorder = taken(account, "page")
    own = seen[OWN_PAGE]
    assert own.exchange is not None
    assert (own.exchange.by, own.exchange.credential, own.peers[0].id) == ("page", "api-key", "p1-page")
    assert own.facts["page"] == "http://localhost:3000/"
    assert own.facts["ids"] == {"r1": "x1", "p2": "p1-page"}
    assert str(recorder.cost) == "0 requests, 0 tokens, 0 sessions, no audio"
    assert "FAKE" not in str((seen, recorder.theirs.exchanges))


def test_a_phase_of_another_page_may_be_under_way_still() -> None:
    waiting = told(requests=[REQUEST], peers=[PEER | {"states": OPENED[:1]}])
    long_since = told(
        requests=[REQUEST, REQUEST | {"id": "r9", "at_ms": 20_000}],
        peers=[PEER | {"states": OPENED[:1], "remote": ["x"]}],
    )
    assert taken(waiting, "page")[0][OWN_PAGE].peers[0].failure is not None  # there is no candidate at all
    peer = PEER | {"states": OPENED[:1], "remote": ["udp host 192.0.2.9:1"]}
    assert taken(told(requests=[REQUEST], peers=[peer]), "page")[0][OWN_PAGE].peers[0].failure is None
    assert taken(long_since, "page")[0][OWN_PAGE].peers[0].failure is not None


def test_two_accounts_of_one_run_share_no_name() -> None:
    recorder = Recorder(Mask())
    for _ in range(2):
        take(session(), recorder)
    assert list(recorder.theirs.peers) == ["p1-browser", "p2-browser"]
    assert [exchange.id for exchange in recorder.theirs.exchanges] == ["x1", "x2"]
    assert [event.id for event in recorder.theirs.events] == ["e1", "e2"]


def test_addresses_of_this_machine_and_passwords_of_its_checks_are_hidden() -> None:
    pair = {"local": "udp host 192.0.2.7:5", "remote": "udp host 198.51.100.1:3478", "selected": True}
    answer = {"requests": ["r1"], "peers": ["p2"], "facts": {"local": "udp host 192.0.2.7:5"}}
    account = told(requests=[REQUEST], peers=[PEER | {"pairs": [pair]}], answers={"pair": answer})
    seen, recorder = taken(account)
    trace = seen["pair"].peers[0]
    assert trace.selected_pair == "host udp *********:5 -> host 198.51.100.1:3478"
    assert seen["pair"].facts == {"local": "udp host *********:5"}
    everything = str((seen, recorder.theirs.exchanges, recorder.theirs.peers))
    assert "192.0.2.7" not in everything
    assert "0123456789abcdef" not in everything


def test_a_page_with_many_addresses_leaves_room_for_what_is_still_to_be_learnt() -> None:
    mask = Mask()
    many = [PEER | {"id": f"p{n}", "local": [f"udp host 10.0.{n}.{m}:5" for m in range(200)]} for n in range(10)]
    taken(told(peers=many), "page", mask)
    mask.learn("a-token-FAKE-minted-afterwards-1")
    assert "FAKE" not in mask("a-token-FAKE-minted-afterwards-1", "events.raw")


def test_loopback_is_nobodys_address() -> None:
    account = told(
        requests=[REQUEST], peers=[PEER | {"local": ["udp host 127.0.0.1:5"]}], answers={"pair": {"peers": ["p2"]}}
    )
    assert taken(account)[0]["pair"].peers[0].local_candidates == ("udp host 127.0.0.1:5",)


def test_a_clock_that_stands_otherwise_is_set() -> None:
    recorder = Recorder(Mask())
    began_ms = recorder.started_at.timestamp() * 1000
    take(session(), recorder)
    assert recorder.theirs.exchanges[0].at_ms == 0  # of 1970: its last moment is now, its first before the run
    right = Recorder(Mask())
    right.now_ms = lambda: 9000.0  # type: ignore[method-assign]
    account = msgspec.structs.replace(session(), epoch_ms=right.started_at.timestamp() * 1000 + 1000)
    take(account, right)
    assert right.theirs.exchanges[0].at_ms == pytest.approx(1010, abs=0.2)
    ahead = Recorder(Mask())
    ahead.now_ms = lambda: 9000.0  # type: ignore[method-assign]
    take(msgspec.structs.replace(session(), epoch_ms=began_ms + 3_600_000), ahead)
    assert ahead.theirs.exchanges[0].at_ms == 8900


def test_ids_that_are_nowhere_twice_or_another_kinds_are_left_out() -> None:
    requests = [
        REQUEST,
        REQUEST | {"status": 500},
        REQUEST | {"id": "../x"},
        REQUEST | {"id": "r7", "url": "javascript:1"},
    ]
    answers = {
        "answer": {"requests": ["r1", "r1", "p2", "r7", "../x", "r99"], "peers": ["p2", "r1"], "sockets": ["r1"]},
        "../../etc": {"requests": ["r1"]},
    }
    seen, recorder = taken(told(requests=requests, peers=[PEER, PEER], events=[EVENT], answers=answers))
    assert list(seen) == ["answer"]
    assert [(e.id, e.status) for e in seen["answer"].exchanges] == [("x1", 201)]
    assert [trace.id for trace in seen["answer"].peers] == ["p1-browser"]
    assert len(recorder.theirs.exchanges) == 1


def test_numbers_that_are_none_do_no_harm() -> None:
    nan, endless = math.nan, math.inf
    request = Request(
        "r1", "GET\r\nx", CALLS, at_ms=nan, took_ms=-5, status=201, steps_ms={"dns": -1, "x": 1, "wait": endless}
    )
    peer = Peer(
        "p2", at_ms=-endless, states=[(nan, "signalingState", "stable"), (1e300, "<b>", "x" * 9999)], offered_in="r1"
    )
    facts = {"a": nan, "b": [endless, 10**400, True], "events": [-5, "x"], "c": [[[[[[1]]]]]], "k" * 999: "v" * 99_999}
    answers = {"answer": Answer(requests=["r1"], peers=["p2"], facts=facts)}
    seen, _ = taken(Account(version=1, epoch_ms=nan, requests=[request], peers=[peer], answers=answers))
    found = seen["answer"]
    exchange = found.exchange
    assert exchange is not None
    assert (exchange.method, exchange.at_ms, exchange.timing_ms) == ("?", 0, {"dns": 0, "wait": 0, "total": 0})
    assert found.peers[0].states == ((0, "signalingState", "stable"),)
    assert found.facts == {"a": None, "b": [None, None, True], "c": [[[[None]]]], "k" * 100: "v" * 2000}
    assert (
        msgspec.convert(msgspec.to_builtins(exchange), Exchange) == exchange
    )  # as whoever reads the report would have it
    assert msgspec.convert(msgspec.to_builtins(found.peers[0]), PeerTrace) == found.peers[0]


def test_of_too_much_the_first_and_the_last_are_kept() -> None:
    requests = [REQUEST | {"id": f"r{n}", "body": "x" * 60_000} for n in range(2000)]
    events = [EVENT | {"raw": f'{{"type": "n{n}", "x": "{"y" * 300}"}}', "at_ms": n} for n in range(20_000)]
    seen, recorder = taken(told(requests=requests, peers=[PEER], events=events, left_out=7), "page")
    assert len(recorder.theirs.exchanges) == 200
    assert len(recorder.theirs.events) == 2000
    assert (recorder.theirs.events[0].type, recorder.theirs.events[-1].type) == ("n0", "n19999")
    assert sum(len(exchange.request_body or "") for exchange in recorder.theirs.exchanges) < 3_000_000
    assert seen[OWN_PAGE].facts["left_out"] == 7 + 1800 + 18_000


def test_it_is_masked_by_what_the_run_knows() -> None:
    mask = Mask()
    mask.learn("a-secret-FAKE-that-the-run-knows-1")
    text = "it is a-secret-FAKE-that-the-run-knows-1"
    asked = REQUEST | {"url": f"{CALLS}?x={text.split()[-1]}", "answer": text, "answer_headers": [["x-note", text]]}
    failed = {"id": "r8", "method": "GET", "url": CALLS, "wrong": {"step": "fetch", "said": text}}
    heard = [EVENT | {"raw": text, "channel": f"p2/{text}"}]
    answers = {"answer": {"requests": ["r1", "r8"], "peers": ["p2"], "facts": {"why": {text: [text]}}}}
    seen, recorder = taken(told(requests=[asked, failed], peers=[PEER], events=heard, answers=answers), mask=mask)
    assert "FAKE" not in str((seen, recorder.theirs.exchanges, recorder.theirs.events, recorder.theirs.peers))
