"""A host is given up after three failures of its network in a row and a probe, a request line that hangs alone with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rtdiag.model import Exchange, Failure
from rtdiag.transport.breaker import MOST_IN_A_ROW, Breaker, NotAskedError

BASE = "https://api.test/v1"
LATE = Failure("timeout", "answer", "no answer within 15 s")


def exchange(path: str, failure: Failure | None, *, method: str = "POST", host: str = BASE) -> Exchange:
    return Exchange("x", method, host + path, "api-key", status=None if failure else 200, failure=failure)


def after(*exchanges: Exchange) -> Breaker:
    breaker = Breaker()
    for one in exchanges:
        breaker.note(one)
    return breaker


def test_three_in_a_row_ask_for_a_probe_and_a_failed_probe_ends_it_for_that_host_alone() -> None:
    breaker = after(*(exchange(f"/{n}", LATE) for n in range(MOST_IN_A_ROW - 1)))
    assert not breaker.check("POST", f"{BASE}/next")
    breaker.note(exchange("/3", LATE))
    assert breaker.check("POST", f"{BASE}/next")
    breaker.probed(exchange("/models", LATE, method="GET"))
    for method, url in (("POST", f"{BASE}/next?model=x"), ("GET", "https://user:pw@api.test/v1/else")):
        with pytest.raises(NotAskedError, match=r"the network failed at api\.test: timeout \(answer\)"):
            breaker.check(method, url)
    assert breaker.failed(BASE) == "the network failed at api.test: timeout (answer)"
    assert not breaker.check("GET", "https://other.test/v1/models")
    assert breaker.failed("https://other.test/v1") is None


def test_any_answer_ends_the_row() -> None:
    breaker = after(
        exchange("/a", LATE), exchange("/a", LATE), exchange("/b", None), exchange("/a", LATE), exchange("/b", LATE)
    )
    assert not breaker.check("POST", f"{BASE}/a")


def test_an_answer_that_breaks_off_counts_and_one_that_is_too_large_does_not() -> None:
    broken = Exchange("x", "GET", BASE, "none", status=200, failure=Failure("closed", "body", ""))
    large = Exchange("x", "GET", BASE, "none", status=200, failure=Failure("too-large", "answer", ""))
    assert after(broken, broken, broken).check("GET", BASE)
    assert not after(large, large, large).check("GET", BASE)


def test_where_the_host_answers_its_probe_only_what_hangs_is_given_up() -> None:
    breaker = after(*[exchange("/realtime/calls?model=a", LATE)] * MOST_IN_A_ROW)
    assert breaker.check("POST", f"{BASE}/realtime/calls")
    breaker.probed(exchange("/models", None, method="GET"))
    breaker.note(exchange("/models", None, method="GET"))
    with pytest.raises(
        NotAskedError, match=r"POST api\.test/v1/realtime/calls left 3 requests in a row without an answer"
    ):
        breaker.check("POST", f"{BASE}/realtime/calls?intent=b")
    assert not breaker.check("POST", f"{BASE}/realtime/client_secrets")
    assert not breaker.check("GET", f"{BASE}/realtime/calls")
    assert breaker.failed(BASE) is None


def test_what_one_moment_has_cut_off_is_one_failure_of_its_line_and_silence_counts_for_each() -> None:
    reset = Failure("closed", "answer", "")
    for failure, given_up in ((reset, False), (LATE, True)):
        under_way = [
            replace(exchange("/realtime/calls", failure), at_ms=n, timing_ms={"total": 20.0}) for n in range(4)
        ]
        breaker = after(*under_way)
        assert breaker.check("POST", f"{BASE}/realtime/calls"), "the host is asked by a probe either way"
        breaker.probed(exchange("/models", None, method="GET"))
        if given_up:
            with pytest.raises(NotAskedError):
                breaker.check("POST", f"{BASE}/realtime/calls")
        else:
            assert not breaker.check("POST", f"{BASE}/realtime/calls"), "and answered: it is asked again"
            for at_ms in (30.0, 60.0):
                breaker.note(replace(exchange("/realtime/calls", failure), at_ms=at_ms, timing_ms={"total": 20.0}))
            breaker.probed(exchange("/models", None, method="GET"))
            with pytest.raises(NotAskedError):
                breaker.check("POST", f"{BASE}/realtime/calls")
