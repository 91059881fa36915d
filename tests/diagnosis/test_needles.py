"""A text without the words of an expression is not searched, and never was one in which it would have been found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.catalogue import Expression
from rtdiag.diagnosis.needles import needles

EXPRESSIONS = {
    expression.pattern: expression
    for cause in catalogue.causes().values()
    for sign in (*cause.speaks_for, *cause.speaks_against)
    for _, expression in sign.when
}
EXAMPLES = Path(__file__).parent / "examples"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("invalid api key", ("invalid api key",)),
        (r"\bfirefox\b.{0,20}(drops?|lost)", ("firefox",)),
        (r"(disconnect|drops?|ends).{0,9}(after)", ("after",)),
        ("token_used|(already )?used token", ("token_used", "used token")),
        (r"\d{3}", ()),
        ("(proxy)?", ()),
        ("(proxy)+", ("proxy",)),
        ("a|b|", ()),
        ("(?!proxy)", ()),
        ("(?=proxy)the", ("the",)),
        ("(?i)proxy", ()),
        ("(?i:proxy) it", (" it",)),
        ("(?>proxy)", ("proxy",)),
        ("proxy(", ()),
        ("[p]roxy", ("proxy",)),
        ("(?(1)proxy|x)", ()),
    ],
)
def test_the_words_that_must_be_there(pattern: str, words: tuple[str, ...]) -> None:
    assert needles(pattern) == words


@given(st.data(), st.sampled_from(sorted(EXPRESSIONS)))
def test_whatever_an_expression_finds_is_found(data: st.DataObject, pattern: str) -> None:
    text = data.draw(st.from_regex(pattern)).lower()
    plain, found = re.search(pattern, text), EXPRESSIONS[pattern].search(text)
    assert (found and found.span()) == (plain and plain.span())


def test_every_expression_finds_in_the_examples_what_it_found_without_words() -> None:
    lines = [line.lower() for path in sorted(EXAMPLES.glob("*.yaml")) for line in path.read_text("utf-8").splitlines()]
    for number, (pattern, expression) in enumerate(EXPRESSIONS.items()):
        text = "\n".join(lines[number % 16 :: 16])
        plain, found = re.search(pattern, text), expression.search(text)
        assert (found and found.span()) == (plain and plain.span()), pattern


def test_what_is_no_expression_is_told_where_it_is_searched_for() -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        Expression("proxy(").search("proxy")


def test_of_the_catalogue_little_is_compiled_for_a_small_body(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"error": {"code": "invalid_api_key", "message": "Incorrect API key provided: sk-FAKE."}}')
    code = f"""
from rtdiag.diagnosis import catalogue
from rtdiag.api import own_yaml
compiled, compile = [], own_yaml.pattern
own_yaml.pattern = lambda text, flags=0: compiled.append(text) or compile(text, flags)
from rtdiag.diagnosis.explaining import explain_input
from rtdiag.redact import Mask
list(explain_input({str(body)!r}, Mask(), None))
ours = {{e.pattern for c in catalogue.causes().values() for s in (*c.speaks_for, *c.speaks_against) for _, e in s.when}}
print(len(ours), len(ours & set(compiled)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    known, compiled = map(int, done.stdout.split())
    assert compiled * 8 < known
