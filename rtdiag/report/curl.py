"""The shell lines that repeat a request as it was sent, for a person or for support; no credential stands in them.

A shell takes the key from the variable or file that the run took it from, a token of the user's own from `$RTDIAG_TOKEN`, and
what a header held that is hidden whole from a variable that is called like it. A token that the run
minted is minted again first. What masking hid of an offer (its `ice-pwd`) is made up at its length, so that it still parses. What a
page asked goes with an `Origin`, since without one no server says what a page may read.
"""

from __future__ import annotations

import re
import shlex

from rtdiag import servers
from rtdiag.api.keys import MADE_UP_KEY, MADE_UP_TOKEN, of_shell
from rtdiag.model import Exchange, Report, Row

_BEGIN = "curl -sS -i --max-time 30"
_TOKEN_OF = """ | grep -o '"value": *"[^"]*"' | head -n 1 | cut -d '"' -f 4"""
# Of the connection, of this one attempt, or what curl adds itself.
_LEFT_OUT = frozenset(
    {"accept-encoding", "authorization", "connection", "content-length", "host", "user-agent", "x-client-request-id"}
)
_TOKEN = MADE_UP_TOKEN[:3]
_ORIGIN = "http://127.0.0.1"
_HIDDEN_PASSWORD = re.compile(r"(?<=a=ice-pwd:)\*+")


def of_row(row: Row, report: Report) -> str | None:
    """The lines for a case that needs a look and rests on a request; None for any other."""
    if row.finding.status not in ("fail", "inconclusive", "warn") or row.seen.exchange is None:
        return None
    return line(row.seen.exchange, report)


def line(exchange: Exchange, report: Report) -> str:
    """One command on several lines, after the one that mints its token where it used one of that run."""
    key = of_shell(report.credential.source)
    minted_in = next((one for one in report.exchanges if one.id == exchange.credential_from), None)
    before = f"EPHEMERAL_TOKEN=$({_command(minted_in, key, show_headers=False)}{_TOKEN_OF})\n" if minted_in else ""
    return before + _command(exchange, key)


def _command(exchange: Exchange, key: str, *, show_headers: bool = True) -> str:
    url = re.sub(r"^ws", "http", exchange.url)
    begin = _BEGIN if show_headers else _BEGIN.replace(" -i", "")
    upgrade = " --http1.1" if url != exchange.url else ""
    parts = [
        f"{begin}{upgrade} -X {exchange.method} {shlex.quote(url)}",
        *_headers(exchange, key, upgrade=bool(upgrade)),
    ]
    if exchange.request_body:
        parts.append(f"--data-binary {_quoted(exchange.request_body)}")
    return " \\\n  ".join(parts)


def _headers(exchange: Exchange, key: str, *, upgrade: bool) -> list[str]:
    found, credential = [], _credential(exchange, key)
    for name, value in exchange.request_headers:
        if (name.lower(), value) == ("accept", "*/*"):  # as curl says by itself
            continue
        if name.lower() == "authorization":
            found.append(f'-H "{name}: Bearer {credential}"')
        elif name.lower() == _holds_the_key(exchange):
            found.append(f'-H "{name}: {credential}"')
        elif re.fullmatch(r"\*+", value):
            found.append(f'-H "{name}: ${re.sub(r"[^0-9A-Z]+", "_", name.upper())}"')
        elif name.lower() not in _LEFT_OUT or (upgrade and name.lower() == "connection"):
            shown = re.sub(r"(openai-insecure-api-key\.)[^,\s]+", lambda m: m[1] + credential, value)
            found.append(f'-H "{name}: {shown}"' if shown != value else f"-H {shlex.quote(f'{name}: {value}')}")
    if exchange.by and "origin" not in _names(exchange):
        found.append(f"-H 'origin: {_ORIGIN}'")
    if exchange.credential != "none" and not _holds_the_key(exchange):
        found.insert(0, f'-H "authorization: Bearer {credential}"')  # which a cassette leaves out
    return found


def _names(exchange: Exchange) -> set[str]:
    return {name.lower() for name, _ in exchange.request_headers}


def _holds_the_key(exchange: Exchange) -> str | None:
    """The header of this request that holds its credential, at whatever server; None where a cassette leaves it out."""
    known = dict.fromkeys(
        ["authorization", "sec-websocket-protocol", *(s.key_header for s in servers.every().values())]
    )
    return next((name for name in known if name in _names(exchange) and exchange.credential != "none"), None)


def _credential(exchange: Exchange, key: str) -> str:
    """The variable that holds what was sent, `key` of the API key; a made-up one as it is, by the kind that its prefix shows."""
    if exchange.credential == "made-up":
        sent = " ".join(value for _, value in exchange.request_headers)
        return MADE_UP_TOKEN if _TOKEN in sent else MADE_UP_KEY
    return {"api-key": key, "own-token": "$RTDIAG_TOKEN"}.get(exchange.credential, "$EPHEMERAL_TOKEN")


def _quoted(body: str) -> str:
    """The body for bash and zsh: line ends and other characters that a shell or a terminal would change are spelt out."""
    body = _HIDDEN_PASSWORD.sub(lambda found: "x" * len(found[0]), body)
    if not re.search(r"[\x00-\x1f\x7f]", body):
        return shlex.quote(body)
    spelt = body.replace("\\", "\\\\").replace("'", "\\'").replace("\r", "\\r").replace("\n", "\\n")
    return "$'" + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", spelt) + "'"
