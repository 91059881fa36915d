"""The Markdown report, read back by a CommonMark parser with GitHub's tables: what stands in it, and that nothing else does."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rtdiag.model import Report
from rtdiag.redact import SCOPE
from rtdiag.report import cases, ledger, markdown, marked
from tests.checks.broken import grouped, run
from tests.report.hostile import filled

FAULTS = grouped([("key-revoked",), ("ice-blocked",), ("no-answer",), ("vad-refused",), ("body-oversized",)])
BLOCKS = {"heading", "paragraph", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td"}
OTHERS = {"inline", "fence", "html_block"}
INLINE = {"text", "code_inline", "strong_open", "strong_close"}
HTML = re.compile(r"<details><summary>[^<]*(?:<code>[^<]*</code>[^<]*)*</summary>\n*|</details>\n*")
# What GitHub makes a link, a ping or an emoji of, in what is no code.
PINGS = re.compile(r"@\w|#\d|GH-\d|://|www\.|:[a-z+-][\w+-]*:|\b(?=\d*[a-f])[0-9a-f]{7,40}\b")


@dataclass
class Read:
    """The headings, the tables as rows of cells, the fences, and all text that is no code."""

    headings: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    fences: list[str] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)


def read(text: str) -> Read:
    """The report as a reader sees it; AssertionError for any element that the report itself does not write."""
    found = Read()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in pairwise([Token("", "", 0), *tokens]):
        assert token.type in OTHERS or token.type.rsplit("_", 1)[0] in BLOCKS, token
        if token.type == "table_open":
            found.tables.append([])
        elif token.type == "tr_open":
            found.tables[-1].append([])
        elif token.type == "fence":
            found.fences.append(token.content)
        elif token.type == "html_block":
            assert HTML.fullmatch(token.content), token.content
        elif token.type == "inline":
            _inline(token, before, found)
    return found


def _inline(token: Token, before: Token, found: Read) -> None:
    children = token.children or []
    assert {child.type for child in children} <= INLINE, token.content
    assert not any(PINGS.search(child.content) for child in children if child.type == "text"), token.content
    plain = "".join(child.content for child in children)
    if before.type == "heading_open":
        found.headings.append(plain)
    elif before.type in ("td_open", "th_open"):
        found.tables[-1][-1].append(plain)
    else:
        found.paragraphs.append(plain)


def failed_ledger(report: Report) -> dict[str, dict[str, str]]:
    """By source, the ids of what the cases that need a look rest on."""
    known = ledger.entries(report)
    return {e.source: dict(e.ids) for case in cases.worst_first(report) for e in cases.entries(case, known)}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_verdict_reads_back(fault: str) -> None:
    report, found = run(fault), read(markdown.render(run(fault)))
    first = report.diagnosis[0]
    assert found.headings[0] == f"{report.overall.upper()}: {first.cause} ({first.confidence} confidence)"
    assert f"What it is: {first.summary}" in found.paragraphs
    assert f"What to do: {first.fix.replace('`', '')}" in found.paragraphs
    assert any(p.endswith(f"(exit {report.exit_code}); used {report.cost}.") for p in found.paragraphs)
    if first.line:
        assert found.fences[0] == first.line + "\n"


@pytest.mark.parametrize("fault", FAULTS)
def test_each_case_that_needs_a_look_is_a_row(fault: str) -> None:
    report, found = run(fault), read(markdown.render(run(fault)))
    shown = [row for table in found.tables if table[0][1] == "case" for row in table[1:]]
    looked = [case for case in cases.of_run(report) if case.finding.status in cases.NEEDS_A_LOOK]
    assert [(row[0].split()[-1], row[1], row[5]) for row in shown] == [
        (case.finding.status, case.row.id, case.finding.cause or "") for case in looked
    ]
    for row, case in zip(shown, looked, strict=True):
        assert row[4] == case.finding.measured or row[4].endswith("…")
    for outcome in report.checks:
        alone = f" {outcome.id} {outcome.title} "
        assert any(alone in f" {p}" or ("checks skipped: " in p and outcome.id in p) for p in found.paragraphs)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_ledger_reads_back(fault: str) -> None:
    report, found = run(fault), read(markdown.render(run(fault)))
    failed, whole = (table for table in found.tables if table[0][-1] == "ids")
    shown = [dict(pair.split("=", 1) for pair in row[-1].split()) for row in failed[1:]]
    assert sorted(map(str, shown)) == sorted(map(str, failed_ledger(report).values()))
    entries = {row[0]: row for row in whole[1:]}
    assert list(entries) == [entry.source for entry in ledger.entries(report)]
    for entry in ledger.entries(report):
        assert entries[entry.source][1:3] == [f"{entry.at:%H:%M:%S.%f}"[:-3], entry.what]
        assert entries[entry.source][3] == cases.ids(entry.ids)


def test_the_body_and_the_shell_lines_stand_as_they_came() -> None:
    report = run("key-revoked")
    found = read(markdown.render(report))
    body = report.exchanges[-1].body
    assert body
    assert body.rstrip("\n") + "\n" in found.fences
    assert any(fence.startswith("curl -sS -i ") for fence in found.fences)


def test_the_environment_says_who_asked_what_and_what_was_not() -> None:
    report = run("key-revoked")
    told = "\n".join(read(markdown.render(report)).paragraphs)
    target, credential = report.target, report.credential
    for text in (report.version, target.base_url, target.model, target.transcription_model, credential.masked, SCOPE):
        assert text in told
    assert all(one in told for one in report.not_tested)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_emulator_is_named_first_and_last(fault: str) -> None:
    found = read(markdown.render(run(fault)))
    assert found.paragraphs[0].startswith("EMULATOR (as of ")
    assert found.paragraphs[-1] == found.paragraphs[0]


@pytest.mark.parametrize("fault", FAULTS)
def test_hostile_texts_stay_where_they_belong(fault: str) -> None:
    plain, report = read(markdown.render(run(fault))), filled(run(fault))
    text = markdown.render(report)
    found = read(text)
    assert len(text) < markdown.LONGEST
    assert text.replace("\n", "").isprintable()
    assert [heading.split()[0] for heading in found.headings] == [heading.split()[0] for heading in plain.headings]
    assert found.headings[0].startswith(f"{report.overall.upper()}: {run(fault).diagnosis[0].cause} ")
    tables = [table for table in found.tables if "when (UTC)" not in table[0]]
    assert [len(table) for table in tables] == [len(t) for t in plain.tables if "when (UTC)" not in t[0]]
    for table in found.tables:
        assert {len(row) for row in table} == {len(table[0])}
    failed = next(table for table in found.tables if table[0][0] == "case")
    assert len(failed) - 1 == len(failed_ledger(report))


@pytest.mark.parametrize("length", [300, 5000])
def test_it_fits_into_an_issue_and_says_what_is_left_out(length: int) -> None:
    report = run("vad-refused")
    many = tuple(
        replace(outcome, rows=tuple(replace(row, finding=replace(row.finding, status="fail")) for row in outcome.rows))
        for outcome in filled(report, "|`" * (length // 2)).checks
    )
    text = markdown.render(replace(report, checks=many))
    found = read(text)
    assert len(text) < markdown.LONGEST
    assert found.headings[0] == f"FAIL: {report.diagnosis[0].cause} ({report.diagnosis[0].confidence} confidence)"
    rows = [row for table in found.tables if table[0][1] == "case" for row in table[1:]]
    (more,) = re.findall(r"(\d+) more cases in need of a look left out here", text)
    assert len(rows) + int(more) == sum(len(outcome.rows) for outcome in many)
    assert any('"error": {' in fence for fence in found.fences), "what came back in the worst stands all the same"
    assert re.search(r"[\d,]+ (?:more )?characters?,? left out here", text)


@pytest.mark.parametrize("letter", ["x", "語", "😀", "`"])
@pytest.mark.parametrize(("checks", "many"), [(1, 2), (1, 400), (400, 1)], ids=["bodies", "cases", "checks"])
def test_whatever_a_report_holds_it_fits(letter: str, checks: int, many: int) -> None:
    report = run("key-revoked")
    failed = next(case for case in cases.of_run(report) if case.finding.status == "fail")
    asked = replace(failed.row.seen.exchanges[-1], body=letter * 100_000, url="https://api.test/" + letter * 5000)
    row = replace(failed.row, seen=replace(failed.row.seen, exchanges=(asked,) * 5))
    finding = replace(row.finding, measured=letter * 400, hint=None)
    rows = tuple(replace(row, id=f"case-{n}", finding=finding) for n in range(many))
    check = replace(report.checks[0], rows=rows)
    whole = replace(report, checks=tuple(replace(check, id=f"check-{n}") for n in range(checks)), exchanges=(asked,))
    text = markdown.render(whole)
    found = read(text)
    assert len(text.encode("utf-16-le")) // 2 <= markdown.LONGEST, "as browsers count"
    assert found.headings[0].startswith("FAIL: ")
    assert any(fence.startswith(letter) for fence in found.fences), "a body"
    assert any("left out here" in p for p in found.paragraphs)
    assert found.paragraphs[-1].startswith("EMULATOR")
    shown = sum(row[1].startswith("case-") for table in found.tables if table[0][1] == "case" for row in table[1:])
    counted = [int(n) for n in re.findall(r"(\d+) more cases in need of a look", text.replace(",", ""))]
    assert shown + sum(counted) == checks * many


def test_what_no_room_is_small_enough_for_is_cut_and_counted() -> None:
    report = run("key-revoked")
    many = tuple(replace(report.checks[0], id=f"check-{n}", rows=()) for n in range(1500))
    text = markdown.render(replace(report, checks=many))
    found = read(text)
    assert len(text) <= markdown.LONGEST
    assert any(re.fullmatch(r"1,\d\d\d more lines left out here for want of room; .*", p) for p in found.paragraphs)
    assert f"What it is: {report.diagnosis[0].summary}" in found.paragraphs


def test_a_long_body_says_how_much_is_missing() -> None:
    report = run("key-revoked")
    found = read(markdown.render(filled(report, "x" * 30_000)))
    whole = filled(report, "x" * 30_000).exchanges[-1].body
    assert whole
    (body,) = {fence.rstrip("\n") for fence in found.fences if whole.startswith(fence.rstrip("\n"))}
    assert (
        f"… {len(whole) - len(body):,} more characters left out here; -o json has the whole text." in found.paragraphs
    )


def test_a_healthy_run_and_an_interrupted_one() -> None:
    report = replace(run("key-revoked"), diagnosis=(), overall="pass", exit_code=0, checks=())
    assert read(markdown.render(report)).headings[0] == "PASS: all is well"
    stopped = read(markdown.render(replace(report, interrupted=True, exit_code=130)))
    assert stopped.headings[0] == "INTERRUPTED INCONCLUSIVE: not finished"
    assert "interrupted: stopped before the first check" in stopped.paragraphs


def test_any_text_reads_back_from_a_span_a_sentence_and_a_cell() -> None:
    """A thousand texts of the characters that mean most, from a fixed seed."""
    dice = random.Random(20261122)
    for _ in range(1000):
        text = "".join(dice.choices("``ab |\\()*_<>&@#[]!~:.-1\n", k=dice.randint(1, 12)))
        plain = " ".join(text.split())
        for written in (marked.code(text), marked.prose(text)):
            cells = [marked.row("x", "y"), marked.row("---", "---"), marked.row("x", written)]
            paragraph, cell = read(f"x {written}\n"), read("\n".join(cells) + "\n")
            assert without_marks(paragraph.paragraphs[0]) == without_marks(f"x {plain}")
            assert without_marks(cell.tables[0][1][1]) == without_marks(plain)
        assert not plain or read(f"x {marked.code(text)}\n").paragraphs == [f"x {plain}"]


def without_marks(text: str) -> str:
    """A sentence's own backticks become spans, so they do not read back."""
    return " ".join(text.replace("`", "").split())
