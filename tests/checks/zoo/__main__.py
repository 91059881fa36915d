"""Asks the servers of the zoo and keeps the screens: `python -m tests.checks.zoo DIRECTORY [PATTERN]`.

A pattern is such as `'models-*.well'`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from rtdiag.report import table
from tests.checks.zoo.keeper import told
from tests.checks.zoo.kinds import ZOO


async def shown(name: str, condition: str, where: Path) -> str:
    """What was said of it, in a line, and below it what is wrong with that."""
    found = await told(ZOO[name], condition, 2)
    report = found.report
    screen = table.render(report) if report else "no run"
    (where / f"{name}.{condition}.txt").write_text(f"{screen}\n--- asked {json.dumps(found.asked, indent=1)}\n")
    head = f"{name}.{condition}: "
    if report:
        causes = ", ".join(f"{one.cause} ({one.confidence})" for one in report.diagnosis)
        head += f"exit {report.exit_code}, {sum(found.asked.values())} asked, {causes or 'no cause'}"
        head += f", recognised as {report.target.recognised_as}"
    return head + "".join(f"\n    - {line}" for line in found.wrong)


async def main(where: Path, pattern: str = "*") -> None:
    """All that the pattern names, one after the other."""
    for name, kind in ZOO.items():
        for condition in kind.right:
            if fnmatchcase(f"{name}.{condition}", pattern):
                sys.stdout.write(await shown(name, condition, where) + "\n")


if __name__ == "__main__":
    kept_at = Path(sys.argv[1])
    kept_at.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(kept_at, *sys.argv[2:]))
