"""`rtdiag list`: which checks there are."""

from __future__ import annotations

import click

from rtdiag.cli.options import ENVIRONMENT
from rtdiag.cli.usage import new_mask


@click.command("list", context_settings=ENVIRONMENT)
@click.option("-v", "--verbose", is_flag=True, help="Also what each asks, and its cases.")
def command(verbose: bool) -> None:
    """List the checks: what each asks, needs and costs."""
    from rtdiag.cli.terminal import show
    from rtdiag.emulator import Emulator
    from rtdiag.engine import registry

    known = registry.load()
    for check in known.checks.values():
        needs = f"; needs {', '.join(check.requires)}" if check.requires else ""
        show(f"{check.id:<15} {check.title} (about {check.cost}{needs})\n")
        if verbose:
            show("\n" + check.doc.strip() + "\n\n")
            show("".join(f"    {check.id}.{case.id:<32} {case.title}\n" for case in check.cases) + "\n")
    for broken in (*known.broken, *Emulator.broken()):
        show(f"{broken.id:<15} broken: {new_mask()(broken.reason, 'screen')}\n")
