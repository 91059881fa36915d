"""A real WebRTC session by aiortc: the offer, and then each phase with its own deadline and its own time.

It judges nothing: a phase that does not end in time is a failure in the trace, and the later phases are not begun.
Sources of the limits worked around here: aiortc 1.16 waits 63.8 s for blocked UDP, for ever when the answer carries no
`a=end-of-candidates` (hence the empty candidate below), and keeps every frame of a track that nobody reads.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rtdiag.model import Event, Failure, PeerTrace
from rtdiag.transport.audio import Voice, track
from rtdiag.transport.channel import Channel
from rtdiag.transport.failures import from_sdp
from rtdiag.transport.recorder import Deadlines, Recorder

if TYPE_CHECKING:
    from aiortc import RTCDataChannel, RTCPeerConnection
    from aiortc.mediastreams import MediaStreamTrack

CHANNEL = "oai-events"
_LOOKS = 100  # at whether something was acknowledged, which nobody tells


class Session(Channel):
    """One RTCPeerConnection with its `oai-events` channel. Make it, `offer()`, post that, `accept()` the answer, `close()`.

    With a `voice` it sends that; else its audio section stays without a track.
    """

    def __init__(
        self,
        peer_id: str,
        recorder: Recorder,
        deadlines: Deadlines,
        ice_servers: Sequence[str] = (),
        voice: Voice | None = None,
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
        self._candidates: Counter[str] = Counter()
        self._tracks: set[asyncio.Task[None]] = set()
        self._close: dict[str, str] | None = None
        self._pair: str | None = None
        self._peer: RTCPeerConnection | None = None
        self._channel: RTCDataChannel | None = None

    async def offer(self) -> bytes:
        """Create the peer, its channel and one audio section, gather candidates, and return the SDP offer."""
        from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

        servers = [RTCIceServer(urls=url) for url in self._ice_servers]
        peer = self._peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        for name in ("connectionState", "iceConnectionState", "iceGatheringState", "signalingState"):
            peer.on(name.lower() + "change", self._watcher(peer, name))
        peer.on("track", self._consume)
        self._add_audio(peer)
        channel = self._channel = peer.createDataChannel(CHANNEL)
        channel.on("open", self._watcher(channel, "readyState"))
        channel.on("close", self._watcher(channel, "readyState"))
        channel.on("message", self._heard)
        await peer.setLocalDescription(await peer.createOffer())
        sdp = str(peer.localDescription.sdp)
        self._count_candidates("local", sdp)
        for password in re.findall(r"^a=ice-pwd:(\S+)", sdp, re.MULTILINE):
            self._recorder.mask.learn(password, "ice-pwd")
        return sdp.encode()

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
            (
                "ice",
                d.ice_s,
                lambda: self._state("iceConnectionState", good=("completed", "connected"), bad=("failed", "closed")),
            ),
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
        return all([await self._phase(name, limit, state) for name, limit, state in steps if self.failure is None])

    @property
    def open(self) -> bool:
        """Whether the channel takes events."""
        return self._channel is not None and self._channel.readyState == "open"

    def trace(self) -> PeerTrace:
        """What this peer has gone through so far, masked, also written into the record."""
        failure = self.failure
        self._pair = self._selected_pair() or self._pair  # a peer that is closed knows it no more
        return self._recorder.peer(
            PeerTrace(
                id=self.id,
                states=tuple(self._states),
                candidates=dict(sorted(self._candidates.items())),
                selected_pair=self._pair,
                phases_ms=dict(self._phases_ms),
                failure=failure
                and Failure(failure.kind, failure.phase, self._recorder.mask(failure.detail, "peers.failure")),
                close=self._close,
                offered_in=self.offered_in,
                at_ms=self._began_ms,
            )
        )

    async def close(self) -> None:
        """Close the peer and stop reading its tracks; raises TimeoutError when that takes longer than `close_s`."""
        try:
            if self._peer is not None:
                async with asyncio.timeout(self._deadlines.close_s):
                    await self._peer.close()
        finally:
            for task in self._tracks:
                task.cancel()
            await asyncio.gather(*self._tracks, return_exceptions=True)
            self.trace()

    async def _set_answer(self, sdp: str) -> None:
        from aiortc import RTCSessionDescription

        assert self._peer is not None
        if not sdp.lstrip().startswith("v="):
            raise ValueError("the answer does not begin with v=")
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        self._count_candidates("remote", sdp)
        await self._peer.addIceCandidate(None)

    async def _phase(self, name: str, limit_s: float, state: Callable[[], str | None]) -> bool:
        began = self._recorder.now_ms()
        self._recorder.notice(f"waiting for {name}")
        await self._until(lambda: state() is not None or self._ended(), limit_s)
        if state() == "good":
            self._phases_ms[name] = round(self._recorder.now_ms() - began, 1)
            return True
        kind = {"ice": "ice", "dtls": "dtls", "channel": "channel"}.get(name, "silence")
        if self._peer is not None and name == "ice" and self._candidates_of("remote") == 0:
            detail = "the answer carries no candidate"
        elif state() is None and not self._ended():
            detail = f"not done within {limit_s:g} s"
        else:
            detail = f"ended as {self._states[-1][1]} {self._states[-1][2]}" if self._states else "ended"
        self.failure = Failure(kind, name, detail)
        return False

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
            self._states.append((round(self._recorder.now_ms() - self._began_ms, 1), name, str(getattr(source, name))))
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

    def _count_candidates(self, side: str, sdp: str) -> None:
        for line in sdp.splitlines():
            parts = line.removeprefix("a=candidate:").split()
            if line.startswith("a=candidate:") and len(parts) > 7:
                self._candidates[f"{side}-{parts[2].lower()}-{parts[7]}"] += 1
                if side == "local":
                    self._recorder.mask.learn_address(parts[4])

    def _candidates_of(self, side: str) -> int:
        return sum(n for name, n in self._candidates.items() if name.startswith(side))

    def _selected_pair(self) -> str | None:
        if self._peer is None or self._peer.sctp is None:
            return None
        pair = getattr(self._peer.sctp.transport.transport, "_connection", None)
        nominated = getattr(pair, "_nominated", {}).get(1)
        if nominated is None:
            return None
        local, remote = nominated.local_candidate, nominated.remote_candidate
        text = f"{local.type} {local.transport} {local.host}:{local.port} -> {remote.type} {remote.host}:{remote.port}"
        return self._recorder.mask(text, "peers.selected_pair")
