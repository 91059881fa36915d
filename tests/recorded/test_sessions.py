"""Whole recorded sessions, played again: the emulator answers as the live API did, but for the reasons that are listed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from rtdiag.compare.recording import Reason, Unlike, reason, reasons, unexplained
from tests.recorded.recordings import each, here, name_of, sessions
from tests.recorded.replay import replay

pytestmark = here


@cache
def found() -> dict[str, list[Unlike]]:
    """All of them, played at once."""
    return replay(sessions())


@each(sessions())
def test_a_session_is_answered_as_it_was(path: Path) -> None:
    assert not (unlike := unexplained(found()[name_of(path)])), "\n".join(map(str, unlike))


@pytest.mark.parametrize("listed", reasons(), ids=lambda listed: listed.reason)
def test_each_reason_is_needed(listed: Reason) -> None:
    excused = {reason(one) for unlikes in found().values() for one in unlikes}
    assert listed in excused, "no recording differs so any more: delete the entry"
