"""What the check `network` makes of each way that ends, and that it never outweighs an answer that came all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from rtdiag.checks.network.way_judge import judge
from rtdiag.engine.findings import PORTAL
from rtdiag.model import Evidence, Exchange, Failure, Finding, Observation
from rtdiag.network.way import Certificate, Dial, Handshake, Hop, Lookup, Tunnel, Way, facts

HOST, ADDRESS = "api.example.com", "192.0.2.7"
FOUND = (Lookup(4, (ADDRESS,), 3), Lookup(6, (), 3, "none"))
OPEN = (Dial(ADDRESS, 443, 4),)
WAY = Way(HOST, 443, True, hop=Hop(HOST, 443, FOUND, OPEN))
LEAF = Certificate(f"CN={HOST}", "CN=Some Root", (HOST,), "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z")
OLD = Certificate("CN=Some Intermediate", "CN=Some Root", (), "2020-01-01T00:00:00Z", "2025-12-31T00:00:00Z")
SHAKEN = Handshake("certifi", "TLSv1.3", (LEAF,))
THROUGH = replace(WAY, route="through http://proxy.corp:3128 (HTTPS_PROXY)", variable="HTTPS_PROXY")


def judged(case: str, way: Way, *, answered: bool = False, official: bool = False) -> Finding:
    seen = Observation(case, facts={"way": facts(way), "answered": answered})
    found: Finding
    (found,) = judge(Evidence({case: seen}, frozenset(), official, date(2026, 11, 30)))
    return found


def looked_up(*lookups: Lookup) -> Way:
    return replace(WAY, hop=Hop(HOST, 443, lookups))


def dialled(*failures: str, **more: Any) -> Way:
    dials = tuple(Dial(ADDRESS, 443, 5000, failure) for failure in failures)
    return replace(WAY, hop=Hop(HOST, 443, FOUND, dials), **more)


def shaken(failure: str, **more: Any) -> Way:
    return replace(WAY, handshake=replace(SHAKEN, failure=failure, **more))


def tunnelled(failure: str, **more: Any) -> Way:
    return replace(THROUGH, tunnel=Tunnel(failure=failure, **more))


def through(failure: str, detail: str) -> Way:
    return replace(THROUGH, handshake=replace(SHAKEN, failure=failure, detail=detail))


def at_proxy(*lookups: Lookup, dial: str = "") -> Way:
    dials = (Dial(ADDRESS, 3128, 1, dial),) if dial else ()
    return replace(THROUGH, hop=Hop("proxy.corp", 3128, lookups, dials))


def clocks(here: str, there: str) -> dict[str, Any]:
    return {"local_date": f"{here}T12:00:00Z", "server_date": f"{there}T12:00:00Z"}


GOOD_THERE = "the certificate is good by the server's clock"
ELSEWHERE = "another store of this machine vouches for the certificate"
WAITED_FOR = "a name server that does not answer is asked first"
VARIABLE = "SSL_CERT_FILE=/ca.pem"
ENDS = (
    ("names", looked_up(Lookup(4, (), 2, "unknown"), Lookup(6, (), 2, "unknown")), "the name does not exist"),
    ("names", looked_up(Lookup(4, (), 2, "none"), Lookup(6, (), 2, "none")), "the name does not exist"),
    ("names", looked_up(Lookup(6, (), 2, "unasked"), Lookup(4, (), 2, "unasked")), "this machine does not ask its name servers"),
    ("names", looked_up(Lookup(4, (), 2, "fails"), Lookup(6, (), 2, "fails")), "the name servers answer with an error"),
    ("names", looked_up(Lookup(4, (), 5e3, "silent"), Lookup(6, (), 5e3, "silent")), "the name servers do not answer"),
    ("names", looked_up(Lookup(4, (), 5e3, "late"), Lookup(6, (), 5e3, "silent")), WAITED_FOR),
    ("names", looked_up(Lookup(4, ("127.0.0.1",))), "the name resolves to this machine"),
    ("names", looked_up(Lookup(4, ("0.0.0.0",)), Lookup(6, ("::",))), "the name resolves to this machine"),
    ("connect", dialled("refused"), "the port is closed"),
    ("connect", dialled("reset"), "connections are reset as they begin"),
    ("connect", dialled("dropped"), "packets to the server are dropped"),
    ("connect", dialled("rejected"), "a firewall rejects the connection"),
    ("connect", dialled("no-route"), "there is no route to the server"),
    ("connect", dialled("refused-here"), "this machine's own firewall forbids it"),
    ("connect", dialled("no-route", "dropped"), "packets to the server are dropped"),
    ("connect", dialled("dropped", "rejected"), "a firewall rejects the connection"),
    ("connect", dialled("dropped", bypassed=True), "NO_PROXY keeps the server from the proxy"),
    ("connect", dialled("refused", bypassed=True), "the port is closed"),
    ("proxy", at_proxy(Lookup(4, (), 2, "unknown")), "the name of the proxy does not resolve"),
    ("proxy", at_proxy(*FOUND, dial="refused"), "the proxy's port is closed"),
    ("proxy", at_proxy(*FOUND, dial="dropped"), "the proxy takes no connection"),
    ("proxy", tunnelled("login", status=407), "the proxy wants a login"),
    ("proxy", tunnelled("login", status=407, login=True), "the proxy refuses the login"),
    ("proxy", tunnelled("login", status=407, logins=("NTLM", "Negotiate")), "the proxy takes no password"),
    ("proxy", tunnelled("login", status=407, login=True, logins=("Digest",)), "the proxy takes no password"),
    ("proxy", tunnelled("login", status=407, login=True, logins=("Negotiate", "BASIC")), "the proxy refuses the login"),
    ("proxy", tunnelled("refused", status=302, words="to http://login.test/"), PORTAL),
    ("proxy", tunnelled("unreached", status=511), PORTAL),
    ("tls", through("plain-http", "HTTP/1.1 403 Forbidden"), "the proxy refuses the server"),
    ("tls", through("plain-http", "HTTP/1.1 400 Bad Request"), "the port speaks plain HTTP"),
    ("connect", dialled("other"), "no connection comes about"),
    ("proxy", tunnelled("tls", detail="certificate is for another name"), "TLS with the proxy itself fails"),
    ("proxy", tunnelled("refused", status=403, words="Blocked"), "the proxy refuses the server"),
    ("proxy", tunnelled("unreached", status=502), "the proxy does not reach the server"),
    ("proxy", tunnelled("silent"), "the proxy does not answer"),
    ("proxy", tunnelled("closed"), "the proxy does not answer"),
    ("proxy", tunnelled("no-proxy", status=405), "what the variable names is no proxy"),
    ("proxy", tunnelled("not-http"), "what the variable names is no proxy"),
    ("proxy", tunnelled("no-proxy", status=405), "what the variable names is no proxy"),
    ("tls", shaken("plain-http"), "the port speaks plain HTTP"),
    ("tls", shaken("silent"), "the TLS handshake is not answered"),
    ("tls", shaken("closed"), "the TLS handshake is broken off"),
    ("tls", shaken("version"), "no common TLS version"),
    ("tls", shaken("client-certificate"), "the server wants a client certificate"),
    ("certificate", shaken("issuer"), "nobody here vouches for the certificate"),
    ("certificate", shaken("issuer", accepts=("the system's store",)), ELSEWHERE),
    ("certificate", shaken("self-signed"), "the certificate is signed by itself"),
    ("certificate", shaken("incomplete"), "the certificate's intermediate is missing"),
    ("certificate", shaken("name"), "the certificate is for other names"),
    ("certificate", shaken("ended"), "the certificate has ended"),
    ("certificate", shaken("not-begun"), "the certificate has not begun"),
    ("certificate", shaken("not-begun", **clocks("2025-11-30", "2026-11-30")), GOOD_THERE),
    ("certificate", shaken("ended", **clocks("2027-11-30", "2026-11-30")), GOOD_THERE),
    ("certificate", shaken("ended", **clocks("2027-11-30", "2027-11-30")), "the certificate has ended"),
    ("certificate", shaken("ended", chain=(LEAF, OLD), **clocks("2026-11-30", "2026-11-30")), "the certificate has ended"),
    ("certificate", shaken("ended", chain=(LEAF, OLD), **clocks("2027-11-30", "2026-11-30")), GOOD_THERE),
    ("certificate", shaken("ended", **clocks("2026-11-30", "2026-11-30")), "nobody here vouches for the certificate"),
    ("certificate", shaken("unfit", detail="EE certificate key too weak"), "the certificate breaks a rule"),
    ("certificate", shaken("strict", detail="Missing Authority Key Identifier"), "the certificate breaks a rule"),
    ("certificate", shaken("issuer", store=VARIABLE, accepts=("certifi",)), "the variable has replaced the public roots"),
    ("certificate", shaken("issuer", store=VARIABLE, accepts=("CURL_CA_BUNDLE=/b.pem",)), ELSEWHERE),
)  # fmt: skip


@pytest.mark.parametrize(("case", "way", "phrase"), ENDS, ids=[f"{c}: {p}" for c, _, p in ENDS])
def test_a_way_that_ends_says_where(case: str, way: Way, phrase: str) -> None:
    found = judged(case, way)
    assert (found.status, found.observed) == ("inconclusive", (phrase,))
    assert found.hint
    assert found.measured


@pytest.mark.parametrize(("case", "way"), [(c, w) for c, w, _ in ENDS])
def test_what_was_answered_all_the_same_is_no_end(case: str, way: Way) -> None:
    found = judged(case, way, answered=True)
    assert found.status in ("info", "pass")
    assert not found.observed


def test_a_private_address_is_wrong_for_openais_own_host_alone() -> None:
    way = replace(looked_up(Lookup(4, ("10.1.2.3",), 2)), host="api.openai.com")
    assert judged("names", way, official=True).observed == ("the name resolves to a private address",)
    assert judged("names", looked_up(Lookup(4, ("10.1.2.3",), 2))).status == "pass"


def test_localhost_may_be_this_machine() -> None:
    assert judged("names", replace(looked_up(Lookup(4, ("127.0.0.1",))), host="localhost")).status == "pass"


def test_one_silent_family_is_a_warning() -> None:
    found = judged("names", looked_up(Lookup(4, (ADDRESS,), 3), Lookup(6, (), 5000, "silent")), answered=True)
    assert (found.status, found.observed) == ("warn", ("one family of addresses is not answered by the name servers",))


@pytest.mark.parametrize(("reader", "store", "official", "status"), [
    ("", "certifi", True, "pass"),
    ("", "SSL_CERT_FILE=/ca.pem", True, "warn"),
    ("", "SSL_CERT_FILE=/ca.pem", False, "info"),
    ("Zscaler", "certifi", False, "warn"),
])  # fmt: skip
def test_who_reads_along_is_told_by_the_issuer(reader: str, store: str, official: bool, status: str) -> None:
    way = replace(WAY, host="api.openai.com", handshake=replace(SHAKEN, reader=reader, store=store))
    assert judged("issuer", way, official=official).status == status


def test_a_good_way_passes() -> None:
    way = replace(WAY, handshake=SHAKEN)
    assert {case: judged(case, way, answered=True).status for case in ("names", "connect", "tls", "certificate")} == {
        "names": "pass", "connect": "pass", "tls": "pass", "certificate": "pass",
    }  # fmt: skip
    assert judged("proxy", tunnelled(""), answered=True).status == "pass"


def test_dead_ipv6_is_told_with_its_cost() -> None:
    found = judged("ipv6", replace(WAY, hop=Hop(HOST, 443, FOUND, (*OPEN, Dial("2001:db8::1", 443, 5000, "dropped")))))
    assert (found.status, found.observed) == ("warn", ("IPv6 is tried in vain",))
    assert "[2001:db8::1]:443: nothing came back in 5.0 s" in found.measured
    assert "quarter of a second" in (found.hint or "")


@pytest.mark.parametrize(
    ("off_s", "waited_s", "age", "status"),
    [(0, 0, "", "pass"), (600, 0, "x", "warn"), (-600, 0, "", "warn"), (40, 20, "", "pass"), (600, 0, "600", "pass")],
)
def test_clocks_are_compared_within_what_the_answer_took(off_s: float, waited_s: float, age: str, status: str) -> None:
    told = (("date", "Mon, 30 Nov 2026 12:00:00 GMT"), ("age", age))
    exchange = Exchange("x1", "GET", "http://h/v1/models", "made-up", status=401, response_headers=told)
    local = {"local_unix_s": 1796040000 + off_s, "waited_s": waited_s}
    seen = Observation("clock", (exchange,), facts=local)
    (found,) = judge(Evidence({"clock": seen}, frozenset(), False, date(2026, 11, 30)))
    assert found.status == status


@pytest.mark.parametrize(("failure", "phrases"), [
    (Failure("protocol", "answer", "illegal status line"), ("what answers speaks no HTTP",)),
    (Failure("protocol", "answer", "conflicting Content-Length headers"), ()),
    (Failure("timeout", "answer", "no answer within 15 s"), ()),
])  # fmt: skip
def test_no_answer_over_http_is_told(failure: Failure, phrases: tuple[str, ...]) -> None:
    exchange = Exchange("x1", "GET", "http://h/v1/models", "made-up", failure=failure)
    seen = Observation("answer", (exchange,), facts={"way": facts(WAY)})
    (found,) = judge(Evidence({"answer": seen}, frozenset(), False, date(2026, 11, 30)))
    assert (found.status, found.observed) == ("inconclusive", phrases)


@pytest.mark.parametrize("status", [None, 400])
def test_a_port_that_speaks_tls_is_told(status: int | None) -> None:
    failure = None if status else Failure("closed", "answer", "disconnected")
    exchange = Exchange("x1", "GET", "http://h/v1/models", "made-up", status=status, failure=failure)
    seen = Observation("answer", (exchange,), facts={"way": facts(replace(WAY, tls=False, spoken="TLS"))})
    (found,) = judge(Evidence({"answer": seen}, frozenset(), False, date(2026, 11, 30)))
    assert (found.status, found.observed) == ("inconclusive", ("the port speaks TLS",))


def test_what_speaks_something_else_is_shown() -> None:
    exchange = Exchange(
        "x1", "GET", "http://h/v1/models", "made-up", failure=Failure("closed", "answer", "disconnected")
    )
    seen = Observation(
        "answer", (exchange,), facts={"way": facts(replace(WAY, tls=False, spoken="SSH-2.0-OpenSSH_9.2"))}
    )
    (found,) = judge(Evidence({"answer": seen}, frozenset(), False, date(2026, 11, 30)))
    assert found.observed == ("what answers speaks no HTTP",)
    assert "SSH-2.0-OpenSSH_9.2" in found.measured


def test_a_variable_that_cannot_be_used_is_told_by_the_case_that_it_decides() -> None:
    exchange = Exchange(
        "x1", "GET", "http://h/v1/models", "made-up", failure=Failure("variable", "route", "HTTPS_PROXY: no")
    )
    seen = Observation("proxy", (exchange,), facts={"way": facts(WAY)})
    (found,) = judge(Evidence({"proxy": seen}, frozenset(), False, date(2026, 11, 30)))
    assert found.status == "inconclusive"
    assert "HTTPS_PROXY" in (found.hint or "")


def test_which_certificate_has_ended_is_said_and_by_whose_clock() -> None:
    found = judged("certificate", shaken("ended", chain=(LEAF, OLD), **clocks("2026-11-30", "2026-11-30")))
    assert (
        found.measured
        == "CN=Some Intermediate by CN=Some Root, 2020-01-01 to 2025-12-31; it has ended by the server's clock, too"
    )


def test_a_proxys_status_is_said_once_with_the_logins_that_it_takes() -> None:
    found = judged("proxy", tunnelled("login", status=407, words="407 Go away", logins=("NTLM", "Basic")))
    assert found.measured.endswith("CONNECT got 407 Go away; it takes NTLM, Basic")


def test_what_fails_behind_a_proxy_says_through_which() -> None:
    found = judged(
        "tls", replace(THROUGH, handshake=replace(SHAKEN, failure="silent", detail="no handshake within 5 s"))
    )
    assert found.measured == "through http://proxy.corp:3128 (HTTPS_PROXY): no handshake within 5 s"


def test_how_many_certificates_a_variable_names_is_said() -> None:
    found = judged("certificate", shaken("issuer", store="SSL_CERT_FILE=/ca.pem", roots=1, accepts=("certifi",)))
    assert "SSL_CERT_FILE=/ca.pem (it holds 1 certificate) does not know that, certifi would" in found.measured
