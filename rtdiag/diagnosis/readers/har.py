"""HAR files: what a browser's network log says of the requests to realtime paths, and of the tokens that went through it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from rtdiag.diagnosis.readers.channel_log import Channel
from rtdiag.diagnosis.readers.closes import from_json as close_of
from rtdiag.diagnosis.readers.event_lines import kind_of
from rtdiag.diagnosis.readers.forms import Draft, Reading, cut
from rtdiag.diagnosis.readers.har_exchange import Exchange
from rtdiag.diagnosis.readers.har_stream import Broken, Entry, Guarded, Message, entries
from rtdiag.diagnosis.readers.plain import parsed
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.diagnosis.readers.traffic import Traffic
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Limit, Readable

_APPEND = "input_audio_buffer.append"
_LONGEST_EVENT = 64 * 1024
_CLOSE_FRAME = 8

MOST_ENTRIES = 100_000
FILE = Limit(512 * 1024 * 1024, "export fewer requests", unpacks=True)


def read_har(source: Readable, name: str, learner: Learner) -> Reading:
    """The failed and suspicious exchanges of a HAR, which is read as a stream."""
    file = Guarded(source)
    traffic, socket = Traffic("HAR", learner), _Socket(learner)
    broken = ""
    try:
        for entry in entries(file, socket.message):
            _take(traffic, entry, socket, learner)
            if traffic.count == MOST_ENTRIES:
                broken = "no more are read"
                break
    except Broken as error:
        broken = file.ended or str(error)
    if broken and not traffic.count:
        raise Unreadable(f"{name} is a HAR that cannot be read ({broken}): export it again")
    return traffic.reading(broken)


def _take(traffic: Traffic, entry: Entry, socket: _Socket, learner: Learner) -> None:
    channel, error = socket.passed()
    traffic.take(Exchange(traffic.count + 1, entry, learner, said=error), channel)


class _Socket:
    """The messages of the entry that is being read: a channel's events, and what the browser says went wrong."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._clear()

    def _clear(self) -> None:
        self._channel, self._error = Channel(), ""

    def passed(self) -> tuple[Channel, str]:
        """The channel and the browser's error; the next entry's messages begin anew."""
        found = self._channel, self._error
        if self._channel.events or self._error:
            self._clear()
        return found

    def message(self, message: Message) -> None:
        """Take in one message."""
        data = message.get("data")
        if not isinstance(data, str):
            return
        if message.get("type") == "error":
            self._error = self._error or data[:1000]
            return
        sent = message.get("type") in ("send", "sent", "outgoing")
        if sent and _APPEND in data[:300] + data[-300:]:
            self._channel.feed({"type": _APPEND}, "", True, "")
            return
        value = parsed(data)
        if kind_of(value):
            self._learner.value(value)
            self._channel.feed(value, cut(data, _LONGEST_EVENT), sent, "")
        elif message.get("opcode") == _CLOSE_FRAME or close_of(value):
            self._channel.close(_close(data, value), "")


def _close(data: str, value: Any) -> Draft:
    """A close as JSON, as `4000 reason`, or as the frame itself, also in base64: two bytes and the reason (RFC 6455, 5.5.1)."""
    if told := close_of(value):
        return told
    if written := re.match(r"\s{0,8}([134]\d{3})\b", data):
        return Draft(data[:1000], status=int(written.group(1)))
    for frame in (data.encode("latin-1", "replace"), _unpacked(data)):
        code = int.from_bytes(frame[:2], "big")
        if 1000 <= code < 5000:
            return Draft(f"{code} {frame[2:].decode('utf-8', 'replace')}"[:1000].strip(), status=code)
    return Draft(data[:1000])


def _unpacked(data: str) -> bytes:
    try:
        return base64.b64decode(data[:1000], validate=True)
    except (binascii.Error, ValueError):
        return b""
