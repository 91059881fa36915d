"""What a reader gives: situations with the form they were read from, or one line that says why it cannot."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.situation import Situation
from rtdiag.redact import Mask

if TYPE_CHECKING:
    from rtdiag.model import Report

# No body, event or description that explains a failure comes near these.
LARGEST_TEXT = 1024 * 1024
LARGEST_CIRCUMSTANCE = 2000
MOST_SITUATIONS = 200

# What begins as a key does is a name made of words where it is short and no long run of letters and digits stands in it.
_LIKE_A_KEY = expression(r"(?:sk-|ek_|(?i:\bbearer)[ +])\S*")
_WHOLE_KEY = expression(r"\A.{60}|(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16}")

_WORD = string.ascii_letters + string.digits + "_-.~+/=*"


@dataclass(frozen=True)
class Read:
    """An input as read.

    `form` names what it was taken for: error body, console paste, HAR, Charles session, cassette, HTTP answer, curl output, event
    log, close code, rtdiag report, failure description, webrtc-internals dump, getStats output, page's account, log, connection
    states or text.
    `situations` are in the order of the input; where there are none, `note` says why. What follows from another failure
    (`Situation.follows`) stands behind it.
    `separate` is True where each is judged on its own (failure descriptions), False where all are evidence about one session.
    `reports` are those of rtdiag itself, which hold no situations but cases.
    """

    form: str
    situations: tuple[Situation, ...]
    separate: bool = False
    note: str = ""
    reports: tuple[Report, ...] = ()


@dataclass
class Draft:
    """A situation in the making, before anything is masked; the fields are those of Situation."""

    text: str = ""
    method: str | None = None
    url: str | None = None
    credential: str | None = None
    content_type: str | None = None
    sent: str | None = None
    status: int | None = None
    surface: str | None = None
    dialect: str | None = None
    circumstances: list[str] = field(default_factory=list)
    when: date | None = None
    where: str = ""
    id: str | int | None = None
    follows: str = ""
    observed: list[str] = field(default_factory=list)

    def situation(self, mask: Mask) -> Situation:
        """The situation, with every text masked and none longer than LARGEST_TEXT characters."""

        def hidden(text: str | None) -> str | None:
            return None if text is None else shown(text, mask)

        return Situation(
            text=shown(self.text, mask),
            method=hidden(self.method),
            url=hidden(self.url),
            credential=hidden(self.credential),
            content_type=hidden(self.content_type),
            sent=hidden(self.sent),
            status=self.status,
            surface=hidden(self.surface),
            dialect=hidden(self.dialect),
            circumstances=tuple(cut(shown(c, mask), LARGEST_CIRCUMSTANCE) for c in self.circumstances),
            when=self.when,
            where=shown(self.where, mask),
            id=_given(self.id, mask) if isinstance(self.id, str) else self.id,
            follows=shown(self.follows, mask),
            observed=tuple(self.observed),
        )


@dataclass
class Reading:
    """What a reader hands to `read` before masking: the form, the drafts, whether each stands alone, and the note."""

    form: str
    drafts: list[Draft]
    separate: bool = False
    note: str = ""
    reports: list[Report] = field(default_factory=list)


def shown(text: str, mask: Mask) -> str:
    """`text` masked, without lone surrogates, and cut where it is longer than LARGEST_TEXT."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return cut(mask(whole, "input"), LARGEST_TEXT)


def _given(name: str, mask: Mask) -> str:
    """A name that the user gave a record: as it is, also where it begins as a key does, unless a whole key stands in it."""
    without = _LIKE_A_KEY.sub(lambda found: found[0] if _WHOLE_KEY.search(found[0]) else "", name)
    return name if shown(without, mask) == without and len(name) <= LARGEST_TEXT else shown(name, mask)


def cut(text: str, limit: int) -> str:
    """`text`, or at most its first `limit` characters with a mark that it goes on; no word, and so no secret, is cut in two."""
    if len(text) <= limit:
        return text
    return text[:limit].rstrip(_WORD) + " … (cut)"
