"""What was played beside what was recorded: every difference, excused or not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date

from rtdiag.compare.recording import answers, frames
from rtdiag.compare.recording.playing import Played, play
from rtdiag.compare.recording.recording import Recording
from rtdiag.compare.recording.values import Circumstances, Unlike
from rtdiag.emulator import Emulator
from rtdiag.emulator.timeline import NoSuchDate, newest
from rtdiag.intake import Unusable


def compared(played: Played) -> Iterator[Unlike]:
    """Every difference of one recording."""
    recording = played.recording
    moment = recording.header.moment
    there_s = moment.timestamp() if moment else None
    for exchange, here in zip(recording.exchanges, played.answers, strict=True):
        yield from answers.answers(exchange, here, _of(played, there_s, ordered=False))
    if recording.frames:
        yield from frames.events(played, _of(played, there_s, ordered=True))


async def replayed(recordings: Mapping[str, Recording], as_of: date | None = None) -> dict[str, list[Unlike]]:
    """Each played against a healthy emulator of its day, all at once; the differences of each. Raises Unusable.

    A sideband finds its call by its name, see call_of.
    """
    days: dict[date, list[str]] = {}
    for name, recording in recordings.items():
        days.setdefault(as_of or recording.header.day or newest(), []).append(name)
    found = await asyncio.gather(
        *(_on_a_day(day, {n: recordings[n] for n in names}, recordings) for day, names in days.items())
    )
    return {name: unlike for of_a_day in found for name, unlike in of_a_day.items()}


async def _on_a_day(
    day: date, wanted: Mapping[str, Recording], all_of_them: Mapping[str, Recording]
) -> dict[str, list[Unlike]]:
    try:
        healthy = Emulator(day)
    except NoSuchDate as error:
        raise Unusable(str(error)) from None
    async with healthy as emulator:
        calls = {name: all_of_them.get(call_of(name)) for name in wanted}
        played = await asyncio.gather(*(play(one, emulator, calls[name]) for name, one in wanted.items()))
    return {name: list(compared(one)) for name, one in zip(wanted, played, strict=True)}


def call_of(name: str) -> str:
    """The name of the recording with the offer of the call that the sideband of that name belongs to."""
    return name.replace("_sideband__", "__")


def _of(played: Played, there_s: float | None, *, ordered: bool) -> Circumstances:
    whole = not played.recording.partial
    return Circumstances(played.names, there_s, played.began_s, ordered=ordered, whole=whole)
