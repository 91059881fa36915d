"""Where does `rtdiag run --emulator` wait? Every span of 20 ms and more in which none of its threads runs, nor wants to; and every
one in which nothing is in flight, whether it computes or sleeps.

On loopback the network costs nothing, and the emulator is in the same process: whoever sleeps there waits for something else. What
was in flight meanwhile is told by the report's own times; what a wait is for, as far as that is written down, stands in KNOWN.
For Linux: the kernel says of each thread how long it ran and how long it was ready to, which a busy machine does not blur.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.benchmarks.commands import LIMIT_S, ROOT, RTDIAG, variables
from tests.benchmarks.measuring import OURS, Place, Sample

Span = tuple[float, float]
LEAST_MS = 20
_LOOK_S = 0.002
_ASLEEP = 0.1  # of the time between two looks, at most, it is busy
# A wait that is meant: what it begins with in `during`, how long one such wait may be, and who says so.
KNOWN: Mapping[str, tuple[float, str]] = {
    "ice of": (
        45,
        "aioice 0.13 looks for its checks' end each 20 ms, at both ends: `Connection.connect` of its ice.py",
    ),
}


@dataclass(frozen=True)
class Look:
    """At a moment, in s of the system's clock: for how many s each thread had run or been ready to."""

    at_s: float
    busy_s: Mapping[str, float]


@dataclass(frozen=True)
class Step:
    """Between two looks, in ms since the run began: for how long threads were busy, all added up."""

    began_ms: float
    ended_ms: float
    busy_ms: float


@dataclass(frozen=True)
class Wait:
    """From when to when in ms since the run began, what was in flight then, and why it is meant, "" where nobody says so."""

    began_ms: float
    ended_ms: float
    during: str
    why: str = ""

    @property
    def took_ms(self) -> float:
        return self.ended_ms - self.began_ms

    def __str__(self) -> str:
        span = f"{self.began_ms:7.0f} to {self.ended_ms:7.0f} ms: {self.took_ms:5.0f} ms asleep"
        return f"{span}, {self.during}{f' ({self.why})' if self.why else ''}"


@dataclass(frozen=True)
class Idle:
    """From when to when in ms since the run began, and how much of it some thread was busy."""

    began_ms: float
    ended_ms: float
    busy_ms: float
    during: str

    def __str__(self) -> str:
        took_ms = self.ended_ms - self.began_ms
        span = f"{self.began_ms:7.0f} to {self.ended_ms:7.0f} ms: {took_ms:5.0f} ms"
        return f"{span}, busy {self.busy_ms / took_ms:4.0%}, {self.during}"


@dataclass(frozen=True)
class Profile:
    """Of one run: how long its process lasted, how long its threads were busy or ready to be, its waits, where nothing is asked."""

    took_ms: float
    busy_ms: float
    waits: Sequence[Wait]
    idle: Sequence[Idle]

    @property
    def unexplained_ms(self) -> float:
        """The sum of those that nobody means."""
        return sum(wait.took_ms for wait in self.waits if not wait.why)

    def __str__(self) -> str:
        head = f"{self.took_ms:.0f} ms, of which {self.busy_ms:.0f} ms busy"
        asleep = [f"asleep for {LEAST_MS} ms and more: {'' if self.waits else 'never'}", *map(str, self.waits)]
        idle = [f"nothing in flight for {LEAST_MS} ms and more: {'' if self.idle else 'never'}", *map(str, self.idle)]
        return "\n".join([head, *asleep, *idle])


def unexplained(_: Place) -> dict[str, Sample]:
    """How long a run waits for nothing that is written down."""
    return {OURS: lambda: profile().unexplained_ms}


def profile() -> Profile:
    """Of one run, watched from outside."""
    with TemporaryFile("w+", encoding="utf-8") as out:
        command = [*RTDIAG, "run", "--emulator", "-o", "json"]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, cwd=ROOT, env=variables())
        try:
            looks = list(_looks(process))
        finally:
            process.kill()
            process.wait()
        out.seek(0)
        report = json.load(out)
    began_s = datetime.fromisoformat(report["started_at"]).timestamp()
    steps = [Step((a - began_s) * 1000, (b - began_s) * 1000, busy_s * 1000) for a, b, busy_s in busy(looks)]
    waits = [told(span, in_flight(report, *span)) for span in asleep(steps)]
    idle = [Idle(*span, busy_within(steps, *span), in_flight(report, *span)) for span in uncovered(report)]
    return Profile(steps[-1].ended_ms - steps[0].began_ms, sum(step.busy_ms for step in steps), waits, idle)


def _looks(process: subprocess.Popen[bytes]) -> Iterator[Look]:
    until_s = time.monotonic() + LIMIT_S
    while process.poll() is None and time.monotonic() < until_s:
        yield Look(time.time(), dict(_threads(Path(f"/proc/{process.pid}/task"))))
        time.sleep(_LOOK_S)


def _threads(folder: Path) -> Iterator[tuple[str, float]]:
    with suppress(OSError):
        for thread in folder.iterdir():
            with suppress(OSError, ValueError):
                ran, ready, _ = map(int, (thread / "schedstat").read_text().split())
                yield thread.name, (ran + ready) / 1e9


def asleep(steps: Sequence[Step]) -> Iterator[Span]:
    """The spans of 20 ms and more in which hardly any thread was busy."""
    for quiet, several in groupby(steps, lambda step: step.busy_ms <= _ASLEEP * (step.ended_ms - step.began_ms)):
        found = list(several)
        if quiet and found[-1].ended_ms - found[0].began_ms >= LEAST_MS:
            yield found[0].began_ms, found[-1].ended_ms


def busy(looks: Sequence[Look]) -> list[tuple[float, float, float]]:
    """From each look to the next, and for how many s threads were busy between.

    That a thread waited for a core is told when it gets one: what is more than the time since the last look was before that.
    """
    found: list[tuple[float, float, float]] = []
    earlier: dict[str, float] = {}
    for before, after in reversed(list(pairwise(looks))):
        room_s, busy_s = after.at_s - before.at_s, 0.0
        for thread, ran_s in after.busy_s.items():
            more_s = max(0.0, ran_s - before.busy_s.get(thread, 0.0)) + earlier.pop(thread, 0.0)
            earlier[thread] = max(0.0, more_s - room_s)
            busy_s += min(more_s, room_s)
        found.append((before.at_s, after.at_s, busy_s))
    return found[::-1]


def busy_within(steps: Sequence[Step], began_ms: float, ended_ms: float) -> float:
    """For how many ms of that span threads were busy."""
    shares = ((min(one.ended_ms, ended_ms) - max(one.began_ms, began_ms), one) for one in steps)
    return sum(one.busy_ms * share / (one.ended_ms - one.began_ms) for share, one in shares if share > 0)


def uncovered(report: Mapping[str, Any]) -> Iterator[Span]:
    """The spans of 20 ms and more from the run's beginning to its end in which nothing is under way."""
    began, ended = (datetime.fromisoformat(report[name]) for name in ("started_at", "finished_at"))
    last_ms, until_ms = 0.0, (ended - began).total_seconds() * 1000
    for began_ms, ended_ms, _ in [*sorted(_under_way(report)), (until_ms, until_ms, "")]:
        if began_ms - last_ms >= LEAST_MS:
            yield last_ms, began_ms
        last_ms = max(last_ms, ended_ms)


def told(span: Span, during: str) -> Wait:
    """The wait of that span, and whether it is one that is meant."""
    took_ms = span[1] - span[0]
    meant = (why for begins, (most_ms, why) in KNOWN.items() if during.startswith(begins) and took_ms <= most_ms)
    return Wait(*span, during, next(meant, ""))


def in_flight(report: Mapping[str, Any], began_ms: float, ended_ms: float) -> str:
    """What the report says was under way in the middle of that span: exchanges, phases of peers, events without an answer yet."""
    at_ms = (began_ms + ended_ms) / 2
    found = [what for begin, end, what in _under_way(report) if begin <= at_ms <= end]
    if found:
        return ", ".join(dict.fromkeys(found))
    if at_ms < 0:
        return "nothing in flight, before the run began"
    before = [one["id"] for one in report["exchanges"] if one["at_ms"] <= at_ms]
    return (
        f"nothing in flight, after {before[-1]} was begun" if before else "nothing in flight, before the first request"
    )


def _under_way(report: Mapping[str, Any]) -> Iterator[tuple[float, float, str]]:
    ends = {one["id"]: one["at_ms"] + one["timing_ms"].get("total", 0) for one in report["exchanges"]}
    for peer in report["peers"]:
        at_ms = ends.get(peer["offered_in"], peer["at_ms"])
        for phase, took_ms in peer["phases_ms"].items():
            yield at_ms, at_ms + took_ms, f"{phase} of {peer['id']}"
            at_ms += took_ms
    for one in report["exchanges"]:
        yield one["at_ms"], ends[one["id"]], f"{one['id']} {one['method']} {one['url'].partition('/v1')[2]}"
    waiting: dict[str, Mapping[str, Any]] = {}
    for event in report["events"]:
        if event["direction"] == "sent":
            waiting[event["channel"]] = event
        elif sent := waiting.pop(event["channel"], None):
            yield sent["at_ms"], event["at_ms"], f"{sent['id']} {sent['type']} of {sent['channel']}"
    for sent in waiting.values():
        yield sent["at_ms"], float("inf"), f"{sent['id']} {sent['type']} of {sent['channel']}, never answered"
