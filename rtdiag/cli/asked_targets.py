"""Which runs are wanted: one by the options alone, or that of a target, or those of all, each with what the options change."""

from __future__ import annotations

import os
from typing import Any

import click
from click.core import ParameterSource

from rtdiag.cli.stderr import say
from rtdiag.engine.config import Config, ConfigError
from rtdiag.intake import Unusable
from rtdiag.targets import ConfigFile, found, header, wanted
from rtdiag.whole_run import Planned
from rtdiag.whole_run import prepared as ready

_GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
# What belongs to one server, and so cannot be given for all.
_OF_ONE = ("base_url", "key_file", "token_url", "session", "record")
# What an option is called where that is not the name of what it means.
_NAMES = {"every": "all", "faults": "fault", "headers": "header", "ice_servers": "ice_server", "timeout_s": "timeout"}


def prepared(ctx: click.Context, every: bool, config: str | None, options: dict[str, Any]) -> list[Planned]:
    """The runs that are wanted, ready all before the first begins. Raises ConfigError, which names the target."""
    try:
        options["headers"] = dict(map(header, options["headers"]))
        if not (every or options["target"]):
            _needs_a_target(ctx)
            return [ready(Config(**options))]
        _fit_together(ctx, every)
        file = found(config)
        names = list(file.targets) if every else [options["target"]]
        chosen = [_of_target(ctx, file, name, options) for name in names]
    except (Unusable, ValueError) as exc:
        raise ConfigError(str(exc)) from None
    for name, (_, lost) in zip(names, chosen, strict=True):
        if lost:
            say(f"Target {name} of {file.name}: {' and '.join(_called(ctx, one) for one in lost)} in place of its own.")
    return [planned for planned, _ in chosen]


def _of_target(
    ctx: click.Context, file: ConfigFile, name: str, options: dict[str, Any]
) -> tuple[Planned, tuple[str, ...]]:
    """The run of that target, and the fields of its own that an option is in place of."""
    given = {one: value for one, value in options.items() if _is_given(ctx, one)} | {"fail_on": options["fail_on"]}
    config, lost = wanted(file, name, given)
    try:
        return ready(config), lost
    except ConfigError as exc:
        raise ConfigError(f"target {name} of {file.name}: {exc}") from None


def _needs_a_target(ctx: click.Context) -> None:
    if ctx.get_parameter_source("target") == ParameterSource.COMMANDLINE:
        raise ConfigError("--target names none: is the variable that it comes from set?")
    if ctx.get_parameter_source("config") == ParameterSource.COMMANDLINE:
        raise ConfigError("--config names a file of targets: add --target NAME, or --all")


def _fit_together(ctx: click.Context, every: bool) -> None:
    """Refuse what belongs to a run without a target, or to one server."""
    this = _called(ctx, "every" if every else "target")
    if every and _is_given(ctx, "target"):
        raise ConfigError(f"{this} asks every target, {_called(ctx, 'target')} one: leave one of the two out")
    if _is_given(ctx, "emulator"):
        raise ConfigError(
            f"{_called(ctx, 'emulator')} is no part of {this}: a target with `emulator: true` asks the emulator"
        )
    for name in _OF_ONE if every else ():
        if _is_given(ctx, name):
            raise ConfigError(f"{_called(ctx, name)} is for one run: name that by --target")
    if every and os.environ.get("RTDIAG_TOKEN"):
        raise ConfigError(
            f"RTDIAG_TOKEN is a token of one server: unset it for {this}, or name that server by --target"
        )


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) in _GIVEN and ctx.params.get(name, True) is not False


def _called(ctx: click.Context, name: str) -> str:
    """The option as the user gave it: `--model`, or RTDIAG_MODEL."""
    if ctx.get_parameter_source(name) == ParameterSource.ENVIRONMENT:
        return f"RTDIAG_{_NAMES.get(name, name).upper()}"
    return f"--{_NAMES.get(name, name).replace('_', '-')}"
