"""What is posted and what is contributed: every difference is named, the cassette replays, and neither holds a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import vcr

from rtdiag.compare.drift import as_cassette
from rtdiag.compare.drift import text as text_of
from rtdiag.compare.drift.questions import questions
from rtdiag.redact import Mask
from tests.drift.runs import compare, drift, exchange, report

FAULTS = ["key-revoked", "answer-is-json", "update-not-applied", "gateway-html", "made-up-token-accepted"]


def live(given: dict[str, Any]) -> dict[str, Any]:
    """The report as if the API itself had been asked."""
    base = given["target"]["base_url"]
    given["target"].update(base_url="https://api.openai.com/v1", emulator=None)
    for one in given["exchanges"]:
        scheme = "wss" if one["url"].startswith("ws") else "https"
        one["url"] = f"{scheme}://api.openai.com/v1" + one["url"].partition("://")[2].removeprefix(
            base.partition("://")[2]
        )
    return given


@pytest.mark.parametrize("fault_id", FAULTS)
def test_the_text_names_each_difference_and_no_secret(fault_id: str) -> None:
    found = drift(fault_id)
    text = text_of(found)
    assert f": {len(found.differences)} difference" in text
    for difference in found.differences:
        line = next(line for line in text.splitlines() if difference.there in line and difference.here in line)
        assert difference.what in line
        assert difference.of in line
    assert secrets_in(text) == ()


def secrets_in(text: str) -> tuple[object, ...]:
    mask = Mask()
    mask(text, "text")
    return mask.ledger()


def test_a_secret_that_a_report_still_holds_is_posted_nowhere() -> None:
    given, secret = report(), "sk-proj-FAKE0000000000000000000000000000abcd"
    one = exchange(given, "GET", "/models", 401)
    one["body"] = one["body"].replace("You can find", f"Is it {secret}? You can find")
    found = compare(given)
    for text in (text_of(found), as_cassette(found)):
        assert "Is it sk-proj-***" in text
        assert secret not in text


@pytest.mark.parametrize("fault_id", ["key-revoked", "answer-is-json", "gateway-html", "made-up-token-accepted"])
def test_the_cassette_is_replayed_by_vcrpy(fault_id: str, tmp_path: Path) -> None:
    found = drift(fault_id)
    held = [x for x in report(fault_id)["exchanges"] if x["id"] in {d.id for d in found.differences}]
    text = as_cassette(found)
    assert text.startswith("# Recorded from the emulator as of ")
    assert secrets_in(text) == ()
    assert "authorization" not in text
    (tmp_path / "drift.yaml").write_text(text, encoding="utf-8")
    with (
        vcr.use_cassette(str(tmp_path / "drift.yaml"), record_mode="none") as cassette,
        httpx.Client(trust_env=False) as client,
    ):
        for one in held:
            answer = client.request(one["method"], one["url"])
            assert (answer.status_code, answer.text) == (one["status"], one["body"])
        assert cassette.all_played


def test_a_cassette_of_the_api_says_so() -> None:
    given = live(report())
    exchange(given, "GET", "/models", 200)["status"] = 503
    assert as_cassette(compare(given)).startswith("# Recorded from the live API on ")


def test_a_live_run_is_asked_again_wherever_it_went() -> None:
    found = compare(live(report()))
    assert found.differences == ()
    assert found.not_compared == ()
    assert "settles nothing" not in text_of(found)


def test_the_questions_that_a_run_touches_are_answered_and_the_others_named() -> None:
    found = compare(live(report()))
    said = {a.number: a.shown for a in found.answered}
    assert said.keys() >= {"A1", "A2", "A3", "A4", "B11", "B15", "B20", "B22"}
    assert any("404" in line and "POST /realtime/sessions with api-key" in line for line in said["A1"])
    assert any("Ephemeral token expired" in line for line in said["A3"])
    assert any("a=sendrecv" in line for line in said["B15"])
    text = text_of(found)
    for question in questions():
        assert f"{question.number} {question.ask if question.number in said else question.needs}" in text


@pytest.mark.parametrize(
    ("number", "change"),
    [
        ("A5", {"status": 401, "body": '{"error": {"message": "", "code": "missing_scope"}}'}),
        ("A6", {"status": 429, "body": '{"error": {"message": "", "code": "credit_balance_exhausted"}}'}),
        ("A8", {"url": "http://api.test/v1/me"}),
        ("B17", {"method": "OPTIONS", "url": "http://api.test/v1/realtime/calls"}),
        ("B27", {"url": "ws://api.test/v1/realtime/nowhere", "status": 404}),
    ],
)
def test_a_question_is_recognised(number: str, change: dict[str, Any]) -> None:
    given = report()
    given["target"].update(base_url="http://api.test/v1", emulator=None)
    given["exchanges"] = [{**given["exchanges"][1], "url": "http://api.test/v1/models", **change}]
    given["events"], given["peers"] = [], []
    assert number in {a.number for a in compare(given).answered}


def test_every_question_can_be_recognised_and_asked() -> None:
    assert [q.number for q in questions()] == [f"A{n}" for n in range(1, 10)] + [f"B{n}" for n in range(10, 28)]
    for question in questions():
        assert question.ask.endswith("?")
        assert question.where
        assert question.known
        assert question.needs
