"""TLS: handshakes that do not end, and certificates that are wrong in one way."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.network.certificates import DAY, Authority, served
from tests.network.dns import Zone
from tests.network.ground import Ground
from tests.network.kinds import KEY, REACHED, SOCKET, Scenario, late, well
from tests.network.roads import Road, by_tls, port_of, secured, server, trusting, url
from tests.network.runs import Asking
from tests.network.servers import after_a_flight, closes_after_a_flight, handshakes, resets_after_a_flight, silent

_LEAF = "api.road.test"


def healthy(ground: Ground) -> Asking:
    """TLS by an authority that SSL_CERT_FILE names."""
    return by_tls(ground)


def unknown_issuer(ground: Ground) -> Asking:
    """Nobody here trusts the authority."""
    return by_tls(ground, given={})


def certificate(*names: str, begins: timedelta = -DAY, ends: timedelta = DAY, alternative: bool = True) -> Road:
    """A certificate for these names, else for the server's address, and these days."""

    def road(ground: Ground) -> Asking:
        made = ground.authority.server(*(names or (ground.host,)), begins=begins, ends=ends, alternative=alternative)
        return by_tls(ground, made)

    return road


def signed_by_itself(ground: Ground) -> Asking:
    """Nobody signed it."""
    return by_tls(ground, ground.authority.by_itself(ground.host))


def by_intermediate(*, whole: bool = True, ends: timedelta = DAY) -> Road:
    """An intermediate signed the certificate, and the root is trusted; the `whole` chain is sent or the leaf alone."""

    def road(ground: Ground) -> Asking:
        between = Authority(ground.folder, "The Road's Intermediate", ground.authority, ends=ends)
        return by_tls(ground, between.server(ground.host, whole=whole))

    return road


def weak_key(ground: Ground) -> Asking:
    """Its key is shorter than OpenSSL takes today."""
    made = ground.authority.files(ground.host, key=rsa.generate_private_key(65537, 1024))
    return by_tls(ground, served(made, "ALL:@SECLEVEL=0"))


def root_expired(ground: Ground) -> Asking:
    """The certificate is good and the root that signed it is not any more."""
    old = Authority(ground.folder, "The Road's Old Root", ends=-2 * DAY)
    return by_tls(ground, old.server(ground.host), trusting(old))


def wildcard(host: str) -> Road:
    """The certificate is for every name right below road.test."""

    def road(ground: Ground) -> Asking:
        ground.apart()
        emulator = ground.emulator()
        ground.names(Zone(a=(ground.host,)))
        port = secured(ground, emulator, ground.authority.server("*.road.test"))
        return Asking(url(ground, port, "https", host), emulator.key, trusting(ground.authority))

    return road


def serving(change: Callable[[ssl.SSLContext], None]) -> Road:
    """A server that demands something of TLS, and that nobody gets further with."""

    def road(ground: Ground) -> Asking:
        made = ground.authority.server(ground.host)
        change(made)
        port = ground.serve(handshakes(made))
        return Asking(url(ground, port, "https"), env=trusting(ground.authority))

    return road


def old_alone(context: ssl.SSLContext) -> None:
    """TLS 1.1 and no more."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1


def one_cipher(context: ssl.SSLContext) -> None:
    """A cipher with SHA-1, which Python's clients do not offer."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA")


def wants_client(version: ssl.TLSVersion) -> Callable[[ssl.SSLContext], None]:
    """A certificate of the client, in that version of TLS."""

    def change(context: ssl.SSLContext) -> None:
        context.maximum_version = version
        context.verify_mode = ssl.CERT_REQUIRED

    return change


def to_plain_port(ground: Ground) -> Asking:
    """https:// where plain HTTP is spoken."""
    emulator = ground.emulator()
    return Asking(url(ground, port_of(emulator), "https"), emulator.key)


def plain_to_tls_port(ground: Ground) -> Asking:
    """http:// where TLS is spoken."""
    emulator = ground.emulator()
    return Asking(url(ground, secured(ground, emulator)), emulator.key)


def big_packets_lost(ground: Ground) -> Asking:
    """Small packets pass and big ones do not, so that no certificate arrives: a tunnel with a wrong MTU."""
    pair = ground.apart()
    asking = by_tls(ground)
    pair.firewall("near", "input", "meta l4proto tcp meta length > 600 drop")
    return asking


def in_system_store(ground: Ground) -> Asking:
    """The machine trusts the authority, and Python's own list does not."""
    ground.apart()
    ground.trusted_by_system(ground.authority)
    return by_tls(ground, given={})


def trusting_file(made: Callable[[Path, Authority], Path], variable: str = "SSL_CERT_FILE") -> Road:
    """The variable names what is made in that folder."""

    def road(ground: Ground) -> Asking:
        return by_tls(ground, given={variable: str(made(ground.folder, ground.authority))})

    return road


def _missing(folder: Path, _: Authority) -> Path:
    return folder / "no-such.pem"


def _empty(folder: Path, _: Authority) -> Path:
    (folder / "empty.pem").touch()
    return folder / "empty.pem"


def _folder(folder: Path, _: Authority) -> Path:
    return folder


def _der(folder: Path, authority: Authority) -> Path:
    made = x509.load_pem_x509_certificate(authority.pem.read_bytes())
    (folder / "root.der").write_bytes(made.public_bytes(Encoding.DER))
    return folder / "root.der"


def _another(folder: Path, _: Authority) -> Path:
    return Authority(folder, "Another Root").pem


_ALERT = bytes.fromhex("15 0303 0002 02")  # RFC 8446 section 6: a fatal alert of TLS 1.2, but for its number
_FILE, _HIDDEN = "the file of certificates is unusable", "the handshake is broken off"
ROWS = (
    well("tls-healthy", "TLS by an authority that SSL_CERT_FILE names", healthy, options=(*KEY, *SOCKET), curl="0 401"),
    well(
        "tls-intermediate", "an intermediate signed the certificate, and is sent along", by_intermediate(), options=KEY,
        curl="0 401",
    ),
    well("tls-wildcard", "the certificate is for *.road.test", wildcard(_LEAF), options=KEY, curl="0 401"),
    Scenario(
        "tls-unknown-issuer", "nobody here trusts who signed the certificate", "unknown issuer", unknown_issuer,
        says=("The Road's Own Root",), never=(REACHED,), curl="60 000",
    ),
    Scenario(
        "tls-another-root", "SSL_CERT_FILE names another root", "unknown issuer", trusting_file(_another),
        says=("The Road's Own Root", "SSL_CERT_FILE"), curl="60 000",
    ),
    Scenario(
        "tls-self-signed", "the certificate is signed by itself", "signed by itself", signed_by_itself, curl="60 000",
    ),
    Scenario(
        "tls-incomplete-chain", "the intermediate is not sent along", "an intermediate is missing",
        by_intermediate(whole=False), says=("The Road's Intermediate",), curl="60 000",
    ),
    Scenario(
        "tls-expired-intermediate", "the intermediate has ended, the certificate has not", "the certificate has ended",
        by_intermediate(ends=-2 * DAY), says=("The Road's Intermediate",), curl="60 000",
    ),
    Scenario(
        "tls-wrong-name", "the certificate is for another host", "the certificate is another's",
        certificate("another.road.test"), says=("another.road.test",), curl="60 000",
    ),
    Scenario(
        "tls-wildcard-too-deep", "the certificate is for *.road.test, the host is two levels below",
        "the certificate is another's", wildcard("deep.api.road.test"), says=(r"\*\.road\.test",), curl="60 000",
    ),
    Scenario(
        "tls-address-without-san", "the address is the common name alone, and no alternative name",
        "the certificate is another's", certificate(alternative=False), curl=None,
    ),
    Scenario(
        "tls-expired", "the certificate ended two days ago", "the certificate has ended",
        certificate(begins=-20 * DAY, ends=-2 * DAY), says=("expired|ended",), curl="60 000",
    ),
    Scenario(
        "tls-not-yet-valid", "the certificate begins in two days", "the certificate has not begun",
        certificate(begins=2 * DAY, ends=20 * DAY), says=("not yet valid|begin|begun",), curl="60 000",
    ),
    Scenario(
        "tls-to-plain-port", "https:// where plain HTTP is spoken", "plain HTTP where TLS is asked", to_plain_port,
        curl="35 000",
    ),
    Scenario(
        "tls-http-to-tls-port", "http:// where TLS is spoken", "TLS where plain HTTP is asked", plain_to_tls_port,
        curl="52 000",
    ),
    Scenario(
        "tls-old-alone", "the server speaks TLS 1.1 and nothing newer", "no common version of TLS", serving(old_alone),
        curl="35 000",
    ),
    Scenario(
        "tls-other-ciphers", "the server takes a cipher that Python does not offer", "no common version of TLS",
        serving(one_cipher), curl=None,
    ),
    Scenario(
        "tls-alert-version", "the handshake is ended by the alert protocol_version", "no common version of TLS",
        server(after_a_flight(_ALERT + b"\x46"), "https"), curl="35 000",
    ),
    Scenario(
        "tls-client-certificate", "the server wants a client certificate (TLS 1.2)", "a client certificate is wanted",
        serving(wants_client(ssl.TLSVersion.TLSv1_2)), curl=None,
    ),
    Scenario(
        "tls-client-certificate-1.3", "the server wants a client certificate (TLS 1.3)",
        "a client certificate is wanted", serving(wants_client(ssl.TLSVersion.TLSv1_3)), curl=None,
    ),
    Scenario(
        "tls-reset", "the connection is reset after the first flight", _HIDDEN, server(resets_after_a_flight, "https"),
        curl="35 000",
    ),
    Scenario(
        "tls-closed", "the connection is closed after the first flight", _HIDDEN,
        server(closes_after_a_flight, "https"), curl="35 000",
    ),
    Scenario(
        "tls-unrecognized-name", "the handshake is ended by the alert unrecognized_name", _HIDDEN,
        server(after_a_flight(_ALERT + b"\x70"), "https"), says=("unrecognized",), curl="35 000",
    ),
    Scenario(
        "tls-handshake-failure", "the handshake is ended by the alert handshake_failure", _HIDDEN,
        server(after_a_flight(_ALERT + b"\x28"), "https"), curl="35 000",
    ),
    Scenario(
        "tls-weak-key", "the certificate has a key of 1024 bits", "the certificate breaks a rule", weak_key,
        says=("key too weak",), curl=None,
    ),
    Scenario(
        "tls-root-expired", "the root in SSL_CERT_FILE has ended", "unknown issuer", root_expired,
        says=("a root of SSL_CERT_FILE",), curl="60 000",
    ),
    late(
        "tls-handshake-silent", "the handshake is not answered", "the handshake is not answered",
        server(silent, "https"), "28 000",
    ),
    late(
        "tls-big-packets-lost", "packets of more than 600 bytes are lost", "the handshake is not answered",
        big_packets_lost, "28 000",
    ),
    Scenario(
        "tls-ca-in-system-store-only", "the machine trusts who signed, and Python's own list does not",
        "trusted by another store", in_system_store, exits=(0, 3), or_else="()", options=KEY, curl="0 401",
    ),
    Scenario(
        "tls-ssl-cert-file-missing", "SSL_CERT_FILE names a file that is not there", _FILE, trusting_file(_missing),
        verdict=("SSL_CERT_FILE",), curl="77 000",
    ),
    Scenario(
        "tls-ssl-cert-file-empty", "SSL_CERT_FILE names an empty file", _FILE, trusting_file(_empty),
        verdict=("SSL_CERT_FILE",), curl="77 000",
    ),
    Scenario(
        "tls-ssl-cert-file-folder", "SSL_CERT_FILE names a folder", _FILE, trusting_file(_folder),
        verdict=("SSL_CERT_FILE",), curl="77 000",
    ),
    Scenario(
        "tls-ssl-cert-file-der", "SSL_CERT_FILE names a certificate in DER", _FILE, trusting_file(_der),
        verdict=("SSL_CERT_FILE",), curl="77 000",
    ),
    Scenario(
        "tls-ssl-cert-dir-missing", "SSL_CERT_DIR names a folder that is not there", _FILE,
        trusting_file(_missing, "SSL_CERT_DIR"), verdict=("SSL_CERT_DIR",), curl=None,
    ),
)  # fmt: skip
