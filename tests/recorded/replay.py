"""Recordings of live traffic played against the emulator: `python -m tests.recorded.replay [FILE…]` lists where it differs.

Without a file it takes all in ../shared/recordings that the emulator speaks, error answers (`err__…`) too; what a reason excuses
is counted, not listed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from rtdiag.compare.recording import Unlike, call_of, listing, replayed, unexplained
from tests.recorded.acting import all_done
from tests.recorded.recordings import acts, name_of, read, sessions


def replay(paths: Sequence[Path]) -> dict[str, list[Unlike]]:
    """The differences of each, by `family/name`; a sideband's call is taken along."""
    calls = {path.with_name(call_of(path.name)) for path in paths}
    recordings = {name_of(path): read(path) for path in [*paths, *(c for c in calls if c not in paths and c.exists())]}
    found = asyncio.run(replayed(recordings))
    return {name_of(path): found[name_of(path)] for path in paths}


def main(names: Sequence[str]) -> str:
    """What is different in these files, in all without any."""
    paths = [Path(name).absolute() for name in names] or [*sessions(), *acts()]
    posts = [path for path in paths if path.name.startswith("err__")]
    found = replay([path for path in paths if path not in posts]) | all_done(posts)
    counts = (f"{len(unexplained(unlikes)):4} {name}\n" for name, unlikes in found.items())
    return listing(found) + "\n" + "".join(counts)


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
