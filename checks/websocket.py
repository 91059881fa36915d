"""Does a WebSocket begin a session, with each credential and in each way that clients use?

Asks for the upgrade at `/realtime` and waits for the first event and the close: `?model=` with the API key, with a token
in the header and with a token as sub-protocol (all that a browser can do); `?intent=transcription` with the key and with
a token; a token alone. One update of each kind goes over an open socket. Controls: a transcription model as `?model=`, a
made-up key, the header of the beta. Each token is fresh from the mint: a server may take it once. A socket that stays silent
ends its kind; no usable answer to the upgrade, no WebSocket there, no credit or no room for a session ends it all. Of a
server that is neither OpenAI's nor the emulator neither a transcription model nor the beta's header is asked, unless
`--only` names the case.
Costs: 9 requests, of which 6 open a session without audio, closed at once, and 4 mints where no earlier check has left tokens.
Sources: live capture of 2026-09-18, record 69522944037 (wrong keys, models and the beta are refused after the 101, by an
`error` event and close 3000 or 4000); record 60202052155 (2026-08-01: a token alone, transcription models); npm openai
7.57.0 src/realtime/websocket.ts:250 (sub-protocols); record 68335575354 (2026-09-24: Azure refuses at the upgrade, 401).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from rtdiag.api import sessions
from rtdiag.api.endpoints import CALLS, Dialect, Kind
from rtdiag.api.sessions import Json
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, speaks
from rtdiag.engine.findings import (
    BY_OPENAI,
    LIMITED,
    NO_API,
    NO_CREDIT,
    NO_SLOT,
    NOT_IN_SHAPE,
    SERVER_TROUBLE,
    TAKES_ANYTHING,
    TOKEN_REFUSED,
    about_the_credential,
    as_answer,
    in_short,
    is_quota,
    made_up,
    names_a_reason,
    no_answer,
    no_room_for,
    not_asked_here,
    refused_alike,
    said,
    update,
)
from rtdiag.model import ApiError, Cost, Event, Evidence, Exchange, Finding, Observation, Status
from rtdiag.transport.channel import BINARY, NOT_JSON
from rtdiag.transport.http import Credential
from rtdiag.transport.websocket import Socket

# What is observed where HTTP took a key that the WebSocket refuses.
_ALONE = "a key that HTTP took is refused at the WebSocket"

_MODEL, _INTENT, _WRONG = "?model={realtime}", "?intent=transcription", "?model={transcription}"


@dataclass(frozen=True)
class _Way:
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
    def needs(self) -> str:
        """What must have passed before this is asked."""
        return f"token.mint-{self.kind}" if self.credential.endswith("-token") else "key.accepted"


_WAYS: tuple[_Way, ...] = (
    _Way("model-key", "does ?model= take the API key?", "realtime", _MODEL, "api-key"),
    _Way("model-token", "does ?model= take a token in the header?", "realtime", _MODEL, "realtime-token"),
    _Way("model-subprotocol", "does ?model= take a token as sub-protocol?", "realtime", _MODEL, "realtime-token", True),
    _Way("intent-key", "does ?intent=transcription take the key?", "transcription", _INTENT, "api-key"),
    _Way("intent-token", "does ?intent=transcription take a token?", "transcription", _INTENT, "transcription-token"),
    _Way("bare-token", "is a transcription token alone enough?", "transcription", "", "transcription-token"),
)
_CONTROLS: tuple[_Way, ...] = (
    _Way(
        "transcription-model",
        "is a transcription model as ?model= refused?",
        "transcription",
        _WRONG,
        "api-key",
        history=True,
    ),
    _Way("made-up", "is a made-up key refused?", None, None, "made-up"),
    _Way("beta-header", "does the beta's header do what it should here?", None, None, "api-key", history=True),
)
_BY_CASE = {way.case: way for way in (*_WAYS, *_CONTROLS)}
_UPDATED_OVER: dict[str, Kind] = {"model-key": "realtime", "intent-key": "transcription"}


def _cases() -> Iterator[Case]:
    for way in (*_WAYS, *_CONTROLS):
        yield Case(way.case, way.title, (way.needs,), way.kind)
        if kind := _UPDATED_OVER.get(way.case):
            yield Case(
                f"update-{kind}", f"{kind}: is an update over the socket applied?", (f"websocket.{way.case}",), kind
            )


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Open one socket after the other; what makes further ones pointless is told in place of asking them."""
    kinds = ctx.options.kinds
    await ctx.minted(kinds[0])
    await ctx.beta_mint(kinds[0])  # which dialects are spoken decides how to ask
    dialect = await _dialect(ctx)
    unasked: dict[Kind | None, Json] = {}
    for way in (*_WAYS, *_CONTROLS):
        if ctx.wants(way.case) and way.history and not ctx.may_ask(f"websocket.{way.case}"):
            yield Observation(way.case, facts={"not_asked_here": True})
        elif ctx.wants(way.case):
            kind = way.kind or kinds[0]
            async for seen in _visit(ctx, way, kind, "beta" if way.case == "beta-header" else dialect, unasked):
                yield seen


async def _dialect(ctx: Context) -> Dialect:
    """The dialect to ask in. Without a mint to tell it, a socket does: by the shape of the session that begins on it.

    The beta's header, with which alone its first year began, goes along only where that does no harm, or the refusal asks for it.
    """
    if ctx.dialects or not ctx.options.api_key:
        return "beta" if ctx.dialects == {"beta"} else "ga"
    plain = await _first_look(ctx, "ga")
    if created := _created(plain):
        return _shape_of(created)
    wanted = plain.exchange is not None and "openai-beta" in (as_answer(plain).body or "").lower()
    if not (wanted or ctx.may_ask("websocket.beta-header")):
        return "ga"
    return "beta" if _created(await _first_look(ctx, "beta")) else "ga"


async def _first_look(ctx: Context, dialect: Dialect) -> Observation:
    assert ctx.options.api_key is not None
    query = _MODEL.replace("{realtime}", quote(await ctx.model("realtime"), safe=""))
    socket = await ctx.socket("dialect", query, ctx.options.api_key, dialect)
    await socket.close()
    return _seen("", [socket])


def _shape_of(created: Event) -> Dialect:
    """GA's session has a `type`, and what is heard and said under `audio`; the beta's is flat."""
    shown = created.json.get("session") if isinstance(created.json, dict) else None
    flat = isinstance(shown, dict) and not {"type", "audio"} & shown.keys() and "modalities" in shown
    return "beta" if flat else "ga"


async def _visit(
    ctx: Context, way: _Way, kind: Kind, dialect: Dialect, unasked: dict[Kind | None, Json]
) -> AsyncIterator[Observation]:
    """Ask one way, update what it opened, and close; `unasked` says why not to, and learns what makes the next pointless."""
    reason = unasked.get(None) or unasked.get(kind)
    socket = None if reason else await _socket(ctx, way, kind, dialect)
    if not (reason or socket):
        return
    seen = Observation(way.case, facts=reason or {}) if socket is None else _seen(way.case, [socket])
    if way.case == "intent-key" and socket and not _created(seen):
        seen = replace(seen, facts={"has_mint": speaks((await ctx.minted(kind)).exchange)})
    if not ctx.dialects and seen.exchange and seen.exchange.status in _NO_WEBSOCKET:
        seen = replace(seen, facts={"offers": (await ctx.invalid_offer(CALLS, ctx.key)).status})
    yield seen
    if way.case in _UPDATED_OVER and ctx.wants(f"update-{kind}"):
        yield await _updated(ctx, socket if _created(seen) else None, kind, dialect)
    if socket:
        await socket.close()
    unasked |= _pointless(way, kind, seen)


async def _socket(ctx: Context, way: _Way, kind: Kind, dialect: Dialect) -> Socket | None:
    """The socket of one way; None where the token that it needs is not to be had."""
    credential = await _credential(ctx, way, kind)
    if credential is None:
        return None
    query = (_MODEL if kind == "realtime" else _INTENT) if way.query is None else way.query
    for name in ctx.options.kinds:
        if f"{{{name}}}" in query:
            query = query.replace(f"{{{name}}}", quote(await ctx.model(name), safe=""))
    return await ctx.socket(way.case, query, credential, dialect, as_subprotocol=way.as_subprotocol)


async def _credential(ctx: Context, way: _Way, kind: Kind) -> Credential | None:
    if way.credential == "made-up":
        return ctx.made_up_key
    return (
        await ctx.fresh_token(kind, of_any_session=True) if way.credential.endswith("-token") else ctx.options.api_key
    )


def _seen(case: str, sockets: list[Socket]) -> Observation:
    upgrades = tuple(s.exchange for s in sockets if s.exchange)
    return Observation(case, upgrades, tuple(sockets[-1].received), tuple(s.trace() for s in sockets))


async def _updated(ctx: Context, socket: Socket | None, kind: Kind, dialect: Dialect) -> Observation:
    if socket is None:
        return Observation(f"update-{kind}", facts={"asked": False, "ended": True})
    change: Json = {"instructions": "Speak only when asked."} if kind == "realtime" else {}
    event = sessions.update(kind, dialect, sessions.session(kind, dialect, await ctx.model(kind)) | change)
    answered = await ctx.update(socket, event)
    return Observation(
        f"update-{kind}",
        events=answered.events,
        facts={"sent": event["session"], **answered.facts},
    )


def _pointless(way: _Way, kind: Kind, seen: Observation) -> dict[Kind | None, Json]:
    """What need not be asked after this: every kind (None) or this one, with the facts that say why."""
    if seen.exchange and seen.exchange.status in _NO_WEBSOCKET:
        return {None: {"not_offered": way.case}}
    unusable = _unusable(way.case, seen)
    if unusable and seen.exchange and (seen.exchange.status != 101 or _LIMITS & {*unusable.observed}):
        return {None: {"stopped_by": way.case, "observed": list(unusable.observed)}}
    return {kind: {"silent": way.case}} if way in _WAYS and _silent(seen) else {}


# Statuses at the upgrade that say there is no WebSocket: a path, a method, or an upgrade that the server does not know.
_NO_WEBSOCKET = frozenset({404, 405, 426, 501})
# What says nothing of what was asked, nor will it of what comes next.
_LIMITS = frozenset({LIMITED, NO_CREDIT, NO_SLOT})
# Close codes that refuse a credential: 3000 by the API (record 69522944037), 1008 by speaches @ 870e1e1 (2026-03-26).
_AUTH_CLOSES = frozenset({3000, 1008})


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    control = evidence.seen.get("made-up")
    void = control is not None and _created(control) is not None
    with_key = (evidence.seen.get(case) for case in ("model-key", "intent-key"))
    key_refused = any(seen and seen.exchange and not _created(seen) and _credential_refused(seen) for seen in with_key)
    for case, seen in evidence.seen.items():
        if unasked := not_asked_here(case, seen, f"websocket.{case}"):
            yield unasked
        elif "asked" in seen.facts:
            yield update(case, seen)
        elif seen.exchange is None:
            yield _unasked(case, seen)
        elif unusable := _unusable(case, seen):
            yield unusable
        elif seen.exchange.status in _NO_WEBSOCKET:
            yield _not_offered(case, seen, official=evidence.official)
        elif case == "made-up":
            alike = any(_refused_as(seen, other) for other in evidence.seen.values() if other is not seen)
            yield _made_up(seen, official=evidence.official, alike=alike)
        elif _refused_as(control, seen):
            yield refused_alike(case, seen.exchange, "101")
        elif case == "transcription-model":
            yield _transcription_model(seen)
        elif case == "beta-header":
            yield _beta_header(seen, spoken="beta" in evidence.dialects)
        else:
            yield _session(_BY_CASE[case], seen, void=void, key_refused=key_refused)


def _refused_as(control: Observation | None, seen: Observation) -> bool:
    """Whether the upgrade itself is refused as that of a made-up key is, in words that are about no credential."""
    exchange = seen.exchange
    if exchange is None or control is None or about_the_credential(exchange):
        return False
    return not names_a_reason(exchange, _ALONE) and made_up(exchange, control.exchange) is True


def _session(way: _Way, seen: Observation, *, void: bool, key_refused: bool) -> Finding:
    case, expected, created = way.case, f"session.created, {way.kind}", _created(seen)
    if created is None:
        return _refused(way, seen, expected, key_refused=key_refused)
    measured = f"{created.type}, {_kind_of(created) or 'of no named kind'}"
    if _kind_of(created) not in (way.kind, None):
        hint = "the query or the token was not heeded on the way: it is another kind of session than was asked for"
        return Finding(case, "fail", measured, expected, ("a session of another kind than was asked for",), hint)
    if way.as_subprotocol and seen.exchange and not seen.exchange.header("sec-websocket-protocol"):
        measured = "101 without a sub-protocol"
        hint = "a browser ends such a connection: the server must select `realtime` where it was offered"
        return Finding(case, "fail", measured, "realtime is selected", ("no sub-protocol is selected",), hint)
    if void:
        return Finding(case, "info", measured, expected, hint="a made-up key gets the same: this proves nothing")
    return Finding(case, "pass", measured, expected)


def _refused(way: _Way, seen: Observation, expected: str, *, key_refused: bool) -> Finding:
    """What it means that no session came: silence, a close, a refusal."""
    measured = _said(seen)
    if seen.facts.get("has_mint") is False:
        return Finding(
            way.case, "info", measured, expected, hint="this server mints no tokens for such sessions either"
        )
    if seen.events and all(e.type in (NOT_JSON, BINARY) for e in seen.events):
        hint = "what came is no event of the API: another server, or another protocol, is behind this URL"
        return Finding(way.case, "inconclusive", measured, expected, (NOT_IN_SHAPE,), hint)
    if _silent(seen) or _closed_for_nothing(seen):
        hint = "the upgrade alone proves nothing: the first event of every session is session.created"
        return Finding(way.case, "fail", measured, expected, ("the session never begins",), hint)
    error = as_answer(seen).error
    unnamed = not names_a_reason(as_answer(seen), _ALONE) or (error is not None and error.code == "invalid_api_key")
    if _credential_refused(seen) and (key_refused or way.credential == "api-key"):
        hint = "over HTTP this server took the key: what stands before its WebSocket answers, or drops the credential"
        return Finding(way.case, "fail", measured, expected, (_ALONE,), hint if unnamed else None)
    if unnamed and way.credential.endswith("-token") and _credential_refused(seen):
        hint = (
            "this server minted the token and refuses it at its WebSocket: does something between answer in its place?"
        )
        return Finding(way.case, "fail", measured, expected, (TOKEN_REFUSED,), hint)
    return Finding(way.case, "fail", measured, expected)


def _made_up(seen: Observation, *, official: bool, alike: bool) -> Finding:
    expected, measured = "a refusal", _said(seen)
    if _created(seen):
        hint = "it asks for no key at its WebSocket: no session that began there says anything about keys and tokens"
        status: Status = "fail" if official else "warn"
        observed = (TAKES_ANYTHING, *((BY_OPENAI,) if official else ()))
        return Finding("made-up", status, measured, expected, observed, hint)
    if _credential_refused(seen) and not alike:
        return Finding("made-up", "pass", measured, expected)
    hint = "neither taken nor refused as a credential: the control says nothing here"
    return Finding("made-up", "info", measured, expected, hint=hint)


def _transcription_model(seen: Observation) -> Finding:
    case, expected, measured = "transcription-model", "invalid_model", _said(seen)
    if _created(seen):
        hint = "what works here fails against the API: transcription is ?intent=transcription, its model goes into the session"
        return Finding(case, "warn", measured, expected, ("a model of another kind is taken",), hint)
    error = as_answer(seen).error
    return Finding(case, "pass" if error and error.code == "invalid_model" else "info", measured, expected)


def _beta_header(seen: Observation, *, spoken: bool) -> Finding:
    expected = "a session of the beta" if spoken else "beta_api_shape_disabled"
    error = as_answer(seen).error
    met = _created(seen) is not None if spoken else bool(error and error.code == "beta_api_shape_disabled")
    hint = (
        "remove the header OpenAI-Beta, or the sub-protocol openai-beta.realtime-v1" if error and not spoken else None
    )
    return Finding("beta-header", "pass" if met else "info", _said(seen), expected, hint=hint)


def _unasked(case: str, seen: Observation) -> Finding:
    if first := seen.facts.get("not_offered"):
        return Finding(case, "info", f"not asked: {first} found no WebSocket")
    if first := seen.facts.get("stopped_by"):
        hint = "when that is mended, run --only websocket"
        measured = f"not asked: {first} got no usable answer"
        return Finding(case, "inconclusive", measured, observed=tuple(seen.facts.get("observed", ())), hint=hint)
    return Finding(case, "skip", f"not asked: {seen.facts['silent']} stayed silent")


def _not_offered(case: str, seen: Observation, *, official: bool) -> Finding:
    exchange = seen.exchange
    assert exchange is not None
    if seen.facts.get("offers") in (404, 405) and not official:
        hint = "neither a mint, nor /realtime/calls, nor a WebSocket is known here: is this the Realtime API?"
        return Finding(case, "fail", said(exchange), "101", (NO_API,), hint)
    if official:
        hint = "the API has a WebSocket here: look at the base URL, and at what stands between"
        return Finding(case, "fail", said(exchange), "101", ("the API's WebSocket is not there",), hint)
    hint = "this server offers no WebSocket at /realtime, or a gateway before it does not pass upgrades on"
    return Finding(case, "info", f"{said(exchange)}: not offered by this server", "101", hint=hint)


def _unusable(case: str, seen: Observation) -> Finding | None:
    """The `inconclusive` finding for what says nothing of what was asked; None for a session or a refusal."""
    exchange = seen.exchange
    if exchange is None or _created(seen):
        return None
    failure = seen.peers[-1].failure if seen.peers else None
    broken = failure if failure and failure.kind != "silence" and not _error(seen) else None
    if found := no_answer(case, replace(exchange, failure=exchange.failure or broken)):
        return found
    if (exchange.status or 0) < 300 and exchange.status != 101:
        hint = "an answer came in place of the upgrade: a proxy or gateway that does not know WebSockets"
        return Finding(case, "inconclusive", f"{said(exchange)} in place of 101", "101", (NOT_IN_SHAPE,), hint)
    if full := no_room_for(case, as_answer(seen)):
        return replace(full, measured=_said(seen), expected="101")
    trouble = _trouble(as_answer(seen))
    return Finding(case, "inconclusive", _said(seen), "101", (trouble,)) if trouble else None


def _trouble(answer: Exchange) -> str | None:
    """What a refusal says that is about no credential and no session: a limit, or the server's own trouble (RFC 6455: 1011)."""
    error = answer.error or ApiError()
    if is_quota(error):
        return NO_CREDIT
    if error.code == "rate_limit_exceeded":
        return LIMITED
    return SERVER_TROUBLE if error.type == "server_error" or answer.status == 1011 else None


def _created(seen: Observation) -> Event | None:
    return next((e for e in seen.events if e.type in sessions.CREATED), None)


def _error(seen: Observation) -> Event | None:
    return next((e for e in seen.events if e.type == "error"), None)


def _closed(seen: Observation) -> tuple[int, str] | None:
    close = seen.peers[-1].close if seen.peers else None
    return (int(close["code"]), close["reason"]) if close else None


def _silent(seen: Observation) -> bool:
    """Whether the socket stayed open and nothing came that begins or refuses a session."""
    failure = seen.peers[-1].failure if seen.peers else None
    return failure is not None and failure.kind == "silence"


def _closed_for_nothing(seen: Observation) -> bool:
    """Whether the socket was closed as after a job well done, with no word of why."""
    return _error(seen) is None and (_closed(seen) or (0, ""))[0] in (1000, 1001, 1005)


def _credential_refused(seen: Observation) -> bool:
    """Whether the credential was refused, over HTTP, by an event or by the close code alone."""
    told = as_answer(seen)
    if no_room_for("", told):
        return False
    return told.status in {401, 403} | _AUTH_CLOSES or bool(told.error and told.error.code == "invalid_api_key")


def _said(seen: Observation) -> str:
    """What came, in a few words: the first event that counts, and how the socket was closed."""
    assert seen.exchange is not None
    if seen.exchange.status != 101:
        return said(seen.exchange)
    first, closed = _created(seen) or _error(seen) or next(iter(seen.events), None), _closed(seen)
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


CHECK = Check(
    id="websocket",
    title="Does a WebSocket begin a session?",
    cases=tuple(_cases()),
    probe=probe,
    judge=judge,
    cost=Cost(requests=13, tokens_minted=4, sessions_opened=6),
    takes_spares=4,
    order=70,
)
