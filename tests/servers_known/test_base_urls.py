"""Which base URL was meant, at each server that is known, and at any other."""

from __future__ import annotations

import pytest

from rtdiag.servers import base_url_meant, every, named


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://me.openai.azure.com", "https://me.openai.azure.com/openai/v1"),
        ("https://me.openai.azure.com/", "https://me.openai.azure.com/openai/v1"),
        ("https://me.openai.azure.com/v1", "https://me.openai.azure.com/openai/v1"),
        ("https://me.openai.azure.com/openai/v1/realtime", "https://me.openai.azure.com/openai/v1"),
        ("https://me.openai.azure.com/openai/v1/openai/v1", "https://me.openai.azure.com/openai/v1"),
        ("https://me.openai.azure.com/openai/deployments/rt", "https://me.openai.azure.com/openai/v1"),
        ("https://me.openai.azure.com/openai/realtime?api-version=2025-04-01-preview", "https://me.openai.azure.com/openai/v1"),
        ("https://me.services.ai.azure.com/api/projects/p/openai/v1", "https://me.services.ai.azure.com/api/projects/p/openai/v1"),
        ("https://me.services.ai.azure.com/voice-live/realtime", "https://me.services.ai.azure.com/voice-live"),
        ("https://api.x.ai", "https://api.x.ai/v1"),
        ("https://api.x.ai/openai/v1", "https://api.x.ai/v1"),
        ("https://api.openai.com/openai/v1", "https://api.openai.com/v1"),
        ("https://openrouter.ai/v1", "https://openrouter.ai/api/v1"),
        ("https://gateway.ai.cloudflare.com/v1/a/b/openai", "https://gateway.ai.cloudflare.com/v1/a/b/openai"),
        ("http://localhost:4000", "http://localhost:4000/v1"),
        ("http://localhost:4000/llm/v1/realtime", "http://localhost:4000/llm/v1"),
    ],
)  # fmt: skip
def test_the_base_url_that_was_meant(given: str, meant: str) -> None:
    assert base_url_meant(given) == meant


def test_a_server_that_the_user_names_says_where_its_api_begins_at_any_host() -> None:
    assert base_url_meant("https://corp.test/ai", named("azure")) == "https://corp.test/openai/v1"
    assert base_url_meant("https://corp.test/ai/openai/v1", named("azure")) == "https://corp.test/ai/openai/v1"
    assert (
        base_url_meant("https://me.openai.azure.com/openai", named("azure-preview"))
        == "https://me.openai.azure.com/openai"
    )
    assert base_url_meant("https://corp.test/llm/v1", named("litellm")) == "https://corp.test/llm/v1"


@pytest.mark.parametrize("id", sorted(every()))
def test_the_example_of_each_is_right(id: str) -> None:
    example = every()[id].base_url
    assert base_url_meant(example, every()[id]) == example or not example
