"""Which base URL was meant: where the API of that server begins, whatever was copied behind it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from rtdiag.servers.known import Server, of_url

# The path of a base URL up to the API's version; and what people leave behind it, copied from an example.
_VERSION = r"/v\d+[a-z]*"
_BEHIND_IT = r"/(realtime|models|chat|responses|completions|audio|live)(/.*)?$"


def base_url_meant(url: str, server: Server | None = None) -> str:
    """The base URL that was probably meant, of this server or of the one whose host that is. One that is right is the same text.

    A known server's ends in the path of its example, and may be of every form where it has none; any other's ends in one version.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    host = of_url(url)
    known = server or host
    own = urlsplit(known.base_url).path if known else ""
    if own.count("/") > 1:  # unmistakable at the end of a longer one
        meant = path if path.endswith(own) and not path.endswith(own * 2) else own
    elif own and host:
        meant = own
    else:
        meant = path if known and not own else _with_one_version(path)
    return urlunsplit((parts.scheme, parts.netloc, meant, "", ""))


def _with_one_version(path: str) -> str:
    if not re.search(rf"{_VERSION}$", path):
        path = re.sub(_BEHIND_IT, "", path)
    path = re.sub(rf"({_VERSION})(?:{_VERSION})+$", r"\1", path)
    return path if re.search(rf"{_VERSION}$", path) else f"{path}/v1"
