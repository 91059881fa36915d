"""The data: every cause that code or a fault names is in the catalogue, every entry is whole, every default model lives."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from rtdiag.api import keys, models
from rtdiag.api.endpoints import KINDS
from rtdiag.diagnosis import catalogue, situation, verdict
from rtdiag.diagnosis.code.flaws import rules
from rtdiag.emulator import load_faults
from rtdiag.emulator.bodies import all_bodies

ROOT = Path(__file__).parents[2]
PLACEHOLDER = "key-placeholder-not-a-key"
# As api/keys.py names the flaws of a credential; whose it may be is no flaw, and is observed in words.
WHOSE = {"other-prefix", "another-issuer"}
FLAWS = {code.partition("/")[2] for code in catalogue.causes() if code.startswith(f"{PLACEHOLDER}/")} - WHOSE


# The bodies of the emulator have names of their own, as fault data has causes.
BODIES = set(all_bodies())


def _texts(path: Path) -> set[str]:
    return {
        n.value
        for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }


def _sources() -> Iterator[Path]:
    yield from (ROOT / "checks").rglob("*.py")
    yield from (path for path in (ROOT / "rtdiag").rglob("*.py") if "diagnosis" not in path.parts)


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in _sources()])
def test_no_cause_is_named_outside_of_diagnosis(path: Path) -> None:
    """A check says what it has observed; which cause that is, the catalogue says."""
    codes = set(catalogue.causes()) | {code.partition("/")[0] for code in catalogue.causes()}
    allowed = BODIES if "emulator" in path.parts else set()
    assert _texts(path) & codes <= allowed


def test_every_cause_has_a_sign_and_every_fault_and_flaw_names_one() -> None:
    assert {c.code for c in catalogue.causes().values() if not c.speaks_for} <= {"unexpected-answer"} | {
        rule.cause for rule in rules().values()
    }
    assert {f.cause for f in load_faults().values() if f.cause} <= set(catalogue.causes())
    assert {rule.cause for rule in rules().values()} <= set(catalogue.causes())
    assert _texts(ROOT / "rtdiag" / "api" / "keys.py") >= FLAWS


def test_what_is_observed_decides() -> None:
    """Each expression for what a check observes is one that some check can say, in its own words."""
    said = " | ".join(text for path in _sources() for text in _texts(path) if len(text) < 200)
    said += f" | {verdict.OURS} | {situation.ANOTHER_KEY} | " + " | ".join(
        keys.observed({"flaw": flaw}) for flaw in (*FLAWS, None)
    )
    for cause in catalogue.causes().values():
        for sign in cause.speaks_for:
            for name, pattern in sign.when:
                words = (
                    re.split(r"\(\?!|\.\{|\\b", pattern.pattern)[0]
                    .replace("i.s", "i's")
                    .replace("machine.s", "machine's")
                )
                assert name != "observed" or words.lower() in said.lower(), (cause.code, pattern.pattern)


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
