"""What to do: the case's own hint before the catalogue's fix, once each; and every host in it is the one that was asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rtdiag.api.endpoints import base_url_of
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.advice import addressed, advised
from rtdiag.diagnosis.explaining import explain_input
from rtdiag.diagnosis.matching import causes_of
from rtdiag.diagnosis.situation import Situation
from rtdiag.diagnosis.verdict import diagnose
from rtdiag.engine.findings import NO_API, no_answer
from rtdiag.engine.registry import load
from rtdiag.engine.results import explained
from rtdiag.model import Cost, Exchange, Failure, Finding, Observation, Outcome, PeerTrace, Row
from rtdiag.redact import Mask
from rtdiag.servers import base_url_meant, every, known_as
from rtdiag.testing import exchange
from rtdiag.testing import judge as judged
from rtdiag.testing import refusal as refused

HERE = "http://127.0.0.1:8090/v1"
CAUSE = catalogue.Cause(
    code="c",
    topic="session",
    weight=3,
    summary="The mint was refused, by the gateway.",
    fix="Ask it again, with GET.",
    sources=(),
)


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        (None, CAUSE.fix),
        ("", CAUSE.fix),
        ("ask the gateway again", CAUSE.fix),
        ("ask again in 20 s", "Ask again in 20 s. Ask it again, with GET."),
        ("ask the gateway again, with PUT", "Ask the gateway again, with PUT. Ask it again, with GET."),
        ("is it the right host?", "Is it the right host? Ask it again, with GET."),
        ("silence_duration_ms is missing", "silence_duration_ms is missing. Ask it again, with GET."),
        ("`expires_at` is missing…", "`expires_at` is missing… Ask it again, with GET."),
    ],
)
def test_a_hint_stands_before_the_fix_unless_that_says_the_same(hint: str | None, told: str) -> None:
    assert advised(hint, CAUSE) == told


def test_of_a_strangers_cause_the_hint_is_all_there_is() -> None:
    assert advised("call the operator", catalogue.find("acme-down")) == "Call the operator."


@pytest.mark.parametrize(
    ("text", "base_url", "told"),
    [
        ("curl https://api.openai.com/v1/models", "", "curl https://api.openai.com/v1/models"),
        ("curl https://api.openai.com/v1/models", "https://api.openai.com/v1", "curl https://api.openai.com/v1/models"),
        ("curl https://api.openai.com/v1/models", HERE, f"curl {HERE}/models"),
        ("curl https://api.openai.com/v1/models", "https://gw.test:8443", "curl https://gw.test:8443/models"),
        ("wss://api.openai.com/v1/realtime", HERE, "ws://127.0.0.1:8090/v1/realtime"),
        ("wss://api.openai.com/v1/realtime", "https://gw.test/x/v1", "wss://gw.test/x/v1/realtime"),
        ("connect-src https://api.openai.com wss://api.openai.com", HERE, "connect-src http://127.0.0.1:8090 ws://127.0.0.1:8090"),
        ("https://us.api.openai.com/v1", HERE, "https://us.api.openai.com/v1"),
        ("the list at https://platform.openai.com/api-keys and", HERE, "the list where the key was issued and"),
        ("Add credit at https://platform.openai.com/settings/billing/, of", HERE, "Add credit where the key was issued, of"),
        ("the list at https://platform.openai.com/api-keys.", "https://eu.api.openai.com/v1", "the list at https://platform.openai.com/api-keys."),
        ("https://platform.openai.com/api-keys  ->  the key", HERE, ""),
        ("ask from another network and look at status.openai.com.", HERE, "ask from another network."),
    ],
)  # fmt: skip
def test_a_text_names_the_server_that_was_asked(text: str, base_url: str, told: str) -> None:
    assert addressed(text, base_url) == told


def test_no_base_url_leaves_the_string_or_the_word_that_it_stands_in() -> None:
    odd = """https://gw.test/it's "$(touch x)" `id` \\ ; & é/v1"""
    for cause in catalogue.causes().values():
        for quote in "\"'`$;&\\ ":
            assert addressed(cause.line, odd).count(quote) <= cause.line.count(quote), cause.code


OTHERS = sorted(id for id in every() if id not in ("openai", "emulator"))


@pytest.mark.parametrize("id", OTHERS)
def test_no_line_and_no_fix_sends_anybody_to_openai_for_another_server(id: str) -> None:
    base_url = every()[id].base_url or HERE
    for cause in catalogue.causes().values():
        for text in (cause.fix, cause.line, cause.ask):
            told = addressed(text, base_url, known_as(id, base_url))
            assert not re.search(r"openai\.com|\bsk-", told), f"{cause.code}: {told}"


@pytest.mark.parametrize("id", OTHERS)
def test_a_key_comes_from_where_that_servers_keys_are_issued(id: str) -> None:
    server = every()[id]
    wrong = outcome(Finding("accepted", "fail", "401", observed=("the API key itself is refused",)))
    (told,) = diagnose([wrong], server.base_url or HERE, id)
    assert told.cause == "key-wrong-or-revoked"
    at_home = server.keys_from and (server.base_url or not server.hosts)
    assert (f"the list at {server.keys_from} and make" if at_home else "the list where the key was issued") in told.fix


def test_a_server_seen_at_anothers_host_sends_nobody_to_its_own_portal() -> None:
    text, home = "ask again and look at status.openai.com.", "https://me.openai.azure.com/openai/v1"
    assert addressed(text, HERE, known_as("azure", HERE)) == "ask again."
    assert addressed(text, home, known_as("azure", home)) == "ask again and look at azure.status.microsoft."
    assert addressed(text, home) == "ask again and look at azure.status.microsoft."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Put an API key (sk-…) in its place", "Put an API key in its place"),
        ("export OPENAI_API_KEY=sk-proj-…   # x", "export OPENAI_API_KEY=…   # x"),
        ('KEY?.startsWith("sk-")) throw', "KEY) throw"),
        ("Give it; OpenAI wants one only, at its host mtls.api.openai.com.", "Give it."),
        ("Update it; api.openai.com takes TLS 1.2 and 1.3.", "Update it."),
        ("open UDP (openai.com/chatgpt-voice.json lists the addresses), or", "open UDP, or"),
    ],
)
def test_what_is_true_of_openai_alone_is_left_out_elsewhere(text: str, told: str) -> None:
    assert addressed(text, HERE) == told
    assert addressed(text, "https://eu.api.openai.com/v1") == text


def outcome(finding: Finding, *exchanges: Exchange, check: str = "key") -> Outcome:
    row = Row(finding.case, "title", finding, Observation(finding.case, exchanges))
    return Outcome(check, "title", finding.status, None, 1.0, (), Cost(), (row,))


@pytest.mark.parametrize(
    "answer",
    [
        exchange(407, "", url=f"{HERE}/models"),
        exchange(502, "<html>", url=f"{HERE}/models", headers={"content-type": "text/html"}),
        exchange(503, "", url=f"{HERE}/models"),
        exchange(302, "", url=f"{HERE}/models", headers={"location": "https://login.test"}),
        refused(429, "rate_limit_exceeded", url=f"{HERE}/models", headers={"retry-after": "17"}),
        exchange(None, url=f"{HERE}/models", failure=Failure("timeout", "connect", "nothing came")),
        exchange(None, url=f"{HERE}/models", failure=Failure("dns", "dns", "no such host")),
    ],
)
def test_what_no_answer_means_to_the_case_it_means_to_the_verdict(answer: Exchange) -> None:
    unusable = no_answer("accepted", answer)
    assert unusable is not None
    found = explained(unusable, Observation("accepted", (answer,)))
    assert found.cause is not None
    assert found.hint is not None
    (told,) = diagnose([outcome(found, answer)], HERE)
    assert told.cause == found.cause
    cause = catalogue.find(found.cause)
    assert told.fix in (addressed(advised(found.hint, cause), HERE), found.hint)
    assert found.hint.lower() in told.fix.lower() or advised(found.hint, cause) == cause.fix


def test_without_credit_nobody_is_sent_to_openais_bill_for_another_servers_key() -> None:
    answer = refused(429, "insufficient_quota", "You exceeded your current quota", url=f"{HERE}/models")
    found = no_answer("accepted", answer)
    assert found is not None
    (told,) = diagnose([outcome(found, answer)], HERE)
    assert told.cause == "quota-exhausted"
    assert "platform.openai.com" not in told.fix
    (told,) = diagnose([outcome(found, answer)], "https://api.openai.com/v1")
    assert "https://platform.openai.com/settings/organization/billing/" in told.fix


def test_a_machine_with_loopback_alone_is_told_so_by_both() -> None:
    seen = Observation("ice-realtime", peers=(PeerTrace("p1", failure=Failure("ice", "ice", "ended as failed")),))
    found = judged(load(()).checks["sdp"], [seen])["ice-realtime"]
    (told,) = diagnose([outcome(found, check="sdp")], HERE)
    assert told.cause == found.cause == "network-unreachable/loopback-only"
    assert "only loopback" in told.summary
    assert "connect it to a network" in (found.hint or "")
    assert "Connect it to a network" in told.fix
    assert "not reached" not in told.summary


def test_the_firmest_case_that_names_a_cause_speaks_for_it() -> None:
    weak = outcome(
        Finding("a", "inconclusive", "m", observed=("the model ends soon",), hint="when that is mended, run it again")
    )
    firm = outcome(Finding("b", "fail", "m", observed=("the model has ended",), hint="ask Acme for more"))
    mute = outcome(Finding("c", "fail", "m", observed=("the model has ended",)))
    (told,) = diagnose([weak, mute, firm])
    assert told.fix.startswith("Ask Acme for more. ")
    assert told.evidence == ("key.a", "key.c", "key.b")


def test_a_base_url_that_is_doubted_explains_that_nothing_is_there() -> None:
    doubt = Finding(
        "base-url", "warn", "u", observed=("the base URL has no version",), hint="did you mean http://gw.test/v1 ?"
    )
    missing = Finding("mint-realtime", "fail", "404", observed=(NO_API,), hint="is this the Realtime API?")
    found = diagnose([outcome(doubt), outcome(missing, check="token")], "http://gw.test")
    assert [(d.cause, d.confidence) for d in found] == [("base-url-wrong", "high"), ("no-realtime-api-here", "low")]
    assert found[0].fix.startswith("Did you mean http://gw.test/v1 ?")
    assert diagnose([outcome(doubt)])[0].confidence == "low"


def test_a_refusal_that_a_case_reads_from_the_catalogue_names_its_host_too() -> None:
    answer = refused(
        403,
        None,
        "Your organization must be verified to use the model.",
        url="https://gw.test/v1/realtime/client_secrets",
    )
    found = explained(Finding("mint-realtime", "fail", "403"), Observation("mint-realtime", (answer,)))
    assert found.cause == "organization-not-verified"
    assert found.hint
    assert "platform.openai.com" not in found.hint


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("https://gw.test:8443/v1/realtime/sessions", "curl https://gw.test:8443/v1/realtime/client_secrets "),
        ("/v1/realtime/sessions", "curl https://api.openai.com/v1/realtime/client_secrets "),
        (None, "curl https://api.openai.com/v1/realtime/client_secrets "),
    ],
)
def test_explain_names_the_host_that_it_was_told(url: str | None, line: str) -> None:
    said = '{"error": {"message": "Invalid URL (POST /v1/realtime/sessions)", "code": null}}'
    found = causes_of(Situation(said, method="POST", url=url, status=404))[0]
    assert found.cause == "beta-mint-endpoint-retired"
    assert found.line.startswith(line)


def test_explain_reads_the_host_from_an_input(tmp_path: Path) -> None:
    paste = tmp_path / "paste.txt"
    paste.write_text(
        "POST http://localhost:4000/v1/realtime/sessions 404 (Not Found)\n"
        '{"error": {"message": "Invalid URL (POST /v1/realtime/sessions)", "type": "invalid_request_error"}}\n'
    )
    (told,) = explain_input(str(paste), Mask())
    assert told.diagnosis[0].cause == "beta-mint-endpoint-retired"
    assert "http://localhost:4000/v1/realtime/client_secrets" in told.diagnosis[0].line


@pytest.mark.parametrize(
    ("url", "base_url"),
    [
        ("wss://gw.test/v1/realtime?model=m", "https://gw.test/v1"),
        ("ws://gw.test:1/x/v1/realtime/calls/rtc_1", "http://gw.test:1/x/v1"),
        ("https://gw.test/realtime/calls", "https://gw.test"),
        ("https://gw.test/v1/models", "https://gw.test/v1"),
        ("wss://me.openai.azure.com/openai/v1/realtime?model=m", "https://me.openai.azure.com/openai/v1"),
        ("wss://me.openai.azure.com/openai/realtime?api-version=x", "https://me.openai.azure.com/openai"),
        ("wss://me.services.ai.azure.com/voice-live/realtime", "https://me.services.ai.azure.com/voice-live"),
        ("https://my.test/openai/realtime", ""),
        ("https://my.test/realtime", ""),
        ("https://my.test/token?next=/v1/realtime/calls", ""),
        ("https://my.test/v1/users", ""),
        ("/v1/realtime/calls", ""),
        ("session.update", ""),
    ],
)
def test_the_base_url_of_a_request(url: str, base_url: str) -> None:
    assert base_url_of(url) == base_url
    assert not base_url or base_url_meant(base_url) in (base_url, f"{base_url}/v1")
