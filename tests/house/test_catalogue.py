"""The data: every cause that code or a fault names is in the catalogue, every entry is whole, every default model lives."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

from rtdiag.api import keys, models
from rtdiag.api.endpoints import KINDS
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.code.flaws import rules
from rtdiag.emulator import load_faults

ROOT = Path(__file__).parents[2]


def _texts(path: Path) -> set[str]:
    return {
        n.value
        for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }


def test_every_cause_can_be_found_and_every_fault_names_one() -> None:
    places = [
        *(ROOT / "checks").rglob("*.py"),
        ROOT / "rtdiag" / "engine" / "findings.py",
        ROOT / "rtdiag" / "engine" / "results.py",
    ]
    named = set().union(*(_texts(p) for p in places)) | {rule.cause for rule in rules().values()}
    named |= {keys.cause_of({"flaw": text}) for text in _texts(ROOT / "rtdiag" / "api" / "keys.py")}
    assert {c.code for c in catalogue.causes().values() if not c.speaks_for} - named <= {"unexpected-answer"}
    assert {f.cause for f in load_faults().values() if f.cause} <= set(catalogue.causes())
    assert {rule.cause for rule in rules().values()} <= set(catalogue.causes())


def test_every_cause_says_what_it_is_what_to_do_and_who_says_so() -> None:
    for cause in catalogue.causes().values():
        assert cause.summary.endswith(".")
        assert cause.fix.endswith(".")
        assert cause.sources
        assert 1 <= cause.weight <= 9


def test_a_strangers_cause_is_shown_with_what_there_is() -> None:
    assert catalogue.find("acme-down").code == "acme-down"


def test_the_default_models_are_current_and_far_from_their_end() -> None:
    for kind in KINDS:
        found = models.find(models.default(kind))
        assert found is not None
        assert found.kind == kind
        assert found.shutdown is None or found.shutdown > date(2027, 11, 22)


def test_an_older_server_is_asked_for_what_it_lists() -> None:
    assert models.default("realtime", ["gpt-4o-realtime-preview", "whisper-1"]) == "gpt-4o-realtime-preview"
    assert models.default("transcription", ["gpt-4o-transcribe", "whisper-1"]) == "gpt-4o-transcribe"
    assert models.default("realtime", ["strange"]) == models.default("realtime")


def test_every_model_has_a_source_and_one_place_in_the_preference() -> None:
    for kind in KINDS:
        ranks = [m.preferred for m in models.all_models() if m.kind == kind and m.preferred]
        assert sorted(ranks) == list(range(1, len(ranks) + 1))
    assert all(m.source and m.released for m in models.all_models())
