"""What stands in the way of a connection is told by its errno and by ICMP, and who sent that; one connection is kept."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Sequence

import pytest

from rtdiag.network import connecting
from rtdiag.network.connecting import MOST_ADDRESSES, Dialling
from rtdiag.network.way import Dial
from rtdiag.transport import names
from tests.network.ground import Ground
from tests.network.namespaces import Pair, inside, pair
from tests.network_way.walking import LONG_S, SHORT_S

PORT = 5000
FAR = {4: "10.13.0.1", 6: "2001:db8:13::1"}
NEAR = {4: "10.13.0.2", 6: "2001:db8:13::2"}
NOWHERE = {4: "198.51.100.1", 6: "2001:db8::1"}  # RFC 5737, RFC 3849


async def dialled(addresses: Sequence[str], port: int, within_s: float) -> tuple[str, tuple[Dial, ...]]:
    """The address that was taken, and what became of all."""
    dialling = Dialling(addresses, port, within_s)
    try:
        opened = await dialling.opened()
        if opened:
            opened[1].close()
        return opened[0] if opened else "", await dialling.dials()
    finally:
        dialling.close()


def dials(pair: Pair, *addresses: str, within_s: float = LONG_S) -> tuple[Dial, ...]:
    with inside(pair.near):
        return names.run(dialled(addresses, PORT, within_s))[1]


@pytest.mark.parametrize(
    ("family", "side", "rule", "failure", "by"),
    [
        (4, "far", "reject with tcp reset", "refused", ""),
        (4, "far", "reject", "rejected", FAR[4]),
        (4, "far", "reject with icmp type admin-prohibited", "rejected", FAR[4]),
        (4, "far", "reject with icmp type host-unreachable", "rejected", FAR[4]),
        (4, "near", "reject", "refused-here", NEAR[4]),
        (4, "near", "reject with icmp type host-unreachable", "no-route", NEAR[4]),
        (6, "far", "reject with tcp reset", "refused", ""),
        (6, "far", "reject", "rejected", FAR[6]),
        (6, "far", "reject with icmpv6 type admin-prohibited", "rejected", FAR[6]),
        (6, "near", "reject with icmpv6 type admin-prohibited", "refused-here", NEAR[6]),
    ],
)
def test_a_firewall_is_told_from_a_closed_port(family: int, side: str, rule: str, failure: str, by: str) -> None:
    with pair(family) as made:
        made.firewall(side, "input" if side == "far" else "output", f"meta l4proto tcp {rule}")  # type: ignore[arg-type]
        (dial,) = dials(made, made.host)
    assert (dial.failure, dial.by) == (failure, by)
    assert dial.detail


def test_where_there_is_no_way_it_is_told_who_says_so() -> None:
    with pair(4, 6) as made:
        made.call("far", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        there = dials(made, NOWHERE[4], NOWHERE[6])
        assert [(one.failure, one.by) for one in there] == [("no-route", FAR[4]), ("no-route", FAR[6])]
        made.call("near", "ip", "route", "add", "prohibit", "198.51.100.0/24")
        made.call("near", "ip", "-6", "route", "add", "unreachable", "2001:db8::/32")
        assert [one.failure for one in dials(made, NOWHERE[4], NOWHERE[6])] == ["refused-here", "no-route"]
        made.unplug()
        assert {one.failure for one in dials(made, FAR[4], FAR[6])} == {"no-route"}


def test_where_nothing_comes_back_it_was_dropped() -> None:
    with pair() as made:
        made.firewall("far", "input", "meta l4proto tcp drop")
        (dial,) = dials(made, made.host, within_s=SHORT_S)
    assert (dial.failure, dial.detail) == ("dropped", "nothing came back")
    assert dial.took_ms >= 1000 * SHORT_S


def test_an_address_in_vain_holds_nothing_back_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPv6 is dropped, IPv4 opens: it is taken, and what is left of the wait for the other is short."""
    monkeypatch.setattr(connecting, "_AFTERWARDS_S", SHORT_S)
    with pair(4, 6) as made:
        made.firewall("far", "input", "meta nfproto ipv6 meta l4proto tcp drop")
        with inside(made.far):
            listening = socket.create_server(("10.13.0.1", PORT))
        with inside(made.near), listening:
            taken, found = names.run(dialled([FAR[6], FAR[4]], PORT, LONG_S))
    assert taken == FAR[4]
    assert [one.failure for one in found] == ["dropped", ""]


def test_of_two_that_open_the_first_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        with socket.create_server(("127.0.0.2", port)):
            taken, found = names.run(dialled(["127.0.0.2", "127.0.0.1"], port, LONG_S))
    assert taken == "127.0.0.2"
    assert [one.failure for one in found] == ["", ""]


def test_one_that_fails_at_once_disturbs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no route, a call has ended before it has begun to wait, and took no time that can be seen."""
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
    with pair(4) as made:
        made.call("near", "ip", "route", "add", "prohibit", "198.51.100.0/24")
        with inside(made.far):
            listening = socket.create_server(("10.13.0.1", PORT))
        with inside(made.near), listening:
            taken, found = names.run(dialled([NOWHERE[4], FAR[4], "::ffff:x"], PORT, LONG_S))
    assert taken == FAR[4]
    assert [one.failure for one in found] == ["refused-here", "", "other"]


def test_no_more_than_so_many_are_dialled(ground: Ground) -> None:
    port = ground.closed_port()
    _, found = names.run(dialled([f"127.0.0.{number}" for number in range(1, 50)], port, LONG_S))
    assert len(found) == MOST_ADDRESSES
    assert {one.failure for one in found} == {"refused"}
    assert names.run(dialled([], port, LONG_S)) == ("", ())


@pytest.mark.parametrize(
    ("number", "failure"),
    [(errno.ECONNRESET, "reset"), (errno.EPERM, "refused-here"), (errno.ETIMEDOUT, "dropped"), (errno.EMFILE, "other")],
)
def test_other_errors_have_a_word_too(number: int, failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise OSError(number, "as asyncio says it")

    async def with_that() -> tuple[Dial, ...]:
        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", fails)
        return (await dialled(["127.0.0.1"], PORT, LONG_S))[1]

    (dial,) = names.run(with_that())
    assert dial.failure == failure


def test_cancelling_closes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []
    both = asyncio.Event()

    def noted(address: str) -> socket.socket:
        made.append(socket.socket())
        made[-1].setblocking(False)
        if len(made) == 2:
            asyncio.get_running_loop().call_soon(both.set)
        return made[-1]

    async def cancelled() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", lambda *_: asyncio.Event().wait())
        task = asyncio.ensure_future(dialled(["127.0.0.1", "127.0.0.2"], PORT, LONG_S))
        await both.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    monkeypatch.setattr(connecting, "_made", noted)
    names.run(cancelled())
    assert [one.fileno() for one in made] == [-1, -1]
