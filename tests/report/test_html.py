"""The HTML report, read back by the standard library's parser: what it says, in which order, and what cannot break it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache

import pytest

from rtdiag.model import Exchange, Report
from rtdiag.redact import SCOPE
from rtdiag.remedy.requests import corrected
from rtdiag.report import cases, html, ledger
from rtdiag.report.spelling import spelt
from rtdiag.testing import run_on_emulator
from tests.checks.broken import grouped, run
from tests.report.hostile import filled
from tests.report.tree import Node, read

MEGABYTE = 1_000_000
FAULTS = grouped([("key-revoked",), ("ice-blocked",), ("no-answer",), ("vad-refused",)])


@cache
def healthy() -> Report:
    return run_on_emulator()


@cache
def old() -> Report:
    return run_on_emulator(as_of=date(2025, 3, 21))


def page(report: Report) -> Node:
    text = html.render(report)
    assert text.startswith("<!DOCTYPE html>\n")
    assert text.endswith("</html>\n")
    return read(text.removeprefix("<!DOCTYPE html>"))


def rows(table: Node) -> list[list[str]]:
    return [[cell.text for cell in line.inside if isinstance(cell, Node)] for line in table.one("tbody").all("tr")]


def test_a_healthy_run_says_so_first_and_stays_small() -> None:
    report = healthy()
    found = page(report)
    assert len(html.render(report).encode()) < MEGABYTE
    assert found.one("title").text == f"rtdiag: all is well – {report.target.base_url}, {report.started_at:%Y-%m-%d}"
    assert found.one("h1").text == "✓ all is well"
    assert "there is nothing to do" in found.section("verdict").text
    assert not [node for node in found.all("details") if "open" in node.attributes]
    assert [heading.text for heading in found.all("h2")] == [
        "Verdict",
        "Checks",
        "Waterfall",
        "Ledger",
        "Environment",
        "Masking",
        "Not tested, left open",
    ]


def test_the_emulator_stands_first_and_last() -> None:
    banners = [node.text for node in page(healthy()).all("p", "banner")]
    assert banners == ["EMULATOR (as of 2026-11-13): nothing here was asked of the live API"] * 2
    live = replace(healthy(), target=replace(healthy().target, emulator=None))
    assert "EMULATOR" not in html.render(live)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_verdict_can_be_read_back(fault: str) -> None:
    report = run(fault)
    first = report.diagnosis[0]
    section = page(report).section("verdict")
    assert section.one("code").text == first.cause
    assert section.one("span", "confidence").text == f"({first.confidence} confidence)"
    assert section.one("p", "lead").text == first.summary
    assert section.one("div", "fix").one("p").text == f"What to do: {first.fix}"
    assert [node.text for node in section.one("div", "fix").all("pre")] == ([first.line] if first.line else [])
    told = {dt.text: dd.text for dt, dd in zip(section.one("dl").all("dt"), section.one("dl").all("dd"), strict=True)}
    assert told["Observation in"].startswith(first.evidence[0])
    assert told["Sources"] == "".join(first.sources)
    assert f"used {report.cost}; exit code {report.exit_code}" in section.text


def test_without_a_cause_the_cases_that_need_a_look_are_the_verdict() -> None:
    report = replace(run("key-revoked"), diagnosis=())
    section = page(report).section("verdict")
    assert "✗ fail key.accepted does the server take the API key? 401 invalid_api_key→ make sure" in section.text


@pytest.mark.parametrize("report", [healthy, old, lambda: run("key-revoked")], ids=["healthy", "2025", "key-revoked"])
def test_every_case_is_in_its_checks_table_with_its_status_in_words(report: Callable[[], Report]) -> None:
    asked = report()
    blocks = list(page(asked).section("checks").all("details", "check"))
    assert len(blocks) == len(asked.checks)
    for outcome, block in zip(asked.checks, blocks, strict=True):
        assert block.one("summary").one("span", "status").text.endswith(outcome.status)
        table = block.one("table")
        assert all(th.attributes["scope"] in ("col", "row") for th in table.all("th"))
        if not outcome.rows[0].line:
            told = [(line[0], line[1].split()[1], line[2]) for line in rows(table)]
            assert told == [(r.id + r.title, r.finding.status, cases.missed(r.finding)) for r in outcome.rows]
        else:
            assert len(list(table.all("span", "status"))) == len(outcome.rows)
            assert all(r.finding.measured in table.text for r in outcome.rows)


def test_what_was_answered_stands_word_for_word_and_the_first_of_the_worst_is_open() -> None:
    report = old()
    found = page(report)
    blocks = list(found.section("checks").all("details", "case"))
    worst = cases.worst_first(report)
    assert [b.one("code").text for b in blocks if "open" in b.attributes] == [worst[0].id]
    by_id = {b.one("code").text: b for b in blocks}
    for case in worst:
        exchange = case.row.seen.exchange
        assert exchange is not None
        block = by_id[case.id]
        assert block.one("pre", "body").text == exchange.body
        assert exchange.correlation["x-request-id"] in block.text
        assert "curl -sS -i" in block.one("pre", "curl").text
        linked = [a.attributes["href"] for a in found.section("verdict").all("a") if a.text == case.id]
        assert linked == [f"#{block.attributes['id']}"]
    opened = [b.one("summary").one("code").text for b in found.all("details", "check") if "open" in b.attributes]
    assert opened == list(dict.fromkeys(o.id for o in report.checks if o.status == "fail"))


def test_links_lead_to_places_on_the_page_and_each_place_is_there_once() -> None:
    found = page(old())
    ids = [node.attributes["id"] for node in found.all() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    hrefs = [a.attributes["href"] for a in found.all("a")]
    assert {href[1:] for href in hrefs if href.startswith("#")} <= set(ids)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_ledger_can_be_read_back(fault: str) -> None:
    report = run(fault)
    tables = list(page(report).section("ledger").all("table"))
    entries = ledger.entries(report)
    whole = rows(tables[-1])
    assert [line[0] for line in whole] == [entry.source for entry in entries]
    assert [line[1] for line in whole] == [f"{entry.at:%H:%M:%S.%f}"[:-3] for entry in entries]
    assert [{text for text in line[3:] if text} for line in whole] == [set(entry.ids.values()) for entry in entries]
    looked_at = {e.source for case in cases.worst_first(report) for e in cases.entries(case, entries)}
    assert [line[0] for table in tables[:-1] for line in rows(table)] == [
        e.source for e in entries if e.source in looked_at
    ]


def test_environment_masking_and_limits() -> None:
    report = replace(healthy(), left_open=("session rtc_1",), interrupted=True)
    found = page(report)
    assert found.one("h1").text == "? INTERRUPTED: not finished"
    assert f"tells only a part: it stopped after {report.checks[-1].id}" in found.section("verdict").text
    assert report.credential.masked in found.section("environment").text
    assert f"{report.target.model}, {report.target.transcription_model}" in found.section("environment").text
    assert SCOPE in found.section("masking").text
    told = [(line[0], line[1], int(line[2])) for line in rows(found.section("masking").one("table"))]
    assert told == [(r.where, r.kind, r.count) for r in report.redactions]
    assert "a browser, CORS" in found.section("limits").text
    assert [node.text for node in found.section("limits").all("li")] == ["session rtc_1"]
    started = f"rtdiag {report.version}, started {report.started_at:%Y-%m-%d %H:%M:%S} UTC, finished "
    assert found.one("footer").text.startswith(started)


def test_what_should_work_is_shown_folded() -> None:
    right = corrected("http://api.test/v1", "realtime", "ga", "m", "t")
    report = replace(healthy(), corrected=right)
    section = page(report).section("corrected")
    assert [p.text for p in section.all("pre")] == [right.mint, right.offer, right.unified, right.page]
    assert "open" not in section.one("details").attributes


@pytest.mark.parametrize("make", [healthy, old], ids=["healthy", "2025"])
def test_nothing_on_the_page_runs_or_asks(make: Callable[[], Report]) -> None:
    for report in (make(), filled(make())):
        found = page(report)
        assert not {node.name for node in found.all()} & {"script", "link", "img", "iframe", "object", "form", "base"}
        names = {name for node in found.all() for name in node.attributes}
        assert not {name for name in names if name.startswith("on") or name in ("style", "src", "srcset", "action")}
        assert all(re.match(r"#|https?://", a.attributes["href"]) for a in found.all("a"))
        digest = base64.b64encode(hashlib.sha256(found.one("style").text.encode()).digest()).decode()
        (policy,) = [m.attributes["content"] for m in found.all("meta") if "http-equiv" in m.attributes]
        assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
        assert "url(" not in found.one("style").text
        assert "@import" not in found.one("style").text


def test_hostile_texts_are_read_back_as_they_are_spelt() -> None:
    report = filled(old())
    text = html.render(report)
    assert text.encode("utf-8")
    assert spelt(text) == text
    found = page(report)
    assert [h.text for h in found.all("h2")] == [h.text for h in page(old()).all("h2")]
    shapes = [[n.name for n in p.all() if n.name not in ("a",)] for p in (found, page(old()))]
    assert shapes[0].count("details") == shapes[1].count("details")
    bodies = {spelt(x.body) for case in cases.worst_first(report) for x in case.row.seen.exchanges if x.body}
    assert bodies <= {node.text for node in found.all("pre", "body")}


@pytest.mark.parametrize(
    "body",
    [
        "</pre><script>alert(1)</script>",
        "\n\nleading",
        "&lt;&amp;amp;",
        "<!-- ",
        "]]>",
        "a\r\nb\rc",
        "\x00\ud800",
        "x" * 3 * MEGABYTE,
    ],
    ids=["script", "newlines", "entities", "comment", "cdata", "returns", "controls", "long"],
)
def test_a_body_is_text_whatever_it_holds(body: str) -> None:
    def swapped(exchange: Exchange) -> Exchange:
        return replace(exchange, body=body)

    report = run("key-revoked")
    network, key, *others = report.checks
    lines = tuple(replace(r, seen=replace(r.seen, exchanges=tuple(map(swapped, r.seen.exchanges)))) for r in key.rows)
    found = page(replace(report, checks=(replace(network, rows=()), replace(key, rows=lines), *others)))
    shown = found.one("pre", "body").text
    if len(body) < MEGABYTE:
        assert shown == spelt(body)
    else:
        assert shown == "x" * 20_000 + f"\n… {len(body) - 20_000:,} more characters; -o json has the whole text"


def test_only_http_becomes_a_link() -> None:
    sources = (
        "https://a.test/x?a=1&b=<2>.",
        "javascript:alert(1)",
        "see http://b.test/.",
        "file:///etc/passwd",
        "c.test",
    )
    report = run("key-revoked")
    first = replace(report.diagnosis[0], sources=sources, fix="none", summary="none")
    section = page(replace(report, diagnosis=(first,))).section("verdict")
    told = [a.attributes["href"] for a in section.all("a") if not a.attributes["href"].startswith("#")]
    assert told == ["https://a.test/x?a=1&b=", "http://b.test/"]
    assert section.one("dl").text.endswith("Sources" + "".join(sources))


def test_a_run_that_asked_nothing_is_a_page_too() -> None:
    report = replace(
        healthy(), checks=(), exchanges=(), events=(), peers=(), overall="skip", exit_code=2, redactions=()
    )
    found = page(report)
    assert found.one("h1").text == "- nothing was asked"
    assert "Nothing was asked." in found.section("waterfall").text
    assert "no cases" in found.section("verdict").text


def test_a_check_without_cases_says_why_and_can_be_reached() -> None:
    broken = replace(healthy().checks[0], id="acme", status="error", reason="could not be loaded", rows=())
    found = page(replace(healthy(), checks=(broken,), overall="error"))
    (link,) = found.section("verdict").all("a")
    assert link.text == "acme"
    (place,) = [node for node in found.all() if node.attributes.get("id") == link.attributes["href"][1:]]
    assert place.text == "could not be loaded"
