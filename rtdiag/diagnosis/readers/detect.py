"""Telling what an input is, by its content, and handing it to the reader for that form."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO

from rtdiag.diagnosis.readers import (
    closes,
    descriptions,
    error_bodies,
    event_lines,
    printed_errors,
    printed_values,
    recordings,
    rtcstats_lines,
    rtdiag_report,
    stats_reports,
    watched,
    webrtc_internals,
)
from rtdiag.diagnosis.readers.console_lines import status_in
from rtdiag.diagnosis.readers.event_log import read_events
from rtdiag.diagnosis.readers.forms import MOST_SITUATIONS, Draft, Read, Reading, shown
from rtdiag.diagnosis.readers.har import FILE, read_har
from rtdiag.diagnosis.readers.har_stream import is_har
from rtdiag.diagnosis.readers.pasted import HEAD_BYTES, as_text, is_long
from rtdiag.diagnosis.readers.plain import NOTHING, at, compact, parsed, unfenced
from rtdiag.diagnosis.readers.printed_errors import without_allowances
from rtdiag.diagnosis.readers.quiet import read_quiet, without_ordinary
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Source, Unusable, called
from rtdiag.redact import Mask


def read(source: BinaryIO | Source, name: str, mask: Mask) -> Read:
    """What `source` tells of failures, with every text masked; `mask` learns the secrets that the input holds.

    `name` is what messages call the input; "-" is standard input. Raises Unreadable where there is nothing to judge, and OSError
    where the source fails; never anything else, whatever the bytes are.
    """
    try:
        given = source if isinstance(source, Source) else Source(source, FILE)
        return _masked(_reading(given, called(name), Learner(mask)), mask)
    except Unusable as error:
        raise Unreadable(f"{called(name)}: {error}") from None


def _reading(source: Source, name: str, learner: Learner) -> Reading:
    if is_har(source.peek(HEAD_BYTES)):
        return read_har(source, name, learner)
    if watched.is_account(source.peek(HEAD_BYTES)):
        return watched.read_whole(source, learner)
    if webrtc_internals.is_dump(source.peek(HEAD_BYTES)):
        return webrtc_internals.read_dump(source)
    if is_long(source):
        from rtdiag.diagnosis.readers import long_log

        kept = long_log.keep(source, name)
        return long_log.placed(of_text(kept.text, learner), kept)
    return of_text(as_text(source.rest(), name), learner)


def _masked(reading: Reading, mask: Mask) -> Read:
    drafts = reading.drafts
    kept = drafts if reading.separate else drafts[:MOST_SITUATIONS]
    situations = tuple(draft.situation(mask) for draft in kept)
    cut = (
        f"more failures were found than the first {MOST_SITUATIONS}, which are judged"
        if len(kept) < len(drafts)
        else ""
    )
    note = "; ".join(filter(None, (shown(reading.note, mask), cut)))
    return Read(reading.form, situations, reading.separate, note, tuple(reading.reports))


def of_text(text: str, learner: Learner) -> Reading:
    """The reading of a text that was read whole."""
    try:
        value = parsed(text, strict=text.lstrip()[:1] in ("{", "[") and _NEXT_LINE not in text)
    except Unusable as error:
        raise Unreadable(f"the JSON cannot be used: {error}") from None
    learner.text(text)
    if value is NOTHING and recordings.begins_as_charles(text):
        raise Unreadable("it begins as a Charles session, and its JSON breaks off: export it again")
    if value is NOTHING:
        text = without_allowances(text)
    if value is NOTHING:
        value, text = _printed(text)
    if value is NOTHING and (report := rtdiag_report.of_lines(text)) is not None:
        value = report
    if isinstance(value, dict | list):
        learner.value(value)
        reading = _of_json(value, text, learner)
        if reading:
            return reading
    if reading := next((found for of in _TEXT_FORMS if (found := of(text, learner))), None):
        return reading
    left = without_ordinary(text)
    return next(found for of in _OTHER_FORMS if (found := of(left, learner)))


def _printed(text: str) -> tuple[Any, str]:
    """The one object that a program has printed, with the text to keep of it; an error that stands alone is a console's."""
    value = printed_values.whole(unfenced(text))
    if not isinstance(value, dict | list) or not value:
        return NOTHING, text
    if not error_bodies.is_error(value):
        return value, compact(value)
    more = isinstance(value, dict) and printed_errors.holds_more(value)
    found = printed_errors.error_at(text, text.find("{")) if more else None
    return (value, found[0] or compact(value)) if found else (NOTHING, text)


def _of_json(value: Any, text: str, learner: Learner) -> Reading | None:
    if rtdiag_report.is_report(value):
        return rtdiag_report.read_report(value, text, learner.mask)
    if watched.is_told(value):
        return watched.of_json(compact(value), learner)
    if isinstance(at(value, "log", "entries"), list):
        return read_har(io.BytesIO(text.encode("utf-8", "replace")), "the input", learner)
    if recorded := _recorded(value, learner):
        return recorded
    if isinstance(at(value, "PeerConnections"), dict):
        return webrtc_internals.read_dump(io.BytesIO(compact(value).encode("utf-8", "replace")))
    if stats := stats_reports.read_stats(value):
        return stats
    if descriptions.is_description(value):
        return Reading("failure description", descriptions.from_descriptions(value), separate=True)
    if close := closes.from_json(value):
        return Reading("close code", [close])
    events = event_lines.from_array(value if isinstance(value, list) else [value])
    if events and not (isinstance(value, dict) and error_bodies.is_error(value)):
        for event in events:
            learner.value(event.event)
        return read_events(events)
    if error_bodies.is_error(value):
        return Reading("error body", [error_bodies.from_json(value, text.strip())])
    return None


def _recorded(value: Any, learner: Learner) -> Reading | None:
    """The traffic that another program recorded. Raises Unreadable for a cassette of rtdiag."""
    if recordings.is_charles(value):
        return recordings.read_recording("Charles session", recordings.of_charles(value), learner)
    if not recordings.is_cassette(value):
        return None
    if "rtdiag" in value:
        raise Unreadable("it is a cassette of rtdiag: `rtdiag replay` judges it again")
    return recordings.read_recording("cassette", recordings.of_cassette(value), learner)


def _rtcstats(text: str, learner: Learner) -> Reading | None:
    return rtcstats_lines.read_lines(text)


def _page(text: str, learner: Learner) -> Reading | None:
    return Reading("error body", [error_bodies.from_page(text.strip())]) if error_bodies.is_page(text) else None


def _events(text: str, learner: Learner) -> Reading | None:
    """A log: two events at least, or one among lines that tell nothing; a single error event is a body."""
    events = event_lines.from_text(text)
    told = [line.event for line in events if line.event is not None]
    if len(told) < 2 and (not told or error_bodies.is_event(told[0]) or any(line.said for line in events)):
        return None
    for event in events:
        learner.value(event.event)
    return read_events(events)


def _answer(text: str, learner: Learner) -> Reading | None:
    from rtdiag.diagnosis.readers import curl_alone, http_answers

    form = http_answers.form_of(text)
    drafts = http_answers.read_answers(text, learner) if form else []
    if form and not drafts:
        return curl_alone.read_alone(text, learner)
    return Reading(form, drafts) if form else None


def _yaml(text: str, learner: Learner) -> Reading | None:
    if not descriptions.looks_like_yaml(unfenced(text)):
        return None
    value = descriptions.from_yaml(unfenced(text))
    if value is NOTHING and descriptions.is_tape(text):
        raise Unreadable("it begins as a cassette, and its YAML breaks off: give it whole")
    learner.value(value)
    if recorded := _recorded(value, learner):
        return recorded
    if value is NOTHING or not descriptions.is_description(value):
        return None
    return Reading("failure description", descriptions.from_descriptions(value), separate=True)


def _close(text: str, learner: Learner) -> Reading | None:
    close = closes.from_text(text)
    return Reading("close code", [close]) if close else None


def _cut_off(text: str, learner: Learner) -> Reading | None:
    """A body that ends too early, where nothing else stands behind it."""
    from rtdiag.diagnosis.readers import console

    if not error_bodies.is_cut_off(text) or len(console.read_console(text)) > 1:
        return None
    return Reading("error body", [error_bodies.from_cut_off(text.strip())])


def _quiet(text: str, learner: Learner) -> Reading | None:
    return read_quiet(text)


def _console(text: str, learner: Learner) -> Reading | None:
    from rtdiag.diagnosis.readers import console

    drafts = console.read_console(text)
    return Reading("console paste", drafts) if drafts else None


def _text(text: str, learner: Learner) -> Reading:
    return Reading("text", [Draft(text=text.strip(), status=status_in(text))])


_NEXT_LINE = "}\n{"  # of NDJSON, which is read line by line

# In this order: what says surely what it is comes first; the second look at what is no ordinary line, a person's words last.
_TEXT_FORMS: tuple[Callable[[str, Learner], Reading | None], ...] = (
    _rtcstats,
    _yaml,
    _page,
    _answer,
    _events,
    _quiet,
)
_OTHER_FORMS: tuple[Callable[[str, Learner], Reading | None], ...] = (
    _close,
    _cut_off,
    _console,
    _text,
)
