"""Credentials: the key, and client secrets minted, looked up, and over after a time told by an injected clock."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rtdiag.api.endpoints import Dialect, Kind
from rtdiag.api.sessions import model_of

# The one API key that the emulator takes: visibly none of anybody's.
EMULATOR_KEY = "sk-proj-FAKE-rtdiag-emulator-key-0000000000000000"

# "all tokens expire after one minute", OAS @ f85dbe2 line 55802; GA's: profiles.yaml.
BETA_LIFE_S = 60
SEALED_BYTES = 180  # LiteLLM 1.108, tried 2026-11-30: 236 to 244 characters
REMEMBERED_S = 3600  # how long one that is over is still told from a made-up one (assumed)
MOST_TOKENS = 10_000  # at a time, 2 KB each: then the oldest go, whether or not they are over


@dataclass
class Token:
    """One client secret: `expires_at` in unix seconds, `config` the configuration of the session that it opens.

    One that `translates` opens a translation, which has no kind.
    """

    value: str
    expires_at: int
    kind: Kind
    dialect: Dialect
    config: dict[str, Any]
    used: bool = False
    translates: bool = False

    @property
    def model(self) -> str:
        """The model that it was minted for, of a transcription the transcribing one."""
        return model_of({"type": self.kind, **self.config}) or ""


class Tokens:
    """The tokens of one emulator. When they end they are remembered for a while, and then forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._minted: dict[str, Token] = {}

    def mint(
        self,
        kind: Kind,
        dialect: Dialect,
        config: dict[str, Any],
        life_s: int,
        prefix: str = "ek_",
        *,
        sealed: bool = False,
    ) -> Token:
        """A new token of `prefix` and 32 hexadecimal digits, as in openai-openapi @ f85dbe2 line 17006; or one that is a cipher."""
        value = secrets.token_urlsafe(SEALED_BYTES) if sealed else prefix + secrets.token_hex(16)
        token = Token(value, int(self._clock()) + life_s, kind, dialect, config)
        self._forget()
        self._minted[value] = token
        return token

    def find(self, value: str) -> Token | None:
        """The token of that value, also when it has just expired; None for one that was never minted here."""
        return self._minted.get(value)

    def expired(self, token: Token) -> bool:
        """Whether its time is over."""
        return self._clock() >= token.expires_at

    def _forget(self) -> None:
        """Drops the oldest that are long over. One with a longer life holds up those behind it, for that life at most."""
        while self._minted:
            oldest = next(iter(self._minted.values()))
            if self._clock() < oldest.expires_at + REMEMBERED_S and len(self._minted) < MOST_TOKENS:
                return
            del self._minted[oldest.value]
