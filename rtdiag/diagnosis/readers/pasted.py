"""From bytes to the text of a paste: how much is read at all, what is no text, and what a terminal left in it."""

from __future__ import annotations

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Source, no_text

LARGEST_BYTES = 16 * 1024 * 1024
MOST_LINES = 1_000_000
HEAD_BYTES = 64 * 1024

# Colours and cursor movements of a terminal, as they stand in what was copied from one.
_TERMINAL = expression(r"\x1b\[[0-9;?]{0,20}[ -/]{0,4}[@-~]")
_UNPRINTABLE = expression(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f]")

# How a run's table begins, and a comparison with the emulator. Inside a longer text they may stand.
_OWN = expression(
    r"\s*(?:rtdiag asks (?:about|at most) .*\n(?:.*\n){0,9}?)?(?:rtdiag: .*\n)*(?:EMULATOR \(as of .*\n)?"
    r"(?:asked (?:[^\n:]{1,60}: )?http\S+ \(|\S{1,12} [^\n]{1,60}: [^\n]{1,200} \(exit \d{1,3}\)\n)"
    r"|\s*# .{1,300}, and rtdiag's emulator as of "
)

_CASSETTE = expression(r"\s*# Recorded from .{1,300}, by rtdiag ")


def is_long(source: Source) -> bool:
    """Whether a source holds more than is read at once."""
    return len(source.peek(LARGEST_BYTES + 1)) > LARGEST_BYTES


def as_text(raw: bytes, name: str) -> str:
    """The text, with newlines as \\n and without terminal colours. Unreadable where there is none."""
    if not raw.strip():
        raise Unreadable(f"{name} is empty: give an error body, a console paste, a HAR, a log or a description")
    text = _TERMINAL.sub("", _decoded(raw, name)).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise Unreadable(f"{name} holds nothing but blanks: give the text of the error")
    if _OWN.match(text):
        raise Unreadable(
            f"{name} is what rtdiag itself printed: it names its causes, and `rtdiag explain CODE` tells more of one; "
            "to have a run judged again, give its JSON (-o json)"
        )
    if _CASSETTE.match(text):
        raise Unreadable(f"{name} is a cassette of rtdiag: `rtdiag replay` judges it again")
    if text.count("\n") > MOST_LINES:
        raise Unreadable(f"{name} has more than {MOST_LINES} lines: give the part around the error")
    return text


def _decoded(raw: bytes, name: str) -> str:
    if why := no_text(raw):
        raise Unreadable(f"{name}: {why}")
    for text in (_utf8(raw), _one_byte(raw, "cp1252"), _one_byte(raw, "latin-1")):
        if text is not None and _mostly_printable(text):
            return text
    raise Unreadable(f"{name} is binary, or in an encoding that is not known here: save it as UTF-8")


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:  # a copy that ends within a character is still UTF-8
        ends_early = error.start >= len(raw) - 3 and error.start > 0
        return raw[: error.start].decode() if ends_early else None


def _one_byte(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _mostly_printable(text: str) -> bool:
    return "\0" not in text and len(_UNPRINTABLE.findall(text)) * 50 <= len(text)
