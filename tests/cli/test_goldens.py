"""What a person reads, whole: the screens of a green run, of the founding thread, and of a server that cannot be reached by media.

Each names its checks, so that it is the same however many there are. After a wanted change, `python -m tests.cli.test_goldens`
writes them anew; read the difference.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.forked import rtdiag

GOLDENS = Path(__file__).parent / "goldens"


def _only(*checks: str) -> list[str]:
    return [word for check in checks for word in ("--only", check)]


SCREENS = {
    "green": ["--emulator", *_only("key", "token", "vad-e*")],  # a glob is no leave to send audio
    "green-verbose": ["--emulator", "-v", "--only", "session-update"],
    "thread": ["--emulator", "--as-of", "2025-03-21", *_only("key", "token", "endpoint", "sdp")],
    "key-revoked": ["--emulator", "--fault", "key-revoked", *_only("key", "token", "endpoint")],
    "ice-blocked": ["--emulator", "--fault", "ice-blocked", "--only", "sdp", "--type", "realtime", "--timeout", "1"],
}

# What differs from run to run: times, ports, ids, and how many addresses a machine has.
_VOLATILE = (
    (
        r"\d+\s+datagrams?\s+to\s+\S+:\d+(\s+and\s+\d+\s+more)?\s+in\s+[\d.]+\s+s,\s+none\s+came\s+back"
        r"(;\s+TCP\s+to\s+\S+:\d+\s+was\s+refused\s+\(\S+\s+ms\))+",
        "N datagrams to ADDRESS:PORT in N s, none came back; TCP to ADDRESS:PORT was refused",
    ),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\b(req|sess|event|rtc)_\w+", r"\1_ID"),
    (r"ek_[0-9a-f]{5}(\*+)[0-9a-f]{4}", r"ek_HEAD5\1TAIL"),
    (r"\b\d+ ms\b", "N ms"),
    (r"masked \d+", "masked N"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"rtdiag-[0-9a-f-]{36}", "rtdiag-UUID"),
    (r"\b\d+ s by the server", "N s by the server"),
    (r"within \d s", "within N s"),
    (r"(?<=\S) {2,}(?=\S)", "  "),
    (r"-{3,}", "---"),
)


def screen(name: str) -> str:
    done = rtdiag("run", *SCREENS[name])
    text = done.stderr + done.stdout + f"exit {done.returncode}\n"
    for pattern, plain in _VOLATILE:
        text = re.sub(pattern, plain, text)
    return text


@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_is_the_one_that_was_read_and_found_good(name: str) -> None:
    assert screen(name) == (GOLDENS / f"{name}.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    for one in SCREENS:
        (GOLDENS / f"{one}.txt").write_text(screen(one), encoding="utf-8")
