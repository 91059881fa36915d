"""`rtdiag list`: which checks there are, or which causes are known."""

from __future__ import annotations

from typing import Any

import click

from rtdiag.cli.options import ENVIRONMENT, table_or_json
from rtdiag.cli.usage import new_mask, of_the_emulator, tell_broken


@click.command("list", context_settings=ENVIRONMENT)
@click.option("--causes", is_flag=True, help="The causes that `rtdiag explain` can name, instead.")
@click.option("-v", "--verbose", is_flag=True, help="Also what each check asks, and its cases.")
@table_or_json
def command(causes: bool, verbose: bool, output: str) -> None:
    """List the checks: what each asks, needs and costs; or the causes, with how many public reports tell of each."""
    from rtdiag.cli.terminal import show

    if output == "json":
        import json

        entries = _causes() if causes else _checks()
        show(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", output)
    else:
        show(_table_of_causes() if causes else _table_of_checks(verbose))


def _causes() -> list[dict[str, Any]]:
    from rtdiag.diagnosis import catalogue

    tell_broken(catalogue.broken())
    return [
        {"cause": one.code, "summary": one.summary, "ask": one.ask, "today": one.today or "yes", "reports": one.reports}
        for one in catalogue.causes().values()
    ]


def _table_of_causes() -> str:
    causes = _causes()
    width = max(len(one["cause"]) for one in causes)
    rows = [f"{one['cause']:<{width}} {one['reports']:>7}  {one['summary']}\n" for one in causes]
    return "".join([f"{'cause':<{width}} reports  what it is\n", *rows])


def _checks() -> list[dict[str, Any]]:
    from rtdiag.engine import registry

    known = registry.load()
    tell_broken(known.broken)
    return [
        {
            "check": check.id,
            "title": check.title,
            "requires": list(check.requires),
            "cases": [{"case": f"{check.id}.{case.id}", "title": case.title} for case in check.cases],
        }
        for check in known.checks.values()
    ]


def _table_of_checks(verbose: bool) -> str:
    from rtdiag.engine import registry

    known, lines = registry.load(), list[str]()
    for check in known.checks.values():
        needs = f"; needs {', '.join(check.requires)}" if check.requires else ""
        lines.append(f"{check.id:<15} {check.title} (about {check.cost}{needs})\n")
        if verbose:
            lines.append(f"\n{check.doc.strip()}\n\n")
            lines += [f"    {check.id}.{case.id:<32} {case.title}\n" for case in check.cases] + ["\n"]
    for broken in (*known.broken, *of_the_emulator()):
        lines.append(f"{broken.id:<15} broken: {new_mask()(broken.reason, 'screen')}\n")
    return "".join(lines)
