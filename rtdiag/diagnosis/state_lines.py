"""States of a peer connection as pages, libraries and people print them, one a line: what became of it in the end."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.printed import straight

_GOOD = frozenset({"connected", "completed", "complete", "open", "stable", "live"})
_STATE = expression(
    r"""(?P<of> ice(?:[ _]?gathering)? | data[ _-]?channel | \bdc | oai-events | dtls | signall?ing | peer | connection | \bpc )
        (?:[ _]?connection)? [^\n]{0,80}?
        \b(?P<state> new | checking | connecting | connected | completed? | gathering | have-(?:local|remote)-offer | stable | open
        | live | disconnected | failed | closed ) \b [\W_]{0,12} (?:\([^)\n]{0,80}\)?\s{0,4})? \Z""",
    re.I | re.X,
)
_NOT = expression(r"(?i)\b(?:not?|never|without|un\w+ble|until|before|if|when|why)\b|n't\b|\?")
_SAME = {
    "dc": "data channel",
    "datachannel": "data channel",
    "oai events": "data channel",
    "pc": "peer",
    "connection": "peer",
}


def state_in(line: str) -> tuple[str, str] | None:
    """What a line tells the state of (ice, ice gathering, dtls, peer, data channel), and the state, in small letters."""
    found = _STATE.search(straight(line)) if len(line) < 400 else None
    if not found or _NOT.search(line):
        return None
    of = re.sub(r"[ _-]+", " ", found["of"].lower())
    return _SAME.get(of, of), found["state"].lower()


def came_through(states: Iterable[tuple[str, str]]) -> bool:
    """Whether ICE or the connection stood in the end, and all else that is told of; to be closed after that is no failure."""
    last: dict[str, str] = {}
    for of, state in states:
        if state != "closed" or last.get(of) not in _GOOD:
            last[of] = state
    return last.get("ice", last.get("peer")) in _GOOD and _GOOD.issuperset(last.values())
