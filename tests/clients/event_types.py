"""Holds what the emulator sends against the types of the Python package openai: no unknown key at any depth, none missing.

The package reads events leniently; here its classes are asked strictly. Where the live API is known to do otherwise, live
wins, and live_wins.yaml says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from rtdiag.api.own_yaml import loader

Json = Mapping[str, Any]


@cache
def live_wins() -> list[Mapping[str, str]]:
    """The exceptions: `event` is a glob, `misfit` the words of `misfits`, `why` and `source` are for people."""
    rows: list[Mapping[str, str]] = yaml.load(
        Path(__file__).with_name("live_wins.yaml").read_text("utf-8"), Loader=loader()
    )
    return rows


@cache
def classes() -> Mapping[str, type[BaseModel]]:
    """The class of each server event by its `type`."""
    from openai.types.realtime.realtime_server_event import RealtimeServerEvent

    union = get_args(RealtimeServerEvent)[0]
    return {get_args(one.model_fields["type"].annotation)[0]: one for one in get_args(union)}


@cache
def _answered() -> Mapping[str, type[BaseModel]]:
    """The events' own classes type the session as it is asked for, next to nothing required. These say how it is answered."""
    from openai.types.realtime import RealtimeSessionCreateResponse, RealtimeTranscriptionSessionCreateResponse

    return {"realtime": RealtimeSessionCreateResponse, "transcription": RealtimeTranscriptionSessionCreateResponse}


def misfits(event: Json) -> list[str]:
    """What the types do not allow, as `path: what`; empty when the event fits."""
    if event["type"] not in classes():
        return ["type: no such event"]
    found = held(classes()[event["type"]], event)
    session = event.get("session")
    return found + (held(_answered()[session["type"]], session, "answered session.") if session else [])


def unexplained(event: Json) -> list[str]:
    """The misfits that no row of live_wins.yaml covers."""
    return [misfit for misfit in misfits(event) if not any(covers(row, event, misfit) for row in live_wins())]


def covers(row: Mapping[str, str], event: Json, misfit: str) -> bool:
    """Whether that row is about this misfit."""
    return fnmatchcase(event["type"], row["event"]) and misfit == row["misfit"]


def held(model: type[BaseModel], value: object, path: str = "") -> list[str]:
    """The misfits of any JSON value with one of the package's classes; `path` is put before each."""
    try:
        made = model.model_validate(value, strict=True)
    except ValidationError as error:
        return [f"{path}{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return [f"{unknown}: unknown key" for unknown in _unknown(made, path)]


def _unknown(value: object, path: str) -> Iterator[str]:
    """The paths of the keys that no type knows: the package's classes keep them as extras."""
    if isinstance(value, BaseModel):
        yield from (f"{path}{key}" for key in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list):
        for one in value:
            yield from _unknown(one, path)
