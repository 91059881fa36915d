"""What became of a session on its way through a server, field by field. Pure: what was asked and heard goes in.

The steps are `mint`, `created` (the first event of the session that was opened with it) and `updated`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rtdiag.api.sessions import Json
from rtdiag.engine.context import MintedToken
from rtdiag.model import ApiError, Event
from rtdiag.remedy.json_paths import Place, at, dotted, fate, leaves, within
from rtdiag.remedy.repair import Repaired
from rtdiag.session.field_search import Culprit, Found

STEPS = ("mint", "created", "updated")


@dataclass(frozen=True)
class ServerAnswer:
    """What a server said of a session that was sent to it: `taken` is None where it said nothing of the session."""

    taken: bool | None = None
    error: ApiError | None = None
    echoed: Json = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    minted: MintedToken | None = None


@dataclass
class Trail:
    """The way of one session: what was `told` of the whole at each step, what was `found` where it was refused.

    Of the session that was taken in its place, `echoes` holds what was shown of it, and `minted` its token.
    `mended` is what rtdiag has made of it, where that was taken and nothing else.
    """

    own: Json
    masked: Callable[[Any], Any] = lambda value: value
    told: dict[str, ServerAnswer] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)
    echoes: dict[str, Json] = field(default_factory=dict)
    minted: MintedToken | None = None
    mended: Json | None = None

    def at(self, step: str) -> ServerAnswer:
        """What was told at that step; nothing where it was not asked."""
        return self.told.get(step, ServerAnswer())

    @property
    def taken(self) -> Json | None:
        """The session that was taken in place of the one that was refused."""
        return self.found[self.taken_by].taken if self.taken_by else None

    @property
    def taken_by(self) -> str | None:
        """The step at which that one was taken."""
        return next((s for s in ("mint", "updated") if s in self.found and self.found[s].taken is not None), None)

    @property
    def undecided(self) -> list[str]:
        """The fields of which some are refused, and which of them is not known."""
        return list(dict.fromkeys(dotted(place) for found in self.found.values() for place in found.undecided))

    def culprits(self, repaired: Repaired) -> list[Json]:
        """The refused fields with their values and errors, and what `repaired` has in their place."""
        every = {culprit.place: culprit for found in self.found.values() for culprit in found.culprits}
        return [self._culprit(culprit, repaired) for culprit in every.values()]

    def _culprit(self, culprit: Culprit, repaired: Repaired) -> Json:
        error = culprit.error
        return {
            "field": dotted(culprit.place),
            "value": at(self.own, culprit.place),
            "left_out": dotted(culprit.left_out),
            "refused_at": [s for s, found in self.found.items() if culprit.place in [c.place for c in found.culprits]],
            "error": vars(error) if error else None,
            "instead": _instead(culprit, repaired),
        }

    def fields(self) -> Iterator[Json]:
        """Every field that was sent, and at each step one of the words of `_fate`; `echoes` shows other values."""
        for place, value in leaves(self.own):
            fates = {step: self._fate(step, place, value) for step in STEPS}
            echoes = {step: at(self._shown(step), place) for step in STEPS if fates[step] == "other"}
            yield {"field": dotted(place), "sent": value, **fates} | ({"echoes": echoes} if echoes else {})

    def _fate(self, step: str, place: Place, value: Any) -> str:
        """`same`, `other`, `absent` · `refused`, `left out`, `changed`, `undecided`, `refused as a whole` ·
        `not asked`, `not sent`, `unknown`."""
        told, found = self.at(step), self.found.get("mint" if step == "created" else step)
        if told.taken is None and step not in self.echoes:
            return "unknown" if step in self.told else "not asked"
        if step == "updated" and place == ("model",):
            return "not sent"
        if told.taken:
            return self._compared(value, at(told.echoed, place))
        for culprit in found.culprits if found else ():
            if within(place, culprit.place) or within(culprit.place, place):
                return "refused"
            if within(place, culprit.left_out):
                return "left out"
        if step not in self.echoes:
            return "refused as a whole"
        taken = found.taken if found and found.taken else self.mended
        if taken is None or at(taken, place) != value:
            return "changed" if taken is self.mended else "undecided"
        return self._compared(value, at(self._shown(step), place))

    def _compared(self, sent: Any, echoed: Any) -> str:
        """Both as the record has them: what events hold is masked already."""
        return fate(self.masked(sent), self.masked(echoed))

    def _shown(self, step: str) -> Json:
        return self.at(step).echoed if self.at(step).taken else self.echoes.get(step, {})


def _instead(culprit: Culprit, repaired: Repaired) -> str:
    """What rtdiag sends in its place; "" where it knows nothing better than to leave it out."""
    name, whole = f"{dotted(culprit.place)}.", f"{dotted(culprit.left_out)}."
    about = [c for c in repaired.changes if c.place and name.startswith((f"{c.place}.", f"{c.place}["))]
    about = about or [c for c in repaired.changes if f"{c.place}.".startswith(whole)]
    return "; ".join(f"{c.what}, {c.why}" for c in about)
