"""The HTTP answers of a recording beside the emulator's: status, headers, JSON, SDP line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.compare.recording.ids import ID, form
from rtdiag.compare.recording.order import sequences
from rtdiag.compare.recording.playing import Answer
from rtdiag.compare.recording.recording import Exchange
from rtdiag.compare.recording.values import Circumstances, Unlike, differing
from rtdiag.intake import Unusable, json_of

# What the recorder of the live traffic left out, so that nothing follows from its absence.
_NOT_STORED = expression(
    r"x-.*|cf-.*|anthropic-.*|authorization|cookie|set-cookie|date|server|via|user-agent|request-id|api-key"
    r"|openai-(organization|project)"
)
# Values that are of the one answer, not of the API: only whether they look alike is compared.
_OF_THE_ANSWER = expression(r"\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_IP = r"(?:\d+\.){3}\d+|[0-9a-fA-F]*:[0-9a-fA-F:]+"
# What a line of SDP is reduced to, the first that fits: numbers, names and keys that are drawn for one call.
_DRAWN: tuple[tuple[re.Pattern[str], str], ...] = (
    (expression(r"o=(\S+) \d+ \d+ (.*)"), r"o=\1 <session> <version> \2"),
    (expression(r"a=fingerprint:(\S+) .*"), r"a=fingerprint:\1 <digest>"),
    (
        expression(rf"a=candidate:\S+ (\d+) (\S+) (\d+) (?:{_IP}) \d+ (.*?)( ufrag )?(?(5)\S+)"),
        r"a=candidate:<foundation> \1 \2 \3 <address> <port> \4\5",
    ),
    (expression(r"a=ssrc:\d+ (.*)"), r"a=ssrc:<ssrc> \1"),
)


def answers(exchange: Exchange, here: Answer, of: Circumstances) -> Iterator[Unlike]:
    """What differs between two answers to the same request."""
    there, place = exchange.response, _place(exchange)
    if there.status != here.status:
        yield Unlike(f"{place} status", "status", str(there.status), f"{here.status} {here.body[:200]}")
        return
    if there.headers:
        yield from _headers(there.headers, here.headers, place)
    yield from _bodies(there.body, here.body, place, of)


def _place(exchange: Exchange) -> str:
    path = exchange.request.url.partition("?")[0].partition("/realtime")[2]
    return f"{exchange.request.method} /realtime{ID.sub('<id>', path)}"


def _headers(there: Mapping[str, str | Sequence[str]], here: Sequence[tuple[str, str]], place: str) -> Iterator[Unlike]:
    one = {k.lower(): [v] if isinstance(v, str) else list(v) for k, v in there.items()}
    other: dict[str, list[str]] = {}
    for name, value in here:
        if not _NOT_STORED.fullmatch(name.lower()):
            other.setdefault(name.lower(), []).append(value)
    for name in one.keys() - other.keys():
        yield Unlike(f"{place} header {name}", "missing", ", ".join(one[name]), "absent")
    for name in other.keys() - one.keys():
        yield Unlike(f"{place} header {name}", "more", "absent", ", ".join(other[name]))
    for name in one.keys() & other.keys():
        values = [[_look(v) for v in each[name]] for each in (one, other)]
        if values[0] != values[1]:
            yield Unlike(f"{place} header {name}", "value", *(" | ".join(each) for each in values))


def _look(value: str) -> str:
    """A header's value with ids by their form."""
    return "<drawn>" if _OF_THE_ANSWER.fullmatch(value) else ID.sub(lambda found: form(found[0]), value)


def _bodies(there: Mapping[str, Any] | None, here: str, place: str, of: Circumstances) -> Iterator[Unlike]:
    if not there:
        if here:
            yield Unlike(f"{place} body", "more", "absent", here[:120])
    elif "json" in there:
        try:
            value = json_of(here)
        except Unusable:
            yield Unlike(f"{place} body", "form", "JSON", here[:120])
            return
        yield from differing(there["json"], value, f"{place} body", of)
    elif str(there.get("text", "")).startswith("v="):
        yield from _descriptions(there["text"], here, f"{place} sdp")
    elif str(there.get("text", "")) != here:
        yield Unlike(f"{place} body", "value", str(there.get("text"))[:120], here[:120])


def _descriptions(there: str, here: str, place: str) -> Iterator[Unlike]:
    """Line by line: what is missing, what is more, what stands at another place."""
    if there.endswith("\r\n") != here.endswith("\r\n"):
        yield Unlike(f"{place} the last line's end", "form", repr(there[-2:]), repr(here[-2:]))
    yield from sequences(_lines(there), _lines(here), f"{place} ")


def _lines(description: str) -> list[str]:
    """Each with the section that it is in; what is alike, such as candidates, once."""
    lines: dict[str, None] = {}
    section = "session"
    for line in description.splitlines():
        if line.startswith("m="):
            section = line[2:].partition(" ")[0]
        for pattern, shape in _DRAWN:
            if found := pattern.fullmatch(line):
                line = found.expand(shape)
                break
        if line.startswith(("a=ice-pwd:", "a=ice-ufrag:")):
            name, _, drawn = line.partition(":")  # the mask would hide what follows `ice-pwd:`
            line = f"{name} <{'/'.join(str(len(part)) for part in drawn.split('/'))} characters>"
        lines[f"{section} {line}"] = None
    return list(lines)
