"""A TLS handshake over an open connection, by the very setting that requests have, and what its certificates are.

Where the handshake does not come about, more is asked over connections of their own, without a secret: what certificates there
are, whether plain HTTP is spoken, which old version would be taken.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from rtdiag.api.expressions import expression
from rtdiag.network.readers import reader
from rtdiag.network.stores import Store, public, stores, taking
from rtdiag.network.streams import Stream, Tls, in_words
from rtdiag.network.way import Certificate, Handshake
from rtdiag.transport.addresses import printable
from rtdiag.transport.trust import CERTIFI, Trust

if TYPE_CHECKING:
    from cryptography import x509

Again = Callable[[], Awaitable[Stream]]  # one more connection to the server; raises OSError

_GLANCE_S = 0.5
# What OpenSSL says of a certificate (openssl/x509_vfy.h): X509_V_ERR_… by number.
_VERIFIED = {
    2: "issuer", 18: "self-signed", 19: "issuer", 20: "issuer", 21: "issuer", 27: "issuer",
    9: "not-begun", 10: "ended", 62: "name", 64: "name", **dict.fromkeys(range(80, 95), "strict"),
}  # fmt: skip
_OLDER = {"SSLv3", "TLSv1", "TLSv1.1"}
_OLD = {"UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "NO_PROTOCOLS_AVAILABLE", "TLSV1_ALERT_PROTOCOL_VERSION"}
_CLIENT = {"TLSV13_ALERT_CERTIFICATE_REQUIRED"}
# With these a server refuses no version in common, no cipher, or a client without a certificate.
_REFUSES = {"SSLV3_ALERT_HANDSHAKE_FAILURE", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN"}
_EXPLAINED = {"version", "closed", "refused", "late"}  # `late`: once the handshake was done, as TLS 1.3 has it
_REQUEST, _ALERT, _HANDSHAKE = 13, 21, 22  # CertificateRequest; types of records, RFC 8446 appendix B
_OF_ITSELF = {"name", "ended", "not-begun", "unfit", "strict"}  # no store would change that
_JUDGED = {"issuer", "self-signed", "incomplete", *_OF_ITSELF}
_PLAIN = b"OPTIONS * HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
_DATE = re.compile(rb"(?im)^date: *([ -~]+?)\s*\r\n")
_LARGEST_HEAD = 16 * 1024
_SCTS, _AIA, _ISSUERS = "1.3.6.1.4.1.11129.2.4.2", "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.48.2"
_INTERMEDIATE, _ROOT = expression("(?i)intermediate|issuing|subordinate|sub[ -]?ca"), expression("(?i)root")


async def handshake(
    stream: Stream, host: str, trust: Trust, environment: Mapping[str, str], again: Again, within_s: float
) -> Handshake:
    """What came of it with the server behind `stream`. `environment` names more stores; each further question has `within_s`."""
    tls = Tls(stream, trust.context, host)
    failure, detail = await shaken(tls, within_s)
    roots = trust.context.cert_store_stats()["x509_ca"]
    made = Handshake(trust.store, roots=roots, took_ms=tls.took_ms, failure=failure, detail=detail)
    if failure in ("silent", "closed") and (said := await _plainly(again, host, within_s)):
        return replace(made, failure="plain-http", detail=said)
    if failure in _EXPLAINED:
        made = await _explained(made, again, host, within_s)
    if made.failure in ("ended", "not-begun"):
        told = await _date(again, host, within_s)
        made = replace(made, server_date=told, local_date=datetime.now(UTC).isoformat(timespec="seconds"))
    shown = tls if made.failure in ("", "client-certificate") else None
    if made.failure in _JUDGED:
        shown = await _unverified(Lenient(), again, host, within_s)
    if shown is None:
        return made
    made = replace(made, protocol=shown.ssl.version() or "")
    return await asyncio.to_thread(_judged, made, shown_by(shown.ssl), trust, environment)


async def _explained(made: Handshake, again: Again, host: str, within_s: float) -> Handshake:
    """A refusal that can mean several things, by what the server does where every version is offered and nothing is verified."""
    lenient = Lenient(every_version=True)
    tls = await _unverified(lenient, again, host, within_s)
    version = (tls.ssl.version() or "") if tls else ""
    if lenient.asked_for_certificate:
        return replace(made, failure="client-certificate")
    if version in _OLDER or (version and made.failure == "refused"):  # what a client has no cipher for, this one has
        return replace(made, failure="version", protocol=version)
    if made.failure == "late":  # the first request sees what that is
        return replace(made, failure="", detail="")
    return replace(made, failure="other") if made.failure == "refused" else made


def leads_to_tls(raw: bytes) -> bool:
    """Whether an answer to a ClientHello begins as TLS does: a record of a handshake, or an alert."""
    return len(raw) > 1 and raw[0] in (_ALERT, _HANDSHAKE) and raw[1] == 3


async def answer_to_hello(stream: Stream, host: str, within_s: float) -> bytes:
    """How what comes back for a ClientHello begins, whatever becomes of the handshake."""
    tls = Tls(stream, Lenient().context, host)
    await shaken(tls, within_s)
    return tls.came


async def shaken(tls: Tls, within_s: float) -> tuple[str, str]:
    """The handshake, and with TLS 1.3 whether it holds: `failure` and `detail`."""
    try:
        async with asyncio.timeout(within_s):
            await tls.shake()
    except TimeoutError:
        return "silent", f"no handshake within {within_s:g} s"
    except OSError as exc:
        return _failure(exc, tls.came)
    if tls.ssl.version() == "TLSv1.3":
        asyncio.get_running_loop().run_in_executor(None, _import_what_reads_certificates)  # while that is waited for
        return await _refused_later(tls, max(_GLANCE_S, 2 * tls.took_ms / 1000))
    return "", ""


def _import_what_reads_certificates() -> None:
    import OpenSSL.crypto  # noqa: F401 - and with it cryptography


async def _refused_later(tls: Tls, within_s: float) -> tuple[str, str]:
    """That a client must have a certificate it hears at the first read of TLS 1.3. Others send a ticket then, or nothing."""
    try:
        async with asyncio.timeout(within_s):
            await tls.glance()
    except ssl.SSLError as exc:
        return "client-certificate" if exc.reason in _CLIENT else "late", _said(exc)
    except TimeoutError:
        return "", ""
    except OSError as exc:
        return "late", exc.strerror or str(exc)
    return "", ""


def _failure(exc: OSError, came: bytes) -> tuple[str, str]:
    reason = getattr(exc, "reason", "") or ""
    if came and not leads_to_tls(came):
        return ("plain-http" if came.startswith(b"HTTP/") or came.lstrip()[:1] == b"<" else "not-tls"), in_words(came)
    if isinstance(exc, ssl.SSLCertVerificationError):
        return _VERIFIED.get(exc.verify_code, "unfit"), exc.verify_message
    if isinstance(exc, ssl.SSLEOFError) or not isinstance(exc, ssl.SSLError):
        return "closed", "closed during the handshake" if isinstance(exc, ssl.SSLError) else exc.strerror or str(exc)
    if reason in _CLIENT:
        return "client-certificate", _said(exc)
    return ("version" if reason in _OLD else "refused" if reason in _REFUSES else "other"), _said(exc)


def _said(exc: ssl.SSLError) -> str:
    return (exc.reason or str(exc)).replace("_", " ").lower()


async def _plainly(again: Again, host: str, within_s: float) -> str:
    """The first line of an answer to plain HTTP there, "" where none comes."""
    raw = b""
    try:
        async with asyncio.timeout(within_s):
            stream = await again()
            try:
                await stream.send(_PLAIN % host.encode())
                while len(raw) < len(b"HTTP/1.1 200") and (more := await stream.receive()):
                    raw += more
            finally:
                stream.close()
    except OSError:
        return ""
    return in_words(raw) if raw.startswith(b"HTTP/") else ""


async def _date(again: Again, host: str, within_s: float) -> str:
    """The server's clock, in ISO 8601, as it tells it to whoever takes every certificate; "" where it does not."""
    raw = b""
    try:
        async with asyncio.timeout(within_s):
            stream = await again()
            try:
                tls = Tls(stream, Lenient().context, host)
                await tls.shake()
                await tls.send(_PLAIN % host.encode())
                while not (found := _DATE.search(raw)) and len(raw) < _LARGEST_HEAD and (more := await tls.receive()):
                    raw += more
            finally:
                stream.close()
        return parsedate_to_datetime(found[1].decode()).isoformat() if found else ""
    except (OSError, ValueError):
        return ""


class Lenient:
    """A setting that takes every certificate, and where it is told to every version that OpenSSL still has."""

    def __init__(self, every_version: bool = False) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.asked_for_certificate = False
        if every_version:
            self.context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            self.context.set_ciphers("ALL:@SECLEVEL=0")
        if hasattr(self.context, "_msg_callback"):  # in TLS 1.3 nothing public tells of it
            self.context._msg_callback = self._note

    def _note(self, *told: Any) -> None:
        _, direction, _, kind, message, _ = told
        self.asked_for_certificate |= (direction, kind, message) == ("read", _HANDSHAKE, _REQUEST)


async def _unverified(lenient: Lenient, again: Again, host: str, within_s: float) -> Tls | None:
    """A handshake by that setting, None where even that does not come about. The connection is closed."""
    try:
        async with asyncio.timeout(within_s):
            stream = await again()
            try:
                tls = Tls(stream, lenient.context, host)
                await tls.shake()
            finally:
                stream.close()
    except OSError:
        return None
    return tls


def shown_by(tls: ssl.SSLObject) -> list[x509.Certificate]:
    """The certificates that the server sent, its own first; Python has a public way to them from 3.13 on."""
    from cryptography import x509
    from cryptography.utils import CryptographyDeprecationWarning

    found = getattr(tls, "get_unverified_chain", None) or tls._sslobj.get_unverified_chain  # type: ignore[attr-defined]
    sent = [one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in found() or ()]
    with warnings.catch_warnings():  # OpenSSL takes some that RFC 5280 does not allow
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        try:
            return [x509.load_der_x509_certificate(one) for one in sent]
        except ValueError:
            return []


def _judged(made: Handshake, chain: list[x509.Certificate], trust: Trust, environment: Mapping[str, str]) -> Handshake:
    """With the certificates, and what follows from them: another store, a missing intermediate, a reader."""
    shown = tuple(filter(None, map(_certificate, chain)))
    if not chain or len(shown) < len(chain):
        return replace(made, chain=shown)
    accepts = taking(chain, _asked(made, environment), made.store)
    if made.failure == "issuer" and not accepts and _lacks_issuer(chain, _trusted(trust.context)):
        made = replace(made, failure="incomplete")
    foreign = CERTIFI not in accepts and (made.store != CERTIFI or bool(made.failure))
    return replace(made, chain=shown, accepts=accepts, reader=reader(one.issuer for one in shown) if foreign else "")


def _asked(made: Handshake, environment: Mapping[str, str]) -> Iterable[Store]:
    """The stores that may take the chain, too; where all is well the one question is whether it is a public one."""
    if made.failure in _OF_ITSELF:
        return ()
    return stores(environment) if made.failure else (public(),)


def _certificate(one: x509.Certificate) -> Certificate | None:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        names: tuple[str, ...] = ()
        for extension in one.extensions:
            if isinstance(extension.value, x509.SubjectAlternativeName):
                names = tuple(
                    str(name.value) for name in extension.value if isinstance(name, x509.DNSName | x509.IPAddress)
                )
        return Certificate(
            printable(one.subject.rfc4514_string()),
            printable(one.issuer.rfc4514_string()),
            tuple(map(printable, names)),
            one.not_valid_before_utc.isoformat(),
            one.not_valid_after_utc.isoformat(),
            one.fingerprint(SHA256()).hex(),
        )
    except ValueError:
        return None


def _lacks_issuer(chain: list[x509.Certificate], organizations: Set[str]) -> bool:
    """Whether the server should have sent the issuer of its certificate and did not.

    It is so where the issuer calls itself an intermediate, or is of an organization whose root is trusted, one of these; and of
    each public authority, whose certificates hold timestamps of logs (RFC 6962): it never signs with its root (CA/Browser
    Forum, Baseline Requirements 6.1.7). For it speaks a place on the web where the issuer can be had. Against it speaks that the
    issuer calls itself a root, and that its place is a directory, as Windows has it.
    """
    own = chain[0]
    if own.issuer == own.subject or any(one.subject == own.issuer for one in chain[1:]):
        return False
    extensions = {extension.oid.dotted_string: extension.value for extension in own.extensions}
    issuer = own.issuer.rfc4514_string()
    if _SCTS in extensions or _INTERMEDIATE.search(issuer):
        return True
    places = [
        str(one.access_location.value)
        for one in extensions.get(_AIA, ())
        if one.access_method.dotted_string == _ISSUERS
    ]
    if _ROOT.search(issuer) or any(place.startswith("ldap:") for place in places):
        return False
    return any(place.startswith("http") for place in places) or bool(organizations & _organizations(own.issuer))


def _organizations(name: x509.Name) -> Set[str]:
    from cryptography.x509.oid import NameOID

    return {str(one.value) for one in name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)}


def _trusted(context: ssl.SSLContext) -> Set[str]:
    """The organizations of the authorities in that store; of a directory those that were needed so far."""
    subjects: list[Any] = [pair for one in context.get_ca_certs() for names in one.get("subject", ()) for pair in names]
    return {str(value) for name, value in subjects if name == "organizationName"}
