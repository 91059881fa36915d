"""The browser that pages are looked at in, open from the first such test of a process to its last test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Window


@pytest.fixture(scope="session")
def window() -> Iterator[Window]:
    """One browser and its loop."""
    opened = Window()
    yield opened
    opened.close()
