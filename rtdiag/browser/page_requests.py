"""What the page and the watch line ask over HTTP, and who may: nobody but this machine's (or that host's) own page, by its secret.

All of the page lies below one secret path. `watched` lies below another, which knows nothing and is written alone, by any origin.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import MsgspecError

from rtdiag.browser.account import ACCOUNT, Account, account_of
from rtdiag.browser.tabs import RELOADED_S, Story
from rtdiag.intake import Unusable, refuse_many

if TYPE_CHECKING:
    from aiohttp import web

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOOPBACK = "127.0.0.1"
_TRUSTED = (
    LOOPBACK,
    "localhost",
    "::1",
)  # elsewhere a browser ignores some headers of a page over plain HTTP, and says so
_FILES = Path(__file__).with_name("page")
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_TAB = re.compile(r"[A-Za-z0-9_-]{8,64}")
_CASE = re.compile(r"[a-z0-9-]{1,40}")
_MOST_TOKEN_BYTES = 1000
_READ_S = 20.0  # for a body
_SIGN_S = 60.0  # Firefox ends a request that it hears nothing of for 300 s (its network.http.response.timeout)
_AT_ONCE = 2  # bodies that are read
_OF_ALL = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class Secrets:
    """Three paths that nobody guesses: the page's, the watch line's, and `once`, which leads to the page a single time.

    A browser is started with that one, for whoever else is on this machine can read how it was started.
    """

    def __init__(self) -> None:
        self.page, self.watch, self.once = (secrets.token_urlsafe(24) for _ in range(3))

    def all(self) -> tuple[str, ...]:
        """What no report may show."""
        return self.page, self.watch, self.once


class Requests:
    """The answers to what is asked of one run's page; `host` is where it listens, `base_url` the API's, which the page may ask."""

    def __init__(self, story: Story, paths: Secrets, host: str, base_url: str) -> None:
        self._story, self._paths, self._host = story, paths, host
        self._policy = _policy(base_url)
        self._reading = asyncio.Semaphore(_AT_ONCE)

    def application(self) -> web.Application:
        """All of it, for aiohttp to serve."""
        from aiohttp import web

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._refuse_others(request)
            return await handler(request)

        app = web.Application(client_max_size=ACCOUNT.most_bytes, middlewares=[guarded])
        app.on_response_prepare.append(self._prepared)
        page, watch = f"/{self._paths.page}", f"/{self._paths.watch}"
        app.router.add_get(f"/{self._paths.once}", self._once)
        app.router.add_get(f"{page}/", self._index)
        app.router.add_get(f"{page}/{{name:[a-z]+\\.(?:js|css)}}", self._file)
        app.router.add_get(f"{page}/plan", self._of_the_tab(self._plan))
        app.router.add_post(f"{page}/token", self._of_the_tab(self._token))
        app.router.add_post(f"{page}/tell", self._of_the_tab(self._tell))
        app.router.add_get(f"{page}/alive", self._of_the_tab(self._alive))
        app.router.add_get(f"{page}/result", self._of_the_tab(self._result))
        app.router.add_route("*", f"{page}/{{path:.+/.+}}", self._same)
        app.router.add_get(f"{watch}/watch.js", self._watch)
        app.router.add_post(f"{watch}/watched", self._watched)
        return app

    def _refuse_others(self, request: web.Request) -> None:
        """Other names of this machine (DNS rebinding), and other origins."""
        from aiohttp import web

        if request.host not in self._names(request):
            raise web.HTTPMisdirectedRequest
        if not self._is_watching(request) and _is_elsewhere(request):
            raise web.HTTPForbidden

    def _names(self, request: web.Request) -> set[str]:
        """What the address that was reached is called."""
        address, port, *_ = request.transport.get_extra_info("sockname") if request.transport else ("", 0)
        hosts = {address, self._host, *(["localhost"] if self._host == LOOPBACK else [])}
        return {f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts}

    def _is_watching(self, request: web.Request) -> bool:
        return request.path.startswith(f"/{self._paths.watch}/")

    async def _prepared(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(_OF_ALL)
        response.headers["Server"] = "rtdiag"
        if self._is_watching(request):
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            response.headers["Access-Control-Allow-Origin"] = "*"
            return
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if self._host in _TRUSTED:
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Content-Security-Policy"] = self._policy

    def _of_the_tab(self, handler: Handler) -> Handler:
        """The handler, for the tab that has the run."""
        from aiohttp import web

        async def asked(request: web.Request) -> web.StreamResponse:
            tab = _tab(request)
            if not _TAB.fullmatch(tab):
                return web.json_response({"why": "X-Rtdiag-Tab is missing"}, status=400)
            if not self._story.has_the_run(tab):
                return web.json_response({"why": "another tab has this run"}, status=409)
            return await handler(request)

        return asked

    async def _once(self, request: web.Request) -> web.StreamResponse:
        """Leads to the page, and afterwards to nothing."""
        from aiohttp import web

        if self._story.once_used:
            self._story.refused.add("by the link for one time")
            return web.Response(text="This link was good for one time. rtdiag has printed another.\n", status=410)
        self._story.once_used = True
        return web.Response(status=303, headers={"Location": f"/{self._paths.page}/"})

    async def _index(self, _: web.Request) -> web.StreamResponse:
        self._story.opened += 1
        self._story.happened()
        return _file("index.html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return _file(request.match_info["name"])

    async def _watch(self, _: web.Request) -> web.StreamResponse:
        return _file("watch.js")

    async def _same(self, _: web.Request) -> web.StreamResponse:
        """A path of the API: who gets here is not kept from it by its name."""
        from aiohttp import web

        return web.json_response({"same": True})

    async def _plan(self, request: web.Request) -> web.StreamResponse:
        """The questions, once they are there; who waits for them is there, too."""
        with self._story.living(_tab(request), "plan"):
            return await self._once_there(request, lambda: self._story.plan, self._story.loaded)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        case = _case(await self._body(request, _MOST_TOKEN_BYTES))
        if not case:
            return web.json_response({"why": 'a body like {"case": "answer"} is wanted'}, status=400)
        given = await self._story.token_for(case)
        return web.json_response({"why": given}, status=410) if isinstance(given, str) else web.json_response(given)

    async def _tell(self, request: web.Request) -> web.StreamResponse:
        return await self._taken(request, self._story.tell)

    async def _watched(self, request: web.Request) -> web.StreamResponse:
        return await self._taken(request, self._story.tell_watched)

    async def _alive(self, request: web.Request) -> web.StreamResponse:
        """Stays open as long as the tab; a second tab with the same id is a copy, where it is no reload."""
        from aiohttp import web

        if self._story.is_open:
            await self._story.next(asyncio.get_running_loop().time() + RELOADED_S)
        if self._story.is_open:
            self._story.refused.add("a copy")
            return web.json_response({"why": "another tab has this run"}, status=409)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        with self._story.living(_tab(request), "alive"):
            await response.prepare(request)
            await response.write(b"\n")
            await self._until(lambda: None, lambda: response.write(b"\n"))
        return response

    async def _result(self, request: web.Request) -> web.StreamResponse:
        """What came of the run, once it is over."""
        response = await self._once_there(request, lambda: self._story.result)
        self._story.delivered = self._story.result is not None
        self._story.happened()
        return response

    async def _once_there(
        self, request: web.Request, look: Callable[[], Any], then: Callable[[], None] = lambda: None
    ) -> web.StreamResponse:
        """What is waited for, as JSON; where it does not come 410, or a body that breaks off, if its head is sent already."""
        from aiohttp import web

        response = web.StreamResponse(headers={"Content-Type": "application/json"})

        async def lives() -> None:
            await response.prepare(request)
            await response.write(b" ")

        found = await self._until(look, lives)
        if found is None and not response.prepared:
            return web.json_response({"why": self._story.over}, status=410)
        await response.prepare(request)
        if found is None:
            raise ConnectionAbortedError
        then()
        await response.write(json.dumps(found).encode())
        await response.write_eof()
        return response

    async def _until(self, look: Callable[[], Any], lives: Callable[[], Awaitable[None]]) -> Any:
        """What that sees once it is there, None where the run is over; whoever waits is given a sign of life now and then."""
        clock = asyncio.get_running_loop().time
        sign_at = clock() + _SIGN_S
        while (found := look()) is None and not self._story.over:
            await self._story.next(sign_at)
            if clock() >= sign_at:
                await lives()
                sign_at = clock() + _SIGN_S
        return found

    async def _taken(self, request: web.Request, take: Callable[[Account], None]) -> web.StreamResponse:
        """204 where the body is an account."""
        from aiohttp import web

        body = await self._body(request, ACCOUNT.most_bytes)
        try:
            refuse_many(body.decode())
            take(account_of(body))
        except (MsgspecError, Unusable, UnicodeDecodeError, RecursionError) as exc:
            return web.json_response({"why": f"this is no account: {str(exc)[:200]}"}, status=400)
        return web.Response(status=204)

    async def _body(self, request: web.Request, most_bytes: int) -> bytes:
        """The whole of it; raises 413 where it is larger, unread where it says so itself, and 408 where it does not come."""
        from aiohttp import web

        if (request.content_length or 0) > most_bytes:
            raise web.HTTPRequestEntityTooLarge(max_size=most_bytes, actual_size=request.content_length or 0)
        try:
            async with asyncio.timeout(_READ_S), self._reading:
                return await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None


def _tab(request: web.Request) -> str:
    return request.headers.get("X-Rtdiag-Tab", "")


def _is_elsewhere(request: web.Request) -> bool:
    """Whether it comes from a page of another origin, which may do no more than lead a person here."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
    if origin is not None and origin != f"http://{request.host}":
        return True
    if site in ("same-origin", "none"):
        return False
    leads = (request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")) == ("navigate", "document")
    return not (leads and request.method == "GET")


def _policy(base_url: str) -> str:
    """What the page may load and ask: itself and the API."""
    api = urlsplit(base_url)
    its = f"{api.scheme}://{api.netloc} {api.scheme.replace('http', 'ws', 1)}://{api.netloc}"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {its}; "
        "media-src blob: mediastream:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _file(name: str) -> web.Response:
    from aiohttp import web

    path = _FILES / name
    if not path.is_file():
        raise web.HTTPNotFound
    return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8")


def _case(body: bytes) -> str:
    try:
        case = json.loads(body)["case"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return case if isinstance(case, str) and _CASE.fullmatch(case) else ""
