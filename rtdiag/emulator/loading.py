"""When `rtdiag emulator` loads the large libraries that stand behind it: at first what serves HTTP alone, then the rest.

Without this each is loaded where it is first needed, as in the caller's own program.
"""

from __future__ import annotations

import asyncio
import gc
import os
from contextlib import suppress
from importlib import import_module

# Looks for garbage, which cost little now: by default aiortc's cycles of 200 calls wait for one, 30 MB.
OFTEN = 700, 5, 2
QUIET_S = 0.2  # so long nothing else is done beside the first questions, which are mostly asked at once
TRUSTED = "SSL_CERT_FILE"


def serving() -> None:
    """What serves HTTP, in a process that asks nobody: aiohttp reads all certificates there are when it is imported, 40 ms.

    Until all is loaded nobody looks for garbage, for there is none.
    """
    gc.disable()
    trusted = os.environ.get(TRUSTED)
    os.environ[TRUSTED] = os.devnull
    try:
        import_module("aiohttp.web")
    finally:
        del os.environ[TRUSTED]
        if trusted is not None:
            os.environ[TRUSTED] = trusted


async def media(end: asyncio.Event) -> None:
    """What a call needs is loaded afterwards, beside the loop; nothing is, where the end comes before."""
    with suppress(TimeoutError):
        await asyncio.wait_for(end.wait(), QUIET_S)
        return
    await asyncio.to_thread(import_module, "rtdiag.emulator.media.peer")
    gc.freeze()  # what is loaded stays
    gc.set_threshold(*OFTEN)
    gc.enable()
