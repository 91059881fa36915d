"""STUN and TURN servers as rtdiag asks them: each word for what they make of it, and which a session is given."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, get_args

import pytest
from aioice import stun
from aioice.turn import make_integrity_key
from hypothesis import given
from hypothesis import strategies as st

from rtdiag.network.ice_answer import Failing, IceAnswer, facts, own_addresses, usable
from rtdiag.network.ice_servers import _TELLING, ask, ask_all
from rtdiag.network.stun_wire import Reply, _answer, _parsed, told
from rtdiag.redact import Secret
from rtdiag.transport.recorder import Deadlines
from rtdiag.transport.ways import Ways
from tests.network.certificates import Authority
from tests.network.turn import CREDENTIAL, USERNAME, coturn
from tests.ports import free_port
from tests.secrets.canaries import PROPERTY
from tests.transport.stun_servers import (
    MAPPED,
    PASSWORD,
    USER,
    Says,
    bound,
    error,
    handing_on,
    over_tcp,
    over_udp,
    refusing,
    relaying,
    success,
)

BRIEF = Deadlines(connect_s=0.2)
LONG = Deadlines()
HOST = "127.0.0.1"


async def asked(
    url: str, user: str = USER, password: str | None = PASSWORD, deadlines: Deadlines = LONG, ways: Ways | None = None
) -> IceAnswer:
    return await ask(url, user, Secret(password) if password else None, deadlines, ways or Ways())


def of_turn(says: Says, **given: Any) -> tuple[IceAnswer, list[stun.Message]]:
    """What a TURN server that says so comes to, and what it was asked."""

    async def run() -> tuple[IceAnswer, list[stun.Message]]:
        async with over_udp(says) as server:
            return await asked(f"turn:{HOST}:{server.port}", **given), server.asked

    return asyncio.run(run())


def of_stun(says: Says, over: Callable[..., Any] = over_udp, **given: Any) -> IceAnswer:
    async def run() -> IceAnswer:
        async with over(says) as server:
            query = "?transport=tcp" if over is over_tcp else ""
            scheme = "turn" if over is over_tcp else "stun"
            return await asked(f"{scheme}:{HOST}:{server.port}{query}", **given)

    return asyncio.run(run())


# --- what of aioice is used


# RFC 5769 section 2.4: a request with long-term credentials.
REQUEST = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e"
    "00060012e3839ee38388e383aae38383e382afe382b90000"
    "0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341"
    "0014000b6578616d706c652e6f726700"
    "00080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
)


def test_aioice_reads_and_signs_as_the_rfc_does() -> None:
    """Its names of attributes, and its key: rtdiag counts on both."""
    read = stun.parse_message(REQUEST)
    key = make_integrity_key("マトリックス", "example.org", "TheMatrIX")
    assert (read.attributes["REALM"], read.attributes["NONCE"][:8]) == ("example.org", b"f//499k9")
    assert read.check_message_integrity(key)
    own = stun.Message(stun.Method["ALLOCATE"], stun.Class.REQUEST, attributes={"REQUESTED-TRANSPORT": 17 << 24})
    own.add_message_integrity(key)
    assert bytes(own)[20:28] == bytes.fromhex("0019000411000000")
    assert stun.parse_message(bytes(own)).check_message_integrity(key)


@PROPERTY
@given(
    st.binary(max_size=60), st.integers(0, 40), st.sampled_from([bound, handing_on(HOST, 1), lambda r: error(r, 401)])
)
def test_no_bytes_are_too_odd_to_be_read(noise: bytes, at: int, says: Says) -> None:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    right = says(request) or b""
    for data in (noise, right[:at] + noise, right[:at] + noise + right[at + len(noise) :]):
        found = _answer(_parsed(data), request, data)
        assert found is None or isinstance(found, Reply)


# --- STUN


def test_a_stun_server_says_where_it_sees_this_machine() -> None:
    found = of_stun(bound)
    assert (found.failure, found.mapped, found.relayed) == ("", "203.0.113.7:4711", "")
    assert own_addresses([found]) == {MAPPED[0]}
    assert json.loads(json.dumps(facts([found])))[0]["kind"] == "stun"


def test_loopback_is_nobodys_address() -> None:
    """Where the server is on this machine, a mask that learnt 127.0.0.1 would hide it everywhere."""
    for mapped in (("127.0.0.1", 1), ("::1", 1)):
        assert own_addresses([of_stun(partial(success, XOR_MAPPED_ADDRESS=mapped))]) == set()


def test_ipv6_is_asked_and_no_session_uses_it() -> None:
    async def run() -> IceAnswer:
        async with over_udp(lambda r: success(r, XOR_MAPPED_ADDRESS=("2001:db8::7", 1)), "::1") as server:
            return await asked(f"stun:[::1]:{server.port}")

    found = asyncio.run(run())
    assert (found.failure, found.mapped) == ("", "[2001:db8::7]:1")
    assert "takes no IPv6 address" in found.apart
    assert own_addresses([found]) == {"2001:db8::7"}
    assert usable([found]).urls == ()
    assert usable([found]).left_out == ((found.url, found.apart),)


def test_what_is_lost_is_asked_again() -> None:
    seen: list[bytes] = []

    def says(request: stun.Message) -> bytes | None:
        seen.append(request.transaction_id)
        return bound(request) if len(seen) > 1 else None

    assert of_stun(says).failure == ""
    assert seen[0] == seen[1]


def test_an_old_server_says_it_plainly_and_no_session_reads_that() -> None:
    found = of_stun(lambda r: success(r, MAPPED_ADDRESS=MAPPED))
    assert (found.failure, found.mapped) == ("", "203.0.113.7:4711")
    assert "RFC 3489" in found.apart


def test_each_failure_has_its_rank_among_what_two_addresses_say() -> None:
    assert sorted(_TELLING) == sorted(get_args(Failing))


def whole(text: str) -> Says:
    return lambda _: text.encode()


def another(request: stun.Message) -> bytes:
    return bound(stun.Message(request.message_method, request.message_class))


@pytest.mark.parametrize(
    ("says", "failure", "detail"),
    [
        (lambda _: None, "silent", "no answer within 0.12 s"),
        (whole("hello"), "error", "what answers speaks no STUN"),
        (whole("HTTP/1.1 400 Bad Request\r\n\r\n"), "error", "what answers speaks no STUN"),
        (lambda r: bound(r)[:-1], "error", "what answers speaks no STUN"),
        (lambda r: stun.set_body_length(bytes(r), 6) + b"\x80\x28\x00\x02aa", "error", "what answers speaks no STUN"),
        (bytes, "error", "what answers speaks no STUN"),
        (lambda r: stun.set_body_length(error(r, 400), 0)[:20], "error", "what answers speaks no STUN"),
        (another, "silent", "no answer within 0.12 s"),
        (success, "error", "its answer holds no address"),
        (lambda r: error(r, 420, "Unknown \x1b[2J"), "error", "420 Unknown \ufffd[2J"),
        (lambda r: error(r, 401, "Unauthorized"), "login", "401 Unauthorized"),
    ],
)
def test_what_else_a_stun_server_may_do(says: Says, failure: str, detail: str) -> None:
    found = of_stun(says, deadlines=BRIEF)
    assert (found.failure, found.detail) == (failure, detail)


def test_a_closed_port_is_told_by_icmp() -> None:
    found = asyncio.run(asked(f"stun:{HOST}:{free_port()}"))
    assert (found.failure, found.detail, found.address.partition(":")[0]) == ("refused", "Connection refused", HOST)


@pytest.mark.parametrize(
    ("number", "failure"),
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.ECONNRESET, "reset"),
        (errno.EHOSTUNREACH, "rejected"),
        (errno.ENETUNREACH, "no-route"),
        (errno.EINVAL, "no-route"),
        (errno.EPERM, "refused-here"),
        (errno.ETIMEDOUT, "dropped"),
        (errno.EIO, "error"),
    ],
)
def test_what_the_operating_system_says(number: int, failure: str) -> None:
    assert told(OSError(number, "Connect call failed")).failure == failure
    assert told(ConnectionResetError("Connection lost")).failure == "reset"


# --- names


def resolving(answer: Callable[[], Any], url: str, deadlines: Deadlines = LONG) -> IceAnswer:
    """A server whose name comes to that answer."""

    async def addresses(*_: Any, **__: Any) -> Any:
        found = answer()
        return await found if isinstance(found, Coroutine) else found

    async def run() -> IceAnswer:
        asyncio.get_running_loop().getaddrinfo = addresses  # type: ignore[method-assign]
        return await asked(url, deadlines=deadlines)

    return asyncio.run(run())


def unknown() -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_name_that_is_unknown_and_one_that_is_not_answered() -> None:
    found = resolving(unknown, "stun:nowhere.test")
    assert (found.failure, found.detail, found.address) == ("name", "Name or service not known", "")
    found = resolving(lambda: asyncio.Event().wait(), "turn:slow.test", BRIEF)
    assert (found.failure, found.detail) == ("name", "the name servers did not answer within 0.2 s")


@pytest.mark.parametrize(("scheme", "apart"), [("stun", ""), ("turn", "asks [::1]:{port} alone, and 127.0.0.1:{port}")])
def test_of_two_addresses_the_one_that_answers(scheme: str, apart: str) -> None:
    """The WebRTC library asks a STUN server over IPv4, a TURN server at its first address: there it would wait in vain."""

    async def run() -> tuple[IceAnswer, int]:
        async with over_udp(relaying if scheme == "turn" else bound) as server:
            places = [(socket.AF_INET6, 1, 6, "", ("::1", server.port, 0, 0)), (socket.AF_INET, 1, 6, "", (HOST, 0))]

            async def addresses(*_: Any, **__: Any) -> Any:
                return places

            asyncio.get_running_loop().getaddrinfo = addresses  # type: ignore[method-assign]
            return await asked(f"{scheme}:both.test:{server.port}"), server.port

    found, port = asyncio.run(run())
    assert (found.failure, found.address) == ("", f"{HOST}:{port}")
    assert apart.format(port=port) in found.apart
    assert bool(found.apart) == bool(apart)


# --- TURN


def test_a_relay_is_given_and_given_back() -> None:
    found, requests = of_turn(relaying)
    assert (found.failure, found.login, found.relayed) == ("", True, "203.0.113.9:50000")
    assert [r.message_method.name for r in requests] == ["ALLOCATE", "ALLOCATE", "REFRESH"]
    assert requests[-1].attributes["LIFETIME"] == 0
    assert own_addresses([found]) == {MAPPED[0]}


def test_a_nonce_that_is_stale_is_taken_anew() -> None:
    nonces = iter([b"one", b"two", b"two", b"three", b"three"])
    found, requests = of_turn(lambda r: relaying(r, next(nonces)))
    assert found.failure == ""
    nonces_sent = [r.attributes.get("NONCE") for r in requests]
    assert nonces_sent == [None, b"one", b"two", b"two", b"three"]


def test_a_nonce_that_is_always_stale_is_no_road_without_end() -> None:
    found, requests = of_turn(refusing(438, "Stale Nonce"))
    assert (found.failure, found.code, len(requests)) == ("error", 438, 3)


@pytest.mark.parametrize(
    ("code", "reason", "failure"),
    [
        (401, "Unauthorized", "credentials"),
        (403, "Forbidden", "forbidden"),
        (437, "Allocation Mismatch", "error"),
        (441, "Wrong Credentials", "credentials"),
        (442, "Unsupported Transport Protocol", "error"),
        (486, "Allocation Quota Reached", "quota"),
        (508, "Insufficient Capacity", "quota"),
    ],
)
def test_what_a_turn_server_says_is_told_as_it_says_it(code: int, reason: str, failure: str) -> None:
    found, requests = of_turn(refusing(code, reason))
    assert (found.failure, found.code, found.detail, found.login) == (failure, code, f"{code} {reason}", True)
    assert len(requests) == 2


def test_without_credentials_it_asks_for_them() -> None:
    found, requests = of_turn(relaying, user="", password=None)
    assert (found.failure, found.login, found.detail) == ("login", False, "401 Unauthorized")
    assert len(requests) == 1


def test_a_machine_that_is_forbidden_has_sent_no_credentials() -> None:
    found, _ = of_turn(lambda r: error(r, 403, "Forbidden"))
    assert (found.failure, found.login) == ("forbidden", False)


def test_a_401_that_does_not_say_how_to_sign_has_refused_no_credentials() -> None:
    found, requests = of_turn(lambda r: error(r, 401, "Unauthorized"))
    assert (found.failure, found.login, len(requests)) == ("error", False, 1)


def test_it_hands_on_and_rtdiag_follows_where_a_session_does_not() -> None:
    async def run() -> tuple[IceAnswer, int]:
        async with over_udp(relaying) as second, over_udp(handing_on(HOST, second.port)) as first:
            return await asked(f"turn:{HOST}:{first.port}"), second.port

    found, port = asyncio.run(run())
    assert (found.failure, found.address) == ("", f"{HOST}:{port}")
    assert "(300)" in found.apart


def test_one_that_hands_on_to_itself_is_left_and_one_to_nowhere_is_told() -> None:
    port = free_port()
    found, _ = of_turn(handing_on(HOST, port))
    assert (found.failure, found.detail) == ("refused", f"it hands on to {HOST}:{port}: Connection refused")

    async def run() -> IceAnswer:
        says: list[Says] = [bound]
        async with over_udp(lambda r: says[0](r)) as server:
            says[0] = handing_on(HOST, server.port)
            return await asked(f"turn:{HOST}:{server.port}")

    assert asyncio.run(run()).detail == "300 Try Alternate"


# --- over TCP and TLS


def over_tcp_it(says: Says) -> IceAnswer:
    return of_stun(says, over_tcp, deadlines=BRIEF)


@pytest.mark.parametrize(
    ("says", "failure", "detail"),
    [
        (relaying, "", ""),
        (lambda _: None, "error", "it ended the connection without an answer"),
        (whole("HTTP/1.1 400 Bad Request\r\n\r\n"), "error", "the port speaks HTTP"),
        (lambda _: bytes.fromhex("15030100020246"), "error", "the port speaks TLS"),
        (whole("220 mail.test ESMTP at your service\r\n"), "error", "what answers speaks no STUN"),
        (lambda r: another(r), "silent", "no answer within 0.12 s"),
    ],
)
def test_a_connection_says_more(says: Says, failure: str, detail: str) -> None:
    found = over_tcp_it(says)
    assert (found.transport, found.failure, found.detail) == ("tcp", failure, detail)


def test_a_closed_port_of_tcp() -> None:
    found = asyncio.run(asked(f"turn:{HOST}:{free_port()}?transport=tcp"))
    assert (found.failure, found.detail) == ("refused", "Connection refused")


def test_what_takes_no_connection_is_dropped() -> None:
    """A queue of connections that is full drops the next one, as a firewall does."""

    async def run(port: int) -> IceAnswer:
        return await asked(f"turn:{HOST}:{port}?transport=tcp", deadlines=BRIEF)

    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind((HOST, 0))
        full.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        found = asyncio.run(run(full.getsockname()[1]))
    assert (found.failure, found.detail) == ("dropped", "no connection within 0.12 s")


def test_a_variable_that_names_no_certificates_is_named() -> None:
    found = asyncio.run(asked("turns:host.test", ways=Ways({"SSL_CERT_FILE": "/nowhere"})))
    assert (found.failure, found.detail) == ("tls", "SSL_CERT_FILE: /nowhere does not exist")


# --- all of it with a server as others run it


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def ports(authority: Authority) -> Iterator[tuple[int, int]]:
    """Those of a coturn, plain and TLS."""
    found = free_port(), free_port()
    with coturn(HOST, authority.files(HOST), found):
        yield found


def of_coturn(urls: list[str], credential: str | None = CREDENTIAL, ways: Ways | None = None) -> list[IceAnswer]:
    async def run() -> list[IceAnswer]:
        user, secret = (USERNAME, Secret(credential)) if credential else ("", None)
        return [await ask(url, user, secret, LONG, ways or Ways()) for url in urls]

    return asyncio.run(run())


def test_coturn_relays_by_every_way(ports: tuple[int, int], authority: Authority) -> None:
    plain, tls = ports
    urls = [f"turn:{HOST}:{plain}", f"turn:{HOST}:{plain}?transport=tcp", f"turns:{HOST}:{tls}", f"stun:{HOST}:{plain}"]
    found = of_coturn(urls, ways=Ways({"SSL_CERT_FILE": str(authority.pem)}))
    assert [one.failure for one in found] == [""] * 4, found
    assert usable(found).urls == (urls[3], urls[0])


def test_coturn_knows_nobody_by_a_wrong_password_and_asks_who_comes_with_none(ports: tuple[int, int]) -> None:
    for credential, failure in (("FAKE-but-wrong", "credentials"), (None, "login")):
        (found,) = of_coturn([f"turn:{HOST}:{ports[0]}"], credential)
        assert (found.failure, found.detail) == (failure, "401 Unauthorized")


def test_coturns_certificate_is_held_against_the_store_of_requests(ports: tuple[int, int]) -> None:
    (found,) = of_coturn([f"turns:{HOST}:{ports[1]}"])
    assert found.failure == "tls"
    assert "certificate" in found.detail


def test_one_relay_more_than_coturn_gives() -> None:
    """It counts a user's relays, and one that was given back for a second more."""
    port = free_port()
    with coturn(HOST, None, (port, free_port()), ["--user-quota=1"]):
        first, second = of_coturn(2 * [f"turn:{HOST}:{port}"])
    assert (first.failure, second.failure, second.code) == ("", "quota", 486)


# --- which of them a session is given


def test_all_are_asked_at_once_and_each_once() -> None:
    async def run() -> tuple[IceAnswer, ...]:
        async with over_udp(bound) as well, over_udp(lambda _: None) as dead:
            urls = [f"stun:{HOST}:{port}" for port in (dead.port, well.port, dead.port)]
            found = await ask_all(urls, "", None, BRIEF, Ways())
            assert [one.url for one in found] == urls[:2]
            return found

    dead, well = asyncio.run(run())
    chosen = usable([dead, well])
    assert chosen.urls == (well.url,)
    assert chosen.left_out == ((dead.url, "it did not answer (silent)"),)


def test_the_best_are_udp_then_the_quickest_and_none_that_refused() -> None:
    def made(url: str, kind: Any, transport: Any, took_ms: float, failure: Any = "", apart: str = "") -> IceAnswer:
        return IceAnswer(url, kind, transport, took_ms=took_ms, failure=failure, apart=apart)

    answers = [
        made("turns:a", "turn", "tls", 1),
        made("turn:b", "turn", "udp", 9),
        made("turn:c", "turn", "udp", 5),
        made("turn:d", "turn", "udp", 1, "credentials"),
        made("stuns:e", "stun", "tls", 1, "", "apart"),
        made("stun:f", "stun", "udp", 7),
    ]
    chosen = usable(answers)
    assert (chosen.stun, chosen.turn) == ("stun:f", "turn:c")
    assert dict(chosen.left_out) == {"turn:d": "it gave no relay (credentials)", "stuns:e": "apart"}
    assert usable([]).urls == ()


def test_no_secret_stands_in_what_was_measured() -> None:
    found, _ = of_turn(refusing(401, "Unauthorized"))
    assert PASSWORD not in repr(found) + json.dumps(facts([found]))
