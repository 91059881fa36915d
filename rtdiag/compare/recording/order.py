"""Two sequences of names: what one lacks, what it has more, and where they first come in another order. Linear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rtdiag.compare.recording.values import Unlike


def sequences(there: Sequence[str], here: Sequence[str], place: str = "", *, ends: bool = True) -> Iterator[Unlike]:
    """What differs; `place` stands before each name. Where `there` does not end, what follows all of it is no difference."""
    here = here if ends else here[: _length(there, here)]
    for name, count in (Counter(there) - Counter(here)).items():
        yield Unlike(place + name, "missing", _times(count), "absent")
    for name, count in (Counter(here) - Counter(there)).items():
        yield Unlike(place + name, "more", "absent", _times(count))
    one, other = _common(there, here), _common(here, there)
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), None)
    if at is not None:
        yield Unlike(place + one[at], "order", *(" → ".join(names[max(0, at - 1) : at + 3]) for names in (one, other)))


def _length(there: Sequence[str], here: Sequence[str]) -> int:
    """How much of `here` holds all of `there`, all of it where none does."""
    left, lacking = Counter(there), len(there)
    for length, name in enumerate(here, 1):
        if left[name]:
            left[name] -= 1
            lacking -= 1
        if not lacking:
            return length
    return len(here)


def _common(names: Sequence[str], others: Sequence[str]) -> list[str]:
    left, found = Counter(others), []
    for name in names:
        if left[name]:
            left[name] -= 1
            found.append(name)
    return found


def _times(count: int) -> str:
    return "present" if count == 1 else f"{count} times"
