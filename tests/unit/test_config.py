"""Options, environment and files: what is taken, and the one line for what cannot be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtdiag.engine.config import Config, ConfigError, make
from rtdiag.network import ice_urls
from tests.secrets.canaries import PROPERTY

KEY = {"OPENAI_API_KEY": "sk-proj-FAKE0000000000000000000000000000abcd"}


@pytest.mark.parametrize(
    ("config", "environment", "line"),
    [
        (Config(), {}, "nothing to ask with: set OPENAI_API_KEY"),
        (Config(base_url="ftp://x"), KEY, "the base URL is not an http(s) URL: 'ftp://x'"),
        (Config(base_url="api.openai.com/v1"), KEY, "the base URL is not an http(s) URL"),
        (Config(base_url="http://[::1/v1"), KEY, "the base URL is not an http(s) URL"),
        (Config(base_url="http://host:99999/v1"), KEY, "the base URL is not an http(s) URL"),
        (Config(), KEY | {"OPENAI_BASE_URL": "nonsense"}, "the base URL is not an http(s) URL"),
        (Config(token_url="token"), {}, "--token-url is not an http(s) URL"),
        (Config(emulator=True, base_url="http://x/v1"), {}, "--emulator brings its own server and key"),
        (Config(faults=("key-revoked",)), KEY, "--as-of and --fault are for the emulator"),
        (Config(key_file="/nowhere/key"), {}, "--key-file /nowhere/key: No such file"),
        (Config(ice_servers=("http://x",)), KEY, "--ice-server takes a stun: or turn: URL"),
        (Config(keyless=True), KEY, "nothing to ask with: set OPENAI_API_KEY"),
        (
            Config(keyless=True, key_file="k", base_url="http://h/v1"),
            KEY,
            "the server asks for no key, so it is said, and one is",
        ),
        (Config(key_variable="MY_KEY"), KEY, "the variable MY_KEY, where the key is to lie, is not set: set it"),
        (Config(emulator=True, key_variable="MY_KEY"), {}, "--emulator brings its own server and key"),
        (Config(profile="opena"), KEY, "no server is called 'opena': did you mean openai?"),
        (Config(headers={"x-a": "A"}), KEY, "the variable A, where the header x-a is to come from, is not set: set it"),
        (
            Config(headers={"x-a": "A"}),
            KEY | {"A": " \n"},
            "the variable A, where the header x-a is to come from, is not set",
        ),
        (
            Config(headers={"x-a": "A"}),
            KEY | {"A": "a\nb"},
            "A holds a character that no header takes (not printable ASCII)",
        ),
        (
            Config(headers={"x a": "A"}),
            KEY | {"A": "a"},
            "no header can be called 'x a': letters, digits and - make a name",
        ),
        (Config(headers={"X-A": "A", "x-a": "A"}), KEY | {"A": "a"}, "the header x-a is given twice"),
        (
            Config(headers={"Authorization": "A"}),
            KEY | {"A": "a"},
            "the header Authorization is set by rtdiag itself: it holds",
        ),
        (Config(headers={"Host": "A"}), KEY | {"A": "a"}, "the header Host is set by rtdiag itself: leave it out"),
        (
            Config(headers={"Sec-WebSocket-Key": "A"}),
            KEY | {"A": "a"},
            "the header Sec-WebSocket-Key is set by rtdiag itself",
        ),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(config: Config, environment: Mapping[str, str], line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make(config, environment)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


IN_ICE = "a name and a password are no part of such a URL (RFC 7065): set RTDIAG_ICE_USERNAME and RTDIAG_ICE_CREDENTIAL"


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://\x1b[2J/v1", "'http://\ufffd[2J:***': it holds a blank or a character that cannot be seen"),
        ("http://h\n/v1", "'http://h\ufffd/v1': it holds a blank or a character that cannot be seen"),
        ("http://☃.example/v1", "'http://☃.example/v1': the host is no international name"),
        ("http://me:secret@h/v1", "'http://***@h/v1': a name and a password in it would be sent in place of the key"),
        ("http://me:sec/ret@h/v1", "'http://***': the port is no number from 1 to 65535"),
        ("http://me:secret/v1", "'http://me:***': the port is no number from 1 to 65535"),
        ("http://h:0/v1", "'http://h:0/v1': the port is no number from 1 to 65535"),
        ("http://h:99999/v1", "'http://h:99999/v1': the port is no number from 1 to 65535"),
        ("http:///v1", "'http:///v1': the host is missing"),
        ("http://:80/v1", "'http://:80/v1': the host is missing"),
        ("http://[::1/v1", "'http://[:***': an IPv6 address stands in brackets"),
        ("http://[v1.x]/v1", "'http://[v1.x]:***': what stands in brackets is no IPv6 address"),
        ("http://h/v1?token=secret", "'http://h/v1?***': it ends before ? and #"),
        ("http://h/v1#secret", "'http://h/v1?***': it ends before ? and #"),
        ("ws://h/v1", "'ws://h/v1': it begins with http:// or https://"),
        ("http://" + 64 * "a" + "/v1", "'http://" + 64 * "a" + "/v1': the host is no name"),
        ("http://h/" + 9000 * "a", "'http://h/" + 91 * "a" + "…': it is longer than 8192 characters"),
        ("http://h:" + KEY["OPENAI_API_KEY"], "'http://h:***': the port is no number from 1 to 65535"),
        (KEY["OPENAI_API_KEY"], "'sk-proj-********************************abcd': it does not begin as http:// does"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_base_url_is_told_without_secrets(url: str, line: str) -> None:
    for config, environment in ((Config(base_url=url), KEY), (Config(), KEY | {"OPENAI_BASE_URL": url})):
        with pytest.raises(ConfigError) as refused:
            make(config, environment)
        assert str(refused.value).startswith(f"the base URL is not an http(s) URL: {line}")
        assert str(refused.value).isprintable()


@pytest.mark.parametrize("config", [Config(base_url="http://h/v1"), Config(base_url="http://h/v1", keyless=True)])
def test_a_server_that_is_not_openais_is_asked_without_a_key_where_there_is_none(config: Config) -> None:
    options = make(config, KEY if config.keyless else {}).options
    assert options.keyless
    assert options.api_key is None
    assert options.key_variable is None


@pytest.mark.parametrize(
    ("config", "variable"),
    [
        (Config(base_url="http://h/v1"), "OPENAI_API_KEY"),
        (Config(base_url="http://h/v1", key_variable="MY_KEY"), "MY_KEY"),
    ],
)
def test_the_key_lies_in_the_variable_that_is_named(config: Config, variable: str) -> None:
    options = make(config, KEY | {"MY_KEY": "mine", "OPENAI_ORG_ID": "org-1"}).options
    assert options.api_key
    assert options.api_key.secret.reveal() == ("mine" if config.key_variable else KEY["OPENAI_API_KEY"])
    assert (options.api_key.source, options.key_variable, options.keyless) == (variable, variable, False)
    assert bool(options.headers) == (variable == "OPENAI_API_KEY"), "an organisation of OpenAI belongs to its own key"


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        (" HTTPS://API.OpenAI.com/v1/\n", "https://api.openai.com/v1"),
        ("http://bücher.example:80/v1/", "http://xn--bcher-kva.example:80/v1"),
        ("http://[0:0::1]:80", "http://[::1]:80"),
        ("http://my_gateway:4000/a/b", "http://my_gateway:4000/a/b"),
    ],
)
def test_a_base_url_is_taken_as_every_library_takes_it(url: str, taken: str) -> None:
    assert make(Config(base_url=url), KEY).options.base_url == taken


def test_a_token_url_may_have_a_query_and_a_login() -> None:
    url = "http://me:secret@h/token?room=1"
    assert make(Config(token_url=url), {}).options.token_url == url
    with pytest.raises(ConfigError, match=r"^--token-url is not an http\(s\) URL: 'http://\*\*\*@h:0': the port"):
        make(Config(token_url="http://me:secret@h:0"), {})


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("turn:user:pass@host", f"'turn:***@host': {IN_ICE}"),
        ("turn:host?username=me&credential=secret", f"'turn:host?***': {IN_ICE}"),
        ("turn:host?transport=tcp&username=me", f"'turn:host?***': {IN_ICE}"),
        ("turn:me:sec?ret@host", f"'turn:***': {IN_ICE}"),
        ("turn:user:secret", "'turn:user:***': the port is no number from 1 to 65535"),
        ("turn:host?transport=sctp", "'turn:host?***': behind the host of turn: rtdiag knows ?transport=udp or ?transport=tcp"),
        ("turns:host?transport=udp", "'turns:host?***': behind the host of turns: rtdiag knows ?transport=tcp"),
        ("stun:host?transport=udp", "'stun:host?***': behind the host of stun: rtdiag knows nothing"),
        ("stun:", "'stun:': the host is missing"),
        ("stun", "'stun': the host is missing"),
        ("stun::3478", "'stun::3478': the host is missing"),
        ("stun:host:0", "'stun:host:0': the port is no number from 1 to 65535"),
        ("stun:host:99999", "'stun:host:99999': the port is no number from 1 to 65535"),
        ("stun:host:x", "'stun:host:***': the port is no number from 1 to 65535"),
        ("stun:[::g]:3478", "'stun:[:***': what stands in brackets is no IPv6 address"),
        ("turn:[::1", "'turn:[:***': an IPv6 address stands in brackets"),
        ("turn:host?transport=", "'turn:host?***': behind the host of turn: rtdiag knows ?transport=udp or ?transport=tcp"),
        ("stuns:host?transport=tcp", "'stuns:host?***': behind the host of stuns: rtdiag knows nothing"),
        ("stun:::1", "'stun::***': an IPv6 address stands in brackets"),
        ("stun://host", "'stun://host': no // stands in it"),
        ("stun:host/path", "'stun:host/path': the host is no name"),
        ("stun:a, stun:b", "'stun:a, stun:***': it holds a blank or a character that cannot be seen"),
        ("stun:a..b", "'stun:a..b': the host is no name"),
        ("stun:" + 64 * "a", "'stun:" + 64 * "a" + "': the host is no name"),
        ("stun:\x1b\udcff", "'stun:\ufffd\ufffd': it holds a blank or a character that cannot be seen"),
        ("https://host", "'https://host': rtdiag knows stun:, stuns:, turn: and turns:"),
        (KEY["OPENAI_API_KEY"], "'sk-proj-********************************abcd': rtdiag knows stun:, stuns:, turn: and turns:"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_ice_server_is_told_without_secrets(url: str, line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make(Config(emulator=True, ice_servers=("stun:host", url)), {})
    assert str(refused.value).startswith(f"--ice-server takes a stun: or turn: URL, not {line}")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("url", "taken", "asked"),
    [
        (" STUN:Host.Example ", "stun:host.example", ("host.example", 3478, "udp")),
        ("stun:bücher.example:1", "stun:xn--bcher-kva.example:1", ("xn--bcher-kva.example", 1, "udp")),
        ("turn:host:", "turn:host", ("host", 3478, "udp")),
        ("turn:host?transport=udp", "turn:host?transport=udp", ("host", 3478, "udp")),
        ("turn:127.0.0.1:80?transport=TCP", "turn:127.0.0.1:80?transport=tcp", ("127.0.0.1", 80, "tcp")),
        ("turns:host?transport=tcp", "turns:host?transport=tcp", ("host", 5349, "tls")),
        ("turns:host:443", "turns:host:443", ("host", 443, "tls")),
        ("stuns:host", "stuns:host", ("host", 5349, "tls")),
        ("stun:[::1]", "stun:[::1]", ("::1", 3478, "udp")),
        (
            "turns:[2001:DB8:0::1]:443?transport=tcp",
            "turns:[2001:db8::1]:443?transport=tcp",
            ("2001:db8::1", 443, "tls"),
        ),
    ],
)
def test_an_ice_server_is_taken_as_the_rfcs_have_it(url: str, taken: str, asked: tuple[str, int, str]) -> None:
    (found,) = make(Config(emulator=True, ice_servers=(url,)), {}).options.ice_servers
    assert found == taken
    parts = ice_urls.read(found)
    assert (parts.host, parts.port, parts.transport) == asked


@pytest.mark.parametrize("url", ["stun:host", "turn:host:1?transport=tcp", "turns:host", "stuns:host", "stun:[::1]"])
def test_what_the_webrtc_library_does_not_take_is_told_apart(url: str) -> None:
    """It leaves out stuns: without a word, and stumbles over an IPv6 address."""
    from aiortc import RTCIceServer
    from aiortc.rtcicetransport import connection_kwargs

    try:
        taken = bool(connection_kwargs([RTCIceServer(urls=url)]))
    except ValueError:
        taken = False
    assert taken == (not ice_urls.read(url).apart)


PIECES = [
    "stun:",
    "turn:",
    "turns:",
    "stuns:",
    "h",
    "h.test",
    ":",
    "80",
    "?transport=",
    "?",
    "udp",
    "tcp",
    "@",
    "//",
    "[::1]",
    "&",
    "ü",
    ".",
]


@PROPERTY
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
def test_no_ice_server_reaches_the_webrtc_library_that_it_stumbles_over(url: str) -> None:
    from aiortc import RTCIceServer
    from aiortc.rtcicetransport import connection_kwargs

    try:
        found = make(Config(emulator=True, ice_servers=(url,)), {}).options.ice_servers
    except ConfigError:
        return
    assert all(connection_kwargs([RTCIceServer(urls=one)]) for one in found if not ice_urls.read(one).apart)


ICE = {"RTDIAG_ICE_USERNAME": "someone-7", "RTDIAG_ICE_CREDENTIAL": "FAKE-credential-7"}
TURN = ("turn:host",)


@pytest.mark.parametrize("config", [Config(emulator=True, ice_servers=TURN), Config(ice_servers=TURN)])
def test_what_a_turn_server_knows_one_by_comes_from_the_environment_alone(config: Config) -> None:
    settings = make(config, KEY | ICE)
    credential = settings.options.ice_credential
    assert credential is not None
    assert (settings.options.ice_username, credential.reveal()) == ("someone-7", "FAKE-credential-7")
    assert "FAKE-cred" not in repr(settings.options)
    assert settings.mask("as someone-7 with FAKE-credential-7", "here") == "as ********* with *****************"


@pytest.mark.parametrize(
    ("config", "environment", "line"),
    [
        (Config(), {"RTDIAG_ICE_USERNAME": "me"}, "RTDIAG_ICE_USERNAME is set and RTDIAG_ICE_CREDENTIAL is not: "),
        (Config(), ICE | {"RTDIAG_ICE_USERNAME": ""}, "RTDIAG_ICE_CREDENTIAL is set and RTDIAG_ICE_USERNAME is not: "),
        (Config(), ICE | {"RTDIAG_ICE_CREDENTIAL": "FAKE\n"}, "RTDIAG_ICE_CREDENTIAL holds a line end"),
        (Config(), ICE | {"RTDIAG_ICE_USERNAME": "\udcff"}, "RTDIAG_ICE_USERNAME holds a line end or another character"),
        (Config(), ICE | {"RTDIAG_ICE_USERNAME": 255 * "ü"}, "RTDIAG_ICE_USERNAME is longer than 508 bytes"),
        (Config(relay_only=True), ICE, "--relay-only needs a TURN server: add --ice-server turn:"),
        (Config(relay_only=True, ice_servers=("stun:h",)), ICE, "--relay-only needs a TURN server: add --ice-server"),
        (Config(relay_only=True, ice_servers=TURN), {}, "--relay-only needs what the TURN server knows you by: set RTDIAG_ICE_"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_them_is_one_line(config: Config, environment: Mapping[str, str], line: str) -> None:
    for one in (config, replace(config, emulator=True)):
        with pytest.raises(ConfigError) as refused:
            make(one, {**KEY, **environment})
        assert str(refused.value).startswith(line)
        assert "FAKE" not in str(refused.value)
        assert str(refused.value).isprintable()


def test_variables_set_to_nothing_are_not_set_as_in_ci() -> None:
    options = make(Config(), KEY | {"RTDIAG_ICE_USERNAME": "", "RTDIAG_ICE_CREDENTIAL": ""}).options
    assert (options.ice_username, options.ice_credential) == ("", None)


def test_relay_only_is_taken_with_a_turn_server_and_what_it_wants() -> None:
    assert make(Config(emulator=True, relay_only=True, ice_servers=("stun:h", "turns:h")), ICE).options.relay_only


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("s.yaml", "a: [1,\nb: }", "line 2: "),
        ("s.json", '{"type": "realtime",\n "model": }', "line 2: "),
        ("s.yaml", "", "holds no session object"),
        ("s.json", "[1]", "holds no session object"),
        ("s.yaml", "!!python/object/apply:os.system ['true']", "line 1: "),
        ("s.yaml", "\x00", "it is binary"),
        ("s.json", "[" * 100_000, "nested deeper than 100 levels"),
    ],
)
def test_a_session_file_that_does_not_parse_names_file_and_line(
    tmp_path: Path, name: str, text: str, line: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        make(Config(emulator=True, session=str(path)), {})
    assert str(refused.value).startswith(f"--session {path}")
    assert line in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("s.yaml", "type: realtime\n1: 2\n", "the name 1 is no text: put it in quotes"),
        (
            "s.yaml",
            "type: realtime\naudio: {input: [2026-01-01]}\n",
            "audio.input[0] is a date, which JSON does not have",
        ),
        ("s.yaml", "type: realtime\nbogus: !!binary aGk=\n", "bogus is binary, which JSON does not have"),
        ("s.json", '{"type": "realtime", "speed": NaN}', "speed is nan, which JSON does not have"),
    ],
)
def test_what_json_does_not_have_is_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        make(Config(emulator=True, session=str(path)), {})
    assert str(refused.value).startswith(f"--session {path}: {told}")


def test_what_a_session_hands_to_its_tools_is_hidden(tmp_path: Path) -> None:
    headers = {
        "X-Api-Key": "hunter2hunter2",
        "Authorization": "Bearer plainlooking-7",
        "Content-Type": "application/json",
    }
    tool = {"type": "mcp", "headers": headers, "authorization": "another-secret-9"}
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"type": "realtime", "tools": [tool]}), encoding="utf-8")
    mask = make(Config(emulator=True, session=str(path)), {}).mask
    shown = mask("hunter2hunter2 plainlooking-7 another-secret-9 application/json", "here")
    assert shown.split() == ["*" * 14, "*" * 14, "*" * 16, "application/json"]


@pytest.mark.parametrize("text", ['{"type": "transcription"}', "type: transcription", "session: {type: transcription}"])
def test_a_session_file_is_json_or_yaml_bare_or_as_a_mint_takes_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "session"
    path.write_text(text)
    assert make(Config(emulator=True, session=str(path)), {}).options.session == {"type": "transcription"}


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"sk-\xff\xfe")
    with pytest.raises(ConfigError, match=r"not UTF-8 text \(byte 3\): save it as UTF-8"):
        make(Config(key_file=str(path)), {})


@pytest.mark.parametrize(
    ("text", "key"), [("sk-a\n", "sk-a"), ("sk-a\r\n", "sk-a"), ("sk-a \n", "sk-a "), ("sk-a\n\n", "sk-a\n"), ("", "")]
)
def test_one_newline_at_the_end_of_a_key_file_is_the_files(tmp_path: Path, text: str, key: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(text.encode())
    credential = make(Config(key_file=str(path)), {}).options.api_key
    assert credential is not None
    assert credential.secret.reveal() == key


def test_the_emulator_reads_no_key_and_no_url_from_the_environment() -> None:
    options = make(Config(emulator=True), KEY | {"OPENAI_BASE_URL": "https://x/v1", "RTDIAG_TOKEN": "ek_1"}).options
    assert options.api_key is None
    assert options.own_token is None
    assert options.environment == {}


def test_an_empty_key_is_a_key_to_be_judged() -> None:
    credential = make(Config(), {"OPENAI_API_KEY": ""}).options.api_key
    assert credential is not None
    assert credential.secret.reveal() == ""


def test_what_is_set_beside_the_key_is_shown_with_its_password_masked() -> None:
    options = make(
        Config(), KEY | {"HTTPS_PROXY": "http://me:hunter2hunter2@proxy:1", "OPENAI_ORG_ID": "org-1"}
    ).options
    assert options.environment == {"HTTPS_PROXY": "http://*****************@proxy:1", "OPENAI_ORG_ID": "org-1"}
    assert options.headers == {"openai-organization": "org-1"}
