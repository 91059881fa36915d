"""Reports made by hand: each kind of change by itself, older reports, and what a hostile server may put into one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from rtdiag.compare.diff import as_json, diff, text
from rtdiag.model import Report
from rtdiag.recorded import report_in

HOSTILE = 'a\x00\x1b[2J\u202e\ud800\ufffe]]></script>`|::%0A<b>\n+ pass\r\n"\t' + "x" * 1000
MINT = "POST https://api.test/v1/realtime/client_secrets"


def exchange(
    body: Any = "", *, id: str = "x1", asked: str = MINT, status: int | None = 200, **more: Any
) -> dict[str, Any]:
    method, url = asked.split(" ")
    said = body if isinstance(body, str) else json.dumps(body)
    headers = [list(pair) for pair in more.pop("headers", {}).items()]
    return {
        "id": id,
        "method": method,
        "url": url,
        "credential": "api-key",
        "status": status,
        "body": said,
        "response_headers": headers,
        **more,
    }


def case(status: str = "pass", measured: str = "200", *, id: str = "mint", **more: Any) -> dict[str, Any]:
    return {
        "id": f"token.{id}",
        "title": "a token",
        "status": status,
        "measured": measured,
        "exchanges": ["x1"],
        **more,
    }


def report(cases: Sequence[dict[str, Any]] = (), exchanges: Sequence[dict[str, Any]] = (), **more: Any) -> Report:
    """As an old rtdiag may have written it: no `kinds`, no `at_ms`, no summary, nothing that is not needed."""
    given = {
        "tool": {"version": "0.1"},
        "started_at": "2026-11-20T10:00:00Z",
        "finished_at": "2026-11-20T10:00:09Z",
        "exit_code": 0,
        "overall": "pass",
        "target": {"base_url": "https://api.test/v1", "model": "gpt-realtime"},
        "checks": [{"id": "token", "cases": list(cases)}],
        "exchanges": list(exchanges),
        "events": [],
        "peers": [],
    }
    return report_in(json.dumps(given | more))


@pytest.mark.parametrize(
    ("old", "new", "kind", "worse"),
    [
        ("pass", "fail", "broken", True),
        ("pass", "error", "broken", True),
        ("pass", "inconclusive", "broken", True),
        ("pass", "warn", "broken", True),
        ("pass", "skip", "broken", True),
        ("pass", "info", "changed", False),
        ("info", "fail", "worse", False),
        ("warn", "fail", "worse", False),
        ("skip", "fail", "worse", False),
        ("fail", "skip", "changed", False),
        ("fail", "pass", "better", False),
        ("skip", "pass", "better", False),
        ("inconclusive", "warn", "better", False),
    ],
)
def test_what_a_turn_is(old: str, new: str, kind: str, worse: bool) -> None:
    found = diff(
        report([case(old, "needs key.accepted: it failed")]), report([case(new, "needs key.accepted: it failed")])
    )
    assert [t.kind for t in found.turned] == [kind]
    assert found.worse is worse


@pytest.mark.parametrize(
    "why",
    [
        "left out by --skip",
        "opt in with --allow wait",
        "the run was interrupted",
        "needs key.x: it was not asked",
        "no --session FILE was given",
    ],
)
def test_a_skip_that_says_nothing_of_the_server_is_no_turn(why: str) -> None:
    found = diff(report([case()]), report([case("skip", why)]))
    assert not found.worse
    assert not found.turned
    assert [(p.how, p.why) for p in found.presences] == [("vanished", why)]
    assert why in text(found)
    assert text(found).endswith("nothing to compare: no case was asked in both runs\n")


@pytest.mark.parametrize(
    ("lacking", "why"),
    [
        ({}, "not among the cases that were chosen"),
        ({"tool": {"version": "0.0"}}, "unknown to rtdiag 0.0, or not among the cases that were chosen"),
        ({"interrupted": True}, "the run was interrupted"),
    ],
)
def test_why_a_case_is_in_one_report_alone(lacking: dict[str, Any], why: str) -> None:
    less, more = report([case()], **lacking), report([case(), case(id="life")])
    assert [(p.case, p.how, p.why) for p in diff(less, more).presences] == [("token.life", "appeared", why)]
    assert [(p.case, p.how, p.why) for p in diff(more, less).presences] == [("token.life", "vanished", why)]
    assert f"token.life (pass): in the new run {why}\n" in text(diff(more, less))


def test_what_broke_stands_first() -> None:
    names = {"a": ("fail", "pass"), "b": ("info", "fail"), "c": ("pass", "warn"), "d": ("pass", "fail")}
    old, new = (report([case(turn[i], id=name) for name, turn in names.items()]) for i in (0, 1))
    assert [t.case for t in diff(old, new).turned] == ["token.d", "token.c", "token.b", "token.a"]


def test_durations_ids_and_tokens_in_what_was_measured_do_not_count() -> None:
    old, new = (report([case(measured=said)]) for said in ("12 ms, rtc_u1_aaaaaaaa", "3.5 ms, rtc_u1_bbbbbbbb"))
    assert diff(old, new).same
    assert not diff(old, report([case(measured="12 ms, no call")])).same


def test_a_status_is_one_difference_and_a_cut_off_answer_is_one() -> None:
    broke = {"kind": "closed", "phase": "body", "detail": "Connection lost"}
    for there, says in (
        (exchange({"error": {"code": "nope", "message": "No."}}, status=403), "403 nope: No."),
        (exchange("{", failure=broke), "200, text, broke off: closed in body"),
        (exchange("", status=None, failure=broke), "no answer: closed in body"),
    ):
        old = report([case()], [exchange({"value": "v"})])
        (change,) = diff(old, report([case()], [there])).answers
        assert (change.what, change.old, change.new) == ("status", "200, JSON", says)
        (back,) = diff(report([case()], [there]), old).answers
        assert (back.old, back.new) == (says, "200, JSON")


def test_fields_of_a_body_are_told_by_case_exchange_and_path() -> None:
    old = report([case()], [exchange({"a": {"b": [1, 2]}, "gone": True, "id": "sess_aaaaaaaaaa"})])
    new = report([case()], [exchange({"a": {"b": [1, 3]}, "id": "sess_bbbbbbbbbb"}, id="x1")])
    found = diff(old, new)
    assert {(c.what, c.of, c.old, c.new) for c in found.answers} == {
        ("body", "a.b[1]", "2", "3"),
        ("body", "gone", "true", "absent"),
    }
    assert "token.mint (x1, now x1) POST /realtime/client_secrets: body a.b[1]\n- 2\n+ 3\n" in text(found)


def test_long_values_are_shown_from_where_they_differ() -> None:
    old, new = (
        report([case()], [exchange({"session": {"instructions": "be kind " * 90 + end}})]) for end in ("a", "b")
    )
    (change,) = diff(old, new).defaults
    assert change.of == "instructions"
    assert change.old.startswith("…")
    assert change.old.endswith('a"')
    assert change.new.endswith('b"')


def test_headers_that_change_each_time_do_not_count_and_others_do() -> None:
    volatile = (
        "date",
        "x-request-id",
        "cf-ray",
        "age",
        "set-cookie",
        "content-length",
        "server-timing",
        "openai-processing-ms",
    )
    counting = ("x-ratelimit-remaining-requests", "x-ratelimit-reset-tokens")
    old, new = (
        report([case()], [exchange("{}", headers=dict.fromkeys((*volatile, *counting), value) | more)])
        for value, more in (("1", {"openai-version": "1", "x-gone": "1"}), ("2", {"openai-version": "2", "x-new": "1"}))
    )
    assert {(c.of, c.old, c.new) for c in diff(old, new).answers} == {
        ("openai-version", "1", "2"),
        ("x-gone", "present", "absent"),
        ("x-new", "absent", "present"),
    }


def test_an_exchange_shared_by_cases_is_told_once() -> None:
    old, new = (report([case(id="a"), case(id="b")], [exchange({"n": n})]) for n in (1, 2))
    (change,) = diff(old, new).answers
    assert [(p.old, p.new, p.cases) for p in change.places] == [("x1", "x1", ("token.a", "token.b"))]
    assert "token.a and 1 more (x1, now x1)" in text(diff(old, new))


def test_a_request_that_was_made_once_more_shifts_no_other() -> None:
    lists = exchange("[]", id="x0", asked="GET https://api.test/v1/models")
    old = report([case()], [exchange({"n": 1})])
    new = report([case(exchanges=["x0", "x1"])], [lists, exchange({"n": 1})])
    (change,) = diff(old, new).answers
    assert (change.where, change.what, change.old, change.new) == ("GET /models", "count", "0 of them", "1 of them")


def test_a_life_counts_from_its_own_answer() -> None:
    dates = ("Fri, 20 Nov 2026 10:00:00 GMT", "Sat, 21 Nov 2026 10:00:00 GMT")
    old, new, shorter = (
        report([case()], [exchange({"expires_at": 1795168800 + at}, headers={"date": date})])
        for date, at in ((dates[0], 600), (dates[1], 86400 + 602), (dates[1], 86400 + 60))
    )
    assert diff(old, new).same
    (change,) = diff(old, shorter).answers
    assert (change.old, change.new) == ("+600 s from then", "+60 s from then")


def test_errors_over_a_socket_are_compared() -> None:
    def refused(message: str) -> Report:
        raw = json.dumps({"type": "error", "error": {"code": "bad", "message": message}})
        event = {"id": "e1", "channel": "w1", "direction": "received", "at_ms": 1, "type": "error", "raw": raw}
        return report([case(events=["e1"])], events=[event])

    (change,) = diff(refused("No model."), refused("No such model.")).answers
    assert (change.where, change.what, change.old, change.new) == ("error", "message", "No model.", "No such model.")
    assert diff(refused("Try in 3 s, req_aaaaaaaaaa"), refused("Try in 5 s, req_bbbbbbbbbb")).same


def test_a_phase_is_slower_by_the_median_alone() -> None:
    def timed(*waits: float) -> Report:
        asked = [exchange(id=f"x{i}", timing_ms={"wait": w, "total": w + 1}) for i, w in enumerate(waits)]
        peer = {"id": "p1-realtime", "phases_ms": {"ice": 3 * max(waits)}}
        return report([case()], asked, peers=[peer])

    assert not diff(timed(50, 60, 70), timed(50, 60, 9000)).slower[1:], (
        "one outlier of three; the one connection is slow"
    )
    found = diff(timed(50, 60, 70), timed(400, 60, 500))
    wait = next(p for p in found.slower if p.phase == "wait")
    assert (wait.where, wait.old_ms, wait.new_ms, wait.apart, wait.count) == (
        "POST /realtime/client_secrets",
        60,
        400,
        2,
        3,
    )
    assert {p.phase for p in found.slower} == {"wait", "ice"}, "a total is told by its part"
    assert "wait: 60 ms -> 400 ms (medians; 2 of 3)" in text(found)
    back = diff(timed(400, 60, 500), timed(50, 60, 70))
    assert back.same
    assert "faster" not in text(back)
    assert "## faster" in text(back, verbose=True)
    assert diff(timed(1), timed(99)).slower[1:] == (), "99 times as long, and under 100 ms: only ice is slower"
    assert not diff(timed(1000), timed(1900)).slower


def test_what_the_runs_differ_in_stands_in_the_head() -> None:
    target = {"base_url": "https://other.test/v1", "model": "gpt-realtime-mini"}
    found = diff(report([case()]), report([case()], target=target, tool={"version": "9"}))
    assert [s.name for s in found.settings] == ["base URL", "model", "rtdiag"]
    assert "\nmodel\n- gpt-realtime\n+ gpt-realtime-mini\n" in text(found)
    assert text(found).endswith("\nnothing changed: 1 case compared\n")


def test_the_verdict_is_told_when_it_changed() -> None:
    cause = {"cause": "rate-limit", "confidence": "high", "summary": "", "fix": "", "sources": [], "evidence": []}
    found = diff(report([case()]), report([case()], overall="fail", diagnosis=[cause]))
    assert found.verdict is not None
    assert (found.verdict.old, found.verdict.new) == ("PASS all is well", "FAIL rate-limit (high)")
    assert not found.same


def test_a_check_that_broke_before_its_cases_counts_as_a_case() -> None:
    broke = [{"id": "token", "status": "error", "reason": "ValueError", "cases": []}]
    found = diff(report([case()]), report(checks=broke))
    assert [(p.how, p.case) for p in found.presences] == [("vanished", "token.mint"), ("appeared", "token")]


def test_hostile_texts_steer_no_line_and_break_no_json() -> None:
    def hostile(sign: str) -> Report:
        said = sign + HOSTILE
        answer = exchange({said: said, "deep": said, "session": {said: said}}, headers={said: said, "x-one": said})
        seen = case("fail", said, cause=said)
        target = {"base_url": said, "model": said, "emulator": {"as_of": "2026-11-13", "faults": [said]}}
        return report([seen], [answer], target=target, tool={"version": said})

    found = diff(hostile("A"), hostile("B"))
    assert found.answers
    assert found.defaults
    for line in text(found).splitlines():
        assert line.startswith(("--- old: ", "+++ new: ", "- ", "+ ", "## ", "token.mint", "EMULATOR: ")) or line in (
            *("", "emulator", "model", "rtdiag"),
            "changed: 1 telling something else, 6 other answers, 2 other defaults; 1 case compared",
        )
        assert len(line) <= 400
        assert line.isprintable()
    parsed = json.loads(as_json(found).encode())
    assert parsed["turned"][0]["case"] == "token.mint"
    assert len(parsed["answers"]) == len(found.answers)


def test_numbers_that_no_clock_tells_are_survived() -> None:
    odd = [1e12, 1e-12, 0, 0.0]  # others are refused when a report is read
    asked = [exchange({"expires_at": 10**400}, id=f"x{i}", timing_ms={"wait": n}) for i, n in enumerate(odd)]
    late = [exchange({"expires_at": 1}, id="x1", at_ms=1e12, headers={"date": "never"})]
    found = diff(report([case()], asked), report([case()], late))
    assert [c.of for c in found.answers if c.what == "body"] == ["expires_at"]


def test_huge_bodies_are_bounded() -> None:
    many, deep, long = ({f"k{i}": n for i in range(100_000)} for n in (1, 2)), "[" * 50_000, "x" * 2_000_000
    one, other = many
    found = diff(report([case()], [exchange(one)]), report([case()], [exchange(other)]))
    assert len(found.answers) == 51
    assert found.answers[-1].of == "…" or any(c.of == "…" for c in found.answers)
    assert len(text(found)) < 10_000
    assert len(diff(report([case()], [exchange(deep)]), report([case()], [exchange(long)])).answers) == 1
    session = {"session": {"instructions": long}}
    assert len(as_json(diff(report([case()], [exchange(session)]), report([case()], [exchange({})])))) < 10_000
