"""The events of a recording beside the emulator's: which come, in which order, and what each holds.

Deltas of one kind and one item are one event, for how many there are is the model's; which of two kinds comes first is its timing.
So is what a transcript of the user's audio stands beside, but not whether it begins before the audio is committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from rtdiag.compare.recording.playing import Played, label
from rtdiag.compare.recording.values import Circumstances, Unlike, differing

Json = dict[str, Any]

_TRANSCRIPTION = "conversation.item.input_audio_transcription."
_COMMITTED = "input_audio_buffer.committed"
_BLOCK = 16  # len(delta) + len(obfuscation) is a multiple of that


def events(played: Played, of: Circumstances) -> Iterator[Unlike]:
    """What differs between the events, and how the sockets ended."""
    there, here = played.recording.received, played.events
    ended = any(f.close for f in played.recording.frames)
    yield from _order(*(list(_told(each, _main)) for each in (there, here)), ended=ended)
    for unlike in _order(*(list(_told(each, _transcribed)) for each in (there, here)), ended=ended):
        if unlike.place != _COMMITTED:
            yield unlike
    yield from _contents(there, here, of)
    yield from _obfuscated(there, here)
    yield from _ends(played)


def _main(event: Json) -> bool:
    return not str(event.get("type")).startswith(_TRANSCRIPTION)


def _transcribed(event: Json) -> bool:
    return not _main(event) or event.get("type") == _COMMITTED


def _told(events: Iterable[Json], belongs: Any) -> Iterator[str]:
    """The labels in order; of the deltas of one kind and item the first, neighbours among them by name."""
    seen: set[tuple[str, str]] = set()
    deltas: list[str] = []
    for event in filter(belongs, events):
        name = label(event)
        if name.endswith(".delta"):
            if (key := (name, str(event.get("item_id")))) not in seen:
                seen.add(key)
                deltas.append(name)
            continue
        yield from sorted(deltas)
        deltas = []
        yield name
    yield from sorted(deltas)


def _order(there: list[str], here: list[str], *, ended: bool) -> Iterator[Unlike]:
    """What is missing, what is more, and what comes at another place; what follows the end of a recording is unknown."""
    missing, more = Counter(there) - Counter(here), Counter(here) - Counter(there)
    steps = SequenceMatcher(None, there, here, autojunk=False).get_opcodes()
    tail = here[steps[-1][3] :] if steps and steps[-1][0] == "insert" and not ended else []
    more -= Counter(tail)
    for name, count in missing.items():
        yield Unlike(name, "missing", _times(count), "absent")
    for name, count in more.items():
        yield Unlike(name, "more", "absent", _times(count))
    common = [_common(one, other) for one, other in ((there, here), (here, there))]
    moved = dict.fromkeys(a for a, b in zip(*common, strict=True) if a != b)
    for name in list(moved)[:1]:
        yield Unlike(name, "order", *(_neighbours(names, name, *common) for names in common))


def _common(names: Sequence[str], others: Sequence[str]) -> list[str]:
    left, found = Counter(others), []
    for name in names:
        if left[name]:
            left[name] -= 1
            found.append(name)
    return found


def _neighbours(names: Sequence[str], name: str, there: Sequence[str], here: Sequence[str]) -> str:
    at = next(i for i, (a, b) in enumerate(zip(there, here, strict=True)) if a != b)
    return " → ".join(names[max(0, at - 1) : at + 3])


def _contents(there: Sequence[Json], here: Sequence[Json], of: Circumstances) -> Iterator[Unlike]:
    """The n-th of each label with the n-th, of deltas the first of each item."""
    left: dict[str, list[Json]] = {}
    for event in _without_more_deltas(here):
        left.setdefault(label(event), []).append(event)
    for event in _without_more_deltas(there):
        if others := left.get(label(event)):
            yield from differing(event, others.pop(0), label(event), of)


def _without_more_deltas(events: Iterable[Json]) -> Iterator[Json]:
    seen = set()
    for event in events:
        key = label(event), str(event.get("item_id"))
        if not key[0].endswith(".delta") or key not in seen:
            yield event
        seen.add(key)


def _obfuscated(there: Iterable[Json], here: Iterable[Json]) -> Iterator[Unlike]:
    """The length of an obfuscation fills a block with the delta's, where it does so there."""
    ruled = {label(e) for e in there if "obfuscation" in e and _fills(e)}
    for event in here:
        if label(event) in ruled and not (isinstance(event.get("obfuscation"), str) and _fills(event)):
            yield Unlike(
                f"{label(event)} obfuscation", "rule", f"fills {_BLOCK}", str(event.get("obfuscation", "absent"))
            )
            return


def _fills(event: Json) -> bool:
    return (len(str(event.get("delta"))) + len(str(event.get("obfuscation")))) % _BLOCK == 0


def _ends(played: Played) -> Iterator[Unlike]:
    closes = [f.close for f in played.recording.frames if f.close]
    if closes and closes[-1] != played.close:
        yield Unlike("close", "value", str(closes[-1]), str(played.close))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
