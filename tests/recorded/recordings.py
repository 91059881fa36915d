"""The recordings of live traffic that lie beside this checkout, where they do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from rtdiag.compare.recording import Recording, recording_in

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
# Not those of xAI with a function, whose model says a sentence before it calls: the emulator's does not.
_SESSIONS = (
    *("openai-ga/[!e]*.yaml", "azure-ga/[!e]*.yaml", "gateway/*openai*.yaml"),
    *("azure-voice-live/*.yaml", "xai/*audio_in*.yaml", "xai/*audio_out*.yaml", "xai/*history*.yaml"),
)
_ACTS = ("openai-ga/err__*.yaml", "openai-beta/err__*.yaml", "azure-*/err__*.yaml")

here = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings do not lie beside this checkout")


def sessions() -> list[Path]:
    """Whole sessions, in the order of their names."""
    return _found(_SESSIONS)


def acts() -> list[Path]:
    """Error answers, each of a post."""
    return _found(_ACTS)


def _found(patterns: Sequence[str]) -> list[Path]:
    return [path for pattern in patterns for path in sorted(RECORDINGS.glob(pattern))]


def each(paths: Sequence[Path]) -> pytest.MarkDecorator:
    """The test for each of them."""
    return pytest.mark.parametrize("path", [pytest.param(path, id=name_of(path)) for path in paths])


@cache
def read(path: Path) -> Recording:
    """The recording of that file."""
    return recording_in(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """Family and name: what a recording is called here."""
    return f"{path.parent.name}/{path.stem}"
