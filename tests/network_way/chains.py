"""Certificates as authorities and products issue them, with what tells them apart: names, intermediates, places, timestamps."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID

_DAY = timedelta(days=1)
_SIGNS = x509.KeyUsage(
    False, False, False, False, False, True, True, False, False
)  # certificates and lists of revoked ones
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


@dataclass
class Signer:
    """Who signs; `issuer` signed it, None for itself. Names are RFC 4514. A `loose` one lacks what RFC 5280 wants of it."""

    name: str
    issuer: Signer | None = None
    loose: bool = False
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        made = _made(self.name, self.issuer or self, self.key, -_DAY, _DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if not self.loose:
            made = made.add_extension(_SIGNS, critical=True)
            made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
        self.certificate = made.sign((self.issuer or self).key, hashes.SHA256())

    def file(self, folder: Path) -> str:
        """A file there with its own certificate, for SSL_CERT_FILE."""
        path = folder / f"{id(self)}.pem"
        path.write_bytes(self.pem)
        return str(path)

    @property
    def pem(self) -> bytes:
        """Its own certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def server(
        self,
        *sent: Signer,
        name: str = "localhost",
        begins: timedelta = -_DAY,
        ends: timedelta = _DAY,
        places: tuple[str, ...] = (),
        logged: bool = False,
    ) -> ssl.SSLContext:
        """What a server serves with that sends a certificate for that name and those `sent`.

        Its issuer can be had at `places`; `logged`: it holds something where the timestamps of logs stand.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        made = _made(f"CN={name}", self, key, begins, ends)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        if places:
            at = [
                x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(place))
                for place in places
            ]
            made = made.add_extension(x509.AuthorityInformationAccess(at), critical=False)
        if logged:
            made = made.add_extension(x509.UnrecognizedExtension(_SCTS, b"\x04\x02\x00\x00"), critical=False)
        own = made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return _serving(key, own + b"".join(one.pem for one in sent))

    def itself(self) -> ssl.SSLContext:
        """What a server serves with whose certificate is that of the signer."""
        return _serving(self.key, self.pem)


def _issuer_at(place: str) -> x509.AccessDescription:
    return x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(place))


def _serving(key: ec.EllipticCurvePrivateKey, certificates: bytes) -> ssl.SSLContext:
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()) + certificates
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(pem)
        context.load_cert_chain(file.name)
    return context


def _made(
    name: str, issuer: Signer, key: ec.EllipticCurvePrivateKey, begins: timedelta, ends: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(x509.Name.from_rfc4514_string(name))
    builder = builder.issuer_name(x509.Name.from_rfc4514_string(issuer.name)).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    if not issuer.loose:
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(by, critical=False)
    return builder.not_valid_before(now + begins).not_valid_after(now + ends)
