"""The browsers that pages are looked at in, each open from the first such test of a process to its last test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from tests.browser import firefox
from tests.browser.chromium import Tab, Window


@pytest.fixture(scope="session")
def window() -> Iterator[Window]:
    """One chromium and its loop."""
    opened = Window()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def fox(window: Window) -> firefox.Fox:
    """One Firefox, in the window's loop. Put tests that ask for it into the group "firefox"."""
    return window.run(window.kept(firefox.fox()))


@pytest.fixture(params=["chromium", pytest.param("firefox", marks=pytest.mark.xdist_group("firefox"))])
def browser(request: pytest.FixtureRequest) -> str:
    """Each in turn."""
    return str(request.param)


@pytest.fixture
def at(
    browser: str, window: Window, request: pytest.FixtureRequest
) -> Callable[[str], AbstractAsyncContextManager[Tab | str]]:
    """A tab of that browser that shows the page of a URL."""
    if browser == "chromium":
        return window.at
    fox: firefox.Fox = request.getfixturevalue("fox")
    return fox.tab
