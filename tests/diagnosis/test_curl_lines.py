"""Command lines of curl without an answer: what is asked, and what in it is known not to work."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.readers import Read, read
from rtdiag.diagnosis.readers.curl_command import Command, command_at
from rtdiag.model import Explanation
from rtdiag.redact import Mask

INPUTS = Path(__file__).parents[2].parent / "shared" / "inputs"
API = "https://api.openai.com/v1"
KEY = "-H 'Authorization: Bearer sk-proj-not-a-real-key-0000'"
JSON = "-H 'Content-Type: application/json'"
FORM = "application/x-www-form-urlencoded"
SESSION = '-d \'{"session": {"type": "realtime"}}\''


def reading(text: str) -> Read:
    return read(io.BytesIO(text.encode()), "-", Mask())


def explained(text: str) -> Explanation:
    (found,) = explain(io.BytesIO(text.encode()), "-", Mask())
    return found


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("curl -sXPOST https://x.example/v1", Command("https://x.example/v1", "POST")),
        ("curl -sSL -HAccept:a https://x.example", Command("https://x.example", "GET", [("Accept", "a")])),
        ("curl --header='A: b' -o out --url https://x.example", Command("https://x.example", "GET", [("A", " b")])),
        ("curl --oauth2-bearer t https://x.example", Command("https://x.example", "GET", [("authorization", "Bearer t")])),
        ("curl -d@f x.example/v1", Command("https://x.example/v1", "POST", [("content-type", FORM)], "@f")),
        ("curl -sd 'a b' -H 'content-type: x' https://x", Command("https://x", "POST", [("content-type", " x")], "a b")),
    ],
)  # fmt: skip
def test_options_are_read_as_curl_reads_them(line: str, asked: Command) -> None:
    assert command_at([line], 0) == (asked, 1)


@pytest.mark.parametrize("end", [" \\", " ^", " `"])
def test_a_command_goes_on_over_lines_in_every_shell(end: str) -> None:
    rows = [f"curl https://x.example{end}", f"  -H 'A: b'{end}", "  -d c", "next"]
    command, after = command_at(rows, 0)
    assert (command.url, command.headers[0], command.body, after) == ("https://x.example", ("A", " b"), "c", 3)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (f"curl {API}/realtime/sessions {KEY} {JSON} -d '{{}}'", "beta-mint-endpoint-retired"),
        (
            f"$ curl -XPOST {API}/realtime/transcription_sessions {KEY} {JSON} --data '{{}}'",
            "beta-mint-endpoint-retired",
        ),
        (
            f"curl {API}/realtime/client_secrets {KEY} {JSON} -H 'OpenAI-Beta: realtime=v1' {SESSION}",
            "beta-shape-retired",
        ),
        (f"curl {API}/realtime/client_secrets {JSON} {SESSION}", "no-credential-sent"),
        (f"curl {API}/realtime/client_secrets -H 'Token: sk-proj-x' {JSON} {SESSION}", "no-credential-sent"),
        (f"curl {API}/realtime/client_secrets {KEY} {SESSION}", "sdp-content-type"),
        (f"curl {API}/realtime/calls {KEY.replace('sk-proj', 'ek')} --data-binary @offer.sdp", "sdp-content-type"),
        (
            f"curl {API}/realtime/calls {KEY} -H 'Content-Type: application/sdp' --data-binary @o",
            "raw-sdp-with-project-key",
        ),
    ],
)
def test_what_is_known_not_to_work_is_said_and_never_with_high_confidence(line: str, cause: str) -> None:
    found = explained(line)
    assert found.form == "curl command"
    assert (found.diagnosis[0].cause, found.diagnosis[0].confidence) == (cause, "medium")


@pytest.mark.parametrize(
    "line",
    [
        f"curl {API}/realtime/client_secrets {KEY} {JSON} {SESSION}",
        f"```sh\ncurl {API}/realtime/client_secrets \\\n  {KEY} \\\n  --json '{{}}'\n```",
        f"curl -X POST {API}/realtime/calls {KEY} -F 'sdp=<offer.sdp;type=application/sdp' -F session='{{}}'",
        "curl http://localhost:8000/v1/realtime/sessions -d '{}'",
    ],
)
def test_a_request_that_may_work_is_not_blamed(line: str) -> None:
    found = explained(line)
    assert (found.form, found.diagnosis) == ("curl command", ())
    assert found.note.endswith("of which nothing is known not to work: run it with -i, and give what it prints")


def test_an_answer_beside_it_is_what_counts() -> None:
    bare = f"curl {API}/realtime/sessions {KEY} -d '{{}}'\n"
    answered = bare + '{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
    assert explained(answered).diagnosis[0].cause == "quota-exhausted"
    assert (
        explained(bare + "curl: (6) Could not resolve host: api.openai.com").diagnosis[0].cause == "network-unreachable"
    )
    with_i = bare + 'HTTP/2 401\ncontent-type: application/json\n\n{"error": {"code": "invalid_api_key"}}'
    assert reading(with_i).situations[0].status == 401


def test_a_word_beside_it_is_none() -> None:
    assert explained(f"Is this right?\ncurl {API}/realtime/sessions {KEY} -d '{{}}'").form == "curl command"


@pytest.mark.skipif(not INPUTS.exists(), reason="no shared/inputs beside the checkout")
def test_the_input_of_the_beta_mint() -> None:
    text = (INPUTS / "curl-beta-mint.txt").read_text(encoding="utf-8")
    assert [d.cause for d in explained(text).diagnosis] == ["beta-mint-endpoint-retired"]
