"""A log of events as one session's story."""

from __future__ import annotations

from collections.abc import Iterator

from rtdiag.diagnosis.log_lines import is_log_line, tells
from rtdiag.diagnosis.readers import beside
from rtdiag.diagnosis.readers.channel_log import Channel
from rtdiag.diagnosis.readers.event_lines import Line
from rtdiag.diagnosis.readers.forms import Draft, Reading
from rtdiag.model import counted

_UNSEEN = "how the session was opened, and what became of the sound, cannot be seen from it"
_MOST_SAID, _MOST_LINES = 2000, 50


def read_events(lines: list[Line]) -> Reading:
    """The failures in a log, or what stands out in one without any, or what a person says there; else a note that all is well."""
    channel = Channel()
    for line in lines:
        if line.close:
            channel.close(line.close, line.where)
        elif line.event:
            channel.feed(line.event, line.raw, line.sent, line.where)
    drafts = [line.failure for line in lines if line.failure] + channel.failures()
    drafts = drafts or list(_beside(lines, channel))
    note = "" if drafts else f"nothing in it failed: {_all_well(channel)}; {_UNSEEN}"
    if channel.failed > len(drafts):
        note = f"{channel.failed} events are failures, the first {len(drafts)} are judged"
    return Reading("event log", drafts, note=note)


def _beside(lines: list[Line], channel: Channel) -> Iterator[Draft]:
    """What else tells of a failure in a log without any: its own lines, each alone, and what a person says, as one."""
    told = [line for line in lines if line.said and tells(line.said)]
    fact = f"the log beside it holds {counted(channel.events, 'event')}, none an error"
    for line in [line for line in told if is_log_line(line.said)][:_MOST_LINES]:
        yield Draft(line.said, where=line.where, circumstances=[fact])
    if said := " ".join(line.said for line in told if beside.is_prose(line.said) and not is_log_line(line.said)):
        yield Draft(said[:_MOST_SAID], circumstances=[fact])


def _all_well(channel: Channel) -> str:
    return f"the log holds {counted(channel.events, 'event')}; none is an error, and nothing else stands out"
