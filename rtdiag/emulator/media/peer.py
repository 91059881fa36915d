"""The answering end of one call: real ICE, DTLS, SRTP and SCTP by aiortc, a session behind the client's `oai-events`.

The habits of the API's answer are in sdp_answer.py; those that are no text are here: who begins DTLS, the codecs, the names of
audio and of ICE's ends. Not kept, for aiortc cannot, or it would be a lie: TCP port 443 and UDP port 3478, `transport-cc`, H.264 as
the one video codec. Loopback is not among aioice's candidates, so media runs over this machine's other addresses.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

from aioice import Connection
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCDtlsTransport,
    RTCPeerConnection,
    RTCSessionDescription,
)

from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.faults import Switches
from rtdiag.emulator.media import ice, identity, microphone, sdp_answer
from rtdiag.emulator.media.loudspeaker import CODECS, Loudspeaker
from rtdiag.emulator.media.over_tcp import Door
from rtdiag.emulator.session.open_session import OpenSession
from rtdiag.emulator.session.subscribers import Line

CHANNEL = "oai-events"
CLOSE_WAIT_S = 0.5
NOBODY = "127.0.0.2"  # of no machine but each its own, so that nothing that goes there leaves it
SENT_AGAIN_AFTER_S = 1.0  # what is lost of SCTP, at first: RFC 9260 section 16; aiortc waits 3 s, as RFC 4960 did
CONNECT_WAIT_S = 60  # assumed; aiortc gives up after 64 s, and never on an offer that says it will trickle and does not


class Call:
    """One peer connection.

    `answer` once, then it lives until `close`, or until the other side is gone and `ended` is called. `door` is where it is reached
    over TCP. `from_page`: a browser offered it.
    """

    def __init__(
        self, session: OpenSession, ended: Callable[[], object], door: Door, *, from_page: bool = False
    ) -> None:
        self.line = Line(session, ended)
        self._dialect, self._rules, self._ended = session.dialect, session.rules, ended
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._pc._RTCPeerConnection__certificates = [identity.certificate()]  # type: ignore[attr-defined]
        self._door, self._fragment, self._from_page = door, "", from_page
        self._silent: list[socket.socket] = []
        self._pc.on("datachannel", self._serve)
        self._pc.on("connectionstatechange", self._watch)
        self._patience: asyncio.TimerHandle | None = None

    @property
    def _switches(self) -> Switches:
        return self._rules.switches

    async def answer(self, offer_sdp: str) -> str:
        """The answer's SDP. Raises Refused for an offer that aiortc cannot take; `close` is the caller's, then too."""
        if self._rules.behaviour.ice_lite or self._switches.candidates != "gathered":
            offer_sdp = sdp_answer.without_candidates(offer_sdp)
        try:
            offer_sdp = sdp_answer.with_directions(offer_sdp)
            if self._rules.behaviour.dtls_passive:
                offer_sdp = sdp_answer.begun_by_the_client(offer_sdp)
            await self._pc.setRemoteDescription(RTCSessionDescription(offer_sdp, "offer"))
        except Exception as error:  # aiortc's parser raises whatever its assumptions run into
            raise Refused("invalid-offer") from error
        if self._pc.sctp:
            self._pc.sctp._rto = SENT_AGAIN_AFTER_S
        for transceiver in self._pc.getTransceivers():
            transceiver.direction = "sendrecv" if transceiver.kind == "audio" else "recvonly"
            microphone.listen(transceiver.receiver, self.line.hear)
        self._speak()
        self._name_ends()
        self._behave()
        self._leave_out()
        await self._pc.setLocalDescription()
        for connection in self._connections():
            for each in connection._protocols:
                ice.pass_over_nonsense(each)
        ports = await self._tcp_ports()
        self._patience = asyncio.get_running_loop().call_later(CONNECT_WAIT_S, self._give_up)
        return self._written(self._pc.localDescription.sdp, ports)

    async def close(self) -> None:
        """Ends the connection and every task and socket of it, whether or not the other side is still there."""
        if self._patience:
            self._patience.cancel()
        self.line.close()
        self._door.forget(self._fragment)
        parts = self._parts()
        self._pc.remove_all_listeners()
        await self._pc.close()
        for sock in self._silent:
            sock.close()
        await _finish(_tasks_of(parts))

    def _speak(self) -> None:
        """What the session says goes out with the first audio of the offer, in the codec that stands first there."""
        audio = [each for each in self._pc.getTransceivers() if each.kind == "audio"]
        for each in audio:
            each._headerExtensions = []
            each._codecs = [codec for codec in each._codecs if codec.mimeType.lower() in CODECS]
            if not each._codecs:
                raise Refused("invalid-offer")  # assumed
        if audio:
            sound = self._switches.sound
            speaker = Loudspeaker(audio[0]._codecs[0].mimeType, silent=sound == "silent")
            audio[0].sender.replaceTrack(speaker)
            audio[0].sender._stream_id = sdp_answer.STREAM_ID
            self.line.session.playback.speaker = speaker if sound != "none" else None

    def _serve(self, channel: RTCDataChannel) -> None:
        if channel.label != CHANNEL:
            return
        channel.on("message", self._receive)
        self.line.join(_Channel(channel))
        self.line.begin()

    def _receive(self, message: str | bytes) -> None:
        if self._switches.media_lasts:
            self.line.receive(message)
            return
        for part in self._parts():
            for protocol in getattr(getattr(part, "_connection", None), "_protocols", ()):
                protocol.transport.sendto = _drop

    def _watch(self) -> None:
        if self._pc.connectionState in ("failed", "closed"):
            self._ended()

    def _give_up(self) -> None:
        """The client never came, or stopped half-way."""
        if self._pc.connectionState != "connected":
            self._ended()

    async def _tcp_ports(self) -> dict[str, int]:
        """By address, where ICE is taken over TCP, too."""
        addresses = [each.host for each in self._connections()[0].local_candidates]
        found = {address: await self._door.port(address) for address in addresses if self._rules.behaviour.ice_tcp}
        return {address: port for address, port in found.items() if port}

    def _written(self, answer: str, tcp_ports: dict[str, int]) -> str:
        """aiortc's answer with the API's habits, and the faults that are on."""
        lite, ends = self._rules.behaviour.ice_lite, self._rules.server.ends_candidates
        now_s = self._rules.clock()
        answer = sdp_answer.as_the_api_writes(
            answer, self._dialect, ice_lite=lite, ends=ends, now_s=now_s, tcp_ports=tcp_ports
        )
        if not self._switches.true_fingerprint:
            answer = sdp_answer.with_another_fingerprint(answer)
        if not self._switches.names_setup:
            answer = sdp_answer.without_setup(answer)
        if not self._switches.true_ice_password:
            answer = sdp_answer.with_another_password(answer)
        return self._with_candidates(answer)

    def _with_candidates(self, answer: str) -> str:
        """The answer with those that a fault leaves, or makes of them."""
        match self._switches.candidates:
            case "none":
                return sdp_answer.without_candidates(answer)
            case "tcp-alone":
                return sdp_answer.without_udp(answer)
            case "silent-ports":
                return sdp_answer.at_other_places(answer, lambda by, host, _: self._silent_port(by, host))
            case "silent-udp":
                return sdp_answer.at_other_places(
                    answer, lambda by, host, port: self._silent_port(by, host) if by == "udp" else (host, port)
                )
            case "nobodys":
                return sdp_answer.at_other_places(answer, lambda by, _, __: self._silent_port(by, NOBODY))
        return sdp_answer.without_udp(answer) if self._from_page and self._switches.tcp_alone_to_pages else answer

    def _silent_port(self, by: str, address: str) -> tuple[str, int]:
        """One that is bound, so that nobody else takes it, and never read; over TCP nobody listens there."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM if by == "udp" else socket.SOCK_STREAM)
        self._silent.append(sock)
        sock.bind((address, 0))
        return address, int(sock.getsockname()[1])

    def _leave_out(self) -> None:
        """The layers that a fault keeps silent are never started."""
        if self._pc.sctp and not self._switches.opens_channel:
            self._pc.sctp.start = _never_start  # type: ignore[method-assign, assignment]
        for part in () if self._switches.answers_dtls else self._parts():
            if isinstance(part, RTCDtlsTransport):
                part.start = _never_start  # type: ignore[method-assign, assignment]

    def _name_ends(self) -> None:
        """The names that ICE and RTCP carry besides the answer."""
        name, password = sdp_answer.ice_credentials(self.line.session.id, self._rules.server.machine)
        for connection in self._connections():
            connection._local_username, connection._local_password = name, password
        self._fragment = name
        self._door.expect(name, self._connections()[0])
        self._pc._RTCPeerConnection__cname = sdp_answer.STREAM_ID  # type: ignore[attr-defined]

    def _behave(self) -> None:
        for connection in self._connections():
            ice.behave(connection, lite=self._rules.behaviour.ice_lite)

    def _connections(self) -> list[Connection]:
        """Each once, the first is that of the first section."""
        found = (getattr(part, "_connection", None) for part in self._parts())
        return list(dict.fromkeys(connection for connection in found if isinstance(connection, Connection)))

    def _parts(self) -> list[object]:
        """The connection and what it is made of: whatever of aiortc runs a task for it."""
        found: list[object] = [self._pc, self._pc.sctp]
        for transceiver in self._pc.getTransceivers():
            dtls = transceiver.receiver.transport
            found += [transceiver.receiver, transceiver.sender, dtls, getattr(dtls, "transport", None)]
        below = self._pc.sctp.transport if self._pc.sctp else None
        return [part for part in (*found, below, getattr(below, "transport", None)) if part is not None]


class _Channel:
    """The data channel as a listener. It has no close code: when the session ends the peer goes (assumed)."""

    def __init__(self, channel: RTCDataChannel) -> None:
        self._channel = channel

    def send(self, event: dict[str, Any]) -> None:
        if self._channel.readyState == "open":
            self._channel.send(json.dumps(event))

    def close(self, code: int, reason: str) -> None:
        """Nothing: the call ends with its line."""


def _drop(*_: object) -> None:
    """In the place of `sendto`: what is sent goes nowhere, as behind a firewall that has just been closed."""


async def _never_start(*_: object) -> None:
    """In the place of `start` of RTCSctpTransport or RTCDtlsTransport: never begun, and what comes in is dropped."""


def _tasks_of(parts: list[object]) -> set[asyncio.Task[None]]:
    """aiortc starts tasks that nobody can name (`RTCPeerConnection.__connect`): found by the `self` they run in."""
    ids = set(map(id, parts))
    frames = ((task, getattr(task.get_coro(), "cr_frame", None)) for task in asyncio.all_tasks())
    return {task for task, frame in frames if frame is not None and id(frame.f_locals.get("self")) in ids}


async def _finish(tasks: set[asyncio.Task[None]]) -> None:
    """Lets tasks that were told to end do so, then makes them.

    An aiortc task may hold an error that is of no more use.
    """
    tasks = {task for task in tasks if task is not asyncio.current_task()}
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=CLOSE_WAIT_S)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
