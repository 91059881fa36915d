"""Whose key is it, and is it told from a key of the server that is asked? Every server's own is taken for none that is wrong."""

from __future__ import annotations

import pytest

from rtdiag.api.keys import shape_of
from rtdiag.redact import Mask, stars
from rtdiag.servers import issuer_elsewhere, known_as, named

OPENAI, XAI = "sk-proj-" + "F4KE" * 10, "xai-" + "F4KE" * 20
AZURE, OLD_AZURE = "F4KE" * 13 + "JQQJ99" + "F4KEF4KEF4KEF4KEF4KEF4KEF4", "0f" * 16
ENTRA = "eyJ0eXAiOiJKV1QifQ.eyJmYWtlIjoiMSJ9." + "F4ke" * 10
VIRTUAL, ROUTER = "sk-F4KEvirtualkey0000", "sk-or-v1-" + "0f" * 32
AT = {
    id: named(id)
    for id in ("openai", "azure", "azure-voice-live", "xai", "litellm", "openrouter", "compatible", "unknown")
}


@pytest.mark.parametrize(
    ("key", "asked", "issuer"),
    [
        (OPENAI, "openai", None),
        (OPENAI, "azure", "openai"),
        (OPENAI, "azure-voice-live", "openai"),
        (OPENAI, "xai", "openai"),
        (OPENAI, "litellm", None),
        (OPENAI, "compatible", None),
        (OPENAI, "unknown", None),
        (XAI, "openai", "xai"),
        (XAI, "azure", "xai"),
        (XAI, "xai", None),
        (AZURE, "openai", "azure"),
        (AZURE, "azure", None),
        (AZURE, "azure-voice-live", None),
        (ROUTER, "openai", "openrouter"),
        (OLD_AZURE, "openai", None),
        (OLD_AZURE, "azure", None),
        (ENTRA, "azure", None),
        (VIRTUAL, "azure", None),
        (VIRTUAL, "openai", None),
    ],
)
def test_a_key_that_another_has_issued_is_known_by_its_form(key: str, asked: str, issuer: str | None) -> None:
    found = issuer_elsewhere(key, AT[asked])
    assert (found.id if found else None) == issuer


@pytest.mark.parametrize(
    "key", [OPENAI, XAI, AZURE, OLD_AZURE, ENTRA, VIRTUAL, ROUTER, "sk-admin-1234-of-a-gateway", "EMPTY"]
)
def test_no_servers_key_is_called_wrong(key: str) -> None:
    assert "problem" not in shape_of(key, "api-key", official=False)


def test_openai_takes_no_admin_key() -> None:
    assert shape_of("sk-admin-F4KE", "api-key")["flaw"] == "admin-key"


@pytest.mark.parametrize(
    ("secret", "begins"),
    [
        (XAI, "xai-"),
        ("xai-realtime-client-secret-F4KE-f4ke_F4KE-0000", "xai-realtime-client-secret-"),
        (ROUTER, "sk-or-v1-"),
        ("sk-bf-F4KE0000F4KE0000F4KE", "sk-bf-"),
        ("ek_bf_F4KE0000F4KE0000F4KE", "ek_bf_"),
        ("lai-sess:0f0f0f0f0f0f0f0f:1764500000::0f0f", "lai-sess:"),
        (AZURE, ""),
    ],
)
def test_it_is_hidden_wherever_it_stands_and_what_it_begins_with_stays(secret: str, begins: str) -> None:
    shown = Mask()(f'{{"value":"{secret}"}}', "body")
    assert shown == f'{{"value":"{stars(secret)}"}}'
    assert stars(secret).startswith(f"{begins}*****")
    assert secret[len(begins) :] not in shown


@pytest.mark.parametrize("key", [OLD_AZURE, "4z4x9N1dv_F4KE-00" * 10])
def test_what_no_form_shows_is_hidden_once_it_is_known(key: str) -> None:
    mask = Mask()
    mask.learn(key)
    assert mask(f"the key {key} is wrong", "body") == f"the key {'*' * len(key)} is wrong"


def test_a_token_behind_the_sub_protocol_of_xai_is_hidden() -> None:
    shown = Mask()("sec-websocket-protocol: xai-client-secret.F4KE-anything-0000", "headers")
    assert "F4KE" not in shown


@pytest.mark.parametrize(
    "name", ["cf-aig-authorization", "x-portkey-api-key", "x-litellm-api-key", "x-bf-vk", "api-key"]
)
def test_a_gateways_key_is_hidden_in_its_header(name: str) -> None:
    assert "F4KE" not in Mask().header(name, f"F4KE{'0a' * 8}", "headers")[1]


def test_an_unknown_host_issues_keys_of_no_known_form() -> None:
    assert issuer_elsewhere(OPENAI, known_as("", "http://127.0.0.1:4000/v1")) is None
