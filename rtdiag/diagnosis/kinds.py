"""What a record of a text is by its spelling: an object, code, an event, a line of a log, a machine's sentence (records.py)."""

from __future__ import annotations

import re
from typing import Literal

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.log_lines import tells
from rtdiag.diagnosis.state_lines import state_in

Kind = Literal["machine", "upstream", "person", "denied", "code", "healthy"]

_LOOKED_AT = 4000  # characters of a record

# An error object in any print of one.
_OBJECT = expression(r"[{(\[,]\s{0,40}['\"]?(?:error|message|code|type|detail|param|status|reason)['\"]?\s?[:=]")
_KEYED = expression(r"[\s<>*|▶▼-]{0,12}['\"]?[A-Za-z_][\w.-]{0,30}['\"]?\s?(?:[:=]\s?\S|:\Z)")

# What a machine says and a person does not, by what gives it away.
_MACHINE = tuple(
    expression(pattern)
    for pattern in (
        # exceptions, errors of systems and libraries
        r"\b[A-Z]\w{0,60}(?:Error|Exception|Timeout|Closed\w{0,10}|InvalidStatus\w{0,12})\b\s?[:({=\[]",
        r"\b\w{0,60}(?:error|exception|panicked)\b:\s\S",
        r"\b(?:\w{2,40}\.){1,6}[A-Z]\w{2,60}:\s|\A[A-Z]{1,40}_[A-Z_]{1,40}:\s|\bInput tag\b",
        r"\bnet::ERR_\w+|\bNS_ERROR_\w+|\b(?:E[A-Z]{4,14}|EAI_[A-Z]+|ERR_[A-Z_]+|[A-Z]{1,20}_ERR_[A-Z_]+)\b",
        r"\[?Errno -?\d+|\bcurl: \(\d+\)",
        # statuses, close codes, requests
        r"\bHTTP/[\d.]{1,4} \d{3}|\bHTTP (?:error:? |status |code )?\d{3}\b|\b[45]\d\d [A-Z][a-z]|\bError code: \d{3}",
        r"\bstatus(?: ?code)?['\"]?\s?[:=]\s?['\"]?\d{3}|\b(?:response|answer) code\W{0,3}\d{3}",
        r"\b(?:code|close\w{0,6}|received|sent)\b\W{0,8}[134]\d{3}\b|\A\W{0,4}[1-5]\d\d\d?(?:\W|\Z)",
        r"\b(?:GET|POST|PUT|PATCH|DELETE|OPTIONS|WSS?) ['\"(]{0,2}(?:/|https?:|wss?:)\S",
        # browsers
        r"\bFailed to (?:load resource|execute|fetch|parse|construct|open|connect|set remote)|\bUncaught\b|\bDOMException\b",
        r"\bWebSocket connection to|\bblocked by CORS|\bCross-Origin Request Blocked|\bRefused to \w+ to",
        # names of errors
        r"\b(?:invalid|incorrect|unknown|missing|unsupported)_\w|\w_(?:error|exceeded|expired|failed|not_found|disabled|deactivated)\b",
        r"\w_\w{1,60}_(?:limit|quota|key|mismatch|empty|active)\b",
        # sentences of servers
        r"\bIncorrect API key|\bInvalid URL \(|\bexceeded your current quota|\bRate limit reached",
        r"\b(?:Unknown|Missing required|Unrecognized request|Unsupported) (?:parameter|argument|value|content)",
        r"\bInvalid (?:value|type|SDP|offer|modalities|'[\w.\[\]]{1,80}')(?!\w)",
        r"\bThe (?:model|server|requested|API deployment|API key) (?:\S{1,80} )?(?:does|had|is|has)\b",
        r"\bYour (?:session|organization|request|account|IP)\b.{0,40}\b(?:hit|must|was|is|not)\b",
        r"\bupstream (?:connect|error\b)|\bno healthy upstream\b|\bNo deployments available for\b",
        r"\bdial tcp\b|\bcontext deadline exceeded\b",
        r"\bYou (?:didn't|must|have no|do not have|exceeded|tried)\b",
    )
)
# How a machine's sentence begins, where no person speaks of himself in it.
_BEGINS = expression(
    r"\W{0,3}(?:Invalid|Unknown|Missing|Unsupported|Unexpected|Incorrect|Unable to|Cannot|Could not|Failed to|Expected|Unrecognized"
    r"|Access denied|Permission denied|Not authorized|No such|Too many|Unauthorized|Forbidden)\b"
)
_ONESELF = expression(r"\b(?:I|my|we|our)\b")
_EXAMPLE = expression(
    r"(?i)\b(?:for example|for instance|e\. ?g\.|such as|docs? sa(?:y|id)|documentation sa(?:ys|id)|supposed to"
    r"|would (?:get|be|give|return))\b"
)

# Lines of logs.
_LEVEL = expression(
    r"(?:\A|[\s\[|(-])((?-i:TRACE|DEBUG|INFO|NOTICE|VERBOSE|WARN(?:ING)?|ERROR|ERR|FATAL|CRITICAL))(?=[\]\s|:)])"
    r"|[\"']?level[\"']?\s?[:=]\s?[\"']?(trace|debug|info|notice|verbose|warn(?:ing)?|error|fatal)\b"
    r"|(?:\A|\[)(trace|debug|info|notice|verbose|warn(?:ing)?|error|fatal)(?=[\]:\"]|\s\w+=)",
    re.IGNORECASE,
)
_CALM_LEVELS = frozenset({"trace", "debug", "info", "notice", "verbose"})
_STAMP = expression(r"\W{0,3}(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d)")
_PICTURE = expression("[\u2190-\u2bff\U0001f000-\U0001faff]")  # with one programs begin their lines
_TROUBLE = expression(
    r"(?i)err(?:or|no)?\b|error|fail|refus|reject|denied|deny|invalid|incorrect|unauthori|forbidden|time[ds]? ?-?out|timeout"
    r"|exception|abort|panic|\bclos(?:e|ed|ing)\b|disconnect|unable|cannot|could not|unknown|unsupported|missing|expired|exceed"
    r"|mismatch"
    r"|\b[45]\d\d\b|\b(?:1[01]\d\d|[34]\d{3})\b|(?-i:\bE[A-Z]{4,}\b)|blocked|dropped|lost|reset|disabled|unexpected|insufficient"
    r"|deactivated|quota|limit|warn|wrong|\bbad\b|malformed|illegal|shorter|\b(?:not|no|never|must|should|only|please|requires?)\b|n't\b"
)
# What tells of a failure even in a line of a calm level.
_SURE_TROUBLE = expression(
    r"(?i)\berror\b(?![\"']?\s?[:=]\s?(?:null|none|undefined|false))|exception|\bfail(?:ed|ure|s)?\b|refused|rejected|denied"
    r"|timed out"
    r"|\b(?:status|http|code|returned|got|answered|answers|with)\W{0,3}[45]\d\d\b|\b[45]\d\d [A-Z]|\binvalid_|\bunauthorized"
)

# Events of the API, and states of a connection, that tell of no failure.
_EVENT = expression(
    r"['\"]?\btype['\"]?\s?[:=]\s?['\"](?:session|transcription_session|conversation|response|input_audio_buffer|output_audio_buffer"
    r"|rate_limits)\.[\w.]+['\"]"
)
_NAMES_AN_EVENT = expression(
    r"\W{0,4}(?:(?:received|recv|sent|send|event|event type|<-|->|<<|>>)\W{0,3} ){0,2}(?:session|transcription_session|conversation"
    r"|response|input_audio_buffer|output_audio_buffer|rate_limits)\.\w[\w.]*(?=\W{0,4}\Z|:|\s+[{(\"'A-Z])"
)
_EVENT_FAILED = expression(
    r"(?i)\bfailed\b|\bincomplete\b|['\"]error['\"]?\s?[:=]\s?(?!null|None|undefined)|['\"]?status['\"]?\s?[:=]\s?['\"]cancelled|Error\("
)
_SPOKEN_OF = expression(
    r"(?i)exception|\w{0,60}error\b|cannot|unknown|unexpected|unsupported|failed|unhandled|invalid|no handler"
)
_PENDING = frozenset({"new", "checking", "connecting", "gathering", "have-local-offer", "have-remote-offer"})
_LOST = frozenset({"disconnected", "failed", "closed"})

# Source code: what surely is a statement, and what may also be a print of a value.
_STATEMENT = expression(
    r"""
    \s*(?: (?:const|let|var|def|class|import|from\ \S+\ import|export|function|async|await|return|public|private)\b
           (?!\W{0,3}\w+\ (?:is|was|error)\b)
         | (?:if|for|while|catch)\ ?\( | try[:\s{] | except\b[^\n]{0,200}: | else\b | elif\b | with\ \S[^\n]{0,200}:\Z | \#include
         | package\  | using\  | func\  | val\  | fn\  | raise\  | throw\  | new\ \w+\( | // | /\* | \#\  | \*\  | @\w
         | fetch\( | axios[.(] | print\( | require\( | console\.\w+\( )
    """,
    re.VERBOSE,
)
_EXPRESSION = expression(
    r"""
    [;{]\s*\Z | =>\s*[{(\w]
    | \A\s*[\w$.\[\]]{1,80}\s?=\s?(?:new\s|await\s|async\s|[\w$.]{1,60}\(|["'`{\[]|[\w$.]{1,80};?\Z)
    | \A\s*(?:[\w$]{1,40}\.){1,6}[\w$]{1,60}\([^\n]*\)[;,]?\s*(?://[^\n]*|\#[^\n]*)?\Z | \A\s*[}\])]+[;,)]*\s*\Z
    """,
    re.VERBOSE,
)
_PRINTED = expression(
    r"\A\s*[\w.]{0,40}\b(?:code|message|type|status|param|reason|error)\s?=\s?['\"\d]|Error\(|\berror['\"]?\s?[:=]|_error\b"
    r"|\A\s*\w{0,60}(?:Error|Exception|Event|Closed\w{0,8})\(|\A\W{0,4}\w{0,60}(?:Error|Exception)\b|Uncaught|DOMException"
    r"|Failed to"
    r"|->\s?\d{3}|\bError\b\W{1,3}\w"
)


def of_record(record: str) -> Kind | None:
    """The kind of a record as a whole; None where its sentences have to be looked at one by one."""
    near = record[:_LOOKED_AT]
    is_object = bool(_OBJECT.search(near))
    if is_object and _is_healthy_event(near):
        return "healthy"
    if is_code(near):
        return "code"
    state = state_in(near)
    if _is_healthy_event(near) or (state and state[1] not in _LOST and not tells(near)):
        return "healthy"
    level = _LEVEL.search(near[:200])
    calm = level is not None and next(filter(None, level.groups())).lower() in _CALM_LEVELS
    if (calm and not _SURE_TROUBLE.search(near)) or (_is_logged(near) and not _TROUBLE.search(near)):
        return "healthy"
    told = (is_object, _KEYED.match(near) and _TROUBLE.search(near), _STAMP.match(near), level)
    return "machine" if any(told) else None


def is_of_a_machine(sentence: str) -> bool:
    """Whether a sentence has what a machine says and a person does not, and is not told as an example."""
    near = sentence[:_LOOKED_AT]
    begins = _BEGINS.match(near) and not _ONESELF.search(near)
    return bool(begins or any(sign.search(near) for sign in _MACHINE)) and not _EXAMPLE.search(near)


def is_code(line: str) -> bool:
    """Whether a line is source code, and not a print of a value or an error."""
    if line.startswith(("{", "[")):
        return False
    return bool(_STATEMENT.match(line) or (_EXPRESSION.search(line) and not _PRINTED.search(line)))


def is_keyed(line: str) -> bool:
    """Whether a line is a name and its value, and no line of a log."""
    return bool(_KEYED.match(line)) and not _STAMP.match(line)


def tells_of_trouble(line: str) -> bool:
    """Whether there is any word in it by which failures are told."""
    return bool(_TROUBLE.search(line))


def is_pending(line: str) -> bool:
    """Whether it is a state of a connection that must pass: nothing follows from it, and nothing is well yet."""
    state = state_in(line)
    return state is not None and state[1] in _PENDING


def _is_logged(record: str) -> bool:
    """Whether a program wrote it for its own log: with a time, an event's name or a picture before it."""
    return bool(_STAMP.match(record) or _NAMES_AN_EVENT.match(record)) or _PICTURE.match(record) is not None


def _is_healthy_event(record: str) -> bool:
    found = _EVENT.search(record)
    if found is None or _EVENT_FAILED.search(record):
        return False
    return not _SPOKEN_OF.search(record[: found.start()])
