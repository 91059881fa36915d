"""What servers.yaml says: which servers others wrote, how each is had and started, and what is right in each condition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from rtdiag.api import own_yaml
from tests.installing import NotInstalledError, by_npm, by_pip, version_by_npm, version_by_pip

HERE = Path(__file__).parent


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a server is installed. `package` is the one whose version is told; each of `pip` is what one `pip install` is given."""

    package: str
    pip: tuple[tuple[str, ...], ...] = ()
    npm: tuple[str, ...] = ()

    async def version(self, folder: Path) -> str:
        """The version that is installed there, "" for none."""
        try:
            return await version_by_pip(folder / "bin/python", self.package) if self.pip else self._of_npm(folder)
        except NotInstalledError:
            return ""

    async def installed(self, folder: Path) -> str:
        """The version that is there, or that was brought there now. Raises NotInstalledError."""
        if version := await self.version(folder):
            return version
        if self.pip:
            await by_pip(folder, *self.pip)
        if self.npm:
            await by_npm(folder, self.npm)
        return await self.version(folder)

    def _of_npm(self, folder: Path) -> str:
        there = (folder / "node_modules" / self.package).exists()
        return version_by_npm(folder, self.package) if there else ""


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request of another client: `ask` is method and path below the base URL.

    At once the answer is `status`, and within three seconds it has said `says`.
    """

    ask: str
    body: Mapping[str, Any] | None = None
    status: int = 200
    says: str = ""


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One run and what is right of it.

    `key` is in place of the server's own ("" for none), `options` are those of `rtdiag run`; `taken`: another client has a session
    meanwhile. Of the causes one of `cause` stands first and none is beside them but those of `beside`; without `cause` there is
    none that must be; `says` are words that what is said of them has. `green` are cases that must pass; `red`, globs, those that
    need not be well. `exit` has the exit codes.
    """

    key: str | None = None
    options: tuple[str, ...] = ()
    taken: bool = False
    exit: tuple[int, ...] = (0, 3)
    cause: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    green: tuple[str, ...] = ()
    red: tuple[str, ...] = ()


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One server, started one way.

    `start` is its command, of which the first word lies in its environment; in it and in `variables` {port}, {here}, {upstream} and
    {upstream_key} are filled in, the latter two of an emulator. `recognised` is what a run may take it for, `offers` the doors that
    are there whatever it answers: no run may say that they are not. Another client asks `meanwhile` all through a run and right
    after it, and `afterwards` when it is over.
    """

    environment: str
    start: tuple[str, ...]
    recognised: tuple[str, ...]
    offers: tuple[str, ...]
    conditions: Mapping[str, Condition]
    variables: Mapping[str, str] = {}
    key: str = ""
    meanwhile: tuple[Asked, ...] = ()
    afterwards: tuple[Asked, ...] = ()


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    environments: Mapping[str, Environment]
    servers: Mapping[str, Server]


def known() -> Known:
    """What the file says. Raises BadData."""
    return own_yaml.whole(Known, HERE / "servers.yaml")
