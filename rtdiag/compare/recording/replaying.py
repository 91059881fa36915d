"""What was played beside what was recorded: every difference, excused or not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import date

from rtdiag.api.expressions import expression
from rtdiag.compare.recording import answers, frames
from rtdiag.compare.recording.playing import Played, play
from rtdiag.compare.recording.recording import Recording
from rtdiag.compare.recording.values import Circumstances, Unlike
from rtdiag.emulator import Emulator
from rtdiag.emulator.profiles import profiles
from rtdiag.emulator.timeline import NoSuchDate, newest
from rtdiag.intake import Unusable

_ORIGIN = expression(r"^o=\S+ \d+ (\d{10}) ", re.MULTILINE)


def compared(played: Played) -> Iterator[Unlike]:
    """Every difference of one recording."""
    recording = played.recording
    there_s = _answered_s(recording)
    for exchange, here in zip(recording.exchanges, played.answers, strict=True):
        yield from answers.answers(exchange, here, _of(played, there_s, ordered=False))
    if recording.frames:
        yield from frames.events(played, _of(played, there_s, ordered=True))


async def replayed(recordings: Mapping[str, Recording], as_of: date | None = None) -> dict[str, list[Unlike]]:
    """Each played against a healthy emulator of its day and server, all at once; the differences of each. Raises Unusable.

    A sideband finds its call by its name, see call_of.
    """
    servers: dict[tuple[date, str], list[str]] = {}
    for name, recording in recordings.items():
        day = as_of or recording.header.day or newest()
        servers.setdefault((day, profile_of(recording)), []).append(name)
    found = await asyncio.gather(
        *(_of_one(*server, {n: recordings[n] for n in names}, recordings) for server, names in servers.items())
    )
    return {name: unlike for of_one in found for name, unlike in of_one.items()}


def profile_of(recording: Recording) -> str:
    """Whose server was recorded: a profile of the emulator."""
    family = recording.header.family
    return next((name for name in (family, family.partition("-")[0]) if name in profiles()), "openai")


async def _of_one(
    day: date, server: str, wanted: Mapping[str, Recording], all_of_them: Mapping[str, Recording]
) -> dict[str, list[Unlike]]:
    try:
        healthy = Emulator(day, profile=server)
    except NoSuchDate as error:
        raise Unusable(str(error)) from None
    async with healthy as emulator:
        calls = {name: all_of_them.get(call_of(name)) for name in wanted}
        played = await asyncio.gather(*(play(one, emulator, calls[name]) for name, one in wanted.items()))
    return {name: list(compared(one)) for name, one in zip(wanted, played, strict=True)}


def call_of(name: str) -> str:
    """The name of the recording with the offer of the call that the sideband of that name belongs to."""
    return name.replace("_sideband__", "__")


def _answered_s(recording: Recording) -> float | None:
    """When it was answered, in unix seconds: what an SDP answer's `o=` tells, else the header, None where neither does."""
    answers = (str((exchange.response.body or {}).get("text")) for exchange in recording.exchanges)
    told = next((found for answer in answers if (found := _ORIGIN.search(answer))), None)
    moment = recording.header.moment
    return float(told[1]) if told else moment.timestamp() if moment else None


def _of(played: Played, there_s: float | None, *, ordered: bool) -> Circumstances:
    whole = not played.recording.partial
    return Circumstances(played.names, there_s, (played.began_s, played.ended_s), ordered=ordered, whole=whole)
