"""Lines of a program's own log: which of them can tell of a failure, and which are the ordinary course of things."""

from __future__ import annotations

import re

from rtdiag.api.expressions import expression

_STAMP = r"\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?"
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|LOG|WARN(?:ING)?|ERROR|ERR|FATAL|CRITICAL|SEVERE)"
_LOG = expression(
    rf"\s{{0,8}}(?:{_STAMP}|\[?{_LEVEL}\]?[\s:|-]|[\w.-]{{1,60}}\s+\|\s|\[\w[\w .:/-]{{0,60}}\]\s|level={_LEVEL}|ts=|time=)",
    re.I,
)
# Words without which no line tells of a failure, in the languages of programs.
_WORDS = (
    *(
        "error",
        "errno",
        "err_",
        "err=",
        "econnre",
        "econnab",
        "enotfound",
        "etimed",
        "eai_",
        "exception",
        "traceback",
        "panic",
        "fatal",
    ),
    *(
        "critical",
        "severe",
        "warn",
        "fail",
        "refus",
        "denied",
        "deny",
        "reject",
        "invalid",
        "unauthor",
        "forbid",
        "timeout",
    ),
    *(
        "time-out",
        "timed out",
        "clos",
        "disconnect",
        "reset",
        "abort",
        "unable",
        "cannot",
        "can't",
        "can not",
        "couldn",
        "could n",
    ),
    *(
        "missing",
        "not found",
        "not open",
        "not ready",
        "not allowed",
        "unknown",
        "unexpected",
        "unsupported",
        "incomplete",
    ),
    *(
        "expire",
        "exceed",
        " lost",
        "stuck",
        " hang",
        " hung",
        " never",
        "blocked",
        "quota",
        "unreachable",
        "eof",
        "too many",
    ),
    *("too large", "too big", "too old", "too long", "no answer", "no response", "no route"),
)
# The statuses of HTTP that are a failure, and close codes.
_NUMBER = expression(r"(?<![\w.:#-])(?:[45]\d\d(?![\w.]|\s?(?:ms|bytes|hz|kb))|1(?:00[1-9]|01[0-5])|3000|400\d)\b")
# What the words find and what is none, in small letters: an empty field, a setting named after a limit, a count of none.
_NONE = expression(
    r"""(?:err|errors?|warnings?|failures?|failed|status_details)['"]?\s{0,4}[:=]\s{0,4}
      (?:none|null|undefined|nil|0|false|\[\]|\{\}|""|'')(?![\w.])
      | (?:0|no|without)\ (?:errors?|failures?|warnings?)\b | (?:error|warning)_(?:rate|count)\b
      | idle_timeout_ms\b | timeout(?:_ms|_s)?['"]?\s{0,4}[:=] | on_?(?:error|close)\b | expires_at\b""",
    re.X,
)


def is_log_line(line: str) -> bool:
    """Whether a program's log wrote the line, by the time, level or name it begins with."""
    return bool(_LOG.match(line[:400]))


def tells(line: str) -> bool:
    """Whether a line can tell of a failure at all; many that do are of none."""
    low = line.lower()
    if any(map(low.__contains__, _WORDS)) and any(map(_NONE.sub(" ", low).__contains__, _WORDS)):
        return True
    return bool(_NUMBER.search(line))
