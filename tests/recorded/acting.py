"""An act that one recorded error answers, done against an emulator of its day, and what is answered otherwise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed

from rtdiag.compare.recording import profile_of
from rtdiag.compare.recording.answers import answers
from rtdiag.compare.recording.ids import Names
from rtdiag.compare.recording.playing import Answer
from rtdiag.compare.recording.recording import Close, Exchange, Recording
from rtdiag.compare.recording.values import Circumstances, Unlike, differing
from rtdiag.emulator import Emulator
from rtdiag.emulator.faults import UnknownFault
from rtdiag.emulator.timeline import newest
from tests.emulator.clients import SESSIONS, Wire, bearer, ga_token, http, until, wire
from tests.recorded.acts import ACTS, ITEM, Act, beta
from tests.recorded.recordings import RECORDINGS, name_of, read

Json = dict[str, Any]

OFFERED = RECORDINGS / "openai-ga/webrtc__agent_answer_webrtc_offer.yaml"
LONGEST_S = 30  # what is not answered by then is not answered


def all_done(paths: Sequence[Path]) -> dict[str, list[Unlike]]:
    """Every act, all at once, each with an emulator of its own."""

    async def together() -> list[list[Unlike]]:
        return await asyncio.gather(*map(done, paths))

    return dict(zip(map(name_of, paths), asyncio.run(together()), strict=True))


async def done(path: Path) -> list[Unlike]:
    """What is answered otherwise."""
    recording, name = read(path), name_of(path)
    act = ACTS.get(name, Act())
    day = act.as_of or recording.header.day or newest()
    of = Circumstances(Names(), None, (0, 0), whole=not recording.partial)
    try:
        async with Emulator(day, act.faults, profile=profile_of(recording)) as emulator, asyncio.timeout(LONGEST_S):
            if recording.exchanges:
                return list(answers(_whole(recording), await asked(recording, name, emulator), of))
            return [each async for each in said(recording, act, emulator, of)]
    except (TimeoutError, ConnectionClosed):
        return [Unlike(name, "missing", "an answer", "none")]
    except UnknownFault as error:
        return [Unlike(name, "missing", "what the fault makes", str(error))]


async def said(recording: Recording, act: Act, emulator: Emulator, of: Circumstances) -> AsyncIterator[Unlike]:
    """What differs between the events, and the closes, that end an act over a socket."""
    there = recording.received[-1]
    closes = [frame.close for frame in recording.frames if frame.close]
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(await _opened(stack, recording, act, emulator))
        here = await _answered(made, recording, act, str(there["type"]))
        if there.get("event_id", "") is None:  # of whoever posted it
            here["event_id"] = None
        for each in differing(there, here, str(there["type"]), of):
            yield each
        if closes:
            _, code, reason = await made.end()
            if Close(code, reason or "") != closes[-1]:
                yield Unlike("close", "value", str(closes[-1]), f"{code} {reason}")


async def _opened(
    stack: AsyncExitStack, recording: Recording, act: Act, emulator: Emulator
) -> AbstractAsyncContextManager[Wire]:
    """The socket, with the key, another one, or a token that has been used."""
    headers = {"OpenAI-Beta": "realtime=v1"} if beta(recording) else None
    if act.key:
        protocols = ["realtime", f"openai-insecure-api-key.{act.key}"]
        return wire(emulator, f"?{act.query}", credential="", headers=headers, subprotocols=protocols)
    credential = None
    if act.used_token:
        client = await stack.enter_async_context(http(emulator))
        credential = await ga_token(client, emulator, SESSIONS["realtime"])
        first = await stack.enter_async_context(wire(emulator, "", credential=credential))
        await until(first, "session.created")
    return wire(emulator, f"?{act.query}" if act.query else "", credential=credential, headers=headers)


async def _answered(made: Wire, recording: Recording, act: Act, kind: str) -> Json:
    """The first event of that type that comes of the act."""
    if not act.begins:
        return (await until(made, kind))[-1]
    seen = await until(made, act.begins)
    for event in act.before:
        await made.send(event)
    if act.until:
        seen += await until(made, act.until)
    items = [e["item"]["id"] for e in seen if isinstance(e.get("item"), dict)]
    recorded = [f.event for f in recording.frames if f.direction == "sent" and f.event]
    sent = json.dumps(act.sent or recorded[-1])
    await made.connection.send(sent.replace(ITEM, items[-1] if items else ITEM))
    return (await until(made, kind))[-1]


async def asked(recording: Recording, name: str, emulator: Emulator) -> Answer:
    """The answer over HTTP; an offer is one that was recorded, whole but for what the act takes from it."""
    path = recording.exchanges[0].request.url.partition("/v1")[2]
    async with http(emulator) as client:
        body, headers = (recording.exchanges[0].request.body or {}).get("json"), bearer(emulator.key)
        if path.endswith("/calls"):
            offer = str((read(OFFERED).exchanges[0].request.body or {})["text"]).split("\r\n\r\n")[1] + "\r\n"
            trimmed = name.endswith("without_final_crlf")
            headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), "application/sdp")
            if name.endswith("already_used_calls"):
                await client.post(path, headers=headers, content=offer)
            answer = await client.post(path, headers=headers, content=offer.rstrip() if trimmed else offer)
        else:
            answer = await client.post(path, headers=headers, json=body)
    return Answer(answer.status_code, answer.headers.multi_items(), answer.text)


def _whole(recording: Recording) -> Exchange:
    """The exchange, whose body may be the error object alone, as an SDK gives it."""
    exchange = recording.exchanges[0]
    body = exchange.response.body or {}
    if "json" in body and "error" not in body["json"]:
        shown = msgspec.structs.replace(exchange.response, body={"json": {"error": body["json"]}})
        return msgspec.structs.replace(exchange, response=shown)
    return exchange
