"""The error bodies of the API, from bodies.yaml, and the exception that carries one out of a handler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from math import isfinite
from typing import Any, Literal

import msgspec

from rtdiag.api import own_yaml

SHOWN_HEAD, SHOWN_TAIL = 8, 4


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One error: `error` holds {placeholders}, `status` is None for one that is only ever an event.

    `close`: the close code of a WebSocket that is refused with it, where it is not told by the status.
    """

    id: str
    kind: Literal["verbatim", "reconstructed", "assumed"]
    source: str
    error: Mapping[Literal["message", "type", "param", "code"], str | None]
    status: int | None = None
    close: int | None = None
    beside: Mapping[str, Any] = {}

    def filled(self, **values: object) -> dict[str, Any]:
        """The error object; a placeholder without a value is a KeyError, for that is a slip of the emulator."""
        return {key: text.format(**values) if text else text for key, text in self.error.items()}


class Refused(Exception):  # noqa: N818 - what the API does to a request, not a fault of the emulator
    """The request or event is answered with this body, its placeholders filled from `values`.

    `upstream`: it was the server behind a gateway that refused, not the gateway.
    """

    upstream = False

    def __init__(self, body_id: str, **values: object) -> None:
        super().__init__(body_id)
        self.body_id = body_id
        self.values = values


@cache
def all_bodies() -> Mapping[str, Body]:
    """Every body of bodies.yaml by its id."""
    return {body.id: body for body in own_yaml.listed(Body, ("rtdiag.emulator", "bodies.yaml"))}


def http_answer(refused: Refused) -> tuple[int, str]:
    """The status and the text of the HTTP answer, indented by four as in record 33323316245 and community 1148799."""
    body = all_bodies()[refused.body_id]
    return body.status or 400, pretty({"error": body.filled(**refused.values), **body.beside})


def error_object(refused: Refused) -> dict[str, Any]:
    """The `error` of an error event, without its `event_id` (live capture of 2026-09-18, record 69522944037)."""
    filled = all_bodies()[refused.body_id].filled(**refused.values)
    return {key: filled.get(key) for key in ("type", "code", "message", "param")}


def read_json(text: str | bytes) -> Any:
    """The JSON in `text`. Raises ValueError also for what Python alone reads (NaN, 1e999) and for what is nested too deep."""
    try:
        return _JSON.decode(text) if isinstance(text, str) else json.loads(text, cls=_Finite)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _finite(number: str) -> float:
    if not isfinite(value := float(number)):
        raise ValueError(number)
    return value


class _Finite(json.JSONDecoder):
    def __init__(self) -> None:
        super().__init__(parse_constant=_finite, parse_float=_finite)


_JSON = _Finite()  # made once: each costs as much as a small event


def pretty(value: object) -> str:
    """JSON as the API prints it."""
    return json.dumps(value, indent=4, ensure_ascii=False).encode(errors="replace").decode() + "\n"


def masked(credential: str) -> str:
    """The credential as the 401 shows it: 8 characters, stars, 4 characters; one too short for that comes back whole.

    Source: community.openai.com 1148799 (`ek_67e7a***********************26ea`), record 57676508374 (`undefined`).
    """
    hidden = len(credential) - SHOWN_HEAD - SHOWN_TAIL
    return credential if hidden <= 0 else credential[:SHOWN_HEAD] + "*" * hidden + credential[-SHOWN_TAIL:]
