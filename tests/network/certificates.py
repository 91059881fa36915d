"""Certificate authorities of our own, and certificates that are good, or wrong in one way."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """Who signs: a root, or an intermediate that is signed `by` another. `pem` is the file with its own certificate."""

    def __init__(
        self,
        folder: Path,
        name: str = "The Road's Own Root",
        by: Authority | None = None,
        begins: timedelta = -30 * DAY,
        ends: timedelta = 30 * DAY,
    ) -> None:
        self._folder, self._by = folder, by
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        above = by or self
        made = _certificate(self._name, above._name, self._key, begins, ends)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        self._certificate = made.sign(above._key, hashes.SHA256())
        self.pem = folder / f"{name}.pem"
        self.pem.write_bytes(_pem(self._certificate))

    def files(
        self,
        *names: str,
        begins: timedelta = -DAY,
        ends: timedelta = DAY,
        alternative: bool = True,
        whole: bool = True,
        key: Key | None = None,
    ) -> tuple[Path, Path]:
        """A certificate for these names and addresses, and its key; `begins` and `ends` count from now.

        Without `alternative` it has the first name as its common name alone; without `whole` the intermediates are left out.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        made = _certificate(_named(names[0]), self._name, key, begins, ends)
        if alternative:
            others = x509.SubjectAlternativeName([_alternative(name) for name in names])
            made = made.add_extension(others, critical=False)
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        leaf = made.add_extension(by, critical=False).sign(self._key, hashes.SHA256())
        return self._written([leaf, *(self._intermediates() if whole else ())], key)

    def server(
        self, *names: str, begins: timedelta = -DAY, ends: timedelta = DAY, alternative: bool = True, whole: bool = True
    ) -> ssl.SSLContext:
        """What a server of these names serves with."""
        return served(self.files(*names, begins=begins, ends=ends, alternative=alternative, whole=whole))

    def by_itself(self, *names: str) -> ssl.SSLContext:
        """What a server serves with whose certificate nobody signed but itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(_named(names[0]), _named(names[0]), key, -DAY, DAY)
        others = x509.SubjectAlternativeName([_alternative(name) for name in names])
        leaf = made.add_extension(others, critical=False).sign(key, hashes.SHA256())
        return served(self._written([leaf], key))

    def _intermediates(self) -> list[x509.Certificate]:
        """Itself and what is above, but for the root."""
        return [self._certificate, *self._by._intermediates()] if self._by else []

    def _written(self, chain: list[x509.Certificate], key: Key) -> tuple[Path, Path]:
        name = str(chain[0].serial_number)
        certificate, private = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        certificate.write_bytes(b"".join(map(_pem, chain)))
        form = serialization.PrivateFormat.PKCS8
        private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return certificate, private


def served(files: tuple[Path, Path], ciphers: str = "") -> ssl.SSLContext:
    """What a server serves with that has these files, and these ciphers, as OpenSSL writes them, else the usual ones."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if ciphers:
        context.set_ciphers(ciphers)
    context.load_cert_chain(*files)
    return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: Key, begins: timedelta, ends: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now + begins).not_valid_after(now + ends)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
