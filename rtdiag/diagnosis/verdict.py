"""The verdict on a run: which causes the findings speak for, the likeliest and nearest to the root first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rtdiag.diagnosis import catalogue
from rtdiag.model import Diagnosis, Outcome, Status

Confidence = Literal["high", "medium", "low"]

# What a finding of each status says of its cause: nothing below counts.
_CONFIDENCE: dict[Status, Confidence] = {"fail": "high", "error": "medium", "inconclusive": "medium", "warn": "low"}
_RANK: dict[Confidence, int] = {"high": 0, "medium": 1, "low": 2}


def diagnose(outcomes: Iterable[Outcome]) -> tuple[Diagnosis, ...]:
    """The causes that findings of status fail, error, inconclusive and warn name, best first; empty when all is well.

    A cause that only names an unknown answer is never held with high confidence.
    """
    evidence: dict[str, list[str]] = {}
    confidence: dict[str, Confidence] = {}
    for outcome in outcomes:
        for row in outcome.rows:
            found = _CONFIDENCE.get(row.finding.status)
            code = row.finding.cause or "unexpected-answer"
            if found is None:
                continue
            found = "low" if code == "unexpected-answer" else found
            evidence.setdefault(code, []).append(f"{outcome.id}.{row.id}")
            confidence[code] = min(found, confidence.get(code, found), key=_RANK.__getitem__)
    ranked = sorted(evidence, key=lambda code: (_RANK[confidence[code]], catalogue.find(code).weight))
    return tuple(_diagnosis(catalogue.find(code), confidence[code], evidence[code]) for code in ranked)


def _diagnosis(cause: catalogue.Cause, confidence: Confidence, evidence: list[str]) -> Diagnosis:
    return Diagnosis(cause.code, confidence, cause.summary, cause.fix, cause.sources, tuple(evidence))
