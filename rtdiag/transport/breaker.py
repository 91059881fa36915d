"""A circuit breaker: a host whose network has failed three times in a row is asked once more, and then no longer.

So a road that is cut in mid-run costs a few deadlines, not one for each request that was still to come. What one moment has cut
off, of requests that were under way together, says of each request line as much as one: it was not asked again.
"""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlsplit

from rtdiag.model import Exchange

MOST_IN_A_ROW = 3


class NotAskedError(Exception):
    """A request that was not sent; its text says why, for a person."""


class Breaker:
    """Counts, per host and per request line, how often in a row no answer came.

    Whoever is about to ask calls `check`; where that says True, one probe decides: `note` its answer, then call `probed`.
    """

    def __init__(self) -> None:
        self._row: Counter[str] = Counter()
        self._failed_ms: dict[str, float] = {}  # when the last that counts did
        self._given_up: dict[str, str] = {}

    def check(self, method: str, url: str) -> bool:
        """Whether the host has to be probed before this is asked. Raises NotAskedError where it is given up."""
        host, line = _place(method, url)
        if reason := self._given_up.get(host) or self._given_up.get(line):
            raise NotAskedError(reason)
        return self._row[host] >= MOST_IN_A_ROW

    def note(self, exchange: Exchange) -> None:
        """Count what came of a request; an answer, whatever it says, ends the row."""
        host, line = _place(exchange.method, exchange.url)
        if not _failed(exchange):
            self._row[host] = self._row[line] = 0
            return
        self._row[host] += 1
        if _waited(exchange) or exchange.at_ms >= self._failed_ms.get(line, 0.0):
            self._row[line] += 1
            self._failed_ms[line] = exchange.at_ms + exchange.timing_ms.get("total", 0.0)

    def probed(self, probe: Exchange) -> None:
        """Give the host up where its probe failed, else the request lines that failed so often: it answers, they do not."""
        host, _ = _place(probe.method, probe.url)
        if probe.failure is not None and _failed(probe):
            self._given_up[host] = f"the network failed at {host}: {probe.failure.kind} ({probe.failure.phase})"
            return
        self._row[host] = 0
        for line, count in self._row.items():
            if count >= MOST_IN_A_ROW and line.partition(" ")[2].startswith(host + "/"):
                self._given_up[line] = (
                    f"{line} left {count} requests in a row without an answer; the host answers others"
                )

    def failed(self, url: str) -> str | None:
        """Why that host is asked nothing more, None where it still is."""
        return self._given_up.get(_place("", url)[0])


def _failed(exchange: Exchange) -> bool:
    """Whether the network let it down; an answer that is merely too large came."""
    return exchange.failure is not None and exchange.failure.kind != "too-large"


def _waited(exchange: Exchange) -> bool:
    """Whether it had its whole time: such a silence is no mishap of one moment."""
    return exchange.failure is not None and exchange.failure.kind == "timeout"


def _place(method: str, url: str) -> tuple[str, str]:
    """The host with its port, and the request line without its query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return host, f"{method} {host}{parts.path}"
