"""A TLS handshake that fails says why, whose certificates there were, and who else on this machine would take them."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import certifi
import pytest
from cryptography import x509

from rtdiag.network import securing, stores
from rtdiag.network.measuring import spoken_at
from rtdiag.network.readers import interceptors, reader
from rtdiag.network.streams import Tls
from rtdiag.network.way import Dial, Handshake, Hop, Way
from rtdiag.transport import names
from rtdiag.transport.recorder import Deadlines
from rtdiag.transport.ways import Ways
from tests.network.ground import Ground
from tests.network.servers import Behaviour, answer, blurts, reset, says, silent
from tests.network_way.chains import Signer
from tests.network_way.walking import LONG_S, SHORT_S, secured, walked

ROOT = Signer("O=The Way's Own,CN=The Way's Root")
MIDDLE = Signer("O=The Way's Own,CN=The Way's Second", ROOT)
OTHER = Signer("CN=Another Root")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_store_but_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "SYSTEM", (str(tmp_path / "system.pem"),))
    (tmp_path / "ours.pem").write_bytes(ROOT.pem)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    return tmp_path / "ours.pem"


def shaken(
    ground: Ground, served: ssl.SSLContext | None, ours: Path | None, behaviour: Behaviour = silent, **more: Any
) -> Handshake:
    """The handshake with `localhost` there."""
    port = ground.serve(behaviour, served)
    given = {"SSL_CERT_FILE": str(ours)} if ours else {}
    found = walked(f"https://localhost:{port}/v1", {**given, **more}, LONG_S).handshake
    assert found is not None
    return found


def test_a_good_one(ground: Ground, ours: Path) -> None:
    made = shaken(ground, MIDDLE.server(MIDDLE), ours)
    assert (made.failure, made.protocol, made.store) == ("", "TLSv1.3", f"SSL_CERT_FILE={ours}")
    own, middle = made.chain
    assert (own.subject, own.issuer, own.names) == ("CN=localhost", MIDDLE.name, ("localhost",))
    assert (middle.subject, middle.issuer) == (MIDDLE.name, ROOT.name)
    assert own.begins < own.ends
    assert own.begins.endswith("+00:00")
    assert len(own.sha256) == 64
    assert (made.accepts, made.reader) == ((), "")


@pytest.mark.parametrize(
    ("served", "failure"),
    [
        (OTHER.server(), "issuer"),
        (OTHER.server(OTHER), "issuer"),
        (ROOT.server(name="other.test"), "name"),
        (ROOT.server(begins=-2 * DAY, ends=-DAY), "ended"),
        (ROOT.server(begins=DAY, ends=2 * DAY), "not-begun"),
        (MIDDLE.server(), "incomplete"),
        (Signer("CN=Some Issuing CA 3", OTHER).server(), "incomplete"),
        (Signer("CN=Some CA", OTHER).server(), "issuer"),
        (Signer("CN=Some CA", OTHER).server(places=("http://ca.test/ca.crt",)), "incomplete"),
        (Signer("CN=Some CA", OTHER).server(logged=True), "incomplete"),
        (Signer("CN=Some CA").server(places=("ldap:///CN=Some%20CA", "http://ca.test/ca.crt")), "issuer"),
        (OTHER.server(places=("http://ca.test/ca.crt",)), "issuer"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_certificate(served: ssl.SSLContext, failure: str, ground: Ground, ours: Path) -> None:
    made = shaken(ground, served, ours, says(answer("200 OK")), REQUESTS_CA_BUNDLE=str(ours))  # it is of the same mind
    assert made.failure == failure
    assert made.detail
    assert made.chain
    assert made.accepts == ()


def test_one_that_is_signed_by_itself(ground: Ground, ours: Path) -> None:
    made = shaken(ground, Signer("CN=localhost").itself(), ours)
    assert made.failure == "self-signed"
    assert made.chain[0].issuer == made.chain[0].subject == "CN=localhost"


def test_another_store_of_this_machine_may_take_it(ground: Ground, ours: Path, tmp_path: Path) -> None:
    served = MIDDLE.server(MIDDLE)
    assert shaken(ground, served, None).failure == "issuer"
    made = shaken(ground, served, None, REQUESTS_CA_BUNDLE=str(ours), NODE_EXTRA_CA_CERTS=str(tmp_path / "not-there"))
    assert (made.store, made.failure, made.accepts) == ("certifi", "issuer", (f"REQUESTS_CA_BUNDLE={ours}",))
    ours.rename(tmp_path / "system.pem")
    made = shaken(ground, served, None)
    assert made.accepts == (f"the system's {tmp_path / 'system.pem'}",)
    made = shaken(ground, served, None, SSL_CERT_FILE=certifi.where(), SSL_CERT_DIR=str(tmp_path))
    assert made.accepts == (f"the system's {tmp_path / 'system.pem'}",)


def test_a_public_one_is_known_by_certifi_alone(ground: Ground, ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = ROOT.server()
    monkeypatch.setattr(certifi, "where", lambda: str(ours))
    asked, takes = list[str](), stores._takes

    def noted(store: stores.Store, chain: Sequence[x509.Certificate]) -> bool:
        asked.append(store.name)
        return takes(store, chain)

    monkeypatch.setattr(stores, "_takes", noted)
    made = shaken(ground, served, None)
    assert (made.store, made.failure, made.accepts, asked) == ("certifi", "", (), [])
    copy = ours.with_name("copy.pem")
    copy.write_bytes(ROOT.pem)
    assert shaken(ground, served, copy).accepts == ("certifi",)
    assert asked == ["certifi"]


def test_what_only_python_is_strict_about_is_told_apart(ground: Ground, tmp_path: Path) -> None:
    loose = Signer("CN=Loose Root", loose=True)
    strict = ssl.create_default_context().verify_flags & ssl.VerifyFlags.VERIFY_X509_STRICT
    made = shaken(ground, loose.server(), Path(loose.file(tmp_path)))
    assert made.failure == ("strict" if strict else "")


def test_a_store_that_cannot_be_read_takes_nothing(ground: Ground, ours: Path, tmp_path: Path) -> None:
    (tmp_path / "system.pem").write_bytes(b"\0 no certificate")
    made = shaken(ground, OTHER.server(), ours, CURL_CA_BUNDLE=str(tmp_path), PIP_CERT="\0")
    assert (made.failure, made.accepts) == ("issuer", ())


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    reset(writer)


async def says_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As Python's own server does: it waits for a line that is a request, and hangs up for others."""
    if (await reader.readline()).endswith(b"HTTP/1.1\r\n"):
        writer.write(answer("400 Bad Request"))


def alert(number: int) -> bytes:
    return bytes((21, 3, 3, 0, 2, 2, number))


def once(raw: bytes) -> Behaviour:
    """Says these bytes to whatever comes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(raw)
        await writer.drain()

    return serve


@pytest.mark.parametrize(
    ("behaviour", "failure", "detail"),
    [
        (once(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "plain-http", "HTTP/1.1 400 Bad Request"),
        (once(b"<html>no</html>"), "plain-http", "<html>no</html>"),
        (says_plainly, "plain-http", "HTTP/1.1 400 Bad Request"),
        (blurts(b"SSH-2.0-OpenSSH_9.2\r\n"), "not-tls", "SSH-2.0-OpenSSH_9.2"),
        (hangs_up, "closed", ""),
        (resets, "closed", "Connection reset by peer"),
        (once(alert(70)), "version", "tlsv1 alert protocol version"),
        (once(alert(40)), "other", "sslv3 alert handshake failure"),
        (once(alert(112)), "other", "tlsv1 unrecognized name"),
        (once(alert(116)), "client-certificate", "tlsv13 alert certificate required"),
    ],
)  # fmt: skip
def test_what_ends_a_handshake(behaviour: Behaviour, failure: str, detail: str, ground: Ground) -> None:
    made = secured(ground.serve(behaviour), within_s=1)
    assert made.failure == failure
    assert made.detail.startswith(detail)
    assert made.chain == ()


def test_what_is_not_answered_is_silent(ground: Ground) -> None:
    made = secured(ground.serve(silent), within_s=SHORT_S)
    assert (made.failure, made.detail) == ("silent", f"no handshake within {SHORT_S:g} s")
    assert made.took_ms >= 1000 * SHORT_S


def test_a_server_that_says_nothing_of_its_own_is_waited_for_and_not_counted(
    ground: Ground, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most send a ticket after the handshake; what is waited for one is no part of the time that the handshake took."""

    counted: list[float] = []

    async def late(self: Tls) -> None:
        counted.append(self.took_ms)
        await asyncio.Event().wait()

    monkeypatch.setattr(Tls, "glance", late)
    monkeypatch.setattr(securing, "_GLANCE_S", SHORT_S)
    made = shaken(ground, ROOT.server(), ours)
    assert made.failure == ""
    assert [made.took_ms] == counted


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("wanted", [ssl.CERT_REQUIRED, ssl.CERT_OPTIONAL])
def test_a_client_certificate_that_is_demanded(version: Any, wanted: Any, ground: Ground, ours: Path) -> None:
    served = ROOT.server()
    served.verify_mode = wanted
    served.load_verify_locations(ours)
    served.minimum_version = served.maximum_version = version
    made = shaken(ground, served, ours)
    assert made.failure == ("client-certificate" if wanted == ssl.CERT_REQUIRED else "")
    assert made.chain[0].subject == "CN=localhost"


def test_a_server_of_old_versions_alone(ground: Ground, ours: Path) -> None:
    served = ROOT.server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        served.minimum_version, served.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    served.set_ciphers("ALL:@SECLEVEL=0")
    made = shaken(ground, served, ours)
    assert (made.failure, made.protocol) == ("version", "TLSv1.1")


def test_no_cipher_in_common_is_no_matter_of_versions(ground: Ground, ours: Path) -> None:
    served = ROOT.server()
    served.maximum_version = ssl.TLSVersion.TLSv1_2
    served.set_ciphers("ECDHE-ECDSA-CAMELLIA128-SHA256:@SECLEVEL=0")
    made = shaken(ground, served, ours)
    assert made.failure in ("other", "closed")  # asyncio does not send the alert each time


def test_where_plain_http_fails_it_is_heard_what_is_spoken(ground: Ground) -> None:
    def heard(port: int, dial: str = "") -> str:
        deadlines = Deadlines(connect_s=SHORT_S if port in quiet else LONG_S)
        way = Way("localhost", port, False, hop=Hop("localhost", port, dials=(Dial("127.0.0.1", port, failure=dial),)))
        return names.run(spoken_at(way, Ways(), deadlines))

    quiet = [ground.serve(silent), ground.serve(says(answer("200 OK")))]
    assert heard(ground.serve(silent, OTHER.server())) == "TLS"
    assert heard(ground.serve(once(alert(40)))) == "TLS"
    assert heard(ground.serve(once(b"HTTP/1.1 400 Bad Request\r\n\r\n"))) == "HTTP"
    assert heard(ground.serve(once(b"SSH-2.0-OpenSSH_9.2p1\r\n"))) == "SSH-2.0-OpenSSH_9.2p1"
    assert set(map(heard, quiet)) == {""}
    assert heard(ground.closed_port(), "refused") == ""


def test_what_reads_along_is_known_by_its_issuer(ground: Ground, ours: Path) -> None:
    product = Signer("C=US,O=Zscaler Inc.,CN=Zscaler Root CA")
    bundle = ours.with_name("bundle.pem")
    bundle.write_bytes(product.pem)
    for trusted, failure in ((ours, "issuer"), (bundle, "")):
        made = shaken(ground, product.server(), trusted)
        assert (made.failure, made.reader, made.accepts) == (failure, "Zscaler", ())


@pytest.mark.parametrize(
    ("issuer", "name"),
    [
        ("CN=Avast Web/Mail Shield Root,O=Avast Web/Mail Shield", "Avast"),
        ("CN=avast! Web/Mail Shield Root,O=avast! Web/Mail Shield", "Avast"),
        ("1.2.840.113549.1.9.1=certadmin@netskope.com,CN=caadmin.netskope.com,O=netSkope Inc", "Netskope"),
        ("CN=ca.corp.goskope.com,O=Corp", "Netskope"),
        ("CN=FG100E,OU=Certificate Authority,O=Fortinet,C=US", "Fortinet"),
        ("CN=Cisco Umbrella Secondary SubCA nrt-SG,O=Cisco", "Cisco Umbrella"),
        ("CN=DO_NOT_TRUST_FiddlerRoot,O=DO_NOT_TRUST", "Fiddler"),
        ("CN=Charles Proxy CA (26 May 2023\\, laptop),O=XK72 Ltd", "Charles"),
        ("CN=PortSwigger CA,OU=PortSwigger CA,O=PortSwigger", "Burp Suite"),
        ("CN=R11,O=Let's Encrypt,C=US", ""),
        ("CN=DigiCert TLS RSA SHA256 2020 CA1,O=DigiCert Inc,C=US", ""),
    ],
)  # fmt: skip
def test_issuers_of_products(issuer: str, name: str) -> None:
    assert reader([issuer]) == name
    assert reader(["CN=x", issuer]) == name


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_no_public_authority_is_taken_for_a_product() -> None:
    pem = Path(certifi.where()).read_bytes()
    public = [one.issuer.rfc4514_string() for one in x509.load_pem_x509_certificates(pem)]
    assert reader(public) == ""
    assert len({one.name for one in interceptors()}) == len(interceptors())
