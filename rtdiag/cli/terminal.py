"""The two streams of the command line: the report goes to standard output, everything else to standard error."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, Protocol

from rtdiag.cli.stderr import encoding_of, say, shown, standard_error
from rtdiag.report.spelling import one_line

if TYPE_CHECKING:
    from rtdiag.engine.plan import Plan
    from rtdiag.model import Cost, Outcome, Report

# In the encoding of the terminal; what programs read is UTF-8.
_FOR_PERSONS = frozenset({"table", "short"})


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
        self._stream = standard_error() if _is_terminal(sys.stderr) else None

    def announce(self, chosen: Plan, cost: Cost, limit_s: float, of_audio: str, *, strange: bool) -> None:
        """Say what will be asked and what it takes, before the first request: of a strange server only what it offers."""
        bound, less = ("at most", "; less where less is offered") if strange else ("about", "")
        say(f"rtdiag asks {bound} {cost}, within {limit_s:g} s{less}.")
        if of_audio:
            say(of_audio)
        if chosen.added:
            say(f"It also runs {', '.join(chosen.added)}, which the named checks require.")

    def asking(self, what: str) -> None:
        """Replace the line."""
        self._note(what)

    def began(self, so_far: Report) -> None:
        """The run begins."""
        self._further.began(so_far)

    def finished(self, outcome: Outcome, so_far: Report) -> None:
        """The line goes with the next question; the report shows the outcome."""
        self._further.finished(outcome, so_far)

    def clear(self) -> None:
        """Take the line away."""
        self._note("")

    def _note(self, text: str) -> None:
        if self._stream is not None:
            self._stream.note(one_line(text, shutil.get_terminal_size().columns - 2))


def wants_color(choice: str) -> bool:
    """Whether standard output is to be coloured, for `--color` auto, always or never; NO_COLOR and TERM=dumb say no to auto."""
    return choice == "always" or (choice == "auto" and _is_terminal(sys.stdout) and not os.environ.get("NO_COLOR"))


def width() -> int | None:
    """How many columns the terminal of standard output has; None where it goes elsewhere."""
    return shutil.get_terminal_size().columns if _is_terminal(sys.stdout) else None


def encoding() -> str:
    """What standard output can show."""
    return encoding_of(sys.stdout)


def show(text: str, form: str = "table") -> None:
    """Print to standard output what is in that format, or as a `table` what else is for persons.

    A reader that went away (`| head`) is no error; where it was closed from the start (`>&-`), nobody wants to read it.

    Raises OSError where it cannot be written for any other reason.
    """
    if sys.stdout is None:
        return
    its = encoding() if form in _FOR_PERSONS else "utf-8"
    try:
        sys.stdout.buffer.write(shown(text, form, its).encode(its))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_terminal(stream: Any) -> bool:
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
