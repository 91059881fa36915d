"""What single lines of a browser's console say: a request that failed, a CORS refusal, a WebSocket failure, an exception."""

from __future__ import annotations

import re

from rtdiag.api.expressions import expression
from rtdiag.diagnosis import lexicon
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.routes import dialect_of, surface_of

_METHODS = "GET|POST|PUT|PATCH|DELETE|OPTIONS|HEAD"
_URL = r"(?:https?|wss?)://[^\s\"'<>`]{1,2048}"

_REQUEST = expression(
    rf"(?:XHR|\b)({_METHODS})\s{{0,8}}\"?((?:(?:https?|wss?):/)?/[^\s\"'<>`]{{1,2048}}?)\"?:?[\s\[]{{1,8}}(?:(?:->|=>|→)\s{{1,4}})?"
    r"(?:(?:HTTP/[\d.]{1,4}\s)?([1-5]\d\d)\b|(net::ERR_\w{1,60})(?:\s([1-5]\d\d)\b)?)"
)
_LOAD = expression(
    r"(?:(?<!\S)(\S{4,2048})\s{1,8})?Failed to load resource: "
    r"(?:the server responded with a status of (\d{3})|(net::ERR_\w{1,60}|[^\n]{1,200}))"
)
_LINE_OF_CODE = expression(r":\d{1,6}(?::\d{1,6})?$")
_NET = expression(r"net::ERR_\w{1,60}")
_ANY_URL = expression(_URL)
_ORIGIN = expression(r"from origin\s{1,4}['\"]?(\S{1,300}?)['\"]?\s")
_STATUS = expression(
    r"(?i)(?:status(?:[ _]?code)?|\bHTTP(?:/[\d.]{1,4})?|response(?: code)?|\bcode|error|failed|exception)"
    r"(?:\s{1,2}(?:of|was|is))?[\s:=('\"‘]{1,4}([45]\d\d)\b"
)
_LEADING_STATUS = expression(r"\A\s{0,20}['\"]?([45]\d\d)\b\s{1,4}[-–{\"'A-Z]")
_HANDSHAKE = expression(
    r"(?i)(?:unexpected response code|handshake status|rejected WebSocket connection: HTTP|WSServerHandshakeError)\D{0,4}(\d{3})"
)
_EXCEPTION = expression(
    r"\b\w{0,60}(?:Error|Exception|InvalidStatus\w{0,20}|ConnectionClosed\w{0,20})\b\s?[:(\]]|\bUncaught\b|DOMException"
)
_EXCEPTION_WORDS = ("Error", "Exception", "Uncaught", "InvalidStatus", "ConnectionClosed")
_SERVER_SAYS = expression(r"invalid_request_error|server_error|insufficient_quota|authentication_error")
_CHANNEL_SAYS = expression(r"event_id|eventId|RealtimeEvent|\brealtime\b[^\n]{0,40}\bevent\b")
_SOURCE_CODE = expression(r"\$\{|;\s{0,8}\Z|\b(?:new|throw|catch|except|instanceof)\s|\bset\w{0,40}\(")
_ICE = expression(
    r"(?i)\bICE failed|\b(?:ice|peer|iceConnection|peerConnection|connection)[ _]?(?:connection)?[ _]?state\b\W{0,8}"
    r"(?:\w{1,20}\W{1,4}){0,2}?(?:failed|disconnected)\b"
)
_FRAME = expression(r"\A\s{0,20}(?:at\s\S|[\w$./<>]{1,80}@\S|\(anonymous\)|Promise\.then|await in\b|async\s\*)")
_MAY_TELL = expression(
    r"(?i)error|exception|uncaught|invalidstatus|fail|clos|code|received|sent|disconnect|cors|cross-origin|access-control|websocket"
    r"|state|ICE|https?:|wss?:|GET|POST|PUT|PATCH|DELETE|OPTIONS|HEAD"
)


def may_tell(line: str) -> bool:
    """Whether a line can tell of a failure at all: the quick look before the patterns."""
    return bool(_MAY_TELL.search(line))


def request(line: str) -> Draft | None:
    """A request with its status or network error, as Chrome, Firefox, Safari or a library prints it."""
    found = _REQUEST.search(line)
    if found:
        method, url, status, net, beside = found.groups()
        return _asked(line, method, url, status or beside, net)
    if "Failed to load resource" not in line:
        return None
    loaded = _LOAD.search(line)
    if not loaded:
        return None
    named = _ANY_URL.search(line)
    url = named.group(0) if named else _with_scheme(loaded.group(1))
    return _asked(line, None, url, loaded.group(2), loaded.group(3))


def _asked(line: str, method: str | None, url: str | None, status: str | None, net: str | None) -> Draft:
    url = _LINE_OF_CODE.sub("", url) if url and url.count(":") > 1 else url
    draft = Draft(line.strip(), method, url, status=int(status) if status else None, dialect=dialect_of(url))
    draft.surface = "client" if net and not status else surface_of(url, method)
    draft.circumstances = [f"the browser says {net.strip()}"] if net else []
    return draft


def _with_scheme(place: str | None) -> str | None:
    """Safari and Chrome print the place of a load failure without its scheme: `api.openai.com/v1/realtime/calls:1`."""
    if not place or "/" not in place:
        return None
    return "https://" + _LINE_OF_CODE.sub("", place).lstrip("/")


def cors(line: str) -> Draft | None:
    """A refusal by the browser's same-origin policy, with the URL asked and the origin."""
    lower = line.lower()
    named = any(words in lower for words in ("cors", "cross-origin", "access-control", "access control"))
    if not named or not any(said.fact == "cors" for said in lexicon.said(line)):
        return None
    url = _ANY_URL.search(line)
    asked = url.group(0).rstrip(".,)") if url else None
    draft = Draft(line.strip(), url=asked, surface="client", dialect=dialect_of(asked))
    draft.circumstances = ["the browser blocked the answer: CORS"]
    if origin := _ORIGIN.search(line):
        draft.circumstances.append(f"asked from the origin {origin.group(1)}")
    if "preflight" in lower:
        draft.circumstances.append("the preflight (OPTIONS) was refused")
    if (code := re.search(r"Status code: (\d{3})", line)) and code.group(1) != "000":
        draft.status = int(code.group(1))
    return draft


def socket_failure(line: str) -> Draft | None:
    """A WebSocket that could not be opened, as browsers and libraries say it."""
    lower = line.lower()
    answered = any(
        words in lower for words in ("handshake status", "response code", "rejected websocket", "wsserverhandshake")
    )
    handshake = _HANDSHAKE.search(line) if answered else None
    failed = ("websocket connection to" in lower or "establish a connection to the server at ws" in lower) or (
        "websocket" in lower and ("connection failed" in lower or "error during websocket handshake" in lower)
    )
    if not handshake and not failed:
        return None
    named = _ANY_URL.search(line)
    url = named.group(0).rstrip(".,:)") if named else None
    draft = Draft(line.strip(), "GET", url, surface="websocket_close", dialect=dialect_of(url))
    draft.status = int(handshake.group(1)) if handshake else None
    return draft


def exception(line: str) -> Draft | None:
    """An exception of the page or program, or an ICE failure; a status that it names is taken over."""
    ice = "tate" in line or "ICE" in line
    if ice and _ICE.search(line):
        return Draft(line.strip(), surface="ice")
    named = any(word in line for word in _EXCEPTION_WORDS) and _EXCEPTION.search(line) and not _SOURCE_CODE.search(line)
    if not named and "Failed to execute '" not in line:
        return None
    net = _NET.search(line)
    draft = Draft(line.strip(), status=status_in(line), surface="client")
    if draft.status or _SERVER_SAYS.search(line):
        draft.surface = "data_channel" if _CHANNEL_SAYS.search(line) else None
    draft.circumstances = [f"the browser says {net.group(0)}"] if net else []
    return draft


def status_in(text: str) -> int | None:
    """The one HTTP status of failure that a text names, or None where it names none or several."""
    head = text[:4000]
    found = {int(m.group(1)) for m in _STATUS.finditer(head)}
    if not found and (leading := _LEADING_STATUS.match(head)):
        found = {int(leading.group(1))}
    return found.pop() if len(found) == 1 else None


def is_frame(line: str) -> bool:
    """Whether the line is a frame of a stack trace."""
    return bool(_FRAME.match(line))
