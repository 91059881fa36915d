"""The certificate that all calls of a process show in DTLS, made once; aiortc makes one for each, and a context of OpenSSL's."""

from __future__ import annotations

from functools import cache

from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, SRTPProtectionProfile
from OpenSSL import SSL


class _Certificate(RTCCertificate):
    @cache  # noqa: B019 - there is one
    def getFingerprints(self) -> list[RTCDtlsFingerprint]:  # noqa: N802 - aiortc's name
        return super().getFingerprints()

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        return self._context(tuple(srtp_profiles))

    @cache  # noqa: B019 - there is one
    def _context(self, profiles: tuple[SRTPProtectionProfile, ...]) -> SSL.Context:
        made = super()._create_ssl_context(list(profiles))
        made.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # it would keep every client's
        return made


@cache
def certificate() -> RTCCertificate:
    """It is in no file, and another one in each process."""
    return _Certificate.generateCertificate()
