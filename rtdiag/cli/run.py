"""`rtdiag run`: options become a Config, and its Report goes where it was asked to go."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from rtdiag.cli.options import ENVIRONMENT, TYPE, as_reports, in_a_browser, of_a_server
from rtdiag.cli.stderr import say
from rtdiag.cli.usage import refuse

if TYPE_CHECKING:
    from rtdiag.emulator.apart import Apart


@contextmanager
def _emulator_apart(options: Mapping[str, Any]) -> Iterator[Apart | None]:
    """The process that serves the emulator, where one is to be asked; on loopback alone."""
    if not options["emulator"] or options.get("browser_host"):
        yield None
        return
    from rtdiag.emulator.apart import Apart

    apart = Apart(options["as_of"], options["faults"], options["profile"] or "openai")
    try:
        yield apart
    finally:
        apart.end()


@click.command("run", context_settings=ENVIRONMENT)
@click.option(
    "--all", "every", envvar="RTDIAG_ALL", is_flag=True, help="Ask every target of rtdiag.yaml, one after the other."
)
@of_a_server
@click.option("--transcription-model", metavar="ID", help="The transcription model to ask for.")
@click.option(
    "--type", envvar=TYPE, type=click.Choice(["realtime", "transcription", "both"]), default="both", show_default=True,
    help="The kind of session to ask about.",
)  # fmt: skip
@click.option(
    "--session", metavar="FILE", help="Your own session object, JSON or YAML: put through the same mill first."
)
@click.option(
    "--only", metavar="ID", multiple=True, help="Only this check or case (globs), and what it requires. Repeatable."
)
@click.option("--skip", metavar="ID", multiple=True, help="Not this check or case (globs). Repeatable.")
@click.option(
    "--allow", type=click.Choice(["wait", "audio"]), multiple=True,
    help="Opt in: wait for a token to end (12 s), send audio (it costs). Repeatable.",
)  # fmt: skip
@click.option(
    "--audio", metavar="FILE", help="Your own speech in place of rtdiag's clip, for vad-effect: 1 to 60 s, any format."
)
@click.option(
    "--ice-server",
    "ice_servers",
    envvar="RTDIAG_ICE_SERVER",
    metavar="URL",
    multiple=True,
    help="A STUN or TURN server for ICE: stun:, stuns:, turn: or turns:. Repeatable.",
)
@click.option(
    "--relay-only", is_flag=True, help="Sessions go through the TURN server alone, which proves that it relays."
)
@in_a_browser(
    "Ask in a browser, too: your own, or print (open the link yourself), or, headless and for CI, chromium, firefox or a "
    "program's path."
)
@as_reports
@click.option("--record", metavar="FILE", help="Also write the HTTP exchanges as a cassette of vcrpy, masked.")
@click.option("--keep-addresses", is_flag=True, help="Do not mask this machine's addresses in the report.")
@click.option(
    "--timeout",
    "timeout_s",
    envvar="RTDIAG_TIMEOUT",
    metavar="SECONDS",
    type=float,
    help="Each request's total; a run takes at most 8 of these, opt-ins aside.  [default: 15]",
)
@click.option(
    "--at-once",
    envvar="RTDIAG_AT_ONCE",
    metavar="N",
    type=int,
    default=6,
    show_default=True,
    help="So many requests may be under way at the same time, at OpenAI's; any other server is asked one thing at a time.",
)
@click.option("--one-at-a-time", is_flag=True, help="Ask one thing after another everywhere; the verdict is the same.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    output: str,
    reports: tuple[tuple[str, str], ...],
    record: str | None,
    color: str,
    verbose: bool,
    every: bool,
    config: str | None,
    **options: Any,
) -> None:
    """Run the checks and print what was asked, what came back, and what to do.

    The key comes from OPENAI_API_KEY or --key-file, a token that you hold from RTDIAG_TOKEN, what a TURN server knows you by from
    RTDIAG_ICE_USERNAME and RTDIAG_ICE_CREDENTIAL. Every option has a variable, such as RTDIAG_MODEL for --model.

    Exit code: 0 well, 1 a fail, 2 usage, 3 inconclusive, 4 rtdiag broke, 130 interrupted; of several targets the worst, as they
    stand in 130, 2, 1, 4, 3, 0.
    """
    files = (*reports, *([("cassette", record)] if record else ()))
    sys.exit(asked(ctx, Shown(output, files, color, verbose), every, config, options))


@dataclass(frozen=True)
class Shown:
    """Where reports go, and how they are shown on the screen."""

    output: str
    files: tuple[tuple[str, str], ...]
    color: str
    verbose: bool


def asked(ctx: click.Context, shown: Shown, every: bool, config: str | None, options: dict[str, Any]) -> int:
    """Run what these options of a Config, and the targets that they name, come to; the exit code."""
    from rtdiag.cli.signals import Stop

    with Stop() as stop, _emulator_apart(options) as apart:
        from rtdiag.cli.asked_targets import prepared
        from rtdiag.cli.outputs import Outputs
        from rtdiag.cli.progress import InTurn, Progress
        from rtdiag.engine.config import ConfigError
        from rtdiag.whole_run import carry_out

        outputs = Outputs(shown.output, shown.files, os.environ, color=shown.color, verbose=shown.verbose)
        progress = (InTurn if every else Progress)(outputs, stop)
        try:
            ready = prepared(ctx, every, config, options)
            if every:
                outputs.check()
            done = []
            for one in ready:
                if one.emulator and apart:
                    one.emulator.served_by(apart)
                done.append(carry_out(one, progress))
                if done[-1].interrupted:
                    break
            if unasked := [one.settings.options.target for one in ready[len(done) :]]:
                say(f"rtdiag: interrupted; not asked: {', '.join(unasked)}")
        except ConfigError as exc:
            refuse(str(exc))
        finally:
            progress.clear()
        return outputs.give_all(done) if every else outputs.give(done[0])
