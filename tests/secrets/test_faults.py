"""Under every fault of the emulator: no report shows its key, a token that it minted or an address, and scanners find nothing."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from rtdiag.api.keys import MADE_UP
from rtdiag.emulator import load_faults
from rtdiag.emulator.tokens import EMULATOR_KEY, Token, Tokens
from rtdiag.redact import Mask
from rtdiag.report import FORMATS, render
from rtdiag.testing import run_on_emulator
from tests.checks.broken import grouped, run, written
from tests.secrets.canaries import made
from tests.secrets.scanners import found

# What the emulator mints (emulator/tokens.py), and what looks like it; `tok_` is its fault `foreign-token`.
_KEYS = re.compile(r"(?:sk-(?:proj-)?|ek_|tok_)(?!proj-)[A-Za-z0-9_-]{8,}")


@cache
def addresses() -> tuple[str, ...]:
    from aioice.ice import get_host_addresses

    return tuple(get_host_addresses(use_ipv4=True, use_ipv6=True))


OTHERS = [form for form in (*FORMATS, "cassette") if form != "json"]


@pytest.mark.parametrize(
    ("fault_id", "other"), grouped((fault, OTHERS[i % len(OTHERS)]) for i, fault in enumerate(sorted(load_faults())))
)
def test_no_format_shows_a_secret(fault_id: str, other: str) -> None:
    """JSON, which holds all that was recorded, and by turns one of the formats that are made of the same."""
    report = run(fault_id)
    for form, text in (("json", written(fault_id)), (other, render(report, other))):
        plain = text
        for made_up in MADE_UP:
            plain = plain.replace(made_up, "")
        assert EMULATOR_KEY not in text, form
        assert not _KEYS.findall(plain), form
        assert not [a for a in addresses() if re.search(rf"(?<![\w.:]){re.escape(a)}(?!\.?\w)", text)], form
        assert not re.search(r"ice-pwd:[^*\s\\x]", text), form
        assert not found(text), form
    sent = any(x.credential == "api-key" for x in report.exchanges)
    assert any(r.kind == "api-key" for r in report.redactions) or not sent


def test_no_token_that_was_minted_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same by the tokens' own values, for those of an unusual look, too."""
    minted: list[str] = []
    mint = Tokens.mint

    def remembered(*args: Any, **options: Any) -> Token:
        token = mint(*args, **options)
        minted.append(token.value)
        return token

    monkeypatch.setattr(Tokens, "mint", remembered)
    strange = next(fault.id for fault in load_faults().values() if fault.set.get("token_prefix"))
    for faults in ([], [strange]):
        report = run_on_emulator(faults=faults)
        for form in (*FORMATS, "cassette"):
            written = render(report, form)
            assert not [token for token in minted if token[4:-4] in written], form
    assert len(minted) > 10


def test_the_scanners_would_find_a_key() -> None:
    body, part = made("scanned", 60, ""), "eyJhbGciOiJIUzI1NiJ9"
    planted = [
        f"sk-{body[:20]}T3BlbkFJ{body[20:40]}", f"{part}.{part}.{body}", "-----BEGIN RSA PRIVATE KEY-----", "AKIA" + "A1B2" * 4,
        f"https://user:{body}@host/", f"ghp_{body[:36]}", f"sk_live_{body[:24]}", "xoxb-123456789012-" + body[:24],
    ]  # fmt: skip
    for one in planted:
        assert found(f"a line\nwith {one} in it"), one
        assert not found(Mask()(f"a line\nwith {one} in it", "here")), one
