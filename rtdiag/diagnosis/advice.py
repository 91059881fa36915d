"""What to do, in one text: what the case itself says, then what the catalogue says; for the server that was asked, not OpenAI's.

The catalogue's texts and lines are written for OpenAI's own hosts, as most readers know them. For any other server its base URL
stands in their place; a key comes from where that server's are issued, and nobody is sent to OpenAI's dashboard for it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from rtdiag.api.endpoints import OFFICIAL_BASE_URL, OFFICIAL_HOSTS
from rtdiag.api.expressions import expression
from rtdiag.diagnosis.catalogue import Cause
from rtdiag.servers import Server, known_as

# A hint says nothing new where at least this part of its words stands in the catalogue's.
_SAME = 0.5
# Words that say nothing by themselves.
_SMALL = expression(
    "an?|the|that|this|its?|is|are|was|were|be|of|or|and|to|in|on|at|for|with|by|as|not?|one|do|does|did|here|there|what|which|"
    "where|when|has|have|had|from|into|than|then|can|may|only|you|your|own"
)
_OURS = expression(r"(https|wss)://api\.openai\.com(/v1)?(?![\w.-])")
_DASHBOARD = expression(r" at https://platform\.openai\.com/(api-keys)?\S*?(?=[,;.]?(?:\s|$))")
_STATUS_PAGE = expression(r"(,? and look at )status\.openai\.com")
# What is true of OpenAI's own alone, and what stands there for any other: how keys begin, and its other hosts.
_ELSEWHERE = tuple(
    (expression(pattern), told)
    for pattern, told in (
        (r' \(sk-…\)|\?\.startsWith\("sk-"\)|sk-(?:proj-)?(?=…)', ""),
        (r"; (?:OpenAI\b[^;]*\b\w+\.)?api\.openai\.com\b[^;]*?(?=\.?$|;)", ""),
        (r"sip:<project id>@sip\.api\.openai\.com;transport=tls", "that server's own SIP address"),
        (r" \(openai\.com/chatgpt-voice\.json lists the addresses\)", ""),
        (r"the addresses of openai\.com/chatgpt-voice\.json", "that server's addresses"),
        (r"https://us\.api\.openai\.com/v1   # or ", "…   # "),
    )
)


def advised(hint: str | None, cause: Cause) -> str:
    """The hint as a sentence with the catalogue's fix behind it; the fix alone where it says the same, the hint where it is all."""
    if not hint or _says_nothing_new(hint, cause):
        return cause.fix
    told = _sentence(hint)
    return f"{told} {cause.fix}" if cause.topic else told


def addressed(text: str, base_url: str, server: Server | None = None) -> str:
    """A text or line of the catalogue for the server at this base URL; as it is where that is "" or OpenAI's own.

    `server` is what it was recognised as; without it its host tells. A line that begins at OpenAI's dashboard is "" for any other.
    """
    if not base_url or base_url == OFFICIAL_BASE_URL:
        return text
    text = _OURS.sub(lambda found: _placed(base_url, socket=found[1] == "wss", whole=bool(found[2])), text)
    if urlsplit(base_url).hostname in OFFICIAL_HOSTS:
        return text
    if text.startswith("https://platform.openai.com/"):
        return ""
    known = server or known_as("", base_url)
    keys, status = known.keys_from, known.status_page
    text = _DASHBOARD.sub(lambda found: f" at {keys}" if found[1] and keys else " where the key was issued", text)
    text = _STATUS_PAGE.sub(lambda found: f"{found[1]}{status}" if status else "", text)
    for pattern, told in _ELSEWHERE:
        text = pattern.sub(told, text)
    return text


def _placed(base_url: str, *, socket: bool, whole: bool) -> str:
    """The base URL, or its host alone, spelt so that no quote, blank or `$` of it can end the string or word it stands in."""
    plain = quote(base_url.rstrip("/"), safe="/:@[]%*~!,=+")
    kept = plain if whole else plain[: len(plain) - len(urlsplit(plain).path)]
    return re.sub("^http", "ws", kept) if socket else kept


def _says_nothing_new(hint: str, cause: Cause) -> bool:
    """Whether the catalogue has most of its words, and every name, number and code among them."""
    known = _words(f"{cause.summary} {cause.fix}")
    words = _words(hint)
    names = {word for word in words if not re.fullmatch(r"[a-z]+", word)}
    return names <= known and len(words & known) >= _SAME * len(words)


def _words(text: str) -> set[str]:
    """The words of a text, small ones left out; a capital at the beginning of one is none of its letters."""
    found = re.findall(r"\w(?:[\w-]*\w)?", text)
    plain = (word.lower() if word[1:].islower() or len(word) == 1 else word for word in found)
    return {word for word in plain if not _SMALL.fullmatch(word)}


def _sentence(hint: str) -> str:
    """The hint with a capital where it begins with a word, and with a full stop where it ends without one."""
    text = hint[0].upper() + hint[1:] if re.match(r"[a-z]+(?=[\s,:;])", hint) else hint
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."
