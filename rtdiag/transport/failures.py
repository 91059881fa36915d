"""The closed vocabulary of failures, and the one mapping from the exceptions of httpx, websockets and aiortc to it.

A failure is data: no usable answer came, and this says which phase ended how. It is never the server's refusal.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from collections.abc import Iterable, Iterator

from rtdiag.model import Failure

# kind -> what it means, in words for the person who reads the report
KINDS: dict[str, str] = {
    "dns": "the host name could not be resolved",
    "refused": "nothing listens at that address and port",
    "unreachable": "the network has no way to that address",
    "tls": "the TLS handshake failed",
    "timeout": "no answer within the deadline",
    "closed": "the connection was closed before the answer was whole",
    "protocol": "what came back is not HTTP",
    "proxy": "the proxy refused or failed",
    "request": "the request could not be built",
    "variable": "a variable of the environment decides how this is asked, and cannot be used",
    "too-large": "the answer is larger than rtdiag reads",
    "sdp": "the answer does not parse as SDP, or does not fit the offer",
    "ice": "no candidate pair worked",
    "dtls": "the DTLS handshake failed",
    "channel": "the data channel did not open",
    "silence": "the event that had to come did not come",
    "interrupted": "the run was interrupted while this was asked",
    "untold": "the browser does not tell a page why",
    "opaque": "an answer came that no page may read",
    "unknown": "something that rtdiag has no name for",
}


class BadVariable(Exception):  # noqa: N818 - what the variable is
    """A variable of the environment decides for a request and cannot be used; the text is one line without secrets.

    `about` is what it decides: `trust` for certificates, else the `route`.
    """

    def __init__(self, variable: str, what: str) -> None:
        super().__init__(f"{variable}: {what}")
        self.variable = variable
        self.about = "trust" if variable.startswith("SSL") else "route"
        self.what = what


# The codes with which the library gives a WebSocket up: RFC 6455 section 7.4.1.
_GIVEN_UP = {1002: "protocol", 1007: "protocol", 1009: "too-large"}


def from_http(exc: BaseException, phase: str, late: str) -> Failure:
    """The failure that an exception of httpx stands for; `late` are the words for a deadline that passed in this phase.

    `detail` holds the exception's own words, unmasked, where those say more.
    """
    import httpx

    if isinstance(exc, BadVariable):
        return Failure("variable", exc.about, str(exc))
    if isinstance(exc, (httpx.TimeoutException, TimeoutError)):
        return _late(phase, late)
    causes = tuple(_chain(exc))
    detail = str(exc) or type(exc).__name__
    if isinstance(exc, httpx.InvalidURL) and phase in ("answer", "body"):  # of the answer's Location, which httpx reads
        return Failure("protocol", phase, f"it redirects to what is no address: {detail}")
    table: tuple[tuple[str, str, tuple[type[BaseException], ...]], ...] = (
        ("dns", "dns", (socket.gaierror,)),
        ("refused", "connect", (ConnectionRefusedError,)),
        ("tls", "tls", (ssl.SSLError,)),
        ("proxy", "proxy", (httpx.ProxyError,)),
        ("request", "request", (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError)),
        ("closed", phase, (httpx.ReadError, httpx.WriteError, httpx.CloseError, ConnectionResetError, BrokenPipeError)),
        ("unreachable", "connect", (httpx.ConnectError,)),
        ("protocol", phase, (httpx.ProtocolError, httpx.DecodingError)),
    )
    for kind, where, types in table:
        if any(isinstance(cause, types) for cause in causes):
            if kind == "protocol" and ("disconnected" in detail or "peer closed" in detail):
                kind = "closed"
            return Failure(kind, where, _by_the_system(detail, causes) if where == "connect" else detail)
    return Failure("unknown", phase, f"{type(exc).__name__}: {detail}")


def _by_the_system(detail: str, causes: Iterable[BaseException]) -> str:
    """The words with those of the operating system, which the library has left out: `…: [Errno 113] No route to host`."""
    errors = (cause for cause in causes if isinstance(cause, OSError) and cause.errno and cause.strerror)
    first = next(errors, None)
    if first is None or first.errno == errno.ECONNREFUSED or str(first.strerror) in detail:
        return detail
    return f"{detail}: [Errno {first.errno}] {first.strerror}"


def _late(phase: str, late: str) -> Failure:
    """A deadline that passed; while a name was looked up it is the name servers that did not answer."""
    return Failure("dns" if phase == "dns" else "timeout", phase, late)


def from_websocket(exc: BaseException, phase: str, late: str) -> Failure:
    """The failure that an exception of websockets stands for while the upgrade is asked for; the rest as in `from_http`."""
    from websockets import exceptions as ws

    if isinstance(exc, BadVariable):
        return Failure("variable", exc.about, str(exc))
    if isinstance(exc, TimeoutError):
        return _late(phase, late)
    chain = tuple(_chain(exc))
    causes = (*chain, *_of_addresses(exc))
    told = [
        cause for cause in chain if not isinstance(cause, asyncio.CancelledError)
    ]  # how a deadline is kept, no reason
    detail = ": ".join(dict.fromkeys(str(cause) or type(cause).__name__ for cause in told[:2]))
    table: tuple[tuple[str, str, tuple[type[BaseException], ...]], ...] = (
        ("proxy", "proxy", (ws.InvalidProxy, ws.ProxyError, ImportError)),
        ("dns", "dns", (socket.gaierror,)),
        ("refused", "connect", (ConnectionRefusedError,)),
        ("tls", "tls", (ssl.SSLError,)),
        ("too-large", phase, (ws.SecurityError,)),
        ("closed", phase, (EOFError, ConnectionResetError, BrokenPipeError)),
        ("request", "request", (ws.InvalidURI, UnicodeError)),
        ("protocol", phase, (ws.InvalidHandshake,)),
        ("request", "request", (ValueError,)),
        ("unreachable", "connect", (OSError,)),
    )
    for kind, where, types in table:
        if any(isinstance(cause, types) for cause in causes):
            return Failure(kind, where, detail)
    return Failure("unknown", phase, f"{type(exc).__name__}: {detail}")


def from_close(exc: BaseException) -> Failure | None:
    """The failure that ended an open WebSocket; None where the server closed it in due form, which is an answer."""
    from websockets import exceptions as ws

    if not isinstance(exc, ws.ConnectionClosed):
        return Failure("unknown", "created", f"{type(exc).__name__}: {exc}")
    ours = exc.sent is not None and not exc.rcvd_then_sent
    if exc.rcvd is not None and not ours:
        return None
    if ours and exc.sent is not None and exc.sent.code in _GIVEN_UP:
        return Failure(_GIVEN_UP[exc.sent.code], "created", str(exc))
    return None if ours else Failure("closed", "created", str(exc))


def from_sdp(exc: BaseException) -> Failure:
    """The failure that an exception of aiortc's `setRemoteDescription` stands for."""
    return Failure("sdp", "answer", f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__)


def _of_addresses(exc: BaseException) -> Iterator[OSError]:
    """What asyncio puts into one text where each address of a name failed otherwise (base_events.py, create_connection)."""
    if type(exc) is OSError and exc.errno is None:
        yield from (OSError(int(number), "") for number in re.findall(r"\[Errno (\d+)\]", str(exc)))


def _chain(exc: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    now: BaseException | None = exc
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield now
        if isinstance(now, BaseExceptionGroup):  # as for the addresses of one name, each of which failed
            for member in now.exceptions:
                yield from _chain(member)
        now = now.__cause__ or now.__context__
