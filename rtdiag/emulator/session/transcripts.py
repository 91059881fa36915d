"""The marked placeholder of a transcript: it tells how much there was to hear, and nothing of what was said.

Fields and order: capture of 2026-09-18, record 69522944037 probe 7, and sessions recorded in 2026.
"""

from __future__ import annotations

import math
from typing import Any

from rtdiag.api.endpoints import Dialect
from rtdiag.api.models import find
from rtdiag.emulator.session.server_events import event, obfuscated, words

Json = dict[str, Any]

_NAME = "conversation.item.input_audio_transcription"
_LOGPROBS = "item.input_audio_transcription.logprobs"
_BEGINS = "[rtdiag emulator: not transcribed,"
WORD_MS = 400  # of speech, for each piece of what can be said before its end is known


def placeholder(audio_s: float) -> str:
    """The text in the place of a transcript."""
    return f"{_BEGINS} {audio_s:.1f} s of audio]"


class Transcript:
    """What is told of the audio of one item: deltas where the model has some, then the whole."""

    def __init__(self, item_id: str, model: str, include: object, dialect: Dialect) -> None:
        self.item_id, self.model = item_id, model
        self._dialect = dialect
        self._where = {"item_id": item_id, "content_index": 0}
        self._logprobs = isinstance(include, list) and _LOGPROBS in include
        self._told = 0

    def so_far(self, speech_ms: float) -> list[Json]:
        """The deltas that are new after so much speech, from a model that writes while it listens."""
        pieces = words(_BEGINS)[: int(speech_ms / WORD_MS)]
        return self._deltas(pieces) if writes_while_listening(self.model) else []

    def whole(self, audio_s: float, *, silent: bool) -> list[Json]:
        """The rest, when the item is there. Silence has no text and no delta (record 70882954038, 2026-10-06)."""
        pieces = [] if silent else words(placeholder(audio_s))
        deltas = self._deltas(pieces) if _streams(self.model) else []
        done: Json = {"logprobs": [_logprob(piece) for piece in pieces]} if self._logprobs else {}
        known = find(self.model)
        if known and known.names_languages:
            done["languages"] = []  # undetermined
        usage = {} if self._dialect == "beta" else {"usage": _usage(self.model, audio_s, len(pieces))}
        return [*deltas, event(f"{_NAME}.completed", **self._where, transcript="".join(pieces), **usage, **done)]

    def _deltas(self, pieces: list[str]) -> list[Json]:
        new, self._told = pieces[self._told :], max(self._told, len(pieces))
        return [self._delta(piece) for piece in new]

    def _delta(self, piece: str) -> Json:
        extra = {"logprobs": [_logprob(piece)]} if self._logprobs else {}
        return event(f"{_NAME}.delta", **self._where, **obfuscated(piece), **extra)


def writes_while_listening(model: str) -> bool:
    """The models without turn detection do: record 63110401195 (2026-08-21), and a session recorded in 2026."""
    known = find(model)
    return known is not None and known.kind == "transcription" and known.server_vad == "no"


def _streams(model: str) -> bool:
    """Whether deltas come: where tokens are counted, too; then they come after the commit."""
    return _counts_tokens(model) or writes_while_listening(model)


def _counts_tokens(model: str) -> bool:
    known = find(model)
    return known is None or known.usage == "tokens"


def _usage(model: str, audio_s: float, pieces: int) -> Json:
    """By model, tokens or whole seconds: record 63110401195 (2026-08-21); 2.8 s are 3, and those of a session that was idle 0."""
    if not _counts_tokens(model):
        return {"type": "duration", "seconds": math.ceil(audio_s)}
    heard = int(audio_s * 10)
    details = {"text_tokens": 0, "audio_tokens": heard}
    return {
        "type": "tokens",
        "total_tokens": heard + pieces,
        "input_tokens": heard,
        "input_token_details": details,
        "output_tokens": pieces,
    }


def _logprob(word: str) -> Json:
    return {"token": word, "logprob": 0.0, "bytes": list(word.encode())}
