"""The answer, line by line, as recorded ones are (pydantic/pydantic-ai @ 4fda389 tests/realtime/cassettes/test_webrtc)."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from itertools import zip_longest

import pytest
from aiortc import AudioStreamTrack

from rtdiag.emulator import Emulator
from rtdiag.emulator.media.sdp_answer import as_the_api_writes
from tests.emulator.clients import SESSIONS, bearer, call, ga_token, http, peer

# In the order of 2026-09-29. The candidates are this machine's: two lines for each of its addresses.
FORM = r"""
v=0
o=- \d{10,19} \d{10} IN IP4 0\.0\.0\.0
s=-
t=0 0
a=msid-semantic:WMS \*
a=fingerprint:sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}
a=ice-lite
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 96 0 8
c=IN IP4 0\.0\.0\.0
a=setup:passive
a=mid:0
a=ice-ufrag:\w{6}/u[012]/\w{6}
a=ice-pwd:[A-Za-z0-9]{32}
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 opus/48000/2
a=fmtp:96 minptime=10;useinbandfec=1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=ssrc:\d+ cname:realtimeapi
a=ssrc:\d+ msid:realtimeapi audio
a=ssrc:\d+ mslabel:realtimeapi
a=ssrc:\d+ label:audio
a=msid:realtimeapi audio
a=sendrecv
a=candidate:\d+ 1 udp 2130706431 \S+ \d+ typ host ufrag \w{6}/u[012]/\w{6}
a=candidate:\d+ 1 tcp 1671430143 \S+ \d+ typ host tcptype passive ufrag \w{6}/u[012]/\w{6}
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0\.0\.0\.0
a=setup:passive
a=mid:1
a=sendrecv
a=sctp-port:5000
a=max-message-size:1073741823
a=ice-ufrag:\w{6}/u[012]/\w{6}
a=ice-pwd:[A-Za-z0-9]{32}
""".strip().split("\n")

# What aiortc answers where the sections are not bundled: each has its own transport.
APART = """\
v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=msid:x audio
a=ssrc:7 cname:x
a=rtpmap:111 opus/48000/2
a=candidate:0000000aaaaaaaaaaaaaaaaaaaaaaaaa 1 udp 1 192.0.2.1 1001 typ host
a=ice-ufrag:same
m=application 9 DTLS/SCTP 5000
a=mid:1
a=sctpmap:5000 webrtc-datachannel 65535
a=candidate:0000000aaaaaaaaaaaaaaaaaaaaaaaaa 1 udp 1 192.0.2.1 1002 typ host
a=ice-ufrag:same
"""


def answered(as_of: date | None = None) -> list[str]:
    """The lines of the answer to aiortc's own offer, its candidates as one; the session opens with it."""

    async def run() -> str:
        async with Emulator(as_of=as_of) as emulator, call(emulator, SESSIONS["realtime"], AudioStreamTrack()) as made:
            await made.event()
            return made.answer_sdp

    answer = asyncio.run(run())
    assert answer.endswith("\r\n")
    return re.sub(r"(a=candidate:.* udp .*\r\n(?:a=candidate:.* tcp .*\r\n)?)+", r"\1", answer).split("\r\n")[:-1]


def test_each_line_is_as_recorded() -> None:
    for line, form in zip_longest(answered(), FORM, fillvalue=""):
        assert re.fullmatch(form, line), (form, line)


@pytest.mark.parametrize(
    ("as_of", "other"),
    [
        (date(2026, 7, 24), {"a=setup:passive": "a=setup:active"}),
        (date(2026, 1, 25), {"a=setup:passive": "a=setup:active", "a=ice-lite": None}),
    ],
)
def test_earlier_days_differ_as_recorded(as_of: date, other: dict[str, str | None]) -> None:
    forms = [form for line in FORM if (form := other.get(line, line))]
    for line, form in zip_longest(answered(as_of), forms, fillvalue=""):
        assert re.fullmatch(form, line), (form, line)


@pytest.mark.parametrize(("dialect", "ends"), [("ga", 0), ("beta", 2)])
def test_a_section_of_its_own_keeps_its_candidates(dialect: str, ends: int) -> None:
    answer = as_the_api_writes(APART.replace("\n", "\r\n"), dialect, ice_lite=False, ends=False, now_s=5.9)  # type: ignore[arg-type]
    assert re.findall(r"a=candidate:(.*)\r", answer) == [
        f"10 1 udp 1 192.0.2.1 {port} typ host ufrag same" for port in (1001, 1002)
    ]
    assert answer.count("a=end-of-candidates\r\n") == ends
    assert "a=sctp-port:5000\r\n" in answer
    assert re.search(r"^o=- \d+ 5 IN", answer, re.MULTILINE)


def test_of_what_is_offered_twice_nothing_more_is_answered() -> None:
    async def run() -> str:
        async with Emulator() as emulator, http(emulator) as client, peer() as made:
            made.pc.addTransceiver("audio")
            headers = bearer(await ga_token(client, emulator, SESSIONS["realtime"]), "application/sdp")
            offer = await made.offer()
            assert offer.count("G722/8000") == offer.count("ssrc-audio-level") == 2
            return (await client.post("/realtime/calls", headers=headers, content=offer)).text

    answer = asyncio.run(run())
    assert re.findall(r"(?m)^m=(\w+)|(G722|a=extmap)", answer) == [("audio", ""), ("audio", ""), ("application", "")]
    assert "a=candidate:" not in answer.split("m=audio")[2], "bundled with the first"
