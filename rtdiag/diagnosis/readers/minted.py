"""The tokens that passed in a HAR: where each was minted, when, until when it was good, and how often it was used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rtdiag.api.endpoints import BETA_SESSIONS, CLIENT_SECRETS
from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers.plain import at, parsed, text_at
from rtdiag.diagnosis.readers.routes import host_of, is_mint, path_of
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.diagnosis.readers.timestamps import epoch, seconds_between

_TOKEN = expression(r"(?<![\w-])ek_[A-Za-z0-9_*-]{6,4096}")
_MOST_TOKENS = 1000
_OLD_S = 60


@dataclass
class _MintedAt:
    place: str
    shape: str
    at: datetime | None
    expires: datetime | None
    uses: int = 0


class Tokens:
    """Learns tokens from answers, and says of a token that is sent where it came from and what became of it since."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._minted: dict[str, _MintedAt] = {}

    def learn(self, url: str, body: str, when: datetime | None) -> None:
        """Note the tokens in an answer's body that may hold some, and the secrets beside them."""
        value = parsed(body)
        self._learner.value(value)
        token, expires, shape = _token_of(value)
        found = {token} if token else set()
        for secret in found | set(_TOKEN.findall(body[:LONGEST_BODY])):
            self._learner.learn(secret)
            if len(self._minted) < _MOST_TOKENS and secret not in self._minted:
                known = (expires, shape) if secret == token else (None, "")
                self._minted[secret] = _MintedAt(_place(url), known[1] if not is_mint(url) else "", when, known[0])

    @property
    def known(self) -> int:
        """How many tokens passed so far."""
        return len(self._minted)

    def credential(self, secret: str, kind: str | None) -> str | None:
        """The kind of a credential, with the place it was minted at where this HAR shows it."""
        minted = self._minted.get(secret)
        return f"ek minted at {minted.place}" if minted else kind

    def used(self, secret: str, when: datetime | None) -> list[str]:
        """Note that a session was asked for with this token; what stands out of its age and of earlier uses."""
        minted = self._minted.get(secret)
        if minted is None:
            return []
        told = [f"the token's answer has the shape of {minted.shape}"] if minted.shape else []
        age, over = seconds_between(minted.at, when), seconds_between(minted.expires, when)
        if age is not None and age > _OLD_S:
            told.append(f"the token was used {age:.0f} s after it was minted")
        if over is not None and over > 0:
            told.append(f"expires_at passed {over:.0f} s before")
        if minted.uses:
            told.append("the token was used before")
        minted.uses += 1
        return told


LONGEST_BODY = 1024 * 1024


def may_hold_tokens(url: str, body: str) -> bool:
    """Whether an answer is a mint's, or looks as if a token stood in it."""
    return bool(body) and ("ek_" in body or "client_secret" in body or is_mint(url))


def mint_oddities(sent: Any, answer: Any, when: datetime | None) -> list[str]:
    """What stands out in a mint's answer: no token, one that has expired already, a session other than the one asked for."""
    if not isinstance(answer, Mapping):
        return ["the answer of the mint is no JSON object"]
    token, expires, _ = _token_of(answer)
    odd = [] if token else ["the answer holds no token"]
    over = seconds_between(expires, when)
    if over is not None and over > 0:
        odd.append(f"expires_at was {over:.0f} s in the past when the token was minted")
    asked, given = _session(sent), _session(answer)
    for name, path in _COMPARED:
        wanted, got = text_at(asked, *path), text_at(given, *path)
        if wanted and got and not got.startswith(wanted):  # a model's name may come back with its date
            odd.append(f"{name} sent {wanted}, the answer says {got}")
    return odd


_COMPARED = (
    ("session type", ("type",)),
    ("model", ("model",)),
    ("turn_detection", ("turn_detection", "type")),
    ("turn_detection", ("audio", "input", "turn_detection", "type")),
    ("transcription model", ("input_audio_transcription", "model")),
    ("transcription model", ("audio", "input", "transcription", "model")),
)


def _session(value: Any) -> Any:
    inner = at(value, "session")
    return inner if isinstance(inner, Mapping) else value


def _token_of(value: Any) -> tuple[str | None, datetime | None, str]:
    """The token of a mint's answer, when it expires, and the mint whose shape the answer has."""
    if token := text_at(value, "client_secret", "value"):
        return token, epoch(at(value, "client_secret", "expires_at")), f"/v1{BETA_SESSIONS}"
    if (token := text_at(value, "value")) and at(value, "expires_at") is not None:
        return token, epoch(at(value, "expires_at")), f"/v1{CLIENT_SECRETS}"
    return None, None, ""


def _place(url: str) -> str:
    """The path of a mint of the API; for anybody's own route also its host."""
    return path_of(url) if is_mint(url) else host_of(url) + path_of(url)
