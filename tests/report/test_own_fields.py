"""The user's own session field by field: what reports show of it, and that no report, however odd, breaks them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from rtdiag.model import Finding, Observation, Outcome, Report, Row, Status
from rtdiag.report import own_fields, render
from rtdiag.testing import run_on_emulator

SESSION = {
    "type": "realtime",
    "audio": {
        "input": {
            "transcription": {"model": "gpt-transcribe"},
            "turn_detection": {"type": "semantic_vad", "eagerness": "low"},
        }
    },
}


@cache
def real() -> Report:
    return run_on_emulator(session=SESSION, only=["vad.own-*"])


def with_facts(facts: Any) -> Report:
    """The run with these facts in the place of what the last case had."""
    checks = []
    for outcome in real().checks:
        rows = [replace(r, seen=replace(r.seen, facts=facts)) if r.id == "own-culprit" else r for r in outcome.rows]
        checks.append(replace(outcome, rows=tuple(rows)))
    return replace(real(), checks=tuple(checks))


def heard(kind: str, **statuses: Status) -> Report:
    """The run with a check vad-effect beside it, whose cases have these statuses."""
    findings = {name.replace("_", "-"): status for name, status in statuses.items()}
    begun = Row(
        "speech-started", "", Finding("speech-started", "pass", ""), Observation("speech-started", facts={"kind": kind})
    )
    rows = tuple(Row(case, "", Finding(case, status, ""), Observation(case)) for case, status in findings.items())
    cost = real().checks[0].cost
    return replace(
        real(), checks=(*real().checks, Outcome("vad-effect", "", "pass", None, 0.0, (), cost, (begun, *rows)))
    )


def column(report: Report) -> dict[str, str]:
    found = own_fields.of_run(report)
    assert found is not None
    return {line[0]: line[-1] for line in found.lines} if found.heads[-1] == "effective" else {}


def test_a_line_per_field_and_no_session_where_the_users_own_was_taken() -> None:
    found = own_fields.of_run(real())
    assert found is not None
    assert [line[0] for line in found.lines] == [
        "type",
        "audio.input.transcription.model",
        "audio.input.turn_detection.type",
        "audio.input.turn_detection.eagerness",
    ]
    assert {cell for line in found.lines for cell in line[2:]} == {"same"}
    assert (found.heads, found.taken) == (own_fields.HEADS, "")


def test_without_a_session_there_is_nothing_to_show() -> None:
    assert own_fields.of_run(run_on_emulator(only=["vad.own-*"])) is None


@pytest.mark.parametrize(
    ("statuses", "vad", "transcription"),
    [
        ({"semantic_differs": "pass", "eagerness_matters": "pass", "transcripts": "pass"}, "yes", "yes"),
        ({"semantic_differs": "fail", "eagerness_matters": "pass", "transcripts": "inconclusive"}, "no", "not shown"),
        ({"semantic_differs": "warn", "eagerness_matters": "pass"}, "no?", ""),
        ({"semantic_differs": "pass", "eagerness_matters": "skip"}, "not shown", ""),
    ],
)
def test_what_audio_has_shown_stands_beside_the_fields(
    statuses: dict[str, Status], vad: str, transcription: str
) -> None:
    shown = column(heard("realtime", **statuses))
    assert shown["audio.input.turn_detection.eagerness"] == shown["audio.input.turn_detection.type"] == vad
    assert shown["audio.input.transcription.model"] == transcription
    assert shown["type"] == ""


def test_what_was_heard_in_the_other_kind_of_session_says_nothing() -> None:
    assert column(heard("transcription", semantic_differs="pass", transcripts="pass")) == {}


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"fields": None},
        {"fields": "many"},
        {"fields": []},
        {"fields": [1, None, "x"]},
        {"fields": [{}]},
        {"fields": [{"field": 7, "sent": {"a": [1]}, "mint": None, "echoes": ["x"]}]},
        {"fields": [{"field": "x" * 9999, "sent": "\x1b[31m\u202e", "mint": "\n\n| ``` <b>"}] * 9999, "taken": [1]},
        {"fields": [{"field": "a"}], "taken": {"a": "</pre><script>\x1b"}, "session": {"audio": {"input": 5}}},
        {"fields": [{"field": "a"}], "taken": "no", "mended": {"b": "```"}, "session": 5, "kind": []},
    ],
)
def test_no_report_breaks_it(facts: dict[str, Any]) -> None:
    report = with_facts(facts)
    for form in ("table", "markdown", "html"):
        text = render(report, form)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "<script>" not in text.replace("<script>\\u001b", "") or form != "html"
    found = own_fields.of_run(report)
    assert found is None or len(found.lines) <= 200
