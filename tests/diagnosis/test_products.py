"""What is not OpenAI's is said to be another's, and nothing that is OpenAI's is taken for it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml

from rtdiag.api.own_yaml import BadData, loader, named
from rtdiag.diagnosis.elsewhere import product_of
from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.lexicon import product_of_url
from rtdiag.diagnosis.lexicon.products import Entry, products
from rtdiag.diagnosis.situation import Situation
from rtdiag.model import Diagnosis
from rtdiag.redact import Mask
from tests.diagnosis.example import examples, situation

SHARED = Path(__file__).parents[2].parent / "shared"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the shared folder is not beside this checkout")


def explained(text: str) -> tuple[Diagnosis, ...]:
    return next(explain(io.BytesIO(text.encode()), "-", Mask())).diagnosis


@pytest.mark.parametrize("name", products())
def test_each_product_is_known_by_its_hosts(name: str) -> None:
    for host in products()[name].ends:
        for url in (f"wss://{host}/v1/realtime", f"https://eu.{host}:443/x"):
            assert getattr(product_of_url(url), "name", None) == name, url


@pytest.mark.parametrize(
    "url",
    [
        "wss://api.openai.com/v1/realtime",
        "https://eu.api.openai.com/v1/models",
        "https://my.openai.azure.com/openai/v1/realtime",
        "https://gateway.ai.cloudflare.com/v1/x/y/openai",
        "https://openrouter.ai/api/v1",
        "http://localhost:4000/v1/realtime",
        "https://notdeepgram.com/",
        "https://deepgram.com.evil.example/",
        "/api/token",
        "",
        "://",
    ],
)
def test_what_is_openais_or_nobodys_is_no_other_product(url: str) -> None:
    assert product_of_url(url) is None


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ('{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}', "Deepgram", ""),
        ('{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}', "ElevenLabs", ""),
        ('{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}', "Anthropic", ""),
        ('{"error": {"code": 400, "message": "Bad.", "status": "INVALID_ARGUMENT"}}', "Google's Gemini API", ""),
        ("google.genai.errors.APIError: 1008 None. No access", "Google's Gemini API", "1008 says"),
        ("TwilioRestException: HTTP 401 error: Unable to create record: Authenticate", "Twilio", "a 401 says"),
        ("dial tcp: lookup api.cartesia.ai: no such host", "Cartesia", "the name of that host"),
        ("POST https://api.elevenlabs.io/v1/convai 429 (Too Many Requests)", "ElevenLabs", "a 429 says"),
        ("groq.AuthenticationError: 401 {'error': {'type': 'invalid_request_error'}}", "Groq", "a 401 says"),
        (
            "WebSocket connection to 'wss://api.deepgram.com/v1/listen' failed: \nDisconnected: code=1006 reason=",
            "Deepgram",
            "",
        ),
    ],
)
def test_another_product_is_said_and_no_remedy_of_openais(text: str, name: str, says: str) -> None:
    (told,) = explained(text)
    assert (told.cause, told.confidence) == ("unknown", "low")
    assert told.summary.startswith(f"This comes from {name} (")
    assert says in told.fix
    assert not told.line


@pytest.mark.parametrize(
    "text",
    [
        "I use LiveKit with the OpenAI plugin and get 401 from api.openai.com",
        "My Deepgram key does not work",
        "twilio call to wss://api.openai.com/v1/realtime: received 3000 invalid_request_error.invalid_api_key",
        "litellm: https://api.deepgram.com 401",
        'wss://api.x.ai/v1/realtime {"type":"error","event_id":"event_1","error":{"type":"invalid_request_error"}} session.update',
    ],
)
def test_where_something_is_openais_it_is_judged(text: str) -> None:
    assert product_of(Situation(text)) is None
    assert not any("This comes from" in told.summary for told in explained(text))


def test_what_is_built_alike_is_judged_with_a_doubt() -> None:
    text = (
        'POST https://api.x.ai/v1/realtime/client_secrets 403 (Forbidden)\n{"code":"unauthenticated:bad-credentials"}'
    )
    for told in explained(text):
        assert told.confidence != "high"
        assert any("comes from xAI" in why for why in told.against)


def test_beside_a_failure_of_ours_anothers_is_left_out() -> None:
    text = (
        "POST https://xyz.supabase.co/rest/v1/x 401 (Unauthorized)\n"
        "POST https://api.openai.com/v1/realtime/calls 404 (Not Found)\n"
    )
    assert not any("Supabase" in told.summary for told in explained(text))


def test_no_example_of_a_known_cause_is_taken_for_another_products() -> None:
    found = {str(one): product_of(one.situation) for one in examples()}
    assert {name: product for name, product in found.items() if product and not product.same} == {}


@needs_shared
def test_no_listed_failure_is_taken_for_another_products() -> None:
    entries = yaml.load((SHARED / "errors.yaml").read_text(encoding="utf-8"), Loader=loader())
    taken = {e["id"]: found for e in entries if (found := product_of(situation(e))) and not found.same}
    assert not taken


@needs_shared
def test_a_recording_of_another_product_is_said_to_be_its() -> None:
    text = (SHARED / "inputs" / "supabase.har").read_text(encoding="utf-8")
    (told,) = explain(io.BytesIO(text.encode()), "-", Mask())
    assert not told.diagnosis
    assert "Supabase" in told.note


@pytest.mark.parametrize("pattern", ["a+", "x.*y", "(", "[a-z]*b"])
def test_a_mark_that_is_no_expression_or_has_no_bounds_is_refused(tmp_path: Path, pattern: str) -> None:
    file = tmp_path / "products.yaml"
    file.write_text(json.dumps({"One": {"source": "x", "hosts": [], "errors": [pattern]}}), encoding="utf-8")
    with pytest.raises(BadData, match=r"errors\[0\]"):
        named(Entry, file)
