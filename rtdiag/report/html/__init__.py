"""The report as one HTML file: no script, no request to anywhere, readable on a phone, in the dark and on paper.

The verdict stands first; what only a second look needs is folded. Its Content-Security-Policy allows its own style sheet, by hash,
and nothing else: a script that a server slipped in would not run even if it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rtdiag.model import LedgerEntry, Report, WorkingRequests
from rtdiag.redact import SCOPE
from rtdiag.report import cases, ledger, own_fields, phrases, two_ways
from rtdiag.report.hearing import modes, words
from rtdiag.report.hearing.drawing import picture
from rtdiag.report.html.check_tables import anchors, checks, table
from rtdiag.report.html.status_mark import sign, status
from rtdiag.report.html.verdict_block import verdict
from rtdiag.report.html.waterfall_drawing import side_by_side, waterfall
from rtdiag.report.markup import Markup, element, joined

_STYLE = Path(__file__).with_name("page.css")


def render(report: Report) -> str:
    """The whole page, ending in a newline."""
    page = element("html", _head(report), element("body", *_body(report)), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def render_all(reports: Sequence[Report]) -> str:
    """One page of several runs: where they stand, then each, its own anchors told apart by a number."""
    parts = [_apart(joined(*_body(report)), number) for number, report in enumerate(reports, 1)]
    places = [
        element("li", status(phrases.overall(r)), " ", element("a", _place(r), href=f"#run-{n}"), f": {_said(r)}")
        for n, r in enumerate(reports, 1)
    ]
    whole = [element("div", part, id=f"run-{number}") for number, part in enumerate(parts, 1)]
    page = element("html", _head(reports[0]), element("body", element("ul", *places), *whole), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _place(report: Report) -> str:
    return report.target.name or report.target.base_url


def _apart(part: Markup, number: int) -> Markup:
    """The same with its ids, and what refers to them, told apart; a text of a server has no quotation marks here."""
    return Markup(re.sub(r'( id="| href="#| aria-labelledby=")', rf"\g<1>run-{number}-", part))


def _head(report: Report) -> Markup:
    style = Markup("\n" + _STYLE.read_text(encoding="utf-8"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = f"rtdiag: {_said(report)} – {report.target.base_url}, {report.started_at:%Y-%m-%d}"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", style),
    )


def _body(report: Report) -> Iterator[Markup]:
    places = anchors(report)
    yield element("header", *_top(report), _banner(report))
    main = [
        _section("verdict", "Verdict", verdict(report, places), _summary(report)),
        _two_ways(report),
        _section("checks", "Checks", checks(report, places)),
        _own(report),
        _hearing(report),
        _section("waterfall", "Waterfall", waterfall(report)),
        _corrected(report.corrected),
        _section("ledger", "Ledger", *_ledger(report)),
        _section("environment", "Environment", *_environment(report)),
        _section("masking", "Masking", *_masking(report)),
        _section("limits", "Not tested, left open", *_limits(report)),
    ]
    yield element("main", *main)
    times = f"rtdiag {report.version}, started {_utc(report.started_at)}, finished {_utc(report.finished_at)}"
    yield element("footer", element("p", times), _banner(report))


def _said(report: Report) -> str:
    return ("INTERRUPTED: " if report.interrupted else "") + phrases.in_words(report)


def _top(report: Report) -> Iterator[Markup]:
    overall = phrases.overall(report)
    said = element("span", f"{phrases.SIGNS[overall]} {_said(report)}", class_=f"overall {overall}")
    yield element("h1", said)
    if way := phrases.way(report):
        yield element("p", way, class_="asked")
    name = f"{report.target.name}: " if report.target.name else ""
    asked = f"rtdiag asked {name}{report.target.base_url} on {report.started_at:%Y-%m-%d}"
    yield element("p", "; ".join(filter(None, [asked, phrases.offered(report.target)])), class_="asked")
    ways = ("ways",) if two_ways.of_run(report) else ()
    links = [element("a", name, href=f"#{name}") for name in (*ways, "checks", "waterfall", "ledger", "environment")]
    yield element("nav", *links, aria_label="on this page")


def _banner(report: Report) -> Markup:
    told = phrases.banner(report)
    return element("p", told, class_="banner", role="note") if told else Markup()


def _section(name: str, title: str, *inside: str) -> Markup:
    return element("section", element("h2", title, id=name), *inside, aria_labelledby=name)


def _summary(report: Report) -> Markup:
    used = f"used {report.cost}; exit code {report.exit_code}"
    return element(
        "p",
        status(phrases.overall(report)),
        " ",
        phrases.tally(case.finding.status for case in cases.of_run(report)),
        element("br"),
        used,
        class_="counts",
    )


def _two_ways(report: Report) -> Markup:
    found = two_ways.of_run(report)
    if found is None:
        return Markup()
    lines = [(phase.name, *map(_way, (phase.here, phase.there))) for phase in found.phases]
    drawn = side_by_side(report, found.peers)
    return _section("ways", two_ways.TITLE, element("p", found.shown, class_="lead"), _compared(lines), drawn)


def _compared(lines: list[tuple[str, ...]]) -> Markup:
    return table("both ways, phase by phase", ("", *two_ways.HEADS[1:]), lines, "ways")


def _way(cell: two_ways.Cell) -> Markup:
    return joined(sign(cell.status), " ", cell.short) if cell.text else Markup()


def _own(report: Report) -> Markup:
    found = own_fields.of_run(report)
    if found is None:
        return Markup()
    taken = (element("p", own_fields.TAKEN), element("pre", found.taken, tabindex=0)) if found.taken else ()
    return _section("own", "Your session", table("fields of your session", found.heads, found.lines), *taken)


def _hearing(report: Report) -> Markup:
    found = modes.of_run(report)
    return _section("hearing", words.TITLE, *picture(found)) if found else Markup()


def _corrected(requests: WorkingRequests | None) -> Markup:
    if requests is None:
        return Markup()
    told = {
        "the token, in a shell": requests.mint,
        "the offer, in a shell": requests.offer,
        "both in one request, by the key": requests.unified,
        "the page's script": requests.page,
    }
    shown = [joined(element("h3", name), element("pre", text, tabindex=0)) for name, text in told.items() if text]
    folded = element("details", element("summary", "the requests and the page as they are right"), *shown)
    return _section("corrected", "What should work here", folded)


def _ledger(report: Report) -> Iterator[Markup]:
    found = ledger.entries(report)
    looked_at = {e.source for case in cases.worst_first(report) for e in cases.entries(case, found)}
    if failed := [entry for entry in found if entry.source in looked_at]:
        yield element("p", "The ids that support asks for, of the cases that need a look:")
        yield _entries("ledger of the cases that need a look", failed)
    head = element("summary", f"requests and events with their ids: all {len(found)}")
    yield element("details", head, _entries("the whole ledger", found))


def _entries(label: str, found: list[LedgerEntry] | tuple[LedgerEntry, ...]) -> Markup:
    names = [name for name in ledger.NAMES if any(name in entry.ids for entry in found)]
    lines = [
        (
            entry.source,
            f"{entry.at.astimezone(UTC):%H:%M:%S.%f}"[:-3],
            entry.what,
            *(_id(entry, name) for name in names),
        )
        for entry in found
    ]
    return table(label, ("", "UTC", "what", *names), lines, "ledger")


def _id(entry: LedgerEntry, name: str) -> Markup:
    return element("code", entry.ids[name]) if name in entry.ids else Markup()


def _environment(report: Report) -> Iterator[Markup]:
    target = report.target
    lines = {
        "target": target.base_url,
        "server": phrases.whom(target),
        "asked": phrases.by_what(report.credential),
        "models": f"{target.model}, {target.transcription_model}",
        "rtdiag": report.version,
    }
    yield element("dl", *(joined(element("dt", name), element("dd", value)) for name, value in lines.items()))


def _masking(report: Report) -> Iterator[Markup]:
    masked = sum(found.count for found in report.redactions)
    yield element("p", f"Masked secrets and addresses: {masked}. What is searched for: {SCOPE}.")
    if report.redactions:
        lines = [(found.where, found.kind, str(found.count)) for found in report.redactions]
        folded = table("what was masked", ("where", "kind", "count"), lines)
        yield element("details", element("summary", "where, and of which kind"), folded)


def _limits(report: Report) -> Iterator[Markup]:
    yield element("p", f"Not tested: {', '.join(report.not_tested) or 'nothing that belongs to it'}.")
    left = [element("li", one) for one in report.left_open]
    yield joined(element("p", "Left open:"), element("ul", *left)) if left else element("p", "Nothing was left open.")


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
