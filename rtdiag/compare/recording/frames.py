"""The events of a recording beside the emulator's: which come, in which order, and what each holds.

Deltas of one kind and one item are one event, for how many there are is the model's; which of two kinds comes first is its timing.
So is what a transcript of the user's audio stands beside, but not whether it begins before the audio is committed.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rtdiag.compare.recording.order import sequences
from rtdiag.compare.recording.playing import Played, label
from rtdiag.compare.recording.values import Circumstances, Unlike, differing

Json = dict[str, Any]

_TRANSCRIPTION = "conversation.item.input_audio_transcription."
_COMMITTED = "input_audio_buffer.committed"
_BLOCK = 16  # len(delta) + len(obfuscation) is a multiple of that


def events(played: Played, of: Circumstances) -> Iterator[Unlike]:
    """What differs between the events, and how the sockets ended."""
    there, here = played.recording.received, played.events
    ends = any(f.close for f in played.recording.frames)
    if played.recording.partial:
        yield from _posted(there, here, of)
        return
    yield from sequences(_told(there, _main), _told(here, _main), ends=ends)
    yield from sequences(_told(there, _limits), _told(here, _limits), ends=ends)
    yield from _transcripts(there, here)
    yield from _contents(there, here, of)
    yield from _deltas(there, here)
    yield from _ends(played)


def _posted(there: Sequence[Json], here: Sequence[Json], of: Circumstances) -> Iterator[Unlike]:
    """Of a post that shows some events alone: whether they come, and hold what is shown."""
    for name in Counter(map(label, there)) - Counter(map(label, here)):
        yield Unlike(name, "missing", "present", "absent")
    yield from _contents(there, here, of)


def _transcripts(there: Sequence[Json], here: Sequence[Json]) -> Iterator[Unlike]:
    """Of each audio of the user's: what of its transcript comes, and whether before it is committed."""
    for one, other in zip(_of_each(there), _of_each(here), strict=False):
        for unlike in sequences(_told(one, _any), _told(other, _any), ends=False):
            if unlike.place != _COMMITTED:
                yield unlike


def _of_each(events: Sequence[Json]) -> list[list[Json]]:
    """What is told of each audio, in the order in which they are committed."""
    about: dict[str, list[Json]] = {str(e.get("item_id")): [] for e in events if e.get("type") == _COMMITTED}
    for event in events:
        item_id = str(event.get("item_id"))
        if str(event.get("type")).startswith((_TRANSCRIPTION, _COMMITTED)) and item_id in about:
            about[item_id].append(event)
    return list(about.values())


def _any(_: Json) -> bool:
    return True


def _main(event: Json) -> bool:
    return not (str(event.get("type")).startswith(_TRANSCRIPTION) or _limits(event))


def _limits(event: Json) -> bool:
    """They follow a response when its server comes to it."""
    return event.get("type") == "rate_limits.updated"


def _told(events: Iterable[Json], belongs: Callable[[Json], bool]) -> list[str]:
    """The labels in order; of the deltas of one kind and item the first, neighbours among them by name."""
    labels: list[str] = []
    deltas: list[str] = []
    for event in _without_more_deltas(filter(belongs, events)):
        if label(event).endswith(".delta"):
            deltas.append(label(event))
        else:
            labels += [*sorted(deltas), label(event)]
            deltas = []
    return labels + sorted(deltas)


def _contents(there: Sequence[Json], here: Sequence[Json], of: Circumstances) -> Iterator[Unlike]:
    """The n-th of each label with the n-th, of deltas the first of each item."""
    left: dict[str, deque[Json]] = {}
    for event in _without_more_deltas(here):
        left.setdefault(label(event), deque()).append(event)
    for event in _without_more_deltas(there):
        if others := left.get(label(event)):
            yield from differing(event, others.popleft(), label(event), of)


def _without_more_deltas(events: Iterable[Json]) -> Iterator[Json]:
    seen = set()
    for event in events:
        key = label(event), str(event.get("item_id"))
        if not key[0].endswith(".delta") or key not in seen:
            yield event
        seen.add(key)


def _deltas(there: Iterable[Json], here: Iterable[Json]) -> Iterator[Unlike]:
    """Every delta holds what those of its kind hold there, and its obfuscation fills a block with it where it does so there."""
    keys: dict[str, set[tuple[str, ...]]] = {}
    for event in filter(_is_delta, there):
        keys.setdefault(label(event), set()).add(tuple(event) if _fills(event) else ())
    for event in filter(_is_delta, here):
        if known := keys.get(label(event)):
            shown = tuple(event) if _fills(event) else ()
            if shown not in known:
                yield Unlike(
                    f"{label(event)} obfuscation", "rule", f"fills {_BLOCK}, {_listed(known)}", _listed({tuple(event)})
                )
                return


def _is_delta(event: Json) -> bool:
    return label(event).endswith(".delta")


def _listed(keys: Iterable[tuple[str, ...]]) -> str:
    return " or ".join(", ".join(each) for each in sorted(keys))


def _fills(event: Json) -> bool:
    if "obfuscation" not in event:
        return True
    return (len(str(event.get("delta"))) + len(str(event.get("obfuscation")))) % _BLOCK == 0


def _ends(played: Played) -> Iterator[Unlike]:
    closes = [f.close for f in played.recording.frames if f.close]
    if closes and closes[-1] != played.close:
        yield Unlike("close", "value", str(closes[-1]), str(played.close))
