"""What a case rests on, on a page: word for word what was answered, what a session went through, and the lines that repeat it."""

from __future__ import annotations

from collections.abc import Iterator

from rtdiag.model import Event, Exchange, PeerTrace, Report, Row, counted
from rtdiag.report import cases, curl
from rtdiag.report.evidence import asked, ended, ways_tried
from rtdiag.report.lanes import ms
from rtdiag.report.markup import Markup, element, joined, linked
from rtdiag.report.phrases import asker

_NAMES = ("x-request-id", "cf-ray")


def evidence(row: Row, report: Report) -> Iterator[Markup]:
    """One case of the report in full."""
    finding = row.finding
    missed = cases.missed(finding)
    expected = f"; expected {missed}" if missed else ""
    yield element("p", f"measured {finding.measured}{expected}", f" ({finding.cause})" if finding.cause else "")
    if hint := finding.hint or finding.instead:
        yield element("p", element("b", "What to do: "), linked(hint))
    yield from (part for exchange in row.seen.exchanges for part in _exchange(exchange))
    yield from (part for event in row.seen.events for part in _event(event))
    yield from (part for peer in row.seen.peers for part in _peer(peer))
    if lines := curl.of_row(row, report):
        yield element("p", element("b", "To repeat it:"))
        yield _pre(lines, "curl")


def _exchange(exchange: Exchange) -> Iterator[Markup]:
    yield _asked(f"{exchange.id} {asked(exchange)}")
    if failure := exchange.failure:
        yield element("p", ended(exchange, failure))
    if exchange.status is not None:
        yield from _answer(exchange)


def _answer(exchange: Exchange) -> Iterator[Markup]:
    ids = [f"{name}={exchange.correlation[name]}" for name in _NAMES if name in exchange.correlation]
    kind = exchange.header("content-type") or "no content type"
    encoded = ["(in base64)"] if exchange.body and exchange.body_encoding == "base64" else []
    yield _asked(" ".join([f"HTTP {exchange.status}", kind, *ids, *encoded]))
    yield _pre(exchange.body, "body") if exchange.body else element("p", "(empty body)")
    if exchange.response_headers:
        head = element("summary", f"{counted(len(exchange.response_headers), 'header')} of the answer")
        yield element("details", head, _pre("\n".join(f"{name}: {value}" for name, value in exchange.response_headers)))


def _event(event: Event) -> Iterator[Markup]:
    yield _asked(f"{event.id} {event.direction} {event.type} ({event.channel}, at {event.at_ms:.1f} ms)")
    yield _pre(event.raw, "body")


def _peer(peer: PeerTrace) -> Iterator[Markup]:
    told = {
        "failed": peer.failure and f"{peer.failure.phase}: {peer.failure.detail}",
        "closed": peer.close and f"{peer.close.get('code', '')} {peer.close.get('reason', '')}",
        "candidates": ", ".join(f"{count} {name}" for name, count in peer.candidates.items()),
        "selected pair": peer.selected_pair,
        "ways tried": "; ".join(ways_tried(peer)),
        "phases": ", ".join(f"{name} {ms(length)}" for name, length in peer.phases_ms.items()),
        "states": ", ".join(f"{name} {value} at {at_ms:.1f} ms" for at_ms, name, value in peer.states),
    }
    yield _asked(f"{asker(peer.by)}session {peer.id}")
    yield element("dl", *(joined(element("dt", name), element("dd", value)) for name, value in told.items() if value))


def _asked(told: str) -> Markup:
    return element("p", told, class_="asked")


def _pre(text: str, class_: str | None = None) -> Markup:
    return element("pre", text, tabindex=0, class_=class_)
