"""What judges share: refusals that name their reason, and the differences between what was sent and what is shown."""

from __future__ import annotations

import pytest

from rtdiag import testing
from rtdiag.diagnosis import verdict
from rtdiag.engine.findings import differences, names_a_reason, past_the_credential, said, unknown_key
from rtdiag.model import Finding, Observation
from rtdiag.testing import exchange


@pytest.mark.parametrize(
    ("code", "message", "cause"),
    [
        ("ephemeral_token_already_used", "", "ephemeral-token-already-used"),  # kizuna-ai-lab/sokuji#377
        (None, "Ephemeral token expired", "ephemeral-token-expired"),  # public file, record 41003154417
        (None, "Missing scopes: model.request.", "missing-permission-scope"),  # community.openai.com 1374480
        ("incorrect_hostname", "", "wrong-regional-host"),
        ("mismatched_project", "", "org-or-project-header-mismatch"),
        (
            "model_not_found",
            "The model `x` does not exist or you do not have access to it.",
            "model-not-found-or-no-access",
        ),
        (None, "The model `x` does not exist or you do not have access to it.", "model-not-found-or-no-access"),
        ("invalid_api_key", "Incorrect API key provided: ek_67e7a***26ea.", None),
        ("session_expired", "Your session hit the maximum duration of 60 minutes.", None),
        (None, "", None),
    ],
)
def test_a_refusal_that_names_its_reason(code: str | None, message: str, cause: str | None) -> None:
    answer = testing.refusal(401, code, message)
    assert names_a_reason(answer) == (cause is not None)
    named = verdict.named(Finding("accepted", "fail", "401"), Observation("accepted", (answer,)))
    assert cause is None or (named and named.cause == cause)


def test_an_answer_without_an_error_refuses_nothing() -> None:
    assert not names_a_reason(exchange(401, "no"))
    assert not past_the_credential(exchange(400, "no"))


@pytest.mark.parametrize(
    ("sent", "echoed", "lost"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": {"b": None}}, {"a": {"b": None}}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b: sent 1, echoed 2"]),
        ({"a": 1}, {}, ["a: sent 1, not in the echo"]),
        ({"a": {"b": 1}}, {"a": None}, ['a: sent {"b": 1}, echoed null']),
        ({"a": [1]}, {"a": [1, 2]}, ["a: sent [1], echoed [1, 2]"]),
    ],
)
def test_differences_name_the_place_and_both_values(sent: object, echoed: object, lost: list[str]) -> None:
    assert list(differences(sent, echoed)) == lost


@pytest.mark.parametrize(
    ("code", "told"),
    [("400", "400 No connected db."), ("bad_request", "400 bad_request"), (None, "400 No connected db.")],
)
def test_a_status_that_is_said_once_more_as_the_code_is_no_word(code: str | None, told: str) -> None:
    assert said(testing.refusal(400, code, "No connected db.")) == told


def test_a_refusal_without_a_word_may_be_the_urls() -> None:
    told = {words: unknown_key("model-key", words, "101").hint or "" for words in ("403", "403 bad key", "401")}
    assert [words for words, hint in told.items() if "nothing at this URL" in hint] == ["403"]
