"""The stores of certificates on this machine, and which of them would take a chain that a server shows.

Beside the one that requests trust there are those of the system, where they usually lie (as Go's crypto/x509 root_linux.go and
root_bsd.go list them), and those that variables name for other programs.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtdiag.transport.addresses import printable
from rtdiag.transport.trust import CERTIFI

if TYPE_CHECKING:
    from cryptography import x509

SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, Alpine
    "/usr/local/share/certs/ca-root-nss.crt",  # FreeBSD
)
# For curl, requests, Node, Git, the AWS CLI and pip.
_FILES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
)
_DIRECTORY = "SSL_CERT_DIR"


@dataclass(frozen=True)
class Store:
    """A file of certificates, or a directory, and what it is called: `certifi`, `the system's`, `SSL_CERT_FILE=/etc/ca.pem`."""

    name: str
    file: str | None = None
    directory: str | None = None


def public() -> Store:
    """Certifi's bundle: who is in it is a public authority."""
    import certifi

    return Store(CERTIFI, certifi.where())


def stores(environment: Mapping[str, str]) -> Iterator[Store]:
    """All that are there, each once, by the name that `Trust.store` has."""
    yield public()
    for variable in _FILES:
        if path := environment.get(variable):
            name = f"{variable}={printable(path)}"
            yield Store(name, None, path) if os.path.isdir(path) else Store(name, path)
    if path := environment.get(_DIRECTORY):
        yield from (Store(f"{_DIRECTORY}={printable(path)}", None, one) for one in path.split(os.pathsep))
    paths = ssl.get_default_verify_paths()
    yield from (Store(f"the system's {path}", path) for path in dict.fromkeys((*SYSTEM, paths.openssl_cafile)))
    yield Store(f"the system's {paths.openssl_capath}", None, paths.openssl_capath)


def taking(chain: Sequence[x509.Certificate], among: Iterable[Store], but: str = "") -> tuple[str, ...]:
    """The names of these stores, `but` that one, by which OpenSSL finds the chain good, its own first; one of the system's."""
    found: list[str] = []
    for store in among:
        system = store.name.startswith("the system's")
        if store.name == but or (system and found and found[-1].startswith("the system's")):
            continue
        if _takes(store, chain):
            found.append(store.name)
    return tuple(dict.fromkeys(found))


def _takes(store: Store, chain: Sequence[x509.Certificate]) -> bool:
    from OpenSSL import crypto

    if not os.path.exists(store.file or store.directory or ""):
        return False
    held = crypto.X509Store()
    own, *others = map(crypto.X509.from_cryptography, chain)
    try:
        held.load_locations(store.file, store.directory)
        crypto.X509StoreContext(held, own, others).verify_certificate()
    except (crypto.Error, crypto.X509StoreContextError):
        return False
    return True
