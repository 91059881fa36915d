"""Sessions repaired: the mistakes people make, one by one; then anything at all; and the emulator takes what comes out."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import date
from typing import Any

import pytest

from rtdiag.api.endpoints import KINDS, Dialect, Kind, mint_path
from rtdiag.api.sessions import TURN_DETECTIONS, mint_body, session
from rtdiag.emulator import Emulator
from rtdiag.emulator.faults import Switches
from rtdiag.emulator.session.settings import Rules, configured
from rtdiag.emulator.timeline import behaviour
from rtdiag.remedy.repair import Repaired, repair, smallest
from rtdiag.remedy.repair.fields import FIELDS, VOICES
from rtdiag.remedy.repair.turn_detection import Vad
from tests.emulator.clients import bearer, http

Json = dict[str, Any]
DIALECTS: tuple[Dialect, ...] = ("ga", "beta")
# Days on which each dialect is alive.
DAYS: dict[Dialect, date] = {"ga": date(2026, 11, 13), "beta": date(2025, 9, 1)}
MODEL = "gpt-realtime-2.1"
PCM = {"type": "audio/pcm", "rate": 24000}


def mended(
    given: Any,
    kind: Kind | None = None,
    dialect: Dialect = "ga",
    model: str | None = None,
    vad: Vad | None = None,
    on: date | None = None,
) -> Repaired:
    return repair(given, kind=kind, dialect=dialect, model=model, vad=vad, on=on or DAYS[dialect])


def talk(**more: Any) -> Json:
    return {"type": "realtime", "model": MODEL, **more}


def listen(model: str = "gpt-transcribe", **more: Any) -> Json:
    return {"type": "transcription", "audio": {"input": {"transcription": {"model": model}, **more}}}


def heard(**more: Any) -> Json:
    return talk(audio={"input": more})


def said(**more: Any) -> Json:
    return talk(audio={"output": more})


FLAT = {
    "model": MODEL,
    "modalities": ["text", "audio"],
    "voice": "alloy",
    "speed": 1.1,
    "temperature": 0.8,
    "input_audio_format": "pcm16",
    "output_audio_format": "g711_ulaw",
    "input_audio_transcription": {"model": "gpt-transcribe", "language": "en"},
    "input_audio_noise_reduction": {"type": "near_field"},
    "turn_detection": {"type": "server_vad", "threshold": 0.5, "create_response": True},
    "max_response_output_tokens": 200,
}
NESTED = talk(
    output_modalities=["audio"],
    max_output_tokens=200,
    audio={
        "input": {
            "format": PCM,
            "transcription": {"model": "gpt-transcribe", "language": "en"},
            "noise_reduction": {"type": "near_field"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "create_response": True},
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": "alloy", "speed": 1.1},
    },
)

# (what somebody has, what it should be) in GA, with the kind left to be told.
BROKEN: dict[str, tuple[Json, Json]] = {
    "flat": (FLAT, NESTED),
    "flat-in-an-event": ({"type": "session.update", "event_id": "e1", "session": FLAT}, NESTED),
    "mixed": (
        talk(turn_detection=None, audio={"input": {"format": "pcm16"}}),
        heard(format=PCM, turn_detection=None),
    ),
    "said-twice": (
        {**heard(turn_detection={"type": "semantic_vad"}), "turn_detection": {"type": "server_vad"}},
        heard(turn_detection={"type": "semantic_vad"}),
    ),
    "wrapped": ({"expires_after": {"seconds": 60}, "session": {"model": MODEL}}, talk()),
    "wrapped-type-outside": ({"type": "transcription", "session": {"audio": {}}}, listen()),
    "transcription-event": (
        {"type": "transcription_session.update", "session": {"turn_detection": {"type": "semantic_vad"}}},
        listen(turn_detection={"type": "semantic_vad"}),
    ),
    "flat-transcription": (
        {
            "input_audio_format": "pcm16",
            "input_audio_transcription": {"model": "gpt-transcribe", "prompt": ""},
            "turn_detection": {"type": "server_vad", "create_response": True, "idle_timeout_ms": None},
            "include": ["item.input_audio_transcription.logprobs"],
        },
        {
            "type": "transcription",
            "include": ["item.input_audio_transcription.logprobs"],
            "audio": {
                "input": {
                    "format": PCM,
                    "transcription": {"model": "gpt-transcribe", "prompt": ""},
                    "turn_detection": {"type": "server_vad"},
                }
            },
        },
    ),
    "no-type": ({"audio": {"input": {"transcription": {"model": "whisper-1"}}}}, listen("whisper-1")),
    "no-model": ({"type": "transcription"}, listen()),
    "transcription-null": ({"type": "transcription", "audio": {"input": {"transcription": None}}}, listen()),
    "transcription-empty": (heard(transcription={}), heard(transcription={"model": "gpt-transcribe"})),
    "transcription-string": (heard(transcription="whisper-1"), heard(transcription={"model": "whisper-1"})),
    "only-a-language": (
        heard(transcription={"language": "de"}),
        heard(transcription={"language": "de", "model": "gpt-transcribe"}),
    ),
    "transcription-model-as-session-model": (
        {"type": "realtime", "model": "gpt-4o-transcribe"},
        listen("gpt-4o-transcribe"),
    ),
    "model-beside-a-transcription": ({**listen(), "model": MODEL, "voice": "alloy", "tools": []}, listen()),
    "realtime-model-for-transcription": ({"type": "transcription", **listen(MODEL)}, listen()),
    "realtime-model-only-for-transcription": (
        {"type": "realtime", "audio": {"input": {"transcription": {"model": "gpt-realtime-2"}}}},
        {
            "type": "realtime",
            "model": "gpt-realtime-2",
            "audio": {"input": {"transcription": {"model": "gpt-transcribe"}}},
        },
    ),
    "retired": ({"type": "realtime", "model": "gpt-4o-realtime-preview"}, talk()),
    "retired-snapshot": ({"type": "realtime", "model": "gpt-4o-realtime-preview-2025-06-03"}, talk()),
    "live-api": ({"type": "realtime", "model": "gpt-live-1.1"}, talk()),
    "translation": ({"type": "realtime", "model": "gpt-realtime-translate"}, talk()),
    "answer-pasted": (
        talk(id="sess_1", object="realtime.session", expires_at=0, client_secret={"value": "ek_FAKE"}),
        talk(),
    ),
    "mint-answer-pasted": ({"value": "ek_FAKE", "expires_at": 1, "session": talk(id="sess_1")}, talk()),
    "eagerness-in-server-vad": (
        heard(turn_detection={"type": "server_vad", "eagerness": "low", "threshold": 0.6}),
        heard(turn_detection={"type": "server_vad", "threshold": 0.6}),
    ),
    "numbers-in-semantic-vad": (
        heard(
            turn_detection={"type": "semantic_vad", "threshold": 0.6, "silence_duration_ms": 1, "idle_timeout_ms": 6000}
        ),
        heard(turn_detection={"type": "semantic_vad"}),
    ),
    "idle-too-short": (
        heard(turn_detection={"type": "server_vad", "idle_timeout_ms": 10}),
        heard(turn_detection={"type": "server_vad", "idle_timeout_ms": 5000}),
    ),
    "idle-too-long": (
        heard(turn_detection={"type": "server_vad", "idle_timeout_ms": 60000.0}),
        heard(turn_detection={"type": "server_vad", "idle_timeout_ms": 30000}),
    ),
    "eagerness-unknown": (
        heard(turn_detection={"eagerness": "very"}),
        heard(turn_detection={"eagerness": "auto", "type": "semantic_vad"}),
    ),
    "vad-string": (heard(turn_detection="server-vad"), heard(turn_detection={"type": "server_vad"})),
    "vad-none": (heard(turn_detection={"type": "none"}), heard(turn_detection=None)),
    "vad-false": (heard(turn_detection=False), heard(turn_detection=None)),
    "vad-unknown": (heard(turn_detection={"type": "azure_semantic_vad"}), talk()),
    "vad-values": (
        heard(
            turn_detection={
                "type": "server_vad",
                "threshold": 50,
                "silence_duration_ms": "500",
                "prefix_padding_ms": 0.3,
            }
        ),
        heard(turn_detection={"type": "server_vad", "silence_duration_ms": 500}),
    ),
    "vad-for-a-model-without": (
        listen("gpt-live-transcribe", turn_detection={"type": "server_vad"}),
        listen("gpt-live-transcribe", turn_detection=None),
    ),
    "noise-string": (heard(noise_reduction="far_field"), heard(noise_reduction={"type": "far_field"})),
    "noise-unknown": (heard(noise_reduction={"type": "loud"}), talk()),
    "noise-strength": (
        heard(noise_reduction={"type": "far_field", "strength": 7}),
        heard(noise_reduction={"type": "far_field"}),
    ),
    "rate-missing": (heard(format={"type": "audio/pcm"}), heard(format=PCM)),
    "rate-16000": (heard(format={"type": "audio/pcm", "rate": 16000}), heard(format=PCM)),
    "rate-float": (heard(format={"type": "audio/pcm", "rate": 24000.0}), heard(format=PCM)),
    "format-unknown": (heard(format="opus"), talk()),
    "voice-unknown": (said(voice="nova", speed=1.0), said(speed=1.0)),
    "voice-capital": (said(voice="Marin"), said(voice="marin")),
    "voice-on-the-wrong-level": (talk(audio={"voice": "marin"}), said(voice="marin")),
    "too-fast": (said(speed=4), said(speed=1.5)),
    "too-slow": (said(speed=0), said(speed=0.25)),
    "tokens-too-many": (talk(max_output_tokens=100000), talk(max_output_tokens=4096)),
    "tokens-unlimited": (talk(max_output_tokens=-1), talk(max_output_tokens="inf")),
    "modalities-both": (talk(modalities=["audio", "text"]), talk(output_modalities=["audio"])),
    "modalities-string": (talk(output_modalities="text"), talk(output_modalities=["text"])),
    "tools-of-chat-completions": (
        talk(
            tools=[{"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object"}}}],
            tool_choice={"type": "function", "function": {"name": "f"}},
        ),
        talk(
            tools=[{"type": "function", "name": "f", "parameters": {"type": "object"}}],
            tool_choice={"type": "function", "name": "f"},
        ),
    ),
    "tool-with-a-dot": (
        talk(tools=[{"type": "function", "name": "weather.get", "parameters": {"properties": {}}}]),
        talk(tools=[{"type": "function", "name": "weather_get", "parameters": {"properties": {}, "type": "object"}}]),
    ),
    "tool-schema": (
        talk(tools=[{"type": "function", "name": "f", "parameters": {"type": "string"}}, {"type": "mcp"}]),
        talk(tools=[{"type": "function", "name": "f"}]),
    ),
    "tool-choice-with-more": (
        talk(tool_choice={"type": "function", "name": "f", "weight": 1}),
        talk(tool_choice={"type": "function", "name": "f"}),
    ),
    "variables-of-a-prompt": (
        talk(
            prompt={"id": "pmpt_1", "variables": {"city": "Paris", "to": {"type": "input_text", "text": "it"}}, "a": 1}
        ),
        talk(
            prompt={
                "id": "pmpt_1",
                "variables": {
                    "city": {"type": "input_text", "text": "Paris"},
                    "to": {"type": "input_text", "text": "it"},
                },
            }
        ),
    ),
    "tools-strict": (
        talk(
            tools=[
                {"type": "function", "name": "f", "strict": False},
                {"type": "web_search"},
                "f",
                {"type": "function"},
            ]
        ),
        talk(tools=[{"type": "function", "name": "f"}]),
    ),
    "unknown-field": (
        talk(bogus=1, audio={"input": {"bogus": 2}, "bogus": 3, "output": {"voice": "alloy"}}),
        said(voice="alloy"),
    ),
    "wrong-containers": (talk(audio={"input": "pcm16", "output": []}), talk()),
    "wrong-types": (
        talk(
            instructions=["a"],
            tools={},
            tool_choice={"type": "function", "name": "f", "weight": float("nan")},
            tracing=1,
            truncation={"ratio": 1},
            include={},
            prompt="p",
            reasoning="low",
        ),
        talk(reasoning={"effort": "low"}),
    ),
    "reasoning-of-another-model": (
        {
            "type": "realtime",
            "model": "gpt-realtime-2025-08-28",
            "reasoning": {"effort": "low"},
            "parallel_tool_calls": True,
        },
        {"type": "realtime", "model": "gpt-realtime-2025-08-28"},
    ),
    "hints": (
        listen("whisper-1")
        | {"audio": {"input": {"transcription": {"model": "whisper-1", "keywords": ["a"], "delay": "low"}}}},
        listen("whisper-1"),
    ),
    "language-twice": (
        heard(transcription={"model": "gpt-transcribe", "language": "en", "languages": ["en", "de"]}),
        heard(transcription={"model": "gpt-transcribe", "languages": ["en", "de"]}),
    ),
}

RIGHT: dict[str, Json] = {
    "delay-of-live-transcribe": heard(
        transcription={"model": "gpt-live-transcribe", "delay": "low"}, turn_detection=None
    ),
    "smallest": talk(),
    "whole": NESTED,
    "transcription": listen(turn_detection={"type": "semantic_vad", "eagerness": "low"}),
    "commits-itself": listen("gpt-realtime-whisper", turn_detection=None),
    "empty-containers": talk(audio={"input": {}, "output": {}}),
    "echo": talk(
        instructions="",
        tools=[{"type": "mcp", "server_label": "s", "server_url": "https://host.test"}],
        tool_choice="auto",
        tracing={"workflow_name": "w"},
        truncation={"type": "retention_ratio", "retention_ratio": 0},
        include=None,
        max_output_tokens="inf",
        reasoning={"effort": "low"},
        parallel_tool_calls=False,
    ),
    "own-model": {"type": "realtime", "model": "model-of-a-gateway"},
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_mistake_is_mended(name: str) -> None:
    given, wanted = BROKEN[name]
    before = json.dumps(given)
    found = mended(given)
    assert found.session == wanted
    assert found.changes
    assert all(change.what and change.why and change.source for change in found.changes + found.notes)
    assert json.dumps(given) == before, "the object given is not touched"


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_stays_as_it_is(name: str) -> None:
    found = mended(RIGHT[name])
    assert (found.session, found.changes) == (RIGHT[name], ())


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("detection", TURN_DETECTIONS)
def test_what_rtdiag_itself_sends_is_right(kind: Kind, dialect: Dialect, detection: str) -> None:
    model = "gpt-realtime" if kind == "realtime" else "gpt-4o-transcribe"
    given = session(kind, dialect, model, TURN_DETECTIONS[detection])
    assert mended(given, kind, dialect).changes == ()


def test_a_custom_voice_is_kept_and_named_by_an_object() -> None:
    assert mended(said(voice={"id": "voice_1234"})).changes == ()
    assert mended(said(voice="voice_1234")).session == said(voice={"id": "voice_1234"})
    (change,) = mended(said(voice="nova")).changes
    assert (change.place, change.what) == ("audio.output.voice", "removed")
    assert all(voice in change.why for voice in VOICES["ga"])


def test_ga_becomes_beta() -> None:
    found = mended(NESTED, None, "beta", on=date(2026, 11, 13)).session
    assert found == {name: value for name, value in FLAT.items() if name != "temperature"} | {
        "modalities": ["audio", "text"]
    }


def test_the_beta_has_less() -> None:
    given = talk(
        truncation="auto",
        prompt={"id": "p"},
        temperature=3,
        include=[],
        audio={
            "input": {"noise_reduction": {"type": "far_field", "strength": 1}},
            "output": {"voice": "marin", "format": {"type": "audio/pcma"}},
        },
    )
    assert mended(given, None, "beta").session == {
        "model": "gpt-realtime",
        "temperature": 1.2,
        "input_audio_noise_reduction": {"type": "far_field"},
        "output_audio_format": "g711_alaw",
    }


def test_the_kind_asked_for_wins() -> None:
    given = {"type": "realtime", "model": "gpt-4o-transcribe", "voice": "alloy"}
    wanted = {**said(voice="alloy"), "audio": {"output": {"voice": "alloy"}, **listen("gpt-4o-transcribe")["audio"]}}
    assert mended(given, "realtime").session == wanted
    assert mended(talk(instructions="hear"), "transcription").session == listen()
    assert mended({}, "transcription", "beta").changes == ()


def test_the_model_asked_for_is_put_in_and_tells_the_kind() -> None:
    assert mended(talk(), model="gpt-realtime-2").session == talk(model="gpt-realtime-2")
    assert mended({}, model="gpt-4o-transcribe").session == listen("gpt-4o-transcribe")
    found = mended(talk(), "realtime", model="gpt-4o-transcribe")
    assert (found.session, found.changes) == (talk(), ())
    assert "gpt-4o-transcribe was asked for" in found.notes[0].why


@pytest.mark.parametrize(
    ("given", "vad", "wanted"),
    [
        (talk(), "server_vad", heard(turn_detection={"type": "server_vad"})),
        (
            heard(turn_detection={"type": "server_vad", "threshold": 0.6, "create_response": False}),
            "semantic_vad",
            heard(turn_detection={"type": "semantic_vad", "create_response": False}),
        ),
        (
            heard(turn_detection={"type": "server_vad", "threshold": 0.6}),
            "server_vad",
            heard(turn_detection={"type": "server_vad", "threshold": 0.6}),
        ),
        (listen(), "none", listen(turn_detection=None)),
        (listen("gpt-live-transcribe"), "semantic_vad", listen("gpt-live-transcribe")),
    ],
)
def test_the_turn_detection_asked_for_is_put_in(given: Json, vad: Vad, wanted: Json) -> None:
    found = mended(given, vad=vad)
    assert found.session == wanted
    assert bool(found.changes) == (given != wanted)


def test_what_will_end_is_noted_and_kept() -> None:
    found = mended({"type": "realtime", "model": "gpt-realtime", "prompt": {"id": "pmpt_1"}})
    assert found.changes == ()
    assert [(note.place, note.what) for note in found.notes] == [("model", "kept"), ("prompt", "kept")]
    assert "2027-01-20" in found.notes[0].why
    assert "end on 2026-11-30" in found.notes[1].why
    after = mended({"type": "realtime", "model": "gpt-realtime"}, on=date(2027, 1, 20))
    assert after.session == talk()
    assert "ended on 2027-01-20" in after.changes[0].why


def test_a_model_of_a_later_day_is_replaced() -> None:
    assert mended(talk(), on=date(2026, 3, 1)).session == talk(model="gpt-realtime-1.5")


def test_no_secret_and_no_control_character_is_shown() -> None:
    found = mended(
        talk(**{"client_secret": {"value": "ek_FAKE"}, "api_key": "sk-FAKE", "\x1b[31m\ud800" + "x" * 999: 1})
    )
    shown = json.dumps([(c.place, c.what, c.why) for c in found.changes], ensure_ascii=False)
    assert "FAKE" not in shown
    assert shown.isprintable()
    assert max(len(change.place) for change in found.changes) <= 60


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vad", [None, "server_vad", "semantic_vad", "none"])
def test_the_smallest_is_right_already(kind: Kind, dialect: Dialect, vad: Vad | None) -> None:
    found = smallest(kind, dialect, None, vad, DAYS[dialect])
    assert mended(found, kind, dialect, vad=vad).changes == ()
    assert len(json.dumps(found)) < 160


# Anything at all.

WORDS = [
    "server_vad",
    "semantic_vad",
    "none",
    "auto",
    "audio",
    "text",
    "pcm16",
    "alloy",
    "near_field",
    "inf",
    "f",
    "",
    "mcp",
]
WORDS += [
    "whisper-1",
    "gpt-realtime",
    "gpt-live-transcribe",
    "gpt-4o-realtime-preview",
    "function",
    "transcription",
    "low",
    "12",
]
NUMBERS = [0, 1, -1, 0.5, 24000, 10**30, -(10**30), 1e308, float("inf"), float("nan"), True, False, None]
NAMES = sorted({name for field in FIELDS for spot in field.spots() for name in spot})
NAMES += ["type", "threshold", "silence_duration_ms", "idle_timeout_ms", "eagerness", "create_response", "language"]
NAMES += [
    "languages",
    "keywords",
    "delay",
    "strength",
    "rate",
    "name",
    "function",
    "parameters",
    "strict",
    "id",
    "session",
]
NAMES += ["client_secret", "effort", "bogus", "a.b", "", "object", "event_id"]


def anything(dice: random.Random, depth: int) -> Any:
    shape = dice.random()
    if depth == 0 or shape < 0.3:
        return dice.choice([*WORDS, *NUMBERS])
    if shape < 0.45:
        return [anything(dice, depth - 1) for _ in range(dice.randrange(4))]
    return {name: anything(dice, depth - 1) for name in dice.sample(NAMES, dice.randrange(9))}


def nearly(dice: random.Random) -> Json:
    """A session of the table with some of its members turned into anything."""

    def turned(value: Any) -> Any:
        if dice.random() < 0.12:
            return anything(dice, 2)
        if isinstance(value, dict):
            extra = {dice.choice(NAMES): anything(dice, 2)} if dice.random() < 0.2 else {}
            return {name: turned(member) for name, member in value.items()} | extra
        return value

    start = dice.choice([given for given, _ in BROKEN.values()] + list(RIGHT.values()))
    return {name: turned(value) for name, value in start.items()}


def taken(kind: Kind, dialect: Dialect, found: Json) -> None:
    """Raises Refused where the emulator's session machine does not take it. A voice of one's own is unknown to it."""
    output = found.get("audio", {}).get("output", {})
    if isinstance(output.get("voice"), dict):
        found = {**found, "audio": {**found["audio"], "output": {**output, "voice": "alloy"}}}
    rules = Rules(behaviour(DAYS[dialect]), Switches(), lambda: 0.0)
    configured(kind, dialect, found, {}, rules)


@pytest.mark.parametrize("seed", range(40))
def test_anything_becomes_a_session_and_once_is_enough(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(50):
        given = nearly(dice) if dice.random() < 0.7 else anything(dice, 4)
        kind, dialect = dice.choice([None, *KINDS]), dice.choice(DIALECTS)
        model = dice.choice([None, None, "whisper-1", "gpt-realtime", "gpt-4o-realtime-preview", "own", "gpt-live-1"])
        vad: Vad | None = dice.choice([None, None, "server_vad", "semantic_vad", "none"])
        once = mended(given, kind, dialect, model, vad)
        again = mended(once.session, kind, dialect, model, vad)
        case = f"{given!r} as {kind} {dialect} {model} {vad}: {once}"
        assert (again.session, again.changes) == (once.session, ()), case
        assert bool(once.changes) == (json.dumps(once.session, sort_keys=True) != json.dumps(given, sort_keys=True)), (
            case
        )
        json.dumps(once.session, allow_nan=False)
        told: Kind = "transcription" if once.session.get("type") == "transcription" else "realtime"
        if dialect == "beta":
            told = kind or ("realtime" if "model" in once.session else "transcription")
        taken(told, dialect, once.session)


def test_no_depth_is_too_deep() -> None:
    nested: Any = float("nan")
    wrapped: Json = {}
    for _ in range(100_000):
        nested, wrapped = [{"deep": nested}], {"session": wrapped}
    for given in (
        {"instructions": nested},
        {"tools": nested},
        {"tracing": nested[0]},
        {"turn_detection": nested},
        wrapped,
    ):
        assert mended(given).session == talk()


@pytest.mark.parametrize("given", [None, 1, "session", [], [{}]])
def test_what_is_no_object_becomes_a_session_too(given: Any) -> None:
    found = mended(given)
    assert found.session == talk()
    assert found.changes[0].place == ""


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_emulator_mints_every_repaired_session(dialect: Dialect) -> None:
    async def run() -> None:
        async with Emulator(DAYS[dialect]) as emulator, http(emulator) as client:
            for name, (given, _) in BROKEN.items():
                for kind in KINDS:
                    found = mended(given, kind, dialect).session
                    body = mint_body(kind, dialect, found, None)
                    answer = await client.post(mint_path(kind, dialect), headers=bearer(emulator.key), json=body)
                    assert answer.status_code == 200, f"{name}: {found} {answer.text}"

    asyncio.run(run())


def test_the_emulator_refuses_them_unrepaired() -> None:
    """Or else the test above could not fail. The rest of the table is right for a mint, and wrong later or elsewhere."""

    async def run() -> int:
        async with Emulator(DAYS["ga"]) as emulator, http(emulator) as client:
            statuses = []
            for given, _ in BROKEN.values():
                headers = bearer(emulator.key, "application/json")
                text = json.dumps({"session": given})
                answer = await client.post("/realtime/client_secrets", headers=headers, content=text)
                statuses.append(answer.status_code)
            return sum(status == 400 for status in statuses)

    assert asyncio.run(run()) > len(BROKEN) * 0.7
