"""What differs between any two answers of one server (ids, tokens, times, addresses), evened out; and the rest compared."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeGuard

from rtdiag.api.expressions import expression

# Placeholders of a message, in this order; ids by their prefixes as in record 69522944037 (2026-09-18).
_NAMES: tuple[tuple[re.Pattern[str], str], ...] = (
    (expression(r"(?<![\w-])[\w-]*\*{4,}[\w-]*|\b(?:sk-|ek_)[\w-]+"), "<credential>"),
    (expression(r"\b(?:req|sess|event|rtc|item|resp|call|conv)_\w+"), "<id>"),
)
_IN_TEXT = (
    *_NAMES,
    (expression(r"\b(?:gpt|whisper)-[\w.-]*\w"), "<model>"),
    (expression(r"\b\d+(?:\.\d+)?"), "<n>"),
)
_ID = expression(r"(req|sess|event|rtc|item|resp|call|conv)_\w{8,}$")
_TOKEN = expression(r"(ek_)?([\w*-]{16,})$")

# Times in bodies are compared as times, not as numbers; when something was made says nothing of how the server behaves.
_TIMES = frozenset({"expires_at"})
_IGNORED = frozenset({"created", "created_at"})
TIME_TOLERANCE_S = 5

# Beyond is no time but what a server may send all the same (Infinity, NaN, more digits than a float holds).
_LAST_TIME_S = 1e12

# What stands deeper in a JSON value is not looked at: the API's own bodies and events go about ten deep.
_DEEPEST = 50
LONGEST_TEXT = 400
_LONGEST_BRIEF, _SHOWN_BEFORE = 120, 20

# `GET /models` of an account lists every model; only these are about the Realtime API.
_REALTIME_MODEL = expression(r"realtime|transcribe|whisper|gpt-live")

# What an SDP line is reduced to, first match wins; "" drops it. The number of candidates is that of the server's addresses.
_SDP: tuple[tuple[re.Pattern[str], str], ...] = (
    (expression(r"o=.*|c=.*|a=rtcp:.*|a=candidate:.* typ relay.*"), ""),
    (expression(r"m=(\S+) \d+ (.*)"), r"m=\1 \2"),
    (expression(r"a=candidate:\S+ \d+ (\S+) .* typ (\S+).*", re.IGNORECASE), r"a=candidate … \1 … typ \2"),
    (expression(r"a=fingerprint:(\S+) .*"), r"a=fingerprint:\1 …"),
    (expression(r"a=(ice-ufrag|ice-pwd|ssrc|ssrc-group|msid):?.*"), r"a=\1:…"),
    (expression(r"a=sctpmap:(\d+) .*"), r"a=sctpmap:\1 …"),
)
_ONCE = ("a=candidate", "a=ssrc:", "a=fingerprint")


def text(message: str | None) -> str | None:
    """A message with its credentials, ids, models and numbers as placeholders."""
    for pattern, placeholder in _IN_TEXT if message else ():
        message = pattern.sub(placeholder, message or "")
    return message


def unnamed(message: str) -> str:
    """A text with its credentials and ids as placeholders; models and numbers stay."""
    for pattern, placeholder in _NAMES:
        message = pattern.sub(placeholder, message)
    return message


def differing(there: Any, here: Any, now_s: float, later_s: float = 0.0) -> Iterator[tuple[str, str, str]]:
    """Where two JSON values differ: the dotted path, what stands there, and what here.

    `now_s` is when `there` was answered, in unix seconds, and `later_s` how much later `here` was.
    """
    yield from _differing(_shallow(there), _earlier(_shallow(here), later_s), now_s, "")


def _differing(there: Any, here: Any, now_s: float, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(there, dict) and isinstance(here, dict) and not (path and there.get("type") != here.get("type")):
        if there.get("object") == here.get("object") == "list":
            there, here = _models_by_id(there), _models_by_id(here)
        for name in sorted((there.keys() | here.keys()) - _IGNORED):
            below = f"{path}.{name}" if path else name
            if name not in there or name not in here:
                yield below, _member(there, name, now_s), _member(here, name, now_s)
            elif not (name in _TIMES and _same_time(there[name], here[name])):
                yield from _differing(there[name], here[name], now_s, below)
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for index, (one, other) in enumerate(zip(there, here, strict=True)):
            yield from _differing(one, other, now_s, f"{path}[{index}]")
    elif _evened(there) != _evened(here) or isinstance(there, bool) != isinstance(here, bool):
        name = path.rpartition(".")[2]
        if name in _TIMES:
            yield path, _shown(there, name, now_s), _shown(here, name, now_s)
        else:
            yield path, *briefs(_evened(there), _evened(here))


def sdp(description: str) -> Counter[str]:
    """The lines of a description by section (`audio a=setup:active`), each reduced to its shape, and counted."""
    lines: Counter[str] = Counter()
    section = "session"
    for line in description.splitlines():
        if line.startswith("m="):
            section = line[2:].partition(" ")[0]
        for pattern, shape in _SDP:
            if found := pattern.fullmatch(line):
                line = found.expand(shape)
                break
        if line:
            key = f"{section} {line}"
            lines[key] = 1 if line.startswith(_ONCE) else lines[key] + 1
    return lines


def brief(value: Any) -> str:
    """A JSON value in at most 120 characters."""
    return cut(json.dumps(_shallow(value), ensure_ascii=False, default=str), _LONGEST_BRIEF)


def briefs(one: Any, other: Any) -> tuple[str, str]:
    """Two values that differ, each in at most 120 characters; where they begin alike, from shortly before they differ."""
    texts = [json.dumps(_shallow(value), ensure_ascii=False, default=str) for value in (one, other)]
    alike = next((at for at, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
    begin = alike - _SHOWN_BEFORE if alike >= _LONGEST_BRIEF - _SHOWN_BEFORE else 0
    first, second = (cut(f"…{text[begin:]}" if begin else text, _LONGEST_BRIEF) for text in texts)
    return first, second


def cut(words: str, longest: int = LONGEST_TEXT) -> str:
    """A text in at most so many characters."""
    return words if len(words) <= longest else words[: longest - 1] + "…"


def is_time(value: Any) -> TypeGuard[float]:
    """Whether this is a number that can be unix seconds."""
    return isinstance(value, int | float) and abs(value) < _LAST_TIME_S


def _models_by_id(listed: dict[str, Any]) -> dict[str, Any]:
    data = listed.get("data")
    found = {str(m.get("id")): m for m in (data if isinstance(data, list) else ()) if isinstance(m, dict)}
    return {k: {"shutdown_date": m.get("shutdown_date")} for k, m in found.items() if _REALTIME_MODEL.search(k)}


def _earlier(value: Any, seconds: float) -> Any:
    """A value whose times are as if it had been answered so much earlier; 0, which is no time, stays."""
    if isinstance(value, list):
        return [_earlier(v, seconds) for v in value] if seconds else value
    if not isinstance(value, dict) or not seconds:
        return value
    return {k: v - seconds if k in _TIMES and is_time(v) and v else _earlier(v, seconds) for k, v in value.items()}


def _same_time(there: Any, here: Any) -> bool:
    return is_time(there) and is_time(here) and abs(there - here) <= TIME_TOLERANCE_S


def _member(holder: dict[str, Any], name: str, now_s: float) -> str:
    return _shown(holder[name], name, now_s) if name in holder else "absent"


def _shown(value: Any, name: str, now_s: float) -> str:
    if name in _TIMES and is_time(value) and value:
        return f"{value - now_s:+.0f} s from then"
    return brief(_evened(value))


def _shallow(value: Any, depth: int = _DEEPEST) -> Any:
    """A JSON value with what stands deeper left out, so that no server can exhaust the stack."""
    if not isinstance(value, dict | list | tuple):
        return value
    if not depth:
        return "…"
    if isinstance(value, dict):
        return {k: _shallow(v, depth - 1) for k, v in value.items()}
    return [_shallow(v, depth - 1) for v in value]


def _evened(value: Any) -> Any:
    """A value whose ids and tokens, wherever they are, are reduced to their look."""
    if isinstance(value, dict):
        return {k: _evened(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_evened(v) for v in value]
    if not isinstance(value, str):
        return value
    if found := _ID.match(value):
        return f"{found[1]}_…"
    if (found := _TOKEN.match(value)) and (found[1] or "*" in value):
        return f"{found[1] or ''}… ({len(value)} characters)"
    return value
