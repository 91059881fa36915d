"""Texts in which nothing failed: ordinary lines of a log, names of events, and states of a connection that stood in the end."""

from __future__ import annotations

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.log_lines import is_log_line, tells
from rtdiag.diagnosis.readers.forms import Reading
from rtdiag.diagnosis.state_lines import came_through, state_in
from rtdiag.model import counted

# The name of a server's event, with marks before it and fields behind it; more words than that are a person's.
_EVENT = expression(
    r"\s{0,20}(?:[^\w\s]{1,4}\s|\S{1,40}[:\]>]\s|(?:received|recv|event|got|server)\s){0,3}['\"]?"
    r"(?:session|input_audio_buffer|output_audio_buffer|conversation|response|rate_limits)\.[a-z_.]{2,80}['\"]?"
    r"(?:[,;]?\s[\w.-]{1,40}[=:]\S{1,200}){0,8}\s{0,20}\Z"
)
_A_PAGE = 8
UNSEEN = "what was asked over HTTP, and what the server answered, cannot be seen from it"


def read_quiet(text: str) -> Reading | None:
    """The reading of a text of which every line is of the ordinary course of things; None for any other."""
    rows = [line for line in text.split("\n") if line.strip()]
    states = [found for line in rows if (found := state_in(line))]
    if not rows or (states and not came_through(states)) or not all(map(is_quiet, rows)):
        return None
    if states:
        return Reading("connection states", [], note=f"nothing in it failed: the connection stood in the end; {UNSEEN}")
    lines = f"{counted(len(rows), 'line')}, none of which tells of a failure"
    return Reading("log", [], note=f"nothing in it failed: the log holds {lines}; {UNSEEN}")


def without_ordinary(text: str) -> str:
    """`text` with empty lines for a program's ordinary ones, where it has a page of those: what they name is no evidence."""
    rows = text.split("\n")
    ordinary = [is_log_line(row) and not tells(row) for row in rows]
    return (
        "\n".join("" if n else row for n, row in zip(ordinary, rows, strict=True)) if sum(ordinary) >= _A_PAGE else text
    )


def is_quiet(line: str) -> bool:
    """Whether a line is of the ordinary course of things, wherever it stands."""
    return ((is_log_line(line) or bool(_EVENT.match(line[:1000]))) and not tells(line)) or bool(state_in(line))
