"""Two network namespaces and the wire between them: rtdiag is started in the near one, its servers stand in the far one.

They have names of their own for each process and are gone after the block, however that ended. What a killed process left
behind is taken away by the next one.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Literal

from tests.needs import needed

Side = Literal["near", "far"]
Hook = Literal["input", "output"]

_PREFIX = "rtdiag"
_ETC = Path("/etc/netns")
_RUN = Path("/run/netns")
_NEW_NETWORK, _NEW_MOUNTS = 0x40000000, 0x00020000  # CLONE_NEWNET, CLONE_NEWNS
_BIND, _OURS_ALONE = 4096, 16384 | 1 << 19  # MS_BIND; MS_REC | MS_SLAVE
_numbers = itertools.count(1)
_LINK = ("10.14.0.2", "10.14.0.1")
_HOSTS = {
    4: {"near": "10.13.0.2/24", "far": "10.13.0.1/24"},
    6: {"near": "2001:db8:13::2/64", "far": "2001:db8:13::1/64"},
}


class Pair:
    """`near` and `far` are the names of two namespaces, `host` is the far one's address as rtdiag sees it."""

    def __init__(self, families: tuple[int, ...]) -> None:
        number = next(_numbers)
        self.near, self.far = (f"{_PREFIX}-{os.getpid()}-{number}-{side}" for side in ("near", "far"))
        self.host = _HOSTS[families[0]]["far"].partition("/")[0]
        self._families = families

    def make(self) -> None:
        """Adds both, wires them up, and sends all that is elsewhere to the far one. Raises CalledProcessError."""
        for name in (self.near, self.far):
            _ip("netns", "add", name)
        _ip("-n", self.near, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", self.far)
        for side, name in (("near", self.near), ("far", self.far)):
            lines = ["link set lo up", "link set wire addrgenmode none", "link set wire up"]
            lines += [f"address add {_HOSTS[family][side]} dev wire nodad" for family in self._families]
            _ip("-n", name, "-batch", "-", given="\n".join(lines))
        for family in self._families:
            gateway = _HOSTS[family]["far"].partition("/")[0]
            _ip("-n", self.near, f"-{family}", "route", "add", "default", "via", gateway)

    def remove(self) -> None:
        """Takes both away, whatever is left of them."""
        for name in (self.near, self.far):
            _remove(name)

    def named(self, side: Side) -> str:
        """The name of that namespace."""
        return self.near if side == "near" else self.far

    def firewall(self, side: Side, hook: Hook, *rules: str) -> None:
        """Adds rules of nftables to what comes in there, or goes out."""
        lines = "\n".join([f"type filter hook {hook} priority 0", *rules])
        text = f"table inet road {{\nchain {hook} {{\n{lines}\n}}\n}}\n"
        self.call(side, "nft", "-f", "-", given=text)

    def etc(self, name: str, text: str) -> None:
        """What stands in that file of /etc for those who are started in the near namespace."""
        path = _ETC / self.near / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def add(self, side: Side, address: str) -> None:
        """One more address on the wire, such as "10.13.0.9/24"."""
        _ip("-n", self.named(side), "address", "add", address, "dev", "wire", *(["nodad"] if ":" in address else []))

    def unplug(self) -> None:
        """Takes the wire down: the near one has no network any more."""
        _ip("-n", self.near, "link", "set", "wire", "down")

    def join(self, device: str) -> str:
        """Puts the device of that name, which both have, in the place of the wire; the far one's address on it."""
        for name, ours, theirs in ((self.near, *_LINK), (self.far, *reversed(_LINK))):
            lines = ["link set wire down", f"address add {ours} peer {theirs} dev {device}", f"link set {device} up"]
            _ip("-n", name, "-batch", "-", given="\n".join(lines))
        return _LINK[1]

    def command(self, side: Side) -> tuple[str, ...]:
        """What stands before a command that is to be started there."""
        return command(self.named(side))

    def call(self, side: Side, *command: str, given: str = "") -> str:
        """Runs a command there; what it printed. Raises CalledProcessError."""
        return _call(*self.command(side), *command, given=given)


@contextmanager
def pair(*families: int) -> Iterator[Pair]:
    """Two namespaces with addresses of these families of IP. Skips the test where this machine does not let us make them."""
    needed(*_ability())
    made = Pair(families or (4,))
    try:
        made.make()
        yield made
    finally:
        made.remove()


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread is in that namespace, and so are the threads that it starts."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _enter(str(_RUN / namespace))
        yield
    finally:
        _set(here)
        os.close(here)


def command(namespace: str) -> tuple[str, ...]:
    """What stands before a command that is to be started in that namespace."""
    return ("ip", "netns", "exec", namespace)


def move(namespace: str) -> None:
    """This process, which has one thread, is in that namespace for good, with its files of /etc, as a command would be."""
    _enter(str(_RUN / namespace))
    _libc("unshare", _NEW_MOUNTS)
    _libc("mount", None, b"/", None, _OURS_ALONE, None)
    for file in (_ETC / namespace).glob("*"):
        _libc("mount", bytes(file), bytes(Path("/etc", file.name)), None, _BIND, None)


def sweep() -> None:
    """Takes away what processes left that are no more."""
    for path in [*_RUN.glob(f"{_PREFIX}-*"), *_ETC.glob(f"{_PREFIX}-*")]:
        if not Path("/proc", path.name.split("-")[1]).exists():
            _remove(path.name)


def _enter(path: str) -> None:
    there = os.open(path, os.O_RDONLY)
    try:
        _set(there)
    finally:
        os.close(there)


def _set(descriptor: int) -> None:
    """Python has os.setns from 3.12 on."""
    _libc("setns", descriptor, _NEW_NETWORK)


def _libc(name: str, *arguments: int | bytes | None) -> None:
    """Calls that function. Raises OSError where it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), name)


@cache
def _ability() -> tuple[str | None, str]:
    """As `needed` takes it: something where namespaces can be made here, and what is missing elsewhere."""
    if missing := [name for name in ("ip", "nft") if shutil.which(name) is None]:
        return None, f"{' and '.join(missing)} not installed (apt-get install iproute2 nftables)"
    if os.geteuid() != 0:
        return None, "network namespaces need root"
    sweep()
    name = f"{_PREFIX}-{os.getpid()}-0"
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError as exc:
        return None, f"no network namespace can be made here: {exc.stderr.strip()}"
    _remove(name)
    return "ip", ""


def _remove(name: str) -> None:
    with suppress(subprocess.CalledProcessError):  # it was never made, or another process swept it
        _ip("netns", "delete", name)
    shutil.rmtree(_ETC / name, ignore_errors=True)


def _ip(*args: str, given: str = "") -> str:
    return _call("ip", *args, given=given)


def _call(*command: str, given: str = "") -> str:
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=30).stdout
