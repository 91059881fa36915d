"""A browser's console, pasted: split into messages, and put together again where several of them are one failure."""

from __future__ import annotations

from collections.abc import Callable

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.printed import straight
from rtdiag.diagnosis.readers import beside, closes, console_lines, error_bodies, printed_errors
from rtdiag.diagnosis.readers.blocks import Blocks
from rtdiag.diagnosis.readers.console_joins import Kind, Message, joined
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.plain import LONGEST_LINE, NOTHING, parsed

_LINES: tuple[tuple[Kind, Callable[[str], Draft | None]], ...] = (
    ("cors", console_lines.cors),
    ("socket", console_lines.socket_failure),
    ("request", console_lines.request),
    ("close", closes.from_line),
    ("exception", console_lines.exception),
)
_CHANNEL = expression(
    r"(?i)data.?channel|oai-events|\bevent_id\b|\btype['\"]?\s{0,4}:\s{0,4}['\"]error['\"]|\brealtime\b[^\n]{0,40}\bevent\b"
)
_SDP_ANSWER = expression(r"(?i)\bsdp\b|\banswer\b")
_EXPECT = expression(r"\A\s{0,20}Expect line")
_MOST_MESSAGES = 2000


def read_console(text: str) -> list[Draft]:
    """The failures that a paste tells of, in its order; empty where nothing in it looks like a console's message.

    A request line and the body logged for it become one draft. What people wrote beside a message becomes a circumstance of it.
    """
    lines = [line[:LONGEST_LINE] for line in text.split("\n")]
    messages, said = _messages(lines)
    kept = joined(messages)
    for message in kept:
        message.draft.where = message.draft.where or f"line {message.line}"
    drafts = [m.draft for m in kept]
    beside.attach(drafts, [m.line for m in kept], said)
    return drafts


def _messages(lines: list[str]) -> tuple[list[Message], list[tuple[int, str]]]:
    blocks, messages, said = Blocks([straight(line) for line in lines]), list[Message](), list[tuple[int, str]]()
    index = 0
    while index < len(lines) and len(messages) < _MOST_MESSAGES:
        if not lines[index].strip():
            index += 1
            continue
        if end := _end_of_trace(lines, index, blocks, messages):
            index = end
            continue
        found, end = _message_at(lines, index, blocks)
        messages.extend(found)
        if not found:
            said.append((index + 1, lines[index]))
        index = end
    return messages, said


def _end_of_trace(lines: list[str], index: int, blocks: Blocks, messages: list[Message]) -> int | None:
    """The line after the fields that Node prints behind an error's trace, which the error before it takes in."""
    opens = console_lines.is_frame(lines[index]) and lines[index].rstrip().endswith("{")
    end = blocks.object_at(index) if opens and messages and messages[-1].kind == "exception" else None
    text = "\n".join(lines[index:end]) if end else ""
    found = printed_errors.error_at(text, text.rfind("{", 0, len(lines[index]))) if end else None
    if found is None:
        return None
    error, status, value = found
    draft = messages[-1].draft
    draft.text, draft.status = "\n".join(filter(None, (draft.text, error))), draft.status or status
    draft.method, draft.url, draft.dialect = printed_errors.asked(value)
    draft.surface = "data_channel" if "event_id" in value else None if status else draft.surface
    messages[-1].has_body = bool(error)
    return end


def _message_at(lines: list[str], index: int, blocks: Blocks) -> tuple[list[Message], int]:
    """The messages that begin on this line, and the line after them."""
    if console_lines.is_frame(lines[index]):
        return [], index + 1
    found = _by_line(lines[index], index)
    end = blocks.object_at(index)
    if end is None and not found:
        end = blocks.keys_at(index)
    if end is None:
        end = _past_expectation(lines, index + 1, found)
        return found, end
    if blocks.is_collapsed(end - 1):
        end = blocks.keys_at(end) or end
    return _with_object(found, "\n".join(lines[index:end]), index), end


def _by_line(line: str, index: int) -> list[Message]:
    if not console_lines.may_tell(line):
        return []
    plain = straight(line)
    first = next(((kind, draft) for kind, of in _LINES if (draft := of(plain))), None)
    if first is None:
        return []
    first[1].text = line.strip()
    return [Message(first[0], first[1], index + 1)]


def _with_object(found: list[Message], text: str, index: int) -> list[Message]:
    """An object with what stands before it on its line: a request keeps it as its body, any other line is part of it."""
    if found and found[0].kind == "request":
        found[0].draft.text, found[0].has_body = text.strip(), True
        return found
    if found and found[0].kind == "close":
        found[0].draft.text = text.strip()
        return found
    kind: Kind = "event" if _CHANNEL.search(straight(text[:4000])) else "body"
    draft = Draft(text=text.strip(), status=console_lines.status_in(text.split("{")[0] + "{"))
    plain = straight(text)
    whole = parsed(plain[plain.find("{") :]) if "{" in plain else NOTHING
    if whole is NOTHING and (printed := printed_errors.error_at(plain, plain.find("{"))):
        error, draft.status, whole = printed[0], draft.status or printed[1], printed[2]
        draft.text = plain.split("{")[0] + error if printed_errors.holds_more(whole) else draft.text
    if error_bodies.is_error(whole):
        named = error_bodies.from_json(whole, "")
        draft.status, draft.surface = draft.status or named.status, named.surface
        kind = "event" if error_bodies.is_event(whole) else kind
    before = text.split("{")[0]
    draft.surface = "data_channel" if kind == "event" else "sdp" if _SDP_ANSWER.search(before) else draft.surface
    return [Message(kind, draft, index + 1, True)]


def _past_expectation(lines: list[str], end: int, found: list[Message]) -> int:
    """Chrome may break its complaint about an answer before `Expect line: v=`."""
    if found and found[0].kind == "exception" and end < len(lines) and _EXPECT.match(lines[end]):
        found[0].draft.text += " " + lines[end].strip()
        return end + 1
    return end
