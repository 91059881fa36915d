"""One entry of a HAR: its fields made sure of, whichever program wrote it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rtdiag.diagnosis.readers import routes
from rtdiag.diagnosis.readers.har_stream import Entry
from rtdiag.diagnosis.readers.headers import RequestHeaders, asked, evened
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.diagnosis.readers.timestamps import moment

# Where programs write why there is no answer: Chrome and Safari (`response._error`), Playwright (`response._failureText`), others.
_ERRORS = (
    "response._error",
    "response._failureText",
    "_error",
    "_failureText",
    "response._errorMessage",
    "_blockedReason",
)
_FIRST_YEAR = 1990  # Chrome dates a socket that never got anywhere by 1969


@dataclass(frozen=True)
class Exchange:
    """One entry, its fields made sure of; the names of `asked` and `answered`, the headers, are in small letters.

    `status` is 0 where there was no answer; `error` is then what the browser says of it, "" where it says nothing.
    """

    number: int
    method: str
    url: str
    status: int
    status_text: str
    error: str
    when: datetime | None
    kind: str
    heads: RequestHeaders
    asked: Mapping[str, str]
    answered: Mapping[str, str]
    sent: str
    sent_type: str
    body: str

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def is_socket(self) -> bool:
        """Whether an upgrade to a WebSocket was asked for."""
        return routes.is_websocket(self.url) or self.kind == "websocket" or self.asked.get("upgrade") == "websocket"

    @property
    def is_preflight(self) -> bool:
        """Whether it asks, before another request, whether that is allowed across origins."""
        return self.method == "OPTIONS"

    @property
    def is_foreign(self) -> bool:
        """Whether it went to somebody else's server than the page's, as far as the browser or the names of the hosts tell."""
        if routes.is_local(self.url):
            return False
        page = self.asked.get("origin") or self.asked.get("referer", "")
        told = self.asked.get("sec-fetch-site") == "cross-site" or (page and not routes.same_site(self.url, page))
        return bool(told) or (not page and routes.host_of(self.url).startswith("api."))

    @property
    def is_web_page(self) -> bool:
        """Whether a script asked and got a web page."""
        by_script = self.kind in ("fetch", "xhr") or self.asked.get("sec-fetch-dest") == "empty"
        return by_script and self.body.lstrip()[:9].lower().startswith(("<!doctype", "<html"))

    @property
    def shows_credentials(self) -> bool:
        """Whether it holds what a sanitized export leaves out."""
        return "authorization" in self.asked or "cookie" in self.asked

    @property
    def place(self) -> str:
        """The request by its URL and time: `POST /v1/realtime/calls at 10:00:35`."""
        time = f" at {self.when:%H:%M:%S}" if self.when else ""
        return (routes.named(self.url, self.method) or f"request {self.number}") + time


def exchange_of(number: int, entry: Entry, learner: Learner) -> Exchange:
    """The exchange in an entry, whatever is missing or is not what it should be; the learner is told the credential."""
    heads = evened(entry.get("request.headers") or [])
    url, status = text_of(entry, "request.url"), entry.get("response.status")
    learner.text(url)
    return Exchange(
        number=number,
        method=text_of(entry, "request.method").upper() or ("GET" if routes.is_websocket(url) else ""),
        url=url,
        status=int(status) if isinstance(status, int | float) and 0 <= status < 1000 else 0,
        status_text=text_of(entry, "response.statusText"),
        error=next((_said(entry[place]) for place in _ERRORS if entry.get(place)), ""),
        when=_when(entry),
        kind=text_of(entry, "_resourceType").lower(),
        heads=asked(heads, learner),
        asked=_named(heads),
        answered=_named(
            [*evened(entry.get("response.headers") or []), ("location", text_of(entry, "response.redirectURL").strip())]
        ),
        sent=text_of(entry, "request.postData.text")
        or "\r\n".join(value for _, value in entry.get("request.postData.params") or []),
        sent_type=text_of(entry, "request.postData.mimeType"),
        body=_body(entry),
    )


def text_of(entry: Entry, path: str) -> str:
    """The text at this path of an entry, "" where there is none."""
    value = entry.get(path)
    return value if isinstance(value, str) else ""


def _said(error: Any) -> str:
    """A browser's word; a number is that of its reason to block, and not to be taken for a status or a close code."""
    return error if isinstance(error, str) else f"blocked for reason {error}"


def _named(pairs: list[tuple[str, str]]) -> Mapping[str, str]:
    """The first value of each name that is not empty."""
    return {name: value for name, value in reversed(pairs) if value}


def _when(entry: Entry) -> datetime | None:
    found = moment(entry.get("startedDateTime"))
    return found if found and found.year >= _FIRST_YEAR else None


def _body(entry: Entry) -> str:
    """The answer's body as text; base64 is decoded, and what is then no UTF-8 becomes replacement characters."""
    text = text_of(entry, "response.content.text")
    if text_of(entry, "response.content.encoding") != "base64":
        return text
    try:
        return base64.b64decode(re.sub(r"\s", "", text)[: len(text) // 4 * 4]).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return text
