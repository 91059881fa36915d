"""The catalogue of causes, from catalogue.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Cause:
    """One cause: what it is, what to do, and where that is known from. `weight`: the smaller, the nearer to the root."""

    code: str
    weight: int
    summary: str
    fix: str
    sources: tuple[str, ...]


@cache
def causes() -> Mapping[str, Cause]:
    """All causes by code."""
    import yaml

    text = files("rtdiag.diagnosis").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return {
        code: Cause(code, e["weight"], e["summary"], e["fix"], tuple(e["sources"]))
        for code, e in yaml.safe_load(text).items()
    }


def find(code: str) -> Cause:
    """The cause of that code; a code that the catalogue does not have (a plug-in's own) comes back with little to say."""
    unknown = Cause(code, 7, f"A check names the cause {code}.", "See the hint of its case.", ())
    return causes().get(code, unknown)
