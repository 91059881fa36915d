"""A certificate of the emulator's own making, for clients that speak only https and wss."""

from __future__ import annotations

import ssl
from pathlib import Path
from tempfile import TemporaryDirectory


class Certificate:
    """For hosts (names, addresses); `context` is what a server needs to show it, `ca_file` what a client must trust.

    The file holds certifi's authorities, too, so that SSL_CERT_FILE takes none away. The authority's key is in memory alone, and
    forgotten at once; the certificate's is for a moment in a file that only its owner can read, since `ssl` reads nothing else
    (bugs.python.org/issue16487). Raises ValueError for a host that no certificate can name.
    """

    def __init__(self, *hosts: str) -> None:
        import certifi
        from trustme import CA

        authority = CA(organization_name="rtdiag", organization_unit_name="emulator")
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.set_alpn_protocols(["http/1.1"])
        authority.issue_cert(*hosts).configure_cert(self.context)
        self._folder = TemporaryDirectory(prefix="rtdiag-emulator-")
        self.ca_file = str(Path(self._folder.name, "ca.pem"))
        Path(self.ca_file).write_bytes(authority.cert_pem.bytes() + certifi.contents().encode())

    def remove(self) -> None:
        """Takes the file away."""
        self._folder.cleanup()
