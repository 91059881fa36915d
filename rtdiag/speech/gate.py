"""Where somebody speaks in a recording, by loudness alone: simple, and of no use beside a fan that hums. Pure.

It shares nothing with what the emulator hears by, so that neither can hide a mistake of the other.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

FRAME_MS = 10
# All four are guesses that fit speech: a breath between words is no pause, a click is no phrase, and what is neither three
# times as loud as the quietest tenth nor a 25th as loud as the loudest is background.
MERGE_MS, SHORTEST_MS = 300, 100
ABOVE_FLOOR, BELOW_LOUDEST, AT_MOST = 3.0, 0.04, 0.3


def loudness(samples: array[int], rate_hz: int, frame_ms: int) -> list[float]:
    """The root mean square of each whole frame, of 32768."""
    size = rate_hz * frame_ms // 1000
    frames = (samples[at : at + size] for at in range(0, len(samples) - size + 1, size))
    return [math.sqrt(sum(value * value for value in frame) / size) for frame in frames]


def phrases(levels: Sequence[float]) -> list[tuple[int, int]]:
    """Beginning and end of each phrase in milliseconds, from the loudness of frames of FRAME_MS."""
    if not levels or not max(levels):
        return []
    loudest, floor = max(levels), sorted(levels)[len(levels) // 10]
    least = max(BELOW_LOUDEST * loudest, min(ABOVE_FLOOR * floor, AT_MOST * loudest))
    found: list[tuple[int, int]] = []
    for number, level in enumerate(levels):
        begin, end = number * FRAME_MS, (number + 1) * FRAME_MS
        if level < least:
            continue
        if found and begin - found[-1][1] < MERGE_MS:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return [(begin, end) for begin, end in found if end - begin >= SHORTEST_MS]
