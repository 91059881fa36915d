"""What a text is made of: what a machine said, what a person says, what is denied, and what is no evidence at all.

A text becomes records: an object, a line, a sentence. Words that belong together stand in one record; no sign looks across its end.

| kind | what it is | what it can do |
|---|---|---|
| `machine` | an error object, a library's line, a status, a server's sentence | decide |
| `person` | a sentence in a person's own words | speak for a cause, never with high confidence |
| `denied` | what a person says is not so, or is in order | nothing |
| `code` | source code | nothing: it has not failed |
| `healthy` | events and lines of a log that tell of no failure | nothing |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from rtdiag.diagnosis.lexicon import glossed

Kind = Literal["machine", "person", "denied", "code", "healthy"]

_LONGEST_OBJECT = 400  # lines
_WRAPPED = 56  # characters after which a line may have been wrapped

_FENCE = re.compile(r"\s{0,8}```\w{0,12}\s*\Z")
_FRAME = re.compile(
    r"\s{0,20}(?:at (?:async )?[\w$.<>\[\] ]{1,120}[( ]|at \S+:\d+|File \"[^\"]{1,200}\", line \d+|\(anonymous\))"
)
_KEYED = re.compile(r"[\s<>*|▶▼-]{0,12}['\"]?[A-Za-z_][\w.-]{0,30}['\"]?\s?(?:[:=]\s?\S|:\Z)")
_SENTENCE = re.compile(r"(?<=[a-z\d)'\"`»”*][.!?])\s+(?=[\"'(“]?[A-Z¿¡{])|(?<=[a-z]{4}[.!?])\s+(?=\S)|(?<=[。！？])")

# What a machine says and a person does not.
_OBJECT = re.compile(r"[{(\[,]\s{0,40}['\"]?(?:error|message|code|type|detail|param|status|reason)['\"]?\s?[:=]")
_MACHINE = re.compile(
    r"""
    \b[A-Z]\w{0,60}(?:Error|Exception|Timeout|Closed\w{0,10}|InvalidStatus\w{0,12})\b\s?[:({=\[]   # an exception
    | \b(?:[\w.]{1,40}\.)?\w{0,60}(?:error|exception|panicked)\b:\s\S | \b(?:\w{2,40}\.){1,6}[A-Z]\w{2,60}:\s | \A[A-Z]+_[A-Z_]+:\s
    | \bInput\ tag\b
    | \bnet::ERR_\w+ | \bNS_ERROR_\w+ | \b(?:E[A-Z]{4,14}|EAI_[A-Z]+|ERR_[A-Z_]+|[A-Z]+_ERR_[A-Z_]+)\b | \[?Errno\ -?\d+
    | \bcurl:\ \(\d+\) | \bHTTP/[\d.]+[ ]\d{3} | \bHTTP\ (?:error:?\ |status\ |code\ )?\d{3}\b | \b[45]\d\d\ (?:[A-Z][a-z]+)
    | \bstatus(?:\ ?code)?['"]?\s?[:=]\s?['"]?\d{3} | \bError\ code:\ \d{3} | \b(?:response|answer)\ code\W{0,3}\d{3}
    | \b(?:code|close\w{0,6}|received|sent)\b\W{0,8}[134]\d{3}\b | \A\W{0,4}[1-5]\d\d\d?\W | \A\W{0,4}[1-5]\d\d\d?\Z
    | \b(?:GET|POST|PUT|PATCH|DELETE|OPTIONS|WSS?)\ ['"(]{0,2}(?:/|https?:|wss?:)\S+
    | \bFailed\ to\ (?:load\ resource|execute|fetch|parse|construct|open|connect|set\ remote) | \bUncaught\b | \bDOMException\b
    | \bWebSocket\ connection\ to | \bblocked\ by\ CORS | \bCross-Origin\ Request\ Blocked | \bRefused\ to\ \w+\ to
    | \b(?:invalid|incorrect|unknown|missing|unsupported)_\w+ | \b\w+_(?:error|exceeded|expired|failed|not_found|disabled|deactivated)\b
    | \b\w+_\w+_(?:limit|quota|key|mismatch|empty|active)\b
    | \bIncorrect\ API\ key | \bInvalid\ URL\ \( | \bexceeded\ your\ current\ quota | \bRate\ limit\ reached
    | \b(?:Unknown|Missing\ required|Unrecognized\ request|Unsupported)\ (?:parameter|argument|value|content)\w*\b
    | \bInvalid\ (?:value|type|SDP|offer|modalities|'[\w.\[\]]+')\b | \bThe\ (?:model|server|requested|API\ deployment|API\ key)\ .?\S*.?\ (?:does|had|is|has)
    | \bYour\ (?:session|organization|request|account|IP)\b.{0,40}\b(?:hit|must|was|is|not)
    | \A\W{0,3}(?:Invalid|Unknown|Missing|Unsupported|Unexpected|Incorrect|Unable\ to|Cannot|Could\ not|Failed\ to|Expected|Unrecognized|Access\ denied
      |Permission\ denied|Not\ authorized|No\ such|Too\ many|Unauthorized|Forbidden)\b(?!.*\b(?:I|my|we|our)\b)
    | \bYou\ (?:didn't|must|have\ no|do\ not\ have|exceeded|tried)\b
    """,
    re.X,
)
_LEVEL = re.compile(
    r"(?:\A|[\s\[|(-])((?-i:TRACE|DEBUG|INFO|NOTICE|VERBOSE|WARN(?:ING)?|ERROR|ERR|FATAL|CRITICAL))(?=[\]\s|:)])"
    r"|[\"']?level[\"']?\s?[:=]\s?[\"']?(trace|debug|info|notice|verbose|warn(?:ing)?|error|fatal)\b"
    r"|(?:\A|\[)(trace|debug|info|notice|verbose|warn(?:ing)?|error|fatal)(?=[\]:\"]|\s\w+=)",
    re.I,
)
_STAMP = re.compile(r"\A\W{0,3}(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d)")
# What tells of a failure even in a line of a calm level; and the beginning of the characters that are pictures.
_SURE_TROUBLE = re.compile(
    r"(?i)\berror\b(?![\"']?\s?[:=]\s?(?:null|none|undefined|false))|exception|\bfail(?:ed|ure|s)?\b|refused|rejected|denied|timed out"
    r"|\b(?:status|http|code|returned|got)\W{0,3}[45]\d\d\b|\b[45]\d\d [A-Z]|\binvalid_|\bunauthorized"
)
_PICTURES = 0x2190
_CALM_LEVELS = frozenset({"trace", "debug", "info", "notice", "verbose"})
_TROUBLE = re.compile(
    r"(?i)err(?:or|no)?\b|error|fail|refus|reject|denied|deny|invalid|incorrect|unauthori|forbidden|time[ds]? ?-?out|timeout|exception|abort|panic"
    r"|\bclos(?:e|ed|ing)\b|disconnect|unable|cannot|can't|could not|couldn't|unknown|unsupported|missing|expired|exceed|mismatch|not found"
    r"|\b[45]\d\d\b|\b(?:1[01]\d\d|[34]\d{3})\b|(?-i:\bE[A-Z]{4,}\b)|blocked|dropped|lost|reset|unexpected|not (?:a|an|in|supported|available|allowed)"
    r"|no (?:audio|response|answer|transcript|pong)|warn|insufficient|deactivated|quota|limit"
)
_EVENT = re.compile(
    r"""['"]?\btype['"]?\s?[:=]\s?['"]((?:session|transcription_session|conversation|response|input_audio_buffer|output_audio_buffer
    |rate_limits)\.[\w.]+)['"]""",
    re.X,
)
_EVENT_FAILED = re.compile(
    r"(?i)\bfailed\b|\bincomplete\b|['\"]error['\"]?\s?[:=]\s?(?!null|None|undefined)|['\"]?status['\"]?\s?[:=]\s?['\"]cancelled|Error\("
)
_CALM = re.compile(
    r"""(?ix)
    \A\W{0,4}(?:\S{1,30}\ )?(?:ice|peer|signaling|dtls|data\ ?channel|websocket|ws)?[ _]?(?:connection|gathering|channel|signaling)?[ _]?(?:state)?
    (?:\ ?change[ds]?)?\W{0,6}(?:is|to|->|=>)?\W{0,3}(?:new|checking|connecting|connected|completed|gathering|complete|stable|open(?:ed)?|have-\w+-offer)
    \W{0,3}\Z
    """,
)
_STATEMENT = re.compile(
    r"""
    \A\s*(?:(?:const|let|var|def|class|import|from\ \S+\ import|export|function|async|await|return|public|private)\b(?!\W*\w+\ (?:is|was|error)\b)|if\ ?\(|for\ ?\(|while\ ?\(
      |try[:\s{]|except\b[^\n]*:|catch\ ?\(|else\b|elif\b|with\ \S[^\n]*:\Z|\#include|package\ |using\ |func\ |val\ |fn\ |raise\ |throw\ |new\ \w+\(|//
      |/\*|\#\ |\*\ |@\w+|fetch\(|axios[.(]|print\(|require\(|console\.\w+\()
    """,
    re.X,
)
_EXPRESSION = re.compile(
    r"""
    [;{]\s*\Z | =>\s*[{(\w] | \A\s*[\w$.\[\]]{1,80}\s?=\s?(?:new\s|await\s|async\s|[\w$.]{1,60}\(|["'`{\[]|[\w$.]+;?\Z)
    | \A\s*(?:[\w$]{1,40}\.){1,6}[\w$]{1,60}\(.*\)[;,]?\s*(?://.*|\#.*)?\Z | \A\s*[}\])]+[;,)]*\s*\Z
    """,
    re.X | re.S,
)
_RESULT = re.compile(
    r"\A\s*[\w.]{0,40}\b(?:code|message|type|status|param|reason|error)\s?=\s?['\"\d]|\w*Error\(|\berror['\"]?\s?[:=]|_error\b|\A\s*\w{0,60}(?:Error|Exception|Event|Closed\w{0,8})\(|\A\W*\w*(?:Error|Exception)\b|Uncaught|DOMException|Failed to|->\s?\d{3}|\bError\b\W{1,3}\w"
)
_RESULT_OF_FAILURE = re.compile(
    r"(?i)exception|\w*error\b|cannot|unknown|unexpected|unsupported|failed|unhandled|invalid|no handler"
)
# A person's sentences before an object on its line.
_SAID_BEFORE = re.compile(r"([^{}\n]{8,2000}[a-z]{2}[.!?]) (?=\{)")
_EXAMPLE = re.compile(
    r"(?i)\b(?:for example|for instance|e\. ?g\.|such as|docs? sa(?:y|id)|documentation sa(?:ys|id)|supposed to|would (?:get|be|give|return))\b"
)

_SPEAKER = re.compile(
    r"(?i)\A\W*(?:i|we|my|our|it|this|that|there|not|no|nothing|the|its?)\b|\b(?:i|we|my|our)\b|any ?more\W*\Z"
)

_WORDS = re.compile(r"[^\W\d_]{2}|\d{3}")
_PERSONAL = re.compile(
    r"(?i)\b(?:i|i'?m|i'?ve|we|my|our|me|us|mine|anyone|anybody|somebody|someone|thanks|help|why|works?|worked|but|however|also|then|same|tried|using)\b|\?\W*\Z"
)

# What one says of a thing to say that it is not the trouble. In words of English; other languages are glossed before (lexicon/).
_TROUBLES = r"(?:errors?|problems?|issues?|failures?|faults?|cors|proxy|proxies|vpn|firewall|time-?outs?|typos?|crash\w*|throttling|rate.?limit\w*|[45]\d\d)"
_THING = (
    r"(?:errors?|problems?|issues?|failures?|faults?|expired?|expiry|invalid|revoked|wrong|incorrect|missing|block(?:ed|ing)?|limit(?:s|ed|ing)?|quota"
    r"|cors|proxy|proxies|vpn|firewall|time-?outs?|timed out|certificates?|cert|ssl|tls|dns|refused|denied|rejected|retired|deprecated|typos?|exhausted"
    r"|placeholders?|undefined|null|empty|unreachable|crash\w*|throttl\w*|billing|rate.?limit\w*|[45]\d\d|1[01]\d\d|(?:invalid|incorrect|unknown|missing|err)_\w+"
    r"|\w+_(?:error|exceeded|expired|failed|not_found|disabled|quota|mismatch)|e(?:notfound|conn\w+|timedout|ai_again|pipe|hostunreach))"
)
_NOT = r"(?:no|not|n't|never|without|neither|nor|none of|nothing|isn.?t|aren.?t|wasn.?t|hasn.?t|haven.?t|doesn.?t|don.?t|didn.?t|cannot|can.?t)"
_DENIED = re.compile(
    rf"""
    \b(?:there\ (?:is|are|was|were)\ |i\ (?:see|get|have|had)\ |with\ |has\ |have\ |had\ )?(?:no|without(?:\ any)?|zero)\ (?:[\w-]+\ ){{0,3}}?{_TROUBLES}\b[^.,;]*
    | \b(?:is|are|was|were|has|have|had|do|does|did|be|been|being|get|got)(?:n.?t|\ not|\ never)\b\ (?:[\w-]+\ ){{0,4}}?{_THING}\b(?!\ found)[^.,;]*
    | (?:\A|(?<=[,;]\ )|(?<=\bbut\ )|(?<=\band\ ))(?:it.?s\ |this\ is\ |that.?s\ )?not\ (?:[\w-]+\ ){{0,4}}?{_THING}\b[^.,;]*
    | \b(?:do|does|did|can|could)(?:n.?t|\ not)\ (?:[\w-]+\ ){{0,2}}?(?:get|see|have|receive|hit|find|encounter|think|believe)\b[^.,;]*\b{_THING}\b[^.,;]*
    | \b(?:no\ longer)\ (?:[\w-]+\ ){{0,2}}?(?:get|see|have|receive|hit|fail\w*|show\w*|expir\w*|{_THING})\b[^.,;]*
    | \b[^.,;]*\b(?:not|n.?t|never)\b[^.,;]*\b{_THING}\b[^.,;]*\bany\ ?more\b
    | \bnothing\ (?:\w+\ )?(?:failed|fails|is\ wrong|wrong|broken|expired|blocked|timed\ out)\b
    | \b(?:am|.m|is|are|.re|was|were)\ not\ (?:using|behind|on|running|going\ through|in)\b[^.,;]*
    | \b[^.,;]*\b(?:ruled\ (?:it\ )?out|already\ (?:fixed|solved|resolved)|was\ fixed|is\ fixed|went\ away|is\ gone\ now)\b[^.,;]*
    | \b[^.,;]*\b(?:is|are|was|were|looks?|seems?|(?:goes|went|gets|got|comes)\ to)\ (?:all\ |perfectly\ |definitely\ |completely\ |still\ )?
      (?:fine|ok|okay|valid|correct|active|good|alright|healthy|enabled|on|in\ order|up\ to\ date|sufficient|plenty|connected|completed)\b(?!\ (?:to|for|but|until|the))
    """,
    re.X | re.I,
)


@dataclass(frozen=True)
class Piece:
    """A record of a text: its kind, its words as they stand there, and the line on which it begins (from 1)."""

    kind: Kind
    text: str
    line: int


def taken_apart(text: str) -> tuple[Piece, ...]:
    """The records of a text in their order."""
    return tuple(piece for line, record in _records(text.split("\n")) for piece in _pieces(record, line))


def words(pieces: Iterable[Piece], *kinds: Kind) -> str:
    """The records of these kinds, one a line."""
    return "\n".join(piece.text for piece in pieces if piece.kind in kinds)


def undenied(sentence: str) -> str:
    """A person's sentence without what it says is not so, or is in order."""
    return re.sub(r" {2,}", " ", _DENIED.sub(" ", sentence)).strip()


def _records(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines that belong together as one: an object to its end, what is indented under it, keys and values, a wrapped sentence."""
    held: list[str] = []
    begun, depth = 1, 0
    for number, line in enumerate(lines, 1):
        if _FENCE.match(line):
            line = ""
        if held and not (depth > 0 and len(held) < _LONGEST_OBJECT or _goes_on(held, line)):
            yield begun, "\n".join(held)
            held, depth = [], 0
        if line.strip():
            begun = begun if held else number
            held.append(line)
            depth += _depth(line)
        else:
            depth = 0 if not held else depth
    if held:
        yield begun, "\n".join(held)


def _depth(line: str) -> int:
    return line.count("{", 0, 4000) - line.count("}", 0, 4000)


def _goes_on(held: list[str], line: str) -> bool:
    last = held[-1]
    if not line.strip():
        return False
    if _FRAME.match(line):
        return True
    if line[0] in " \t" and not (_is_code(line) and _is_code(held[0])):
        return True
    if _KEYED.match(line) and _KEYED.match(last) and not _STAMP.match(line):
        return True
    wrapped = len(last) > _WRAPPED and last.rstrip()[-1:] not in ".!?:;}{>"
    return wrapped and (line[:1].islower() or last.rstrip()[-1:] in ",-") and not _is_code(line)


def _pieces(record: str, line: int) -> Iterator[Piece]:
    """The record as it is where it is an object, code or healthy; else its sentences, those of a machine that follow each other as one."""
    whole = record.strip()
    if said := _SAID_BEFORE.match(whole):
        yield from _pieces(said[1], line)
        yield from _pieces(whole[said.end() :], line)
        return
    kind = _atomic(whole)
    if kind:
        yield Piece(kind, whole, line)
        return
    said: list[str] = []
    for sentence in _SENTENCE.split(re.sub(r"\s+", " ", whole)):
        if _MACHINE.search(sentence) and not _EXAMPLE.search(sentence) and not _of_someone(sentence):
            said.append(sentence)
            continue
        if said and not _PERSONAL.search(sentence):
            said.append(sentence)
            continue
        if said:
            yield Piece("machine", " ".join(said), line)
            said = []
        yield from _of_a_person(sentence, line)
    if said:
        yield Piece("machine", " ".join(said), line)


def _atomic(record: str) -> Kind | None:
    if _OBJECT.search(record[:4000]) and _healthy_event(record):
        return "healthy"
    if _is_code(record):
        return "code"
    if _healthy_event(record) or _CALM.match(record[:200]):
        return "healthy"
    level = _LEVEL.search(record[:200])
    calm = bool(level) and next(filter(None, level.groups())).lower() in _CALM_LEVELS if level else False
    if (calm and not _SURE_TROUBLE.search(record)) or (_is_logged(record) and not _TROUBLE.search(record)):
        return "healthy"
    if (
        _OBJECT.search(record[:4000])
        or (_KEYED.match(record) and _TROUBLE.search(record))
        or _STAMP.match(record)
        or level
    ):
        return "machine"
    return None


def _is_logged(record: str) -> bool:
    """Whether a program wrote it for its own log: with a time before it, or a picture."""
    return bool(_STAMP.match(record)) or ord(record[0]) > _PICTURES


def _is_code(record: str) -> bool:
    if record.startswith(("{", "[")):
        return False
    return bool(_STATEMENT.match(record) or (_EXPRESSION.search(record) and not _RESULT.search(record)))


def _healthy_event(record: str) -> bool:
    found = _EVENT.search(record[:4000])
    if found is None or _EVENT_FAILED.search(record):
        return False
    return not _RESULT_OF_FAILURE.search(record[: found.start()])


def _of_someone(sentence: str) -> bool:
    """Whether a person denies something in it."""
    return bool(_SPEAKER.search(sentence)) and bool(_DENIED.search(sentence))


def _is_prose(sentence: str) -> bool:
    return len(sentence.split()) >= 3


def _of_a_person(sentence: str, line: int) -> Iterator[Piece]:
    if not _WORDS.search(sentence):
        return
    if not _is_prose(sentence):
        yield Piece("machine", sentence, line)
        return
    sentence = glossed(sentence)
    kept = undenied(sentence)
    if kept != sentence.strip():
        yield Piece("denied", sentence, line)
    if kept.strip(" .,;!?"):
        yield Piece("person", kept, line)
