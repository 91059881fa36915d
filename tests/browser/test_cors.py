"""What a page of another origin may ask of the API: chromium does the preflight, and it is chromium that refuses."""

from __future__ import annotations

from pathlib import Path

from rtdiag.emulator import Emulator
from tests.browser.chromium import Window
from tests.browser.explained import explained
from tests.browser.site import site

# Resolves to the error code of each answer, or to what the page is told instead of an answer.
POST = """
([url, credential, names]) => Promise.all(names.map((name) => fetch(url, {
  method: "POST",
  headers: { Authorization: `Bearer ${credential}`, "Content-Type": "application/sdp", [name]: "1" },
  body: "v=0",
}).then(
  async (response) => (await response.json()).error.code,
  (error) => `${error}`,
)))
"""


def posted(window: Window, *headers: str) -> tuple[list[str], list[str]]:
    """What a page makes of posting a bad offer, once with each of these headers besides the usual two, and its console."""

    async def run() -> tuple[list[str], list[str]]:
        async with Emulator() as emulator, site(emulator) as origin, window.sheet() as opened:
            await opened.page.goto(f"{origin}/corrected.html")
            url = f"{emulator.base_url}/realtime/calls"
            told: list[str] = await opened.page.evaluate(POST, [url, emulator.key, headers])
            return told, opened.console

    return window.run(run())


def test_an_unknown_header_is_refused_at_the_preflight(tmp_path: Path, window: Window) -> None:
    """The words are those of openclaw/openclaw#76435 (2026-05-03)."""
    told, console = posted(window, "originator")
    assert told == ["TypeError: Failed to fetch"]
    refused = "Request header field originator is not allowed by Access-Control-Allow-Headers in preflight response."
    assert refused in console[0]
    paste = tmp_path / "console.txt"
    paste.write_text("\n".join(console), encoding="utf-8")
    assert explained(paste)["diagnosis"][0]["cause"] == "cors/header"


def test_the_headers_of_the_api_pass_and_its_error_can_be_read(window: Window) -> None:
    told, console = posted(window, "OpenAI-Safety-Identifier", "X-OpenAI-Agents-SDK", "X-Client-Request-Id")
    assert told == ["invalid_offer"] * 3
    assert not [line for line in console if "CORS" in line]
