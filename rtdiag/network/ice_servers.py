"""STUN and TURN servers, asked by rtdiag itself, since the WebRTC library says nothing of one that does not answer.

A STUN server is asked for a binding (RFC 8489), a TURN server with long-term credentials for a relay (RFC 8656), which is given
back at once. Nobody is asked through a proxy: media take none either.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rtdiag.network import ice_urls
from rtdiag.network.ice_answer import Failing, IceAnswer
from rtdiag.network.ice_urls import IceUrl
from rtdiag.network.stun_wire import Reply, Unanswered, Wire, stream, udp
from rtdiag.redact import Secret
from rtdiag.transport.failures import BadVariable
from rtdiag.transport.proxies import Route
from rtdiag.transport.recorder import Deadlines
from rtdiag.transport.ways import Ways

if TYPE_CHECKING:
    import ssl

    from aioice.stun import Message

_UDP = 17 << 24  # REQUESTED-TRANSPORT, RFC 8656 section 18.7
_MOST_TRIES, _MOST_HANDED_ON = 3, 2
_OF_CONNECTING = 0.6  # of the deadline for connections: 3 s, in which a request over UDP goes out three times
_RELEASE_S = 1.0

_UNAUTHORIZED, _STALE_NONCE, _TRY_ALTERNATE = 401, 438, 300
# RFC 8656 section 19
_BY_CODE: Mapping[int, Failing] = {403: "forbidden", 441: "credentials", 486: "quota", 508: "quota"}
_OLD = "it answers as in RFC 3489 (no XOR-MAPPED-ADDRESS), which rtdiag's WebRTC library does not read"
_HANDS_ON = "it hands on to another server (300), where rtdiag's WebRTC library does not follow"

# From what tells most to what tells least, of a server that was asked at two addresses.
_TELLING: tuple[Failing, ...] = (
    "", "credentials", "login", "forbidden", "quota", "error", "tls", "refused", "reset", "rejected", "silent", "dropped",
    "no-route", "refused-here", "name",
)  # fmt: skip


@dataclass(frozen=True)
class _Login:
    username: str
    credential: Secret


async def ask_all(
    servers: Iterable[str], username: str, credential: Secret | None, deadlines: Deadlines, ways: Ways
) -> tuple[IceAnswer, ...]:
    """All of these servers at once, in the order given; each once. Never raises for what they do."""
    each = (ask(one, username, credential, deadlines, ways) for one in dict.fromkeys(servers))
    return tuple(await asyncio.gather(*each))


async def ask(server: str, username: str, credential: Secret | None, deadlines: Deadlines, ways: Ways) -> IceAnswer:
    """One server by its URL, at its first address of each family at once; what the better one said.

    `took_ms` counts from the first packet, so the look-up of the name is not in it. Never raises for what a server does; raises
    BadAddress for what is no such URL.
    """
    import aioice.turn  # noqa: F401 - here, so that no time that is measured holds its 0.1 s

    url = ice_urls.read(server)
    login = _Login(username, credential) if username and credential and url.turn else None
    asked = IceAnswer(str(url), "turn" if url.turn else "stun", url.transport, apart=url.apart)
    try:
        tls = ways.tls("https:", Route()) if url.transport == "tls" else None
        places = await _places(url, deadlines.connect_s)
    except BadVariable as exc:
        return replace(asked, failure="tls", detail=str(exc))
    except Unanswered as exc:
        return replace(asked, failure=exc.failure, detail=str(exc))
    at = _Server(url, login, tls, deadlines)
    return _better(url, await asyncio.gather(*(_asked(asked, at, place) for place in places)))


def _better(url: IceUrl, answers: Sequence[IceAnswer]) -> IceAnswer:
    """The answer that tells most, and why no session comes to it: the library takes another address."""
    best = min(answers, key=lambda one: _TELLING.index(one.failure))
    if best.failure or best.apart or url.transport != "udp":
        return best
    tried = [one for one in answers if one.failure != "no-route" and (url.turn or not one.address.startswith("["))]
    if tried and not tried[0].failure:
        return tried[0]
    where = tried[0].address if tried else "its IPv4 address"
    return replace(best, apart=f"rtdiag's WebRTC library asks {where} alone, and {best.address} is what answers")


async def _places(url: IceUrl, within_s: float) -> list[str]:
    """The first address of each family, in the order of the system."""
    try:
        async with asyncio.timeout(within_s):
            found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise Unanswered("name", f"the name servers did not answer within {within_s:g} s") from None
    except OSError as exc:
        raise Unanswered("name", exc.strerror or str(exc)) from None
    except UnicodeError:
        raise Unanswered("name", "the name servers cannot be asked for such a name") from None
    firsts = {family: str(place[0]) for family, *_, place in reversed(found)}
    return list(firsts.values())[::-1]


async def _asked(asked: IceAnswer, server: _Server, host: str) -> IceAnswer:
    """What the server says at that address, or at the one that it hands on to."""
    began, place, within_s = time.perf_counter(), (host, server.url.port), server.deadlines.request_s
    asked = replace(asked, address=_shown(place))
    failure: Failing
    try:
        async with asyncio.timeout(within_s):
            found, ended = await _followed(asked, server, place, _MOST_HANDED_ON)
            return replace(found, took_ms=round((ended - began) * 1000, 1))
    except Unanswered as exc:
        failure, detail = exc.failure, str(exc)
    except TimeoutError:
        failure, detail = "silent", f"no end within {within_s:g} s"
    except Exception as exc:
        failure, detail = "error", f"rtdiag could not ask it ({type(exc).__name__})"
    return replace(asked, failure=failure, detail=detail, took_ms=round((time.perf_counter() - began) * 1000, 1))


async def _followed(asked: IceAnswer, server: _Server, place: tuple[str, int], left: int) -> tuple[IceAnswer, float]:
    """The answer, and when it came; `left` is how often the server may still hand on to another (300)."""
    reply = await server.reply(place)
    if reply.code != _TRY_ALTERNATE or reply.alternate is None or not left:
        return _understood(asked, reply, given=server.login is not None), reply.at
    where, why = _shown(reply.alternate), asked.apart or _HANDS_ON
    try:
        return await _followed(replace(asked, address=where, apart=why), server, reply.alternate, left - 1)
    except Unanswered as exc:
        raise Unanswered(exc.failure, f"it hands on to {where}: {exc}") from None


@dataclass(frozen=True)
class _Server:
    """One server, and all that is needed to ask it at whichever address."""

    url: IceUrl
    login: _Login | None
    tls: ssl.SSLContext | None
    deadlines: Deadlines

    async def reply(self, place: tuple[str, int]) -> Reply:
        """Its answer at that address. Raises Unanswered."""
        within_s = self.deadlines.connect_s * _OF_CONNECTING
        over = udp(*place) if self.url.transport == "udp" else stream(*place, within_s, self.tls, self.url.host)
        async with over as wire:
            if self.url.turn:
                return await _Turn(wire, self.login, within_s).relay()
            return await wire.ask(_request("BINDING"), within_s)


class _Turn:
    """The requests to one TURN server: signed as soon as it has said how."""

    def __init__(self, wire: Wire, login: _Login | None, within_s: float) -> None:
        self._wire, self._login, self._within_s = wire, login, within_s
        self._signed_with: dict[str, Any] = {}
        self._key = b""

    async def relay(self) -> Reply:
        """Its answer to being asked for a relay, which is given back where there is one."""
        reply = await self._ask("ALLOCATE", {"REQUESTED-TRANSPORT": _UDP}, self._within_s)
        if reply.code is None:
            with suppress(Unanswered):
                await self._ask("REFRESH", {"LIFETIME": 0}, min(_RELEASE_S, self._within_s))
        return replace(reply, signed=bool(self._key))

    async def _ask(self, method: str, attributes: dict[str, Any], within_s: float) -> Reply:
        for _ in range(_MOST_TRIES):
            reply = await self._wire.ask(self._request(method, attributes), within_s)
            if not self._learnt(reply):
                break
        return reply

    def _request(self, method: str, attributes: dict[str, Any]) -> Message:
        request = _request(method, {**attributes, **self._signed_with})
        if self._key:
            request.add_message_integrity(self._key)
        return request

    def _learnt(self, reply: Reply) -> bool:
        """Whether it says how to sign, so that the same can be asked again: a 401 does so once, a 438 whenever."""
        again = reply.code == _STALE_NONCE or (reply.code == _UNAUTHORIZED and not self._key)
        if self._login is None or not again or not {"REALM", "NONCE"} <= set(reply.attributes):
            return False
        from aioice.turn import make_integrity_key

        realm, nonce = reply.attributes["REALM"], reply.attributes["NONCE"]
        self._key = make_integrity_key(self._login.username, realm, self._login.credential.reveal())
        self._signed_with = {"USERNAME": self._login.username, "REALM": realm, "NONCE": nonce}
        return True


def _request(method: str, attributes: dict[str, Any] | None = None) -> Message:
    from aioice.stun import Class, Message, Method

    return Message(Method[method], Class.REQUEST, attributes=attributes)


def _understood(asked: IceAnswer, reply: Reply, *, given: bool) -> IceAnswer:
    """What the reply comes to; `given` says that there are credentials, be they sent or not."""
    asked = replace(asked, login=reply.signed)
    if reply.code is not None:
        failure, detail = _refusal(reply, given=given), f"{reply.code} {reply.reason}".strip()
        return replace(asked, failure=failure, code=reply.code, detail=detail)
    mapped = reply.attributes.get("XOR-MAPPED-ADDRESS") or reply.attributes.get("MAPPED-ADDRESS")
    relayed = reply.attributes.get("XOR-RELAYED-ADDRESS")
    if not (relayed if asked.kind == "turn" else mapped):
        return replace(asked, failure="error", detail="its answer holds no address")
    apart = asked.apart or ("" if "XOR-MAPPED-ADDRESS" in reply.attributes else _OLD)
    return replace(asked, mapped=_shown(mapped), relayed=_shown(relayed), apart=apart)


def _refusal(reply: Reply, *, given: bool) -> Failing:
    if reply.code == _UNAUTHORIZED:
        # One that says not how to sign (realm and nonce) is sent no credentials, and so refuses none.
        return "credentials" if reply.signed else "error" if given else "login"
    return _BY_CODE.get(reply.code or 0, "error")


def _shown(place: tuple[str, int] | None) -> str:
    if place is None:
        return ""
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
