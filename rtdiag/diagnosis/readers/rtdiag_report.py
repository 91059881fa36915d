"""rtdiag's own JSON reports: every case that did not pass, with the exchange, event or peer that it rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from rtdiag.diagnosis.features import FINDING, STATUS
from rtdiag.diagnosis.readers import sdp_text
from rtdiag.diagnosis.readers.forms import Draft, Reading
from rtdiag.diagnosis.readers.plain import at, compact, parsed, text_at
from rtdiag.diagnosis.readers.routes import dialect_of, surface_of
from rtdiag.diagnosis.readers.timestamps import moment
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Unusable, joined, json_of, refuse_other_version

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


def read_report(value: Mapping[str, Any]) -> Reading:
    """One draft per case of status fail, inconclusive, warn or error, in the report's order. Unreadable for another version."""
    try:
        refuse_other_version(value)
    except Unusable as error:
        raise Unreadable(f"the report was {error}") from None
    reports = _dicts(value.get("reports")) or [value]
    drafts = [draft for report in reports for draft in _drafts(report)]
    cases = sum(len(_dicts(check.get("cases"))) for r in reports for check in _dicts(r.get("checks")))
    part = (
        "; its run was interrupted, and tells only a part" if any(r.get("interrupted") is True for r in reports) else ""
    )
    note = "" if drafts else f"the report holds {cases} cases, none of which failed or is in doubt{part}"
    return Reading("rtdiag report", drafts, note=note)


def _drafts(report: Mapping[str, Any]) -> list[Draft]:
    records = {key: _by_id(report.get(key)) for key in ("exchanges", "events", "peers")}
    found = []
    for check in _dicts(report.get("checks")):
        for case in _dicts(check.get("cases")):
            if text_at(case, "status") in _JUDGED:
                found.append(_draft(case, records, report))
    return found


def _draft(case: Mapping[str, Any], records: dict[str, dict[str, Any]], report: Mapping[str, Any]) -> Draft:
    draft = _from_records(*(_named(case, key, records[key]) for key in ("exchanges", "events", "peers")))
    draft.where = text_at(case, "id") or ""
    draft.when = _day(report)
    draft.text = draft.text or text_at(case, "measured") or ""
    told = [(FINDING, "cause"), ("expected: ", "expected"), ("measured: ", "measured"), (STATUS, "status")]
    found = {name: text for name, key in told if (text := text_at(case, key))}
    if found.get(FINDING) == _UNNAMED:
        del found[FINDING]
    draft.circumstances += [name + text for name, text in found.items()]
    return draft


def _from_records(exchanges: list[Any], events: list[Any], peers: list[Any]) -> Draft:
    """The draft from the record that says most: an error event, else the last exchange, else a peer."""
    error = next((n for n in range(len(events) - 1, -1, -1) if _is_failure(events[n])), None)
    if error is not None:
        return _from_event(events, error)
    if exchanges:
        failed = [x for x in exchanges if at(x, "failure") or not _ok(at(x, "status"))]
        return _from_exchange((failed or exchanges)[-1])
    if events:
        return _from_event(events, len(events) - 1)
    return _from_peer(peers[-1]) if peers else Draft()


def _from_event(events: list[Any], index: int) -> Draft:
    sent = next((e for e in reversed(events[:index]) if at(e, "direction") == "sent"), None)
    draft = Draft(text_at(events[index], "raw") or "", surface="data_channel")
    if sent is not None:
        draft.method, draft.url, draft.sent = "event", text_at(sent, "type"), text_at(sent, "raw")
    return draft


def _from_exchange(exchange: Any) -> Draft:
    headers = _headers(at(exchange, "request_headers"))
    said, facts = sdp_text.sent(text_at(exchange, "request_body") or "")
    failure, status, url = at(exchange, "failure"), at(exchange, "status"), text_at(exchange, "url")
    credential, method = text_at(exchange, "credential"), text_at(exchange, "method")
    draft = Draft(
        text=text_at(exchange, "body") or text_at(failure, "detail") or "",
        method=method,
        url=url,
        credential=_KINDS.get(credential or "", credential),
        content_type=headers.get("content-type"),
        sent=said or None,
        status=status if isinstance(status, int) and not isinstance(status, bool) else None,
        surface="client" if failure and status is None else surface_of(url, method),
        dialect=dialect_of(url),
        circumstances=facts,
    )
    draft.circumstances += [f"header OpenAI-Beta: {headers['openai-beta']}"] if "openai-beta" in headers else []
    draft.circumstances += (
        [f"no answer: {text_at(failure, 'kind')} in phase {text_at(failure, 'phase')}"] if failure else []
    )
    return draft


def _headers(pairs: Any) -> dict[str, str]:
    found = [p for p in pairs if isinstance(p, list) and len(p) == 2] if isinstance(pairs, list) else []
    return {str(name).lower(): str(value) for name, value in found}


def _from_peer(peer: Any) -> Draft:
    failure, close = at(peer, "failure"), at(peer, "close")
    draft = Draft(text_at(failure, "detail") or compact(close or ""), surface="ice")
    if failure:
        draft.circumstances.append(f"{text_at(failure, 'kind')} in phase {text_at(failure, 'phase')}")
    states = at(peer, "states")
    last = states[-20:] if isinstance(states, list) else []
    draft.circumstances += [f"{s[1]} became {s[2]}" for s in last if isinstance(s, list) and len(s) == 3]
    return draft


def _is_failure(event: Any) -> bool:
    kind = text_at(event, "type") or ""
    if kind == "response.done":
        return text_at(parsed(text_at(event, "raw") or ""), "response", "status") == "failed"
    return kind == "error" or kind.endswith(".failed")


def _ok(status: Any) -> bool:
    return isinstance(status, int) and 200 <= status < 300


def _day(report: Mapping[str, Any]) -> date | None:
    """The day that the server was asked as of: the emulator's, where it was one, else the day of the run."""
    found = moment(at(report, "target", "emulator", "as_of")) or moment(report.get("started_at"))
    return found.date() if found else None


def _by_id(records: Any) -> dict[str, Any]:
    return {str(r.get("id")): r for r in _dicts(records)}


def _named(case: Mapping[str, Any], key: str, records: dict[str, Any]) -> list[Any]:
    ids = case.get(key)
    return [records[i] for i in ids if isinstance(i, str) and i in records] if isinstance(ids, list) else []


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []
