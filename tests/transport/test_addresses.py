"""Addresses that users give: what passes is taken by every library, what does not is told, and no secret is shown."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.uri import parse_uri

from rtdiag.transport.addresses import Address, BadAddress, read, shown
from tests.secrets.canaries import PROPERTY


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://api.openai.com/v1", Address("https", "api.openai.com", None, "", "/v1")),
        ("HTTP://API.OpenAI.com:080/V1", Address("http", "api.openai.com", 80, "", "/V1")),
        ("http://me:p@ss@[0::1]:8080?a#b", Address("http", "::1", 8080, "me:p%40ss", "?a#b")),
        ("http://mé:%41[@h", Address("http", "h", None, "m%C3%A9:%41%5B")),
        ("http://my_service.:1", Address("http", "my_service.", 1)),
        ("http://h:/", Address("http", "h", None, "", "/")),
        ("http://bücher.example", Address("http", "xn--bcher-kva.example", None)),
        ("http://faß.example", Address("http", "xn--fa-hia.example", None)),
        ("http://127.0.0.1", Address("http", "127.0.0.1", None)),
    ],
)
def test_the_parts_of_an_address(url: str, parts: Address) -> None:
    assert read(url) == parts
    assert read(str(parts)) == parts


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("", "it does not begin as http:// does"),
        ("h/v1", "it does not begin as http:// does"),
        ("http:/h/v1", "it does not begin as http:// does"),
        ("http://", "the host is missing"),
        ("http:///v1", "the host is missing"),
        ("http://:80", "the host is missing"),
        ("http://me@", "the host is missing"),
        ("http://h:0", "the port is no number"),
        ("http://h:65536", "the port is no number"),
        ("http://h:99999999999999999999", "the port is no number"),
        ("http://h:+80", "the port is no number"),
        ("http://h:٣", "the port is no number"),
        ("http://[::1]:x", "the port is no number"),
        ("http://h:1:2", "an IPv6 address stands in brackets"),
        ("http://::1", "an IPv6 address stands in brackets"),
        ("http://[::1", "an IPv6 address stands in brackets"),
        ("http://[::1]x", "an IPv6 address stands in brackets"),
        ("http://[]", "what stands in brackets is no IPv6 address"),
        ("http://[v1.x]", "what stands in brackets is no IPv6 address"),
        ("http://1.2.3.256", "the host looks like an IPv4 address and is none"),
        ("http://01.2.3.4", "the host looks like an IPv4 address and is none"),
        ("http://10-0-0-1", "the host looks like an IPv4 address and is none"),
        ("http://12345678", "the host looks like an IPv4 address and is none"),
        ("http://a..b", "the host is no name"),
        ("http://.", "the host is no name"),
        ("http://h%20h", "the host is no name"),
        ("http://h\\h", "the host is no name"),
        ("http://*", "the host is no name"),
        ("http://" + 64 * "a", "the host is no name"),
        ("http://" + 130 * "a." + "a", "the host is no name"),
        ("http://☃.example", "the host is no international name"),
        ("http://xn--n3h", "the host is no international name"),
        ("http://h\u202e/", "it holds a blank or a character that cannot be seen"),
        ("http://h/a b", "it holds a blank or a character that cannot be seen"),
        ("http://h/\n", "it holds a blank or a character that cannot be seen"),
        ("http://\x00", "it holds a blank or a character that cannot be seen"),
        ("http://\udcff", "it holds a blank or a character that cannot be seen"),
        ("http://h/" + 9000 * "a", "it is longer than 8192 characters"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_told_without_a_word_of_it(url: str, what: str) -> None:
    with pytest.raises(BadAddress) as refused:
        read(url)
    assert str(refused.value).startswith(what)


# Pieces of addresses, so that some of what comes out can be read.
PIECES = st.sampled_from(
    [
        *"/:@.?#[]%\\-_ 0180aZ\u00fc\u0661\x1b\udcff",
        "http://",
        "h.test",
        "[::1]",
        "127.0.0.1",
        ":8080",
        "/v1",
        "::",
        "xn--n3h",
    ]
)


@PROPERTY
@given(st.lists(PIECES, min_size=1, max_size=8).map(lambda pieces: "http://" + "".join(pieces)))
def test_what_passes_is_taken_by_the_libraries_and_understood_alike(url: str) -> None:
    try:
        address = read(url)
    except BadAddress:
        return
    as_httpx = httpx.Request("GET", str(address)).url
    as_websockets = parse_uri(str(replace(address, scheme="ws", userinfo="")).partition("#")[0])
    assert as_httpx.raw_host.decode() == as_websockets.host == address.host
    assert (as_httpx.port or 80) == as_websockets.port == (address.port or 80)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://h.test:80/v1", "http://h.test:80/v1"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1"),
        ("http://me:secret@h:80/v1", "http://***@h:80/v1"),
        ("me:secret@h:80", "***@h:80"),
        ("http://me:sec@ret@h", "http://***@h"),
        ("http://me:sec/ret@h", "http://***"),
        ("http://me:sec?ret@h/v1", "http://***"),
        ("http://me:sec#ret@h/v1", "http://***"),
        ("http://me:secret", "http://me:***"),
        ("http://me:secret/v1", "http://me:***"),
        ("http:///me:secret", "http:///***"),
        ("http://h/v1?token=secret", "http://h/v1?***"),
        ("http://h/v1#secret", "http://h/v1?***"),
        ("turn:me:secret@h", "turn:***@h"),
        ("turn:me:secret", "turn:me:***"),
        ("TURNS:h?username=me&credential=secret", "TURNS:h?***"),
        ("turn:h?username=me@x&credential=secret", "turn:***"),
        ("turn://me:secret@h", "turn://***@h"),
        ("http://h\x1b\u202e/\udcff", "http://h\ufffd\ufffd/\ufffd"),
        ("http://" + "h" * 200, "http://" + "h" * 93 + "…"),
    ],
)  # fmt: skip
def test_what_is_shown_of_an_address(url: str, text: str) -> None:
    assert shown(url) == text
