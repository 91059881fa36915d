"""A log of events as one session's story."""

from __future__ import annotations

from rtdiag.diagnosis.readers.channel_log import Channel
from rtdiag.diagnosis.readers.event_lines import Line
from rtdiag.diagnosis.readers.forms import Reading
from rtdiag.model import counted


def read_events(lines: list[Line]) -> Reading:
    """The failures in a log, or what stands out in one without any; the note says so where it is neither."""
    channel = Channel()
    for line in lines:
        if line.close:
            channel.close(line.close, line.where)
        elif line.event:
            channel.feed(line.event, line.raw, line.sent, line.where)
    drafts = [line.failure for line in lines if line.failure] + channel.failures()
    note = (
        ""
        if drafts
        else f"the log holds {counted(channel.events, 'event')}; none is an error, and nothing else stands out"
    )
    if channel.failed > len(drafts):
        note = f"{channel.failed} events are failures, the first {len(drafts)} are judged"
    return Reading("event log", drafts, note=note)
