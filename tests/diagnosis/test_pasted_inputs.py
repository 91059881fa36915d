"""What people paste, made after what explain was wrong about: the table of ../shared/inputs, row by row."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from rtdiag.diagnosis.explaining import explain, explain_input
from rtdiag.model import Explanation
from rtdiag.redact import Mask

INPUTS = Path(__file__).parents[2].parent / "shared" / "inputs"
needs_inputs = pytest.mark.skipif(not INPUTS.exists(), reason="no shared/inputs beside the checkout")


def of_text(text: str) -> Explanation:
    [one] = explain(io.BytesIO(text.encode()), "-", Mask())
    return one


def firm(one: Explanation) -> list[str]:
    """The causes that are held at least with medium confidence."""
    return [d.cause for d in one.diagnosis if d.confidence != "low"]


FIRST = {
    "body-401-param-last.txt": "key-wrong-or-revoked",
    "node-401.txt": "key-wrong-or-revoked",
    "node-401-tail.txt": "key-wrong-or-revoked",
    "dotnet-401.txt": "key-wrong-or-revoked",
    "fetch-mode-cors.txt": "key-wrong-or-revoked",
    "node-404-with-headers.txt": "beta-mint-endpoint-retired",
    "dotnet-404.txt": "beta-mint-endpoint-retired",
    "invalid-url.txt": "beta-mint-endpoint-retired",
    "invalid-url-404.txt": "beta-mint-endpoint-retired",
    "curl-beta-mint.txt": "beta-mint-endpoint-retired",
    "node-429-with-headers.txt": "rate-limit",
    "works-but-429.txt": "rate-limit",
    "tungstenite-403.txt": "websocket-upgrade-refused",
    "dotnet-upgrade-401.txt": "websocket-upgrade-refused",
    "okhttp-upgrade-401.txt": "websocket-upgrade-refused",
}
NOTHING_FAILED = (
    "python-events-healthy.txt",
    "log-speech-stopped.txt",
    "ice-connected.txt",
    "ice-connected-prose.txt",
    "one-event.txt",
)


@needs_inputs
@pytest.mark.parametrize("name", FIRST)
def test_a_paste_gives_its_cause_and_no_cors(name: str) -> None:
    [one] = explain_input(str(INPUTS / name), Mask())
    assert one.diagnosis[0].cause == FIRST[name]
    assert "cors" not in {d.cause for d in one.diagnosis}
    assert set(firm(one)) <= {FIRST[name]}


@needs_inputs
@pytest.mark.parametrize("name", NOTHING_FAILED)
def test_what_went_well_is_no_failure(name: str) -> None:
    [one] = explain_input(str(INPUTS / name), Mask())
    assert not one.diagnosis
    assert one.note


@needs_inputs
def test_an_offer_that_the_own_server_refuses_is_ranked() -> None:
    [one] = explain_input(str(INPUTS / "offer-404.txt"), Mask())
    assert one.diagnosis[0].cause != "unknown" or one.candidates
    assert not [d for d in one.diagnosis if d.confidence == "high"]


@needs_inputs
@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("root.har", "key-wrong-or-revoked"),
        ("root1.har", "key-wrong-or-revoked"),
        ("offer.har", "key-wrong-or-revoked"),
    ],
)
def test_a_har_gives_the_root_first(name: str, first: str) -> None:
    [one] = explain_input(str(INPUTS / name), Mask())
    assert one.diagnosis[0].cause == first
    assert firm(one) == [first]


@needs_inputs
def test_a_har_of_another_product_is_said_to_be_its() -> None:
    [one] = explain_input(str(INPUTS / "supabase.har"), Mask())
    assert not firm(one)
    assert "Supabase" in one.note


@pytest.mark.parametrize(
    "text",
    [
        "Unknown user 'bob' asked for a voice memo",
        "Voice chat took too long to start",
        "supports_websockets = true",
        "There is no CORS error in the console",
        "My ephemeral token is not expired",
        "not a quota or rate limit problem",
        "ssl is on, nothing failed",
        "I do not get ENOTFOUND any more",
        "app.use(cors())",
    ],
)
def test_what_tells_of_no_failure_of_ours_is_unknown(text: str) -> None:
    assert [d.cause for d in of_text(text).diagnosis] == ["unknown"]


@pytest.mark.parametrize(
    "text",
    [
        "my ephemeral token gives 401 on /realtime/calls",
        "401 Unauthorized",
        "HTTP 401",
        "session.update does nothing",
        "semantic_vad is not working",
    ],
)
def test_a_few_words_get_a_ranked_list_and_the_question_that_decides(text: str) -> None:
    one = of_text(text)
    assert one.diagnosis[0].cause != "unknown"
    assert len(one.candidates) > 1
    assert one.decides
    assert not firm(one)


def test_a_beta_that_is_not_known_is_not_a_voice() -> None:
    assert (
        of_text("I use the voice alloy. Unknown beta requested: 'realtime'.").diagnosis[0].cause == "beta-shape-retired"
    )


def test_an_event_that_is_printed_with_a_limit_of_tokens_has_not_failed() -> None:
    session = "Session(max_output_tokens=4096, type='realtime')"
    event = f"SessionUpdatedEvent(event_id='event_1', session={session}, type='session.updated')"
    assert not of_text(event).diagnosis


def test_a_line_of_aiohttp_names_its_parameter_ssl_and_says_nothing_of_tls() -> None:
    line = "Cannot connect to host api.openai.com:443 ssl:default [Connect call failed ('162.159.140.245', 443)]"
    assert firm(of_text(f"aiohttp.client_exceptions.ClientConnectorError: {line}")) == ["network-unreachable"]


def test_an_id_of_ones_own_comes_back_as_given() -> None:
    [one] = explain(io.BytesIO(b'[{"id": "ek-401-sk-works-here", "body": "401", "surface": "http"}]'), "-", Mask())
    assert one.id == "ek-401-sk-works-here"
