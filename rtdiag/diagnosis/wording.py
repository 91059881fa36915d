"""What the wording of a text tells where nobody told it apart: codes, parameters, statuses, close codes, and what was asked.

All texts are evened out first (printed.py).
"""

from __future__ import annotations

import re

from rtdiag.api.expressions import expression

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
_CODE_NAMES = expression(
    r"\b(?:(?:invalid|unknown|missing|unsupported|mismatched|insufficient|ephemeral|incorrect|account|billing|rate|session|conversation"
    r"|response|input_audio_buffer|context|credit|beta_api|api_version|model|content|string|integer|decimal|array|cannot|call|token)"
    r"_(?:api_key|parameter|required_parameter|type|value|offer|model|json|event|content_type|organization|project|permissions?|quota"
    r"|scope|token_already_used|hostname|deactivated|hard_limit_reached|not_active|limit_exceeded|expired|already_has_active_response"
    r"|cancel_not_active|commit_empty|length_exceeded|balance_exhausted|shape_disabled|mismatch|not_found|id_not_found|filter"
    r"|(?:above|below)_(?:max|min)\w*|update_voice|session_config|tool_call_id)|unsupported_country_region_territory|ip_not_authorized)\b",
    re.I,
)
_PARAMS = expression(
    r"""
    (?: param\w*:? | (?:type|value)\ for | invalid | unknown\ field:? | field ) \ *'?
    ( (?:session|client_secret|turn_detection|audio|tools|tool_choice|response|item|expires_after)[.\[][\w.\[\]]*
    | (?:session|client_secret|turn_detection|tools)\b(?!\ \w)
    | (?<=unknown\ parameter:\ ')\w+(?=') )""",
    re.I | re.X,
)
_STATUS = expression(
    r"""
    (?: \bhttp(?:/[\d.]+)?[ :]*(?:status)?[ :]*(?:code)? | \bstatus(?:\ ?code)?[ :=]* | \bresponse[ :]+ | ^ | \berror[ :]*
      | \brejected[^.\n]{0,30}? ) '?([1-5]\d\d)\b(?!\s*ms)
    | \b(?: get\w* | got | return\w* | giv\w* | with | an? | answer\w* | throw\w* | fail\w* | receiv\w* | see\w* | says? )
      \ ([45]\d\d)\b
    | \b([45]\d\d)\ ?(?: \([a-z ]*\) | bad\ re | bad\ gate | unauthorized | forbidden | not\ found | method\ not | too\ many
      | internal\ server | service\ unav | gateway\ time )""",
    re.I | re.X | re.M,
)
_CLOSE = expression(
    r"""
    (?: \bclos(?:e[ds]?|ing)\b(?:\ with)? | \bcode | \breceived | \bsent | \bcloseevent\D{0,12} | \bconnection\D{0,24} | ^ )
    [ :=('{]* (1\d{3}|3\d{3}|4\d{3}) \b(?!ms)""",
    re.I | re.X | re.M,
)
_REASON = expression(
    r"\b((?:invalid_request|server|rate_limit|authentication|insufficient)\w*_error|server_error)(?:\.(\w+))?", re.I
)
_REQUEST_LINE = expression(r"\b(GET|POST|PUT|DELETE|OPTIONS|PATCH)\b[ '\(]{1,3}((?:https?:/)?/[^\s')]{2,300})")
_PATH = expression(
    r"(?:/[\w.-]{1,40}){0,4}/realtime/(?:calls|client_secrets|sessions|transcription_sessions|translations)[^\s',;)]{0,200}",
    re.I,
)
_URL = expression(r"\b(?:wss?|https?)://[^\s'\"<>)]{3,300}", re.I)


def code_in(said: str) -> str:
    """The error code that a message names or implies, or an empty text."""
    if named := _CODE_NAMES.search(said):
        return named.group().lower()
    return next((code for pattern, code in _CODES if re.search(pattern, said, re.I)), "")


def type_in(text: str) -> str:
    """The error type that a text names."""
    found = re.search(r"\b(?:server|invalid_request|rate_limit|authentication|permission)_error\b", text, re.I)
    return found.group().lower() if found else ""


def param_in(said: str) -> str:
    """The parameter that the wording names; one whose closing quote is cut off is not taken for whole."""
    found = _PARAMS.search(said)
    if not found or (said[found.start(1) - 1] == "'" and said[found.end() : found.end() + 1] != "'"):
        return ""
    return found.group(1).rstrip(".")


def reason_in(text: str) -> tuple[str, str, str]:
    """A close reason such as `invalid_request_error.invalid_model`: the whole, its type and its code."""
    found = _REASON.search(text)
    return (found.group(), found.group(1), found.group(2) or "") if found else ("", "", "")


def status_in(text: str) -> str:
    """The HTTP status that a text names."""
    found = _STATUS.search(text)
    return next(g for g in found.groups() if g) if found else ""


def close_in(text: str) -> str:
    """The close code of a WebSocket that a text names."""
    found = _CLOSE.search(text)
    return found.group(1) if found else ""


def asked_in(text: str, *, in_words: bool) -> dict[str, str]:
    """The request line or URL that stands in the text itself, when nobody told it apart; in a person's words a path counts too."""
    if line := _REQUEST_LINE.search(text):
        return {"method": line.group(1), "url": line.group(2)}
    urls = (u.group() for u in _URL.finditer(text))
    if in_words and (path := _PATH.search(text)):
        return {"url": path.group()}
    return next(({"url": u} for u in urls if not re.search(r"//(platform|help|developers|github|docs)\.", u)), {})
