"""What is masked, what is not, and that masking keeps kind, length and place."""

from __future__ import annotations

import json

import pytest

from rtdiag.api.keys import MADE_UP
from rtdiag.redact import Mask, Secret, stars

KEY = "sk-proj-FAKE0000000000000000000000000000abcd"
TOKEN = "ek_0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"Authorization: Bearer {KEY}", KEY),
        (f'{{"value": "{TOKEN}"}}', TOKEN),
        (f"new WebSocket(url, ['realtime', 'openai-insecure-api-key.{KEY}'])", KEY),
        ("a=ice-pwd:00m4X2bznsintgaj6Zfs82tdXXJN5EhP", "00m4X2bznsintgaj6Zfs82tdXXJN5EhP"),
        ("http://user:hunter2000@proxy:3128", "hunter2000"),
        ("Bearer eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"),
        ("set-cookie: __cf_bm=abc123def456; path=/", "abc123def456"),
    ],
)
def test_a_secret_is_masked_by_its_look(text: str, hidden: str) -> None:
    mask = Mask()
    masked = mask(text, "here")
    assert hidden not in masked
    assert len(masked) == len(text)
    assert sum(r.count for r in mask.ledger()) == 1
    assert mask.ledger()[0].where == "here"


def test_a_known_value_is_masked_wherever_and_however_it_is_spelt() -> None:
    mask = Mask()
    mask.learn('odd"secret/0001')
    for spelling in ('odd"secret/0001', json.dumps('odd"secret/0001'), "odd%22secret%2F0001"):
        assert "secret" not in mask(f"<{spelling}>", "here")


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: ek_67e7a***********************26ea. You can find your API key at https://platform.openai.com",
        "Missing bearer or basic authentication in header",
        "Incorrect API key provided: undefined.",
        '{"code": "invalid_api_key", "param": "session.audio.input.turn_detection"}',
        "You have insufficient permissions for this operation. Missing scopes: api.model.audio.request.",
        *sorted(MADE_UP),
    ],
)
def test_what_the_api_says_of_a_failure_is_left_alone(text: str) -> None:
    assert Mask()(text, "here") == text


def test_a_short_value_is_no_secret() -> None:
    mask = Mask()
    mask.learn("undefined")
    assert mask("Bearer undefined", "here") == "Bearer undefined"


def test_a_secret_shows_its_prefix_its_length_and_four_characters() -> None:
    secret = Secret(KEY)
    assert str(secret) == "sk-proj-" + "*" * (len(KEY) - 12) + "abcd"
    assert KEY[8:-4] not in repr(secret)
    assert secret.reveal() == KEY
    assert stars(TOKEN) == "ek_" + "*" * 28 + "cdef"


def test_addresses_are_masked_unless_they_are_to_be_kept() -> None:
    line = "a=candidate:1 1 udp 2130706431 10.1.2.3 40000 typ host, not 10.1.2.34"
    for keep, expected in ((False, line.replace("10.1.2.3 ", "******** ")), (True, line)):
        mask = Mask(keep_addresses=keep)
        mask.learn_address("10.1.2.3")
        assert mask(line, "here") == expected


def test_values_are_masked_at_any_depth() -> None:
    masked = Mask().values({"a": [{"b": TOKEN}], "n": 1, "none": None}, "here")
    assert masked == {"a": [{"b": "ek_" + "*" * 28 + "cdef"}], "n": 1, "none": None}
