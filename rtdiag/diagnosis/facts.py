"""What a situation says, as plain texts under fixed names, whatever form it was told in: what the signs of the catalogue look at.

| name | what it holds |
|---|---|
| `text` | all that came back, quotes and blanks evened out |
| `said` | the error's message, or `text` where no error object could be read |
| `code`, `type`, `param`, `event` | of the error object and the event it came in; also as the message's wording tells them |
| `status`, `close`, `reason` | the HTTP status, the WebSocket's close code and reason, also where the text alone names them |
| `method`, `url`, `credential`, `content_type`, `sent`, `surface`, `dialect`, `when` | of the request, as told |
| `named` | the cause that a check of rtdiag has named for it |
| `request`, `any` | all that was told of the request; that and `text` together |
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rtdiag.diagnosis.situation import Situation

Facts = Mapping[str, str]

# How the circumstance begins that tells what a check has found.
FINDING = "rtdiag's finding: "

# Characters of a text that are looked at; an error that says what is wrong says it early.
_LONGEST = 16_384
_LONGEST_JSON = 65_536

# Quotes as typographers, forums and wrong encodings spell them.
_DOUBLE_QUOTES = re.compile(r"â€[œ\x9d\x9c]|â€(?![\w™˜¦])|[“”„‟″«»]|&quot;|\\\\*\"")
_SINGLE_QUOTES = re.compile(r"â€[™˜]|â\x80[\x98\x99]|â(?:Ă[Śś]|Ś)?(?=[A-Za-z_'])|[‘’‚‛′´]|&#39;|&apos;|\\\\*'")
_ELLIPSIS = re.compile(r"â€¦|âŚ|…")

# The fields of an error object in JSON, in a console's `key: value` lines, in Python's and JavaScript's prints.
# In single quotes an apostrophe counts as text where a word, a path or a mask goes on behind it.
_FIELD = re.compile(
    r"""
    (?<![\w.-]) ['"]? (code|type|param|message) ['"]? \s* [:=] \s*
    (?: "([^"\n]{0,2000})"
      | '((?: [^'\n] | (?<=[\w\s])'(?=[\w.*\[]) | (?<=[\w\]])'(?=[\s.]\s?[\w.]?) ){0,2000})'
      | ([\w.:\[\]-]+ (?: [^\n,}]{0,400} (?=,\ \w+: | $ | \n) )?)
    )""",
    re.I | re.X,
)
_NOTHING = frozenset({"null", "none", "undefined", "", "nil"})
_ERROR_TYPE = re.compile(
    r"\w*_?error$|request_forbidden|insufficient_quota|tokens|requests|not_found|invalid_request\w*", re.I
)

# What a message's wording says of the code that belongs to it, where none is given.
_CODES: tuple[tuple[str, str], ...] = (
    (r"unknown param|unrecognized (?:request )?(?:param|field)|unexpected (?:field|param)", "unknown_parameter"),
    (r"missing required param|required param\w* (?:is )?missing", "missing_required_parameter"),
    (r"invalid type for|expected an? \w+, but got", "invalid_type"),
    (r"invalid value|supported values are", "invalid_value"),
    (r"(?:incorrect|invalid|wrong) api.?key", "invalid_api_key"),
    (r"realtime beta api", "beta_api_shape_disabled"),
    (r"api version mismatch", "api_version_mismatch"),
    (r"exceeded your current quota", "insufficient_quota"),
    (r"rate limit reached", "rate_limit_exceeded"),
    (r"no credits? remaining", "credit_balance_exhausted"),
    (r"whip.compliant|invalid (?:sdp )?offer", "invalid_offer"),
    (r"unsupported content.?type", "unsupported_content_type"),
    (r"do(?:es)? not exist or you do not have access|does not exist or you", "model_not_found"),
    (r"missing scopes?", "missing_scope"),
    (r"incorrect regional hostname", "incorrect_hostname"),
    (r"maximum duration of", "session_expired"),
    (r"model .{0,60}not supported in (?:the )?(?:realtime|transcription)", "invalid_model"),
)  # fmt: skip

# Codes that are told apart from other words by their spelling alone.
_CODE_NAMES = re.compile(
    r"\b(?:(?:invalid|unknown|missing|unsupported|mismatched|insufficient|ephemeral|incorrect|account|billing|rate|session|conversation"
    r"|response|input_audio_buffer|context|credit|beta_api|api_version|model|content|string|integer|decimal|array|cannot|call|token)"
    r"_(?:api_key|parameter|required_parameter|type|value|offer|model|json|event|content_type|organization|project|permissions?|quota"
    r"|scope|token_already_used|hostname|deactivated|hard_limit_reached|not_active|limit_exceeded|expired|already_has_active_response"
    r"|cancel_not_active|commit_empty|length_exceeded|balance_exhausted|shape_disabled|mismatch|not_found|id_not_found|filter"
    r"|(?:above|below)_(?:max|min)\w*|update_voice|session_config|tool_call_id)|unsupported_country_region_territory|ip_not_authorized)\b",
    re.I,
)
_PARAMS = re.compile(
    r"""
    (?: param\w*:? | (?:type|value)\ for | invalid | unknown\ field:? | field ) \ *'?
    ( (?:session|client_secret|turn_detection|audio|tools|response|item|expires_after)[.\[][\w.\[\]]*
    | (?:session|client_secret|turn_detection|tools)\b(?!\ \w)
    | (?<=unknown\ parameter:\ ')\w+(?=') )""",
    re.I | re.X,
)
_STATUS = re.compile(
    r"""
    (?: \bhttp(?:/[\d.]+)?[ :]*(?:status)?[ :]*(?:code)? | \bstatus(?:\ ?code)?[ :=]* | \bresponse[ :]+ | ^ | \berror[ :]*
      | \brejected[^.]{0,30}? ) '?([1-5]\d\d)\b(?!\s*ms)
    | \b(?: get\w* | got | return\w* | giv\w* | with | an? | answer\w* | throw\w* | fail\w* | receiv\w* | see\w* | says? )
      \ ([45]\d\d)\b
    | \b([45]\d\d)\ ?(?: \([a-z ]*\) | bad\ re | bad\ gate | unauthorized | forbidden | not\ found | method\ not | too\ many
      | internal\ server | service\ unav | gateway\ time )""",
    re.I | re.X,
)
_CLOSE = re.compile(
    r"""
    (?: \bclosed?\b(?:\ with)? | \bcode | \breceived | \bsent | \bcloseevent\D{0,12} | \bconnection\D{0,24} | ^ )
    [ :=('{]* (1\d{3}|3\d{3}|4\d{3}) \b(?!ms)""",
    re.I | re.X,
)
_REASON = re.compile(
    r"\b((?:invalid_request|server|rate_limit|authentication|insufficient)\w*_error|server_error)(?:\.(\w+))?", re.I
)
_REQUEST_LINE = re.compile(r"\b(GET|POST|PUT|DELETE|OPTIONS|PATCH)\b[ '\(]{1,3}((?:https?:/)?/[^\s')]{2,300})")
_PATH = re.compile(
    r"(?:/[\w.-]{1,40}){0,4}/realtime/(?:calls|client_secrets|sessions|transcription_sessions|translations)[^\s',;)]{0,200}",
    re.I,
)
_URL = re.compile(r"\b(?:wss?|https?)://[^\s'\"<>)]{3,300}", re.I)


def facts(situation: Situation) -> Facts:
    """All that a situation says, under the names above; what it does not say is an empty text."""
    text = _evened(situation.text)
    fields = error_fields(situation.text)
    found = dict.fromkeys(("method", "url", "credential", "content_type", "sent", "surface", "dialect"), "")
    found |= {name: _evened(str(getattr(situation, name) or "")) for name in found}
    found |= {"text": text, "when": situation.when.isoformat() if situation.when else ""}
    found |= _numbers(situation, text)
    found |= _error(fields, text, found["close"])
    found |= {} if found["url"] else _asked(text, in_words=not fields)
    parts = (
        *(found[n] for n in ("method", "url", "credential", "content_type", "sent")),
        *map(_evened, situation.circumstances),
    )
    found["request"] = " | ".join(part for part in parts if part)
    found["named"] = next((c.removeprefix(FINDING) for c in situation.circumstances if c.startswith(FINDING)), "")
    found["any"] = f"{found['request']} || {text}"
    return {name: value.strip() for name, value in found.items()}


def error_fields(raw: str) -> dict[str, str]:
    """The fields type, code, message and param of the innermost error object that a text holds, as JSON or in any print of one.

    `event` is the type of a received event where the text shows one.
    """
    parsed = _parsed(raw)
    if parsed is not None and (found := _innermost(parsed)):
        pairs = [(k, str(v)) for k, v in found.items() if k in ("type", "code", "message", "param")]
        pairs += [("type", str(parsed["type"]))] if "type" in parsed else []
    else:
        pairs = [
            (m.group(1).lower(), next(g for g in m.groups()[1:] if g is not None))
            for m in _FIELD.finditer(_straightened(raw))
        ]
    fields: dict[str, str] = {}
    for name, text in pairs:
        value = text.rstrip(")]}").strip()
        if name == "type" and not _ERROR_TYPE.match(value):
            name = "event"
        if (
            value.lower() in _NOTHING
            or value == "error"
            or (name == "code" and not re.fullmatch(r"[a-zA-Z][\w.:-]{2,}", value))
        ):
            continue
        fields.setdefault(name, value)
    return fields


def _error(fields: Mapping[str, str], text: str, close: str) -> dict[str, str]:
    """The facts of the error object, with what its wording tells where a field is missing."""
    reason = _REASON.search(text) if close or len(text) < 80 else None
    said = _evened(fields.get("message", "")) or text
    given = fields.get("code", "")
    code = given if "_" in given else (reason.group(2) if reason else "") or _code(said) or given
    return {
        "event": fields.get("event", ""),
        "type": fields.get("type", "") or (reason.group(1) if reason else "") or _named_type(text),
        "code": code,
        "param": fields.get("param", "") or _param(said),
        "said": said,
        "reason": reason.group(0) if reason and close else "",
    }


def _asked(text: str, *, in_words: bool) -> dict[str, str]:
    """The request line or URL that stands in the text itself, when nobody told it apart; in a person's words a path counts too."""
    if line := _REQUEST_LINE.search(text):
        return {"method": line.group(1), "url": line.group(2)}
    urls = (u.group() for u in _URL.finditer(text))
    if in_words and (path := _PATH.search(text)):
        return {"url": path.group()}
    return next(({"url": u} for u in urls if not re.search(r"//(platform|help|developers|github|docs)\.", u)), {})


def _parsed(raw: str) -> Any:
    start = raw.find("{")
    if start < 0 or len(raw) > _LONGEST_JSON or raw.count("{") > 2000:
        return None
    try:
        parsed = json.JSONDecoder().raw_decode(raw, start)[0]
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, Mapping) else None


def _innermost(parsed: Any, depth: int = 0) -> Mapping[str, Any] | None:
    """The deepest mapping that looks like an error object: under `error`, `response`, `status_details` or at the top."""
    if not isinstance(parsed, Mapping) or depth > 6:
        return None
    for name in ("error", "response", "status_details", "detail", "last_error"):
        inner = parsed.get(name)
        if isinstance(inner, str) and name == "error":
            return {"message": inner, "code": parsed.get("code")}
        if found := _innermost(inner, depth + 1):
            return found
    return parsed if "message" in parsed or ("code" in parsed and "type" not in parsed) else None


def straight(text: str) -> str:
    """`text` with straight quotes, three dots and plain blanks in place of typographic and mangled ones."""
    if text.isascii() and "&" not in text and "\\" not in text:
        return text
    text = _ELLIPSIS.sub("...", text.replace("\u00a0", " "))
    return _SINGLE_QUOTES.sub("'", _DOUBLE_QUOTES.sub('"', text))


def _evened(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[\"`]", "'", _straightened(text))).strip()


def _straightened(text: str) -> str:
    return straight(text[:_LONGEST].replace("\\n", " "))


def _numbers(situation: Situation, text: str) -> dict[str, str]:
    status, close = situation.status, ""
    if status is not None and status >= 1000:
        status, close = None, str(status)
    if status is None and (found := _STATUS.search(text)):
        status = int(next(g for g in found.groups() if g))
    if not close and (closed := _CLOSE.search(text)):
        close = closed.group(1)
    return {"status": str(status or ""), "close": close}


def _code(said: str) -> str:
    if named := _CODE_NAMES.search(said):
        return named.group().lower()
    return next((code for pattern, code in _CODES if re.search(pattern, said, re.I)), "")


def _named_type(text: str) -> str:
    found = re.search(r"\b(?:server|invalid_request|rate_limit|authentication|permission)_error\b", text, re.I)
    return found.group().lower() if found else ""


def _param(said: str) -> str:
    """The parameter that the wording names; one whose closing quote is cut off is not taken for whole."""
    found = _PARAMS.search(said)
    if not found or (said[found.start(1) - 1] == "'" and said[found.end() : found.end() + 1] != "'"):
        return ""
    return found.group(1).rstrip(".")


def names() -> frozenset[str]:
    """The names that a sign may look at."""
    return frozenset(facts(Situation()))
