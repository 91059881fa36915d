"""The marked placeholder of a transcript: it tells how much there was to hear, and nothing of what was said.

Fields and order: capture of 2026-09-18, record 69522944037 probe 7.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from rtdiag.api.endpoints import Dialect
from rtdiag.api.models import find
from rtdiag.emulator.session.server_events import event, words

Json = dict[str, Any]

_NAME = "conversation.item.input_audio_transcription"
_LOGPROBS = "item.input_audio_transcription.logprobs"


def placeholder(audio_s: float) -> str:
    """The text in the place of a transcript."""
    return f"[rtdiag emulator: {audio_s:.1f} s of audio, not transcribed]"


def transcript(item_id: str, audio_s: float, model: str, include: object, dialect: Dialect) -> Iterator[Json]:
    """The deltas where the model has some, then the whole."""
    text = placeholder(audio_s)
    where = {"item_id": item_id, "content_index": 0}
    logprobs = isinstance(include, list) and _LOGPROBS in include
    for word in words(text) if _streams(model) else ():
        extra = {"logprobs": [_logprob(word)]} if logprobs else {}
        yield event(f"{_NAME}.delta", **where, delta=word, obfuscation=secrets.token_urlsafe(6), **extra)
    done: Json = {"logprobs": [_logprob(word) for word in words(text)]} if logprobs else {}
    known = find(model)
    if known and known.names_languages:
        done["languages"] = []  # undetermined
    usage = {} if dialect == "beta" else {"usage": _usage(model, audio_s, len(words(text)))}
    yield event(f"{_NAME}.completed", **where, transcript=text, **usage, **done)


def _streams(model: str) -> bool:
    """Whether deltas come: where tokens are counted, and from the models without turn detection, record 63110401195 (2026-08-21).

    Those send them while they listen; here they wait for the commit.
    """
    known = find(model)
    return known is None or known.usage == "tokens" or known.server_vad == "no"


def _counts_tokens(model: str) -> bool:
    known = find(model)
    return known is None or known.usage == "tokens"


def _usage(model: str, audio_s: float, pieces: int) -> Json:
    """By model, tokens or seconds: record 63110401195 (2026-08-21)."""
    if not _counts_tokens(model):
        return {"type": "duration", "seconds": round(audio_s, 1)}
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
