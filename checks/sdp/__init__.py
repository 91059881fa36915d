"""Is an SDP offer answered, and does a session come of it?

Asks: an offer as multipart with the API key, hung up at once; an invalid offer as JSON and with a charset; an offer as raw
`application/sdp` with a token of each kind, then ICE, DTLS, the `oai-events` channel and `session.created`, each with its
own deadline and time; and the token that opened a session once more, when that is over. Offers go out one after the other; where
the media of one session find no way at once, that of the other kind is begun meanwhile, and both are waited for.
Of servers that are neither OpenAI's nor the emulator's neither JSON, charset nor second use is asked, unless `--only` names it.
Costs: three sessions without audio, four tokens, 13 requests with the hang-ups.
Sources: openai-openapi @ f85dbe2 lines 16685-16770 (201, `Location`, both content types); stdapi.ai tests, record
61698167149 (2026-08-27: JSON is 400 `unsupported_content_type`, the answer is text/plain, hang-up is 200); record
33323316245 (2025: a charset is refused); whole answers and hang-ups: pydantic/pydantic-ai @ f0e9ae4
tests/realtime/cassettes (2026-07-22 to 2026-09-29); aiortc has no ICE over TCP (aiortc/aiortc#443), so a session over blocked UDP
is inconclusive here, and one check over TCP (RFC 6544) says whether a browser gets through; pion drops checks that are not
signed as it wants, so silence alone does not tell a firewall from a wrong password.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

from rtdiag.api import sessions
from rtdiag.api.endpoints import CALLS, KINDS, Kind
from rtdiag.checks.sdp.sdp_judge import PHASES, judge
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import INVALID_OFFER, SDP, Context, Others, SessionAttempt
from rtdiag.engine.findings import beside_made_up
from rtdiag.model import Cost, Observation
from rtdiag.transport.http import Reply


def _cases() -> Iterator[Case]:
    for kind in KINDS:
        before, token = f"sdp.answer-{kind}", f"token.mint-{kind}"
        instead = (token,) if kind == "realtime" else ()  # without a token nothing says that it is to be transcription
        yield Case(
            f"answer-{kind}", f"is a {kind} offer answered?", ("server.calls", token), kind, also_without=instead
        )
        for name, title, _ in PHASES:
            yield Case(f"{name}-{kind}", title.format(kind), (before,), kind)
            before = f"sdp.{name}-{kind}"
    yield Case("location", "does the answer name the call?", ("sdp.answer-realtime",), "realtime")
    yield Case("second-use", "what does a session's token get once more?", ("sdp.answer-realtime",), "realtime")
    yield Case(
        "multipart",
        "is an offer as multipart with the API key answered?",
        ("key.accepted", "server.calls", "token.mint-realtime"),
        "realtime",
        also_without=("token.mint-realtime",),
    )
    yield Case("hangup", "can a call be hung up?", ("sdp.multipart",), "realtime")
    yield Case("wrong-content-type", "is an offer as JSON refused?", ("token.accepted-realtime",), "realtime")
    yield Case("charset", "is an offer with charset=utf-8 answered?", ("token.accepted-realtime",), "realtime")


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """The other ways to post an offer first, then one session of each kind, as many as there is room for."""
    kinds = ctx.options.kinds
    other_ways = (_other_ways(ctx),) if "realtime" in kinds else ()
    async for seen in ctx.beside(
        *other_ways, *(_session(ctx, kind, beside) for kind, beside in itertools.zip_longest(kinds, kinds[1:]))
    ):
        yield seen


async def _session(ctx: Context, kind: Kind, beside: Kind | None) -> AsyncGenerator[Observation]:
    """The session of that kind; where its media find no way at once, that of the kind `beside` is begun meanwhile."""
    if not await ctx.due(*_once(kind), *_of_a_session(kind)):
        return
    if beside and not ctx.wants(*_once(beside), *_of_a_session(beside)):
        beside = None
    async with ctx.using(kind, beside) as opened:
        if opened is None:
            return
        path = opened.exchange.url.removeprefix(ctx.options.base_url.rstrip("/"))
        control = await ctx.control_of(opened.exchange, path)
        for seen in _phases(kind, opened, beside_made_up(opened.exchange, control)):
            yield seen
    if kind == "realtime":
        async for seen in _again(ctx, opened):
            yield seen


def _of_a_session(kind: str) -> tuple[str, ...]:
    return tuple(f"{name}-{kind}" for name in ("answer", *(p[0] for p in PHASES)))


def _once(kind: str) -> tuple[str, ...]:
    return ("location", "second-use") if kind == "realtime" else ()


async def _other_ways(ctx: Context) -> AsyncGenerator[Observation]:
    """An offer as multipart, as JSON, and with a charset; each that holds a token has one of its own."""
    if not await ctx.due("location", "multipart", "wrong-content-type", "charset", "hangup"):
        return
    minted = await ctx.minted("realtime")
    if ctx.at_home and ("ga" not in ctx.dialects or minted.token is None):
        for case in ("location", "multipart", "wrong-content-type", "charset", "hangup"):
            yield Observation(case, facts={"offered": False})
        return
    json_alone = json.dumps({"sdp": INVALID_OFFER.decode()}).encode()
    async for seen in ctx.beside(
        _multipart(ctx),
        ctx.politely(
            _invalid(ctx, "wrong-content-type", "application/json", json_alone),
            _invalid(ctx, "charset", f"{SDP}; charset=utf-8", INVALID_OFFER),
        ),
    ):
        yield seen


async def _invalid(ctx: Context, case: str, content_type: str, content: bytes) -> AsyncGenerator[Observation]:
    if ctx.wants(case) and ctx.may_ask(f"sdp.{case}"):
        token, headers = await ctx.fresh_token("realtime", opens=False), {"content-type": content_type}
        yield Observation(case, (await ctx.request("POST", CALLS, token, content=content, headers=headers),))
    elif ctx.wants(case):
        yield Observation(case, facts={"not_asked_here": True})


def _multipart_is_safe(ctx: Context) -> bool:
    """Whether a call that nobody takes up may be opened: a stranger that cannot hang it up would hold the slot for it."""
    return ctx.at_home or ctx.asked.offers("multipart") is True or "sdp.multipart" in ctx.options.named


async def _again(ctx: Context, opened: SessionAttempt) -> AsyncGenerator[Observation]:
    """Whether the answer names the call, and what its token gets once more, when the call is over."""
    if not opened.exchange.ok:
        return
    if opened.dialect == "ga" or not ctx.at_home:
        yield Observation("location", (opened.exchange,))
    if not ctx.wants("second-use"):
        return
    if opened.token is None or not ctx.may_ask("sdp.second-use"):
        yield Observation("second-use", facts={"not_asked_here": True})
        return
    path = opened.exchange.url.removeprefix(ctx.options.base_url.rstrip("/"))
    yield Observation("second-use", (opened.exchange, await ctx.invalid_offer(path, opened.token, again=True)))


def _phases(kind: str, opened: SessionAttempt, beside: dict[str, bool]) -> Iterator[Observation]:
    by_key = {} if opened.token and opened.token.name.endswith("-token") else {"by_key": True}
    yield Observation(f"answer-{kind}", (opened.exchange,), facts={"dialect": opened.dialect, **by_key, **beside})
    if opened.session is None or opened.trace is None:
        return
    greeting = tuple(opened.session.received[:1])
    for name, _, phase in PHASES:
        done = phase in opened.trace.phases_ms
        events = greeting if name == "created" else ()
        if done or (opened.trace.failure and opened.trace.failure.phase == phase):
            yield Observation(f"{name}-{kind}", (opened.exchange,) if name == "parse" else (), events, (opened.trace,))


async def _multipart(ctx: Context) -> AsyncGenerator[Observation]:
    if not ctx.wants("multipart", "hangup"):
        return
    if not _multipart_is_safe(ctx):
        for case in ("multipart", "hangup"):
            yield Observation(case, facts={"not_asked_here": True})
        return
    session = json.dumps(sessions.session("realtime", "ga", await ctx.model("realtime"))).encode()

    async def post(offer: bytes) -> Reply:
        parts = {"sdp": (None, offer, SDP), "session": (None, session, "application/json")}
        return await ctx.reply("POST", CALLS, ctx.key, files=parts)

    async with await ctx.place() as place:
        others: Others = "while there is room" if ctx.at_once else "close"
        opened = await ctx.open("multipart", "ga", post, connect=False, others=others, place=place)
        yield Observation("multipart", (opened.exchange,))
        if opened.exchange.ok:
            named = opened.exchange.header("location") is not None
            yield Observation(
                "hangup", (await ctx.hang_up(opened.exchange),) if named else (opened.exchange,), facts={"named": named}
            )


CHECK = Check(
    id="sdp",
    title="Does an SDP offer become a session?",
    cases=tuple(_cases()),
    probe=probe,
    judge=judge,
    cost=Cost(requests=13, tokens_minted=4, sessions_opened=3),
    order=40,
    beside=True,
)
