"""The code in a Jupyter notebook: its code cells one after the other, and where each begins."""

from __future__ import annotations

import json
from typing import Any


def code(text: str) -> tuple[str, tuple[int, ...]]:
    """The code of a notebook (nbformat 4), and the offset at which each code cell begins; no code for what is no notebook."""
    try:
        cells = json.loads(text)["cells"]
        sources = [_source(cell) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", ()
    starts, at = [], 0
    for source in sources:
        starts.append(at)
        at += len(source)
    return "".join(sources), tuple(starts)


def _source(cell: Any) -> str:
    """A cell's lines; commands of the notebook itself (`%pip`, `!ls`) are no Python and become remarks."""
    source = cell["source"]
    lines = "".join(source if isinstance(source, list) else [str(source)]).splitlines() or [""]
    return "".join(("#" + line[1:] if line[:1] in ("%", "!") else line) + "\n" for line in lines)
