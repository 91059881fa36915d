"""What a case rests on, word for word, for formats of text: each request, event and connection, with a line about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from rtdiag.model import Event, Exchange, Failure, PeerTrace, Row
from rtdiag.report.phrases import OPAQUE, asker

_OF_A_PAGE = {OPAQUE: "an answer that the page may not read", "untold": "no answer that the page is shown"}


@dataclass(frozen=True)
class Piece:
    """One of them: `source` is its id, `head` says what it is in a line, `body` is what came, exactly; "" where nothing came."""

    source: str
    head: str
    body: str = ""


def asked(exchange: Exchange) -> str:
    """Who asked what, with whose credential and, where the URL does not say it, at which address."""
    return f"{asker(exchange.by)}{exchange.method} {exchange.url} ({exchange.credential}){place(exchange)}"


def ended(exchange: Exchange, failure: Failure) -> str:
    """How a request ended that failed: without an answer, in the midst of one, or as its page is told, which is little."""
    if failure.kind in _OF_A_PAGE and exchange.status is None:
        return f"{_OF_A_PAGE[failure.kind]}: {failure.detail}"
    end = "no answer" if exchange.status is None else "the answer broke off"
    return f"{end}: {failure.kind} ({failure.phase}): {failure.detail}"


def place(exchange: Exchange) -> str:
    """` at 192.0.2.1:443`, the address that was connected to; "" where none is known, or the URL says it."""
    known = exchange.reached and exchange.reached != urlsplit(exchange.url).netloc
    return f" at {exchange.reached}" if known else ""


def pieces(row: Row) -> Iterator[Piece]:
    """All of a row, in the order of the probe."""
    yield from (_exchange(exchange) for exchange in row.seen.exchanges)
    yield from (_event(event) for event in row.seen.events)
    yield from (_peer(peer) for peer in row.seen.peers)


def _exchange(exchange: Exchange) -> Piece:
    told = []
    if exchange.status is not None:
        told.append(f"HTTP {exchange.status} {exchange.header('content-type') or 'without a content type'}")
    if exchange.failure is not None:
        told.append(ended(exchange, exchange.failure))
    ids = [f"{name}={text}" for name, text in exchange.correlation.items() if name in ("x-request-id", "cf-ray")]
    encoded = ["in base64"] if exchange.body and exchange.body_encoding == "base64" else []
    head = f"{asked(exchange)}: {', '.join([*told, *encoded])} {' '.join(ids)}".rstrip()
    return Piece(exchange.id, head, exchange.body or "")


def _event(event: Event) -> Piece:
    return Piece(event.id, f"{event.direction} {event.type} ({event.channel}) at {event.at_ms:.0f} ms", event.raw)


def _peer(peer: PeerTrace) -> Piece:
    told = [f"{peer.failure.phase}: {peer.failure.detail}"] if peer.failure else []
    if peer.phases_ms:
        told.append("got through " + ", ".join(f"{phase} in {took:.0f} ms" for phase, took in peer.phases_ms.items()))
    if peer.candidates:
        told.append("candidates " + ", ".join(f"{kind} {n}" for kind, n in peer.candidates.items()))
    if peer.selected_pair:
        told.append(f"by {peer.selected_pair}")
    told += ways_tried(peer)
    if peer.close:
        told.append(f"closed: {' '.join(peer.close.values())}".rstrip())
    states = "\n".join(f"{at_ms:.0f} ms {which} {value}" for at_ms, which, value in peer.states)
    return Piece(
        peer.id, f"{asker(peer.by)}connection {peer.id}: {'; '.join(told) or 'nothing is known of it'}", states
    )


def ways_tried(peer: PeerTrace) -> Iterator[str]:
    """Of a connection whose ICE found no way: what crossed between each two candidates, in a line each."""
    if peer.failure is None or peer.failure.phase != "ice":
        return
    for pair in peer.pairs:
        errors = "".join(f", {count} × {word}" for word, count in pair.errors.items())
        yield f"{pair.local} -> {pair.remote}: {pair.sent} sent, {pair.received} came back{errors}"
    for check in peer.ice_tcp:
        yield f"{check.candidate}: {check.outcome} in {check.took_ms:.0f} ms"
