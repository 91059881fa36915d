"""The npm package @openai/agents-realtime in a browser: how turns/agents_chromium.js is bundled, opened and listened to."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from pathlib import Path
from typing import Any

from playwright.async_api import Error

from rtdiag.emulator import Emulator
from tests.browser.chromium import tab
from tests.browser.site import site

Json = dict[str, Any]
PAGE = '<!doctype html><title>A turn</title><link rel="icon" href="data:," /><script src="agents.js"></script>'
SESSION = {"type": "realtime", "model": "gpt-realtime-2.1"}  # the package's own default model, version 0.20.0


def bundled(script: Path) -> str:
    """The script with what it imports from the `node_modules` beside it, esbuild among them."""
    esbuild = script.parent / "node_modules" / ".bin" / "esbuild"
    made = subprocess.run(
        [esbuild, script, "--bundle", "--log-level=error"], check=True, capture_output=True, text=True
    )
    return made.stdout


async def talk_in_chromium(emulator: Emulator, script: Path, speech: bytes, wait_s: float, steps: Json) -> str:
    """Fills in what the page saw, step by step; what went wrong, in one line, "" for nothing."""
    try:
        async with asyncio.timeout(wait_s):
            await _talked(emulator, script, speech, steps)
    except TimeoutError:
        return f"no end within {wait_s:g} s"
    except (Error, subprocess.CalledProcessError) as exc:
        return str(exc).splitlines()[0]
    return ""


async def _talked(emulator: Emulator, script: Path, speech: bytes, steps: Json) -> None:
    pages = {"agents.html": PAGE, "agents.js": await asyncio.to_thread(bundled, script)}
    async with site(emulator, body={"session": SESSION}, scripts=pages) as origin, tab() as opened:
        opened.page.on("console", lambda message: steps.update(json.loads(message.text)))
        await opened.page.goto(f"{origin}/agents.html")
        await opened.page.click("html")  # before a gesture no page may play or say anything
        call = [f"{emulator.base_url}/realtime/calls", base64.b64encode(speech).decode()]
        await opened.page.evaluate("([url, speech]) => talk(url, speech)", call)
