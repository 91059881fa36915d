"""What goes over a network: on loopback, or from one namespace to another with a round trip and losses between them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.benchmarks.commands import LIMIT_S, PYTHON, ROOT, RTDIAG, alone, ours, took_ms, variables
from tests.benchmarks.measuring import OURS, Bench, Place, Sample
from tests.benchmarks.opening import CALLS, NEVER_MS, Worker
from tests.benchmarks.serving import emulator
from tests.browser.chromium import Tab, Window
from tests.network import namespaces
from tests.network.ground import Ground
from tests.network.link import Link
from tests.network.runs import FAKE_KEY

UDP = "meta l4proto udp"
_WITH_OPENAI = """
import openai, os
try:
    openai.OpenAI(max_retries=0).models.list()
except openai.AuthenticationError:
    pass
"""
_WITH_HTTPX = """
import asyncio, click, httpx
async def main():
    async with httpx.AsyncClient():
        pass
asyncio.run(main())
"""
_IN_A_PAGE = """async ([url, calls, key, never]) => {
    const headers = {Authorization: `Bearer ${key}`};
    await (await fetch(`${url}/models`, {headers})).text();
    const began = performance.now();
    const peer = new RTCPeerConnection();
    peer.addTransceiver("audio");
    const channel = peer.createDataChannel("oai-events");
    const created = new Promise(resolve => { channel.onmessage = resolve; });
    await peer.setLocalDescription();
    const offer = {method: "POST", headers: {...headers, "Content-Type": "application/sdp"}, body: peer.localDescription.sdp};
    const answer = await fetch(url + calls, offer);
    await peer.setRemoteDescription({type: "answer", sdp: await answer.text()});
    await Promise.race([created, new Promise(resolve => setTimeout(resolve, never))]);
    const took = performance.now() - began;
    peer.close();
    return took;
}"""


class Stand:
    """An emulator in a process of its own, and the side from which it is asked."""

    def __init__(self, ground: Ground, rtt_ms: float | None) -> None:
        self._near = ground.apart().near if rtt_ms is not None else None
        self.ground = ground
        if rtt_ms:
            ground.slow(Link(rtt_ms / 2000))
            assert ground.pair
            for side in ("near", "far"):  # one address each, as most machines have
                ground.pair.call(side, "ip", "address", "flush", "dev", "wire")
        served = ground.keep(emulator(ground.host))
        self.url, self.key = served.base_url, served.key

    def near(self) -> AbstractContextManager[None]:
        """What is started in this block is started there."""
        return namespaces.inside(self._near) if self._near else nullcontext()

    def took_ms(self, *command: str, key: str = "", **more: Any) -> float:
        """How long that command takes, which is told whom to ask by variables."""
        env = variables(OPENAI_BASE_URL=self.url, OPENAI_API_KEY=key or self.key)
        with self.near():
            return took_ms(*command, env=env, **more)


@contextmanager
def stand(rtt_ms: float | None = None) -> Iterator[Stand]:
    """That far away, in a namespace of its own; without a number on loopback. Skips where this machine does not let us."""
    with TemporaryDirectory() as folder, Ground(Path(folder)) as ground:
        yield Stand(ground, rtt_ms)


def first_401(rtt_ms: float | None = None) -> Callable[[Place], Bench]:
    """A key that is refused: how long until a command line has told it."""

    @contextmanager
    def bench(place: Place) -> Iterator[Mapping[str, Sample | str]]:
        with stand(rtt_ms) as at:
            asks = partial(at.took_ms, key=FAKE_KEY)
            client = place.openai
            curl = ["curl", "--silent", "--header", f"Authorization: Bearer {FAKE_KEY}", f"{at.url}/models"]
            yield {
                OURS: lambda: asks(*RTDIAG, "run", "--only", "key", codes=(1,), says="key-wrong-or-revoked"),
                "curl": lambda: asks(*curl, says="invalid_api_key"),
                "openai": (lambda: asks(client, "-c", _WITH_OPENAI)) if client else "no openai (--openai PYTHON)",
                "click and AsyncClient": lambda: asks(PYTHON, "-c", _WITH_HTTPX),
            }

    return bench


def whole_run(rtt_ms: float) -> Callable[[Place], Bench]:
    """A run that finds nothing wrong, beside the longest chain in it: with its process, and on the wire alone."""

    @contextmanager
    def bench(_: Place) -> Iterator[Mapping[str, Sample | str]]:
        with stand(rtt_ms) as at:
            chain = [PYTHON, "-m", "tests.benchmarks.bare", "chain", at.url, at.key]
            env = variables()

            def on_the_wire() -> float:
                with at.near():
                    done = subprocess.run(chain, capture_output=True, text=True, timeout=LIMIT_S, cwd=ROOT, env=env)
                assert done.returncode == 0, done.stderr[-300:]
                return float(done.stdout)

            yield {
                OURS: lambda: at.took_ms(*RTDIAG, "run"),
                "chain": lambda: at.took_ms(*chain),
                "its wire alone": on_the_wire,
            }

    return bench


def embedded_run() -> Callable[[Place], Bench]:
    """The whole, with the emulator in the same process."""
    return alone(lambda _: ours("run", "--emulator"))


@contextmanager
def udp_blocked(_: Place) -> Iterator[Mapping[str, Sample | str]]:
    """A firewall drops UDP: how long until that is told, or until aiortc gives up."""
    with stand(0) as at:
        assert at.ground.pair
        at.ground.pair.firewall("far", "input", f"{UDP} drop")
        bare = [PYTHON, "-m", "tests.benchmarks.bare", "blocked", at.url, at.key]
        yield {
            OURS: lambda: at.took_ms(*RTDIAG, "run", codes=(1, 3), says="ice-udp-blocked") / 1000,
            "bare aiortc": lambda: at.took_ms(*bare) / 1000,
        }


def peer_opens(rtt_ms: float | None = None, one_lost_of: int = 0) -> Callable[[Place], Bench]:
    """From the making of a peer to `session.created`, of `one_lost_of` datagrams each way one being lost."""

    @contextmanager
    def bench(_: Place) -> Iterator[Mapping[str, Sample | str]]:
        with stand(rtt_ms) as at, ExitStack() as stack:
            if one_lost_of:
                assert at.ground.pair
                for side in ("near", "far"):
                    at.ground.pair.firewall(side, "input", f"{UDP} numgen random mod {one_lost_of} == 0 drop")
            with at.near():
                worker = stack.enter_context(closing(Worker(at.url, at.key)))
                chromium = stack.enter_context(in_chromium(at))
            yield {OURS: lambda: worker.ask(do="one"), "chromium": chromium}

    return bench


@contextmanager
def in_chromium(at: Stand) -> Iterator[Sample | str]:
    """The same by a page; or why there is no chromium."""
    with closing(Window()) as window:

        async def loaded(stack: AsyncExitStack) -> Tab:
            tab = await stack.enter_async_context(window.tab())
            await tab.page.goto(f"{at.url}/models")  # so that the page and the API have one origin
            return tab

        stack = AsyncExitStack()
        try:
            try:
                tab = window.run(loaded(stack))
            except pytest.skip.Exception as exc:
                yield str(exc.msg)
                return
            yield lambda: float(window.run(tab.page.evaluate(_IN_A_PAGE, [at.url, CALLS, at.key, NEVER_MS])))
        finally:
            window.run(stack.aclose())
