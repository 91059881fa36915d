"""The report as JUnit XML, as Jenkins, GitLab and GitHub's reporters read it: a suite per check, a test per case.

These readers know passed, failed, errored and skipped. What was inconclusive is an `error`: it may look neither passed nor skipped.
A `fail` is a `failure`; a `skip` is `skipped`, with the reason; an `info` or a `warn` passes, with what was seen in `system-out`.
What no case shows and yet makes the exit code other than 0 is a test of its own, `rtdiag.run`.

The shape is that of the Jenkins xUnit plug-in's junit-10.xsd, hence no `skipped` at `testsuites`; a time stamp is UTC without a
zone, as windyroad/JUnit-Schema has it for Apache Ant. No suite names the machine. A test's time is that of its requests and
connections; cases may share them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from rtdiag.model import LedgerEntry, Report, Row, counted
from rtdiag.redact import SCOPE
from rtdiag.report import cases, curl, ledger
from rtdiag.report.cases import Case
from rtdiag.report.evidence import pieces
from rtdiag.report.phrases import banner, reached, tally, verdict, way
from rtdiag.report.spelling import at_most, one_line, spelt

_LONGEST_BODY, _LONGEST_LINE = 20_000, 2000
_RESULTS = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def render(report: Report) -> str:
    """The whole report as one `testsuites` element, after the XML declaration; never without a test."""
    root = Element("testsuites", name="rtdiag")
    known, began = ledger.entries(report), report.started_at
    for outcome in report.checks:
        found = cases.of_check(outcome)
        suite = _suite(root, outcome.id, began, outcome.duration_ms / 1000)
        _properties(suite, report, _ids(found, known))
        for case in found:
            _test(suite, case, report)
        began += timedelta(milliseconds=outcome.duration_ms)
    if (told := _run(report, root)) is not None:
        suite = _suite(root, "run", report.started_at, 0)
        _properties(suite, report, {})
        _result(_testcase(suite, "rtdiag.run", "the run", 0), *told)
    _count(root, (report.finished_at - report.started_at).total_seconds())
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, name: str, began: datetime, seconds: float) -> Element:
    timestamp = began.replace(tzinfo=None).isoformat(timespec="seconds")
    return SubElement(root, "testsuite", name=one_line(name), timestamp=timestamp, time=f"{seconds:.3f}")


def _properties(suite: Element, report: Report, ids: Mapping[str, str]) -> None:
    target = report.target
    found = {
        "verdict": verdict(report),
        "way": way(report),
        "what-to-do": report.diagnosis[0].fix if report.diagnosis else "",
        "emulator": banner(report),
        "target": target.base_url,
        "model": target.model,
        "transcription-model": target.transcription_model,
        "tool": f"rtdiag {report.version}",
        "started-at": report.started_at.isoformat(timespec="milliseconds"),
        "exit-code": str(report.exit_code),
        "masking": SCOPE,
    }
    inside = SubElement(suite, "properties")
    for name, text in (*found.items(), *ids.items()):
        if text:
            SubElement(inside, "property", name=one_line(name), value=one_line(text, _LONGEST_LINE))


def _ids(found: Sequence[Case], known: Sequence[LedgerEntry]) -> dict[str, str]:
    """The ledger of the cases that need a look: `ledger.key.accepted.x2`, with the ids of that request."""
    looked = [case for case in found if case.finding.status in cases.NEEDS_A_LOOK]
    return {
        f"ledger.{c.id}.{e.source}": f"{e.what} {cases.ids(e.ids)}" for c in looked for e in cases.entries(c, known)
    }


def _testcase(suite: Element, classname: str, name: str, seconds: float) -> Element:
    return SubElement(suite, "testcase", classname=one_line(classname), name=one_line(name), time=f"{seconds:.3f}")


def _test(suite: Element, case: Case, report: Report) -> None:
    finding = case.finding
    test = _testcase(suite, f"rtdiag.{case.check}", f"{case.row.id}: {case.row.title}", _seconds(case.row))
    cause = finding.cause or "no-cause-named"
    match finding.status:
        case "fail":
            _result(test, "failure", cause, finding.measured, _text(case, report))
        case "error" | "inconclusive" as status:
            _result(test, "error", f"{status}: {cause}", finding.measured, _text(case, report))
        case "skip":
            _result(test, "skipped", "skip", finding.measured, one_line(finding.measured, _LONGEST_LINE))
        case "info" | "warn" as status:
            SubElement(test, "system-out").text = spelt(f"{status}\n{_text(case, report)}")


def _result(test: Element, kind: str, type_: str, message: str, text: str) -> None:
    """GitLab shows the text alone, others the message: each says what was measured."""
    SubElement(test, kind, type=one_line(type_), message=one_line(message, _LONGEST_LINE)).text = spelt(text)


def _seconds(row: Row) -> float:
    asked = sum(exchange.timing_ms.get("total", 0.0) for exchange in row.seen.exchanges)
    return (asked + sum(sum(peer.phases_ms.values()) for peer in row.seen.peers)) / 1000


def _text(case: Case, report: Report) -> str:
    """Everything that was seen for a case, for a person."""
    told = (one_line(text, _LONGEST_LINE) for text in _told(case, report))
    return "\n".join(part for part in (*told, *_seen(case, report)) if part)


def _told(case: Case, report: Report) -> Iterator[str]:
    finding = case.finding
    yield f"measured: {finding.measured}"
    yield f"expected: {cases.missed(finding)}" if cases.missed(finding) else ""
    yield f"what to do: {case.advice}" if case.advice else ""
    for found in report.diagnosis[:1]:
        yield f"the run's verdict: {verdict(report)}. {found.summary} {found.fix}" if case.id in found.evidence else ""


def _seen(case: Case, report: Report) -> Iterator[str]:
    for piece in pieces(case.row):
        body, more = at_most(piece.body, _LONGEST_BODY)
        yield f"\n{one_line(piece.head, _LONGEST_LINE)}"
        yield body
        yield f"… {counted(more, 'more character')}; -o json has the whole text" if more else ""
    lines = curl.of_row(case.row, report)
    yield f"\nthe same again:\n{lines}" if lines and len(lines) <= _LONGEST_BODY else ""


def _run(report: Report, root: Element) -> tuple[str, str, str, str] | None:
    """What the run as a whole has to say: kind, type, message and text of its test; None where the cases say it all."""
    counts = tally(case.finding.status for case in cases.of_run(report))
    text = "\n".join(filter(None, (one_line(f"{verdict(report)}: {counts} (exit {report.exit_code})"), banner(report))))
    if report.interrupted:
        return (
            "error",
            "interrupted",
            f"the run was interrupted, {reached(report)}; what it did not come to is skipped",
            text,
        )
    if not report.checks:
        return "error", "nothing-selected", "no case was selected, so nothing was asked", text
    if report.exit_code == 0 or {"failure", "error"} & {element.tag for element in root.iter()}:
        return None
    warned = [case for case in cases.worst_first(report) if case.finding.status == "warn"]
    if warned and report.exit_code == 1:
        told = "\n".join(one_line(f"{case.id}: {case.finding.measured}") for case in warned)
        return "failure", "warnings-count", "a warning counts here (--fail-on warn)", f"{told}\n{text}"
    return "error", "nothing-proven", f"not one case passed (exit {report.exit_code})", text


def _count(root: Element, seconds: float) -> None:
    total = Counter[str]()
    for suite in root:
        counts = Counter({"tests": len(suite.findall("testcase"))})
        counts.update({name: len(suite.findall(f"testcase/{kind}")) for kind, name in _RESULTS.items()})
        suite.attrib |= {name: str(counts[name]) for name in ("tests", *_RESULTS.values())}
        total += counts
    root.attrib |= {name: str(total[name]) for name in ("tests", "failures", "errors")} | {"time": f"{seconds:.3f}"}
