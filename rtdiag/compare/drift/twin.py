"""What a report asked, asked again of a fresh emulator: in order, over real HTTP, by the clock of the server that was asked."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtdiag.api.endpoints import KEY_SUBPROTOCOL
from rtdiag.api.expressions import expression
from rtdiag.compare.comparing import server_time_s
from rtdiag.compare.drift import record
from rtdiag.compare.drift.speakers import OfCall, Speaker, upgraded
from rtdiag.compare.normalize import is_time
from rtdiag.emulator import Emulator
from rtdiag.model import Exchange, Report

if TYPE_CHECKING:
    import httpx

# What a client sets by itself; all other request headers are sent as recorded.
_OWN_HEADERS = (
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
    "upgrade",
    "user-agent",
)
_OF_SOCKETS = "sec-websocket-"
_NO_REQUEST = "it is no request that can be sent again"

_CALL = expression(r"(?<=/realtime/calls/)[^/?]+|(?<=[?&]call_id=)[^&]+")
_CANDIDATES = expression(r"^a=(?:candidate:.*|end-of-candidates)\r?\n", re.MULTILINE)
_HIDDEN = expression(r"^(a=ice-pwd:|c=IN IP[46] )(\*+)", re.MULTILINE)


class Clock:
    """Unix seconds, as the server of the report had them when it gave the answer that is asked for again."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@dataclass(frozen=True)
class Twin:
    """An exchange of the report and the emulator's: `here` is None, and `why_not` says why, where it was not asked again.

    `now_s` is when, in unix seconds; `speaker` is the emulator's end of the channel that the exchange opened.
    """

    there: Exchange
    now_s: float
    here: Exchange | None = None
    why_not: str = ""
    speaker: Speaker | None = None


class _NotAskedError(Exception):
    """Why an exchange cannot be asked again."""


async def replayed(report: Report, emulator: Emulator, clock: Clock) -> AsyncIterator[Twin]:
    """Every exchange of the report with its twin, each asked when the one before has been looked at."""
    import httpx

    async with httpx.AsyncClient(verify=False, trust_env=False, timeout=30) as client:  # plain HTTP: no store is read
        asking = _Asking(report, emulator, client)
        for there in report.exchanges:
            clock.now_s = server_time_s(there) or clock.now_s
            try:
                here, speaker = await asking.ask(there)
            except _NotAskedError as reason:
                yield Twin(there, clock.now_s, why_not=str(reason))
                continue
            yield Twin(there, clock.now_s, here, speaker=speaker)
            if speaker:
                await speaker.close()


class _Asking:
    """What one replay remembers: which token and which call here stands for which there."""

    def __init__(self, report: Report, emulator: Emulator, client: httpx.AsyncClient) -> None:
        self._report, self._emulator, self._client = report, emulator, client
        self._tokens: dict[str, str] = {}
        self._calls: dict[str, str] = {}

    async def ask(self, there: Exchange) -> tuple[Exchange, Speaker | None]:
        """The emulator's answer to the same request, and what answers on the channel that it opened. Raises _NotAskedError."""
        if there.status is None and there.failure and there.failure.kind == "interrupted":
            raise _NotAskedError("it was interrupted")
        path, sent = self._path(there), {k.lower(): v for k, v in there.request_headers}
        offered = [p.strip() for p in sent.get("sec-websocket-protocol", "").split(",") if p.strip()]
        hidden = next((p for p in offered if p.startswith(KEY_SUBPROTOCOL)), "")
        bearer = self._bearer(there, hidden or sent.get("authorization", "").partition(" ")[2])
        headers = {k: v for k, v in sent.items() if k not in _OWN_HEADERS and not k.startswith(_OF_SOCKETS)}
        if bearer and not hidden:
            headers["authorization"] = f"Bearer {bearer}"
        if there.url.startswith("ws"):
            offered = [KEY_SUBPROTOCOL + bearer if p == hidden else p for p in offered]
            return await self._upgraded(there, path, headers, offered)
        before = self._emulator.call_ids
        here = await self._http(there, path, headers)
        self._learn(there, here)
        opened = [each for each in self._emulator.call_ids if each not in before]
        return here, OfCall(self._emulator.session(opened[-1])) if opened else None

    async def _upgraded(
        self, there: Exchange, path: str, headers: Mapping[str, str], offered: Sequence[str]
    ) -> tuple[Exchange, Speaker | None]:
        from websockets.exceptions import WebSocketException

        try:
            return await upgraded(there, self._emulator.ws_url + path, headers, offered)
        except (ValueError, WebSocketException):
            raise _NotAskedError(_NO_REQUEST) from None

    async def _http(self, there: Exchange, path: str, headers: Mapping[str, str]) -> Exchange:
        import httpx

        url, content = self._emulator.base_url + path, _as_sent(there.request_body)
        try:
            response = await self._client.request(there.method, url, headers=headers, content=content)
        except (ValueError, httpx.InvalidURL, httpx.ProtocolError):
            raise _NotAskedError(_NO_REQUEST) from None
        return Exchange(
            id=there.id,
            method=there.method,
            url=url,
            credential=there.credential,
            status=response.status_code,
            response_headers=tuple(response.headers.multi_items()),
            body=response.text,
        )

    def _path(self, there: Exchange) -> str:
        path = record.path(self._report, there)
        if path is None:
            raise _NotAskedError("it went to another server")
        found = _CALL.search(path)
        if found and found[0] not in self._calls:
            raise _NotAskedError("its call is none that was opened here too")
        return path.replace(found[0], self._calls[found[0]]) if found else path

    def _bearer(self, there: Exchange, sent: str) -> str:
        """The credential that stands here for the one sent there, "" for none."""
        if there.credential == "api-key":
            return self._emulator.key
        if there.credential_from is not None:
            if there.credential_from not in self._tokens:
                raise _NotAskedError("its token is none that was minted here too")
            return self._tokens[there.credential_from]
        bearer = sent.removeprefix(KEY_SUBPROTOCOL)
        if "*" in bearer:
            raise _NotAskedError("it carries a credential that the report does not show")
        return bearer

    def _learn(self, there: Exchange, here: Exchange) -> None:
        token, their_end = _secret_of(here), _secret_of(there).get("expires_at")
        if value := token.get("value"):
            self._tokens[there.id] = value
            if is_time(their_end):  # what follows from another end is no difference of its own
                self._emulator.expire_at(value, int(their_end))
        if _call_id(there) and _call_id(here):
            self._calls[_call_id(there)] = _call_id(here)


def _secret_of(mint: Exchange) -> Mapping[str, Any]:
    """The part of a mint's answer that holds `value` and `expires_at`, in either dialect."""
    parsed = mint.json if mint.ok and isinstance(mint.json, dict) else {}
    held = parsed.get("client_secret", parsed)
    return held if isinstance(held, dict) and isinstance(held.get("value"), str) else {}


def _call_id(exchange: Exchange) -> str:
    return (exchange.header("location") or "").rstrip("/").rpartition("/")[2]


def _as_sent(body: str | None) -> bytes | None:
    """The body with what masking made illegal mended: an offer goes without candidates, so that nobody is called."""
    if body is None:
        return None
    mended = _HIDDEN.sub(lambda m: m[1] + ("0.0.0.0" if m[1].startswith("c=") else "0" * len(m[2])), body)
    return _CANDIDATES.sub("", mended).encode()
