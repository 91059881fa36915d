"""Writes README.md: every scenario, run once, and what its user reads.

    python -m tests.network.make_page [--only GLOB]

Needs root, and takes about two minutes. With `--only` the rows of those scenarios alone are made anew.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.network import namespaces
from tests.network.ground import Ground
from tests.network.kinds import Scenario
from tests.network.runs import Ran, run
from tests.network.scenarios import GROUPS, SCENARIOS

PAGE = Path(__file__).with_name("README.md")
_AT_ONCE = 3
_LONGEST = 160
_STEPS_S = (2, 10, 30, 100)  # few, so that the page stays as it is from run to run

_TITLE = """# Broken networks

What `rtdiag run` says where the way to the API is broken. Each row is a test, which breaks a network of its own so and runs rtdiag
on it. The columns are what a user reads of it: the first cause, how sure it is and what is said of it (its first sentence), what
was measured (shortened), the exit code, and the seconds at most.

`.venv/bin/python -m tests.network.make_page` writes this page from one run of each scenario, and
`.venv/bin/python -m tests.network.try dns-nxdomain` shows one of them whole; both need root.
"""
_HEAD = "| scenario | what is broken | what is said | what was measured | exit | s |\n|---|---|---|---|---|---|"


def row(scenario: Scenario, ran: Ran, took_s: float) -> str:
    """One line of a table."""
    first = ran.first
    said = f"`{first['cause']}` ({first['confidence']}): {first['summary'].partition('. ')[0]}" if first else "none"
    cells = (f"`{scenario.id}`", scenario.fault, said, _measured(ran), str(ran.code), _at_most(took_s))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _measured(ran: Ran) -> str:
    """What stands beside the case in which the first cause was seen; without one the last line of standard error."""
    if not ran.report:
        return _short(ran.error.strip().rpartition("\n")[2])
    seen = ran.first.get("evidence", ())
    case = next((case for case in ran.cases if case["id"] in seen), None)
    return _short(f"{case['id']}: {case['measured']}") if case else ""


def _short(text: str) -> str:
    """Without what is another in each run: ports, times, ids."""
    text = re.sub(r"(?<=[\d\]a-z]):\d{4,5}\b", ":…", " ".join(text.split()))
    text = re.sub(r"\b\d{4}-\d\d-\d\d(T\S+)?", "…", text)
    text = re.sub(r"\b(\d+(\.\d+)? (?=ms\b)|\d+\.\d+ (?=s\b)|\d{3,} (?=s (behind|ahead)\b))", "… ", text)
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|/tmp/[^/ ]+", "…", text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _at_most(took_s: float) -> str:
    return str(next((step for step in _STEPS_S if took_s <= step), f"> {_STEPS_S[-1]}"))


def made(scenario: Scenario) -> str:
    """Runs it; its row."""
    with TemporaryDirectory(prefix="rtdiag-") as name, Ground(Path(name)) as ground:
        asking = ground.asking(scenario.road(ground))
        began = time.perf_counter()
        ran = run(
            asking, Path(name), scenario.timeout_s, scenario.options, ground.reached if scenario.interrupt else None
        )
        return row(scenario, ran, time.perf_counter() - began)


def rows(page: str) -> dict[str, tuple[str, ...]]:
    """The cells of each row of a page, by scenario."""
    lines = (re.split(r"(?<!\\)\|", line)[1:-1] for line in page.splitlines() if line.startswith("| `"))
    return {cells[0].strip(" `"): tuple(cell.strip().replace("\\|", "|") for cell in cells) for cells in lines}


def page(lines: dict[str, str]) -> str:
    """The whole page with these rows."""
    parts = [_TITLE]
    for title, scenarios in GROUPS.items():
        parts.append(f"## {title}\n\n" + "\n".join([_HEAD, *(lines[one.id] for one in scenarios)]) + "\n")
    return "\n".join(parts)


def _kept() -> Iterator[tuple[str, str]]:
    """The rows that stand there."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield line.split("`")[1], line


def main() -> None:
    """Runs and writes."""
    parser = argparse.ArgumentParser(description="write tests/network/README.md from one run of each scenario")
    parser.add_argument("--only", default="*", metavar="GLOB", help="only the rows of these scenarios")
    only = parser.parse_args().only
    with namespaces.pair():  # ends here where none can be made
        pass
    lines = dict(_kept())
    asked = [one for one in SCENARIOS if fnmatch(one.id, only) or one.id not in lines]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        lines |= zip((one.id for one in asked), pool.map(made, asked), strict=True)
    PAGE.write_text(page(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
