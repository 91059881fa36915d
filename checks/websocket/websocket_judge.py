"""What the check `websocket` says of what it has seen. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rtdiag.api import sessions
from rtdiag.api.endpoints import Kind
from rtdiag.engine.findings import (
    BY_OPENAI,
    KEY_REFUSED,
    LIMITED,
    NO_CREDIT,
    NO_SESSION,
    NOT_IN_SHAPE,
    NOT_OFFERED,
    REFUSED,
    SERVER_TROUBLE,
    TAKES_ANYTHING,
    TOKEN_REFUSED,
    about_the_credential,
    about_the_model,
    about_who_asks,
    alike,
    as_answer,
    in_short,
    in_the_apis_shape,
    is_quota,
    made_up,
    names_a_reason,
    no_answer,
    no_key_given,
    no_room_for,
    not_asked_here,
    not_this_key,
    opened,
    other_models,
    refused_alike,
    said,
    unknown_key,
    update,
)
from rtdiag.model import ApiError, Event, Evidence, Exchange, Failure, Finding, Observation, Status
from rtdiag.servers import Door
from rtdiag.transport.channel import BINARY, NOT_JSON

# What is observed where HTTP took a key that the WebSocket refuses.
_ALONE = "a key that HTTP took is refused at the WebSocket"

# What is observed where HTTP passes and the upgrade does not: it never arrives, nothing comes back, something else answers.
STRIPPED = "the upgrade is stripped"
NOT_ANSWERED = "the upgrade alone is not answered"
REFUSED_ALONE = "the upgrade alone is refused"
# Where it is answered, and what comes is none, or ends at once.
GARBLED = "what answers the upgrade speaks no WebSocket"
ENDED = "the WebSocket ends as soon as it is open"
_HINTS = {
    STRIPPED: "what answers saw no Upgrade: a proxy or gateway on the way drops it, and has to pass it on (RFC 9110 7.8)",
    NOT_ANSWERED: "HTTP is answered at the same URL: something on the way holds WebSockets back; try another network, or WebRTC",
    REFUSED_ALONE: "HTTP is answered at the same URL: something before the server refuses WebSockets; read who says so",
    GARBLED: "HTTP is answered here: something on the way answers in the server's place, or changes what it sends",
    ENDED: "no close frame came: something on the way lets the upgrade through and then ends it, or the server's WebSocket breaks",
}


MODEL, INTENT, _WRONG = "?model={realtime}", "?intent=transcription", "?model={transcription}"


@dataclass(frozen=True)
class Way:
    """One way to open a socket. `query` may hold models; None is that of the first kind asked for, and so is `kind`.

    `history`: it is about the past, or about the mistakes of others, and not asked of strangers.
    """

    case: str
    title: str
    kind: Kind | None
    query: str | None
    credential: str
    as_subprotocol: bool = False
    history: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be there before this is asked."""
        transcription = ("server.transcription",) if self.kind == "transcription" else ()
        token = f"token.mint-{self.kind}" if self.credential.endswith("-token") else "key.accepted"
        return (token, "server.websocket", *transcription)

    @property
    def door(self) -> Door | None:
        """What a server may not offer, though it has sessions like this one by another way; None for the plainest way."""
        if self.as_subprotocol:
            return "subprotocol"
        if self.credential.endswith("-token"):
            return "websocket-token"
        return "transcription" if self.kind == "transcription" else None


WAYS: tuple[Way, ...] = (
    Way("model-key", "does ?model= take the API key?", "realtime", MODEL, "api-key"),
    Way("model-token", "does ?model= take a token in the header?", "realtime", MODEL, "realtime-token"),
    Way("model-subprotocol", "does ?model= take a token as sub-protocol?", "realtime", MODEL, "realtime-token", True),
    Way("intent-key", "does ?intent=transcription take the key?", "transcription", INTENT, "api-key"),
    Way("intent-token", "does ?intent=transcription take a token?", "transcription", INTENT, "transcription-token"),
    Way("bare-token", "is a transcription token alone enough?", "transcription", "", "transcription-token"),
)


CONTROLS: tuple[Way, ...] = (
    Way(
        "transcription-model",
        "is a transcription model as ?model= refused?",
        "transcription",
        _WRONG,
        "api-key",
        history=True,
    ),
    Way("made-up", "is a made-up key refused?", None, None, "made-up"),
    Way("beta-header", "does the beta's header do what it should here?", None, None, "api-key", history=True),
)


# Tokens carry the settings that they were minted with, and an intent carries none of a voice.
_WITHOUT_SETTINGS = "model-key"

_BY_CASE = {way.case: way for way in (*WAYS, *CONTROLS)}


# Statuses at the upgrade that say there is no WebSocket: a path, a method, or an upgrade that the server does not know.
UNAUTHORIZED, _UPGRADE_REQUIRED, _NOT_IMPLEMENTED = 401, 426, 501
NO_WEBSOCKET = frozenset({404, 405, _UPGRADE_REQUIRED, _NOT_IMPLEMENTED})


# Close codes that refuse a credential: 3000 by the API (record 69522944037), 1008 by speaches @ 870e1e1 (2026-03-26); those
# that are made from a status of HTTP. Others say so in words: 1000 "Unauthorized" by Inworld, says record 69522944037.
_AUTH_CLOSES = frozenset({3000, 1008, 4401, 4403})
_UNAUTHORIZED = re.compile(
    r"unauthori[sz]ed|authenticat|authori[sz]ation|forbidden|credential|\b(api[ _-]?key|token)\b", re.IGNORECASE
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    control, plain = evidence.seen.get("made-up"), plain_of(evidence.seen.values())
    keyless = any(x.credential == "none" for seen in evidence.seen.values() for x in seen.exchanges)
    void = control is not None and created_event(control) is not None and not evidence.stranger
    with_key = (evidence.seen.get(case) for case in ("model-key", "intent-key"))
    key_refused = any(
        seen and seen.exchange and not created_event(seen) and _credential_refused(seen) for seen in with_key
    )
    opens = any(created_event(seen) for case, seen in evidence.seen.items() if case != "made-up")
    for case, seen in evidence.seen.items():
        if unasked := not_asked_here(case, seen, f"websocket.{case}"):
            yield unasked
        elif "asked" in seen.facts:
            yield update(case, seen, stranger=evidence.stranger)
        elif seen.exchange is None:
            yield _unasked(case, seen)
        elif opens and seen.facts.get("known") is False and not created_event(seen) and not seen.exchange.failure:
            hint = "a session begins at this server by another way: use that"
            yield Finding(case, "info", in_words(seen), f"session.created, {_BY_CASE[case].kind}", (NOT_OFFERED,), hint)
        elif case == "made-up" and opens and _credential_refused(seen):
            yield _made_up(seen, official=evidence.official, alike=False, keyless=keyless)
        elif case == "made-up" and evidence.stranger and opens and seen.exchange.status in REFUSED:
            yield Finding(case, "pass", in_words(seen), "a refusal")
        elif lost := _lost(case, seen, plain, control, evidence):
            yield lost
        elif evidence.stranger and seen.exchange.status == UNAUTHORIZED and _refused_as(control, seen, case):
            yield _as_a_made_up(case, seen, stranger=True)
        elif unusable := unusable_answer(case, seen):
            yield unusable
        elif seen.exchange.status in NO_WEBSOCKET and not about_the_model(seen.exchange):
            yield _not_offered(case, seen, plain, official=evidence.official)
        elif case == "made-up":
            alike = any(_refused_as(seen, other) for other in evidence.seen.values() if other is not seen)
            yield _made_up(seen, official=evidence.official, alike=alike, keyless=keyless)
        elif _refused_as(control, seen, case):
            yield _as_a_made_up(case, seen, stranger=evidence.stranger)
        elif case == "transcription-model":
            yield _transcription_model(seen)
        elif case == "beta-header":
            yield _beta_header(seen, spoken="beta" in evidence.dialects)
        else:
            yield _session(_BY_CASE[case], seen, void=void, key_refused=key_refused, stranger=evidence.stranger)


def _lost(
    case: str, seen: Observation, plain: Exchange | None, control: Observation | None, evidence: Evidence
) -> Finding | None:
    """The finding for an upgrade that is let down on the way; where a stranger refuses who asks, that is its own word."""
    upgrade = seen.exchange
    found = on_the_way(case, seen, plain, control, official=evidence.official)
    own = upgrade is not None and not upgrade.failure and not guards(upgrade)
    refused = upgrade is not None and upgrade.status in REFUSED
    if evidence.stranger and own and found and (refused or REFUSED_ALONE in found.observed):
        return None
    return found


def guards(exchange: Exchange) -> bool:
    """Whether a page, in the place of what a server says, forbids it: mostly a firewall."""
    return exchange.looks_like_html and exchange.status != UNAUTHORIZED


def _refused_as(control: Observation | None, seen: Observation, case: str = "") -> bool:
    """Whether the upgrade itself is refused as that of a made-up key is, in words that are about no credential."""
    exchange = seen.exchange
    if exchange is None or control is None or case == "made-up" or about_the_credential(exchange):
        return False
    return not names_a_reason(exchange, _ALONE) and made_up(exchange, control.exchange) is True


def _as_a_made_up(case: str, seen: Observation, *, stranger: bool) -> Finding:
    """The finding for an upgrade that is refused as that of a made-up key is."""
    exchange = seen.exchange
    assert exchange is not None
    if elsewhere := not_this_key(case, exchange, "101"):
        return elsewhere
    if not stranger or seen.facts.get("http_took") or exchange.status not in REFUSED or not about_who_asks(exchange):
        return refused_alike(case, exchange, "101")
    if exchange.credential == "none":
        return no_key_given(case, in_words(seen), "101")
    return unknown_key(case, in_words(seen), "101")


def _session(way: Way, seen: Observation, *, void: bool, key_refused: bool, stranger: bool) -> Finding:
    case, expected, created = way.case, f"session.created, {way.kind}", created_event(seen)
    if created is None:
        return _refused(way, seen, expected, key_refused=key_refused, stranger=stranger)
    measured = f"{created.type}, {_kind_of(created) or 'of no named kind'}"
    if _kind_of(created) not in (way.kind, None) and seen.facts.get("known") is False:
        return Finding(
            case, "info", measured, expected, (NOT_OFFERED,), "this server has sessions of one kind at this URL"
        )
    if _kind_of(created) not in (way.kind, None):
        hint = "the query or the token was not heeded on the way: it is another kind of session than was asked for"
        return Finding(case, "fail", measured, expected, ("a session of another kind than was asked for",), hint)
    if way.as_subprotocol and seen.exchange and not seen.exchange.header("sec-websocket-protocol"):
        measured = "101 without a sub-protocol"
        if seen.facts.get("known") is False:
            return Finding(case, "info", measured, "realtime is selected", hint="a browser ends such a connection")
        hint = "a browser ends such a connection: the server must select `realtime` where it was offered"
        return Finding(case, "fail", measured, "realtime is selected", ("no sub-protocol is selected",), hint)
    if void:
        return Finding(case, "info", measured, expected, hint="a made-up key gets the same: this proves nothing")
    if case == _WITHOUT_SETTINGS:
        return opened(case, measured, expected, created)
    return Finding(case, "pass", measured, expected)


def _refused(way: Way, seen: Observation, expected: str, *, key_refused: bool, stranger: bool) -> Finding:
    """What it means that no session came: silence, a close, a refusal."""
    measured = in_words(seen)
    if seen.facts.get("has_mint") is False:
        return Finding(
            way.case, "info", measured, expected, hint="this server mints no tokens for such sessions either"
        )
    if seen.events and all(e.type in (NOT_JSON, BINARY) for e in seen.events):
        hint = "what came is no event of the API: another server, or another protocol, is behind this URL"
        return Finding(way.case, "inconclusive", measured, expected, (NOT_IN_SHAPE,), hint)
    if stays_silent(seen) or _closed_for_nothing(seen):
        hint = "the first event of every session is session.created: the server, or something on the way, holds it back"
        return Finding(way.case, "fail", measured, expected, (NO_SESSION,), hint)
    error = as_answer(seen).error
    if error and _NONE_SENT.search(error.message or ""):
        return Finding(way.case, "fail", measured, expected, (), _NOT_SEEN)
    named = names_a_reason(as_answer(seen), _ALONE)
    if stranger and way.credential == "api-key" and seen.facts.get("http_took") is False and _unauthorized(seen):
        named = False
    flag = "--transcription-model" if way.kind == "transcription" else "--model"
    others = other_models(as_answer(seen), seen.facts.get("listed", ()), flag)
    if named and stranger:
        return Finding(way.case, "fail", measured, expected, hint=others)
    unnamed = not named or (error is not None and error.code == "invalid_api_key")
    if _credential_refused(seen) and way.credential == "api-key" and seen.facts.get("http_took") is False:
        if as_answer(seen).credential == "none":
            return no_key_given(way.case, measured, expected)
        return Finding(way.case, "fail", measured, expected, (KEY_REFUSED,), "this server does not take the key")
    if _credential_refused(seen) and (key_refused or way.credential == "api-key"):
        hint = "over HTTP this server took the key: what stands before its WebSocket answers, or drops the credential"
        return Finding(way.case, "fail", measured, expected, (_ALONE,), hint if unnamed else None)
    if unnamed and way.credential.endswith("-token") and _credential_refused(seen):
        hint = (
            "this server minted the token and refuses it at its WebSocket: does something between answer in its place?"
        )
        return Finding(way.case, "fail", measured, expected, (TOKEN_REFUSED,), hint)
    return Finding(way.case, "fail", measured, expected)


_NOT_SEEN = (
    "rtdiag sent one, and over HTTP it was taken: it is not read here, or something on the way takes it out of upgrades"
)
# What is said of a request that carries no credential; each of these carries one.
_NONE_SENT = re.compile(
    r"missing (bearer|basic)|did.?n.t provide an api key|no api key (was )?(provided|given)", re.IGNORECASE
)


def _made_up(seen: Observation, *, official: bool, alike: bool, keyless: bool) -> Finding:
    expected, measured = "a refusal", in_words(seen)
    if created_event(seen) and keyless:
        return Finding("made-up", "info", measured, hint="no key is asked for here: any text will do")
    if created_event(seen):
        hint = "it asks for no key at its WebSocket: no session that began there says anything about keys and tokens"
        status: Status = "fail" if official else "warn"
        observed = (TAKES_ANYTHING, *((BY_OPENAI,) if official else ()))
        return Finding("made-up", status, measured, expected, observed, hint)
    if _credential_refused(seen) and not alike:
        return Finding("made-up", "pass", measured, expected)
    hint = "neither taken nor refused as a credential: the control says nothing here"
    return Finding("made-up", "info", measured, expected, hint=hint)


def _transcription_model(seen: Observation) -> Finding:
    case, expected, measured = "transcription-model", "invalid_model", in_words(seen)
    if created_event(seen):
        hint = "what works here fails against the API: transcription is ?intent=transcription, its model goes into the session"
        return Finding(case, "warn", measured, expected, ("a model of another kind is taken",), hint)
    error = as_answer(seen).error
    return Finding(case, "pass" if error and error.code == "invalid_model" else "info", measured, expected)


def _beta_header(seen: Observation, *, spoken: bool) -> Finding:
    expected = "a session of the beta" if spoken else "beta_api_shape_disabled"
    error = as_answer(seen).error
    met = created_event(seen) is not None if spoken else bool(error and error.code == "beta_api_shape_disabled")
    hint = (
        "remove the header OpenAI-Beta, or the sub-protocol openai-beta.realtime-v1" if error and not spoken else None
    )
    return Finding("beta-header", "pass" if met else "info", in_words(seen), expected, hint=hint)


def _unasked(case: str, seen: Observation) -> Finding:
    if first := seen.facts.get("not_offered"):
        return Finding(case, "info", f"not asked: {first} found no WebSocket")
    if first := seen.facts.get("stopped_by"):
        hint = "when that is mended, run --only websocket"
        measured = f"not asked: {first} got no usable answer"
        return Finding(case, "inconclusive", measured, observed=tuple(seen.facts.get("observed", ())), hint=hint)
    return Finding(case, "skip", f"not asked: {seen.facts['silent']} stayed silent")


def wants_plain(seen: Observation) -> bool:
    """Whether it tells more of this upgrade what the same URL answers without one: not where the answer names its reason."""
    upgrade = seen.exchange
    if upgrade is None or upgrade.status == 101:
        return False
    if failure := upgrade.failure:
        return failure.phase == "answer" and failure.kind in ("timeout", "closed")
    status = upgrade.status or 0
    return not (status in (407, 429, 511) or 300 <= status < 400 or names_a_reason(upgrade, _ALONE)) and not (
        about_the_credential(upgrade) or no_room_for("", upgrade)
    )


def plain_of(seen: Iterable[Observation]) -> Exchange | None:
    """The request without Upgrade that was asked beside one of these."""
    return next((x for one in seen for x in one.exchanges if x.url.startswith("http")), None)


def on_the_way(
    case: str, seen: Observation, plain: Exchange | None, control: Observation | None, *, official: bool
) -> Finding | None:
    """The finding for an upgrade that is let down where the `plain` request gets through; None where that is not known."""
    upgrade = seen.exchange
    if upgrade is None or plain is None or not _got_through(plain) or not wants_plain(seen):
        return None
    if upgrade.failure:
        observed = NOT_ANSWERED if upgrade.failure.kind == "timeout" else REFUSED_ALONE
    elif upgrade.status == _UPGRADE_REQUIRED and not upgrade.header("sec-websocket-version") and plain.status != 404:
        observed = STRIPPED
    elif alike(upgrade, plain):
        observed = STRIPPED if _never_arrived(upgrade, official=official) else ""
    else:
        observed = REFUSED_ALONE if _by_another(seen, plain, control, official=official) else ""
    if not observed:
        return None
    same = "as" if alike(upgrade, plain) else f"and {said(plain)}"
    measured = f"{said(upgrade)}, {same} without Upgrade"
    return Finding(case, "inconclusive", measured, "101", (observed,), _HINTS[observed])


def _got_through(plain: Exchange) -> bool:
    return plain.failure is None and 200 <= (plain.status or 0) < 500 and plain.status not in (407, 429)


# A server that wants an upgrade says so to a request without one; 426 is that in one word.
_WANTS_UPGRADE = re.compile(
    r"\bupgrade\b|websocket\w* \w* ?(required|expected|only)|expect\w* a? ?websocket", re.IGNORECASE
)
_WITHOUT = re.compile(r"unsupported|not (be )?(support|enabl|allow|implement)\w*|disabled", re.IGNORECASE)


def _never_arrived(upgrade: Exchange, *, official: bool) -> bool:
    """Whether an answer that is the same with and without Upgrade can only come from where none arrived.

    The path is there, or wants an upgrade. A 404, or the 405 of another server, which may take offers there, tells nothing.
    """
    status, body = upgrade.status or 0, upgrade.body or ""
    if upgrade.looks_like_html or status in REFUSED or status >= 500:
        return False
    wants = status == 426 or (bool(_WANTS_UPGRADE.search(body)) and not _WITHOUT.search(body))
    return official or status < 300 or wants or (status == 405 and in_the_apis_shape(upgrade))


def _by_another(seen: Observation, plain: Exchange, control: Observation | None, *, official: bool) -> bool:
    """Whether a refusal that the plain request does not get is another's than the server's: not about a credential or a session.

    So is a page, what nobody says of a credential, and other words than those of the API where the plain request gets those.
    """
    upgrade = seen.exchange
    assert upgrade is not None
    status = upgrade.status or 0
    other = control is not None and control is not seen and control.exchange is not None
    if status in REFUSED and other and not _refused_as(control, seen):
        return False
    if upgrade.looks_like_html or status < 300:
        return True
    by_whom = official or in_the_apis_shape(plain) or (status in REFUSED | {400} and status not in NO_WEBSOCKET)
    return by_whom and not in_the_apis_shape(upgrade)


def _not_offered(case: str, seen: Observation, plain: Exchange | None, *, official: bool) -> Finding:
    exchange = seen.exchange
    assert exchange is not None
    if official:
        hint = "the API has a WebSocket here: look at the base URL, and at what stands between"
        return Finding(case, "fail", said(exchange), "101", ("the API's WebSocket is not there",), hint)
    hint = "this server offers no WebSocket at /realtime, or a gateway before it does not pass upgrades on"
    unsure = ", or stripped on the way" if plain is not None and alike(exchange, plain) else ""
    return Finding(case, "info", f"{said(exchange)}: not offered by this server{unsure}", "101", hint=hint)


def unusable_answer(case: str, seen: Observation) -> Finding | None:
    """The `inconclusive` finding for what says nothing of what was asked; None for a session or a refusal."""
    exchange = seen.exchange
    if exchange is None or created_event(seen):
        return None
    if exchange.status == _NOT_IMPLEMENTED and not exchange.looks_like_html:
        return None  # no server in trouble: it says what it has not
    failure = seen.peers[-1].failure if seen.peers else None
    broken = failure if failure and failure.kind != "silence" and not _error(seen) else None
    broken = exchange.failure or broken
    if found := no_answer(case, replace(exchange, failure=broken)):
        spoilt = _spoilt(seen, broken)
        return replace(found, expected="101", observed=(spoilt,), hint=_HINTS[spoilt]) if spoilt else found
    if (exchange.status or 0) < 300 and exchange.status != 101:
        hint = "an answer came in place of the upgrade: a proxy or gateway that does not know WebSockets"
        return Finding(case, "inconclusive", f"{said(exchange)} in place of 101", "101", (NOT_IN_SHAPE,), hint)
    if full := no_room_for(case, as_answer(seen)):
        return replace(full, measured=in_words(seen), expected="101")
    trouble = _trouble(as_answer(seen))
    return Finding(case, "inconclusive", in_words(seen), "101", (trouble,)) if trouble else None


def _spoilt(seen: Observation, broken: Failure | None) -> str | None:
    """What becomes of an upgrade that was answered: no WebSocket, or one that ends before anything came."""
    if broken is None:
        return None
    if broken.kind == "protocol":
        return GARBLED
    opened = seen.exchange is not None and seen.exchange.status == 101
    return ENDED if opened and broken.kind == "closed" and not seen.events else None


def _trouble(answer: Exchange) -> str | None:
    """What a refusal says that is about no credential and no session: a limit, or the server's own trouble (RFC 6455: 1011)."""
    error = answer.error or ApiError()
    if is_quota(error):
        return NO_CREDIT
    if error.code == "rate_limit_exceeded":
        return LIMITED
    return SERVER_TROUBLE if error.type == "server_error" or answer.status == 1011 else None


def created_event(seen: Observation) -> Event | None:
    return next((e for e in seen.events if e.type in sessions.CREATED), None)


def _error(seen: Observation) -> Event | None:
    return next((e for e in seen.events if e.type == "error"), None)


def _closed(seen: Observation) -> tuple[int, str] | None:
    close = seen.peers[-1].close if seen.peers else None
    return (int(close["code"]), close["reason"]) if close else None


def stays_silent(seen: Observation) -> bool:
    """Whether the socket stayed open and nothing came that begins or refuses a session."""
    failure = seen.peers[-1].failure if seen.peers else None
    return failure is not None and failure.kind == "silence"


def _closed_for_nothing(seen: Observation) -> bool:
    """Whether the socket was closed as after a job well done, with no word of why."""
    code, reason = _closed(seen) or (0, "")
    return _error(seen) is None and code in (1000, 1001, 1005) and not _UNAUTHORIZED.search(reason)


def _credential_refused(seen: Observation) -> bool:
    """Whether the credential was refused, over HTTP, by an event or by the close code alone."""
    told = as_answer(seen)
    if no_room_for("", told):
        return False
    closed, said_so = _closed(seen), told.error is not None and told.error.code == "invalid_api_key"
    in_words = closed is not None and bool(_UNAUTHORIZED.search(closed[1])) and _error(seen) is None
    in_words = in_words or ((told.status or 0) // 100 == 4 and about_the_credential(told))
    return told.status in {401, 403} | _AUTH_CLOSES or said_so or in_words


def _unauthorized(seen: Observation) -> bool:
    """Whether a socket was closed in words about who asks."""
    closed = _closed(seen)
    return closed is not None and bool(_UNAUTHORIZED.search(closed[1]))


def in_words(seen: Observation) -> str:
    """What came, in a few words: the first event that counts, and how the socket was closed."""
    assert seen.exchange is not None
    if seen.exchange.status != 101:
        return said(seen.exchange)
    first, closed = created_event(seen) or _error(seen) or next(iter(seen.events), None), _closed(seen)
    words = "101, then nothing" if first is None else f"error {in_short(first.error)}" if first.error else first.type
    if closed is None:
        return words
    return f"{words}, close {closed[0]}" if first else f"101, then close {closed[0]} {closed[1]}".rstrip()


def _kind_of(created: Event) -> Kind | None:
    """The kind of session that the event shows: by `type` in GA, by its name or its `object` in the beta."""
    shown = created.json.get("session") if isinstance(created.json, dict) else None
    named = shown.get("type") or shown.get("object") if isinstance(shown, dict) else None
    if created.type.startswith("transcription") or "transcription" in str(named):
        return "transcription"
    return "realtime" if named in ("realtime", "realtime.session") else None
