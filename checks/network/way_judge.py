"""What the check `network` says of the way that was measured. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

import msgspec

from rtdiag.api.endpoints import OFFICIAL_HOSTS
from rtdiag.checks.network import ice_servers_judge
from rtdiag.engine.findings import NO_PASSWORD, PORTAL, no_answer
from rtdiag.model import Evidence, Exchange, Finding, Observation
from rtdiag.network.streams import HTTP2
from rtdiag.network.way import Certificate, Dial, Handshake, Hop, Lookup, Tunnel, Way

# What a way that ends shows, in the words that the signs of the catalogue look at, and what to do.
_Told = tuple[str, str]

_NAMES: Mapping[str, _Told] = {
    "unknown": ("the name does not exist", "the name servers know no such name: read the host letter by letter"),
    "none": ("the name does not exist", "the name exists and has no address: read the host letter by letter"),
    "fails": (
        "the name servers answer with an error",
        "the name servers, or the way to them, are in trouble: ask another one (`dig @1.1.1.1 HOST`)",
    ),
    "late": (
        "a name server that does not answer is asked first",
        "programs wait for it before they ask the next, mostly 5 s each time: take it out of /etc/resolv.conf",
    ),
    "silent": (
        "the name servers do not answer",
        "no name server answered: look at /etc/resolv.conf, the VPN and the network, nothing was sent to the server",
    ),
}
_ONE_FAMILY: _Told = (
    "one family of addresses is not answered by the name servers",
    "programs that wait for both families wait for this one each time: mend the name server, or use another",
)
_BLOCKED: _Told = (
    "the name resolves to this machine",
    "an ad blocker, a DNS filter or /etc/hosts answers in place of the name server: take the host out of it",
)
_PRIVATE: _Told = (
    "the name resolves to a private address",
    "this host is on the public internet: a DNS filter, a portal or a VPN answers in place of its name server",
)

_CONNECT: Mapping[str, _Told] = {
    "rejected": (
        "a firewall rejects the connection",
        "it is no fault of the server's: let this machine out to that address and port, or use the proxy that this network has",
    ),
    "refused-here": (
        "this machine's own firewall forbids it",
        "the rule is on this machine, or in its container: let the program out to that address and port",
    ),
    "refused": (
        "the port is closed",
        "the machine is there and nothing listens at that port: look at the port, and whether the server runs",
    ),
    "reset": (
        "connections are reset as they begin",
        "something ends them before a word was said: a firewall or a load balancer before the server",
    ),
    "dropped": (
        "packets to the server are dropped",
        "nothing came back: a firewall drops them, or a proxy has to be used here (HTTPS_PROXY), or a VPN is missing",
    ),
    "no-route": (
        "there is no route to the server",
        "this machine has no network, or none that leads there: look at `ip route`, Wi-Fi, VPN, the container's network",
    ),
}
_FAILS: _Told = (
    "no connection comes about",
    "read the words of the failure; what the base URL names may be no address that a connection can have",
)
_BYPASSED: _Told = (
    "NO_PROXY keeps the server from the proxy",
    "directly it is not reached: take the host out of NO_PROXY",
)

_PROXY_HOP: Mapping[str, _Told] = {
    "name": ("the name of the proxy does not resolve", "read the proxy's host in the variable letter by letter"),
    "refused": ("the proxy's port is closed", "nothing listens there: read the proxy's port, and look whether it runs"),
    "": (
        "the proxy takes no connection",
        "this machine does not reach the proxy: look at the network, the VPN, the variable",
    ),
}
_LOGIN: _Told = (
    "the proxy wants a login",
    "name, colon, password and @ stand before the proxy's host in the variable",
)
_PORTAL: _Told = (
    PORTAL,
    "it is the proxy that sends there: log in with a browser that uses it, or ask whoever runs it",
)
_OTHER_LOGIN: _Told = (
    NO_PASSWORD,
    "a program that knows that login has to stand between, such as px or cntlm; nothing in the variable helps",
)
_TUNNEL: Mapping[str, _Told] = {
    "login": (
        "the proxy refuses the login",
        "name or password in the variable are wrong, or it wants another kind of login; # is %23 and @ is %40 there",
    ),
    "refused": ("the proxy refuses the server", "ask whoever runs it to let this host through"),
    "unreached": (
        "the proxy does not reach the server",
        "the proxy is there and cannot get through to this host: ask whoever runs it",
    ),
    "silent": ("the proxy does not answer", "it took the connection and lets the request wait: ask whoever runs it"),
    "closed": ("the proxy does not answer", "it took the connection and closed it: is that the port of a proxy?"),
    "no-proxy": (
        "what the variable names is no proxy",
        "it answers as a web server does, or as a proxy that lets nobody through by CONNECT: read host and port",
    ),
    "not-http": ("what the variable names is no proxy", "what listens there speaks no HTTP: read the port"),
    "tls": (
        "TLS with the proxy itself fails",
        "it is the proxy's own port and certificate, not the server's: most proxies are spoken to by http://",
    ),
}

_NO_HTTP = "what answers speaks no HTTP"
_TLS: Mapping[str, _Told] = {
    "plain-http": ("the port speaks plain HTTP", "begin the base URL with http://, or name the port that speaks TLS"),
    "not-tls": (_NO_HTTP, "another service listens at that port: read the port"),
    "silent": (
        "the TLS handshake is not answered",
        "the port is open and no certificate came: big packets are lost (try a smaller MTU), or what listens there is no TLS",
    ),
    "closed": (
        "the TLS handshake is broken off",
        "its first message names the host, as filters by name read it (SNI); or the server knows no such name: "
        "ask from another network",
    ),
    "version": (
        "no common TLS version",
        "the server, or what reads along before it, speaks only old TLS: it has to be renewed",
    ),
    "client-certificate": (
        "the server wants a client certificate",
        "rtdiag has none to show, and the API asks for none: is this the right host?",
    ),
    "other": ("the TLS handshake is broken off", "read the words of the failure, and ask from another network"),
}
_TLS_PORT: _Told = ("the port speaks TLS", "begin the base URL with https://")

_CERTIFICATE: Mapping[str, _Told] = {
    "issuer": (
        "nobody here vouches for the certificate",
        "put your organisation's root into a file and name it in SSL_CERT_FILE, if it is theirs; never turn verification off",
    ),
    "self-signed": (
        "the certificate is signed by itself",
        "if it is your own server's, name that certificate in SSL_CERT_FILE; else something answers in its place",
    ),
    "incomplete": (
        "the certificate's intermediate is missing",
        "the server has to send it too; browsers may have it from elsewhere, programs have not",
    ),
    "name": ("the certificate is for other names", "ask by a name that it holds, or give the server one for this name"),
    "ended": ("the certificate has ended", "whoever runs the server has to renew it"),
    "not-begun": (
        "the certificate has not begun",
        "look at this machine's clock first, then at the certificate's dates",
    ),
    "unfit": (
        "the certificate breaks a rule",
        "whoever made it has to make it anew: those words say what OpenSSL will not take",
    ),
    "strict": (
        "the certificate breaks a rule",
        "Python is strict there from 3.13 on, older Pythons and curl are not: whoever made it has to make it anew",
    ),
}
_ELSEWHERE: _Told = (
    "another store of this machine vouches for the certificate",
    "curl and browsers may work here: name that store in SSL_CERT_FILE",
)
_REPLACED: _Told = (
    "the variable has replaced the public roots",
    "what the variable names is trusted alone: append it to a copy of certifi's bundle, and name that",
)
_OLD_ROOT: _Told = (
    "nobody here vouches for the certificate",
    "renew that root here: update certifi, ca-certificates, or the file that the variable names",
)
_OUR_CLOCK: _Told = (
    "the certificate is good by the server's clock",
    "this machine's clock is off: set it",
)

_READS: _Told = (
    "something reads along",
    "your organisation's proxy or a program of this machine opens TLS and closes it anew: it can change or refuse what is sent",
)
_CLOCK: _Told = (
    "this machine's clock is off",
    "code that compares `expires_at` with the local time throws good tokens away, or keeps dead ones: set the clock",
)

_REFUSAL = re.compile(r"HTTP/\S+ (?!400)[3-5]")  # 400 is what a server of plain HTTP says to TLS
_CLOCK_TOLERANCE_S = 30
_BEHIND = ("tls", "certificate")  # what lies behind a proxy, where there is one
_LOCAL = ("localhost", ".localhost")


@dataclass(frozen=True)
class _Seen:
    """One case: the way as far as the case is about it, and whether the first request got an answer all the same."""

    case: str
    way: Way
    answered: bool
    official: bool

    def ends(self, measured: str, told: _Told, expected: str = "") -> Finding:
        """The finding of a way that ends here; where a request was answered all the same it is only said."""
        observed, hint = told
        if self.way.proxied and self.case in _BEHIND:
            measured = f"{self.way.route}: {measured}"
        if self.answered:
            hint = "the first request was answered all the same"
            return Finding(self.case, "info", measured, expected, hint=hint)
        return Finding(self.case, "inconclusive", measured, expected, (observed,), hint)


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    for case, observation in evidence.seen.items():
        if case == "ice-servers":
            yield ice_servers_judge.finding(observation.facts["servers"], bool(observation.facts["relay_only"]))
        elif case == "answer" and observation.exchange:
            yield _answer(observation.exchange, _seen(case, observation, evidence.official).way.spoken)
        elif case == "clock" and observation.exchange:
            yield _clock(observation, observation.exchange)
        elif observation.exchange and (unusable := no_answer(case, observation.exchange)):
            yield unusable  # a variable that cannot be used
        elif case == "token-url":
            yield _token_url(observation, evidence.official)
        else:
            yield _JUDGES[case](_seen(case, observation, evidence.official))


def _seen(case: str, seen: Observation, official: bool) -> _Seen:
    way = msgspec.convert(seen.facts["way"], Way)
    return _Seen(case, way, bool(seen.facts.get("answered")), official and way.host in OFFICIAL_HOSTS)


def _proxy(seen: _Seen) -> Finding:
    way = seen.way
    if not way.proxied:
        return Finding("proxy", "info", f"none: the requests go {way.route}")
    if way.unmeasured:
        return Finding("proxy", "info", f"{way.route}; {way.unmeasured}")
    if missed := _unreached(seen, way.hop):
        return missed
    tunnel = way.tunnel
    if tunnel is None:
        return Finding("proxy", "pass", f"{way.route}: it takes connections; plain HTTP needs no CONNECT")
    if not tunnel.failure:
        return Finding("proxy", "pass", f"{way.route}: the way was open in {tunnel.took_ms:.0f} ms")
    who = f" ({tunnel.server})" if tunnel.server else ""
    if tunnel.failure == "tls":
        return seen.ends(f"{way.route}: {tunnel.detail}", _TUNNEL["tls"], "a handshake with the proxy")
    return seen.ends(f"{way.route}{who}: CONNECT got {_refusal(tunnel)}", _of_tunnel(tunnel), "200")


def _of_tunnel(tunnel: Tunnel) -> _Told:
    """What a tunnel that was not opened comes to; without a word of Basic no name and no password help."""
    if tunnel.status == 511 or (tunnel.status or 0) // 100 == 3:
        return _PORTAL
    if tunnel.failure != "login":
        return _TUNNEL[tunnel.failure]
    if tunnel.logins and "basic" not in map(str.lower, tunnel.logins):
        return _OTHER_LOGIN
    return _TUNNEL["login"] if tunnel.login else _LOGIN


def _refusal(tunnel: Tunnel) -> str:
    """`407 Proxy Authentication Required; it takes NTLM, Negotiate`."""
    status, words = str(tunnel.status or ""), tunnel.words
    said = words if status and words.startswith(status) else " ".join(filter(None, (status, words)))
    takes = f"; it takes {', '.join(tunnel.logins)}" if tunnel.logins and tunnel.failure == "login" else ""
    return (said or tunnel.detail or "nothing, and the end of the connection") + takes


def _unreached(seen: _Seen, hop: Hop | None) -> Finding | None:
    """The finding of a proxy that is not reached."""
    if hop is None or any(not dial.failure for dial in hop.dials):
        return None
    place = f"the proxy {hop.host}:{hop.port}"
    if not any(lookup.addresses for lookup in hop.lookups):
        return seen.ends(f"{place}: {_lookups(hop.lookups)}", _PROXY_HOP["name"])
    worst = _worst(hop.dials)
    return seen.ends(f"{place}: {_dials(hop.dials)}", _PROXY_HOP.get(worst, _PROXY_HOP[""]))


def _names(seen: _Seen) -> Finding:
    way, hop = seen.way, seen.way.hop
    if way.proxied:
        return Finding("names", "info", "the proxy looks the server's name up")
    if hop is None:
        return Finding("names", "info", "not looked up")
    if _is_address(way.host):
        return Finding("names", "pass", f"{way.host} is an address")
    found = [address for lookup in hop.lookups for address in lookup.addresses]
    measured = _lookups(hop.lookups)
    if not found:
        failures = [lookup.failure for lookup in hop.lookups]
        return seen.ends(
            measured, _NAMES[next(f for f in ("late", "silent", "fails", "unknown", "none") if f in failures)]
        )
    if not seen.answered and all(map(_is_ours, found)) and not way.host.endswith(_LOCAL):
        return seen.ends(measured, _BLOCKED, "an address of the server")
    if not seen.answered and seen.official and all(ip_address(a).is_private for a in found):
        return seen.ends(measured, _PRIVATE, "a public address")
    if any(lookup.failure == "silent" for lookup in hop.lookups):
        return Finding("names", "warn", measured, "an answer for both families", (_ONE_FAMILY[0],), _ONE_FAMILY[1])
    return Finding("names", "pass", measured)


def _connect(seen: _Seen) -> Finding:
    way, hop = seen.way, seen.way.hop
    if hop is None or not hop.dials:
        return Finding("connect", "info", "not measured: the first request tells")
    opened = [dial for dial in hop.dials if not dial.failure]
    if opened or way.proxied:
        return Finding("connect", "pass", _dials(opened or hop.dials))
    told = _CONNECT.get(_worst(hop.dials), _FAILS)
    if way.bypassed and _worst(hop.dials) in ("dropped", "rejected", "no-route"):
        told = _BYPASSED
    return seen.ends(_dials(hop.dials), told, "a connection")


def _tls(seen: _Seen) -> Finding:
    way, shaken = seen.way, seen.way.handshake
    if not way.tls:
        return Finding("tls", "info", "none: the base URL begins with http://")
    if shaken is None:
        return Finding("tls", "info", "not measured: the first request tells")
    if way.proxied and shaken.failure == "plain-http" and _REFUSAL.match(shaken.detail):
        return seen.ends(f"in place of TLS comes {shaken.detail}", _TUNNEL["refused"], "a handshake")
    if shaken.failure in _TLS:
        return seen.ends(shaken.detail or shaken.failure, _TLS[shaken.failure], "a handshake")
    return Finding("tls", "pass", f"{shaken.protocol or 'TLS'} in {shaken.took_ms:.0f} ms")


def _certificate(seen: _Seen) -> Finding:
    shaken = seen.way.handshake
    if shaken is None:
        return Finding("certificate", "info", "none")
    if not shaken.failure:
        return Finding("certificate", "pass", f"{_leaf(shaken)}; {shaken.store} vouches for it")
    if shaken.failure not in _CERTIFICATE:
        return Finding("certificate", "info", "none was seen")
    if shaken.failure == "name":
        measured = f"it is for {', '.join(_leaf_of(shaken).names[:5]) or 'no name'}, not for {seen.way.host}"
        told = _CERTIFICATE["name"]
    elif shaken.failure in ("ended", "not-begun"):
        measured, told = _dated(shaken)
    elif shaken.failure in ("unfit", "strict"):
        measured, told = f"{_leaf(shaken)}: {shaken.detail}", _CERTIFICATE[shaken.failure]
    else:
        measured, told = _untrusted(shaken)
    return seen.ends(measured, told, "a certificate that is trusted")


def _untrusted(shaken: Handshake) -> tuple[str, _Told]:
    """Nobody in the store vouches for the certificate: what was measured, and what it comes to."""
    measured = f"{_leaf(shaken) or shaken.detail}; {_store(shaken)} does not know that"
    if not shaken.accepts:
        return measured, _CERTIFICATE[shaken.failure]
    replaced = shaken.store.startswith("SSL_CERT_") and "certifi" in shaken.accepts
    return f"{measured}, {' and '.join(shaken.accepts)} would", _REPLACED if replaced else _ELSEWHERE


def _store(shaken: Handshake) -> str:
    """The store that was asked, and how much it holds where a variable names it."""
    many = shaken.store.startswith("SSL_CERT_") and shaken.roots
    return f"{shaken.store} (it holds {shaken.roots} certificate{'s' * (shaken.roots > 1)})" if many else shaken.store


def _dated(shaken: Handshake) -> tuple[str, _Told]:
    """A date is refused here: of which certificate, and whether the server's clock would refuse it, too."""
    wrong = [one for one in shaken.chain if not _holds(one, shaken.local_date)]
    if shaken.chain and shaken.local_date and not wrong:
        return f"all that the server sent are within their dates: a root of {_store(shaken)} is not", _OLD_ROOT
    shown = _certificate_in_words((wrong or [*shaken.chain, Certificate("", "")])[0]) or shaken.detail
    if not (shaken.server_date and shaken.local_date):
        return shown, _CERTIFICATE[shaken.failure]
    if any(_holds(one, shaken.server_date) for one in wrong):
        clocks = f"the server's clock says {shaken.server_date}, this machine's {shaken.local_date}"
        return f"{shown}; {clocks}", _OUR_CLOCK
    word = "it has ended" if shaken.failure == "ended" else "it is not yet valid"
    return f"{shown}; {word} by the server's clock, too", _CERTIFICATE[shaken.failure]


def _holds(one: Certificate, date: str) -> bool:
    """Whether the certificate is good at that date; of one without dates nothing is known, so it is."""
    if not (date and one.begins and one.ends):
        return True
    begins, then, ends = map(datetime.fromisoformat, (one.begins, date, one.ends))
    return begins <= then <= ends


def _issuer(seen: _Seen) -> Finding:
    shaken = seen.way.handshake
    if shaken is None or not shaken.chain:
        return Finding("issuer", "info", "no certificate was seen")
    by = shaken.chain[-1].issuer
    if shaken.reader:
        return Finding(
            "issuer", "warn", f"{shaken.reader}: issued by {by}", "a public authority", (_READS[0],), _READS[1]
        )
    private = not shaken.failure and shaken.store != "certifi" and "certifi" not in shaken.accepts
    if private and seen.official:
        return Finding(
            "issuer", "warn", f"issued by {by}, no public authority", "a public authority", (_READS[0],), _READS[1]
        )
    if private:
        hint = "your organisation's own server has such a certificate, and so has what reads along before one"
        return Finding("issuer", "info", f"issued by {by}, no public authority", hint=hint)
    return Finding("issuer", "pass" if not shaken.failure else "info", f"issued by {by}")


def _answer(exchange: Exchange, spoken: str) -> Finding:
    failure = exchange.failure
    if spoken == "TLS":
        measured = "a TLS handshake is answered there"
        return Finding("answer", "inconclusive", measured, "plain HTTP", (_TLS_PORT[0],), _TLS_PORT[1])
    found = no_answer("answer", exchange) if failure and failure.kind != "too-large" else None
    if found and (spoken not in ("", "HTTP") or "illegal status line" in found.measured):
        measured = f"what listens there says {spoken!r}" if spoken else found.measured
        hint = "another service listens at that port, or something between answers for it: read the port"
        if spoken == HTTP2:
            measured, hint = (
                "what listens there speaks HTTP/2 alone",
                "it is a port for gRPC or the like: read the port",
            )
        return Finding("answer", "inconclusive", measured, "HTTP/1.1", (_NO_HTTP,), hint)
    return found or Finding("answer", "pass", f"{exchange.status} to a made-up key")


def _clock(seen: Observation, exchange: Exchange) -> Finding:
    told_at = exchange.told_at
    if told_at is None:
        return Finding("clock", "info", "the server sends no Date")
    off_s = float(seen.facts["local_unix_s"]) - told_at.timestamp() - exchange.age_s
    if abs(off_s) > _CLOCK_TOLERANCE_S + float(seen.facts.get("waited_s", 0)):
        ahead = "ahead of" if off_s > 0 else "behind"
        measured = f"{abs(off_s):.0f} s {ahead} the server"
        return Finding("clock", "warn", measured, f"within {_CLOCK_TOLERANCE_S} s", (_CLOCK[0],), _CLOCK[1])
    return Finding("clock", "pass", f"within {max(1, round(abs(off_s)))} s", f"within {_CLOCK_TOLERANCE_S} s")


def _ipv6(seen: _Seen) -> Finding:
    hop = seen.way.hop
    if hop is None:
        return Finding("ipv6", "info", "not measured")
    four, six = ([d for d in hop.dials if (":" in d.address) is sixth] for sixth in (False, True))
    if not six:
        return Finding("ipv6", "info", "the host has no IPv6 address")
    works = [dial for dial in six if not dial.failure]
    if works and not four:
        return Finding("ipv6", "pass", f"IPv6 alone: {_dials(works)}")
    if works:
        return Finding("ipv6", "pass", _dials(works))
    if all(dial.failure == "no-route" for dial in six):
        return Finding("ipv6", "info", "this machine has no IPv6, the host has: nothing is lost")
    hint = "programs that race both families lose a quarter of a second each time, others wait until IPv6 has failed (RFC 8305)"
    return Finding("ipv6", "warn", _dials(six), "IPv6 as good as IPv4", ("IPv6 is tried in vain",), hint)


def _round_trip(seen: _Seen) -> Finding:
    took_ms = [dial.took_ms for dial in (seen.way.hop.dials if seen.way.hop else ()) if not dial.failure]
    if not took_ms:
        return Finding("round-trip", "info", "not measured")
    from statistics import median

    where = " to the proxy" if seen.way.proxied else ""
    return Finding("round-trip", "info", f"{median(took_ms):.1f} ms{where}, by opening a connection")


def _token_url(seen: Observation, official: bool) -> Finding:
    """The first step that fails on the way to another host."""
    if not seen.facts:
        return Finding("token-url", "info", "no other host was named")
    found = _seen("token-url", seen, official)
    judged = (_JUDGES[case](found) for case in ("proxy", "names", "connect", "tls", "certificate"))
    ended = next((finding for finding in judged if finding.status == "inconclusive"), None)
    if ended is None:
        return Finding("token-url", "pass", f"{found.way.host} is reached")
    measured = f"{found.way.host}: {ended.measured}"
    return Finding("token-url", "inconclusive", measured, ended.expected, ended.observed, ended.hint)


_JUDGES: Mapping[str, Callable[[_Seen], Finding]] = {
    "proxy": _proxy,
    "names": _names,
    "connect": _connect,
    "tls": _tls,
    "certificate": _certificate,
    "issuer": _issuer,
    "ipv6": _ipv6,
    "round-trip": _round_trip,
}


def _worst(dials: tuple[Dial, ...]) -> str:
    """What says most of why no address takes a connection: the firewall before the closed port before silence."""
    failures = {dial.failure for dial in dials}
    return next((one for one in _CONNECT if one in failures), "")


def _lookups(lookups: tuple[Lookup, ...]) -> str:
    """`10.13.0.1 in 3 ms; IPv6: no address`."""
    return "; ".join(map(_lookup, lookups))


def _lookup(lookup: Lookup) -> str:
    if lookup.addresses:
        return f"{', '.join(lookup.addresses)} in {lookup.took_ms:.0f} ms"
    why = {"unknown": "no such name", "none": "no address", "fails": lookup.detail or "an error"}
    silent = f"no answer within {lookup.took_ms / 1000:.1f} s" + f" ({lookup.detail})" * bool(lookup.detail)
    return f"IPv{lookup.family}: {why.get(lookup.failure, silent)}"


def _dials(dials: tuple[Dial, ...] | list[Dial]) -> str:
    """`10.13.0.1:443 in 3 ms; [fd13::1]:443: refused`."""
    return "; ".join(map(_dial, dials))


def _dial(dial: Dial) -> str:
    place = f"[{dial.address}]:{dial.port}" if ":" in dial.address else f"{dial.address}:{dial.port}"
    if not dial.failure:
        return f"{place} in {dial.took_ms:.0f} ms"
    if dial.failure == "dropped":
        return f"{place}: nothing came back in {dial.took_ms / 1000:.1f} s"
    return f"{place}: {dial.failure}{f' by {dial.by}' if dial.by else ''}{f' ({dial.detail})' if dial.detail else ''}"


def _leaf_of(shaken: Handshake) -> Certificate:
    return shaken.chain[0] if shaken.chain else Certificate("", "")


def _leaf(shaken: Handshake) -> str:
    """The server's certificate in a few words."""
    return _certificate_in_words(_leaf_of(shaken))


def _certificate_in_words(one: Certificate) -> str:
    dates = f", {one.begins[:10]} to {one.ends[:10]}" if one.ends else ""
    return f"{one.subject} by {one.issuer}{dates}" if one.issuer else ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_ours(address: str) -> bool:
    found = ip_address(address)
    return found.is_loopback or found.is_unspecified
