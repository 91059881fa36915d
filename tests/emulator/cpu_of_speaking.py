"""What a speaking session costs of one core: `python -m tests.emulator.cpu_of_speaking [SESSIONS [SECONDS]]`, for Linux.

The emulator runs in a process of its own; its clients, aiortc's, are in this one. It speaks without a pause, at the speed of
playing; a microphone that is open sends silence, as browsers do.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack

from rtdiag.transport.audio import Encoded, Voice, track
from tests.emulator.clients import Peer
from tests.emulator.test_load import Server, opened, server, web

ENDS = "output_audio_buffer.stopped"


async def speak(made: Peer) -> None:
    """One response behind the other."""
    while True:
        made.channel.send(json.dumps({"type": "response.create"}))
        while (await made.event())["type"] != ENDS:
            pass


async def listen(made: Peer) -> None:
    """Takes what arrives, as whoever plays it does."""
    while True:
        await made.pc.getReceivers()[0].track.recv()


async def share(served: Server, sessions: int, seconds: float, *, speaks: bool, microphone: bool) -> float:
    """The part of a core that each of so many sessions takes."""
    silence = Encoded(b"")
    async with web(served.base_url) as client, AsyncExitStack() as stack:
        voices = [track(Voice(silence, lambda: 0.0)) if microphone else None for _ in range(sessions)]
        opening = (stack.enter_async_context(opened(client, served.key, voice)) for voice in voices)
        made = [peer for peer, _ in await asyncio.gather(*opening)]
        work = [asyncio.ensure_future(do(peer)) for peer in made for do in ([speak, listen] if speaks else [listen])]
        await asyncio.sleep(2)  # all that happens once
        before_s = served.cpu_s
        await asyncio.sleep(seconds)
        spent_s = served.cpu_s - before_s
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    return spent_s / seconds / sessions


async def run(sessions: int, seconds: float) -> None:
    """Measures and tells."""
    for speaks in (False, True):
        for microphone in (False, True):
            with server() as served:
                found = await share(served, sessions, seconds, speaks=speaks, microphone=microphone)
            sound = "speaking" if speaks else "silent"
            sys.stdout.write(f"{sound}, the microphone {'open' if microphone else 'closed'}: {found:.2%} of a core\n")


if __name__ == "__main__":
    asyncio.run(run(*(int(given) for given in (*sys.argv[1:], "10", "20")[:2])))
