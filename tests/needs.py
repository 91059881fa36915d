"""What tests need of a machine beyond Python: where it is missing they are skipped with that reason, in CI they fail."""

from __future__ import annotations

import os

import pytest


def needed(found: str | None, what: str) -> str:
    """What was found. Where it is missing the test is skipped, in CI it fails."""
    if found:
        return found
    if "RTDIAG_CI" in os.environ:
        pytest.fail(f"{what}, and CI must have it")
    pytest.skip(what)
