"""The npm package @openai/agents-realtime, unmodified and bundled, in a real browser: it connects and configures itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rtdiag.emulator import Emulator
from rtdiag.emulator.session.replies import REPLY
from tests.browser.chromium import Window
from tests.browser.site import PAGES, site
from tests.needs import needed

NODE_MODULES = Path(__file__).with_name("node_modules")
SESSION = {"type": "realtime", "model": "gpt-realtime-2.1"}  # the package's own default model, version 0.20.0


# A microphone at which nobody speaks: a beep would interrupt the reply.
QUIET = """
const { getUserMedia } = MediaDevices.prototype;
MediaDevices.prototype.getUserMedia = async function (wanted) {
  const stream = await getUserMedia.call(this, wanted);
  for (const track of stream.getTracks()) track.enabled = false;
  return stream;
};
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page's script with the package in it."""
    esbuild = NODE_MODULES / ".bin" / "esbuild"
    found = str(esbuild) if esbuild.exists() else None
    missing = "no node_modules (npm install --no-package-lock --prefix tests/browser)"
    out = tmp_path_factory.mktemp("bundle") / "agents.js"
    command = [needed(found, missing), str(PAGES / "agents.js"), "--bundle", "--log-level=error", f"--outfile={out}"]
    subprocess.run(command, check=True)
    return out.read_text(encoding="utf-8")


@pytest.mark.parametrize(("transport", "path"), [("webrtc", "/realtime/calls"), ("websocket", "/realtime")])
def test_it_connects_is_configured_and_hears_a_reply(bundle: str, window: Window, transport: str, path: str) -> None:
    async def run() -> Any:
        async with (
            Emulator() as emulator,
            site(emulator, body={"session": SESSION}, scripts={"agents.js": bundle}) as origin,
            window.tab() as opened,
        ):
            await opened.page.add_init_script(QUIET)
            await opened.page.goto(f"{origin}/agents.html")
            url = emulator.base_url + path
            wanted = url if transport == "webrtc" else url.replace("http", "ws", 1)
            await opened.page.evaluate("([name, url]) => connect(name, url)", [transport, wanted])
            await opened.shows("#state", "connected")
            await opened.shows("#said", REPLY)
            updated = json.loads(await opened.shows("#events li", '"session.updated"'))
            errors = await opened.page.locator("#events li", has_text='"type":"error"').all_inner_texts()
            return updated["session"], errors, opened.console

    session, errors, console = window.run(run())
    assert errors == []
    assert console == []
    assert session["instructions"] == "Say back what is said."
    assert session["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
    assert session["audio"]["input"]["transcription"]["model"] == "gpt-4o-mini-transcribe"
