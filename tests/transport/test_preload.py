"""The libraries of WebRTC are there when a session is opened, and one that is broken ends no run before it is used."""

from __future__ import annotations

import sys

import pytest

from rtdiag.transport import preload


def test_what_a_session_needs_is_imported() -> None:
    preload.preload().join()
    assert {"aiortc", "websockets.asyncio.client"} <= sys.modules.keys()


def test_one_that_cannot_be_imported_is_told_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preload, "_LIBRARIES", ("rtdiag.no_such_library",))
    preload.preload().join()
