"""What each name server of this machine says itself: getaddrinfo has one error for all that goes wrong with them."""

from __future__ import annotations

import asyncio
import os
import socket

from rtdiag.network.way import Family

KNOWS = "knows an address"
_MOST = 3  # as resolv.conf(5) has it
_WAIT_S = 1.0
_PORT = 53
_ANSWER_BYTES = 4096


async def heard(host: str, family: Family, within_s: float = _WAIT_S) -> tuple[bool, str]:
    """Whether any of them answers at all, soon, and what is to be told of that: `10.0.0.53 answers SERVFAIL`."""
    servers = known()
    said = await asyncio.gather(*(_asked(server, host, family, min(within_s, _WAIT_S)) for server in servers))
    told = [f"{server} {what}" for server, (_, what) in zip(servers, said, strict=True)]
    return any(answers for answers, _ in said), ", ".join(told) or "this machine has no name server"


def known() -> list[str]:
    """Their addresses."""
    import dns.exception
    import dns.resolver

    try:
        return [str(server) for server in dns.resolver.Resolver().nameservers[:_MOST]]
    except dns.exception.DNSException:
        return []


async def _asked(server: str, host: str, family: Family, within_s: float) -> tuple[bool, str]:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rcode

    loop = asyncio.get_running_loop()
    try:
        with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            async with asyncio.timeout(within_s):
                await loop.sock_connect(line, (server, _PORT))
                await loop.sock_sendall(line, dns.message.make_query(host, "A" if family == 4 else "AAAA").to_wire())
                answer = dns.message.from_wire(await loop.sock_recv(line, _ANSWER_BYTES))
    except TimeoutError:
        return False, "does not answer"
    except OSError as exc:
        return False, f"is not reached: {os.strerror(exc.errno) if exc.errno else exc}"
    except (dns.exception.DNSException, ValueError):
        return True, "answers with what is no DNS"
    if answer.flags & dns.flags.TC:
        return True, "answers in part, and the whole over TCP port 53 does not come"
    return True, KNOWS if answer.answer else f"answers {dns.rcode.to_text(answer.rcode())}"
