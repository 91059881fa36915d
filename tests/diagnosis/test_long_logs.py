"""Logs beyond what is read whole: only the lines that can tell are kept, at their places, in linear time and little memory."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.log_lines import is_log_line, tells
from rtdiag.diagnosis.readers import FILE, long_log, pasted, read
from rtdiag.diagnosis.situation import Unreadable
from rtdiag.intake import Limit, Source
from rtdiag.model import Explanation
from rtdiag.redact import Mask

EVENT = {"type": "response.output_audio.delta", "event_id": "event_0", "delta": "A" * 200, "error": None}
ERROR = {
    "type": "error",
    "error": {
        "type": "invalid_request_error",
        "code": "unknown_parameter",
        "message": "Unknown parameter: 'session.input_audio_format'.",
        "param": "session.input_audio_format",
    },
}
MB = 1_000_000


def line(event: object, seconds: int = 1) -> bytes:
    return (
        f"2026-11-20 10:{seconds // 60 % 60:02}:{seconds % 60:02},123 INFO app: received {json.dumps(event)}\n".encode()
    )


def ordinary(size: int) -> bytes:
    return line(EVENT) * (size // len(line(EVENT)))


@pytest.fixture(autouse=True)
def long_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """One megabyte is long, so that the tests are quick."""
    monkeypatch.setattr(pasted, "LARGEST_BYTES", MB)


def explained(raw: bytes) -> Explanation:
    (found,) = explain(io.BytesIO(raw), "-", Mask())
    return found


def test_a_failure_in_the_midst_is_found_and_named_by_its_line() -> None:
    before = ordinary(MB)
    found = explained(before + line(ERROR) + ordinary(MB))
    assert found.form == "event log"
    assert found.diagnosis[0].cause == "flat-beta-fields-in-ga"
    assert f"line {before.count(10) + 1}: " in found.diagnosis[0].evidence[0]
    assert found.note.startswith("of ")
    assert "those that can tell of a failure and those around them" in found.note


def test_a_print_over_many_lines_is_kept_whole() -> None:
    node = (
        b"AuthenticationError: 401 Incorrect API key provided: sk-proj-****0000.\n    at makeStatusError (/app/client.mjs:4) {\n"
        b"  status: 401,\n"
        + b"".join(b"  field%d: 'x',\n" % n for n in range(20))
        + b"  error: {\n    code: 'invalid_api_key'\n  }\n}\n"
    )
    assert explained(ordinary(MB) + node + ordinary(MB)).diagnosis[0].cause == "key-wrong-or-revoked"


def test_in_a_long_log_without_a_failure_nothing_failed() -> None:
    found = explained(ordinary(3 * MB))
    assert found.diagnosis == ()
    assert found.note.startswith("nothing in it failed: the log holds ")
    assert "3 MB" in found.note


def test_lines_that_no_reader_knows_are_judged_each_alone() -> None:
    told = b"2026-11-20 10:00:01 ERROR app: the api says: Your session hit the maximum duration of 60 minutes\n"
    other = b"2026-11-20 10:00:02 WARN app: the microphone is muted, no samples: missing\n"
    found = read(Source(io.BytesIO(ordinary(MB) + told + ordinary(MB) + other), FILE), "-", Mask())
    assert [s.text for s in found.situations] == [told.decode().strip(), other.decode().strip()]


def test_the_same_a_million_times_is_kept_a_few_times() -> None:
    same = b"".join(b"10:00:01 ERROR retry %d of session sess_%012d failed\n" % (n, n) for n in range(40_000))
    kept = long_log.keep(Source(io.BytesIO(same), FILE), "-")
    assert (kept.telling, kept.read) == (5, 40_000)


@pytest.mark.parametrize("raw", [b"x" * (2 * MB), json.dumps([EVENT] * 5000, indent=1).encode()])
def test_what_is_no_log_is_refused_in_one_line(raw: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^standard input is larger than .*give the part around the error$"):
        read(io.BytesIO(raw), "-", Mask())


def test_a_log_without_end_is_read_to_the_limit() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return ordinary(MB)[:size]

    found = read(Source(Endless(), Limit(5 * MB, "give less")), "-", Mask())
    assert "of which no more is read (it is larger than 4 MiB: give less)" in found.note


@pytest.mark.parametrize("size", [40])
def test_the_memory_does_not_grow(tmp_path: Path, size: int) -> None:
    path = tmp_path / "app.log"
    with path.open("wb") as file:
        for _ in range(size):
            file.write(ordinary(MB))
        file.write(line(ERROR))
    run = f"ulimit -v 450000; exec {sys.executable} -m rtdiag explain {path}"
    ended = subprocess.run(["bash", "-c", run], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "flat-beta-fields-in-ga" in ended.stdout


def test_twice_as_much_takes_twice_as_long() -> None:
    hard = b"2026-11-20 10:00:01 ERROR x: {'a': (((( error=Error(error: \n" * 2 + ordinary(2000)

    def seconds(times: int) -> float:
        source = Source(io.BytesIO(hard * times), FILE)
        began = time.process_time()
        long_log.keep(source, "-")
        return time.process_time() - began

    seconds(100)
    assert min(seconds(2000) for _ in range(3)) < 3 * min(seconds(1000) for _ in range(3))


# --- which lines tell


def said() -> Iterator[tuple[str, bool]]:
    yield from (
        ("ERROR app: x", True),
        ("websocket closed 1006", True),
        ("POST /v1/realtime/calls -> 401", True),
        ('"HTTP/1.1 503 Service Unavailable"', True),
        ("getaddrinfo ENOTFOUND api.openai.com", True),
        ("close code=4000", True),
        ("received error=None status=completed", False),
        ('{"type": "response.done", "error": null, "status_details": null}', False),
        ("idle_timeout_ms=6000 expires_at=1796010600", False),
        ("0 errors, 0 warnings", False),
        ("took 401 ms, 512 bytes", False),
        ("item_401 audio_end_ms=2080", False),
        ("HTTP/1.1 201 Created", False),
        ("ICE state changed to checking", False),
    )


@pytest.mark.parametrize(("text", "does"), list(said()))
def test_which_lines_can_tell(text: str, does: bool) -> None:
    assert tells(text) is does


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20 10:00:01 DEBUG x",
        "[10:00:01.123] x",
        "INFO:app:x",
        "INFO: 127.0.0.1 - x",
        "[app] listening",
        "worker-1  | ready",
        "level=info msg=x",
        "2026-11-20T10:00:01Z x",
    ],
)
def test_what_a_log_writes(text: str) -> None:
    assert is_log_line(text)


@pytest.mark.parametrize(
    "text", ["I start the session and nothing happens", "Information is missing", "session.update fails", ""]
)
def test_what_a_person_writes_is_no_line_of_a_log(text: str) -> None:
    assert not is_log_line(text)


# --- a page of ordinary log around a failure

PAGE = "\n".join(
    f"2026-11-20 10:00:0{n},000 INFO app.voice: {said}"
    for n, said in enumerate(
        (
            "starting the voice session with model gpt-realtime, proxy none",
            "ICE gathering candidates, stun and turn",
            "transcription language en, semantic_vad eagerness low",
            "websocket wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1",
            "audio level 0.02, silence 200 ms",
            "response created, waiting for audio",
            "speech started, truncate at audio_end_ms=2080",
            "tools: 2, max_output_tokens=4096",
            "cors middleware ready",
        )
    )
)


@pytest.mark.parametrize(
    "text",
    [
        "AuthenticationError: 401 Incorrect API key provided: sk-proj-****0000.",
        "websocket closed with code 1008",
        "the session says: Your session hit the maximum duration of 60 minutes.",
        "ICE connection state: failed",
        "Error: getaddrinfo ENOTFOUND api.openai.com",
        '{"error": {"message": "Invalid URL (POST /v1/realtime/sessions)", "type": "invalid_request_error"}}',
    ],
)
def test_a_page_of_ordinary_log_around_it_changes_nothing(text: str) -> None:
    alone, among = explained(text.encode()), explained(f"{PAGE}\n{text}\n{PAGE}".encode())
    assert [(d.cause, d.confidence) for d in among.diagnosis] == [(d.cause, d.confidence) for d in alone.diagnosis]
