"""`rtdiag explain`: what a failure says that somebody already has, what a code means, and a session that should work."""

from __future__ import annotations

import os
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from rtdiag.cli.options import ENVIRONMENT, TYPE, day, table_or_json
from rtdiag.cli.stderr import say
from rtdiag.cli.usage import new_mask, refuse, tell_broken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rtdiag.model import Explanation, Report
    from rtdiag.redact import Mask

_ALIKE, _ALIKE_A_PATH = 0.6, 0.8  # how much a code must be alike to be offered, 1 the same
_LONGEST_NAME = 1000  # of a file or a code; what is longer is a text in the wrong place


class _Kind(click.Choice[str]):
    """One kind of session; `both`, which the variable may say for a run, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return None if value == "both" else super().convert(value, param, ctx)


@click.command("explain", context_settings=ENVIRONMENT)
@click.argument("inputs", metavar="INPUT...", nargs=-1)
@click.option("--brief", is_flag=True, help="Print what a person or an assistant needs to find the cause by reading.")
@click.option("--session", metavar="FILE", help="Print a session made from this one (JSON or YAML) that should work.")
@click.option(
    "--type", "kind", envvar=TYPE, type=_Kind(["realtime", "transcription"]), help="With --session: its kind."
)
@click.option("--model", metavar="ID", help="With --session: the model of the session or the transcription.")
@click.option("--dialect", type=click.Choice(["ga", "beta"]), default="ga", show_default=True, help="With --session.")
@click.option(
    "--vad", type=click.Choice(["server_vad", "semantic_vad", "none"]), help="With --session: its turn detection."
)
@click.option("--as-of", metavar="DATE", callback=day, help="With --session: for the API of that day. Default: today.")
@table_or_json
def command(inputs: tuple[str, ...], brief: bool, session: str | None, output: str, **wanted: Any) -> None:
    """Say which failure it is, from what you already have.

    INPUT is a file, a directory with source code, - for standard input, or a code. A file may hold an error body, a browser's
    console paste, a HAR, a Charles session, a cassette, a dump of chrome://webrtc-internals, getStats output, an HTTP answer,
    curl's command line or output, an event log, a close code, an rtdiag report, failure descriptions in JSON or YAML, source code
    that calls the API, or a symptom in your own words. A code is a cause, a check, a case, a status, a close code, an event, or
    the code or type of an error. Nothing is sent, nothing is executed. Exit code: 0 judged, also as unknown; 2 could not be read.
    """
    from rtdiag.engine.config_error import ConfigError

    try:
        if session is not None:
            _show_session(session, output, **wanted)
        elif not inputs:
            raise ConfigError("give a file, - for standard input, or a code; `rtdiag explain --help` says what is read")
        sys.exit(_explain(inputs, output, brief))
    except ConfigError as exc:
        refuse(str(exc))


def _explain(inputs: tuple[str, ...], output: str, brief: bool) -> int:
    """Print what the inputs tell, and a line for each that cannot be read; the exit code."""
    from rtdiag.cli.terminal import show
    from rtdiag.diagnosis.added_causes import broken_causes
    from rtdiag.intake.limits import Unreadable
    from rtdiag.model import Explanation

    tell_broken(broken_causes())
    mask, found, code = new_mask(), list[Explanation](), 0
    try:
        for name in inputs:
            try:
                if name == "-" or os.path.exists(name) or not (page := _page(name)):
                    found += _told_by(name, mask)
                else:
                    found.append(page)
            except Unreadable as exc:
                code = 2
                say(f"rtdiag: {mask(str(exc), 'screen')}")
    except KeyboardInterrupt:
        code = 130
        say("rtdiag: interrupted; what was read before is judged")
    if found:
        show(_brief(found, output) if brief else _told(found, output), output)
    if masked := sum(r.count for r in mask.ledger()):
        say(f"rtdiag: masked {masked} secret{'s' * (masked != 1)}")
    return code


def _told_by(name: str, mask: Mask) -> Iterator[Explanation]:
    from rtdiag.diagnosis.explaining import explain_input

    return explain_input(name, mask, _judged_again)


def _told(found: list[Explanation], output: str) -> str:
    from rtdiag.report import explained

    return explained.as_json(found) if output == "json" else explained.as_text(found, _width())


def _brief(found: list[Explanation], output: str) -> str:
    """All of it as one brief; a code that was asked for is what is known of it."""
    from rtdiag.diagnosis.brief import brief
    from rtdiag.report import explained

    made = brief(found)
    return explained.brief_as_json(made) if output == "json" else explained.brief_as_text(made)


def _width() -> int:
    """The terminal's width, where it is narrower than what is good to read."""
    from rtdiag.cli.terminal import width
    from rtdiag.report.pen import WIDTH

    return min(width() or WIDTH, WIDTH)


def _judged_again(report: Report) -> Report:
    """The report as this rtdiag judges it, with the checks that are installed here."""
    from rtdiag.engine import registry, rejudge

    return rejudge.replay(report, registry.load().checks)


def _page(code: str) -> Explanation | None:
    """The page of a code; None for what looks like a path that is not there. Raises ConfigError for a code that nothing has."""
    from rtdiag.engine import reference, registry
    from rtdiag.engine.config_error import ConfigError

    checks = registry.load().checks
    if found := reference.explained(code, checks, _width()):
        return found
    short = code[:_LONGEST_NAME]
    like_a_path = short == code and ("/" in code or "." in code.lstrip("."))
    near = reference.near(short, checks, _ALIKE_A_PATH if like_a_path else _ALIKE)
    if like_a_path and not near:
        return None
    meant = f"did you mean {' or '.join(near)}?" if near else "give text on standard input: `rtdiag explain -`"
    raise ConfigError(f"there is no file and no code called {code[:80]!r}; {meant}")


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
    whole = new_mask().values(plain(found), "session")
    shown = whole if output == "json" else whole["session"]
    show(json.dumps(shown, indent=2, ensure_ascii=False) + "\n", "json")
    if output != "json":
        for change in (*whole["changes"], *whole["notes"]):
            say(f"{change['place']}: {change['what']}, {change['why']} ({change['source']})")
