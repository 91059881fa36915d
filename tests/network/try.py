"""One scenario as a user meets it: what `rtdiag run` prints, its exit code, and how long it took.

    python -m tests.network.try dns-nxdomain [OPTIONS OF rtdiag run]

Needs root. Without a name it lists all.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.network.ground import Ground
from tests.network.runs import printed
from tests.network.scenarios import GROUPS, SCENARIOS


def main(arguments: list[str]) -> None:
    """Prints it."""
    if not arguments:
        sys.stdout.write("".join(f"{row.id:32} {row.fault}\n" for rows in GROUPS.values() for row in rows))
        return
    scenario = next((row for row in SCENARIOS if row.id == arguments[0]), None)
    if scenario is None:
        sys.exit(f"there is no scenario {arguments[0]!r}; without a name all are listed")
    with TemporaryDirectory() as folder, Ground(Path(folder)) as ground:
        asking = ground.asking(scenario.road(ground))
        began = time.perf_counter()
        code = printed(asking, Path(folder), scenario.timeout_s, (*scenario.options, *arguments[1:]))
        took_s = time.perf_counter() - began
    sys.stdout.write(f"\n{scenario.id}: {scenario.fault}; exit {code} after {took_s:.1f} s\n")
    sys.stdout.write(f"expected: exit {scenario.exits}, cause {scenario.cause!r}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
