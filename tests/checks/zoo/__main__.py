"""Asks every server of the zoo by the command line and keeps the screens: `python -m tests.checks.zoo DIRECTORY [PATTERN]`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path

from rtdiag.recorded.reading import report_in
from tests.checks.zoo.judged import wrong
from tests.checks.zoo.keeper import KEYS, kept
from tests.checks.zoo.kinds import ZOO, Kind


async def shown(name: str, kind: Kind, condition: str, where: Path) -> str:
    async with kept(kind) as (base_url, server):
        environment = {"PATH": os.environ["PATH"], "HOME": str(where), "COLUMNS": "130", "PYTHONPATH": os.getcwd()}
        if key := KEYS[condition]:
            environment["OPENAI_API_KEY"] = key
        more = ["--model", kind.model] if kind.model else []
        report = where / f"{name}.{condition}.json"
        report.unlink(missing_ok=True)
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "rtdiag",
                "run",
                "--base-url",
                base_url,
                "--timeout",
                "4",
                "--report",
                f"json={report}",
                *more,
            ),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        took = time.monotonic() - began
        asked = dict(server.asked)
    (where / f"{name}.{condition}.txt").write_bytes(
        out + b"\n--- stderr\n" + err + f"\n--- asked {json.dumps(asked, indent=1)}".encode()
    )
    if report.exists():
        told = report_in(report.read_text())
        said = list(wrong(kind.right[condition], told, dict(getattr(server, "missed", {}))))
        causes = ", ".join(f"{d.cause} ({d.confidence})" for d in told.diagnosis)
    else:
        causes, said = err.decode().strip().splitlines()[-1][:60], []
        if process.returncode not in kind.right[condition].exits:
            said = [f"no run: exit {process.returncode}"]
    head = f"{name}.{condition}: exit {process.returncode}, {took:.1f} s, {sum(asked.values())} asked, {causes or 'no cause'}"
    return head + "".join(f"\n    - {line}" for line in said)


async def main(where: Path, pattern: str) -> None:
    where.mkdir(parents=True, exist_ok=True)
    for name, kind in ZOO.items():
        for condition in kind.right:
            if fnmatchcase(f"{name}.{condition}", pattern):
                print(await shown(name, kind, condition, where), flush=True)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "*"))
