"""Recordings of live traffic played against the emulator: `python -m tests.recorded.replay [FILE…]` lists where it differs.

Without a file it takes all in ../shared/recordings that the emulator speaks, error answers (`err__…`) too; what a reason excuses
is counted, not listed.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from rtdiag.compare.recording import Unlike, reason, replayed
from tests.recorded.acting import all_done
from tests.recorded.recordings import acts, name_of, read, sessions


def replay(paths: Sequence[Path]) -> dict[str, list[Unlike]]:
    """The differences of each, by `family/name`; a sideband's call is taken along."""
    calls = {path.with_name(path.name.replace("_sideband__", "__")) for path in paths}
    recordings = {name_of(path): read(path) for path in [*paths, *(c for c in calls if c not in paths and c.exists())]}
    found = asyncio.run(replayed(recordings))
    return {name_of(path): found[name_of(path)] for path in paths}


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


def main(names: Sequence[str]) -> str:
    """What is different in these files, in all without any."""
    paths = [Path(name).absolute() for name in names] or [*sessions(), *acts()]
    posts = [path for path in paths if path.name.startswith("err__")]
    return listing(replay([path for path in paths if path not in posts]) | all_done(posts)) + "\n"


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
