"""Of which version a report is, and what is said of one that this rtdiag cannot read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rtdiag.intake import Unusable
from rtdiag.model.json_report import SCHEMA_VERSION


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
