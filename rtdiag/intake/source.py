"""From a name to text: what may be opened, how much of it is read, and in which encoding it is."""

from __future__ import annotations

import codecs
import os
import select
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

from rtdiag.intake.limits import Limit, Unusable

_BOM = codecs.BOM_UTF8
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_AT_ONCE_BYTES = 1 << 20
# Whoever wants to write into a pipe has opened it when we do, or does so in this time.
_WRITER_COMES_S = 1.0

_GZIP = b"\x1f\x8b"
# How files begin that are no text, and what to do with them.
_KNOWN: tuple[tuple[bytes, str], ...] = (
    (_GZIP, "it is compressed with gzip: unpack it first"),
    (b"PK\x03\x04", "it is a ZIP archive: unpack it first"),
    (b"\x89PNG", "it is a picture: copy the text of the error instead"),
    (b"\xff\xd8\xff", "it is a picture: copy the text of the error instead"),
    (b"%PDF", "it is a PDF: copy the text of the error instead"),
)


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes | None:
        """At most so many of them, b"" at the end."""


class Source:
    """An open input as UTF-8, whichever encoding its byte order mark names, and without that mark.

    Reading raises Unusable beyond the limit, of which no more than one byte is read, and OSError where the input fails.
    """

    def __init__(self, stream: Readable, limit: Limit) -> None:
        self._stream, self._limit = stream, limit
        self._left_bytes = limit.most_bytes
        self._ahead = bytearray()
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begin()

    def peek(self, size: int) -> bytes:
        """The first bytes of what is still to be read; a pipe may give them in smaller parts."""
        while len(self._ahead) < size and (part := self._next(size - len(self._ahead))):
            self._ahead += part
        return bytes(self._ahead[:size])

    def read(self, size: int) -> bytes:
        """Some of the bytes that come next, mostly no more than `size`; b"" at the end."""
        if self._ahead:
            part = bytes(self._ahead[:size])
            del self._ahead[:size]
            return part
        return self._next(size)

    def rest(self) -> bytes:
        """All that is still to be read."""
        while part := self._next(_AT_ONCE_BYTES):
            self._ahead += part
        found = bytes(self._ahead)
        self._ahead.clear()
        return found

    def text(self) -> str:
        """All of it as text. Unusable where it is none."""
        raw = self.rest()
        if why := no_text(raw):
            raise Unusable(why)
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise Unusable(f"it is not UTF-8 text (byte {error.start}): save it as UTF-8") from None
        if self._decoder and "\ufffd" in text:
            raise Unusable("it is broken as UTF-16 text: save it as UTF-8")
        return text

    def _begin(self) -> None:
        """Take off the byte order mark; there are files with several."""
        head = self._head()
        if head == _GZIP and self._limit.unpacks:
            self._stream = _Unpacked(self._stream, head)
            self._left_bytes += len(head)
            head = self._head()
        if head in _UTF_16:
            self._decoder = codecs.getincrementaldecoder(_UTF_16[head])("replace")
        else:
            self._ahead += head
        while self.peek(len(_BOM)) == _BOM:
            del self._ahead[: len(_BOM)]

    def _head(self) -> bytes:
        """The first two bytes, or as many as there are."""
        head = b""
        while len(head) < 2 and (part := self._taken(2 - len(head))):
            head += part
        return head

    def _next(self, size: int) -> bytes:
        part = self._taken(min(size, _AT_ONCE_BYTES))
        if self._decoder is None:
            return part
        text = self._decoder.decode(part, final=not part)
        return text.encode() or (self._next(size) if part else b"")

    def _taken(self, size: int) -> bytes:
        part = self._stream.read(min(size, self._left_bytes + 1)) or b""
        self._left_bytes -= len(part)
        if self._left_bytes < 0:
            raise Unusable(self._limit.line)
        return part


class _Unpacked:
    """What was compressed with gzip, never more of it than is asked for; it ends where the file does."""

    def __init__(self, stream: Readable, head: bytes) -> None:
        self._stream, self._packed = stream, head
        self._inside = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._begun = False

    def read(self, size: int) -> bytes:
        """As BinaryIO does. Raises Unusable where it is no gzip after all."""
        while True:
            self._begun |= self._inside.eof
            if self._inside.eof:  # a file may be several, one after the other
                self._packed, self._inside = self._inside.unused_data, zlib.decompressobj(zlib.MAX_WBITS | 16)
            packed = self._packed or self._stream.read(_AT_ONCE_BYTES) or b""
            if not packed and self._begun:
                return b""
            try:
                part = self._inside.decompress(packed, size) if packed else b""
            except zlib.error:
                packed = b""
            if not packed:
                raise Unusable("it is compressed with gzip and broken: save it again")
            self._packed = self._inside.unconsumed_tail
            if part:
                self._begun = True
                return part


@contextmanager
def opened(name: str, limit: Limit) -> Iterator[Source]:
    """The file of that name, or a pipe; `-` is standard input. Raises Unusable, also in place of an OSError while it is read."""
    try:
        if name == "-":
            yield Source(_standard_input(), limit)
        else:
            with _stream(name) as stream:
                yield Source(stream, limit)
    except OSError as exc:
        raise Unusable(why(exc)) from None


def text_of(name: str, limit: Limit) -> str:
    """The text of that file, in UTF-8 or UTF-16; `-` is standard input. Raises Unusable."""
    with opened(name, limit) as source:
        return source.text()


def no_text(raw: bytes) -> str:
    """Why these first bytes are those of an input that holds no text, and what to do; "" where they may hold some."""
    known = next((what for magic, what in _KNOWN if raw.startswith(magic)), "")
    return known or ("it is binary: give text, in UTF-8" if b"\0" in raw else "")


def called(name: str) -> str:
    """What a person calls the input of that name."""
    return "standard input" if name == "-" else name


def why(exc: OSError) -> str:
    """What the system says of a file that cannot be read."""
    return exc.strerror or "it cannot be read"


def _standard_input() -> BinaryIO:
    if sys.stdin is None:  # the caller closed it
        raise Unusable("it is closed: give a file")
    return sys.stdin.buffer


@contextmanager
def _stream(name: str) -> Iterator[Readable]:
    """Devices may never end, and some do things when they are opened."""
    try:
        mode = os.stat(name).st_mode
    except ValueError:
        raise Unusable("no file can be called so") from None
    if stat.S_ISFIFO(mode):
        yield from _piped(name)
    elif stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        with open(name, "rb") as file:
            yield file
    else:
        raise Unusable("it is a device, not a file: give a file, or - for standard input")


def _piped(name: str) -> Iterator[Readable]:
    handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield _Pipe(handle)
    finally:
        os.close(handle)


class _Pipe:
    """A pipe, which is waited for as long as somebody has it open to write."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._held = False

    def read(self, size: int) -> bytes:
        """As BinaryIO does. Raises Unusable where nobody comes to write."""
        waited = self._held
        while True:
            try:
                part = os.read(self._handle, size)
            except BlockingIOError:
                self._held = waited = True
                select.select([self._handle], [], [])
                continue
            if part or self._held:
                self._held = True
                return part
            if waited:
                raise Unusable("nobody writes into that pipe")
            select.select([self._handle], [], [], _WRITER_COMES_S)
            waited = True
