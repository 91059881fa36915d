"""`rtdiag probe`: the check `browser` alone, whose page a colleague opens, on this machine or from another one."""

from __future__ import annotations

import sys
from typing import Any

import click
from click.core import ParameterSource

from rtdiag.cli.options import ENVIRONMENT, as_reports, in_a_browser, of_a_server
from rtdiag.cli.run import Shown, asked
from rtdiag.cli.stderr import say

_WAIT_S = 600.0
_SERVED = (
    "--host: whoever has the link can use 60-second tokens of your key's account until this ends, and it crosses the network "
    "unencrypted.",
    "--host: to a browser elsewhere that page is neither https nor localhost, so it gets no microphone.",
)


@click.command("probe", context_settings=ENVIRONMENT)
@click.option(
    "--host", metavar="ADDRESS", help="This machine's address by which a colleague reaches it.  [default: loopback]"
)
@in_a_browser("What opens the page: print (you send the link), or as for rtdiag run.", "print")
@of_a_server
@as_reports
@click.pass_context
def command(
    ctx: click.Context,
    /,
    output: str,
    reports: tuple[tuple[str, str], ...],
    color: str,
    verbose: bool,
    host: str | None,
    config: str | None,
    **options: Any,
) -> None:
    """Serve the page that asks in a browser, wait ten minutes for somebody to press Start, and print what came of it.

    It is the check browser of `rtdiag run --browser`, with what that requires. Keys and exit codes are those of rtdiag run.
    """
    for line in _SERVED if host else ():
        say(f"rtdiag: {line}")
    its_own = {"only": ("browser",), "browser": options["browser"], "browser_host": host, "browser_wait_s": _WAIT_S}
    for name in its_own:  # which no target changes
        ctx.set_parameter_source(name, ParameterSource.COMMANDLINE)
    wanted = {**options, **its_own}
    sys.exit(asked(ctx, Shown(output, reports, color, verbose), False, config, wanted))
