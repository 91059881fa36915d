"""HAR files: what a browser's network log says of the requests to realtime paths, and of the tokens that went through it."""

from __future__ import annotations

import re
from typing import Any

from rtdiag.diagnosis.readers import routes, sdp_text
from rtdiag.diagnosis.readers.channel_log import Channel
from rtdiag.diagnosis.readers.closes import from_json as close_of
from rtdiag.diagnosis.readers.event_lines import kind_of
from rtdiag.diagnosis.readers.forms import MOST_SITUATIONS, Draft, Reading, cut
from rtdiag.diagnosis.readers.har_exchange import Exchange, exchange_of, oddities, pairs_of, text_of
from rtdiag.diagnosis.readers.har_stream import Broken, Entry, Guarded, Message, entries
from rtdiag.diagnosis.readers.headers import answered
from rtdiag.diagnosis.readers.minted import Tokens
from rtdiag.diagnosis.readers.plain import parsed
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Limit, Readable
from rtdiag.model import counted

_ASSET = re.compile(r"(?i)\.(?:m?js|css|map|png|svg|jpe?g|gif|ico|woff2?|html?|wasm|tsx?)\Z")
_APPEND = "input_audio_buffer.append"
_LONGEST_BODY = 64 * 1024

MOST_ENTRIES = 20_000
FILE = Limit(512 * 1024 * 1024, "export fewer requests")


def read_har(source: Readable, name: str, learner: Learner) -> Reading:
    """The failed and suspicious exchanges of a HAR, which is read as a stream."""
    file = Guarded(source)
    har = _Har(learner)
    broken = ""
    try:
        for entry in entries(file, har.message):
            har.entry(entry)
            if har.count == MOST_ENTRIES:
                broken = "no more are read"
                break
    except Broken as error:
        broken = file.ended or str(error)
    if broken and not har.count:
        raise Unreadable(f"{name} is a HAR that cannot be read ({broken}): export it again")
    return har.reading(broken)


class _Har:
    """What is known of a HAR so far, fed entry by entry."""

    def __init__(self, learner: Learner) -> None:
        self.count = 0
        self._realtime = 0
        self._failures = 0
        self._learner = learner
        self._tokens = Tokens(learner)
        self._drafts: list[Draft] = []
        self._elsewhere: list[Draft] = []
        self._has_credentials = False
        self._channel = Channel()

    def message(self, message: Message) -> None:
        """Take in one WebSocket message of the entry that is being read."""
        data = message.get("data")
        if not isinstance(data, str):
            return
        sent = message.get("type") in ("send", "sent", "outgoing")
        if sent and _APPEND in data[:300] + data[-300:]:
            self._channel.feed({"type": _APPEND}, "", True, "")
            return
        value = parsed(data)
        if kind_of(value):
            self._learner.value(value)
            self._channel.feed(value, cut(data, _LONGEST_BODY), sent, "")
        elif message.get("opcode") == 8 or close_of(value):
            self._close(data, value)

    def _close(self, data: str, value: Any) -> None:
        code = re.match(r"\s{0,8}([134]\d{3})\b", data)
        draft = close_of(value) or Draft(data[:1000], status=int(code.group(1)) if code else None)
        self._channel.close(draft, "")

    def entry(self, entry: Entry) -> None:
        """Take in one entry, and the WebSocket messages that came with it."""
        self.count += 1
        channel, self._channel = self._channel, Channel()
        exchange = exchange_of(self.count, entry, self._learner)
        self._has_credentials |= exchange.shows_credentials
        if exchange.ok:
            self._tokens.learn(exchange.url, exchange.body, exchange.when)
        asset = _ASSET.search(routes.path_of(exchange.url))
        if channel.events or (routes.is_realtime(exchange.url) and not asset):
            self._realtime += 1
            self._judge(exchange, channel)
        elif routes.is_own_route(exchange.url) and (exchange.status >= 400 or exchange.error):
            self._elsewhere.append(self._draft(exchange, []))
            del self._elsewhere[MOST_SITUATIONS:]

    def reading(self, broken: str) -> Reading:
        """What the whole HAR tells; failures of other routes for tokens or sessions only where nothing else failed."""
        drafts = self._drafts or self._elsewhere
        for draft in drafts:
            if draft.credential is None and draft.method != "OPTIONS":
                self._say_without_credential(draft)
        return Reading("HAR", drafts, note=self._note(len(drafts), broken))

    def _say_without_credential(self, draft: Draft) -> None:
        if self._has_credentials:
            draft.credential = "none"
        else:
            draft.circumstances.append("no request in the HAR shows a credential: a sanitized export leaves them out")

    def _note(self, failed: int, broken: str) -> str:
        parts = []
        if not failed:
            parts.append(
                f"the HAR holds {counted(self.count, 'request')}, {self._realtime} to realtime paths; none failed"
            )
        if self._failures > MOST_SITUATIONS:
            parts.append(f"{self._failures} requests failed, the first {MOST_SITUATIONS} are judged")
        if broken:
            parts.append(f"the HAR ends early, after {counted(self.count, 'request')} ({broken})")
        return "; ".join(parts)

    def _judge(self, exchange: Exchange, channel: Channel) -> None:
        used = self._tokens.used(exchange.heads.secret, exchange.when)
        odd = oddities(exchange)
        if odd is not None and not (channel.events and not exchange.status):
            self._add(self._draft(exchange, odd + used))
        for failure in channel.failures() if channel.events else []:
            self._add(self._on_channel(exchange, failure, used))

    def _add(self, draft: Draft) -> None:
        self._failures += 1
        if len(self._drafts) < MOST_SITUATIONS:
            self._drafts.append(draft)

    def _draft(self, exchange: Exchange, odd: list[str]) -> Draft:
        said, facts = sdp_text.sent(exchange.sent)
        for text in (exchange.sent, exchange.body):
            self._learner.text(text[:_LONGEST_BODY])
            self._learner.value(parsed(text))
        status_line = f"{exchange.status or ''} {text_of(exchange.entry, 'response.statusText')}".strip()
        draft = Draft(
            text=cut(exchange.body, _LONGEST_BODY) or exchange.error or status_line,
            content_type=exchange.heads.content_type or text_of(exchange.entry, "request.postData.mimeType") or None,
            sent=cut(said, _LONGEST_BODY) or None,
            status=exchange.status or None,
            surface=routes.surface_of(exchange.url, exchange.method) if exchange.status else "client",
            circumstances=odd + facts + answered(pairs_of(exchange.entry, "response.headers")),
        )
        return self._asked(draft, exchange)

    def _on_channel(self, exchange: Exchange, failure: Draft, used: list[str]) -> Draft:
        """A failure on a WebSocket, with what is known of how the socket was opened."""
        failure.circumstances += [f"connected to {exchange.url}", *used]
        event, kind = failure.method, failure.url
        self._asked(failure, exchange)
        if kind is not None:
            failure.method, failure.url = event, kind
        return failure

    def _asked(self, draft: Draft, exchange: Exchange) -> Draft:
        """Fill in what was asked: method and URL, the credential and where it was minted, the day and the place."""
        draft.method, draft.url = exchange.method or None, exchange.url or None
        draft.dialect = routes.dialect_of(exchange.url)
        draft.circumstances += exchange.heads.circumstances
        draft.when = exchange.when.date() if exchange.when else None
        draft.where = f"request {exchange.number}"
        draft.credential = self._tokens.credential(exchange.heads.secret, exchange.heads.kind)
        return draft
