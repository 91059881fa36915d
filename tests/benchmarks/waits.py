"""Where does `rtdiag run --emulator` wait? Each 20 ms and more in which none of its threads runs, or is ready to; and each in which
nothing is in flight, whatever it does meanwhile.

On loopback the network costs nothing, and the emulator is in the same process: whoever sleeps there waits for something else. What
was in flight is told by the report's own times; what a wait is for, as far as that is written down, stands in KNOWN. For Linux: the
kernel says of each thread how long it ran, and how long it was ready to, which a busy machine does not blur.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.benchmarks.commands import LIMIT_S, ROOT, RTDIAG, variables
from tests.benchmarks.measuring import OURS, Place, Sample

LEAST_MS = 20
_LOOK_S = 0.002
_ASLEEP = 0.1  # of a span, at most, somebody is busy
# A wait that is meant: how its `during` begins, how many ms one such wait may be, and who says so.
KNOWN: Mapping[str, tuple[float, str]] = {
    "ice of": (45, "aioice 0.13 looks every 20 ms, at both ends: Connection.connect of its ice.py"),
}
Busy = Mapping[str, float]  # of each thread, for how many s it had run or been ready to


@dataclass(frozen=True)
class Span:
    """In ms since the run began; for how long threads were busy, what was in flight, and why it is meant, "" for no reason."""

    began_ms: float
    ended_ms: float
    busy_ms: float
    during: str = ""
    why: str = ""

    @property
    def took_ms(self) -> float:
        return self.ended_ms - self.began_ms

    @property
    def asleep(self) -> bool:
        return self.busy_ms <= _ASLEEP * self.took_ms

    def __str__(self) -> str:
        told = f"{self.began_ms:7.0f} to {self.ended_ms:7.0f}: {self.took_ms:5.0f} ms, busy {self.busy_ms / self.took_ms:4.0%}"
        return f"{told}, {self.during}{f' ({self.why})' if self.why else ''}"


@dataclass(frozen=True)
class Profile:
    """Of one run: the whole, from the start of the process to its end; where it slept; where nothing was in flight."""

    whole: Span
    waits: Sequence[Span]
    unasked: Sequence[Span]

    @property
    def unexplained_ms(self) -> float:
        """The sum of the waits that nobody means."""
        return sum(wait.took_ms for wait in self.waits if not wait.why)

    def __str__(self) -> str:
        asleep = [f"asleep for {LEAST_MS} ms and more: {'' if self.waits else 'never'}", *map(str, self.waits)]
        unasked = [f"nothing in flight for {LEAST_MS} ms and more:", *map(str, self.unasked)]
        return "\n".join([f"{self.whole}the whole process", *asleep, *unasked])


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
    spans = busy(looks, datetime.fromisoformat(report["started_at"]).timestamp())
    waits = [explained(report, span) for span in asleep(spans)]
    return Profile(joined(spans), waits, [explained(report, span) for span in unasked(report, spans)])


def _looks(process: subprocess.Popen[bytes]) -> Iterator[tuple[float, Busy]]:
    until_s = time.monotonic() + LIMIT_S
    while process.poll() is None and time.monotonic() < until_s:
        yield time.time(), dict(_threads(Path(f"/proc/{process.pid}/task")))
        time.sleep(_LOOK_S)


def _threads(folder: Path) -> Iterator[tuple[str, float]]:
    with suppress(OSError):
        for thread in folder.iterdir():
            with suppress(OSError, ValueError):
                ran, ready, _ = map(int, (thread / "schedstat").read_text().split())
                yield thread.name, (ran + ready) / 1e9


def busy(looks: Sequence[tuple[float, Busy]], began_s: float) -> list[Span]:
    """From each look to the next.

    That a thread waited for a core is told when it gets one: what is more than the time since the last look was before that.
    """
    found: list[Span] = []
    earlier: dict[str, float] = {}
    for (from_s, before), (to_s, after) in reversed(list(pairwise(looks))):
        busy_s = 0.0
        for thread, ran_s in after.items():
            more_s = max(0.0, ran_s - before.get(thread, 0.0)) + earlier.pop(thread, 0.0)
            earlier[thread] = max(0.0, more_s - (to_s - from_s))
            busy_s += min(more_s, to_s - from_s)
        found.append(Span((from_s - began_s) * 1000, (to_s - began_s) * 1000, busy_s * 1000))
    return found[::-1]


def joined(spans: Sequence[Span]) -> Span:
    """Of spans one behind the other."""
    return Span(spans[0].began_ms, spans[-1].ended_ms, sum(span.busy_ms for span in spans))


def asleep(spans: Sequence[Span]) -> list[Span]:
    """Where hardly any thread was busy."""
    found = (joined(list(several)) for quiet, several in groupby(spans, lambda span: span.asleep) if quiet)
    return [span for span in found if span.took_ms >= LEAST_MS]


def unasked(report: Mapping[str, Any], spans: Sequence[Span]) -> Iterator[Span]:
    """Where nothing is under way, from the run's beginning to its end."""
    began, ended = (datetime.fromisoformat(report[name]) for name in ("started_at", "finished_at"))
    last_ms, until_ms = 0.0, (ended - began).total_seconds() * 1000
    for began_ms, ended_ms, _ in [*sorted(_under_way(report)), (until_ms, until_ms, "")]:
        if began_ms - last_ms >= LEAST_MS:
            within = (min(one.ended_ms, began_ms) - max(one.began_ms, last_ms) for one in spans)
            shares = (one.busy_ms * ms / one.took_ms for ms, one in zip(within, spans, strict=True) if ms > 0)
            yield Span(last_ms, began_ms, sum(shares))
        last_ms = max(last_ms, ended_ms)


def explained(report: Mapping[str, Any], span: Span) -> Span:
    """The same with what was in flight in its middle, and why it is meant, if it is."""
    at_ms = (span.began_ms + span.ended_ms) / 2
    during = ", ".join(dict.fromkeys(what for begin, end, what in _under_way(report) if begin <= at_ms <= end))
    before = [one["id"] for one in report["exchanges"] if one["at_ms"] <= at_ms]
    during = during or (f"nothing in flight, after {before[-1]} was begun" if before else "before the first request")
    meant = (why for begins, (most, why) in KNOWN.items() if during.startswith(begins) and span.took_ms <= most)
    return replace(span, during=during, why=next(meant, ""))


def _under_way(report: Mapping[str, Any]) -> Iterator[tuple[float, float, str]]:
    """From when to when: exchanges, phases of peers, events until the next that comes."""
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
