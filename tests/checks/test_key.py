"""The key: its shape before any request, its surroundings, and what the answers to `GET /models` mean."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from datetime import date

import pytest

from rtdiag.api.keys import shape_of
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.matching import causes_of as judged_alone
from rtdiag.diagnosis.readers.secrets import problem
from rtdiag.diagnosis.situation import Situation
from rtdiag.emulator import running
from rtdiag.engine import registry
from rtdiag.engine.findings import made_up, said
from rtdiag.model import Exchange, Failure, Finding, Observation
from rtdiag.redact import Secret
from rtdiag.report import render
from rtdiag.servers import base_url_meant
from rtdiag.testing import exchange, finding, judge, refusal, run_on_emulator
from rtdiag.transport.http import Credential

CHECK = registry.load(()).checks["key"]
GOOD = "sk-proj-FAKE0000000000000000000000000000abcd"


NO_KEY = "key-placeholder-not-a-key"
BASE64 = base64.b64encode(GOOD.encode()).decode()
# What people give for a key: the finer cause, and a part of what is said of it.
NO_KEYS: list[tuple[str, str, str]] = [
    ("", "", "empty"),
    ("   ", "", "empty"),
    (f" {GOOD}", "blanks", "blanks or a newline"),
    (f"{GOOD}\n", "blanks", "blanks or a newline"),
    (f"{GOOD}\t", "blanks", "blanks or a newline"),
    (f"{GOOD}\r", "blanks", "carriage return"),
    (f"{GOOD}\r\n", "blanks", "carriage return"),
    (f"{GOOD}\u2003", "blanks", "blanks or a newline"),
    (f"\ufeff{GOOD}", "invisible-character", "BOM"),
    (f"\ufeff{GOOD}\n", "invisible-character", "U+FEFF"),
    (f"{GOOD}\u200b", "invisible-character", "zero width space"),
    (f"\u00a0{GOOD}", "invisible-character", "no-break space"),
    ("sk-proj-FAKE\u200b000000000", "invisible-character", "U+200B"),
    (f'"{GOOD}"', "quotes", "quotes"),
    (f"'{GOOD}'\n", "quotes", "quotes"),
    (f'\ufeff"{GOOD}"', "quotes", "quotes"),
    (f"“{GOOD}”", "quotes", "quotes"),
    (f"${{{GOOD}}}", "quotes", "brackets"),
    (f"<{GOOD}>", "quotes", "brackets"),
    (f"Bearer {GOOD}", "bearer", "begins with `Bearer`"),
    (f"bearer {GOOD}\n", "bearer", "begins with `Bearer`"),
    (f"Bearer%20{GOOD}", "bearer", "begins with `Bearer`"),
    (f"Authorization: Bearer {GOOD}", "bearer", "whole header"),
    (f"OPENAI_API_KEY={GOOD}", "whole-line", "whole line"),
    (f'export OPENAI_API_KEY="{GOOD}"\n', "whole-line", "whole line"),
    (f"\ufeff# mine\r\nOPENAI_API_KEY={GOOD}\r\n", "whole-line", "whole line"),
    (f"setx OPENAI_API_KEY {GOOD}", "whole-line", "whole line"),
    (f"$env:OPENAI_API_KEY = '{GOOD}'", "whole-line", "whole line"),
    (f"openai_api_key: {GOOD}", "whole-line", "whole line"),
    (f'{{"apiKey": "{GOOD}"}}', "whole-line", "whole line"),
    ("undefined", "", "unset variable"),
    ("null\n", "", "unset variable"),
    ("None", "", "unset variable"),
    ("[object Object]", "", "unset variable"),
    ("your-api-key-here", "", "placeholder"),
    ("sk-xxxxxxxxxxxxxxxx", "", "placeholder"),
    ("<YOUR_KEY>", "", "placeholder"),
    ("sk-proj-...", "", "placeholder"),
    ("$OPENAI_API_KEY", "reference", "name of where"),
    ("${OPENAI_API_KEY:-}", "reference", "name of where"),
    ("%OPENAI_API_KEY%", "reference", "name of where"),
    ("OPENAI_API_KEY", "reference", "name of where"),
    ("{{ secrets.OPENAI_API_KEY }}", "reference", "name of where"),
    ("process.env.OPENAI_API_KEY", "reference", "name of where"),
    ("/run/secrets/openai_api_key", "reference", "name of where"),
    ("op://vault/openai/key", "reference", "name of where"),
    ("sk-proj-****************abcd", "masked", "masked"),
    ("sk-...abcd", "masked", "masked"),
    ("sk-proj-…abcd", "masked", "masked"),
    ("[REDACTED]", "masked", "masked"),
    (BASE64, "encoded", "base64"),
    (f"{BASE64}\n", "encoded", "base64"),
    (GOOD.replace("-", "%2D"), "encoded", "URL-encoded"),
    (f"{GOOD}%0A", "encoded", "URL-encoded"),
    ("ek_0123456789abcdef0123456789abcdef", "ephemeral-token", "ephemeral token"),
    ("sk-admin-FAKE000000000000", "admin-key", "admin key"),
    ("sk-proj-FAKE–0000000000000", "other-character", "not printable ASCII"),
    ("sk-proj-FAKE 00000000000", "other-character", "not printable ASCII"),
    (f"{GOOD}\n{GOOD}", "other-character", "line end inside"),
]


@pytest.mark.parametrize(("key", "flaw", "words"), NO_KEYS)
def test_what_is_no_key_is_told_before_any_request(key: str, flaw: str, words: str) -> None:
    assert words in str(shape_of(key, "api-key")["problem"])
    found = judge(CHECK, [Observation("shape", facts=shape_of(key, "api-key") | {"source": "OPENAI_API_KEY"})])["shape"]
    assert (found.status, found.cause) == ("fail", f"{NO_KEY}/{flaw}" if flaw else NO_KEY)
    assert found.cause in catalogue.causes()
    assert found.hint is not None
    assert found.hint.startswith("OPENAI_API_KEY: ")
    assert not any(GOOD[8:20] in text for text in (found.measured, found.hint))


@pytest.mark.parametrize("flaw", dict.fromkeys(flaw for _, flaw, _ in NO_KEYS))
@pytest.mark.parametrize("source", ["OPENAI_API_KEY", "--key-file key.txt"])
def test_the_verdict_says_of_it_what_the_case_says(flaw: str, source: str) -> None:
    key = {named: key for key, named, _ in NO_KEYS}[flaw]
    report = run_on_emulator(api_key=Credential("api-key", Secret(key), source), only=["key.shape"])
    (told,) = report.diagnosis
    hint = finding(report, "key.shape").hint or ""
    assert told.cause == finding(report, "key.shape").cause
    assert told.fix.startswith(hint)
    for output in ("table", "markdown", "html", "github", "junit", "json"):
        shown = " ".join(html.unescape(render(report, output)).replace("%0A", " ").split())
        assert told.cause in shown
        assert source in shown


KINDS = ("ephemeral-token", "admin-key")  # a matter of the place where a credential stands, which explain does not know


@pytest.mark.parametrize(("key", "flaw"), [(key, flaw) for key, flaw, _ in NO_KEYS if flaw not in KINDS])
def test_explain_says_the_same_of_a_credential_in_an_input(key: str, flaw: str) -> None:
    told = problem(key)
    if flaw in ("masked", "reference"):  # how people write of a key that they do not show
        assert told is None
    else:
        assert told is not None
        found = judged_alone(Situation(credential="sk", status=401, circumstances=(told,)))
        assert found[0].cause == (f"{NO_KEY}/{flaw}" if flaw else NO_KEY)


@pytest.mark.parametrize(
    ("shown", "flaw"),
    [('"sk-proj****vQA"', "quotes"), ("${sk-0rF****1pS}", "quotes"), ("Bearer sk-****1234", "bearer")],
)
def test_explain_reads_it_from_the_servers_words_too(shown: str, flaw: str) -> None:
    answer = refusal(401, "invalid_api_key", f"Incorrect API key provided: {shown}. You can find your API key at …")
    assert judged_alone(Situation(answer.body or "", status=401))[0].cause == f"{NO_KEY}/{flaw}"


def test_a_key_that_openai_did_not_make_is_told_apart() -> None:
    seen = Observation("shape", facts=shape_of("litellm-virtual", "api-key") | {"source": "OPENAI_API_KEY"})
    assert judge(CHECK, [seen], official=True)["shape"].cause == f"{NO_KEY}/other-prefix"
    assert judge(CHECK, [seen], official=False)["shape"].status == "pass"


def test_a_key_of_another_issuer_is_a_warning_that_names_it() -> None:
    facts = shape_of("sk-proj-" + "F4KE" * 10, "api-key", official=False) | {
        "source": "OPENAI_API_KEY",
        "issuer": "OpenAI",
    }
    found = judge(CHECK, [Observation("shape", facts=facts)], official=False)["shape"]
    assert (found.status, found.cause) == ("warn", f"{NO_KEY}/another-issuer")
    assert "OpenAI's keys" in (found.hint or "")


@pytest.mark.parametrize(("made_up", "status"), [(401, "info"), (200, "warn")])
def test_a_key_that_its_server_knows_is_no_other_issuers(made_up: int, status: str) -> None:
    facts = shape_of(GOOD, "api-key", official=False) | {"source": "OPENAI_API_KEY", "issuer": "OpenAI"}
    listed = {"object": "list", "data": [{"id": "gpt-realtime-2.1"}]}
    seen = [
        Observation("shape", facts=facts),
        Observation("accepted", (exchange(200, listed),)),
        Observation("control", (exchange(made_up, listed if made_up == 200 else "no"),)),
    ]
    assert judge(CHECK, seen, official=False)["shape"].status == status


@pytest.mark.parametrize(
    ("given", "meant"),
    [("http://gw.test/api", "/api/v1"), ("https://me.openai.azure.com/v1", "/openai/v1"), ("https://api.x.ai", "/v1")],
)
def test_what_is_expected_of_a_base_url_is_that_servers_own(given: str, meant: str) -> None:
    facts = {"base_url": given, "meant": base_url_meant(given)}
    found = judge(CHECK, [Observation("base-url", facts=facts)], official=False)["base-url"]
    assert (found.expected, found.status in ("warn", "fail")) == (f"…{meant}", True)


def test_a_record_without_the_kind_of_flaw_is_judged_as_before() -> None:
    facts = {"problem": "it is empty", "hint": "set it", "source": "OPENAI_API_KEY"}
    assert judge(CHECK, [Observation("shape", facts=facts)])["shape"].cause == NO_KEY


def test_a_megabyte_in_place_of_a_key_is_looked_at_at_once() -> None:
    for part in ("key", "<", "...", "a", "%4", "*", "x=", "A_KEY", "{", " "):
        text = part * (1_000_000 // len(part))  # in quadratic time it were hours
        assert shape_of(text, "api-key")["length"] == len(text)


@pytest.mark.parametrize(
    "key",
    [
        *(GOOD, "sk-svcacct-FAKE00000000", "sk-FAKE000000000000000", "sk-1234", "litellm-virtual", "gw_key-abc:def"),
        *(
            "abcd1234==",
            "eyJhbGciOiJub25lIn0.e30.FAKE",
            "a*b%c$d",
            "key-0123",
            "bearer-of-news",
            "/not/a/path+base64==",
        ),
    ],
)
def test_a_key_is_not_called_malformed_for_its_issuer(key: str) -> None:
    assert "problem" not in shape_of(key, "api-key")


def test_a_malformed_key_is_never_sent() -> None:
    report = run_on_emulator(api_key=Credential("api-key", Secret(f"{GOOD}\n"), "OPENAI_API_KEY"))
    assert finding(report, "key.shape").status == "fail"
    assert finding(report, "key.accepted").measured == "needs key.shape: it failed"
    assert {x.credential for x in report.exchanges} == {"made-up"}
    assert report.diagnosis[0].cause == "key-placeholder-not-a-key/blanks"


def test_the_shape_alone_asks_nothing() -> None:
    assert run_on_emulator(only=["key.shape"]).exchanges == ()


def test_a_key_that_may_not_list_models_is_no_broken_check() -> None:
    report = run_on_emulator(faults=["key-missing-scope"])
    assert finding(report, "key.model-realtime").status == "info"
    assert "cannot be read with this key" in finding(report, "key.model-realtime").measured
    assert finding(report, "sdp.created-realtime").status == "pass"
    assert report.exit_code == 0


def base_url(url: str, *, official: bool = False) -> Finding:
    return judge(CHECK, [Observation("base-url", facts={"base_url": url})], official=official)["base-url"]


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
        ("https://gateway.test/v1/v1", False, "fail"),
        ("https://eu.api.openai.com/api/v1", True, "fail"),
        ("https://gateway.test/models/v1", False, "pass"),
        ("http://127.0.0.1:8090/v1/", False, "pass"),
    ],
)
def test_a_base_url_ends_where_the_api_begins(url: str, official: bool, status: str) -> None:
    found = base_url(url, official=official)
    assert found.status == status
    assert found.cause == (None if status == "pass" else "base-url-wrong")
    meant = f"{url.partition('/v1')[0].removesuffix('/api')}/v1"
    assert found.hint == (None if status == "pass" else f"did you mean {meant} ?")


def test_a_base_url_without_a_version_is_right_where_models_are_listed_below_it() -> None:
    listed = Observation("accepted", (exchange(200, {"data": [{"id": "gpt-realtime"}]}),))
    seen = [Observation("base-url", facts={"base_url": "https://gateway.test"}), listed]
    assert judge(CHECK, seen, official=False)["base-url"].status == "pass"


PAGE = "<!doctype html><html><head><title>Blocked</title></head></html>"
HTML = {"content-type": "text/html"}
CONTROL = refusal(401, "invalid_api_key", "Incorrect API key provided: sk-made-*****0000.")


def both(answer: Exchange, control: Exchange | None = CONTROL, *, official: bool = True) -> Mapping[str, Finding]:
    asked = [Observation("control", (control,))] if control else []
    seen = [*asked, Observation("accepted", (answer,), facts={"made_up": made_up(answer, control)})]
    return judge(CHECK, seen, official=official)


def accepted(answer: Exchange, control: Exchange | None = CONTROL) -> Finding:
    return both(answer, control)["accepted"]


@pytest.mark.parametrize(
    ("answer", "status", "cause"),
    [
        (exchange(200, {"data": []}), "pass", None),
        (refusal(401, "invalid_api_key", "Incorrect API key provided: sk-proj-****abcd."), "fail", "key-wrong-or-revoked"),
        (refusal(401, None, "Missing bearer or basic authentication in header"), "fail", "no-credential-sent"),
        (refusal(403, "unheard_of", "No."), "fail", "key-wrong-or-revoked"),
        (refusal(403, "credit_balance_exhausted", "You have no credits remaining."), "fail", "quota-exhausted"),
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
        (exchange(302, "", headers={"location": "https://login.test"}), "inconclusive", "network-login-required"),
        (exchange(302, "", headers={"location": "https://elsewhere.test"}), "inconclusive", "answer-not-from-the-api"),
        (exchange(302, "", headers={"location": "/login"}), "inconclusive", "answer-not-from-the-api"),
        (exchange(302, "", headers={"location": "http://[half"}), "inconclusive", "answer-not-from-the-api"),
        (exchange(302, ""), "inconclusive", "answer-not-from-the-api"),
        (exchange(200, "<title>Guest Wi-Fi</title>", headers=HTML), "inconclusive", "network-login-required"),
        (exchange(200, "<title>Welcome to nginx!</title>", headers=HTML), "inconclusive", "answer-not-from-the-api"),
        (exchange(407, ""), "inconclusive", "proxy-login-required"),
        (exchange(407, PAGE, headers=HTML), "inconclusive", "proxy-login-required"),
        (exchange(407, "", headers={"proxy-authenticate": "NTLM"}), "inconclusive", "proxy-login-required/other-kind"),
        (exchange(407, "", headers={"proxy-authenticate": "Basic"}), "inconclusive", "proxy-login-required"),
        (exchange(429, PAGE, headers=HTML), "inconclusive", "rate-limit"),
        (exchange(511, PAGE, headers=HTML), "inconclusive", "network-login-required"),
        (exchange(502, PAGE, headers=HTML), "inconclusive", "server-unavailable"),
        (exchange(520, ""), "inconclusive", "server-unavailable"),
        (exchange(503, "upstream connect error"), "inconclusive", "upstream-unreachable"),
        (exchange(200, ""), "inconclusive", "answer-not-from-the-api"),
        (exchange(200, "H4sIAAAA", body_encoding="base64"), "inconclusive", "answer-not-from-the-api"),
        (exchange(200, "OK"), "inconclusive", "answer-not-from-the-api"),
        (exchange(418, "teapot"), "inconclusive", "unexpected-answer"),
        (exchange(None, failure=Failure("dns", "dns", "no such host")), "inconclusive", "network-unreachable/name-unknown"),
        (exchange(None, failure=Failure("tls", "tls", "self-signed")), "inconclusive", "tls-or-proxy"),
        (exchange(None, failure=Failure("timeout", "answer", "")), "inconclusive", "no-answer-in-time"),
        (exchange(None, failure=Failure("timeout", "connect", "")), "inconclusive", "network-unreachable/dropped"),
        (exchange(None, failure=Failure("timeout", "tls", "")), "inconclusive", "tls-or-proxy/silent"),
        (exchange(None, failure=Failure("timeout", "proxy", "")), "inconclusive", "proxy-refuses-connect/silent"),
        (exchange(None, failure=Failure("proxy", "proxy", "403 Forbidden")), "inconclusive", "proxy-refuses-connect"),
        (exchange(None, failure=Failure("proxy", "proxy", "407 Log in")), "inconclusive", "proxy-login-required"),
        (exchange(200, '{"da', failure=Failure("closed", "answer", "")), "inconclusive", "connection-closed-early"),
    ],
)  # fmt: skip
def test_what_an_answer_says_of_the_key(answer: Exchange, status: str, cause: str | None) -> None:
    found = accepted(answer)
    assert (found.status, found.cause) == (status, cause)


# What refuses everybody, whatever the key: gateways, firewalls, content delivery networks, portals.
ALIKE = [
    exchange(451, {"message": "not here"}),
    exchange(431, ""),
    exchange(400, ""),
    exchange(403, "error code: 1020", headers={"content-type": "text/plain"}),
    exchange(403, ""),
    exchange(401, ""),
    exchange(403, '{"error":"blocked by policy"}'),
    exchange(401, {"message": "Unauthorized"}),
    exchange(401, {"detail": "Not authenticated"}),
    exchange(403, {"message": "Request blocked by security policy", "incident": "0f8a77c2-1d5e"}),
    exchange(403, "Access to this site was blocked by Zscaler policy 4711"),
    exchange(403, b"\xff\xfe".decode("latin-1"), body_encoding="base64"),
    exchange(403, {"error": {"code": 403, "message": "Forbidden", "status": "PERMISSION_DENIED"}}),
    refusal(403, None, "Forbidden"),
    exchange(403, {"message": "Forbidden", "requestId": "3f0a9c1e-77b2-4d6e-9a55-0c1d2e3f4a5b"}),
    refusal(401, "unauthorized", "Authentication failed"),
]


@pytest.mark.parametrize("answer", ALIKE)
@pytest.mark.parametrize("official", [True, False])
def test_a_refusal_that_a_made_up_key_gets_alike_says_nothing_of_the_key(answer: Exchange, official: bool) -> None:
    found = both(answer, answer, official=official)
    assert (found["accepted"].status, found["accepted"].cause) == ("inconclusive", "refused-alike")
    assert found["accepted"].measured == said(answer)
    assert found["control"].status == "info"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3f0a9c1e-77b2-4d6e-9a55-0c1d2e3f4a5b", "12345678-1111-4d6e-9a55-0c1d2e3f4a5b"),
        ("01JDZ3K7Q8X9Y0ABCDEFGHJKMN", "01JDZ3K7Q9Z1A2BCDEFGHJKMNP"),
        ("1-674a1b2c-0123456789abcdef01234567", "1-674a1b2d-fedcba987654321001234567"),
        ("8f2b77aa19cd3e10-FRA", "8f2b77bb20de4f21-FRA"),
    ],
)
def test_an_id_of_their_own_makes_two_refusals_no_different(one: str, other: str) -> None:
    answers = (exchange(403, {"message": "Forbidden", "requestId": each}) for each in (one, other))
    assert accepted(*answers).cause == "refused-alike"


def test_what_differs_in_any_two_refusals_makes_them_no_different() -> None:
    one = exchange(403, "blocked, ray 8f2b77aa19cd3e10 at 12:01:07 for sk-proj-****abcd")
    other = exchange(403, "blocked, ray 8f2b77bb20de4f21 at 12:01:08 for sk-made-****0000")
    assert accepted(one, other).cause == "refused-alike"


@pytest.mark.parametrize(
    "answer",
    [
        refusal(401, "invalid_api_key", "Incorrect API key provided: sk-proj-****abcd."),
        refusal(401, "invalid_api_key"),  # aimock 1.43: the same for every key, and it says what it is about
        refusal(401, None, "Invalid API key"),
        refusal(401, None, "The api key you gave is not valid"),
    ],
)
def test_a_refusal_that_is_about_the_key_is_one_also_where_every_key_gets_it(answer: Exchange) -> None:
    found = both(answer, answer, official=False)
    assert (found["accepted"].status, found["accepted"].cause) == ("fail", "key-wrong-or-revoked")
    assert found["control"].status == "pass"


def test_a_gateway_that_names_itself_keeps_its_cause() -> None:
    answer = refusal(401, "401", "Authentication Error, Invalid proxy server token passed.")
    assert accepted(answer, answer).cause == "proxy-authentication"


NO_ANSWER = exchange(None, failure=Failure("timeout", "answer", ""))


@pytest.mark.parametrize(
    ("control", "cause"),
    [
        (None, "answer-not-from-the-api"),
        (NO_ANSWER, "answer-not-from-the-api"),
        (exchange(401, "no"), "unexpected-answer"),
    ],
)
def test_a_refusal_that_says_nothing_names_no_key_where_the_control_says_nothing(
    control: Exchange | None, cause: str
) -> None:
    found = accepted(exchange(403, "error code: 1020"), control)
    assert (found.status, found.cause) == ("inconclusive", cause)


def test_the_control_is_asked_where_the_key_alone_was_to_be_and_is_refused() -> None:
    report = run_on_emulator(faults=["firewall-blocks"], only=["key.accepted"])
    assert finding(report, "key.accepted").cause == "refused-alike"
    assert [x.credential for x in report.exchanges] == ["made-up", "api-key"]


def test_a_green_is_void_where_a_made_up_key_is_taken_too() -> None:
    assert accepted(exchange(200, {"data": []}), control=exchange(200, {"data": []})).status == "info"


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        ({"age": "100"}, "refused-alike"),
        ({"x-cache": "HIT from proxy"}, "refused-alike"),
        ({"age": "0"}, "key-wrong-or-revoked"),
        ({"x-cache": "Miss from cloud"}, "key-wrong-or-revoked"),
    ],
)
def test_what_a_cache_gave_was_meant_for_another_key(headers: dict[str, str], cause: str) -> None:
    told = "Incorrect API key provided: sk-proj-****abcd."
    answer = refusal(401, "invalid_api_key", told, headers=headers)
    assert accepted(answer, control=answer).cause == cause


def test_a_key_that_was_sent_and_does_not_arrive() -> None:
    answer = refusal(401, None, "Missing bearer or basic authentication in header")
    found = accepted(answer, control=answer)
    assert (found.status, found.cause) == ("inconclusive", "no-credential-sent/stripped")


@pytest.mark.parametrize("listed", [[], {"data": []}, {"models": [{"name": "one"}]}])
def test_a_list_of_models_that_everybody_gets_is_one(listed: object) -> None:
    assert judge(CHECK, [Observation("control", (exchange(200, listed),))])["control"].cause == "server-asks-for-no-key"


def test_what_answers_everybody_and_lists_no_models_is_not_the_api() -> None:
    blocked = exchange(200, {"status": "blocked"})
    seen = [Observation("control", (blocked,)), Observation("accepted", (blocked,), facts={"made_up_taken": True})]
    found = judge(CHECK, seen)
    assert {(one.status, one.cause) for one in found.values()} == {("inconclusive", "answer-not-from-the-api")}


@pytest.mark.parametrize(("official", "status"), [(True, "fail"), (False, "warn")])
def test_a_made_up_key_that_is_taken(official: bool, status: str) -> None:
    found = judge(CHECK, [Observation("control", (exchange(200, {"data": []}),))], official=official)["control"]
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
    seen = Observation("model-realtime", (exchange(200),), facts={"model": model, "entry": entry})
    assert judge(CHECK, [seen], today=date(2026, 11, 22))["model-realtime"].status == status


def test_a_base_url_that_goes_on_too_far_is_doubted_in_a_whole_run() -> None:
    with running() as emulator:
        report = run_on_emulator(base_url=f"{emulator.base_url}/realtime/calls", only=["key.base-url"])
    assert finding(report, "key.base-url").cause == "base-url-wrong"
