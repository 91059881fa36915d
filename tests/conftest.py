"""What all tests share: no test is touched by the keys, proxies, flags or ignored signals of the machine it runs on.

`--live` is the one exception: it asks the API itself, runs tests/contract and nothing else, and so is never on by default.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest

# Compiled modules are kept whatever the machine's variables say: hundreds of processes import the same.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["XDG_CACHE_HOME"] = str(Path(__file__).parents[1] / ".pytest_cache" / "of-rtdiag")  # and not the user's own

gc.set_threshold(10_000)  # what a run leaves behind is mostly kept for other tests to look at

# Who starts the tests in the background has signals ignored, and children inherit that. A handler that does nothing they do not.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)

_AMBIENT = (
    "OPENAI_",
    "RTDIAG_",
    "GITHUB_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "NO_COLOR",
    "SSL_CERT_",
    "COLUMNS",
    "TERM",
)
_CONTRACT = Path(__file__).parent / "contract"

_LONGEST = ("heard", "access-not-enabled", "media-cut", "no-session-created")  # runs that wait for 10 s and more


def pytest_addoption(parser: pytest.Parser) -> None:
    told = (
        "run tests/contract, and nothing else, against the API: the key in OPENAI_API_KEY, OPENAI_BASE_URL if it is set"
    )
    parser.addoption("--live", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--live"):
        _forget_the_machine()
        return
    if not os.environ.get("OPENAI_API_KEY", "").strip():
        raise pytest.UsageError("--live asks the API: set OPENAI_API_KEY to a key")
    config.option.tbstyle, config.option.showlocals = "short", False  # the others print arguments, and so the key


def _forget_the_machine() -> None:
    """For good, so that fixtures of any scope and all that tests start see none of it. RTDIAG_CI is for the tests themselves."""
    for name in set(os.environ) - {"RTDIAG_CI"}:
        if name.upper().startswith(_AMBIENT):
            del os.environ[name]


def pytest_xdist_auto_num_workers() -> int:
    """Five processes more than there are cores, at most seven: of two cores, five left a quarter of the time unused."""
    return min((os.cpu_count() or 1) + 5, 7)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Garbage is not looked for among what stays: thousands of tests, and all that they import."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _group(items)
    if config.getoption("--live"):
        elsewhere = [item for item in items if _CONTRACT not in item.path.parents]
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if _CONTRACT in item.path.parents]


def _group(items: list[pytest.Item]) -> None:
    """Puts tests of one `xdist_group` side by side, so that one process has them all and runs once what they look at.

    `--dist worksteal` deals out neighbours together; what takes longest comes first, so that nobody steals half of it.
    `--dist loadgroup` does nothing with pytest 9.2 (pytest-xdist#1386).
    """
    first = {group: place - len(_LONGEST) for place, group in enumerate(_LONGEST)}
    places: dict[pytest.Item, int] = {}
    for place, item in enumerate(items):
        mark = item.get_closest_marker("xdist_group")
        places[item] = first.setdefault(mark.args[0], place) if mark else place
    items.sort(key=places.__getitem__)
    items[:] = _dealt_out(items)


def _dealt_out(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """Those marked `waits` evenly among the others: side by side at the end, they would leave the cores with nothing to do.

    They come where one module gives way to another, so that no fixture of a module is made twice.
    """
    waiting = deque(item for item in items if item.get_closest_marker("waits"))
    others = [item for item in items if not item.get_closest_marker("waits")]
    each = len(others) / max(len(waiting), 1)
    dealt, module = 0, None
    for place, item in enumerate(others):
        while item.path != module and waiting and dealt * each < place:
            yield waiting.popleft()
            dealt += 1
        module = item.path
        yield item
    yield from waiting
