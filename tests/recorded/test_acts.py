"""What the live API refuses, the emulator refuses in the same words: status, error, close code; of a post, what it shows."""

from __future__ import annotations

from rtdiag.compare.recording import listing
from tests.recorded.acting import all_done
from tests.recorded.recordings import acts, here

pytestmark = here


def test_each_act_is_answered_as_it_was() -> None:
    found = all_done(acts())
    assert not any(found.values()), listing(found)
