"""The libraries of WebRTC take a quarter of a second to import; while the first requests are under way, that costs nothing."""

from __future__ import annotations

from importlib import import_module
from threading import Thread

_LIBRARIES = ("aiortc", "websockets.asyncio.client")


def preload() -> Thread:
    """Import them in a thread of their own, for a plan that opens sessions; whoever needs one meanwhile waits for it as for any.

    What cannot be imported is told where it is used.
    """
    thread = Thread(target=_import, name="rtdiag-preload", daemon=True)
    thread.start()
    return thread


def _import() -> None:
    for library in _LIBRARIES:
        try:
            import_module(library)
        except Exception:
            return
