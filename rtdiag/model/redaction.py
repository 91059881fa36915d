"""What was masked: where, of which kind, how often."""

from __future__ import annotations

from dataclasses import dataclass

from rtdiag.model.scalars import Count


@dataclass(frozen=True)
class Redaction:
    """How often secrets of one kind were masked in one place."""

    where: str
    kind: str
    count: Count
