"""The report that lines of ndjson make up together, also those of a run that was cut off."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rtdiag.intake import Unusable, json_of
from rtdiag.model.json_report import RECORDS
from rtdiag.recorded.version import refuse_other_version

_LONGEST_LIST = 80


def joined(text: str) -> dict[str, Any] | None:
    """The report that lines of ndjson make up together; a last line that was cut off is left out. None for other text.

    Raises Unusable for a report of another schema, for the lines of several runs, and where the end names a check that no line
    tells.
    """
    found: dict[str, Any] = {}
    for line in filter(str.strip, text.splitlines()):
        try:
            part = json_of(line)
        except Unusable:
            break
        if not isinstance(part, dict) or "type" not in part:
            return None
        if found and part["type"] == "start":
            raise Unusable("it holds the lines of several runs: give those of one, from its start to the next")
        for name, given in part.items():
            if name in RECORDS and isinstance(given, list):
                found[name] = [*_by_id([*found.get(name, ()), *given]).values()]
            elif name == "check":
                found["checks"] = [*_by_id([*found.get("checks", ()), given]).values()]
            else:
                found[name] = given
    if not found:
        return None
    refuse_other_version(found)
    found.setdefault("interrupted", "exit_code" not in found)
    told = {check.get("id") for check in found.get("checks", ()) if isinstance(check, Mapping)}
    named = found.get("check_ids")
    if isinstance(named, list) and (lost := [str(one) for one in named if one not in told]):
        raise Unusable(f"not a whole report of rtdiag: the lines of {', '.join(lost)[:_LONGEST_LIST]} are missing")
    return found


def _by_id(records: Iterable[Any]) -> dict[Any, Any]:
    """The records by their ids; where one was told twice, the later one is the fuller."""
    return {json.dumps(one.get("id")) if isinstance(one, Mapping) else "": one for one in records}
