"""`python -m tests.clients.all [NAME…]`: has the spoken turn with each real client, or with those named, and prints a table.

Each is installed anew, newest release, into a folder that is gone afterwards. Exit code 1 where a turn did not come to its end,
2 for an unknown name.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

import click
import pytest
from tabulate import tabulate

from tests.clients.environments import Client, all_clients
from tests.clients.talks import STEPS, Talk, talk
from tests.installing import NotInstalledError


async def had(client: Client) -> tuple[str, Talk]:
    """The version of a client, "" for none, and its turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        version = ""
        try:
            version = await client.installed(folder)
            return version, await talk(client, folder)
        except (NotInstalledError, pytest.skip.Exception) as exc:  # the second one where there is no chromium
            return version, Talk(wrong=str(exc))


def row(client: Client, version: str, had: Talk) -> list[str]:
    """As it stands in the table."""
    told = [json.dumps(had.steps[step]) if step in had.steps else "" for step in STEPS]
    return [client.name, version, *told, "yes" if had.whole else had.wrong or "it ended early"]


async def main(names: list[str]) -> int:
    """The exit code."""
    clients = all_clients()
    unknown = [name for name in names if name not in clients]
    if unknown:
        click.echo(f"no such client: {', '.join(unknown)}; there are {', '.join(clients)}", err=True)
        return 2
    rows, whole = [], True
    for client in [clients[name] for name in names or clients]:
        version, turn = await had(client)
        rows.append(row(client, version, turn))
        whole = whole and turn.whole
        click.echo(f"{client.name}: {'done' if turn.whole else turn.wrong}", err=True)
    click.echo(tabulate(rows, headers=["client", "version", *STEPS, "whole turn"]))
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
