"""The command line beside the browser: what each line says, what the pair shows and what not, and how every format tells it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from rtdiag.model import Finding, Ignored, Report
from rtdiag.report import html, render, two_ways
from tests.report import browsers
from tests.report.browsers import Told
from tests.report.hostile import filled
from tests.report.tree import read

FORMS = ("table", "markdown", "html", "json", "ndjson", "junit", "github", "short", "cassette")
NEEDS: Told = ("skip", "needs what did not pass", None)
NO_WAY: Told = ("fail", "no way in 4.0 s", "ice-udp-blocked")
NO_ANSWER: Told = ("fail", "401 invalid_api_key", "key-wrong-or-revoked")
AFTER_ICE = ("dtls", "channel", "created", "update")
OF_A_SESSION = ("answer", "ice", *AFTER_ICE)
NEXT = "look at your own page next: rtdiag explain page.har"
NONE_BESIDE = "the command line asked for no session to hold beside it"


def there(name: str, told: Told) -> dict[str, Told]:
    """The browser's session, stopped in that phase."""
    return {name: told} | dict.fromkeys(OF_A_SESSION[OF_A_SESSION.index(name) + 1 :], NEEDS)


def here(name: str, told: Told) -> dict[str, Told]:
    """The same of the command line's."""
    cases = {"update": "session-update.realtime-ga"}
    return {cases.get(one, f"sdp.{one}-realtime"): said for one, said in there(name, told).items()}


def shown(report: Report) -> str:
    found = two_ways.of_run(report)
    assert found
    return found.shown


def cells(report: Report) -> dict[str, tuple[str, str]]:
    found = two_ways.of_run(report)
    assert found
    return {phase.name: (phase.here.marked, phase.there.marked) for phase in found.phases}


def test_each_phase_has_both_times() -> None:
    found = cells(browsers.run())
    assert list(found) == [
        "offer answered",
        "ICE",
        "DTLS",
        "channel",
        "session.created",
        "until then, in all",
        "update answered",
        "carried by",
        "WebSocket",
    ]
    assert all(one.startswith("✓ ") for pair in found.values() for one in pair)
    theirs = {name: there for name, (_, there) in found.items()}
    assert theirs["offer answered"] == "✓ 100 ms"
    assert theirs["ICE"] == "✓ 21.0 ms"
    assert theirs["update answered"] == "✓ 12.0 ms"
    assert theirs["until then, in all"] == "✓ 240 ms"
    assert theirs["WebSocket"] == "✓ 100 ms"
    assert found["carried by"] == ("✓ UDP, host to host", "✓ UDP, host to host")


def test_what_went_wrong_stands_in_place_of_a_time_and_nothing_is_made_up() -> None:
    found = cells(browsers.run(there("ice", NO_WAY), **browsers.no_ice()))
    assert found["ICE"][1] == "✗ no way in 4.0 s"
    assert found["DTLS"][1] == "- not asked"
    assert (found["until then, in all"][1], found["carried by"][1]) == ("", "")


def test_a_long_line_of_a_console_is_its_cause_in_the_table_and_stands_whole_in_the_sentence() -> None:
    line = "Access to fetch at 'http://127.0.0.1:40000/v1/realtime/calls' has been blocked by CORS policy"
    report = browsers.run(there("answer", ("fail", line, "cors")))
    assert cells(report)["offer answered"][1] == "✗ cors"
    assert f"{line} (cors)" in shown(report)
    nameless = browsers.run(there("answer", ("fail", line, None)))
    assert cells(nameless)["offer answered"][1] == f"✗ {line[:59]}…"


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ("udp host 192.0.2.1:50000 -> udp srflx 192.0.2.9:3478", "UDP, host to srflx"),
        ("tcp host 192.0.2.1:9 -> tcp host 192.0.2.9:443", "TCP 443, host to host"),
        ("relay udp *********:50000 -> host *********:3478", "UDP, relay to host"),
        ("", ""),
        ("whatever", "UDP"),
    ],
)
def test_what_carries_is_read_in_either_spelling(pair: str, told: str) -> None:
    report = browsers.run(selected_pair=pair)
    assert cells(report)["carried by"][1] == (f"✓ {told}" if told else "")


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (browsers.run, f"both work: it is neither the network nor the account; {NEXT}"),
        (
            lambda: browsers.run(selected_pair="tcp host 192.0.2.1:9 -> tcp host 192.0.2.9:443"),
            f"both work: it is neither the network nor the account; {NEXT}; the browser is carried by TCP 443, host to host",
        ),
        (lambda: browsers.run(live=False), "both work, at the emulator: your network and your account were not asked"),
        (
            lambda: browsers.run({"sound": ("fail", "no packet came", "no-sound-sent")}),
            "a session works both ways; what does not, in the browser: sound: no packet came (no-sound-sent)",
        ),
        (
            lambda: browsers.run(there("ice", NO_WAY), **browsers.no_ice()),
            "works from the command line and not in the browser, which stops at ICE: no way in 4.0 s (ice-udp-blocked); "
            "the server gave the command line a session",
        ),
        (
            lambda: browsers.run(
                here=here("ice", NO_WAY), selected_pair="tcp host 192.0.2.1:9 -> tcp host 192.0.2.9:443"
            ),
            "works in the browser and not from the command line, which stops at ICE: no way in 4.0 s (ice-udp-blocked); "
            "the browser is carried by TCP 443, host to host",
        ),
        (
            lambda: browsers.run(there("answer", NO_ANSWER), here("answer", NO_ANSWER)),
            "both fail alike: at offer answered: 401 invalid_api_key (key-wrong-or-revoked); "
            "it is neither this browser nor your page",
        ),
        (
            lambda: browsers.run(there("ice", NO_WAY), here("ice", ("inconclusive", "another word", "dtls-blocked"))),
            "both fail, and not alike: the command line at ICE: another word (dtls-blocked); "
            "the browser at ICE: no way in 4.0 s (ice-udp-blocked)",
        ),
        (
            lambda: browsers.run(there("ice", ("fail", "a", None)), here("answer", ("fail", "a", None))),
            "both fail, and not alike: the command line at offer answered: a; the browser at ICE: a",
        ),
        (
            lambda: browsers.run({"page": ("fail", "no page came", None), **dict.fromkeys(OF_A_SESSION, NEEDS)}),
            "works from the command line; in the browser no session was asked for: page: no page came",
        ),
        (
            lambda: alone(browsers.run({"sound": ("fail", "no packet came", "no-sound-sent")})),
            "a session works in the browser; what does not: sound: no packet came (no-sound-sent)",
        ),
        (lambda: alone(browsers.run()), f"works in the browser; {NONE_BESIDE}"),
        (
            lambda: alone(browsers.run(there("ice", NO_WAY))),
            f"the browser stops at ICE: no way in 4.0 s (ice-udp-blocked); {NONE_BESIDE}",
        ),
    ],
)
def test_the_pair_is_said_to_show_what_was_asked_and_no_more(report, said) -> None:  # type: ignore[no-untyped-def]
    assert shown(report()) == said


def alone(report: Report) -> Report:
    """The same of a run that asked a browser alone."""
    return replace(report, checks=report.checks[-1:])


def test_a_case_that_is_borne_has_still_failed() -> None:
    report = browsers.run(there("ice", NO_WAY))
    *others, last = report.checks
    borne = Finding("ice", "info", "no way in 4.0 s", ignored=Ignored("fail", "UDP is closed here", "2099-01-01"))
    rows = tuple(replace(row, finding=borne) if row.id == "ice" else row for row in last.rows)
    report = replace(report, checks=(*others, replace(last, rows=rows)))
    assert shown(report).startswith("works from the command line and not in the browser, which stops at ICE")


def test_a_run_without_a_browser_says_nothing_of_one() -> None:
    plain = browsers.without()
    assert two_ways.of_run(plain) is None
    skipped = browsers.run(dict.fromkeys(browsers.CASES, NEEDS))
    assert two_ways.of_run(skipped) is None
    of_no_session = alone(browsers.run(dict.fromkeys((*OF_A_SESSION, "pair", "websocket"), NEEDS), selected_pair=""))
    assert two_ways.of_run(of_no_session) is None
    for form in FORMS:
        assert two_ways.TITLE not in render(plain, form)
    assert "carried by" not in render(plain, "table")


def test_the_screen_the_ticket_and_the_page_have_it() -> None:
    report = browsers.run(there("ice", NO_WAY), **browsers.no_ice())
    on_a_screen = render(report, "table")
    assert re.search("offer answered +✓ [0-9.]+ m?s +✓ 100 ms", on_a_screen)
    assert "-> works from the command line and not in the browser, which stops at ICE" in on_a_screen
    ticket = render(report, "markdown")
    assert "#### Command line and browser" in ticket
    assert "| ICE | ✓ " in ticket
    page = read(html.render(report).removeprefix("<!DOCTYPE html>"))
    section = page.section("ways")
    assert "works from the command line and not in the browser" in section.one("p", "lead").text
    assert [line.one("th").text for line in section.one("tbody").all("tr")] == list(cells(report))
    assert [lane.one("span", "what").text for lane in section.all("li", "lane")] == ["command line", "browser"]


@pytest.mark.parametrize("width", [30, 60, 100])
def test_it_fits_a_screen_or_is_told_line_by_line(width: int) -> None:
    found = str(render(browsers.run(), "table", width=width))
    told = found[found.index("offer answered") : found.index("-> both")]
    assert max(map(len, told.splitlines())) <= width


def test_a_page_gets_the_lines_as_text() -> None:
    report = browsers.run()
    both = two_ways.of_run(report)
    assert both
    assert both.rows[1] == {
        "phase": "ICE",
        "command_line": cells(report)["ICE"][0],
        "browser": "✓ 21.0 ms",
    }


@pytest.mark.parametrize("form", FORMS[:-1])
def test_hostile_texts_break_no_format(form: str) -> None:
    assert render(filled(browsers.run(there("ice", NO_WAY))), form)
