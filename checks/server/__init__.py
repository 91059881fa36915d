"""Whose server is it, and what does it offer?

Asks nothing of OpenAI, nor of the emulator: what they offer is known. Of any other server it finds out, by requests that harm
nobody and that later checks share: one mint, one offer that cannot be taken, one WebSocket, and one of transcription. A URL that is
not there is 404, 405 or 501. What is not offered is told here, once, and nothing that needs it is asked.
Costs: for a server that is neither OpenAI's nor the emulator's up to 3 requests and 2 sessions beside those of other checks.
Sources: rtdiag/servers/servers.yaml, server by server; which statuses say that nothing is there: RFC 9110 15.5.5, 15.5.6, 15.6.2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from rtdiag.checks.server.doors import Doors
from rtdiag.checks.server.server_judge import MISSING, judge
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context
from rtdiag.model import Cost, Observation
from rtdiag.servers import UNKNOWN, Door

_CASES = (
    Case("who", "is it known whose server this is?", ("network.answer",)),
    Case("models", "does it list models?", ("key.accepted",)),
    Case("mint", "does it mint tokens?", ("key.accepted",)),
    Case("calls", "does it take offers for WebRTC?", ("key.accepted",)),
    Case("websocket", "does it have a WebSocket?", ("key.accepted",)),
    Case("transcription", "does it have sessions of transcription?", ("key.accepted",), "transcription"),
)


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Door after door, for each answer tells more of whose server it is."""
    await ctx.due("who", *MISSING)
    asked = {} if ctx.at_home or not ctx.wants(*MISSING) else await Doors(ctx).every()
    for case in MISSING:
        seen = asked.get(case, Observation(case))
        yield replace(seen, facts={"there": _is_there(ctx, case)})
    found = ctx.asked.recognised
    known = found.server.id != UNKNOWN
    yield Observation("who", facts={"name": found.server.name, "known": known, "by": list(found.by)})


def _is_there(ctx: Context, case: str) -> bool | None:
    doors: tuple[Door, ...] = ("calls", "beta-offers") if case == "calls" else (case,)  # type: ignore[assignment]
    return True if ctx.at_home or any(map(ctx.asked.offers, doors)) else ctx.asked.offers(doors[0])


CHECK = Check(
    id="server",
    title="What server is it, and what does it offer?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    of_strangers=Cost(requests=3, sessions_opened=2),
    order=15,
    beside=True,
)
