"""How what was measured is shown: the table, and its JSON."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tabulate import tabulate

from tests.benchmarks.commands import ROOT
from tests.benchmarks.measuring import OURS, Spread, Taken

HEAD = ["row", "what", "unit", "now", "anchor", "now / anchor", "aim", "reached"]
_PACKAGES = ("aioice", "aiohttp", "aiortc", "click", "httpx", "openai", "websockets")
_REACHED = {True: "yes", False: "no", None: "–"}


def table(all_taken: Sequence[Taken]) -> str:
    """In Markdown, for a page or a screen."""
    return tabulate([_cells(one) for one in all_taken], headers=HEAD, tablefmt="github", disable_numparse=True)


def _cells(taken: Taken) -> list[str]:
    row = taken.row
    told = f"skipped: {taken.skipped}" if taken.skipped else f"failed: {taken.failed[:300]}" if taken.failed else ""
    now = " ".join(told.split()) or _spread(Spread.of(taken.rounds[OURS]), tail=_has_tail(taken))
    return [
        row.name, row.what, row.unit, now,
        "; ".join(_anchors(taken)),
        "; ".join(f"{name} {_ratio(taken.ratio(name))}" for name in _anchor_names(taken)),
        "; ".join(row.aims),
        "; ".join(_REACHED[reached] for reached in taken.reached.values()),
    ]  # fmt: skip


def _anchors(taken: Taken) -> Iterator[str]:
    for name in _anchor_names(taken):
        yield f"{name} {_spread(Spread.of(taken.rounds[name]), tail=_has_tail(taken))}"
    yield from (f"{name}: {why}" for name, why in taken.missing.items())


def _anchor_names(taken: Taken) -> list[str]:
    return [name for name in taken.rounds if name != OURS]


def _has_tail(taken: Taken) -> bool:
    return any("p90" in aim for aim in taken.row.aims)


def _spread(spread: Spread, *, tail: bool) -> str:
    return f"{number(spread.median)} ({number(spread.low)}–{number(spread.high)}{f', p90 {number(spread.p90)}' if tail else ''})"


def _ratio(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f}–{spread.high:.2f})"


def number(figure: float) -> str:
    """With as many digits as say something."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def as_json(all_taken: Sequence[Taken], machine: Mapping[str, Any]) -> dict[str, Any]:
    """All that is known, each figure included."""
    return {"machine": machine, "rows": [_row(one) for one in all_taken]}


def _row(taken: Taken) -> dict[str, Any]:
    figures = {name: {**asdict(Spread.of(found)), "rounds": list(found)} for name, found in taken.rounds.items()}
    anchors = {name: {**figures[name], "ratio": asdict(taken.ratio(name))} for name in _anchor_names(taken)}
    return {
        "name": taken.row.name,
        "what": taken.row.what,
        "unit": taken.row.unit,
        "now": figures.get(OURS),
        "anchors": anchors,
        "missing": dict(taken.missing),
        "aims": taken.reached,
        "skipped": taken.skipped,
        "failed": taken.failed,
    }


def machine() -> dict[str, Any]:
    """On what it is measured, of which commit, and how busy it is with other things."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "load": round(os.getloadavg()[0], 1),
    }


def _commit() -> str:
    told = ["git", "describe", "--always", "--dirty"]
    try:
        return subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
