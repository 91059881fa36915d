"""Does it work in the user's own browser?

Asks, by a page on this machine that `--browser` opens: whether the page may use a microphone and WebRTC; whether a request gets
there at all (`no-cors`), and one of the same path to rtdiag's own server; whether the page may read what an offer that cannot be
taken is refused with, plainly and with each header that apps send; then an offer with a token, ICE, DTLS, the channel,
`session.created`, an update and its echo, which pair carries, and a word or two that must be heard; and a WebSocket with a token as
sub-protocol. Each is held against what the command line got for the same.
A page gets tokens of 60 seconds alone, never the key. The microphone is listened to in the page and nothing of it is sent.
Needs: a browser; where a person opens it, one click.
Costs: two tokens, two sessions, about ten requests, one short spoken answer. Of servers that are neither OpenAI's nor the
emulator no further headers and no mint are asked, unless `--only` names the case.
Sources: fetch.spec.whatwg.org (CORS protocol, `no-cors`); W3C webrtc-pc, webrtc-stats, mediacapture-streams; RFC 8828; WHATWG HTML
(autoplay) and WebSockets; openclaw/openclaw#76435 (2026-05-03: a header that no preflight allows).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import quote, urlsplit

from rtdiag.api import sessions
from rtdiag.api.endpoints import BETA_SUBPROTOCOL, CLIENT_SECRETS, MODELS, REALTIME, Kind, sdp_path
from rtdiag.api.keys import MADE_UP_TOKEN
from rtdiag.api.sessions import Json
from rtdiag.browser.account import Account, Request, Socket
from rtdiag.browser.asked_page import Asked, Page
from rtdiag.browser.taking import take
from rtdiag.checks.browser.both_ways import CommandLine
from rtdiag.checks.browser.browser_judge import judge
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import INVALID_OFFER, Context
from rtdiag.engine.own_page import failures
from rtdiag.engine.results import NOT_ASKED
from rtdiag.model import Cost, Event, Exchange, Observation
from rtdiag.transport.breaker import NotAskedError

_OWN_PAGE_S = 120.0  # for a user to paste a line and use the page
_STILL_S = 1.0  # between two looks at a page that does something
_LOOKS = 10
_CALLS, _TOKEN = "server.calls", "token.mint-realtime"

# (id, question, what it rests on beside the page); those with a kind open a session of it.
_ROWS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("secure", "is the page a secure context?", ()),
    ("microphone", "does the browser give a microphone, and is it heard?", ("browser.secure",)),
    ("webrtc", "does the browser have WebRTC?", ()),
    ("same-path", "is a request of the API's path let out of the browser?", ()),
    ("reached", "does the browser reach the server?", ()),
    ("cors-offer", "can the page read what an offer is answered with?", ("browser.reached", _CALLS)),
    ("cors-agents", "can the page send X-OpenAI-Agents-SDK?", ("browser.cors-offer",)),
    ("cors-beta", "can the page send OpenAI-Beta?", ("browser.cors-offer",)),
    ("cors-client", "can the page send ids of its own in OpenAI-… and X-…?", ("browser.cors-offer",)),
    ("cors-mint", "can the page read what a mint answers?", ("browser.reached", "server.mint")),
    ("answer", "is the page's offer answered?", ("browser.reached", "browser.webrtc", _CALLS, _TOKEN)),
    ("location", "can the page read which call it has?", ("browser.answer",)),
    ("ice", "does ICE find a way from the browser?", ("browser.answer",)),
    ("dtls", "does the browser's DTLS handshake succeed?", ("browser.ice",)),
    ("channel", "does the browser's oai-events channel open?", ("browser.dtls",)),
    ("created", "does session.created arrive in the page?", ("browser.channel",)),
    ("update", "is an update of the page applied?", ("browser.created",)),
    ("pair", "does UDP carry it, or TCP, or a relay?", ("browser.ice",)),
    ("sound", "is an answer heard in the page?", ("browser.created",)),
    ("websocket", "does a WebSocket of the page begin a session?", ("browser.reached", "server.websocket", _TOKEN)),
    ("blocked", "does a policy forbid the page something?", ()),
)
_OF_A_SESSION = ("answer", "location", "ice", "dtls", "channel", "created", "update", "pair", "sound", "websocket")
_WITH_A_TOKEN = ("answer", "websocket")
# What a gateway may take amiss: each is one more refusal of a made-up token.
_MORE_REFUSALS = ("cors-agents", "cors-beta", "cors-client", "cors-mint")
_OVER_HTTP = ("reached", "cors-offer", *_MORE_REFUSALS, "answer", "websocket")


def _cases() -> Iterator[Case]:
    yield Case("page", "does a page in a browser answer to the end?", allow="browser")
    for case, title, needs in _ROWS:
        kind: Kind | None = "realtime" if case in _OF_A_SESSION else None
        yield Case(case, title, ("browser.page", *needs), kind, allow="browser")
    title = "what fails first in a page of your own, which the watch line records?"
    yield Case("own-page", title, allow="browser", waits_s=_OWN_PAGE_S, asks=False)


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Ask the page all at once, and take its answers in the order of the cases; then look at the user's own page."""
    page = ctx.options.page
    if page is None:
        yield Observation("page", facts={"why": "no browser is open: ask with --browser"})
        return
    if ctx.wants("page"):
        async for seen in _asked(ctx, page):
            yield seen
    if ctx.wants("own-page"):
        yield await _own_page(ctx, page)


async def _asked(ctx: Context, page: Page) -> AsyncIterator[Observation]:
    tokens = _Tokens(ctx)
    async with await ctx.place():
        cases = [case for case, *_ in _ROWS if ctx.wants(case)]
        left_out = {case: {"not_asked_here": True} for case in _MORE_REFUSALS if not ctx.may_ask(f"browser.{case}")}
        if not ctx.asked.known.subprotocol:
            left_out["websocket"] = {"known": False}
        plan = await _plan(ctx, [case for case in cases if case not in left_out])
        if {*_WITH_A_TOKEN} & {*plan["cases"]}:
            await ctx.leave_room()
        asked = await page.ask(plan, tokens)
    yield Observation("page", facts={"why": asked.why, **asdict(asked.tabs)})
    if asked.account is None:
        return
    told = take(asked.account, ctx.recorder, by="browser", minted=tokens.minted)
    gone = await _gone(ctx, told)
    ours = CommandLine.of(ctx.recorder, ctx.options.base_url)
    for case in cases:
        if case in left_out:
            yield Observation(case, facts=left_out[case])
        elif case in told:
            seen = ours.beside(_with_the_browsers_words(told[case], asked, ctx.options.base_url))
            if gone and _is_unanswered(case, seen):
                seen = replace(seen, exchanges=(*seen.exchanges, gone))
            yield seen
        else:
            yield Observation(case, facts={NOT_ASKED: "the page did not come to this"})


async def _gone(ctx: Context, told: Mapping[str, Observation]) -> Exchange | None:
    """Where requests of the page got no answer: what the command line gets now, if that is none, either. Pages are not told why."""
    if not any(_is_unanswered(case, seen) for case, seen in told.items()):
        return None
    with suppress(NotAskedError):
        await ctx.request("GET", MODELS, None)
    last = next((x for x in reversed(ctx.recorder.exchanges) if not x.by), None)
    return last if last is not None and last.status is None else None


def _is_unanswered(case: str, seen: Observation) -> bool:
    return case in _OVER_HTTP and any(x.by and x.failure and x.failure.kind == "untold" for x in seen.exchanges)


class _Tokens:
    """Tokens for the page, one for each of the questions that use one up; `minted` has the exchanges that they came in."""

    def __init__(self, ctx: Context) -> None:
        self.minted: dict[str, str] = {}
        self._ctx = ctx

    async def __call__(self, case: str) -> Mapping[str, Any] | str:
        """A token for that case; in words why there is none. What is no token, such as the key, is never given."""
        if case not in _WITH_A_TOKEN or case in self.minted:
            return "no token is due here"
        try:
            token = await self._ctx.fresh_token("realtime")
        except NotAskedError as exc:
            return str(exc)
        if token is None or token.minted_in is None:
            return "the server gave none"
        self.minted[case] = token.minted_in
        answer = next((x.json for x in self._ctx.recorder.exchanges if x.id == token.minted_in), None)
        holder = answer.get("client_secret", answer) if isinstance(answer, dict) else {}
        ends = holder.get("expires_at") if isinstance(holder, dict) else None
        return {"value": token.secret.reveal(), "expires_at": ends if isinstance(ends, int | float) else None}


async def _plan(ctx: Context, cases: list[str]) -> Json:
    """What the page is to ask, at which URLs; nothing in it is secret."""
    options, waits = ctx.options, ctx.deadlines
    opens = bool({*_WITH_A_TOKEN} & {*cases})
    dialect = (await ctx.minted("realtime")).dialect if opens else "ga"
    model = await ctx.model("realtime")
    quiet = sessions.session("realtime", dialect, model, None)
    socket = ctx.asked.url(f"{REALTIME}?model={quote(model, safe='')}")
    return {
        "cases": cases,
        "base_url": options.base_url.rstrip("/"),
        "calls_url": ctx.asked.url(sdp_path("realtime", dialect, model)),
        "mint_url": ctx.asked.url(CLIENT_SECRETS),
        "socket_url": "ws" + socket.removeprefix("http"),
        "socket_protocols": [BETA_SUBPROTOCOL] if dialect == "beta" else [],
        "subprotocol": ctx.asked.known.subprotocol,
        "model": model,
        "update": sessions.update("realtime", dialect, quiet),
        "session_says": sessions.update_type("realtime", dialect).replace(".update", ".updated"),
        "respond": {"type": "response.create", "response": {"instructions": "Say the word yes, and nothing else."}},
        "ice_servers": [
            {"urls": url} for url in options.ice_servers if url.startswith("stun")
        ],  # a TURN server has a secret
        "invalid_offer": INVALID_OFFER.decode(),
        "made_up_token": MADE_UP_TOKEN,
        "waits_ms": {
            "request": waits.request_s * 1000,
            "ice": waits.ice_s * 1000,
            "dtls": waits.dtls_s * 1000,
            "channel": waits.channel_s * 1000,
            "event": waits.event_s * 1000,
            "sound": 2 * waits.event_s * 1000,
        },
        "emulator": options.emulated,
        "server": urlsplit(options.base_url).netloc,
    }


def _with_the_browsers_words(seen: Observation, asked: Asked, base_url: str) -> Observation:
    """The same with the lines of the console that are about that request, and with what a policy has forbidden of it."""
    if seen.case == "blocked":
        return replace(seen, facts={**seen.facts, "console": list(asked.tabs.console[:20])})
    if seen.case not in _OVER_HTTP:
        return seen
    urls = {x.url for x in seen.exchanges if x.by}
    lines = [line for line in asked.tabs.console if any(url in line for url in urls)]
    forbidden = [f"{one.directive}: {one.what}" for one in _forbidden(asked.account) if _is_of(one.what, base_url)]
    return replace(seen, facts={**seen.facts, "console": lines[:20], "forbidden": forbidden[:20]})


def _forbidden(account: Account | None) -> list[Any]:
    return account.blocked if account else []


def _is_of(what: str, base_url: str) -> bool:
    """Whether a policy names this server; its URL, or its origin alone, over HTTP or as a WebSocket."""
    host = urlsplit(base_url).netloc
    return bool(host) and f"//{host}" in what


async def _own_page(ctx: Context, page: Page) -> Observation:
    """What failed first in a page of the user's own; it is waited for where nothing else is asked of a browser."""
    waits = "browser.own-page" in ctx.options.named
    account = await page.watched(_OWN_PAGE_S if waits else 0.0)
    failed = failures(account, ctx.recorder.mask) if account else ()
    for _ in range(_LOOKS if account is not None and waits else 0):
        await ctx.sleep(_STILL_S)
        before, account = failed, await page.watched() or account
        failed = failures(account, ctx.recorder.mask) if account else ()
        if failed and [one.text for one in failed] == [one.text for one in before]:
            break
    if account is None:
        return Observation("own-page", facts={"told": False, "waited": waits})
    whole = take(account, ctx.recorder, by="page")["own-page"]
    if not failed:
        return replace(whole, facts={**whole.facts, "told": True, "failed": ""})
    facts = {"told": True, "failed": failed[0].text, "others": len(failed) - 1, **failed[0].fact}
    root = _shown_by(failed[0].shown_by, account, whole)
    refused = root is not None and root.status != 101 and not root.ok
    return replace(
        whole,
        exchanges=(root,) if root and not root.ok else (),
        events=_first_error(whole.events) if not refused and '"error"' in failed[0].text else (),
        peers=() if refused else tuple(p for p in whole.peers if p.failure or p.close)[-1:],
        facts={**whole.facts, **facts},
    )


def _first_error(events: Sequence[Event]) -> tuple[Event, ...]:
    """The first event that is an error, behind the one that was sent last before it."""
    place = next((n for n, event in enumerate(events) if event.type == "error"), None)
    if place is None:
        return ()
    sent = next((e for e in reversed(events[:place]) if e.direction == "sent"), None)
    return (sent, events[place]) if sent else (events[place],)


def _shown_by(name: str, account: Account, whole: Observation) -> Exchange | None:
    """The request or socket of that id as it stands in the record; None where it is another thing, or was left out."""
    every: list[Request | Socket] = [*account.requests, *account.sockets]
    asked = sorted(every, key=lambda one: one.at_ms)
    if len(asked) != len(whole.exchanges):
        return None
    return next((x for one, x in zip(asked, whole.exchanges, strict=True) if one.id == name), None)


CHECK = Check(
    id="browser",
    title="Does it work in the browser?",
    cases=tuple(_cases()),
    probe=probe,
    judge=judge,
    cost=Cost(requests=10, tokens_minted=2, sessions_opened=2),
    order=95,
)
