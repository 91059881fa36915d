"""Several runs in one report: on the screen side by side, a column each; in the other formats one after the other.

`render(reports, form)` has all formats but the cassette, which holds one run. JSON is `{"schema_version": 1, "reports": [...],
"seal": …}`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from rtdiag.model import SEVERITY, Outcome, Report, Status, counted
from rtdiag.model.json_report import SCHEMA_VERSION
from rtdiag.report import cases, github, junit, markdown, ndjson, short, table
from rtdiag.report.json import as_json, written
from rtdiag.report.marked import code, prose
from rtdiag.report.marked import table as marked_table
from rtdiag.report.pen import Pen
from rtdiag.report.phrases import SIGNS, banner, ignored, offered, overall, tally, verdict
from rtdiag.report.spelling import Painted, one_line

# The worst first: of a run each of these wins over what stands behind it, and of several runs, too.
_EXIT_CODES = (130, 2, 1, 4, 3, 0)
_COUNTED: frozenset[Status] = frozenset({"fail", "error", "inconclusive", "warn"})
_LONGEST_NAME = 20


def exit_code(reports: Sequence[Report]) -> int:
    """The worst of the runs' own."""
    return min((report.exit_code for report in reports), key=_EXIT_CODES.index, default=2)


def render(reports: Sequence[Report], form: str, **chosen: object) -> str:
    """The reports in that format, ending in a newline; what can be `chosen` is as of a single one."""
    formats: dict[str, Callable[[Sequence[Report]], str]] = {
        "json": _json,
        "ndjson": lambda every: "".join(map(ndjson.render, every)),
        "junit": _junit,
        "markdown": _markdown,
        "html": lambda every: import_module("rtdiag.report.html").render_all(every),
        "github": _github,
        "short": lambda every: "".join(f"{name(report)}: {short.render(report)}" for report in every),
    }
    return formats[form](reports) if form in formats else screen(reports, **chosen)  # type: ignore[arg-type]


def name(report: Report, longest: int = _LONGEST_NAME) -> str:
    """What the user calls the server, else where it is."""
    return one_line(report.target.name or report.target.base_url, longest)


def screen(
    reports: Sequence[Report],
    *,
    color: bool = False,
    verbose: bool = False,
    encoding: str = "utf-8",
    width: int | None = None,
) -> Painted:
    """All of them at a glance; `verbose`: and each whole. As of one, what is read first stands last on a terminal."""
    pen = Pen(color, encoding, width)
    glance = "\n".join(map(pen.text, _glance(reports, pen))) + "\n"
    wholes = [table.render(r, color=color, verbose=True, encoding=encoding, width=width) for r in reports if verbose]
    headed = [f"== {pen.text(name(r))} ==\n\n{whole}" for r, whole in zip(reports, wholes, strict=False)]
    return Painted("\n".join([glance, *headed] if width is None else [*headed, glance]))


def _glance(reports: Sequence[Report], pen: Pen) -> Iterator[str]:
    emulated = [report for report in reports if banner(report)]
    yield from (pen.fit(_of_the_emulator(emulated, reports)), "") if emulated else ()
    yield from _drawn(reports, pen)
    yield from _legend(reports, pen)
    for report in reports:
        yield from _verdict(report, pen)
    statuses = Counter(map(overall, reports))
    worst: Status = next((s for s in SEVERITY if statuses[s]), "skip")
    yield ""
    told = f"{counted(len(reports), 'target')}: {tally(map(overall, reports))} (exit {exit_code(reports)})"
    yield pen.line(worst, told)
    yield from (pen.fit(_of_the_emulator(emulated, reports)),) if emulated else ()


def _of_the_emulator(emulated: Sequence[Report], reports: Sequence[Report]) -> str:
    what = "nothing here" if len(emulated) == len(reports) else f"nothing of {', '.join(map(name, emulated))}"
    days = ", ".join(dict.fromkeys(str(report.emulated_on) for report in emulated))
    return f"EMULATOR (as of {days}): {what} was asked of a live API"


def _legend(reports: Sequence[Report], pen: Pen) -> Iterator[str]:
    """The signs that stand in the table, where they are no words."""
    found = {outcome.status for report in reports for outcome in report.checks}
    signs = [f"{pen.mark(s)} {s}" for s in SIGNS if s in found and pen.mark(s) != s]
    if signs:
        yield from (pen.fit(", ".join(signs) + ("; in so many cases" if found & _COUNTED else ""), "    "), "")


def _drawn(reports: Sequence[Report], pen: Pen) -> Iterator[str]:
    """The table, in several where the columns do not fit beside each other."""
    by_length = sorted(reports, key=lambda report: -len(report.checks))
    checks = dict.fromkeys(outcome.id for report in by_length for outcome in report.checks)
    found = [{outcome.id: outcome for outcome in report.checks} for report in reports]
    servers = ["asked", *(one_line(_server(report), _LONGEST_NAME) for report in reports)]
    lines = [[check, *(_cell(known.get(check), pen) for known in found)] for check in checks]
    drawn = pen.table([servers, *lines], ["", *map(name, reports)], [None] * (len(reports) + 1))
    if drawn is not None:
        yield from (drawn, "")
    elif len(reports) > 1:
        half = len(reports) // 2
        yield from (*_drawn(reports[:half], pen), *_drawn(reports[half:], pen))


def _server(report: Report) -> str:
    emulator = report.target.emulator
    return f"emulator {emulator.get('profile', '')}".strip() if emulator else report.target.recognised_as


def _cell(outcome: Outcome | None, pen: Pen) -> str:
    if outcome is None:
        return ""
    alike = sum(row.finding.status == outcome.status for row in outcome.rows)
    return pen.cell(outcome.status, str(alike)) if alike and outcome.status in _COUNTED else pen.sign(outcome.status)


def _verdict(report: Report, pen: Pen) -> Iterator[str]:
    counts = tally(case.finding.status for case in cases.of_run(report))
    yield pen.line(overall(report), f"{name(report)}: {verdict(report)}: {counts} (exit {report.exit_code})")
    if report.diagnosis:
        yield pen.wrapped("-> " + report.diagnosis[0].fix, "    ", "   ")
    if not all(report.target.offers.values()):
        yield pen.fit(offered(report.target), "    ")
    yield from (pen.fit(line, "    ") for line in ignored(report))


def _json(reports: Sequence[Report]) -> str:
    return written({"schema_version": SCHEMA_VERSION, "reports": [as_json(report) for report in reports], "seal": ""})


def _junit(reports: Sequence[Report]) -> str:
    """The suites of all of them, each called by its target, too."""
    root = Element("testsuites", name="rtdiag")
    for report in reports:
        for suite in ElementTree.fromstring(junit.render(report)):
            suite.set("name", f"{name(report, 60)}.{suite.get('name')}")
            for test in suite.findall("testcase"):
                test.set("classname", re.sub("^rtdiag", f"rtdiag.{name(report, 60)}", test.get("classname", "")))
            root.append(suite)
    for total in ("tests", "failures", "errors"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    root.set("time", f"{sum((r.finished_at - r.started_at).total_seconds() for r in reports):.3f}")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _markdown(reports: Sequence[Report]) -> str:
    """A table of the verdicts, then each report as far as there is room for all of it."""
    heads = ("", "target", "server", "verdict", "exit")
    lines = [
        (SIGNS[overall(r)], code(name(r, 60)), code(_server(r)), prose(verdict(r), 200), str(r.exit_code))
        for r in reports
    ]
    text = "\n".join(("### rtdiag: " + counted(len(reports), "target"), "", *marked_table(heads, lines))) + "\n"
    for report in reports:
        whole = f"\n## {prose(name(report, 60))}\n\n{markdown.render(report)}"
        fits = len(text) + len(whole) <= markdown.LONGEST
        text += whole if fits else f"\n{code(name(report, 60))} has no room here; `-o json` has everything.\n"
    return text


def _github(reports: Sequence[Report]) -> str:
    """The commands of each in a group of its target."""
    return "".join(f"::group::{name(report, 60)}\n{github.render(report)}::endgroup::\n" for report in reports)
