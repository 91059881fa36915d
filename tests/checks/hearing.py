"""What five sessions made of a clip, made by hand: the facts of the check `vad-effect` as they are when all is well."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from rtdiag.checks.vad_effect import MODES

Json = dict[str, Any]

PHRASES = [[500, 2300], [5300, 6600]]
DURATION_MS = 16_600


def turns(*ends: tuple[int, int]) -> list[list[Any]]:
    """A turn for each beginning and end, with its commit and transcript."""
    return [
        event
        for begin, end in ends
        for event in (["started", begin], ["stopped", end], ["committed", end + 90], ["transcript", end + 95, "words"])
    ]


def committed(at_ms: int = DURATION_MS) -> list[list[Any]]:
    """What follows a commit by hand."""
    return [["committed", at_ms], ["transcript", at_ms + 5, "words"]]


HEALTHY = {
    "server-200": turns((200, 2500), (5000, 6800)),
    "server-4000": turns((200, 10_600)),
    "semantic-low": turns((500, 14_600)),
    "semantic-high": turns((500, 4300), (5300, 8600)),
    "null": committed(),
}


def facts(*, emulated: bool = True, phrases: Any = PHRASES, echoed: Json | None = None, **heard: Any) -> Json:
    """Healthy facts, but for what is given: `server_200` and so on are lists of events, or a text for why it failed."""
    modes: Json = {}
    for name, sent in MODES.items():
        given = heard.get(name.replace("-", "_"), HEALTHY[name])
        mode: Json = {"sent": sent, "echoed": deepcopy(sent), "failed": "", "events": given}
        if isinstance(given, str):
            mode |= {"failed": given, "events": []}
            del mode["echoed"]
        if echoed and name in echoed:
            mode["echoed"] = echoed[name]
        modes[name] = mode
    clip = {"name": "by hand", "duration_ms": DURATION_MS, "phrases": phrases, "loudness": [0, 100]}
    return {"kind": "realtime", "model": "gpt-realtime-2.1", "emulated": emulated, "clip": clip, "modes": modes}
