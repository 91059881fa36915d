"""A recording of live traffic, beside what the emulator answers to the same: `recording_in(text)`, `replayed`, then `listing`."""

from rtdiag.compare.recording.excuses import Reason, reason, reasons, unexplained
from rtdiag.compare.recording.listing import listing
from rtdiag.compare.recording.recording import FILE, Recording, is_recording, recording_in
from rtdiag.compare.recording.replaying import call_of, compared, profile_of, replayed
from rtdiag.compare.recording.values import Unlike

__all__ = [
    "FILE",
    "Reason",
    "Recording",
    "Unlike",
    "call_of",
    "compared",
    "is_recording",
    "listing",
    "profile_of",
    "reason",
    "reasons",
    "recording_in",
    "replayed",
    "unexplained",
]
