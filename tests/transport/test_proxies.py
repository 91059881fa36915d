"""Which proxy a URL gets: by a table, which curl, httpx and urllib are held against, and what is told of what cannot be used."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import proxy_bypass

import httpx
import pytest
from httpx._utils import URLPattern, get_environment_proxies
from hypothesis import given
from hypothesis import strategies as st

from rtdiag.transport import proxies
from rtdiag.transport.failures import BadVariable
from rtdiag.transport.proxies import Proxies, Route
from tests.secrets.canaries import PROPERTY, leaks, made
from tests.secrets.server import Asked, response, serving

PROXY = "http://proxy.test:3128"
PASSWORD = "FAKE-pass-word-0000"

# NO_PROXY, the host of a URL (in the tests at port 8080), whether it is reached directly, and who is of another mind, or was until
# lately: curl has CIDR for IPv6 from 8.18 on, and blanks between entries until 8.8.
NO_PROXY = [
    ("example.com", "example.com", True, ""),
    ("example.com", "www.example.com", True, ""),
    ("example.com", "example.com.", True, "httpx urllib"),
    ("example.com.", "example.com", True, "httpx urllib"),
    ("example.com", "notexample.com", False, ""),
    ("example.com", "example.com.other.test", False, ""),
    (".example.com", "www.example.com", True, ""),
    (".example.com", "example.com", True, "httpx"),
    (".example.com", "notexample.com", False, ""),
    ("EXAMPLE.com", "www.Example.COM", True, ""),
    ("com", "example.com", True, ""),
    ("om", "example.com", False, ""),
    ("*", "example.com", True, ""),
    ("other.test,*", "example.com", True, "curl urllib"),
    ("*.example.com", "www.example.com", False, ""),
    ("*example.com", "example.com", False, "httpx"),
    (" other.test , example.com ", "example.com", True, ""),
    (",,other.test,,example.com,", "example.com", True, ""),
    ("other.test example.com", "example.com", True, "curl httpx urllib"),
    ("example.com:8080", "example.com", True, "curl"),
    ("example.com:8080", "www.example.com", True, "curl"),
    ("example.com:9090", "example.com", False, ""),
    ("http://example.com", "example.com", False, "httpx"),
    ("example.com/v1", "example.com", False, "httpx"),
    ("<local>", "example.com", False, ""),
    (".", "example.com", False, "urllib"),
    ("localhost", "localhost", True, ""),
    ("localhost", "127.0.0.1", False, ""),
    ("127.0.0.1", "localhost", False, ""),
    ("127.0.0.1", "127.0.0.1", True, ""),
    ("127.0.0.1", "127.0.0.10", False, ""),
    ("127.0.0.1:8080", "127.0.0.1", True, "curl"),
    ("127.0.0.0/8", "127.9.8.7", True, "httpx urllib"),
    ("127.9.8.7/8", "127.0.0.1", True, "httpx urllib"),
    ("127.9.0.0/16", "127.8.8.7", False, ""),
    ("127.0.0.1/32", "127.0.0.1", True, "urllib"),
    ("127.0.0.1/33", "127.0.0.1", False, "httpx"),
    ("127.0.0.0/255.0.0.0", "127.0.0.1", False, "curl"),
    ("0.0.0.0/0", "127.0.0.1", False, ""),
    ("0.0.1", "127.0.0.1", False, "httpx urllib"),
    (".127.0.0.1", "127.0.0.1", False, "urllib"),
    ("127.1", "127.0.0.1", False, ""),
    ("::1", "[::1]", True, ""),
    ("[::1]", "[::1]", False, "httpx"),
    ("[::1]", "example.com", False, "httpx"),
    ("[::1]:8080", "[::1]", False, "httpx"),
    ("0:0:0:0:0:0:0:1", "[::1]", True, "curl httpx urllib"),
    ("::/64", "[::1]", True, "curl httpx urllib"),
    ("fe80::/10", "[::1]", False, "httpx"),
    ("::1", "127.0.0.1", False, ""),
    ("127.0.0.1", "[::1]", False, ""),
]  # fmt: skip


def of(url: str, **environment: str) -> Route:
    return Proxies.read(environment).of(url)


def address(route: Route) -> str:
    return route.proxy.reveal() if route.proxy else ""


@pytest.mark.parametrize(("no_proxy", "host", "direct", "_"), NO_PROXY)
def test_no_proxy(no_proxy: str, host: str, direct: bool, _: str) -> None:
    for scheme in ("http", "https", "ws", "wss"):
        route = of(f"{scheme}://{host}:8080/v1", ALL_PROXY=PROXY, no_proxy=no_proxy)
        assert (address(route), route.variable) == (("", "no_proxy") if direct else (PROXY, "ALL_PROXY"))


def test_no_proxy_with_the_port_that_a_scheme_has_anyway() -> None:
    assert of("https://example.com/v1", ALL_PROXY=PROXY, NO_PROXY="example.com:443").proxy is None
    assert of("http://example.com/v1", ALL_PROXY=PROXY, NO_PROXY="example.com:443").proxy is not None


@pytest.fixture(scope="module")
def _curl_is_there() -> None:
    if shutil.which("curl") is None:
        assert not os.environ.get("RTDIAG_CI"), "CI has curl"
        pytest.skip("curl is not installed")


class Curl:
    """curl with two proxies that take down what they are asked, and nothing behind them."""

    def __init__(self, first: int, second: int) -> None:
        self.asked: list[str] = []
        self.first, self.second = f"http://127.0.0.1:{first}", f"http://127.0.0.1:{second}"

    def way(self, url: str, environment: Mapping[str, str]) -> str:
        """The proxy that curl asks, "" where it asks none."""
        parts = urlsplit(url)
        self.asked.clear()
        to_loopback = [] if parts.netloc[0] in "[1" else ["--resolve", f"{parts.hostname}:{parts.port}:127.0.0.1"]
        command = ["curl", "--silent", "--globoff", "--max-time", "10", *to_loopback, url]
        subprocess.run(command, env={"PATH": os.environ["PATH"], **environment}, capture_output=True, check=False)
        return self.asked[0] if self.asked else ""


@pytest.fixture(scope="module")
def curl(_curl_is_there: None) -> Any:
    def answer(name: str) -> Any:
        def say(asked: Asked) -> bytes:
            found.asked.append(getattr(found, name))
            return response("502 Bad Gateway", [], asked.line.encode())

        return say

    with serving(answer("first")) as first, serving(answer("second")) as second:
        found = Curl(first, second)
        yield found


@pytest.fixture(scope="module")
def nobody() -> Any:
    """A port of loopback where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_curl_does_the_same(curl: Curl, nobody: int) -> None:
    rows = [
        (no, host.replace("8080", str(nobody)), direct) for no, host, direct, others in NO_PROXY if "curl" not in others
    ]
    ways = {
        (no, host): curl.way(f"http://{host}:{nobody}/v1", {"http_proxy": curl.first, "NO_PROXY": no})
        for no, host, _ in rows
    }
    assert ways == {(no, host): "" if direct else curl.first for no, host, direct in rows}


@pytest.mark.parametrize(("no_proxy", "host", "direct"), [row[:3] for row in NO_PROXY if "httpx" not in row[3]])
def test_httpx_does_the_same(no_proxy: str, host: str, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    mounts = sorted((URLPattern(key), proxy) for key, proxy in get_environment_proxies().items())
    found = next((proxy for pattern, proxy in mounts if pattern.matches(httpx.URL(f"https://{host}:8080/v1"))), None)
    assert found == (None if direct else PROXY)


@pytest.mark.parametrize(("no_proxy", "host", "direct"), [row[:3] for row in NO_PROXY if "urllib" not in row[3]])
def test_urllib_does_the_same(no_proxy: str, host: str, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so do websockets and requests, which ask it."""
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert any(proxy_bypass(host.strip("[]") + port) for port in ("", ":8080")) == direct


ONE, TWO = "http://one.test:1", "http://two.test:2"


@pytest.mark.parametrize(
    ("scheme", "environment", "variable", "others"),
    [
        ("http", {}, "", ""),
        ("http", {"http_proxy": ONE}, "http_proxy", ""),
        ("http", {"HTTP_PROXY": ONE}, "HTTP_PROXY", "curl"),
        ("http", {"HTTP_PROXY": ONE, "REQUEST_METHOD": "GET"}, "", ""),
        ("http", {"http_proxy": ONE, "REQUEST_METHOD": "GET"}, "http_proxy", ""),
        ("http", {"HTTPS_PROXY": ONE}, "", ""),
        ("https", {"http_proxy": ONE}, "", ""),
        ("https", {"https_proxy": ONE, "HTTPS_PROXY": TWO}, "https_proxy", ""),
        ("https", {"HTTPS_PROXY": ONE}, "HTTPS_PROXY", ""),
        ("https", {"https_proxy": "", "HTTPS_PROXY": ONE}, "HTTPS_PROXY", "httpx"),
        ("https", {"HTTPS_PROXY": "", "ALL_PROXY": ONE}, "ALL_PROXY", ""),
        ("https", {"HTTPS_PROXY": "  ", "ALL_PROXY": ONE}, "ALL_PROXY", "curl httpx"),
        ("https", {"ALL_PROXY": TWO, "https_proxy": ONE}, "https_proxy", ""),
        ("https", {"all_proxy": ONE, "ALL_PROXY": TWO}, "all_proxy", ""),
        ("http", {"ALL_PROXY": ONE, "HTTPS_PROXY": TWO}, "ALL_PROXY", ""),
        ("https", {"HTTPS_PROXY": ONE, "NO_PROXY": ""}, "HTTPS_PROXY", ""),
        ("https", {"HTTPS_PROXY": ONE, "no_proxy": "", "NO_PROXY": "example.com"}, "NO_PROXY", "httpx"),
        ("https", {"HTTPS_PROXY": ONE, "no_proxy": "other.test", "NO_PROXY": "example.com"}, "HTTPS_PROXY", ""),
        ("https", {"HTTPS_PROXY": f" {ONE}\n"}, "HTTPS_PROXY", "curl httpx"),
        ("https", {"HTTPS_PROXY": "one.test:1"}, "HTTPS_PROXY", ""),
        ("https", {"HTTPS_PROXY": f"{ONE}/"}, "HTTPS_PROXY", "httpx"),
    ],
)  # fmt: skip
def test_which_variable_decides(
    scheme: str,
    environment: dict[str, str],
    variable: str,
    others: str,
    curl: Curl,
    nobody: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, like = f"{scheme}://example.com:{nobody}/v1", {"http": "ws", "https": "wss"}[scheme]
    route = of(url, **environment)
    found = "" if variable in ("", "NO_PROXY") else ONE
    assert (address(route), route.variable) == (found, variable)
    assert of(url.replace(scheme, like, 1), **environment).variable == variable
    if "curl" not in others:
        real = {
            name: value.replace(ONE, curl.first).replace("one.test:1", curl.first[7:]).replace(TWO, curl.second)
            for name, value in environment.items()
        }
        assert curl.way(url, real) == (curl.first if found else "")
    if "httpx" not in others:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        mounts = sorted((URLPattern(key), proxy) for key, proxy in get_environment_proxies().items())
        assert next((p for pattern, p in mounts if pattern.matches(httpx.URL(url))), None) == (found or None)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("http://proxy.test:31x8", "the port is no number from 1 to 65535: http://proxy.test:***"),
        ("proxy.test:99999", "the port is no number from 1 to 65535: proxy.test:99999"),
        ("http://proxy.test:0", "the port is no number from 1 to 65535: http://proxy.test:0"),
        ("http://", "the host is missing: http://"),
        ("http://:3128", "the host is missing: http://:3128"),
        ("http:///proxy.test:3128", "the host is missing: http:///***"),
        ("http:proxy.test:3128", "the // is missing behind the scheme: http:***"),
        ("https:/proxy.test", "the // is missing behind the scheme: https:/proxy.test"),
        ("http://[::1:3128", "an IPv6 address stands in brackets, "),
        ("http://::1:3128", "an IPv6 address stands in brackets, "),
        ("http://proxy test:3128", "it holds a blank or a character that cannot be seen: http://proxy test:3128"),
        ("http://proxy\x1b[2J.test", "it holds a blank or a character that cannot be seen: "),
        ("http://proxy..test", "the host is no name: "),
        ("http://300.1.1.1:1", "the host looks like an IPv4 address and is none: "),
        ('"http://proxy.test:3128"', "the quotes are part of its value: http://proxy.test:3128"),
        ("foo://proxy.test:1", "rtdiag has no way through such a proxy, only through http, https, socks5, socks5h: foo://"),
        ("socks://proxy.test:1", "rtdiag has no way through such a proxy, "),
        ("socks4://proxy.test:1", "rtdiag has no way through such a proxy, "),
        ("socks5://proxy.test:1", "a way through SOCKS needs `pip install socksio python-socks`: socks5://proxy.test:1"),
        ("SOCKS5H://proxy.test", "a way through SOCKS needs `pip install socksio python-socks`: SOCKS5H://proxy.test"),
        ("http://na%3Ame:x@proxy.test", "its name holds a colon, which HTTP cannot send: http://***@proxy.test"),
        ("http://na%FFme:x@proxy.test", "its name or its password is no UTF-8: http://***@proxy.test"),
        ("http://me:sec/ret@proxy.test:1", "the port is no number from 1 to 65535: http://***"),
        ("http://me:sec?ret@proxy.test:1", "the port is no number from 1 to 65535: http://***"),
        ("http://me:secret", "the port is no number from 1 to 65535: http://me:***"),
        ("http://" + "x" * 10_000, "it is longer than 8192 characters: http://xxx"),
        ("\udcff", "it holds a blank or a character that cannot be seen: \N{REPLACEMENT CHARACTER}"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_only_where_it_decides(
    value: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "find_spec", lambda name: None)
    for variable in ("HTTPS_PROXY", "all_proxy"):
        with pytest.raises(BadVariable) as refused:
            of("wss://example.com/v1", **{variable: value})
        assert str(refused.value).startswith(f"{variable}: {what}")
        assert len(str(refused.value)) < 300
        assert str(refused.value).isprintable()
    assert of("http://example.com/v1", HTTPS_PROXY=value) == Route()
    assert of("https://example.com/v1", HTTPS_PROXY=value, no_proxy="example.com") == Route(variable="no_proxy")
    assert address(of("https://example.com/v1", HTTPS_PROXY=PROXY, ALL_PROXY=value)) == PROXY


def test_what_of_no_proxy_stands_for_nothing_is_a_note_and_no_more() -> None:
    entries = "[::1], http://a.test, *.b.test, c.test:99999, 10.0.0.0/33, ok.test"
    assert of("https://example.com/v1", NO_PROXY=entries) == Route()
    for url in ("https://example.com/v1", "https://ok.test/v1"):
        notes = of(url, HTTPS_PROXY=PROXY, NO_PROXY=entries).notes
        assert [note.split("'")[1] for note in notes] == [
            "[::1]",
            "http://a.test",
            "*.b.test",
            "c.test:99999",
            "10.0.0.0/33",
        ]
        assert notes[0] == "NO_PROXY: '[::1]' stands for nothing: an IPv6 address has no brackets there"


def test_a_proxy_without_a_port_is_told_with_the_one_that_is_taken() -> None:
    route = of("https://example.com/v1", HTTPS_PROXY="proxy.test")
    assert (address(route), route.notes) == ("http://proxy.test:80", ("HTTPS_PROXY names no port, so 80 is taken",))
    assert address(of("https://example.com/v1", HTTPS_PROXY="https://proxy.test")) == "https://proxy.test:443"


def test_socks_is_a_way_where_both_libraries_have_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "find_spec", lambda name: ModuleSpec(name, None))
    assert address(of("wss://example.com/v1", ALL_PROXY="socks5h://proxy.test")) == "socks5h://proxy.test:1080"
    monkeypatch.setattr(proxies, "find_spec", lambda name: None if name == "socksio" else ModuleSpec(name, None))
    with pytest.raises(BadVariable, match="pip install"):
        of("wss://example.com/v1", ALL_PROXY="socks5h://proxy.test")


def test_a_route_says_itself_without_secrets() -> None:
    route = of("https://example.com/v1", HTTPS_PROXY=f"http://me:{PASSWORD}@proxy.test:3128/path?x#y")
    assert address(route) == f"http://me:{PASSWORD}@proxy.test:3128"
    assert str(route) == "through http://***@proxy.test:3128 (HTTPS_PROXY)"
    assert str(of("https://a/", HTTPS_PROXY=PROXY, NO_PROXY="a")) == "directly (NO_PROXY)"
    assert str(of("https://a/")) == "directly"
    environment = {"HTTPS_PROXY": f"http://me:{PASSWORD}@proxy.test:3128"}
    assert not leaks(f"{route!r} {Proxies.read(environment)!r}", PASSWORD)


def told(value: str) -> str:
    """All that is said of a proxy, or of why it is none."""
    try:
        route = of("https://example.com/v1", HTTPS_PROXY=value)
    except BadVariable as exc:
        return f"{exc!r} {exc}"
    return f"{route!r} {route}"


SHAPES = ("{}:{}@proxy.test:1", "http://{}:{}@proxy.test:1", "x://{}:{}@h", "http://{}:{}")


@PROPERTY
@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(SHAPES))
def test_whatever_a_variable_holds_its_password_is_in_no_text(name: str, more: str, shape: str) -> None:
    value = shape.format(name, made(name, 30, "") + more)
    assert not leaks(told(value), made(name, 30, ""))


@pytest.mark.parametrize(
    ("name", "password"),
    [("me", "a b"), ("me", ""), ("", "x"), ("me", "p@s:s%41"), ("me", "/?#[]"), ("mé", "пароль"), ("me", "a\r\nb")],
)
def test_httpx_sends_name_and_password_as_they_were_meant(name: str, password: str) -> None:
    route = of("https://example.com/v1", HTTPS_PROXY=f"http://{quote(name, '')}:{quote(password, '')}@proxy.test:1")
    assert httpx.Proxy(address(route)).raw_auth == (name.encode(), password.encode())


@pytest.mark.parametrize(
    ("value", "name", "password"), [("me:a%20b%40c", "me", "a b@c"), ("me", "me", ""), ("a%40b:c%25d", "a@b", "c%d")]
)
def test_websockets_sends_name_and_password_as_they_were_meant(value: str, name: str, password: str) -> None:
    from websockets.asyncio import client

    route = of("wss://example.com/v1", HTTPS_PROXY=f"http://{value}@proxy.test:1")
    found = client.parse_proxy(route.for_websockets() or "")  # type: ignore[attr-defined]
    assert (found.username, found.password, found.host, found.port) == (name, password, "proxy.test", 1)


def test_what_an_older_websockets_cannot_send_is_said_before_it_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    route = of("wss://example.com/v1", HTTPS_PROXY=f"http://me:{PASSWORD}%2F@proxy.test:1")
    monkeypatch.setattr(proxies, "_unquotes", lambda: True)
    assert route.for_websockets() == f"http://me:{PASSWORD}%2F@proxy.test:1"
    monkeypatch.setattr(proxies, "_unquotes", lambda: False)
    with pytest.raises(BadVariable, match="HTTPS_PROXY: this websockets cannot send a /") as refused:
        route.for_websockets()
    assert not leaks(str(refused.value), PASSWORD)
    assert of("wss://example.com/v1").for_websockets() is None
