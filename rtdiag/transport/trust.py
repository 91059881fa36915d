"""Whose certificates are trusted: the one TLS setting of every request, and what SSL_CERT_FILE and SSL_CERT_DIR say about it.

As in httpx: SSL_CERT_FILE before SSL_CERT_DIR before certifi's bundle, never two of them. A file that cannot be used is named, for
OpenSSL's own words name neither the variable nor the path, and of a directory without certificates it says nothing at all.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rtdiag.api.expressions import expression
from rtdiag.transport.addresses import printable
from rtdiag.transport.failures import BadVariable

if TYPE_CHECKING:
    import ssl

CERTIFI = "certifi"
_FILE, _DIRECTORY, _KEY_LOG = "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"
_PEM = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
# As OpenSSL looks them up: the hash of the subject, X509_LOOKUP_hash_dir(3).
_HASHED = expression(r"[0-9a-f]{8}\.[0-9]+")
# The bundles of systems have less than 1 MB.
_LARGEST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Trust:
    """The TLS setting, and the store it trusts, for the record: `certifi`, or variable and path, `SSL_CERT_FILE=/etc/ca.pem`."""

    context: ssl.SSLContext
    store: str


def trust(environment: Mapping[str, str]) -> Trust:
    """The TLS setting that the variables ask for, with {} certifi's. It takes some 20 ms: make one for all requests.

    Raises BadVariable for what is missing, cannot be read, or holds no certificate.
    """
    if path := environment.get(_FILE):
        return Trust(_of_file(path), f"{_FILE}={printable(path)}")
    if path := environment.get(_DIRECTORY):
        return Trust(_of_directories(path), f"{_DIRECTORY}={printable(path)}")
    import certifi

    return Trust(_made(cafile=certifi.where()), CERTIFI)


def _of_file(path: str) -> ssl.SSLContext:
    import ssl

    if wrong := _wrong_with(path):
        raise BadVariable(_FILE, f"{printable(path)} {wrong}")
    try:
        return _made(cafile=path)
    except ssl.SSLError:
        raise BadVariable(_FILE, f"{printable(path)} holds a certificate that cannot be read") from None


def _wrong_with(path: str) -> str:
    """What speaks against a file before OpenSSL reads it, "" for nothing."""
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            return f"is a directory; {_DIRECTORY} takes those"
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST_BYTES:
            return "is no file of certificates"
        content = Path(path).read_bytes()
    except FileNotFoundError:
        return "does not exist"
    except OSError as exc:
        return f"cannot be read ({exc.strerror})"
    return "" if _PEM.search(content) else _in_place_of_pem(content)


def _in_place_of_pem(content: bytes) -> str:
    if not content.strip():
        return "is empty"
    if content.startswith(b"\x30\x82"):  # a SEQUENCE of ASN.1
        return "holds DER in place of PEM: `openssl x509 -inform der -in IT -out ca.pem` makes it PEM"
    if b"\0C\0E\0R\0T" in content:
        return "is UTF-16: save it as plain text"
    return "holds no certificate in PEM"


def _of_directories(paths: str) -> ssl.SSLContext:
    there = [path for path in paths.split(os.pathsep) if os.path.isdir(path)]
    if not there:
        wrong = f"is a file; {_FILE} takes those" if os.path.exists(paths) else "does not exist"
        raise BadVariable(_DIRECTORY, f"{printable(paths)} {wrong}")
    if not any(map(_holds_certificates, there)):
        what = f"{printable(paths)} holds no certificate under the name that OpenSSL looks for, such as 5ed36f99.0"
        raise BadVariable(_DIRECTORY, f"{what}: `openssl rehash {printable(paths)}`")
    return _made(capath=paths)


def _holds_certificates(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return any(_HASHED.fullmatch(entry.name) for entry in entries)
    except OSError:
        return False


def _made(**store: str) -> ssl.SSLContext:
    """Python's own setting for clients, with that store: `cafile` or `capath`."""
    import ssl

    try:
        return ssl.create_default_context(ssl.Purpose.SERVER_AUTH, **store)
    except ssl.SSLError:
        raise
    except OSError:
        if log := os.environ.get(_KEY_LOG):  # which Python opens for whoever makes such a setting
            raise BadVariable(_KEY_LOG, f"{printable(log)} cannot be written") from None
        raise
