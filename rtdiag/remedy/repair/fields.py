"""Where each field of a session stands in the two dialects, which kinds of session have it, and what values it takes.

GA: openai-openapi @ f85dbe2 lines 54831 and 55921 (2026-08-21) and the Python package openai 3.54.0, types/realtime; beta: lines
54546 and 55642 of the same file and types/beta/realtime of the same package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.remedy.repair.draft import Place

PY = "Python package openai 3.54.0, types/realtime/"
PY_BETA = "Python package openai 3.54.0, types/beta/realtime/"
OAS = "openai-openapi @ f85dbe2 (2026-08-21), "

SHAPES: Mapping[Dialect, str] = {"ga": OAS + "lines 54831 and 55921", "beta": OAS + "lines 54546 and 55642"}

CONTAINERS: tuple[Place, ...] = (("audio",), ("audio", "input"), ("audio", "output"))

# What answers show and requests do not take: openai-openapi @ f85dbe2 lines 51054 (GA) and 55097 (beta).
ANSWER_ONLY = ("id", "object", "expires_at", "client_secret")

_TRANSCRIPTION: frozenset[tuple[Kind, Dialect]] = frozenset({("transcription", "ga"), ("transcription", "beta")})
_BETA_REALTIME: frozenset[tuple[Kind, Dialect]] = frozenset({("realtime", "beta")})


@dataclass(frozen=True)
class Field:
    """One field: its place in each dialect, None where the dialect has none; `absent` in these kinds of session."""

    name: str
    ga: Place | None
    beta: Place | None
    absent: frozenset[tuple[Kind, Dialect]] = _TRANSCRIPTION

    def place(self, kind: Kind, dialect: Dialect) -> Place | None:
        """Where it stands in a session of that kind and dialect, or None."""
        return None if (kind, dialect) in self.absent else self.ga if dialect == "ga" else self.beta

    def spots(self) -> Iterator[Place]:
        """Everywhere people put it: its two places, and for what belongs under `audio` also the other levels of it."""
        known = [place for place in (self.ga, self.beta) if place]
        seen = dict.fromkeys(known)
        if self.ga and len(self.ga) > 1:
            names = {place[-1] for place in known} - {"format"}  # of input or output: its place alone tells
            seen |= dict.fromkeys((*level, name) for level in ((), *CONTAINERS) for name in sorted(names))
        yield from seen


def _same(name: str, absent: frozenset[tuple[Kind, Dialect]] = _TRANSCRIPTION) -> Field:
    return Field(name, (name,), (name,), absent)


def _input(name: str, beta: str) -> Field:
    return Field("input_format" if name == "format" else name, ("audio", "input", name), (beta,), frozenset())


# Names in the two dialects: openai-openapi @ f85dbe2, both families; CopilotKit/aimock @ c9af8c3 src/ws-realtime.ts:318.
FIELDS: tuple[Field, ...] = (
    _same("model"),
    Field("modalities", ("output_modalities",), ("modalities",)),
    *(_same(name) for name in ("instructions", "tools", "tool_choice", "tracing")),
    Field("max_tokens", ("max_output_tokens",), ("max_response_output_tokens",)),
    Field("temperature", None, ("temperature",)),
    *(Field(name, (name,), None) for name in ("truncation", "prompt", "reasoning", "parallel_tool_calls")),
    _same("include", _BETA_REALTIME),
    _input("format", "input_audio_format"),
    _input("transcription", "input_audio_transcription"),
    _input("noise_reduction", "input_audio_noise_reduction"),
    _input("turn_detection", "turn_detection"),
    Field("output_format", ("audio", "output", "format"), ("output_audio_format",)),
    Field("voice", ("audio", "output", "voice"), ("voice",)),
    Field("speed", ("audio", "output", "speed"), ("speed",)),
)
BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}

# Everything that makes a session a conversation.
REALTIME_ONLY: tuple[Field, ...] = tuple(field for field in FIELDS if field.absent == _TRANSCRIPTION)


def home(name: str, kind: Kind, dialect: Dialect) -> Place:
    """The place of a field that this kind and dialect has; raises KeyError for one that it has not."""
    place = BY_NAME[name].place(kind, dialect)
    if place is None:
        raise KeyError(name)
    return place


# GA: types/realtime/realtime_audio_config_output.py. Beta: RealtimeSession of openai-openapi @ f85dbe2; the package's beta types
# name those of text-to-speech too (fable, onyx, nova), which are no voices of a session.
VOICES: Mapping[Dialect, tuple[str, ...]] = {
    "ga": ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"),
    "beta": ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse"),
}
SPEED = (0.25, 1.5)  # types/realtime/realtime_audio_config_output.py
TEMPERATURE = (0.6, 1.2)  # types/beta/realtime/session_create_params.py
MOST_TOKENS = 4096  # types/realtime/realtime_session_create_request.py
IDLE_TIMEOUT_MS = (5000, 30000)  # openai-openapi @ f85dbe2 line 57016
EFFORTS = ("minimal", "low", "medium", "high", "xhigh")  # types/realtime/realtime_reasoning_effort.py
DELAYS = EFFORTS  # types/realtime/audio_transcription.py
NOISES = ("near_field", "far_field")  # types/realtime/noise_reduction_type.py
LOGPROBS = "item.input_audio_transcription.logprobs"  # types/realtime/realtime_session_create_request.py

# GA type -> the beta's name: types/realtime/realtime_audio_formats.py and types/beta/realtime/session_create_params.py.
FORMATS: Mapping[str, str] = {"audio/pcm": "pcm16", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}
PCM_RATE_HZ = 24000  # another is answered with integer_below_min_value: public file, record 69522944037 (2026-09-18)
