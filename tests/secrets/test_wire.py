"""What a server sends, in whatever place and spelling, and what libraries say of it, is masked where it is written down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtdiag.api.endpoints import KEY_SUBPROTOCOL
from rtdiag.engine.context import secrets_in
from rtdiag.redact import Mask, Secret
from rtdiag.report.json import plain as as_values
from rtdiag.transport.http import Credential, Http
from rtdiag.transport.recorder import Deadlines, Recorder
from rtdiag.transport.ways import Ways
from rtdiag.transport.webrtc import Session
from rtdiag.transport.websocket import Socket
from tests.secrets.canaries import PROPERTY, SPELLINGS, canaries, flat, leaks, made
from tests.secrets.server import Asked, repeating, response, serving

# Where a server can put a text: the answer that has it there.
PLACES: Mapping[str, Callable[[str], bytes]] = {
    "body": lambda t: response("200 OK", [], t.encode()),
    "json": lambda t: response("400 Bad Request", [], json.dumps({"error": {"message": t, t: {"x": [t]}}}).encode()),
    "no utf-8": lambda t: response("502 Bad Gateway", [], b"\xff\xfe" + t.encode() + b"\x80"),
    "header": lambda t: response("200 OK", [("x-said", t), ("www-authenticate", t), ("cf-ray", t)], b""),
    "cookie": lambda t: response("200 OK", [("Set-Cookie", f"a={t}; Path=/")], t.encode()),
    "redirect": lambda t: response("307 Temporary Redirect", [("Location", f"https://u:{t}@h/?q={t}#{t}")], b""),
    "sdp": lambda t: response("201 Created", [], f"v=0\r\na=ice-pwd:{t}\r\na=x:{t}\r\n".encode()),
    "no http": lambda t: t.encode() + b"\r\n\r\n",
    "bad header": lambda t: b"HTTP/1.1 200 OK\r\n" + t.encode() + b"\r\n\r\n",
    "status line": lambda t: b"HTTP/1.1 " + t.encode() + b"\r\n\r\n",
    "cut off": lambda t: b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + t.encode(),
}


def recorded(recorder: Recorder) -> str:
    """All that the record holds, as the JSON report has it and text by text."""
    values = [as_values(x) for x in (*recorder.exchanges, *recorder.events, *recorder.peers.values())]
    return json.dumps(values, ensure_ascii=False) + flat(values)


def told(answer: Callable[[Asked], bytes], *, path: str = "/v1/models", secret: str, learn: bool = True) -> str:
    """The record of one request with that secret as its key."""
    mask = Mask()
    if learn:
        mask.learn(secret)
    recorder = Recorder(mask)

    async def ask(port: int) -> None:
        http = Http(f"http://127.0.0.1:{port}", recorder, Deadlines(request_s=5))
        await http.send("POST", path, Credential("api-key", Secret(secret)), content=b"x")
        await http.aclose()

    with serving(answer) as port:
        asyncio.run(ask(port))
    assert recorder.exchanges
    return recorded(recorder)


@PROPERTY
@given(canaries(), st.sampled_from(sorted(SPELLINGS)), st.sampled_from(sorted(PLACES)))
def test_what_a_server_says_of_a_known_secret_is_in_no_record(canary: str, spelling: str, place: str) -> None:
    planted = SPELLINGS[spelling](canary)
    assert not leaks(told(lambda _: PLACES[place](planted), secret=canary), canary)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_looked_at(place: str) -> None:
    canary = made(place)
    assert not leaks(told(lambda _: PLACES[place](canary), secret=canary), canary)


@pytest.mark.parametrize(
    "canary", [made("a"), made("b", 164), made("c", 35, "ek_"), made("d", 20, ""), made("e", 64, "")]
)
def test_what_was_sent_and_is_repeated_is_in_no_record(canary: str) -> None:
    assert not leaks(told(repeating("nothing"), secret=canary), canary)
    assert not leaks(told(repeating("nothing"), secret=canary, learn=False), canary), "the header alone tells it"


@pytest.mark.parametrize(
    ("answer", "secret"),
    [
        ({"value": "SECRET"}, True),
        ({"client_secret": {"value": "SECRET"}}, True),
        ({"data": {"session": {"id": "s1", "ephemeralKey": {"value": "SECRET"}}}}, True),
        ({"tokens": [{"jwt": "SECRET"}]}, True),
        ({"token": ["SECRET"]}, True),
        ({"model": "SECRET", "token_type": "ephemeral_token", "input_value": "SECRET"}, False),
    ],
)
def test_a_token_is_known_whatever_a_stranger_calls_it(answer: object, secret: bool) -> None:
    minted = made("minted", 30, "")
    told = [*secrets_in(json.dumps(answer).replace("SECRET", minted).encode())]
    assert {*told} == ({minted} if secret else set())


def test_a_cookie_that_the_body_repeats_is_in_no_record() -> None:
    cookie = made("cookie", 40, "")
    assert not leaks(told(repeating(cookie), secret=made("key")), cookie)


def test_a_key_in_the_path_is_in_no_record() -> None:
    canary = made("path")
    assert not leaks(told(repeating("nothing"), path=f"/v1/x?key={canary}#{canary}", secret=canary), canary)


def test_the_password_of_a_proxy_is_in_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    password = made("proxy", 30, "")
    for scheme, status in (("http", "407 Proxy Authentication Required"), ("socks9", ""), ("http", "nonsense")):
        with serving(lambda asked, status=status: response(status, [], f"no: {asked.headers}".encode())) as port:  # type: ignore[misc]
            url = f"{scheme}://user:{password}@127.0.0.1:{port}"
            monkeypatch.setenv("HTTPS_PROXY", url)
            mask = Mask()
            mask.learn_environment({"HTTPS_PROXY": url})
            recorder, ways = Recorder(mask), Ways({"HTTPS_PROXY": url})

            async def ask(recorder: Recorder = recorder, ways: Ways = ways) -> None:
                http = Http("https://api.test/v1", recorder, Deadlines(connect_s=2, request_s=2), ways)
                await http.send("GET", "/models", None)
                await http.aclose()
                socket = Socket("w1", recorder, Deadlines(connect_s=2, request_s=2))
                await socket.connect("https://api.test/v1/realtime", Credential("api-key", Secret(made("key"))), ways)
                await socket.close()

            asyncio.run(ask())
        found = recorded(recorder)
        assert len([x for x in recorder.exchanges if x.failure]) == 2
        assert not leaks(found, password)


@PROPERTY
@given(canaries(), st.sampled_from(sorted(SPELLINGS)))
def test_what_a_socket_says_is_in_no_record(canary: str, spelling: str) -> None:
    from websockets.asyncio.server import ServerConnection, serve

    planted = SPELLINGS[spelling](canary)
    reason = planted if len(planted.encode()) < 120 else "wrong key " + canary.encode()[:100].decode("utf-8", "ignore")

    async def talk(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "x" * 80 + planted, "said": planted, planted: 1}))
        await connection.send(planted)
        await connection.send(b"\xff" + planted.encode())
        await connection.close(4000, reason)

    async def run() -> str:
        mask = Mask()
        mask.learn(canary)
        recorder = Recorder(mask)
        async with serve(talk, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            socket = Socket("w1", recorder, Deadlines())
            await socket.connect(f"http://127.0.0.1:{port}/v1", Credential("api-key", Secret(made("key"))), Ways())
            await socket.greeting(frozenset({"session.created"}))
            await socket.close()
        assert len(recorder.events) == 3
        return recorded(recorder)

    found = asyncio.run(run())
    assert "4000" in found
    assert not leaks(found, canary)


@pytest.mark.parametrize("refused", [True, False])
def test_what_refuses_an_upgrade_is_in_no_record(refused: bool) -> None:
    canary, mask = made("upgrade"), Mask()
    recorder = Recorder(mask)

    async def ask(port: int) -> None:
        socket = Socket("w1", recorder, Deadlines(request_s=5))
        key = Credential("api-key", Secret(canary))
        await socket.connect(f"http://127.0.0.1:{port}/v1", key, Ways(), as_subprotocol=KEY_SUBPROTOCOL)
        await socket.close()

    with serving(repeating(canary) if refused else lambda _: canary.encode() + b"\r\n\r\n") as port:
        mask.learn(canary)
        asyncio.run(ask(port))
    assert not leaks(recorded(recorder), canary)


def test_passwords_and_addresses_of_an_offer_are_in_no_record() -> None:
    """What a server repeats of an offer, without the place that shows what it is."""
    mask = Mask()
    recorder = Recorder(mask)

    async def run() -> tuple[str, str]:
        session = Session("p1", recorder, Deadlines())
        offer = (await session.offer()).decode()
        lines = [line for line in offer.splitlines() if line.startswith("a=ice-pwd:")]
        assert await session.accept(f"v=0\r\nno answer: {offer}") is False
        await session.close()
        return offer, lines[0].removeprefix("a=ice-pwd:")

    offer, password = asyncio.run(run())
    assert password not in mask(f"bad password {password}", "here")
    for line in offer.splitlines():
        if line.startswith("a=candidate:"):
            assert line.split()[4] not in mask(offer, "here") + recorded(recorder)


@pytest.mark.parametrize("held", [made("h"), made("i", 20, ""), "on", "Basic dXNlcjpwYXNz"])
def test_a_header_of_the_users_own_goes_to_its_host_alone_and_is_in_no_record(held: str) -> None:
    """Over HTTP and in the upgrade of a WebSocket, repeated by the server or not."""
    mask, came = Mask(), dict[int, str]()
    mask.learn_header("x-own", held)
    recorder, own = Recorder(mask), {"x-own": Secret(held)}

    def repeated(one: Asked) -> bytes:
        came[len(came)] = one.header("x-own")
        return response("400 Bad Request", [("x-own", held)], b"no")

    async def ask(port: int, other: int) -> None:
        http = Http(f"http://127.0.0.1:{port}/v1", recorder, Deadlines(request_s=5), headers=own)
        url = http.base_url + "/realtime"
        socket = Socket("w1", recorder, Deadlines(request_s=5))
        await http.send("GET", "/models", None)
        await socket.connect(url, Credential("token", Secret("ek_x")), http.ways, headers=http.own_headers(url))
        await http.send("GET", f"http://127.0.0.1:{other}/token", None)
        await http.aclose()

    with serving(repeated) as port, serving(repeated) as other:
        asyncio.run(ask(port, other))
    assert list(came.values()) == [held, held, ""]
    shown = [dict((*x.request_headers, *x.response_headers)).get("x-own", "") for x in recorder.exchanges]
    assert [held in one for one in shown] == [False] * 3
