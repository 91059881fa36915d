"""The two streams of the command line: the report goes to standard output, everything else to standard error."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import click

from rtdiag.model import Outcome
from rtdiag.plan import Plan


class Screen:
    """The observer of a run on standard error: what it may cost, and, on a terminal alone, what is being asked now."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._moves = _is_terminal(self._stream)

    def announce(self, chosen: Plan) -> None:
        """Say what will be asked, before the first request."""
        click.echo(f"rtdiag asks about {chosen.cost}.", err=True)
        if chosen.added:
            click.echo(f"It also runs {', '.join(chosen.added)}, which the named checks require.", err=True)

    def asking(self, what: str) -> None:
        """Replace the line."""
        self._line(what[:78])

    def finished(self, outcome: Outcome) -> None:
        """Nothing: the line goes with the next question, the report shows the outcome."""

    def clear(self) -> None:
        """Take the line away."""
        self._line("")

    def _line(self, text: str) -> None:
        if self._moves:
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()


def wants_color(choice: str) -> bool:
    """Whether standard output is to be coloured, for `--color` auto, always or never; NO_COLOR and TERM=dumb say no to auto."""
    return choice == "always" or (choice == "auto" and _is_terminal(sys.stdout) and not os.environ.get("NO_COLOR"))


# What moves a cursor, rings, hides, turns the reading direction, or is no character at all; the table's own colours stay.
_UNPRINTABLE = re.compile(
    r"\x1b(?!\[\d{0,2}m)|\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """The text with each such character spelt out, as JSON spells it: what a server says must not steer a terminal."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def show(text: str) -> None:
    """Print to standard output, also where its encoding lacks a sign; a reader that went away (`| head`) is no error."""
    try:
        sys.stdout.buffer.write(printable(text).encode(sys.stdout.encoding or "utf-8", "replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write(path: str, text: str) -> None:
    """Write a report to a file; what cannot be written is told, and the other reports still come."""
    try:
        Path(path).write_text(printable(text), encoding="utf-8")
    except OSError as exc:
        click.echo(f"rtdiag: {path}: {exc.strerror or exc}", err=True)


def _is_terminal(stream: Any) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
