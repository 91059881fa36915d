"""A recording of live traffic, read from its YAML: `header`, `exchanges` (HTTP) and `frames` (of one socket or data channel).

`frames` hold `direction` and `data`, or a `close`, or `omitted` (a run of frames that was cut out), or the `request` that opened
the socket. Audio that was cut out of a frame is `{"<audio>": bytes}`.
"""

from __future__ import annotations

import json
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

import msgspec

from rtdiag.api import own_yaml
from rtdiag.api.expressions import expression
from rtdiag.intake import Limit, Unusable, yaml_of

Json = dict[str, Any]
FILE = Limit(8 * 1024 * 1024, "no recording is")
CUT = "<audio>"
APPEND = "input_audio_buffer.append"

_DAY = expression(r"\d{4}(-\d\d(-\d\d)?)?")
_CLOCK = expression(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


class Header(msgspec.Struct, frozen=True):
    """Of whom, when and how. `kind` `as_posted` is what somebody wrote in a post: only some of the keys."""

    family: str
    transport: str
    recorded_at: str | int | None = None
    source: str = ""
    note: str = ""
    kind: str = ""

    @property
    def moment(self) -> datetime | None:
        """When it was recorded, where that is known to the second."""
        text = str(self.recorded_at or "").replace(" ", "T")
        if not _CLOCK.match(text):
            return None
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    @property
    def day(self) -> date | None:
        """The day, or the last one of the month or year that is known; None for none."""
        if self.moment:
            return self.moment.date()
        if not (found := _DAY.match(str(self.recorded_at or ""))):
            return None
        year, month, day = ([int(part) for part in found[0].split("-")] + [0, 0])[:3]
        month = month or 12
        return date(year, month, day or monthrange(year, month)[1])


class Close(msgspec.Struct, frozen=True):
    """How a socket ended."""

    code: int | None = None
    reason: str = ""


class Omitted(msgspec.Struct, frozen=True):
    """A run of frames that was cut out; `count` is None where nobody counted them."""

    direction: Literal["sent", "received"]
    type: str
    count: int | None = None

    @property
    def pieces(self) -> int:
        """How many they are taken for: one, as long as need be, where nobody counted."""
        return 1 if self.count is None else self.count


class Message(msgspec.Struct, frozen=True):
    """A request or an answer as it was stored."""

    method: str = ""
    url: str = ""
    status: int | None = None
    headers: Mapping[str, str | Sequence[str]] = {}
    body: Mapping[str, Any] | None = None


class Exchange(msgspec.Struct, frozen=True):
    """One request and its answer; the JSON of bodies was stored with its keys sorted."""

    request: Message
    response: Message


class Frame(msgspec.Struct, frozen=True):
    """One of: an event, a close, a run that was cut out, the request that opened the socket."""

    direction: Literal["sent", "received"] | None = None
    data: Any = None
    close: Close | None = None
    omitted: Omitted | None = None
    request: Message | None = None

    @property
    def event(self) -> Json | None:
        """The event, None for anything else."""
        return self.data if isinstance(self.data, dict) else None


class Recording(msgspec.Struct, frozen=True):
    """A whole file."""

    header: Header
    exchanges: Sequence[Exchange] = ()
    frames: Sequence[Frame] = ()

    @property
    def received(self) -> list[Json]:
        """The events that the server sent."""
        return [f.event for f in self.frames if f.direction == "received" and f.event is not None]

    @property
    def partial(self) -> bool:
        """Whether only some keys of what was answered are shown."""
        return self.header.kind == "as_posted"


def is_recording(text: str) -> bool:
    """Whether a text has the form of a recording, which no report has."""
    return "\nheader:" in f"\n{text}" and "\n  family:" in text


def _json(value: Any) -> Any:
    """As JSON holds it, all of whose names are text. Raises ValueError for what no traffic was."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except TypeError as error:
        raise ValueError(error) from None


def recording_in(text: str) -> Recording:
    """The recording of that text. Raises Unusable."""
    try:
        found = own_yaml.converted(_json(yaml_of(text)), Recording)
        _ = found.header.day
    except Unusable:
        raise
    except ValueError as error:
        raise Unusable(f"no recording of live traffic: {error}") from None
    return found
