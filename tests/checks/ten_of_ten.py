"""`python -m tests.checks.ten_of_ten [TIMES]`: the verdicts on speech played at its own pace, ten times each, and the tally.

Each situation, all well or one fault, is a run of its own in real time; two go on at once for each core. A run counts
when every case of `vad-effect` has the status and the cause that it must have. Exit code: 0 when all did.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor

from rtdiag.testing import finding, run_on_emulator
from tests.checks.test_vad_effect import CASES, HEARD

WELL = "(all well)"
EXPECTED: Mapping[str, Mapping[str, tuple[str, str | None]]] = {WELL: {}, **HEARD}


def wrong(fault: str) -> str:
    """What one run says otherwise than it must, "" when nothing."""
    report = run_on_emulator(faults=[] if fault == WELL else [fault], only=["vad-effect"])
    found = {case: finding(report, f"vad-effect.{case}") for case in CASES}
    return "; ".join(
        f"{case} {told.status} {told.cause}: {told.measured}"
        for case, told in found.items()
        if (told.status, told.cause) != EXPECTED[fault].get(case, ("pass", None))
    )


def main(times: int) -> int:
    """Print a line per situation, and what was wrong."""
    asked = [fault for _ in range(times) for fault in EXPECTED]
    with ProcessPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        results = list(zip(asked, pool.map(wrong, asked), strict=True))
    for fault in EXPECTED:
        said = [line for name, line in results if name == fault]
        sys.stdout.write(f"{fault:24} {said.count('')} of {len(said)}\n")
        sys.stdout.writelines(f"    {line}\n" for line in said if line)
    return int(any(line for _, line in results))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
