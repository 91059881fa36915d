"""The text of an SDP answer: aiortc's, rewritten as the API writes its own, and what faults do to it.

Its lines and their order: pydantic/pydantic-ai @ 4fda389 tests/realtime/cassettes/test_webrtc (2026-07-22 to 2026-09-29, all
alike); for older days they are assumed. The beta alone says where the candidates end (webrtchacks.com, 2025-09-23).
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rtdiag.api.endpoints import Dialect
from rtdiag.api.expressions import expression

STREAM_ID, TRACK_ID = "realtimeapi", "audio"
NO_PORTS: Mapping[str, int] = MappingProxyType({})
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_DIRECTION = expression(rf"^a=(?:{'|'.join(_DIRECTIONS)})\r\n", re.MULTILINE)
_BUNDLE = expression(r"^a=group:BUNDLE(.*)\r$", re.MULTILINE)
_MID = expression(r"^a=mid:(\S+)", re.MULTILINE)
_END = "a=end-of-candidates\r\n"
_SETUP = expression(r"a=setup:\w+\r\n")
_CANDIDATE = expression(r"^a=candidate:.*\r\n", re.MULTILINE)
_UDP = expression(r"^a=candidate:\S+ \d+ udp .*\r\n", re.MULTILINE)
_PLACE = expression(r"^(a=candidate:\S+ \d+ (udp|tcp) \d+) (\S+) (\d+) ", re.MULTILINE)
_PASSWORD = expression(r"^(a=ice-pwd:).*\r", re.MULTILINE)
_FIRST_BYTE = expression(r"^(a=fingerprint:\S+ )([0-9A-F]{2})", re.MULTILINE)
_REGION = expression(r"sess_(u\d)_")
_OPUS = expression(r"a=rtpmap:(\d+) opus/48000/2")


def ice_credentials(session_id: str, machine: str | None = None) -> tuple[str, str]:
    """A fragment and a password in the form of the API's; or of a server whose fragment names that machine.

    The API's names the region that the ids of call and session name (recorded three times, 2026-07-22 to 2026-09-29).
    """
    found = _REGION.match(session_id)
    region = found[1] if found else "u1"
    return f"{_letters(8)}/{machine}" if machine else f"{_letters(6)}/{region}/{_letters(6)}", _letters(32)


def as_the_api_writes(
    answer: str, dialect: Dialect, *, ice_lite: bool, ends: bool, now_s: float, tcp_ports: Mapping[str, int] = NO_PORTS
) -> str:
    """aiortc's answer in the lines of the API; `ends`: it says that there are no more candidates; `now_s` is Unix time.

    `tcp_ports`: by address, where ICE is taken over TCP, too. What a line says is true of aiortc, too: it parses RTCP of any size,
    and bounds no message that comes in.
    """
    session, *sections = (_Section(part.splitlines()) for part in _parts(answer))
    lines = ["v=0", f"o=- {secrets.randbits(62)} {int(now_s)} IN IP4 0.0.0.0", "s=-", "t=0 0", "a=msid-semantic:WMS *"]
    lines += [line for line in sections[0].of("fingerprint") if "sha-256 " in line]
    lines += [*(["a=ice-lite"] if ice_lite else []), *session.of("group")]
    told: list[str] = []
    for section in sections:
        lines += section.channel() if section.kind == "application" else section.media()
        candidates = section.candidates()
        if candidates != told:  # a bundled section has those of the first
            lines += candidates if told else _also_over_tcp(candidates, tcp_ports)
            lines += ["a=end-of-candidates"] if ends or dialect == "beta" else []
        told = candidates
    return "".join(f"{line}\r\n" for line in lines)


class _Section:
    """One section of aiortc's answer, or what stands before the first, and what the API makes of it."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self.kind, *self._said = lines[0].removeprefix("m=").split(" ", 3)

    def of(self, *names: str) -> list[str]:
        """The lines of these attributes."""
        return [line for line in self._lines if line[2:].partition(":")[0] in names]

    def media(self) -> list[str]:
        """Audio or video."""
        return [
            f"m={self.kind} 9 {self._said[1]} {self._said[2]}",
            *self._connection(),
            *self._credentials(),
            "a=rtcp-mux",
            "a=rtcp-rsize",
            *(line for codec in self.of("rtpmap", "fmtp", "rtcp-fb") for line in _with_format(codec)),
            *self.of("extmap"),
            *(self._sound() if self.kind == "audio" else []),
            *self.of(*_DIRECTIONS),
        ]

    def channel(self) -> list[str]:
        """The data channel, in its modern form whatever the offer's."""
        port = self.of("sctp-port", "sctpmap")[0].partition(":")[2].partition(" ")[0]
        return [
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            *self._connection(),
            "a=sendrecv",
            f"a=sctp-port:{port}",
            "a=max-message-size:1073741823",
            *self._credentials(),
        ]

    def candidates(self) -> list[str]:
        """Each with the ICE fragment. aioice's foundation has 32 hexadecimal digits, the API's is a number of 32 bits."""
        fragment = self.of("ice-ufrag")[0].partition(":")[2]
        places = (line.removeprefix("a=candidate:").partition(" ") for line in self.of("candidate"))
        return [f"a=candidate:{int(found[:8], 16)} {place} ufrag {fragment}" for found, _, place in places]

    def _connection(self) -> list[str]:
        return ["c=IN IP4 0.0.0.0", *self.of("setup"), *self.of("mid")]

    def _credentials(self) -> list[str]:
        return [*self.of("ice-ufrag"), *self.of("ice-pwd")]

    def _sound(self) -> list[str]:
        ssrc = self.of("ssrc")[0].partition(" ")[0]
        named = {"cname": STREAM_ID, "msid": f"{STREAM_ID} {TRACK_ID}", "mslabel": STREAM_ID, "label": TRACK_ID}
        return [*(f"{ssrc} {name}:{value}" for name, value in named.items()), f"a=msid:{named['msid']}"]


def _also_over_tcp(candidates: list[str], ports: Mapping[str, int]) -> list[str]:
    """Behind each the one at the same address over TCP, as recorded."""
    from rtdiag.emulator.media import over_tcp

    both = []
    for candidate in candidates:
        *_, address, _, _, _, _, fragment = candidate.split(" ")
        number = int(over_tcp.foundation(address)[:8], 16)
        tcp = f"a=candidate:{number} 1 tcp {over_tcp.PRIORITY} {address} {ports.get(address)} typ host tcptype passive"
        both += [candidate, f"{tcp} ufrag {fragment}"] if address in ports else [candidate]
    return both


def _with_format(line: str) -> list[str]:
    opus = _OPUS.match(line)
    return [line, f"a=fmtp:{opus[1]} minptime=10;useinbandfec=1"] if opus else [line]


def _parts(sdp: str) -> list[str]:
    """What stands before the first section, and the sections."""
    return re.split(r"(?m)^(?=m=)", sdp)


def _letters(count: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(count))


def begun_by_the_client(offer: str) -> str:
    """The offer as if it left no choice of who begins DTLS: aiortc answers `actpass` by beginning itself."""
    return offer.replace("a=setup:actpass", "a=setup:active")


def with_directions(offer: str) -> str:
    """The offer with `sendrecv` wherever it says no direction, as RFC 8866 6.7 reads it and aiortc does not."""
    session, *sections = _parts(offer)
    found = _DIRECTION.search(session)
    default = found[0] if found else "a=sendrecv\r\n"
    return session + "".join(
        s if _DIRECTION.search(s) or s.startswith("m=application") else s + default for s in sections
    )


def bundles_what_is_there(offer: str) -> bool:
    """Whether every section has one mid of its own, and a BUNDLE group, if any, names no other."""
    groups = _BUNDLE.findall(offer)
    mids = [_MID.findall(section) for section in _parts(offer)[1:]]
    own = {found[0] for found in mids if len(found) == 1}
    return not groups or (len(own) == len(mids) and {mid for group in groups for mid in group.split()} <= own)


def with_another_fingerprint(answer: str) -> str:
    """The answer as if it came from another certificate."""
    return _FIRST_BYTE.sub(lambda found: f"{found[1]}{int(found[2], 16) ^ 0xFF:02X}", answer)


def without_setup(answer: str) -> str:
    """The answer as if it did not say who begins DTLS, as it must (RFC 5763 5)."""
    return _SETUP.sub("", answer)


def without_candidates(sdp: str) -> str:
    """An offer or answer as if it trickled.

    The end-of-candidates goes too: with it and no candidate aioice fails at once and forgets its own candidates.
    """
    return _CANDIDATE.sub("", sdp).replace(_END, "")


def without_udp(answer: str) -> str:
    """The answer with the candidates over TCP alone."""
    return _UDP.sub("", answer)


def at_other_places(answer: str, place: Callable[[str, str, int], tuple[str, int]]) -> str:
    """The answer with the address and port that `place` gives for each candidate's `udp` or `tcp`, address and port."""

    def moved(found: re.Match[str]) -> str:
        address, port = place(found[2], found[3], int(found[4]))
        return f"{found[1]} {address} {port} "

    return _PLACE.sub(moved, answer)


def with_another_password(answer: str) -> str:
    """The answer as if its ICE password were another session's."""
    return _PASSWORD.sub(lambda found: f"{found[1]}{_letters(32)}\r", answer)
