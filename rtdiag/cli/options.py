"""What several commands' options share: how they are declared, and what their values may be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import click

from rtdiag.report import FORMATS

# A command with this reads each option from the variable of its name, too, such as RTDIAG_MODEL for --model.
ENVIRONMENT = {"auto_envvar_prefix": "RTDIAG", "help_option_names": ["-h", "--help"], "max_content_width": 100}
# Where an option's variable once had another name, both: the first that is set counts.
FAULT, TYPE = ["RTDIAG_FAULT", "RTDIAG_FAULTS"], ["RTDIAG_TYPE", "RTDIAG_KIND"]


def day(_: click.Context, option: click.Parameter, value: str | None) -> date | None:
    """What is to be a date; None where nothing is given."""
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is no date; write it like 2025-03-21", param=option) from None


def fault(told: str) -> Callable[[Any], Any]:
    """`--fault`, any number of times, as `faults`."""
    return click.option("--fault", "faults", envvar=FAULT, metavar="ID", multiple=True, help=told)


def of_a_server(command: Any) -> Any:
    """The options that say which server is asked, and by which credential."""
    for option in (
        click.option("--model", metavar="ID", help="The realtime model to ask for."),
        click.option(
            "--token-url", metavar="URL", help="Your own route that hands out ephemeral tokens: asked first."
        ),
        click.option(
            "--profile", metavar="NAME",
            help="Whose server it is, if that is known: azure … With --emulator: whom it plays.",
        ),
        click.option(
            "--header", "headers", envvar="RTDIAG_HEADER", metavar="NAME=ENV:VAR", multiple=True,
            help="Send that header to the base URL's host, too; its value lies in that variable. Repeatable.",
        ),
        click.option("--key-file", metavar="FILE", help="Read the API key from a file (- is standard input)."),
        click.option(
            "--base-url", metavar="URL", help="The API's base, up to /v1. Default: OPENAI_BASE_URL, else OpenAI."
        ),
        fault("With --emulator: break it so. Repeatable."),
        click.option("--as-of", metavar="DATE", callback=day, help="With --emulator: the API as it was on that day."),
        click.option("--emulator", is_flag=True, help="Ask the embedded emulator; no key and no network is needed."),
        click.option(
            "--config", metavar="FILE", help="Where the targets stand.  [default: rtdiag.yaml here or above]"
        ),
        click.option(
            "--target", metavar="NAME", default="", help="Ask that target of rtdiag.yaml; other options win over its own."
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def in_a_browser(told: str, default: str | None = None) -> Callable[[Any], Any]:
    """`--browser`, alone or with which one."""
    return click.option("--browser", metavar="[WHICH]", is_flag=False, flag_value="default", default=default, help=told)


def _report_files(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = tuple((form, path) for form, _, path in (v.partition("=") for v in values))
    for form, path in pairs:
        if form not in FORMATS or not path:
            raise click.BadParameter(f"give FORMAT=PATH with FORMAT one of {', '.join(FORMATS)}", param=option)
    return pairs


def as_reports(command: Any) -> Any:
    """The options of every command that ends in a report."""
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


table_or_json = click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="The format.",
    allow_from_autoenv=False,
)  # fmt: skip
