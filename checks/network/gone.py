"""One step of the way as it was gone, and the words that several judges have for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from rtdiag.api.endpoints import OFFICIAL_HOSTS
from rtdiag.model import Finding, Observation
from rtdiag.network.way import Dial, Lookup, Way

# What a way that ends shows, in the words that the signs of the catalogue look at, and what to do.
Told = tuple[str, str]

NO_HTTP = "what answers speaks no HTTP"
_BEHIND = ("tls", "certificate")  # what lies behind a proxy, where there is one


@dataclass(frozen=True)
class Gone:
    """One case: the way as far as the case is about it, and whether the first request got an answer all the same."""

    case: str
    way: Way
    answered: bool
    official: bool

    def ends(self, measured: str, told: Told, expected: str = "") -> Finding:
        """The finding of a way that ends here; where a request was answered all the same it is only said."""
        observed, hint = told
        if self.way.proxied and self.case in _BEHIND:
            measured = f"{self.way.route}: {measured}"
        if self.answered:
            hint = "the first request was answered all the same"
            return Finding(self.case, "info", measured, expected, hint=hint)
        return Finding(self.case, "inconclusive", measured, expected, (observed,), hint)


def gone(case: str, seen: Observation, official: bool) -> Gone:
    """That case, by what was observed for it; `official`: it is OpenAI's own server that is asked."""
    way = msgspec.convert(seen.facts["way"], Way)
    return Gone(case, way, bool(seen.facts.get("answered")), official and way.host in OFFICIAL_HOSTS)


CONNECT: Mapping[str, Told] = {
    "rejected": (
        "a firewall rejects the connection",
        "it is no fault of the server's: let this machine out to that address and port, or use the proxy that this network has",
    ),
    "refused-here": (
        "this machine's own firewall forbids it",
        "the rule is on this machine, or in its container: let the program out to that address and port",
    ),
    "refused": (
        "the port is closed",
        "the machine is there and nothing listens at that port: look at the port, and whether the server runs",
    ),
    "reset": (
        "connections are reset as they begin",
        "something ends them before a word was said: a firewall or a load balancer before the server",
    ),
    "dropped": (
        "packets to the server are dropped",
        "nothing came back: a firewall drops them, or a proxy has to be used here (HTTPS_PROXY), or a VPN is missing",
    ),
    "no-route": (
        "there is no route to the server",
        "this machine has no network, or none that leads there: look at `ip route`, Wi-Fi, VPN, the container's network",
    ),
}


def worst(dials: tuple[Dial, ...]) -> str:
    """What says most of why no address takes a connection: the firewall before the closed port before silence."""
    failures = {dial.failure for dial in dials}
    return next((one for one in CONNECT if one in failures), "")


def lookups(lookups: tuple[Lookup, ...]) -> str:
    """`10.13.0.1 in 3 ms; IPv6: no address`."""
    return "; ".join(map(_lookup, lookups))


def _lookup(lookup: Lookup) -> str:
    if lookup.addresses:
        return f"{', '.join(lookup.addresses)} in {lookup.took_ms:.0f} ms"
    why = {"unknown": "no such name", "none": "no address", "fails": lookup.detail or "an error"}
    why["unasked"] = f"no such name here, and {lookup.detail}"
    silent = f"no answer within {lookup.took_ms / 1000:.1f} s" + f" ({lookup.detail})" * bool(lookup.detail)
    return f"IPv{lookup.family}: {why.get(lookup.failure, silent)}"


def dials(dials: tuple[Dial, ...] | list[Dial]) -> str:
    """`10.13.0.1:443 in 3 ms; [fd13::1]:443: refused`."""
    return "; ".join(map(_dial, dials))


def _dial(dial: Dial) -> str:
    place = f"[{dial.address}]:{dial.port}" if ":" in dial.address else f"{dial.address}:{dial.port}"
    if not dial.failure:
        return f"{place} in {dial.took_ms:.0f} ms"
    if dial.failure == "dropped":
        return f"{place}: nothing came back in {dial.took_ms / 1000:.1f} s"
    return f"{place}: {dial.failure}{f' by {dial.by}' if dial.by else ''}{f' ({dial.detail})' if dial.detail else ''}"
