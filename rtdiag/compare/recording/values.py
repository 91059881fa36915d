"""Where two JSON values differ, key by key: which keys, in which order, which constants; ids by their form, times by how far off.

Nothing is forgiven here: what cannot be alike is told by `cannot_be_alike.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from rtdiag.api.expressions import expression
from rtdiag.compare import normalize
from rtdiag.compare.recording.ids import ID, Names, form, is_id
from rtdiag.compare.recording.recording import CUT

What = Literal["missing", "more", "value", "form", "order", "status", "rule"]
TIMES = frozenset({"expires_at", "created_at"})
TOLERANCE_S = 5
_CUT_SHORT = expression(r"(.*?)(?:…|\.\.\.)", re.DOTALL)
# What a recording has of a header or field where a secret was taken out.
_SCRUBBED = expression(r"ek_(scrubbed|\*+)")


@dataclass(frozen=True)
class Unlike:
    """One thing that differs. `place`: which answer or event, and what in it; `missing` is what the emulator lacks."""

    place: str
    what: What
    there: str
    here: str

    def __str__(self) -> str:
        return f"{self.place}, {self.what}: there {self.there}; here {self.here}"


@dataclass(frozen=True)
class Circumstances:
    """What must be known to compare: `names`, when each side answered, whether key order and all keys are shown.

    When is unix seconds, None where it is unknown, and here between which two.
    """

    names: Names
    there_s: float | None
    here_s: tuple[float, float]
    ordered: bool = True
    whole: bool = True


def differing(there: Any, here: Any, place: str, of: Circumstances) -> Iterator[Unlike]:
    """Where they differ; `place` is what they are."""
    if isinstance(there, dict) and CUT in there:
        if not (isinstance(here, str) and here):
            yield _unlike(place, "form", "audio", here)
    elif isinstance(there, dict) and isinstance(here, dict):
        yield from _objects(there, here, place, of)
    elif isinstance(there, list) and isinstance(here, list):
        if len(there) != len(here):
            yield _unlike(place, "value", there, here)
        for one, other in zip(there, here, strict=False):
            yield from differing(one, other, place + "[]", of)
    elif type(there) is not type(here) or (there is not None and bool(there) != bool(here)):
        yield _unlike(place, "form", there, here)
    elif there != here:
        yield from _scalars(there, here, place, of)


def _objects(there: dict[str, Any], here: dict[str, Any], place: str, of: Circumstances) -> Iterator[Unlike]:
    for key in there:
        if key not in here and key != "obfuscation":  # that has a rule of its own: frames.py
            yield _unlike(_below(place, key), "missing", there[key], "absent")
    for key in here:
        if key not in there and of.whole:
            yield _unlike(_below(place, key), "more", "absent", here[key])
    both = [key for key in there if key in here]
    orders = [", ".join(key for key in one if key in both) for one in (there, here)]
    if of.ordered and of.whole and orders[0] != orders[1]:
        yield Unlike(place, "order", *orders)
    for key in both:
        if key in TIMES and there[key] and here[key]:
            yield from _times(there[key], here[key], _below(place, key), of)
        elif key != "obfuscation":
            yield from differing(there[key], here[key], _below(place, key), of)


def _scalars(there: Any, here: Any, place: str, of: Circumstances) -> Iterator[Unlike]:
    if is_id(there) and is_id(here):
        if form(there) != form(here):
            yield Unlike(place, "form", form(there), form(here))
        elif of.names.other(there, here):
            yield Unlike(place, "value", there, f"{here}, the id of something else")
    elif isinstance(there, str) and _SCRUBBED.fullmatch(there):
        if not here.startswith("ek_"):
            yield _unlike(place, "form", there, here)
    elif not of.whole and isinstance(there, str):
        found = _CUT_SHORT.match(there)
        begin = found[1] if found else there.rstrip(".")
        if not (here.startswith(begin) or _evened(here).startswith(_evened(begin))):
            yield _unlike(place, "value", there, here)
    elif not (isinstance(there, str) and of.names.translated(there) == here):
        yield _unlike(place, "value", there, here)


def _evened(text: str) -> str:
    """A text without what is drawn or counted for one session."""
    return re.sub(r"\d+ms", "<n>ms", ID.sub("<id>", text))


def _times(there: Any, here: Any, place: str, of: Circumstances) -> Iterator[Unlike]:
    """Times by how long after the answer they are."""
    if not (normalize.is_time(there) and normalize.is_time(here)):
        yield _unlike(place, "form", there, here)
    elif of.there_s is not None:
        later_s, (began_s, ended_s) = there - of.there_s, of.here_s
        if not here - ended_s - TOLERANCE_S <= later_s <= here - began_s + TOLERANCE_S:
            yield Unlike(place, "value", f"{later_s:+.0f} s from then", f"{here - ended_s:+.0f} s from then")


def _unlike(place: str, what: What, there: Any, here: Any) -> Unlike:
    one, other = (ID.sub(lambda found: form(found[0]), text) for text in normalize.briefs(there, here))
    return Unlike(place, what, "absent" if what == "more" else one, "absent" if what == "missing" else other)


def _below(place: str, key: str) -> str:
    return f"{place}{'.' if ' ' in place else ' '}{key}"
