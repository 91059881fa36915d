"""The ways to open a socket that the check `websocket` goes."""

from __future__ import annotations

from dataclasses import dataclass

from rtdiag.api.endpoints import Kind
from rtdiag.servers import Door

MODEL, INTENT, _WRONG = "?model={realtime}", "?intent=transcription", "?model={transcription}"


@dataclass(frozen=True)
class Way:
    """One way to open a socket. `query` may hold models; None is that of the first kind asked for, and so is `kind`.

    `history`: it is about the past, or about the mistakes of others, and not asked of strangers.
    """

    case: str
    title: str
    kind: Kind | None
    query: str | None
    credential: str
    as_subprotocol: bool = False
    history: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be there before this is asked."""
        transcription = ("server.transcription",) if self.kind == "transcription" else ()
        token = f"token.mint-{self.kind}" if self.credential.endswith("-token") else "key.accepted"
        return (token, "server.websocket", *transcription)

    @property
    def door(self) -> Door | None:
        """What a server may not offer, though it has sessions like this one by another way; None for the plainest way."""
        if self.as_subprotocol:
            return "subprotocol"
        if self.credential.endswith("-token"):
            return "websocket-token"
        return "transcription" if self.kind == "transcription" else None


WAYS: tuple[Way, ...] = (
    Way("model-key", "does ?model= take the API key?", "realtime", MODEL, "api-key"),
    Way("model-token", "does ?model= take a token in the header?", "realtime", MODEL, "realtime-token"),
    Way("model-subprotocol", "does ?model= take a token as sub-protocol?", "realtime", MODEL, "realtime-token", True),
    Way("intent-key", "does ?intent=transcription take the key?", "transcription", INTENT, "api-key"),
    Way("intent-token", "does ?intent=transcription take a token?", "transcription", INTENT, "transcription-token"),
    Way("bare-token", "is a transcription token alone enough?", "transcription", "", "transcription-token"),
)
CONTROLS: tuple[Way, ...] = (
    Way(
        "transcription-model",
        "is a transcription model as ?model= refused?",
        "transcription",
        _WRONG,
        "api-key",
        history=True,
    ),
    Way("made-up", "is a made-up key refused?", None, None, "made-up"),
    Way("beta-header", "does the beta's header do what it should here?", None, None, "api-key", history=True),
)
