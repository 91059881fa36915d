"""The emulator as an async context manager, in the caller's own event loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from rtdiag.api.plugins import Broken
from rtdiag.emulator import added_routes, faults, profiles
from rtdiag.emulator.bodies import all_bodies
from rtdiag.emulator.faults import chosen
from rtdiag.emulator.loopback import LOOPBACK, is_loopback
from rtdiag.emulator.session.shapes import all_shapes
from rtdiag.emulator.session.turn_taking import Rule, patience
from rtdiag.emulator.timeline import behaviour, newest
from rtdiag.emulator.tokens import EMULATOR_KEY

if TYPE_CHECKING:
    from aiohttp import web

    from rtdiag.emulator.http.certificate import Certificate
    from rtdiag.emulator.http.port import Port
    from rtdiag.emulator.phone import PhoneCall
    from rtdiag.emulator.service import Service
    from rtdiag.emulator.session.open_session import OpenSession


class Elsewhere(Protocol):
    """A process that serves an emulator (apart.py)."""

    async def port(self) -> int | None:
        """Where, once it listens; None where it does not."""


class Emulator:
    """The API on this machine: `async with Emulator() as emulator`, then ask `emulator.base_url` with `emulator.key`.

    `as_of`: the day whose API it is, the newest known by default. `faults`: ids of faults.yaml, several at once.
    `port` 0 takes a free one; `control_port` is where faults can be switched (control.py), None for nowhere; `clock` gives
    its Unix seconds; `ends` is the rule by which silence ends a turn (turn_taking.py); `pace` is how long a response takes, 1 as
    recorded, 0 at once; `tls`: over https and wss, for clients that trust `ca_file`; `profile` is whose server it is
    (profiles.yaml); `merge_slashes`: several slashes in a path are one. Raises ValueError when made (UnknownFault,
    UnknownProfile, NoSuchDate, an empty host, a pace that is none), OSError when a port is taken.
    """

    def __init__(
        self,
        as_of: date | None = None,
        faults: Sequence[str] = (),
        host: str = LOOPBACK,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        control_port: int | None = None,
        ends: Rule = patience,
        pace: float = 1,
        tls: bool = False,
        profile: str = "openai",
        merge_slashes: bool = False,
    ) -> None:
        if not host.strip():  # to asyncio "" is every address of this machine
            raise ValueError("the host is empty: give an address, such as 127.0.0.1")
        if not 0 <= pace < inf:
            raise ValueError(f"the pace is {pace}: give a number from 0 on, such as 1")
        self.as_of = as_of or newest()
        self.faults = tuple(faults)
        self.key = EMULATOR_KEY
        self.profile, self._server = profile, profiles.profile(profile)
        self._chosen = chosen(self.faults, profile)
        behaviour(self.as_of)
        for read in (
            all_bodies,
            all_shapes,
            self.broken,
            lambda: self._server.says,
        ):  # what is wrong with the data is said now, not when somebody asks
            read()
        self._host, self._port, self._clock, self._control_port = host, port, clock, control_port
        self._ends, self._pace = ends, pace
        self._tls, self._merge_slashes = tls, merge_slashes
        self._certificate: Certificate | None = None
        self._service: Service | None = None
        self._ports: list[Port] = []
        self._apart: Elsewhere | None = None

    def served_by(self, apart: Elsewhere) -> Emulator:
        """The same, which that process serves; where there is none, it is served here as ever."""
        self._apart = apart
        return self

    @property
    def port(self) -> int:
        """Where it listens, once it has been entered."""
        return self._port

    @property
    def base_url(self) -> str:
        """Where it listens, with `/v1`, or as the profile has it; the port is known once it has been entered."""
        host = {"0.0.0.0": LOOPBACK, "::": "[::1]"}.get(self._host, self._host)
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"http{'s' if self._tls else ''}://{host}:{self._port}{self._server.root}"

    @property
    def ws_url(self) -> str:
        """The same base for WebSockets."""
        return self.base_url.replace("http", "ws", 1)

    @property
    def ca_file(self) -> str | None:
        """Whose certificates a client must trust, as PEM, while it runs over TLS: SSL_CERT_FILE, NODE_EXTRA_CA_CERTS."""
        return self._certificate.ca_file if self._certificate else None

    @property
    def control_url(self) -> str | None:
        """Where faults can be switched, None when that is off."""
        return None if self._control_port is None else f"http://{LOOPBACK}:{self._control_port}/faults"

    @property
    def media_addresses(self) -> list[str]:
        """This machine's addresses that media can use: all but loopback, which aioice never offers."""
        from aioice.ice import get_host_addresses

        return get_host_addresses(use_ipv4=True, use_ipv6=True)

    @property
    def banner(self) -> str:
        """What a client needs to be told, as lines; the last ones can be put into an environment."""
        whose = f", profile {self.profile}" if self.profile != "openai" else ""
        broken = f", faults: {', '.join(self.faults)}" if self.faults else ""
        switch = f"control: {self.control_url}\n" if self.control_url else ""
        trust = f"SSL_CERT_FILE={self.ca_file}\nNODE_EXTRA_CA_CERTS={self.ca_file}\n" if self.ca_file else ""
        environment = f"{trust}OPENAI_BASE_URL={self.base_url}\nOPENAI_API_KEY={self.key}\n"
        return f"EMULATOR (as of {self.as_of}{whose}{broken})\n{switch}{environment}"

    @property
    def warnings(self) -> list[str]:
        """What a person should know of where it runs, each in one line."""
        found = []
        if not is_loopback(self._host):
            found.append(f"the emulator listens on {self._host}: other machines can reach it, and its key is no secret")
        if not self.media_addresses:
            found.append(
                "this machine has no address but loopback, which aioice does not offer: "
                "tokens, HTTP and WebSocket work, no WebRTC session opens"
            )
        return found

    @staticmethod
    def broken() -> tuple[Broken, ...]:
        """What of other packages every emulator goes without."""
        return (*faults.broken(), *added_routes.broken())

    @property
    def open_calls(self) -> int:
        """Peer connections that are live."""
        return len(self._service.calls) if self._service else 0

    @property
    def call_ids(self) -> tuple[str, ...]:
        """The ids of the live calls, the oldest first."""
        return tuple(self._service.calls) if self._service else ()

    @property
    def open_sessions(self) -> int:
        """Sessions that are open, over peer connections and over WebSockets."""
        return self.open_calls + (len(self._service.lines) if self._service else 0)

    def session(self, call_id: str) -> OpenSession:
        """The session of a live call. Raises KeyError for another id."""
        return self._running().calls[call_id].line.session

    def incoming_call(self, sip_headers: Iterable[tuple[str, str]] = ()) -> PhoneCall:
        """A call by telephone rings from now on, until the client accepts or rejects it by its id."""
        return self._running().ring(sip_headers)

    def expire_at(self, token: str, unix_s: int) -> None:
        """Gives a token that was minted here another end. Raises KeyError for one that was not."""
        found = self._running().tokens.find(token)
        if found is None:
            raise KeyError("no such token")
        found.expires_at = unix_s

    def set_faults(self, *faults: str) -> None:
        """From now on these faults are on and no others, also for what is open. Raises UnknownFault."""
        self._running().turn(chosen(faults, self._server.id))
        self.faults = faults

    def _running(self) -> Service:
        if self._service is None:
            raise RuntimeError("the emulator does not run: use it as `async with`")
        return self._service

    async def __aenter__(self) -> Emulator:
        if self._apart and (port := await self._apart.port()):
            self._port = port
            return self
        from rtdiag.emulator.http import control
        from rtdiag.emulator.http.server import application
        from rtdiag.emulator.service import Service

        self._service = Service(self.as_of, self._chosen, self._clock, self._ends, self._pace, self._server)
        try:
            if self._tls:
                self._certificate = self._certified()
            self._port = await self._listen(
                application(self._service, self._merge_slashes), self._host, self._port, self._certificate
            )
            if self._control_port is not None:
                switch = control.application(lambda: self.faults, self.set_faults, self._service)
                self._control_port = await self._listen(switch, LOOPBACK, self._control_port)
        except BaseException:
            await self._stop()
            raise
        return self

    def _certified(self) -> Certificate:
        """A certificate for every name and address by which this machine can be asked."""
        from rtdiag.emulator.http.certificate import Certificate

        everywhere = self.media_addresses if self._host in ("0.0.0.0", "::") else []
        return Certificate(*dict.fromkeys(["localhost", LOOPBACK, "::1", self._host, *everywhere]))

    async def _listen(self, app: web.Application, host: str, port: int, certificate: Certificate | None = None) -> int:
        """Serves there; the port that it took."""
        from rtdiag.emulator.http.port import Port

        self._ports.append(Port(app))
        return await self._ports[-1].open(host, port, certificate.context if certificate else None)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Everything is gone afterwards, also when the exit itself is cancelled."""
        import asyncio

        stopping = asyncio.ensure_future(self._stop())
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            await stopping
            raise

    async def _stop(self) -> None:
        """The calls come last: until the listeners are gone, a request may open one more."""
        if self._service:
            self._service.close_sockets()
        for port in self._ports:
            await port.close()
        if self._service:
            await self._service.close()
        if self._certificate:
            self._certificate.remove()
            self._certificate = None
