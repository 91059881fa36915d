"""What the answers of STUN and TURN servers come to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from rtdiag.checks.network import ice_servers_judge as judge
from rtdiag.checks.network.ice_servers_judge import finding
from rtdiag.network.ice_answer import Failing, IceAnswer, facts

REFUSED = "401 Unauthorized"


def answer(url: str, failure: Failing = "", detail: str = "", **more: Any) -> IceAnswer:
    kind: Any = "turn" if url.startswith("turn") else "stun"
    return IceAnswer(url, kind, "udp", "192.0.2.1:3478", took_ms=3.4, failure=failure, detail=detail, **more)


WELL, RELAY = answer("stun:a:3478"), answer("turn:b:3478", login=True, relayed="192.0.2.1:5000")


@pytest.mark.parametrize(
    ("answers", "status", "measured", "observed"),
    [
        ([], "info", "no --ice-server was given", ()),
        ([WELL, RELAY], "pass", "stun:a:3478 answered in 3 ms; turn:b:3478 gave a relay in 3 ms", ()),
        (
            [WELL, answer("turn:b:3478", "credentials", REFUSED, login=True)],
            "fail",
            "stun:a:3478 answered in 3 ms; turn:b:3478 refused the credentials (401 Unauthorized)",
            (judge.TURN_REFUSED,),
        ),
        ([answer("turn:b", "login", REFUSED)], "fail", "turn:b wants credentials (401 Unauthorized)", (judge.TURN_LOGIN,)),
        ([answer("stun:b", "login", REFUSED)], "fail", "stun:b wants credentials (401 Unauthorized)", (judge.STUN_LOGIN,)),
        (
            [answer("turn:b", "forbidden", "403 Forbidden", login=True)],
            "fail",
            "turn:b refused this user or this machine (403 Forbidden)",
            (judge.TURN_REFUSED,),
        ),
        (
            [answer("turn:b", "forbidden", "403 Forbidden")],
            "fail",
            "turn:b refused this user or this machine (403 Forbidden)",
            (),
        ),
        (
            [answer("stun:a", "silent", "no answer within 3 s")],
            "inconclusive",
            "stun:a did not answer (no answer within 3 s)",
            (judge.STUN_SILENT,),
        ),
        (
            [answer("turn:b", "refused", "Connection refused"), answer("turn:c", "name", "Name or service not known")],
            "inconclusive",
            "turn:b was not reached: its port is closed (Connection refused); "
            "turn:c has a name without an address (Name or service not known)",
            (judge.TURN_UNREACHED,),
        ),
        (
            [RELAY, replace(answer("turn:c", "quota", "486 Allocation Quota Reached"), address="192.0.2.9:3478")],
            "inconclusive",
            "turn:b:3478 gave a relay in 3 ms; turn:c has no relay left (486 Allocation Quota Reached)",
            (judge.TURN_FULL,),
        ),
        (
            [RELAY, answer("turn:b:443", "quota", "486 Allocation Quota Reached")],
            "pass",
            "turn:b:3478 gave a relay in 3 ms; turn:b:443 took the credentials, and gives this user no second relay beside "
            "rtdiag's first (486 Allocation Quota Reached)",
            (),
        ),
        ([answer("stun:a", "error", "the port speaks HTTP")], "inconclusive",
         "stun:a gave no answer that can be used (the port speaks HTTP)", (judge.TURN_NONE,)),
    ],
)  # fmt: skip
def test_what_each_answer_comes_to(answers: list[Any], status: str, measured: str, observed: tuple[str, ...]) -> None:
    found = finding(facts(answers), relay_only=False)
    assert (found.case, found.status, found.measured, found.observed) == (judge.CASE, status, measured, observed)


def test_one_that_no_session_can_use_is_well_and_says_so() -> None:
    found = finding(facts([answer("stuns:a", apart="no session uses it")]), relay_only=False)
    assert (found.status, found.hint) == ("pass", "no session uses it")


def test_with_relay_only_it_takes_one_that_relays_for_a_session() -> None:
    assert finding(facts([RELAY]), relay_only=True).status == "pass"
    found = finding(facts([WELL, answer("turn:[::1]", apart="it is IPv6")]), relay_only=True)
    assert (found.status, found.observed) == ("inconclusive", (judge.NO_RELAY,))
    assert "--relay-only" in (found.hint or "")
    found = finding(facts([answer("turn:b", "credentials", REFUSED, login=True)]), relay_only=True)
    assert (found.status, found.observed, found.hint) == ("fail", (judge.TURN_REFUSED,), None)
    found = finding(facts([RELAY, answer("turn:c", "forbidden", "403")]), relay_only=True)
    assert (found.status, found.observed) == ("fail", ())


def test_where_the_catalogue_knows_what_to_do_nothing_else_is_advised() -> None:
    dead = [
        answer("stuns:a", "refused", "Connection refused", apart="no session uses it"),
        answer("turn:b", "forbidden", "403"),
    ]
    found = finding(facts(dead), relay_only=False)
    assert (found.observed, found.hint) == ((judge.STUN_SILENT,), None)


def test_each_failure_that_is_measured_is_judged() -> None:
    for failure in get_args(Failing):
        assert finding(facts([answer("turn:b", failure)]), relay_only=False).measured
    assert set(get_args(Failing)) == set(judge._SAID) - {judge._SECOND}
