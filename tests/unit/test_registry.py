"""Checks are found by being there; a broken one of another package is a row, a broken one of ours a stop."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from rtdiag.api.plugins import Broken
from rtdiag.engine import registry
from rtdiag.engine.check import Case, Check

OWN = registry.load(()).checks


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An installed module `acme_checks` that entry points can name attributes of."""
    module = ModuleType("acme_checks")
    monkeypatch.setitem(sys.modules, "acme_checks", module)
    return module


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, registry.GROUP)


def acme(name: str = "acme", *cases: Case) -> Check:
    return replace(OWN["key"], id=name, cases=cases or (Case("one", "one", ("key.accepted",)),), order=1, doc="")


def test_each_of_our_checks_says_who_says_so() -> None:
    assert all(check.doc.strip().count("Sources:") == 1 for check in OWN.values())


def is_question(title: str) -> bool:
    asks = "is|are|do|does|can|will|what"
    return re.fullmatch(rf"([^ ]+: )?({asks}) .+[^?.]\?", title, re.IGNORECASE) is not None


def test_titles_ask_for_a_claim_would_read_false_beside_a_red_mark() -> None:
    titled = {check.id: check.title for check in OWN.values()}
    titled |= {f"{check.id}.{case.id}": case.title for check in OWN.values() for case in check.cases}
    assert {name: title for name, title in titled.items() if not is_question(title)} == {}
    assert not any(map(is_question, ("The key is valid", "realtime: ICE finds a way", "the key is valid?")))


def test_a_check_of_another_package_takes_the_same_road(offer: ModuleType) -> None:
    offer.CHECK = acme()  # type: ignore[attr-defined]
    for value in ("acme_checks:CHECK", "acme_checks"):
        loaded = registry.load([entry("acme", value)])
        assert loaded.broken == ()
        assert list(loaded.checks)[:3] == ["network", "key", "acme"], (
            "after what it requires, whatever order it wishes for"
        )


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (acme("key"), "there is a check key already"),
        (acme("acme", Case("one", "", ("nope.nope",))), "acme.one requires nope.nope, which does not exist"),
        (acme("acme", Case("one", ""), Case("one", "")), "acme names the case one twice"),
        (acme("acme", Case("one", "", ("acme2.one",))), "acme.one requires acme2.one, which does not exist"),
        ("no check", "acme offers no rtdiag.Check"),
    ],
)
def test_an_unusable_check_is_broken_with_the_reason(offer: ModuleType, check: object, reason: str) -> None:
    offer.CHECK = check  # type: ignore[attr-defined]
    loaded = registry.load([entry("acme", "acme_checks:CHECK")])
    assert loaded.broken == (Broken("acme", reason),)
    assert loaded.checks == OWN


def test_a_reason_of_many_lines_is_one(offer: ModuleType) -> None:
    def broken(_: str) -> None:
        raise ValueError("first\n  second")

    offer.__getattr__ = broken  # type: ignore[method-assign]
    loaded = registry.load([entry("acme", "acme_checks:CHECK")])
    assert loaded.broken == (Broken("acme", "it cannot be loaded: ValueError: first second"),)


def test_one_that_does_not_import_is_broken_and_the_others_live(offer: ModuleType) -> None:
    offer.CHECK = acme()  # type: ignore[attr-defined]
    loaded = registry.load([entry("gone", "acme_gone:CHECK"), entry("acme", "acme_checks:CHECK")])
    assert [b.id for b in loaded.broken] == ["gone"]
    assert "ModuleNotFoundError" in loaded.broken[0].reason
    assert "acme" in loaded.checks
