"""What reads TLS along, by the name that its certificates are issued under: interceptors.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import msgspec

from rtdiag.api import own_yaml


class Interceptor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product; an issuer in RFC 4514 that one of the patterns is found in, small letters or capitals, is its."""

    name: str
    issuer: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        for text in self.issuer:
            own_yaml.pattern(text, _FLAGS)

    def issued(self, issuers: Iterable[str]) -> bool:
        """Whether one of these is its issuer."""
        return any(own_yaml.pattern(text, _FLAGS).search(one) for text in self.issuer for one in issuers)


_FLAGS = 2  # re.IGNORECASE


@cache
def interceptors() -> tuple[Interceptor, ...]:
    """All that are known, in file order."""
    return own_yaml.listed(Interceptor, ("rtdiag.network", "interceptors.yaml"))


def reader(issuers: Iterable[str]) -> str:
    """The product that certificates with these issuers come from, "" for none known."""
    known = tuple(issuers)
    return next((one.name for one in interceptors() if one.issued(known)), "")
