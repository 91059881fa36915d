"""The page's server, asked by hand: who may ask what, which tab has the run, what ends the wait, what is too much."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from contextvars import ContextVar
from urllib.parse import urlsplit

import httpx
import pytest

from rtdiag.browser import page_requests, serving, tabs
from tests.browser.by_hand import ACCOUNT, STUB, TOKEN, asking, no_token, served
from tests.browser.by_hand import tabs as by_hand

pytestmark = pytest.mark.usefixtures("stub")
_COMPRESSED = gzip.compress(json.dumps(ACCOUNT).encode())
FIRST, SECOND = "first-tab-0001", "second-tab-0002"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_requests, "_FILES", STUB)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("", {}, 200),
        ("page.js", {}, 200),
        ("page.py", {}, 404),
        ("..%2fpage.js", {}, 404),
        ("", {"Host": "rebound.example:PORT"}, 421),
        ("", {"Host": "127.0.0.1:1"}, 421),
        ("", {"Host": "localhost:PORT"}, 200),
        ("", {"Origin": "http://127.0.0.1:1"}, 403),
        ("", {"Origin": "null"}, 403),
        ("page.js", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("page.js", {"Sec-Fetch-Site": "same-site"}, 403),
        ("page.js", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ("", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ("plan", {}, 400),
        ("plan", {"X-Rtdiag-Tab": "short"}, 400),
        ("v1/realtime/calls", {}, 200),
    ],
)
def test_who_may_ask(path: str, headers: dict[str, str], status: int) -> None:
    async def run() -> httpx.Response:
        async with served() as page, by_hand(page, "") as (tab,):
            port = str(urlsplit(page.url).port)
            return await tab.get(path, **{name: value.replace("PORT", port) for name, value in headers.items()})

    response = asyncio.run(run())
    assert response.status_code == status
    if status == 200:
        assert response.headers["cache-control"] == "no-store"
        assert "connect-src 'self' http://127.0.0.1:9 ws://127.0.0.1:9;" in response.headers["content-security-policy"]
        assert "access-control-allow-origin" not in response.headers


def test_a_path_that_is_guessed_is_none_and_the_link_for_programs_is_good_once() -> None:
    async def run() -> list[int]:
        async with served() as page, httpx.AsyncClient(trust_env=False, base_url=page._origin) as client:
            once = f"/{page._paths.once}"
            guessed = [(await client.get(path)).status_code for path in ("/", "/x/", "/x/plan", "/x/watch.js")]
            first, again = await client.get(once), await client.get(once)
            assert str(first.next_request and first.next_request.url) == page.url
            return [*guessed, first.status_code, again.status_code, len(page._story.refused)]

    assert asyncio.run(run()) == [404, 404, 404, 404, 303, 410, 1]


def test_a_tab_is_asked_and_told_what_came_of_it() -> None:
    who: ContextVar[str] = ContextVar("who")

    async def token(case: str) -> dict[str, object]:
        return {"value": TOKEN, "expires_at": 1, "by": who.get(), "case": case}

    async def run() -> None:
        async with served() as page, by_hand(page, FIRST, SECOND) as (tab, other):
            early = asyncio.create_task(tab.get("plan"))
            who.set("the probe")
            task = asking(page, token)
            async with tab.alive() as status:
                assert status == 200
                plan = (await early).json()
                assert plan == {"auto": False, "watch_line": page.watch_line, "cases": ["secure"]}
                assert [
                    (await other.get("plan")).status_code,
                    (await other.post("token", {"case": "a"})).status_code,
                ] == [
                    409,
                    409,
                ]
                who.set("somebody else")
                given = await tab.post("token", {"case": "answer"})
                assert given.json() == {"value": TOKEN, "expires_at": 1, "by": "the probe", "case": "answer"}
                assert (await tab.post("token", {"case": "answer"})).status_code == 410
                assert (await tab.post("token", {"case": "<script>"})).status_code == 400
                assert (await tab.post("token", b"[" * 900)).status_code == 400
                assert (await tab.post("tell", {**ACCOUNT, "agent": "half"})).status_code == 204
                assert (await other.post("tell", {**ACCOUNT, "done": True})).status_code == 409
                assert (await tab.post("tell", {**ACCOUNT, "agent": "whole", "done": True})).status_code == 204
                asked = await task
                assert asked.account
                assert (asked.account.agent, asked.why) == ("whole", "")
                assert (asked.tabs.refused, asked.tabs.reloads, asked.tabs.closed) == (1, 0, False)
                assert (await tab.post("token", {"case": "late"})).status_code == 410, "it was asked, and is no more"
                result = asyncio.create_task(tab.get("result"))
                await page.give({"verdict": "PASS"})
                assert (await result).json() == {"verdict": "PASS"}

    asyncio.run(run())


def test_a_reload_begins_anew_with_tokens_of_its_own_but_not_for_ever() -> None:
    async def token(case: str) -> dict[str, object]:
        return {"value": TOKEN, "expires_at": 1}

    async def run() -> None:
        async with served() as page, by_hand(page, FIRST) as (tab,):
            task = asking(page, token)
            statuses = []
            for _ in range(4):
                assert (await tab.get("plan")).status_code == 200
                statuses.append((await tab.post("token", {"case": "answer"})).status_code)
            await tab.post("tell", {**ACCOUNT, "done": True})
            assert statuses == [200, 200, 200, 410]
            assert (await task).tabs.reloads == 3

    asyncio.run(run())


def test_a_token_that_is_not_to_be_had_is_told_in_words() -> None:
    async def run() -> None:
        async with served() as page, by_hand(page, FIRST) as (tab,):
            task = asking(page, no_token)
            answer = await tab.post("token", {"case": "answer"})
            assert (answer.status_code, answer.json()) == (410, {"why": "none for answer"})
            task.cancel()

    asyncio.run(run())


def test_a_closed_tab_ends_the_wait_and_what_it_has_told_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_GONE_S", 0.01)

    async def run() -> None:
        async with served() as page, by_hand(page, FIRST) as (tab,):
            task = asking(page)
            async with tab.alive():
                await tab.post("tell", {**ACCOUNT, "agent": "half"})
            asked = await task
            assert asked.why == "the page's tab was closed before it was done"
            assert asked.tabs.closed
            assert asked.account
            assert asked.account.agent == "half"

    asyncio.run(run())


def test_when_the_tab_is_gone_another_has_the_run_but_a_copy_of_it_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (page_requests, tabs):
        monkeypatch.setattr(room, "RELOADED_S", 0.01)

    async def run() -> None:
        async with served() as page, by_hand(page, FIRST, SECOND) as (tab, other):
            async with tab.alive(), tab.alive() as copied:
                assert copied == 409
                assert (await other.post("tell", ACCOUNT)).status_code == 409
            while (await other.post("tell", {**ACCOUNT, "done": True})).status_code == 409:
                pass
            assert (await asking(page)).why == ""

    asyncio.run(run())


@pytest.mark.parametrize(
    ("opens", "begins", "why"),
    [
        (False, False, "nobody opened the page within 0.01 s"),
        (True, False, "nobody pressed Start within 0.01 s"),
        (True, True, "the page had not told all 0.01 s after it began"),
    ],
)
def test_what_kept_it(opens: bool, begins: bool, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "ASKING_S", 0.01)

    async def run() -> str:
        async with served(0.01) as page, by_hand(page, FIRST) as (tab,):
            if opens:
                await tab.get()
            if begins:
                await tab.post("tell", ACCOUNT)
            return (await asking(page)).why

    assert asyncio.run(run()) == why


async def _endless(size: int) -> AsyncIterator[bytes]:
    for _ in range(size >> 20):
        yield b"[" * (1 << 20)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff\xfe garbage", 400),
        (b'{"rtdiag_account": 2}', 400),
        (b'{"rtdiag_account": 1, "answers": {"a": {"facts": {"b": ' + b"[" * 100_000, 400),
        (b'{"rtdiag_account": 1, "answers": {"a": {"facts": {"b": [' + b"[]," * 1_500_000, 400),
        (_COMPRESSED, 400),
        (100, 413),
    ],
    ids=["empty", "garbage", "another-version", "deep", "many", "compressed", "large"],
)
@pytest.mark.parametrize("watched", [False, True])
def test_what_is_no_account_is_refused_in_little_memory(body: bytes | int, status: int, watched: bool) -> None:
    async def run() -> int:
        async with served() as page, by_hand(page, FIRST) as (tab,):
            path = f"../{page._paths.watch}/watched" if watched else "tell"
            content = _endless(body << 20) if isinstance(body, int) else body
            headers = {"Content-Encoding": "gzip"} if body == _COMPRESSED else {}
            try:
                answer = await tab.post(path, content, **headers)
            except httpx.NetworkError:  # it does not read to the end
                return 413
            assert await page.watched() is None
            return answer.status_code

    tracemalloc.start()
    assert asyncio.run(run()) == status
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20


def test_what_says_itself_that_it_is_large_is_not_read() -> None:
    async def run() -> str:
        async with served() as page:
            at = urlsplit(page.url)
            reader, writer = await asyncio.open_connection(at.hostname, at.port)
            head = f"POST {at.path}tell HTTP/1.1\r\nHost: {at.netloc}\r\nX-Rtdiag-Tab: {FIRST}\r\nContent-Length: 104857600\r\n\r\n"
            writer.write(head.encode())
            line = await reader.readline()
            writer.close()
            return line.decode()

    assert " 413 " in asyncio.run(run())


def test_the_watch_line_takes_from_any_origin_and_gives_nothing() -> None:
    async def run() -> None:
        said: list[str] = []
        async with served(said=said) as page, by_hand(page, "") as (stranger,):
            elsewhere = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
            watch = f"../{page._paths.watch}"
            assert page.watch_line == f'<script src="{page._origin}/{page._paths.watch}/watch.js" crossorigin></script>'
            told = {**ACCOUNT, "sockets": [{"id": "s1", "url": "ws://127.0.0.1:9"}]}
            waiting = asyncio.create_task(page.watched(30))
            assert await page.watched() is None
            assert (await stranger.post(f"{watch}/watched", json.dumps(told).encode(), **elsewhere)).status_code == 204
            assert (
                await stranger.post(f"{watch}/watched", json.dumps(ACCOUNT).encode(), **elsewhere)
            ).status_code == 204
            found = await waiting
            assert found
            assert found.sockets
            assert await page.watched() == found
            assert [page.watch_line in line for line in said] == [False, True]
            for path in ("", "plan", "token", "result", "watched", "index.html"):
                assert (await stranger.get(f"{watch}/{path}", **elsewhere)).status_code in (404, 405)

    asyncio.run(run())


def test_who_waits_for_long_is_given_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_requests, "_SIGN_S", 0.01)

    async def run() -> None:
        async with served() as page, httpx.AsyncClient(trust_env=False) as client:
            headers = {"X-Rtdiag-Tab": FIRST}
            for path in ("alive", "result", "plan"):
                async with client.stream("GET", page.url + path, headers=headers) as response:
                    assert response.status_code == 200
                    parts = response.aiter_raw()
                    assert ((await anext(parts)) + (await anext(parts))).strip() == b""
                    if path == "plan":
                        asking(page)
                        assert json.loads(b"".join([part async for part in parts]))["cases"] == ["secure"]
            async with client.stream("GET", page.url + "result", headers=headers) as response:
                await page.__aexit__(None, None, None)
                with pytest.raises(httpx.RemoteProtocolError):
                    await response.aread()

    asyncio.run(run())


def test_when_the_run_is_over_nobody_waits_for_it() -> None:
    async def run() -> list[int]:
        async with served() as page, by_hand(page, FIRST) as (tab,), tab.alive():
            waiting = [asyncio.create_task(tab.get(path)) for path in ("plan", "result")]
            await tab.get()  # they have been asked before
            await page.__aexit__(None, None, None)
            return [(await one).status_code for one in waiting]

    assert asyncio.run(run()) == [410, 410]
