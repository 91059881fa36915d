"""Renderings of a report, one file each: pure functions from a Report to text."""

from __future__ import annotations

from rtdiag.model import Report
from rtdiag.report import json as json_report

FORMATS = ("table", "json")


def render(report: Report, form: str, *, color: bool = False, verbose: bool = False) -> str:
    """The report in that format, ending in a newline. `color` and `verbose` are for the table alone."""
    if form == "json":
        return json_report.render(report)
    from rtdiag.report import table

    return table.render(report, color=color, verbose=verbose)
