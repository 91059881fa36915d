"""Measures rtdiag and its anchors in turn, and prints the table of what is aimed at.

    python -m tests.benchmarks                          # all rows: about half an hour on a quiet machine
    python -m tests.benchmarks --rows 'start-*' --runs 21

What a row needs and this machine lacks is named in its place. The exit code is 1 where a row failed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.benchmarks import waits
from tests.benchmarks.commands import PYTHON, by_cpu
from tests.benchmarks.measuring import Place, Row, Taken, taken
from tests.benchmarks.rows import ROWS
from tests.benchmarks.shown import as_json, machine, table
from tests.servers.all import BUILD
from tests.servers.servers import known

_TESTS = Path(__file__).parents[1]


def openai_of(asked: str | None) -> str | None:
    """An interpreter that has openai-python: that one, else this."""
    python = asked or PYTHON
    has = subprocess.run([python, "-c", "import openai"], capture_output=True, check=False).returncode == 0
    return python if has else None


def aimock_of(asked: Path | None) -> Path | None:
    """Where aimock is installed: there, or where the tests would have it."""
    starts = known().servers["aimock-keyless"].start[0]
    places = [asked] if asked else [BUILD / "aimock", _TESTS / "browser"]
    return next((place.resolve() for place in places if (place / starts).exists() and shutil.which("node")), None)


def measured(rows: list[Row], place: Place, runs: int) -> list[Taken]:
    """Each row, told when it begins."""
    found = []
    for number, row in enumerate(rows, start=1):
        click.echo(f"{number} of {len(rows)}: {row.name}, {row.rounds(runs)} rounds", err=True)
        found.append(taken(row, place, runs))
    return found


@click.command(help=__doc__)
@click.option(
    "--rows", "patterns", multiple=True, default=("*",), help="Only the rows of such a name (globs). Repeatable."
)
@click.option("--runs", type=click.IntRange(1, 1000), default=11, show_default=True, help="Rounds of an ordinary row.")
@click.option("--list", "listing", is_flag=True, help="List the rows and end.")
@click.option("--waits", "profiling", is_flag=True, help="List the waits of one `run --emulator` and end.")
@click.option(
    "--cpu", is_flag=True, help="Commands by what they have of the processor: for a machine that does much else."
)
@click.option("--json", "path", type=click.Path(path_type=Path), help="Also write all figures there.")
@click.option("--openai", help="The interpreter of an environment that has openai-python.")
@click.option(
    "--aimock", type=click.Path(exists=True, path_type=Path), help="The folder in which npm installed aimock."
)
def command(
    patterns: tuple[str, ...],
    runs: int,
    listing: bool,
    profiling: bool,
    cpu: bool,
    path: Path | None,
    openai: str | None,
    aimock: Path | None,
) -> None:
    rows = [row for row in ROWS if any(fnmatchcase(row.name, pattern) for pattern in patterns)]
    if not rows:
        raise click.UsageError(f"no row is named so: {', '.join(patterns)}; --list has them")
    if listing:
        click.echo("\n".join(f"{row.name:24} {row.what}: {'; '.join(row.aims) or 'no aim'}" for row in rows))
        return
    if profiling:
        click.echo(waits.profile())
        return
    if cpu:
        by_cpu()
    before = {**machine(), "commands": "by CPU" if cpu else "by the clock"}
    with TemporaryDirectory(prefix="rtdiag-benchmarks-") as folder:
        found = measured(rows, Place(Path(folder), openai_of(openai), aimock_of(aimock)), runs)
    told = {**before, "load_after": round(os.getloadavg()[0], 1)}
    click.echo(table(found))
    click.echo("\n" + ", ".join(f"{name} {value}" for name, value in told.items() if name != "packages"))
    if path:
        path.write_text(json.dumps(as_json(found, told), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.exit(any(one.failed for one in found))


if __name__ == "__main__":
    command()
