"""What aiortc and http.client do by themselves, in processes of their own: the anchors of what rtdiag does with them.

python -m tests.benchmarks.bare chain URL KEY      # the longest chain of round trips of a run, and nothing beside it
python -m tests.benchmarks.bare blocked URL KEY    # a call, until aiortc says that ICE failed
python -m tests.benchmarks.bare serve PORT         # answers calls, and does no more
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

UPDATES = 32  # as many as a run sends over one channel
MODEL = "gpt-realtime"
_CREATED = '{"type": "session.created", "session": {"type": "realtime"}}'
_LIMIT_S = 100  # aiortc gives ICE up after 64 s


class Api:
    """One kept connection, asked in the thread that also has the event loop: nothing else is under way meanwhile."""

    def __init__(self, base_url: str) -> None:
        where = urlsplit(base_url)
        self._path, self._connection = where.path, HTTPConnection(where.netloc, timeout=_LIMIT_S)

    def ask(self, method: str, path: str, credential: str, body: str = "", kind: str = "application/json") -> Any:
        """The answer and its `Location`. Raises AssertionError for a refusal."""
        headers = {"Authorization": f"Bearer {credential}", "Content-Type": kind}
        self._connection.request(method, self._path + path, body.encode() or None, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        assert answer.status < 300, f"{method} {path}: {answer.status} {text[:200]}"
        return text, answer.headers.get("Location", "")


class Call:
    """One peer with its channel and an audio section."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.addTransceiver("audio")
        self.channel = self.peer.createDataChannel("oai-events")
        self.inbox: asyncio.Queue[str] = asyncio.Queue()
        self.channel.on("message", self.inbox.put_nowait)

    async def begin(self, api: Api, credential: str, query: str = "") -> str:
        """Posts its offer and takes the answer; the call's id."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        offer = self.peer.localDescription.sdp
        answer, location = api.ask("POST", f"/realtime/calls{query}", credential, offer, "application/sdp")
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await self.peer.addIceCandidate(None)
        return str(location).rpartition("/")[2]


async def chain(base_url: str, key: str) -> None:
    """Connect, list, mint, offer, ICE, DTLS, SCTP, updates sent ahead, hang up, one after the other; prints its ms."""
    began = time.perf_counter()
    api = Api(base_url)
    api.ask("GET", "/models", key)
    session = {"type": "realtime", "model": MODEL}
    minted, _ = api.ask("POST", "/realtime/client_secrets", key, json.dumps({"session": session}))
    call = Call()
    call_id = await call.begin(api, json.loads(minted)["value"])
    await _heard(call, 1)
    for number in range(UPDATES):
        update = {"type": "realtime", "instructions": f"Be brief, {number}."}
        call.channel.send(json.dumps({"type": "session.update", "event_id": f"chain_{number}", "session": update}))
    await _heard(call, UPDATES)
    api.ask("POST", f"/realtime/calls/{call_id}/hangup", key)
    took_ms = (time.perf_counter() - began) * 1000
    await call.peer.close()
    sys.stdout.write(f"{took_ms:.1f}\n")


async def _heard(call: Call, events: int) -> None:
    async with asyncio.timeout(_LIMIT_S):
        for _ in range(events):
            kind = json.loads(await call.inbox.get())["type"]
            assert kind in ("session.created", "session.updated"), kind


async def blocked(base_url: str, key: str) -> None:
    """Returns when aiortc says that it failed."""
    call, over = Call(), asyncio.Event()

    def changed() -> None:
        if call.peer.iceConnectionState in ("failed", "completed"):
            over.set()

    call.peer.on("iceconnectionstatechange", changed)
    await call.begin(Api(base_url), key, f"?model={MODEL}")
    await asyncio.wait_for(over.wait(), _LIMIT_S)
    assert call.peer.iceConnectionState == "failed", "it is not blocked"
    await call.peer.close()


async def serve(port: str) -> None:
    """Answers every offer and sends `session.created` over every channel, until it is interrupted."""
    from aiohttp import web
    from aiortc.contrib.media import MediaBlackhole

    peers = set()

    async def answer(request: web.Request) -> web.Response:
        peer, ears = RTCPeerConnection(RTCConfiguration(iceServers=[])), MediaBlackhole()
        peers.add(peer)

        async def changed() -> None:
            if peer.connectionState in ("failed", "closed") and peer in peers:
                peers.discard(peer)
                await ears.stop()
                await peer.close()

        peer.on("connectionstatechange", changed)
        peer.on("datachannel", lambda channel: channel.send(_CREATED))
        peer.on("track", ears.addTrack)
        await peer.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        await ears.start()
        return web.Response(status=201, text=peer.localDescription.sdp, content_type="application/sdp")

    app = web.Application()
    app.router.add_post("/v1/realtime/calls", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port)).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    WORKS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {"chain": chain, "blocked": blocked, "serve": serve}
    asyncio.run(WORKS[sys.argv[1]](*sys.argv[2:]))
