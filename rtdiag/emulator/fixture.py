"""The emulator as a pytest fixture, for the tests of any project; pytest finds it wherever rtdiag is installed.

    def test_it_mints(realtime_emulator):
        secret = OpenAI().realtime.client_secrets.create()
        assert secret.value.startswith("ek_")

The fixture is a `Running`. While the test runs, OPENAI_BASE_URL and OPENAI_API_KEY name the emulator, so that a client
which reads them touches neither the real key nor the real API. `@pytest.mark.realtime_emulator(as_of="2025-03-21",
faults=["key-revoked"])` says which day's API it is and what is broken; `environment=False` leaves the variables alone; `tls=True`
serves https and wss, and SSL_CERT_FILE and NODE_EXTRA_CA_CERTS name whose certificates are to be trusted. `pace`, `profile` and
`merge_slashes` are as on the command line.
Markers of the module, the class and the test add up; what the nearest one says holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import pytest

if TYPE_CHECKING:
    from rtdiag.emulator.background import Running

_SIGNATURE = "realtime_emulator(as_of=None, faults=(), environment=True, tls=False, pace=1, profile='openai', merge_slashes=False)"
_MARKER = (
    f"{_SIGNATURE}: which Realtime API the fixture of that name is, "
    "and whether OPENAI_BASE_URL and OPENAI_API_KEY name it."
)


class EmulatorOptions(NamedTuple):
    """What the marker asks for: `as_of` a date or its ISO form, `faults` ids of `rtdiag emulator --list-faults`, or one.

    `pace`: how long a response takes, 1 as recorded, 0 at once. `profile`: whose server it is. `merge_slashes`: several slashes
    in a path are one.
    """

    as_of: date | str | None = None
    faults: Sequence[str] = ()
    environment: bool = True
    tls: bool = False
    pace: float = 1
    profile: str = "openai"
    merge_slashes: bool = False


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known, also where markers are strict."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def realtime_emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The Realtime API on this machine, for this test alone; no key and no network is needed."""
    from rtdiag.emulator.background import running

    with ExitStack() as stack:
        try:
            wishes = _wishes(request.node)
            day, faults = _day(wishes.as_of), _ids(wishes.faults)
            options = {name: getattr(wishes, name) for name in ("tls", "pace", "profile", "merge_slashes")}
            emulator = stack.enter_context(running(day, faults, **options))
        except (TypeError, ValueError) as wrong:
            _refuse(str(wrong))
        if wishes.environment:
            monkeypatch.setenv("OPENAI_BASE_URL", emulator.base_url)
            monkeypatch.setenv("OPENAI_API_KEY", emulator.key)
        if wishes.environment and emulator.ca_file:
            monkeypatch.setenv("SSL_CERT_FILE", emulator.ca_file)
            monkeypatch.setenv("NODE_EXTRA_CA_CERTS", emulator.ca_file)
        yield emulator


def _wishes(test: pytest.Item) -> EmulatorOptions:
    """What the test's markers say together. Raises TypeError for arguments that the marker does not have."""
    given: dict[str, Any] = {}
    for marker in reversed(list(test.iter_markers("realtime_emulator"))):
        given |= signature(EmulatorOptions).bind(*marker.args, **marker.kwargs).arguments
    wishes = EmulatorOptions(**given)
    for name in ("environment", "tls", "merge_slashes"):
        if not isinstance(value := getattr(wishes, name), bool):
            raise TypeError(f"{name} is True or False, not {value!r}")
    if not isinstance(profile := wishes.profile, str):
        raise TypeError(f"profile is one of `rtdiag emulator --profile`, not {profile!r}")
    pace: object = wishes.pace
    if isinstance(pace, bool) or not isinstance(pace, (int, float)) or not pace >= 0:
        raise TypeError(f"pace is a number from 0 on, not {pace!r}")
    return wishes


def _day(as_of: Any) -> date | None:
    if isinstance(as_of, str):
        return date.fromisoformat(as_of)
    if isinstance(as_of, datetime):
        return as_of.date()
    if as_of is None or isinstance(as_of, date):
        return as_of
    raise TypeError(f"as_of is a date or its ISO form, not {as_of!r}")


def _ids(faults: Any) -> Sequence[str]:
    if isinstance(faults, str):
        return (faults,)
    if isinstance(faults, Collection) and all(isinstance(one, str) for one in faults):
        return tuple(faults)
    raise TypeError(f"faults are ids, as in faults=['key-revoked'], not {faults!r}")


def _refuse(why: str) -> NoReturn:
    """Ends the test before it begins, with one line and no traceback: the mistake is in the marker."""
    pytest.fail(f"@pytest.mark.{_SIGNATURE}: {' '.join(why.split())}", pytrace=False)
