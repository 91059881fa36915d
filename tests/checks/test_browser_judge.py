"""What is said of what a page has told, beside what the command line got: never more than the two together show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from rtdiag.checks.browser import CHECK
from rtdiag.model import Event, Exchange, Failure, Finding, Observation, Pair, PeerTrace
from rtdiag.model.result import Status
from rtdiag.testing import exchange, judge, refusal

Json = dict[str, Any]
FETCH = "TypeError: Failed to fetch"
LATE = "TimeoutError: nothing within 1500 ms"
NOT_OPENED = Failure("untold", "answer", "not opened (1006), and no page is told why")
UNTOLD = Failure("untold", "answer", FETCH)
URL = "http://api.test/v1/realtime/calls"
OURS, THEIRS = "udp host 192.0.2.2:5000", "udp host 192.0.2.1:3478"
LOST = Failure("ice", "ice", "28 datagrams to 192.0.2.1:3478 in 4.0 s, none came back")
COMPLETE = ((1.0, "iceGatheringState", "complete"),)


def page(status: int | None = None, **more: Any) -> Exchange:
    """A request of the page; without a status one that got no answer."""
    more.setdefault("failure", UNTOLD if status is None else None)
    return exchange(status, more.pop("body", ""), by="browser", url=URL, credential="made-up", **more)


def told(case: str, *exchanges: Exchange, events: Sequence[Event] = (), peers: Any = (), **facts: Any) -> Observation:
    return Observation(case, exchanges, tuple(events), tuple(peers), facts)


def own(failed: str, **situation: Any) -> Observation:
    """A page of the user's own in which this failed, with what a reader has made of it."""
    return told("own-page", told=True, failed=failed, situation={"text": failed, **situation})


def found(*seen: Observation, **more: Any) -> Finding:
    """The finding of the first of them."""
    return judge(CHECK, seen, **more)[seen[0].case]


def event(type_: str, direction: Any = "received", body: str = "{}") -> Event:
    return Event("e1", "p1-browser/oai-events", direction, 1.0, type_, f'{{"type": "{type_}", {body[1:]}')


REACHED = told("reached", page(None, failure=Failure("opaque", "answer", "no-cors")), opaque=True)
HERE = refusal(401, "invalid_api_key", "Incorrect API key provided: ek_x", url=URL)
READ = told("cors-offer", page(401), status=401)
DROPPED = "network-unreachable/dropped"
GONE = exchange(None, url=URL, failure=Failure("timeout", "connect", "nothing within 5 s"))


def failed(case: str, *beside: Exchange, **facts: Any) -> Observation:
    return told(case, *beside, page(), error=FETCH, **facts)


def error(message: str, code: str | None = None, type_: str = "invalid_request_error") -> Event:
    return event("error", body=json.dumps({"error": {"message": message, "code": code, "type": type_}}))


REFUSED_EVENT = error("Incorrect API key provided: ek_*****abcd.", "invalid_api_key")
EXPIRED_EVENT = error("Ephemeral token expired")
POOR_EVENT = error("You exceeded your current quota.", "insufficient_quota")
FULL_EVENT = error("All session slots are taken, try again later", "session_limit_reached")
LIMITED_EVENT = error("Rate limit reached.", "rate_limit_exceeded")
TROUBLE_EVENT = error("The server had an error while processing your request. Sorry about that!", None, "server_error")
ODD_EVENT = error("That is not how it goes", "strange")


@pytest.mark.parametrize(
    ("status", "cause", "seen"),
    [
        # the page
        ("pass", None, told("page", why="", browser="Chromium 156", opened=1)),
        ("pass", None, told("page", why="", reloads=2, refused=1)),
        ("inconclusive", None, told("page", why="nobody opened it within 120 s", opened=0)),
        ("inconclusive", None, told("page", why="the page's tab was closed before it was done", opened=1, closed=True)),
        ("inconclusive", None, told("page", why="Chromium ended: exit code 1", ended="exit code 1, cannot open display")),
        ("pass", None, told("secure", secure=True, origin="http://127.0.0.1:1")),
        ("fail", "microphone-refused/insecure", told("secure", secure=False, origin="http://127.0.0.1:1")),
        *[("info", None, told("secure", secure=False, origin=f"http://{one}:1")) for one in ("192.0.2.7", "[2001:db8::7]", "****")],
        ("fail", "microphone-refused/insecure", told("secure", secure="yes")),
        # the microphone
        ("skip", None, told("microphone", there=False)),
        ("pass", None, told("microphone", there=True, label="Fake", muted=False, level=0.12)),
        ("pass", None, told("microphone", there=True, label="Fake", muted=False, level=None)),
        ("fail", "microphone-silent", told("microphone", there=True, label="Headset", muted=True, level=0)),
        ("warn", "microphone-silent", told("microphone", there=True, label="Headset", muted=False, level=0, seconds=1.5)),
        ("pass", None, told("microphone", there=True, label="Headset", muted=False, level=0, seconds=0.4)),
        ("warn", "microphone-silent", told("microphone", state="live", level=None, by="MediaStreamTrackProcessor", unheard=LATE)),
        ("pass", None, told("microphone", state="live", level=None, by="AnalyserNode", unheard=LATE)),
        ("fail", "microphone-refused", told("microphone", name="NotAllowedError", message="Permission denied")),
        ("fail", "microphone-refused", told("microphone", name="NotAllowedError", message="Permission denied by system")),
        ("fail", "microphone-refused", told("microphone", name="SecurityError", message="")),
        ("fail", "microphone-refused/none", told("microphone", name="NotFoundError", message="Requested device not found")),
        ("fail", "microphone-refused/in-use", told("microphone", name="NotReadableError", message="Could not start audio")),
        ("inconclusive", None, told("microphone", name="TimeoutError", message="nothing within 30000 ms", late=True)),
        ("inconclusive", None, told("microphone", name="FutureError", message="of another browser")),
        # WebRTC
        ("pass", None, told("webrtc", there=True)),
        ("fail", "no-webrtc-in-this-runtime/switched-off", told("webrtc", there=False)),
        ("fail", "no-webrtc-in-this-runtime/switched-off", told("webrtc", there=True, error="UnknownError: refused")),
        # how a session begins
        ("pass", None, told("created", first="session.created", took_ms=3.2)),
        ("pass", None, told("created", events=[event("session.created")])),
        ("fail", "session-created-missing", told("created", first=None, late=True)),
        ("fail", "quota-exhausted", told("created", events=[event("error", body='{"error": {"code": "insufficient_quota"}}')])),
        ("pass", None, told("websocket", page(101), first="session.created", took_ms=80)),
        ("pass", None, told("websocket", page(101), events=[event("session.created")])),
        ("fail", "session-created-missing", told("websocket", page(101), opened=True, late=True)),
        ("fail", "token-of-another-issuer", told("websocket", page(101), events=[REFUSED_EVENT], opened=True)),
        ("fail", "ephemeral-token-expired", told("websocket", page(101), events=[EXPIRED_EVENT], opened=True)),
        ("inconclusive", "quota-exhausted", told("websocket", page(101), events=[POOR_EVENT], opened=True)),
        ("inconclusive", "rate-limit", told("websocket", page(101), events=[LIMITED_EVENT], opened=True)),
        ("inconclusive", "generic-server-error", told("websocket", page(101), events=[TROUBLE_EVENT], opened=True)),
        ("inconclusive", "no-session-slot-free", told("websocket", page(101), events=[FULL_EVENT], opened=True)),
        ("fail", "session-created-missing", told("websocket", page(101), events=[ODD_EVENT], opened=True)),
        ("inconclusive", None, told("websocket", token="the server gave none")),
        ("info", None, told("websocket", known=False)),
        ("inconclusive", "unexpected-answer", told("websocket", page(), code=1006, opened=False)),
        ("inconclusive", "unexpected-answer", told("websocket", page(failure=NOT_OPENED), code=1006, opened=False)),
        ("skip", None, told("websocket", exchange(403, url=URL), page(), code=1006, opened=False)),
        ("fail", "subprotocol-not-selected", told("websocket", exchange(101, url=URL), page(), code=1006, opened=False)),
        (
            "fail",
            "websocket-upgrade-refused/from-pages",
            told("websocket", exchange(101, url=URL, headers={"Sec-WebSocket-Protocol": "realtime"}), page(), code=1006),
        ),
        # what was forbidden
        ("pass", None, told("blocked", blocked=[])),
        ("info", None, told("blocked", blocked=[{"directive": "script-src-elem", "what": "inline"}])),
        # the user's own page
        ("info", None, told("own-page", told=False, waited=False)),
        ("inconclusive", None, told("own-page", told=False, waited=True)),
        ("info", None, told("own-page", told=True, failed="")),
        ("pass", None, told("own-page", told=True, failed="", events=[event("session.created")])),
        ("fail", "audio-playback-blocked", own("play() failed: NotAllowedError: no", observed=["the browser refuses to play"])),
        ("fail", "microphone-refused", own("getUserMedia failed: NotAllowedError: Permission denied", surface="client")),
        (
            "fail",
            "content-security-policy",
            own("connect-src 'self'", circumstances=["the page's Content-Security-Policy forbids it"], surface="client"),
        ),
    ],
)  # fmt: skip
def test_each_thing_that_a_page_tells_has_its_cause_or_none(
    status: Status, cause: str | None, seen: Observation
) -> None:
    got = found(seen)
    assert (got.status, got.cause) == (status, cause)
    assert got.measured


SAME, STOPPED = told("same-path", got=404), failed("same-path", got=None)
CORS_LINE = f"Access to fetch at '{URL}' from origin 'http://127.0.0.1:1' has been blocked by CORS policy: No 'Access-…"
ELSEWHERE = exchange(308, url=URL, headers={"Location": URL.replace("http:", "https:")})
PREFLIGHT_LINE = CORS_LINE.replace("No '", "Response to preflight request doesn't pass access control check: No '")
EXTENSION_LINE = f"Failed to load resource: net::ERR_BLOCKED_BY_CLIENT {URL}"
NAME_LINE = f"Failed to load resource: net::ERR_NAME_NOT_RESOLVED {URL}"


@pytest.mark.parametrize(
    ("status", "cause", "seen", "beside"),
    [
        # does it get there
        ("pass", None, REACHED, ()),
        ("fail", "browser-alone-not-through", failed("reached", HERE), (SAME,)),
        ("fail", "browser-alone-not-through", failed("reached", HERE, console=[NAME_LINE]), (SAME,)),
        ("fail", "blocked-in-the-browser", failed("reached", HERE, console=[EXTENSION_LINE]), (SAME,)),
        ("fail", "blocked-in-the-browser", failed("reached", HERE), (STOPPED,)),
        ("fail", "content-security-policy", failed("reached", HERE, forbidden=["connect-src: http://api.test"]), (SAME,)),
        ("inconclusive", "proxy-login-required", told("reached", page(), exchange(407, url=URL), error=FETCH), (SAME,)),
        ("inconclusive", "answer-not-from-the-api", failed("reached", ELSEWHERE, forbidden=[f"connect-src: {URL}"]), (SAME,)),
        ("inconclusive", "unexpected-answer", failed("reached"), (SAME,)),
        ("pass", None, SAME, ()),
        ("fail", "blocked-in-the-browser", STOPPED, ()),
        ("inconclusive", "unexpected-answer", failed("same-path", late=True), ()),
        # may the page read it
        ("pass", None, told("cors-offer", page(401), status=401), (REACHED, SAME)),
        ("inconclusive", "cors", failed("cors-offer", HERE, simple=FETCH), (REACHED, SAME)),
        ("fail", "cors", failed("cors-offer", HERE, simple=FETCH), (REACHED, SAME, failed("answer"))),
        ("fail", "cors", failed("cors-offer", console=[PREFLIGHT_LINE]), (REACHED, SAME)),
        ("fail", "cors", failed("cors-offer", simple=401), (REACHED, SAME)),
        ("inconclusive", "cors", failed("cors-offer", console=[CORS_LINE]), (REACHED, SAME)),
        ("fail", "cors", failed("cors-offer", console=[CORS_LINE]), (REACHED, SAME, failed("answer"))),
        ("fail", "blocked-in-the-browser", failed("cors-offer", HERE, simple=FETCH), (REACHED, STOPPED)),
        ("inconclusive", "unexpected-answer", failed("cors-offer", HERE, late=True), (REACHED, SAME)),
        ("info", None, failed("cors-offer", HERE), (REACHED, SAME, told("answer", page(201), status=201))),
        ("fail", "cors", failed("cors-offer", HERE), (REACHED, SAME, failed("answer"))),
        ("pass", None, told("cors-agents", page(401), status=401), ()),
        ("warn", "cors/header", failed("cors-agents"), (told("cors-offer", page(401), status=401),)),
        ("info", None, failed("cors-agents"), (failed("cors-offer"),)),
        ("info", None, failed("cors-beta"), ()),
        ("inconclusive", DROPPED, told("cors-beta", page(), GONE, error=FETCH), (READ,)),
        ("inconclusive", DROPPED, told("cors-offer", HERE, page(), GONE, error=FETCH), (REACHED, SAME)),
        ("skip", None, told("websocket", exchange(101, url=URL), page(), GONE, code=1006), ()),
        ("inconclusive", "unexpected-answer", failed("cors-client", late=True), (told("cors-offer", page(401), status=401),)),
        ("info", None, told("cors-beta", not_asked_here=True), ()),
        ("info", None, told("cors-mint", page(401), status=401), ()),
        ("info", None, failed("cors-mint"), ()),
        # the offer
        ("pass", None, told("answer", page(201), status=201, took_ms=90), (REACHED,)),
        ("inconclusive", None, told("answer", token="the server gave none"), (REACHED,)),
        ("fail", "cors", failed("answer", exchange(201, url=URL)), (REACHED, SAME)),
        ("fail", "answer-not-sdp", told("answer", page(201), status=201, step="setRemoteDescription", error="x"), ()),
        ("inconclusive", "quota-exhausted", told("answer", page(429, body='{"error": {"code": "insufficient_quota"}}')), ()),
        # which call it is
        ("pass", None, told("location", exchange(201, url=URL), page(201), read="/v1/realtime/calls/rtc_1"), ()),
        (
            "warn",
            "location-header-missing/hidden",
            told("location", exchange(201, url=URL, headers={"Location": "/v1/realtime/calls/rtc_1"}), page(201), read=None),
            (),
        ),
        ("warn", "location-header-missing", told("location", exchange(201, url=URL), page(201), read=None), ()),
        ("warn", "location-header-missing", told("location", page(201), read=None), ()),
        ("info", None, told("location", replace(page(201), url="https://api.example/v1/realtime?model=m"), read=None), ()),
    ],
)  # fmt: skip
def test_requests_of_a_page_are_told_apart_as_far_as_the_others_beside_them_go(
    status: Status, cause: str | None, seen: Observation, beside: tuple[Observation, ...]
) -> None:
    got = found(seen, *beside)
    assert (got.status, got.cause) == (status, cause)
    assert got.measured


def test_a_line_of_the_console_is_shown_to_its_end_which_names_the_header() -> None:
    end = "check: No 'Access-Control-Allow-Origin' header is present on the requested resource."
    line = f"{CORS_LINE[:-13]} Response to preflight request doesn't pass access control {end}"
    assert found(failed("cors-offer", console=[line]), REACHED, SAME).measured.partition("; ")[0].endswith(end)
    again = found(told("blocked", blocked=[], console=[line, line]))
    assert again.measured == f"nothing; the console says: {line}"


def test_what_reaches_nobody_has_the_command_lines_cause() -> None:
    """Both fail alike: the side that is told why comes last."""
    seen = Observation("reached", (page(), GONE), facts={"error": FETCH})
    alone = judge(CHECK, [Observation("reached", (GONE,), facts={"error": FETCH})])["reached"]
    got = found(seen, SAME)
    assert (got.status, got.cause) == ("inconclusive", alone.cause)
    assert "nothing within 5 s" in got.measured


def peer(by: Any = "browser", **more: Any) -> PeerTrace:
    more.setdefault("local_candidates", (OURS,))
    more.setdefault("remote_candidates", (THEIRS,))
    return PeerTrace(f"p1-{by or 'realtime'}", by=by, states=COMPLETE, **more)


ALL = {"answer": 90.0, "ice": 30.0, "dtls": 20.0, "channel": 10.0}
WELL = peer("", phases_ms=ALL)
SILENT_UDP = (Pair(OURS, THEIRS, 7),)
LOST_HERE = peer(
    "",
    phases_ms={"answer": 90.0},
    failure=LOST,
    candidates={"local-udp-host": 1, "remote-udp-host": 1},
    pairs=SILENT_UDP,
)
OVER_TCP: Json = {"local": "tcp host 192.0.2.2:9", "remote": "tcp host 192.0.2.1:443", "protocol": "tcp", "relay": ""}
OVER_UDP: Json = {"local": OURS, "remote": THEIRS, "protocol": "udp", "relay": "", "round_trip_ms": 12.5}
NO_WAY: Json = {"done": False, "state": "failed", "took_ms": 15000.0}
HEARD: Json = {
    "packets": 60,
    "bytes": 4000,
    "energy": 0.02,
    "seconds": 1.2,
    "played_s": 0.9,
    "refused": "",
    "response": "completed",
}


@pytest.mark.parametrize(
    ("status", "cause", "seen"),
    [
        ("pass", None, told("ice", peers=[peer()], done=True, took_ms=30)),
        ("pass", None, told("ice", peers=[LOST_HERE, peer()], done=True, took_ms=30)),
        ("fail", "ice-udp-blocked/browser-alone", told("ice", peers=[WELL, peer()], **NO_WAY)),
        ("fail", "ice-udp-blocked/browser-alone", told("ice", peers=[peer(local_candidates=())], **NO_WAY)),
        ("inconclusive", "ice-udp-blocked", told("ice", peers=[LOST_HERE, peer()], **NO_WAY)),
        ("inconclusive", "ice-udp-blocked", told("ice", peers=[peer(pairs=SILENT_UDP)], **NO_WAY)),
        ("inconclusive", "ice-udp-blocked", told("ice", peers=[peer()], **NO_WAY)),
        ("pass", None, told("dtls", peers=[peer()], done=True, took_ms=20)),
        ("fail", "dtls-fingerprint-mismatch", told("dtls", peers=[WELL, peer()], done=False, state="failed")),
        ("inconclusive", "dtls-no-answer", told("dtls", peers=[peer()], done=False, state="connecting", late=True)),
        ("pass", None, told("channel", peers=[peer()], done=True, took_ms=5)),
        ("fail", "data-channel-never-opens", told("channel", peers=[peer()], done=False, state="connecting")),
        ("pass", None, told("pair", peers=[WELL, peer()], **OVER_UDP)),
        ("warn", "ice-udp-blocked/tcp-works", told("pair", peers=[LOST_HERE, peer()], **OVER_TCP)),
        ("warn", "ice-udp-blocked/tcp-works", told("pair", peers=[peer()], **OVER_TCP)),
        ("warn", "ice-udp-blocked/browser-alone", told("pair", peers=[WELL, peer()], **OVER_TCP)),
        (
            "warn",
            "ice-udp-blocked/no-udp-candidate",
            told("pair", peers=[WELL, peer(remote_candidates=("tcp host 192.0.2.1:443",))], **OVER_TCP),
        ),
        ("info", None, told("pair", peers=[peer()], **{**OVER_UDP, "relay": "tls"})),
        ("info", None, told("pair", peers=[peer()])),
        ("pass", None, told("sound", **HEARD)),
        ("fail", "no-audio-response/not-sent", told("sound", **{**HEARD, "packets": 0, "energy": 0, "played_s": 0})),
        ("inconclusive", None, told("sound", **{**HEARD, "packets": 0, "energy": 0, "response": None})),
        ("fail", "no-audio-response/silence", told("sound", **{**HEARD, "energy": 0})),
        ("inconclusive", None, told("sound", **{**HEARD, "energy": 0, "response": None})),
        ("inconclusive", None, told("sound", **{**HEARD, "energy": 0, "seconds": 0.1})),
        ("fail", "audio-playback-blocked", told("sound", **{**HEARD, "refused": "NotAllowedError: play() failed"})),
        ("fail", "audio-playback-blocked", told("sound", **{**HEARD, "played_s": 0})),
        ("inconclusive", None, told("sound", error="InvalidStateError: closed")),
        ("fail", "generic-server-error", told("sound", events=[TROUBLE_EVENT], **HEARD)),
        (
            "fail",
            "quota-exhausted",
            told("sound", events=[event("error", body='{"error": {"code": "insufficient_quota"}}')], **HEARD),
        ),
    ],
)  # fmt: skip
def test_the_media_of_a_page_beside_those_of_the_command_line(
    status: Status, cause: str | None, seen: Observation
) -> None:
    got = found(seen)
    assert (got.status, got.cause) == (status, cause)


PASSIVE = "v=0\r\na=setup:passive\r\n"
SENT = event("session.update", "sent", '{"session": {}}')


@pytest.mark.parametrize(
    ("status", "cause", "seen", "beside"),
    [
        ("fail", "session-update-unanswered", told("update", events=[SENT], came=65), ()),
        ("fail", "session-update-unanswered", told("update", events=[SENT]), ()),
        ("inconclusive", "network-lost-in-session", told("update", events=[SENT], came=0), ()),
        ("inconclusive", "network-lost-in-session", told("sound", packets=0, came=0, channel="open"), ()),
        ("skip", None, told("sound", channel="closed"), (told("update", events=[SENT, ODD_EVENT]),)),
        ("fail", "answer-not-sdp", told("dtls", done=False, late=True), (told("answer", page(201, body="v=0\r\n")),)),
        (
            "inconclusive",
            "dtls-no-answer",
            told("dtls", done=False, late=True),
            (told("answer", page(201, body=PASSIVE)),),
        ),
        ("inconclusive", None, told("sound", channel="closed"), (told("update", events=[SENT]),)),
    ],
)
def test_what_follows_from_something_else_is_told_as_that(
    status: Status, cause: str | None, seen: Observation, beside: tuple[Observation, ...]
) -> None:
    got = found(seen, *beside)
    assert (got.status, got.cause if cause else None) == (status, cause)


def test_a_session_in_the_page_makes_it_the_users_page() -> None:
    unwatched = told("own-page", told=False, waited=False)
    assert "it is your page" in found(unwatched, told("created", first="session.created")).measured
    assert "it is your page" not in found(unwatched, told("created", first=None)).measured
    mute = told("sound", **{**HEARD, "packets": 0})
    assert "it is your page" not in found(unwatched, told("created", first="session.created"), mute).measured


CASES = [case.id for case in CHECK.cases]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {
            name: {"deep": [1]}
            for name in ("why", "name", "read", "token", "error", "first", "state", "label", "failed")
        },
        dict.fromkeys(("packets", "energy", "level", "took_ms", "status", "got", "simple", "code", "opened"), -1),
        dict.fromkeys(("done", "secure", "there", "opaque", "muted", "late", "told", "opened", "packets"), "yes"),
        {name: [None, 1, {"what": {}}] for name in ("blocked", "console", "forbidden", "local", "remote", "protocol")},
        dict.fromkeys(("why", "name", "message", "read", "error", "state", "label", "refused", "local"), "x" * 100000),
        {name: float("nan") for name in ("packets", "energy", "level", "took_ms", "played_s", "seconds")},
    ],
)
def test_whatever_a_page_tells_it_is_judged_in_short(case: str, wrong: dict[str, Any]) -> None:
    """Nothing that another program tells breaks the judge, and nothing senseless is taken for good."""
    got = found(told(case, **wrong))
    assert len(got.measured) < 1000
    assert got.status != "pass" or case in ("page", "blocked")


@pytest.mark.parametrize("case", CASES)
def test_titles_are_questions(case: str) -> None:
    assert next(one.title for one in CHECK.cases if one.id == case).endswith("?")
