"""What packages test with: the surface is what the first lines say, and it sees what is wrong with a fault."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from rtdiag import Case, Check, Context, Finding, Observation, testing
from rtdiag.emulator import load_faults
from rtdiag.testing import cause_of, faults_of, unseen

Changed = Callable[..., list[str]]


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> Changed:
    """What is unseen of a fault whose entry says something else than it does."""

    def unseen_of(**fields: Any) -> list[str]:
        fault = msgspec.structs.replace(load_faults()["key-revoked"], **fields)
        monkeypatch.setattr(testing, "load_faults", lambda: {fault.id: fault})
        return unseen(fault.id, only=["key"])

    return unseen_of


def test_the_first_lines_name_all_that_there_is() -> None:
    assert testing.__doc__ is not None
    assert [name for name in testing.__all__ if f"`{name}`" not in testing.__doc__] == []
    assert [name for name in testing.__all__ if not getattr(testing, name).__doc__] == []


def test_a_fault_that_is_as_its_entry_says_has_nothing_unseen() -> None:
    assert unseen("key-revoked", only=["key"]) == []


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"status": "warn"}, ["key.accepted: fail (key-wrong-or-revoked), not warn (key-wrong-or-revoked): 401 "]),
        (
            {"cause": "cors"},
            [
                "key.accepted: fail (key-wrong-or-revoked), not fail (cors): 401 ",
                "the first cause of the run is key-wrong-or-revoked, not cors",
            ],
        ),
        ({"sees": ["key.acepted"]}, ["key.acepted: no case is called so"]),
        (
            {"sees": ["key.model-*"]},
            ["key.model-realtime: skip, not fail ", "key.model-transcription: skip, not fail "],
        ),
    ],
)
def test_what_an_entry_says_and_nobody_sees_is_a_line_each(
    fields: dict[str, Any], lines: list[str], changed: Changed
) -> None:
    found = changed(**fields)
    assert [line[: len(wanted)] for line, wanted in zip(found, lines, strict=True)] == lines


def test_another_cause_that_is_held_as_firmly_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    report = testing.run_on_emulator(faults=["key-revoked"], only=["key"])
    more = (*report.diagnosis, replace(report.diagnosis[0], cause="cors"))
    monkeypatch.setattr(testing, "run_on_emulator", lambda **_: replace(report, diagnosis=more))
    assert unseen("key-revoked") == ["cors is held with high confidence, too"]


def test_a_case_that_says_nothing_of_what_to_do_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    report = testing.run_on_emulator(faults=["key-revoked"], only=["key"])
    testing.row(report, "key.accepted").finding.__dict__["hint"] = None
    monkeypatch.setattr(testing, "run_on_emulator", lambda **_: report)
    assert unseen("key-revoked") == ["key.accepted: nothing says what is to be done"]


def test_a_check_that_breaks_is_seen(monkeypatch: pytest.MonkeyPatch, changed: Changed) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("rtdiag.checks.key.issuer_elsewhere", broken)
    assert changed()[0].startswith("key.shape: it broke: ZeroDivisionError")


def test_the_faults_of_a_package_are_those_of_its_file() -> None:
    assert faults_of("rtdiag.emulator")[0] == next(iter(load_faults()))


@pytest.mark.parametrize(
    ("text", "cause"), [('{"error": {"code": "insufficient_quota"}}', "quota-exhausted"), ("all is well", "unknown")]
)
def test_a_text_is_taken_for_what_explain_says(text: str, cause: str) -> None:
    assert cause_of(text) == cause


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"cause": "acme-full"}, "names a cause"), ({"observed": "a text"}, "observations that are no tuple of texts")],
)
def test_a_judge_whose_finding_a_run_refuses_is_refused_here_too(wrong: dict[str, Any], why: str) -> None:
    told = Check("a", "a", (Case("one", "one"),), _nothing, lambda _: [Finding("one", "fail", "m", **wrong)])
    with pytest.raises(ValueError, match=why):
        testing.judge(told, [Observation("one")])


async def _nothing(_: Context) -> AsyncIterator[Observation]:
    yield Observation("one")
