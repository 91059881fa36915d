"""The paths of the Realtime API below its base URL (`…/v1`), and what each is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Dialect = Literal["ga", "beta"]
Kind = Literal["realtime", "transcription"]

DIALECT_NAMES: dict[Dialect, str] = {"ga": "GA", "beta": "beta"}
KINDS: tuple[Kind, ...] = ("realtime", "transcription")

OFFICIAL_BASE_URL = "https://api.openai.com/v1"

# Global and regional hosts: `src/internal/data-residency.ts` of the npm package openai 7.57.0 (2026-11-13).
OFFICIAL_HOSTS = frozenset({"api.openai.com"} | {f"{r}.api.openai.com" for r in ("us", "eu", "ae", "au", "in", "jp")})

MODELS = "/models"

# GA, from 2025-08-28: openai-openapi openapi.yaml @ f85dbe2 (2026-08-21), lines 16685-17000.
CLIENT_SECRETS = "/realtime/client_secrets"
CALLS = "/realtime/calls"
# From 2026-05-07: same file, line 17194.
TRANSLATION_SECRETS = "/realtime/translations/client_secrets"
# developers.openai.com/api/docs/guides/realtime-translation (2026): where an offer goes, and a WebSocket with ?model=.
TRANSLATION_CALLS = "/realtime/translations/calls"
TRANSLATIONS = "/realtime/translations"

# Beta, until 2026-05-12: same file, lines 17060-17200; the SDP URL from openai-realtime-console @ d71a019 (2025-06-23).
BETA_SESSIONS = "/realtime/sessions"
BETA_TRANSCRIPTION_SESSIONS = "/realtime/transcription_sessions"
REALTIME = "/realtime"

# How a page, which can set no header, gives its credential at a WebSocket and asks for the beta: openai node 7.57.0
# src/realtime/websocket.ts:250 (2026-11-13).
KEY_SUBPROTOCOL = "openai-insecure-api-key."
BETA_SUBPROTOCOL = "openai-beta.realtime-v1"


@dataclass(frozen=True)
class Endpoint:
    """One URL that people post an SDP offer to, rightly or not.

    `path` may hold `{model}`; `role` says what the URL is for; `source` where that is written.
    """

    id: str
    path: str
    role: Literal["sdp", "mint", "websocket"]
    dialect: Dialect
    source: str

    @property
    def label(self) -> str:
        """The path as a person reads it, with `<realtime>` for a realtime model."""
        return self.path.replace("{", "<").replace("}", ">")


SDP_TARGETS: tuple[Endpoint, ...] = (
    Endpoint("calls", CALLS, "sdp", "ga", "openai-openapi @ f85dbe2 line 16685, 2026-08-21"),
    Endpoint(
        "model",
        REALTIME + "?model={realtime}",
        "sdp",
        "beta",
        "openai-realtime-console @ d71a019 App.jsx:42, 2025-06-23",
    ),
    Endpoint(
        "transcription-model",
        REALTIME + "?model={transcription}",
        "sdp",
        "beta",
        "community.openai.com 1334200, 2025-08: a transcription model given where a conversation model belongs",
    ),
    Endpoint(
        "intent",
        REALTIME + "?intent=transcription",
        "websocket",
        "ga",
        "developers.openai.com/api/docs/guides/realtime-transcription, 2026: the documented WebSocket URL",
    ),
    Endpoint(
        "transcription-sessions",
        BETA_TRANSCRIPTION_SESSIONS,
        "mint",
        "beta",
        "community.openai.com 1148799, 2025-03-21: the founding report",
    ),
    Endpoint("sessions", BETA_SESSIONS, "mint", "beta", "openai-openapi @ f85dbe2 line 17078, 2026-08-21"),
    Endpoint("client-secrets", CLIENT_SECRETS, "mint", "ga", "openai-openapi @ f85dbe2 line 16934, 2026-08-21"),
)


# What a request's URL has behind its base: with a version before it, or unmistakable without one.
# Azure's preview and Voice Live have none in the path.
_BELOW = (
    r"/v\d+[a-z]*(?=/(?:realtime|models|live)\b)|(?<=\.azure\.com)/(?:openai|voice-live)(?=/realtime\b)"
    r"|(?=/realtime/(?:client_secrets|calls|sessions|transcription_sessions)\b)"
)


def base_url_of(url: str) -> str:
    """The base URL below which a request's URL lies, over HTTP; "" where the URL is none of the API's, or but a path."""
    found = re.match(rf"(http|ws)(s?://[^/?#\s]+[^?#\s]*?(?:{_BELOW}))", url)
    return f"http{found[2]}" if found else ""


def mint_path(kind: Kind, dialect: Dialect) -> str:
    """Where a token for this kind of session is minted in this dialect."""
    if dialect == "ga":
        return CLIENT_SECRETS
    return BETA_SESSIONS if kind == "realtime" else BETA_TRANSCRIPTION_SESSIONS


def sdp_path(kind: Kind, dialect: Dialect, realtime_model: str) -> str:
    """Where an SDP offer goes in this dialect.

    Beta transcription: `?intent=transcription` is what people used (public file, record 57865211344), unofficially.
    """
    if dialect == "ga":
        return CALLS
    return (
        f"{REALTIME}?model={quote(realtime_model, safe='')}"
        if kind == "realtime"
        else f"{REALTIME}?intent=transcription"
    )
