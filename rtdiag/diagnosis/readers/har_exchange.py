"""One entry of a HAR: its fields made sure of, whichever program wrote it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from rtdiag.diagnosis.readers import routes
from rtdiag.diagnosis.readers.har_stream import Entry
from rtdiag.diagnosis.readers.headers import TELLING, RequestHeaders, asked, evened
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.diagnosis.readers.timestamps import moment

# Where programs write why there is no answer: Chrome and Safari (`response._error`), Playwright (`response._failureText`), others.
_ERRORS_IN_ORDER = (
    "response._error",
    "response._failureText",
    "_error",
    "_failureText",
    "response._errorMessage",
    "_blockedReason",
)
_ERRORS = frozenset(_ERRORS_IN_ORDER)
_BEHIND_HTTPS = len("https://")
_FIRST_YEAR = 1990  # Chrome dates a socket that never got anywhere by 1969


class Exchange:
    """One entry, its fields made sure of, whatever is missing or is not what it should be; the learner is told the credential.

    `asked` and `answered` are the headers by their names in small letters, of each name the first value that is not empty. `status`
    is 0 where there was no answer; `error` is then what the browser says of it, or else `said`, "" where nothing is said. What few
    requests are asked for is made of the entry when it is. `id` is the recorder's own name for it, mostly "".
    """

    def __init__(self, number: int, entry: Entry, learner: Learner, said: str = "") -> None:
        self._entry, self._learner = entry, learner
        self._heads = evened(entry.get("request.headers") or ())
        self.number, self.id = number, text_of(entry, "_id")
        self.url = url = text_of(entry, "request.url")
        self.method = text_of(entry, "request.method").upper() or ("GET" if routes.is_websocket(url) else "")
        status = entry.get("response.status")
        self.status = int(status) if isinstance(status, int | float) and 0 <= status < 1000 else 0
        self.error = said if _ERRORS.isdisjoint(entry) else _error(entry) or said
        self.kind = text_of(entry, "_resourceType").lower()
        self.asked = _named(self._heads)
        place = ("location", text_of(entry, "response.redirectURL").strip())
        self.answered = _named([*evened(entry.get("response.headers") or ()), place])
        self.body = _body(entry)
        if (
            not url.startswith("http") or "=" in url or ":" in url[_BEHIND_HTTPS:]
        ):  # no other holds a secret with its name
            learner.text(url)
        if not TELLING.isdisjoint(dict(self._heads)):
            self.heads  # noqa: B018 - the credential is learnt

    @cached_property
    def heads(self) -> RequestHeaders:
        """What the headers of the request say."""
        return asked(self._heads, self._learner)

    @cached_property
    def when(self) -> datetime | None:
        """When it was asked."""
        found = moment(self._entry.get("startedDateTime"))
        return found if found and found.year >= _FIRST_YEAR else None

    @property
    def status_text(self) -> str:
        """The word behind the status."""
        return text_of(self._entry, "response.statusText")

    @property
    def sent(self) -> str:
        """The body of the request, the values of a form one below the other."""
        listed = self._entry.get("request.postData.params") or ()
        return text_of(self._entry, "request.postData.text") or "\r\n".join(value for _, value in listed)

    @property
    def sent_type(self) -> str:
        """What the browser says that it sent."""
        return text_of(self._entry, "request.postData.mimeType")

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


def text_of(entry: Entry, path: str) -> str:
    """The text at this path of an entry, "" where there is none."""
    value = entry.get(path)
    return value if isinstance(value, str) else ""


def _error(entry: Entry) -> str:
    return next((_said(entry[place]) for place in _ERRORS_IN_ORDER if entry.get(place)), "")


def _said(error: Any) -> str:
    """A browser's word; a number is that of its reason to block, and not to be taken for a status or a close code."""
    return error if isinstance(error, str) else f"blocked for reason {error}"


def _named(pairs: list[tuple[str, str]]) -> Mapping[str, str]:
    """The first value of each name that is not empty."""
    return {name: value for name, value in reversed(pairs) if value}


def _body(entry: Entry) -> str:
    """The answer's body as text; base64 is decoded, and what is then no UTF-8 becomes replacement characters."""
    text = text_of(entry, "response.content.text")
    if text_of(entry, "response.content.encoding") != "base64":
        return text
    try:
        return base64.b64decode(re.sub(r"\s", "", text)[: len(text) // 4 * 4]).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return text
