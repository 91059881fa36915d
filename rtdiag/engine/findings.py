"""What judges have in common: how an answer is put in a few words, and which answers are none."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from rtdiag.api import models
from rtdiag.api.capacity import no_room
from rtdiag.api.endpoints import base_url_of
from rtdiag.api.expressions import expression
from rtdiag.compare import normalize
from rtdiag.diagnosis.advice import addressed
from rtdiag.diagnosis.situation import as_answer as as_answer
from rtdiag.diagnosis.situation import situation_of
from rtdiag.model import NOT_OFFERED as NOT_OFFERED
from rtdiag.model import ApiError, Event, Exchange, Finding, Observation
from rtdiag.remedy.json_paths import at
from rtdiag.transport.failures import KINDS

# What to do about it, where the phase says more than the kind.
_FAILURE_HINTS: Mapping[str, str] = {
    "timeout connect": "nothing came back from that address: packets are dropped by a firewall, or a proxy has to be used here",
    "timeout tls": "the port is open, and what listens there answers no TLS handshake: no certificate was seen",
    "closed tls": "the connection was cut in the middle of the TLS handshake: no certificate was seen",
    "closed connect": "the connection was reset as it began",
    "timeout proxy": "the proxy took the connection and let the request wait: ask whoever runs it about this host",
}

_QUOTA_CODES = frozenset({"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded"})

# Where a GA session shows what its model decides as it opens, by the names of models.yaml.
_OPENS_WITH: Mapping[str, tuple[str, ...]] = {
    "voice": ("audio", "output", "voice"),
    "silence_duration_ms": ("audio", "input", "turn_detection", "silence_duration_ms"),
}

# What several checks observe, in the words that the signs of the catalogue look at.
LIMITED = "a limit was hit"
NO_CREDIT = "the account has no credit"
NO_SLOT = "no room for one more session"
SERVER_TROUBLE = "the server says that it had an error"
TAKES_ANYTHING = "a made-up credential is taken"
BY_OPENAI = "by OpenAI's own host"
NO_TOKEN = "the answer holds no token"
ANOTHER_ECHO = "the echo differs from what was sent"
ANOTHER_TURN_DETECTION = "the echo shows another turn detection"
NO_KEY_GIVEN = "no key was given and the server wants one"
AS_A_MADE_UP = "this server refuses the key as it refuses a made-up one"
KEY_REFUSED = "the API key itself is refused"
TOKEN_REFUSED = "a token is refused where it belongs"
ALIKE = "a made-up credential is refused in the same words"
NOT_IN_SHAPE = "the answer is not built as the API builds its answers"
NO_PASSWORD = "the proxy takes no password"
PORTAL = "something before the server wants a login"
NO_SESSION = "the session never begins"
ERROR_FIRST = "an error comes in the place of the session"
NO_LIFE = "no sign of life in the session"
STOPPED = "the session's datagrams stopped"
NOT_HEARD = "the session's datagrams come in and none of ours arrives"
GIVEN_UP = "rtdiag's own library gave the session up"
NO_API = "neither a mint nor a call is known here"


def said(exchange: Exchange) -> str:
    """An answer in a few words: its status and the error's code, or the beginning of its message."""
    if exchange.failure is not None and exchange.status is None:
        return f"no answer ({exchange.failure.kind}): {exchange.failure.detail}"
    error = exchange.error
    if error is not None and error.code == str(exchange.status):  # LiteLLM says its status once more as the code
        error = replace(error, code=None)
    words = in_short(error) if error is not None else _words(exchange) if (exchange.status or 0) >= 400 else ""
    return f"{exchange.status} {words}".rstrip()


def _words(exchange: Exchange) -> str:
    """How a refusal begins that holds no error object: its message, the title of its page, or its text."""
    if exchange.body_encoding != "utf-8":
        return "with a body that is no text"
    told = exchange.json
    named = (told.get(name) for name in _MESSAGES) if isinstance(told, dict) else ()
    text = next((one for one in named if isinstance(one, str) and one), None)
    if text is None and exchange.looks_like_html:
        title = _TITLE.search(exchange.body or "")
        return _begin(f"a web page: {title[1]}" if title else "a web page")
    return _begin(exchange.body or "" if text is None else text)


# Where servers that are not the API put their words.
_MESSAGES = ("message", "detail", "error_description", "title", "reason", "msg")


def _begin(text: str) -> str:
    words = " ".join(text[:400].split())
    return words if len(words) <= 60 else words[:59] + "…"


def in_short(error: ApiError) -> str:
    """The error's code, else the beginning of its message, else what can be said of empty fields; at most 60 characters."""
    return _begin(error.code or (error.message or "").partition(" (")[0]) or "with empty error fields"


def past_the_credential(exchange: Exchange) -> bool:
    """Whether an invalid offer was refused for itself (400, about the offer): then its credential was taken.

    Texts: `invalid_offer` (espressif/esp-webrtc-solution#17; record 57945624825, 2026-05-13) and "Failed to parse offer: failed to
    unmarshal SDP: EOF" (record 60407752548, 2026-05).
    """
    error = exchange.error
    if exchange.status != 400 or error is None:
        return False
    return error.code == "invalid_offer" or "parse offer" in (error.message or "")


# The statuses by which a credential is refused.
REFUSED = frozenset({401, 403})
# Those by which servers say that nothing is at a URL, or nothing for this method.
NOT_THERE = frozenset({404, 405, 501})

# A message that is about the credential that was sent, and about no other rule.
_ABOUT_A_KEY = expression(
    r"\b(invalid|incorrect|wrong|unknown|unrecogni[sz]ed|revoked|expired|malformed|bad|not a valid|no such)\b.{0,30}"
    r"\b(api[ _-]?key|key|token|credential)s?\b"
    r"|\b(api[ _-]?key|key|token)\b.{0,30}\b(invalid|incorrect|not (valid|allowed|found|recogni[sz]ed)|revoked|expired|unknown"
    r"|rejected|denied|does not exist)\b",
    re.IGNORECASE,
)
# What names one request: digits of 16, or letters and digits mixed, as UUID, ULID, base64 and trace ids are.
_SOME_ID = expression(r"\b(?=[\w-]*\d)[0-9a-f][0-9a-f-]{7,}\b|\b(?=\w*\d)(?=\w*[A-Za-z])\w{12,}\b", re.IGNORECASE)
_MASKED = expression(r"\*{3,}[\w-]*")


def names_a_reason(exchange: Exchange, *observed: str) -> bool:
    """Whether a refusal names a reason for which a good credential is refused, as the catalogue knows them.

    `observed` is what is known of it beside its words.
    """
    if not (exchange.error or (exchange.status or 0) >= 1000):
        return False
    from rtdiag.diagnosis.matching import gives_a_reason

    return gives_a_reason(situation_of(Observation("", (exchange,)), observed=observed))


def lacks_a_scope(exchange: Exchange) -> bool:
    """Whether a credential was known and may not do this: "Missing scopes: api.model.read" (community.openai.com 1374480)."""
    error = exchange.error
    return error is not None and (error.code == "missing_scope" or "missing scope" in (error.message or "").lower())


def in_the_apis_shape(exchange: Exchange) -> bool:
    """Whether a refusal is built as the API's: an error object with a message, a type and a code, which may be null."""
    told = exchange.json
    error = told.get("error") if isinstance(told, dict) else None
    return isinstance(error, dict) and {"message", "type", "code"} <= set(error)


def about_the_credential(exchange: Exchange) -> bool:
    """Whether a refusal says that it is for the credential: by its code, by naming it, or in words."""
    error = exchange.error
    words = (error.message or "" if error else _words(exchange)) if (exchange.status or 0) >= 400 else ""
    named = error is not None and (error.code == "invalid_api_key" or bool(_MASKED.search(words)))
    return named or bool(_ABOUT_A_KEY.search(words))


def alike(one: Exchange, other: Exchange) -> bool:
    """Whether two answers say the same, but for what differs in any two: credentials, ids, numbers."""
    return one.status == other.status and _evened(one) == _evened(other)


def made_up(exchange: Exchange, control: Exchange | None) -> bool | None:
    """Whether a made-up credential got the same refusal; None for no refusal, and where the control got no answer."""
    if (exchange.status or 0) // 100 != 4 or control is None or control.status is None or control.failure:
        return None
    return alike(exchange, control)


def beside_made_up(exchange: Exchange, control: Exchange | None) -> dict[str, bool]:
    """That as the fact `made_up` for a judge; no fact where it is not known."""
    found = made_up(exchange, control)
    return {} if found is None else {"made_up": found}


def _evened(exchange: Exchange) -> str:
    return normalize.text(_SOME_ID.sub("<id>", exchange.body or "")) or ""


def refused(
    case: str,
    exchange: Exchange,
    expected: str,
    as_made_up: bool | None,
    observed: tuple[str, ...],
    hint: str,
    *,
    stranger: bool = False,
) -> Finding:
    """The finding for a credential that got 401 or 403.

    `as_made_up` says whether a made-up one gets the same answer, None where that is not known; `observed` and `hint` are for a
    credential that is wrong itself. That is only said where the refusal is about it, or where it is the API's own and a made-up
    one gets another: a firewall, a gateway, a policy refuse everybody alike. So does a `stranger`, of keys that it does not know.
    """
    measured = said(exchange)
    if names_a_reason(exchange):
        return Finding(case, "fail", measured, expected)
    if exchange.credential == "none" and (exchange.status == 401 or about_who_asks(exchange)):
        return no_key_given(case, measured, expected)
    if about_the_credential(exchange) or (in_the_apis_shape(exchange) and as_made_up is False):
        return Finding(case, "fail", measured, expected, observed, hint)
    if as_made_up and (elsewhere := not_this_key(case, exchange, expected)):
        return elsewhere
    if as_made_up and stranger and about_who_asks(exchange):
        return unknown_key(case, measured, expected)
    if as_made_up:
        return refused_alike(case, exchange, expected)
    strange = () if in_the_apis_shape(exchange) or as_made_up is False else (NOT_IN_SHAPE,)
    hint = "the refusal names no credential and is none that rtdiag knows: read the body for who refused, and why"
    return Finding(case, "inconclusive", measured, expected, strange, hint)


# What servers say to a request without a key.
_NO_KEY = expression(
    r"\b(missing|no)\b.{0,20}\b(bearer|(api|subscription|access)[ -]?key|auth\w*|credentials?)\b"
    r"|did.?n.t provide an api key",
    re.I,
)
# What refusals say that are about who asks: "Unauthorized" alone a firewall says, too.
_WHO_ASKS = expression(r"authenticat|credential|api[ _-]?key|\btoken\b|bearer|(log|sign)[ -]?in\b", re.IGNORECASE)


def about_who_asks(exchange: Exchange) -> bool:
    """Whether a refusal says that it is about who asks, and no page stands in its place."""
    words = (exchange.error.message or "" if exchange.error else "") or _words(exchange)
    challenged = exchange.header("www-authenticate") is not None  # RFC 9110 11.6.1
    said_so = challenged or about_the_credential(exchange) or bool(_WHO_ASKS.search(words))
    return said_so and not exchange.looks_like_html


def not_this_key(case: str, exchange: Exchange, expected: str) -> Finding | None:
    """The finding of a refusal that a made-up key gets too, and that a cache gave, or that says that no key came."""
    if exchange.kept:
        hint = "a cache on the way gave this answer, as its header says: it may be what another key got; ask without the proxy"
        return Finding(case, "inconclusive", f"{said(exchange)}, from a cache", expected, (ALIKE,), hint)
    words = exchange.error.message or "" if exchange.error else exchange.body or ""
    if exchange.status == 401 and exchange.credential != "none" and _NO_KEY.search(words):
        hint = (
            "rtdiag sent it: a proxy or gateway takes the header Authorization out, or the server wants the key in another "
            "header: --header NAME=VARIABLE sends one"
        )
        return Finding(case, "inconclusive", said(exchange), expected, ("the key does not arrive",), hint)
    return None


_MOST_NAMES = 8
_NO_MODEL = expression(
    r"\b(invalid|unknown|unsupported|no such|no (available )?channel)\b[^.]{0,40}\b(model|deployment)"
    r"|\b(model|deployment)s?\b.{0,120}?(\bnot (be )?(found|available|supported|known|exist)|does ?n.?t exist|unknown|invalid)"
    r"|model_not_found|invalid_model|DeploymentNotFound",
    re.IGNORECASE | re.DOTALL,
)


def about_the_model(exchange: Exchange) -> bool:
    """Whether a refusal says that there is no model, or no deployment, of the name that was asked for."""
    error = exchange.error
    told = f"{error.code} {error.message}" if error else _words(exchange)
    return (exchange.status or 0) >= 400 and exchange.status not in REFUSED and bool(_NO_MODEL.search(told))


def other_models(exchange: Exchange, listed: Collection[str], flag: str) -> str | None:
    """The hint at a refusal of a model: which names the server's own list has; None where it is about no model, or has no list."""
    if not listed or not about_the_model(exchange):
        return None
    named = ", ".join([*listed][:_MOST_NAMES]) + (", …" if len(listed) > _MOST_NAMES else "")
    return f"this server's list has {named}: name one with {flag}"


def no_key_given(case: str, measured: str, expected: str) -> Finding:
    """The finding for a server that was asked without a key, and wants one."""
    return Finding(case, "fail", measured, expected, (NO_KEY_GIVEN,), "this server wants a key, and none was given")


def unknown_key(case: str, measured: str, expected: str) -> Finding:
    """The finding for a key that a server, which is not OpenAI's, refuses as it refuses any that it does not know."""
    hint = "a made-up key gets the same words: this server does not know yours, or wants it in another header"
    if measured == "403":  # without a word: so uvicorn answers an upgrade at a URL that its program does not know
        hint = "a made-up key gets the same: there is nothing at this URL, or this server does not know your key"
    return Finding(case, "fail", measured, expected, (AS_A_MADE_UP,), hint)


def refused_alike(case: str, exchange: Exchange, expected: str) -> Finding:
    """The finding for a credential that is refused in the words that a made-up one gets."""
    hint = (
        "a made-up one gets the same words: this server knows neither, or something in between refuses everybody; "
        "read the words, and ask from another network"
    )
    return Finding(case, "inconclusive", said(exchange), expected, (ALIKE,), hint)


def refused_token(
    case: str, exchange: Exchange, expected: str, kind: str, dialect: str, as_made_up: bool | None = None
) -> Finding:
    """The finding for a token, fresh from this server's mint, that got 401 or 403 where offers of its kind go."""
    hint = "this server minted the token and refuses it where offers go: does something between mint or answer in its place?"
    if (kind, dialect) != ("transcription", "beta"):
        return refused(case, exchange, expected, as_made_up, (TOKEN_REFUSED,), hint)
    hint = (
        "no public source shows a URL that worked for transcription over WebRTC on that date; "
        "today it is /realtime/calls without ?model="
    )
    observed = ("a transcription token is refused over WebRTC in the beta",)
    found = refused(case, exchange, expected, as_made_up, observed, hint)
    return replace(found, show_body=True) if found.observed == observed else found


def is_quota(error: ApiError) -> bool:
    """Whether an error says that the account has no credit or no budget left."""
    return bool({error.code, error.type} & _QUOTA_CODES)


def no_answer(case: str, exchange: Exchange, *, wants_json: bool = False) -> Finding | None:
    """The `inconclusive` finding for what is no usable answer; None for one that can be judged.

    None is a failure, no room for one more session, 407, 429, 3xx, 511 and 5xx, whatever their body is, and a web page; where
    JSON is wanted, also a 2xx without any.
    """
    if exchange.failure is None and (full := no_room_for(case, exchange)):
        return full
    found = _failed(exchange) if exchange.failure is not None else _by_status(exchange) or _not_of_the_api(exchange)
    if found is None and wants_json and exchange.ok and not (exchange.body or "").lstrip().startswith(("{", "[")):
        empty = "empty, " if not exchange.body else ""
        hint = "what the API sends here is JSON in plain text: something between answers in its place, or garbles what it sends"
        found = f"{exchange.status}, {empty}no JSON", NOT_IN_SHAPE, hint
    if found is None:
        return None
    measured, observed, hint = found
    return Finding(case, "inconclusive", measured, observed=(observed,) if observed else (), hint=hint)


_Told = tuple[str, str, str]  # what was measured, what was observed beside it, what to do


def _failed(exchange: Exchange) -> _Told:
    failure = exchange.failure
    assert failure is not None
    hint = _FAILURE_HINTS.get(f"{failure.kind} {failure.phase}") or KINDS.get(failure.kind, KINDS["unknown"])
    if failure.kind == "variable":
        hint = f"correct or unset this variable, for nothing was sent: {failure.detail}"
    if failure.kind == "timeout" and exchange.status is None and len(exchange.request_body or "") > _FILLS_A_PACKET:
        hint = "no answer to a request that fills a packet: where small ones are answered, try a smaller MTU (as over a VPN)"
    if past := re.search(r"\(directly \((\w+)\)\)", failure.detail):
        hint = f"{past[1]} keeps this host from the proxy, and directly it is not reached: take the host out of it"
    told = f"{failure.kind} {failure.detail}"
    hint = next((said for words, said in _BY_THEIR_WORDS.items() if re.search(words, told)), hint)
    known = exchange.status is None
    return said(exchange) if known else f"{exchange.status}, then {failure.kind}: {failure.detail}", "", hint


_FILLS_A_PACKET = 1200  # bytes: what fits besides the headers
_LOG_IN = "the proxy wants a login of its own: name, colon, password and @ stand before its host in the proxy variable"
# Where the words of a failure say more than its phase: what they begin with, and what to do.
_BY_THEIR_WORDS: Mapping[str, str] = {
    r"^proxy .*\b407\b": _LOG_IN,
    r"^proxy .*\b50[0234]\b": "the proxy was reached, and did not reach the server",
    r"^(unreachable|refused|dns|timeout) the proxy ": "it is the proxy of the proxy variable that is not reached, not the server",
    r"^unreachable .*(not permitted|ermission denied)": "this machine itself forbids the connection",
}


def _by_status(exchange: Exchange) -> _Told | None:
    status, measured = exchange.status or 0, said(exchange)
    if status == 407:
        return _login_to_proxy(exchange)
    if status == 429:
        poor = exchange.error is not None and is_quota(exchange.error)
        return measured, NO_CREDIT if poor else LIMITED, _wait(exchange)
    if status == 511:
        return (
            measured,
            "",
            "this network wants a login before it lets anything through (RFC 6585)",
        )
    if 300 <= status < 400:
        return _redirected(exchange)
    if status >= 500 and in_the_apis_shape(exchange):
        return measured, SERVER_TROUBLE, "try again later; quote x-request-id to support"
    if 500 <= status < 600:
        hint = "the server, or the gateway before it, is down, overloaded or cannot reach what is behind it: try again later"
        return measured, "the server behind this address is not reached", hint
    return None


def _login_to_proxy(exchange: Exchange) -> _Told:
    """A proxy for plain HTTP says which logins it takes; without a word of Basic no name and no password help."""
    takes = [value for name, value in exchange.response_headers if name.lower() == "proxy-authenticate"]
    if not takes or any("basic" in value.lower() for value in takes):
        return said(exchange), "", _LOG_IN
    kinds = ", ".join(value.split(" ", 1)[0] for value in takes)
    return (
        f"{said(exchange)}; it takes {_begin(kinds)}",
        NO_PASSWORD,
        "a program that knows that login has to stand between",
    )


def _redirected(exchange: Exchange) -> _Told:
    """Whoever is on the way can redirect plain HTTP; over TLS it is whoever has the server's certificate."""
    place = exchange.header("location") or "nowhere"
    asked, sent = urlsplit(exchange.url), _split(place)
    measured = f"{exchange.status} to {_begin(place)}"
    if sent and sent.scheme == "https" != asked.scheme and sent.hostname == asked.hostname:
        return measured, NOT_IN_SHAPE, "this server wants TLS: begin the base URL with https://"
    if sent and asked.scheme == "http" and sent.hostname not in (None, asked.hostname) and _WANTS_LOGIN.search(place):
        return measured, PORTAL, f"log in at {place} in a browser on this machine, if it is this network's page"
    hint = f"redirected to {place}; the API never redirects: log in there if it is this network's page, or mend the base URL"
    return measured, NOT_IN_SHAPE, hint


def _split(place: str) -> SplitResult | None:
    try:
        return urlsplit(place)
    except ValueError:
        return None


# How places and pages are called where a network, or a gateway, wants a login.
_WANTS_LOGIN = expression(
    r"captive|portal|hot-?spot|wi-?fi|wlan|guest|splash|webauth|(log|sign)[ _-]?[io]n\b", re.IGNORECASE
)
_TITLE = expression(r"<title[^>]*>([^<]{1,200})", re.IGNORECASE)


def _not_of_the_api(exchange: Exchange) -> _Told | None:
    if not exchange.looks_like_html:
        return None
    titled = _TITLE.search(exchange.body or "")
    words = _begin(f"a web page: {titled[1]}" if titled else "a web page")
    if exchange.ok and exchange.url.startswith("http:") and titled and _WANTS_LOGIN.search(titled[1]):
        return f"{exchange.status}, {words}", PORTAL, "a page to log in to came instead of the API's JSON"
    hint = "a web page came instead of the API's JSON: a proxy, a captive portal, or a base URL that is not the API's"
    return f"{exchange.status}, {words}", NOT_IN_SHAPE, hint


def _wait(exchange: Exchange) -> str:
    if exchange.error and is_quota(exchange.error):
        told = "add credit at https://platform.openai.com/settings/organization/billing/; a mint works without, a call does not"
        return addressed(told, base_url_of(exchange.url))
    seconds = exchange.header("retry-after")
    return f"try again in {seconds} s" if seconds else "try again in a minute"


def not_sent(case: str, facts: Mapping[str, Any]) -> Finding | None:
    """The `skip` for an event that was not sent: no session is open, or it has left an earlier event unanswered.

    A session whose way was lost is no reason to skip: what the server would have said is not known.
    """
    if facts["asked"]:
        return None
    if facts.get("ended") and (lost := _lost(case, facts, "")):
        return lost
    why = "no session is open" if facts.get("ended") else "the session has left an earlier event unanswered"
    return Finding(case, "skip", f"not sent: {why}")


def unanswered(case: str, facts: Mapping[str, Any], expected: str) -> Finding:
    """The finding for an event that got no answer: the server's silence, or a way that was cut meanwhile."""
    if lost := _lost(case, facts, expected):
        return lost
    if facts.get("cut"):
        hint = "not even an acknowledgement came back: the way there was cut in mid-session, and what the server says is not known"
        return Finding(case, "inconclusive", "no sign of life", expected, (NO_LIFE,), hint)
    hint = "the channel is open and alive, and the event got no answer, neither an echo nor an error"
    return Finding(case, "fail", "no answer", expected, ("an event got no answer",), hint)


def _lost(case: str, facts: Mapping[str, Any], expected: str) -> Finding | None:
    """The finding for a session over WebRTC whose way was lost, of which it is known when the last datagram came."""
    lost = facts.get("lost")
    if not lost:
        return None
    until = "aioice ended the session" if facts.get("ended") else "the event was given up"
    measured = f"the last datagram came {lost['last_s']} s after the session began, {lost['silent_s']} s before {until}"
    if lost["alive"]:
        hint = "the server was still there: on a long round trip the checks of aioice, which rtdiag uses, fail; a browser's do not"
        return Finding(case, "inconclusive", measured, expected, (GIVEN_UP,), hint)
    if lost.get("outwards"):
        measured = f"datagrams still come in, the last one {lost['silent_s']} s before {until}, and none of ours is acknowledged"
        hint = (
            "what is sent from here no longer arrives: the way out alone was cut, and what the server says is not known"
        )
        return Finding(case, "inconclusive", measured, expected, (NO_LIFE, NOT_HEARD), hint)
    hint = "the way there was cut in mid-session, and what the server says is not known"
    return Finding(case, "inconclusive", measured, expected, (NO_LIFE, STOPPED), hint)


def update(case: str, seen: Observation, *, stranger: bool = False) -> Finding:
    """What came of an update that the session should take. `facts` has what was `sent`; the events are it and its answer.

    Of a stranger it is not known that its echo shows all that it has applied.
    """
    expected = "session.updated, with what was sent"
    if skipped := not_sent(case, seen.facts):
        return skipped
    answer = seen.events[1] if len(seen.events) > 1 else None
    if answer is None:
        return unanswered(case, seen.facts, expected)
    if answer.error:
        return Finding(case, "fail", f"error {in_short(answer.error)}", expected)
    echoed = answer.json.get("session") if isinstance(answer.json, dict) else None
    lost = list(differences(seen.facts["sent"], echoed))
    if stranger and lost and all(one.endswith(_NOT_SHOWN) for one in lost):
        hint = "whether it was applied, the answer does not show"
        return Finding(case, "info", f"{answer.type}: {'; '.join(lost)}", expected, hint=hint)
    if lost:
        hint = "accepted is not applied: the session goes on with other settings than were sent"
        return Finding(case, "fail", "; ".join(lost), expected, (ANOTHER_ECHO,), hint)
    return Finding(case, "pass", answer.type, expected)


def opened(case: str, measured: str, expected: str, created: Event) -> Finding:
    """The finding for a session that began without settings of ours; what its model opens otherwise with at OpenAI is told."""
    shown = created.json.get("session") if isinstance(created.json, dict) else None
    model = models.find(str(at(shown, ("model",))))
    unlike = [name for name, place in _OPENS_WITH.items() if at(shown, place) not in (..., getattr(model, name, ...))]
    if model is None or not unlike:
        return Finding(case, "pass", measured, expected)
    told = ", ".join(f"{name} {_short(at(shown, _OPENS_WITH[name]))}" for name in unlike)
    usual = ", ".join(f"{name} {getattr(model, name)}" for name in unlike)
    hint = f"{model.id} opens otherwise at OpenAI: name in your session what you rely on"
    return Finding(case, "pass", f"{measured}; {told}", f"{expected}; {usual}", hint=hint)


_NOT_SHOWN = "not in the echo"


def differences(sent: Any, echoed: Any, path: str = "") -> Iterator[str]:
    """Where an echo is not what was sent, field by field: only what was sent is compared, extra fields of the echo are not."""
    if isinstance(sent, Mapping) and isinstance(echoed, Mapping):
        for name, value in sent.items():
            place = f"{path}.{name}" if path else str(name)
            if name not in echoed:
                yield f"{place}: sent {_short(value)}, {_NOT_SHOWN}"
            else:
                yield from differences(value, echoed[name], place)
    elif sent != echoed:
        yield f"{path}: sent {_short(sent)}, echoed {_short(echoed)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


def no_room_for(case: str, exchange: Exchange) -> Finding | None:
    """The `inconclusive` finding for a refusal that says there is no room for one more session; None for any other answer.

    Of a socket the exchange holds the close code as its status, and the event or the reason as its body.
    """
    full = not exchange.ok and no_room(exchange.status, exchange.body or "")
    return no_slot(case, said(exchange)) if full else None


def no_slot(case: str, measured: str) -> Finding:
    """The finding for a session that was not begun since the server has no room for one more."""
    hint = "it is not the key: close the other sessions of this server, or wait until it has let go of them"
    return Finding(case, "inconclusive", measured, observed=(NO_SLOT,), hint=hint)


def not_asked_here(case: str, seen: Observation, named: str) -> Finding | None:
    """The finding for a case about history or mistakes that this server was not asked; None for one that was.

    `named` is what `--only` takes to ask it all the same.
    """
    if not seen.facts.get("not_asked_here"):
        return None
    hint = (
        "a gateway can shut a model off for everybody when its upstream refuses such a request, so only OpenAI's own hosts "
        f"and the emulator are asked; --only {named} asks it all the same"
    )
    return Finding(case, "info", "not asked of this server", hint=hint)


def not_begun(case: str, seen: Observation) -> Finding | None:
    """The finding for a session that could not be opened again after it had made room for another; None for any other."""
    if not seen.facts.get("unbegun") or seen.exchange is None:
        return None
    if unusable := no_answer(case, seen.exchange):
        return unusable
    failure = seen.peers[-1].failure if seen.peers else None
    why = f"{failure.phase}: {failure.detail}" if failure else said(seen.exchange)
    hint = "a session like it opened before in this run: run again, and look at the network and at limits of sessions"
    return Finding(case, "inconclusive", f"no session could be opened again: {why}", hint=hint)
