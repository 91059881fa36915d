"""A count and its noun agree, wherever one is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rtdiag.model import Cost, counted

RTDIAG = Path(__file__).parents[2] / "rtdiag"
NOUNS = "request|token|case|character|header|event|exchange|file|time|byte|difference|cause|id|row|answer|check|default"
# A number in an f-string before a plural of its own; one that is said in capitals is a limit, and more than one.
_BY_HAND = re.compile(rf"\{{(?!_?[A-Z_]+\b)[^{{}}]+\}} (?:more )?(?:{NOUNS})s\b")
# Where the number is always more than one.
MANY = {
    "compare/recording/answers.py": "the letters of a password",
    "compare/recording/listing.py": "what came once is told otherwise",
    "compare/recording/order.py": "what came once is told otherwise",
    "diagnosis/readers/event_log.py": "more failures than are judged",
    "diagnosis/brief.py": "a text that is too long to be shown",
    "diagnosis/readers/peer_connection.py": "counters of a browser",
    "diagnosis/readers/traffic.py": "more failures than are judged",
    "targets/declared.py": "a text that is too long to be shown",
    "transport/breaker.py": "as many as are too many in a row",
    "compare/normalize.py": "a text that is too long to be shown",
    "compare/diff/as_lines.py": "one alone is told in another way",
    "compare/comparing.py": "one is told in another way",
    "diagnosis/readers/http_answers.py": "a pattern of curl's own lines",
}


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 requests"), (1, "1 request"), (2, "2 requests"), (1628, "1,628 requests")]
)
def test_one_is_no_plural(number: int, said: str) -> None:
    assert counted(number, "request") == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 requests, 0 tokens, 0 sessions, no audio"),
        (1, "1 request, 1 token, 1 session, 1 s of audio"),
        (2, "2 requests, 2 tokens, 2 sessions, 2 s of audio"),
    ],
)
def test_a_cost_is_said_in_right_numbers(number: int, said: str) -> None:
    assert str(Cost(number, number, number, number)) == said


def test_no_plural_is_made_by_hand() -> None:
    paths = {path.relative_to(RTDIAG).as_posix(): path for path in RTDIAG.rglob("*.py")}
    found = {name for name, path in paths.items() if _BY_HAND.search(path.read_text(encoding="utf-8"))}
    assert found == MANY.keys(), "rtdiag.model.counted knows one from many"
