"""Recordings of live traffic played against the emulator: `python -m tests.recorded.replay [FILE…]` lists where it differs.

Without a file it takes all in ../shared/recordings that the emulator speaks; what a reason excuses is counted, not listed.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from rtdiag.compare.recording import Recording, Unlike, reason, recording_in, replayed

RECORDINGS = Path(__file__).parents[2] / "../shared/recordings"
SESSIONS = ("openai-ga/[!e]*.yaml", "azure-ga/[!e]*.yaml", "gateway/*openai*.yaml")


def sessions(*patterns: str) -> list[Path]:
    """Whole sessions, error answers aside."""
    return sorted(path for pattern in patterns or SESSIONS for path in RECORDINGS.glob(pattern))


@cache
def read(path: Path) -> Recording:
    """The recording of that file."""
    return recording_in(path.read_text(encoding="utf-8"))


def replay(paths: Sequence[Path]) -> dict[str, list[Unlike]]:
    """The differences of each, by `family/name`; a sideband's call is taken along."""
    calls = {path.with_name(path.name.replace("_sideband__", "__")) for path in paths}
    recordings = {_name(path): read(path) for path in [*paths, *(c for c in calls if c not in paths and c.exists())]}
    found = asyncio.run(replayed(recordings))
    return {_name(path): found[_name(path)] for path in paths}


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def listing(found: dict[str, list[Unlike]]) -> str:
    """The differences by what they are, the most frequent first, with the recordings that show each."""
    alike: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    excused: Counter[str] = Counter()
    for name, unlikes in found.items():
        for one in unlikes:
            if why := reason(one):
                excused[why.reason] += 1
            else:
                alike[(one.place, one.what, one.there, one.here)].append(name)
    lines = [f"{sum(map(len, alike.values()))} differences, {len(alike)} of them unlike each other; by recording:"]
    for name, unlikes in found.items():
        lines.append(f"  {sum(reason(one) is None for one in unlikes):4} {name}")
    for (place, what, there, here), names in sorted(alike.items(), key=lambda each: (-len(each[1]), each[0])):
        lines += [f"{len(names)} in {len(set(names))}: {place}, {what}", f"    there {there}", f"    here  {here}"]
        lines.append(f"    first in {names[0]}")
    lines += [f"excused {count:4}: {why}" for why, count in excused.most_common()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(listing(replay([Path(name).absolute() for name in sys.argv[1:]] or sessions())))
