"""Requests of STUN over UDP, TCP and TLS (RFC 8489): one is sent until its answer is there, or the operating system says no.

The wire form is aioice's. What it leaves out, ALTERNATE-SERVER, is read here.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from rtdiag.network.ice_answer import Failing
from rtdiag.transport.addresses import printable

if TYPE_CHECKING:
    import ssl

    from aioice.stun import Message

_RTO_S = 0.5  # RFC 8489 section 6.2.1: doubled each time
_HEADER, _COOKIE = 20, bytes.fromhex("2112a442")  # section 5
_TLS = (b"\x15\x03", b"\x16\x03")  # how an alert and a handshake begin
_ALTERNATE_SERVER = 0x8023  # section 14.15
_MOST_SHOWN = 200

# What the operating system says, in the words of IceAnswer.
_BY_ERRNO: Mapping[int, Failing] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.EHOSTUNREACH: "rejected",
    errno.ENETUNREACH: "no-route",
    errno.EADDRNOTAVAIL: "no-route",
    errno.EINVAL: "no-route",  # a link-local address without its interface
    errno.EPERM: "refused-here",
    errno.EACCES: "refused-here",
    errno.ETIMEDOUT: "dropped",
}


class Unanswered(Exception):  # noqa: N818 - what became of the request
    """No answer: `failure` is a word of IceAnswer, the text is for a person."""

    def __init__(self, failure: Failing, detail: str = "") -> None:
        super().__init__(printable(detail)[:_MOST_SHOWN])
        self.failure = failure


@dataclass(frozen=True)
class Reply:
    """An answer: `attributes` under aioice's names; `code` and `reason` of an error, None and "" for a success.

    `alternate` is the server that a 300 names in place of itself, `at` when it came, by `time.perf_counter`; `signed` says that
    it is an answer to a request with credentials.
    """

    attributes: Mapping[str, Any]
    code: int | None = None
    reason: str = ""
    alternate: tuple[str, int] | None = None
    at: float = field(default_factory=time.perf_counter)
    signed: bool = False


class Wire(Protocol):
    """A server that can be asked."""

    async def ask(self, request: Message, within_s: float) -> Reply:
        """Its answer to that request, success or error. Raises Unanswered."""


def told(exc: OSError) -> Unanswered:
    """What the operating system says, as a failure."""
    number = exc.errno or (errno.ECONNRESET if isinstance(exc, ConnectionError) else 0)
    return Unanswered(_BY_ERRNO.get(number, "error"), os.strerror(number) if number else str(exc))


@asynccontextmanager
async def udp(host: str, port: int) -> AsyncIterator[Wire]:
    """That address over UDP. Raises Unanswered where there is no way to it."""
    wire = _Datagrams()
    try:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: wire, remote_addr=(host, port))
    except OSError as exc:
        raise told(exc) from None
    try:
        yield wire
    finally:
        wire.transport.close()


@asynccontextmanager
async def stream(
    host: str, port: int, within_s: float, tls: ssl.SSLContext | None = None, name: str = ""
) -> AsyncIterator[Wire]:
    """That address over TCP, with `tls` as server `name` over TLS. Raises Unanswered where the connection does not come about."""
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise Unanswered("dropped", f"no connection within {within_s:g} s") from None
    except OSError as exc:
        raise told(exc) from None
    try:
        if tls is not None:
            await _secured(writer, tls, name, within_s)
        yield _Stream(reader, writer)
    finally:
        writer.transport.abort()


async def _secured(writer: asyncio.StreamWriter, tls: ssl.SSLContext, name: str, within_s: float) -> None:
    import ssl

    try:
        async with asyncio.timeout(within_s):
            await writer.start_tls(tls, server_hostname=name)
    except TimeoutError:
        raise Unanswered("tls", f"the handshake was not answered within {within_s:g} s") from None
    except ssl.SSLCertVerificationError as exc:
        raise Unanswered("tls", exc.verify_message or str(exc)) from None
    except (OSError, ValueError) as exc:  # ValueError: a name that no certificate can hold
        raise Unanswered("tls", getattr(exc, "reason", "") or str(exc) or "the handshake was broken off") from None


class _Datagrams(asyncio.DatagramProtocol):
    """Each request goes out again after 0.5 s, then after twice as long, and so on."""

    transport: asyncio.DatagramTransport

    def __init__(self) -> None:
        self._heard: asyncio.Queue[bytes | OSError] = asyncio.Queue(64)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._note(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self._note(exc)

    def _note(self, heard: bytes | OSError) -> None:
        with suppress(asyncio.QueueFull):
            self._heard.put_nowait(heard)

    async def ask(self, request: Message, within_s: float) -> Reply:
        odd = False
        sending = asyncio.create_task(self._send(bytes(request)))
        try:
            async with asyncio.timeout(within_s):
                while True:
                    heard = await self._heard.get()
                    if isinstance(heard, OSError):
                        raise told(heard)
                    message = _parsed(heard)
                    if answer := _answer(message, request, heard):
                        return answer
                    odd = odd or message is None or message.transaction_id == request.transaction_id
        except TimeoutError:
            if odd:
                raise Unanswered("error", "what answers speaks no STUN") from None
            raise Unanswered("silent", f"no answer within {within_s:g} s") from None
        finally:
            sending.cancel()

    async def _send(self, data: bytes) -> None:
        wait_s = _RTO_S
        while True:
            self.transport.sendto(data)
            await asyncio.sleep(wait_s)
            wait_s *= 2


class _Stream:
    """Each request goes out once: the connection repeats it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, request: Message, within_s: float) -> Reply:
        self._writer.write(bytes(request))
        try:
            async with asyncio.timeout(within_s):
                while True:
                    data = await self._message()
                    if answer := _answer(_parsed(data), request, data):
                        return answer
        except TimeoutError:
            raise Unanswered("silent", f"no answer within {within_s:g} s") from None
        except asyncio.IncompleteReadError as exc:
            raise Unanswered("error", _speech(exc.partial)) from None
        except OSError as exc:
            raise told(exc) from None

    async def _message(self) -> bytes:
        head = await self._reader.readexactly(2)
        if not head[0] & 0xC0 and head not in _TLS:  # RFC 8489 section 5: the first two bits are zero
            head += await self._reader.readexactly(6)
        if head[4:] != _COOKIE:
            raise Unanswered("error", _speech(head + await self._reader.read(_HEADER)))
        return head + await self._reader.readexactly(_HEADER - 8 + int.from_bytes(head[2:4]))


# What other protocols begin an answer with.
_SPOKEN: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("it ended the connection without an answer", lambda head: not head),
    ("the port speaks TLS", lambda head: head[:2] in _TLS),
    ("the port speaks HTTP", lambda head: head.startswith(b"HTTP/")),
    ("what answers speaks no STUN", lambda head: True),
)


def _speech(head: bytes) -> str:
    return next(words for words, fits in _SPOKEN if fits(head))


def _parsed(data: bytes) -> Message | None:
    """The message; None where it is none, in whatever way."""
    from aioice import stun

    try:
        return stun.parse_message(data)
    except Exception:  # struct.error too, where an attribute is cut off
        return None


def _answer(message: Message | None, request: Message, data: bytes) -> Reply | None:
    """What that message, which is `data`, answers to the request; None where it is no answer to it."""
    from aioice import stun

    if message is None or message.transaction_id != request.transaction_id:
        return None  # such as an answer that came twice
    if message.message_class == stun.Class.RESPONSE:
        return Reply(message.attributes)
    if message.message_class == stun.Class.ERROR and "ERROR-CODE" in message.attributes:
        code, reason = message.attributes["ERROR-CODE"]
        return Reply(message.attributes, code, printable(reason)[:_MOST_SHOWN], _alternate(data))
    return None


def _alternate(data: bytes) -> tuple[str, int] | None:
    from aioice import stun

    at = _HEADER
    while at + 4 <= len(data):
        kind, length = int.from_bytes(data[at : at + 2]), int.from_bytes(data[at + 2 : at + 4])
        if kind == _ALTERNATE_SERVER:
            with suppress(ValueError):
                return stun.unpack_address(data[at + 4 : at + 4 + length])
        at += 4 + length + stun.padding_length(length)
    return None
