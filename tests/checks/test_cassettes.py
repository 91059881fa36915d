"""Public reports, replayed through the real client: what the judges make of bodies that somebody really got."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import vcr

from rtdiag import registry
from rtdiag.context import INVALID_OFFER, speaks
from rtdiag.model import Exchange, Seen
from rtdiag.redact import Mask, Secret
from rtdiag.testing import judge
from rtdiag.transport.http import Credential, Http
from rtdiag.transport.recorder import Deadlines, Recorder

CASSETTES = Path(__file__).parents[2] / "cassettes"
TOKEN = Credential("transcription-token", Secret("ek_67e7aFAKE000000000000000000000026ea"))


def replay(name: str, path: str, **content: Any) -> Exchange:
    """One POST to the official base URL, answered by a cassette; a request that it does not hold raises."""

    async def ask() -> Exchange:
        http = Http("https://api.openai.com/v1", Recorder(Mask()), Deadlines(), trust_environment=False)
        exchange = (await http.send("POST", path, TOKEN, **content)).exchange
        await http.aclose()
        return exchange

    with vcr.use_cassette(str(CASSETTES / name), record_mode="none"):
        return asyncio.run(ask())


def test_the_founding_report() -> None:
    exchange = replay(
        "endpoint/offer-to-transcription-sessions-2025-03.yaml",
        "/realtime/transcription_sessions?model=gpt-4o-transcribe",
        content=INVALID_OFFER,
        headers={"content-type": "application/sdp"},
    )
    assert exchange.status == 401
    assert "ek_67e7a***********************26ea" in (exchange.body or ""), "the server's own mask is left as it is"
    seen = Seen("transcription-sessions-transcription-token", (exchange,))
    found = judge(registry.load(()).checks["endpoint"], [seen], dialects=["beta"])[seen.case]
    assert (found.status, found.show_body) == ("pass", True)
    assert found.hint is not None
    assert "/realtime/calls and drop ?model=" in found.hint


def test_the_betas_mint_after_its_end() -> None:
    exchange = replay(
        "token/beta-mint-after-its-end.yaml", "/realtime/sessions", json_body={"model": "gpt-4o-realtime-preview"}
    )
    assert not speaks(exchange)
    found = judge(registry.load(()).checks["token"], [Seen("beta-mint-realtime", (exchange,))])["beta-mint-realtime"]
    assert (found.status, found.measured) == ("info", "404 Invalid URL")


@pytest.mark.parametrize("path", sorted(CASSETTES.rglob("*.yaml")), ids=lambda p: str(p.relative_to(CASSETTES)))
def test_a_cassette_says_where_it_comes_from_and_holds_no_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(("# Transcribed from", "# Recorded from the emulator", "# Recorded from the live API on"))
    mask = Mask()
    mask(text, "cassette")
    assert mask.ledger() == ()
