"""What a check asks a page by, and what becomes of that: the page that a run has open in a browser, as a probe knows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rtdiag.browser.account import Account

# Asked with the id of a case: `{"value": "ek_…", "expires_at": 1}` as minted, or in words why there is none.
GiveToken = Callable[[str], Awaitable[Mapping[str, Any] | str]]


@dataclass(frozen=True)
class Tabs:
    """What became of the page: how often it was `opened`, in how many tabs more it was `refused`, how often it was reloaded,
    whether the tab that had it was `closed` before it was done.

    `browser` is `Chromium 156.0.1.2` where rtdiag started it and knows, else "". `console` are lines that a user would see there,
    masked, at most 500, of a chromium that rtdiag started. `ended` is what became of that browser itself, where it ended too soon:
    its exit code and its last line.
    """

    opened: int = 0
    refused: int = 0
    reloads: int = 0
    closed: bool = False
    browser: str = ""
    console: tuple[str, ...] = ()
    ended: str = ""


@dataclass(frozen=True)
class Asked:
    """What came of asking a page: what it has told until now, `done` or not, None where it has told nothing.

    `why` is "" where it was asked to the end; else one sentence that says what kept it: nobody opened it, nobody pressed Start, its
    tab was closed, the time was over, the browser ended.
    """

    account: Account | None = None
    why: str = ""
    tabs: Tabs = field(default_factory=Tabs)


class Page(Protocol):
    """The page of a run: `ctx.options.page`, None where there is none."""

    @property
    def auto(self) -> bool:
        """Whether it begins by itself, without a person who presses Start: the `auto` of a plan."""

    @property
    def watch_line(self) -> str:
        """What a user pastes into a page of his own: `<script src="http://127.0.0.1:PORT/…/watch.js" crossorigin></script>`."""

    async def ask(self, plan: Mapping[str, Any], token: GiveToken, wait_s: float | None = None) -> Asked:
        """Hand out that plan (JSON), give tokens by their cases, and wait until the page has told all.

        `auto` and `watch_line` are added to the plan. `wait_s` is how long a person may take to open it and to press Start, the
        page's own patience where it is None; then it has as long as the questions may take. Ends early where the tab is closed or
        the browser ends. Whoever is cancelled here loses what was told: ask once. Never raises for what a page does.
        """

    async def watched(self, wait_s: float = 0.0) -> Account | None:
        """What a page of the user's own has told by the watch line: the newest that tells of anything, waited for so long.

        Where it is waited for, a person is told the line to paste.
        """
