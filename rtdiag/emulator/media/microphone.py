"""A call's incoming audio, decoded where it arrives.

aiortc decodes each track in a thread of its own, and hands every 20 ms back to the loop: about half of what a session costs to
which somebody listens. A microphone stands in the place of the queue to that thread, which then ends at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiortc import RTCRtpReceiver
from aiortc.codecs import get_decoder
from av import AudioFrame, FFmpegError

from rtdiag.emulator.session.ears import Resampler


def listen(receiver: RTCRtpReceiver, hear: Callable[[bytes], object]) -> None:
    """From now on `hear` gets what arrives there, as 16 kHz mono PCM; video goes nowhere."""
    receiver._RTCRtpReceiver__decoder_queue = _Microphone(hear)  # type: ignore[attr-defined]


class _Microphone:
    def __init__(self, hear: Callable[[bytes], object]) -> None:
        self._hear, self._resampler = hear, Resampler()
        self._codec = ""
        self._decoder: Any = None

    def get(self) -> None:
        """What aiortc's thread gets: the end."""

    def put(self, task: Any) -> None:
        """A codec and a frame in it, or None at the end. What cannot be decoded is passed over."""
        if task is None or task[0].mimeType.startswith("video/"):
            return
        codec, encoded = task
        if codec.name != self._codec:
            self._codec, self._decoder = codec.name, get_decoder(codec)
            self._decoder.codec.layout = "mono"  # it would make two channels of Opus
        try:
            frames = self._decoder.decode(encoded)
        except FFmpegError:
            return
        for frame in frames:
            if isinstance(frame, AudioFrame):
                self._hear(self._resampler.of_frame(frame))
