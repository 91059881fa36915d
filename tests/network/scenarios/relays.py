"""STUN and TURN servers: coturn as others run it, and what stands between."""

from __future__ import annotations

from collections.abc import Callable

from tests.network import turn
from tests.network.dns import NXDOMAIN, Zone
from tests.network.ground import Ground
from tests.network.kinds import ICE, NETWORK, Scenario, unusable, well
from tests.network.namespaces import Pair
from tests.network.roads import Road, trusting
from tests.network.runs import Asking

_STUN, _UDP, _TCP, _TLS = (
    "stun:{host}:3478",
    "turn:{host}:3478",
    "turn:{host}:3478?transport=tcp",
    "turns:{host}:5349?transport=tcp",
)
_RIGHT, _WRONG = (turn.USERNAME, turn.CREDENTIAL), (turn.USERNAME, "FAKE-wrong")
_ON_WIRE = 'iifname "wire"'


def relays(
    *urls: str,
    login: tuple[str, str] | None = None,
    alone: bool = False,
    spoil: Callable[[Pair], None] = lambda pair: None,
    trusted: bool = True,
    more: tuple[str, ...] = (),
) -> Road:
    """coturn beside the emulator, started with `more`; {host} in the URLs is its address.

    `alone`: --relay-only; `spoil` breaks something.
    """

    def road(ground: Ground) -> Asking:
        pair = ground.apart()
        emulator = ground.emulator()
        ground.keep(turn.coturn(ground.host, ground.authority.files(ground.host), more=more))
        ground.names(Zone(error=NXDOMAIN))
        spoil(pair)
        given = [part for one in urls for part in ("--ice-server", one.format(host=ground.host))]
        known = dict(zip(("RTDIAG_ICE_USERNAME", "RTDIAG_ICE_CREDENTIAL"), login, strict=True)) if login else {}
        env = known | (trusting(ground.authority) if trusted else {})
        return Asking(emulator.base_url, emulator.key, env, options=(*given, *(["--relay-only"] if alone else [])))

    return road


def turn_alone(pair: Pair) -> None:
    """UDP goes to the TURN server and nowhere else."""
    pair.firewall("far", "input", f"{_ON_WIRE} udp dport != {turn.PORT} drop")


def no_udp(pair: Pair) -> None:
    """All UDP on the way is dropped."""
    pair.firewall("far", "input", f"{_ON_WIRE} meta l4proto udp drop")


def relay_ports_shut(pair: Pair) -> None:
    """What comes to the ports of relays is dropped, and what leaves them."""
    pair.firewall("far", "output", "meta l4proto udp udp sport 50000-50100 drop")


def silent(pair: Pair) -> None:
    """Whatever is sent to the STUN and TURN server is dropped."""
    pair.firewall(
        "far", "input", f"{_ON_WIRE} meta l4proto {{ tcp, udp }} th dport {{ {turn.PORT}, {turn.TLS_PORT} }} drop"
    )


def url(given: str) -> Road:
    """A URL for --ice-server that is none."""

    def road(ground: Ground) -> Asking:
        emulator = ground.emulator()
        return Asking(emulator.base_url, emulator.key, options=("--ice-server", given, *ICE))

    return road


def none(name: str, given: str) -> Scenario:
    """One line, nothing is asked, and no password is shown."""
    return unusable(
        name,
        f"--ice-server {given}".replace(":FAKE@", ":…@").replace("=FAKE", "=…"),
        url(given),
        "--ice-server",
        never=("FAKE",),
    )


def ok(name: str, fault: str, road: Road) -> Scenario:
    """Sessions open."""
    return well(name, fault, road, options=(*NETWORK, *ICE), timeout_s=5)


def told(name: str, fault: str, kind: str, road: Road, *words: str) -> Scenario:
    """Sessions open without that server, and it is told."""
    return Scenario(name, fault, kind, road, _EXITS[kind], options=(*NETWORK, *ICE), says=words, at_most="high")


def blocked(
    name: str, fault: str, kind: str, road: Road, *words: str, or_else: str = "ice-udp-blocked/tcp-works"
) -> Scenario:
    """Nothing but that server could carry the media."""
    never = (turn.CREDENTIAL, "FAKE-wrong")
    return Scenario(
        name, fault, kind, road, _EXITS.get(kind, (3,)), or_else, options=(*NETWORK, *ICE), says=words, never=never,
        at_most="high", timeout_s=3,
    )  # fmt: skip


_REFUSED, _LOGIN, _UNREACHED = "TURN refuses the credentials", "TURN wants credentials", "TURN is not reached"
_EXITS = {
    _REFUSED: (1,),
    _LOGIN: (1,),
    _UNREACHED: (3,),
    "STUN is silent": (3,),
}  # who was reached and refuses is known to
_CLOSED, _UNKNOWN = "turn:{host}:3479", "turn:turn.road.test"
ROWS = (
    none("turn-userinfo-wrong", "turn:someone:FAKE@10.13.0.1:3478"),
    none("turn-tcp-userinfo", "turn:someone:FAKE@10.13.0.1:3478?transport=tcp"),
    none("turn-query-junk", "turn:10.13.0.1:3478?username=someone&credential=FAKE"),
    none("stun-malformed", "stun:"),
    none("stun-slashes", "stun://10.13.0.1:3478"),
    none("stun-bad-port", "stun:10.13.0.1:31x8"),
    unusable("turn-relay-only-bare", "--relay-only, and no TURN server", relays(alone=True), "--relay-only"),
    unusable(
        "turn-relay-only-nocred", "--relay-only, and no credentials", relays(_UDP, alone=True), "RTDIAG_ICE_USERNAME",
    ),
    ok("stun-ok", "nothing: a STUN server answers", relays(_STUN)),
    ok("turn-udp-ok", "nothing: the relay alone, over UDP", relays(_UDP, login=_RIGHT, alone=True)),
    ok("turn-tcp-ok", "nothing: the relay alone, over TCP", relays(_TCP, login=_RIGHT, alone=True)),
    ok("turn-tls-ok", "nothing: the relay alone, over TLS", relays(_TLS, login=_RIGHT, alone=True)),
    ok("turn-udp-needed", "UDP passes to the TURN server alone", relays(_UDP, login=_RIGHT, spoil=turn_alone)),
    ok(
        "turn-tcp-needed", "UDP is dropped, the TURN server is reached over TCP",
        relays(_TCP, login=_RIGHT, spoil=no_udp),
    ),
    ok(
        "turn-tls-needed", "UDP is dropped, the TURN server is reached over TLS",
        relays(_TLS, login=_RIGHT, spoil=no_udp),
    ),
    told("stun-two", "the STUN server answers, the TURN server wants credentials", _LOGIN, relays(_STUN, _UDP)),
    told(
        "stun-dead", "the STUN server is silent, and is not needed", "STUN is silent", relays(_STUN, spoil=silent),
        "STUN|stun:",
    ),
    told(
        "turn-nocred-open-net", "the TURN server wants credentials, and is not needed", _LOGIN, relays(_UDP),
        "TURN|turn:",
    ),
    told(
        "turn-wrong-open-net", "the TURN server refuses the credentials, and is not needed", _REFUSED,
        relays(_UDP, login=_WRONG), "TURN|turn:",
    ),
    told(
        "turn-unknown-open-net", "the TURN server's name does not exist, and it is not needed", _UNREACHED,
        relays(_UNKNOWN, login=_RIGHT), "turn.road.test",
    ),
    blocked(
        "turn-no-credentials", "UDP passes to the TURN server alone, which gets no credentials", _LOGIN,
        relays(_UDP, spoil=turn_alone),
    ),
    blocked(
        "turn-tcp-no-credentials", "UDP is dropped, the TURN server over TCP gets no credentials", _LOGIN,
        relays(_TCP, spoil=no_udp),
    ),
    blocked(
        "turns-nocred", "UDP is dropped, the TURN server over TLS gets no credentials", _LOGIN,
        relays(_TLS, spoil=no_udp),
    ),
    blocked(
        "turn-udp-wrong", "the relay alone, with a wrong password", _REFUSED, relays(_UDP, login=_WRONG, alone=True),
        "401",
    ),
    blocked(
        "turn-tcp-wrong", "the relay alone over TCP, with a wrong password", _REFUSED,
        relays(_TCP, login=_WRONG, alone=True), "401",
    ),
    blocked(
        "turn-tls-wrong", "the relay alone over TLS, with a wrong password", _REFUSED,
        relays(_TLS, login=_WRONG, alone=True), "401",
    ),
    blocked(
        "turn-udp-blocked", "UDP is dropped, and the TURN server is asked over UDP", _UNREACHED,
        relays(_UDP, login=_RIGHT, spoil=no_udp),
    ),
    blocked(
        "turn-udp-silent", "the relay alone, and the TURN server is silent", _UNREACHED,
        relays(_UDP, login=_RIGHT, alone=True, spoil=silent),
    ),
    blocked(
        "turn-tcp-silent", "the relay alone over TCP, and packets to it are dropped", _UNREACHED,
        relays(_TCP, login=_RIGHT, alone=True, spoil=silent),
    ),
    Scenario(
        "turn-quota-1", "the relay alone, one for each user, where rtdiag's library wants two", "TURN has no relay left",
        relays(_UDP, login=_RIGHT, alone=True, more=("--user-quota=1",)), (0, 3), "()", options=(*NETWORK, *ICE),
        timeout_s=5,
    ),
    ok(
        "turn-quota-three-urls", "nothing: three URLs of a server that gives each user two relays",
        relays(_UDP, _TCP, _TLS, login=_RIGHT, alone=True, more=("--user-quota=2",)),
    ),
    blocked(
        "turn-peer-denied", "the relay alone, which refuses the answer's address", "TURN denies the peer",
        relays(_UDP, login=_RIGHT, alone=True, more=("--denied-peer-ip=0.0.0.0-255.255.255.255",)), "403",
    ),
    blocked(
        "turn-relay-ports-shut", "the relay alone, whose ports are shut", "the relay is silent",
        relays(_UDP, login=_RIGHT, alone=True, spoil=relay_ports_shut, more=("--min-port=50000", "--max-port=50100")),
    ),
    blocked(
        "turn-expired", "the relay alone, with credentials that have ended", _REFUSED,
        relays(
            _UDP, login=("1600000000:someone", "FAKE-wrong"), alone=True,
            more=("--use-auth-secret", "--static-auth-secret=FAKE-secret"),
        ), "401",
    ),
    blocked(
        "turn-closed", "the relay alone, and nothing listens there", _UNREACHED,
        relays(_CLOSED, login=_RIGHT, alone=True),
    ),
    blocked(
        "turn-tcp-closed", "the relay alone over TCP, and nothing listens there", _UNREACHED,
        relays(f"{_CLOSED}?transport=tcp", login=_RIGHT, alone=True),
    ),
    blocked(
        "turn-unknown", "the relay alone, and its name does not exist", _UNREACHED,
        relays(_UNKNOWN, login=_RIGHT, alone=True), "turn.road.test",
    ),
    blocked(
        "turn-tls-untrusted", "the relay alone over TLS, and nobody here trusts its certificate", _UNREACHED,
        relays(_TLS, login=_RIGHT, alone=True, trusted=False), "certificate",
    ),
    blocked(
        "stun-udp-dropped", "UDP is dropped, a STUN server is given, and no relay", "no relay",
        relays(_STUN, spoil=no_udp), or_else=r"ice-udp-blocked\S*",
    ),
)  # fmt: skip
