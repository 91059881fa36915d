"""Sessions of servers that speak otherwise: what a GA session says is told in their words, from tongues.yaml.

Such a server's session is a GA session underneath. What its client asks is put into GA's words, and each event into the server's;
an event that has none of them is not said, an error as it is. What a client gave is shown as it gave it.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal
from uuid import uuid4

import msgspec

from rtdiag.api import own_yaml
from rtdiag.api.expressions import expression
from rtdiag.emulator.bodies import read_json
from rtdiag.emulator.session.server_events import letters
from rtdiag.emulator.session.state import Session

Json = dict[str, Any]
_OWN_ID = expression(r"(?:item|resp|event|conv|call|sess)_\w+")
_GONE = object()  # what a template names and nobody gave


class Tongue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one server's sessions speak.

    `hears`: a GA session from a client's; `says`: by the GA event, or that and the type of its item, part or content, what is said
    for it, as templates. In a template `$a.b` is what stands there in the event, or under `given` in what the client gave, and what
    nobody gave is left out; `$uuid`, `$hex`, `$id` (22 letters), `$ms` (of the clock), `$audio_ms` (of the event's sound),
    `$modality` and `$modalities` (of the session) are made. An object with `$each` is one for each `item` of that list, one with
    `$over` is laid under what that names, one with `$if` is there only where that is. `ids`: whether ids are told as UUIDs;
    `parts`: what parts of content are called otherwise.
    """

    source: str
    hears: Json
    says: Mapping[str, Sequence[Json]]
    ids: Literal["own", "uuid"] = "own"
    parts: Mapping[str, str] = {}


@cache
def tongues() -> Mapping[str, Tongue]:
    """All of them, by the profile that speaks so."""
    return own_yaml.named(Tongue, ("rtdiag.emulator", "tongues.yaml"))


class ForeignSession(Session):
    """A session that is told in another tongue."""

    def __init__(self, tongue: Tongue, *session: Any) -> None:
        super().__init__(*session)
        self._tongue, self._given = tongue, dict[str, Any]()
        self._told: dict[str, str] = {}

    def created(self) -> list[Json]:
        """See Session."""
        return self._in_its_words(super().created())

    def receive(self, message: str | bytes) -> list[Json]:
        """See OpenSession."""
        return self._in_its_words(super().receive(self._understood(message)))

    def hear(self, pcm: bytes) -> list[Json]:
        """See OpenSession."""
        return self._in_its_words(super().hear(pcm))

    def tick(self) -> list[Json]:
        """See OpenSession."""
        return self._in_its_words(super().tick())

    def _understood(self, message: str | bytes) -> str | bytes:
        """A client's message in GA's words, and as it is where it is no event."""
        try:
            asked = read_json(message)
        except ValueError:
            return message
        if not isinstance(asked, dict):
            return message
        asked = _replaced(asked, {told: own for own, told in self._told.items()})
        if asked.get("type") == "session.update" and isinstance(asked.get("session"), dict):
            self._given = {**self._given, **asked["session"]}
            asked["session"] = filled(self._tongue.hears, {"given": self._given})
        elif asked.get("type") == "response.create":
            asked.pop("response", None)
        return json.dumps(asked)

    def _in_its_words(self, events: list[Json]) -> list[Json]:
        return [told for event in events for told in self._words_for(event)]

    def _words_for(self, event: Json) -> Iterator[Json]:
        event = _replaced(event, self._tongue.parts)
        values = {**event, "given": self._given}
        for template in self._templates(event):
            told = filled(template, values)
            yield told if self._tongue.ids == "own" else _replaced(told, self._uuids(told))

    def _templates(self, event: Json) -> Sequence[Json]:
        """Those for its type with that of its item or part, else for its type."""
        kind, item = event["type"], event.get("item") or event.get("part") or {}
        content = [part.get("type") for part in item.get("content") or []]
        names = [*(f"{kind}[{inner}]" for inner in [*content, item.get("type")]), kind]
        found = next((name for name in names if name in self._tongue.says), None)
        return self._tongue.says[found] if found else [event] if kind == "error" else []

    def _uuids(self, told: Json) -> Mapping[str, str]:
        """Every id of its own by what it is told as, always the same."""
        for own in _OWN_ID.findall(json.dumps(told)):
            self._told.setdefault(own, f"call-{uuid4()}-0" if own.startswith("call_") else str(uuid4()))
        return self._told


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """What a template makes of these values."""
    if isinstance(template, str) and template.startswith("$"):
        return _named(template[1:], values)
    if isinstance(template, list):
        return [made for one in template if (made := filled(one, values)) is not _GONE]
    if not isinstance(template, dict):
        return template
    if "$each" in template:
        one_of = {key: one for key, one in template.items() if key != "$each"}
        return [filled(one_of, {**values, "item": item}) for item in filled(template["$each"], values)]
    if "$if" in template and filled(template["$if"], values) in (None, _GONE):
        return _GONE
    over = filled(template["$over"], values) if "$over" in template else _GONE
    if over is None:
        return None
    pairs = ((key, filled(one, values)) for key, one in template.items() if key not in ("$if", "$over"))
    made = {key: one for key, one in pairs if one is not _GONE}
    return {**made, **over} if isinstance(over, dict) else made


def _named(name: str, values: Mapping[str, Any]) -> Any:
    if name in _MADE:
        return _MADE[name](values)
    here: Any = values
    for step in name.split("."):
        here = here.get(step, _GONE) if isinstance(here, Mapping) else _GONE
    return here


def _modalities(values: Mapping[str, Any]) -> list[str]:
    return list(values["given"].get("modalities", ["audio"]))


_MADE: Mapping[str, Any] = {
    "modalities": _modalities,
    "modality": lambda values: ["audio"] if "audio" in _modalities(values) else ["text"],
    "uuid": lambda _: str(uuid4()),
    "hex": lambda _: secrets.token_hex(16),
    "id": lambda _: f"event_{letters(22)}",
    "ms": lambda _: int(time.time() * 1000),
    "audio_ms": lambda values: len(base64.b64decode(values["delta"])) // 48,  # 24 kHz, 16 bits
}


def _replaced(value: Any, ids: Mapping[str, str]) -> Any:
    """The same with every text that is one of these in its other form."""
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, dict):
        return {key: _replaced(one, ids) for key, one in value.items()}
    return [_replaced(one, ids) for one in value] if isinstance(value, list) else value
