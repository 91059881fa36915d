"""rtdiag's own reports: they are judged as their run was, and no text is looked for in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers.forms import Reading
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Unusable, json_of
from rtdiag.redact import Mask
from rtdiag.redact.seal import intact

# How a JSON report begins, and ndjson.
_BEGINS = expression(r'\s{0,80}\{\s{0,80}(?:"type": "start", )?"schema_version": ')


def is_report(value: Any) -> bool:
    """Whether a JSON value is a report, of one target or of several."""
    return isinstance(value, Mapping) and "schema_version" in value and ("checks" in value or "reports" in value)


def of_lines(text: str) -> Mapping[str, Any] | None:
    """The report that a run's ndjson holds, also one that was killed; None for other text.

    Raises Unreadable where a JSON report, or a line of the ndjson that must be there, is cut off.
    """
    if not _BEGINS.match(text):
        return None
    from rtdiag.recorded import joined

    try:
        return joined(text) or _whole(text)
    except Unusable as error:
        raise Unreadable(f"the report cannot be used: {error}") from None


def _whole(text: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json_of(text)
    return found


def read_report(value: Mapping[str, Any], text: str, mask: Mask) -> Reading:
    """The reports of a run, of one target or of several, and the text that they stand in.

    Raises Unreadable for what is no report of this rtdiag.
    """
    from rtdiag.recorded import refuse_other_version, report

    try:
        refuse_other_version(value)
    except Unusable as error:
        raise Unreadable(f"the report was {error}") from None
    several = value.get("reports")
    try:
        held, sealed = several if isinstance(several, list) and several else [value], intact(text)
        reports = [report(one, mask, sealed=sealed) for one in held]
    except Unusable as error:
        raise Unreadable(f"the report cannot be used: {error}") from None
    return Reading("rtdiag report", [], reports=reports)
