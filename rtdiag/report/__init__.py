"""Renderings of a report, one file each: pure functions from a Report to text."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtdiag.model import Report

# Each is the module of that name, with `render(report)`.
FORMATS = ("table", "json", "ndjson", "junit", "markdown", "html", "github", "short")


def render(
    report: Report,
    form: str,
    *,
    color: bool = False,
    verbose: bool = False,
    encoding: str = "utf-8",
    width: int | None = None,
) -> str:
    """The report in that format, or as a `cassette`, ending in a newline. What else can be chosen is for the table alone.

    `width` is that of a terminal, in columns; None where there is none.
    """
    chosen = {"color": color, "verbose": verbose, "encoding": encoding, "width": width}
    options = chosen if form == "table" else {}
    text: str = import_module(f"rtdiag.report.{form}").render(report, **options)
    return text
