"""Lines of a program's own log: which of them can tell of a failure, and which are the ordinary course of things."""

from __future__ import annotations

import re

_STAMP = r"\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?"
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|LOG|WARN(?:ING)?|ERROR|ERR|FATAL|CRITICAL|SEVERE)"
_LOG = re.compile(
    rf"\s{{0,8}}(?:{_STAMP}|\[?{_LEVEL}\]?[\s:|-]|[\w.-]{{1,60}}\s+\|\s|\[\w[\w .:/-]{{0,60}}\]\s|level={_LEVEL}|ts=|time=)",
    re.I,
)
# Words without which no line tells of a failure, in the languages of programs; and the statuses of HTTP that are one.
_TELLS = re.compile(
    r"""err(?:or|no)?\b | error | exception | fail | refus | denied | deny | reject | invalid | unauthor | forbid
      | time[ds]?[ -]?out | clos(?:e|ed|ing|ure)\b | disconnect | reset\b | abort | unable | cannot | can't | can\ not
      | could\ ?n | missing | not\ (?:found|open|ready|allowed) | unknown | unexpected | unsupported | incomplete | warn
      | panic | fatal | critical | severe | traceback | expire | exceed | lost\b | stuck | hang | never | blocked | quota
      | too\ (?:many|large|big|old|long) | unreachable | EOF\b | no\ (?:answer|response|route) | \bE[A-Z]{5,}\b | ERR_
      | [^\w.:-][45]\d\d\b(?!\s*(?:ms|bytes|hz|kb)) | \b(?:1(?:00[1-9]|01[0-5])|3000|400\d)\b""",
    re.I | re.X,
)
# What the words above find and what is none: a field that is empty, a setting that is named after a limit, a count of none.
_NONE = re.compile(
    r"""['"]?\b\w*(?:err|error|errors|warnings?|failures?|failed|last_error|status_details)\b['"]?\s{0,4}[:=]\s{0,4}
      (?:None|null|undefined|nil|0|false|\[\]|\{\}|""|'')(?![\w.])
      | \b(?:0|no|without)\ (?:errors?|failures?|warnings?)\b | \b(?:error|warning)_(?:rate|count)\b
      | \bidle_timeout_ms\b | \btimeout(?:_ms|_s)?\b | \bon_?(?:error|close)\b | \bexpires_at\b""",
    re.I | re.X,
)


def is_log_line(line: str) -> bool:
    """Whether a program's log wrote the line, by the time, level or name it begins with."""
    return bool(_LOG.match(line[:400]))


def tells(line: str) -> bool:
    """Whether a line can tell of a failure at all; many that do are of none."""
    return bool(_TELLS.search(line)) and bool(_TELLS.search(_NONE.sub(" ", line)))
