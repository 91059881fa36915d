"""When the large libraries are loaded that stand behind the emulator: while something else is done, before somebody waits for them.

Without this each is loaded where it is first needed, as in the caller's own program.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from importlib import import_module
from threading import Thread

# Looks for garbage, which cost little now: by default aiortc's cycles of 200 calls wait for one, 30 MB.
OFTEN = 700, 5, 2
QUIET_S = 0.2  # so long nothing else is done beside the first questions, which are mostly asked at once


def serving() -> None:
    """From now on what serves HTTP is loaded beside what the caller does: half of it is reading certificates, outside of the GIL.

    Until all is loaded nobody looks for garbage, for there is none.
    """
    gc.disable()
    Thread(target=import_module, args=("aiohttp.web",), daemon=True).start()


async def media(end: asyncio.Event) -> None:
    """What a call needs is loaded afterwards, beside the loop; nothing is, where the end comes before."""
    with suppress(TimeoutError):
        await asyncio.wait_for(end.wait(), QUIET_S)
        return
    await asyncio.to_thread(import_module, "rtdiag.emulator.media.peer")
    gc.freeze()  # what is loaded stays
    gc.set_threshold(*OFTEN)
    gc.enable()
