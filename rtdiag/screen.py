"""The two streams of the command line: the report goes to standard output, everything else to standard error."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, Protocol

import click

from rtdiag.model import Cost, Outcome, Report
from rtdiag.plan import Plan


class Journals(Protocol):
    """Who puts down what has come so far."""

    def began(self, so_far: Report) -> None:
        """The run begins."""

    def finished(self, outcome: Outcome, so_far: Report) -> None:
        """A check is done."""


class Screen:
    """The observer of a run on standard error: what it may cost, and, on a terminal alone, what is being asked now.

    What it sees it tells `further`, who keep a journal.
    """

    def __init__(self, further: Journals) -> None:
        self._further = further
        self._stream = sys.stderr
        self._moves = _is_terminal(self._stream)

    def announce(self, chosen: Plan, cost: Cost, limit_s: float, of_audio: str) -> None:
        """Say what will be asked and what it takes, before the first request."""
        click.echo(f"rtdiag asks about {cost}, within {limit_s:g} s.", err=True)
        if of_audio:
            click.echo(of_audio, err=True)
        if chosen.added:
            click.echo(f"It also runs {', '.join(chosen.added)}, which the named checks require.", err=True)

    def asking(self, what: str) -> None:
        """Replace the line."""
        self._line(what[:78])

    def began(self, so_far: Report) -> None:
        """The run begins."""
        self._further.began(so_far)

    def finished(self, outcome: Outcome, so_far: Report) -> None:
        """The line goes with the next question; the report shows the outcome."""
        self._further.finished(outcome, so_far)

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


def show(text: str, encoding: str | None = None) -> None:
    """Print to standard output in its encoding or the one given, also where that lacks a sign.

    A reader that went away (`| head`) is no error; where it was closed from the start (`>&-`), nobody wants to read it.

    Raises OSError where it cannot be written for any other reason.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.buffer.write(printable(text).encode(encoding or sys.stdout.encoding or "utf-8", "replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_terminal(stream: Any) -> bool:
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
