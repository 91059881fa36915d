"""What `rtdiag emulator` has loaded when it can be asked, and what it loads afterwards."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from rtdiag.emulator import loading

LATER = ("aioice", "aiortc", "av", "webrtcvad", "trustme", "rtdiag.diagnosis.catalogue", "rtdiag.engine.registry")
AT_THE_BANNER = """
import os, signal, sys
from rtdiag.cli import main, terminal

def show(text):
    assert text.startswith("EMULATOR")
    loaded = [name for name in {names} if name in sys.modules]
    print(loaded, "aiohttp.web" in sys.modules, os.environ.get("SSL_CERT_FILE"))
    os.kill(os.getpid(), signal.SIGINT)

terminal.show = show
main(["emulator"])
"""


def in_python(script: str, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"} | variables
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


@pytest.mark.parametrize("variables", [{}, {"SSL_CERT_FILE": "none-such.pem"}])
def test_it_can_be_asked_before_what_the_first_question_does_not_need_is_loaded(variables: dict[str, str]) -> None:
    told = f"[] True {variables.get('SSL_CERT_FILE')}\n"
    assert in_python(AT_THE_BANNER.format(names=LATER), **variables) == told


def test_what_a_call_needs_is_loaded_afterwards_beside_the_loop() -> None:
    script = (
        "import asyncio, gc, sys, threading; from rtdiag.emulator import loading;"
        "loading.QUIET_S = 0; gc.disable(); asyncio.run(loading.media(asyncio.Event()));"
        "print('aiortc' in sys.modules, 'av' in sys.modules, gc.isenabled(), gc.get_threshold() == loading.OFTEN)"
    )
    assert in_python(script) == "True True True True\n"


def test_nothing_is_loaded_any_more_where_the_end_comes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "import_module", None)

    async def run() -> None:
        end = asyncio.Event()
        end.set()
        await loading.media(end)

    asyncio.run(run())
