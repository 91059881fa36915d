"""A rule about handlers: names of events that the API never sends, or does not send any more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.flaws import Hit, names
from rtdiag.diagnosis.code.literals import arguments, resolve
from rtdiag.diagnosis.code.source_text import Source
from rtdiag.diagnosis.code.wire import official

_STRING = r"(?P<quote>[\"'])(?P<name>[a-z][a-z0-9_.]{2,80})(?P=quote)"
_TYPE = r"(?<![\w$])(?P<of>[A-Za-z_$][\w$]*)(?:\??\.type|\[[\"']type[\"']\]|\.get\(\s*[\"']type[\"'](?:\s*,\s*[^()\n]{0,20})?\))"
_COMPARED = expression(rf"{_TYPE}\s*[=!]==?\s*{_STRING}")
_COMPARED_BACK = expression(rf"{_STRING}\s*[=!]==?\s*{_TYPE}")
# A variable that holds the type: any name, since nothing but an event is called so.
_VARIABLE = expression(
    r"(?<![\w$.\])])[A-Za-z_]\w{0,40}\s*[=!]==?\s*(?P<quote>[\"'])(?P<name>[a-z_]{2,40}\.[a-z0-9_.]{2,60})(?P=quote)"
)
# Where a name that no other interface has is waited for, in any language: what stands before it, and behind it in a table.
_AWAITED = expression(
    r"(?:[=!]==?|\|\||\b(?:case|when|in|is)|\b(?:equals\w*|on(?:[A-Z_]\w*)?|once|off|add\w*Listener|add_listener|register\w*|subscribe|on_event|includes|has|"
    r"contains|HasPrefix)\s*\()\s*[\[({]*\s*\Z"
)
_IN_LIST = expression(r"[\[({,]\s*\Z")
_IN_TABLE = expression(r"\s*\]?\s*(?::(?!:)|=>|->|to\b)\s*(?P<value>[^\n]*)")
_GOES_ON = expression(r"\s*(?:[,\])}]|\Z)")
_CASE = expression(rf"\bcase\s+{_STRING}\s*:")
_ON = expression(rf"\.(?:on|once|addListener)\s*\(\s*{_STRING}\s*,")
_SWITCH = expression(
    r"\b(?:switch\s*\([^(){}]{0,80}\btype\W{0,4}\)|match\s+[^\n:]{0,80}\btype\b[^\n:]{0,10}:)|\bswitch\s*\(\s*\w*[tT]ype\s*\)"
)
# What an event is called in a handler; `session.type` and `item.type` are other things and are never an event's.
_EVENT_NAMES = expression(
    r"(?i)(?:m|msg|message|e|ev|evt|event|data|payload|parsed|json|obj|response|resp|update|\w*(?:event|message|msg))\Z"
)
_MOST = 1000  # names that one file handles
_BARE = expression(r"[a-z_]+\Z")
_OTHER_LISTENERS = expression(
    r"socket\.io|\bio\(|EventSource|postMessage|FastAPI|websockets\.serve|WebSocketServer|chrome\.runtime|BroadcastChannel|"
    r"\.accept\(|new Worker|twilio|\bSSE\b",
    re.I,
)
_OTHER_APIS = expression(r"/v1/live\b|\bgpt-live-1\b|realtime-api-beta\b")


def find(source: Source) -> Iterator[Hit]:
    """Comparisons, cases and listeners that wait for an event which never comes."""
    if _OTHER_APIS.search(source.code):
        return
    found = list(islice(_handled(source), _MOST))
    handled = {name for _, name, _ in found}
    alone = _listens_here(source) and not _OTHER_LISTENERS.search(source.code)
    for at, name, of in found:
        meant = _meant(name)
        if not meant or meant in handled or (of and not _EVENT_NAMES.match(of)) or (_BARE.match(name) and not alone):
            continue  # a name without dots can be a message of the user's own server, unless nothing but the API is listened to
        rule = "event-renamed" if name in names().renamed else "event-unknown"
        line = source.edited(at, at, [(at, at + len(name), meant)])
        yield Hit(rule, at, line, {"name": name, "meant": meant}, name == "conversation.item.created")


def _handled(source: Source) -> Iterator[tuple[int, str, str]]:
    """Every name that code waits for: where it stands, the name, and what its `type` is read from ("" where not told)."""
    for pattern in (_COMPARED, _COMPARED_BACK, _VARIABLE, _CASE, _ON):
        for found in pattern.finditer(source.code):
            if source.string_at(found.start()) and pattern is not _COMPARED_BACK:
                continue  # this is text, not code
            if pattern is _CASE and not _switches_on_type(source, found.start()):
                continue
            yield found.start("name"), found["name"], found.groupdict().get("of") or ""
    for at, name in source.texts:
        if (name in names().renamed and _is_awaited(source, at, at + len(name))) or name in names().server:
            yield at, name, ""


def _is_awaited(source: Source, start: int, end: int) -> bool:
    """Whether code waits for the name between its quotes here: by a comparison, in a list, a set, a table or an arm."""
    span = source.string_at(start)
    if span is None:
        return False
    before = source.code[max(0, span.start - 60) : span.start]
    table = _IN_TABLE.match(source.code, span.end)
    if _AWAITED.search(before):
        return True
    opened = source.enclosing(span.start)
    if table:
        arm = not before.rstrip(" \t")[-1:].strip() or before.rstrip()[-1:] in ("{", ",", "[")
        return arm and not table["value"].rstrip().endswith(";")
    listed = (opened is not None and source.bare[opened] in "[{") or before.rstrip().endswith("{")
    return listed and bool(_IN_LIST.search(before)) and bool(_GOES_ON.match(source.code, span.end))


def _switches_on_type(source: Source, at: int) -> bool:
    if source.language != "Python":
        opened = source.enclosing(at, "{")
        return opened is not None and bool(_SWITCH.search(source.bare, max(0, opened - 120), opened))
    return bool(_SWITCH.search(source.bare, max(0, at - 3000), at))


@lru_cache(1000)
def _meant(name: str) -> str:
    """The event that is meant by a name that is none; empty for a true name, and for one of something else."""
    known = names()
    if name in known.server or name in known.client or name in known.elsewhere:
        return ""
    if name in known.renamed:
        return known.renamed[name]
    if name in known.invented:
        return known.invented[name]
    if not name.startswith(tuple(known.prefixes)) or name.startswith(tuple(known.elsewhere_prefixes)):
        return ""
    close = get_close_matches(name, known.server, 1, 0.86)
    return close[0] if close else ""


def _listens_here(source: Source) -> bool:
    """Whether the file has a channel to the API and no socket to anything else."""
    opened = re.compile(r"\bnew\s+WebSocket\s*\(|\bwebsockets?\.connect\s*\(").finditer(source.bare)
    urls = [
        official(resolve(source, *placed[0]))
        for m in islice(opened, 20)
        if (placed := arguments(source, m.end() - 1)[0])
    ]
    return all(urls) and (bool(urls) or "createDataChannel" in source.bare)
