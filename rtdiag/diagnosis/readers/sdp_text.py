"""What matters of an SDP offer, in words: whether it has audio, a data channel, and the line ends that parsers insist on."""

from __future__ import annotations

import re

from rtdiag.api.expressions import expression

_IN_JSON = expression(r'\A\s{0,80}\{(?s:.{0,2000})"sdp"\s{0,8}:\s{0,8}"v=0')
_OFFER = expression(r"v=0\r?\n")


def offer_in(body: str) -> str | None:
    """The SDP inside a request body, which may be multipart; None where there is none."""
    found = _OFFER.search(body)
    if not found:
        return None
    offer = body[found.start() :]
    end = re.search(r"\r?\n--[^\s]{1,80}", offer)
    return offer[: end.start()] if end else offer


def facts(offer: str) -> list[str]:
    """What stands out in an offer: sections that are missing, line ends that are wrong; empty where it is as it should be."""
    found = []
    for section, name in (("m=audio", "audio"), ("m=application", "application")):
        if not re.search(rf"(?m)^{section} ", offer):
            found.append(f"the offer has no {name} section")
    if not offer.endswith("\r\n"):
        found.append("the offer does not end in CRLF")
    if "\n" in offer.replace("\r\n", ""):
        found.append("the offer has line ends that are not CRLF")
    return found


def sent(body: str) -> tuple[str, list[str]]:
    """What to say of a request body: the body itself, or for SDP the words `SDP offer` with the facts about it."""
    offer = offer_in(body)
    if offer is None:
        return body, ["the body is JSON around an offer (JSON.stringify)"] if _IN_JSON.search(body[:4096]) else []
    beside = _session_in(body) if not body.startswith("v=0") else None
    return "SDP offer" + (f", session: {beside}" if beside else ""), facts(offer)


def _session_in(body: str) -> str | None:
    """The JSON of the part named `session` in a multipart body."""
    named = re.search(r'name="?session"?', body)
    brace = body.find("{", named.end()) if named else -1
    end = body.find("\n--", brace) if brace >= 0 else -1
    return body[brace : end if end > 0 else None].strip() if brace >= 0 else None
