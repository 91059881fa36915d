"""A HAR as a stream: one entry at a time, holding only the fields that a diagnosis needs, whatever the file's size."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

from rtdiag.diagnosis.readers.forms import cut
from rtdiag.intake import Readable, Unusable

# The paths of an entry that are kept; of `_webSocketMessages` each is handed on as soon as it is read.
_ENTRY = "log.entries.item"
_MESSAGES = "_webSocketMessages.item."
_WITHIN = len(_ENTRY) + 1
_MESSAGE = f"{_ENTRY}.{_MESSAGES}"[:-1]
_KEPT = re.compile(
    r"(?:startedDateTime|_error|_failureText|_blockedReason|_resourceType|request\.(?:method|url|headers\.item\.(?:name|value))"
    r"|request\.postData\.(?:text|mimeType|params\.item\.(?:name|value))"
    r"|response\.(?:status|statusText|_error|_failureText|_errorMessage|redirectURL|headers\.item\.(?:name|value)|content\.(?:text|encoding)))\Z"
)
_SCALARS = frozenset({"string", "number", "boolean", "null"})

LONGEST_VALUE = 1024 * 1024
_LONGEST_STRING = 32 * 1024 * 1024
_MOST_PAIRS = 1000
_LONGEST_KEY = 200
_DEEPEST = 200
_MOST_VALUES = 30_000_000
_PART_BYTES = 256 * 1024  # the parser looks at a long string again with every part
_HAR_KEY = re.compile(rb'"(?:entries|creator|browser|pages)"')
_QUOTE = re.compile(rb'(?<!\\)"')

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
        if size == 0 or self.ended:
            return b""
        try:
            part = self._source.read(size if size > 0 else 64 * 1024) or b""
        except Unusable as error:
            self.ended = str(error)
            return b""
        quotes = list(_QUOTE.finditer(part))
        self._since_quote = len(part) - quotes[-1].end() if quotes else self._since_quote + len(part)
        if self._since_quote > _LONGEST_STRING:
            self.ended = "a single value in it is larger than 32 MiB"
            return b""
        return self._mended(part) if part else b""

    def _mended(self, part: bytes) -> bytes:
        """The same without bytes that are not UTF-8; more is read where the part ends within its first character."""
        text = self._decoder.decode(part)
        return text.encode("utf-8") if text else self.read(64 * 1024)


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
    entry: Entry = {}
    message: Message = {}
    for prefix, event, value in _parse(source):
        if not prefix.startswith(_ENTRY):
            continue
        if event in _SCALARS:
            path = prefix[_WITHIN:]
            if path.startswith(_MESSAGES):
                message[path[len(_MESSAGES) :]] = _short(value)
            elif _KEPT.match(path):
                _keep(entry, path, value)
        elif event == "end_map" and prefix == _MESSAGE:
            on_message(message)
            message = {}
        elif event == "end_map" and prefix == _ENTRY:
            yield entry
            entry = {}


def _keep(entry: Entry, path: str, value: Any) -> None:
    if ".item." not in path:
        entry[path] = _short(value)
        return
    place, _, part = path.partition(".item.")
    pairs = entry.setdefault(place, [])
    if isinstance(value, str) and len(pairs) < _MOST_PAIRS:
        _pair(pairs, part, _short(value))


def _pair(pairs: list[list[str]], part: str, value: str) -> None:
    """Names and values come one after the other, in either order; the second of a kind begins the next pair."""
    index = 0 if part == "name" else 1
    if not pairs or pairs[-1][index] or (pairs[-1][0] and pairs[-1][1]):
        pairs.append(["", ""])
    pairs[-1][index] = value


def _short(value: Any) -> Any:
    return cut(value, LONGEST_VALUE) if isinstance(value, str) else value


def _parse(source: Guarded) -> Iterator[tuple[str, str, Any]]:
    """The parser's events but `map_key`, with their paths as `ijson.parse` gives them; JSON that is broken in any way is Broken.

    The paths are made here because ijson's own grow with the square of the depth: nested deep enough, they fill the memory.
    """
    import ijson

    opened: list[str] = []  # where each list and mapping stands that is open
    here = ""
    try:
        for number, (event, value) in enumerate(ijson.basic_parse(source, use_float=True, buf_size=_PART_BYTES)):
            if event == "map_key":
                here = f"{opened[-1]}.{value[:_LONGEST_KEY]}" if opened[-1] else value[:_LONGEST_KEY]
                continue
            if event.startswith("end"):
                here = opened.pop()
            yield here, event, value
            if event.startswith("start"):
                opened.append(here)
                if event == "start_array":
                    here = f"{here}.item" if here else "item"
            if len(opened) > _DEEPEST:
                raise Broken(f"it is nested deeper than {_DEEPEST} levels")
            if number >= _MOST_VALUES:
                raise Broken("it holds more values than are read")
    except (ijson.JSONError, ValueError, ArithmeticError, RecursionError):
        raise Broken("there its JSON breaks off, or is none") from None
