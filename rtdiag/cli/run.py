"""`rtdiag run`: options become a Config, and its Report goes where it was asked to go."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from rtdiag.cli.options import ENVIRONMENT, TYPE, as_reports, day, fault
from rtdiag.cli.stderr import say
from rtdiag.cli.usage import refuse

if TYPE_CHECKING:
    from rtdiag.emulator.apart import Apart


@contextmanager
def _emulator_apart(options: Mapping[str, Any]) -> Iterator[Apart | None]:
    """The process that serves the emulator, where one is to be asked."""
    if not options["emulator"]:
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
    "--target", metavar="NAME", default="", help="Ask that target of rtdiag.yaml; other options win over its own."
)
@click.option(
    "--all", "every", envvar="RTDIAG_ALL", is_flag=True, help="Ask every target of rtdiag.yaml, one after the other."
)
@click.option("--config", metavar="FILE", help="Where the targets stand.  [default: rtdiag.yaml here or above]")
@click.option("--emulator", is_flag=True, help="Ask the embedded emulator; no key and no network is needed.")
@click.option("--as-of", metavar="DATE", callback=day, help="With --emulator: the API as it was on that day.")
@fault("With --emulator: break it so. Repeatable.")
@click.option("--base-url", metavar="URL", help="The API's base, up to /v1. Default: OPENAI_BASE_URL, else OpenAI.")
@click.option("--key-file", metavar="FILE", help="Read the API key from a file (- is standard input).")
@click.option(
    "--header", "headers", envvar="RTDIAG_HEADER", metavar="NAME=ENV:VAR", multiple=True,
    help="Send that header to the base URL's host, too; its value lies in that variable. Repeatable.",
)  # fmt: skip
@click.option(
    "--profile", metavar="NAME", help="Whose server it is, if that is known: azure … With --emulator: whom it plays."
)
@click.option("--token-url", metavar="URL", help="Your own route that hands out ephemeral tokens: asked first.")
@click.option("--model", metavar="ID", help="The realtime model to ask for.")
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
    from rtdiag.cli.signals import Stop

    with Stop() as stop, _emulator_apart(options) as apart:
        from rtdiag.cli.asked_targets import prepared
        from rtdiag.cli.outputs import Outputs
        from rtdiag.cli.progress import InTurn, Progress
        from rtdiag.engine.config import ConfigError
        from rtdiag.whole_run import carry_out

        files = (*reports, *([("cassette", record)] if record else ()))
        outputs = Outputs(output, files, os.environ, color=color, verbose=verbose)
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
        code = outputs.give_all(done) if every else outputs.give(done[0])
    sys.exit(code)
