"""A target and the options of the command line together: what is wanted of one run, and what won over what."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from rtdiag.engine.config import Config
from rtdiag.engine.ignoring import Ignore
from rtdiag.targets.config_file import ConfigFile
from rtdiag.targets.declared import Target

_ANOTHER_NAME = {"timeout": "timeout_s"}


def wanted(file: ConfigFile, name: str, given: Mapping[str, Any]) -> tuple[Config, tuple[str, ...]]:
    """The Config of that target, with what was `given` beside it in place of its own; and the fields of its own that lost."""
    own = _fields(file.named(name), file.folder)
    lost = [field for field in own if field in given and field != "headers" and own[field] != given[field]]
    if "key_file" in given:
        lost += ["key_file" for field in ("key_variable", "keyless") if own.pop(field, None)]
    named = {one.lower() for one in given.get("headers", {})}
    kept = {one: variable for one, variable in own.get("headers", {}).items() if one.lower() not in named}
    lost += ["headers"] if len(kept) < len(own.get("headers", {})) else []
    headers = kept | given.get("headers", {})
    return Config(**{**own, **given, "target": name, "headers": headers}), tuple(dict.fromkeys(lost))


def _fields(target: Target, folder: str) -> dict[str, Any]:
    """What the target says, as fields of a Config."""
    plain = {
        _ANOTHER_NAME.get(name, name): value
        for name in Target.__struct_encode_fields__
        if name not in ("key", "headers", "session", "ignore") and (value := getattr(target, name))
    }
    if target.key is not None and (file := target.key.file) is not None:
        plain["key_file"] = _path(file, folder)
    elif target.key is not None:
        plain |= {"keyless": True} if target.key == "none" else {"key_variable": str(target.key)}
    if target.session:
        plain["session"] = _path(target.session, folder)
    if target.headers:
        plain["headers"] = {name: str(variable) for name, variable in target.headers.items()}
    if target.ignore:
        plain["ignore"] = tuple(Ignore(one.case, one.reason, one.until) for one in target.ignore)
    return plain


def _path(path: str, folder: str) -> str:
    return os.path.join(folder, os.path.expanduser(path))
