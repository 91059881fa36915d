"""Imports, reads and compiles once what commands would, for all that tests/forked.py forks; it leaves no thread and no socket."""

from __future__ import annotations

import gc
import pkgutil
from importlib import import_module

import aiortc  # noqa: F401
import anyio._backends._asyncio  # noqa: F401
import certifi  # noqa: F401
import cryptography.hazmat.primitives.serialization  # noqa: F401
import httpcore  # noqa: F401
import httpx  # noqa: F401
import websockets.asyncio.client  # noqa: F401

import rtdiag
from rtdiag.engine import registry
from rtdiag.report import render
from rtdiag.testing import cause_of, run_on_emulator

_OTHERS = ("rtdiag.__main__", "rtdiag.emulator.fixture")  # what runs at once, what pytest alone needs
for _module in pkgutil.walk_packages(rtdiag.__path__, "rtdiag."):
    if _module.name not in _OTHERS:
        import_module(_module.name)
registry.load()
cause_of("this compiles the expressions of all causes")
_report = run_on_emulator(only=["key"], faults=["key-revoked"])
for _form in ("json", "ndjson", "table"):
    render(_report, _form)
gc.freeze()  # else each process that is forked looks at all of this anew, and so copies it
