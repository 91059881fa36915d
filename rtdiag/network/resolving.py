"""A name becomes addresses: both families are asked for at once and told apart, which a request's one look-up does not."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from itertools import chain, zip_longest

from rtdiag.network.name_servers import KNOWS, heard
from rtdiag.network.way import Family, Lookup
from rtdiag.transport import names

_FAMILIES: dict[Family, socket.AddressFamily] = {6: socket.AF_INET6, 4: socket.AF_INET}
# The errors of getaddrinfo that speak of the name; all others are the name servers'. Not every system has every one.
_UNKNOWN = {socket.EAI_NONAME}
_NONE = {getattr(socket, name, None) for name in ("EAI_NODATA", "EAI_ADDRFAMILY")}


async def look_up(host: str, port: int, within_s: float) -> tuple[Lookup, ...]:
    """What the name servers say of each family; a literal address is one Lookup, and nobody is asked."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return _evened(await asyncio.gather(*(_asked(host, port, family, within_s) for family in _FAMILIES)))
    return (Lookup(6 if address.version == 6 else 4, (host,)),)


def in_order(lookups: Sequence[Lookup]) -> list[str]:
    """The addresses as clients try them, RFC 8305 section 4: the families in turn, IPv6 first."""
    six, four = (next((one.addresses for one in lookups if one.family == family), ()) for family in (6, 4))
    return [address for address in chain.from_iterable(zip_longest(six, four)) if address]


async def _asked(host: str, port: int, family: Family, within_s: float) -> Lookup:
    names.watching.set(None)  # a request that looks the same name up has its own time
    began = time.perf_counter()
    try:
        async with asyncio.timeout(within_s):
            found = await names.addresses(
                asyncio.get_running_loop(), host, port, family=_FAMILIES[family], type=socket.SOCK_STREAM
            )
    except TimeoutError:
        took_ms = _since(began)
        answers, told = await heard(host, family, within_s)
        return Lookup(family, (), took_ms, "late" if answers else "silent", told)
    except (OSError, UnicodeError) as exc:
        return await _failed(host, family, _since(began), exc)
    return Lookup(family, tuple(dict.fromkeys(str(where[0]) for *_, where in found)), _since(began))


async def _failed(host: str, family: Family, took_ms: float, exc: Exception) -> Lookup:
    number = exc.args[0]
    detail = getattr(exc, "strerror", None) or str(exc)
    if isinstance(exc, UnicodeError):
        return Lookup(family, (), took_ms, "unknown", detail)
    if number in _UNKNOWN:
        _, told = await heard(host, family)
        unasked = KNOWS in told
        return Lookup(family, (), took_ms, "unasked" if unasked else "unknown", told if unasked else detail)
    if number in _NONE:
        return Lookup(family, (), took_ms, "none", detail)
    answers, told = await heard(host, family)
    return Lookup(family, (), took_ms, "fails" if answers else "silent", told)


def _evened(lookups: Sequence[Lookup]) -> tuple[Lookup, ...]:
    """A name that has addresses is known, whatever a system says of the other family: some have one error for both."""
    known = any(one.addresses or one.failure == "none" for one in lookups)
    return tuple(replace(one, failure="none") if known and one.failure == "unknown" else one for one in lookups)


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
