"""The lines about a cause, in the table of a run and in what is explained."""

from __future__ import annotations

from collections.abc import Iterator

from rtdiag.model import Diagnosis
from rtdiag.report.pen import WIDTH, wrapped


def cause(found: Diagnosis, *, first: bool, seen: str, width: int = WIDTH) -> Iterator[str]:
    """The lines about one cause: what it is, what to do, what speaks for and against it, and where that is known from."""
    lead = "likely cause" if first else "also"
    yield wrapped(f"{lead} ({found.confidence}): {found.cause}. {found.summary}", width=width)
    yield wrapped(f"what to do: {found.fix}", "  ", width=width)
    if first and found.line:
        yield f"  the line: {found.line}"
    if found.today:
        yield wrapped(f"does it still happen: {found.today}", "  ", width=width)
    if found.against:
        yield wrapped(f"against it: {'; '.join(found.against[:3])}", "  ", width=width)
    if first and found.ask:
        yield wrapped(f"to decide: {found.ask}", "  ", width=width)
    if seen or found.sources:
        yield wrapped(f"{seen}sources: {'; '.join(found.sources)}", "  ", width=width)
