"""A real client in a browser: how a script of `turns/` is bundled, opened and listened to."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from pathlib import Path
from typing import Any

from rtdiag.emulator import Emulator
from tests.browser.chromium import tab_of_its_own
from tests.browser.site import site

Json = dict[str, Any]
PAGE = '<!doctype html><title>A turn</title><link rel="icon" href="data:," /><script src="turn.js"></script>'
SESSION = {"type": "realtime", "model": "gpt-realtime-2.1"}  # it says something before it calls a function


def steps_in(text: str) -> Json:
    """What a script says of its steps, in lines of JSON among whatever else is printed."""
    steps: Json = {}
    for line in text.splitlines():
        if line.startswith("{"):
            steps |= json.loads(line)
    return steps


def bundled(script: Path) -> str:
    """The script with what it imports from the `node_modules` beside it, esbuild among them."""
    esbuild = script.parent / "node_modules" / ".bin" / "esbuild"
    made = subprocess.run(
        [esbuild, script, "--bundle", "--log-level=error"], check=True, capture_output=True, text=True
    )
    return made.stdout


async def talk_in_chromium(emulator: Emulator, script: Path, speech: bytes, wait_s: float, steps: Json) -> str:
    """Fills in what the page saw, step by step; what went wrong, in one line, "" for nothing."""
    from playwright.async_api import Error

    try:
        async with asyncio.timeout(wait_s):
            await _talked(emulator, script, speech, steps)
    except TimeoutError:
        return f"no end within {wait_s:g} s"
    except (Error, subprocess.CalledProcessError) as exc:
        return str(exc).splitlines()[0]
    return ""


async def _talked(emulator: Emulator, script: Path, speech: bytes, steps: Json) -> None:
    pages = {"turn.html": PAGE, "turn.js": await asyncio.to_thread(bundled, script)}
    async with site(emulator, body={"session": SESSION}, scripts=pages) as origin, tab_of_its_own() as opened:
        opened.page.on("console", lambda message: steps.update(steps_in(message.text)))
        await opened.page.goto(f"{origin}/turn.html")
        await opened.page.click("html")  # before a gesture no page may play or say anything
        call = [f"{emulator.base_url}/realtime", base64.b64encode(speech).decode()]
        await opened.page.evaluate("([url, speech]) => talk(url, speech)", call)
