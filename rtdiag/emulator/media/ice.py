"""How aioice is made to answer as the API does: silent to strangers, asking nothing itself, and gone with its client.

The API is ICE-lite (RFC 8445 2.5) since 2026: it answers checks and sends none, so a client must find a way to the candidates that
the answer names. aioice would check back, and so open a way from candidates that nobody can reach.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aioice import Connection
from aioice.ice import CandidatePair, StunProtocol

MOST_SILENT_S = 30  # RFC 7675 5.1: consent ends so long after the last check; pion, 25 s after a wait of 5 s

NONSENSE = (ValueError, struct.error)  # what aioice's parser raises of a request that is none


def behave(connection: Connection, *, lite: bool) -> None:
    """Before it connects; a `lite` one must know no candidates of the other side."""
    strangers = partial(_answer_role_conflicts, connection.respond_error)
    connection.respond_error = strangers  # type: ignore[method-assign]
    connection.query_consent = _Silence(connection).ends  # type: ignore[method-assign]
    if lite:
        connection.check_start = partial(_take, connection)  # type: ignore[method-assign]


def pass_over_nonsense(socket: StunProtocol) -> None:
    """What aioice cannot read breaks nothing, and is not printed."""
    socket.datagram_received = partial(_read, socket.datagram_received)  # type: ignore[method-assign]


def _read(read: Callable[..., None], *datagram: object) -> None:
    with suppress(*NONSENSE):
        read(*datagram)


async def _take(connection: Connection, pair: CandidatePair) -> None:
    """In the place of a check of that pair: the one that came in is enough (RFC 8445 7.3.2)."""
    pair.state, pair.nominated = CandidatePair.State.SUCCEEDED, pair.remote_nominated
    connection.check_complete(pair)


def _answer_role_conflicts(respond: Callable[..., None], request: Any, addr: Any, protocol: Any, error: Any) -> None:
    """A request without valid credentials gets no answer, as from pion; a role conflict still does."""
    if error[0] == 487:
        respond(request, addr, protocol, error)


class _Silence:
    """In the place of aioice's consent checks: each has one try of 0.5 s, so they would end every session of a long way."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._now = connection, asyncio.get_running_loop().time
        self._heard_s = self._now()
        connection.data_received = partial(self._hear, connection.data_received)  # type: ignore[method-assign]
        connection.check_incoming = partial(self._hear, connection.check_incoming)  # type: ignore[method-assign]

    def _hear(self, pass_on: Callable[..., None], *heard: object) -> None:
        self._heard_s = self._now()
        pass_on(*heard)

    async def ends(self) -> None:
        """Closes the connection when nothing has come for so long."""
        while (left_s := self._heard_s + MOST_SILENT_S - self._now()) > 0:  # noqa: ASYNC110 - no event for each datagram
            await asyncio.sleep(left_s)
        self._connection._query_consent_task = None  # which this is: closing would wait for it
        await self._connection.close()
