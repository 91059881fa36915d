"""What probes share while a run lasts: one client, one record, and tokens and sessions that are made once and closed at the end."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote, urlsplit

from rtdiag.api import keys, models, sessions
from rtdiag.api.capacity import no_room
from rtdiag.api.endpoints import (
    BETA_SUBPROTOCOL,
    CALLS,
    KINDS,
    MODELS,
    REALTIME,
    Dialect,
    Kind,
    mint_path,
    sdp_path,
)
from rtdiag.api.keys import MADE_UP_KEY, MADE_UP_TOKEN
from rtdiag.api.sessions import Json
from rtdiag.engine.asked_server import AskedServer
from rtdiag.engine.at_once import at_once, one_after_another
from rtdiag.engine.room import Place, Room
from rtdiag.engine.run_options import RunOptions as RunOptions
from rtdiag.engine.updates import Ahead, UpdateAnswer, Updates
from rtdiag.engine.whose_turn import asking
from rtdiag.model import Cost, Exchange, Observation, PeerTrace
from rtdiag.redact import Secret
from rtdiag.transport.addresses import is_own
from rtdiag.transport.breaker import Breaker, NotAskedError
from rtdiag.transport.http import Credential, Http, Reply, one_of_many
from rtdiag.transport.recorder import Deadlines, Recorder

if TYPE_CHECKING:
    from rtdiag.network.ice_answer import IceAnswer
    from rtdiag.network.way import Way
    from rtdiag.transport.audio import Voice
    from rtdiag.transport.webrtc import IceServers, Session
    from rtdiag.transport.websocket import Socket

T = TypeVar("T")

# What becomes of the sessions that are open when another is asked for.
Others = Literal["close", "while there is room", "keep"]

# An offer that no server can take: it opens no session and costs nothing, but it is read only after the credential was.
# It parses, but offers no audio: 400 `invalid_offer` by public file, record 57978690424.
INVALID_OFFER = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=rtdiag asks, and wants no session\r\nt=0 0\r\n"
SDP = "application/sdp"

_BY_ITSELF = "the server ends it by itself when its peer is gone"

# Life asked for a token where life is not the question, and the least that a token must have left to be used.
TOKEN_LIFE_S = 60
_LEAST_LIFE_S = 10


# How long a slot is waited for that was given back just now: speech-to-speech 1.1 empties its queues first, and its own client
# asks again each second (evals/big_bench_audio/runner.py:41).
_UNTIL_FREE_S = (0.3, 0.7, 1.5)
_READ_AND_REFUSED, _NO_SUCH_CALL, _TOO_MANY = 400, 404, 429
_NOT_HUNG_UP_BY_PATH = frozenset({404, 405, 501})  # by a server whose calls end with their peers
# How long the end of a run waits for the answer to an offer, so that the call can be hung up.
_LAST_ANSWER_S = 1.0
_SECRET = re.compile("value|.*(?:token|secret|key|jwt|credential|ticket)", re.IGNORECASE)  # as a mint may call one
_LEAST_WAIT_S = 2.0  # for media of a second session: three checks by aioice, as in ice_search.py


@dataclass(frozen=True)
class MintedToken:
    """A mint's exchange and, when it gave a token, the credential and the session object that came with it."""

    exchange: Exchange
    dialect: Dialect
    token: Credential | None = None
    expires_at: float | None = None
    session: Json = field(default_factory=dict)
    minted_s: float = field(default_factory=time.monotonic)

    @property
    def life_s(self) -> float | None:
        """How long it lives from its answer on, by the server's own clock where that is told, else by ours; None if unknown."""
        if self.expires_at is None:
            return None
        told = self.exchange.told_at
        return self.expires_at - (told.timestamp() if told else time.time())

    @property
    def worn(self) -> bool:
        """Whether its end is near; a life that makes no sense, since clocks differ, is taken for the one asked for."""
        life_s = self.life_s
        if self.token is None or life_s is None:
            return False
        life_s = life_s if life_s > 0 else TOKEN_LIFE_S
        return time.monotonic() - self.minted_s > max(life_s - _LEAST_LIFE_S, life_s / 2)


@dataclass(frozen=True)
class SessionAttempt:
    """An attempt to open a session: the exchange of the offer, and the session, its token and its trace as far as they came."""

    exchange: Exchange
    dialect: Dialect
    session: Session | None = None
    trace: PeerTrace | None = None
    token: Credential | None = None

    @property
    def usable(self) -> bool:
        """Whether its channel takes events now."""
        return self.begun and self.session is not None and self.session.open

    @property
    def begun(self) -> bool:
        """Whether it has ever begun, however it ended."""
        return self.exchange.ok and self.session is not None and self.session.failure is None

    def unbegun(self, case: str) -> Observation:
        """What a case saw that needs a session which was opened before, and could not be opened again."""
        peers = (self.trace,) if self.trace else ()
        return Observation(case, (self.exchange,), peers=peers, facts={"unbegun": True})


class Context:
    """What probes share: one client, one record, and tokens and sessions that are made once and closed by the runner."""

    def __init__(
        self,
        options: RunOptions,
        http: Http,
        recorder: Recorder,
        deadlines: Deadlines,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.options = options
        self.recorder = recorder
        self.deadlines = deadlines
        self.sleep = sleep
        self.dialects: frozenset[Dialect] = frozenset()
        self.made_up_key = Credential("made-up", Secret(MADE_UP_KEY), "rtdiag")
        self.made_up_token = Credential("made-up", Secret(MADE_UP_TOKEN), "rtdiag")
        self._http = http
        self._once: dict[Any, Any] = {}
        self._calls: list[tuple[str, Exchange]] = []
        self._hanging_up: set[str] = set()
        self._left_open: list[str] = []
        self._sessions: list[Session | Socket] = []
        self._closed: set[str] = set()
        self._made_way: set[str] = set()  # those that could still be used when rtdiag began to close them
        self._shared: dict[Kind, SessionAttempt | None] = {}
        self._updates = Updates(recorder)
        self._breaker = Breaker()
        self._offering: set[asyncio.Task[Reply]] = set()
        self._taking_up: set[asyncio.Task[bool]] = set()  # of answers, which takes long where media find no way
        self._begun: set[str] = set()
        self._just_freed = False
        self._waiting = set[str]()  # sessions whose offer is not answered for good
        self._one_slot = False
        self._late = asyncio.Event()  # media of a session that is opened found no way at once
        self._room = Room()
        self._turn = _Turn(options.at_once)
        self._at_once = False
        self._spare: dict[Kind, list[MintedToken]] = {kind: [] for kind in KINDS}
        self._lent = set[str]()  # the mints of shared tokens that have opened a session
        self.asked = AskedServer(options, recorder)
        self.models_asked: dict[Kind, str] = {}

    def wants(self, *case_ids: str) -> bool:
        """Whether any of these cases (ids within the check that runs) is to be asked, as far as is known."""
        return asking.get().wants(*case_ids)

    async def due(self, *case_ids: str) -> bool:
        """The same, once it is known of all that these cases rest on how it went. It does not wait for cases of the same check."""
        return await asking.get().due(*case_ids)

    @property
    def at_once(self) -> bool:
        """Whether what does not depend on each other is asked at the same time: of no stranger, who may have room for one.

        Once it is, it stays so: who has begun beside others cannot take that back, whoever answers something in between.
        """
        self._at_once = self._at_once or (self.at_home and self.options.at_once > 1)
        return self._at_once

    def beside(self, *sources: AsyncGenerator[Observation]) -> AsyncGenerator[Observation]:
        """What these few sources tell, in this order; asked at the same time, where the server may be asked so."""
        return at_once(*sources) if self.at_once else one_after_another(*sources)

    def politely(self, *sources: AsyncGenerator[T]) -> AsyncGenerator[T]:
        """The same of any number of sources, of which no more are asked at the same time than the user wishes, in the whole run.

        None of them may wait for another source of the run. Those within one that is asked politely itself share its turn.
        """
        within = one_of_many.get()
        return at_once(*sources, turn=self._turn) if self.at_once and not within else one_after_another(*sources)

    async def spares(self) -> None:
        """Wait until the checks before this one have left the tokens that they do not need."""
        await asking.get().spares()

    @property
    def at_home(self) -> bool:
        """Whether it is OpenAI, or the emulator of it, that is asked: see AskedServer."""
        return self.asked.at_home

    def may_ask(self, case_id: str) -> bool:
        """Whether a case (its full id) about history, or about the mistakes of others, may be asked of this server.

        Behind a gateway its refusal can do harm: litellm 1.108 shuts a model off for everybody for 5 s after an upstream's 401
        or 404. So of a stranger it is asked only where `--only` names it.
        """
        return self.at_home or case_id in self.options.named

    @property
    def key(self) -> Credential | None:
        """The API key; only cases that require `key.accepted` may ask for it. None where a server is asked without one."""
        return self.options.api_key

    async def request(self, method: str, path: str, credential: Credential | None, **content: Any) -> Exchange:
        """One request, recorded; see `Http.send` for `content`. Raises NotAskedError where the network has failed too often."""
        return (await self.reply(method, path, credential, **content)).exchange

    async def reply(self, method: str, path: str, credential: Credential | None, **content: Any) -> Reply:
        """The same with the unmasked body, for what has to be used further."""
        own = self.options.headers if credential is not None and credential.name == "api-key" else {}
        await self._still_answers(method, self.asked.url(path))
        as_taken = self.asked.as_taken(credential)
        reply = await self._http.send(
            method,
            path if "://" in path else self.asked.url(path).removeprefix(self.options.base_url.rstrip("/")),
            as_taken,
            **content | {"headers": {**own, **content.get("headers", {})}},
        )
        exchange = reply.exchange
        self._breaker.note(exchange)
        if "://" not in path:
            self.asked.note(exchange, as_taken)
        if exchange.ok and "/calls/" in (exchange.header("location") or ""):
            self._calls.append((call_path(exchange), exchange))
        return reply

    @property
    def given_up(self) -> str | None:
        """Why the server is asked nothing more, None where it still is."""
        return self._breaker.failed(self.options.base_url)

    async def _still_answers(self, method: str, url: str) -> None:
        """Raise NotAskedError where this is not worth asking any more; what decides that may take one request as a probe."""
        if not self._breaker.check(method, url):
            return
        async with self._lock(("still answers", urlsplit(url).netloc)):
            if self._breaker.check(method, url):
                await self._probe(method, url)

    async def _probe(self, method: str, url: str) -> None:
        parts = urlsplit(url)
        own = urlsplit(self.options.base_url).netloc == parts.netloc
        place = self.asked.url(MODELS) if own else f"{parts.scheme}://{parts.netloc}/"
        self._breaker.probed((await self._http.send("GET", place, None)).exchange)
        self._breaker.check(method, url)

    async def first_answer(self) -> Exchange:
        """`GET /models` with a made-up key, once per run: the first request, and the control of all that are asked with a key."""
        return await self._once_only("control", lambda: self.request("GET", MODELS, self.made_up_key))

    async def way(self, url: str) -> Way:
        """What is measured of the way to that URL's host, once per run."""
        from rtdiag.network.measuring import measure

        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        return await self._once_only(("way", place), lambda: measure(place, self._http.ways, self.deadlines))

    async def way_spoken(self, way: Way) -> Way:
        """That way with what is spoken at its end, where plain HTTP failed."""
        from rtdiag.network.measuring import spoken_at

        return replace(way, spoken=await spoken_at(way, self._http.ways, self.deadlines))

    async def ice_answers(self) -> tuple[IceAnswer, ...]:
        """What each STUN and TURN server that was named answers, once per run."""
        return await self._once_only("ice-servers", self._ask_ice_servers)

    async def _ask_ice_servers(self) -> tuple[IceAnswer, ...]:
        from rtdiag.network.ice_servers import ask_all

        options = self.options
        login = options.ice_username, options.ice_credential
        answers = await ask_all(options.ice_servers, *login, self.deadlines, self._http.ways)
        from rtdiag.network.ice_answer import own_addresses

        for address in own_addresses(answers):
            self.recorder.mask.learn_address(address)
        return answers

    async def _by_ice(self) -> IceServers:
        """The servers that a session is given: those that answered, for each other one would cost it 5 s."""
        from rtdiag.network.ice_answer import usable
        from rtdiag.transport.webrtc import IceServers

        options, answers = self.options, await self.ice_answers()
        return IceServers(usable(answers).urls, options.ice_username, options.ice_credential, options.relay_only)

    async def listed_models(self) -> Exchange:
        """`GET /models` with the API key, once per run; again where it went in another header than keys do, or was one too many."""

        async def ask() -> Exchange:
            return await self.request("GET", MODELS, self.key)

        listed = await self._once_only("models", ask)
        beside = listed.status == _TOO_MANY and self.key_may_go_ahead
        too_much = beside and (await self.first_answer()).status != _TOO_MANY  # some take one request at a time
        if not too_much and not self._in_another_header(listed):
            return listed
        again: Exchange = await self._once_only("models again", ask)
        self._once["models"] = again
        return again

    def _in_another_header(self, listed: Exchange) -> bool:
        """Whether that was refused and the answers show by now that keys go in another header."""
        taken = self.asked.as_taken(self.key)
        told = {name.lower() for name, _ in listed.request_headers}
        return taken is not None and listed.status is not None and not listed.ok and taken.header not in told

    @property
    def key_shape(self) -> dict[str, Any]:
        """What the API key looks like, see `keys.shape_of`; `missing` where there is none."""
        options = self.options
        if options.api_key is None:
            return {"missing": True}
        ours = options.official or options.emulated
        return keys.shape_of(options.api_key.secret.reveal(), "api-key", official=ours)

    @property
    def key_may_be_asked(self) -> bool:
        """Whether a server may be asked with the key, or with none, as the user wishes."""
        shape = self.key_shape
        return "problem" not in shape and (self.options.keyless or "missing" not in shape)

    @property
    def key_may_go_ahead(self) -> bool:
        """Whether it may be sent before the way is known: TLS, or a network of the user's own, keeps it from others."""
        options, parts = self.options, urlsplit(self.options.base_url)
        kept = options.emulated or parts.scheme == "https" or (is_own(parts.hostname or "") and self._http.directly)
        return kept and options.at_once > 1 and "key.accepted" in options.planned and self.key_may_be_asked

    @property
    def key_was_taken(self) -> bool:
        """Whether the server has taken the key over HTTP, where it would not take any."""
        listed, control = self._once.get("models"), self._once.get("control")
        by_list = bool(listed and listed.ok and control and not control.ok)
        return by_list or any(minted.token for kind in KINDS if (minted := self._once.get(("minted", kind))))

    def forget(self, kind: Kind) -> None:
        """The session of that kind that could not be opened is tried again where it is next asked for."""
        self._shared.pop(kind, None)

    async def model(self, kind: Kind) -> str:
        """The model to ask for: the user's, else the newest of rtdiag's choice that the server lists."""
        wished = self.options.realtime_model if kind == "realtime" else self.options.transcription_model
        own = self.options.session
        if wished is None and own is not None and sessions.kind_of(own) == kind:
            wished = sessions.model_of(own)
        if wished is None and (self.options.api_key is not None or self.options.keyless):
            listed = model_ids(await self.listed_models())
            wished = models.default(kind, listed)
            if not self.at_home and listed and wished not in listed:
                wished = models.likely(kind, listed) or wished
        self.models_asked[kind] = wished or models.default(kind)
        return self.models_asked[kind]

    async def mint(
        self,
        kind: Kind,
        dialect: Dialect,
        session: Json,
        life_s: int | None = TOKEN_LIFE_S,
        credential: Credential | None = None,
    ) -> MintedToken:
        """Mint a token for that session object, with the API key or that credential; counted.

        What the server says of the session comes back with it.
        """
        body = sessions.mint_body(kind, dialect, session, life_s)
        reply = await self.reply(
            "POST",
            mint_path(kind, dialect),
            credential or self.key,
            json_body=body,
            find_secrets=secrets_in,
        )
        value = token_in(reply.body) if reply.exchange.ok else None
        if value is None:
            return MintedToken(reply.exchange, dialect)
        self.recorder.spend(Cost(tokens_minted=1))
        parsed = json.loads(reply.body)
        secret_holder = parsed if isinstance(parsed.get("value"), str) else parsed["client_secret"]
        expires = secret_holder.get("expires_at")
        return MintedToken(
            exchange=reply.exchange,
            dialect=dialect,
            token=Credential(f"{kind}-token", Secret(value), mint_path(kind, dialect), reply.exchange.id),
            expires_at=expires if isinstance(expires, (int, float)) else None,
            session=parsed.get("session", parsed) if isinstance(parsed.get("session", parsed), dict) else {},
        )

    async def minted(self, kind: Kind) -> MintedToken:
        """The token of that kind that all checks share, minted once, and again when its end is near.

        The dialect is learned here, unless it was named: GA's mint is asked first, and the beta's where the server does not know
        GA's and takes no harm of being asked.
        """
        async with self._lock(("minted", kind)):
            return await self._minted(kind)

    async def _minted(self, kind: Kind) -> MintedToken:
        held: MintedToken | None = self._once.get(("minted", kind))
        if held is None and not self.at_home and self.asked.doors.get("mint") is False:
            held = next((self._once[at] for other in KINDS if (at := ("minted", other)) in self._once), None)
        if held is not None and not held.worn:
            return held
        model = await self.model(kind)
        dialect = held.dialect if held is not None else self.options.dialect or "ga"
        fresh = await self.mint(kind, dialect, sessions.session(kind, dialect, model))
        self.learn(dialect, fresh.exchange)
        if held is None and not speaks(fresh.exchange):
            beta = await self.beta_mint(kind)
            fresh = beta if beta is not None and speaks(beta.exchange) else fresh
        if held is not None and fresh.token is None:
            return held  # what is left of its life is better than none
        self._once["minted", kind] = fresh
        return fresh

    async def mint_control(self, kind: Kind) -> MintedToken:
        """What the same mint answers a made-up key, asked once per run."""

        async def ask() -> MintedToken:
            dialect = (await self.minted(kind)).dialect
            smallest = sessions.session(kind, dialect, await self.model(kind))
            return await self.mint(kind, dialect, smallest, credential=self.made_up_key)

        return await self._once_only(("mint-control", kind), ask)

    async def fresh_token(self, kind: Kind, *, of_any_session: bool = False, opens: bool = True) -> Credential | None:
        """A token that nothing was asked with yet, since it may be good once; the shared one where no other is to be had.

        `of_any_session`: one that is left of another check will do, whatever its session's settings are. The shared one `opens` one
        session alone: for another NotAskedError says why there is no token.
        """
        while of_any_session and self._spare[kind]:
            spare = self._spare[kind].pop()
            if not spare.worn:
                return spare.token
        shared = await self.minted(kind)
        if shared.token is None:
            return None
        session = sessions.session(kind, shared.dialect, await self.model(kind))
        fresh = await self.mint(kind, shared.dialect, session)
        if fresh.token is None and opens:
            await self._lend(kind, shared, fresh.exchange)
        return fresh.token or shared.token

    async def _lend(self, kind: Kind, shared: MintedToken, refused: Exchange) -> None:
        """The shared token is to open a session, which may use it up: not before it is heard how it is taken, and only once."""
        if shared.exchange.id in self._lent:
            told = refused.status or (refused.failure.kind if refused.failure else "no token")
            raise NotAskedError(
                f"no other token was to be had: {refused.method} {urlsplit(refused.url).path} got {told}"
            )
        self._lent.add(shared.exchange.id)
        if self.at_once and f"token.accepted-{kind}" in self.options.planned:
            with suppress(NotAskedError):
                await self.invalid_offer(sdp_path(kind, shared.dialect, await self.model("realtime")), shared.token)

    def keep(self, kind: Kind, minted: MintedToken) -> None:
        """Keep a token that was minted for the mint's answer alone: `fresh_token` can hand it out."""
        if minted.token is not None:
            self._spare[kind].append(minted)

    def leave_spares(self) -> None:
        """Nothing more is kept by this check: those who wait for what it leaves go on."""
        asking.get().leave_spares()

    async def beta_mint(self, kind: Kind) -> MintedToken | None:
        """What the beta mint of that kind answers, asked once per run; None where it may not be asked."""
        if not self.may_ask(f"token.beta-mint-{kind}"):
            return None

        async def ask() -> MintedToken:
            minted = await self.mint(kind, "beta", sessions.session(kind, "beta", await self.model(kind)))
            self.learn("beta", minted.exchange)
            return minted

        return await self._once_only(("beta", kind), ask)

    def learn(self, dialect: Dialect, exchange: Exchange) -> None:
        """Take note that the server speaks a dialect, if this answer of its mint says so."""
        if speaks(exchange):
            self.dialects |= {dialect}

    async def credential(self, name: str) -> Credential | None:
        """The credential of that name: `api-key`, `realtime-token`, `transcription-token`, `made-up`; None if there is none."""
        if name == "api-key":
            return self.options.api_key
        if name == "made-up":
            return self.made_up_token
        return (await self.minted("realtime" if name == "realtime-token" else "transcription")).token

    async def invalid_offer(self, path: str, credential: Credential | None, *, again: bool = False) -> Exchange:
        """Post an offer that cannot be taken: 400 says that the credential was, 401 that it was not. Asked once, or `again`.

        Should a server take it after all, the call is hung up at the end like any other.
        """

        async def post() -> Exchange:
            headers = {"content-type": SDP, "accept": SDP}
            reply = await self._with_room(
                lambda: self.reply("POST", path, credential, content=INVALID_OFFER, headers=headers), _says_full
            )
            # a stranger that read it may have made room for it, and takes a moment to clear that
            self._just_freed |= not self.at_home and reply.exchange.status == _READ_AND_REFUSED
            return reply.exchange

        return (
            await post()
            if again
            else await self._once_only(("offer", path, credential.name if credential else ""), post)
        )

    async def control_of(self, refused: Exchange, path: str) -> Exchange | None:
        """What a made-up token gets for an invalid offer there, where this was a refusal of the credential; else None."""
        return await self.invalid_offer(path, self.made_up_token) if refused.status in (401, 403) else None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of session asked for, the one whose shared session is open first: so fewer are opened."""
        return tuple(sorted(self.options.kinds, key=lambda kind: not self._open(kind)))

    def _open(self, kind: Kind) -> bool:
        held = self._shared.get(kind)
        return held is not None and held.usable

    async def opened(self, kind: Kind, beside: Kind | None = None) -> SessionAttempt | None:
        """The session of that kind that all checks share; None where no token is to be had.

        `beside` is the kind that is wanted next: where the media of the first find no way at once, its session is begun meanwhile,
        so that both are waited for together. No two offers are on their way at a time.
        It is opened with a fresh token: where a token is good once, what was asked with the shared one must not be in the way.
        It stands beside that of the other kind, so that each is opened once, unless the server has room for one alone. One that
        made room for another is opened anew; one that fell silent, failed or was ended by the server is not.
        """
        self._late.clear()
        first = asyncio.ensure_future(self._opened(kind))
        try:
            if beside is not None and await self._is_late(first) and not self._one_slot:
                with suppress(NotAskedError):
                    await self._opened(beside)
            return await first
        finally:
            if not first.done():
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)

    async def _opened(self, kind: Kind, place: Place | None = None) -> SessionAttempt | None:
        async with self._lock(("opened", kind)):
            if kind not in self._shared or self._made_room(self._shared[kind]):
                self._shared[kind] = await self.fresh(kind, kind, others="while there is room", place=place)
            return self._shared[kind]

    @asynccontextmanager
    async def using(self, kind: Kind, beside: Kind | None = None) -> AsyncIterator[SessionAttempt | None]:
        """The same session, alone of all that is asked meanwhile: nobody else sends to it, nor ends it for want of room."""
        if not self.at_once:
            yield await self.opened(kind, beside)
            return
        async with self._lock(("used", kind)), await self.place() as place:
            yield await self._opened(kind, place)

    async def place(self) -> Place:
        """A place for a session of one's own, to be left when that is over: beside others, unless the server has room for one."""
        return await self._room.enter(alone=self._one_slot)

    async def _is_late(self, opening: asyncio.Task[SessionAttempt | None]) -> bool:
        """Whether a session is told, while it is opened, to be late; at the latest when that is over."""
        late = asyncio.ensure_future(self._late.wait())
        try:
            await asyncio.wait((opening, late), return_when=asyncio.FIRST_COMPLETED)
            return not opening.done()
        finally:
            late.cancel()

    def _made_room(self, held: SessionAttempt | None) -> bool:
        session = held.session if held else None
        return session is not None and session.id in self._made_way - self._updates.silent

    async def fresh(
        self,
        kind: Kind,
        name: str,
        voice: Voice | None = None,
        *,
        others: Others = "close",
        place: Place | None = None,
    ) -> SessionAttempt | None:
        """A session of one's own with a token of its own, which `voice` speaks to; None where no token is to be had.

        Where no tokens are minted, a realtime session is opened with the key, or with none, as the server has it.
        """
        token, dialect = await self.fresh_token(kind), (await self.minted(kind)).dialect
        if token is None and not (kind == "realtime" and self.asked.offers("mint") is False):
            return None
        path = await self.offered_at(kind, dialect, token)
        headers = {"content-type": SDP, "accept": SDP}
        token = token or self.key
        opened = await self.open(
            name,
            dialect,
            lambda offer: self.reply("POST", path, token, content=offer, headers=headers),
            voice=voice,
            others=others,
            place=place,
        )
        created = (
            next((e for e in opened.session.received if e.type in sessions.CREATED), None) if opened.session else None
        )
        if created is not None and not self.at_home:
            opened = replace(opened, dialect=sessions.shape_of(created.json))
        return replace(opened, token=token)

    async def offered_at(self, kind: Kind, dialect: Dialect, token: Credential | None) -> str:
        """The path where an offer goes; without a token, which knows its model, that is named there."""
        model = await self.model("realtime")
        if token is None and self.asked.offers("calls") is not False:
            return f"{CALLS}?model={quote(model, safe='')}"
        return sdp_path(kind, dialect if token else "beta", model)

    async def open(
        self,
        name: str,
        dialect: Dialect,
        post: Callable[[bytes], Awaitable[Reply]],
        *,
        connect: bool = True,
        voice: Voice | None = None,
        others: Others = "close",
        place: Place | None = None,
    ) -> SessionAttempt:
        """Open one session: make an offer, `post` it, and (if `connect`) take up the answer; closed by the runner.

        `others` says what becomes of the sessions that are open: a server may have room for one. Who has a `place` beside others
        waits until they are done with theirs, before any is closed.
        """
        if others == "close" or (others == "while there is room" and self._one_slot):
            await self._all_taken_up()
            await self.make_room()
        await self._still_answers("POST", self.asked.url(CALLS))
        from rtdiag.transport.webrtc import Session

        ice_servers = await self._by_ice()
        beside = others == "while there is room" and self._late.is_set()
        session = Session(
            f"p{len(self._sessions) + 1}-{name}",
            self.recorder,
            _shortened(self.deadlines) if beside else self.deadlines,
            ice_servers,
            voice,
            host=urlsplit(self.options.base_url).hostname,
            late=self._late,
        )
        self._sessions.append(session)
        self._waiting.add(session.id)
        try:
            reply = await self._answered_offer(session, post, others, place)
        finally:
            self._waiting.discard(session.id)
        exchange = reply.exchange
        session.offered_in = exchange.id
        if not exchange.ok:
            return SessionAttempt(exchange, dialect)
        self._begins(session)
        if connect:
            await self._taken_up(session, reply)
        if dialect == "ga" and not exchange.header("location") and not session.open:
            self._left_open.append(f"the call of {exchange.id}: its answer names no Location to hang it up at")
        return SessionAttempt(exchange, dialect, session, session.trace())

    async def _answered_offer(
        self, session: Session, post: Callable[[bytes], Awaitable[Reply]], others: Others, place: Place | None
    ) -> Reply:
        """What is answered to its offer: where there is no room beside others, once there is."""
        offer = await session.offer()

        async def ask() -> Reply:
            return await self._offer(session, post(offer))

        others_are_open = others == "while there is room" and self._others(session)
        reply = await ask() if others_are_open else await self._with_room(ask, _says_full)
        if _says_full(reply) and others == "while there is room" and self._offering:
            await asyncio.wait(tuple(self._offering))  # asked at the same time: who was taken has a call by now
        if _says_full(reply) and (others_are_open or (others == "while there is room" and self._calls)):
            self._one_slot = True
            if place is not None:
                await place.be_alone()
            await self._all_taken_up()
            await self.make_room()
            reply = await self._with_room(ask, _says_full)
        return reply

    async def _taken_up(self, session: Session, reply: Reply) -> None:
        task = asyncio.ensure_future(session.accept(reply.body.decode("utf-8", "replace")))
        self._taking_up.add(task)
        try:
            await task
        finally:
            task.cancel()
            self._taking_up.discard(task)

    async def _all_taken_up(self) -> None:
        """Until no session is between its answer and its first event: none is ended there to make room for another."""
        if self._taking_up:
            await asyncio.wait(self._taking_up)

    async def _offer(self, session: Session, post: Awaitable[Reply]) -> Reply:
        """The answer to an offer. Where the run is interrupted meanwhile the answer is awaited at its end: it may open a call."""
        task = asyncio.ensure_future(post)
        self._offering.add(task)
        try:
            return await asyncio.shield(task)
        finally:
            if task.done():
                self._offering.discard(task)

    async def socket(
        self,
        name: str,
        query: str,
        credential: Credential | None,
        dialect: Dialect,
        *,
        as_subprotocol: bool = False,
        place: Place | None = None,
    ) -> Socket:
        """Open one WebSocket at `/realtime` with `query`, and wait for its first event; closed by the runner.

        Every other session is closed before, unless there is a `place` beside them. The dialect beta adds its header, or its
        sub-protocol where the credential is one.
        """
        url = self.asked.url(REALTIME + query)
        await self._still_answers("GET", url)
        if place is None or place.alone or not self.at_once:
            await self.make_room()

        from rtdiag.transport.websocket import Socket

        async def connected() -> Socket:
            socket = Socket(f"w{len(self._sessions) + 1}-{name}", self.recorder, self.deadlines)
            self._sessions.append(socket)
            own = self.options.headers if credential is not None and credential.name == "api-key" else {}
            beta = dialect == "beta"
            upgrade = await socket.connect(
                url,
                self.asked.as_taken(credential),
                self._http.ways,
                headers={
                    **self._http.own_headers(url),
                    **own,
                    **({"OpenAI-Beta": "realtime=v1"} if beta and not as_subprotocol else {}),
                },
                subprotocols=[BETA_SUBPROTOCOL] if beta and as_subprotocol else (),
                as_subprotocol=self.asked.known.subprotocol if as_subprotocol else "",
            )
            self._breaker.note(upgrade)
            await socket.greeting(sessions.CREATED)
            return socket

        socket = await self._with_room(connected, _closed_as_full)
        if place is not None and self._others(socket) and _closed_as_full(socket):
            self._one_slot = True
            await place.be_alone()
            await self.make_room()
            socket = await self._with_room(connected, _closed_as_full)
        if any(e.type in sessions.CREATED for e in socket.received):
            self._begins(socket)
        return socket

    def _begins(self, session: Session | Socket) -> None:
        self._begun.add(session.id)
        self.recorder.spend(Cost(sessions_opened=1))

    async def updates(self, opened: SessionAttempt | Socket, events: Sequence[Json]) -> AsyncIterator[UpdateAnswer]:
        """What answers each of these updates, in their order: sent ahead as far as that goes, the rest one after another."""
        ahead = (await self.ask_ahead(opened, events)).answers
        for answered in ahead:
            yield answered
        for event in events[len(ahead) :]:
            yield await self.update(opened, event)

    async def ask_ahead(self, opened: SessionAttempt | Socket, events: Sequence[Json]) -> Ahead:
        """Send these updates at once, as far as is told in Updates.ahead; none where one thing is asked at a time."""
        return await self._updates.ahead(_channel_of(opened), events) if self.at_once else Ahead()

    async def update(self, opened: SessionAttempt | Socket, event: Json) -> UpdateAnswer:
        """Send an update over the session's channel and wait for what answers it."""
        return await self._updates.one(_channel_of(opened), event)

    async def hang_up(self, exchange: Exchange) -> Exchange:
        """Hang up the call that this exchange opened; the answer of the hang-up."""
        path = call_path(exchange)
        self._hanging_up.add(path)
        answer = await self.request("POST", path + "/hangup", self.options.api_key)
        self._hanging_up.discard(path)
        self._calls = [(p, x) for p, x in self._calls if p != path]
        self._just_freed = True
        return answer

    async def end(self, opened: SessionAttempt) -> None:
        """End a session before the run does: hang up and close its peer; what fails is told at the end of the run."""
        if (call_path(opened.exchange), opened.exchange) in self._calls:
            await self._hung_up(opened.exchange)
        if opened.session is not None:
            await self._close_one(opened.session)

    async def make_room(self) -> None:
        """Hang up every call and close every session that waits for no room itself; what fails is told at the end of the run."""
        async with self._lock("make room"):
            await self._make_room()

    async def leave_room(self) -> None:
        """End our sessions before another program opens one: a server may have room for one, and take a moment to clear it."""
        await self.make_room()
        if self._just_freed and not self.at_home:
            await self.sleep(_UNTIL_FREE_S[-1])
        self._just_freed = False

    async def _make_room(self) -> None:
        spared = self._closed | self._waiting
        ending = [session for session in self._sessions if session.id not in spared]
        self._made_way |= {session.id for session in ending if session.open and session.failure is None}
        await self._all(self._hung_up(exchange) for _, exchange in tuple(self._calls))
        await self._all(self._close_one(session) for session in ending)

    async def _all(self, works: Iterable[Awaitable[None]]) -> None:
        """Do them at the same time, where the server may be asked so, else one after the other."""
        if self.at_once:
            await asyncio.gather(*works)
        else:
            for work in works:
                await work

    def _others(self, own: Session | Socket) -> bool:
        """Whether a session of this run is open beside that one."""
        return any(s is not own and s.id in self._begun and s.id not in self._closed for s in self._sessions)

    async def _hung_up(self, exchange: Exchange) -> None:
        path = call_path(exchange)
        interrupted = path in self._hanging_up
        try:
            answer = await self.hang_up(exchange)
        except NotAskedError as exc:
            self._calls = [(p, x) for p, x in self._calls if p != path]
            self._left_open.append(f"{path}: not hung up: {exc}; {_BY_ITSELF}")
            return
        unknown_here = not self.at_home and answer.status in _NOT_HUNG_UP_BY_PATH
        if not answer.ok and not unknown_here and not (interrupted and answer.status == _NO_SUCH_CALL):
            said = answer.failure.detail if answer.failure else str(answer.status)
            self._left_open.append(f"{path}: hang-up answered {said}; {_BY_ITSELF}")

    async def _close_one(self, session: Session | Socket) -> None:
        try:
            await session.close()
        except Exception as exc:
            self._left_open.append(f"peer {session.id}: {type(exc).__name__}")
        self._closed.add(session.id)
        self._just_freed = self._just_freed or session.id in self._begun

    async def _with_room(self, ask: Callable[[], Awaitable[T]], full: Callable[[T], bool]) -> T:
        """Ask; and where the server has no room, while one of ours has only just gone, again after a while."""
        answer = await ask()
        for pause_s in _UNTIL_FREE_S:
            if not (self._just_freed and full(answer)):
                break
            self.recorder.notice("waiting until the server has let go of the session before")
            await self.sleep(pause_s)
            answer = await ask()
        self._just_freed = False
        return answer

    async def close(self, limit_s: float) -> tuple[str, ...]:
        """Hang up every call, close every peer and connection, in `limit_s`; what could not be closed, each with the reason."""
        try:
            async with asyncio.timeout(limit_s):
                await self._last_answers()
                await self.make_room()
        except TimeoutError:
            late = [path for path, _ in self._calls]
            self._left_open += [f"{path}: not hung up within {limit_s:g} s; {_BY_ITSELF}" for path in late]
            await asyncio.gather(*(self._close_one(s) for s in self._sessions if s.id not in self._closed))
        await self._http.aclose()
        return tuple(self._left_open)

    async def _last_answers(self) -> None:
        """What comes back of the offers that were on their way when the run was interrupted: each may open a call."""
        if not self._offering:
            return
        _, late = await asyncio.wait(self._offering, timeout=min(_LAST_ANSWER_S, self.deadlines.close_s))
        for task in late:
            task.cancel()
            self._left_open.append("a call, perhaps: its offer was on the way when the run was interrupted")
        await asyncio.gather(*late, return_exceptions=True)

    def _lock(self, name: Any) -> asyncio.Lock:
        lock: asyncio.Lock = self._once.setdefault(("lock", name), asyncio.Lock())
        return lock

    async def _once_only(self, name: Any, ask: Callable[[], Awaitable[T]]) -> T:
        async with self._lock(name):
            if name not in self._once:
                self._once[name] = await ask()
        return self._once[name]  # type: ignore[no-any-return]


def speaks(exchange: Exchange) -> bool:
    """Whether a mint's answer shows that the server has this mint: it gave a token, or refused the request, not the URL.

    404 is how the API answers a mint it does not have (five public reports since May 2026: "Invalid URL (POST
    /v1/realtime/sessions)"); `beta_api_shape_disabled` how it refuses the beta (public file, record 59828301012, 2026-07-08).
    """
    if exchange.status is None or exchange.looks_like_html or exchange.status in (404, 405) or exchange.status >= 500:
        return False
    return not (exchange.error and exchange.error.code == "beta_api_shape_disabled")


class _Turn:
    """So many at a time; what is asked in a turn is one of many."""

    def __init__(self, most: int) -> None:
        self._turns = asyncio.Semaphore(most)

    async def __aenter__(self) -> None:
        await self._turns.acquire()
        one_of_many.set(True)

    async def __aexit__(self, *_: object) -> None:
        self._turns.release()


def _shortened(deadlines: Deadlines) -> Deadlines:
    """Those of a session beside one to which nothing came back so far: it waits as much less for that as it began later."""
    from rtdiag.transport.ice_search import LATE_S

    return replace(deadlines, udp_s=max(deadlines.udp_s - LATE_S, min(deadlines.udp_s, _LEAST_WAIT_S)))


def _channel_of(opened: SessionAttempt | Socket) -> Session | Socket | None:
    return opened.session if isinstance(opened, SessionAttempt) else opened


def _says_full(reply: Reply) -> bool:
    return not reply.exchange.ok and bool(no_room(reply.exchange.status, reply.exchange.body or ""))


def _closed_as_full(socket: Socket) -> bool:
    upgrade, close = socket.exchange, socket.trace().close or {}
    if upgrade is None or any(e.type in sessions.CREATED for e in socket.received):
        return False
    if upgrade.status != 101:
        return bool(no_room(upgrade.status, upgrade.body or ""))
    error = next((e.raw for e in socket.received if e.type == "error"), "")
    return bool(no_room(int(close.get("code", 0)), error or close.get("reason", "")))


def model_ids(exchange: Exchange) -> dict[str, Json]:
    """The models that an answer to `GET /models` lists, by id; empty when it lists none."""
    listed = exchange.json.get("data") if isinstance(exchange.json, dict) else None
    entries = listed if isinstance(listed, Sequence) else ()
    return {m["id"]: m for m in entries if isinstance(m, dict) and isinstance(m.get("id"), str)}


def lists_models(exchange: Exchange) -> bool:
    """Whether an answer to `GET /models` is a list, empty or not: bare, as `data`, or, as some servers have it, as `models`."""
    told = exchange.json
    return isinstance(told, list) or (
        isinstance(told, dict) and any(isinstance(told.get(at), list) for at in ("data", "models"))
    )


def call_path(exchange: Exchange) -> str:
    """The path of the call below the base URL, from the `Location` of its answer ("" without one)."""
    location = exchange.header("location") or ""
    return "/realtime/calls/" + location.rstrip("/").rpartition("/")[2] if location else ""


def secrets_in(raw: bytes) -> Iterator[str]:
    """What may open a session in the JSON that a mint or a user's own route answers: the token, and what is called like one."""
    left = [("value", token_in(raw)), ("", _json_of(raw))]
    while left:
        name, one = left.pop()
        if isinstance(one, dict):
            left += one.items()
        elif isinstance(one, list):
            left += [(name, each) for each in one]
        elif isinstance(one, str) and _SECRET.fullmatch(name) and re.search(r"\d", one):  # a word is none
            yield one


def token_in(raw: bytes) -> str | None:
    """The token in the JSON of a mint or of a user's own route: `value`, else `client_secret.value`; None without one."""
    parsed = _json_of(raw)
    if not isinstance(parsed, dict):
        return None
    holder = parsed.get("client_secret")
    for found in (parsed.get("value"), holder.get("value") if isinstance(holder, dict) else None):
        if isinstance(found, str) and found:
            return found
    return None


def _json_of(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
