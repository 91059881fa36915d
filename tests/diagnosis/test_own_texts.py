"""What rtdiag itself printed is no evidence: it names its causes, and its footer names things that it did not even try."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.redact import Mask
from rtdiag.report import render
from rtdiag.testing import run_on_emulator


@pytest.mark.parametrize("name", ["", "gateway"])
@pytest.mark.parametrize(
    "before",
    [
        "",
        "rtdiag asks about 5 requests, no audio.\n",
        "rtdiag asks at most 5 requests, no audio.\n",
        "rtdiag asks about 5 requests, no audio.\nIt also runs network.\nOpen http://127.0.0.1:1/a/ and press Start.\n",
        "\n",
    ],
)
def test_a_table_is_not_judged_again(before: str, name: str) -> None:
    report = run_on_emulator(faults=["key-revoked"], only=["key"])
    table = render(replace(report, target=replace(report.target, name=name)), "table", width=100)
    with pytest.raises(Unreadable, match="-o json"):
        list(explain(io.BytesIO((before + table).encode()), "table.txt", Mask()))


def test_a_comparison_is_not_judged() -> None:
    text = "# https://api.openai.com/v1 on 2026-11-22, and rtdiag's emulator as of 2026-11-13\n\n404 invalid_api_key\n"
    with pytest.raises(Unreadable, match="what rtdiag itself printed"):
        list(explain(io.BytesIO(text.encode()), "drift.md", Mask()))


@pytest.mark.parametrize(
    ("fault", "cause", "confidence"),
    [("rate-limited", "rate-limit", "medium"), ("no-auth-needed", "server-asks-for-no-key", "low")],
)
def test_explain_is_no_surer_of_a_report_than_the_run_was(fault: str, cause: str, confidence: str) -> None:
    report = run_on_emulator(faults=[fault], only=["key"])
    (told,) = explain(io.BytesIO(render(report, "json").encode()), "report.json", Mask())
    assert [(d.cause, d.confidence) for d in report.diagnosis] == [(cause, confidence)]
    assert (told.diagnosis[0].cause, told.diagnosis[0].confidence) == (cause, confidence)
