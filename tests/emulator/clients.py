"""A real client for these tests: httpx for the mints and offers, aiortc for the call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from rtdiag.api.endpoints import Kind
from rtdiag.emulator import Emulator

Json = dict[str, Any]
WAIT_S = 10

SESSIONS: dict[Kind, Json] = {
    "realtime": {"type": "realtime", "model": "gpt-realtime"},
    "transcription": {"type": "transcription"},
}


def bearer(credential: str, content_type: str | None = None) -> dict[str, str]:
    """The headers of one request."""
    return {"Authorization": f"Bearer {credential}"} | ({"Content-Type": content_type} if content_type else {})


@asynccontextmanager
async def http(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose paths lie below the emulator's base URL."""
    async with httpx.AsyncClient(base_url=emulator.base_url, trust_env=False, timeout=WAIT_S) as client:
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
    """The client's end: audio to receive, the channel `oai-events`, and the events that came in on it."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.addTransceiver("audio", direction="recvonly")
        self.channel = self.pc.createDataChannel("oai-events")
        self.answer_sdp = ""
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
async def peer() -> AsyncIterator[Peer]:
    """A peer that is closed afterwards."""
    made = Peer()
    try:
        yield made
    finally:
        await made.pc.close()


@asynccontextmanager
async def call(emulator: Emulator, session: Json) -> AsyncIterator[Peer]:
    """A peer whose offer has been answered."""
    async with http(emulator) as client, peer() as made:
        token = await ga_token(client, emulator, session)
        headers = bearer(token, "application/sdp")
        answer = await client.post("/realtime/calls", headers=headers, content=await made.offer())
        assert answer.status_code == 201, answer.text
        await made.accept(answer.text)
        yield made
