"""A log of events as one session's story."""

from __future__ import annotations

from rtdiag.diagnosis.readers import beside
from rtdiag.diagnosis.readers.channel_log import Channel
from rtdiag.diagnosis.readers.event_lines import Line
from rtdiag.diagnosis.readers.forms import Draft, Reading
from rtdiag.diagnosis.readers.log_lines import tells
from rtdiag.model import counted

_UNSEEN = "how the session was opened, and what became of the sound, cannot be seen from it"
_MOST_SAID = 2000


def read_events(lines: list[Line]) -> Reading:
    """The failures in a log, or what stands out in one without any, or what a person says there; else a note that all is well."""
    channel = Channel()
    for line in lines:
        if line.close:
            channel.close(line.close, line.where)
        elif line.event:
            channel.feed(line.event, line.raw, line.sent, line.where)
    drafts = [line.failure for line in lines if line.failure] + channel.failures()
    said = " ".join(line.said for line in lines if beside.is_prose(line.said))[:_MOST_SAID]
    if not drafts and tells(said):
        drafts = [
            Draft(said, circumstances=[f"the log beside it holds {counted(channel.events, 'event')}, none an error"])
        ]
    note = "" if drafts else f"nothing in it failed: {_all_well(channel)}; {_UNSEEN}"
    if channel.failed > len(drafts):
        note = f"{channel.failed} events are failures, the first {len(drafts)} are judged"
    return Reading("event log", drafts, note=note)


def _all_well(channel: Channel) -> str:
    return f"the log holds {counted(channel.events, 'event')}; none is an error, and nothing else stands out"
