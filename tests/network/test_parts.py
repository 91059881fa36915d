"""The parts that roads are built of do what they say: else a road would be healthy, or broken otherwise, and nobody would see."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.network import turn
from tests.network.dns import NXDOMAIN, Zone
from tests.network.ground import Ground
from tests.network.kinds import unreached
from tests.network.link import Link
from tests.network.namespaces import inside, pair, sweep
from tests.network.runs import Asking, Curl, Ran
from tests.network.scenarios import SCENARIOS
from tests.network.scenarios.links import slow
from tests.network.scenarios.names import NAME
from tests.network.scenarios.tcp import refused
from tests.network.test_network import wrong

_DATAGRAM_S = 0.3  # what is dropped does not come later
_TRIES = 20  # a kernel bounds its ICMP, and a busy machine is late: a refusal may need more than one datagram
_PORT = 5000


def there_are() -> list[str]:
    """The names of the namespaces of this process."""
    return [path.name for path in Path("/run/netns").glob(f"rtdiag-{os.getpid()}-*")]


def test_every_scenario_has_a_name_of_its_own() -> None:
    assert len({scenario.id for scenario in SCENARIOS}) == len(SCENARIOS)


def test_namespaces_are_gone_after_a_failure() -> None:
    made = []

    def breaks() -> None:
        with pair() as one:
            one.etc("hosts", "")
            made.append(one)
            assert len(there_are()) == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks()
    assert there_are() == []
    assert not Path("/etc/netns", made[0].near).exists()


def test_what_a_killed_process_left_is_taken_away() -> None:
    with pair():  # skips the test where none can be made
        dead = subprocess.Popen(["true"])
        dead.wait()
    name = f"rtdiag-{dead.pid}-1-near"
    subprocess.run(["ip", "netns", "add", name], check=True)
    sweep()
    assert not Path("/run/netns", name).exists()


def test_a_thread_comes_back_from_a_namespace() -> None:
    with pair() as made:
        before = os.readlink("/proc/thread-self/ns/net")
        with inside(made.far):
            assert os.readlink("/proc/thread-self/ns/net") != before
        assert os.readlink("/proc/thread-self/ns/net") == before


@pytest.mark.parametrize(
    ("zone", "found"),
    [
        (Zone(a=("192.0.2.1",)), ["192.0.2.1"]),
        (Zone(aaaa=("2001:db8::1",)), ["2001:db8::1"]),
        (Zone(a=("192.0.2.1",), aaaa=("2001:db8::1",)), ["192.0.2.1", "2001:db8::1"]),
        (Zone(a=("192.0.2.1",), error=NXDOMAIN), []),
        (Zone(a=("192.0.2.1",), aaaa=("2001:db8::1",), silent=frozenset({"A"})), ["2001:db8::1"]),
    ],
)
def test_names_have_the_addresses_of_their_zone(zone: Zone, found: list[str], tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        near = ground.apart(4, 6).command("near")
        ground.names(zone, lines="options timeout:1 attempts:1")
        seen = set()
        for family in ("ahostsv4", "ahostsv6"):
            asked = [*near, "getent", "--no-idn", family, NAME]
            said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
            seen |= {line.split()[0] for line in said.splitlines()}
    assert sorted(seen - {"::ffff:192.0.2.1"}) == found


@pytest.mark.parametrize(
    ("side", "hook", "rule", "arrives", "ends"),
    [
        ("far", "input", "accept", True, "answered"),
        ("far", "input", "drop", False, "TimeoutError"),
        ("far", "input", "reject", False, "ConnectionRefusedError"),
        ("near", "input", "drop", True, "TimeoutError"),
        ("near", "output", "drop", False, "PermissionError"),
        ("near", "input", "quota over 10 bytes drop", True, "TimeoutError"),
        ("far", "output", "ct state new drop", True, "answered"),
    ],
)
def test_media_meet_the_firewall_of_their_row(
    side: str, hook: str, rule: str, arrives: bool, ends: str, tmp_path: Path
) -> None:
    with Ground(tmp_path) as ground:
        road = ground.apart()
        road.firewall(side, hook, f"meta l4proto udp {rule}")  # type: ignore[arg-type]
        with inside(road.far), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
            far.bind((ground.host, _PORT))
            far.settimeout(_DATAGRAM_S)
            with inside(road.near), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
                near.connect((ground.host, _PORT))
                near.settimeout(_DATAGRAM_S)
                seen = [_ended(near, far)]
                while seen[-1][1] == "TimeoutError" != ends and len(seen) < _TRIES:
                    seen.append(_ended(near, far))
                assert seen[-1] == (arrives, ends), seen


def _ended(near: socket.socket, far: socket.socket) -> tuple[bool, str]:
    """Whether a datagram came to the far end, and how waiting for its answer ended at the near one."""
    arrived = False
    try:
        near.send(b"hello")
        try:
            _, sender = far.recvfrom(16)
            arrived = True
            far.sendto(b"hello yourself", sender)
        except TimeoutError:
            pass
        near.recv(16)
    except OSError as exc:
        return arrived, type(exc).__name__
    return arrived, "answered"


def test_a_passive_server_sends_nothing_first(tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        road = ground.apart()
        road.firewall("far", "output", "meta l4proto udp ct state new drop")
        with inside(road.far), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far, pytest.raises(PermissionError):
            far.sendto(b"hello", ("10.13.0.2", _PORT))


def test_a_link_is_as_slow_as_it_says(tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        connected = Curl(ground.asking(slow(0.1)(ground)), "%{time_connect}").saw()
    assert float(connected) >= 0.2


def test_a_link_that_loses_all_carries_nothing(tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        ground.apart()
        ground.slow(Link(loss=1))
        assert Curl(ground.asking(Asking(ground.emulator().base_url))).saw() == "28 000"


def test_a_link_can_be_slow_for_datagrams_alone(tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        road = ground.apart()
        ground.slow(Link(delay_s=0, datagrams_s=60))
        assert Curl(ground.asking(Asking(ground.emulator().base_url))).saw() == "0 401"
        with inside(road.far), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
            far.bind((ground.host, _PORT))
            far.settimeout(_DATAGRAM_S)
            with inside(road.near), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
                near.sendto(b"hello", (ground.host, _PORT))
            with pytest.raises(TimeoutError):
                far.recv(16)


def test_coturn_wants_credentials_for_turn_and_none_for_stun(tmp_path: Path) -> None:
    allocate = bytes.fromhex("000300082112a442") + bytes(12) + bytes.fromhex("0019000411000000")
    with Ground(tmp_path) as ground:
        road = ground.apart()
        ground.keep(turn.coturn(ground.host))  # it has answered a STUN request
        with inside(road.near), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.connect((ground.host, turn.PORT))
            asking.send(allocate)
            said = asking.recv(1024)
    assert said[:2] == b"\x01\x13"  # an error response to Allocate
    assert b"\x00\x00\x04\x01" in said  # 401


def test_a_table_that_is_not_met_is_told_line_by_line() -> None:
    report = {
        "diagnosis": [
            {"cause": "key-wrong-or-revoked", "confidence": "high", "summary": "", "fix": "",
             "line": "curl https://api.openai.com/v1/models", "ask": ""},
        ],
        "checks": [],
        "started_at": "2026-11-29T10:00:00.000+00:00",
        "finished_at": "2026-11-29T10:02:00.000+00:00",
    }  # fmt: skip
    scenario = unreached("a row", "nothing listens", "nothing listens", refused, "7 000", "refused")
    found = wrong(scenario, Asking("http://127.0.0.1:9/v1"), Ran(1, report, "The server was reached", "Traceback"))
    assert [line.partition(":")[0] for line in found] == [
        "exit 1, not (3,)",
        f"cause 'key-wrong-or-revoked' (high), not {scenario.cause!r}",
        "key-wrong-or-revoked is high, at most medium",
        "the key is accused",
        "not said",
        "said",
        "said",
        "a line names another host",
        "took 120.0 s, the budget is 80 s",
    ]
    assert wrong(scenario, Asking("http://127.0.0.1:9/v1"), Ran(None, {}, "", ""))[0].startswith("no end")
