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
from rtdiag.redact import stars

# Words with an underscore between them; what is drawn by lot is none: digits stand among its letters, or it is too long for a word.
_VARIABLE = re.compile(
    r"(?!(?:sk|pk|ek|gsk)_)_?(?:[A-Za-z]{0,24}\d{0,4}[A-Za-z]{0,24}_{1,2})*[A-Za-z]{0,24}\d{0,4}[A-Za-z]{0,24}"
)
_LONGEST_VARIABLE, _LONGEST_PATH = 80, 1000
_PATHS = ("/", "./", "../", "~/")


class Variable(str):
    """The name of a variable of the environment, `NAME` or `ENV:NAME`."""

    @classmethod
    def from_yaml(cls, value: Any) -> Self:
        """Raises ValueError for what may be a secret itself; it is told masked."""
        name = value[4:] if isinstance(value, str) and value[:4].lower() == "env:" else value
        if isinstance(name, str) and name and len(name) <= _LONGEST_VARIABLE and _VARIABLE.fullmatch(name):
            return cls(name)
        raise ValueError(
            f"no variable's name: {_hidden(value)}; a value stands in a variable, which is named here: LIKE_THIS"
        )

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """A text."""
        return {"type": "string", "description": "the name of the variable that holds it", "examples": ["MY_VARIABLE"]}


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


def _hidden(value: Any) -> str:
    return stars(value[:60]) if isinstance(value, str) else f"a {type(value).__name__}"


def header(given: str) -> tuple[str, str]:
    """`NAME=ENV:VARIABLE` of --header as the two names. Raises ValueError, in one line that holds no secret."""
    name, equals, value = given.partition("=")
    if not (equals and name.strip()):
        raise ValueError("--header takes NAME=ENV:VARIABLE, the variable being the one that holds the value")
    if value[:4].lower() != "env:":
        told = f"{_hidden(value)} is taken for the value itself"
        raise ValueError(
            f"--header {name[:60]}: {told}, which others could read: put it into a variable, and give ENV:VARIABLE"
        )
    try:
        return name.strip(), Variable.from_yaml(value)
    except ValueError as error:
        raise ValueError(f"--header {name[:60]}: {error}") from None


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
    """One server, and how it is asked: the options of `rtdiag run`, under their names.

    `key` says where the key comes from, `headers` which variable holds the value of each. `emulator`: the embedded one is asked,
    as it was on the day `as_of`, broken by `faults`; `profile` is then whose server it plays, else whose server it is.
    """

    base_url: Text | None = None
    key: KeySource | None = None
    headers: Mapping[str, Variable] = {}
    model: Text | None = None
    transcription_model: Text | None = None
    type: Literal["realtime", "transcription", "both"] | None = None
    dialect: Dialect | None = None
    profile: Text | None = None
    token_url: Text | None = None
    ice_servers: tuple[Text, ...] = ()
    session: Text | None = None
    timeout: Annotated[float, Meta(ge=0.1, le=600)] | None = None
    only: tuple[Text, ...] = ()
    skip: tuple[Text, ...] = ()
    emulator: bool = False
    as_of: date | None = None
    faults: tuple[Text, ...] = ()
    ignore: tuple[Ignored, ...] = ()

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
