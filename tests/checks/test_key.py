"""The key: its shape before any request, its surroundings, and what the answers to `GET /models` mean."""

from __future__ import annotations

from datetime import date

import pytest

from rtdiag import registry
from rtdiag.api.keys import shape_of
from rtdiag.model import Exchange, Failure, Finding, Seen
from rtdiag.redact import Secret
from rtdiag.testing import exchange, finding, judge, refusal, run_on_emulator
from rtdiag.transport.http import Credential

CHECK = registry.load(()).checks["key"]
GOOD = "sk-proj-FAKE0000000000000000000000000000abcd"


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "empty"),
        ("   ", "empty"),
        (f" {GOOD}", "blanks or a newline"),
        (f"{GOOD}\n", "blanks or a newline"),
        (f"{GOOD}\t", "blanks or a newline"),
        (f'"{GOOD}"', "quotes"),
        (f"“{GOOD}”", "quotes"),
        (f"Bearer {GOOD}", "begins with `Bearer`"),
        ("undefined", "unset variable"),
        ("null", "unset variable"),
        ("None", "unset variable"),
        ("[object Object]", "unset variable"),
        ("your-api-key-here", "placeholder"),
        ("sk-xxxxxxxxxxxxxxxx", "placeholder"),
        ("<YOUR_KEY>", "placeholder"),
        ("sk-proj-...", "placeholder"),
        ("ek_0123456789abcdef0123456789abcdef", "ephemeral token"),
        ("sk-admin-FAKE000000000000", "admin key"),
        ("sk-proj-FAKE–0000000000000", "not printable ASCII"),
        ("sk-proj-FAKE 00000000000", "not printable ASCII"),
    ],
)
def test_what_is_no_key_is_told_before_any_request(key: str, problem: str) -> None:
    assert problem in str(shape_of(key, "api-key")["problem"])
    found = judge(CHECK, [Seen("shape", facts=shape_of(key, "api-key") | {"source": "OPENAI_API_KEY"})])["shape"]
    assert (found.status, found.cause) == ("fail", "key-placeholder-not-a-key")
    assert found.hint is not None
    assert found.hint.startswith("OPENAI_API_KEY: ")


@pytest.mark.parametrize(
    "key", [GOOD, "sk-svcacct-FAKE00000000", "sk-FAKE000000000000000", "sk-1234", "litellm-virtual"]
)
def test_a_key_is_not_called_malformed_for_its_issuer(key: str) -> None:
    assert "problem" not in shape_of(key, "api-key")


def test_a_malformed_key_is_never_sent() -> None:
    report = run_on_emulator(api_key=Credential("api-key", Secret(f"{GOOD}\n"), "OPENAI_API_KEY"))
    assert finding(report, "key.shape").status == "fail"
    assert finding(report, "key.accepted").measured == "needs key.shape: it failed"
    assert {x.credential for x in report.exchanges} == {"made-up"}
    assert report.diagnosis[0].cause == "key-placeholder-not-a-key"


def test_the_shape_alone_asks_nothing() -> None:
    assert run_on_emulator(only=["key.shape"]).exchanges == ()


def test_a_key_that_may_not_list_models_is_no_broken_check() -> None:
    report = run_on_emulator(faults=["key-missing-scope"])
    assert finding(report, "key.model-realtime").status == "info"
    assert "cannot be read with this key" in finding(report, "key.model-realtime").measured
    assert finding(report, "sdp.created-realtime").status == "pass"
    assert report.exit_code == 0


def base_url(url: str, *, official: bool = False) -> Finding:
    return judge(CHECK, [Seen("base-url", facts={"base_url": url})], official=official)["base-url"]


@pytest.mark.parametrize(
    ("url", "official", "status"),
    [
        ("https://api.openai.com/v1", True, "pass"),
        ("https://gateway.test/openai/v1", False, "pass"),
        ("https://api.openai.com", True, "fail"),
        ("https://gateway.test", False, "warn"),
        ("https://api.openai.com/v1/realtime", True, "fail"),
        ("https://api.openai.com/v1/realtime/calls", True, "fail"),
        ("https://gateway.test/v1/chat/completions", False, "fail"),
    ],
)
def test_a_base_url_ends_where_the_api_begins(url: str, official: bool, status: str) -> None:
    found = base_url(url, official=official)
    assert found.status == status
    assert found.cause == (None if status == "pass" else "base-url-wrong")


def accepted(answer: Exchange, control: Exchange | None = None) -> Finding:
    return judge(CHECK, [Seen("control", (control or refusal(401, "invalid_api_key"),)), Seen("accepted", (answer,))])[
        "accepted"
    ]


@pytest.mark.parametrize(
    ("answer", "status", "cause"),
    [
        (exchange(200, {"data": []}), "pass", None),
        (refusal(401, "invalid_api_key", "Incorrect API key provided: sk-proj-****abcd."), "fail", "key-wrong-or-revoked"),
        (refusal(401, None, "Missing bearer or basic authentication in header"), "fail", "key-wrong-or-revoked"),
        (refusal(401, "missing_scope", "Missing scopes: api.model.read."), "info", "missing-permission-scope"),
        (refusal(403, None, "Missing scopes: model.request."), "info", "missing-permission-scope"),
        (refusal(401, "incorrect_hostname"), "fail", "wrong-regional-host"),
        (refusal(401, "mismatched_organization"), "fail", "org-or-project-header-mismatch"),
        (refusal(401, "ip_not_authorized"), "fail", "ip-allowlist"),
        (refusal(403, "unsupported_country_region_territory"), "fail", "region-unsupported"),
        (refusal(429, "rate_limit_exceeded"), "inconclusive", "rate-limit"),
        (refusal(429, "insufficient_quota"), "inconclusive", "quota-exhausted"),
        (refusal(500, None, "The server had an error"), "inconclusive", "generic-server-error"),
        (refusal(404), "info", None),
        (exchange(200, "<!doctype html>", headers={"content-type": "text/html"}), "inconclusive", "answer-not-from-the-api"),
        (exchange(302, "", headers={"location": "https://login.test"}), "inconclusive", "answer-not-from-the-api"),
        (exchange(407, ""), "inconclusive", "tls-or-proxy"),
        (exchange(418, "teapot"), "inconclusive", "unexpected-answer"),
        (exchange(None, failure=Failure("dns", "dns", "no such host")), "inconclusive", "network-unreachable"),
        (exchange(None, failure=Failure("tls", "tls", "self-signed")), "inconclusive", "tls-or-proxy"),
        (exchange(None, failure=Failure("timeout", "answer", "")), "inconclusive", "no-answer-in-time"),
        (exchange(200, '{"da', failure=Failure("closed", "answer", "")), "inconclusive", "connection-closed-early"),
    ],
)  # fmt: skip
def test_what_an_answer_says_of_the_key(answer: Exchange, status: str, cause: str | None) -> None:
    found = accepted(answer)
    assert (found.status, found.cause) == (status, cause)


def test_a_green_is_void_where_a_made_up_key_is_taken_too() -> None:
    assert accepted(exchange(200, {"data": []}), control=exchange(200, {"data": []})).status == "info"


@pytest.mark.parametrize(("official", "status"), [(True, "fail"), (False, "warn")])
def test_a_made_up_key_that_is_taken(official: bool, status: str) -> None:
    found = judge(CHECK, [Seen("control", (exchange(200, {"data": []}),))], official=official)["control"]
    assert (found.status, found.cause) == (status, "server-asks-for-no-key")


@pytest.mark.parametrize(
    ("model", "entry", "status"),
    [
        ("gpt-realtime-2.1", {"id": "gpt-realtime-2.1"}, "pass"),
        ("gpt-realtime-2.1", None, "info"),
        ("gpt-realtime", {"id": "gpt-realtime"}, "warn"),
        ("gpt-4o-realtime-preview", {"id": "gpt-4o-realtime-preview"}, "fail"),
        ("own-model", {"id": "own-model", "shutdown_date": "2026-12-01"}, "warn"),
        ("own-model", {"id": "own-model", "shutdown_date": "2026-11-22"}, "fail"),
        ("own-model", {"id": "own-model", "shutdown_date": None}, "pass"),
        ("own-model", {"id": "own-model", "shutdown_date": "soon"}, "pass"),
    ],
)
def test_the_end_of_a_model(model: str, entry: object, status: str) -> None:
    seen = Seen("model-realtime", (exchange(200),), facts={"model": model, "entry": entry})
    assert judge(CHECK, [seen], today=date(2026, 11, 22))["model-realtime"].status == status
