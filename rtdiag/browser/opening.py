"""Which browser opens the page, and how: the user's own, one that is started headless for it, or none, where a person does it.

A headless one gets a profile and a process group of its own, which are gone at the end, however that comes. Its flags and
preferences give it a fake microphone, and a person's click is not waited for.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

DEFAULT, PRINT = "default", "print"
# By which names the programs of a family lie on the PATH.
_PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "firefox": ("firefox", "firefox-esr"),
}
_CHROMIUM = (
    "--headless=new",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-breakpad",  # its process would leave the group
    "--disable-background-networking",
    "--disable-component-update",
    "--enable-logging=stderr",
)
_FIREFOX = """
user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("media.peerconnection.ice.loopback", true);
user_pref("media.autoplay.default", 0);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("app.update.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("browser.region.network.url", "");
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
"""
_VERSION = re.compile(r"(?i)\b(chrom(?:e|ium)|edge|brave|firefox)\D*(\d[\d.]*)")
_VERSION_S = 10
_OPENS_S = 3.0  # the system's own, where there is one
_END_S = 2.0  # to end by itself
_TRIES = 10  # to remove its profile
_CONSOLE = re.compile(r'CONSOLE[(:]\d+\)?\] "(.*?)(?:", source: .* \(\d+\))?$')
_NOISE = re.compile(r":dbus/|[ (]dbus|D-Bus|/vaapi/")  # what a chromium says on a machine without a desktop
_MOST_LINES, _LONGEST = 500, 2000
_PART_BYTES = 65536
# Starts what follows, and ends its whole group when our end of standard input is closed: also where rtdiag was killed.
_WITH_US = (
    "/bin/sh",
    "-c",
    'exec 3<&0; "$@" 3<&- </dev/null & started=$!; (cat <&3; kill -9 0) >/dev/null 2>&1 & wait $started',
    "sh",
)
_OUTLIVE_US: list[asyncio.subprocess.Process] = []  # kept, for Python warns of a process that it forgets while it runs
_OF_THE_SYSTEM = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


class NoSuchBrowserError(ValueError):
    """A browser that is not there, or none: one line that says what to do."""


@dataclass(frozen=True)
class Browser:
    """Which one is to open the page: DEFAULT, PRINT, or what is started headless, which has a `program`, its family and version."""

    name: str
    program: str = ""
    family: Literal["", "chromium", "firefox"] = ""
    version: str = ""

    @property
    def headless(self) -> bool:
        """Whether it is started for the page alone, so that nobody can press Start."""
        return bool(self.program)


def browser(name: str) -> Browser:
    """What `--browser` names: `default`, `print`, `chromium`, `firefox`, or a program, which is asked what it is.

    Raises NoSuchBrowserError.
    """
    if name in (DEFAULT, PRINT):
        return Browser(name)
    programs = _PROGRAMS.get(name, (name,))
    program = next((found for one in programs if (found := shutil.which(os.path.expanduser(one)))), None)
    if program is None:
        raise NoSuchBrowserError(f"{name}: {_none(programs)}, or open the page yourself by --browser=print")
    said = _said_of_itself(program)
    its = _VERSION.search(said)
    if its is None:
        first = said.partition("\n")[0][:80]
        raise NoSuchBrowserError(
            f"{name}: it is neither a chromium nor a firefox, for to --version it says {first!r}: give one of these"
        )
    family: Literal["chromium", "firefox"] = "firefox" if its[1].lower() == "firefox" else "chromium"
    return Browser(name, program, family, f"{its[1].capitalize()} {its[2]}")


def _none(programs: tuple[str, ...]) -> str:
    if os.path.basename(programs[0]) != programs[0]:
        return "no program lies there that can be started: give the path of a chromium or firefox"
    return f"no program here is called {' or '.join(programs)}: install it, give the path of another"


def _said_of_itself(program: str) -> str:
    try:
        asked = [program, "--version"]
        done = subprocess.run(asked, capture_output=True, timeout=_VERSION_S, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        return str(exc) if isinstance(exc, OSError) else "nothing"
    return done.stdout[:_PART_BYTES].decode(errors="replace").strip()


def may_open_by_itself() -> bool:
    """Whether the system's own browser can show itself; else a browser of the terminal would take that over."""
    shown = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME")
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, shown))


async def open_by_itself(link: str) -> bool:
    """Let the system's own browser open that; whether there is one.

    It does so from a process of its own: what that browser prints would stand in our report, and would keep our output open.
    """
    quiet = asyncio.subprocess.DEVNULL
    asked = (sys.executable, "-I", "-c", _OF_THE_SYSTEM, link)
    opener = await asyncio.create_subprocess_exec(
        *asked, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        return await asyncio.wait_for(opener.wait(), _OPENS_S) == 0
    except TimeoutError:  # it waits for a browser that is there
        _OUTLIVE_US.append(opener)
        return True


class Headless:
    """A browser that was started for one page. `console` are lines that a user would see there (chromium's alone tell them),
    through `mask`; `ended` is "" while it runs, then how it ended; `on_end` is called then.
    """

    def __init__(self, chosen: Browser, mask: Callable[[str], str], on_end: Callable[[], None]) -> None:
        self.console: list[str] = []
        self.ended = ""
        self._chosen, self._mask, self._on_end = chosen, mask, on_end
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._profile = ""
        self._last = ""

    async def start(self, link: str) -> None:
        """Open that in it; where it cannot be started, that is how it ended."""
        from tempfile import mkdtemp

        self._profile = mkdtemp(prefix="rtdiag-browser-")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *_WITH_US,
                self._chosen.program,
                *self._arguments(),
                link,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as exc:
            self.ended = f"it could not be started: {exc.strerror}"
            self._on_end()
            return
        self._watching = asyncio.create_task(self._watch(self._process))

    async def end(self) -> None:
        """It, whatever it has started, and its profile are gone afterwards."""
        if self._process is not None:
            await self._end_group(self._process)
        if self._watching is not None:
            self._watching.cancel()
        for _ in range(_TRIES):  # what is ending may write there once more
            if _removed(self._profile):
                return
            await asyncio.sleep(0.1)

    async def _end_group(self, process: asyncio.subprocess.Process) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, how)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _END_S)

    def _arguments(self) -> list[str]:
        if self._chosen.family == "firefox":
            with open(os.path.join(self._profile, "user.js"), "w", encoding="utf-8") as file:
                file.write(_FIREFOX)
            return ["--headless", "--no-remote", "--profile", self._profile]
        as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # which has none
        return [*_CHROMIUM, *as_root, f"--user-data-dir={self._profile}"]

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr
        rest = b""
        while part := await process.stderr.read(_PART_BYTES):
            *lines, rest = (rest + part).split(b"\n")
            rest = rest[:_PART_BYTES]
            for line in lines:
                self._hear(line.decode(errors="replace").rstrip())
        code = await process.wait()
        self.ended = f"exit code {code}{f': {self._last}' if self._last else ''}"
        self._on_end()

    def _hear(self, line: str) -> None:
        found = _CONSOLE.search(line[: 2 * _LONGEST])
        if found is None:
            self._last = self._mask(line[:_LONGEST]) if line.strip() and not _NOISE.search(line) else self._last
        elif len(self.console) < _MOST_LINES:
            self.console.append(self._mask(found[1][:_LONGEST]))


def _removed(folder: str) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not os.path.exists(folder)
