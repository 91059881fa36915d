"""A field of a report is declared once: what is written, the schema and what is read back follow from that."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recorded import make_schema

ROOT = Path(__file__).parents[2]

# Where each type is declared: type -> (file, a line of its declaration, behind which one more field is declared).
DECLARED = {
    "Exchange": ("observation.py", "    credential_from: str | None = None\n"),
    "Event": ("observation.py", "    raw: str\n"),
    "PeerTrace": ("observation.py", "    offered_in: str | None = None\n"),
    "Finding": ("result.py", "    show_body: bool = False\n"),
    "Outcome": ("result.py", "    rows: tuple[Row, ...] = ()\n"),
    "Target": ("report.py", "    kinds: Annotated[tuple[Kind, ...], _ONCE] = KINDS\n"),
    "Report": ("report.py", "    left_open: tuple[str, ...] = ()\n"),
}

# Every value of the seven types gets `noted`, goes through each form, and is looked at on the other side.
_THERE_AND_BACK = """
import json, sys
from dataclasses import replace
from rtdiag.model import Event, PeerTrace
from rtdiag.model.json_report import schema
from rtdiag.recorded import report_in
from rtdiag.report import render
from rtdiag.testing import run_on_emulator

def noted(value, **more):
    return replace(value, noted=type(value).__name__, **more)

ran = run_on_emulator(only=["key"])
seen = {r.id: replace(r.seen, exchanges=tuple(map(noted, r.seen.exchanges))) for r in ran.checks[0].rows}
rows = tuple(replace(r, finding=noted(r.finding), seen=seen[r.id]) for r in ran.checks[0].rows)
exchanges = tuple(map(noted, ran.exchanges))
events = (noted(Event("e1", "p1/oai-events", "received", 1.0, "x", "{}")),)
ran = noted(ran, checks=(noted(ran.checks[0], rows=rows),), target=noted(ran.target), exchanges=exchanges,
            events=events, peers=(noted(PeerTrace("p1")),))
told = {}
for form in ("json", "ndjson", "cassette"):
    text = render(ran, form)
    again = report_in(text)
    outcome = again.checks[0]
    parts = (again, again.target, outcome, outcome.rows[0].finding, again.exchanges[0], again.events[0], again.peers[0])
    told[form] = [part.noted for part in parts]
defs = schema()["$defs"]
told["schema"] = [name for name, part in {**defs, "Report": schema()}.items() if "noted" in part["properties"]]
print(json.dumps(told))
"""


def test_a_new_field_is_one_line(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rtdiag", tmp_path / "rtdiag", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "checks", tmp_path / "rtdiag" / "checks", ignore=shutil.ignore_patterns("__pycache__"))
    for file, line in DECLARED.values():
        path = tmp_path / "rtdiag" / "model" / file
        text = path.read_text(encoding="utf-8")
        assert text.count(line) == 1
        path.write_text(text.replace(line, f'{line}    noted: str = ""\n'), encoding="utf-8")
    run = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{_THERE_AND_BACK}"]
    done = subprocess.run(run, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    read = ["Report", "Target", "Outcome", "Finding", "Exchange", "Event", "PeerTrace"]
    assert told["json"] == told["ndjson"] == told["cassette"] == read
    assert sorted(told["schema"]) == ["Case", "Check", "Event", "Exchange", "PeerTrace", "Report", "Target"]


def test_the_schema_is_made_of_what_is_declared() -> None:
    assert make_schema.FILE.read_text(encoding="utf-8") == make_schema.made(), "python -m tests.recorded.make_schema"


@pytest.mark.parametrize("name", ["Report", "Case", "Check", "Exchange"])
def test_the_schema_wants_every_field_and_no_other(name: str) -> None:
    whole = json.loads(make_schema.made())
    part = whole if name == "Report" else whole["$defs"][name]
    assert part["required"] == list(part["properties"])
    assert part["additionalProperties"] is False
