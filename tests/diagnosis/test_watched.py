"""A page's account, explained: what failed first in it, what follows from that, and what is not known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rtdiag.browser.account import account_of
from rtdiag.cli import main
from rtdiag.diagnosis import verdict
from rtdiag.diagnosis.readers import watched
from rtdiag.diagnosis.situation import TOLD, as_fact, situation_of
from rtdiag.model import Finding, Observation
from rtdiag.redact import Mask

Json = dict[str, Any]

KEY = "ek_****************************c7f8"
TOKEN: Json = {
    "id": "r1",
    "method": "POST",
    "url": "https://app.example/api/token",
    "at_ms": 100,
    "took_ms": 50,
    "status": 200,
    "answer": json.dumps({"value": KEY, "expires_at": 1796071071}),
}
CREATED: Json = {
    "channel": "p3/oai-events",
    "direction": "received",
    "at_ms": 2000,
    "raw": json.dumps({"type": "session.created", "session": {"type": "realtime", "model": "gpt-realtime"}}),
}
REFUSED = json.dumps(
    {"error": {"type": "invalid_request_error", "code": "ephemeral_token_expired", "message": "Expired."}}
)


def call(**fields: Any) -> Json:
    """The request that brings the offer."""
    return {
        "id": "r2",
        "method": "POST",
        "url": "https://api.openai.com/v1/realtime/calls",
        "at_ms": 500,
        "took_ms": 80,
        "headers": [["Authorization", f"Bearer {KEY}"], ["Content-Type", "application/sdp"]],
        "body": "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nm=audio 9 X\r\nm=application 9 X\r\n",
        **fields,
    }


def failed(said: str) -> Json:
    """The same, without an answer."""
    return call(wrong={"step": "fetch", "said": said})


def peer(*states: tuple[str, str], **fields: Any) -> Json:
    """The peer that it was for; each state 0.1 s after the one before."""
    begun = [("signalingState", "have-local-offer"), ("signalingState", "stable"), ("iceConnectionState", "checking")]
    timed = [[1000 + n * 100, *state] for n, state in enumerate([*begun, *states])]
    ways = {"local": ["udp host 192.0.2.2:5000"], "remote": ["udp host 203.0.113.9:3478"]}
    return {"id": "p3", "at_ms": 200, "offered_in": "r2", "states": timed, **ways, **fields}


def account(**fields: Any) -> str:
    """The JSON of an account."""
    return json.dumps(
        {"rtdiag_account": 1, "epoch_ms": 1.796e12, "page": "https://app.example/talk", "taken_ms": 60_000, **fields}
    )


def printed(text: str) -> Result:
    return CliRunner().invoke(main, ["explain", "-", "-o", "json"], input=text, catch_exceptions=False)


def explained(**fields: Any) -> tuple[list[str], Json]:
    """The causes that are held, `cause confidence`, and all that is said; low ones are left out."""
    result = printed(account(**fields))
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    assert found["form"] == "page's account"
    return [f"{d['cause']} {d['confidence']}" for d in found["diagnosis"] if d["confidence"] != "low"], found


def microphone(said: str) -> Json:
    return {"microphones": [{"at_ms": 50, "took_ms": 9, "refused": said}]}


ANSWERED = call(status=201, answer="v=0\r\n")
CONNECTED = (("iceConnectionState", "connected"), ("dtlsState", "connected"), ("connectionState", "connected"))
PLAY = "NotAllowedError: play() failed because the user didn't interact with the document first."
SOUND = {"packets": 9, "bytes": 99, "energy": 1.0, "track": True, "refused": PLAY}
FORBIDDEN = {
    "at_ms": 501,
    "directive": "connect-src",
    "what": "https://api.openai.com/v1/realtime/calls",
    "by": "connect-src 'self'",
}
AZURE = {
    "url": "https://eastus2.realtimeapi-preview.ai.azure.com/v1/realtimertc?model=gpt-4o",
    "status": 401,
    "answer": '{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}',
}
UPDATE: Json = {
    "channel": "p3/oai-events",
    "direction": "sent",
    "at_ms": 3000,
    "raw": json.dumps({"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}}),
}
TOO_EARLY = {"at_ms": 400, "level": "caught", "text": "send on p3/oai-events: InvalidStateError: An attempt was made"}
WRONG_STATE = "InvalidStateError: Failed to execute 'setRemoteDescription' on 'RTCPeerConnection': "
UNAWAITED = "OperationError: Failed to parse SessionDescription. [object Promise] Expect line: v="
CASES: Mapping[str, tuple[Json, list[str]]] = {
    "an event too early": (
        {"requests": [TOKEN, ANSWERED], "peers": [peer(*CONNECTED)], "console": [TOO_EARLY], "events": [CREATED]},
        ["event-sent-too-early high"],
    ),
    "one behind the end": (
        {
            "requests": [TOKEN, ANSWERED],
            "peers": [peer(*CONNECTED, ("channel oai-events", "open"))],
            "console": [{**TOO_EARLY, "at_ms": 5000}],
            "events": [CREATED],
        },
        [],
    ),
    "one that was sent again": (
        {"requests": [TOKEN, ANSWERED], "console": [TOO_EARLY], "events": [CREATED, UPDATE], "taken_ms": 4000},
        [],
    ),
    "an update without an answer": (
        {"requests": [TOKEN, ANSWERED], "peers": [peer(*CONNECTED)], "events": [CREATED, UPDATE]},
        ["session-update-unanswered high"],
    ),
    "an update that may still be answered": (
        {"requests": [TOKEN, ANSWERED], "events": [CREATED, UPDATE], "taken_ms": 3050},
        [],
    ),
    "closed by the page behind its update": (
        {
            "requests": [TOKEN, ANSWERED],
            "peers": [peer(*CONNECTED, states=[[3100, "signalingState", "closed"]])],
            "events": [CREATED, UPDATE],
        },
        [],
    ),
    "no-cors": ({"requests": [TOKEN, call(opaque=True)]}, ["cors/asked-without high"]),
    "an offer as JSON": (
        {
            "requests": [
                TOKEN,
                call(
                    body=json.dumps({"type": "offer", "sdp": "v=0\r\nm=audio 9 X\r\n"}),
                    status=400,
                    answer='{"error":{"code":"invalid_offer","message":"Invalid SDP offer."}}',
                ),
            ]
        },
        ["sdp-offer-altered-in-transit high"],
    ),
    "closed before its answer": (
        {
            "requests": [TOKEN, ANSWERED],
            "peers": [
                peer(
                    wrong={
                        "step": "setRemoteDescription",
                        "said": f"{WRONG_STATE}The RTCPeerConnection's signalingState is 'closed'.",
                    }
                )
            ],
        },
        ["answer-set-in-wrong-state high"],
    ),
    "a promise as an answer": (
        {
            "requests": [TOKEN, ANSWERED],
            "peers": [peer(wrong={"step": "setRemoteDescription", "said": UNAWAITED})],
        },
        ["answer-not-sdp/not-awaited high"],
    ),
    "refused by chromium's user": (microphone("NotAllowedError: Permission denied"), ["microphone-refused high"]),
    "no such device": (microphone("OverconstrainedError: "), ["microphone-refused/constraints high"]),
    "no device": (microphone("NotFoundError: Requested device not found"), ["microphone-refused/none high"]),
    "a policy": (
        {"requests": [TOKEN, failed("TypeError: Failed to fetch")], "blocked": [FORBIDDEN]},
        ["content-security-policy high"],
    ),
    "azure": ({"requests": [TOKEN, call(**AZURE)]}, ["azure-auth-or-url high"]),
    "expired": ({"requests": [TOKEN, call(status=401, answer=REFUSED)]}, ["ephemeral-token-expired high"]),
    "no way": (
        {
            "requests": [TOKEN, ANSWERED],
            "peers": [peer(("iceConnectionState", "failed"), ("connectionState", "failed"))],
        },
        ["ice-udp-blocked medium"],
    ),
    "dtls": (
        {
            "requests": [TOKEN, ANSWERED],
            "peers": [peer(CONNECTED[0], ("dtlsState", "failed"), ("connectionState", "failed"))],
        },
        ["dtls-fingerprint-mismatch high"],
    ),
    "channel": (
        {"requests": [TOKEN, ANSWERED], "peers": [peer(*CONNECTED, ("channel oai-events", "connecting"))]},
        ["data-channel-never-opens medium"],
    ),
    "no playing": (
        {"requests": [TOKEN, ANSWERED], "peers": [peer(*CONNECTED, sound=SOUND)], "events": [CREATED]},
        ["audio-playback-blocked high"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_failed_is_named(case: str) -> None:
    fields, causes = CASES[case]
    assert explained(**fields)[0] == causes


@pytest.mark.parametrize(
    "request_",
    [
        failed("TypeError: Failed to fetch"),
        failed("TypeError: NetworkError when attempting to fetch resource."),
        failed("TypeError: Load failed"),
        failed("TimeoutError: signal timed out"),
        call(took_ms=0),
    ],
)
def test_what_no_page_is_told_is_not_known_here_either(request_: Json) -> None:
    """CORS, a name, a firewall, an extension: to the page they look alike, and nothing of that is held."""
    causes, found = explained(requests=[TOKEN, request_])
    assert causes == []
    assert found["diagnosis"], "it has failed all the same"


def test_a_socket_that_did_not_open_names_no_reason() -> None:
    url, offered = "wss://api.openai.com/v1/realtime?model=gpt-realtime", ["realtime", f"openai-insecure-api-key.{KEY}"]
    causes, found = explained(
        sockets=[{"id": "s1", "url": url, "at_ms": 100, "offered": offered, "closed_ms": 300, "code": 1006}]
    )
    assert causes == []
    assert found["diagnosis"]


def test_an_error_of_the_page_follows_from_what_failed_before() -> None:
    thrown = "Uncaught (in promise) ReferenceError: microphone is not defined"
    console = [{"at_ms": 700, "level": "uncaught", "text": thrown}]
    causes, found = explained(requests=[TOKEN, call(status=401, answer=REFUSED)], console=console)
    assert causes == ["ephemeral-token-expired high"]
    assert len(found["diagnosis"]) == 1
    causes, found = explained(requests=[TOKEN], console=console)
    assert causes == []
    assert [one["cause"] for one in found["diagnosis"]] == ["unknown"]


def test_a_peer_follows_from_the_request_that_brought_no_answer() -> None:
    refused = "Failed to execute 'setRemoteDescription' on 'RTCPeerConnection'"
    said = f"OperationError: {refused}: Failed to parse SessionDescription. {{ Expect line: v="
    for offered_in in ("r2", ""):
        unusable = {
            **peer(),
            "states": [],
            "offered_in": offered_in,
            "wrong": {"step": "setRemoteDescription", "said": said},
        }
        causes, found = explained(requests=[TOKEN, call(status=401, answer=REFUSED)], peers=[unusable])
        assert causes == ["ephemeral-token-expired high"]
        assert "it follows from POST /v1/realtime/calls" in found["diagnosis"][1]["against"][0]


def test_a_page_that_works_says_what_that_rests_on() -> None:
    opened = peer(*CONNECTED, ("channel oai-events", "open"))
    causes, found = explained(requests=[TOKEN, ANSWERED], peers=[opened], events=[CREATED])
    assert causes == []
    assert found["diagnosis"] == []
    for words in ("2 requests, 1 to the Realtime API", "session.created came on p3", "do not stand in it"):
        assert words in found["note"]
    assert "no session.created" in explained(requests=[TOKEN])[1]["note"]
    other = {**TOKEN, "url": "https://app.example/other", "status": 405}
    assert "1 other request failed: POST https://app.example/other (405)" in explained(requests=[other])[1]["note"]


def test_what_a_page_did_itself_is_said_where_no_session_came() -> None:
    closed = peer(states=[[900, "signalingState", "closed"]])
    assert "the page closed peer connection p3 0.7 s after it was made" in explained(peers=[closed])[1]["note"]
    assert "p3 has no data channel" in explained(requests=[TOKEN, ANSWERED], peers=[peer(*CONNECTED)])[1]["note"]


@pytest.mark.parametrize(
    "stopped",
    [
        failed("AbortError: The user aborted a request."),
        call(wrong={"step": "abort", "said": "unmounted"}),
        call(took_ms=0, at_ms=59_000),
    ],
)
def test_what_the_page_gave_up_or_still_waits_for_is_no_failure(stopped: Json) -> None:
    assert explained(requests=[TOKEN, stopped])[1]["diagnosis"] == []


def test_code_in_what_a_page_printed_is_not_taken_for_source_code() -> None:
    lines = "const pc = new RTCPeerConnection();\nawait fetch('https://api.openai.com/v1/realtime/sessions');\n"
    console = [{"at_ms": n, "level": "log", "text": lines * 20} for n in range(20)]
    assert explained(requests=[TOKEN, ANSWERED], console=console)[1]["flaws"] == []


def test_situations_have_the_ids_of_what_shows_them() -> None:
    given = account_of(account(requests=[TOKEN, call(status=401, answer=REFUSED)]))
    (one,) = watched.situations(given, Mask())
    assert (one.id, one.status, one.credential) == ("r2", 401, "ek minted at app.example/api/token")


@pytest.mark.parametrize("case", [case for case, (_, causes) in CASES.items() if causes])
def test_a_case_of_a_run_that_is_handed_a_situation_shows_the_same_cause(case: str) -> None:
    """Also after it has been a report: what it was judged by is a fact of its own, which is JSON."""
    fields, (cause, *_) = CASES[case]
    first = watched.situations(account_of(account(**fields)), Mask())[0]
    told = json.loads(json.dumps(as_fact(first)))
    seen = Observation("own-page", facts={TOLD: told})
    assert replace(situation_of(seen), where=first.where) == first
    shown = verdict.named(Finding("own-page", "fail", ""), seen)
    assert shown is not None
    assert f"{shown.cause} {shown.confidence}" == cause
    broken = Observation("own-page", facts={TOLD: {"status": "four hundred"}})
    assert situation_of(broken) == situation_of(Observation("own-page"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (account(requests=[{"id": 3}]), "$.requests[0]"),
        (account()[:-20], "copy it whole"),
        (account(rtdiag_account=2), "rtdiag_account"),
        (account(peers=[{"id": "p"}] * 101), "$.peers"),
    ],
)
def test_an_account_that_cannot_be_used_is_one_line(text: str, words: str) -> None:
    result = printed(text)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_an_account_is_known_in_any_order_of_its_keys() -> None:
    given = json.loads(account(requests=[TOKEN, ANSWERED]))
    turned = json.dumps(dict(reversed(given.items())), indent=1)
    (found,) = json.loads(printed(turned).stdout)
    assert found["form"] == "page's account"


def test_what_it_holds_is_masked_again() -> None:
    secret = "sk-proj-FAKEfakeFAKE0123456789fake0123"
    answer = json.dumps(
        {"error": {"type": "invalid_request_error", "code": "invalid_api_key", "message": f"No: {secret}"}}
    )
    result = printed(account(requests=[TOKEN, call(status=401, answer=answer)]))
    assert secret not in result.output
