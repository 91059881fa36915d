"""What the user brings: a token, a token URL, a session file; asked first, judged, never used up, never shown."""

from __future__ import annotations

import asyncio
import html
import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner

from rtdiag.api.sessions import CREATED
from rtdiag.cli import main
from rtdiag.emulator import Emulator
from rtdiag.engine import plan, registry, runner
from rtdiag.engine.context import RunOptions
from rtdiag.model import ApiError, Report
from rtdiag.redact import Mask, Secret
from rtdiag.remedy.json_paths import without
from rtdiag.report import FORMATS, own_fields, render
from rtdiag.session.server_asked import Server, about_the_session
from rtdiag.session.trail import ServerAnswer
from rtdiag.testing import finding, row, run_on_emulator
from rtdiag.transport.http import Credential, Http
from rtdiag.transport.recorder import Deadlines, Recorder


def own(text: str) -> Credential:
    return Credential("own-token", Secret(text), "RTDIAG_TOKEN")


async def _minted(emulator: Emulator) -> str:
    recorder = Recorder(Mask())
    http = Http(emulator.base_url, recorder, Deadlines())
    key = Credential("api-key", Secret(emulator.key))
    reply = await http.send("POST", "/realtime/client_secrets", key, json_body={"session": {"type": "realtime"}})
    await http.aclose()
    return str(json.loads(reply.body)["value"])


def run_with(token_of: Any, *, route: Any = None, faults: tuple[str, ...] = ()) -> Report:
    """A run without an API key: with the token that `token_of(minted)` gives, or a token URL that serves `route(minted)`."""

    async def work() -> Report:
        async with Emulator(faults=faults) as emulator:
            minted = await _minted(emulator)
            options = RunOptions(emulator.base_url, own_token=own(token_of(minted)) if token_of else None)
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
                options = replace(options, token_url=f"http://127.0.0.1:{site.addresses[0][1]}/token")
            mask = Mask()
            chosen = plan.make(registry.load(()).checks.values())
            report = await runner.run(chosen, options, mask=mask, emulator={"as_of": "2026-11-13", "faults": []})
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
        (lambda minted: f"{minted} ", "key-placeholder-not-a-key/blanks"),
        (lambda _: "undefined", "key-placeholder-not-a-key"),
        (lambda _: "sk-proj-FAKE00000000000000000000", "key-placeholder-not-a-key/api-key"),
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
        (lambda _: web.Response(text="oops", status=500), "inconclusive", "server-unavailable"),
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
    for more in ({}, {"bogus": 1}):
        own_session = {"type": "realtime", "instructions": f"the key is {secret}", "tools": [tool], **more}
        report = run_on_emulator(session=own_session, only=["vad.own-*"])
        assert (report.corrected is not None) == bool(more), "the requests that should work hold the session, too"
        for form in (*FORMATS, "cassette"):
            assert secret not in render(report, form), form
        fields = {f["field"]: f for f in row(report, "vad.own-culprit").seen.facts["fields"]}
        assert fields["instructions"]["updated"] == "same", "what is masked in the echo was sent all the same"


def test_what_should_work_is_the_session_that_the_server_took() -> None:
    own_session = session({"type": "server_vad", "create_response": True}, "transcription")
    report = run_on_emulator(session=own_session, only=["vad.own-*"])
    assert report.corrected is not None
    assert '"type": "transcription"' in report.corrected.mint
    assert "create_response" not in report.corrected.mint


class Broken(Server):
    """Breaks off at one of its answers."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.updates, self.mints = 0, 0

    async def update(self, session: Any) -> Any:
        found = await super().update(session)
        self.updates += 1
        return (ServerAnswer(None, OVERLOADED), found[1]) if found and self.updates == 3 else found


class Limited(Server):
    """Has no more mints after the first."""

    async def mint(self, session: Any) -> ServerAnswer:
        told = await super().mint(session)
        return told if self.asked["mints"] + self.asked["updates"] == 1 else ServerAnswer(None, OVERLOADED)


OVERLOADED = ApiError(type="server_error", message="The server had an error while processing your request.")


def test_a_server_that_breaks_meanwhile_convicts_no_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtdiag.session.asking.Server", Broken)
    report = run_on_emulator(session={**GA_REALTIME, "bogus": 1}, only=["vad.own-*"])
    facts = row(report, "vad.own-culprit").seen.facts
    assert [c["field"] for c in facts["culprits"]] == ["bogus"]
    assert facts["taken"] == GA_REALTIME


def test_where_no_mint_confirms_it_what_an_update_took_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtdiag.session.asking.Server", Limited)
    report = run_on_emulator(session={**GA_REALTIME, "bogus": 1}, only=["vad.own-*"])
    found, facts = finding(report, "vad.own-culprit"), row(report, "vad.own-culprit").seen.facts
    assert facts["taken"] == GA_REALTIME
    assert facts["asked"]["mints"] == 1
    assert "took your session by update; it stands below" in (found.hint or "")


@pytest.mark.parametrize(
    ("error", "about"),
    [
        (ApiError(type="invalid_request_error", code="unknown_parameter"), True),
        (ApiError(message="no"), True),
        (OVERLOADED, False),
        (ApiError(type="invalid_request_error", code="rate_limit_exceeded"), False),
        (ApiError(type="insufficient_quota"), False),
        (ApiError(type="invalid_request_error", code="session_expired"), False),
    ],
)
def test_limits_and_servers_that_break_say_nothing_of_the_session(error: ApiError, about: bool) -> None:
    assert about_the_session(error) is about


VAD: dict[str, Any] = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}
TOOL = {"type": "function", "name": "weather", "description": "Tells it.", "parameters": {"type": "object"}}
GA_INPUT = {
    "format": {"type": "audio/pcm", "rate": 24000},
    "transcription": {"model": "gpt-4o-transcribe", "language": "en", "prompt": "names"},
    "noise_reduction": {"type": "near_field"},
    "turn_detection": VAD,
}
GA_REALTIME: dict[str, Any] = {
    "type": "realtime",
    "model": "gpt-realtime",
    "instructions": "Be short.",
    "output_modalities": ["audio"],
    "max_output_tokens": 500,
    "tool_choice": "auto",
    "tools": [TOOL],
    "audio": {
        "input": GA_INPUT | {"turn_detection": {**VAD, "create_response": False}},
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "cedar", "speed": 1.2},
    },
}
GA_TRANSCRIPTION: dict[str, Any] = {
    "type": "transcription",
    "include": ["item.input_audio_transcription.logprobs"],
    "audio": {"input": GA_INPUT},
}
BETA_INPUT = {
    "input_audio_format": "pcm16",
    "input_audio_transcription": {"model": "gpt-4o-transcribe", "language": "en", "prompt": "names"},
    "input_audio_noise_reduction": {"type": "near_field"},
    "turn_detection": VAD,
}
BETA_REALTIME: dict[str, Any] = BETA_INPUT | {
    "model": "gpt-realtime",
    "modalities": ["audio", "text"],
    "instructions": "Be short.",
    "voice": "ash",
    "output_audio_format": "pcm16",
    "temperature": 0.9,
    "tool_choice": "auto",
    "tools": [TOOL],
    "max_response_output_tokens": 500,
    "speed": 1.2,
    "turn_detection": {**VAD, "create_response": False},
}
BETA_TRANSCRIPTION: dict[str, Any] = BETA_INPUT | {"include": ["item.input_audio_transcription.logprobs"]}
GA_VAD, BETA_DAY = "audio.input.turn_detection", date(2025, 9, 1)


def but(session: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """The session with that value at that place."""
    changed: dict[str, Any] = json.loads(json.dumps(session))
    *above, name = place.split(".")
    inner = changed
    for step in above:
        inner = inner[step]
    inner[name] = value
    return changed


@pytest.mark.parametrize(
    ("whole", "place", "value", "code"),
    [
        (GA_REALTIME, "bogus", 1, "unknown_parameter"),
        (GA_REALTIME, "temperature", 0.8, "unknown_parameter"),
        (GA_REALTIME, "max_output_tokens", "many", "invalid_type"),
        (GA_REALTIME, f"{GA_VAD}.eagerness", "low", "unknown_parameter"),
        (GA_REALTIME, "audio.output.voice", "nobody", "invalid_value"),
        (GA_REALTIME, "audio.output.speed", 9, "decimal_above_max_value"),
        (GA_TRANSCRIPTION, "instructions", "Be short.", "unknown_parameter"),
        (GA_TRANSCRIPTION, "audio.input.transcription.language", 5, "invalid_type"),
        (GA_TRANSCRIPTION, f"{GA_VAD}.eagerness", "low", "unknown_parameter"),
        (GA_TRANSCRIPTION, f"{GA_VAD}.create_response", True, "unknown_parameter"),
        (GA_TRANSCRIPTION, "audio.input.noise_reduction", {"type": "all_field"}, "invalid_value"),
        (BETA_REALTIME, "bogus", 1, "unknown_parameter"),
        (BETA_REALTIME, "temperature", "hot", "invalid_type"),
        (BETA_REALTIME, "turn_detection.eagerness", "low", "unknown_parameter"),
        (BETA_REALTIME, "voice", "marin", "invalid_value"),
        (BETA_TRANSCRIPTION, "language", "en", "unknown_parameter"),
        (BETA_TRANSCRIPTION, "input_audio_transcription.prompt", 5, "invalid_type"),
        (BETA_TRANSCRIPTION, "turn_detection.eagerness", "low", "unknown_parameter"),
        (BETA_TRANSCRIPTION, "input_audio_format", "pcm17", "invalid_value"),
    ],
)
def test_one_bad_field_among_many_is_named_and_a_working_session_is_given(
    whole: dict[str, Any], place: str, value: Any, code: str
) -> None:
    as_of = None if "type" in whole else BETA_DAY
    report = run_on_emulator(session=but(whole, place, value), only=["vad.own-*"], as_of=as_of)
    found, facts = finding(report, "vad.own-culprit"), row(report, "vad.own-culprit").seen.facts
    culprit = facts["culprits"][0]
    assert (found.status, len(facts["culprits"]), facts["undecided"]) == ("fail", 1, [])
    assert culprit["field"] in (place, f"{place}.type")
    assert culprit["error"]["code"] == code
    assert place in found.measured
    assert code in found.measured
    assert place.rpartition(".")[2] in str(row(report, "vad.own-mint").seen.exchanges[0].request_body)
    assert culprit["refused_at"] == ["updated", "mint"]
    assert facts["asked"]["mints"] <= 2
    assert facts["opened"]
    fates = {told["field"]: told for told in facts["fields"]}
    assert {fates[culprit["field"]][step] for step in ("mint", "created", "updated")} == {"refused"}
    others = {told[s] for told in fates.values() for s in ("mint", "created", "updated")} - {"refused", "left out"}
    assert others <= {"same", "not sent"}
    again = run_on_emulator(session=facts["taken"], only=["vad.own-*"], as_of=as_of)
    assert {finding(again, f"vad.own-{case}").status for case in ("mint", "connect", "update", "culprit")} == {"pass"}


@pytest.mark.parametrize("whole", [GA_REALTIME, GA_TRANSCRIPTION, BETA_REALTIME, BETA_TRANSCRIPTION])
def test_a_session_that_is_right_is_followed_to_its_end(whole: dict[str, Any]) -> None:
    report = run_on_emulator(session=whole, only=["vad.own-*"], as_of=None if "type" in whole else BETA_DAY)
    assert {finding(report, f"vad.own-{case}").status for case in ("mint", "connect", "update", "culprit")} == {"pass"}
    facts = row(report, "vad.own-culprit").seen.facts
    assert {told[step] for told in facts["fields"] for step in ("mint", "created", "updated")} <= {"same", "not sent"}
    assert facts["asked"] == {"mints": 0, "updates": 0}
    assert row(report, "vad.own-connect").seen.events[0].type in CREATED


def test_several_bad_fields_are_found_one_after_another() -> None:
    bad = but(but(but(GA_REALTIME, "bogus", 1), "audio.output.speed", 9), f"{GA_VAD}.eagerness", "low")
    report = run_on_emulator(session=bad, only=["vad.own-culprit"])
    facts = row(report, "vad.own-culprit").seen.facts
    assert {c["field"] for c in facts["culprits"]} == {"bogus", "audio.output.speed", f"{GA_VAD}.eagerness"}
    assert facts["taken"] == without(bad, [("bogus",), ("audio", "output", "speed"), (*GA_VAD.split("."), "eagerness")])
    assert facts["mended"]["audio"]["output"]["speed"] == 1.5, "what rtdiag makes of it was asked for, too"
    assert report.cost.tokens_minted <= 4


def test_of_an_array_the_member_is_named() -> None:
    tools = [TOOL, {**TOOL, "name": "other", "strict": True}]
    facts = row(
        run_on_emulator(session=but(GA_REALTIME, "tools", tools), only=["vad.own-culprit"]), "vad.own-culprit"
    ).seen.facts
    assert [c["field"] for c in facts["culprits"]] == ["tools[1].strict"]
    assert [tool["name"] for tool in facts["taken"]["tools"]] == ["weather", "other"]


@pytest.mark.parametrize(
    ("own_session", "field"),
    [
        (without(GA_REALTIME, [("type",)]), "type: set to"),
        (BETA_REALTIME, "modalities: moved to output_modalities"),
    ],
)
def test_a_session_that_lacks_something_or_is_of_the_other_dialect_is_mended(
    own_session: dict[str, Any], field: str
) -> None:
    report = run_on_emulator(session=own_session, only=["vad.own-*"])
    found, facts = finding(report, "vad.own-culprit"), row(report, "vad.own-culprit").seen.facts
    assert found.status == "fail"
    assert field in found.measured
    assert facts["taken"] is None
    again = run_on_emulator(session=facts["mended"], only=["vad.own-*"])
    assert finding(again, "vad.own-culprit").status == "pass"


@pytest.mark.parametrize(
    ("fault", "status", "told"),
    [
        ("vad-refused", "fail", GA_VAD),
        ("update-server-error", "pass", "at the mint and at the opening"),
        ("vad-silently-replaced", "pass", "at the mint and at the opening and by update"),
        ("gateway-opens-beta-session", "fail", 'type = "realtime"'),
    ],
)
def test_what_the_server_does_wrong_is_not_blamed_on_a_field(fault: str, status: str, told: str) -> None:
    report = run_on_emulator(session=GA_REALTIME, only=["vad.own-*"], faults=[fault])
    found = finding(report, "vad.own-culprit")
    assert found.status == status
    assert told in found.measured


def test_without_a_session_that_is_open_mints_have_to_tell() -> None:
    bad = but(GA_REALTIME, "bogus", 1)
    report = run_on_emulator(session=bad, only=["vad.own-*"], faults=["ice-blocked"], longest_s=1.0)
    facts = row(report, "vad.own-culprit").seen.facts
    assert ([c["field"] for c in facts["culprits"]], facts["asked"]) == (["bogus"], {"mints": 1, "updates": 0})
    assert {told["updated"] for told in facts["fields"]} == {"not asked"}


def test_a_model_that_only_the_opening_refuses_is_said_to_be_refused_there() -> None:
    report = run_on_emulator(session=but(GA_REALTIME, "model", "gpt-nope"), only=["vad.own-*"])
    assert finding(report, "vad.own-connect").cause == "model-not-a-realtime-model"
    assert finding(report, "vad.own-culprit").status == "inconclusive"


@pytest.mark.parametrize("output", ["table", "markdown", "html"])
def test_the_screen_shows_every_field_and_the_session_to_paste(output: str) -> None:
    report = run_on_emulator(session=but(GA_REALTIME, f"{GA_VAD}.eagerness", "low"), only=["vad.own-*"])
    text = html.unescape(render(report, output))
    for told in row(report, "vad.own-culprit").seen.facts["fields"]:
        assert told["field"] in text
    shown = text.partition(own_fields.TAKEN)[2].partition("{")
    assert json.JSONDecoder().raw_decode(shown[1] + shown[2])[0] == GA_REALTIME


def test_a_newcomer_reads_it_on_the_screen(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    file.write_text(json.dumps(but(GA_REALTIME, "bogus", 1)))
    done = CliRunner().invoke(main, ["run", "--emulator", "--session", str(file), "--only", "vad.own-*"])
    assert done.exit_code == 1
    assert "bogus = 1: unknown_parameter" in done.stdout
    assert "Without it this server took your session and opened it; it stands below." in " ".join(done.stdout.split())
    assert re.search(r"^ +bogus +1 +refused +refused +refused$", done.stdout, re.MULTILINE)
    assert re.search(r"^ +audio\.output\.voice +\"cedar\" +same +same +same$", done.stdout, re.MULTILINE)
    shown = done.stdout.partition(own_fields.TAKEN)[2]
    assert json.JSONDecoder().raw_decode(shown.lstrip())[0] == GA_REALTIME
