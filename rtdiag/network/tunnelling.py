"""CONNECT: the way that a proxy opens to a server, or what it says in place of that."""

from __future__ import annotations

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from html import unescape
from urllib.parse import unquote

from rtdiag.api.expressions import expression
from rtdiag.network.securing import leads_to_tls
from rtdiag.network.streams import Stream, in_words
from rtdiag.network.way import Tunnel
from rtdiag.transport.addresses import Address, printable
from rtdiag.transport.http import user_agent

_LARGEST_BYTES = 16 * 1024
_REST_S = 1.0  # for what stands behind the head of a refusal
_MOST_SHOWN = 120
_SHORTEST = 6
_MOST_LOGINS = 8

_STATUS = expression(r"HTTP/1\.[01] ([1-5][0-9]{2})(?: ([^\r\n]*))?")
_TITLE = expression(r"<title[^>]*>([^<]*)</title", re.IGNORECASE)
# What of a page nobody sees, to its end where it is cut.
_UNSEEN = expression(r"<(script|style|head)\b.*?(?:</\1\s*>|\Z)|<[^>]*(?:>|\Z)", re.IGNORECASE | re.DOTALL)
_END = re.compile(rb"\r?\n\r?\n")
_NO_PROXY = (404, 405, 501)  # as web servers answer to CONNECT
_NAMES = ("proxy-agent", "via", "server")  # what a proxy calls itself
# A challenge is a scheme, alone or before its parameters (RFC 9110 section 11.6.1); quoted text is no part of it.
_CHALLENGES, _QUOTED = ("proxy-authenticate", "www-authenticate"), expression(r'"(?:[^"\\]|\\.)*"')
_SCHEME = expression(r"(?:^|,)\s*([A-Za-z][\w-]{0,30})(?=\s+[^\s=,]|\s*,|\s*$)")


@dataclass(frozen=True)
class _Head:
    """The head of an answer: status, reason, the first of each header, its name in small letters, and all kinds of login."""

    status: int
    reason: str
    headers: Mapping[str, str]
    logins: tuple[str, ...] = ()

    @property
    def server(self) -> str:
        """What the proxy calls itself, "" for nothing."""
        return next((self.headers[name] for name in _NAMES if name in self.headers), "")

    @property
    def shows_page(self) -> bool:
        """Whether it is one of a page, which no answer to CONNECT has."""
        return "html" in self.headers.get("content-type", "") or self.headers.get("content-length", "0") != "0"


async def tunnel(stream: Stream, proxy: Address, host: str, port: int, within_s: float) -> Tunnel:
    """Asks the proxy behind `stream` for a way to that server; with failure "" the stream leads there."""
    began = time.perf_counter()
    raw, failure, detail = b"", "", ""
    try:
        async with asyncio.timeout(within_s):
            await stream.send(_asking(proxy, host, port))
            while not _END.search(raw) and len(raw) < _LARGEST_BYTES:
                if not (more := await stream.receive()):
                    failure = "closed"
                    break
                raw += more
    except TimeoutError:
        failure, detail = "silent", f"no answer within {within_s:g} s"
    except OSError as exc:
        failure, detail = "closed", exc.strerror or str(exc)
    made = Tunnel(login=bool(proxy.userinfo), took_ms=round((time.perf_counter() - began) * 1000, 1))
    text, rest = (*_END.split(raw, maxsplit=1), b"")[:2]
    head = _read(text.decode("latin-1"))
    if head is None and leads_to_tls(raw):
        return replace(made, failure="not-http", detail="it answers in TLS")
    if head is None:
        failure = "not-http" if raw else failure
        return replace(made, words=_shown(in_words(raw), proxy), failure=failure, detail=detail)
    made = replace(made, status=head.status, server=_shown(head.server, proxy), logins=head.logins)
    if refused := _failure(head):
        rest += await _body(stream, head.headers, len(rest))
        reason = " ".join((head.reason, head.headers.get("x-squid-error", "")))
        words = f"to {head.headers['location']}" if "location" in head.headers else _spoken(rest)
        return replace(made, failure=refused, words=_shown(words, proxy), detail=_shown(reason, proxy))
    if not _END.search(raw):  # the head of a 2xx has no end
        return replace(made, failure=failure or "not-http", detail=detail)
    stream.unread(rest)
    return made


def _asking(proxy: Address, host: str, port: int) -> bytes:
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", f"User-Agent: {user_agent()}"]
    if proxy.userinfo:
        lines.append(f"Proxy-Authorization: Basic {b64encode(unquote(proxy.userinfo).encode()).decode()}")
    return "\r\n".join([*lines, "", ""]).encode()


def _read(text: str) -> _Head | None:
    first, *lines = text.splitlines() or [""]
    if not (found := _STATUS.match(first)):
        return None
    headers: dict[str, str] = {}
    logins: list[str] = []
    for name, value in (
        (name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)
    ):
        headers.setdefault(name, value)
        logins += _SCHEME.findall(_QUOTED.sub('""', value)) if name in _CHALLENGES else ()
    return _Head(int(found[1]), found[2] or "", headers, tuple(dict.fromkeys(logins))[:_MOST_LOGINS])


def _failure(head: _Head) -> str:
    if head.status in (401, 407):  # tinyproxy says 401 of a wrong login
        return "login"
    if head.status in _NO_PROXY or (head.status // 100 == 2 and head.shows_page):
        return "no-proxy"
    return {2: "", 5: "unreached"}.get(head.status // 100, "refused")


async def _body(stream: Stream, headers: Mapping[str, str], came: int) -> bytes:
    """What stands behind the head, as much as comes soon."""
    raw, length = b"", headers.get("content-length", "")
    wanted = min(int(length[:9]) if length.isdecimal() else _LARGEST_BYTES, _LARGEST_BYTES) - came
    with suppress(OSError):  # a deadline that passes is one
        async with asyncio.timeout(_REST_S):
            while len(raw) < wanted and (more := await stream.receive()):
                raw += more
    return raw[:_LARGEST_BYTES]


def _spoken(raw: bytes) -> str:
    """The title of a page, or else the first words that a person sees."""
    text = raw[:_LARGEST_BYTES].decode("utf-8", "replace")
    titled = _TITLE.search(text)
    return unescape(titled[1] if titled and titled[1].strip() else _UNSEEN.sub(" ", text))


def _shown(text: str, proxy: Address) -> str:
    """`text` in one line, not long, without the name and the password that were sent."""
    quoted = filter(None, (proxy.userinfo, *reversed(proxy.userinfo.split(":", 1))))
    for secret in [form for one in quoted for form in (one, unquote(one))]:
        whole = r"(?<!\w){}(?!\w)" if len(secret) < _SHORTEST else "{}"  # a short one stands in other words too
        text = re.sub(whole.format(re.escape(secret)), "***", text).replace(b64encode(secret.encode()).decode(), "***")
    line = printable(" ".join(text.split()))
    return line if len(line) <= _MOST_SHOWN else line[:_MOST_SHOWN] + "…"
