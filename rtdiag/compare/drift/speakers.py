"""The emulator's end of one channel: the session of a call, asked directly, or a WebSocket, asked over the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from rtdiag.model import Exchange

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from rtdiag.emulator.session.open_session import OpenSession

Json = dict[str, Any]

# Events are answered in order, and one of an unknown type by an error that names it: what comes before that is all there is.
_FENCE = {"type": "rtdiag.fence", "event_id": "rtdiag_fence"}
_PATIENCE_S = 5


class Speaker(Protocol):
    """Whatever answers events. `closed` is the close code and reason that it gave, None while it listens."""

    closed: str | None

    async def created(self) -> list[Json]:
        """The events that come unasked."""

    async def receive(self, raw: str, *, refused: bool) -> list[Json]:
        """What one message gets; where the report's server `refused` it, nothing of it stands afterwards, as far as that can be."""

    async def close(self) -> None:
        """End it."""


class OfCall:
    """The session behind a call's data channel, which no network carries here."""

    def __init__(self, session: OpenSession) -> None:
        self.closed: str | None = None
        self._session = session

    async def created(self) -> list[Json]:
        """See Speaker."""
        return self._session.created()

    async def receive(self, raw: str, *, refused: bool) -> list[Json]:
        """See Speaker."""
        before = self._session.config
        answers = self._session.receive(raw)
        if refused:
            self._session.config = before
        return answers

    async def close(self) -> None:
        """Nothing: the call ends as the report's did."""


class OfSocket:
    """A WebSocket to the emulator."""

    def __init__(self, connection: ClientConnection) -> None:
        self.closed: str | None = None
        self._connection = connection

    async def created(self) -> list[Json]:
        """See Speaker."""
        return await self._until_fence()

    async def receive(self, raw: str, *, refused: bool) -> list[Json]:
        """See Speaker; what was refused there alone stays here, for no socket can take it back."""
        return await self._until_fence(raw)

    async def close(self) -> None:
        """See Speaker."""
        await self._connection.close()

    async def _until_fence(self, *messages: str) -> list[Json]:
        from websockets.exceptions import ConnectionClosed

        answers: list[Json] = []
        with suppress(ConnectionClosed):  # what was said before is still to be read
            for message in (*messages, json.dumps(_FENCE)):
                await self._connection.send(message)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not _is_fence(answer := json.loads(await self._connection.recv())):
                    answers.append(answer)
        except TimeoutError:
            pass  # a session that has ended says nothing more
        except ConnectionClosed:
            self.closed = f"{self._connection.close_code} {self._connection.close_reason or ''}".strip()
        return answers


async def upgraded(
    there: Exchange, url: str, headers: Mapping[str, str], subprotocols: Sequence[Any]
) -> tuple[Exchange, Speaker | None]:
    """The emulator's answer to an upgrade, and the socket where it took it."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus

    speaker: Speaker | None = None
    try:
        connection = await connect(
            url, additional_headers=headers, subprotocols=subprotocols or None, proxy=None, compression=None
        )
    except InvalidStatus as refusal:
        response = refusal.response
    else:
        assert connection.response is not None
        response, speaker = connection.response, OfSocket(connection)
    answer = Exchange(
        id=there.id,
        method=there.method,
        url=url,
        credential=there.credential,
        status=response.status_code,
        response_headers=tuple(response.headers.raw_items()),
        body=bytes(response.body or b"").decode("utf-8", "replace"),
    )
    return answer, speaker


def _is_fence(answer: Any) -> bool:
    error = answer.get("error") if isinstance(answer, dict) else None
    return isinstance(error, dict) and error.get("event_id") == _FENCE["event_id"]
