"""How a connection ends: its last words arrive, and no peer is waited for without end.

A socket that is closed while unread bytes lie in the kernel sends a reset, and a reset takes with it what the peer has not read
yet: an error, a close code, an answer that came before the whole request. So a connection ends in stages (RFC 9112 9.6): its own
side is shut, what the peer still says is read and dropped until its end, and then the socket is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from aiohttp import StreamReader, web

LINGER_S = 10  # for a peer that does not end its side
MOST_DROPPED_BYTES = 256 * 1024 * 1024
MOST_GATHERED_BYTES = 64 * 1024  # of what is said in one turn of the loop
ANSWER_TURNS = 10  # of the loop, for the answer to a peer that has shut its own side


class Connection(asyncio.Protocol):
    """Stands between the event loop and aiohttp: to the loop a protocol, to aiohttp its transport, whose `close` is in stages.

    aiohttp is told that the connection is lost as soon as it has ended its own side. The connection is one of `among` until its
    socket is closed; then `gone` is done.
    """

    def __init__(self, behind: asyncio.Protocol, among: set[Connection]) -> None:
        self._behind, self.among = behind, among
        self._transport = asyncio.Transport()  # none yet; before a handshake asyncio asks what kind of protocol this is
        self._limit: asyncio.TimerHandle | None = None
        self._heard_all = False
        self._body: StreamReader | None = None
        self._said: list[bytes] = []
        self.dropped_bytes = 0
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __getattr__(self, name: str) -> Any:
        """All of a transport that is not said here is the real one's."""
        return getattr(self._transport, name)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The peer is there."""
        self._transport = cast(asyncio.Transport, transport)
        self.among.add(self)
        self._behind.connection_made(cast(asyncio.Transport, self))

    def data_received(self, data: bytes) -> None:
        """The peer speaks, to nobody once this side has ended."""
        if self._limit is not None:
            self._drop(len(data))
            return
        if self._body and self._body.is_eof():
            self._body = None  # what comes now is something else
        self._behind.data_received(data)
        self._look_for_broken_body()

    def eof_received(self) -> bool:
        """The peer has said all. True keeps the way to it open, which TLS cannot."""
        self._heard_all = True
        answers = self._limit is None and (self._body is None or self._body.is_eof())
        if answers:
            self._answer_within(ANSWER_TURNS)
        return answers and self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, or broken."""
        if self._limit is None:
            self._behind.connection_lost(exc)
        else:
            self._limit.cancel()
        if self._body and not self._body.is_eof():
            self._body.feed_eof()
        self._behind = asyncio.Protocol()  # nobody: else the two would hold each other
        self.among.discard(self)
        self.gone.set_result(None)

    def pause_writing(self) -> None:
        """The peer reads too slowly."""
        if self._limit is None:
            self._behind.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._limit is None:
            self._behind.resume_writing()

    def write(self, data: bytes) -> None:
        """What is said in one turn of the loop goes out in one piece: an upgrade's answer with the first event, say."""
        if not self._said:
            asyncio.get_running_loop().call_soon(self._say)
        self._said.append(bytes(data))
        if len(data) > MOST_GATHERED_BYTES:
            self._say()

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """The same of several."""
        self.write(b"".join(pieces))

    def _say(self) -> None:
        said, self._said = b"".join(self._said), []
        if said:
            self._transport.write(said)

    def asked(self, body: StreamReader) -> None:
        """A request of HTTP with that body is being answered. With its end all is said, until something else comes in."""
        self._body = body
        self._look_for_broken_body()

    def heard_out(self) -> None:
        """The peer has said its last word, as the close of a WebSocket is."""
        self._heard_all = True

    def is_closing(self) -> bool:
        """Whether this side has ended."""
        return self._limit is not None or self._transport.is_closing()

    def close(self) -> None:
        """Ends this side after all that was written, and closes the socket when the peer has ended its own, or at the limits."""
        if self.is_closing():
            return
        self._say()
        all_is_said = self._heard_all or (self._body and self._body.is_eof())
        if all_is_said or not self._transport.can_write_eof():
            self._transport.close()
            return
        loop = asyncio.get_running_loop()
        self._limit = loop.call_later(LINGER_S, self._transport.abort)
        loop.call_soon(self._behind.connection_lost, None)
        self._transport.resume_reading()
        try:
            self._transport.write_eof()
        except OSError:  # the peer has broken the connection, which the loop is about to find out
            self._transport.abort()

    def _drop(self, count_bytes: int) -> None:
        self.dropped_bytes += count_bytes
        if self.dropped_bytes > MOST_DROPPED_BYTES:
            self._transport.abort()

    def _look_for_broken_body(self) -> None:
        """aiohttp tells of an error in a body's chunks when that request has been answered: who awaits it would never hear."""
        if self._body and not self._body.is_eof():
            for message, _ in getattr(self._behind, "_messages", ()):
                if isinstance(found := getattr(message, "exc", None), Exception):
                    self._body.set_exception(web.RequestPayloadError(str(found)))

    def _answer_within(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._answer_within, turns - 1)
        else:
            self._say()
            self._transport.close()
