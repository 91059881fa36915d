"""What was read once is kept for the next start, in the user's cache directory, beside what it was read from.

To read YAML takes fifty times as long. What is kept counts only where it was made of the same bytes; what cannot be read or
written there, or is no longer whole, is made again, and nobody is told. Nothing of the user's is in it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec

_DATE = 1  # the code of msgpack's extension that is one


def kept(name: str, source: bytes, make: Callable[[], Any], kind: Any = None) -> Any:
    """What `make` makes of that source: plain values and dates, or one of that type, which msgspec must know wholly.

    What else it makes is not kept. Raises what `make` raises.
    """
    file = _file(name)
    if not os.path.isabs(file):  # nobody has a home
        return make()
    with contextlib.suppress(OSError, msgspec.MsgspecError, ValueError, RecursionError), open(file, "rb") as held:
        made_of, value = msgspec.msgpack.decode(held.read(), type=tuple[bytes, bytes])
        if made_of == source:
            return _decoded(value, kind)
    value = make()
    with contextlib.suppress(OSError, TypeError, RecursionError, OverflowError):
        encoded = msgspec.msgpack.encode(_without_dates(value))
        if _decoded(encoded, kind) == value:
            _put(file, msgspec.msgpack.encode((source, encoded)))
    return value


def _file(name: str) -> str:
    """Where it is kept: a path, of which nobody says that it can be read or written."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    folder = home if os.path.isabs(home) else os.path.expanduser(os.path.join("~", ".cache"))
    return os.path.join(folder, "rtdiag", f"{name}.msgpack")


def _put(file: str, content: bytes) -> None:
    """Write it whole or not at all: another rtdiag may read it meanwhile."""
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    beside = f"{file}.{os.getpid()}"
    try:
        with open(beside, "xb") as new:
            new.write(content)
        os.replace(beside, file)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _decoded(value: bytes, kind: Any) -> Any:
    if kind is not None:
        return msgspec.msgpack.decode(value, type=kind)
    return msgspec.msgpack.decode(value, ext_hook=lambda _, day: date.fromisoformat(day.tobytes().decode()))


def _without_dates(value: Any) -> Any:
    if isinstance(value, dict):
        return {_without_dates(name): _without_dates(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_without_dates(held) for held in value]
    return msgspec.msgpack.Ext(_DATE, value.isoformat().encode()) if isinstance(value, date) else value
