"""The whole way: what decides how it is gone, how far it is gone, what it costs, and that nothing of it stays open."""

from __future__ import annotations

import asyncio
import gc
import json
import socket

import pytest

from rtdiag.network.measuring import measure
from rtdiag.network.way import facts
from rtdiag.transport import names
from rtdiag.transport.recorder import Deadlines
from rtdiag.transport.ways import Ways
from tests.network.ground import Ground
from tests.network.servers import silent
from tests.network_way.chains import Signer
from tests.network_way.walking import walked


def test_a_plain_way_ends_with_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        found = walked(f"http://127.0.0.1:{port}/v1")
        connected, _ = listening.accept()
        with connected:
            assert connected.recv(10) == b""  # nothing was asked, and it is closed
    assert (found.host, found.port, found.tls, found.route) == ("127.0.0.1", port, False, "directly")
    assert found.hop is not None
    assert [one.failure for one in found.hop.dials] == [""]
    assert (found.tunnel, found.handshake, found.bypassed) == (None, None, False)
    assert json.loads(json.dumps(facts(found)))["hop"]["dials"][0]["port"] == port


@pytest.mark.parametrize(
    ("variables", "variable", "failure"),
    [
        ({"HTTPS_PROXY": "http://FAKE-me:FAKE-secret@127.0.0.1:31x8"}, "HTTPS_PROXY", "the port is no number"),
        ({"SSL_CERT_FILE": "/not/there.pem"}, "SSL_CERT_FILE", "/not/there.pem does not exist"),
    ],
)
def test_a_variable_that_cannot_be_used_is_said_and_nothing_is_asked(
    variables: dict[str, str], variable: str, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("asked"))
    found = walked("https://api.test/v1", variables)
    assert found.variable == variable
    assert failure in found.variable_failure
    assert found.hop is None
    assert "FAKE-secret" not in str(facts(found))


def test_that_a_variable_keeps_it_from_the_proxy_is_said() -> None:
    given = {"HTTP_PROXY": "http://proxy.test:3128", "NO_PROXY": "127.0.0.1"}
    found = walked("http://127.0.0.1:1/v1", given)
    assert (found.route, found.variable, found.bypassed) == ("directly (NO_PROXY)", "NO_PROXY", True)


def test_of_a_proxy_it_is_its_own_name_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = walked("https://api.test/v1", {"HTTPS_PROXY": "http://proxy.test:3128"})
    assert found.hop is not None
    assert (found.hop.host, found.hop.port, found.hop.dials) == ("proxy.test", 3128, ())
    assert {one.failure for one in found.hop.lookups} == {"unknown"}


@pytest.mark.parametrize("url", ["", "api.test", "https://", "https://a b/", "https://[::1"])
def test_what_is_no_address_is_said(url: str) -> None:
    assert walked(url).unmeasured


def test_it_connects_once_where_all_is_well(ground: Ground) -> None:
    came, ours = [], Signer("CN=Our Own Root")

    async def noted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)
        await silent(reader, writer)

    port = ground.serve(noted, ours.server())
    found = walked(f"https://localhost:{port}/v1", {"SSL_CERT_FILE": ours.file(ground.folder)})
    assert found.handshake is not None
    assert found.handshake.failure == ""
    assert len(came) == 1


def test_cancelling_leaves_nothing_open(ground: Ground) -> None:
    async def cancelled(port: int) -> None:
        going = asyncio.ensure_future(measure(f"https://127.0.0.1:{port}/v1", Ways(), Deadlines()))
        await asyncio.to_thread(ground.reached.wait)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going

    names.run(cancelled(ground.serve(silent)))
    gc.collect()  # what was left open would be told now
