"""The catalogue's count of public reports is that of the examples."""

from __future__ import annotations

import pytest

from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Cause
from rtdiag.diagnosis.situation import Situation
from tests.diagnosis.count_reports import FILES, counts, named, with_counts
from tests.diagnosis.example import Example, examples


def test_each_cause_is_counted_as_its_sources_are_named() -> None:
    counted = counts(examples(), catalogue.causes().values())
    held = {code: cause.reports for code, cause in catalogue.causes().items() if cause.reports}
    assert held == dict(counted), "python -m tests.diagnosis.count_reports"
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert with_counts(text, counted) == text, "python -m tests.diagnosis.count_reports"


@pytest.mark.parametrize(
    ("source", "kind", "sources"),
    [
        ("openai/openai-realtime-console#493, 2024-12-12", "body", {"openai-realtime-console#493"}),
        ("https://github.com/openai/openai-python/issues/2638, 2025-09-18", "body", {"openai-python#2638"}),
        ("https://community.openai.com/t/getting-invalid-sdp/1082561, 2025-01", "said", {"1082561"}),
        ("community.openai.com 1082561", "printed", {"1082561"}),
        ("public repo, record 67313600837, 67576291124, 2026", "body", {"67313600837", "67576291124"}),
        ("BerriAI/litellm PR 36151, 2026-08", "body", {"litellm#36151"}),
        ("made, after maximhq/bifrost#7317, 2026-09", "said", {"bifrost#7317"}),
        ("made", "body", set()),
        ("Chrome", "printed", set()),
        ("public reports since 2026-05", "body", {"public reports since 2026-05"}),
    ],
)
def test_a_source_is_what_can_be_looked_up(source: str, kind: str, sources: set[str]) -> None:
    assert named(Example("session", "cors", kind, Situation(), source)) == sources


def test_one_thread_told_twice_counts_once() -> None:
    told = [Example("session", "cors", "body", Situation(), f"openai/codex#1, {when}") for when in ("2025", "2026")]
    cause = Cause(code="cors", topic="", weight=1, summary="", fix="", sources=("openai/codex#1", "RFC 9110"))
    assert counts(told, [cause]) == {"cors": 1}
