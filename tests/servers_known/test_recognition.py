"""Whose server is it? By what each has really answered; and nothing is recognised that every server could have said."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from rtdiag.model import Event, Exchange
from rtdiag.servers import every, recognise
from rtdiag.testing import exchange
from tests.recorded.recordings import RECORDINGS, here

HERE = "http://127.0.0.1:4000/v1"
LIVE = ("azure-ga", "azure-voice-live", "xai", "gateway", "openai-ga")


def answer(
    status: int, body: str = "", path: str = "/models", headers: Mapping[str, str] | None = None, method: str = "GET"
) -> Exchange:
    return replace(exchange(status, body, url=HERE + path, headers=dict(headers or {})), method=method)


def event(said: str) -> Event:
    return Event("e1", "c1", "received", 0.0, json.loads(said)["type"], said)


def seen_in(entry: Mapping[str, Any]) -> tuple[list[Exchange], list[Event]]:
    """The exchange or the event of an entry of answers.yaml."""
    if "event" in entry:
        return [], [event(entry["event"])]
    if "mint" in entry:
        return [answer(200, json.dumps(entry["mint"]), "/realtime/sessions", method="POST")], []
    return [answer(entry.get("status", 200), entry.get("body", ""), headers=entry.get("headers"))], []


ANSWERS = yaml.safe_load((Path(__file__).parent / "answers.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("id", "entry"), [(id, entry) for id, entries in ANSWERS.items() for entry in entries])
def test_a_server_is_known_by_what_it_has_answered(id: str, entry: Mapping[str, Any]) -> None:
    found = recognise(HERE, *seen_in(entry))
    assert (found.server.id, found.by) == (id, (entry["by"],) if "by" in entry else ())


def test_of_every_server_without_a_host_there_is_an_answer() -> None:
    assert {server.id for server in every().values() if not server.hosts} <= set(ANSWERS)


@pytest.mark.parametrize(
    ("base_url", "id"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://api.openai.com.evil.test/v1", "unknown"),
        ("https://me.openai.azure.com/openai/v1", "azure"),
        ("https://ME.OpenAI.Azure.com/openai/v1", "azure"),
        ("https://me.services.ai.azure.com/openai/v1", "azure"),
        ("https://me.services.ai.azure.com/voice-live", "azure-voice-live"),
        ("https://me.services.ai.azure.com/voice-lively", "azure"),
        ("https://eastus2.realtimeapi-preview.ai.azure.com/v1", "azure-preview"),
        ("https://api.x.ai/v1", "xai"),
        ("https://us-east-1.api.x.ai/v1", "xai"),
        ("https://gateway.ai.cloudflare.com/v1/a/b/openai", "cloudflare"),
        ("https://ws.cn-beijing.maas.aliyuncs.com/api-ws/v1", "dashscope"),
        ("http://localhost:4000", "unknown"),
        ("http://[::1", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_server_is_known_by_its_host(base_url: str, id: str) -> None:
    assert recognise(base_url).server.id == id


def test_what_was_sent_and_comes_back_shows_nothing() -> None:
    told = 'say "speech_model": "x", "input_audio_echo_cancellation": null'
    created = {"type": "session.created", "session": {"type": "realtime", "model": "grok-voice", "instructions": told}}
    updated = {"type": "session.updated", "session": {"speech_model": "x"}}
    named = {
        "error": {"message": 'The model `{"type": "new_api_error"}` does not exist', "type": "invalid_request_error"}
    }
    found = recognise(HERE, [answer(404, json.dumps(named))], [event(json.dumps(created)), event(json.dumps(updated))])
    assert found.server.id == "compatible"


def test_what_another_host_answered_says_nothing_of_this_one() -> None:
    elsewhere = exchange(200, "", url="http://127.0.0.1:3000/token", headers={"x-litellm-version": "1"})
    assert recognise(HERE, [elsewhere]).server.id == "unknown"
    upgrade = exchange(403, "", url="wss://gw.test/v1/realtime?model=m", headers={"x-litellm-version": "1"})
    assert recognise("https://gw.test:443/v1", [upgrade]).server.id == "litellm"


def test_a_gateway_outweighs_what_is_behind_it_and_both_are_named() -> None:
    seen = answer(200, "", headers={"x-litellm-version": "1", "apim-request-id": "b", "azureml-served-by-cluster": "c"})
    found = recognise(HERE, [seen])
    assert found.server.id == "litellm"
    assert found.by == (
        "the header x-litellm-version",
        "though the header apim-request-id is that of Azure OpenAI",
        "though the header azureml-served-by-cluster is that of Azure OpenAI",
    )


def test_a_known_host_settles_it_and_what_speaks_against_it_is_named() -> None:
    seen = exchange(401, "", url="https://api.openai.com/v1/models", headers={"cf-aig-log-id": "1"})
    found = recognise("https://api.openai.com/v1", [seen])
    assert found.server.id == "openai"
    assert found.by == ("the host api.openai.com", "though the header cf-aig-log-id is that of Cloudflare AI Gateway")


def test_of_a_server_behind_anothers_host_neither_its_keys_are_known_nor_its_doors() -> None:
    server = recognise(HERE, [answer(401, "", headers={"apim-request-id": "b"})]).server
    assert (server.id, server.keys_from, server.status_page, server.offers) == ("azure", "", "", {})
    home = recognise("https://me.openai.azure.com/openai/v1").server
    assert home.keys_from
    assert home.offers["mint"]


def test_the_order_of_what_was_seen_changes_nothing() -> None:
    seen = [
        answer(401, "", headers={"apim-request-id": "b", "x-portkey-trace-id": "t"}),
        answer(400, '{"is_bifrost_error":true}'),
        answer(400, ANSWERS["litellm"][0]["body"]),
        answer(200, "", headers={"x-bifrost-provider": "openai"}),
    ]
    said = [
        event('{"type": "session.created", "session": {"speech_model": "x"}}'),
        event('{"type": "session.created", "id": "sess-1"}'),
    ]
    first = recognise(HERE, seen, said)
    draw = random.Random(18)
    for _ in range(20):
        draw.shuffle(seen)
        draw.shuffle(said)
        assert recognise(HERE, seen, said) == first


@here
@pytest.mark.parametrize("family", LIVE)
def test_live_sessions_show_whose_they_are_and_no_others(family: str) -> None:
    """Azure's events and OpenAI's are alike, so that only answers with headers tell them apart."""
    shown = {"azure-voice-live": {"azure-voice-live"}, "xai": {"xai", "unknown"}}.get(family, {"compatible", "unknown"})
    ids = set()
    for recording in _recordings(family):
        events = [_recorded(frame) for frame in recording.get("frames") or () if frame.get("direction") == "received"]
        ids.add(recognise(HERE, (), [one for one in events if one]).server.id)
    assert ids <= shown
    assert ids - {"unknown"}, "nothing was recognised"


@here
def test_live_answers_of_azure_show_it() -> None:
    (minted, called) = [answer(x["status"], "", "/x", x["headers"]) for x in _answers("azure-ga")]
    assert recognise(HERE, [minted]).server.id == recognise(HERE, [called]).server.id == "azure"


@here
def test_live_answers_of_openai_at_anothers_host_are_a_gateways() -> None:
    found = {recognise(HERE, [answer(x["status"], "", "/x", x["headers"])]).server.id for x in _answers("openai-ga")}
    assert found == {"gateway", "unknown"}


def test_every_server_says_where_it_is_known_from() -> None:
    for server in every().values():
        assert server.source, server.id
        signs = server.hosts or server.headers or server.bodies or server.events or server.tokens
        assert bool(signs) != (server.id in ("gateway", "compatible", "unknown")), server.id


def _recordings(family: str) -> Iterator[dict[str, Any]]:
    for file in sorted((RECORDINGS / family).glob("*.yaml")):
        yield yaml.safe_load(file.read_text(encoding="utf-8"))


def _answers(family: str) -> Iterator[dict[str, Any]]:
    for recording in _recordings(family):
        for one in recording.get("exchanges") or ():
            headers = {
                name: value if isinstance(value, str) else value[0]
                for name, value in one["response"]["headers"].items()
            }
            yield {"status": one["response"]["status"], "headers": headers}


def _recorded(frame: Mapping[str, Any]) -> Event | None:
    data = frame.get("data")
    return event(json.dumps(data)) if isinstance(data, dict) and isinstance(data.get("type"), str) else None
