"""One response while it is made, and what it shows of itself. How long each step takes: replies.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rtdiag.api.endpoints import Dialect
from rtdiag.emulator.bodies import Refused, error_object
from rtdiag.emulator.session.functions import arguments, called
from rtdiag.emulator.session.replies import LAST_S, Call, Message, Output, Step, Terms, written
from rtdiag.emulator.session.server_events import event

Json = dict[str, Any]

FIRST_S = 0.3  # from response.created to its first item: recorded 0.30 and 0.35 s, 2026-09-29
LIMITS_S = 0.03  # from response.done to the rate limits: recorded 2026-09-29

_TEXT, _HEARD, _REASONING = 10, 20, 4  # tokens, made up
_MS_A_TOKEN = 50  # of what a model says: recorded, 136 for 6.8 s


class Response:
    """One response. `events` brings it to its end, `cut` ends it before, in the middle of what it does."""

    def __init__(self, terms: Terms, shown: Json, outputs: Sequence[Output], *, reasons: bool) -> None:
        self.id, self.over = terms.response_id, False
        self.outputs = outputs
        self._begun: list[Output] = []
        self._shown, self._reasons, self._heard = shown, reasons, terms.heard

    def events(self) -> Iterator[Step]:
        """All of it, with the pauses between. Several items are interleaved: all are told before the first one ends."""
        yield event("response.created", response=self._as("in_progress", None))
        yield FIRST_S
        for output in self.outputs:
            self._begun.append(output)
            yield from output.begin()
            yield from output.deltas()
        yield LAST_S
        yield from self._ended("completed", "completed", None)

    def failing(self, error: Refused) -> Iterator[Step]:
        """It begins, and fails: openai 3.54.0 types/realtime/realtime_response_status.py; livekit/agents#1972 (2025-04-11)."""
        yield event("response.created", response=self._as("in_progress", None))
        yield FIRST_S
        told = {name: error_object(error)[name] for name in ("type", "code", "message")}
        yield from self._ended("incomplete", "failed", {"type": "failed", "error": told})

    def cut(self, reason: str) -> Iterator[Json]:
        """It ends here: `client_cancelled` or `turn_detected`. That an item begun is told as incomplete is assumed."""
        return self._ended("incomplete", "cancelled", {"type": "cancelled", "reason": reason})

    def _ended(self, of_items: str, status: str, details: Json | None) -> Iterator[Json]:
        self.over = True
        for output in self._begun:
            if not output.over:
                yield from output.end(of_items)
        yield event("response.done", response=self._as(status, details))

    def _as(self, status: str, details: Json | None) -> Json:
        done = {} if status == "in_progress" else {"output": [o.item for o in self._begun], "usage": self._usage()}
        return {**self._shown, "status": status, "status_details": details, **done}

    def _usage(self) -> Json:
        """Its shape is recorded, and what of it is nothing; what it counts is made up."""
        none: Json = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
        reasoning = {"reasoning_tokens": _REASONING} if self._reasons else {}
        heard = _HEARD if self._heard else 0
        spoken = sum(int(output.sound_ms or 0) for output in self._begun) // _MS_A_TOKEN
        taken = {**none, "text_tokens": _TEXT, "audio_tokens": heard}
        return {
            "total_tokens": 2 * _TEXT + heard + spoken,
            "input_tokens": _TEXT + heard,
            "output_tokens": _TEXT + spoken,
            "input_token_details": {**taken, "cached_tokens": 0, "cached_tokens_details": none},
            "output_token_details": {"text_tokens": _TEXT, "audio_tokens": spoken, **reasoning},
        }


def planned(terms: Terms, wish: Json, config: Json, last: Json | None, *, reasons: bool) -> list[Output]:
    """What a response will be: a message, or the call of a function; of a model that reasons the call with a message before it."""
    audio = "audio" in modalities(terms.dialect, wish, config)
    given = {**config, **wish}
    tool = called(given["tools"] or (), given["tool_choice"], last)
    if tool is None:
        return [Message(terms, 0, audio=audio, phase="final_answer" if reasons else None)]
    before = [Message(terms, 0, audio=audio, phase="commentary")] if reasons else []
    whole = written(arguments(tool.get("parameters") or {}))
    return [*before, Call(terms, len(before), tool["name"], whole if terms.whole_arguments else whole[:-1])]


def shown(dialect: Dialect, response_id: str, conversation_id: str | None, wish: Json, config: Json) -> Json:
    """What a response shows of itself, as it begins."""
    ga = dialect == "ga"
    most = config["max_output_tokens" if ga else "max_response_output_tokens"]
    response = {
        "object": "realtime.response",
        "id": response_id,
        "status": "in_progress",
        "status_details": None,
        "output": [],
        "conversation_id": conversation_id,
        "output_modalities" if ga else "modalities": modalities(dialect, wish, config),
        "max_output_tokens": wish.get("max_output_tokens", most),
    }
    audio = {**config["audio"]["output"], **wish.get("audio", {}).get("output", {})} if ga else {}
    output = {"audio": {"output": {name: audio[name] for name in ("format", "voice")}}} if ga else {}
    return {**response, **output, "usage": None, "metadata": wish.get("metadata")}


def modalities(dialect: Dialect, wish: Json, config: Json) -> list[str]:
    """Those of the response, else of the session."""
    name = "output_modalities" if dialect == "ga" else "modalities"
    return wish.get(name) or config.get(name) or ["audio"]


def rate_limits() -> Json:
    """What follows a response; whose numbers these are nobody knows."""
    return event(
        "rate_limits.updated",
        rate_limits=[{"name": "tokens", "limit": 200_000, "remaining": 199_000, "reset_seconds": 0.3}],
    )
