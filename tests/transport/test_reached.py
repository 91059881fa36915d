"""Which address is connected to: a dead one holds back neither HTTP nor a WebSocket nor the way to a proxy; it is written down."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rtdiag.model import Exchange
from rtdiag.redact import Mask, Secret
from rtdiag.transport import names
from rtdiag.transport.http import Credential, Http, place_of
from rtdiag.transport.recorder import Deadlines, Recorder
from rtdiag.transport.ways import Ways
from rtdiag.transport.websocket import Socket
from tests.needs import needed
from tests.network import roads
from tests.network.dns import Zone
from tests.network.fronts import Front
from tests.network.ground import Ground
from tests.network.proxies import Proxy
from tests.network.runs import Asking, run

KEY = "sk-proj-FAKE0000000000000000000000000000abcd"
NAME = "two.road.test"
DEAD, ALIVE = "127.0.0.2", "127.0.0.1"  # loopback is a whole network, but not everywhere


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port at DEAD where SYNs are dropped, since its queue is full; NAME has that address, and then ALIVE."""
    real = socket.getaddrinfo

    def two(host: Any, port: Any, *args: Any, **hints: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return [
            found for one in ((DEAD, ALIVE) if name == NAME else (host,)) for found in real(one, port, *args, **hints)
        ]

    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        try:
            full.bind((DEAD, 0))
        except OSError as exc:
            needed(None, f"{DEAD} is no address here: {exc}")
        full.listen(0)
        for _ in range(8):
            waits = stack.enter_context(socket.socket())
            waits.setblocking(False)
            waits.connect_ex(full.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", two)
        yield full.getsockname()[1]


async def _asked(url: str, environment: dict[str, str]) -> tuple[Exchange, Exchange]:
    """What HTTP, and what the upgrade came to."""
    recorder, ways, key = Recorder(Mask()), Ways(environment), Credential("api-key", Secret(KEY))
    http = Http(url, recorder, Deadlines(), ways)
    await http.send("GET", "/models", key)
    await http.aclose()
    opened = Socket("w1", recorder, Deadlines())
    await opened.connect(f"{url}/realtime?model=m", key, ways)
    await opened.close()
    told, upgrade = recorder.exchanges
    return told, upgrade


def test_an_address_that_is_dead_does_not_hold_a_socket_back(dead: int, tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        to = (ALIVE, roads.port_of(ground.emulator()))
        ground.serve(Front(to).behaviour(), port=dead)
        told, upgrade = names.run(_asked(f"http://{NAME}:{dead}/v1", {}))
    assert (told.failure, upgrade.failure, upgrade.status) == (None, None, 101)
    assert told.reached == upgrade.reached == f"{ALIVE}:{dead}"
    for one in (told, upgrade):
        assert set(one.timing_ms) == {"dns", "connect", "wait", "total"}
        assert sum(ms for step, ms in one.timing_ms.items() if step != "total") <= one.timing_ms["total"] + 1


def test_nor_does_that_of_a_proxy_whose_address_is_what_was_reached(dead: int, tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        url = ground.emulator().base_url
        ground.serve(Proxy().behaviour(), port=dead)
        told, upgrade = names.run(_asked(url, {"http_proxy": f"http://{NAME}:{dead}"}))
    assert (told.failure, upgrade.failure, upgrade.status) == (None, None, 101)
    assert told.reached == upgrade.reached == f"{ALIVE}:{dead}"


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("by_tls", "login", "no_proxy", "went"),
    [
        (False, "", "", "proxy"),
        (True, "", "", "proxy"),
        (False, "", ALIVE, "server"),
        (False, "wanted:FAKE-passw0rd", "", "refused"),
    ],
    ids=["http", "https", "no-proxy", "407"],
)
def test_http_and_websockets_go_the_same_way(
    tls: bool, by_tls: bool, login: str, no_proxy: str, went: str, tmp_path: Path
) -> None:
    with Ground(tmp_path) as ground:
        emulator = ground.emulator()
        port = roads.secured(ground, emulator) if tls else roads.port_of(emulator)
        proxy = ground.serve(Proxy(login).behaviour(), ground.authority.server(ALIVE) if by_tls else None)
        variable = "https_proxy" if tls else "http_proxy"
        given = {variable: f"http{'s' if by_tls else ''}://{ALIVE}:{proxy}", "no_proxy": no_proxy}
        url = roads.url(ground, port, "https" if tls else "http")
        told, upgrade = names.run(_asked(url, roads.trusting(ground.authority) | given))
    refused = {x.failure.kind if x.failure else x.status for x in (told, upgrade)}
    assert refused <= {"proxy", 407} if went == "refused" else upgrade.status == 101
    if went != "refused":
        assert told.reached == upgrade.reached == f"{ALIVE}:{proxy if went == 'proxy' else port}"


def test_where_nothing_was_connected_to_nothing_was_reached(dead: int) -> None:
    told, upgrade = names.run(_asked(f"http://{ALIVE}:{dead}/v1", {}))  # nobody listens there
    assert (told.failure is None, upgrade.failure is None) == (False, False)
    assert (told.reached, upgrade.reached) == ("", "")


def test_where_no_address_of_a_name_takes_a_connection_both_say_so(dead: int, tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        closed = ground.closed_port()
        told, upgrade = names.run(_asked(f"http://{NAME}:{closed}/v1", {}))
    assert [x.failure and (x.failure.kind, x.failure.phase) for x in (told, upgrade)] == [("refused", "connect")] * 2


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (("192.0.2.1", 443), "192.0.2.1:443"),
        (("2001:db8::1", 443, 0, 0), "[2001:db8::1]:443"),
        ("/run/socket", ""),
        (None, ""),
        ((), ""),
    ],
)
def test_a_place_shows_its_family(address: Any, place: str) -> None:
    assert place_of(address) == place


def test_a_run_over_a_name_whose_ipv6_is_dead(tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        pair = ground.apart(4, 6)
        pair.call(
            "near", "ip", "-6", "address", "add", "2001:db8::2/64", "dev", "wire", "nodad"
        )  # so IPv6 is tried first
        emulator = ground.emulator()
        ground.names(Zone(a=(ground.host,), aaaa=("2001:db8:1::1",)))
        url = roads.url(ground, roads.port_of(emulator), host=NAME)
        ran = run(ground.asking(Asking(url, emulator.key)), tmp_path, 15, ("--only", "websocket"))
    upgrades = [x for x in ran.report["exchanges"] if x["url"].startswith("ws:")]
    assert upgrades
    assert {x["status"] for x in upgrades} == {101}
    assert {x["reached"].rpartition(":")[0] for x in ran.report["exchanges"]} == {ground.host}
    assert ran.code == 0
