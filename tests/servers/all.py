"""`python -m tests.servers.all [NAME…]`: runs rtdiag against real servers, or those named, and tells what is not right.

Exit code 1 where something is not, 2 for an unknown name.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import click
from tabulate import tabulate

from tests.installing import NotInstalledError
from tests.servers.asking import Had, had
from tests.servers.servers import Server, known
from tests.servers.starting import running

HEAD = ["server", "version", "condition", "exit", "recognised as", "cause", "right"]
BUILD = Path(__file__).parents[2] / "build" / "servers"


async def runs(server: Server, folder: Path) -> AsyncIterator[tuple[str, str, Had]]:
    """Version, condition and outcome of each run; of none, and why, where the server could not be had."""
    version = ""
    try:
        version = await known().environments[server.environment].installed(folder)
        async with running(server, folder) as base_url:
            for name, condition in server.conditions.items():
                yield version, name, await had(server, condition, base_url)
    except NotInstalledError as exc:
        yield version, "", Had(wrong=[str(exc)])


def row(name: str, version: str, condition: str, run: Had) -> list[str]:
    """As it stands in the table."""
    report = run.report
    causes = ", ".join(f"{each.cause} ({each.confidence})" for each in report.diagnosis[:2]) if report else run.said
    taken_for = report.target.recognised_as if report else ""
    return [name, version, condition, str(run.exit_code), taken_for, causes, "no" if run.wrong else "yes"]


def kept(reports: Path, name: str, run: Had) -> None:
    """Writes its report there, under that name."""
    reports.mkdir(parents=True, exist_ok=True)
    (reports / name).write_text(run.text, encoding="utf-8")


async def main(names: tuple[str, ...], environments: Path, reports: Path | None) -> int:
    """The exit code."""
    table, well = [], True
    for name in names or known().servers:
        server = known().servers[name]
        async for version, condition, run in runs(server, environments / server.environment):
            table.append(row(name, version, condition, run))
            well = well and not run.wrong
            click.echo(
                "\n    ".join([f"{name}, {condition}: {'not ' if run.wrong else ''}right", *run.wrong]), err=True
            )
            if reports:
                kept(reports, f"{name}-{condition}.json".replace(" ", "-"), run)
    click.echo(tabulate(table, headers=HEAD))
    return 0 if well else 1


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(list(known().servers)))
@click.option(
    "--environments", type=click.Path(path_type=Path), default=BUILD, help="Where they are installed, each in a folder."
)
@click.option("--reports", type=click.Path(path_type=Path), help="A folder for the JSON report of each run.")
def command(names: tuple[str, ...], environments: Path, reports: Path | None) -> None:
    sys.exit(asyncio.run(main(names, environments.resolve(), reports)))


if __name__ == "__main__":
    command()
