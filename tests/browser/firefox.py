"""Debian's Firefox, headless, with a fake microphone, that does what it is told by WebDriver BiDi."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.needs import needed

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_PREFERENCES = """
user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("media.peerconnection.ice.loopback", true);
user_pref("network.proxy.type", 0);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.update.enabled", false);
"""


_NUMBERS = itertools.count()
_LISTENS = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")


class Fox:
    """A Firefox that is told what to do, in the commands of w3.org/TR/webdriver-bidi."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def hear(self) -> None:
        """Give every answer to who waits for it, until Firefox ends."""
        async for message in self._connection:
            answer = json.loads(message)
            if "id" in answer:
                self._waiting.pop(answer["id"]).set_result(answer)

    async def tell(self, method: str, **parameters: Any) -> Any:
        """The result of one command; several may be under way. Raises AssertionError with what Firefox says against it."""
        number = next(_NUMBERS)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        answer = await self._waiting[number]
        assert answer["type"] == "success", answer
        return answer["result"]

    @asynccontextmanager
    async def tab(self, url: str) -> AsyncIterator[str]:
        """The id of a tab that shows that page."""
        opened = (await self.tell("browsingContext.create", type="tab"))["context"]
        try:
            await self.tell("browsingContext.navigate", context=opened, url=url, wait="complete")
            yield opened
        finally:
            await self.tell("browsingContext.close", context=opened)

    async def evaluate(self, tab: str, script: str) -> Any:
        """What that comes to in the page, as if its user had asked for it; a promise is waited for."""
        asked = {"target": {"context": tab}, "awaitPromise": True, "userActivation": True}
        return (await self.tell("script.evaluate", expression=script, **asked))["result"].get("value")


@asynccontextmanager
async def fox() -> AsyncIterator[Fox]:
    """A Firefox of its own that does what it is told."""
    from websockets.asyncio.client import connect

    async with _started("--remote-debugging-port=0", stderr=asyncio.subprocess.PIPE) as process:
        assert process.stderr
        async for line in process.stderr:
            if listens := _LISTENS.search(line):
                break
        else:
            raise AssertionError("Firefox did not say where it listens")
        reading = asyncio.create_task(process.stderr.read())  # else it waits for us at last
        async with connect(listens[1].decode() + "/session", max_size=None, proxy=None) as connection:
            told = Fox(connection)
            hearing = asyncio.create_task(told.hear())
            await told.tell("session.new", capabilities={})
            yield told
            hearing.cancel()
        reading.cancel()


@asynccontextmanager
async def _started(
    *arguments: str, stderr: int = asyncio.subprocess.DEVNULL
) -> AsyncIterator[asyncio.subprocess.Process]:
    path = needed(shutil.which("firefox-esr"), "Firefox is not installed (apt-get install firefox-esr)")
    with TemporaryDirectory(prefix="rtdiag-firefox-", ignore_cleanup_errors=True) as profile:
        (Path(profile) / "user.js").write_text(_PREFERENCES, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(path, "--headless", "--no-remote", "--profile", profile, *arguments),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
        )
        try:
            yield process
        finally:
            process.terminate()
            await process.wait()
