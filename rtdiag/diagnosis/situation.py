"""One failure as far as it is known, whoever tells it: the only thing that causes are judged from.

A browser's paste, a HAR, a log, a person's description and rtdiag's own run all become situations; what judges them (matching.py)
does not know where they came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rtdiag.api.endpoints import base_url_of
from rtdiag.api.expressions import expression
from rtdiag.intake.limits import Unreadable as Unreadable

if TYPE_CHECKING:
    from rtdiag.model import Event, Exchange, Failure, Observation

# The end of a key as a refusal shows it, and as a header that is masked.
_REFUSED_KEY = expression(r"API key provided: sk-[\w-]{0,60}?[*.…]{2,200}([\w-]{4})\b")
_SENT_KEY = expression(r"Bearer sk-\S*\*([\w-]{4})\Z")
# How a gateway ends a session whose upstream has closed, after the error event that it has handed on.
UPSTREAM_CLOSED = expression(r"upstream websocket closed with code", re.I)
# What every case of a run has in common: no text of a user's program led to it.
OURS = "rtdiag itself has asked"
# The fact of an Observation that holds a whole situation: what a reader has made of a record that it alone has seen.
TOLD = "situation"
_LONGEST_FACT = 16 * 1024
ANOTHER_KEY = "the key that is refused is another than the one that was sent"


@dataclass(frozen=True)
class Situation:
    """What was asked and what came back; every part may be missing, and each may be a person's words for the exact thing.

    Texts hold no secrets: a reader masks before it builds one. `surface` is http, sdp, data_channel, websocket_close, ice or
    client; `dialect` is beta, ga, azure, litellm or other. `url` may be a path, a URL, or the name of a client event (method
    `event`). `credential` says its kind and, where known, where it was minted: `sk`, `ek`, `none`, `ek minted at
    /v1/realtime/sessions`. `sent` is the body or event that was sent. `status` is an HTTP status or a WebSocket close code (1000
    and above). `text` is what came back, as received. `circumstances` are further facts in words, such as `session.created says
    realtime.transcription_session`. `where` is the place in the input (`request 3`, `line 12`), `id` the input's own name for it.
    `base_url` is that of the server where `url` is but a path and it is known all the same. `observed` are the named observations
    of a check of rtdiag, which has asked what no text can tell, or those that a browser has measured itself; `failure` is the kind
    and the phase of a request that got no usable answer, or of a connection that did not come about (transport/failures.py).
    `follows` is the `where` of an earlier failure that explains this one, "" where none is known to.
    """

    text: str = ""
    method: str | None = None
    url: str | None = None
    credential: str | None = None
    content_type: str | None = None
    sent: str | None = None
    status: int | None = None
    surface: str | None = None
    dialect: str | None = None
    circumstances: tuple[str, ...] = ()
    when: date | None = None
    where: str = ""
    id: str | int | None = None
    base_url: str = ""
    observed: tuple[str, ...] = ()
    failure: str = ""
    follows: str = ""


def situation_of(seen: Observation, where: str = "", observed: Iterable[str] = ()) -> Situation:
    """What a case saw, told as any other failure: its last exchange, or its last events where it is about those.

    A WebSocket that was upgraded tells by its error event or its close what an HTTP answer tells. Where a reader has told it, as
    the fact TOLD, it is that.
    """
    if (of_a_reader := _from_fact(seen.facts.get(TOLD))) is not None:
        its = dict.fromkeys((*of_a_reader.observed, *(what for what in observed if what != OURS)))
        return replace(of_a_reader, where=where, observed=tuple(its))
    failure = broken(seen)
    told = _told(seen, where)
    observed = (*observed, *([ANOTHER_KEY] if _refuses_another_key(seen.exchange, told.text) else ()))
    return replace(told, observed=observed, failure=f"{failure.kind} {failure.phase}" if failure else "")


def as_fact(situation: Situation) -> dict[str, Any]:
    """A situation as a value of JSON, for the fact TOLD; long texts are cut."""
    told = {
        name: value for name, value in asdict(situation).items() if value not in (None, "", ()) and name != "follows"
    }
    told |= {name: told[name][:_LONGEST_FACT] for name in ("text", "sent") if name in told}
    return told | ({"when": situation.when.isoformat()} if situation.when else {})


def _from_fact(told: Any) -> Situation | None:
    """The situation in that fact; None where there is none, as in a report that another hand has changed."""
    from msgspec import ValidationError, convert

    if not isinstance(told, Mapping):
        return None
    try:
        return convert(told, Situation)
    except ValidationError:
        return None


def _refuses_another_key(exchange: Exchange | None, text: str) -> bool:
    """Whether the key that the words of a refusal show ends otherwise than the one that was sent: a gateway sent one of its own."""
    headers = exchange.request_headers if exchange and not exchange.kept else ()  # a cache has what another asked
    sent = next((_SENT_KEY.match(value) for name, value in headers if name.lower() == "authorization"), None)
    refused = _REFUSED_KEY.search(text)
    return sent is not None and refused is not None and sent[1] != refused[1]


def broken(seen: Observation) -> Failure | None:
    """What went wrong below the answers of a case: with its last request, else with its connection; None where nothing did."""
    exchange, peer = seen.exchange, seen.peers[-1].failure if seen.peers else None
    if exchange is not None and exchange.failure is not None:
        return exchange.failure
    refused = any(e.type == "error" for e in seen.events)
    return peer if peer and peer.kind != "silence" and not refused else None


def as_answer(seen: Observation) -> Exchange:
    """The refusal as one exchange: after a 101 the error event (or the close's reason) is its body, the close code its status."""
    exchange = seen.exchange
    assert exchange is not None
    if exchange.status != 101:
        return exchange
    error = next((e for e in seen.events if e.type == "error"), None)
    close = seen.peers[-1].close if seen.peers else None
    code, reason = (int(close["code"]), close["reason"]) if close else (101, "")
    return replace(exchange, status=code, body=error.raw if error else reason, response_headers=())


def _told(seen: Observation, where: str) -> Situation:
    exchange, events = seen.exchange, seen.events
    if exchange is not None and exchange.status == 101:
        exchange = as_answer(seen)
        exchange = replace(exchange, body="\n".join(filter(None, (exchange.body, *_of_a_gateway(events)))))
    elif events:
        sent = next((e for e in reversed(events) if e.direction == "sent"), None)
        received = next((e for e in reversed(events) if e.direction == "received"), None)
        answered = Situation(received.raw if received else "", surface="data_channel", where=where)
        return replace(answered, method="event", url=sent.type, sent=sent.raw) if sent else answered
    if exchange is None:
        failure = next((p.failure for p in seen.peers if p.failure), None)
        return Situation(
            f"{failure.phase}: {failure.kind}: {failure.detail}" if failure else "", surface="ice", where=where
        )
    parts = urlsplit(exchange.url)
    content_type = next((v for k, v in exchange.request_headers if k.lower() == "content-type"), None)
    return Situation(
        exchange.body or (exchange.failure.detail if exchange.failure else ""),
        method=exchange.method,
        url=parts.path + (f"?{parts.query}" if parts.query else ""),
        credential={"ephemeral": "ek", "api-key": "sk"}.get(exchange.credential, exchange.credential),
        content_type=content_type,
        sent=exchange.request_body,
        status=exchange.status,
        surface=_surface(parts.scheme, content_type),
        where=where,
        base_url=base_url_of(exchange.url),
    )


def _of_a_gateway(events: Sequence[Event]) -> list[str]:
    """What a gateway says behind the error event that it has handed on."""
    errors = [event.raw for event in events if event.type == "error"]
    return [raw for raw in errors[1:] if UPSTREAM_CLOSED.search(raw)]


def _surface(scheme: str, content_type: str | None) -> str:
    if scheme in ("ws", "wss"):
        return "websocket"
    return "sdp" if content_type and "sdp" in content_type else "http"
