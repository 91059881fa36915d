"""What stands before a good server and spoils something: requests that are held, cut or stripped, answers that are changed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from tests.network.servers import Behaviour, Request, request_of, reset

Address = tuple[str, int]
Hold = Callable[[Request, int], bool]
Change = Callable[[Request, bytes, bytes], tuple[bytes, bytes]]


def untouched(_: Request, head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The answer as it is."""
    return head, body


@dataclass(frozen=True)
class Front:
    """A server before that at `to`.

    `hold` says of a request, and of how many came before it, that nothing more is done for it, or, where it `resets`, that
    it is reset, or, with `says`, answered so; `strips` takes `Upgrade` out of every request, `hides` these headers out of
    upgrades; `ends` every WebSocket as soon as it is open; `change` makes another head and body of an answer's.
    """

    to: Address
    hold: Hold = lambda request, number: False
    resets: bool = False
    says: bytes = b""
    strips: bool = False
    hides: tuple[str, ...] = ()
    ends: bool = False
    change: Change = untouched
    asked: Callable[[int], None] = lambda number: None

    def behaviour(self) -> Behaviour:
        """What it does with a connection; all its connections are counted together."""
        count = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal count
            request, number = await request_of(reader), count
            count += 1
            self.asked(number)
            if not self.hold(request, number):
                await self._pass_on(request, reader, writer)
            elif self.resets:
                reset(writer)
            elif self.says:
                writer.write(self.says)
                await writer.drain()
            else:
                await reader.read()

        return serve

    async def _pass_on(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.strips:
            request = replace(request, head=without(request.head, "upgrade", "connection"))
        there, back = await asyncio.open_connection(*self.to)
        try:
            if request.upgrades:
                back.write(without(request.head, *self.hides) if self.hides else request.head)
                if self.ends:
                    writer.write(await there.readuntil(b"\r\n\r\n"))
                    return
                await joined((reader, writer), (there, back))
                return
            head = without(request.head, "connection").replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
            back.write(head + request.body)
            head, _, body = (await there.read()).partition(b"\r\n\r\n")
            head, body = self.change(request, head + b"\r\n\r\n", body)
            writer.write(head + body)
            await writer.drain()
        finally:
            back.close()


def without(head: bytes, *names: str) -> bytes:
    """The head of a message without these headers."""
    return re.sub(rb"(?im)^(" + "|".join(names).encode() + rb"):[^\r]*\r\n", b"", head)


async def joined(
    one: tuple[asyncio.StreamReader, asyncio.StreamWriter], other: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    """Carries bytes both ways until both have ended."""
    await asyncio.gather(_carried(one[0], other[1]), _carried(other[0], one[1]))


async def _carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.write_eof() if writer.can_write_eof() else writer.close()


def upgrades(request: Request, _: int) -> bool:
    """Requests for a WebSocket."""
    return request.upgrades


def on_calls(change: Callable[[bytes], bytes]) -> Change:
    """Changes the SDP of answers to an offer, and leaves all other answers as they are."""

    def changed(request: Request, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        if not body.startswith(b"v=0"):
            return head, body
        body = change(body)
        length = b"content-length: %d\r\n" % len(body)
        return re.sub(rb"(?im)^content-length:[^\r]*\r\n", length, head), body

    return changed
