"""What all tests share: no test is touched by the keys, proxies or flags of the machine it runs on."""

from __future__ import annotations

import os

import pytest

_AMBIENT = (
    "OPENAI_",
    "RTDIAG_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "NO_COLOR",
    "SSL_CERT_",
    "COLUMNS",
    "TERM",
)


@pytest.fixture(autouse=True)
def _no_ambient_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith(_AMBIENT):
            monkeypatch.delenv(name)
