"""What rtdiag.yaml may hold: targets by their names; what each field means, and what it may not be.

No secret stands there: a key and the values of headers are named by the variable, or the file, that holds them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from rtdiag.api.endpoints import OFFICIAL_HOSTS, Dialect
from rtdiag.api.expressions import expression
from rtdiag.redact import stars

# A name is of words with underscores between them. What is drawn by lot is none: digits stand among its letters, or it is long.
_WORD = expression(r"[A-Za-z]{0,16}(\d{0,8}|\d[A-Za-z]{1,8})")
_KEYS_BEGIN = ("sk_", "pk_", "ek_", "gsk_", "ghp_", "xai_")
_LONGEST_WORD, _LONGEST_VARIABLE, _LONGEST_NAME = 16, 80, 80
_PATHS = ("/", "./", "../", "~/")


class Variable(str):
    """The name of a variable of the environment, `NAME` or `ENV:NAME`."""

    @classmethod
    def from_yaml(cls, value: Any) -> Self:
        """Raises ValueError for what may be a secret itself; it is told masked."""
        name = value[4:] if isinstance(value, str) and value[:4].lower() == "env:" else value
        if isinstance(name, str) and _is_variable(name):
            return cls(name)
        raise ValueError(
            f"no variable's name: {_hidden(value)}; a value stands in a variable, which is named here: LIKE_THIS"
        )

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """A text."""
        return {"type": "string", "description": "the name of the variable that holds it", "examples": ["MY_VARIABLE"]}


def _is_variable(name: str) -> bool:
    known = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) and len(name) <= _LONGEST_VARIABLE
    one_word = "_" not in name and len(name) > _LONGEST_WORD
    return (
        bool(known) and not one_word and not name.startswith(_KEYS_BEGIN) and all(map(_WORD.fullmatch, name.split("_")))
    )


class KeySource(str):
    """Where a key comes from: `NAME` of a variable, `file:PATH`, or `none`."""

    @classmethod
    def from_yaml(cls, value: Any) -> Self:
        """Raises ValueError for what may be a key itself; it is told masked."""
        if not isinstance(value, str):
            raise ValueError("give the name of a variable, file:PATH, or none")
        if value.lower() == "none":
            return cls("none")
        if value[:5].lower() == "file:" or (value.startswith(_PATHS) and Path(value).expanduser().is_file()):
            return cls("file:" + value[5:] if value[:5].lower() == "file:" else "file:" + value)
        try:
            return cls(Variable.from_yaml(value))
        except ValueError:
            told = f"{_hidden(value)} names no variable; a key itself does not belong into this file"
            raise ValueError(f"{told}: give the variable that holds it, file:PATH, or none") from None

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """A text."""
        told = "where the key comes from: the name of a variable, file:PATH, or none; never the key itself"
        return {"type": "string", "description": told, "examples": ["OPENAI_API_KEY", "file:~/.my_key", "none"]}

    @property
    def file(self) -> str | None:
        """The path, None where it is no file."""
        return self[5:] if self.startswith("file:") else None


def shown(text: str) -> str:
    """A name as an error tells it; one that is longer than names are is told by its length: a part of a secret is not masked."""
    return text if len(text) <= _LONGEST_NAME else f"a text of {len(text):,} characters"


def _hidden(value: Any) -> str:
    if not isinstance(value, str):
        return f"a {type(value).__name__}"
    return stars(value) if len(value) <= _LONGEST_NAME else shown(value)


def header(given: str) -> tuple[str, str]:
    """`NAME=ENV:VARIABLE` of --header as the two names. Raises ValueError, in one line that holds no secret."""
    name, equals, value = given.partition("=")
    if not (equals and name.strip()):
        raise ValueError("--header takes NAME=ENV:VARIABLE, the variable being the one that holds the value")
    if value[:4].lower() != "env:":
        told = f"{_hidden(value)} is taken for the value itself"
        raise ValueError(
            f"--header {shown(name)}: {told}, which others could read: put it into a variable, and give ENV:VARIABLE"
        )
    try:
        return name.strip(), Variable.from_yaml(value)
    except ValueError as error:
        raise ValueError(f"--header {shown(name)}: {error}") from None


Text = Annotated[str, Meta(min_length=1, max_length=2000)]


class Ignored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case that is to count for nothing until a day: a glob over case ids, the reason, and the last day."""

    case: Text
    reason: Text
    until: date

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("reason: it is empty: say why, for who reads it later")


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One server, and how it is asked: the options of `rtdiag run`, under their names."""

    base_url: Annotated[
        Text | None, Meta(description="where the API lies, up to /v1; OpenAI's where none is given")
    ] = None
    key: KeySource | None = None
    headers: Annotated[
        Mapping[str, Variable],
        Meta(description="go along with every request to its host; each with the variable that holds its value"),
    ] = {}
    model: Annotated[Text | None, Meta(description="the realtime model to ask for")] = None
    transcription_model: Annotated[Text | None, Meta(description="the transcription model to ask for")] = None
    type: Annotated[
        Literal["realtime", "transcription", "both"] | None,
        Meta(description="the kinds of session to ask about; both where none is given"),
    ] = None
    dialect: Annotated[Dialect | None, Meta(description="the form of the API that it speaks, where that is known")] = (
        None
    )
    profile: Annotated[
        Text | None,
        Meta(description="whose server it is, where that is known, such as azure; with emulator: whose it plays"),
    ] = None
    token_url: Annotated[Text | None, Meta(description="your own route that hands out ephemeral tokens")] = None
    ice_servers: Annotated[
        tuple[Text, ...], Meta(description="STUN and TURN servers: stun:, stuns:, turn: or turns:")
    ] = ()
    session: Annotated[Text | None, Meta(description="a file with your own session object, beside this one")] = None
    timeout: Annotated[
        Annotated[float, Meta(ge=0.1, le=600)] | None,
        Meta(description="seconds of each request; 15 where none is given"),
    ] = None
    only: Annotated[
        tuple[Text, ...], Meta(description="only these checks or cases (globs), and what they require")
    ] = ()
    skip: Annotated[tuple[Text, ...], Meta(description="not these checks or cases (globs)")] = ()
    emulator: Annotated[bool, Meta(description="the embedded emulator is asked, without a key and a network")] = False
    as_of: Annotated[date | None, Meta(description="with emulator: the API as it was on that day")] = None
    faults: Annotated[
        tuple[Text, ...], Meta(description="with emulator: what is broken of it; `rtdiag emulator --list-faults`")
    ] = ()
    ignore: Annotated[tuple[Ignored, ...], Meta(description="cases that are to count for nothing for a while")] = ()

    def __post_init__(self) -> None:
        if self.emulator:
            for name in ("base_url", "key", "token_url"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name}: the emulator brings its own: leave it out")
            return
        for name in ("as_of", "faults"):
            if getattr(self, name):
                raise ValueError(f"{name}: it is for the emulator: add emulator: true")
        if self.key is None and self.base_url and _host(self.base_url) not in OFFICIAL_HOSTS:
            raise ValueError(
                "key: missing: say where the key of this server comes from, or none where it asks for none"
            )


def _host(url: str) -> str:
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""


class Targets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    targets: Mapping[str, Target]
