"""What a page can read and hear under each fault that only a browser meets: chromium and Firefox are told the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from rtdiag.emulator import Emulator, load_faults
from rtdiag.emulator.http.cors import ALLOWED_HEADERS
from tests.browser.chromium import WAIT_MS, Tab, Window
from tests.browser.explained import explained
from tests.browser.site import site
from tests.emulator.clients import SESSIONS

FAULTS = [fault.id for fault in load_faults().values() if any(glob.startswith("browser.") for glob in fault.sees)]
MORE = [name for name in ALLOWED_HEADERS if name not in ("Authorization", "Content-Type")]
HEARD = ["", "browser-tcp-only", "browser-no-sound", "browser-silent-sound"]
UNHEARD = [fault for fault in FAULTS if fault not in HEARD]
WELL = {
    "reached": "opaque",
    "refused": 401,
    "beside": [401] * len(MORE),
    "with cookies": 0,
    "answer": 201,
    "location": True,
    "socket": "session.created",
    "protocol": "udp",
    "packets": True,
    "energy": True,
}
NO_ERROR = {"refused": 0, "beside": [0] * len(MORE)}
NOTHING = {**NO_ERROR, "answer": 0, "location": False}
# What is otherwise than well. A browser says the same of all: that the request failed.
OTHERWISE: Mapping[str, Mapping[str, Any]] = {
    "browser-no-cors": NOTHING,
    "browser-origin-not-listed": NOTHING,
    "browser-cors-twice": NOTHING,
    "browser-cors-at-preflights": NOTHING,
    "browser-errors-hidden": NO_ERROR,
    "browser-preflight-refused": NOTHING,
    "browser-preflight-unknown": NOTHING,
    "browser-preflight-redirected": NOTHING,
    "browser-headers-refused": {"beside": [0] * len(MORE)},
    "browser-location-hidden": {"location": False},
    "browser-origin-refused": {**NOTHING, "socket": 1006},
    "browser-socket-origin-refused": {"socket": 1006},
    "browser-tcp-only": {"protocol": "tcp"},
    "browser-no-sound": {"packets": False, "energy": False},
    "browser-silent-sound": {"energy": False},
}
# What chromium prints of it; a page cannot read that.
_CHECK = "Response to preflight request doesn't pass access control check: "
PRINTED = {
    "browser-no-cors": f"{_CHECK}No 'Access-Control-Allow-Origin' header is present",
    "browser-origin-not-listed": f"{_CHECK}The 'Access-Control-Allow-Origin' header has a value 'https://app.invalid'",
    "browser-cors-twice": f"{_CHECK}The 'Access-Control-Allow-Origin' header contains multiple values '*, *'",
    "browser-cors-at-preflights": "blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present",
    "browser-errors-hidden": "blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present",
    "browser-preflight-refused": f"{_CHECK}No 'Access-Control-Allow-Origin' header is present",
    "browser-preflight-unknown": f"{_CHECK}No 'Access-Control-Allow-Origin' header is present",
    "browser-preflight-redirected": f"{_CHECK}Redirect is not allowed for a preflight request",
    "browser-headers-refused": "Request header field openai-beta is not allowed by Access-Control-Allow-Headers",
    "browser-origin-refused": f"{_CHECK}No 'Access-Control-Allow-Origin' header is present",
}


async def told(at: Callable[[str], AbstractAsyncContextManager[object]]) -> tuple[Any, list[str]]:
    """What the page read under no fault, called "", and under each; and what the console says, which Firefox keeps to itself."""
    seen: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    body = {"session": SESSIONS["realtime"] | {"audio": {"input": {"turn_detection": None}}}}
    scripts = {"given.js": json.dumps({"faults": [*HEARD, *UNHEARD], "more": MORE, "heard": HEARD})}
    async with (
        Emulator() as emulator,
        site(emulator, body=body, scripts=scripts, told=seen.set_result) as origin,
        at(f"{origin}/faults.html") as opened,
    ):
        return await asyncio.wait_for(seen, 3 * WAIT_MS / 1000), opened.console if isinstance(opened, Tab) else []


def test_what_a_page_reads_and_hears(
    browser: str, window: Window, at: Callable[[str], AbstractAsyncContextManager[object]], tmp_path: Path
) -> None:
    read, console = window.run(told(at))
    for fault in ["", *FAULTS]:
        wanted = {**WELL, **OTHERWISE.get(fault, {})}
        assert {"under": fault, **read[fault]} == {"under": fault, **{name: wanted[name] for name in read[fault]}}
        assert ("packets" in read[fault]) == (fault in HEARD)
    paste = tmp_path / "console.txt"
    for fault, printed in PRINTED.items() if browser == "chromium" else ():
        line = next(line for line in console if f"under={fault}'" in line and printed in line)
        paste.write_text(line, encoding="utf-8")
        assert explained(paste)["diagnosis"][0]["cause"] == (load_faults()[fault].cause or "cors")


def test_each_of_them_is_shown() -> None:
    assert list(OTHERWISE) == FAULTS
