"""Would ICE over TCP carry it? One check to a passive candidate (RFC 6544), signed, in a frame of RFC 4571.

aioice has no ICE over TCP, a browser has: where this check is answered, a browser gets through. Where it is not, a frame that is no
STUN shows who is silent: pion ends a connection that begins so, and drops what is only signed otherwise (pion/ice tcp_mux.go).
"""

from __future__ import annotations

import asyncio
import secrets
import struct
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rtdiag.model import TcpCheck
from rtdiag.transport.candidates import Candidate, shown

if TYPE_CHECKING:
    from aioice.stun import Message

LIMIT_S = 2.0
_NO_STUN = struct.pack("!H", 100) + b"\xff" * 100  # as long as a check
MOST = 6  # at once; an answer that names more is asked at the first
_LENGTH = struct.Struct("!H")
_PRIORITY = 90 << 24 | 0xFFFF << 8 | 0xFF  # a peer-reflexive candidate over TCP (RFC 6544 section 4.2)


@dataclass(frozen=True)
class Credentials:
    """The ICE fragments of both sides, and the password of the other, with which checks to it are signed."""

    ours: str
    theirs: str
    password: str


async def checks(found: Iterable[Candidate], signed: Credentials, limit_s: float = LIMIT_S) -> tuple[TcpCheck, ...]:
    """What each passive TCP candidate makes of a check, all asked at once, in `limit_s`."""
    passive = [one for one in dict.fromkeys(found) if one.protocol == "tcp" and one.passive and not one.named][:MOST]
    return tuple(await asyncio.gather(*(_told_apart(one, signed, limit_s) for one in passive)))


async def _told_apart(candidate: Candidate, signed: Credentials, limit_s: float) -> TcpCheck:
    """What it makes of a check, beside what it makes of a frame that is none: `ignored` is silence to the check alone."""
    found, ends = await asyncio.gather(_check(candidate, signed, limit_s), _ends_nonsense(candidate, limit_s))
    return replace(found, outcome="ignored") if ends and found.outcome == "connected" else found


async def _ends_nonsense(candidate: Candidate, limit_s: float) -> bool:
    """Whether it ends a connection that begins with a frame that is no STUN."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(limit_s):
            reader, writer = await asyncio.open_connection(*candidate.address)
            writer.write(_NO_STUN)
            return not await reader.read(1)
    except ConnectionError:
        return writer is not None
    except (OSError, ValueError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()


async def _check(candidate: Candidate, signed: Credentials, limit_s: float) -> TcpCheck:
    began_s, connected, outcome = time.perf_counter(), False, ""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(limit_s):
            reader, writer = await asyncio.open_connection(*candidate.address)
            connected = True
            outcome = await _asked(reader, writer, signed)
    except TimeoutError:
        outcome = "connected" if connected else "dropped"
    except (EOFError, ConnectionResetError, BrokenPipeError):
        outcome = "closed"
    except ConnectionRefusedError:
        outcome = "refused"
    except PermissionError:
        outcome = "refused here"
    except (OSError, ValueError):
        outcome = "closed" if connected else "rejected"
    finally:
        if writer is not None:
            with suppress(Exception):
                writer.transport.abort()
    return TcpCheck(f"tcp {candidate.kind} {shown(candidate.address)}", outcome, _ms_since(began_s))


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, signed: Credentials) -> str:
    """Send the check and wait for what answers it: `answered`, or the code of its refusal."""
    asked = request(signed)
    raw = bytes(asked)
    writer.write(_LENGTH.pack(len(raw)) + raw)
    while True:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if outcome := _answer(await reader.readexactly(length), asked, signed):
            return outcome


def _answer(frame: bytes, asked: Message, signed: Credentials) -> str | None:
    """What a frame says to the request; None for one that is no answer to it, or is not signed."""
    from aioice import stun

    try:
        message = stun.parse_message(frame)
    except (ValueError, struct.error):
        return None
    if message.transaction_id != asked.transaction_id:
        return None
    if message.message_class == stun.Class.ERROR:
        return f"stun {message.error_code or 'error'}"
    return "answered" if message.check_message_integrity(signed.password.encode()) else None


def request(signed: Credentials) -> Message:
    """A check, signed as the answer wants it."""
    from aioice import stun

    made = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    made.attributes["USERNAME"] = f"{signed.theirs}:{signed.ours}"
    made.attributes["PRIORITY"] = _PRIORITY
    made.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
    made.add_message_integrity(signed.password.encode())
    return made


def _ms_since(began_s: float) -> float:
    return round((time.perf_counter() - began_s) * 1000, 1)
