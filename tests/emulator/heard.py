"""What is said to a session, and the turns that must come of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from tests import speech
from tests.emulator.clients import TRANSCRIPTION

Json = dict[str, Any]

OFF_MS = 120  # how far an offset may lie from the truth
CHUNK_BYTES = 4800  # a tenth of a second
SERVER_VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}
TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    f"{TRANSCRIPTION}.delta",
    f"{TRANSCRIPTION}.completed",
]


def listening(detection: Json | None, model: str | None = "gpt-4o-transcribe", name: str = "audio/pcm") -> Json:
    """What an update or a mint asks for."""
    form: Json = {"type": name} | ({"rate": 24000} if name == "audio/pcm" else {})
    asked = {"model": model} if model else None
    return {"audio": {"input": {"turn_detection": detection, "transcription": asked, "format": form}}}


def pieces(audio: bytes) -> Iterator[bytes]:
    return (audio[at : at + CHUNK_BYTES] for at in range(0, len(audio), CHUNK_BYTES))


def append(audio: bytes) -> Json:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(audio).decode()}


def offsets(events: list[Json]) -> list[int]:
    """When turns began and ended, in milliseconds."""
    return [int(e[name]) for e in events for name in ("audio_start_ms", "audio_end_ms") if name in e]


def assert_close(events: list[Json], truth: list[int]) -> None:
    found = offsets(events)
    assert len(found) == len(truth), found
    assert all(abs(a - b) <= OFF_MS for a, b in zip(found, truth, strict=True)), (found, truth)


def expected(padding_ms: int, silence_ms: int) -> list[int]:
    """The offsets of the clip's two phrases."""
    _, phrases = speech.clip()
    return [at for begin, end in phrases for at in (begin - padding_ms, end + silence_ms)]
