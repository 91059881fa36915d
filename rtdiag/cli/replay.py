"""`rtdiag replay`: a recorded run, judged again."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from rtdiag.cli.options import ENVIRONMENT, as_reports
from rtdiag.cli.stderr import say
from rtdiag.cli.usage import recorded, refuse, tell_broken


@click.command("replay", context_settings=ENVIRONMENT)
@click.argument("file", metavar="FILE")
@click.option(
    "--target",
    metavar="NAME",
    default="",
    allow_from_autoenv=False,
    help="Of a report of --all: the run of that target.",
)
@as_reports
def command(
    file: str, target: str, output: str, reports: tuple[tuple[str, str], ...], fail_on: Any, color: str, verbose: bool
) -> None:
    """Judge a recorded run again, offline, with today's checks and catalogue.

    FILE is a JSON report, the ndjson that a run left (also one that was killed), or a cassette of --record; - is standard input.
    Nothing is sent. Exit code: as of `rtdiag run`, from the new judgements; 2 when FILE could not be read.
    """
    from rtdiag.cli.outputs import Outputs
    from rtdiag.engine import registry
    from rtdiag.engine.config_error import ConfigError
    from rtdiag.engine.rejudge import replay, turned

    outputs = Outputs(output, reports, os.environ, color=color, verbose=verbose)
    try:
        outputs.check()
        before = recorded(file, target)
    except ConfigError as exc:
        refuse(str(exc))
    known = registry.load()
    tell_broken(known.broken)
    again = replay(before, known.checks, fail_on=fail_on)
    say(f"rtdiag judges again what was recorded on {before.started_at:%Y-%m-%d %H:%M} UTC; nothing is asked.")
    for line in turned(before, again):
        say(line)
    sys.exit(outputs.give(again))
