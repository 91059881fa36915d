"""Makes the sentence that ships: `python -m rtdiag.emulator.session.make_spoken` writes spoken.opus. It takes espeak-ng.

No other module imports this one. The file's title is the sentence, so that a test can tell when it was made of another one.
"""

from __future__ import annotations

import io
import subprocess
from array import array
from fractions import Fraction
from pathlib import Path
from typing import Any

from rtdiag.emulator.session.replies import REPLY
from rtdiag.emulator.session.spoken import PACKET_MS

VOICE, WORDS_PER_MINUTE = "en-gb", 170
RATE_HZ, BIT_RATE = 48000, 24_000
QUIET = 200  # of 32768: what is below it at either end is cut off
PACKET_SAMPLES = RATE_HZ * PACKET_MS // 1000


def spoken(text: str) -> array[int]:
    """The text as 48 kHz mono samples, without the silence around it. Raises FileNotFoundError without espeak-ng."""
    import av

    command = ["espeak-ng", "-v", VOICE, "-s", str(WORDS_PER_MINUTE), "--stdout", text]
    wav = io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout)
    samples, to = array("h"), av.AudioResampler("s16", "mono", RATE_HZ)
    with av.open(wav, "r") as container:
        for frame in (*container.decode(audio=0), None):
            for made in to.resample(frame):
                samples.frombytes(bytes(made.planes[0])[: made.samples * 2])
    loud = [at for at, sample in enumerate(samples) if abs(sample) > QUIET]
    return samples[loud[0] : loud[-1] + 1]


def opus(samples: array[int], title: str) -> bytes:
    """The samples as Ogg Opus in packets of 20 ms, the last one filled with silence."""
    import av

    samples = samples + array("h", bytes(2 * (-len(samples) % PACKET_SAMPLES)))
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream: Any = container.add_stream("libopus", rate=RATE_HZ)
        stream.layout, stream.bit_rate = "mono", BIT_RATE
        stream.metadata["title"] = title
        for at in range(0, len(samples), PACKET_SAMPLES):
            frame = av.AudioFrame(format="s16", layout="mono", samples=PACKET_SAMPLES)
            frame.planes[0].update(samples[at : at + PACKET_SAMPLES].tobytes())
            frame.sample_rate, frame.time_base, frame.pts = RATE_HZ, Fraction(1, RATE_HZ), at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def main() -> None:
    """Write the file."""
    (Path(__file__).parent / "spoken.opus").write_bytes(opus(spoken(REPLY), REPLY))


if __name__ == "__main__":
    main()
