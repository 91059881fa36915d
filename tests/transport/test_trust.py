"""Which certificates are trusted, and which words come of a variable that names none."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import certifi
import pytest

from rtdiag.transport.failures import BadVariable
from rtdiag.transport.trust import CERTIFI, trust
from tests.transport.proxy import certificate

BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("pem"), "api.test")[0]


def hashed(folder: Path, pem: Path) -> Path:
    """A directory with that certificate, under a name that OpenSSL looks for."""
    folder.mkdir()
    (folder / "5ed36f99.0").symlink_to(pem)
    return folder


def names(context: ssl.SSLContext) -> set[str]:
    """The common names of what it trusts."""
    return {dict(pair[0] for pair in ca["subject"]).get("commonName", "") for ca in context.get_ca_certs()}  # type: ignore[misc]


def test_certifis_where_no_variable_says_else() -> None:
    found = trust({"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""})
    assert found.store == CERTIFI
    assert found.context.cert_store_stats()["x509_ca"] == Path(certifi.where()).read_text().count("-BEGIN CERT")
    assert (found.context.verify_mode, found.context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_file_before_a_directory_and_alone(pem: Path, tmp_path: Path) -> None:
    found = trust({"SSL_CERT_FILE": str(pem), "SSL_CERT_DIR": "/nowhere"})
    assert found.store == f"SSL_CERT_FILE={pem}"
    assert names(found.context) == {"api.test"}
    assert (found.context.verify_mode, found.context.check_hostname) == (ssl.CERT_REQUIRED, True)
    folder = hashed(tmp_path / "d", pem)
    found = trust({"SSL_CERT_DIR": str(folder)})
    assert (found.store, names(found.context)) == (f"SSL_CERT_DIR={folder}", set())  # OpenSSL looks them up when needed
    assert trust({"SSL_CERT_DIR": f"/nowhere{os.pathsep}{folder}"}).store.endswith(str(folder))


def test_what_stands_around_a_certificate_does_not_matter(pem: Path, tmp_path: Path) -> None:
    path = tmp_path / "bundle.pem"
    path.write_text(f"# Zürich\n{pem.read_text()}\nand another:\r\n{pem.read_text()}", encoding="utf-8")
    assert names(trust({"SSL_CERT_FILE": str(path)}).context) == {"api.test"}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "does not exist"),
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("hello", "holds no certificate in PEM"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no certificate in PEM"),
        (BROKEN, "holds a certificate that cannot be read"),
        ("{pem}" + BROKEN, "holds a certificate that cannot be read"),
        ("x{pem}", "holds a certificate that cannot be read"),
        ("utf-16:{pem}", "is UTF-16: save it as plain text"),
        ("der:{pem}", "holds DER in place of PEM: `openssl x509 -inform der"),
        (" " * (16 * 1024 * 1024 + 1), "is no file of certificates"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used(content: str | None, what: str, pem: Path, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        form, colon, text = content.rpartition(":")
        text = text.replace("{pem}", pem.read_text())
        path.write_bytes(
            ssl.PEM_cert_to_DER_cert(text) if form == "der" else text.encode("utf-16" if colon else "utf-8")
        )
    with pytest.raises(BadVariable) as refused:
        trust({"SSL_CERT_FILE": str(path)})
    assert str(refused.value).startswith(f"SSL_CERT_FILE: {path} {what}")
    assert (refused.value.variable, str(refused.value).count("\n")) == ("SSL_CERT_FILE", 0)


def test_what_is_no_file_at_all(pem: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")  # reading it would never end
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path, what in (
        (tmp_path, "is a directory; SSL_CERT_DIR takes those"),
        (tmp_path / "fifo", "is no file of certificates"),
        (Path("/dev/zero"), "is no file of certificates"),
        (pem / "below", "cannot be read (Not a directory)"),
        (loop, "cannot be read (Too many levels of symbolic links)"),
    ):
        with pytest.raises(BadVariable) as refused:
            trust({"SSL_CERT_FILE": str(path)})
        assert str(refused.value) == f"SSL_CERT_FILE: {path} {what}"


def test_directories_that_cannot_be_used(pem: Path, tmp_path: Path) -> None:
    for path, what in (
        ("/nowhere", "does not exist"),
        (f"/nowhere{os.pathsep}/neither", "does not exist"),
        (str(pem), "is a file; SSL_CERT_FILE takes those"),
        (
            str(tmp_path),
            "holds no certificate under the name that OpenSSL looks for, such as 5ed36f99.0: `openssl rehash ",
        ),
    ):
        with pytest.raises(BadVariable) as refused:
            trust({"SSL_CERT_DIR": path})
        assert str(refused.value).startswith(f"SSL_CERT_DIR: {path} {what}")


def test_a_path_moves_no_cursor_and_breaks_no_encoding() -> None:
    with pytest.raises(BadVariable) as refused:
        trust({"SSL_CERT_FILE": "/nowhere/\x1b[2J\udcff"})
    assert str(refused.value) == "SSL_CERT_FILE: /nowhere/\ufffd[2J\ufffd does not exist"


@pytest.mark.parametrize("environment", [{}, {"SSL_CERT_FILE": certifi.where()}])
def test_a_log_of_tls_keys_that_cannot_be_written_is_named(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere/keys")
    with pytest.raises(BadVariable, match=r"SSLKEYLOGFILE: /nowhere/keys cannot be written"):
        trust(environment)
