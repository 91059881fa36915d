"""Is there a way to the server: its name, a connection, the proxy, TLS, and something that answers?

Asks: the name servers for both families, a connection to each address, the proxy, a TLS handshake, and beside that, at the same
time, the first request, `GET /models` with a made-up key, which is the control of the check `key`; each STUN and TURN server
that was named. No credential of yours is sent before the way is known, unless TLS, or a network of your own, keeps it from others.
Costs: nothing beside the check `key`, and no time on a healthy network: the first request takes as long.
Sources: RFC 8305 (races of IPv6 and IPv4), RFC 9110 9.3.6 (CONNECT), RFC 6066 and 5280 (names and certificates), RFC 8489 and
8656 (STUN and TURN); what each failure looks like was measured in network namespaces.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from rtdiag.checks.network.way_judge import judge
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context
from rtdiag.model import Cost, Exchange, Observation
from rtdiag.network import ice_answer
from rtdiag.network.way import Hop, Way, facts

_CASES = (
    Case("proxy", "does the proxy let the requests through?"),
    Case("names", "does the server's name resolve?", ("network.proxy",)),
    Case("connect", "does the server take a connection?", ("network.names",)),
    Case("tls", "does TLS begin?", ("network.connect",)),
    Case("certificate", "is the certificate good, and trusted here?", ("network.tls",)),
    Case("issuer", "does something read along?", ("network.tls",)),
    Case("answer", "does the server answer over HTTP?", ("network.certificate",)),
    Case("clock", "does this machine's clock agree with the server's?", ("network.answer",)),
    Case("ipv6", "what does IPv6 cost?", ("network.names",)),
    Case("round-trip", "is the round trip short?", ("network.connect",)),
    Case("token-url", "is the host of your token URL reached?"),
    Case("ice-servers", "do the STUN and TURN servers answer?"),
)


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Measure the way while the first request goes it; what is measured of a way that is open does not wait for the answer.

    The request with the key, which the check `key` is about, goes it at the same time, where it may.
    """
    asking = asyncio.ensure_future(ctx.first_answer())
    ahead = asyncio.ensure_future(ctx.listed_models()) if ctx.key_may_go_ahead else None
    try:
        way, token_way, ice_servers = await asyncio.gather(
            ctx.way(ctx.options.base_url), _token_way(ctx), ctx.ice_answers()
        )
        for case in _MEASURED if way.open else ():
            yield _observed(case, way, answered=True)
        first = await asking
        if not way.tls and (not _spoken_to(first) or first.status == _TO_TLS):
            way = await ctx.way_spoken(way)
        for case in () if way.open else _MEASURED:
            about = (first,) if _of_a_variable(first, case) else ()
            yield _observed(case, way, *about, answered=_spoken_to(first))
        yield _observed("answer", way, first, answered=_spoken_to(first))
        yield Observation("clock", (first,), facts=_clocks(ctx, first))
        yield Observation("token-url", facts={"way": facts(token_way)} if token_way else {})
        relay_only = ctx.options.relay_only
        yield Observation("ice-servers", facts={"servers": ice_answer.facts(ice_servers), "relay_only": relay_only})
        if ahead is not None and not _spoken_to(first):
            await asyncio.wait({ahead})  # nobody else will
    finally:
        asking.cancel()


def _observed(case: str, way: Way, *exchanges: Exchange, answered: bool) -> Observation:
    """What that case is about of the way; `answered`: it was gone to its end."""
    return Observation(case, exchanges, facts={"way": facts(_PARTS[case](way)), "answered": answered})


def _spoken_to(first: Exchange) -> bool:
    return first.status is not None


async def _token_way(ctx: Context) -> Way | None:
    url = ctx.options.token_url
    return await ctx.way(url) if url and urlsplit(url).netloc != urlsplit(ctx.options.base_url).netloc else None


def _clocks(ctx: Context, first: Exchange) -> dict[str, float]:
    """When the answer came by this machine's clock, and how long was waited for it, in seconds."""
    took_ms = first.timing_ms.get("total", 0.0)
    local_unix_s = ctx.recorder.started_at.timestamp() + (first.at_ms + took_ms) / 1000
    return {"local_unix_s": local_unix_s, "waited_s": took_ms / 1000}


def _of_a_variable(first: Exchange, case: str) -> bool:
    """Whether a variable that this case is about kept the first request from being sent."""
    failure = first.failure
    return failure is not None and failure.kind == "variable" and _DECIDES.get(failure.phase) == case


# What servers of TLS answer to plain HTTP, where they answer at all.
_TO_TLS = 400
_DECIDES = {"route": "proxy", "trust": "certificate"}


def _only(way: Way, **kept: object) -> Way:
    """The way without what belongs to other cases."""
    return replace(way, **{"hop": None, "tunnel": None, "handshake": None, **kept})  # type: ignore[arg-type]


def _hop(way: Way, *, lookups: bool = False, dials: bool = False) -> Hop | None:
    hop = way.hop
    return hop and replace(hop, lookups=hop.lookups if lookups else (), dials=hop.dials if dials else ())


# What of the way each case is about.
_PARTS: Mapping[str, Callable[[Way], Way]] = {
    "proxy": lambda way: _only(way, hop=way.hop if way.tunnel or way.proxied else None, tunnel=way.tunnel),
    "names": lambda way: _only(way, hop=_hop(way, lookups=True)),
    "connect": lambda way: _only(way, hop=_hop(way, dials=True)),
    "tls": lambda way: _only(way, handshake=way.handshake and replace(way.handshake, chain=())),
    "certificate": lambda way: _only(way, handshake=way.handshake),
    "issuer": lambda way: _only(way, handshake=way.handshake),
    "answer": lambda way: _only(way, hop=_hop(way)),
    "ipv6": lambda way: _only(way, hop=way.hop),
    "round-trip": lambda way: _only(way, hop=_hop(way, dials=True)),
}

_MEASURED = tuple(case for case in _PARTS if case != "answer")

CHECK = Check(
    id="network",
    title="Is there a way to the server?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    cost=Cost(requests=1),
    order=5,
    beside=True,
)
