"""Readers: what a person hands over (a body, a paste, a HAR, a dump, a page's account, a log, a report, a
description) becomes situations.

`read` tells the form by the content, never by the file's name alone.
"""

from __future__ import annotations

from rtdiag.diagnosis.readers import watched
from rtdiag.diagnosis.readers.detect import read
from rtdiag.diagnosis.readers.forms import Read
from rtdiag.diagnosis.readers.har import FILE

# Forms of what a browser has measured, which look like source code where a program printed them.
MEASURED = frozenset({"getStats output", "webrtc-internals dump", "rtcstats dump", watched.FORM})

__all__ = ["FILE", "MEASURED", "Read", "read"]
