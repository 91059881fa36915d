"""Flags, environment and files: what is taken, and the one line for what cannot be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from rtdiag.config import ConfigError, Flags, make

KEY = {"OPENAI_API_KEY": "sk-proj-FAKE0000000000000000000000000000abcd"}


@pytest.mark.parametrize(
    ("flags", "environment", "line"),
    [
        (Flags(), {}, "nothing to ask with: set OPENAI_API_KEY"),
        (Flags(base_url="ftp://x"), KEY, "the base URL is not an http(s) URL: 'ftp://x'"),
        (Flags(base_url="api.openai.com/v1"), KEY, "the base URL is not an http(s) URL"),
        (Flags(base_url="http://[::1/v1"), KEY, "the base URL is not an http(s) URL"),
        (Flags(base_url="http://host:99999/v1"), KEY, "the base URL is not an http(s) URL"),
        (Flags(), KEY | {"OPENAI_BASE_URL": "nonsense"}, "the base URL is not an http(s) URL"),
        (Flags(token_url="token"), {}, "--token-url is not an http(s) URL"),
        (Flags(emulator=True, base_url="http://x/v1"), {}, "--emulator brings its own server and key"),
        (Flags(faults=("key-revoked",)), KEY, "--as-of and --fault are for the emulator"),
        (Flags(key_file="/nowhere/key"), {}, "--key-file /nowhere/key: No such file"),
        (Flags(ice_servers=("http://x",)), KEY, "--ice-server takes a stun: or turn: URL"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(flags: Flags, environment: Mapping[str, str], line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make(flags, environment)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("s.yaml", "a: [1,\nb: }", "line 2: "),
        ("s.json", '{"type": "realtime",\n "model": }', "line 2: "),
        ("s.yaml", "", "holds no session object"),
        ("s.json", "[1]", "holds no session object"),
        ("s.yaml", "!!python/object/apply:os.system ['true']", "line 1: "),
        ("s.yaml", "\x00", "not JSON or YAML"),
        ("s.json", "[" * 100_000, "not JSON or YAML"),
    ],
)
def test_a_session_file_that_does_not_parse_names_file_and_line(
    tmp_path: Path, name: str, text: str, line: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        make(Flags(emulator=True, session=str(path)), {})
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
        ("s.yaml", "type: realtime\nbogus: !!binary aGk=\n", "bogus is a bytes, which JSON does not have"),
        ("s.json", '{"type": "realtime", "speed": NaN}', "speed is nan, which JSON does not have"),
    ],
)
def test_what_json_does_not_have_is_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        make(Flags(emulator=True, session=str(path)), {})
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
    mask = make(Flags(emulator=True, session=str(path)), {}).mask
    shown = mask("hunter2hunter2 plainlooking-7 another-secret-9 application/json", "here")
    assert shown.split() == ["*" * 14, "*" * 14, "*" * 16, "application/json"]


@pytest.mark.parametrize("text", ['{"type": "transcription"}', "type: transcription", "session: {type: transcription}"])
def test_a_session_file_is_json_or_yaml_bare_or_as_a_mint_takes_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "session"
    path.write_text(text)
    assert make(Flags(emulator=True, session=str(path)), {}).wishes.session == {"type": "transcription"}


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        make(Flags(key_file=str(path)), {})


@pytest.mark.parametrize(
    ("text", "key"), [("sk-a\n", "sk-a"), ("sk-a\r\n", "sk-a"), ("sk-a \n", "sk-a "), ("sk-a\n\n", "sk-a\n"), ("", "")]
)
def test_one_newline_at_the_end_of_a_key_file_is_the_files(tmp_path: Path, text: str, key: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(text.encode())
    credential = make(Flags(key_file=str(path)), {}).wishes.api_key
    assert credential is not None
    assert credential.secret.reveal() == key


def test_the_emulator_reads_no_key_and_no_url_from_the_environment() -> None:
    wishes = make(Flags(emulator=True), KEY | {"OPENAI_BASE_URL": "https://x/v1", "RTDIAG_TOKEN": "ek_1"}).wishes
    assert wishes.api_key is None
    assert wishes.own_token is None
    assert wishes.environment == {}


def test_an_empty_key_is_a_key_to_be_judged() -> None:
    credential = make(Flags(), {"OPENAI_API_KEY": ""}).wishes.api_key
    assert credential is not None
    assert credential.secret.reveal() == ""


def test_what_is_set_beside_the_key_is_shown_with_its_password_masked() -> None:
    wishes = make(Flags(), KEY | {"HTTPS_PROXY": "http://me:hunter2hunter2@proxy:1", "OPENAI_ORG_ID": "org-1"}).wishes
    assert wishes.environment == {"HTTPS_PROXY": "http://*****************@proxy:1", "OPENAI_ORG_ID": "org-1"}
    assert wishes.headers == {"openai-organization": "org-1"}
