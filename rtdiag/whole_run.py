"""A whole run, for the command line, for tests and for other programs: `report = rtdiag.run(rtdiag.Config(…))`.

What is wanted becomes a plan, the emulator starts where it is to be asked, and everything is closed at the end.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from rtdiag.api.plugins import Broken
from rtdiag.engine import plan as plans
from rtdiag.engine import registry, runner
from rtdiag.engine.asked_server import HOME
from rtdiag.engine.config import Config, ConfigError, Settings, make
from rtdiag.engine.context import RunOptions
from rtdiag.engine.plan import BROWSER, Plan
from rtdiag.engine.registry import Registry
from rtdiag.engine.results import FailOn
from rtdiag.model import Cost, Emulated, Report
from rtdiag.redact import Secret
from rtdiag.transport import names
from rtdiag.transport.http import Credential

if TYPE_CHECKING:
    from rtdiag.browser.serving import Opening
    from rtdiag.emulator import Emulator

S = TypeVar("S")
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Planned:
    """A run that can begin: what is asked and with what, what it costs, and how long it may take; `opening` is how its page is
    to be opened, None where it has none.
    """

    settings: Settings
    plan: Plan
    cost: Cost
    limit_s: float
    broken: tuple[Broken, ...] = ()
    fail_on: FailOn = "inconclusive"
    emulator: Emulator | None = None
    opening: Opening | None = None

    @property
    def strange(self) -> bool:
        """Whether it is to be found out what the server offers."""
        return _is_strange(self.settings.options, self.emulator)


class Observer(runner.Observer, Protocol):
    """Who is told what happens, before the first request, too."""

    def planned(self, planned: Planned) -> None:
        """All that was given can be used; nothing was asked yet. A ConfigError from here ends the run."""

    def to_do(self, line: str) -> None:
        """What a person has to do for the run to go on."""


class Silent(runner.Silent):
    """An observer that tells nobody."""

    def planned(self, planned: Planned) -> None:
        """Nothing."""

    def to_do(self, line: str) -> None:
        """Nothing."""


def run(config: Config, observer: Observer | None = None) -> Report:
    """Run what `rtdiag run` would with these options, and return the report; nothing is printed.

        report = rtdiag.run(rtdiag.Config(emulator=True, only=["key"], faults=["key-revoked"]))

    Keys, tokens and proxies are read from the same variables of the environment; the options' own, such as RTDIAG_MODEL, are not.
    Never raises for what a server, a network or a check does. Raises ConfigError, whose text is one line, for what cannot be used,
    and RuntimeError where an event loop runs already.
    """
    if _in_a_loop():
        raise RuntimeError("an event loop runs already: call rtdiag.run by asyncio.to_thread")
    return carry_out(prepared(config), observer or Silent())


def prepared(config: Config) -> Planned:
    """What these options come to with the environment; nothing is asked yet. Raises ConfigError."""
    settings = make(config, os.environ)
    return planned(config, settings, registry.load(), _emulator(config) if config.emulator else None)


def carry_out(ready: Planned, observer: Observer) -> Report:
    """The report of that run, made in an event loop of its own. Raises the ConfigError of the observer alone."""
    observer.planned(ready)
    return names.run(ask(ready, observer))


def planned(config: Config, settings: Settings, known: Registry, emulator: Emulator | None = None) -> Planned:
    """What is chosen of the checks, and what that takes. Raises ConfigError where nothing is."""
    checks, options = known.checks.values(), settings.options
    if strangers := plans.unknown((*config.only, *config.skip), checks):
        raise ConfigError(f"no check or case is called {strangers[0]!r}; `rtdiag list` names them all")
    if strangers := plans.unknown((each.case for each in config.ignore), checks):
        raise ConfigError(f"ignore: no check or case is called {strangers[0]!r}; `rtdiag list` names them all")
    in_a_browser = bool(settings.opening or options.page)
    if not in_a_browser and plans.for_a_browser_alone(checks, config.only):
        raise ConfigError("nothing is selected: opt in with --browser")
    plan = plans.make(
        checks,
        only=config.only,
        skip=config.skip,
        kinds=options.kinds,
        allow=(*config.allow, *([BROWSER] if in_a_browser else [])),
        emulated=emulator is not None,
    )
    if not any(step.cases for step in plan.steps):
        opt_ins = sorted({why for step in plan.steps for why in step.left_out.values() if why.startswith("opt in")})
        raise ConfigError(f"nothing is selected: {'; '.join(opt_ins) or '--only, --skip and --type leave no case'}")
    opening = settings.opening if plan.wants_a_browser else None
    longer_s = _longer_s(options.audio) if plan.cost.audio_seconds else 0.0
    return Planned(
        replace(settings, options=replace(options, named=plans.named_in_full(checks, config.only))),
        plan,
        plan.costing(longer_s, stranger=_is_strange(options, emulator)),
        settings.deadlines.run_s(plan.waits_s(longer_s) + (opening.takes_s if opening else 0.0)),
        (*known.broken, *(emulator.broken() if emulator else ())),
        config.fail_on,
        emulator,
        opening,
    )


async def ask(ready: Planned, observer: Observer | None = None, sleep: Sleep = asyncio.sleep) -> Report:
    """Run the plan, on its emulator where it has one; `sleep` is for tests that own the clock. See runner.run.

    The observer's `began` is called in a task of its own, which may be cancelled: the run then ends early, with its report.
    Raises the ConfigError of a page that cannot be served.
    """
    observer = observer or Silent()
    if ready.emulator is None:
        return await _with_a_page(ready, observer, sleep)
    async with AsyncExitStack() as entered:
        emulator = await _served(ready, entered, ready.emulator)
        settings = ready.settings
        settings.mask.learn(emulator.key)
        key = settings.options.api_key or Credential("api-key", Secret(emulator.key), "the emulator")
        options = replace(
            settings.options, base_url=settings.options.base_url or emulator.base_url, api_key=key, today=emulator.as_of
        )
        return await _with_a_page(replace(ready, settings=replace(settings, options=options)), observer, sleep)


async def _with_a_page(ready: Planned, observer: Observer, sleep: Sleep) -> Report:
    """The run, with its page around it where it has one."""
    if ready.opening is None:
        return await _run(ready, observer, sleep)
    from rtdiag.browser.come_of_it import come_of
    from rtdiag.browser.serving import Serving

    settings = ready.settings
    serving = Serving(ready.opening, settings.options.base_url, settings.mask, observer.to_do)
    async with AsyncExitStack() as entered:
        page = await _served(ready, entered, serving)
        options = replace(settings.options, page=page)
        report = await _run(replace(ready, settings=replace(settings, options=options)), observer, sleep)
        await page.give(come_of(report))
        return report


async def _served(ready: Planned, entered: AsyncExitStack, server: AbstractAsyncContextManager[S]) -> S:
    """What it serves, until `entered` ends. Raises ConfigError where --host is none of this machine's addresses."""
    try:
        return await entered.enter_async_context(server)
    except OSError as exc:
        if ready.opening is None:
            raise
        raise ConfigError(f"--host {ready.opening.host}: {exc.strerror}: give an address of this machine") from None


async def _run(ready: Planned, observer: Observer, sleep: Sleep) -> Report:
    emulator = ready.emulator
    work = runner.run(
        ready.plan,
        ready.settings.options,
        mask=ready.settings.mask,
        deadlines=ready.settings.deadlines,
        limit_s=ready.limit_s,
        observer=observer,
        broken=ready.broken,
        emulator=_emulated(emulator) if emulator else None,
        fail_on=ready.fail_on,
        sleep=sleep,
    )
    return await asyncio.create_task(work)


def _emulated(emulator: Emulator) -> Emulated:
    told = Emulated(as_of=emulator.as_of.isoformat(), faults=list(emulator.faults))
    if emulator.profile != HOME:
        told["profile"] = emulator.profile
    return told


def _is_strange(options: RunOptions, emulator: Emulator | None) -> bool:
    """Whether it is to be found out what the server offers."""
    return emulator.profile != HOME if emulator else not options.official


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _emulator(config: Config) -> Emulator:
    from rtdiag.emulator import Emulator
    from rtdiag.emulator.loopback import LOOPBACK

    try:
        host = (config.browser_host or LOOPBACK).strip("[] ")  # so who opens the page from elsewhere reaches it, too
        return Emulator(as_of=config.as_of, faults=config.faults, profile=config.profile or HOME, host=host)
    except ValueError as exc:
        raise ConfigError(str(exc)) from exc


def _longer_s(audio: str | None) -> float:
    from rtdiag.speech.clip import clip

    return (clip(audio).duration_ms - clip().duration_ms) / 1000
