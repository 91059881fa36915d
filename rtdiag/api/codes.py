"""Statuses, close codes, codes and types of errors, and events: what each is and means, from codes.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

import msgspec

from rtdiag.api import own_yaml

Kind = Literal["HTTP status", "close code", "error type", "error code", "client event", "server event"]


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"kind": "is"}):
    """One of them, or several that mean the same (`also`); the fields are those of codes.yaml."""

    kind: Kind
    by: str
    where: str
    what: str
    last: str
    ask: str
    sources: tuple[str, ...]
    also: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()


@cache
def all_codes() -> Mapping[str, Code]:
    """Each by its first name, in file order."""
    return own_yaml.named(Code, ("rtdiag.api", "codes.yaml"))


@cache
def names() -> Mapping[str, str]:
    """The first name of each name, the others too; in small letters."""
    return {name.lower(): first for first, code in all_codes().items() for name in (first, *code.also)}


def first_name(text: str) -> str | None:
    """Under which name `all_codes` has it: one that it has, however its letters are; a close's reason (`type.code`) by its code.

    A number without an entry is one of its hundred or thousand, such as `4xx` and `4xxx`.
    """
    name = text.lower()
    alike = (name, name.rpartition(".")[2] if name.count(".") == 1 else name)
    hundred = name[0] + "x" * (len(name) - 1) if name.isdecimal() else name
    return next((names()[one] for one in (*alike, hundred) if one in names()), None)
