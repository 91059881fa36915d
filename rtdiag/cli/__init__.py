"""The command line: options become a Config, a report becomes an exit code. No judgement lives here."""

from __future__ import annotations

import os
import signal
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from rtdiag import __version__
from rtdiag.cli.stderr import listening, say

if TYPE_CHECKING:
    from rtdiag.cli.outputs import Outputs
    from rtdiag.cli.signals import Stop
    from rtdiag.engine.config import Config, Flags
    from rtdiag.engine.plan import Plan
    from rtdiag.engine.registry import Registry
    from rtdiag.model import Cost, Report
    from rtdiag.redact import Mask

# What --timeout may be.
_LEAST_S, _MOST_S = 0.1, 600.0

_LONGEST_NAME = 1000  # of a file or a code; what is longer is a text in the wrong place

_ENVIRONMENT = {"auto_envvar_prefix": "RTDIAG", "help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Guarded(click.Group):
    """Whatever breaks in a command is one line without a secret in it, and an exit code: 4, or 130 for an interruption."""

    def main(self, *arguments: Any, **more: Any) -> Any:
        with listening():
            return super().main(*arguments, **more)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as exc:
            vars(exc)["message"] = _mask()(exc.message, "screen")
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            say("rtdiag: interrupted")
            sys.exit(130)
        except OSError as exc:
            from rtdiag.intake import why

            say(_mask()(f"rtdiag: {exc.filename or 'standard output'}: {why(exc)}", "screen"))
        except Exception as exc:
            from rtdiag.cli.crash import defect

            defect("rtdiag", exc)
        sys.exit(4)


@click.group(cls=_Guarded, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rtdiag")
def main() -> None:
    """Find out why a realtime voice session will not start, and what to do about it."""


def _date(_: click.Context, option: click.Parameter, value: str | None) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is no date; write it like 2025-03-21", param=option) from None


def _seconds(_: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not _LEAST_S <= value <= _MOST_S:  # also what is no number
        raise click.BadParameter(f"give seconds from {_LEAST_S:g} to {_MOST_S:g}, not {value:g}", param=option)
    return value


def _report_files(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    from rtdiag.report import FORMATS

    pairs = tuple((form, path) for form, _, path in (v.partition("=") for v in values))
    for form, path in pairs:
        if form not in FORMATS or not path:
            raise click.BadParameter(f"give FORMAT=PATH with FORMAT one of {', '.join(FORMATS)}", param=option)
    return pairs


def _as_reports(command: Any) -> Any:
    """The options of every command that ends in a report."""
    from rtdiag.report import FORMATS

    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Show every case of every check."),
        click.option(
            "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
            help="Colours on the screen.",
        ),
        click.option(
            "--fail-on", type=click.Choice(["fail", "inconclusive", "warn", "never"]), default="inconclusive",
            show_default=True, help="The mildest status that makes the exit code other than 0.",
        ),
        click.option(
            "--report", "reports", envvar="RTDIAG_REPORT", metavar="FORMAT=PATH", multiple=True, callback=_report_files,
            help="Also write it there. Repeatable.",
        ),
        click.option(
            "-o", "--output", type=click.Choice(FORMATS), default="table", show_default=True,
            help="The format on standard output.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@main.command(context_settings=_ENVIRONMENT)
@click.option("--emulator", is_flag=True, help="Ask the embedded emulator; no key and no network is needed.")
@click.option("--as-of", metavar="DATE", callback=_date, help="With --emulator: the API as it was on that day.")
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
@_as_reports
@click.option("--record", metavar="FILE", help="Also write the HTTP exchanges as a cassette of vcrpy, masked.")
@click.option("--keep-addresses", is_flag=True, help="Do not mask this machine's addresses in the report.")
@click.option(
    "--timeout",
    "timeout_s",
    envvar="RTDIAG_TIMEOUT",
    metavar="SECONDS",
    type=float,
    callback=_seconds,
    help="Each request's total; a run takes at most 8 of these, opt-ins aside.  [default: 15]",
)
def run(
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
            _fail(str(exc))
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


_table_or_json = click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="The format.",
    allow_from_autoenv=False,
)  # fmt: skip


@main.command("replay", context_settings=_ENVIRONMENT)
@click.argument("file", metavar="FILE")
@_as_reports
def replay_(
    file: str, output: str, reports: tuple[tuple[str, str], ...], fail_on: Any, color: str, verbose: bool
) -> None:
    """Judge a recorded run again, offline, with today's checks and catalogue.

    FILE is a JSON report, the ndjson that a run left (also one that was killed), or a cassette of --record; - is standard input.
    Nothing is sent. Exit code: as of `rtdiag run`, from the new judgements; 2 when FILE could not be read.
    """
    from rtdiag.cli.outputs import Outputs
    from rtdiag.engine import registry
    from rtdiag.engine.config import ConfigError
    from rtdiag.engine.rejudge import replay, turned

    outputs = Outputs(output, reports, os.environ, color=color, verbose=verbose)
    try:
        outputs.check()
        recorded = _recorded(file)
    except ConfigError as exc:
        _fail(str(exc))
    again = replay(recorded, registry.load().checks, fail_on=fail_on)
    say(f"rtdiag judges again what was recorded on {recorded.started_at:%Y-%m-%d %H:%M} UTC; nothing is asked.")
    for line in turned(recorded, again):
        say(line)
    sys.exit(outputs.give(again))


@main.command("diff", context_settings=_ENVIRONMENT)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@_table_or_json
@click.option("-v", "--verbose", is_flag=True, help="All lines, and what became faster.")
def diff_(old: str, new: str, output: str, verbose: bool) -> None:
    """Say what changed between two recorded runs.

    OLD and NEW are what `rtdiag replay` takes. Exit code: 1 when a case that passed no longer does, else 0; 2 when one could not
    be read, or they have no case in common.
    """
    from rtdiag.cli.terminal import show
    from rtdiag.compare import diff
    from rtdiag.engine.config import ConfigError

    try:
        found = diff.diff(_recorded(old), _recorded(new))
    except ConfigError as exc:
        _fail(str(exc))
    show(diff.as_json(found) if output == "json" else diff.text(found, verbose=verbose), output)
    sys.exit(2 if not found.compared else 1 if found.worse else 0)


def _recorded(file: str) -> Report:
    """The report in that file; raises ConfigError, in one line, where there is none."""
    from rtdiag.engine.config import ConfigError
    from rtdiag.intake import Unusable, called, text_of
    from rtdiag.report import reading

    try:
        return reading.report_in(text_of(file, reading.FILE))
    except Unusable as exc:
        raise ConfigError(f"{called(file)}: {exc}") from None


@main.command(context_settings=_ENVIRONMENT)
@click.argument("inputs", metavar="INPUT...", nargs=-1)
@click.option("--session", metavar="FILE", help="Print a session made from this one (JSON or YAML) that should work.")
@click.option("--type", "kind", type=click.Choice(["realtime", "transcription"]), help="With --session: its kind.")
@click.option("--model", metavar="ID", help="With --session: the model of the session or the transcription.")
@click.option("--dialect", type=click.Choice(["ga", "beta"]), default="ga", show_default=True, help="With --session.")
@click.option(
    "--vad", type=click.Choice(["server_vad", "semantic_vad", "none"]), help="With --session: its turn detection."
)
@click.option(
    "--as-of", metavar="DATE", callback=_date, help="With --session: for the API of that day. Default: today."
)
@_table_or_json
def explain(inputs: tuple[str, ...], session: str | None, output: str, **wanted: Any) -> None:
    """Say which failure it is, from what you already have.

    INPUT is a file, a directory with source code, - for standard input, or a code. A file may hold an error body, a browser's
    console paste, a HAR, an HTTP answer, curl's output, an event log, a close code, an rtdiag report, failure descriptions in
    JSON or YAML, source code that calls the API, or a symptom in your own words. A code is a cause, a check, a case, or an error
    code. Nothing is sent, nothing is executed. Exit code: 0 judged, also as unknown; 2 could not be read.
    """
    from rtdiag.engine.config import ConfigError

    try:
        if session is not None:
            _show_session(session, output, **wanted)
        elif not inputs:
            raise ConfigError("give a file, - for standard input, or a code; `rtdiag explain --help` says what is read")
        sys.exit(_explain(inputs, output))
    except ConfigError as exc:
        _fail(str(exc))


def _explain(inputs: tuple[str, ...], output: str) -> int:
    """Print what the inputs tell, and a line for each that cannot be read; the exit code."""
    from rtdiag.cli.terminal import show
    from rtdiag.diagnosis.explaining import explain_input
    from rtdiag.diagnosis.situation import Unreadable
    from rtdiag.model import Explanation
    from rtdiag.report import explained

    mask, found, code = _mask(), list[Explanation](), 0
    try:
        for name in inputs:
            try:
                if name == "-" or os.path.exists(name) or not (page := _page(name)):
                    found += explain_input(name, mask)
                else:
                    found.append(Explanation(name, "code", (), note=page))
            except Unreadable as exc:
                code = 2
                say(f"rtdiag: {mask(str(exc), 'screen')}")
    except KeyboardInterrupt:
        code = 130
        say("rtdiag: interrupted; what was read before is judged")
    if found:
        show(explained.as_json(found) if output == "json" else explained.as_text(found), output)
    if masked := sum(r.count for r in mask.ledger()):
        say(f"rtdiag: masked {masked} secret{'s' * (masked != 1)}")
    return code


def _page(code: str) -> str | None:
    """The page of a code; None for what looks like a path that is not there."""
    from rtdiag.engine import reference, registry
    from rtdiag.engine.config import ConfigError

    checks = registry.load().checks
    found = reference.page(code, checks)
    if found is None and (len(code) > _LONGEST_NAME or ("/" not in code and "." not in code.lstrip("."))):
        near = reference.near(code[:_LONGEST_NAME], checks)
        meant = f"did you mean {' or '.join(near)}?" if near else "give text on standard input: `rtdiag explain -`"
        raise ConfigError(f"there is no file and no code called {code[:80]!r}; {meant}")
    return found


def _show_session(
    file: str, output: str, kind: Any, dialect: Any, model: str | None, vad: Any, as_of: date | None
) -> None:
    """Print the session that should work to standard output, and what was changed and why to standard error."""
    import json

    from rtdiag.cli.terminal import show
    from rtdiag.engine import config
    from rtdiag.remedy.repair import repair
    from rtdiag.report.json import plain

    given = config.session(file)
    found = repair(given, kind=kind, dialect=dialect, model=model, vad=vad, on=as_of or date.today())
    whole = _mask().values(plain(found), "session")
    shown = whole if output == "json" else whole["session"]
    show(json.dumps(shown, indent=2, ensure_ascii=False) + "\n", "json")
    if output != "json":
        for change in (*whole["changes"], *whole["notes"]):
            say(f"{change['place']}: {change['what']}, {change['why']} ({change['source']})")


@main.command("list", context_settings=_ENVIRONMENT)
@click.option("-v", "--verbose", is_flag=True, help="Also what each asks, and its cases.")
def list_checks(verbose: bool) -> None:
    """List the checks: what each asks, needs and costs."""
    from rtdiag.cli.terminal import show
    from rtdiag.engine import registry

    known = registry.load()
    for check in known.checks.values():
        needs = f"; needs {', '.join(check.requires)}" if check.requires else ""
        show(f"{check.id:<15} {check.title}; about {check.cost}{needs}\n")
        if verbose:
            show("\n" + check.doc.strip() + "\n\n")
            show("".join(f"    {check.id}.{case.id:<32} {case.title}\n" for case in check.cases) + "\n")
    for broken in known.broken:
        show(f"{broken.id:<15} broken: {_mask()(broken.reason, 'screen')}\n")


@main.command(context_settings=_ENVIRONMENT)
@click.option(
    "--as-of", metavar="DATE", callback=_date, help="The API as it was on that day. Default: the newest that is known."
)
@click.option("--fault", "faults", metavar="ID", multiple=True, help="Break it so. Repeatable.")
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Where HTTP and WebSocket are served."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Their port; 0 takes a free one."
)
@click.option(
    "--control-port",
    type=click.IntRange(0, 65535),
    help="Switch faults while it runs, over that port on loopback: GET or PUT /faults. Default: off.",
)
@click.option(
    "--compare",
    "report",
    envvar="RTDIAG_COMPARE",
    metavar="REPORT",
    help="Ask the emulator what the run of that JSON report asked, list where it answers otherwise, and end.",
)
@click.option("--cassette", metavar="FILE", help="With --compare: write the exchanges that differ as a cassette.")
@click.option("--list-faults", is_flag=True, help="List the faults and end.")
@click.option("--timeline", is_flag=True, help="List what changed on which day, with its source, and end.")
def emulator(
    as_of: date | None,
    faults: tuple[str, ...],
    host: str,
    port: int,
    control_port: int | None,
    report: str | None,
    cassette: str | None,
    list_faults: bool,
    timeline: bool,
) -> None:
    """Serve the Realtime API on this machine until interrupted, and print its base URL and key."""
    import asyncio

    from rtdiag.cli.terminal import show
    from rtdiag.emulator import Emulator
    from rtdiag.emulator.listings import faults_text, timeline_text
    from rtdiag.engine import registry
    from rtdiag.intake import why

    if list_faults or timeline:
        known = {f"{check.id}.{case.id}" for check in registry.load().checks.values() for case in check.cases}
        show(timeline_text() if timeline else faults_text(known))
        return
    if cassette is not None and report is None:
        _fail("--cassette holds what --compare finds: name the report, as --compare REPORT")
    if report is not None and (faults or control_port is not None or port or host != "127.0.0.1"):
        _fail("--compare asks a healthy emulator of its own: only --as-of and --cassette go with it")
    if report is not None:
        sys.exit(_compare(report, cassette, as_of))

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        served = Emulator(as_of=as_of, faults=faults, host=host, port=port, control_port=control_port)
        async with served:
            for line in served.warnings:
                say(f"rtdiag: {line}")
            show(served.banner)
            await stop.wait()

    try:
        asyncio.run(serve())
    except UnicodeError:
        _fail(f"--host {host}: no host is called so: give an address, such as 127.0.0.1")
    except ValueError as exc:
        _fail(str(exc))
    except OSError as exc:  # of a port that is taken asyncio names the address, and so which of the two it is
        _fail(f"--host {host}: {why(exc)}")


def _compare(report: str, cassette: str | None, as_of: date | None) -> int:
    """Print where the emulator answers otherwise than the report shows.

    Exit code: 0 nowhere, 1 somewhere, 2 nothing to ask again or nowhere to write, 130 interrupted.
    """
    from rtdiag.cli.files import refusal, whole
    from rtdiag.cli.terminal import show
    from rtdiag.compare import drift
    from rtdiag.intake import Unusable, called, text_of, why
    from rtdiag.report import reading

    if cassette is not None and (refused := refusal(cassette)):
        _fail(f"--cassette {cassette}: {refused}")
    try:
        found = drift.compare(drift.report_in(text_of(report, reading.FILE)), as_of)
    except Unusable as exc:
        _fail(f"{called(report)}: {exc}")
    except KeyboardInterrupt:
        say("rtdiag: interrupted; nothing was compared to the end")
        return 130
    show(drift.text(found))
    if cassette and (held := drift.as_cassette(found)):
        try:
            whole(cassette, held)
        except OSError as exc:
            _fail(f"{cassette}: {why(exc)}")
    elif cassette:
        say(f"rtdiag: {cassette}: not written, for no HTTP exchange differs")
    return 1 if found.differences else 0


def _fail(line: str) -> Any:
    """One line on standard error and exit code 2; what a person gave in the wrong place may be a secret, and is masked."""
    say(f"rtdiag: {_mask()(line, 'screen')}")
    sys.exit(2)


def _mask() -> Mask:
    """A mask that knows the secrets of the environment."""
    from rtdiag.redact import Mask

    mask = Mask()
    mask.learn_environment(os.environ)
    return mask
