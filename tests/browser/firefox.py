"""Debian's Firefox, headless, with a fake microphone. Nothing drives it: the page that it opens tells the site what it saw."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.needs import needed

_PREFERENCES = """
user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("media.peerconnection.ice.loopback", true);
user_pref("network.proxy.type", 0);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.update.enabled", false);
"""


@asynccontextmanager
async def at(url: str) -> AsyncIterator[None]:
    """A Firefox of its own that looks at that page."""
    path = needed(shutil.which("firefox-esr"), "Firefox is not installed (apt-get install firefox-esr)")
    with TemporaryDirectory(prefix="rtdiag-firefox-") as profile:
        (Path(profile) / "user.js").write_text(_PREFERENCES, encoding="utf-8")
        nowhere = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            path, "--headless", "--no-remote", "--profile", profile, url, stdout=nowhere, stderr=nowhere
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()
