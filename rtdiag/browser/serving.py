"""The page of a run: served from its beginning to its end, opened in a browser, asked once, and told at last what came of it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rtdiag.browser.account import Account
from rtdiag.browser.asked_page import Asked, GiveToken, Tabs
from rtdiag.browser.opening import DEFAULT, Browser, Headless, may_open_by_itself, open_by_itself
from rtdiag.browser.page_requests import LOOPBACK, Requests, Secrets
from rtdiag.browser.tabs import Story
from rtdiag.redact import Mask

if TYPE_CHECKING:
    from aiohttp import web

A_PERSON_S, A_BROWSER_S = 120.0, 30.0  # until Start is pressed, or the page begins by itself
ASKING_S = 120.0  # then, for all of its questions
_GONE_S = 4.0  # a slow reload is back sooner
_FETCHED_S = 1.0  # for the result
_STOP_S = 0.5  # for requests that are being answered at the end


@dataclass(frozen=True)
class Opening:
    """How a run's page is to be opened: by which browser, where it is served, how long it is waited for."""

    browser: Browser
    host: str = LOOPBACK
    patience_s: float = A_PERSON_S

    @property
    def wait_s(self) -> float:
        """Until it begins."""
        return A_BROWSER_S if self.browser.headless else self.patience_s

    @property
    def takes_s(self) -> float:
        """How long it may take in all."""
        return self.wait_s + ASKING_S


def _is_defect(record: logging.LogRecord) -> bool:
    """Whether aiohttp logs a defect of ours, and not that a client speaks no HTTP, or is gone."""
    from aiohttp.http import HttpProcessingError
    from aiohttp.web import RequestPayloadError

    return not (record.exc_info and isinstance(record.exc_info[1], (HttpProcessingError, RequestPayloadError, OSError)))


_LOG = logging.getLogger("rtdiag.browser")
_LOG.addFilter(_is_defect)


class Serving:
    """`async with Serving(opening, base_url, mask, say) as page`: a Page (asked_page.py) that is open in a browser.

    `base_url` is the API's. `say` is told, in one line, what a person has to do. Raises OSError where the host is none of this
    machine's addresses. When left, nothing listens any more, and a browser that was started is gone.
    """

    def __init__(self, opening: Opening, base_url: str, mask: Mask, say: Callable[[str], None]) -> None:
        self.auto = opening.browser.headless
        self._opening, self._base_url, self._mask, self._say = opening, base_url, mask, say
        self._paths, self._story = Secrets(), Story()
        for secret in self._paths.all():
            mask.learn(secret)
        self._origin = ""
        self._runner: web.AppRunner | None = None
        self._headless: Headless | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """The link, with its secret."""
        return f"{self._origin}/{self._paths.page}/"

    @property
    def watch_line(self) -> str:
        """What a user pastes into a page of his own; without `crossorigin` it would hide from that page what its errors say."""
        return f'<script src="{self._origin}/{self._paths.watch}/watch.js" crossorigin></script>'

    async def ask(self, plan: Mapping[str, Any], token: GiveToken, wait_s: float | None = None) -> Asked:
        """See Page.ask."""
        story, here = self._story, contextvars.copy_context()

        async def given(case: str) -> Mapping[str, Any] | str:
            """By the one who asks the page: what it costs is his."""
            done: Mapping[str, Any] | str = await self._at_work(token(case), here)
            return done

        story.token = given
        story.plan = {"auto": self.auto, "watch_line": self.watch_line, **plan}
        story.happened()
        try:
            why = await self._kept(self._opening.wait_s if wait_s is None else wait_s)
        finally:
            story.token = None
        return Asked(story.account, why, self._tabs(closed=bool(why) and story.left_at is not None))

    async def watched(self, wait_s: float = 0.0) -> Account | None:
        """See Page.watched."""
        until = asyncio.get_running_loop().time() + wait_s
        if wait_s and self._story.watched is None:
            alone = "" if self._story.opened else ", which is all that is needed"
            self._say(f"Put this line into your page, before its own scripts, and load it{alone}: {self.watch_line}")
        while self._story.watched is None and asyncio.get_running_loop().time() < until:
            await self._story.next(until)
        return self._story.watched

    async def give(self, result: Mapping[str, Any]) -> None:
        """Show the page what came of the run, JSON; waits no longer than a second until an open one has it."""
        story, until = self._story, asyncio.get_running_loop().time() + _FETCHED_S
        story.result = result
        story.happened()
        while story.is_open and not story.delivered and asyncio.get_running_loop().time() < until:
            await story.next(until)

    async def _kept(self, wait_s: float) -> str:
        """Wait until the page has told all; what kept it from that, or ""."""
        story, clock = self._story, asyncio.get_running_loop().time
        began, until = story.begun, clock() + (ASKING_S if story.begun else wait_s)
        while not (story.account and story.account.done):
            gone_at = None if story.left_at is None else story.left_at + _GONE_S
            if self._headless and self._headless.ended:
                return f"{self._name} ended before the page was done: {self._headless.ended}"
            if gone_at is not None and clock() >= gone_at:
                return "the page's tab was closed before it was done"
            if clock() >= until:
                return self._late(wait_s)
            await story.next(until if gone_at is None else min(until, gone_at))
            if story.begun and not began:
                began, until = True, clock() + ASKING_S
        return ""

    def _late(self, wait_s: float) -> str:
        who = self._name if self.auto else "nobody"
        if self._story.begun:
            return f"the page had not told all {ASKING_S:g} s after it began"
        if not self._story.opened:
            return f"{who} {'did not open' if self.auto else 'opened'} the page within {wait_s:g} s"
        return (
            f"the page in {who} did not begin within {wait_s:g} s"
            if self.auto
            else f"nobody pressed Start within {wait_s:g} s"
        )

    @property
    def _name(self) -> str:
        return self._opening.browser.version or self._opening.browser.name

    def _tabs(self, *, closed: bool) -> Tabs:
        story, headless = self._story, self._headless
        return Tabs(
            opened=story.opened,
            refused=len(story.refused),
            reloads=max(story.loads - 1, 0),
            closed=closed,
            browser=self._opening.browser.version,
            console=tuple(headless.console) if headless else (),
            ended=headless.ended if headless else "",
        )

    async def _at_work(self, work: Awaitable[Any], here: contextvars.Context) -> Any:
        """What it comes to, in that context; it ends with us at the latest."""

        async def done() -> Any:
            return await work

        task = asyncio.get_running_loop().create_task(done(), context=here)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def __aenter__(self) -> Serving:
        from aiohttp import web

        requests = Requests(self._story, self._paths, self._opening.host, self._base_url)
        self._runner = web.AppRunner(
            requests.application(),
            access_log=None,
            logger=_LOG,
            auto_decompress=False,  # what is small may not become large
            handler_cancellation=True,  # so a tab that is closed is seen
            shutdown_timeout=_STOP_S,
            lingering_time=_STOP_S,
        )
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, self._opening.host, 0).start()
            address, port, *_ = self._runner.addresses[0]
            self._origin = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
            await self._open()
        except BaseException:
            await self._stop()
            raise
        return self

    async def _open(self) -> None:
        """By a link that is good once where a program gets it: who else is on this machine can read how it was started."""
        browser, once = self._opening.browser, f"{self._origin}/{self._paths.once}"
        if browser.headless:
            self._headless = Headless(browser, self._shown, self._story.happened)
            await self._headless.start(once)
        elif browser.name == DEFAULT and may_open_by_itself() and await open_by_itself(once):
            self._say(f"A page opens in your browser: press Start there. If none does, open {self.url}")
        else:
            self._say(f"Open {self.url} in your browser and press Start.")

    def _shown(self, line: str) -> str:
        return self._mask(line, "browser")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """All of it, also when the exit itself is cancelled."""
        stopping = asyncio.ensure_future(self._stop())
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            await stopping
            raise

    async def _stop(self) -> None:
        self._story.over = "the run is over"
        self._story.happened()
        for task in self._tasks:
            task.cancel()
        if self._headless:
            await self._headless.end()
        if self._runner:
            await self._runner.cleanup()
