"""How servers say that they have no room for one more session: over HTTP, by an `error` event, or as they close a socket.

It is no part of the API: the words are those of speech-to-speech 1.1 (websocket_router.py:568: 503 or close 1008,
`session_limit_reached`), litellm 1.108 ("Worker at capacity", "Max parallel request limit reached"), moshi-server (close
4000, at capacity), powersync-service#36 (429, "Maximum active concurrent connections limit") and the like.
"""

from __future__ import annotations

import re

from rtdiag.api.expressions import expression

_MANY = r"(session|connection|connected user|call|stream|client|worker|pipeline|slot|user)s"
_WHAT = f"{_MANY}?"
_SAYS_SO = expression(
    rf"\b({_WHAT}_limit|max_(concurrent_|active_)?{_WHAT}|concurrent_{_WHAT}|too_many_(\w+_)?{_WHAT}|"
    rf"(no|out_of)_(\w+_)?(slot|capacity|worker)s?|(at|over|no|insufficient)_capacity|server_(busy|full|overloaded)|"
    rf"pool_(full|exhausted))(_?\w+)?\b"
    rf"|\b{_WHAT}( slots?)? (limit|cap)\b"
    rf"|\bslots? (are |is )?(all |currently )?(in use|taken|full|busy|occupied|exhausted)\b"
    rf"|\bno (\w+ ){{0,2}}(slots?|capacity|workers?|pipelines?) (\w+ )?(left|available|free)\b"
    rf"|\bno (free|available|idle|open|more) (\w+ )?{_WHAT}\b"
    rf"|\btoo many (\w+ ){{0,2}}{_WHAT}\b"
    rf"|\bmax(imum)? (number of )?(\w+ ){{0,2}}{_MANY}( limit)?\b"
    rf"|\bmax(imum)? (parallel|concurrent) \w+ (limit )?(reached|exceeded)\b"
    rf"|\b(concurren\w+|parallel|simultaneous) ({_WHAT} )?limit\b"
    rf"|\b(at|over|beyond|insufficient|out of|not enough) (full |max(imum)? )?capacity\b"
    rf"|\bcapacity (\w+ ){{0,2}}(reached|exceeded|full|exhausted)\b"
    rf"|\b(session|server|service|system|pipeline|pool)s? (is |are )?(currently |too |all )*(busy|full)\b",
    re.I,
)
# One word is enough where the status says already that it is the server's own: 503, and what closes a socket.
_HINTS_AT_IT = expression(r"\b(slots?|limit(ed)?|capacity|too many|busy|concurren\w+|overloaded)\b", re.I)
_OTHER_LIMITS = expression(
    r"too many (requests|tokens)|(rate|usage|time|duration|length|size|spend\w*|budget|credit|token|requests?)[ _-]?limit"
    r"|limit\w* (of|for|on) (requests|tokens|duration)|per min|per day|\b[rt]p[md]\b",
    re.I,
)
_CAMEL = expression(r"(?<=[a-z])(?=[A-Z])")  # ServerAtCapacity
_SERVICE_UNAVAILABLE, _POLICY, _TRY_AGAIN_LATER, _OWN = 503, 1008, 1013, 4000


def no_room(status: int | None, text: str) -> str:
    """The words by which a refusal says so, "" where it does not.

    `status` is that of HTTP, or the close code of a socket; `text` is the body, the event, or the reason of the close.
    """
    text, status = _CAMEL.sub(" ", text), status or 0
    if said := _SAYS_SO.search(text):
        return said.group()
    if status not in (_SERVICE_UNAVAILABLE, _POLICY, _TRY_AGAIN_LATER) and status < _OWN:
        return ""
    if _OTHER_LIMITS.search(text):
        return ""
    hinted = _HINTS_AT_IT.search(text)
    return hinted.group() if hinted else "try again later" if status == _TRY_AGAIN_LATER else ""
