"""What a URL of the Realtime API says by itself: on which surface and in which dialect it was asked."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from rtdiag.api.endpoints import (
    BETA_SESSIONS,
    BETA_TRANSCRIPTION_SESSIONS,
    CALLS,
    CLIENT_SECRETS,
    OFFICIAL_HOSTS,
    REALTIME,
)
from rtdiag.api.expressions import expression

MINTS = (CLIENT_SECRETS, BETA_SESSIONS, BETA_TRANSCRIPTION_SESSIONS)

_REALTIME = expression(r"(?i)realtime|ephemeral|client[-_]?secret")
_API = expression(
    r"/(?:v1|openai)/realtime(?:rtc)?\Z|/realtime/(?:calls|client_secrets|(?:transcription_)?sessions|translations)(?:/|\Z)"
)
_API_NAMED_BY_QUERY = expression(r"(?i)(?:^|&)(?:model|intent|deployment|call_id)=")
_OWN_ROUTE = expression(
    r"(?:^|[/_.-])(?:(?:ephemeral|client|get)?[-_]?(?:token|secret|session)s?|ephemeral|realtime|offer|sdp|webrtc)(?:$|[/_.-])"
)
_PLAIN = expression(r"(?:https?|wss?)://([A-Za-z0-9.-]+)(?::[0-9]{1,5})?(/[!\"$->@-~]*|)(?:[?#]|\Z)")
_LATEST = 4  # URLs of which it is still known how they are made up: each is looked at several times in a row
_NOT_OWN = expression(r"/realtime/v\d|/auth/")  # Supabase's; logins


def path_of(url: str) -> str:
    """The path of a URL or of a path, without query, in lower case; "" where the URL is none."""
    return _taken_apart(url)[1]


def host_of(url: str) -> str:
    """The host of a URL in lower case, "" where it has none."""
    return _taken_apart(url)[0]


@lru_cache(maxsize=_LATEST)
def _taken_apart(url: str) -> tuple[str, str]:
    """The host and the path; most URLs are plain, and need none of the care that the library takes."""
    if plain := _PLAIN.match(url):
        return plain[1].lower(), plain[2].lower().rstrip("/")
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.path.lower().rstrip("/")
    except ValueError:
        return "", ""


def is_local(url: str) -> bool:
    """Whether the host is this machine, where people run their own backends."""
    host = host_of(url)
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.") or host.endswith((".localhost", ".local"))


def same_site(one: str, other: str) -> bool:
    """Whether two URLs are likely of one owner: the last two labels of their hosts are the same."""
    return host_of(one).split(".")[-2:] == host_of(other).split(".")[-2:]


def named(url: str, method: str = "") -> str:
    """A request as a person finds it again: its method and path, with the host where it is not OpenAI's."""
    try:
        place = urlsplit(url).netloc.rpartition("@")[2].lower()
        path = urlsplit(url).path or "/"
    except ValueError:
        return method
    return f"{method} {'' if place in OFFICIAL_HOSTS and path != '/' else place}{path}".strip()


def is_realtime(url: str) -> bool:
    """Whether the path (or host) is one of the Realtime API, or of a route that hands out its tokens."""
    return bool(_REALTIME.search(path_of(url)) or "realtime" in host_of(url))


def is_api(url: str, method: str = "") -> bool:
    """Whether the Realtime API is asked at this URL, at OpenAI, at Azure or behind a gateway; `/realtime/v1/…` is Supabase's.

    So is a tunnel to OpenAI's host, which a proxy is asked for.
    """
    path = path_of(url)
    if "/realtime" not in path:
        return method == "CONNECT" and host_of(url) in OFFICIAL_HOSTS
    if _API.search(path) or (
        host_of(url) in OFFICIAL_HOSTS and (method == "CONNECT" or path.startswith("/v1/realtime"))
    ):
        return True
    return path.endswith("/realtime") and _asks_for_a_model(url)


def is_own_route(url: str) -> bool:
    """Whether a path looks like a page's own route that feeds a session: `/api/token`, `/session`, `/offer`."""
    path = path_of(url)
    return bool(_OWN_ROUTE.search(path)) and not _NOT_OWN.search(path)


def _asks_for_a_model(url: str) -> bool:
    return bool(_API_NAMED_BY_QUERY.search(urlsplit(url).query))


def is_websocket(url: str) -> bool:
    """Whether the URL is ws: or wss:."""
    return url[:6].lower().startswith(("ws://", "wss://"))


def is_mint(url: str) -> bool:
    """Whether the API mints tokens at this path."""
    return path_of(url).endswith(MINTS)


def takes_offers(url: str) -> bool:
    """Whether SDP offers belong to this path, today or in the beta."""
    return path_of(url).endswith((CALLS, REALTIME, "/realtimertc"))


def surface_of(url: str | None, method: str | None = None) -> str | None:
    """The surface that a request to `url` was on, or None where the URL does not say."""
    if not url:
        return None
    if is_websocket(url):
        return "websocket_close"
    if takes_offers(url) and method in (None, "POST"):
        return "sdp"
    return "http" if "/" in url else None


def dialect_of(url: str | None) -> str | None:
    """The dialect that the URL alone settles: azure by its host, beta and ga by the path; else None."""
    if not url:
        return None
    if host_of(url).endswith((".azure.com", ".azure.us")):
        return "azure"
    path = path_of(url)
    if path.endswith((CALLS, CLIENT_SECRETS)):
        return "ga"
    return "beta" if path.endswith((BETA_SESSIONS, BETA_TRANSCRIPTION_SESSIONS)) else None
