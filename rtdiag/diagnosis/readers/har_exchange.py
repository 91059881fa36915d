"""One entry of a HAR: its fields made sure of, and what is wrong with it by itself."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from rtdiag.diagnosis.readers import routes
from rtdiag.diagnosis.readers.har_stream import Entry
from rtdiag.diagnosis.readers.headers import RequestHeaders, asked
from rtdiag.diagnosis.readers.minted import mint_oddities
from rtdiag.diagnosis.readers.plain import parsed
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.diagnosis.readers.timestamps import moment


@dataclass(frozen=True)
class Exchange:
    """One entry, its fields made sure of."""

    number: int
    method: str
    url: str
    status: int
    error: str
    when: datetime | None
    heads: RequestHeaders
    shows_credentials: bool
    sent: str
    body: str
    entry: Entry

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


def exchange_of(number: int, entry: Entry, learner: Learner) -> Exchange:
    """The exchange in an entry, whatever is missing or is not what it should be; the learner is told the credential."""
    pairs = pairs_of(entry, "request.headers")
    url, status = text_of(entry, "request.url"), entry.get("response.status")
    learner.text(url)
    return Exchange(
        number=number,
        method=text_of(entry, "request.method").upper(),
        url=url,
        status=int(status) if isinstance(status, int | float) and 0 <= status < 1000 else 0,
        error=text_of(entry, "response._error") or text_of(entry, "_error"),
        when=moment(entry.get("startedDateTime")),
        heads=asked(pairs, learner),
        shows_credentials=any(name.lower() in ("authorization", "cookie") for name, _ in pairs),
        sent=text_of(entry, "request.postData.text")
        or "\r\n".join(v for _, v in pairs_of(entry, "request.postData.params")),
        body=_body(entry),
        entry=entry,
    )


def oddities(exchange: Exchange) -> list[str] | None:
    """What is wrong with an exchange by itself, [] where the status says it all, None where nothing is."""
    if exchange.method == "OPTIONS" and not exchange.ok:
        return ["a CORS preflight (OPTIONS) was refused"]
    if exchange.error:
        return [f"the browser says {exchange.error}"]
    if exchange.status == 101 or exchange.status == 304:
        return None
    if exchange.status < 200:
        return ["no answer was recorded"]
    if not exchange.ok:
        place = text_of(exchange.entry, "response.redirectURL")
        return [f"redirected to {place}"] if exchange.status < 400 and place else []
    if routes.is_mint(exchange.url) and exchange.method == "POST" and exchange.body:
        return mint_oddities(parsed(exchange.sent), parsed(exchange.body), exchange.when) or None
    answers_offer = routes.takes_offers(exchange.url) and exchange.method == "POST" and exchange.body
    return ["the answer is no SDP"] if answers_offer and not exchange.body.lstrip().startswith("v=0") else None


def text_of(entry: Entry, path: str) -> str:
    """The text at this path of an entry, "" where there is none."""
    value = entry.get(path)
    return value if isinstance(value, str) else ""


def pairs_of(entry: Entry, path: str) -> list[tuple[str, str]]:
    """The headers or parameters at this path of an entry."""
    return [(name, value) for name, value in entry.get(path) or []]


def _body(entry: Entry) -> str:
    """The answer's body as text; base64 is decoded, and what is then no UTF-8 becomes replacement characters."""
    text = text_of(entry, "response.content.text")
    if text_of(entry, "response.content.encoding") != "base64":
        return text
    try:
        return base64.b64decode(text[: len(text) // 4 * 4]).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return text
