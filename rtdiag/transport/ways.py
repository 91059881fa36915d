"""How a URL is reached from this machine: through which proxy, and trusting whom. The same for HTTP and for WebSockets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rtdiag.transport.proxies import Proxies, Route
from rtdiag.transport.trust import Trust, trust

if TYPE_CHECKING:
    import ssl


class Ways:
    """What the variables about proxies and certificates say; without an environment every way is direct, and trusts certifi."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.environment = environment or {}
        self._proxies = Proxies.read(self.environment)
        self._trust: Trust | None = None

    def to(self, url: str) -> Route:
        """The way to that URL. Raises BadVariable where the variable that decides cannot be used."""
        return self._proxies.of(url)

    def tls(self, url: str, route: Route) -> ssl.SSLContext | None:
        """The TLS setting for that way, made once; None where no part of it is TLS. Raises BadVariable."""
        if not url.startswith(("https:", "wss:")) and not route.shown.startswith("https:"):
            return None
        return self.trust().context

    def trust(self) -> Trust:
        """Whom requests trust, made once. Raises BadVariable."""
        self._trust = self._trust or trust(self.environment)
        return self._trust
