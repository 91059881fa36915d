"""Recorded HTTP traffic: which failures of a HAR, a Charles session or a cassette are told, and which of them is the root."""

from __future__ import annotations

import base64
import gzip
import io
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.readers import har as har_reader
from rtdiag.diagnosis.readers import har_stream, har_whole, read, routes
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.diagnosis.situation import Situation, Unreadable
from rtdiag.intake import Limit, Source
from rtdiag.redact import Mask
from tests.diagnosis.hars import entry, har
from tests.diagnosis.test_readers import (
    APPEND,
    BAD_KEY,
    CALLS,
    CREATED,
    INVALID_OFFER,
    KEY,
    REFUSED,
    SESSION_FACTS,
    SESSIONS,
    TOKEN,
    UPDATE,
    Endless,
    mutations,
    reading,
)


def har_of(*entries: Any) -> tuple[Situation, ...]:
    found = reading(har(*entries))
    assert found.form == "HAR"
    assert not found.separate
    assert "notarealtoken" not in repr(found)
    assert "not-a-real-key" not in repr(found)
    return found.situations


OFFER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-pwd:notarealpassword\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
)
MINT = {
    "id": "sess_1",
    "object": "realtime.session",
    "client_secret": {"value": TOKEN, "expires_at": 1795341660},
}  # 10:01:00
WITH_KEY = {"Authorization": f"Bearer {KEY}"}
WITH_TOKEN = {"authorization": f"Bearer {TOKEN}", "content-type": "application/sdp"}
FAILING = entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN)


def test_a_har_tells_where_a_token_came_from_and_how_old_it_was() -> None:
    first, second = har_of(
        entry("POST", SESSIONS, 200, MINT, headers=WITH_KEY, sent={"model": "gpt-realtime"}),
        entry(
            "POST",
            CALLS,
            401,
            {"error": {"message": f"no {TOKEN}"}},
            headers=WITH_TOKEN,
            sent=OFFER,
            mime="application/sdp",
            at="2026-11-22T10:01:35Z",
        ),
        entry(
            "POST",
            CALLS,
            401,
            BAD_KEY,
            headers={**WITH_TOKEN, "OpenAI-Beta": "realtime=v1"},
            sent=OFFER,
            at="2026-11-22T10:01:36Z",
        ),
    )
    assert (first.method, first.url, first.status, first.surface, first.dialect) == ("POST", CALLS, 401, "sdp", "ga")
    assert (first.credential, first.content_type) == ("ek minted at /v1/realtime/sessions", "application/sdp")
    assert (first.when, first.where, first.sent) == (
        date(2026, 11, 22),
        "POST /v1/realtime/calls at 10:01:35",
        "SDP offer",
    )
    assert first.circumstances == ("the token was used 95 s after it was minted", "expires_at passed 35 s before")
    assert "the token was used before" in second.circumstances
    assert "header OpenAI-Beta: realtime=v1" in second.circumstances
    assert json.loads(second.text) == BAD_KEY


def test_a_token_from_the_users_own_route_is_named_by_host_and_shape() -> None:
    (situation,) = har_of(
        entry("GET", "https://shop.example/api/token", 200, MINT),
        entry("POST", CALLS, 400, BAD_KEY, headers=WITH_TOKEN, sent=OFFER, at="2026-11-22T10:00:05Z"),
    )
    assert situation.credential == "ek minted at shop.example/api/token"
    assert situation.circumstances == ("the token's answer has the shape of /v1/realtime/sessions",)


@pytest.mark.parametrize(
    ("offer", "facts"),
    [
        (OFFER, ()),
        (OFFER.rstrip(), ("the offer does not end in CRLF",)),
        ("v=0\r\nm=application 9\r\n", ("the offer has no audio section",)),
        ("v=0\r\nm=audio 9\r\n", ("the offer has no application section",)),
        (
            '--b\r\nContent-Disposition: form-data; name="session"\r\n\r\n{"type": "realtime"}\r\n'
            '--b\r\nContent-Disposition: form-data; name="sdp"\r\n\r\nv=0\r\nm=audio 9\r\n--b--\r\n',
            ("the offer has no application section", "the offer does not end in CRLF"),
        ),
    ],
)
def test_the_facts_of_an_offer_stand_in_its_place(offer: str, facts: tuple[str, ...]) -> None:
    (situation,) = har_of(entry("POST", CALLS, 400, INVALID_OFFER, headers=WITH_TOKEN, sent=offer))
    assert situation.circumstances == facts
    assert (situation.sent or "").startswith("SDP offer")
    assert ("session: " in (situation.sent or "")) == offer.startswith("--b")


def test_a_mint_that_answers_with_another_session_is_suspicious() -> None:
    sent = {"session": {"type": "realtime", "model": "gpt-realtime"}}
    url = "https://api.openai.com/v1/realtime/client_secrets"
    answer = {
        "value": TOKEN,
        "expires_at": 1795341660,
        "session": {"type": "transcription", "model": "gpt-realtime-2026-01-01"},
    }
    (situation,) = har_of(entry("POST", url, 200, answer, headers=WITH_KEY, sent=sent))
    assert situation.circumstances == ("session type sent realtime, the answer says transcription",)
    (late,) = har_of(
        entry("POST", url, 200, {**answer, "session": {}}, headers=WITH_KEY, sent=sent, at="2026-11-22T10:02:00Z")
    )
    assert late.circumstances == ("expires_at was 60 s in the past when the token was minted",)


def test_websocket_messages_of_a_har() -> None:
    messages = [
        {"type": "receive", "opcode": 1, "data": json.dumps(CREATED)},
        {"type": "send", "opcode": 1, "data": json.dumps(UPDATE)},
        {"type": "send", "opcode": 1, "data": json.dumps({**APPEND, "audio": "A" * 2_000_000})},
        {"type": "receive", "opcode": 1, "data": json.dumps(REFUSED)},
        {"type": "receive", "opcode": 8, "data": "4000 invalid_request_error.unknown_parameter"},
        {"type": "receive", "opcode": 2, "data": "AAEC"},
    ]
    protocol = {"Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{TOKEN}, openai-beta.realtime-v1"}
    (situation,) = har_of(
        entry(
            "GET",
            "wss://api.openai.com/v1/realtime?model=gpt-realtime",
            101,
            headers=protocol,
            _webSocketMessages=messages,
        )
    )
    assert (situation.method, situation.url, situation.credential, situation.where) == (
        "event",
        "session.update",
        "ek",
        "GET /v1/realtime at 10:00:00",
    )
    assert json.loads(situation.text) == REFUSED
    for fact in (
        "connected to wss://api.openai.com/v1/realtime?model=gpt-realtime",
        "sub-protocol openai-beta.realtime-v1",
        "the credential was sent as a sub-protocol",
        "then closed with 4000 invalid_request_error.unknown_parameter",
        *SESSION_FACTS,
    ):
        assert fact in situation.circumstances


def test_a_sanitized_export_is_not_taken_for_a_missing_credential() -> None:
    failing = entry("POST", CALLS, 401, BAD_KEY, sent=OFFER)
    (sanitized,) = har_of(failing)
    assert sanitized.credential is None
    assert sanitized.circumstances == ("no request in the HAR shows a credential: a sanitized export leaves them out",)
    (missing,) = har_of(entry("GET", "https://shop.example/", headers=WITH_KEY), failing)
    assert (missing.credential, missing.circumstances) == ("none", ())


def test_an_unset_variable_in_the_header_is_said() -> None:
    (situation,) = har_of(entry("POST", CALLS, 401, BAD_KEY, headers={"Authorization": "Bearer undefined"}, sent=OFFER))
    assert situation.credential == "other"
    assert situation.circumstances == ("the credential sent: it is what an unset variable turns into",)


def test_an_own_route_that_fails_counts_where_nothing_else_does() -> None:
    own = entry("POST", "https://shop.example/api/session", 500, "boom", headers=WITH_KEY)
    assert [s.url for s in har_of(own)] == ["https://shop.example/api/session"]
    assert [s.url for s in har_of(own, entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN))] == [CALLS]


def test_a_har_in_which_nothing_failed_says_so() -> None:
    found = reading(
        har(
            entry("GET", "https://shop.example/logo.png", 404), entry("POST", CALLS, 201, "v=0\r\n", headers=WITH_TOKEN)
        )
    )
    assert found.situations == ()
    assert found.note == (
        "the HAR holds 2 requests, 1 to the Realtime API; none of these failed; what passes on a data channel, ICE, DTLS and sound "
        "do not stand in it: bring the dump of chrome://webrtc-internals or the console's lines, or let `rtdiag run` ask"
    )


def test_a_har_is_told_by_its_content_and_read_behind_a_byte_order_mark() -> None:
    content = har(entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN))
    for given in (
        b"\xef\xbb\xbf" + content,
        content.decode().encode("utf-16"),
        b'{"comment": "' + b"x" * 200_000 + b'", ' + content[1:],
    ):
        found = read(io.BytesIO(given), "notes.txt", Mask())
        assert (found.form, len(found.situations)) == ("HAR", 1)


def test_a_docker_log_has_a_key_named_log_and_is_no_har() -> None:
    text = "\n".join(
        json.dumps({"log": json.dumps(event) + "\n", "stream": "stdout"}) for event in (CREATED, UPDATE, REFUSED)
    )
    assert reading(text).form == "event log"


def test_base64_content_is_decoded() -> None:
    encoded = base64.b64encode(json.dumps(BAD_KEY).encode()).decode()
    given = entry("POST", CALLS, 401, encoded, headers=WITH_TOKEN)
    given["response"]["content"]["encoding"] = "base64"
    (situation,) = har_of(given)
    assert json.loads(situation.text) == BAD_KEY


def test_a_har_that_ends_early_gives_what_it_held() -> None:
    content = har(entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN), entry("GET", CALLS))
    found = reading(content[:-60])
    assert len(found.situations) == 1
    assert "the HAR ends early, after 1 request (" in found.note
    with pytest.raises(Unreadable, match="export it again"):
        reading(b'{"log": {"creator": {"name": "x"}, "entries": [{"request"')


def test_any_field_of_a_har_may_be_missing_null_or_nonsense() -> None:
    messages = [{"type": "receive", "opcode": 8, "data": "1006"}, {"type": "send", "data": json.dumps(UPDATE)}]
    whole = json.loads(
        har(
            entry("POST", SESSIONS, 200, MINT, headers=WITH_KEY, sent={"model": "gpt-realtime"}),
            entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN, sent=OFFER, _webSocketMessages=messages),
        )
    )
    for text in mutations(whole, whole):
        try:
            found = reading(text)
        except Unreadable:
            continue
        assert "notarealtoken" not in repr(found)
        repr(found).encode()


def test_a_large_har_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.har"
    filler = json.dumps(entry("GET", "https://shop.example/app.js", 200, 'let a = "x";\n' * 40_000))
    with path.open("w", encoding="utf-8") as file:
        file.write('{"log": {"version": "1.2", "entries": [')
        for _ in range(40):
            file.write(filler + ",")
        file.write(json.dumps(entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN)) + "]}}")
    assert path.stat().st_size > 22_000_000
    code = (
        "import sys, tracemalloc\n"
        "from rtdiag.diagnosis.readers import read\n"
        "from rtdiag.redact import Mask\n"
        "import ijson\n"
        "tracemalloc.start()\n"
        "with open(sys.argv[1], 'rb') as source:\n"
        "    found = read(source, sys.argv[1], Mask())\n"
        "print(len(found.situations), tracemalloc.get_traced_memory()[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    situations, peak_bytes = map(int, done.stdout.split())
    assert situations == 1
    assert peak_bytes < 16 * 1024 * 1024


def test_many_entries_take_time_in_proportion_and_little_memory(tmp_path: Path) -> None:
    for count in (2_000, 20_000):
        failing = json.dumps(entry("POST", "https://shop.example/prices", 500, "no", headers={"cookie": "a=b"}))
        last = json.dumps(entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN))
        body = f'{{"log": {{"version": "1.2", "entries": [{(failing + ",") * count}{last}]}}}}'
        (tmp_path / f"{count}.har").write_text(body, encoding="utf-8")
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from rtdiag.diagnosis.readers import read\n"
        "from rtdiag.redact import Mask\n"
        "with open(sys.argv[1], 'rb') as source:\n"
        "    found = read(source, sys.argv[1], Mask())\n"
        "most = next(line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('VmHWM'))\n"
        "print(len(found.situations), time.process_time(), most.split()[1])\n"
    )
    took = {}
    for count in (2_000, 20_000):
        command = [sys.executable, "-c", code, str(tmp_path / f"{count}.har")]
        done = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert done[0] == "1"
        assert int(done[2]) < 200 * 1024
        took[count] = float(done[1])
    assert took[20_000] < 2 * 10 * took[2_000]


def test_of_what_is_not_kept_of_an_entry_nothing_is_made() -> None:
    frames = [{"functionName": "load", "url": "https://shop.example/app.js"}] * 200
    plain = entry("GET", "https://shop.example/api/items", 200, "[]")
    heavy = {**plain, "_initiator": {"stack": {"callFrames": frames}}, "cookies": frames, "timings": {"wait": 1}}

    def made(given: dict[str, Any]) -> int:
        return sum(1 for _ in har_stream._parse(har_stream.Guarded(io.BytesIO(har(given)))))

    assert made(heavy) == made(plain)


def test_ordinary_entries_are_made_as_a_whole_and_not_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(har_whole, "_PART", 1000)
    by_events = har_stream._by_events
    left: list[int] = []

    def noted(source: Any, on_message: Any) -> Any:
        content = source.read()
        left.append(len(content))
        return by_events(io.BytesIO(content), on_message)

    monkeypatch.setattr(har_stream, "_by_events", noted)
    for times in (1, 200):
        har_of(*[entry("GET", f"https://shop.example/{n}.js", body="x" * 500) for n in range(times)], FAILING)
    assert left[0] == left[1] < 100


@pytest.mark.parametrize(
    "odd",
    [
        *(
            "NaN",
            "1e999",
            "-0",
            "01",
            "1.5e3",
            "12345678901234567890",
            '"a\tb"',
            "[1,]",
            '{"a":1}',
            "[]",
            "[" * 150 + "]" * 150,
        ),
        *(
            r'"\ud83d"',
            r'"\udc00"',
            r'"\ud83d\u0041"',
            r'"\ud83d\ude00"',
            r'"\u0000"',
            r'"\\ud800"',
            r'"\x"',
            "[" * 300 + "]" * 300,
        ),
        '[{"name": "server", "value": ""}, {"value": "v", "name": "x"}, {"name": "y"}, {"value": "z"}, 1, [{"name": "n"}]]',
    ],
)
def test_it_is_the_same_whether_entries_are_made_as_a_whole_or_of_events(
    odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> list[str]:
        found = []
        for place in ('"ODD1"', '"ODD2"', '"ODD3"', '"ODD4"', '"ODD5"'):
            failing = entry("POST", CALLS, 401, {"a": BAD_KEY}, headers=WITH_TOKEN, sent="ODD4", comment={"a": "ODD1"})
            failing["response"].update(headers="ODD2", _error="ODD3")
            text = har(FAILING, failing, FAILING, "ODD5", FAILING).decode().replace(place, odd)
            try:
                found.append(repr(reading(text)))
            except Unreadable as error:
                found.append(str(error))
        return found

    whole = told()
    monkeypatch.setattr(har_whole, "_entries_at", lambda text: 0)
    assert whole == told()


def test_what_is_too_large_to_be_made_as_a_whole_is_left_to_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(har_whole, "_PART", 1000)
    monkeypatch.setattr(har_whole, "_LARGEST", 8000)
    monkeypatch.setattr(har_whole, "_MOST_BEFORE_VALUES", 1000)
    for comment, count in (("x" * 5000, 3), ("x" * 100_000, 1), ([[]] * 1500, 1)):
        heavy = {**FAILING, "comment": comment}
        content = har(FAILING, heavy, FAILING).decode()
        given = io.StringIO(content)
        assert len(list(har_whole.Whole(given.read))) == count
        assert given.tell() <= 24_000
        assert reading(content).situations == reading(har(FAILING, FAILING, FAILING)).situations


@pytest.mark.parametrize(
    ("url", "looked_at"),
    [
        ("https://shop.example/assets/app.js", 0),
        ("https://shop.example/api/items?key=abcdefgh12345", 1),
        ("https://shop.example/secret:abcdefgh12345", 1),
        ("secret://abcdefgh12345", 1),
    ],
)
def test_only_a_url_that_may_hold_a_secret_is_searched_for_one(
    url: str, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[str] = []
    monkeypatch.setattr(Learner, "text", lambda _, text: searched.append(text))
    reading(har(entry("GET", url)))
    assert len(searched) == looked_at


def test_entries_that_are_not_told_are_not_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    masked: list[str] = []
    hidden = Mask.__call__

    def noted(mask: Mask, text: str, where: str) -> str:
        masked.append(text)
        return hidden(mask, text, where)

    monkeypatch.setattr(Mask, "__call__", noted)
    failing = entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN)
    counts = []
    for times in (1, 50):
        masked.clear()
        har_of(*[entry("GET", f"https://shop.example/api/items?n={n}", 404, "no") for n in range(times)], failing)
        counts.append(len(masked))
    assert counts[0] == counts[1] > 0


def test_a_har_whose_one_value_never_ends_is_left_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(har_stream, "_LONGEST_STRING", 4 * 1024 * 1024)  # the parser's time grows with the square of it
    endless = Endless(har(entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN))[:-3] + b', {"comment": "', b"x")
    found = read(endless, "x.har", Mask())  # type: ignore[arg-type]
    assert len(found.situations) == 1
    assert "a single value in it is larger than 32 MiB" in found.note
    assert endless.given < 5 * 1024 * 1024


@pytest.mark.parametrize(
    ("most", "limit", "note"),
    [
        ("MOST_ENTRIES", 2, "after 2 requests (no more are read)"),
        ("_MOST_VALUES", 400, "(it holds more values than are read)"),
    ],
)
def test_a_har_without_end_is_read_up_to_there(
    most: str, limit: int, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = har_reader if most == "MOST_ENTRIES" else har_stream
    monkeypatch.setattr(room, most, limit)
    deep = entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN, comment=json.loads("[" * 150 + "]" * 150))
    found = reading(har(deep, *[entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN)] * 9))
    assert 0 < len(found.situations) < 9
    assert note in found.note


def test_a_har_larger_than_any_is_read_up_to_there() -> None:
    content = har(*[entry("POST", CALLS, 401, BAD_KEY, headers=WITH_TOKEN, comment="x" * 100_000)] * 9)
    found = read(Source(io.BytesIO(content), Limit(len(content) // 2, "export fewer requests")), "x.har", Mask())
    assert 0 < len(found.situations) < 9
    assert "export fewer requests" in found.note


# --- the root, and what follows from it

OWN = "http://localhost:3000"
ELSEWHERE = {"origin": OWN, "sec-fetch-site": "cross-site"}
UNDEFINED = {"Authorization": "Bearer undefined", "origin": OWN}
REFUSED_KEY = {
    "error": {
        "message": "Incorrect API key provided: sk-proj-****0000.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
}
NO_TOKEN = {"error": {**BAD_KEY["error"], "message": "Incorrect API key provided: undefined."}}


def causes(*entries: Any) -> list[tuple[str, str]]:
    """What `rtdiag explain` makes of a HAR: the causes with their confidence, best first."""
    (explained,) = explain(io.BytesIO(har(*entries)), "x.har", Mask())
    return [(d.cause, d.confidence) for d in explained.diagnosis]


def without_token(at: str = "2026-11-22T10:00:02.000Z", **more: Any) -> dict[str, Any]:
    """The offer of a page that got no token."""
    return entry("POST", CALLS, 401, NO_TOKEN, headers=UNDEFINED, sent=OFFER, mime="application/sdp", at=at, **more)


def test_the_token_route_that_failed_comes_before_the_offer_without_a_token() -> None:
    token = entry("GET", f"{OWN}/token", 401, REFUSED_KEY)
    for entries in ((token, without_token()), (without_token(), token)):  # by their times, whatever the order
        found = reading(har(*entries))
        root, following = found.situations
        assert (root.url, root.follows) == (f"{OWN}/token", "")
        assert (following.url, following.follows) == (CALLS, "GET localhost:3000/token at 10:00:00")
        assert found.note == (
            "POST /v1/realtime/calls at 10:00:02, with `Bearer undefined`, follows from GET localhost:3000/token at 10:00:00"
        )
        assert causes(*entries)[:2] == [("key-wrong-or-revoked", "high"), ("key-placeholder-not-a-key", "low")]


@pytest.mark.parametrize(
    ("route", "status", "body", "cause"),
    [
        ("/token", 500, "Internal Server Error", "token-url-refuses"),
        ("/api/voice/start", 502, "<html><title>502 Bad Gateway</title>", "token-url-refuses"),
        ("/api/session", 200, REFUSED_KEY, "key-wrong-or-revoked"),
        ("/api/session", 500, {"error": "no session", "details": json.dumps(REFUSED_KEY)}, "key-wrong-or-revoked"),
        ("/api/session", 500, {"error": "401 Incorrect API key provided: sk-proj-****0000."}, "key-wrong-or-revoked"),
        ("/token", 200, {"client": {"secret": None}}, "token-not-in-answer"),
    ],
)
def test_whatever_the_token_route_answered_is_the_root(route: str, status: int, body: Any, cause: str) -> None:
    assert causes(entry("GET", OWN + route, status, body), without_token())[0][0] == cause


def test_a_token_route_that_was_not_reached_is_the_root() -> None:
    lost = entry("GET", f"{OWN}/token", 0, _error="net::ERR_CONNECTION_REFUSED")
    assert causes(lost, without_token())[0] == ("network-unreachable/refused", "high")


def test_a_route_that_failed_once_is_no_root_of_what_failed_with_a_token() -> None:
    first = entry("GET", f"{OWN}/token", 500, "boom")
    minted = entry("GET", f"{OWN}/token", 200, MINT, at="2026-11-22T10:00:01Z")
    refused = entry("POST", CALLS, 400, INVALID_OFFER, headers=WITH_TOKEN, sent=OFFER, at="2026-11-22T10:00:02Z")
    (situation,) = har_of(first, minted, refused)
    assert (situation.url, situation.follows) == (CALLS, "")


def test_an_error_of_the_api_counts_at_any_path_and_other_errors_do_not() -> None:
    offer = entry("POST", f"{OWN}/api/connect", 401, REFUSED_KEY, sent=OFFER, mime="application/sdp")
    assert causes(offer)[0] == ("key-wrong-or-revoked", "high")
    assert causes(entry("POST", f"{OWN}/graphql", 200, {"data": REFUSED_KEY}))[0] == ("key-wrong-or-revoked", "high")
    stripe = {"error": {**REFUSED_KEY["error"], "doc_url": "https://stripe.com/docs/error-codes"}}
    for other in (stripe, {"error": "no"}, {"error": {"message": "no", "code": 401, "status": "UNAUTHENTICATED"}}):
        assert har_of(entry("POST", "https://api.shop.example/pay", 401, other)) == ()


def test_another_product_that_says_realtime_in_its_url_is_named_as_none_of_this_api() -> None:
    found = reading(har(entry("POST", "https://xyz.supabase.co/realtime/v1/api/broadcast", 401, {"message": "no"})))
    assert found.situations == ()
    assert "POST xyz.supabase.co/realtime/v1/api/broadcast (401) comes from Supabase, not from this API" in found.note
    claude = entry("POST", "https://api.anthropic.com/v1/messages", 401, {"type": "error"})
    assert "(401) comes from Anthropic, not from this API" in reading(har(claude)).note
    ticks = entry("GET", "https://shop.example/realtime-prices/v2", 500, "no", headers=ELSEWHERE)
    assert "GET shop.example/realtime-prices/v2 (500) is not this API" in reading(har(ticks)).note


def test_a_function_of_ones_own_at_another_products_host_is_ones_own() -> None:
    function = "https://xyz.supabase.co/functions/v1/realtime-token"
    assert causes(entry("POST", function, 500, REFUSED_KEY, headers=ELSEWHERE))[0] == ("key-wrong-or-revoked", "high")
    silent = entry("POST", function, 500, "no", headers=ELSEWHERE)
    assert causes(silent, without_token())[0] == ("token-url-refuses", "high")


@pytest.mark.parametrize(
    "url",
    [
        CALLS,
        "https://eu.api.openai.com/v1/realtime/client_secrets",
        "wss://api.openai.com/v1/realtime?model=gpt-realtime",
        "https://x.openai.azure.com/openai/v1/realtime/calls",
        "wss://x.openai.azure.com/openai/realtime?deployment=d&api-version=2025-04-01-preview",
        "https://eastus2.realtimeapi-preview.ai.azure.com/v1/realtimertc?model=m",
        "ws://127.0.0.1:4000/v1/realtime?model=gpt-realtime",
        "ws://gateway.example/realtime?model=gpt-realtime",
    ],
)
def test_urls_of_the_api_at_whatever_host(url: str) -> None:
    assert routes.is_api(url)


@pytest.mark.parametrize(
    "url",
    [
        "wss://xyz.supabase.co/realtime/v1/websocket?apikey=x",
        "wss://realtime.ably.io/?key=x",
        "https://shop.example/static/realtime.js",
        "wss://api.assemblyai.com/v2/realtime/ws?sample_rate=16000",
        "https://shop.example/prices/realtime",
        "https://api.openai.com/v1/chat/completions",
        "http://[broken",
    ],
)
def test_urls_that_are_not_the_api(url: str) -> None:
    assert not routes.is_api(url)


def test_failures_alike_are_told_once_with_how_often_they_came() -> None:
    again = [
        entry("POST", CALLS, 400, INVALID_OFFER, headers=WITH_TOKEN, at=f"2026-11-22T10:00:0{n}Z") for n in range(4)
    ]
    (situation,) = har_of(*again)
    assert situation.where == "POST /v1/realtime/calls at 10:00:00, and 3 more like it"


# --- requests that got no answer

PREFLIGHT = {"origin": OWN, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
ACROSS = {"origin": OWN, "sec-fetch-mode": "cors"}


def answering(given: dict[str, Any], **headers: str) -> dict[str, Any]:
    """The entry with these headers in its answer, blanks of names as `_`."""
    given["response"]["headers"] = [{"name": n.replace("_", "-"), "value": v} for n, v in headers.items()]
    return given


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("net::ERR_NAME_NOT_RESOLVED", "network-unreachable/name-unknown"),
        ("net::ERR_CONNECTION_REFUSED", "network-unreachable/refused"),
        ("net::ERR_CERT_AUTHORITY_INVALID", "tls-or-proxy/issuer-unknown"),
        ("net::ERR_BLOCKED_BY_CLIENT", "blocked-in-the-browser"),
        ("net::ERR_BLOCKED_BY_CLIENT.Inspector", "blocked-in-the-browser"),
        ("net::ERR_BLOCKED_BY_CSP", "content-security-policy"),
        ("csp", "content-security-policy"),
        (4000, "content-security-policy"),
        (6000, "blocked-in-the-browser"),
        (2004, "blocked-in-the-browser"),
        (1005, "cors"),
    ],
)
@pytest.mark.parametrize("where", ["response._error", "response._failureText", "_error", "_blockedReason"])
def test_the_browsers_own_word_for_a_request_without_an_answer(error: Any, cause: str, where: str) -> None:
    lost = entry("POST", CALLS, -1, headers=WITH_TOKEN, sent=OFFER)
    (lost["response"] if where.startswith("response.") else lost)[where.removeprefix("response.")] = error
    assert causes(lost)[0] == (cause, "high")


def test_a_request_that_the_page_gave_up_is_no_failure() -> None:
    for error in ("net::ERR_ABORTED", "NS_BINDING_ABORTED"):
        found = reading(har(entry("POST", CALLS, 0, headers=WITH_TOKEN, _error=error)))
        assert found.situations == ()
        assert "the page itself gave up POST /v1/realtime/calls at 10:00:00" in found.note


def test_no_reason_is_no_cause() -> None:
    lost = entry("POST", CALLS, 0, headers=WITH_TOKEN)  # all that Firefox writes
    assert all(held == "low" for _, held in causes(lost))
    assert "the browser's console names it" in reading(har(lost)).note
    unheard = entry("OPTIONS", CALLS, 0, headers=PREFLIGHT)
    assert causes(lost, unheard)[0] == ("network-unreachable", "medium")
    for page in (ACROSS, {"referer": f"{OWN}/"}):  # Playwright names the page by its Referer alone
        assert causes(entry("POST", CALLS, -1, headers=page, _error="net::ERR_FAILED"))[0] == ("cors", "medium")


@pytest.mark.parametrize(
    ("status", "headers", "lacking"),
    [
        (204, {"date": "x"}, "no Access-Control-Allow-Origin"),
        (204, {"access_control_allow_origin": "https://other.example"}, "allows https://other.example"),
        (204, {"access_control_allow_origin": "*"}, "Access-Control-Allow-Headers lacks authorization"),
        (404, {"access_control_allow_origin": "*"}, "refused with 404"),
        (401, {}, "refused with 401"),
    ],
)
def test_a_preflights_own_headers_prove_cors(status: int, headers: dict[str, str], lacking: str) -> None:
    preflight = answering(entry("OPTIONS", CALLS, status, headers=PREFLIGHT), **headers)
    failed = entry("POST", CALLS, 0, headers=WITH_TOKEN, _error="net::ERR_FAILED")
    (situation,) = har_of(failed, preflight)
    assert situation.method == "OPTIONS"
    assert lacking in situation.circumstances[0]
    assert causes(failed, preflight)[0] == ("cors", "high")


def test_a_preflight_that_allows_all_is_none_and_headers_alone_are_no_cors() -> None:
    allowed = {"access_control_allow_origin": OWN, "access_control_allow_headers": "Authorization, Content-Type"}
    fine = answering(entry("OPTIONS", CALLS, 204, headers=PREFLIGHT), **allowed)
    assert har_of(fine, answering(entry("POST", CALLS, 201, "v=0\r\n", headers=ACROSS), **allowed)) == ()
    refused = answering(entry("POST", CALLS, 401, REFUSED_KEY, headers=ACROSS), access_control_allow_origin="*")
    assert "cors" not in [cause for cause, _ in causes(fine, refused)]
    assert har_of(entry("OPTIONS", CALLS, 204, headers=PREFLIGHT)) == ()  # an export without headers


def test_an_answer_that_the_browser_kept_is_cors_unless_it_is_a_refusal_that_can_be_read() -> None:
    kept = answering(entry("POST", CALLS, 200, headers=ACROSS, _error="net::ERR_FAILED"), date="x")
    assert causes(kept)[0] == ("cors", "high")
    assert causes(answering(entry("POST", CALLS, 201, "v=0\r\n", headers=ACROSS), date="x"))[0] == ("cors", "high")
    read_all_the_same = answering(entry("POST", CALLS, 401, REFUSED_KEY, headers={**ACROSS, **WITH_KEY}), date="x")
    assert causes(read_all_the_same)[0] == ("key-wrong-or-revoked", "high")


def test_the_page_of_a_request_without_a_reason_says_that_it_forbids_it() -> None:
    def page(policy: str) -> dict[str, Any]:
        return answering(
            entry("GET", f"{OWN}/", 200, "<html>"), content_type="text/html", content_security_policy=policy
        )

    lost = entry("POST", CALLS, 0, headers={"origin": OWN})
    assert causes(page("default-src 'none'; connect-src 'self'"), lost)[0] == ("content-security-policy", "high")
    for policy in ("connect-src 'self' https://*.openai.com", "connect-src https:", "img-src 'self'", "connect-src *"):
        assert "content-security-policy" not in [cause for cause, _ in causes(page(policy), lost)]
    token = entry("GET", f"{OWN}/token", 200, MINT)
    assert causes(page("connect-src 'self'"), token)[0] == ("content-security-policy", "high")
    assert har_of(page("connect-src 'self' api.openai.com"), token) == ()
    assert "allows none to it" in reading(har(page("connect-src 'self'"))).note


# --- what browsers write themselves

RECORDED = (
    Path(__file__).parent / "recorded"
)  # of a page against the emulator and servers that fail, headers cut down, 2026-11-30
TOLD = {
    "chrome-certificate": [("tls-or-proxy/issuer-unknown", "high")],
    "chrome-cors-header": [("cors", "high")],
    "chrome-cors-kept-401": [("cors", "high")],
    "chrome-healthy": [],
    "chrome-token-route": [("key-wrong-or-revoked", "high"), ("key-placeholder-not-a-key", "low")],
    "chrome-upgrade-404": [("proxy-websocket-route-missing", "medium"), ("websocket-upgrade-refused", "medium")],
    "chrome-upgrade-no-name": [("network-unreachable/name-unknown", "high")],
    "firefox-cors-origin": [("cors", "high")],
    "firefox-no-name": [("network-unreachable", "medium")],
    "firefox-policy": [("content-security-policy", "high")],
    "firefox-upgrade-404": [("proxy-websocket-route-missing", "medium"), ("websocket-upgrade-refused", "medium")],
    "playwright-blocked": [("blocked-in-the-browser", "high")],
    "playwright-cors": [("cors", "medium")],
    "playwright-refused": [("network-unreachable/refused", "high")],
}


@pytest.mark.parametrize("path", sorted(RECORDED.iterdir()), ids=lambda path: path.stem)
def test_what_chrome_firefox_and_playwright_wrote(path: Path) -> None:
    with path.open("rb") as source:
        (explained,) = explain(source, path.name, Mask())
    found = [(d.cause, d.confidence) for d in explained.diagnosis]
    assert found[: max(1, len(TOLD[path.stem]))] == TOLD[path.stem]


# --- upgrades to a WebSocket

FRAME = "\x0f\xa0invalid_request_error.invalid_model"
SOCKET = "wss://api.openai.com/v1/realtime?model=gpt-realtime"


@pytest.mark.parametrize(
    ("status", "messages", "told"),
    [
        (403, None, 403),
        (
            0,
            [
                {
                    "type": "error",
                    "opcode": -1,
                    "data": "Error during WebSocket handshake: Unexpected response code: 404",
                }
            ],
            404,
        ),
        (
            0,
            [{"type": "error", "opcode": -1, "data": "HTTP Authentication failed; no valid credentials available"}],
            401,
        ),
        (200, None, 200),
    ],
)
def test_an_upgrade_that_was_refused(status: int, messages: Any, told: int) -> None:
    given = entry("GET", SOCKET, status, headers={"Upgrade": "websocket"}, _webSocketMessages=messages or [])
    (situation,) = har_of(given)
    assert situation.status == told
    assert f"the WebSocket was answered with {told} when 101 was expected" in situation.circumstances
    assert "websocket-upgrade-refused" in [cause for cause, _ in causes(given)][:2]


def test_a_socket_that_got_nowhere_says_why_though_chrome_dates_it_by_1969() -> None:
    error = {"type": "error", "opcode": -1, "data": "Error in connection establishment: net::ERR_NAME_NOT_RESOLVED"}
    lost = entry("", SOCKET, 0, at="1969-12-31T23:59:59.000Z", _webSocketMessages=[error])
    (situation,) = har_of(lost)
    assert (situation.where, situation.when) == ("GET /v1/realtime", None)
    assert causes(lost)[0] == ("network-unreachable/name-unknown", "high")


@pytest.mark.parametrize(
    "spell", [str, lambda text: FRAME, lambda text: base64.b64encode(FRAME.encode("latin-1")).decode()]
)
def test_a_close_frame_is_read_in_each_spelling(spell: Any) -> None:
    data = spell("4000 invalid_request_error.invalid_model")
    close = {"type": "receive", "opcode": 8, "data": data}
    (situation,) = har_of(entry("GET", SOCKET, 101, _webSocketMessages=[close]))
    assert (situation.status, "invalid_model" in situation.text) == (4000, True)


def test_a_socket_of_another_product_is_left_alone() -> None:
    said = [{"type": "receive", "opcode": 1, "data": '{"type": "error", "message": "no"}'}]
    assert har_of(entry("GET", "wss://api.other.example/stream", 101, _webSocketMessages=said)) == ()


def test_a_socket_without_its_messages_is_not_said_to_be_well() -> None:
    assert "what passed on the socket of GET /v1/realtime" in reading(har(entry("GET", SOCKET, 101))).note


# --- recordings of other programs


def charles(**more: Any) -> dict[str, Any]:
    """A request as Charles exports it."""
    return {
        "status": "COMPLETE",
        "method": "POST",
        "scheme": "https",
        "host": "api.openai.com",
        "actualPort": 443,
        "path": "/v1/realtime/calls",
        "query": None,
        "tunnel": False,
        "webSocket": False,
        "times": {"start": "2026-11-22T11:00:01.250+01:00"},
        "request": {
            "mimeType": "application/sdp",
            "header": {"headers": [{"name": "Authorization", "value": f"Bearer {KEY}"}]},
            "body": {"text": OFFER},
        },
        "response": {"status": 401, "header": {"headers": []}, "body": {"text": json.dumps(REFUSED_KEY)}},
        **more,
    }


def test_a_session_of_charles() -> None:
    found = reading(
        json.dumps([charles(method="GET", host="shop.example", path="/", response={"status": 200}), charles()])
    )
    (situation,) = found.situations
    assert (found.form, situation.status, situation.credential) == ("Charles session", 401, "sk")
    assert (situation.url, situation.sent) == (CALLS, "SDP offer")
    assert situation.where == "POST /v1/realtime/calls at 11:00:01"
    assert "not-a-real-key" not in repr(found)
    encoded = base64.b64encode(json.dumps(REFUSED_KEY).encode()).decode()
    (same,) = reading(json.dumps([charles(response={"status": 401, "body": {"encoded": encoded}})])).situations
    assert same.text == situation.text


def test_a_request_that_charles_could_not_complete_says_why() -> None:
    said = (
        "SSL handshake with client failed: An unknown issue occurred processing the certificate (certificate_unknown)"
    )
    (situation,) = reading(json.dumps([charles(status="FAILED", errorMessage=said, response=None)])).situations
    assert (situation.text, situation.status, situation.surface) == (f"{said}", None, "client")


def test_a_tunnel_that_charles_could_not_open_is_told() -> None:
    said = (
        "SSL handshake with client failed: An unknown issue occurred processing the certificate (certificate_unknown)"
    )
    lost = charles(method="CONNECT", path=None, tunnel=True, status="FAILED", errorMessage=said, response=None)
    (situation,) = reading(json.dumps([lost])).situations
    assert (situation.where, situation.text) == ("CONNECT api.openai.com/ at 11:00:01", said)


@pytest.mark.parametrize(
    ("cut", "what"),
    [
        (lambda: json.dumps([charles()])[:-40], "Charles session, and its JSON breaks off: export it again"),
        (lambda: yaml.safe_dump(cassette("x")).replace("uri: ", "uri: ["), "cassette, and its YAML breaks off"),
        (lambda: "interactions: []\nversion: 1\nrtdiag: {tool: {name: rtdiag}}\n", "rtdiag replay"),
    ],
)
def test_a_recording_that_is_broken_is_refused_in_one_line(cut: Any, what: str) -> None:
    with pytest.raises(Unreadable, match=what) as refused:
        reading(cut())
    assert "\n" not in str(refused.value)


def test_an_empty_cassette_is_one() -> None:
    assert reading("interactions: []\nversion: 1\n").note.startswith("the cassette holds 0 requests")


def cassette(body: Any, **more: Any) -> dict[str, Any]:
    """A cassette as vcrpy writes it."""
    request = {"method": "POST", "uri": CALLS, "body": OFFER, "headers": {"authorization": [f"Bearer {KEY}"]}}
    headers = {"Date": ["Sun, 22 Nov 2026 10:00:00 GMT"], "content-type": ["application/json"]}
    response = {"status": {"code": 401, "message": "Unauthorized"}, "headers": headers, "body": {"string": body}}
    return {"interactions": [{"request": request, "response": response}], "version": 1, **more}


@pytest.mark.parametrize(
    ("spell", "body"),
    [
        (json.dumps, json.dumps(REFUSED_KEY)),
        (yaml.safe_dump, json.dumps(REFUSED_KEY)),
        (yaml.safe_dump, json.dumps(REFUSED_KEY).encode()),
        (yaml.safe_dump, gzip.compress(json.dumps(REFUSED_KEY).encode(), mtime=0)),
    ],
)
def test_a_cassette_of_vcrpy(spell: Any, body: Any) -> None:
    found = reading(spell(cassette(body)))
    (situation,) = found.situations
    assert (found.form, situation.status, situation.credential, situation.sent) == ("cassette", 401, "sk", "SDP offer")
    assert (json.loads(situation.text), situation.when) == (REFUSED_KEY, date(2026, 11, 22))
    assert "not-a-real-key" not in repr(found)


def test_a_cassette_of_rubys_vcr() -> None:
    interaction = cassette("")["interactions"][0]
    interaction["response"]["body"] = {"encoding": "UTF-8", "string": json.dumps(REFUSED_KEY)}
    interaction["recorded_at"] = "Sun, 22 Nov 2026 10:00:00 GMT"
    found = reading("---\n" + yaml.safe_dump({"http_interactions": [interaction], "recorded_with": "VCR 6.1.0"}))
    assert (found.form, json.loads(found.situations[0].text)) == ("cassette", REFUSED_KEY)


def test_a_cassette_of_rtdiag_is_for_replay() -> None:
    with pytest.raises(Unreadable, match="rtdiag replay"):
        reading(yaml.safe_dump(cassette("", rtdiag={"tool": {"name": "rtdiag"}})))


def test_any_field_of_a_recording_may_be_missing_null_or_nonsense() -> None:
    for whole in ([charles()], cassette(json.dumps(REFUSED_KEY))):
        for text in mutations(whole, whole):
            try:
                repr(reading(text)).encode()
            except Unreadable:
                continue


# --- what is none of this API's business


@pytest.mark.parametrize(
    "other",
    [
        entry(
            "POST",
            "https://rs.fullstory.example/rec/session/1",
            0,
            headers=ELSEWHERE,
            _error="net::ERR_BLOCKED_BY_CLIENT",
        ),
        entry("POST", "https://api.groq.example/openai/v1/chat", 401, REFUSED_KEY, headers=ELSEWHERE),
        entry("GET", "https://api.assemblyai.example/v2/realtime/token", 401, {"error": "no"}, headers=ELSEWHERE),
        entry("GET", "wss://x.livekit.example/rtc/token", 401, headers={"Upgrade": "websocket"}),
        entry("GET", f"{OWN}/session", 302, headers={"origin": OWN}),
        entry("GET", f"{OWN}/api/auth/session", 401, {"error": "no"}),
    ],
)
def test_other_servers_failures_are_none(other: dict[str, Any]) -> None:
    assert har_of(other) == ()
    assert har_of(other, entry("POST", CALLS, 201, "v=0\r\n", headers=WITH_TOKEN)) == ()


def test_an_own_route_that_failed_before_all_went_well_did_no_harm() -> None:
    own = entry("GET", f"{OWN}/session", 500, "boom")
    assert har_of(own, entry("POST", CALLS, 201, "v=0\r\n", headers=WITH_TOKEN)) == ()
    assert causes(own)[0] == ("token-url-refuses", "medium")


def test_a_web_page_in_place_of_a_token_is_told() -> None:
    page = entry("GET", f"{OWN}/token", 200, "<!doctype html><title>app</title>", _resourceType="fetch")
    (situation,) = har_of(page)
    assert situation.circumstances[0] == "the answer is a web page, not JSON"
    assert har_of({**page, "_resourceType": "document"}) == ()


@pytest.mark.parametrize("sent", ["Bearer null", "Bearer [object Object]", "Bearer", "Bearer "])
@pytest.mark.parametrize("url", [CALLS, SOCKET])
def test_whatever_a_missing_token_turns_into_follows(sent: str, url: str) -> None:
    mint = entry("POST", SESSIONS, 401, REFUSED_KEY, headers=WITH_KEY)
    lost = entry("POST", url, 401, NO_TOKEN, headers={"Authorization": sent}, at="2026-11-22T10:00:01Z")
    root, following = har_of(mint, lost)
    assert (root.url, following.follows) == (SESSIONS, "POST /v1/realtime/sessions at 10:00:00")


def test_a_socket_with_an_unset_token_follows_too() -> None:
    said = {"type": "error", "event_id": "event_1", "error": NO_TOKEN["error"]}
    protocols = {"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.undefined"}
    messages = [{"type": "receive", "opcode": 1, "data": json.dumps(said)}]
    lost = entry("GET", SOCKET, 101, headers=protocols, at="2026-11-22T10:00:01Z", _webSocketMessages=messages)
    root, following = har_of(entry("GET", f"{OWN}/token", 401, REFUSED_KEY), lost)
    assert (root.url, following.follows) == (f"{OWN}/token", "GET localhost:3000/token at 10:00:00")
