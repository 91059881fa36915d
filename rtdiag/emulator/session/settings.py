"""The settings of a session: what a mint, an offer or an update may ask for, and how the API shows them. Both dialects and kinds.

Live habits, from the capture of 2026-09-18 (record 69522944037): an update is merged sparsely, a bad one is dropped whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rtdiag.api import sessions as dialects
from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.api.models import find
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.faults import Switches
from rtdiag.emulator.profiles import Profile, profile
from rtdiag.emulator.session.lenience import good_part, tolerated
from rtdiag.emulator.session.shapes import all_shapes, check, complete
from rtdiag.emulator.session.turn_taking import Rule, patience
from rtdiag.emulator.timeline import Behaviour

Json = dict[str, Any]


@dataclass
class Rules:
    """What decides how sessions behave.

    The day's API, the faults that are on now, the clock (unix seconds), and `ends`, the rule by which silence ends a turn.
    `now` counts the seconds that pass, and `pace` is how long a response takes: 1 as recorded, 0 at once. `server`: whose it is.
    """

    behaviour: Behaviour
    switches: Switches
    clock: Callable[[], float]
    ends: Rule = patience
    now: Callable[[], float] = time.monotonic
    pace: float = 0
    server: Profile = field(default_factory=profile)


def configured(
    kind: Kind,
    dialect: Dialect,
    given: object,
    current: Json,
    rules: Rules,
    path: str = "session",
    *,
    spoken: bool = False,
) -> Json:
    """The whole configuration after `given` is laid over `current` ({} for a new session).

    `path` is what errors call the session object: `session` in events and GA mints, "" in the flat mint of the beta.
    `spoken`: the assistant has been heard, which fixes its voice. Raises Refused, and then nothing has changed, unless a
    fault says so.
    """
    shape = all_shapes()[f"{dialect}-{kind}"]

    def check_all(asked: object) -> None:
        check(shape, asked, path, current, rules.behaviour)
        check_options(asked, current, path)
        _check_voice(asked, current, dialect, path, spoken=spoken)
        _check_transcription_model(asked, dialect, path, rules)
        _check_turn_detection(asked, current, dialect, path, rules)

    kept: Json = {}
    if rules.switches.turn_detection_rules != "kept" and isinstance(given, dict):
        given, kept = tolerated(check_all, given, path)
    try:
        check_all(given)
    except Refused as refused:
        if not rules.switches.drops_bad_updates_whole and isinstance(given, dict):
            good = good_part(check_all, given, refused, path)
            current.update(complete(shape, good, current, rules.behaviour) if good and current else {})
            current.pop("type", None)
        raise
    opens_as_its_model = (kind, dialect) == ("realtime", "ga")
    result: Json = complete(shape, given, current, rules.behaviour)
    result.pop("type", None)
    if dialect == "ga":  # not those of `current`, which events still show that wait to be sent
        result["audio"] = {name: dict(part) for name, part in result["audio"].items()}
    if opens_as_its_model:
        _as_the_model_opens(result, given, current)
    place = audio_input(result, dialect)
    if kept and rules.switches.turn_detection_rules == "unchecked":
        place["turn_detection"] = {**(place["turn_detection"] or {}), **kept}
    elif rules.switches.turn_detection_replaced:
        fresh = {**complete(shape, {}, {}, rules.behaviour), "model": result.get("model")}
        if opens_as_its_model:
            _as_the_model_opens(fresh, {}, {})
        place["turn_detection"] = audio_input(fresh, dialect)["turn_detection"]
    elif not _takes_turn_detection(kind, result):
        place["turn_detection"] = None
    return result


def shown(kind: Kind, dialect: Dialect, session_id: str, config: Json, expires_at: int) -> Json:
    """The session as the API shows it: GA as recorded in 2026, beta in openai-openapi @ f85dbe2 line 49599."""
    name = "realtime.session" if kind == "realtime" else "realtime.transcription_session"
    end = {"expires_at": expires_at}
    if dialect == "beta":
        return {"object": name, "id": session_id, **end, **config}
    before = {field: value for field, value in config.items() if field not in ("audio", "include")}
    return {"type": kind, "object": name, "id": session_id, **before, **end, **config}


def check_options(given: object, current: Json, path: str) -> None:
    """Refuses, in a session object or a response, what a model that does not reason has no use for; an unknown one takes it."""
    wanted = given if isinstance(given, dict) else {}
    model = find(str(wanted.get("model") or current.get("model")))
    for name in ("reasoning", "parallel_tool_calls"):
        if name in wanted and model and not model.reasons:
            raise Refused("unsupported-option", param=f"{path}.{name}")


def audio_input(config: Json, dialect: Dialect) -> Json:
    """Where the turn detection and the transcription stand: `audio.input` in GA, the top in the beta."""
    place: Json = config["audio"]["input"] if dialect == "ga" else config
    return place


def _as_the_model_opens(result: Json, given: object, current: Json) -> None:
    """Voice and silence of the model, where neither this nor anything before has named one (sessions recorded in 2026)."""
    model = find(str(result.get("model")))
    if model is None:
        return
    if _at(given, "audio", "output", "voice") is None and not current:
        result["audio"]["output"]["voice"] = model.voice
    place, before = result["audio"]["input"], _at(current, "audio", "input", "turn_detection")
    detection = place["turn_detection"]
    named = _at(given, "audio", "input", "turn_detection", "silence_duration_ms") is not None
    if (
        isinstance(detection, dict)
        and detection["type"] == "server_vad"
        and not named
        and _at(before, "type") != "server_vad"
    ):
        place["turn_detection"] = {**detection, "silence_duration_ms": model.silence_duration_ms}


def _at(value: object, *names: str) -> Any:
    """What stands at that place of a JSON value, None where nothing does."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _takes_turn_detection(kind: Kind, config: Json) -> bool:
    """gpt-live-transcribe and gpt-realtime-whisper take none: developers.openai.com/api/docs/guides/realtime-vad."""
    model = find(dialects.model_of(config) or "") if kind == "transcription" else None
    return model is None or model.server_vad != "no"


def _check_voice(given: object, current: Json, dialect: Dialect, path: str, *, spoken: bool) -> None:
    """Another voice is refused once the assistant was heard, the same is taken: record 68546870885 (live, 2026-09-22)."""
    place = ("audio", "output", "voice") if dialect == "ga" else ("voice",)
    wanted = _at(given, *place)
    if spoken and wanted not in (None, _at(current, *place)):
        raise Refused("voice-fixed", param=".".join((path, *place)))


def _check_transcription_model(given: object, dialect: Dialect, path: str, rules: Rules) -> None:
    """A known transcription model is refused before its day and after its end; an unknown one is taken (both assumed)."""
    place = given.get("audio", {}).get("input", {}) if isinstance(given, dict) and dialect == "ga" else given
    name = "transcription" if dialect == "ga" else "input_audio_transcription"
    asked = place.get(name) if isinstance(place, dict) else None
    model = find(str(asked.get("model"))) if isinstance(asked, dict) else None
    if model and model.kind == "transcription" and model.id not in rules.behaviour.models:
        below = f"audio.input.{name}" if dialect == "ga" else name
        raise Refused("no-such-model-here", model=model.id, param=".".join(p for p in (path, below, "model") if p))


def _check_turn_detection(given: object, current: Json, dialect: Dialect, path: str, rules: Rules) -> None:
    """Refuses a turn detection that this model, or a fault, does not take; its shape has been checked before."""
    wanted = dialects.turn_detection_of(given) if isinstance(given, dict) else ...
    if wanted is ...:
        return
    param = ".".join(part for part in (path, "audio.input" if dialect == "ga" else "", "turn_detection") if part)
    named = wanted.get("type", "server_vad") if isinstance(wanted, dict) else "null"
    refused = rules.switches.turn_detection_refused
    if named in refused:
        raise Refused(
            "semantic-vad-refused" if list(refused) == ["semantic_vad"] else "turn-detection-refused",
            value=named,
            param=param,
        )
    model = find((dialects.model_of(given) if isinstance(given, dict) else None) or dialects.model_of(current) or "")
    if wanted is not None and model and model.kind == "transcription" and model.server_vad == "no":
        raise Refused("turn-detection-unsupported", param=param)
