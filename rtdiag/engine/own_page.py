"""What failed in a page of the user's own, for the check that asks one: diagnosis reads it as it reads a HAR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtdiag.browser.account import Account
from rtdiag.redact import Mask


@dataclass(frozen=True)
class Failed:
    """One failure, in the words of the server, the browser or the reader; `shown_by` is what of the account shows it.

    That is the id of a request, a socket or a peer, "" where it is none of them. `follows` is what it follows from; `fact` is all
    that is known of it, by which a case of the run shows its cause (diagnosis/situation.py).
    """

    text: str
    shown_by: str
    where: str
    follows: str
    fact: Mapping[str, Any]


def failures(account: Account, mask: Mask) -> tuple[Failed, ...]:
    """All that failed in that page, masked, the root first."""
    from rtdiag.diagnosis.readers.watched import situations
    from rtdiag.diagnosis.situation import TOLD, as_fact

    return tuple(
        Failed(one.text, one.id if isinstance(one.id, str) else "", one.where, one.follows, {TOLD: as_fact(one)})
        for one in situations(account, mask)
    )
