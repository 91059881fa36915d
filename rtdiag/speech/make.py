"""Makes the clip that ships: `python -m rtdiag.speech.make` writes clip.opus and clip.yaml beside itself. It takes espeak-ng.

No other module imports this one. Each phrase is spoken for itself and cut to its sound, so its place among the silences is exact.
"""

from __future__ import annotations

import io
import subprocess
from array import array
from fractions import Fraction
from pathlib import Path
from typing import Any

from rtdiag.speech import gate
from rtdiag.speech.clip import RATE_HZ, _decoded

VOICE, WORDS_PER_MINUTE = "en-gb", 160
PHRASES = ("I would like to book a table for", "four people, please.")
BEFORE_MS, PAUSE_MS, AFTER_MS = 500, 3000, 10_000
BIT_RATE = 24_000
HERE = Path(__file__).parent


def spoken(text: str, voice: str = VOICE, words_per_minute: int = WORDS_PER_MINUTE) -> bytes:
    """The phrase as 48 kHz mono PCM, without the silence around it. Raises FileNotFoundError without espeak-ng."""
    command = ["espeak-ng", "-v", voice, "-s", str(words_per_minute), "--stdout", text]
    pcm = _decoded(io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout), "espeak-ng")
    (begin_ms, end_ms), *more = gate.phrases(gate.loudness(array("h", pcm), RATE_HZ, gate.FRAME_MS))
    end_ms = more[-1][1] if more else end_ms
    return pcm[begin_ms * RATE_HZ // 500 : end_ms * RATE_HZ // 500]


def assembled(parts: list[bytes], before_ms: int, pause_ms: int, after_ms: int) -> tuple[bytes, list[list[int]]]:
    """The phrases with silences around and between them, and their offsets in milliseconds."""
    pcm, offsets = _silence(before_ms), list[list[int]]()
    for part in parts:
        begin = len(pcm)
        pcm += part
        offsets.append([begin * 500 // RATE_HZ, len(pcm) * 500 // RATE_HZ])
        pcm += _silence(after_ms if len(offsets) == len(parts) else pause_ms)
    return pcm, offsets


def opus(pcm: bytes) -> bytes:
    """The samples as Ogg Opus, mono."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream: Any = container.add_stream("libopus", rate=RATE_HZ)
        stream.layout, stream.bit_rate = "mono", BIT_RATE
        for number, at in enumerate(range(0, len(pcm) - 1919, 1920)):
            frame = av.AudioFrame(format="s16", layout="mono", samples=960)
            frame.planes[0].update(pcm[at : at + 1920])
            frame.sample_rate, frame.time_base, frame.pts = RATE_HZ, Fraction(1, RATE_HZ), number * 960
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _silence(milliseconds: int) -> bytes:
    return bytes(milliseconds * RATE_HZ // 1000 * 2)


def main() -> None:
    """Write both files."""
    import yaml

    pcm, offsets = assembled([spoken(text) for text in PHRASES], BEFORE_MS, PAUSE_MS, AFTER_MS)
    version = subprocess.run(["espeak-ng", "--version"], check=True, capture_output=True, text=True).stdout
    told = {
        "made": f"python -m rtdiag.speech.make, with {' '.join(version.split()[:4])}",
        "text": list(PHRASES),
        "voice": VOICE,
        "words_per_minute": WORDS_PER_MINUTE,
        "phrases_ms": offsets,
        "duration_ms": len(pcm) * 500 // RATE_HZ,
    }
    (HERE / "clip.opus").write_bytes(opus(pcm))
    head = "# yaml-language-server: $schema=clip.schema.json\n"
    head += "# What clip.opus holds; the offsets are exact, each phrase from its first sound to its last.\n"
    text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120)
    (HERE / "clip.yaml").write_text(head + text, encoding="utf-8")


if __name__ == "__main__":
    main()
