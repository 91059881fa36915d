"""What the user brings: a token, a token URL, a session file; asked first, judged, never used up, never shown."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from rtdiag import plan, registry, runner
from rtdiag.context import Wishes
from rtdiag.emulator import Emulator
from rtdiag.model import Report
from rtdiag.redact import Mask, Secret
from rtdiag.report import render
from rtdiag.testing import finding, row, run_on_emulator
from rtdiag.transport.http import Credential, Http
from rtdiag.transport.recorder import Deadlines, Recorder


def own(text: str) -> Credential:
    return Credential("own-token", Secret(text), "RTDIAG_TOKEN")


async def _minted(emulator: Emulator) -> str:
    recorder = Recorder(Mask())
    http = Http(emulator.base_url, recorder, Deadlines(), trust_environment=False)
    key = Credential("api-key", Secret(emulator.key))
    reply = await http.send("POST", "/realtime/client_secrets", key, json_body={"session": {"type": "realtime"}})
    await http.aclose()
    return str(json.loads(reply.body)["value"])


def run_with(token_of: Any, *, route: Any = None, faults: tuple[str, ...] = ()) -> Report:
    """A run without an API key: with the token that `token_of(minted)` gives, or a token URL that serves `route(minted)`."""

    async def work() -> Report:
        async with Emulator(faults=faults) as emulator:
            minted = await _minted(emulator)
            wishes = Wishes(emulator.base_url, own_token=own(token_of(minted)) if token_of else None)
            site = None
            if route is not None:
                app = web.Application()

                async def hand_out(_: web.Request) -> web.Response:
                    answer: web.Response = route(minted)
                    return answer

                app.router.add_get("/token", hand_out)
                site = web.AppRunner(app, access_log=None)
                await site.setup()
                await web.TCPSite(site, "127.0.0.1", 0).start()
                wishes = replace(wishes, token_url=f"http://127.0.0.1:{site.addresses[0][1]}/token")
            mask = Mask()
            chosen = plan.make(registry.load(()).checks.values())
            report = await runner.run(chosen, wishes, mask=mask, emulator={"as_of": "2026-11-13", "faults": []})
            if site is not None:
                await site.cleanup()
            assert minted not in render(report, "json") + render(report, "table", verbose=True)
            return report

    return asyncio.run(work())


def test_a_good_token_alone_is_enough_and_opens_nothing() -> None:
    report = run_with(lambda minted: minted)
    assert finding(report, "token.own").status == "pass"
    assert finding(report, "key.shape").measured == "no API key was given, only a token"
    assert finding(report, "sdp.answer-realtime").status == "skip"
    assert report.cost.sessions_opened == report.cost.tokens_minted == 0
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("token_of", "cause"),
    [
        (lambda _: "ek_ffffffffffffffffffffffffffffffff", "token-of-another-issuer"),
        (lambda minted: f"{minted} ", "key-placeholder-not-a-key"),
        (lambda _: "undefined", "key-placeholder-not-a-key"),
        (lambda _: "sk-proj-FAKE00000000000000000000", "key-placeholder-not-a-key"),
    ],
)
def test_a_token_that_is_refused_is_a_fail(token_of: Any, cause: str) -> None:
    report = run_with(token_of)
    assert (finding(report, "token.own").status, finding(report, "token.own").cause) == ("fail", cause)
    assert report.exit_code == 1


def test_a_token_that_has_ended_is_told_apart() -> None:
    report = run_with(lambda minted: minted, faults=("token-born-expired",))
    assert finding(report, "token.own").cause == "ephemeral-token-expired"


@pytest.mark.parametrize("wrap", [lambda t: {"value": t}, lambda t: {"client_secret": {"value": t}, "id": "sess_1"}])
def test_a_token_url_is_searched_in_both_shapes(wrap: Any) -> None:
    report = run_with(None, route=lambda minted: web.json_response(wrap(minted)))
    assert finding(report, "token.url").status == "pass"
    assert finding(report, "token.own").status == "pass"


@pytest.mark.parametrize(
    ("answer", "status", "cause"),
    [
        (lambda _: web.json_response({"token": "in another place"}), "fail", "token-not-in-answer"),
        (lambda _: web.json_response({"error": "unauthorized"}, status=401), "fail", "token-url-refuses"),
        (lambda _: web.Response(text="oops", status=500), "inconclusive", "generic-server-error"),
        (
            lambda _: web.Response(text="<!doctype html>", content_type="text/html"),
            "inconclusive",
            "answer-not-from-the-api",
        ),
    ],
)
def test_a_token_url_that_gives_none(answer: Any, status: str, cause: str) -> None:
    report = run_with(None, route=answer)
    assert (finding(report, "token.url").status, finding(report, "token.url").cause) == (status, cause)


def session(turn_detection: Any, kind: str = "realtime") -> dict[str, Any]:
    return {"type": kind, "audio": {"input": {"turn_detection": turn_detection}}}


def test_your_own_session_goes_through_the_mill_first() -> None:
    report = run_on_emulator(session=session({"type": "semantic_vad", "eagerness": "high"}), only=["vad.own-*"])
    assert finding(report, "vad.own-mint").status == "pass"
    assert finding(report, "vad.own-update").status == "pass"
    assert row(report, "vad.own-mint").seen.exchanges[0].request_body is not None


@pytest.mark.parametrize(
    ("own_session", "cause"),
    [
        (session({"type": "semantic_vad", "threshold": 0.5}), "vad-fields-of-other-mode"),
        (
            session({"type": "server_vad", "create_response": True}, "transcription"),
            "vad-response-fields-in-transcription-session",
        ),
        ({"type": "realtime", "turn_detection": None}, "flat-beta-fields-in-ga"),
        ({"audio": {}}, "session-type-missing-ga"),
        (session({"type": "server_vad", "post_speech_silence_ms": 500}), "vad-unknown-field"),
        ({"type": "realtime", "bogus": 1}, "parameter-unknown-for-model-or-provider"),
        ({"type": "realtime", "audio": {"input": {"format": "pcm16"}}}, "audio-format-shape"),
    ],
)
def test_your_own_session_that_is_refused_names_the_cause(own_session: dict[str, Any], cause: str) -> None:
    report = run_on_emulator(session=own_session, only=["vad.own-mint"])
    found = finding(report, "vad.own-mint")
    assert (found.status, found.cause) == ("fail", cause)
    assert report.diagnosis[0].cause == cause


def test_your_own_session_that_is_changed_on_the_way_is_a_fail() -> None:
    own_session = session({"type": "semantic_vad", "eagerness": "low"})
    for fault, case in (("vad-silently-replaced", "vad.own-mint"), ("update-not-applied", "vad.own-update")):
        found = finding(run_on_emulator(session=own_session, only=["vad.own-*"], faults=[fault]), case)
        assert (found.status, found.cause) == ("fail", "update-not-applied")
        assert "turn_detection" in found.measured


def test_a_secret_in_your_own_session_is_masked() -> None:
    secret = "sk-proj-FAKEinsideofatool0000000000"
    tool = {"type": "mcp", "server_label": "x", "server_url": "https://x.test", "authorization": secret}
    report = run_on_emulator(session={"type": "realtime", "tools": [tool]}, only=["vad.own-mint"])
    assert secret not in render(report, "json")
