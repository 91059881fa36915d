"""Imports and reads what commands would, once for all that tests/forked.py forks; nothing here starts a thread or opens a socket."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import aiortc  # noqa: F401
import httpx  # noqa: F401
import websockets.asyncio.client  # noqa: F401

import rtdiag
from rtdiag.diagnosis import catalogue
from rtdiag.engine import registry

for _module in pkgutil.walk_packages(rtdiag.__path__, "rtdiag."):
    if not _module.name.endswith("__main__"):
        import_module(_module.name)
catalogue.broken()
registry.load()
