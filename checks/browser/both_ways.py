"""What the command line has of its own to hold a page's answers against: it stands in the same evidence, beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rtdiag.checks.browser.page_facts import kept_from_pages
from rtdiag.model import Exchange, Observation, PeerTrace
from rtdiag.transport.recorder import Recorder

_OF_THE_SESSION = ("ice", "dtls", "channel", "created", "pair")
_A_SESSION = re.compile(r"p\d+-realtime")
_SWITCHED = 101
_A_SOCKET = re.compile(r"w\d+-model-(?:subprotocol|token|key)")


@dataclass(frozen=True)
class CommandLine:
    """What it has got of this server until now, each None where it has not asked: any answer, the answer to its offer of a session
    and to one that cannot be taken, that session, and the upgrade of a socket with a token as sub-protocol, where there is none of
    one that was refused before: none is asked for then.
    """

    any: Exchange | None = None
    offer: Exchange | None = None
    refused_offer: Exchange | None = None
    session: PeerTrace | None = None
    upgrade: Exchange | None = None

    @classmethod
    def of(cls, recorder: Recorder, base_url: str) -> CommandLine:
        """All that this recorder has of it."""
        exchanges = [x for x in recorder.exchanges if not x.by and x.url.startswith(base_url)]
        by_id = {x.id: x for x in recorder.exchanges}
        peers = [peer for peer in recorder.peers.values() if not peer.by]
        sessions = [peer for peer in peers if _A_SESSION.fullmatch(peer.id)]
        session = max(sessions, key=lambda peer: len(peer.phases_ms), default=None)
        sockets = [(by_id.get(peer.offered_in or ""), peer.id) for peer in peers if _A_SOCKET.fullmatch(peer.id)]
        refused = next((x for x, _ in sockets if x is not None and x.status != _SWITCHED), None)
        upgrade = next((x for x, name in sockets if name.endswith("subprotocol")), refused)
        answered = [x for x in exchanges if x.status is not None]
        return cls(
            next(reversed(answered or exchanges), None),
            by_id.get(session.offered_in or "") if session else None,
            next((x for x in reversed(answered) if x.method == "POST" and _is_an_offer(x)), None),
            session,
            upgrade,
        )

    def beside(self, seen: Observation) -> Observation:
        """The same with what the command line got for the like of it; what says why comes last, and the page is never told why."""
        ours = self._like(seen.case)
        if ours is not None:
            last = ours.status is None or kept_from_pages(ours)
            seen = replace(seen, exchanges=(*seen.exchanges, ours) if last else (ours, *seen.exchanges))
        if self.session is not None and seen.case in _OF_THE_SESSION:
            seen = replace(seen, peers=(self.session, *seen.peers))
        return seen

    def _like(self, case: str) -> Exchange | None:
        if case == "reached":
            return self.any
        if case in ("answer", "location"):
            return self.offer
        if case == "websocket":
            return self.upgrade
        return self.refused_offer if case == "cors-offer" else None


def _is_an_offer(exchange: Exchange) -> bool:
    return any(name.lower() == "content-type" and "sdp" in value for name, value in exchange.request_headers)
