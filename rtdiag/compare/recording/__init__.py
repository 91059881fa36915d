"""A recording of live traffic, beside what the emulator answers to the same: `recording_in(text)`, `compare`, then `text`."""

from rtdiag.compare.recording.beside import compared, replayed
from rtdiag.compare.recording.excuses import Reason, reason, reasons, unexplained
from rtdiag.compare.recording.reading import Recording, is_recording, recording_in
from rtdiag.compare.recording.values import Unlike

__all__ = [
    "Reason",
    "Recording",
    "Unlike",
    "compared",
    "is_recording",
    "reason",
    "reasons",
    "recording_in",
    "replayed",
    "unexplained",
]
