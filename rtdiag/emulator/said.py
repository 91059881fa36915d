"""How another server says what it refuses: in its own words, where own_words.yaml has some, by the same refusals as the API's."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal
from uuid import uuid4

import msgspec

from rtdiag.api import own_yaml
from rtdiag.emulator.bodies import Refused, all_bodies, http_answer

Over = Literal["http", "socket"]
JSON_TYPE = "application/json"


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said in place of some refusals.

    `of`: globs of their ids in bodies.yaml; `upstream`: whether a server behind this one refused; `over`, `at`: the way, and globs
    of paths below the root; `header`: to a request that carries it alone. `status`: over HTTP the API's if not given; at a socket
    an answer in place of 101. `json` with {placeholders}, or `text`: the body, or at a socket the frame before `close` and
    `reason`. Placeholders are the body's own, its fields, `uuid`, `status`, `error_type` (of that status), and `answer`, what the
    API would say.
    """

    of: tuple[str, ...] = ("*",)
    upstream: bool = False
    over: Over | None = None
    at: tuple[str, ...] = ("*",)
    header: str = ""
    status: int | None = None
    json: Any = None
    text: str = ""
    headers: Mapping[str, str] = {}
    close: int | None = None
    reason: str = ""

    def means(self, refused: Refused, over: Over, path: str, headers: Container[str]) -> bool:
        """Whether it is said there of this refusal."""
        return (
            self.upstream == refused.upstream
            and (not self.header or self.header in headers)
            and self.over in (None, over)
            and any(fnmatchcase(refused.body_id, glob) for glob in self.of)
            and any(fnmatchcase(path, glob) for glob in self.at)
        )

    def body(self, values: Mapping[str, object]) -> str:
        """The text of it, JSON in one line."""
        if self.json is None:
            return self.text
        return json.dumps(filled(self.json, values), separators=(",", ":"), ensure_ascii=False)


@cache
def own_words() -> Mapping[str, tuple[Said, ...]]:
    """What each server says, by its id."""
    return own_yaml.named(tuple[Said, ...], ("rtdiag.emulator", "own_words.yaml"))


def said(
    known: Iterable[Said], refused: Refused, over: Over, path: str = "", headers: Container[str] = ()
) -> Said | None:
    """The first that is meant, None where the API's own words are; `headers`: what the request carries."""
    return next((one for one in known if one.means(refused, over, path, headers)), None)


def placeholders(refused: Refused, error_types: Mapping[int, str]) -> dict[str, object]:
    """What a text may name of a refusal."""
    status, answer = http_answer(refused)
    error_type = error_types.get(status, "invalid_request_error")
    body = all_bodies()[refused.body_id].filled(**refused.values)
    return {**body, "error_type": error_type, **refused.values, "status": status, "answer": answer, "uuid": uuid4()}


def filled(value: Any, values: Mapping[str, object]) -> Any:
    """The same JSON with every text's placeholders filled in."""
    if isinstance(value, str):
        return value.format_map(values)
    if isinstance(value, dict):
        return {key: filled(one, values) for key, one in value.items()}
    return [filled(one, values) for one in value] if isinstance(value, list) else value
