"""A real WebRTC session by aiortc: the offer, and then each phase with its own deadline and its own time.

It judges nothing: a phase that does not end in time is a failure in the trace, and the later phases are not begun.
Sources of the limits worked around here: aiortc 1.16 waits 63.8 s for blocked UDP, for ever when the answer carries no
`a=end-of-candidates` (hence the empty candidate below), and keeps every frame of a track that nobody reads.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rtdiag.model import Event, Failure, Pair, PeerTrace
from rtdiag.redact import Secret
from rtdiag.transport.audio import Voice, track
from rtdiag.transport.candidates import Candidate, candidates, first_section, nominated_at_once
from rtdiag.transport.channel import Channel
from rtdiag.transport.datagrams import Datagrams, watched
from rtdiag.transport.failures import from_sdp
from rtdiag.transport.ice_search import LATE_S, NO_CANDIDATE, NO_RELAY, Patience, Search
from rtdiag.transport.packets import ON_A_LOSSY_WAY, Chunks, Packets
from rtdiag.transport.recorder import Deadlines, Recorder

if TYPE_CHECKING:
    from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection
    from aiortc.mediastreams import MediaStreamTrack

CHANNEL = "oai-events"
NO_FINGERPRINT = "the answer names no DTLS fingerprint"
NO_CERTIFICATE = "broken off before a certificate came"
WAY_LOST = "not done, and checks that were sent then are lost"
PART_MISSING = "a part of what the server sent is missing"
NO_DIGEST = "the answer's fingerprints are by no digest that aiortc compares"
_LOOKS = 100  # at whether something was acknowledged, which nobody tells
_LOOK_S = 0.1  # between two looks at whether ICE is of any use still

# aioice asks for consent each 5 s, once, and takes what comes later than 0.5 s for none: after six such it ends a session that
# is alive. Where a round trip comes near that, so many may be late.
_LONG_ROUND_TRIP_MS, _LATE_CONSENTS = 350, 60
_SOONEST_MS = 20_000  # before that no six can have failed: then it is the server that has ended the session
_AGAIN_AFTER_S, _INIT_TRIES = 1.0, 26
# coturn counts a relay that was given back for up to 2 s more: where a user may have few at a time, the next is refused until then.
# The servers of a session have given a relay before.
_UNTIL_RELAY_FREE_S = 2.5
# Where aioice ended a session that had a datagram so shortly before, the session was alive.
_ALIVE_MS = 10_000


@dataclass(frozen=True)
class IceServers:
    """The STUN and TURN servers by which a peer is to find its way, and whether only a relay will do."""

    urls: Sequence[str] = ()
    username: str = ""
    credential: Secret | None = None
    relay_only: bool = False

    @property
    def relayed(self) -> bool:
        """Whether one of them is a TURN server."""
        return any(url.startswith("turn") for url in self.urls)


class Session(Channel):
    """One RTCPeerConnection with its `oai-events` channel. Make it, `offer()`, post that, `accept()` the answer, `close()`.

    With a `voice` it sends that; else its audio section stays without a track. `host` is the server's. `late` is set where no
    check of ICE is answered at first: whoever waits for it may do something else meanwhile.
    """

    def __init__(
        self,
        peer_id: str,
        recorder: Recorder,
        deadlines: Deadlines,
        ice_servers: IceServers = IceServers(),
        voice: Voice | None = None,
        host: str | None = None,
        late: asyncio.Event | None = None,
    ) -> None:
        super().__init__(peer_id, CHANNEL, recorder, deadlines)
        self._voice = voice
        if voice is not None:
            voice.told = self._changed.set
        self.offered_in: str | None = None  # the exchange that carried the offer, set by whoever posted it
        self._ice_servers = ice_servers
        self._began_ms = recorder.now_ms()
        self._states: list[tuple[float, str, str]] = []
        self._phases_ms: dict[str, float] = {}
        self._seen = Datagrams(recorder.now_ms)
        self._chunks = Chunks(recorder.now_ms, lambda: self._seen.round_trip_ms)
        self._search = Search(self._seen, deadlines, host, relay_only=ice_servers.relay_only)
        self._late = late or asyncio.Event()
        self._closing = False
        self._given_up_ms: float | None = None
        self._tracks: set[asyncio.Task[None]] = set()
        self._close: dict[str, str] | None = None
        self._pair: str | None = None
        self._peer: RTCPeerConnection | None = None
        self._ending: asyncio.Future[None] | None = None
        self._channel: RTCDataChannel | None = None

    async def offer(self) -> bytes:
        """Create the peer, its channel and one audio section, gather candidates, and return the SDP offer."""
        sdp = await self._gathered()
        if self._ice_servers.relayed and " typ relay" not in first_section(sdp):
            self._recorder.notice("waiting until the TURN server has let go of the relays before")
            await self._closed_peer()
            await asyncio.sleep(_UNTIL_RELAY_FREE_S)
            sdp = await self._gathered()
        self._search.offered(sdp)
        for candidate in candidates(sdp):
            self._recorder.mask.learn_address(candidate.host)
        for password in re.findall(r"^a=ice-pwd:(\S+)", sdp, re.MULTILINE):
            self._recorder.mask.learn(password, "ice-pwd")
        return sdp.encode()

    async def _gathered(self) -> str:
        """The offer of a new peer, with its candidates."""
        from aiortc import RTCPeerConnection

        peer = self._peer = RTCPeerConnection(_configuration(self._ice_servers))
        for name in ("connectionState", "iceConnectionState", "iceGatheringState", "signalingState"):
            peer.on(name.lower() + "change", self._watcher(peer, name))
        peer.on("track", self._consume)
        self._add_audio(peer)
        with _soon_sent_again():
            channel = self._channel = peer.createDataChannel(CHANNEL)
        self._chunks.watch(peer.sctp)
        channel.on("open", self._watcher(channel, "readyState"))
        channel.on("close", self._watcher(channel, "readyState"))
        channel.on("message", self._heard)
        with watched(self._seen):
            await peer.setLocalDescription(await peer.createOffer())
        return str(peer.localDescription.sdp)

    def _add_audio(self, peer: RTCPeerConnection) -> None:
        """With a voice the section offers Opus alone, in which the voice is encoded already."""
        if self._voice is None:
            peer.addTransceiver("audio")
            return
        from aiortc import RTCRtpSender

        opus = [c for c in RTCRtpSender.getCapabilities("audio").codecs if c.mimeType.lower() == "audio/opus"]
        peer.addTransceiver(track(self._voice)).setCodecPreferences(opus)

    async def accept(self, sdp: str) -> bool:
        """Take the answer and go through every phase, until `session.created` has come or one phase has failed.

        Returns whether all phases were completed; the trace and `failure` say how far it got.
        """
        d = self._deadlines
        steps: tuple[tuple[str, float, Callable[[], str | None]], ...] = (
            ("dtls", d.dtls_s, lambda: self._state("connectionState", good=("connected",), bad=("failed", "closed"))),
            ("channel", d.channel_s, lambda: self._channel_state()),
            ("created", d.event_s, lambda: "good" if self.received else None),
        )
        began = self._recorder.now_ms()
        try:
            await self._set_answer(sdp)
        except Exception as exc:
            self.failure = from_sdp(exc)
            return False
        self._phases_ms["answer"] = round(self._recorder.now_ms() - began, 1)
        if not await self._ice():
            return False
        return all([await self._phase(name, limit, state) for name, limit, state in steps if self.failure is None])

    @property
    def open(self) -> bool:
        """Whether the channel takes events."""
        return self._channel is not None and self._channel.readyState == "open"

    def trace(self) -> PeerTrace:
        """What this peer has gone through so far, masked, also written into the record."""
        failure = self.failure
        self._recorder.counted("UDP", self.id, self._packets)
        self._pair = self._selected_pair() or self._pair  # a peer that is closed knows it no more
        return self._recorder.peer(
            PeerTrace(
                id=self.id,
                states=tuple(self._states),
                candidates=dict(sorted(self._search.counts.items())),
                selected_pair=self._pair,
                phases_ms=dict(self._phases_ms),
                failure=failure
                and Failure(failure.kind, failure.phase, self._recorder.mask(failure.detail, "peers.failure")),
                close=self._close,
                offered_in=self.offered_in,
                at_ms=self._began_ms,
                **self._way(),
            )
        )

    def _way(self) -> dict[str, Any]:
        """What was seen of ICE, masked."""
        search, mask, last_ms = self._search, self._recorder.mask, self._seen.last_ms

        def told(found: Sequence[Candidate]) -> tuple[str, ...]:
            return tuple(mask(str(one), "peers.candidates") for one in found)

        def paired(one: Pair) -> Pair:
            errors = {mask(word, "peers.pairs"): count for word, count in one.errors.items()}
            return replace(
                one, local=mask(one.local, "peers.pairs"), remote=mask(one.remote, "peers.pairs"), errors=errors
            )

        return {
            "local_candidates": told(search.local),
            "remote_candidates": told(search.remote),
            "elsewhere": told(search.elsewhere),
            "pairs": tuple(paired(one) for one in search.pairs()),
            "ice_tcp": tuple(
                replace(one, candidate=mask(one.candidate, "peers.candidates")) for one in search.over_tcp
            ),
            "last_datagram_ms": None if last_ms is None else round(last_ms - self._began_ms, 1),
        }

    @property
    def lost(self) -> Mapping[str, Any]:
        """Of a session whose way is gone: when the last datagram came, in s since it began and before now or its end.

        `alive` is whether aioice ended it though datagrams came, `outwards` that they still come and nothing of ours is
        acknowledged. Empty where a session has not ended so, or nothing was counted.
        """
        last_ms, ended_ms = self._seen.last_ms, self._given_up_ms
        if last_ms is None or not (self.cut or ended_ms is not None):
            return {}
        end_ms = ended_ms if ended_ms is not None else self._recorder.now_ms()
        silent_ms = end_ms - last_ms
        return {
            "last_s": round((last_ms - self._began_ms) / 1000, 1),
            "silent_s": round(silent_ms / 1000, 1),
            "alive": ended_ms is not None and silent_ms < _ALIVE_MS,
            "outwards": ended_ms is None and silent_ms < self._deadlines.event_s * 1000 / 2,
        }

    async def close(self) -> None:
        """Close the peer and stop reading its tracks; raises TimeoutError when that takes longer than `close_s`."""
        self._closing = True
        try:
            await self._closed_peer()
        finally:
            for task in self._tracks:
                task.cancel()
            await asyncio.gather(*self._tracks, return_exceptions=True)
            self.trace()

    async def _closed_peer(self) -> None:
        """Whoever waits for it may be interrupted, the closing is not: aiortc does not take up again what was cut short."""
        if self._peer is not None:
            self._ending = self._ending or asyncio.ensure_future(self._peer.close())
            async with asyncio.timeout(self._deadlines.close_s):
                await asyncio.shield(self._ending)

    async def _set_answer(self, sdp: str) -> None:
        from aiortc import RTCSessionDescription

        assert self._peer is not None
        if not sdp.lstrip().startswith("v="):
            raise ValueError("the answer does not begin with v=")
        if "a=fingerprint:" not in sdp:
            raise ValueError(NO_FINGERPRINT)
        self._search.answered(sdp)
        if self._search.one_pair:
            sdp = nominated_at_once(sdp)
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        await self._peer.addIceCandidate(None)

    async def _ice(self) -> bool:
        """Whether ICE finds a way; where nothing comes back it is asked meanwhile what else would."""
        began, search = self._recorder.now_ms(), self._search
        search.patience = self._patience
        self._recorder.notice("waiting for ice")
        otherwise: asyncio.Task[None] | None = None
        useless = waited_s = None
        try:
            while not (self._way_found or self._ice_ended):
                waited_s = (self._recorder.now_ms() - began) / 1000
                useless = search.useless(waited_s)
                if waited_s >= LATE_S and not search.answers:
                    self._late.set()
                if otherwise is None and (useless or (waited_s >= search.patience.otherwise_s and not search.answers)):
                    otherwise = asyncio.ensure_future(search.ask_otherwise())
                if useless and otherwise and (otherwise.done() or useless == NO_RELAY):
                    break
                await self._until(lambda: self._way_found or self._ice_ended, _LOOK_S)
            if not self._way_found and useless != NO_RELAY:
                await (otherwise or search.ask_otherwise())
        finally:
            if otherwise is not None:
                otherwise.cancel()
        took_ms = self._recorder.now_ms() - began
        if self._way_found:
            self._phases_ms["ice"] = round(took_ms, 1)
            self._allow_for_the_round_trip()
            return True
        self.failure = Failure("ice", "ice", self._no_way(useless, took_ms / 1000))
        return False

    @property
    def _patience(self) -> Patience:
        """By what the requests of this run have shown of the way, and by what was lost on it."""
        connects_ms = [exchange.timing_ms.get("connect", 0.0) for exchange in self._recorder.exchanges]
        longest_ms = max(connects_ms, default=0.0)
        return Patience.of(self._deadlines, longest_ms / 1000 if longest_ms else None, lossy=self._lossy)

    def _no_way(self, useless: str | None, took_s: float) -> str:
        if useless is not None:
            return useless
        why = self._search.useless(took_s)
        if why is None and not self._search.remote:
            return NO_CANDIDATE
        return why or (f"ended as {self._states[-1][1]} {self._states[-1][2]}" if self._states else "ended")

    @property
    def _way_found(self) -> bool:
        return self._state("iceConnectionState", ("completed", "connected"), ()) == "good"

    @property
    def _ice_ended(self) -> bool:
        return self._ended() or self._state("iceConnectionState", (), ("failed", "closed")) == "bad"

    def _allow_for_the_round_trip(self) -> None:
        from aioice import ice

        if (self._seen.round_trip_ms or 0) > _LONG_ROUND_TRIP_MS:
            ice.CONSENT_FAILURES = max(ice.CONSENT_FAILURES, _LATE_CONSENTS)

    async def _phase(self, name: str, limit_s: float, state: Callable[[], str | None]) -> bool:
        began = self._recorder.now_ms()
        self._recorder.notice(f"waiting for {name}")
        await self._patiently(lambda: state() is not None or self._ended(), limit_s)
        if state() == "good":
            self._phases_ms[name] = round(self._recorder.now_ms() - began, 1)
            return True
        kind = {"dtls": "dtls", "channel": "channel"}.get(name, "silence")
        if state() is None and not self._ended():
            limit_s = self._deadlines.ice_s if self._lossy else limit_s
            detail = f"not done within {limit_s:g} s{f', {ON_A_LOSSY_WAY}' if self._lossy else ''}"
        else:
            detail = f"ended as {self._states[-1][1]} {self._states[-1][2]}" if self._states else "ended"
        why = self._handshake_failed() if name == "dtls" else await self._lost_since()
        self.failure = Failure(kind, name, why or detail)
        return False

    async def _lost_since(self) -> str | None:
        """Why no channel opens, or no event comes, where datagrams are seen to be lost: by a gap in SCTP, or by a volley.

        Where none is lost it may as well be the server.
        """
        sctp = self._peer.sctp if self._peer else None
        if getattr(sctp, "_sack_misordered", None):
            return PART_MISSING
        nominated = self._nominated()
        if nominated is None or nominated.local_candidate.type == "relay":
            return None
        place = (nominated.remote_candidate.host, nominated.remote_candidate.port)
        return WAY_LOST if await self._search.loses(place, self._recorder.now_ms) else None

    def _handshake_failed(self) -> str | None:
        """Why DTLS failed, where it is not for another certificate than the answer names: aiortc says the same of all."""
        from aiortc.rtcdtlstransport import X509_DIGEST_ALGORITHMS

        transport = self._peer.sctp.transport if self._peer and self._peer.sctp else None
        tls = getattr(transport, "_ssl", None)
        if transport is None or tls is None or transport.state != "failed":
            return None
        if tls.get_peer_certificate() is None:
            return NO_CERTIFICATE
        named = (
            re.findall(r"^a=fingerprint:(\S+)", self._peer.remoteDescription.sdp, re.MULTILINE) if self._peer else ()
        )
        return None if {one.lower() for one in named} & set(X509_DIGEST_ALGORITHMS) else NO_DIGEST

    def _ended(self) -> bool:
        return self._peer is None or self._peer.connectionState in ("failed", "closed")

    def _state(self, name: str, good: tuple[str, ...], bad: tuple[str, ...]) -> str | None:
        now = getattr(self._peer, name)
        return "good" if now in good else "bad" if now in bad else None

    def _channel_state(self) -> str | None:
        now = self._channel.readyState if self._channel else "closed"
        return {"open": "good", "closed": "bad", "closing": "bad"}.get(now)

    def _watcher(self, source: Any, name: str) -> Callable[[], None]:
        def watch() -> None:
            now_ms, value = self._recorder.now_ms(), str(getattr(source, name))
            self._states.append((round(now_ms - self._began_ms, 1), name, value))
            if (
                name == "iceConnectionState"
                and value in ("failed", "closed")
                and not self._closing
                and "dtls" in self._phases_ms
                and now_ms - self._began_ms > _SOONEST_MS
            ):
                self._given_up_ms = now_ms
            self._changed.set()

        return watch

    def _put(self, text: str) -> None:
        assert self._channel is not None
        self._channel.send(text)

    async def _alive(self, unanswered: Event) -> bool:
        """Whether SCTP acknowledges the event (RFC 9260 section 6.2), and, sent once more, that too: the way may be cut since."""
        if self._unacknowledged:
            return False
        self._record("sent", unanswered.type, self._sent_texts[unanswered.id])
        self._put(self._sent_texts[unanswered.id])
        for _ in range(_LOOKS):
            await asyncio.sleep(self._deadlines.close_s / _LOOKS)
            if not self._unacknowledged:
                return True
        return False

    @property
    def _unacknowledged(self) -> bool:
        sctp = self._peer.sctp if self._peer is not None else None
        buffered = self._channel.bufferedAmount if self._channel is not None else 0
        return bool(buffered or getattr(sctp, "_outbound_queue", ()) or getattr(sctp, "_sent_queue", ()))

    @property
    def _away(self) -> bool:
        """Whether the other side is on another machine."""
        return {one.host for one in self._search.remote}.isdisjoint(one.host for one in self._search.local)

    @property
    def _packets(self) -> Packets | None:
        """Those of both directions; None where the other side is on this machine, or nothing was counted."""
        found = self._chunks.packets + self._seen.records.packets
        return found if self._away and found.sent else None

    async def _patiently(self, done: Callable[[], bool], limit_s: float) -> None:
        """As long as ICE may take where packets are lost: what waits for one that is sent again is late by seconds."""
        await self._until(done, limit_s)
        if not done() and self._lossy:
            await self._until(done, self._deadlines.ice_s - limit_s)

    @property
    def _lossy(self) -> bool:
        """Whether packets are lost, of this session, or of what was asked over TCP."""
        return bool(self._packets and self._packets.lossy) or self._recorder.by_protocol("TCP").lossy

    def _consume(self, track: MediaStreamTrack) -> None:
        async def read() -> None:
            from aiortc.mediastreams import MediaStreamError

            try:
                while True:
                    await track.recv()
            except MediaStreamError:
                return

        task = asyncio.ensure_future(read())
        self._tracks.add(task)

    def _nominated(self) -> Any:
        """aioice's pair, None where there is none."""
        if self._peer is None or self._peer.sctp is None:
            return None
        pair = getattr(self._peer.sctp.transport.transport, "_connection", None)
        return getattr(pair, "_nominated", {}).get(1)

    def _selected_pair(self) -> str | None:
        nominated = self._nominated()
        if nominated is None:
            return None
        local, remote = nominated.local_candidate, nominated.remote_candidate
        text = f"{local.type} {local.transport} {local.host}:{local.port} -> {remote.type} {remote.host}:{remote.port}"
        return self._recorder.mask(text, "peers.selected_pair")


@contextmanager
def _soon_sent_again() -> Iterator[None]:
    """The SCTP association that is made meanwhile sends again after 1 s what is not acknowledged (RFC 9260 section 16).

    aiortc waits for the 3 s of RFC 4960, so that two losses outlast `channel_s`. It tries to begin for as long as before.
    """
    from aiortc import rtcsctptransport as sctp

    usual_s, tries = sctp.SCTP_RTO_INITIAL, sctp.SCTP_MAX_INIT_RETRANS
    sctp.SCTP_MAX_INIT_RETRANS = max(tries, _INIT_TRIES)
    sctp.SCTP_RTO_INITIAL = min(usual_s, _AGAIN_AFTER_S)
    try:
        yield
    finally:
        sctp.SCTP_RTO_INITIAL = usual_s


def _configuration(servers: IceServers) -> RTCConfiguration:
    from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy

    password = servers.credential.reveal() if servers.credential else None
    asked = [RTCIceServer(urls=url, username=servers.username or None, credential=password) for url in servers.urls]
    policy = RTCIceTransportPolicy.RELAY if servers.relay_only else RTCIceTransportPolicy.ALL
    return RTCConfiguration(iceServers=asked, iceTransportPolicy=policy)
