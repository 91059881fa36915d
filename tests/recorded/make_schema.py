"""Writes rtdiag/report/schema.json anew from the types that reports are made of: `python -m tests.recorded.make_schema`."""

from __future__ import annotations

import json
from pathlib import Path

from rtdiag.model import json_report

FILE = Path(__file__).parents[2] / "rtdiag" / "report" / "schema.json"


def made() -> str:
    """What must stand in the file."""
    return json.dumps(json_report.schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(made(), encoding="utf-8")
