"""Failures of other products: said to be theirs, with the little that can be said, and never judged as if OpenAI had answered.

The causes are those of matching.py wherever something of it is OpenAI's, or a person's own server was asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rtdiag.diagnosis import lexicon, matching
from rtdiag.diagnosis.features import features
from rtdiag.diagnosis.lexicon import Product
from rtdiag.diagnosis.situation import Situation
from rtdiag.model import Diagnosis

# What a status, a close code, or what a client says means at anybody's server (RFC 9110 section 15, RFC 6455 section 7.4.1).
_IN_GENERAL = {
    "400": "a 400 says that the request is not built as that server wants it",
    "401": "a 401 says that the credential is missing, or is none of that server's",
    "402": "a 402 says that there is no credit left there",
    "403": "a 403 says that the credential is known there, and does not allow this",
    "404": "a 404 says that there is no such path, model or voice there",
    "422": "a 422 says that a field of the request has a value that is not allowed there",
    "429": "a 429 says that a limit or a quota is used up there",
    "5": "a status of 500 and above is a failure of that server",
    "1000": "1000 is a normal close",
    "1001": "1001 says that the server goes away",
    "1006": "1006 says that the connection ended without a close frame, which names no reason",
    "1008": "1008 says that a rule was broken, mostly that the credential is not accepted",
    "1011": "1011 says that the server failed",
    "dns": "the name of that host was not resolved, so it was not reached",
    "refused": "nothing listens at that address, so it was not reached",
    "unreachable": "the network has no way to that address",
    "not connected": "it was not reached",
    "timeout": "no answer came in time",
    "tls": "its certificate is not trusted here, or what answers does not speak TLS",
    "proxy": "a proxy on the way refused",
    "closed": "the connection was cut off",
}


def product_of(situation: Situation) -> Product | None:
    """The product that a situation is from, where nothing in it is OpenAI's."""
    told = (situation.credential, situation.dialect, situation.sent, *situation.circumstances)
    more = "\n".join(filter(None, told))
    return lexicon.product_of(situation.text, situation.url or situation.base_url, more=more)


def causes_of(situation: Situation) -> tuple[Diagnosis, ...]:
    """As `matching.causes_of`, for one situation, whoever it is from."""
    product = product_of(situation)
    if product and not product.same:
        return (_theirs(product, situation),)
    return _doubted(matching.causes_of(situation), product)


def causes_of_all(situations: Sequence[Situation]) -> tuple[Diagnosis, ...]:
    """As `matching.causes_of_all`: what is another product's is left out, and said alone where there is nothing but that."""
    products = [product_of(situation) for situation in situations]
    theirs = [(s, p) for s, p in zip(situations, products, strict=True) if p and not p.same]
    ours = [s for s, p in zip(situations, products, strict=True) if p is None or p.same]
    if theirs and not any(s.url or lexicon.is_ours(s.text) for s in ours):
        return tuple({p.name: _theirs(p, s) for s, p in reversed(theirs)}.values())
    return _doubted(matching.causes_of_all(ours), next((p for p in products if p and p.same), None))


def _theirs(product: Product, situation: Situation) -> Diagnosis:
    """That it is theirs, and what it means at any server."""
    told = features(situation)
    said = [told["close"], told["status"], told["status"][:1], *_first_words(told["client"])]
    general = next((_IN_GENERAL[word] for word in said if word in _IN_GENERAL), "")
    rest = f"Look it up in the documentation of {product.name}, or ask there; rtdiag knows OpenAI's Realtime API alone."
    return Diagnosis(
        matching.UNKNOWN,
        "low",
        f"This comes from {product.name} ({product.shown_by}), not from the OpenAI Realtime API.",
        f"In general {general}. {rest}" if general else rest,
        (product.source,),
        tuple(filter(None, (situation.where,))),
    )


def _first_words(facts: str) -> list[str]:
    return [word for fact in facts.split(" | ") for word in (fact, fact.split(" ")[0])]


def _doubted(found: tuple[Diagnosis, ...], product: Product | None) -> tuple[Diagnosis, ...]:
    """What is known of OpenAI's API, held with a doubt where another product answered that is built alike."""
    if product is None:
        return found
    against = f"this comes from {product.name} ({product.shown_by}), which is only built alike"
    return tuple(
        replace(
            one,
            confidence=max(one.confidence, "medium", key=matching.RANK.__getitem__),
            against=(*one.against, against),
        )
        for one in found
    )
