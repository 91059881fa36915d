"""Close codes: how browsers, libraries and people write down that a WebSocket was closed, and with what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.plain import LONGEST_LINE, at

_CODE = r"([134]\d{3})(?!\d)"

# First match wins; each gives the code, and the reason where it stands behind it.
_SPELLINGS: tuple[re.Pattern[str], ...] = (
    expression(rf"(?i)CloseEvent\b[^}}]{{0,400}}?\bcode\"?\s{{0,4}}[:=]\s{{0,4}}{_CODE}"),
    expression(rf"(?i)\bcode\"?\s{{0,4}}[:=]\s{{0,4}}{_CODE}[\s,;&]{{0,8}}\"?(?:close_?)?reason\b"),
    expression(rf"(?i)\breason\"?\s{{0,4}}[:=][^\n]{{0,200}}[\s,;]\"?code\"?\s{{0,4}}[:=]\s{{0,4}}{_CODE}"),
    expression(rf"(?i)\b(?:received|sent)\s{{1,4}}{_CODE}\s{{1,4}}\([\w ]{{1,60}}\)"),
    expression(
        rf"(?i)\b(?:clos(?:e|ed|ing)|disconnect(?:ed|ion)?)\b(?:[ :,]{{1,3}}(?:with|by|server|event|frame|status|code|the)){{0,4}}"
        rf"[\s:=(\[]{{1,4}}{_CODE}"
    ),
    expression(rf"(?i)\b(?:close|closure|websocket)[ _]?(?:status )?code\b\D{{0,12}}{_CODE}"),
    expression(rf"(?i)\bcode\"?\s{{0,4}}=\s{{0,4}}{_CODE}"),
)
_BARE = expression(rf"\A\s{{0,80}}{_CODE}(?:[\s:,;–-]{{1,8}}([^\n]{{0,300}}))?\s{{0,80}}\Z")
_BARE_REASON = expression(
    r"(?i)[a-z]{2,30}_[a-z]{2,30}|clos|normal|going away|internal|policy|registered|private use|unsupported|timeout"
)
_REASON = expression(r"\b[a-z]{2,30}(?:_[a-z]{2,30}){1,5}(?:\.[a-z]{2,30}(?:_[a-z0-9]{1,30}){0,6})?")
_WORDS = ("code", "clos", "received", "sent", "disconnect")


def from_line(line: str) -> Draft | None:
    """The close that a line tells of, or None; codes are 1000 to 1999 and 3000 to 4999."""
    lower = line[:LONGEST_LINE].lower()
    if not any(word in lower for word in _WORDS):
        return None
    found = next((m for p in _SPELLINGS if (m := p.search(line[:LONGEST_LINE]))), None)
    return _draft(int(found.group(1)), line) if found else None


def from_text(text: str) -> Draft | None:
    """The close that a short text is about, or None: `4000 invalid_request_error.beta_api_shape_disabled` is one."""
    text = text.strip()
    bare = _BARE.match(text) if len(text) < 500 else None
    if bare and (not bare.group(2) or _BARE_REASON.search(bare.group(2))):
        return _draft(int(bare.group(1)), text)
    if "\n" not in text:
        return from_line(text) if len(text) < 2000 else None
    spread = next((m for p in _SPELLINGS[:2] if (m := p.match(text))), None) if len(text) < 2000 else None
    return _draft(int(spread.group(1)), text) if spread else None


def from_json(value: Any) -> Draft | None:
    """The close that a JSON object is: `{"code": 1006, "reason": "", "wasClean": false}`."""
    code = at(value, "code")
    is_code = isinstance(code, int) and not isinstance(code, bool) and 1000 <= code <= 4999
    if not is_code or not isinstance(value, Mapping) or not {"reason", "wasClean"} & set(value):
        return None
    return _draft(code, f"code={code} reason={value.get('reason') or ''}")


def reason_in(text: str) -> str:
    """The API's own close reason in a text, `type` or `type.code`, or ""."""
    return next((m.group(0) for m in _REASON.finditer(text[:4000]) if "error" in m.group(0)), "")


def _draft(code: int, text: str) -> Draft:
    return Draft(text=text.strip(), status=code, surface="websocket_close")
