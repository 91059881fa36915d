"""What a page has told of a case, read as what it should be: another program wrote it, in a page that others may have changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from rtdiag.model import Exchange, Observation, PeerTrace

_LONGEST = 200  # characters of the browser's own words that a finding shows
_LONGEST_LINE = 400  # of its console: chromium says at its end which header of CORS is missing


def _on_one_line(text: str, longest: int) -> str:
    words = " ".join(text[: 4 * longest].split())
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


@dataclass(frozen=True)
class Told:
    """What both sides have told for one case: the page's facts and records, and beside them those of the command line."""

    seen: Observation

    def text(self, name: str) -> str:
        """A fact that is a text, on one line; "" where it is none."""
        value = self.seen.facts.get(name)
        return _on_one_line(value, _LONGEST) if isinstance(value, str) else ""

    def number(self, name: str) -> float | None:
        """A fact that is a finite number, not negative; None where it is none."""
        value = self.seen.facts.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            return None
        return float(value)

    def yes(self, name: str) -> bool | None:
        """A fact that is true or false; None where it is neither."""
        value = self.seen.facts.get(name)
        return value if isinstance(value, bool) else None

    def list(self, name: str) -> list[Any]:
        """A fact that is a list; empty where it is none."""
        value = self.seen.facts.get(name)
        return value if isinstance(value, list) else []

    @property
    def console(self) -> tuple[str, ...]:
        """The lines of the console, each once."""
        lines = (line for line in self.list("console") if isinstance(line, str))
        return tuple(dict.fromkeys(_on_one_line(line, _LONGEST_LINE) for line in lines))

    @property
    def took(self) -> str:
        """How long it took, for `measured`; "" where that was not told."""
        took_ms = self.number("took_ms")
        return "" if took_ms is None else f"{took_ms:.0f} ms"

    @property
    def there(self) -> Exchange | None:
        """The last request that the browser has made for it."""
        return next((x for x in reversed(self.seen.exchanges) if x.by), None)

    @property
    def here(self) -> Exchange | None:
        """The command line's own request that it is held against."""
        return next((x for x in reversed(self.seen.exchanges) if not x.by), None)

    @property
    def peer(self) -> PeerTrace | None:
        """The browser's connection, or socket."""
        return next((p for p in reversed(self.seen.peers) if p.by), None)

    @property
    def our_peer(self) -> PeerTrace | None:
        """The command line's own."""
        return next((p for p in reversed(self.seen.peers) if not p.by), None)


def kept_from_pages(answer: Exchange) -> bool:
    """Whether every browser keeps it from a page: a login to a proxy, and what leads elsewhere, which the page's policy forbids."""
    return answer.status == 407 or 300 <= (answer.status or 0) < 400
