"""What a page's Content-Security-Policy says of a request to another host (W3C CSP Level 3, section 6.7)."""

from __future__ import annotations

from urllib.parse import urlsplit

_ANY = frozenset({"*", "https:", "http:", "wss:", "ws:"})


def forbids(policy: str, url: str, origin: str) -> str:
    """The directive that forbids a page of that origin to connect to `url`, "" where none does."""
    directives = (part.split() for part in policy[:16_384].split(";"))
    named = {words[0].lower(): words[1:] for words in directives if words}
    name = next((n for n in ("connect-src", "default-src") if n in named), "")
    try:
        asked = urlsplit(url)
    except ValueError:
        return ""
    allowed = [origin.lower() if source == "'self'" else source.lower() for source in named.get(name, ())]
    if not name or any(_allows(source, asked.scheme, asked.netloc.lower()) for source in allowed):
        return ""
    return " ".join((name, *named[name]))


def _allows(source: str, scheme: str, place: str) -> bool:
    if source in _ANY:
        return source == "*" or source.startswith(scheme)
    wanted, _, rest = source.rpartition("://")
    host = rest.partition("/")[0]
    if wanted and wanted[:4].rstrip("s") not in (scheme, scheme.rstrip("s")):
        return False
    bare = place.partition(":")[0] if ":" not in host or host.endswith(":*") else place
    host = host.removesuffix(":*")
    return bare.endswith(host[1:]) if host.startswith("*.") else bare == host
