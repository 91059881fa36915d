"""What the user asked for, as far as a probe may know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rtdiag.api.endpoints import KINDS, OFFICIAL_HOSTS, Dialect, Kind
from rtdiag.api.sessions import Json
from rtdiag.engine.ignoring import Ignore
from rtdiag.redact import Secret
from rtdiag.transport.http import Credential

if TYPE_CHECKING:
    from rtdiag.browser.asked_page import Page

# A browser opens so many connections to one host over HTTP/1.1 (RFC 9112 section 9.4 names no number).
AT_ONCE = 6


@dataclass(frozen=True)
class RunOptions:
    """What the user asked for, as far as a probe may know it.

    `audio` is a file with speech, None for rtdiag's own. `audio_speed` is for tests: other than 1 never against a real server.
    `emulated` says that the embedded emulator is asked. `named` holds the full ids of the cases that `--only` names themselves,
    `planned` those of all that are to be asked.
    `headers` go along with the API key, `own_headers` with every request to the base URL's host. `profile` is the server of
    servers.yaml that it is taken for, `dialect` the one to speak, each None where that is to be found out. `target` is the user's
    name for it. `key_variable` is where the key lies, None where it is no variable; `keyless` says that there is none, and that
    the server is asked without. `at_once` is how many requests may be under way at the same time at OpenAI's; strangers are asked
    one thing after another. `page` is the one that is open in the user's browser, where there is one.
    """

    base_url: str
    api_key: Credential | None = None
    own_token: Credential | None = None
    token_url: str | None = None
    realtime_model: str | None = None
    transcription_model: str | None = None
    session: Json | None = None
    ice_servers: tuple[str, ...] = ()
    ice_username: str = ""
    ice_credential: Secret | None = None
    relay_only: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = KINDS
    today: date = field(default_factory=date.today)
    audio: str | None = None
    audio_speed: float = 1.0
    emulated: bool = False
    named: frozenset[str] = frozenset()
    planned: frozenset[str] = frozenset()
    own_headers: Mapping[str, Secret] = field(default_factory=dict)
    profile: str | None = None
    dialect: Dialect | None = None
    target: str = ""
    ignore: tuple[Ignore, ...] = ()
    key_variable: str | None = None
    keyless: bool = False
    at_once: int = AT_ONCE
    page: Page | None = None

    @property
    def official(self) -> bool:
        """Whether the server is OpenAI's own."""
        return (urlsplit(self.base_url).hostname or "") in OFFICIAL_HOSTS
