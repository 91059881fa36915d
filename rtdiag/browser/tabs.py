"""Which tab has the run, whether it is still there, what it was given and what it has told: the page's story, without HTTP."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rtdiag.browser.account import Account

# Each load of the page asks anew, with tokens of its own.
_MOST_LOADS = 3
_MOST_REFUSED = 1000
RELOADED_S = 1.0  # a reload is back sooner

Given = Mapping[str, Any]


class Story:
    """The first tab that asks has the run, and another only once that is gone. Whoever waits is woken by whatever happens.

    `plan` and `result` are what the page waits for, None until they are there; `over`: neither comes any more, for that reason.
    """

    def __init__(self) -> None:
        self.opened = self.loads = 0
        self.refused: set[str] = set()
        self.begun = False
        self.account: Account | None = None
        self.watched: Account | None = None
        self.plan: Given | None = None
        self.result: Given | None = None
        self.delivered = self.once_used = False
        self.over = ""
        self.left_at: float | None = None
        self.token: Callable[[str], Awaitable[Given | str]] | None = None
        self._tab = ""
        self._open = Counter[str]()
        self._given: set[str] = set()
        self._waiting: set[asyncio.Event] = set()

    def has_the_run(self, tab: str) -> bool:
        """Whether that tab has it, from now on or as before."""
        if not self._tab or (tab != self._tab and self._is_gone()):
            self._tab, self.left_at = tab, None
            self.happened()
        if tab == self._tab:
            return True
        if len(self.refused) < _MOST_REFUSED:
            self.refused.add(tab)
        return False

    def _is_gone(self) -> bool:
        """Whether who has it has left, and not only to load the page again."""
        return self.left_at is not None and asyncio.get_running_loop().time() >= self.left_at + RELOADED_S

    @property
    def is_open(self) -> bool:
        """Whether a tab that has the run says now that it is there."""
        return self._open["alive"] > 0

    @contextmanager
    def living(self, tab: str, by: str) -> Iterator[None]:
        """While this lasts, that tab is there, by that request of its."""
        self._open[by] += 1
        self.left_at = None
        self.happened()
        try:
            yield
        finally:
            self._open[by] -= 1
            if not self._open.total() and tab == self._tab:
                self.left_at = asyncio.get_running_loop().time()
            self.happened()

    def loaded(self) -> None:
        """The tab has fetched the plan: it begins, or begins anew after a reload."""
        self.loads += 1
        self._given.clear()
        self.happened()

    async def token_for(self, case: str) -> Given | str:
        """A token for that case, or why there is none."""
        self.begin()
        if self.token is None or self.loads > _MOST_LOADS:
            return "no token is to be had now" if self.token is None else "the page was reloaded too often"
        if case in self._given:
            return "this case was given its token already"
        self._given.add(case)
        return await self.token(case)

    def begin(self) -> None:
        """Start was pressed, or the page began by itself."""
        self.begun = True
        self.happened()

    def tell(self, account: Account) -> None:
        """All that it has told until now."""
        self.account = account
        self.begin()

    def tell_watched(self, account: Account) -> None:
        """What a page of the user's own tells; what tells of nothing is not in the way of what does."""
        if self.watched is None or account.requests or account.sockets or account.peers:
            self.watched = account
            self.happened()

    def happened(self) -> None:
        """Wake whoever waits."""
        for waiting in self._waiting:
            waiting.set()

    async def next(self, until: float | None = None) -> None:
        """Wait until something happens, or until that time of the loop's clock."""
        woken = asyncio.Event()
        self._waiting.add(woken)
        try:
            async with asyncio.timeout_at(until):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(woken)
