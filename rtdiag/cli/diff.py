"""`rtdiag diff`: what changed between two recorded runs."""

from __future__ import annotations

import sys

import click

from rtdiag.cli.options import ENVIRONMENT, table_or_json
from rtdiag.cli.usage import recorded, refuse


@click.command("diff", context_settings=ENVIRONMENT)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--target",
    metavar="NAME",
    default="",
    allow_from_autoenv=False,
    help="Of reports of --all: the runs of that target.",
)
@table_or_json
@click.option("-v", "--verbose", is_flag=True, help="All lines, and what became faster.")
def command(old: str, new: str, target: str, output: str, verbose: bool) -> None:
    """Say what changed between two recorded runs.

    OLD and NEW are what `rtdiag replay` takes. Exit code: 1 when a case that passed no longer does, else 0; 2 when one could not
    be read, or they have no case in common.
    """
    from rtdiag.cli.terminal import show
    from rtdiag.compare import diff
    from rtdiag.engine.config_error import ConfigError

    try:
        found = diff.diff(recorded(old, target), recorded(new, target))
    except ConfigError as exc:
        refuse(str(exc))
    show(diff.as_json(found) if output == "json" else diff.text(found, verbose=verbose), output)
    sys.exit(2 if not found.compared else 1 if found.worse else 0)
