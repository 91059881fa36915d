"""A real client's spoken turn with an emulator: a script of `turns/` runs, and says step by step what it saw.

The steps: `connected`; `called`, a function's name and its arguments; `heard_ms`, the sound of the reply; `interrupted`, by what
the client was told that its second turn cut the reply short.
"""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from rtdiag.emulator import Emulator
from rtdiag.speech.clip import RATE_HZ, clip
from tests.clients.environments import Client
from tests.clients.in_chromium import steps_in, talk_in_chromium
from tests.installing import ran

STEPS = ("connected", "called", "heard_ms", "interrupted")
TALK_S = 60
PER_MS = RATE_HZ // 1000
BEFORE_MS, AFTER_MS = 100, 900  # of silence around what is said, which ends a turn


@dataclass
class Talk:
    """What a client saw, and what went wrong, "" for nothing."""

    steps: dict[str, Any] = field(default_factory=dict)
    wrong: str = ""

    @property
    def whole(self) -> bool:
        """Whether it came to its end."""
        return not self.wrong and set(STEPS) <= set(self.steps)


@cache
def speech() -> bytes:
    """The first phrase of the clip and a pause: mono PCM16 of 24 kHz."""
    begin_ms, end_ms = clip().phrases[0]
    samples = array("h", clip().pcm)[(begin_ms - BEFORE_MS) * PER_MS : (end_ms + AFTER_MS) * PER_MS]
    return samples[::2].tobytes()


async def talk(client: Client, folder: Path) -> Talk:
    """The turn of the client that is installed in that folder, with an emulator of its own."""
    had = Talk()
    if client.in_browser:
        async with Emulator(pace=client.pace) as emulator:
            had.wrong = await talk_in_chromium(emulator, folder / client.script, speech(), TALK_S, had.steps)
        return had
    spoken = folder / "speech.pcm"
    spoken.write_bytes(speech())
    async with Emulator(tls=True, pace=client.pace) as emulator:
        out, had.wrong = await ran(client.command(folder), TALK_S, environment(emulator, spoken))
    had.steps |= steps_in(out)
    return had


def environment(emulator: Emulator, spoken: Path) -> dict[str, str]:
    """All that a client is told of the emulator."""
    ca = str(emulator.ca_file)
    return os.environ | {
        "OPENAI_BASE_URL": emulator.base_url,
        "OPENAI_API_KEY": emulator.key,
        "SSL_CERT_FILE": ca,
        "NODE_EXTRA_CA_CERTS": ca,
        "NO_PROXY": "*",
        "SPEECH": str(spoken),
    }
