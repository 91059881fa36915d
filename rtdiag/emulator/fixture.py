"""The emulator as a pytest fixture, for the tests of any project; pytest finds it wherever rtdiag is installed.

    def test_it_mints(realtime_emulator):
        secret = OpenAI().realtime.client_secrets.create()
        assert secret.value.startswith("ek_")

The fixture is a `Running`. While the test runs, OPENAI_BASE_URL and OPENAI_API_KEY name the emulator, so that a client
which reads them touches neither the real key nor the real API. `@pytest.mark.realtime_emulator(as_of="2025-03-21",
faults=["key-revoked"])` says which day's API it is and what is broken; `environment=False` leaves the variables alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from rtdiag.emulator.background import Running

_MARKER = (
    "realtime_emulator(as_of=None, faults=(), environment=True): which Realtime API the fixture of that name is, "
    "and whether OPENAI_BASE_URL and OPENAI_API_KEY name it."
)


class Wishes(NamedTuple):
    """What the marker asks for: `as_of` a date or its ISO form, `faults` ids of `rtdiag emulator --list-faults`."""

    as_of: date | str | None = None
    faults: Sequence[str] = ()
    environment: bool = True


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known, also where markers are strict."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def realtime_emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The Realtime API on this machine, for this test alone; no key and no network is needed."""
    from rtdiag.emulator.background import running

    marker = request.node.get_closest_marker("realtime_emulator")
    wishes = Wishes(*marker.args, **marker.kwargs) if marker else Wishes()
    as_of = date.fromisoformat(wishes.as_of) if isinstance(wishes.as_of, str) else wishes.as_of
    with running(as_of, wishes.faults) as emulator:
        if wishes.environment:
            monkeypatch.setenv("OPENAI_BASE_URL", emulator.base_url)
            monkeypatch.setenv("OPENAI_API_KEY", emulator.key)
        yield emulator
