"""HTTP as text: an answer with its status line and headers, `curl -i`, `curl -v`, and curl's own errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers import curl_command, sdp_text
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.headers import answered, asked, date_of, evened
from rtdiag.diagnosis.readers.plain import lines
from rtdiag.diagnosis.readers.routes import dialect_of, surface_of
from rtdiag.diagnosis.readers.secrets import Learner

_MOST_EXCHANGES = 1000

_STATUS = expression(r"\AHTTP/\d(?:\.\d)?\s{1,4}(\d{3})\b")
_REQUEST = expression(r"\A([A-Z]{3,8})\s{1,4}(\S{1,4096})\s{1,4}HTTP/\d")
_HEADER = expression(r"\A([!#$%&'*+.^_`|~\w-]{1,100}):\s{0,20}(.{0,16384})")
_CURL_ERROR = expression(r"\Acurl: \((\d{1,3})\)")
_VERBOSE = expression(r"(?m)^(?:> [A-Z]{3,8} \S|< HTTP/\d)")
_NOTE = expression(r"(?i)ssl|certificate|tls|resolve|refused|timed out|time-?out|failed|reset|closed|proxy|alert")
_BYTES = expression(r"\A[{}] \[\d{1,12} bytes data\]")
_PROGRESS = expression(r"\A\s{0,20}(?:% Total|Dload|\d{1,3}\s{1,8}[\d.]{1,8}[kMG]?\s)")
_LEFT_INTACT = expression(r"\* (?:Connection #\d|Closing connection|shutting down).{0,200}\Z")


@dataclass
class _Exchange:
    line: int = 0
    request: tuple[str, str] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    status: int | None = None
    told: list[tuple[str, str]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    curl_error: str = ""


def form_of(text: str) -> str | None:
    """`curl output` or `HTTP answer` where the text is one, else None."""
    first = next((line for _, line in lines(text) if line.strip()), "")
    told = [line for _, line in lines(text)][:2000]
    if _VERBOSE.search(text[:200_000]) or any(
        _CURL_ERROR.match(line) or curl_command.is_command(line) for line in told
    ):
        return "curl output"
    heads = _STATUS.match(first) or (_REQUEST.match(first) and any(_STATUS.match(line) for line in told))
    return "HTTP answer" if heads else None


def read_answers(text: str, learner: Learner) -> list[Draft]:
    """One draft per exchange that failed; the last exchange where none did; empty where there is none."""
    found = [_draft(exchange, command, learner) for exchange, command in islice(_exchanges(text), _MOST_EXCHANGES)]
    failed = [draft for draft in found if draft.status is None or draft.status >= 300]
    return failed or found[-1:]


def read_commands(text: str, learner: Learner) -> tuple[list[Draft], list[str]]:
    """One draft per curl command of a text, for what is asked, whatever came of it; and the lines beside the commands."""
    rows = [line for _, line in lines(text)]
    found, beside, index = list[Draft](), list[str](), 0
    while index < len(rows):
        if not curl_command.is_command(rows[index]) or len(found) == _MOST_EXCHANGES:
            beside.append(rows[index])
            index += 1
            continue
        line = index + 1
        command, index = curl_command.command_at(rows, index)
        draft = _draft(_Exchange(line), command, learner)
        draft.surface = surface_of(draft.url, draft.method)
        found += [draft] if draft.url else []
    return found, beside


def _exchanges(text: str) -> Iterator[tuple[_Exchange, curl_command.Command]]:
    rows = [line for _, line in lines(text)]
    command, now, part, index = curl_command.Command(), _Exchange(), "", 0
    verbose = bool(_VERBOSE.search(text[:200_000])) or any(_CURL_ERROR.match(row) for row in rows)
    while index < len(rows):
        if curl_command.is_command(rows[index]):
            if _begun(now):
                yield now, command
                now, part = _Exchange(), ""
            command, index = curl_command.command_at(rows, index)
            continue
        mark, line = _marked(rows[index], verbose, part)
        if _is_next(now, mark, line):
            yield now, command
            now, part = _Exchange(), ""
        now.line = now.line or index + 1
        part = _take(now, mark, line, part)
        index += 1
    if _begun(now):
        yield now, command


def _begun(exchange: _Exchange) -> bool:
    return exchange.status is not None or bool(exchange.curl_error)


def _marked(line: str, verbose: bool, part: str) -> tuple[str, str]:
    """A line's mark (`>`, `<`, `*` or none) and the rest of it; only verbose output has marks."""
    if verbose and line[:2] in ("> ", "< ", "* ", ">", "<", "*"):
        return line[:1], line[2:]
    if verbose and (_BYTES.match(line) or (part != "body" and _PROGRESS.match(line) and line.strip())):
        return "*", ""
    return "", _LEFT_INTACT.sub("", line) if verbose else line


def _is_next(now: _Exchange, mark: str, line: str) -> bool:
    """Whether this line begins another exchange; an interim answer (100, 103, a proxy's 200) is not the end of one."""
    if mark not in ("", "<", ">") or not _begun(now):
        return False
    interim = now.status is not None and (now.status < 200 or (now.status == 200 and not now.told and not now.body))
    starts = _STATUS.match(line) if mark != ">" else _REQUEST.match(line)
    if not mark and _REQUEST.match(line):
        return True
    return bool(starts) and not interim


def _take(now: _Exchange, mark: str, line: str, part: str) -> str:
    """Put a line where it belongs; the part of the exchange that the next line belongs to unless it says otherwise."""
    status, request = _STATUS.match(line), _REQUEST.match(line)
    if _CURL_ERROR.match(line):
        now.curl_error = line.strip()
    elif mark == "*":
        now.notes += [line.strip()] if _NOTE.search(line) else []
    elif status and mark != ">":
        now.status, now.told, now.body = int(status.group(1)), [], [line.strip()]
        return "answer"
    elif request and mark != "<" and part != "body":
        now.request = (request.group(1), request.group(2))
        return "asked"
    elif part in ("answer", "asked") and (header := _HEADER.match(line)):
        (now.told if part == "answer" else now.asked).append((header.group(1), header.group(2)))
    elif part == "answer" and not line.strip():
        now.body = now.body[:1]
        return "body"
    elif part == "asked" and not line.strip():
        return "sent"
    elif part in ("body", "answer", "sent"):
        (now.sent if part == "sent" else now.body).append(line)
    return part


def _draft(exchange: _Exchange, command: curl_command.Command, learner: Learner) -> Draft:
    for name, value in command.headers + exchange.asked:
        learner.text(f"{name}: {value}")
    heads = asked(evened(exchange.asked + command.headers), learner)
    method, url = _asked_for(exchange, command)
    told = {name.lower(): value for name, value in exchange.told}
    notes = exchange.notes[:10] if exchange.status is None else []
    said, facts = sdp_text.sent(command.body or "\n".join(exchange.sent).strip())
    without = "none" if exchange.asked or command.url else None
    return Draft(
        text=_text(exchange),
        method=method,
        url=url,
        credential=heads.kind if heads.given else without,
        content_type=heads.content_type,
        sent=said or None,
        status=exchange.status,
        surface="client" if exchange.status is None else surface_of(url, method),
        dialect=dialect_of(url),
        circumstances=heads.circumstances + facts + answered(exchange.told) + notes,
        when=date_of(told.get("date")),
        where=f"line {exchange.line}",
    )


def _text(exchange: _Exchange) -> str:
    """The body; where it is empty the status line; where no answer came, curl's error."""
    body = "\n".join(exchange.body[1:]).strip()
    return body or exchange.curl_error or "".join(exchange.body[:1])


def _asked_for(exchange: _Exchange, command: curl_command.Command) -> tuple[str | None, str | None]:
    if exchange.request is None:
        return command.method, command.url
    method, path = exchange.request
    host = next((v for n, v in exchange.asked if n.lower() == "host"), "")
    scheme = "wss" if any(n.lower() == "upgrade" for n, _ in exchange.asked) else "https"
    return method, f"{scheme}://{host}{path}" if host and path.startswith("/") else path
