"""Code that lies beside this repository, and what its README says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtdiag.diagnosis.explaining import explain_input
from rtdiag.model import Explanation
from rtdiag.redact import Mask

INPUTS = Path(__file__).parents[4] / "shared" / "inputs"
pytestmark = pytest.mark.skipif(not INPUTS.exists(), reason="shared/inputs does not lie beside this repository")

# name -> the causes that its lines show, with the lines
EXPECTED: dict[str, set[tuple[str, int]]] = {
    "code-process-env.txt": set(),
    "two.js": {("beta-shape-retired", 5), ("beta-shape-retired", 7), ("flat-beta-fields-in-ga", 8)},
    "panel.jsx": {("flat-beta-fields-in-ga", 4), ("session-type-missing-ga", 4)},
    "main_before.py": {("beta-shape-retired", 12)},
    "main_after.py": {("raw-sdp-with-project-key", 13)},
    "ws.js": {("beta-shape-retired", 4)},
    "lang/A.cs": {("beta-shape-retired", 4), ("model-retired", 5)},
    "lang/A.java": {("beta-shape-retired", 3), ("model-retired", 4)},
    "lang/A.kt": {("beta-mint-endpoint-retired", 2), ("model-retired", 4)},
    "lang/A.swift": {("model-retired", 1), ("beta-shape-retired", 3)},
    "lang/a.dart": {("model-retired", 2), ("beta-shape-retired", 3)},
    "lang/a.go": {("beta-shape-retired", 6), ("model-retired", 7)},
    "lang/a.ipynb": {("beta-shape-retired", 2), ("model-retired", 2), ("websocket-library-version", 2)},
    "lang/a.mts": {("beta-shape-retired", 2)},
    "lang/a.php": {("beta-mint-endpoint-retired", 2), ("model-retired", 4)},
    "lang/a.rb": {("beta-shape-retired", 1), ("model-retired", 1)},
    "lang/a.sh": {("beta-mint-endpoint-retired", 2), ("model-retired", 2)},
    "lang/request.swift": {("beta-shape-retired", 7)},
    "lang/t.go": set(),
}


def told(name: str) -> Explanation:
    [one] = explain_input(str(INPUTS / name), Mask())
    return one


@pytest.mark.parametrize("name", EXPECTED)
def test_the_code_gives_what_is_wrong_in_it_and_nothing_else(name: str) -> None:
    found = told(name)
    assert {(flaw.cause, flaw.line) for flaw in found.flaws} == EXPECTED[name]
    assert {diagnosis.cause for diagnosis in found.diagnosis} == {cause for cause, _ in EXPECTED[name]}
    assert ("no call in it is known not to work" in found.note) == (not found.flaws)


def test_the_line_to_write_is_whole() -> None:
    [flaw] = told("ws.js").flaws
    assert "`openai-insecure-api-key.${this.apiKey}`," in flaw.instead
    assert "openai-beta" not in flaw.instead


def test_the_mended_offer_does_not_lead_to_the_next_failure() -> None:
    [flaw] = told("main_before.py").flaws
    assert flaw.instead == 'f"https://api.openai.com/v1/realtime/calls?model={model}",'


def test_every_file_of_code_that_lies_there_is_expected() -> None:
    there = {path.relative_to(INPUTS).as_posix() for path in INPUTS.rglob("*.*")}
    code = {name for name in there if not name.endswith((".txt", ".har", ".yaml", ".md"))}
    assert code <= EXPECTED.keys()
