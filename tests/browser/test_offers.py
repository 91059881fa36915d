"""What rtdiag's page says of an app's offer beside its own: offers that chromium has made, whole and with one thing wrong each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.browser.chromium import Window

OFFERS = Path(__file__).parents[2] / "rtdiag" / "browser" / "page" / "offers.js"
MADE = """async () => {
  const made = async (...media) => {
    const peer = new RTCPeerConnection();
    for (const add of media) add === "channel" ? peer.createDataChannel("oai-events") : peer.addTransceiver(add);
    const { sdp } = await peer.createOffer();
    peer.close();
    return sdp;
  };
  return { whole: await made("audio", "channel"), bare: await made("audio"), mute: await made("channel"),
    video: await made("audio", "channel", "video") };
}"""


Made = dict[str, str]


def whole(old: str, new: str) -> Callable[[Made], str]:
    return lambda made: made["whole"].replace(old, new)


def without(line: str) -> Callable[[Made], str]:
    return lambda made: "".join(one for one in made["whole"].splitlines(keepends=True) if not one.startswith(line))


# How an offer is altered, and what is said of that, each by some of its words.
ALTERED: list[tuple[Callable[[Made], str], list[str]]] = [
    (whole("", ""), []),
    (whole("\r\n", "\n"), []),
    (lambda made: made["whole"].rstrip(), ["Its last line has no end"]),
    (lambda made: made["bare"], ["no section for a data channel"]),
    (lambda made: made["mute"], ["no section for audio"]),
    (lambda made: made["video"], ["a section for video"]),
    (whole("a=sendrecv", "a=recvonly"), ["will not hear you"]),
    (whole("m=audio 9", "m=audio 0"), ["port 0"]),
    (whole("a=setup:actpass", "a=setup:active"), ["It is an answer"]),
    (whole("a=mid:0", "a=mid:5"), ["do not fit"]),
    (whole("opus/", "speex/"), ["no Opus"]),
    (without("a=fingerprint"), ["no a=fingerprint"]),
    (without("a=ice-ufrag"), ["no a=ice-ufrag"]),
    (without("a=group"), ["no BUNDLE group"]),
    (whole("\r\n", "\\r\\n"), ["written out"]),
    (lambda made: json.dumps({"type": "offer", "sdp": made["whole"]}), ["wrapped in JSON"]),
    (
        lambda made: json.dumps({"type": "offer", "sdp": made["bare"]}),
        ["wrapped in JSON", "no section for a data channel"],
    ),
    (lambda made: "offer: " + made["whole"], ["It is no SDP"]),
    (lambda _: '{"error": {"code": "invalid_api_key"}}', ["wrapped in JSON", "It is no SDP"]),
    (lambda _: "", ["It is no SDP"]),
]


def test_what_is_wrong_with_an_offer_is_said_and_nothing_of_a_whole_one(window: Window) -> None:
    async def run() -> list[list[str]]:
        async with window.sheet() as tab:
            shown = OFFERS.read_text(encoding="utf-8") + "\nglobalThis.differences = differences;"
            await tab.page.add_script_tag(content=shown, type="module")
            await tab.page.wait_for_function("() => globalThis.differences")
            made = await tab.page.evaluate(MADE)
            pairs = [[change(made), made["whole"]] for change, _ in ALTERED]
            said: Any = await tab.page.evaluate("(pairs) => pairs.map((two) => [...differences(...two)])", pairs)
            return list(said)

    for found, (_, words) in zip(window.run(run()), ALTERED, strict=True):
        assert len(found) == len(words), (found, words)
        assert all(word in text for word, text in zip(words, found, strict=True)), (found, words)
