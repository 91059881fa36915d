"""The table: every road that is broken, how, and what a run must say of it, or must not. A module holds the roads of its rows."""

from __future__ import annotations

from tests.network.kinds import Scenario
from tests.network.scenarios import answers, clocks, links, media, mid_run, names, proxies, relays, sockets, tcp, tls

GROUPS: dict[str, tuple[Scenario, ...]] = {
    "Nothing, distance and loss": links.ROWS,
    "Names": names.ROWS,
    "Connections": tcp.ROWS,
    "TLS and certificates": tls.ROWS,
    "Proxies": proxies.ROWS,
    "Captive portals": answers.CAPTIVE,
    "Servers and gateways": answers.SERVERS,
    "Base URLs": answers.BASE_URLS,
    "WebSockets": sockets.ROWS,
    "Media": media.ROWS,
    "STUN and TURN": relays.ROWS,
    "Clocks": clocks.ROWS,
    "In mid-run": mid_run.ROWS,
}
# What takes longest comes first, so that nobody waits for it alone at the end.
_FIRST = ("In mid-run", "Media", "STUN and TURN")
SCENARIOS = tuple(row for title in (*_FIRST, *(t for t in GROUPS if t not in _FIRST)) for row in GROUPS[title])
