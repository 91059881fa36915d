"""`rtdiag run`: options become a Config, and its Report goes where it was asked to go."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from rtdiag.cli.options import ENVIRONMENT, as_reports, day, seconds
from rtdiag.cli.stderr import say
from rtdiag.cli.usage import refuse

if TYPE_CHECKING:
    from rtdiag.cli.outputs import Outputs
    from rtdiag.cli.signals import Stop
    from rtdiag.engine.config import Config, Flags
    from rtdiag.engine.plan import Plan
    from rtdiag.engine.registry import Registry
    from rtdiag.model import Cost, Report


@click.command("run", context_settings=ENVIRONMENT)
@click.option("--emulator", is_flag=True, help="Ask the embedded emulator; no key and no network is needed.")
@click.option("--as-of", metavar="DATE", callback=day, help="With --emulator: the API as it was on that day.")
@click.option(
    "--fault",
    "faults",
    envvar="RTDIAG_FAULT",
    metavar="ID",
    multiple=True,
    help="With --emulator: break it so. Repeatable.",
)
@click.option("--base-url", metavar="URL", help="The API's base, up to /v1. Default: OPENAI_BASE_URL, else OpenAI.")
@click.option("--key-file", metavar="FILE", help="Read the API key from a file (- is standard input).")
@click.option("--token-url", metavar="URL", help="Your own route that hands out ephemeral tokens: asked first.")
@click.option("--model", metavar="ID", help="The realtime model to ask for.")
@click.option("--transcription-model", metavar="ID", help="The transcription model to ask for.")
@click.option(
    "--type", "kind", envvar="RTDIAG_TYPE", type=click.Choice(["realtime", "transcription", "both"]), default="both",
    show_default=True, help="The kind of session to ask about.",
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
    help="A STUN or TURN server for ICE. Repeatable.",
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
    callback=seconds,
    help="Each request's total; a run takes at most 8 of these, opt-ins aside.  [default: 15]",
)
def command(
    kind: str,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    allow: tuple[str, ...],
    output: str,
    reports: tuple[tuple[str, str], ...],
    record: str | None,
    fail_on: Any,
    color: str,
    verbose: bool,
    **flags: Any,
) -> None:
    """Run the checks, in sequence, and print what was asked, what came back, and what to do.

    The key comes from OPENAI_API_KEY or --key-file, a token that you hold from RTDIAG_TOKEN. Every option has a variable, such as
    RTDIAG_MODEL for --model. Exit code: 0 well, 1 a fail, 2 usage, 3 inconclusive, 4 rtdiag broke, 130 interrupted.
    """
    from rtdiag.cli.signals import Stop

    with Stop() as stop:
        from dataclasses import replace

        from rtdiag.cli.outputs import Outputs
        from rtdiag.engine import config, plan, registry
        from rtdiag.transport import names

        files = (*reports, *([("cassette", record)] if record else ()))
        outputs = Outputs(output, files, os.environ, color=color, verbose=verbose)
        given = config.Flags(type=kind, **flags)
        try:
            settings = config.make(given, os.environ)
            known = registry.load()
            if strangers := plan.unknown((*only, *skip), known.checks.values()):
                raise config.ConfigError(f"no check or case is called {strangers[0]!r}; `rtdiag list` names them all")
            chosen = plan.make(
                known.checks.values(),
                only=only,
                skip=skip,
                kinds=settings.options.kinds,
                allow=allow,
                emulated=given.emulator,
            )
            named = plan.named_in_full(known.checks.values(), only)
            settings = replace(settings, options=replace(settings.options, named=named))
            if not any(step.cases for step in chosen.steps):
                raise config.ConfigError("nothing is selected: --only, --skip and --type leave no case")
            outputs.check()
            stop.begin()
            report = names.run(_report(given, settings, chosen, known, fail_on, outputs, stop))
        except config.ConfigError as exc:
            refuse(str(exc))
        code = outputs.give(report)
    sys.exit(code)


async def _report(
    flags: Flags, settings: Config, chosen: Plan, known: Registry, fail_on: Any, outputs: Outputs, stop: Stop
) -> Report:
    """Run the plan, on the embedded emulator if that was asked for."""
    from dataclasses import replace

    from rtdiag.cli.terminal import Screen
    from rtdiag.engine import runner
    from rtdiag.engine.config import ConfigError
    from rtdiag.redact import Secret
    from rtdiag.transport.http import Credential

    screen = Screen(outputs)
    cost, of_audio, longer_s = _cost(chosen, settings, flags)
    limit_s = settings.deadlines.run_s(chosen.waits_s(longer_s))
    common: dict[str, Any] = {
        "mask": settings.mask, "deadlines": settings.deadlines, "limit_s": limit_s, "observer": screen,
        "broken": known.broken, "fail_on": fail_on,
    }  # fmt: skip
    try:
        if not flags.emulator:
            screen.announce(chosen, cost, limit_s, of_audio)
            outputs.open()
            return await stop.cancellable(runner.run(chosen, settings.options, **common))
        from rtdiag.emulator import Emulator

        try:
            emulator = Emulator(as_of=flags.as_of, faults=flags.faults)
        except ValueError as exc:
            raise ConfigError(str(exc)) from exc
        screen.announce(chosen, cost, limit_s, of_audio)
        outputs.open()
        for line in emulator.warnings:
            say(f"rtdiag: {line}")
        async with emulator:
            settings.mask.learn(emulator.key)
            key = Credential("api-key", Secret(emulator.key), "the emulator")
            options = replace(settings.options, base_url=emulator.base_url, api_key=key, today=emulator.as_of)
            shown = {"as_of": emulator.as_of.isoformat(), "faults": list(emulator.faults)}
            return await stop.cancellable(runner.run(chosen, options, emulator=shown, **common))
    finally:
        screen.clear()


def _cost(chosen: Plan, settings: Config, flags: Flags) -> tuple[Cost, str, float]:
    """What the run takes, a sentence about its audio, "" where it sends none, and by how much a clip is longer than rtdiag's."""
    if not chosen.cost.audio_seconds:
        unused = (
            "--audio is for vad-effect, which is not to run: name it, and add --allow audio"
            if settings.options.audio
            else ""
        )
        return chosen.cost, unused, 0.0
    from rtdiag.api import models
    from rtdiag.speech import price
    from rtdiag.speech.clip import clip

    longer_s = (clip(settings.options.audio).duration_ms - clip().duration_ms) / 1000
    cost = chosen.costing(longer_s)
    model = settings.options.transcription_model or models.default("transcription")
    priced = price.sentence(cost.audio_seconds, model)
    free = f"It sends about {cost.audio_seconds:g} s of audio, which costs nothing on the emulator."
    return cost, free if flags.emulator else priced, longer_s
