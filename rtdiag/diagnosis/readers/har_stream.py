"""A HAR as a stream: one entry at a time, holding only the fields that a diagnosis needs, whatever the file's size."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from rtdiag.diagnosis.readers.forms import cut
from rtdiag.diagnosis.readers.har_whole import Whole
from rtdiag.intake import Readable, Unusable

_ENTRY = "log.entries.item"
_MESSAGE = f"{_ENTRY}._webSocketMessages.item"

# What is kept of an entry: single values, and lists of pairs, each of two values.
_VALUES = (
    *("startedDateTime", "_error", "_failureText", "_blockedReason", "_resourceType"),
    *("request.method", "request.url", "request.postData.text", "request.postData.mimeType"),
    *("response.status", "response.statusText", "response._error", "response._failureText", "response._errorMessage"),
    *("response.redirectURL", "response.content.text", "response.content.encoding"),
)
_PAIRS = ("request.headers", "request.postData.params", "response.headers")
_OF_A_PAIR = ("name", "value")
_OF_A_MESSAGE = ("data", "type", "opcode")

_VALUE_AT = {f"{_ENTRY}.{path}": path for path in _VALUES}
_PAIR_AT = {f"{_ENTRY}.{path}.item.{part}": (path, n) for path in _PAIRS for n, part in enumerate(_OF_A_PAIR)}
_PAIRS_AT = {f"{_ENTRY}.{path}": path for path in _PAIRS}
_MESSAGE_AT = {f"{_MESSAGE}.{part}": part for part in _OF_A_MESSAGE}


def _below(paths: Iterable[str]) -> dict[str, dict[str, str]]:
    """The paths that lead to these, each with the keys that lead on from there, and where to."""
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        here = ""
        for key in path.split("."):
            there = f"{here}.{key}" if here else key
            found.setdefault(here, {})[key] = there
            here = there
    return found


_BELOW = _below([*_VALUE_AT, *_PAIR_AT, *_MESSAGE_AT])
_MAPPINGS = {path for path, below in _BELOW.items() if "item" not in below}
_TOLD = ("log", _ENTRY, _MESSAGE)  # of what is no single value: where it begins and ends

_STARTS, _ENDS = ("start_map", "start_array"), ("end_map", "end_array")
_STEPS = dict.fromkeys(_STARTS, 1) | dict.fromkeys(_ENDS, -1)

LONGEST_VALUE = 1024 * 1024
_LONGEST_STRING = 32 * 1024 * 1024
_MOST_PAIRS = 1000
_LONGEST_KEY = 200
_DEEPEST = 200
_MOST_VALUES = 30_000_000
_PART_BYTES = 256 * 1024  # the parser looks at a long string again with every part
_HAR_KEY = re.compile(rb'"(?:entries|creator|browser|pages)"')

_BACKSLASH = ord("\\")

Message = dict[str, Any]
Entry = dict[str, Any]


class Broken(Exception):  # noqa: N818 - what the file is
    """The JSON of a HAR ends early or is none; what was read before stands."""


class Guarded:
    """A file for the parser; it ends where it is larger than its limit, and where one string would fill the memory.

    `ended` says which, "" elsewhere.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._since_quote = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.ended = ""

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, as BinaryIO does; b"" from where it ends."""
        return self.text(size).encode() if size else b""

    def text(self, size: int) -> str:
        """What that many bytes say, what is not UTF-8 in them mended; "" from where it ends."""
        if self.ended:
            return ""
        try:
            part = self._source.read(size if size > 0 else 64 * 1024) or b""
        except Unusable as error:
            self.ended = str(error)
            return ""
        quote = _last_quote(part)
        self._since_quote = len(part) - 1 - quote if quote >= 0 else self._since_quote + len(part)
        if self._since_quote > _LONGEST_STRING:
            self.ended = "a single value in it is larger than 32 MiB"
            return ""
        whole = self._decoder.decode(part)
        return whole if whole or not part else self.text(64 * 1024)  # a part may end within its first character


def _last_quote(part: bytes) -> int:
    """Where the last quote stands that no backslash escapes, -1 where there is none."""
    found = part.rfind(b'"')
    while found > 0 and part[found - 1] == _BACKSLASH:
        found = part.rfind(b'"', 0, found)
    return found


def is_har(head: bytes) -> bool:
    """Whether a file that begins so is a HAR: a JSON object with `log` as a key of its own, and an object under it."""
    if not head.lstrip().startswith(b"{") or not _HAR_KEY.search(head):
        return False
    try:
        return any(prefix == "log" and event == "start_map" for prefix, event, _ in _parse(Guarded(io.BytesIO(head))))
    except Broken:
        return False


def entries(source: Guarded, on_message: Callable[[Message], None]) -> Iterator[Entry]:
    """The entries of a HAR in their order, as flat dicts of path to value; headers and parameters are lists of pairs.

    `on_message` is given each WebSocket message before the entry that it belongs to. Raises Broken where the JSON ends.
    """
    whole = Whole(source.text)
    for made in whole:
        for message in _messages(made):
            on_message(message)
        entry: Entry = {}
        _fill(entry, made, _ENTRY)
        yield entry
    left = _Behind(whole.rest, source)
    del whole  # it may be large
    yield from _by_events(left, on_message)


class _Behind:
    """A file that goes on in another."""

    def __init__(self, begin: str, source: Guarded) -> None:
        self._begin, self._source = begin.encode(), source

    def read(self, size: int = -1) -> bytes:
        """The beginning as one, then what the other gives; b"" where nothing is asked for, as parsers do first."""
        if not size:
            return b""
        begin, self._begin = self._begin, b""
        return begin or self._source.read(size)


def _messages(made: dict[str, Any]) -> Iterator[Message]:
    listed = made.get("_webSocketMessages")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            yield {part: _short(one[part]) for part in _OF_A_MESSAGE if not isinstance(one.get(part, {}), dict | list)}


def _fill(entry: Entry, inside: dict[str, Any], path: str) -> None:
    """Keep what is kept of a mapping that was made as a whole."""
    below = _BELOW[path]
    for key, value in inside.items():
        there = below.get(key)
        if there is None:
            continue
        if isinstance(value, dict):
            if there in _MAPPINGS:
                _fill(entry, value, there)
        elif isinstance(value, list):
            if there in _PAIRS_AT:
                entry[_PAIRS_AT[there]] = _plain_pairs(value) or _paired(value)
        elif kept := _VALUE_AT.get(there):
            entry[kept] = _short(value)


def _plain_pairs(listed: list[Any]) -> list[list[str]]:
    """Names and values as they nearly always are, [] elsewhere."""
    found: list[list[str]] = []
    for one in listed:
        name, value = (one.get("name"), one.get("value")) if isinstance(one, dict) else ("", "")
        if not isinstance(name, str) or not isinstance(value, str) or not 0 < len(name) <= LONGEST_VALUE - len(value):
            return []
        if found and not found[-1][1] and list(one).index("value") < list(one).index("name"):
            return []
        found.append([name, value])
    return found if len(found) < _MOST_PAIRS else []


def _paired(listed: list[Any]) -> list[list[str]]:
    """Names and values in whatever way they are written."""
    entry: dict[str, list[list[str]]] = {}
    for one in listed:
        for part, value in one.items() if isinstance(one, dict) else ():
            if part in _OF_A_PAIR and not isinstance(value, dict | list):
                _keep(entry, "", _OF_A_PAIR.index(part), value)
    return entry.get("", [])


def _by_events(source: Readable, on_message: Callable[[Message], None]) -> Iterator[Entry]:
    entry: Entry = {}
    message: Message = {}
    for path, event, value in _parse(source):
        if path in _PAIR_AT:
            _keep(entry, *_PAIR_AT[path], value)
        elif path in _VALUE_AT:
            entry[_VALUE_AT[path]] = _short(value)
        elif path in _MESSAGE_AT:
            message[_MESSAGE_AT[path]] = _short(value)
        elif event == "end_map" and path == _MESSAGE:
            on_message(message)
            message = {}
        elif event == "end_map" and path == _ENTRY:
            yield entry
            entry = {}


def _keep(entry: Entry, place: str, index: int, value: Any) -> None:
    """Names and values come one after the other, in either order; the second of a kind begins the next pair."""
    pairs = entry.setdefault(place, [])
    if not isinstance(value, str) or len(pairs) >= _MOST_PAIRS:
        return
    last = pairs[-1] if pairs else None
    if last is None or last[index] or (last[0] and last[1]):
        pairs.append(last := ["", ""])
    last[index] = _short(value)


def _short(value: Any) -> Any:
    return cut(value, LONGEST_VALUE) if isinstance(value, str) and len(value) > LONGEST_VALUE else value


def _parse(source: Readable) -> Iterator[tuple[str, str, Any]]:
    """The parser's events but `map_key`, each with its path, of what is kept and of _TOLD; all else is passed over.

    JSON that is broken in any way is Broken. The paths are made here because ijson's own grow with the square of the depth:
    nested deep enough, they fill the memory.
    """
    import ijson

    opened: list[str] = []  # where each list and mapping stands that is open
    here = ""
    every = ijson.basic_parse(source, use_float=True, buf_size=_PART_BYTES)
    events = islice(every, _MOST_VALUES)
    try:
        for event, value in events:
            if event == "map_key":
                here = _BELOW[opened[-1]].get(value, "")
                if not here:
                    _pass_over(events, len(opened))
            elif event in _STARTS:
                inside = _BELOW.get(here, {})
                if not inside or (event == "start_array" and "item" not in inside):
                    _leave(events, len(opened))
                    continue
                if here in _TOLD:
                    yield here, event, value
                opened.append(here)
                here = inside["item"] if event == "start_array" else here
            elif event in _ENDS:
                here = opened.pop()
                if here in _TOLD:
                    yield here, event, value
            else:
                yield here, event, value
        if next(every, None):
            raise Broken("it holds more values than are read")
    except (ijson.JSONError, ValueError, ArithmeticError, RecursionError):
        raise Broken("there its JSON breaks off, or is none") from None


def _pass_over(events: Iterator[tuple[str, Any]], depth: int) -> None:
    """Go past the value that comes next, so deep inside the file."""
    if next(events, ("", None))[0] in _STARTS:
        _leave(events, depth)


def _leave(events: Iterator[tuple[str, Any]], depth: int) -> None:
    """Go to the end of the list or mapping that has just been opened, so deep inside the file."""
    level = depth + 1
    for event, _ in events:
        if event == "map_key" or event == "string":
            continue
        level += _STEPS.get(event, 0)
        if level == depth:
            return
        if level > _DEEPEST:
            raise Broken(f"it is nested deeper than {_DEEPEST} levels")
