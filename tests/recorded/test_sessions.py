"""Whole recorded sessions, played again: the emulator answers as the live API did, but for the reasons that are listed.

All at once, in one test: each waits for what it is answered, and takes no time of its own.
"""

from __future__ import annotations

from rtdiag.compare.recording import listing, reason, reasons, unexplained
from tests.recorded.recordings import here, sessions
from tests.recorded.replay import replay

pytestmark = here


def test_each_session_is_answered_as_it_was_and_each_reason_is_needed() -> None:
    found = replay(sessions())
    assert not any(unexplained(unlikes) for unlikes in found.values()), listing(found)
    excused = {why.reason for unlikes in found.values() for one in unlikes if (why := reason(one))}
    assert {each.reason for each in reasons()} - excused == set(), "no recording differs so any more: delete the entry"
