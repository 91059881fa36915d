"""What `rtdiag explain` prints: the causes of each input and the flaws in its code, as text or as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator

from rtdiag.model import Explanation
from rtdiag.report.json import plain
from rtdiag.report.pen import WIDTH, wrapped
from rtdiag.report.table import cause


def as_json(found: Iterable[Explanation]) -> str:
    """A JSON list, one entry for each input or description: `id` where it had one, input, form, note, diagnosis, flaws."""
    entries = []
    for one in found:
        named = {} if one.id is None else {"id": one.id}
        entries.append(
            named
            | {"input": one.input, "form": one.form, "note": one.note}
            | {"diagnosis": plain(one.diagnosis), "flaws": plain(one.flaws)}
        )
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def as_text(found: Iterable[Explanation], width: int = WIDTH) -> str:
    """The same for a person, the causes first, in lines of that width."""
    return "\n".join(line for one in found for line in _input(one, width)) + "\n"


def _input(one: Explanation, width: int) -> Iterator[str]:
    if one.form == "code":
        yield one.note
        return
    named = "standard input" if one.input == "-" else one.input
    yield wrapped(
        f"{named}{'' if one.id is None else f' [{one.id}]'}: {one.form}{f' ({one.note})' if one.note else ''}",
        width=width,
    )
    for number, found in enumerate(one.diagnosis[:3]):
        yield from cause(
            found,
            first=number == 0,
            seen=f"seen: {'; '.join(found.evidence[:3])}; " if found.evidence else "",
            width=width,
        )
    for flaw in one.flaws:
        yield wrapped(f"{flaw.file}:{flaw.line}: {flaw.cause} ({flaw.confidence}). {flaw.why}", width=width)
        yield f"    {flaw.found}"
        if flaw.instead:
            yield textwrap.indent(flaw.instead, "  + ", lambda _: True)
    yield ""
