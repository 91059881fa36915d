"""What the Python scripts share: where to go, what is said, and how it is told what was seen.

Each script has one talk with its package as it is installed: it connects, offers one function, says something, answers the
call, hears the reply and speaks into it. It prints one JSON object a step, as soon as that is reached: `connected`, `called`
(name and arguments), `heard_ms` of the reply, `interrupted` (by what it was told).
"""

import json
import os
import sys
from pathlib import Path

BASE_URL = os.environ["OPENAI_BASE_URL"]
KEY = os.environ["OPENAI_API_KEY"]
MODEL = "gpt-realtime"
RATE_HZ = 24000
SPEECH = Path(os.environ["SPEECH"]).read_bytes()  # mono PCM16 of RATE_HZ with a pause behind it
PIECE_BYTES = RATE_HZ // 10 * 2

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SUNNY = "Sunny, 21 degrees."


def pieces():
    """The speech, a tenth of a second at a time."""
    return (SPEECH[at : at + PIECE_BYTES] for at in range(0, len(SPEECH), PIECE_BYTES))


def ms(pcm_bytes):
    """How long so many bytes play."""
    return pcm_bytes * 1000 // (2 * RATE_HZ)


def saw(**step):
    """Tells the one who runs this."""
    sys.stdout.write(json.dumps(step) + "\n")
    sys.stdout.flush()
