"""A case that is ignored for a while: it counts for nothing, is told as what it is, and comes back by itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import rtdiag
from rtdiag.engine import registry, rejudge
from rtdiag.engine.ignoring import Ignore, borne
from rtdiag.model import Finding, Ignored, Report, Row, Status
from rtdiag.recorded import report_in
from rtdiag.report import FORMATS, render

LAST = date(9000, 1, 1)
REVOKED = rtdiag.Config(emulator=True, only=["key", "token.mint-realtime"], faults=["key-revoked"])


def ran(*ignore: Ignore) -> Report:
    return rtdiag.run(rtdiag.Config(**(vars(REVOKED) | {"ignore": ignore})))


def rows(report: Report) -> dict[str, Row]:
    return {f"{o.id}.{row.id}": row for o in report.checks for row in o.rows}


@pytest.mark.parametrize("status", ["fail", "inconclusive", "warn"])
@pytest.mark.parametrize("glob", ["sdp.channel", "sdp", "sdp.*", "*"])
def test_what_needs_a_look_becomes_info(status: Status, glob: str) -> None:
    entry = Ignore(glob, "no WebRTC here", date(2026, 12, 31))
    found = borne(
        "sdp.channel", Finding("channel", status, "it closed", hint="h", cause="c"), [entry], date(2026, 12, 31)
    )
    told = f"it closed ({status}, ignored until 2026-12-31: no WebRTC here)"
    assert found == Finding("channel", "info", told, ignored=Ignored(status, "no WebRTC here", "2026-12-31"))


@pytest.mark.parametrize("status", ["pass", "info", "skip", "error"])
def test_what_is_well_or_broken_stays(status: Status) -> None:
    found = Finding("channel", status, "x")
    assert borne("sdp.channel", found, [Ignore("sdp", "r", LAST)], date(2026, 1, 1)) is found


def test_another_case_stays() -> None:
    found = Finding("channel", "fail", "x")
    assert borne("sdp.channel", found, [Ignore("sdp.chan", "r", LAST)], date(2026, 1, 1)) is found


def test_after_its_last_day_it_counts_and_says_so() -> None:
    entries = [Ignore("sdp", "no WebRTC here", date(2026, 12, 31)), Ignore("*", "older", date(2026, 1, 1))]
    found = borne("sdp.channel", Finding("channel", "fail", "it closed", cause="c"), entries, date(2027, 1, 1))
    assert (found.status, found.cause) == ("fail", "c")
    assert found.measured == "it closed; that this was ignored ended on 2026-12-31: no WebRTC here"
    assert found.ignored == Ignored("fail", "no WebRTC here", "2026-12-31")


def test_of_several_the_one_that_lasts_longest_counts() -> None:
    entries = [Ignore("sdp", "old", date(2026, 1, 1)), Ignore("*", "new", LAST)]
    assert borne("sdp.channel", Finding("channel", "fail"), entries, date(2026, 6, 1)).status == "info"


def test_a_run_that_ignores_all_that_is_wrong_ends_well_and_blocks_as_before() -> None:
    before, report = ran(), ran(Ignore("key.accepted", "the sandbox has no key", LAST))
    assert before.exit_code == 1
    assert report.exit_code == 0
    assert report.diagnosis == ()
    assert rows(report)["key.accepted"].finding.ignored == Ignored("fail", "the sandbox has no key", LAST.isoformat())
    skipped = rows(report)["token.mint-realtime"].finding
    assert skipped == rows(before)["token.mint-realtime"].finding
    assert skipped.measured == "needs key.accepted: it failed"


def test_every_format_is_made_of_it_and_a_replay_says_the_same() -> None:
    report = ran(Ignore("key.accepted", "the sandbox has no key", LAST))
    for form in FORMATS:
        assert render(report, form, verbose=True)
    assert "ignored until 9000-01-01: the sandbox has no key (key.accepted: fail)" in render(report, "table")
    for form in ("table", "markdown", "short", "github"):
        assert "1 ignored" in render(report, form), form
    for form in ("json", "cassette", "ndjson"):
        again = report_in(render(report, form))
        assert rows(again)["key.accepted"].finding.ignored
        new = rejudge.replay(again, registry.load().checks)
        assert [(i, r.finding.status) for i, r in rows(new).items()] == [
            (i, r.finding.status) for i, r in rows(report).items()
        ]
        assert rows(new)["key.accepted"].finding == rows(report)["key.accepted"].finding


def test_an_entry_that_fits_no_case_is_refused() -> None:
    with pytest.raises(rtdiag.ConfigError, match=r"ignore: no check or case is called .sdp\.chanel."):
        ran(Ignore("sdp.chanel", "r", LAST))


def test_what_is_no_entry_is_refused() -> None:
    with pytest.raises(
        rtdiag.ConfigError, match=r"^ignore takes entries such as Ignore\(case, reason, until\), not 'key'$"
    ):
        ran("key")  # type: ignore[arg-type]


def test_a_reason_holds_no_secret(tmp_path: Path) -> None:
    key = "sk-proj-FAKE0000000000000000000000000000abcd"
    report = ran(Ignore("key.accepted", f"as {key} is revoked", LAST))
    assert all(key not in render(report, form, verbose=True) for form in FORMATS)
