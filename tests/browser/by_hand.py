"""A page without a browser: what rtdiag's page asks, asked by httpx; and a program that stands in for a browser that opens it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from rtdiag.browser.asked_page import Asked
from rtdiag.browser.opening import Browser
from rtdiag.browser.serving import Opening, Serving
from rtdiag.redact import Mask

STUB = Path(__file__).with_name("stub_page")
API = "http://127.0.0.1:9/v1"
TOKEN = "ek_fakefakefakefakefakefakefake0001"  # pragma: allowlist secret
ACCOUNT = {"rtdiag_account": 1}

# It goes by the link that it is given, and tells what its last argument says; `{mark}` is a file that it writes when it is there.
_PROGRAM = """#!{python}
import json, os, subprocess, sys, time, urllib.request
if sys.argv[1:] == ["--version"]:
    print({said!r})
    sys.exit()
tab = {{"X-Rtdiag-Tab": "by-a-program"}}
def ask(path, body=None):
    told = urllib.request.Request(page + path, json.dumps(body).encode() if body else None, tab)
    return urllib.request.urlopen(told).read()
def write(text):
    with open({mark!r} + ".new", "w") as file:
        file.write(text)
    os.rename({mark!r} + ".new", {mark!r})
{before}
page = urllib.request.urlopen(sys.argv[-1]).url
{does}
"""
ANSWERS = 'ask("plan"); ask("tell", {"rtdiag_account": 1, "done": True}); ask("result")'
STAYS = (
    'child = subprocess.Popen(["sleep", "600"]); profile = sys.argv[-2].partition("=")[2]; ask("plan"); '
    'write(json.dumps([os.getpid(), child.pid, profile, page, sys.argv])); ask("tell", {"rtdiag_account": 1}); time.sleep(600)'
)
BREAKS = 'sys.stderr.write("[1:1:FATAL:zygote.cc] No usable sandbox!\\n"); sys.exit(133)'


def program(folder: Path, does: str, said: str = "Chromium 1.2.3", before: str = "") -> Path:
    """A browser of that version that does that, and something else before it opens the page."""
    path = folder / "browser"
    path.write_text(
        _PROGRAM.format(python=sys.executable, said=said, mark=str(folder / "mark"), does=does, before=before)
    )
    path.chmod(0o755)
    return path


async def no_token(case: str) -> str:
    return f"none for {case}"


@asynccontextmanager
async def served(wait_s: float = 60.0, said: list[str] | None = None) -> AsyncIterator[Serving]:
    """A page that nobody opens by itself; what a person has to do is `said`."""
    told = [] if said is None else said
    async with Serving(Opening(Browser("print"), patience_s=wait_s), API, Mask(), told.append) as page:
        yield page


class ByHand:
    """A tab of that id, or one without."""

    def __init__(self, page: Serving, client: httpx.AsyncClient, tab: str) -> None:
        self._page, self._client = page, client
        self.headers = {"X-Rtdiag-Tab": tab} if tab else {}

    async def get(self, path: str = "", **headers: str) -> httpx.Response:
        return await self._client.get(self._page.url + path, headers={**self.headers, **headers})

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        content: dict[str, Any] = {"content": body} if not isinstance(body, dict) else {"json": body}
        return await self._client.post(self._page.url + path, headers={**self.headers, **headers}, **content)

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[int]:
        """Open until left; the status."""
        async with self._client.stream("GET", self._page.url + "alive", headers=self.headers) as response:
            yield response.status_code


@asynccontextmanager
async def tabs(page: Serving, *ids: str) -> AsyncIterator[list[ByHand]]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        yield [ByHand(page, client, one) for one in ids]


def asking(page: Serving, token: Callable[[str], Awaitable[Any]] = no_token, **plan: Any) -> asyncio.Task[Asked]:
    """The page is asked, from now on."""
    return asyncio.create_task(page.ask({"cases": ["secure"], **plan}, token))
