"""What the page shows at the end: what came of the run, in the words of its report."""

from __future__ import annotations

from typing import Any

from rtdiag.model import Report
from rtdiag.report import render, two_ways
from rtdiag.report.phrases import overall, verdict


def come_of(report: Report) -> dict[str, Any]:
    """`{"status": "fail", "verdict": "FAIL cors (medium)", "causes": […], "shown": "both work", "two_ways": […], …}`."""
    causes = [
        {
            "cause": d.cause,
            "confidence": d.confidence,
            "summary": d.summary,
            "fix": d.fix,
            "line": d.line,
            "seen_in": d.evidence,
        }
        for d in report.diagnosis
    ]
    both = two_ways.of_run(report)
    return {
        "status": overall(report),
        "verdict": verdict(report),
        "causes": causes,
        "shown": both.shown if both else "",
        "two_ways": both.rows if both else [],
        "markdown": render(report, "markdown"),
    }
