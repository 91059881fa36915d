"""Server events: their ids, their deltas, and the names that the beta has for them.

Names of the beta: CopilotKit/aimock @ c9af8c3 src/ws-realtime.ts:318. Ids and deltas: sessions recorded in 2026.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator
from typing import Any

from rtdiag.api.endpoints import Dialect

Json = dict[str, Any]

_LETTERS = (string.ascii_letters + string.digits).encode()
_LETTER_OF_BYTE = bytes(_LETTERS[byte % len(_LETTERS)] for byte in range(256))
_PADDED_TO = 16  # a delta and its obfuscation together are as long, or a multiple
_BETA_NAMES = {
    "conversation.item.added": "conversation.item.created",
    "conversation.item.done": None,
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}


def letters(count: int) -> str:
    """So many letters and digits by chance, such as nobody need be kept from guessing."""
    return random.randbytes(count).translate(_LETTER_OF_BYTE).decode()


def new_id(prefix: str, length: int = 21) -> str:
    """An id of the API's own look: `sess_C9CiUVUzUzYIssh3ELY1d`."""
    return f"{prefix}_{letters(length)}"


def event(kind_of_event: str, **fields: Any) -> Json:
    """A server event of that type, with an id of its own."""
    return {"type": kind_of_event, "event_id": new_id("event"), **fields}


def named(dialect: Dialect, kind_of_event: str, **fields: Any) -> Iterator[Json]:
    """The event by the name that this dialect has for it; none where it has none."""
    name = _BETA_NAMES.get(kind_of_event, kind_of_event) if dialect == "beta" else kind_of_event
    if name:
        yield event(name, **fields)


def obfuscated(delta: str) -> Json:
    """A delta of text with what hides its length (openai 3.54.0 types/realtime: in none but those of text)."""
    return {"delta": delta, "obfuscation": letters(_PADDED_TO - len(delta) % _PADDED_TO)}


def words(text: str) -> list[str]:
    """The text in pieces, as deltas bring it: words with the space before them, and marks; they join to it again."""
    return re.findall(r" ?(?:\w+|[^\w\s]|\s)", text)
