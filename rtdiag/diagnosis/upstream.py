"""What a gateway tells of its upstream: that its own key or account is refused there, or that it does not get there.

Whoever asked can mend none of it, and their key is good, so it becomes a record of its own kind (records.py), which no sign about
the asker's own credential, account or network looks at. What an upstream refuses of the request is but handed on: that stays what
it is. Gateways put it into a message, as JSON in a string, as a name of the upstream before it, or as the reason of a close.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.printed import straight
from rtdiag.diagnosis.records import Record
from rtdiag.diagnosis.situation import UPSTREAM_CLOSED, Situation

_LOOKED_AT = 4000  # characters of a record

# By what a gateway shows that it tells of its upstream.
_RELAYED = expression(
    r"""
    \bmodel\ group\ .{1,200}?\ failed\ with | \breceived\ model\ group= | provider\ returned\ error | ["']provider_name["']\s?:
    | is_bifrost_error\b.{0,2000}["']extra_fields\\*["']\s?:\s?\{[^{}]{0,400}\\*["']provider\\*["']\s?:
    | ["']message\\*["']\s?:\s?\\*["'][\w-]{2,30}\ error:\ .{1,1000}["']provider\\*["']\s?:
    | \b(?:upstream|provider)_(?!name)[a-z_]{3,30}\b | ["']upstream\\*["']\s?:\s?\{ | \bbad_response_status_code\b
    | \bdo_request_failed\b | \b(?:openai|azureopenai|awsbedrock|anthropic)backenderror\b
    | \berror\ from\ (?:the\ )?(?:upstream|provider)\b | \bupstream\ (?:websocket\ closed|connect) | \bno\ healthy\ upstream\b
    | \bfrom\ the\ upstream\ server\b | \bhttp\ request\ to\ upstream\b | \bring-balancer\b | \bwhile\ trying\ to\ proxy\b
    | \bno\ server\ is\ available\ to\ handle | \binternal\ server\ error:\ (?:server\ rejected\ websocket|\[errno)
    """,
    re.I | re.X | re.S,
)
# An upstream that is named before what it said.
_NAMED = expression(r"\b[a-z_]{2,30}exception - ", re.I)
# What is an upstream's in an answer alone, for a client says it of itself, too.
_IN_AN_ANSWER = (
    _NAMED,
    expression(r"\blitellm\.(?:exceptions\.)?[a-z]{3,40}(?:error|timeout)\b", re.I),
    expression(
        r"\b(?:upstream|provider) (?:error|fail\w+|returned|responded|rejected|refused|answered|rate|timed|unavailable)\b",
        re.I,
    ),
    expression(
        r"connect call failed|connection attempts failed|cannot connect to host|endpoint request timed out|deadline exceeded"
        r"|\bdial tcp\b|\bgetaddrinfo\b|\beconnrefused\b|\benotfound\b|\[errno -?\d+\]",
        re.I,
    ),
)
_AN_ANSWER = expression(r"\\*[\"']error\\*[\"']\s?:\s?\\*[{\"']|\bcode: [45]\d\d\b", re.I)
# An error object in the text of another one, whose quotes are escaped, or as a library prints it. One's own route does so, too.
_WITHIN = expression(
    r"""
    \{.{0,200}["']\s?:\s?\\*["'][\w\ ]{0,60}(?:error:\ )?error\ code:\ [45]\d\d\ -\ \{
    | \\*["'](?:message|error|raw|body|details?|response)\\*["']\s?:\s?\\*["'](?:[^"'\\{]|\\n){0,200}
    \{(?:\\n|\s){0,40}\\+["'](?:error|message|code|type)\\+["']
    """,
    re.I | re.X,
)
_AN_ERROR_EVENT = expression(r"""\s*\{\s*["']type["']\s?:\s?["']error["']""")
# What only a gateway's answer has, also where it is cut off before it tells anything.
_MARKS = expression(
    r"""litellm | is_bifrost | portkey | openrouter | helicone | ai-?gateway | \b(?:one|new)_api_error\b
    | ["']message\\*["']\s?:\s?\\*["'][\w-]{2,30}\ error: | ["']extra_fields\\*["'] | ["']provider(?:_name)?\\*["']\s?:""",
    re.I | re.X,
)
_OF_THE_API = expression(r"/v\d|realtime|/models\b|openai", re.I)
_TYPOGRAPHIC = str.maketrans("“”„‟‘’", '""""\'\'')
# What a gateway refuses itself, and an error that the program has made which prints it.
_OF_ITS_OWN = expression(
    r"proxy server token|virtual key|no connected db|authentication error,"
    r"|\b(?:token_not_found_in_db|budget_exceeded|expired_key)\b",
    re.I,
)
_MADE_HERE = expression(r"\bsyscall\b|[\"']code\\*[\"']?\s?:\s?\\*[\"']E[A-Z]{4}")
_MATTERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (matter, expression("|".join(words), re.I))
    for matter, words in (
        (
            "account exhausted",
            (
                r"insufficient[_ ](?:quota|balance|funds|credits?)|exceeded your current quota|quota (?:exceeded|exhausted)",
                r"\bno credits? (?:left|remaining)|credit_balance|billing|spend(?:ing)?.?limit|payment required|余额不足",
                r"valid \w{1,40} subscription|subscription has expired",
            ),
        ),
        (
            "key refused",
            (
                r"(?:incorrect|invalid|wrong|revoked|expired|missing|no)[ _](?:x-)?api[ _-]?key|authentication_?error",
                r"unauthori[sz]ed|invalid subscription key|missing scopes|account_deactivated|authentication failed",
                r"(?:\bhttp|status(?: code)?|rejected|returned)\W{1,5}401\b",
            ),
        ),
        (
            "rate limited",
            (
                r"rate.?limit|too many requests|resource.?exhausted|throttl|overloaded",
                r"(?:\bhttp|status(?: code)?)\W{1,3}429\b",
            ),
        ),
        (
            "unreachable",
            (
                r"connect(?:ion)? (?:refused|reset|error|failure|timed out)|(?:call|connection attempts) failed|cannot connect to",
                r"\be(?:conn[a-z]+|notfound|ai_[a-z]+|timedout|hostunreach)\b|\[errno -?\d+\]|\btimed?.?out\b|deadline exceeded",
                r"name or service not known|name resolution|nodename nor servname|getaddrinfo|no such host|i/o timeout|\bdial tcp",
                r"no healthy upstream|invalid response was received|ring-balancer|no server is available|trying to proxy",
                r"upstream connect|(?:\bhttp|status(?: code)?)\W{1,3}50[234]\b",
            ),
        ),
    )
)


def apart(pieces: Iterable[Record], situation: Situation) -> tuple[Record, ...]:
    """The records, those of an upstream as such: `upstream`, and before its words which matter it is."""
    answered = situation.status is not None
    own = bool(situation.url) and not _OF_THE_API.search(situation.url or "")
    found = [_apart(one, answered=answered, own=own) if _may_tell(one) else one for one in pieces]
    closed = max((n for n, one in enumerate(found) if UPSTREAM_CLOSED.search(one.text)), default=0)
    return (*map(_handed_on, found[:closed]), *found[closed:])


def mark(text: str) -> str:
    """By what a text shows that a gateway has written it; "" where nothing does."""
    near = straight(text[:_LOOKED_AT])
    found = _MARKS.search(near) or _RELAYED.search(near) or _NAMED.search(near)
    return found[0] if found else ""


def _handed_on(one: Record) -> Record:
    """An error event before the gateway's word that its upstream has closed: it is the upstream's."""
    event = one.kind == "machine" and _AN_ERROR_EVENT.match(one.text)
    return _of_upstream(one, _which(straight(one.text[:_LOOKED_AT]))) if event else one


def _may_tell(one: Record) -> bool:
    return one.kind == "machine" or (one.kind == "person" and one.text.startswith("{"))


def _apart(one: Record, *, answered: bool, own: bool) -> Record:
    return _of_upstream(one, _matter(one.text[:_LOOKED_AT], answered=answered, own=own))


def _of_upstream(one: Record, matter: str) -> Record:
    return replace(one, kind="upstream", text=f"{matter}: {one.text}") if matter else one


def _matter(raw: str, *, answered: bool, own: bool) -> str:
    """What became of the gateway at its upstream, in one of the words above; "" where the text does not tell of one.

    `answered`: it is what a server answered; `own`: to a route of the asker's own.
    """
    text = straight(raw)
    if _MADE_HERE.search(text) or (_OF_ITS_OWN.search(text) and not _NAMED.search(text)):
        return ""
    answered = answered or bool(_AN_ANSWER.search(text))
    relayed = _RELAYED.search(text) or (not own and _WITHIN.search(raw.translate(_TYPOGRAPHIC)))
    if relayed or (answered and any(sign.search(text) for sign in _IN_AN_ANSWER)):
        return _which(text)
    return ""


def _which(text: str) -> str:
    return next((matter for matter, words in _MATTERS if words.search(text)), "")
