"""Readers: what a person hands over (a body, a paste, a HAR, a log, a report, a description) becomes situations.

`read` tells the form by the content, never by the file's name alone.
"""

from __future__ import annotations

from rtdiag.diagnosis.readers.detect import read
from rtdiag.diagnosis.readers.forms import Read
from rtdiag.diagnosis.readers.har import FILE

__all__ = ["FILE", "Read", "read"]
