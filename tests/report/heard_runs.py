"""Reports of runs that played a clip, made by hand: as the server heard it today, and under each fault that only audio shows.

The places are what rtdiag's emulator makes of such a clip: server_vad waits for the silence it was told, semantic_vad for its
longest wait (low 8 s, high 2 s: openai 3.54.0 types/realtime/realtime_audio_input_turn_detection.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from rtdiag.checks import key
from rtdiag.model import Cost, Finding, Observation, Outcome, Report, Row
from rtdiag.testing import run_on_emulator

PHRASES = ((500, 2900), (5900, 7300))
DURATION_MS = 17_300
SENT: Mapping[str, Any] = {
    "server-200": {"type": "server_vad", "silence_duration_ms": 200},
    "server-4000": {"type": "server_vad", "silence_duration_ms": 4000},
    "semantic-low": {"type": "semantic_vad", "eagerness": "low"},
    "semantic-high": {"type": "semantic_vad", "eagerness": "high"},
    "null": None,
}
# How much silence ends a turn in each mode, in milliseconds, when all is well.
WAITS_MS = {"server-200": 200, "server-4000": 4000, "semantic-low": 8000, "semantic-high": 2000}


def loudness() -> list[int]:
    """Syllables of 300 ms within the phrases, and nothing elsewhere."""
    tenths = range(DURATION_MS // 100)
    return [40 + at * 37 % 60 if any(a <= at * 100 < b for a, b in PHRASES) else 0 for at in tenths]


def turns(wait_ms: int) -> list[tuple[int, int]]:
    """Where a turn begins and ends that is over after so much silence."""
    if wait_ms >= PHRASES[1][0] - PHRASES[0][1]:
        return [(PHRASES[0][0] - 20, PHRASES[1][1] + wait_ms)]
    return [(begin - 20, end + wait_ms) for begin, end in PHRASES]


def events(found: list[tuple[int, int]], *, transcribed: bool = True) -> list[tuple[Any, ...]]:
    """What a server that told these turns would have sent."""
    told: list[tuple[Any, ...]] = []
    for begin_ms, end_ms in found:
        told += [("started", begin_ms), ("stopped", end_ms), ("committed", end_ms + 20)]
        told += [("transcript", end_ms + 300, "a room for two nights")] if transcribed else []
    return told


def facts(waits_ms: Mapping[str, int] = WAITS_MS, *, heard: bool = True, transcribed: bool = True) -> dict[str, Any]:
    """The facts of such a run; with `heard` false nobody was heard to speak."""
    by_hand: list[tuple[Any, ...]] = [("committed", DURATION_MS)]
    by_hand += [("transcript", DURATION_MS + 320, "a room for two nights, please")] if transcribed else []
    modes: dict[str, Any] = {
        mode: {
            "sent": sent,
            "echoed": sent,
            "failed": "",
            "events": by_hand
            if sent is None
            else events(turns(waits_ms[mode]) if heard else [], transcribed=transcribed),
        }
        for mode, sent in SENT.items()
    }
    clip = {"name": "rtdiag's own", "duration_ms": DURATION_MS, "phrases": PHRASES, "loudness": loudness()}
    return {"kind": "realtime", "model": "gpt-realtime-2.1", "emulated": True, "clip": clip, "modes": modes}


def replaced() -> dict[str, Any]:
    """Whatever was asked for, the server keeps its default, and says so."""
    default = {"type": "server_vad", "silence_duration_ms": 500}
    found = facts(dict.fromkeys(WAITS_MS, 500))
    for mode in found["modes"].values():
        mode["echoed"] = default
    found["modes"]["null"]["events"] = events(turns(500))
    return found


RUNS: Mapping[str, Mapping[str, Any]] = {
    "healthy": facts(),
    "vad-not-effective": facts(WAITS_MS | {"semantic-low": 200, "semantic-high": 200}),
    "no-speech-started": facts(heard=False),
    "silence-ignored": facts(WAITS_MS | {"server-200": 500, "server-4000": 500}),
    "transcripts-missing": facts(transcribed=False),
    "vad-silently-replaced": replaced(),
}


@cache
def _base() -> Report:
    return run_on_emulator(checks={key.CHECK.id: key.CHECK})


def heard(found: Mapping[str, Any]) -> Report:
    """A run of a check without audio, and of `vad-effect` that kept these facts."""
    seen = Observation("speech-started", facts=found)
    finding = Finding("speech-started", "pass", "5 sessions", "turns")
    row = Row("speech-started", "the server says that speech began", finding, seen)
    outcome = Outcome("vad-effect", "turn detection, with audio", "pass", None, 20_000.0, (), Cost(), (row,))
    return replace(_base(), checks=(*_base().checks, outcome))
