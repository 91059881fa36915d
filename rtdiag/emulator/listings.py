"""The emulator's data as a person reads it: its timeline and its faults."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from fnmatch import fnmatchcase
from itertools import groupby

from rtdiag.api.models import all_models
from rtdiag.emulator.faults import Fault, load_faults
from rtdiag.emulator.timeline import timeline

_UNSEEN = "no case says of it yet what it should"


def timeline_text() -> str:
    """Every change of the API that the emulator knows, models among them, one per line and its source below."""
    changes = sorted([*_changes(), *_models()], key=lambda change: change[0])
    return "".join(f"{day}  {what}\n            {source}\n" for day, what, source in changes)


def faults_text(cases: Collection[str]) -> str:
    """Every fault with its story, who must see it of the cases that there are, and its source; by whose server it is."""
    groups = groupby(sorted(load_faults().values(), key=_whose), _whose)
    return "\n".join(_heading(whose) + "".join(_told(fault, cases) for fault in group) for whose, group in groups)


def _whose(fault: Fault) -> list[str]:
    return list(fault.profiles)


def _heading(profiles: Sequence[str]) -> str:
    return f"With --profile {' or '.join(profiles)}:\n" if profiles else ""


def _told(fault: Fault, cases: Collection[str]) -> str:
    return f"{fault.id:<28} {fault.story}\n{'':<29}{_seen(fault, cases)}\n{'':<29}{fault.source}\n"


def _seen(fault: Fault, cases: Collection[str]) -> str:
    here = [glob for glob in fault.sees if any(fnmatchcase(case, glob) for case in cases)]
    awaited = sorted({glob.partition(".")[0] for glob in fault.sees} - {glob.partition(".")[0] for glob in here})
    cause = f" as {fault.cause}" if fault.cause else ""
    parts = [f"{fault.status}{cause} in {', '.join(here)}"] if here else []
    parts += [f"awaits the check {', '.join(awaited)}"] if awaited else []
    return "; ".join(parts) or (_UNSEEN if fault.profiles else "a client meets it; no check asks for responses")


def _changes() -> Iterator[tuple[date, str, str]]:
    for entry in timeline():
        yield entry.date, entry.what, entry.source


def _models() -> Iterator[tuple[date, str, str]]:
    first = timeline()[0].date
    for model in all_models():
        if model.released > first:
            yield model.released, f"model {model.id}", model.source
        if model.shutdown:
            yield model.shutdown, f"model {model.id} ends", model.source
