"""What a proxy makes of CONNECT: a way, a refusal in its own words, or nothing; what is sent to it as a login is said nowhere."""

from __future__ import annotations

import asyncio
import socket
import time
from base64 import b64decode

import pytest

from rtdiag.network import tunnelling
from rtdiag.network.measuring import SOCKS
from rtdiag.network.way import Tunnel, facts
from tests.network.ground import Ground
from tests.network.proxies import Proxy, asks_login
from tests.network.servers import (
    Behaviour,
    after_a_flight,
    answer,
    blurts,
    drips,
    page,
    request_of,
    resets,
    says,
    silent,
)
from tests.network_way.chains import Signer
from tests.network_way.walking import SHORT_S, tunnelled, walked

OURS = Signer("CN=Our Own Root")
NAME, PASSWORD = "FAKE-name", "FAKE p@ss:w0rd"
USERINFO = "FAKE-name:FAKE%20p%40ss%3Aw0rd"


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)


def made_of(ground: Ground, behaviour: Behaviour, userinfo: str = "", within_s: float = 20) -> Tunnel:
    port = ground.serve(behaviour)
    return tunnelled(f"http://{userinfo}{'@' if userinfo else ''}127.0.0.1:{port}", within_s)


@pytest.mark.parametrize(
    ("behaviour", "status", "failure", "words"),
    [
        (says(asks_login('Basic realm="corp"')), 407, "login", "407 Proxy Authentication Required"),
        (says(page("403 Forbidden", "Blocked by policy")), 403, "refused", "Blocked by policy"),
        (says(answer("404 Not Found", "no such thing here", "text/plain")), 404, "no-proxy", "no such thing here"),
        (says(page("405 Not Allowed")), 405, "no-proxy", "405 Not Allowed"),
        (says(answer("501 Unsupported method ('CONNECT')")), 501, "no-proxy", ""),
        (says(page("200 OK", "Welcome")), 200, "no-proxy", "Welcome"),
        (says(answer("401 Unauthorized", "", "")), 401, "login", ""),
        (after_a_flight(b"\x15\x03\x01\0\x02\x02\x46"), None, "tls", ""),
        (says(answer("302 Found", "", "", "location: http://login.test/")), 302, "refused", "to http://login.test/"),
        (says(page("502 Bad Gateway")), 502, "unreached", "502 Bad Gateway"),
        (says(answer("504 Gateway Timeout", "<p>late<script>x</script> &amp; tired</p>")), 504, "unreached", "late & tired"),
        (says(b"HTTP/1.0 503 Service Unavailable\r\n\r\n"), 503, "unreached", ""),
        (says(b"HTTP/1.1 403 \n\nno"), 403, "refused", "no"),
        (resets, None, "closed", ""),
        (hangs_up, None, "closed", ""),
        (blurts(b"SSH-2.0-OpenSSH_9.2\r\n"), None, "not-http", "SSH-2.0-OpenSSH_9.2"),
        (says(b"\x05\xff\0\0"), None, "not-http", "something binary"),
        (blurts(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64"), None, "not-http", "HTTP/2"),
    ],
)  # fmt: skip
def test_what_it_says(behaviour: Behaviour, status: int | None, failure: str, words: str, ground: Ground) -> None:
    made = made_of(ground, behaviour, within_s=2 if status is None else 20)
    assert (made.status, made.failure, made.words) == (status, failure, words)
    assert not made.login


@pytest.mark.parametrize(
    ("header", "server"),
    [
        ("Via: 1.1 cache.corp (squid/6.13)", "1.1 cache.corp (squid/6.13)"),
        ("Server: squid/6.13", "squid/6.13"),
        ("Proxy-Agent: tinyproxy/1.11.1", "tinyproxy/1.11.1"),
        ("X-Other: x", ""),
    ],
)
def test_it_is_called_as_it_calls_itself(header: str, server: str, ground: Ground) -> None:
    made = made_of(ground, says(answer("503 Service Unavailable", "", "", header, "X-Squid-Error: ERR_DNS_FAIL 0")))
    assert made.server == server
    assert made.detail == "Service Unavailable ERR_DNS_FAIL 0"


@pytest.mark.parametrize("behaviour", [silent, Proxy(hangs=True).behaviour(), drips(b"HTTP/1.1 200 OK\r\n", b"x")])
def test_one_that_does_not_answer_is_silent(behaviour: Behaviour, ground: Ground) -> None:
    made = made_of(ground, behaviour, within_s=SHORT_S)
    assert made.failure in ("silent", "not-http")
    assert made.took_ms >= 1000 * SHORT_S


def test_a_page_that_never_ends_is_read_no_longer_than_it_must(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnelling, "_REST_S", SHORT_S)
    made = made_of(ground, drips(b"HTTP/1.1 403 Forbidden\r\n\r\n<title>No</title>", b" "))
    assert (made.failure, made.words) == ("refused", "No")
    began = time.process_time()
    made = made_of(ground, says(b"HTTP/1.1 403 Forbidden\r\n\r\n" + b"<style>" * 2_000_000))
    assert (made.failure, made.words) == ("refused", "")
    made = made_of(ground, says(b"x" * 2_000_000))
    assert made.failure == "not-http"
    assert len(made.words) < 200
    assert time.process_time() - began < 5


def test_a_login_is_sent_and_never_told(ground: Ground) -> None:
    came: list[str] = []

    async def tells_it_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await request_of(reader)
        came.append(request.header("proxy-authorization"))
        text = f"no {PASSWORD} of {NAME}: {came[0]} {USERINFO}"
        writer.write(answer(f"407 Go away {NAME}", text, "text/plain", f"server: {PASSWORD}"))

    port = ground.serve(tells_it_again)
    found = walked("https://api.test/v1", {"HTTPS_PROXY": f"http://{USERINFO}@127.0.0.1:{port}"})
    assert b64decode(came[0].removeprefix("Basic ")).decode() == f"{NAME}:{PASSWORD}"
    assert found.tunnel is not None
    assert (found.tunnel.failure, found.tunnel.login) == ("login", True)
    assert found.route == f"through http://***@127.0.0.1:{port} (HTTPS_PROXY)"
    told = str(facts(found))
    assert not [text for text in (NAME, PASSWORD, USERINFO, came[0].split()[1], "FAKE%20p") if text in told]


def test_through_one_that_works_the_servers_own_certificate_is_seen(ground: Ground) -> None:
    server = ground.serve(silent, OURS.server())
    proxy = ground.serve(Proxy(login=f"{NAME}:{PASSWORD}").behaviour())
    given = {"HTTPS_PROXY": f"http://{USERINFO}@127.0.0.1:{proxy}", "SSL_CERT_FILE": OURS.file(ground.folder)}
    found = walked(f"https://localhost:{server}/v1", given)
    assert found.tunnel is not None
    assert (found.tunnel.status, found.tunnel.failure, found.tunnel.login) == (200, "", True)
    assert found.handshake is not None
    assert (found.handshake.failure, found.handshake.chain[0].subject) == ("", "CN=localhost")
    assert found.hop is not None
    assert found.hop.port == proxy


def test_a_proxy_behind_tls_and_tls_through_it(ground: Ground) -> None:
    server = ground.serve(silent, OURS.server())
    proxy = ground.serve(Proxy().behaviour(), OURS.server())
    given = {"HTTPS_PROXY": f"https://localhost:{proxy}", "SSL_CERT_FILE": OURS.file(ground.folder)}
    found = walked(f"https://localhost:{server}/v1", given)
    assert found.handshake is not None
    assert found.handshake.failure == ""
    made = tunnelled(f"https://localhost:{proxy}")
    assert (made.failure, made.detail) == ("tls", "unable to get local issuer certificate")
    made = tunnelled(f"https://127.0.0.1:{ground.serve(blurts(b'HTTP/1.1 400 Bad Request'))}")
    assert (made.failure, made.detail) == ("tls", "it answers in plain HTTP: HTTP/1.1 400 Bad Request")
    made = tunnelled(f"https://127.0.0.1:{ground.serve(silent)}", SHORT_S)
    assert (made.failure, made.detail) == ("tls", f"no handshake within {SHORT_S:g} s")


def test_one_that_reads_along_shows_its_own_certificate(ground: Ground) -> None:
    server = ground.serve(silent, OURS.server())
    reading = Signer("CN=mitmproxy,O=mitmproxy")
    proxy = ground.serve(Proxy(reads=reading.server()).behaviour())
    for trusted in (reading, OURS):
        given = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy}", "SSL_CERT_FILE": trusted.file(ground.folder)}
        handshake = walked(f"https://localhost:{server}/v1", given).handshake
        assert handshake is not None
        assert handshake.failure == ("" if trusted is reading else "issuer")
        assert handshake.reader == "mitmproxy"


def test_socks_is_connected_to_and_not_measured_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtdiag.transport.proxies.find_spec", lambda _: True)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = walked("https://api.test/v1", {"ALL_PROXY": f"socks5h://127.0.0.1:{listening.getsockname()[1]}"})
    assert found.unmeasured == SOCKS
    assert found.hop is not None
    assert [one.failure for one in found.hop.dials] == [""]
    assert (found.tunnel, found.handshake) == (None, None)


def test_a_short_password_takes_nothing_from_other_words(ground: Ground) -> None:
    said = says(answer("403 Forbidden", "a proxy said: my x of y", "text/plain", "server: tinyproxy/1.11.1"))
    made = made_of(ground, said, "x:y")
    assert (made.server, made.words) == ("tinyproxy/1.11.1", "a proxy said: my *** of ***")


@pytest.mark.parametrize(
    ("challenges", "logins"),
    [
        (('Basic realm="corp"',), ("Basic",)),
        (("NTLM", "Negotiate"), ("NTLM", "Negotiate")),
        (('Digest realm="a, Basic b", nonce = "x", qop="auth", Basic realm="c"',), ("Digest", "Basic")),
        (("Negotiate, NTLM TlRMTVNTUAAB==",), ("Negotiate", "NTLM")),
        ((), ()),
    ],
)
def test_which_logins_it_takes_is_read(challenges: tuple[str, ...], logins: tuple[str, ...], ground: Ground) -> None:
    assert made_of(ground, says(asks_login(*challenges))).logins == logins
