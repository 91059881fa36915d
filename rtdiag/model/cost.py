"""What asking cost, or may cost, and how numbers are told."""

from __future__ import annotations

from dataclasses import dataclass

from rtdiag.model.scalars import Count, Seconds


def counted(number: int, noun: str) -> str:
    """How many there are of a thing: `0 requests`, `1 request`, `1,000 requests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Cost:
    """What asking takes from the account: upper bounds as declared by a check, or what a run has used."""

    requests: Count = 0
    tokens_minted: Count = 0
    sessions_opened: Count = 0
    audio_seconds: Seconds = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.requests + other.requests,
            self.tokens_minted + other.tokens_minted,
            self.sessions_opened + other.sessions_opened,
            self.audio_seconds + other.audio_seconds,
        )

    def __str__(self) -> str:
        audio = f"{self.audio_seconds:g} s of audio" if self.audio_seconds else "no audio"
        numbers = {"request": self.requests, "token": self.tokens_minted, "session": self.sessions_opened}
        return ", ".join([*(counted(number, noun) for noun, number in numbers.items()), audio])

    def __sub__(self, other: Cost) -> Cost:
        return self + Cost(-other.requests, -other.tokens_minted, -other.sessions_opened, -other.audio_seconds)
