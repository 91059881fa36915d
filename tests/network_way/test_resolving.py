"""What the name servers say is told apart, by family; what getaddrinfo throws together they are asked themselves."""

from __future__ import annotations

import socket
import sys
from typing import Any

import pytest

from rtdiag.network import name_servers, resolving
from rtdiag.network.resolving import in_order, look_up
from rtdiag.network.way import Lookup
from rtdiag.transport import names
from tests.network.dns import NXDOMAIN, SERVFAIL, Zone
from tests.network.ground import Ground
from tests.network.namespaces import inside
from tests.network_way.walking import LONG_S, SHORT_S

HOST = "10.13.0.1"
ERRORS = {"unknown": "EAI_NONAME", "none": "EAI_NODATA", "again": "EAI_AGAIN"}


def found(host: str, within_s: float = 20) -> tuple[Lookup, ...]:
    return names.run(look_up(host, 80, within_s))


def told(monkeypatch: pytest.MonkeyPatch, six: str | list[str], four: str | list[str]) -> tuple[Lookup, ...]:
    """What is found where getaddrinfo says that of each family: addresses, or an error."""

    def say(host: str, port: int, family: int, **_: Any) -> list[Any]:
        said = six if family == socket.AF_INET6 else four
        if isinstance(said, str):
            raise socket.gaierror(getattr(socket, ERRORS[said]), f"said {said}")
        return [(family, 1, 6, "", (address, port)) for address in said]

    monkeypatch.setattr(socket, "getaddrinfo", say)
    return found("api.test")


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", 4), ("::1", 6), ("fe80::1%eth0", 6)])
def test_of_a_literal_address_nobody_is_asked(host: str, family: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("asked"))
    assert found(host) == (Lookup(family, (host,)),)


@pytest.mark.parametrize(
    ("six", "four", "failures"),
    [
        (["fd13::1"], ["10.0.0.1", "10.0.0.1", "10.0.0.2"], ["", ""]),
        ("unknown", "unknown", ["unknown", "unknown"]),
        ("none", ["10.0.0.1"], ["none", ""]),
        ("none", "none", ["none", "none"]),
        ("unknown", ["10.0.0.1"], ["none", ""]),
        (["fd13::1"], "unknown", ["", "none"]),
        ("unknown", "none", ["none", "none"]),
    ],
)
def test_a_family_that_a_name_has_not_is_no_unknown_name(
    six: Any, four: Any, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups = told(monkeypatch, six, four)
    assert [one.family for one in lookups] == [6, 4]
    assert [one.failure for one in lookups] == failures
    assert all(len(set(one.addresses)) == len(one.addresses) for one in lookups)


def test_a_label_that_no_name_may_have_is_an_unknown_name() -> None:
    assert {one.failure for one in found("x" * 64 + ".test")} == {"unknown"}


def test_the_families_are_in_turn_and_ipv6_is_first() -> None:
    lookups = (Lookup(6, ("fd13::1",)), Lookup(4, ("10.0.0.1", "10.0.0.2")))
    assert in_order(lookups) == ["fd13::1", "10.0.0.1", "10.0.0.2"]
    assert in_order(lookups[1:]) == ["10.0.0.1", "10.0.0.2"]
    assert in_order(()) == []


@pytest.mark.parametrize(
    ("zone", "failures", "detail"),
    [
        (Zone(error=SERVFAIL), {"fails"}, f"{HOST} answers SERVFAIL"),
        (Zone(error=5), {"fails"}, f"{HOST} answers REFUSED"),
        (Zone(silent=frozenset(("A", "AAAA"))), {"silent"}, f"{HOST} does not answer"),
        (None, {"silent"}, f"{HOST} is not reached: Connection refused"),
    ],
)
def test_why_a_look_up_fails_is_asked_of_the_name_servers(
    zone: Zone | None, failures: set[str], detail: str, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = ground.apart()
    monkeypatch.setattr(name_servers, "_WAIT_S", SHORT_S if zone and zone.silent else LONG_S)
    if zone:
        ground.names(zone)
    monkeypatch.setattr(name_servers, "known", lambda: [HOST])
    with inside(pair.near):
        lookups = told(monkeypatch, "again", "again")
    assert {one.failure for one in lookups} == failures
    assert {one.detail for one in lookups} == {detail}


def test_a_machine_without_name_servers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_servers, "known", list)
    lookups = told(monkeypatch, "again", "again")
    assert {(one.failure, one.detail) for one in lookups} == {("silent", "this machine has no name server")}


@pytest.mark.parametrize(("answers", "failure"), [(False, "silent"), (True, "late")])
def test_one_family_may_be_silent_and_the_other_not(
    answers: bool, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a name server answers that is asked alone, the look-up waits for another that does not."""

    async def heard(*_: object) -> tuple[bool, str]:
        return answers, "what they said"

    async def addresses(loop: Any, host: str, port: int, **hints: int) -> Any:
        if hints["family"] == socket.AF_INET6:
            await loop.create_future()
        return [(socket.AF_INET, 1, 6, "", ("10.0.0.1", port))]

    monkeypatch.setattr(names, "addresses", addresses)
    monkeypatch.setattr(resolving, "heard", heard)
    six, four = found("api.test", SHORT_S)
    assert (six.failure, six.detail) == (failure, "what they said")
    assert four.addresses == ("10.0.0.1",)


def test_a_name_server_that_knows_no_such_name(ground: Ground) -> None:
    """The zone's error as the system's own resolver tells it, in a process with that resolv.conf."""
    pair = ground.apart()
    ground.names(Zone(error=NXDOMAIN))
    code = "from rtdiag.network.resolving import look_up; from rtdiag.transport import names\n"
    code += "print(*[one.failure for one in names.run(look_up('api.test', 80, 20))])"
    assert pair.call("near", sys.executable, "-c", code).split() == ["unknown", "unknown"]
