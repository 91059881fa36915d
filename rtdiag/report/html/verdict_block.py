"""The verdict on a page: which cause it is and how sure that is, what to do, and what speaks for and against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rtdiag.model import Diagnosis, Report, counted
from rtdiag.report import cases
from rtdiag.report.html.status_mark import status
from rtdiag.report.markup import Markup, element, joined, linked
from rtdiag.report.phrases import answered, overall, reached

_MOST_CAUSES, _MOST_CASES, _MOST_EVIDENCE = 3, 5, 8


def verdict(report: Report, anchors: Mapping[str, str]) -> Markup:
    """The first cause in full, two more folded; without any, the cases that need a look, or that there is none."""
    if report.diagnosis:
        first, *others = report.diagnosis[:_MOST_CAUSES]
        return joined(*_cut_short(report), *_cause(first, anchors), *(_other(found, anchors) for found in others))
    return joined(*_cut_short(report), *_without_cause(report, anchors))


def _cut_short(report: Report) -> Iterator[Markup]:
    if report.interrupted:
        yield element("p", f"This run was interrupted, and tells only a part: it {reached(report)}.", class_="lead")


def _without_cause(report: Report, anchors: Mapping[str, str]) -> Iterator[Markup]:
    found = cases.worst_first(report)
    if overall(report) == "pass" and not found:
        yield element("p", "Every case that was asked came out as it should; there is nothing to do.", class_="lead")
    elif not found and not report.interrupted:
        yield element("p", "No case needs a look.", class_="lead")
    for case in found[:_MOST_CASES]:
        advice = joined(element("br"), "→ ", linked(case.advice)) if case.advice else ""
        said = f" {answered(case.row.title, case.finding.measured)}"
        yield element("p", status(case.finding.status), " ", _case(case.id, anchors), said, advice)
    if len(found) > _MOST_CASES:
        yield element("p", f"and {counted(len(found) - _MOST_CASES, 'more case')} below")


def _other(found: Diagnosis, anchors: Mapping[str, str]) -> Markup:
    head = element("summary", "also possible ", _sure(found), ": ", element("code", found.cause))
    return element("details", head, *_told(found, anchors))


def _cause(found: Diagnosis, anchors: Mapping[str, str]) -> Iterator[Markup]:
    yield element("p", "Likely cause ", _sure(found), ": ", element("code", found.cause))
    yield from _told(found, anchors)


def _sure(found: Diagnosis) -> Markup:
    return element("span", f"({found.confidence} confidence)", class_=f"confidence {found.confidence}")


def _told(found: Diagnosis, anchors: Mapping[str, str]) -> Iterator[Markup]:
    yield element("p", linked(found.summary), class_="lead")
    line = (element("pre", found.line, tabindex=0, class_="line"),) if found.line else ()
    yield element("div", element("p", element("b", "What to do: "), linked(found.fix)), *line, class_="fix")
    lists = {"Observation in": found.evidence, "Against it": found.against}
    told = [
        ("Does it still happen", linked(found.today)),
        ("To decide", linked(found.ask)),
        *((name, _cases(names, anchors)) for name, names in lists.items()),
        ("Sources", joined(*(element("span", linked(source), class_="source") for source in found.sources))),
    ]
    yield element("dl", *(joined(element("dt", name), element("dd", value)) for name, value in told if value))


def _cases(names: tuple[str, ...], anchors: Mapping[str, str]) -> Markup:
    more = f" and {len(names) - _MOST_EVIDENCE} more" if len(names) > _MOST_EVIDENCE else ""
    return joined(*(element("span", _case(name, anchors), class_="source") for name in names[:_MOST_EVIDENCE]), more)


def _case(name: str, anchors: Mapping[str, str]) -> Markup:
    place = anchors.get(name)
    return element("a", element("code", name), href=f"#{place}") if place else element("span", name)
