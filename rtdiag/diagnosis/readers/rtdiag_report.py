"""rtdiag's own JSON reports: every case that did not pass, with the exchange, event or peer that it rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rtdiag.diagnosis.features import FINDING, STATUS
from rtdiag.diagnosis.readers import sdp_text
from rtdiag.diagnosis.readers.forms import Draft, Reading
from rtdiag.diagnosis.readers.plain import compact, parsed, text_at
from rtdiag.diagnosis.readers.routes import dialect_of, surface_of
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Unusable, json_of
from rtdiag.model import Event, Exchange, PeerTrace, Report, Row
from rtdiag.recorded import joined, refuse_other_version, report
from rtdiag.redact import Mask

_JUDGED = frozenset({"fail", "inconclusive", "warn", "error"})
# How a JSON report begins, and ndjson.
_BEGINS = re.compile(r'\s{0,80}\{\s{0,80}(?:"type": "start", )?"schema_version": ')
_UNNAMED = "unexpected-answer"
_KINDS = {"api-key": "sk", "admin-key": "sk-admin", "ephemeral": "ek", "none": "none"}


def is_report(value: Any) -> bool:
    """Whether a JSON value is a report, of one target or of several."""
    return isinstance(value, Mapping) and "schema_version" in value and ("checks" in value or "reports" in value)


def of_lines(text: str) -> Mapping[str, Any] | None:
    """The report that a run's ndjson holds, also one that was killed; None for other text.

    Raises Unreadable where a JSON report, or a line of the ndjson that must be there, is cut off.
    """
    if not _BEGINS.match(text):
        return None
    try:
        return joined(text) or _whole(text)
    except Unusable as error:
        raise Unreadable(f"the report cannot be used: {error}") from None


def _whole(text: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json_of(text)
    return found


def read_report(value: Mapping[str, Any], mask: Mask) -> Reading:
    """One draft per case of status fail, inconclusive, warn or error, in the report's order. Raises Unreadable for no report."""
    try:
        refuse_other_version(value)
    except Unusable as error:
        raise Unreadable(f"the report was {error}") from None
    several = value.get("reports")
    try:
        reports = [report(one, mask) for one in (several if isinstance(several, list) and several else [value])]
    except Unusable as error:
        raise Unreadable(f"the report cannot be used: {error}") from None
    drafts = [draft for one in reports for draft in _drafts(one)]
    cases = sum(len(outcome.rows) for one in reports for outcome in one.checks)
    part = "; its run was interrupted, and tells only a part" if any(one.interrupted for one in reports) else ""
    note = "" if drafts else f"the report holds {cases} cases, none of which failed or is in doubt{part}"
    return Reading("rtdiag report", drafts, note=note)


def _drafts(found: Report) -> list[Draft]:
    rows = [(f"{outcome.id}.{row.id}", row) for outcome in found.checks for row in outcome.rows]
    return [_draft(case, row, found) for case, row in rows if row.finding.status in _JUDGED]


def _draft(case: str, row: Row, found: Report) -> Draft:
    finding = row.finding
    draft = _from_records(row.seen.exchanges, row.seen.events, row.seen.peers)
    draft.where = case
    draft.when = found.day
    draft.text = draft.text or finding.measured
    cause = finding.cause if finding.cause != _UNNAMED else None
    told = [
        (FINDING, cause),
        ("expected: ", finding.expected),
        ("measured: ", finding.measured),
        (STATUS, finding.status),
    ]
    draft.circumstances += [name + text for name, text in told if text]
    return draft


def _from_records(exchanges: Sequence[Exchange], events: Sequence[Event], peers: Sequence[PeerTrace]) -> Draft:
    """The draft from the record that says most: an error event, else the last exchange, else a peer."""
    error = next((n for n in range(len(events) - 1, -1, -1) if _is_failure(events[n])), None)
    if error is not None:
        return _from_event(events, error)
    if exchanges:
        failed = [x for x in exchanges if not x.ok]
        return _from_exchange((failed or exchanges)[-1])
    if events:
        return _from_event(events, len(events) - 1)
    return _from_peer(peers[-1]) if peers else Draft()


def _from_event(events: Sequence[Event], index: int) -> Draft:
    sent = next((e for e in reversed(events[:index]) if e.direction == "sent"), None)
    draft = Draft(events[index].raw, surface="data_channel")
    if sent is not None:
        draft.method, draft.url, draft.sent = "event", sent.type, sent.raw
    return draft


def _from_exchange(exchange: Exchange) -> Draft:
    headers = {name.lower(): value for name, value in exchange.request_headers}
    said, facts = sdp_text.sent(exchange.request_body or "")
    failure, status, url = exchange.failure, exchange.status, exchange.url
    draft = Draft(
        text=exchange.body or (failure.detail if failure else ""),
        method=exchange.method,
        url=url,
        credential=_KINDS.get(exchange.credential, exchange.credential),
        content_type=headers.get("content-type"),
        sent=said or None,
        status=status,
        surface="client" if failure and status is None else surface_of(url, exchange.method),
        dialect=dialect_of(url),
        circumstances=facts,
    )
    draft.circumstances += [f"header OpenAI-Beta: {headers['openai-beta']}"] if "openai-beta" in headers else []
    draft.circumstances += [f"no answer: {failure.kind} in phase {failure.phase}"] if failure else []
    return draft


def _from_peer(peer: PeerTrace) -> Draft:
    failure = peer.failure
    draft = Draft(failure.detail if failure else compact(peer.close or ""), surface="ice")
    if failure:
        draft.circumstances.append(f"{failure.kind} in phase {failure.phase}")
    draft.circumstances += [f"{state} became {value}" for _, state, value in peer.states[-20:]]
    return draft


def _is_failure(event: Event) -> bool:
    if event.type == "response.done":
        return text_at(parsed(event.raw), "response", "status") == "failed"
    return event.type == "error" or event.type.endswith(".failed")
