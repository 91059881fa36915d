"""The text of an SDP answer: aiortc's, rewritten as the API writes its own, and what faults do to it. Pure.

Habits kept (capture of 2026-04-27, record 52873890257): ice-lite, one sha-256 fingerprint at session level, the ICE fragment on
each candidate, no end-of-candidates since GA (webrtchacks.com, 2025-09-23), the channel in its modern form whatever the offer's.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rtdiag.api.endpoints import Dialect

_DIRECTION = re.compile(r"^a=(?:sendrecv|sendonly|recvonly|inactive)\r\n", re.MULTILINE)
_BUNDLE = re.compile(r"^a=group:BUNDLE(.*)\r$", re.MULTILINE)
_MID = re.compile(r"^a=mid:(\S+)", re.MULTILINE)
_END = "a=end-of-candidates\r\n"
_CANDIDATE = re.compile(r"^a=candidate:.*\r\n", re.MULTILINE)
_CANDIDATE_ADDRESS = re.compile(r"^(a=candidate:\S+ \d+ udp \d+) (\S+) \d+ ", re.MULTILINE)
_FINGERPRINT = re.compile(r"^a=fingerprint:.*\r\n", re.MULTILINE)
_SHA_256 = re.compile(r"^a=fingerprint:sha-256 .*\r\n", re.MULTILINE)
_FIRST_BYTE = re.compile(r"^(a=fingerprint:\S+ )([0-9A-F]{2})", re.MULTILINE)
_UFRAG = re.compile(r"^a=ice-ufrag:(\S+)", re.MULTILINE)
_OLD_CHANNEL = re.compile(r"^(m=application \d+) DTLS/SCTP (\d+)\r\n", re.MULTILINE)
_SCTPMAP = re.compile(r"^a=sctpmap:(\d+) .*\r\n", re.MULTILINE)


def as_the_api_writes(answer: str, dialect: Dialect, *, ice_lite: bool) -> str:
    """aiortc's answer with the habits of the API."""
    if dialect == "ga":
        answer = answer.replace(_END, "")
    lite = "a=ice-lite\r\n" if ice_lite else ""
    session_level = f"{''.join(_SHA_256.findall(answer)[:1])}{lite}a=group:BUNDLE"
    answer = _FINGERPRINT.sub("", answer).replace("a=group:BUNDLE", session_level, 1)
    answer = _OLD_CHANNEL.sub(r"\1 UDP/DTLS/SCTP webrtc-datachannel\r\n", answer)
    answer = _SCTPMAP.sub(r"a=sctp-port:\1\r\n", answer)
    if found := _UFRAG.search(answer):
        answer = _CANDIDATE.sub(lambda line: f"{line[0].rstrip()} ufrag {found[1]}\r\n", answer)
    return answer


def begun_by_the_client(offer: str) -> str:
    """The offer as if it left no choice of who begins DTLS: aiortc answers `actpass` by beginning itself."""
    return offer.replace("a=setup:actpass", "a=setup:active")


def with_directions(offer: str) -> str:
    """The offer with `sendrecv` wherever it says no direction, as RFC 8866 6.7 reads it and aiortc does not."""
    session, *sections = re.split(r"(?m)^(?=m=)", offer)
    found = _DIRECTION.search(session)
    default = found[0] if found else "a=sendrecv\r\n"
    return session + "".join(
        s if _DIRECTION.search(s) or s.startswith("m=application") else s + default for s in sections
    )


def bundles_what_is_there(offer: str) -> bool:
    """Whether every section has one mid of its own, and a BUNDLE group, if any, names no other."""
    groups = _BUNDLE.findall(offer)
    mids = [_MID.findall(section) for section in re.split(r"(?m)^(?=m=)", offer)[1:]]
    own = {found[0] for found in mids if len(found) == 1}
    return not groups or (len(own) == len(mids) and {mid for group in groups for mid in group.split()} <= own)


def with_another_fingerprint(answer: str) -> str:
    """The answer as if it came from another certificate."""
    return _FIRST_BYTE.sub(lambda found: f"{found[1]}{int(found[2], 16) ^ 0xFF:02X}", answer)


def without_candidates(sdp: str) -> str:
    """An offer or answer as if it trickled.

    The end-of-candidates goes too: with it and no candidate aioice fails at once and forgets its own candidates.
    """
    return _CANDIDATE.sub("", sdp).replace(_END, "")


def at_other_ports(answer: str, port_at: Callable[[str], int]) -> str:
    """The answer with the port that `port_at` gives for each candidate's address."""
    return _CANDIDATE_ADDRESS.sub(lambda found: f"{found[1]} {found[2]} {port_at(found[2])} ", answer)
