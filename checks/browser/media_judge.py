"""What is said of the media of a page: whether and by which pair they find their way, and whether their sound is heard. Pure.

Beside the browser's connection stands the command line's own: where both fail it is the network, and the cause is what the command
line has measured of it; where one gets through it is between the browser and the rest of this machine.
"""

from __future__ import annotations

from collections.abc import Mapping

from rtdiag.checks.browser.page_facts import Told
from rtdiag.checks.sdp.ice_judge import NO_WAY, NOTHING, no_way
from rtdiag.checks.sdp.sdp_judge import no_side_begins
from rtdiag.engine.findings import NO_CREDIT, NO_LIFE, SERVER_TROUBLE, in_short, is_quota
from rtdiag.model import ApiError, Finding, Observation, PeerTrace
from rtdiag.transport.ice_search import NO_UDP

BROWSER_ALONE = "ICE finds a way over UDP from the command line and not from the browser"
NO_CANDIDATE = "the browser names no candidate of its own"
TCP_CARRIES = "nothing came back over UDP and TCP carries it in the browser"
DTLS_ENDED = "the browser ends the DTLS handshake"
DTLS_SILENT = "DTLS gets no answer"
FINGERPRINT = "the DTLS handshake fails"
NO_CHANNEL = "the data channel never opens"
NOT_PLAYED = "the browser refuses to play"
NOT_HEARD = "sound comes in and the element does not play it"
NO_SOUND = "a response is done and no packet of sound came"
SILENCE = "the sound that comes is silence"

_PAIR, _SOUND = "a candidate pair", "sound that is heard"
_SPOKEN = (
    1e-5  # totalAudioEnergy: 0.1 s at 40 dB below full scale; webrtc-stats: the square of the level, times seconds
)
_LISTENED_S = 0.3  # of sound that came in, for it to be called silence


def ice(case: str, seen: Observation) -> Finding:
    """Whether the browser found a pair; where it did not, whether the command line did."""
    told = Told(seen)
    if told.yes("done"):
        return Finding(case, "pass", told.took, _PAIR)
    measured, here, peer = _state(told), told.our_peer, told.peer
    if peer is not None and _has_looked(peer) and not peer.local_candidates:
        hint = "a setting, a policy or an extension keeps WebRTC from naming any address: try a private window without extensions"
        return Finding(case, "fail", f"{measured}; no candidate of its own", _PAIR, (NO_CANDIDATE,), hint)
    if _is_through(here):
        hint = "the network lets UDP through: look at what holds back this browser alone"
        measured = f"{measured}; the command line found a way in {_phase(here, 'ice')}"
        return Finding(case, "fail", measured, _PAIR, (BROWSER_ALONE,), hint)
    if here is not None and here.failure is not None and here.failure.phase == "ice":
        return _like_the_command_line(case, measured, here)
    hint = "UDP to the answer's candidates is blocked, and TCP, or the answer was changed"
    return Finding(case, "inconclusive", measured, _PAIR, (NOTHING if _silent(peer) else NO_WAY,), hint)


def _like_the_command_line(case: str, measured: str, here: PeerTrace) -> Finding:
    """Both fail alike: what the command line has measured of the network says why, unless it says that a browser gets through."""
    ours = no_way(case, here)
    alike = any(side.endswith("would carry it") for side in ours.observed)
    observed, hint = (
        ((NO_WAY,), "over TCP the browser gets no further, either") if alike else (ours.observed, ours.hint)
    )
    return Finding(case, "inconclusive", f"{measured}; the command line: {ours.measured}", _PAIR, observed, hint)


def dtls(case: str, seen: Observation, answer: Observation | None = None) -> Finding:
    """Whether the handshake came to its end; where it did not, whether the `answer` says who begins it."""
    told, here = Told(seen), Told(seen).our_peer
    if told.yes("done"):
        return Finding(case, "pass", told.took)
    if told.text("state") == "failed":
        alike = here is not None and here.failure is not None and here.failure.phase == "dtls"
        hint = "mostly the certificate is not the one that the answer names: the answer was changed, or media goes elsewhere"
        return Finding(case, "fail", _state(told), "", (FINGERPRINT if alike else DTLS_ENDED,), hint)
    taken = Told(answer).there if answer else None
    if unbegun := no_side_begins(case, taken.body or "") if taken else None:
        return unbegun
    hint = "STUN gets through, DTLS does not: mostly a firewall, or big datagrams are lost (MTU of a VPN or tunnel)"
    return Finding(case, "inconclusive", _state(told), "", (DTLS_SILENT,), hint)


def channel(case: str, seen: Observation) -> Finding:
    """Whether oai-events opened."""
    told = Told(seen)
    if told.yes("done"):
        return Finding(case, "pass", told.took)
    hint = "the page has made it before its offer: it is the server, or a firewall that lets handshakes through and nothing after"
    return Finding(case, "fail", _state(told), "", (NO_CHANNEL,), hint)


def pair(case: str, seen: Observation) -> Finding:
    """Which pair carries the session: UDP, TCP, or a relay."""
    told = Told(seen)
    local, remote, way = told.text("local"), told.text("remote"), told.text("protocol").lower()
    if not (local and remote and way):
        return Finding(case, "info", "the browser does not tell")
    measured = f"{local} to {remote}"
    if trip_ms := told.number("round_trip_ms"):
        measured += f", a round trip of {trip_ms:.0f} ms"
    relay = told.text("relay")
    if relay:
        return Finding(case, "info", f"by a relay over {relay.upper()}: {measured}")
    if way != "tcp":
        return Finding(case, "pass", measured, "UDP")
    observed, hint = _over_tcp(told)
    return Finding(case, "warn", measured, "UDP", (observed,), hint)


def _over_tcp(told: Told) -> tuple[str, str]:
    """Why a session goes over TCP, where each packet waits for those that were lost before it."""
    here, peer = told.our_peer, told.peer
    if peer is not None and peer.remote_candidates and not any(one.startswith("udp") for one in peer.remote_candidates):
        return NO_UDP, "it works, slower: the answer that the browser got names TCP alone"
    if _is_through(here):
        return (
            BROWSER_ALONE,
            "it works, slower: UDP is open to the command line on this machine and not to this browser",
        )
    return (
        TCP_CARRIES,
        "the session works, slower: allow UDP 3478 outwards; what cannot do ICE over TCP, such as aiortc, fails here",
    )


def sound(case: str, seen: Observation, update: Observation | None = None) -> Finding:
    """Whether what the model says comes in, is no silence, and is played; nothing of it where an `update` ended the session."""
    told = Told(seen)
    if (
        told.text("channel") in ("closing", "closed")
        and update
        and any(event.type == "error" for event in update.events)
    ):
        return Finding(case, "skip", "the session had ended: see browser.update")
    if refused := _refused(seen):
        measured, observed = refused
        return Finding(case, "fail", measured, _SOUND, observed)
    packets, energy = told.number("packets"), told.number("energy")
    played_s, refusal = told.number("played_s"), told.text("refused")
    if packets is None:
        return Finding(case, "inconclusive", told.text("error") or "the browser does not tell", _SOUND)
    if not packets:
        return _nothing_came(case, told)
    came = f"{packets:.0f} packets"
    if refusal:
        hint = "call play() from a click: what plays by itself is refused until the user has touched the page"
        return Finding(case, "fail", f"{came}; play(): {refusal}", _SOUND, (NOT_PLAYED,), hint)
    if energy is not None and energy <= _SPOKEN:
        if not _response_is_done(seen, told) or (told.number("seconds") or 0.0) < _LISTENED_S:
            return Finding(case, "inconclusive", f"{came}, nothing heard of them until the end of waiting", _SOUND)
        return Finding(case, "fail", f"{came} of silence", _SOUND, (SILENCE,))
    if played_s == 0:
        hint = "the sound is there: look whether the tab or the site is muted, and at the output that the browser uses"
        return Finding(case, "fail", f"{came}, and the element stays at 0 s", _SOUND, (NOT_HEARD,), hint)
    played = "" if played_s is None else f", {played_s:.1f} s played"
    return Finding(case, "pass", f"{came}{played}", _SOUND)


def _nothing_came(case: str, told: Told) -> Finding:
    if told.number("came") == 0:
        hint = "not even an acknowledgement came back: the way there was cut in mid-session"
        return Finding(case, "inconclusive", "no sign of life", _SOUND, (NO_LIFE,), hint)
    if not _response_is_done(told.seen, told):
        hint = "no response was done in time, so no sound was due: see what the server says to response.create"
        return Finding(case, "inconclusive", "no response, no sound", _SOUND, hint=hint)
    hint = "the response is said to be done, and not one RTP packet of it came: ask the server, or what lies between, for its media"
    return Finding(case, "fail", "no packet", _SOUND, (NO_SOUND,), hint)


def _response_is_done(seen: Observation, told: Told) -> bool:
    return told.text("response") == "completed" or any(_status(e.json) == "completed" for e in seen.events)


def _status(event: object) -> object:
    response = event.get("response") if isinstance(event, Mapping) else None
    return response.get("status") if isinstance(response, Mapping) else None


def _refused(seen: Observation) -> tuple[str, tuple[str, ...]] | None:
    """What the server said in place of a response, and what that shows; None where it refused none."""
    for event in seen.events:
        error = event.error if event.type == "error" else _failed(event.json)
        if error is not None:
            trouble = SERVER_TROUBLE if error.type == "server_error" else ""
            observed = NO_CREDIT if is_quota(error) else trouble
            return f"error {in_short(error)}", (observed,) if observed else ()
    return None


def _failed(event: object) -> ApiError | None:
    """The error that a failed `response.done` holds (openai-openapi @ f85dbe2, RealtimeResponse.status_details)."""
    if _status(event) != "failed" or not isinstance(event, Mapping):
        return None
    details = event["response"].get("status_details")
    error = details.get("error") if isinstance(details, Mapping) else None
    told = error if isinstance(error, Mapping) else {}
    texts = {name: value for name in ("type", "code", "message") if isinstance(value := told.get(name), str)}
    return ApiError(**texts)


def _state(told: Told) -> str:
    state, took = told.text("state") or "not reached", told.took
    return f"{state} after {took}" if took else state


def _has_looked(peer: PeerTrace) -> bool:
    """Whether the browser has come to the end of looking for candidates of its own."""
    return any((of, state) == ("iceGatheringState", "complete") for _, of, state in peer.states)


def _is_through(here: PeerTrace | None) -> bool:
    return here is not None and "ice" in here.phases_ms


def _phase(here: PeerTrace | None, name: str) -> str:
    return f"{here.phases_ms[name]:.0f} ms" if here else ""


def _silent(peer: PeerTrace | None) -> bool:
    """Whether checks were sent and not one of them was answered, nor one came."""
    pairs = peer.pairs if peer else ()
    return any(pair.sent for pair in pairs) and not any(pair.received or pair.answered or pair.asked for pair in pairs)
