"""What the live API refuses, the emulator refuses in the same words: status, error, close code; of a post, what it shows."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rtdiag.compare.recording import Unlike
from tests.recorded.acting import all_done
from tests.recorded.recordings import acts, each, here, name_of

pytestmark = here


@cache
def found() -> dict[str, list[Unlike]]:
    """All of them, done at once."""
    return all_done(acts())


@each(acts())
def test_an_act_is_answered_as_it_was(path: Path) -> None:
    assert not (unlike := found()[name_of(path)]), "\n".join(map(str, unlike))
