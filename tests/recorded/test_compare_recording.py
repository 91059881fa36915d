"""`rtdiag emulator --compare` of a recording: what it lists, its exit code, and one line for a file that cannot be played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from rtdiag.cli import main
from rtdiag.compare.recording.playing import Played
from rtdiag.compare.recording.recording import recording_in
from rtdiag.compare.recording.replaying import compared as compared_events

HEADER = {"family": "openai-ga", "transport": "ws", "recorded_at": "2026-10-01"}
CREATED: Any = {"direction": "received", "data": {"type": "session.created", "session": {"model": "gpt-realtime"}}}
CANCEL: Any = {"direction": "sent", "data": {"type": "response.cancel"}}
REFUSED: Any = {
    "direction": "received",
    "data": {"type": "error", "error": {"code": "response_cancel_not_active", "message": "Cancellation failed: …"}},
}
APPENDED: Any = {"omitted": {"direction": "sent", "type": "input_audio_buffer.append", "count": 10**12}}


def compared(folder: Path, text: str, name: str = "given.yaml", *options: str) -> Result:
    (folder / name).write_text(text, encoding="utf-8")
    return CliRunner().invoke(main, ["emulator", "--compare", str(folder / name), *options])


def recording(*frames: Any, **header: Any) -> str:
    """The YAML of one."""
    return yaml.safe_dump({"header": HEADER | header, "exchanges": [], "frames": list(frames)}, sort_keys=False)


def test_what_is_alike_and_what_is_not(tmp_path: Path) -> None:
    alike = compared(tmp_path, recording(CREATED, CANCEL, REFUSED, kind="as_posted"))
    assert (alike.exit_code, alike.output) == (0, "1 recording played again: no difference.\n")
    other = compared(tmp_path, recording(CREATED, CANCEL, REFUSED))
    assert other.exit_code == 1
    assert "- error error.param, more: there absent; here null\n" in other.output


def test_an_error_that_was_posted_alone_may_differ_for_that(tmp_path: Path) -> None:
    other = compared(tmp_path, recording(CREATED, REFUSED, kind="as_posted"))
    assert (other.exit_code, other.stderr) == (1, "rtdiag: it was posted without what led to it, which may be why\n")


def test_a_session_that_names_no_model_has_one_of_its_day(tmp_path: Path) -> None:
    words = "Error committing input audio buffer: the buffer is empty."
    said: Any = {"direction": "received", "data": {"type": "error", "error": {"message": words}}}
    commit: Any = {"direction": "sent", "data": {"type": "input_audio_buffer.commit"}}
    early = {"family": "openai-beta", "recorded_at": "2024-10-18", "kind": "as_posted"}
    assert compared(tmp_path, recording(commit, said, **early)).output == "1 recording played again: no difference.\n"


def test_an_option_of_serving_is_refused(tmp_path: Path) -> None:
    for option in (("--pace", "0"), ("--profile", "azure"), ("--tls",), ("--port", "1")):
        done = compared(tmp_path, recording(CREATED), "given.yaml", *option)
        assert (done.exit_code, "only --as-of and --cassette go with it" in done.stderr) == (2, True), option


def test_how_many_frames_were_cut_out_need_not_be_known(tmp_path: Path) -> None:
    """They are one piece, as long as the turn that was heard in it."""
    uncounted: Any = {"omitted": {"direction": "sent", "type": "input_audio_buffer.append", "count": None}}
    heard: list[Any] = [
        {"direction": "received", "data": {"type": f"input_audio_buffer.speech_{what}", f"audio_{end}_ms": at_ms}}
        for what, end, at_ms in (("started", "start", 700), ("stopped", "end", 2500))
    ]
    done = compared(tmp_path, recording(CREATED, uncounted, *heard, kind="as_posted"))
    assert done.output.startswith("1 recording played again: no difference.\n"), done.output


def test_odd_names_and_ids_are_compared_as_any() -> None:
    odd: Any = [{"type": "input_audio_buffer.committed", "item_id": [1]}, {"type": "response.output_text.delta", 1: 2}]
    data: Any = [*odd, {"type": "response.output_text.delta", "delta": "a"}]
    played = Played(recording_in(recording(*({"direction": "received", "data": each} for each in data))))
    played.events = played.recording.received
    assert list(compared_events(played)) == []


BAD: dict[str, tuple[str, str]] = {
    "another API": (recording(CREATED, family="gemini"), "of gemini, which the emulator does not speak: openai-ga"),
    "a day before the API": (recording(CREATED, recorded_at="2020-01-01"), "2020-01-01"),
    "bytes": (recording(CREATED, {"direction": "sent", "data": {"type": b"x"}}), "bytes is not JSON serializable"),
    "no number": (recording(CREATED, {"direction": "received", "data": {"a": float("inf")}}), "not JSON compliant"),
    "no day": (recording(CREATED, recorded_at="2026-13-77"), "month must be in 1..12"),
    "no frames": ("header:\n  family: openai-ga\n  transport: ws\nframes: 5\n", "expected array, got int"),
    "no transport": ("header:\n  family: openai-ga\n", "transport"),
    "no YAML": ("header:\n  family: [\n", "line 3"),
    "too much audio": (recording(CREATED, APPENDED), "more than an hour of audio"),
    "a sideband alone": (recording(CREATED, transport="sideband"), "that call's offer must lie beside it"),
    "no request": (
        "header:\n  family: openai-ga\n  transport: http\nexchanges:\n- request: {method: 'A B', url: https://h/v1/realtime}\n"
        "  response: {status: 200}\n",
        "it is no request that can be sent again",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_played_is_one_line(tmp_path: Path, what: str) -> None:
    text, words = BAD[what]
    done = compared(tmp_path, text)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.output
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_recording_makes_no_cassette(tmp_path: Path) -> None:
    done = compared(tmp_path, recording(CREATED), "given.yaml", "--cassette", str(tmp_path / "made.yaml"))
    assert (done.exit_code, "this is a recording" in done.stderr) == (2, True)
