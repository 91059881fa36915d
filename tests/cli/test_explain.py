"""`rtdiag explain` as a user meets it: every form of input, codes, sessions, source code, bad input, and nothing secret shown."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rtdiag.cli import main
from rtdiag.diagnosis import catalogue
from rtdiag.report import render
from rtdiag.testing import run_on_emulator

SHARED = Path(__file__).parents[3] / "shared"
TOKEN = "ek_canary0123456789abcdef0123456789"
KEY = "sk-proj-FAKEcanary0000000000000000000000000000"
REFUSED = (
    '{"error": {"message": "Incorrect API key provided: ek_67e7a*****26ea. You can find your API key at '
    'https://platform.openai.com/account/api-keys.", "type": "invalid_request_error", "param": null, "code": "invalid_api_key"}}'
)


def explain(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(main, ["explain", *arguments], input=stdin, prog_name="rtdiag")


def diagnosed(*arguments: str, stdin: str | bytes = "") -> list[list[str]]:
    """The causes of each entry of the JSON answer."""
    done = explain(*arguments, "-o", "json", stdin=stdin)
    assert done.exit_code == 0, done.output
    return [[d["cause"] for d in entry["diagnosis"]] for entry in json.loads(done.stdout)]


def har(*entries: dict[str, Any]) -> str:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}})


MINTED = {
    "startedDateTime": "2025-03-21T10:00:00.000Z",
    "request": {"method": "POST", "url": "https://app.example/api/token", "headers": []},
    "response": {"status": 200, "content": {"text": json.dumps({"client_secret": {"value": TOKEN, "expires_at": 1}})}},
}
POSTED = {
    "startedDateTime": "2025-03-21T10:00:05.000Z",
    "request": {
        "method": "POST",
        "url": "https://api.openai.com/v1/realtime/transcription_sessions?model=gpt-4o-transcribe",
        "headers": [
            {"name": "Authorization", "value": f"Bearer {TOKEN}"},
            {"name": "Content-Type", "value": "application/sdp"},
        ],
        "postData": {"mimeType": "application/sdp", "text": "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"},
    },
    "response": {"status": 401, "content": {"mimeType": "application/json", "text": REFUSED}},
}
EVENTS = """\
{"type":"session.created","event_id":"event_1","session":{"type":"realtime","object":"realtime.session"}}
{"type":"session.update","event_id":"mine_1","session":{"type":"realtime","turn_detection":{"type":"semantic_vad"}}}
{"type":"error","event_id":"event_2","error":{"type":"invalid_request_error","code":"unknown_parameter",\
"message":"Unknown parameter: 'session.turn_detection'.","param":"session.turn_detection","event_id":"mine_1"}}
"""
CURL = """\
> POST /v1/realtime?model=gpt-realtime HTTP/2
> Host: api.openai.com
> content-type: application/sdp
>
< HTTP/2 400
< content-type: application/json
<
{"error": {"message": "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.",
"type": "invalid_request_error", "code": "beta_api_shape_disabled"}}
"""
FAILED_POST = "app.js:9 POST https://api.openai.com/v1/realtime/calls 401 (Unauthorized)\n"
DESCRIBED = """\
id: 7
request: {method: POST, path: /v1/realtime/sessions, credential: sk}
status: 404
body: 'Invalid URL (POST /v1/realtime/sessions)'
surface: http
dialect: beta
"""


@pytest.mark.parametrize(
    ("text", "form", "cause"),
    [
        (REFUSED, "error body", "ek-sent-to-mint-endpoint"),
        (har(MINTED, POSTED), "HAR", "ek-sent-to-mint-endpoint"),
        (EVENTS, "event log", "flat-beta-fields-in-ga"),
        (CURL, "curl output", "beta-shape-retired"),
        ("4000 invalid_request_error.beta_api_shape_disabled", "close code", "beta-shape-retired"),
        (DESCRIBED, "failure description", "beta-mint-endpoint-retired"),
        ("my assistant keeps interrupting itself on loudspeakers", "text", "echo-triggers-vad"),
        ("HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n" + REFUSED, "HTTP answer", "ek-sent-to-mint-endpoint"),
        ("<html><head><title>502 Proxy</title></head><body>nginx</body></html>", "error body", "generic-server-error"),
        (FAILED_POST + REFUSED, "console paste", "token-of-another-issuer"),
    ],
)  # fmt: skip
def test_each_form_is_told_by_its_content_and_named(text: str, form: str, cause: str) -> None:
    done = explain("-", "-o", "json", stdin=text)
    (entry,) = json.loads(done.stdout)
    assert (done.exit_code, entry["form"], entry["diagnosis"][0]["cause"]) == (0, form, cause)
    assert explain("-", stdin=text).stdout.count("likely cause") == 1


def test_a_list_of_descriptions_is_answered_one_by_one_with_their_ids(tmp_path: Path) -> None:
    entries = [
        {"id": 1, "class": "wrong", "status": 429, "body": '{"error": {"code": "insufficient_quota"}}'},
        {"body": "Missing required parameter: 'session.type'.", "surface": "data_channel"},
    ]
    (tmp_path / "list.json").write_text(json.dumps(entries))
    found = json.loads(explain(str(tmp_path / "list.json"), "-o", "json").stdout)
    assert [(e.get("id"), e["diagnosis"][0]["cause"]) for e in found] == [
        (1, "quota-exhausted"),
        (None, "session-type-missing-ga"),
    ]
    assert "id" not in found[1]


def test_a_diagnosis_says_why_what_to_do_and_who_says_so() -> None:
    text = explain("-", stdin=har(MINTED, POSTED)).stdout
    assert "likely cause (high): ek-sent-to-mint-endpoint" in text
    assert "/v1/realtime/calls" in text
    assert "transcription_sessions" in text
    assert "community.openai.com 1148799" in text


def test_an_unknown_failure_is_called_so_with_the_question_that_decides() -> None:
    text = explain("-", stdin="something is odd here").stdout
    assert "likely cause (low): unknown" in text
    assert "to decide:" in text


PAGE = """\
So this is what I have, taken from the guide:
const start = async () => {
  const token = await fetchToken();
  const pc = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  pc.addTrack(stream.getTracks()[0]);
  const dc = pc.createDataChannel("oai-events");
  dc.onmessage = (e) => { const event = JSON.parse(e.data); if (event.type === "transcription") show(event); };
  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  const base = "https://api.openai.com/v1/realtime/transcription_sessions";
  const answer = await fetch(`${base}?model=gpt-4o-transcribe`, {
    method: "POST", body: offer.sdp,
    headers: { Authorization: `Bearer ${token.value}`, "Content-Type": "application/sdp" },
  });
  await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
};
"""


def test_pasted_code_beside_its_error_gives_both_root_first() -> None:
    (entry,) = json.loads(explain("-", "-o", "json", stdin=f"{PAGE}\nand it says\nSDP response: {REFUSED}\n").stdout)
    assert entry["diagnosis"][0]["cause"] == "ek-sent-to-mint-endpoint"
    found = {flaw["cause"]: flaw for flaw in entry["flaws"]}
    assert set(found) >= {
        "ek-sent-to-mint-endpoint",
        "token-kind-url-mismatch",
        "error-json-used-as-sdp-answer",
        "client-unknown-event",
    }
    assert found["ek-sent-to-mint-endpoint"]["line"] == 11
    assert "realtime/calls" in found["ek-sent-to-mint-endpoint"]["instead"]


def test_a_directory_is_scanned_and_sound_code_is_called_sound(tmp_path: Path) -> None:
    (tmp_path / "app.ts").write_text(PAGE.partition("\n")[2])
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "bad.js").write_text(PAGE)
    (entry,) = json.loads(explain(str(tmp_path), "-o", "json").stdout)
    assert {flaw["file"] for flaw in entry["flaws"]} == {"app.ts"}
    (tmp_path / "app.ts").write_text('export const url = "https://api.openai.com/v1/realtime/calls";\n')
    assert "no call in it is known not to work" in " ".join(explain(str(tmp_path / "app.ts")).stdout.split())
    (tmp_path / "app.ts").write_text("export const answer = 42;\n")
    told = " ".join(explain(str(tmp_path / "app.ts")).stdout.split())
    assert told == f"{tmp_path / 'app.ts'}: source code (1 file read, none of which uses the Realtime API)".replace(
        "  ", " "
    )


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("beta-shape-retired", "OpenAI-Beta"),
        ("session-type-unknown-here", "session-type-unknown-here/gateway"),
        ("sdp", "sdp.answer-realtime"),
        ("token.mint-realtime", "A case of token"),
        ("invalid_api_key", "key-wrong-or-revoked"),
        ("4000", "close code"),
        ("401", "HTTP status"),
        ("HTTP 401", "401 is an HTTP status"),
        ("server_error", "server_error is an error type"),
        ("1000", "1000 is a close code"),
        ("418", "418 is an HTTP status"),
        ("session.update", "session.update is a client event"),
        ("response.audio.delta", "response.audio.delta is a server event"),
        ("invalid_request_error.invalid_model", "invalid_model is an error code"),
    ],
)
def test_a_code_has_a_page(code: str, says: str) -> None:
    done = explain(code)
    assert done.exit_code == 0
    assert says in done.stdout
    (entry,) = json.loads(explain(code, "-o", "json").stdout)
    assert (entry["input"], entry["form"], entry["diagnosis"]) == (code, "code", [])
    assert says in entry["note"]


def test_the_page_of_a_status_lists_all_of_its_causes_the_commonest_first_with_what_decides() -> None:
    text = explain("401").stdout
    (entry,) = json.loads(explain("401", "-o", "json").stdout)
    causes = [c["cause"] for c in entry["candidates"]]
    assert {"key-wrong-or-revoked", "ek-sent-to-mint-endpoint", "no-credential-sent", "sip-invite-refused"} <= set(
        causes
    )
    assert [re.search(rf"^  {cause}: ", text, re.MULTILINE) is not None for cause in causes] == [True] * len(causes)
    assert causes.index("key-wrong-or-revoked") < causes.index("sip-invite-refused")
    assert f"{len(causes)} causes can stand behind it, the commonest first" in text
    assert "What decides: Which credential was sent" in text
    assert entry["decides"] == entry["meaning"]["ask"]
    assert {"kind", "by", "where", "what", "last", "sources"} <= entry["meaning"].keys()


@pytest.mark.parametrize(
    "words", ["my ephemeral token gives 401 on /realtime/calls", "401 Unauthorized", "semantic_vad is not working"]
)
def test_words_that_decide_nothing_get_what_it_may_be_and_the_question(words: str) -> None:
    text = explain("-", stdin=words).stdout
    (entry,) = json.loads(explain("-", "-o", "json", stdin=words).stdout)
    assert entry["diagnosis"][0]["confidence"] == "low"
    assert 5 <= len(entry["candidates"]) <= 10
    assert "could be, the likeliest first" in text
    assert f"to decide: {entry['decides']}" in " ".join(text.split())
    assert "`--brief` prints what a reader" in text


def test_what_is_held_firmly_gets_no_list_of_what_else_it_may_be() -> None:
    done = explain("-", stdin=har(MINTED, POSTED))
    assert "could be" not in done.stdout
    assert "--brief" not in done.stdout


def test_a_brief_is_of_all_inputs_together(tmp_path: Path) -> None:
    (tmp_path / "app.ts").write_text(PAGE.partition("\n")[2])
    (tmp_path / "words.txt").write_text(f"It began on Monday, with the key {KEY}.")
    done = explain("--brief", str(tmp_path / "app.ts"), str(tmp_path / "words.txt"), "-", stdin=REFUSED)
    assert done.exit_code == 0
    assert "A person's words:\n    [" in done.stdout
    assert "It began on Monday" in done.stdout
    assert "Incorrect API key provided: ek_" in done.stdout
    assert "app.ts:11" in done.stdout
    assert "1. ek-sent-to-mint-endpoint: " in done.stdout
    assert KEY not in done.stdout
    told = json.loads(explain("--brief", "401", "-o", "json").stdout)
    assert told["decides"].startswith("Which credential was sent")
    assert len(told["candidates"]) == 10


def test_a_brief_shows_what_rtdiag_finds_nothing_in(tmp_path: Path) -> None:
    healthy = '{"type": "session.created"}\n{"type": "session.updated", "key": "' + KEY + '"}\n'
    text = explain("--brief", "-", stdin=healthy).stdout
    assert '{"type": "session.updated", "key": "sk-proj-***' in text
    (tmp_path / "sound.py").write_text(f'client = OpenAI(api_key="{KEY}")\nprint(client.models.list())\n')
    text = explain("--brief", str(tmp_path / "sound.py")).stdout
    assert "print(client.models.list())" in text
    assert KEY not in text


def test_a_brief_of_a_run_has_its_cases_in_order(tmp_path: Path) -> None:
    report = run_on_emulator(only=["key"], faults=["key-revoked"])
    (tmp_path / "run.json").write_text(render(report, "json"))
    text = explain("--brief", str(tmp_path / "run.json")).stdout
    assert re.search(r"\[key\.accepted\] GET /v1/models with sk -> 401", text)
    assert "1. key-wrong-or-revoked: " in text


def test_every_cause_is_listed_with_its_summary() -> None:
    done = CliRunner().invoke(main, ["list", "--causes", "-o", "json"])
    told = json.loads(done.stdout)
    assert {one["cause"]: one["summary"] for one in told} == {c.code: c.summary for c in catalogue.causes().values()}
    assert all(one.keys() == {"cause", "summary", "ask", "today", "reports"} for one in told)
    table = CliRunner().invoke(main, ["list", "--causes"]).stdout.splitlines()
    assert len(table) == len(told) + 1
    checks = json.loads(CliRunner().invoke(main, ["list", "-o", "json"]).stdout)
    assert {"case": "key.accepted", "title": "does the server take the API key?"} in checks[1]["cases"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        ([], "", "give a file"),
        (["beta-shape-retird"], "", "did you mean beta-shape-retired"),
        (["sever_error"], "", "did you mean server_error"),
        (["sesion.update"], "", "did you mean session.update"),
        (["key.modles"], "", "key.model-"),
        (["401x"], "", "did you mean 401"),
        (["sesion.json"], "", "No such file"),
        (["/no/such/file.har"], "", "No such file"),
        (["401 it says invalid"], "", "rtdiag explain -"),
        (["-"], "", "is empty"),
        (["-"], "\x00\x01\x02" * 50, "is binary"),
        (["--session", "/no/such/file"], "", "No such file"),
        (["--session", "-"], "[1, 2]", "holds no session object"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(arguments: list[str], stdin: str, says: str) -> None:
    done = explain(*arguments, stdin=stdin)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("rtdiag: ")
    assert says in line


def test_an_interrupted_read_still_says_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rtdiag.diagnosis.explaining.explain", interrupted)
    done = explain("sdp", "-")
    assert done.exit_code == 130
    assert "sdp.answer-realtime" in done.stdout


def test_an_unreadable_input_does_not_cost_the_others(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(REFUSED)
    done = explain(str(tmp_path / "bad.txt"), str(tmp_path / "good.json"))
    assert done.exit_code == 2
    assert "ek-sent-to-mint-endpoint" in done.stdout


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"log": {"entries": [null, 7, {"request": null}, {"response": {"content": {"text": 5}}}]}}',
        b'{"log": {"entries": [{"request": {"url": 1, "headers": {"a": 1}}, "response": "x"}',
        b"!!python/object/apply:os.system ['true']",
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nrequest: *c\nbody: *c\nstatus: 1",
        b"request: {path: [1, {a: b}], method: {}}\nstatus: -5\nbody: {error: {code: 7}}\n",
        b"\xff\xfe\xfa\xfb" * 100,
        b"caf\xe9 401 invalid_api_key",
        b'{"error": "' + b"\\u0000\\ud800" * 50 + b'"}',
        b"HTTP/1.1 \n\n",
        b"> POST\n< HTTP/2\n",
    ],
)
def test_hostile_input_is_judged_or_refused_without_a_traceback(hostile: bytes) -> None:
    done = explain("-", "-o", "json", stdin=hostile)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert done.exit_code in (0, 2)
    assert "Traceback" not in done.output
    if done.exit_code == 0:
        assert all(entry["diagnosis"] or entry["note"] for entry in json.loads(done.stdout))


def test_secrets_of_the_input_are_masked_and_counted(tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text(
        f'new OpenAI({{ apiKey: "{KEY}", dangerouslyAllowBrowser: true }}).realtime.connect("gpt-realtime-2.1");\n'
    )
    inputs = {
        "a.har": har(MINTED, POSTED),
        "b.txt": f"Authorization: Bearer {KEY}\n{REFUSED.replace('ek_67e7a*****26ea', TOKEN)}",
        "c.yaml": f"request: {{credential: {TOKEN}, path: '/v1/realtime/calls?key={KEY}'}}\nbody: 'expired {TOKEN}'\nstatus: 401\n",
        "d.log": EVENTS.replace("mine_1", KEY),
    }
    for name, text in inputs.items():
        (tmp_path / name).write_text(text)
    for name in (*inputs, "app.js"):
        for form in ("table", "json"):
            done = explain(str(tmp_path / name), "-o", form)
            assert done.exit_code == 0
            assert KEY not in done.output
            assert TOKEN not in done.output
    for form in ("table", "json"):
        assert re.search(r"rtdiag: masked [1-9]\d* secret", explain(str(tmp_path / "b.txt"), "-o", form).stderr)


@pytest.mark.parametrize("given", [KEY, f"/no/such/{TOKEN}", f"why {KEY}"])
def test_a_secret_given_as_an_input_is_not_repeated(given: str) -> None:
    done = explain(given)
    assert done.exit_code == 2
    assert KEY not in done.output
    assert TOKEN not in done.output


def test_a_session_is_made_that_should_work_and_every_change_is_told(tmp_path: Path) -> None:
    mine = tmp_path / "session.json"
    mine.write_text(
        '{"turn_detection": {"type": "semantic_vad", "threshold": 0.4}, "voice": "nova", "modalities": ["audio", "text"]}'
    )
    done = explain("--session", str(mine), "--type", "realtime", "--as-of", "2026-11-22")
    session = json.loads(done.stdout)
    assert session["audio"]["input"]["turn_detection"] == {"type": "semantic_vad"}
    assert session["output_modalities"] == ["audio"]
    assert "voice" not in session
    assert "threshold" in done.stderr
    again = json.loads(explain("--session", "-", "-o", "json", "--as-of", "2026-11-22", stdin=done.stdout).stdout)
    assert again["session"] == session
    assert again["changes"] == []


def test_a_secret_in_a_session_is_masked() -> None:
    done = explain("--session", "-", stdin=json.dumps({"type": "realtime", "instructions": f"the key is {KEY}"}))
    assert done.exit_code == 0
    assert KEY not in done.output
    assert "the key is sk-proj-***" in done.stdout


needs_thread = pytest.mark.skipif(not (SHARED / "thread.txt").exists(), reason="thread.txt is not beside this checkout")


def thread(begin: str, end: str) -> str:
    text = (SHARED / "thread.txt").read_text(encoding="utf-8")
    start = text.index(begin)
    return text[start : text.index(end, start)]


@needs_thread
@pytest.mark.parametrize(
    ("begin", "end", "cause"),
    [
        ("SDP response: {", "Confirming that", "ek-sent-to-mint-endpoint"),
        ("Confirming that", "@dkundel", "ek-sent-to-mint-endpoint"),
        ("@dkundel", "I was able", "ek-sent-to-mint-endpoint"),
        ("I was able", "Following the doc", "semantic-vad-not-accepted"),
        ("Data channel message:\n", "When trying", "realtime-update-on-transcription-session"),
        ("Following the doc", "When trying", "realtime-update-on-transcription-session"),
        ("thanks, I was able", "I described", "semantic-vad-accepted-but-not-effective"),
    ],
)
def test_each_piece_of_the_founding_thread_leads_where_it_should(begin: str, end: str, cause: str) -> None:
    assert diagnosed("-", stdin=thread(begin, end))[0][0] == cause


@needs_thread
def test_the_code_of_the_founding_thread_shows_its_mistakes() -> None:
    code = thread("const startRecording", "error\nSDP response")
    (entry,) = json.loads(explain("-", "-o", "json", stdin=code).stdout)
    found = {flaw["cause"] for flaw in entry["flaws"]}
    assert found >= {
        "ek-sent-to-mint-endpoint",
        "token-kind-url-mismatch",
        "error-json-used-as-sdp-answer",
        "client-unknown-event",
    }


@needs_thread
def test_the_whole_thread_gives_its_code_and_its_errors() -> None:
    (entry,) = json.loads(explain(os.fspath(SHARED / "thread.txt"), "-o", "json").stdout)
    causes = [d["cause"] for d in entry["diagnosis"]]
    assert causes[0] == "ek-sent-to-mint-endpoint"
    assert "realtime-update-on-transcription-session" in causes
    assert entry["flaws"]


@pytest.mark.parametrize("asked", ["-", "key-wrong-or-revoked", "401"])
def test_what_is_explained_fits_the_terminal(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines to run or to change stay whole, so that they can be copied; words are never broken."""
    monkeypatch.setattr("rtdiag.cli.terminal.width", lambda: 60)
    done = CliRunner().invoke(main, ["explain", asked], input=REFUSED)
    told = [line for line in done.stdout.splitlines() if len(line) > 60]
    known = {cause.line for cause in catalogue.causes().values()}
    assert not [line for line in told if line.strip().removeprefix("the line: ") not in known]
    assert len(done.stdout.splitlines()) > 5
