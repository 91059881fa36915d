"""The contract: facts about the API, each asked of a server as any client would. By default that is the emulator, over loopback.

    OPENAI_API_KEY=sk-… python -m pytest --live -n 0

asks the API instead, and shows where the emulator is wrong. Counted on the emulator, that is 70 requests, 21 tokens (19 live 60 s,
one 10 s, one 600 s), 12 calls, all hung up, and 67 sockets, all closed. No audio is sent and no response is asked for. What a
failure prints may hold such a token; it does not hold the key.

A test states what a source says, never what the emulator does. What public sources leave open is not asserted. What the emulator
cannot do by its nature is marked `emulator_cannot`, which the API must do all the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from rtdiag.api.endpoints import OFFICIAL_BASE_URL
from rtdiag.emulator import running
from tests.contract.clients import Api


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "emulator_cannot(why): the API does this, the emulator cannot")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        mark = item.get_closest_marker("emulator_cannot")
        if mark and not config.getoption("--live"):
            item.add_marker(pytest.mark.xfail(reason=mark.args[0], strict=True))


@pytest.fixture(scope="module")
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    """The server that is asked: the API with `--live`, else an emulator that lives as long as the module's tests."""
    if request.config.getoption("--live"):
        base_url = os.environ.get("OPENAI_BASE_URL") or OFFICIAL_BASE_URL
        yield Api("live", base_url.rstrip("/"), os.environ["OPENAI_API_KEY"].strip())
        return
    with running() as emulator:
        yield Api("emulator", emulator.base_url, emulator.key)
