"""What rtdiag itself has recorded: of which version a JSON report is, and the one that lines of ndjson make up together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rtdiag.intake.json_values import json_of
from rtdiag.intake.limits import Unusable

RECORDS = ("exchanges", "events", "peers")
_LONGEST_LIST = 80

SCHEMA_VERSION = 1  # of report/schema.json; a change that scripts or this rtdiag cannot pass over counts it up


def refuse_other_version(report: Mapping[Any, Any]) -> None:
    """Raises Unusable for a report of another schema. One that names none, as a cassette does, is taken for one of this."""
    given = report.get("schema_version", SCHEMA_VERSION)
    if given == SCHEMA_VERSION and not isinstance(given, bool):
        return
    tool = report.get("tool")
    version = tool.get("version") if isinstance(tool, Mapping) else None
    named = f" {version}" if isinstance(version, str) and re.fullmatch(r"[\w.+-]{1,40}", version) else ""
    if not isinstance(given, int) or isinstance(given, bool):
        raise Unusable("written by something else than rtdiag: its schema_version is no whole number")
    told = f"schema {str(given)[:20]}, this rtdiag reads {SCHEMA_VERSION}"
    if given > SCHEMA_VERSION:
        raise Unusable(f"written by a newer rtdiag{named} ({told}): upgrade rtdiag")
    raise Unusable(f"written by an older rtdiag{named} ({told}): run it again")


def joined(text: str) -> dict[str, Any] | None:
    """The report that lines of ndjson make up together; a last line that was cut off is left out. None for other text.

    Raises Unusable for a report of another schema, and where the end names a check that no line tells.
    """
    found: dict[str, Any] = {}
    for line in filter(str.strip, text.splitlines()):
        try:
            part = json_of(line)
        except Unusable:
            break
        if not isinstance(part, dict) or "type" not in part:
            return None
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
