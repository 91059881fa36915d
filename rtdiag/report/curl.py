"""The shell lines that repeat a request as it was sent, for a person or for support; no credential stands in them.

A shell takes `$OPENAI_API_KEY`, or `$RTDIAG_TOKEN` for a token of the user's own, from its environment, and what a header held
that is hidden whole from a variable that is called like it. A token that the run
minted is minted again first. What masking hid of an offer (its `ice-pwd`) is made up at its length, so that it still parses.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from rtdiag.api.keys import MADE_UP_KEY, MADE_UP_TOKEN
from rtdiag.model import Exchange, Row

_BEGIN = "curl -sS -i --max-time 30"
_TOKEN_OF = """ | grep -o '"value": *"[^"]*"' | head -n 1 | cut -d '"' -f 4"""
# Of the connection, of this one attempt, or what curl adds itself.
_LEFT_OUT = frozenset(
    {"accept-encoding", "authorization", "connection", "content-length", "host", "user-agent", "x-client-request-id"}
)
_HIDDEN_PASSWORD = re.compile(r"(?<=a=ice-pwd:)\*+")
_KEY_NAMES = {"api-key": "$OPENAI_API_KEY", "own-token": "$RTDIAG_TOKEN"}


def of_row(row: Row, exchanges: Mapping[str, Exchange]) -> str | None:
    """The lines for a case that needs a look and rests on a request; None for any other."""
    if row.finding.status not in ("fail", "inconclusive", "warn") or row.seen.exchange is None:
        return None
    return line(row.seen.exchange, exchanges)


def line(exchange: Exchange, exchanges: Mapping[str, Exchange]) -> str:
    """One command on several lines, after the one that mints its token where it used one; `exchanges` are the run's, by id."""
    minted_in = exchanges.get(exchange.credential_from or "")
    before = f"EPHEMERAL_TOKEN=$({_command(minted_in, show_headers=False)}{_TOKEN_OF})\n" if minted_in else ""
    return before + _command(exchange)


def _command(exchange: Exchange, *, show_headers: bool = True) -> str:
    url = re.sub(r"^ws", "http", exchange.url)
    begin = _BEGIN if show_headers else _BEGIN.replace(" -i", "")
    upgrade = " --http1.1" if url != exchange.url else ""
    parts = [f"{begin}{upgrade} -X {exchange.method} {shlex.quote(url)}", *_headers(exchange, upgrade=bool(upgrade))]
    if exchange.request_body:
        parts.append(f"--data-binary {_quoted(exchange.request_body)}")
    return " \\\n  ".join(parts)


def _headers(exchange: Exchange, *, upgrade: bool) -> list[str]:
    found = []
    for name, value in exchange.request_headers:
        if (name.lower(), value) == ("accept", "*/*"):  # as curl says by itself
            continue
        if name.lower() == "authorization":
            found.append(f'-H "{name}: Bearer {_credential(exchange)}"')
        elif re.fullmatch(r"\*+", value):
            found.append(f'-H "{name}: ${re.sub(r"[^0-9A-Z]+", "_", name.upper())}"')
        elif name.lower() not in _LEFT_OUT or (upgrade and name.lower() == "connection"):
            shown = re.sub(r"(openai-insecure-api-key\.)[^,\s]+", lambda m: m[1] + _credential(exchange), value)
            found.append(f'-H "{name}: {shown}"' if shown != value else f"-H {shlex.quote(f'{name}: {value}')}")
    if exchange.credential != "none" and not {"authorization", "sec-websocket-protocol"} & _names(exchange):
        found.insert(0, f'-H "authorization: Bearer {_credential(exchange)}"')  # which a cassette leaves out
    return found


def _names(exchange: Exchange) -> set[str]:
    return {name.lower() for name, _ in exchange.request_headers}


def _credential(exchange: Exchange) -> str:
    """The variable that holds what was sent; a made-up control as it is, by the kind that its prefix shows."""
    if exchange.credential == "made-up":
        sent = " ".join(value for _, value in exchange.request_headers)
        return MADE_UP_TOKEN if MADE_UP_TOKEN in sent else MADE_UP_KEY
    return _KEY_NAMES.get(exchange.credential, "$EPHEMERAL_TOKEN")


def _quoted(body: str) -> str:
    """The body for bash and zsh: line ends and other characters that a shell or a terminal would change are spelt out."""
    body = _HIDDEN_PASSWORD.sub(lambda found: "x" * len(found[0]), body)
    if not re.search(r"[\x00-\x1f\x7f]", body):
        return shlex.quote(body)
    spelt = body.replace("\\", "\\\\").replace("'", "\\'").replace("\r", "\\r").replace("\n", "\\n")
    return "$'" + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", spelt) + "'"
