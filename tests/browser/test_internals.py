"""A real dump of chrome://webrtc-internals, and what getStats gives, of a page that talks to the emulator, also with a fault."""

from __future__ import annotations

from pathlib import Path

from rtdiag.emulator import Emulator
from tests.browser.chromium import Window
from tests.browser.explained import explained
from tests.browser.site import site

CONNECT = """async (refused) => {
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  const token = refused ? "ek_notarealtoken00000000000000000001" : (await (await fetch("/token", { method: "POST" })).json()).value;
  const pc = (window.pc = new RTCPeerConnection());
  pc.addTrack(microphone.getAudioTracks()[0], microphone);
  const channel = pc.createDataChannel("oai-events");
  const ended = new Promise((resolve) => {
    channel.onopen = resolve;
    pc.onconnectionstatechange = () => pc.connectionState === "failed" && resolve();
  });
  await pc.setLocalDescription(await pc.createOffer());
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
  const url = document.body.textContent + "/realtime/calls";
  const answer = await fetch(url, { method: "POST", body: pc.localDescription.sdp, headers });
  try {
    await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    await ended;
  } catch {}
  return JSON.stringify([...(await pc.getStats()).values()]);
}"""
DOWNLOAD = """() => {
  for (const part of document.querySelectorAll("details")) part.open = true;
  [...document.querySelectorAll("button")].find((button) => button.textContent.includes("Download")).click();
}"""


async def kept(window: Window, folder: Path, shown: str, *faults: str, refused: bool = False) -> tuple[Path, Path]:
    """The dump as Chrome saves it once it shows this, and what getStats said when the page had come through or failed."""
    async with Emulator(faults=faults) as emulator:
        page = {"page.html": f"<body>{emulator.base_url}</body>"}
        async with site(emulator, scripts=page) as origin, window.tab() as opened:
            internals = await opened.page.context.new_page()
            await internals.goto("chrome://webrtc-internals")
            await opened.page.goto(f"{origin}/page.html")
            stats = await opened.page.evaluate(CONNECT, refused)
            await internals.bring_to_front()
            await internals.wait_for_function("(text) => document.body.textContent.includes(text)", arg=shown)
            async with internals.expect_download() as download:
                await internals.evaluate(DOWNLOAD)
            dump = folder / (await download.value).suggested_filename
            await (await download.value).save_as(dump)
    said = folder / "stats.json"
    said.write_text(stats, encoding="utf-8")
    return dump, said


def test_a_connection_that_stands_is_healthy(tmp_path: Path, window: Window) -> None:
    dump, stats = window.run(kept(window, tmp_path, '"connecting" => "connected"'))
    assert dump.name.endswith(".gz")
    for path, form in ((dump, "webrtc-internals dump"), (stats, "getStats output")):
        found = explained(path)
        assert (found["form"], found["diagnosis"]) == (form, [])
        assert found["note"].startswith("nothing in it failed: iceConnectionState: ")
        assert "oai-events" in found["note"] or path == dump  # which may be older than the channel


def test_a_peer_that_is_not_the_one_described(tmp_path: Path, window: Window) -> None:
    for path in window.run(kept(window, tmp_path, '=> "failed"', "wrong-fingerprint")):
        assert explained(path)["diagnosis"][0]["cause"] == "dtls-fingerprint-mismatch"


def test_a_refusal_that_was_used_as_an_answer(tmp_path: Path, window: Window) -> None:
    dump, _ = window.run(kept(window, tmp_path, "setRemoteDescriptionOnFailure", refused=True))
    assert explained(dump)["diagnosis"][0]["cause"] == "error-json-used-as-sdp-answer"
