"""The lines of client libraries: the same fact from every language, and the cause that belongs to it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from rtdiag.api.own_yaml import BadData, loader, named
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.lexicon import Fact, facts_in, said
from rtdiag.diagnosis.lexicon.client_lines import Library, templates
from rtdiag.redact import Mask

SHARED = Path(__file__).parents[2].parent / "shared" / "inputs" / "client_lines.yaml"
needs_lines = pytest.mark.skipif(not SHARED.exists(), reason="client_lines.yaml is not beside this checkout")
LINES: list[dict[str, Any]] = yaml.load(SHARED.read_text(encoding="utf-8"), Loader=loader()) if SHARED.exists() else []

# What each slot may be, to make a line of a template.
FILLED = {
    "host": "api.openai.com:443",
    "url": "wss://api.openai.com/v1/realtime",
    "status": "403",
    "close": "1006",
    "n": "10",
    "word": "x",
    "words": "a few",
    "any": "what else",
}


def filled(template: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda slot: FILLED.get(slot[1], slot[0]), template)


@pytest.mark.parametrize(
    ("fact", "lines"),
    [
        (
            "refused connect",
            [
                "ConnectionRefusedError: [Errno 111] Connect call failed ('162.159.140.245', 443)",
                "Error: connect ECONNREFUSED 162.159.140.245:443",
                "dial tcp 162.159.140.245:443: connect: connection refused",
                "Connection refused (os error 61)",
                "SocketException: Connection refused (OS Error: Connection refused, errno = 111)",
                "System.Net.Sockets.SocketException (10061): 由于目标计算机积极拒绝，无法连接。",
                "Es konnte keine Verbindung hergestellt werden, da der Zielcomputer die Verbindung verweigerte.",
                "net::ERR_CONNECTION_REFUSED",
            ],
        ),
        (
            "upgrade refused 403",
            [
                "Unexpected server response: 403",
                "server rejected WebSocket connection: HTTP 403",
                "Handshake status 403 Forbidden",
                "HTTP error: 403 Forbidden",
                "Expected HTTP 101 response but was '403 Forbidden'",
                "The server returned status code '403' when status code '101' was expected.",
                "expected handshake response status code 101 but got 403",
                "Connection was not upgraded to websocket, HTTP status code: 403",
            ],
        ),
        (
            "tls unknown issuer",
            [
                "x509: certificate signed by unknown authority",
                "invalid peer certificate: UnknownIssuer",
                "PKIX path building failed",
                "net::ERR_CERT_AUTHORITY_INVALID",
                "{ code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' }",
            ],
        ),
        (
            "dns",
            [
                "curl: (6) Could not resolve host: api.openai.com",
                "Unable to resolve host “api.openai.com”: No address associated with hostname",
            ],
        ),
        (
            "dns unknown",
            [
                "getaddrinfo ENOTFOUND api.openai.com",
                "lookup api.openai.com: no such host",
                "[Errno -2] Name or service not known",
                "net::ERR_NAME_NOT_RESOLVED",
                "%Mint.TransportError{reason: :nxdomain}",
                "** server can't find api.openai.com: NXDOMAIN",
            ],
        ),
        (
            "dns fails",
            [
                "getaddrinfo EAI_AGAIN api.openai.com",
                "lookup api.openai.com on 127.0.0.53:53: server misbehaving",
                "Temporary failure in name resolution",
                "** server can't find api.openai.com: SERVFAIL",
            ],
        ),
        (
            "tls plain port",
            [
                "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)",
                "tls: first record does not look like a TLS handshake",
                "Unsupported or unrecognized SSL message",
                "SSL_ERROR_RX_RECORD_TOO_LONG",
                "received corrupt message of type InvalidContentType",
            ],
        ),
        (
            "tls not yet valid",
            [
                "x509: certificate has expired or is not yet valid: current time 2020-01-01T00:00:00Z is before 2026",
                "invalid peer certificate: NotValidYet",
                "CertificateNotYetValidException",
            ],
        ),
    ],
)
def test_the_same_fact_is_read_from_every_language(fact: str, lines: list[str]) -> None:
    assert {line: facts_in(line) for line in lines} == dict.fromkeys(lines, fact)


def test_a_line_says_its_numbers_its_host_and_where_it_stands() -> None:
    text = "first\ndial tcp: lookup api.openai.com: no such host\nUnexpected server response: 401\n"
    (dns, upgrade) = said(text)
    assert (dns.fact, dns.host, text[dns.start : dns.end]) == (
        "dns unknown",
        "api.openai.com",
        "lookup api.openai.com: no such host",
    )
    assert (str(upgrade), upgrade.status, upgrade.library) == ("upgrade refused 401", 401, "ws")


def test_what_says_more_is_told_and_what_says_less_is_not() -> None:
    assert facts_in("Cannot connect to host api.openai.com:443 ssl:default [None]") == "not connected"
    assert facts_in("Cannot connect to host api.openai.com:443 ssl:default [Network is unreachable]") == (
        "unreachable connect no-route"
    )
    assert facts_in("sent 1011 (internal error) keepalive ping timeout; no close frame received") == (
        "keepalive timeout 1011"
    )


def test_every_template_finds_its_own_line() -> None:
    missed = []
    for known in templates():
        text = filled(known.template.text)
        for line in (text, f"ERROR:app:{text}\n    at x", text.lower()):
            words = known.template.words <= set(re.findall(r"\w+", line.lower())) or not known.template.spaced
            if not words or not known.template.pattern.search(line):
                missed.append(line)
    assert missed == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "connected to wss://api.openai.com/v1/realtime, session.created",
        "INFO:httpx:HTTP Request: POST https://api.openai.com/v1/realtime/client_secrets 'HTTP/1.1 200 OK'",
        '{"type":"response.done","response":{"status":"completed"}}',
        "the certificate of the course is in my folder, and the host is not here",
        "x" * 100_000,
    ],
)
def test_a_healthy_line_says_nothing(text: str) -> None:
    assert said(text) == ()


def test_hostile_text_takes_no_longer_than_its_length() -> None:
    """Each template is tried at its first word alone, and none goes on beyond a few hundred characters."""
    for known in templates():
        bounded = re.sub(r"\{\d+,\d{1,4}\}\??|\\\{", "", known.template.pattern.pattern)
        assert not re.search(r"(?<!\\)[*+](?!\])", re.sub(r"\\.|\[[^\]]*\]", "", bounded)), known.template.text


@pytest.mark.parametrize(
    ("template", "why"),
    [("{any} failed", "begins"), ("({status})", "begins"), ("a {any} b {any} c", "one"), ("failed: {any}", "end")],
)
def test_a_template_that_could_not_be_looked_for_is_refused(tmp_path: Path, template: str, why: str) -> None:
    file = tmp_path / "lines.yaml"
    file.write_text(f"lib: {{source: x, says: {{dns: ['{template}']}}}}", encoding="utf-8")
    with pytest.raises(BadData, match=why):
        named(Library, file)


def test_every_fact_is_said_by_some_library_and_heard_by_some_cause() -> None:
    signs = [sign for cause in catalogue.causes().values() for sign in cause.speaks_for]
    heard = {
        fact
        for fact in get_args(Fact)
        for sign in signs
        for name, pattern in sign.when
        if name == "client" and pattern.search(fact) and not pattern.search("")
    }
    numbers_alone, without_a_cause = {"status", "closed"}, {"request url", "sdp answer"}
    assert {known.fact for known in templates()} == set(get_args(Fact))
    assert set(get_args(Fact)) - heard == numbers_alone | without_a_cause


def explained(line: str) -> list[tuple[str, str]]:
    (found,) = explain(io.BytesIO(line.encode()), "-", Mask())
    return [(d.cause.partition("/")[0], d.confidence) for d in found.diagnosis]


# What the list calls by one name, as the catalogue did when it was made.
NOW = {"tls-or-proxy": ["proxy-login-required", "proxy-refuses-connect"]}


@needs_lines
@pytest.mark.parametrize("entry", LINES, ids=lambda e: e["name"])
def test_each_listed_line_has_a_right_cause_first_and_no_wrong_one_with_confidence(entry: dict[str, Any]) -> None:
    found = explained(entry["line"])
    right = {*entry["right"], *(cause for code in entry["right"] for cause in NOW.get(code, ()))}
    assert found[0][0] in right
    assert not [cause for cause, held in found if held == "high" and cause not in right]


@pytest.mark.parametrize("status", [401, 403])
def test_an_upgrade_that_was_refused_was_reached_whoever_tells_it(status: int) -> None:
    told = {
        line: [cause for cause, _ in explained(line.format(status))]
        for line in (
            "Unexpected server response: {}",
            "websocket: bad handshake (status {})",
            "failed to connect realtime websocket: HTTP error: {}",
            "java.net.ProtocolException: Expected HTTP 101 response but was '{} X'",
            "The server returned status code '{}' when status code '101' was expected.",
            "WebSocketException: Connection was not upgraded to websocket, HTTP status code: {}",
        )
    }
    assert {line: "network-unreachable" in causes for line, causes in told.items()} == dict.fromkeys(told, False)
