"""Whether TLS begins, the certificate is good, and something reads along. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rtdiag.checks.network.gone import NO_HTTP, Gone, Told
from rtdiag.checks.network.proxy_judge import REFUSAL, TUNNEL
from rtdiag.model import Finding
from rtdiag.network.way import Certificate, Handshake

_TLS: Mapping[str, Told] = {
    "plain-http": ("the port speaks plain HTTP", "begin the base URL with http://, or name the port that speaks TLS"),
    "not-tls": (NO_HTTP, "another service listens at that port: read the port"),
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
_CERTIFICATE: Mapping[str, Told] = {
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
_ELSEWHERE: Told = (
    "another store of this machine vouches for the certificate",
    "curl and browsers may work here: name that store in SSL_CERT_FILE",
)
_REPLACED: Told = (
    "the variable has replaced the public roots",
    "what the variable names is trusted alone: append it to a copy of certifi's bundle, and name that",
)
_OLD_ROOT: Told = (
    "nobody here vouches for the certificate",
    "renew that root here: update certifi, ca-certificates, or the file that the variable names",
)
_OUR_CLOCK: Told = (
    "the certificate is good by the server's clock",
    "this machine's clock is off: set it",
)
_READS: Told = (
    "something reads along",
    "your organisation's proxy or a program of this machine opens TLS and closes it anew: it can change or refuse what is sent",
)


def tls(seen: Gone) -> Finding:
    """Whether the handshake begins and ends, whoever vouches for the certificate."""
    way, shaken = seen.way, seen.way.handshake
    if not way.tls:
        return Finding("tls", "info", "none: the base URL begins with http://")
    if shaken is None:
        return Finding("tls", "info", "not measured: the first request tells")
    if way.proxied and shaken.failure == "plain-http" and REFUSAL.match(shaken.detail):
        return seen.ends(f"in place of TLS comes {shaken.detail}", TUNNEL["refused"], "a handshake")
    if shaken.failure in _TLS:
        return seen.ends(shaken.detail or shaken.failure, _TLS[shaken.failure], "a handshake")
    return Finding("tls", "pass", f"{shaken.protocol or 'TLS'} in {shaken.took_ms:.0f} ms")


def certificate(seen: Gone) -> Finding:
    """Whether the certificate is good for this host and day, and trusted by the store that is asked."""
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


def _untrusted(shaken: Handshake) -> tuple[str, Told]:
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


def _dated(shaken: Handshake) -> tuple[str, Told]:
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


def issuer(seen: Gone) -> Finding:
    """Whether the one who issued it is known to read along, or no public authority."""
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


def _leaf_of(shaken: Handshake) -> Certificate:
    return shaken.chain[0] if shaken.chain else Certificate("", "")


def _leaf(shaken: Handshake) -> str:
    """The server's certificate in a few words."""
    return _certificate_in_words(_leaf_of(shaken))


def _certificate_in_words(one: Certificate) -> str:
    dates = f", {one.begins[:10]} to {one.ends[:10]}" if one.ends else ""
    return f"{one.subject} by {one.issuer}{dates}" if one.issuer else ""
