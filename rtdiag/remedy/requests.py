"""The right requests as text to paste: curl lines for the token and the offer, and a page's JavaScript.

No credential stands in any of them: a shell takes the key and `$EPHEMERAL_TOKEN` from its environment, a page asks its own server
for a token. `by_key` is curl's option for the header that holds the key, "" where the server asks for none; `base_url` ends in
`/v1`, `model` is the conversation model, `session` the session object in the dialect given; None takes the smallest one. Sources:
endpoints.py and sessions.py.
"""

from __future__ import annotations

import json
import shlex

from rtdiag.api import sessions
from rtdiag.api.endpoints import CALLS, Dialect, Kind, mint_path, sdp_path
from rtdiag.api.sessions import Json
from rtdiag.model import WorkingRequests
from rtdiag.remedy.page import page

_CURL = "curl -sS -i --fail-with-body"  # the body of an error is shown, and the exit code is 22 (curl 7.76 or newer)
_BY_KEY = '-H "Authorization: Bearer $OPENAI_API_KEY"'
_TOKEN = '-H "Authorization: Bearer $EPHEMERAL_TOKEN"'
# Without quotes, brackets and semicolons: a shell that is typed into may take no comments.
_OFFER_FROM = "# offer.sdp: the offer of a browser, saved as it is. A page with the script below logs one."
_TOKEN_FROM = "# EPHEMERAL_TOKEN: the field {field} of what the mint above answers. Each offer takes a fresh one."


def corrected(
    base_url: str,
    kind: Kind,
    dialect: Dialect,
    model: str,
    transcription_model: str,
    session: Json | None = None,
    by_key: str = _BY_KEY,
) -> WorkingRequests:
    """All of them for one session."""
    sent = _smallest(kind, dialect, model, transcription_model) if session is None else session
    return WorkingRequests(
        curl_mint(base_url, kind, dialect, model, transcription_model, sent, by_key),
        curl_offer(base_url, kind, dialect, model),
        fetch_offer(base_url, kind, dialect, model, transcription_model, sent),
        curl_unified(base_url, model, sent, by_key) if (kind, dialect) == ("realtime", "ga") else None,
    )


def curl_mint(
    base_url: str,
    kind: Kind,
    dialect: Dialect,
    model: str,
    transcription_model: str,
    session: Json | None = None,
    by_key: str = _BY_KEY,
) -> str:
    """The curl line that mints a token: in the answer's `value` (GA) or `client_secret.value` (beta)."""
    sent = _smallest(kind, dialect, model, transcription_model) if session is None else session
    body = json.dumps(sessions.mint_body(kind, dialect, sent, None), indent=2)
    url = _url(base_url, mint_path(kind, dialect))
    return _lines(f"{_CURL} {url}", by_key, '-H "Content-Type: application/json"', f"-d {shlex.quote(body)}")


def curl_offer(base_url: str, kind: Kind, dialect: Dialect, model: str) -> str:
    """The curl line that posts the offer in the file offer.sdp, as it is, with a token."""
    url = offer_url(base_url, kind, dialect, model)
    curl = _lines(
        f"{_CURL} {shlex.quote(url)}", _TOKEN, '-H "Content-Type: application/sdp"', "--data-binary @offer.sdp"
    )
    field = "value" if dialect == "ga" else "client_secret.value"
    return f"{_OFFER_FROM}\n{_TOKEN_FROM.format(field=field)}\n{curl}"


def curl_unified(base_url: str, model: str, session: Json | None = None, by_key: str = _BY_KEY) -> str:
    """The curl line of the unified interface, GA realtime alone: offer and session in one request, with the key.

    The session goes as a part without a type, as in the guide's own sample: `-F` would end it at its first semicolon.
    """
    sent = _smallest("realtime", "ga", model, "") if session is None else session
    part = "session=" + json.dumps(sent, indent=2)
    return f"{_OFFER_FROM}\n" + _lines(
        f"{_CURL} {_url(base_url, CALLS)}",
        by_key,
        '-F "sdp=<offer.sdp;type=application/sdp"',
        f"--form-string {shlex.quote(part)}",
    )


def fetch_offer(
    base_url: str, kind: Kind, dialect: Dialect, model: str, transcription_model: str, session: Json | None = None
) -> str:
    """The JavaScript of a page that starts this session; its token comes from the route /token of the page's own server."""
    sent = _smallest(kind, dialect, model, transcription_model) if session is None else session
    return page(offer_url(base_url, kind, dialect, model), kind, dialect, sent)


def offer_url(base_url: str, kind: Kind, dialect: Dialect, model: str) -> str:
    """Where the offer goes, not quoted for any language."""
    return base_url.rstrip("/") + sdp_path(kind, dialect, model)


def _smallest(kind: Kind, dialect: Dialect, model: str, transcription_model: str) -> Json:
    return sessions.session(kind, dialect, model if kind == "realtime" else transcription_model)


def _url(base_url: str, path: str) -> str:
    return shlex.quote(base_url.rstrip("/") + path)


def _lines(*parts: str) -> str:
    return " \\\n  ".join(filter(None, parts))
