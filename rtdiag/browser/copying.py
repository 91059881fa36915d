"""How what a page tells is copied into the record of a run: masked again, cut, and on the run's clock.

It may be anything, of any size: beyond a limit nothing more is copied, since masking takes its time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, TypeVar

from rtdiag.api.keys import MADE_UP_TOKEN
from rtdiag.browser.account import Account
from rtdiag.transport.http import masked_headers
from rtdiag.transport.recorder import Recorder

LONGEST, _LONGEST_WORDS = 64 * 1024, 2000  # characters of a body or an event, and of any other text
_ALL = 1024 * 1024  # of one account's exchanges, events, peers and facts, each
_DEEPEST, _WIDEST = 5, 200  # of facts, and of headers
_MOST = 1e11  # of a number, or of milliseconds
_SKEW_MS = 1000
_STARRED = f"ek_{'*' * (len(MADE_UP_TOKEN) - 7)}{MADE_UP_TOKEN[-4:]}"

T = TypeVar("T")


class Copy:
    """One account on its way into the record. `left_out` counts what was too much."""

    def __init__(self, account: Account, recorder: Recorder) -> None:
        self.left_out = account.left_out
        self._mask, self._left = recorder.mask, defaultdict[str, int](lambda: _ALL)
        self._shift_ms = _shift(account, recorder)

    def at(self, at_ms: float) -> float:
        """A moment of the account by the clock of the run."""
        return round(min(max(self._shift_ms + time(at_ms), 0.0), _MOST), 1)

    def text(self, text: str, where: str, most: int = _LONGEST_WORDS) -> str:
        """A text that may be shown."""
        return self._mask(self._cut(text, where, most), where)

    def headers(self, headers: Sequence[tuple[str, str]], where: str) -> tuple[tuple[str, str], ...]:
        """Headers; the made-up token, which watch.js takes for a secret, as it is."""
        cut = [(self._cut(n, where, 200), self._cut(v, where)) for n, v in headers[:_WIDEST]]
        shown = ((name, value.replace(_STARRED, MADE_UP_TOKEN)) for name, value in cut if name)
        return masked_headers(shown, self._mask, where)

    def facts(self, value: Any, depth: int = _DEEPEST) -> Any:
        """Any value of JSON: no deeper and no wider than the limits, and without numbers that are none."""
        if isinstance(value, str):
            return self.text(value, "facts")
        if isinstance(value, Mapping) and depth:
            some = list(value.items())[:_WIDEST]
            return {self.text(str(name), "facts", 100): self.facts(one, depth - 1) for name, one in some}
        if isinstance(value, list | tuple) and depth:
            return [self.facts(one, depth - 1) for one in self.ends(value, _WIDEST)]
        return value if isinstance(value, int | float) and abs(value) < _MOST else None

    def _cut(self, text: str, where: str, most: int = _LONGEST_WORDS) -> str:
        of = where.partition(".")[0]
        cut = text[: min(most, self._left[of])]
        self._left[of] -= len(cut)
        return cut

    def ends(self, found: Sequence[T], most: int) -> list[T]:
        """No more than so many of them: the first and the last."""
        if len(found) <= most:
            return list(found)
        self.left_out += len(found) - most
        return [*found[: most // 2], *found[-(most // 2) :]]


def time(at_ms: float | None) -> float:
    """A moment that is one."""
    return min(max(at_ms, -_MOST * 100), _MOST * 100) if at_ms is not None and isfinite(at_ms) else 0.0


def span(began_ms: float, ended_ms: float) -> float:
    """How long that is, in milliseconds; never less than nothing."""
    return round(min(max(time(ended_ms) - time(began_ms), 0.0), _MOST), 1)


def last_ms(account: Account) -> float:
    """The last moment that the account tells of."""
    return max(_times(account), default=0.0)


def _times(account: Account) -> Iterator[float]:
    for request in account.requests:
        yield from (time(request.at_ms), time(request.at_ms) + time(request.took_ms))
    for socket in account.sockets:
        yield from (time(at) for at in (socket.at_ms, socket.opened_ms, socket.closed_ms) if at is not None)
    for peer in account.peers:
        yield from (time(peer.at_ms), *(time(at) for at, *_ in peer.states))
    yield from (time(event.at_ms) for event in account.events)


def _shift(account: Account, recorder: Recorder) -> float:
    """What the clocks differ by. Where that of another machine goes wrong, the last moment of the account is now."""
    shift = time(account.epoch_ms) - recorder.started_at.timestamp() * 1000
    first, last, now = min(_times(account), default=0.0), last_ms(account), recorder.now_ms()
    return shift if shift + first > -_SKEW_MS and shift + last < now + _SKEW_MS else now - last
