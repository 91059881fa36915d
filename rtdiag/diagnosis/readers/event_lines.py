"""Events in a log: NDJSON, a JSON array, or lines with marks and timestamps before an event, over one line or many.

An event is JSON, or what Python and JavaScript print of one (printed_values.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers import closes, console_lines, printed_values
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.plain import LONGEST_LINE, NOTHING, at, compact, parsed
from rtdiag.diagnosis.readers.quiet import is_quiet

_FAMILY = expression(
    r"(?:error|(?:(?:transcription_)?session|(?:in|out)put_audio_buffer|conversation|response|rate_limits|mcp_list_tools|realtime)"
    r"\.[a-z_.]{1,100})\Z"
)
_CLIENT = expression(
    r"(?:transcription_)?session\.update\Z|session\.close\Z|(?:session\.)?input_audio_buffer\.(?:append|commit|clear)\Z"
    r"|conversation\.item\.(?:create|truncate|delete|retrieve)\Z|response\.(?:create|cancel)\Z|output_audio_buffer\.clear\Z"
)
_INSIDE = ("event", "data", "message", "payload", "raw", "body", "msg", "log")
_SENT = expression(r"(?i)(?:^|[\s\[(])(?:>{1,3}|→|⇒|↑|->|-->|sent|send|sending|client|out|outgoing|tx)(?:[\s:\])]|$)")
_RECEIVED = expression(
    r"(?i)(?:^|[\s\[(])(?:<{1,3}|←|⇐|↓|<-|<--|recv|received|receive|server|in|incoming|rx)(?:[\s:\])]|$)"
)

_FAILURES = (console_lines.cors, console_lines.socket_failure, console_lines.request, console_lines.exception)

# What a hostile log may cost in objects that do not parse, in characters looked at.
_BUDGET = 32 * 1024 * 1024
# What prints may cost that are no event; to read them is slower.
_BUDGET_OF_PRINTS = 512 * 1024
_USUAL_EVENT = 64 * 1024
_OPENS = expression(r"\{\s{0,200}[\"}]")
# How prints of events begin; what else programs print is passed over, for reading a print costs time.
_PRINTED = expression(
    r"\w[\w.]{0,200}(?:Event|Error)(?=\(\s{0,80}\w{1,80}=)"
    r"|(?=\{\s{0,80}['\"]?(?:type|event_id|event|error|data|message|direction|audio_\w{1,20}|item_id|\w{1,12}_index|response\w{0,8})\b)"
)
_MOST_IN_A_LINE = 3
# What stands around an object that a program prints; around one in source code there are brackets, assignments, semicolons.
_BEFORE = expression(r"(?:\A|[\s:>\]|'\"]|\w=)\Z")
_IN_CODE = expression(r"(?:[=(,\[{]|\breturn|=>)\s{0,20}\Z")
_BEHIND = expression(r"\s{0,20}[;),.]")


@dataclass(frozen=True)
class Line:
    """One event of a log, or a close, a failure that a line between the events tells of, or what a person says there.

    `sent` is None where neither the event's type nor its mark says the direction.
    """

    where: str
    event: Mapping[str, Any] | None = None
    raw: str = ""
    sent: bool | None = None
    close: Draft | None = None
    failure: Draft | None = None
    said: str = ""


def kind_of(event: Any) -> str | None:
    """The type of an event of the API, or None where the value is none."""
    kind = at(event, "type")
    return kind if isinstance(kind, str) and _FAMILY.match(kind) else None


def from_array(values: list[Any]) -> list[Line]:
    """The events of a JSON array, in their order; what is no event is passed over."""
    found = (_line(value, f"event {n}") for n, value in enumerate(values, 1))
    return [line for line in found if line]


def from_text(text: str) -> list[Line]:
    """The events and closes among the lines of a text; empty where there is no event."""
    found = list(_scan(text))
    return found if any(line.event for line in found) else []


def _scan(text: str) -> Iterator[Line]:
    decoder, start, number = json.JSONDecoder(), 0, 0
    left = {"json": _BUDGET, "print": _BUDGET_OF_PRINTS}
    while start < len(text):
        number += 1
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        row = text[start : min(end, start + LONGEST_LINE)]
        following, told = end + 1, False
        for place in _places(row):
            kind = "json" if _OPENS.match(row, place) else "print"
            if left[kind] <= 0:
                continue
            value, stop, cost = (
                _object(decoder, text, start + place) if kind == "json" else _printed(text, start + place)
            )
            if value is not NOTHING and (line := _line(value, f"line {number}", row[:place])):
                yield line
                number += text.count("\n", start, stop)
                following, told = text.find("\n", stop) + 1 or len(text), True
                break
            left[kind] -= cost
        if not told:
            yield from _between(row, f"line {number}", may_tell="{" not in row)
        start = following


def _between(row: str, where: str, *, may_tell: bool) -> Iterator[Line]:
    """What a line without an event tells; the words of one that is no ordinary line of a log."""
    may_tell = may_tell and console_lines.may_tell(row)
    if may_tell and (close := closes.from_line(row)):
        yield Line(where, close=close)
    elif may_tell and (failure := next(filter(None, (of(row) for of in _FAILURES)), None)):
        failure.where = where
        yield Line(where, failure=failure)
    elif row.strip() and not is_quiet(row):
        yield Line(where, said=row.strip())


def _places(row: str) -> Iterator[int]:
    """Where an event may begin in a line, from left to right; most lines begin with it, and are not searched for more."""
    if "{" not in row and "(" not in row:
        return
    first = row.find("{")
    if first == 0:
        yield 0
    found = (m.start() for m in islice(_PRINTED.finditer(row), _MOST_IN_A_LINE))
    yield from sorted({*found, first} - {-1 if first else 0})


def _object(decoder: json.JSONDecoder, text: str, start: int) -> tuple[Any, int, int]:
    """The object that begins here, or NOTHING; where it ends; and what looking for it cost."""
    for piece, offset in ((text[start : start + _USUAL_EVENT], start), (text, 0)):
        try:
            value, end = decoder.raw_decode(piece, start - offset)
            return value, end + offset, 0
        except json.JSONDecodeError as error:  # it counts the lines before the place where it stopped
            if error.pos < len(piece) - 20 and not error.msg.startswith("Unterminated"):
                return NOTHING, start, error.pos
        except (ValueError, RecursionError):
            break
    return NOTHING, start, _BUDGET // 4


def _printed(text: str, start: int) -> tuple[Any, int, int]:
    before = text[max(0, start - 40) : start].rpartition("\n")[2]
    if not _BEFORE.search(before) or (_IN_CODE.search(before) and not re.search(r"\w=\Z", before)):
        return NOTHING, start, 20
    value, end = printed_values.value_at(text, start)
    behind = value is not NOTHING and _BEHIND.match(text, end)
    return NOTHING if behind else value, end, end - start + 400


def _line(value: Any, where: str, mark: str = "") -> Line | None:
    """The event in a value, itself or one level or two inside it, with its direction."""
    event, told = value, mark
    for _ in range(3):
        if kind_of(event):
            sent = _direction(str(at(event, "type")), told)
            return Line(where, event, compact(event), sent)
        if close := closes.from_json(event):
            return Line(where, close=close)
        told += " " + str(at(event, "direction") or at(event, "dir") or at(event, "from") or at(event, "type") or "")
        event = next((inner for key in _INSIDE if (inner := _opened(at(event, key)))), None)
    return None


def _opened(value: Any) -> Any:
    value = parsed(value) if isinstance(value, str) and value.lstrip()[:1] == "{" else value
    return value if isinstance(value, Mapping) else None


def _direction(kind: str, mark: str) -> bool | None:
    if _CLIENT.match(kind):
        return True
    if _RECEIVED.search(mark[-200:]) or kind == "error":
        return False
    return True if _SENT.search(mark[-200:]) else None
