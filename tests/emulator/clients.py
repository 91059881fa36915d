"""Real clients for these tests: httpx for the mints and offers, aiortc for calls, websockets for sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from rtdiag.api.endpoints import Kind
from rtdiag.emulator import Emulator

Json = dict[str, Any]
WAIT_S = 10
MOST_EVENTS = 200  # no test awaits more than that from one client
MODEL = "?model=gpt-realtime"
INTENT = "?intent=transcription"
SHAPE = "invalid_request_error"  # what most refusals close for
TRANSCRIPTION = "conversation.item.input_audio_transcription"

SESSIONS: dict[Kind, Json] = {
    "realtime": {"type": "realtime", "model": "gpt-realtime"},
    "transcription": {"type": "transcription"},
}


def bearer(credential: str, content_type: str | None = None) -> dict[str, str]:
    """The headers of one request."""
    return {"Authorization": f"Bearer {credential}"} | ({"Content-Type": content_type} if content_type else {})


@asynccontextmanager
async def http(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose paths lie below the emulator's base URL, which is plain HTTP: no store of certificates is read."""
    async with httpx.AsyncClient(base_url=emulator.base_url, verify=False, trust_env=False, timeout=WAIT_S) as client:
        yield client


async def ga_token(client: httpx.AsyncClient, emulator: Emulator, session: Json) -> str:
    """A client secret for that session."""
    answer = await client.post("/realtime/client_secrets", headers=bearer(emulator.key), json={"session": session})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"])


async def beta_token(client: httpx.AsyncClient, emulator: Emulator, path: str, body: Json) -> str:
    """A client secret of the beta."""
    answer = await client.post(path, headers=bearer(emulator.key), json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["client_secret"]["value"])


class Peer:
    """The client's end: audio to receive, and to send where there is a track; `oai-events`, and what came in on it."""

    def __init__(self, track: MediaStreamTrack | None = None) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if track:
            self.pc.addTrack(track)
        else:
            self.pc.addTransceiver("audio", direction="recvonly")
        self.channel = self.pc.createDataChannel("oai-events")
        self.answer_sdp, self.call_id = "", ""
        self.inbox: asyncio.Queue[str] = asyncio.Queue()
        self.channel.on("message", self.inbox.put_nowait)

    async def offer(self) -> str:
        """The offer's SDP, with candidates."""
        await self.pc.setLocalDescription()
        return self.pc.localDescription.sdp

    async def accept(self, answer_sdp: str) -> None:
        """Takes the answer and begins to connect. aiortc's `remoteDescription` shows no candidates, so it is kept."""
        self.answer_sdp = answer_sdp
        await self.pc.setRemoteDescription(RTCSessionDescription(answer_sdp, "answer"))

    async def event(self) -> Json:
        """The next event."""
        event: Json = json.loads(await asyncio.wait_for(self.inbox.get(), WAIT_S))
        return event

    async def ask(self, event: Json) -> Json:
        """Sends one event, returns the next that comes."""
        self.channel.send(json.dumps(event))
        return await self.event()

    async def state(self, of: str, wanted: set[str]) -> str:
        """Waits until that state of the connection is one of these."""
        changed = asyncio.Event()
        self.pc.on(of.lower() + "change", changed.set)
        async with asyncio.timeout(WAIT_S):
            while getattr(self.pc, of) not in wanted:
                await changed.wait()
                changed.clear()
        return str(getattr(self.pc, of))


@asynccontextmanager
async def peer(track: MediaStreamTrack | None = None) -> AsyncIterator[Peer]:
    """A peer that is closed afterwards."""
    made = Peer(track)
    try:
        yield made
    finally:
        await made.pc.close()


@asynccontextmanager
async def call(emulator: Emulator, session: Json, track: MediaStreamTrack | None = None) -> AsyncIterator[Peer]:
    """A peer whose offer has been answered."""
    async with http(emulator) as client, peer(track) as made:
        token = await ga_token(client, emulator, session)
        headers = bearer(token, "application/sdp")
        answer = await client.post("/realtime/calls", headers=headers, content=await made.offer())
        assert answer.status_code == 201, answer.text
        made.call_id = answer.headers.get("location", "").rpartition("/")[2]
        await made.accept(answer.text)
        yield made


class Wire:
    """A WebSocket's client: its connection, and the events that come in on it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def event(self) -> Json:
        """The next event, which must be a text frame."""
        text = await asyncio.wait_for(self.connection.recv(), WAIT_S)
        assert isinstance(text, str)
        event: Json = json.loads(text)
        return event

    async def send(self, event: Json) -> None:
        """Sends one event."""
        await self.connection.send(json.dumps(event))

    async def ask(self, event: Json) -> Json:
        """Sends one event, returns the next that comes."""
        await self.send(event)
        return await self.event()

    async def end(self) -> tuple[list[Json], int | None, str | None]:
        """What still comes until the server closes, then the close code and its reason."""
        events = []
        try:
            for _ in range(MOST_EVENTS):
                events.append(await self.event())
        except ConnectionClosed:
            return events, self.connection.close_code, self.connection.close_reason
        raise AssertionError("it goes on and on")


@asynccontextmanager
async def wire(
    emulator: Emulator,
    query: str = MODEL,
    credential: str | None = None,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
) -> AsyncIterator[Wire]:
    """A socket to `/realtime` and that query, with the emulator's key unless another credential, or "", is given.

    Raises websockets' InvalidStatus where the upgrade is refused.
    """
    credential = emulator.key if credential is None else credential
    async with connect(
        f"{emulator.ws_url}/realtime{query}",
        additional_headers={**(bearer(credential) if credential else {}), **(headers or {})},
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        proxy=None,
        open_timeout=WAIT_S,
        max_size=None,
    ) as connection:
        yield Wire(connection)


def first_of(query: str, as_of: date | None = None, kind: Kind | None = None, **request: Any) -> Json:
    """The first event of a socket that must stay open; with a new GA token of that kind, or with the key."""

    async def run() -> Json:
        async with Emulator(as_of) as emulator, AsyncExitStack() as stack:
            if kind:
                client = await stack.enter_async_context(http(emulator))
                request["credential"] = await ga_token(client, emulator, SESSIONS[kind])
            made = await stack.enter_async_context(wire(emulator, query, **request))
            first = await made.event()
            assert (await made.ask({"type": "nope"}))["error"]["param"] == "type"
            return first

    return asyncio.run(run())


def refused(query: str, as_of: date | None = None, kind: Kind | None = None, **request: Any) -> tuple[Json, int, str]:
    """The error, the close code and the reason of a socket that is upgraded and then refused."""

    async def run() -> tuple[Json, int, str]:
        async with Emulator(as_of, request.pop("faults", ())) as emulator, AsyncExitStack() as stack:
            if kind:
                client = await stack.enter_async_context(http(emulator))
                request["credential"] = await ga_token(client, emulator, SESSIONS[kind])
            made = await stack.enter_async_context(wire(emulator, query, **request))
            events, code, reason = await made.end()
            assert types(events) == ["error"]
            assert events[0]["error"]["event_id"] is None
            assert code is not None
            return events[0]["error"], code, str(reason)

    return asyncio.run(run())


async def until(made: Peer | Wire, kind_of_event: str) -> list[Json]:
    """The events up to the first of that type, which is the last of them."""
    events: list[Json] = []
    for _ in range(MOST_EVENTS):
        events.append(await made.event())
        if events[-1]["type"] == kind_of_event:
            return events
    raise AssertionError(f"no {kind_of_event} among {types(events)}")


def types(events: Sequence[Json]) -> list[str]:
    """The names of events, the deltas of one kind as one."""
    names = [str(event["type"]) for event in events]
    return [name for i, name in enumerate(names) if not name.endswith(".delta") or [name] != names[max(i - 1, 0) : i]]


def open_sockets() -> set[str]:
    """The sockets that this process holds, by the kernel's names."""
    found = (str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return {name for name in found if name.startswith("socket:")}
