"""From bytes to text: how much is read at all, in which encoding it is, and what is no text."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from rtdiag.diagnosis.situation import Unreadable

LARGEST_BYTES = 16 * 1024 * 1024
MOST_LINES = 1_000_000
HEAD_BYTES = 64 * 1024

# Colours and cursor movements of a terminal, as they stand in what was copied from one.
_TERMINAL = re.compile(r"\x1b\[[0-9;?]{0,20}[ -/]{0,4}[@-~]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f]")

# How a run's table begins, and a comparison with the emulator. Inside a longer text they may stand.
_OWN = re.compile(
    r"\s*(?:rtdiag asks about .*\n)?(?:rtdiag: .*\n)*(?:EMULATOR \(as of .*\n)?asked http\S+ \("
    r"|\s*# .{1,300}, and rtdiag's emulator as of "
)

# How files begin that are no text, and what to do with them.
_KNOWN: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "it is compressed with gzip: unpack it first"),
    (b"PK\x03\x04", "it is a ZIP archive: unpack it first"),
    (b"\x89PNG", "it is a picture: copy the text of the error instead"),
    (b"\xff\xd8\xff", "it is a picture: copy the text of the error instead"),
    (b"%PDF", "it is a PDF: copy the text of the error instead"),
)


def rest(head: bytes, source: BinaryIO, name: str) -> bytes:
    """All bytes of a source whose first are `head`. Unreadable beyond LARGEST_BYTES, of which no more is read."""
    parts, size = [head], len(head)
    while size <= LARGEST_BYTES and (part := source.read(min(1024 * 1024, LARGEST_BYTES + 1 - size))):
        parts.append(part)
        size += len(part)
    if size > LARGEST_BYTES:
        limit = LARGEST_BYTES // 1024 // 1024
        raise Unreadable(f"{name} is larger than {limit} MiB, and no HAR: give the part around the error")
    return b"".join(parts)


def as_text(raw: bytes, name: str) -> str:
    """The text, with newlines as \\n and without terminal colours. Unreadable where there is none."""
    if not raw.strip():
        raise Unreadable(f"{name} is empty: give an error body, a console paste, a HAR, a log or a description")
    text = _TERMINAL.sub("", _decoded(raw, name)).lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise Unreadable(f"{name} holds nothing but blanks: give the text of the error")
    if _OWN.match(text):
        raise Unreadable(
            f"{name} is what rtdiag itself printed: it names its causes, and `rtdiag explain CODE` tells more of one; "
            "to have a run judged again, give its JSON (-o json)"
        )
    if text.count("\n") > MOST_LINES:
        raise Unreadable(f"{name} has more than {MOST_LINES} lines: give the part around the error")
    return text


def refuse_binary(raw: bytes, name: str) -> None:
    """Raise Unreadable where these first bytes are those of a file that holds no text."""
    known = next((what for magic, what in _KNOWN if raw.startswith(magic)), None)
    if known:
        raise Unreadable(f"{name} is binary: {known}")
    if b"\0" in raw and not raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(f"{name} is binary: give text, in UTF-8")


def _decoded(raw: bytes, name: str) -> str:
    refuse_binary(raw, name)
    for text in (_utf8(raw), _utf16(raw), _one_byte(raw, "cp1252"), _one_byte(raw, "latin-1")):
        if text is not None and _mostly_printable(text):
            return text
    raise Unreadable(f"{name} is binary, or in an encoding that is not known here: save it as UTF-8")


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:  # a copy that ends within a character is still UTF-8
        ends_early = error.start >= len(raw) - 3 and error.start > 0
        return raw[: error.start].decode("utf-8-sig") if ends_early else None


def _utf16(raw: bytes) -> str | None:
    if not raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    return raw.decode("utf-16", "replace")


def _one_byte(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _mostly_printable(text: str) -> bool:
    return "\0" not in text and len(_UNPRINTABLE.findall(text)) * 50 <= len(text)
