"""The spoken sentence: it is the one that replies say, it is a voice in every format, and it is read when asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import av
import pytest

from rtdiag.emulator.session import spoken
from rtdiag.emulator.session.ears import FORMATS, Resampler, Voice, lasts_ms
from rtdiag.emulator.session.replies import REPLY

LEAST_VOICE = 0.7  # of its time: between its two halves it pauses


def test_the_file_says_what_replies_say() -> None:
    with files("rtdiag.emulator.session").joinpath("spoken.opus").open("rb") as file, av.open(file) as container:
        assert container.streams[0].metadata["title"] == REPLY, "python -m rtdiag.emulator.session.make_spoken"


@pytest.mark.parametrize("name", FORMATS)
def test_it_is_a_voice_in_every_format(name: str) -> None:
    audio = spoken.in_format(name)
    assert lasts_ms(audio, name) == pytest.approx(spoken.ms(), abs=1)
    voiced = Voice().heard(Resampler().of_bytes(audio, name), 0.5)
    assert sum(voiced) > LEAST_VOICE * len(voiced)


def test_its_packets_are_the_same_sentence() -> None:
    assert len(spoken.packets()) * spoken.PACKET_MS == pytest.approx(spoken.ms(), abs=spoken.PACKET_MS)


def test_importing_it_reads_nothing() -> None:
    script = "import sys, rtdiag.emulator.session.spoken; print('av' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )
