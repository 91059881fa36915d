"""What a kind of server is, and what is right to say of it, written down before any of them was asked."""

from __future__ import annotations

from dataclasses import dataclass

from tests.checks.zoo.front import Front
from tests.checks.zoo.skeleton import Habits

# What may be named, by what is wrong. Each is right where it stands; another at high confidence is a lie.
KEY = ("key-wrong-or-revoked", "gateway-key-refused")
ALIKE = (*KEY, "refused-alike")  # where no word of the refusal is about a key
NO_KEY = ("key-not-given", "no-credential-sent")
NOTHING = ("no-realtime-api-here", "base-url-wrong", "url-not-known-here")
FULL = ("no-session-slot-free",)
UPSTREAM_KEY = ("upstream-key-refused",)
UPSTREAM_GONE = ("upstream-unreachable",)
UPSTREAM_QUOTA = ("upstream-account-exhausted", "quota-exhausted")
MODEL = ("model-unknown-at-gateway", "model-not-found-or-no-access")
NO_MODEL_GIVEN = ("model-parameter-missing",)
SILENT = ("session-update-unanswered", "session-created-missing")
NOT_APPLIED = (
    "update-not-applied",
    "vad-not-applied",
    "vad-accepted-but-not-effective",
    "azure-ignores-session-update",
)

ALL = frozenset({"mint", "calls", "websocket", "transcription"})
SOCKET = frozenset({"websocket"})
SOCKETS = frozenset({"websocket", "transcription"})


@dataclass(frozen=True)
class Right:
    """What is right to say: the exit codes, which causes may be named (none where it works), which parts are there.

    `must`: one of the causes has to be named, though it may be held with less than high confidence.
    """

    exits: tuple[int, ...] = (0, 3)
    causes: tuple[str, ...] = ()
    offers: frozenset[str] = SOCKETS
    must: bool = True


def broken(
    *causes: str, exits: tuple[int, ...] = (1, 3), offers: frozenset[str] = frozenset(), must: bool = True
) -> Right:
    """That it does not work, for one of these reasons."""
    return Right(exits, causes, offers, must)


@dataclass(frozen=True)
class Kind:
    """One server of the zoo: its ways, and what is right under each condition: `well`, `wrong` (the key), `none` (no key).

    `model`: the one to ask for, where a user would say so, and `header` one that holds the key. `base`: where the API is below the
    root.
    """

    ways: Habits | Front
    right: dict[str, Right]
    source: str = ""
    model: str = ""
    header: str = ""
    base: str = "/v1"


def works(offers: frozenset[str] = SOCKETS, refused: tuple[str, ...] = KEY) -> dict[str, Right]:
    """A server that asks for a key; `refused` is what may be said of a wrong one."""
    return {
        "well": Right(offers=offers),
        "wrong": broken(*refused),
        "none": broken(*NO_KEY, *(one for one in refused if one != "key-wrong-or-revoked")),
    }


def keyless(offers: frozenset[str] = SOCKETS) -> dict[str, Right]:
    """A server that asks for none: it works with any, and without."""
    return {"well": Right(offers=offers), "none": Right(offers=offers)}


def nothing(*more: str) -> dict[str, Right]:
    """No realtime API at all."""
    return {"well": broken(*NOTHING, *more)}
