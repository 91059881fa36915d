"""The server that a run asks: whose it is, what it offers, and in which form it wants to be asked. It asks nothing itself."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from rtdiag.api.endpoints import Dialect
from rtdiag.api.keys import MADE_UP_TOKEN
from rtdiag.engine.run_options import RunOptions
from rtdiag.model import Exchange
from rtdiag.servers import Door, Recognised, Server, named, of_url, recognise
from rtdiag.transport.http import Credential
from rtdiag.transport.recorder import Recorder

# What the emulator of OpenAI calls itself in the header `Server` of every answer.
EMULATOR = "rtdiag-emulator"
HOME = "openai"
_MODEL = "model"
_A_JWT = "eyJ"  # RFC 7519, as base64 of `{"`


class AskedServer:
    """What is known of it by its host, its profile, or all that it has answered until now.

    `doors` is what the answers of a stranger show to be there, or not. `asked_in` is the dialect whose header its sockets want,
    `shape` the one of their events, once one was seen, and `intent` how they are asked for transcription.
    """

    def __init__(self, options: RunOptions, recorder: Recorder) -> None:
        self.doors: dict[Door, bool] = {}
        self.asked_in: Dialect = options.dialect or "ga"
        self.shape: Dialect | None = None
        self.intent = "?intent=transcription"
        self._options = options
        self._recorder = recorder
        self._names: set[str | None] = set()  # by which it calls itself
        self._taken_in = ""  # the header in which it took a key
        self._settled = False
        self._known_by = (-1, -1), Recognised(named(HOME))

    def note(self, exchange: Exchange, credential: Credential | None) -> None:
        """Take note of what it has answered to that credential."""
        if exchange.status is not None:
            self._names.add(exchange.header("server"))
        if credential is not None and credential.name == "api-key" and exchange.ok:
            self._taken_in = credential.header
            self._settled |= exchange.method == "POST" and self._names == {EMULATOR}

    @property
    def at_home(self) -> bool:
        """Whether it is OpenAI, or the emulator of it, that is asked, of which it is known that no question does them harm.

        An emulator that was started apart says so in every answer; a gateway before one answers some requests itself. Where it has
        said so until a token was minted, what answers otherwise after that is not whose server it is.
        """
        emulated = self._options.emulated and self._options.profile in (None, HOME)
        return self._options.official or emulated or self._settled or self._names == {EMULATOR}

    @property
    def recognised(self) -> Recognised:
        """Whose server is asked, and what shows it, unless the user has named it."""
        options, recorder = self._options, self._recorder
        if options.profile and not options.emulated:
            return Recognised(named(options.profile), ("the profile that was named",))
        if self.at_home:
            by = (f"the host {urlsplit(options.base_url).hostname}",) if options.official else ()
            return Recognised(named(HOME), by)
        heard = len(recorder.exchanges), len(recorder.events)
        if heard != self._known_by[0]:
            self._known_by = heard, recognise(options.base_url, recorder.exchanges, recorder.events)
        return self._known_by[1]

    @property
    def known(self) -> Server:
        """What is known of whose server it is."""
        return self.recognised.server

    @property
    def certain(self) -> bool:
        """Whether it is known whose server it is, by its host or since the user says so; else it resembles one at most."""
        return bool(self.at_home or self._options.profile or of_url(self._options.base_url))

    def promises(self, door: Door) -> bool | None:
        """Whether the server is known to have that, or not to; None where it is not known.

        What only resembles a server that is known may still lack what that has.
        """
        known = self.known.offers.get(door)
        return known if self.certain or not known else None

    def offers(self, door: Door) -> bool | None:
        """Whether the server offers that: by what is known of it, else by what it has answered; None where neither tells."""
        promised = self.promises(door)
        return self.doors.get(door) if promised is None else promised

    @property
    def found(self) -> dict[str, bool]:
        """What a stranger was found to offer, and what not; nothing of a server of which that is known."""
        webrtc = [self.offers(door) for door in ("calls", "beta-offers")]
        every = {door: self.offers(door) for door in ("models", "mint", "websocket", "transcription")}
        every["calls"] = True if any(webrtc) else webrtc[0]
        return {} if self.at_home or not self.doors else {d: there for d, there in every.items() if there is not None}

    def url(self, path: str) -> str:
        """The URL of a path below the base URL, with what this server wants in each, and by which name it wants a model."""
        if "://" in path:
            return path
        server, url = self.known, self._options.base_url.rstrip("/") + path
        if not self.certain:
            return url
        if server.model_parameter != _MODEL:
            url = url.replace(f"?{_MODEL}=", f"?{server.model_parameter}=")
        missing = {name: value for name, value in server.query.items() if f"{name}=" not in url}
        return url + ("&" if "?" in url else "?") + urlencode(missing) if missing else url

    def as_taken(self, credential: Credential | None) -> Credential | None:
        """The credential in the header that this server takes it in: of a key another than of a token, or of a JWT.

        Where it was taken in one, by a server that only resembles one that is known, it goes on in that.
        """
        taken = self.known.key_header if self.certain else self._taken_in or self.known.key_header
        if credential is None or credential.name not in ("api-key", "made-up") or taken == credential.header:
            return credential
        text = credential.secret.reveal()
        return credential if text.startswith((_A_JWT, MADE_UP_TOKEN)) else replace(credential, header=taken)
