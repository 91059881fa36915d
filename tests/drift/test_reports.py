"""Reports: what is none, what of one cannot be asked again, and whose clock is whose."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from rtdiag.compare.drift import as_cassette
from rtdiag.compare.drift import text as text_of
from rtdiag.recorded import report_in
from tests.drift.runs import compare, differing, exchange, left_out, put, received, report
from tests.forked import rtdiag

MINT = "/realtime/client_secrets"
LONG = 200_000


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"a": 1}', '{"log": {"entries": []}}', "[" * 100_000])
def test_what_is_no_report_is_one_clear_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a report of rtdiag: .+") as caught:
        report_in(text)
    assert "\n" not in str(caught.value)


def test_half_a_report_is_one_clear_line() -> None:
    given = report()
    del given["exchanges"][0]["url"]
    with pytest.raises(ValueError, match=r"^not a whole report of rtdiag: [^\n]*\burl\b[^\n]*$"):
        compare(given)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("exchanges", "url", None),
        ("exchanges", "method", 5),
        ("exchanges", "status", "200"),
        ("exchanges", "status", float("nan")),
        ("exchanges", "status", True),
        ("exchanges", "request_body", {}),
        ("exchanges", "body", 5),
        ("exchanges", "response_headers", [["date", None]]),
        ("exchanges", "failure", "cut"),
        ("events", "raw", None),
        ("events", "type", None),
        ("events", "channel", None),
        ("peers", "phases_ms", None),
        ("peers", "close", "x"),
    ],
)
def test_a_field_of_a_wrong_type_is_one_clear_line(part: str, name: str, value: object) -> None:
    given = report()
    given[part][0][name] = value
    with pytest.raises(ValueError, match=r"^not a (whole )?report of rtdiag: [^\n]+$"):
        compare(given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target", 5),
        ("target", {"base_url": 5}),
        ("exchanges", 5),
        ("peers", [5]),
        ("tool", None),
        ("started_at", "0001-01-01T00:00:00"),
        ("finished_at", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_a_report_whose_parts_are_something_else_is_one_clear_line(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"^not a whole report of rtdiag: [^\n]+$"):
        compare({**report(), name: value})


@pytest.mark.parametrize("end", ["Infinity", "-1e400", "NaN", "1" + "0" * 400])
def test_an_end_that_is_no_time_is_a_difference_and_nothing_follows_from_it(end: str) -> None:
    given = report()
    one = exchange(given, "POST", MINT, 200)
    one["body"] = re.sub(r'"expires_at": \d{5,}', f'"expires_at": {end}', one["body"], count=1)
    (found,) = compare(given).differences
    assert (found.id, found.of, found.here) == (one["id"], "expires_at", "+60 s from then")


@pytest.mark.parametrize("deep", [100, 700, 900, 5_000])
def test_a_body_of_any_depth_is_compared(deep: int) -> None:
    given = report()
    one, refused = exchange(given, "POST", MINT, 200), exchange(given, "GET", "/models", 401)
    one["body"] = one["body"].replace('"session": {', f'"session": {{"deep": {"[" * deep}{"]" * deep}, ', 1)
    refused["body"] = json.dumps({"error": {"code": "@"}}).replace('"@"', "[" * deep + "]" * deep)
    found = compare(given)
    assert differing(found) >= {one["id"], refused["id"]}
    assert longest_line(text_of(found)) < 2_000


def test_half_a_surrogate_is_compared() -> None:
    given = report()
    refused, event = exchange(given, "GET", "/models", 401), received(given, "session.created")[0]
    refused["body"] = refused["body"].replace("Incorrect", "\\ud800")
    event["raw"] = event["raw"].replace('"event_', '"\ud800')
    exchange(given, "POST", MINT, 200)["request_body"] += "\ud800"
    found = compare(given)
    assert {refused["id"], event["id"]} <= differing(found) | left_out(found)
    assert text_of(found).encode()


@pytest.mark.parametrize("error", ['"text"', "[1]", "5"])
def test_an_error_event_of_any_shape_is_compared(error: str) -> None:
    given = report()
    event, _ = received(given, "error")
    event["raw"] = f'{{"type": "error", "error": {error}}}'
    assert event["id"] in differing(compare(given))


@pytest.mark.parametrize("data", ["null", "5", '[{"id": [1]}]'])
def test_a_list_of_models_of_any_shape_is_compared(data: str) -> None:
    given = report()
    one = exchange(given, "GET", "/models", 200)
    one["body"] = f'{{"object": "list", "data": {data}}}'
    assert differing(compare(given)) == {one["id"]}


def test_texts_of_any_length_are_cut() -> None:
    given = report()
    refused, models = exchange(given, "GET", "/models", 401), exchange(given, "GET", "/models", 200)
    refused["body"] = json.dumps({"error": {"code": "c" * LONG, "message": "m" * LONG}})
    models["response_headers"].append(["x-" + "h" * LONG, ""])
    event, said = received(given, "error")
    put(event, {**said, "error": {**said["error"], "type": "t" * LONG}})
    peer = next(p for p in given["peers"] if p["close"])
    peer["close"] = {"code": "4000", "reason": "r" * LONG}
    found = compare(given)
    assert differing(found) >= {refused["id"], models["id"], event["id"], peer["id"]}
    assert longest_line(text_of(found)) < 2_000


def longest_line(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def test_what_an_interrupted_run_did_not_wait_for_is_no_difference() -> None:
    given = report()
    given["interrupted"] = True
    channel = next(e["channel"] for e in given["events"] if e["channel"].startswith("w"))
    of_it = [e for e in given["events"] if e["channel"] == channel]
    given["events"] = [e for e in given["events"] if e not in of_it or e["direction"] == "sent"]
    found = compare(given)
    assert found.differences == ()
    assert channel.partition("/")[0] in left_out(found)
    assert "it was interrupted" in text_of(found)
    given["interrupted"] = False
    assert "session.created" in {d.here for d in compare(given).differences}


@pytest.mark.parametrize(("kind", "expected"), [(None, set()), ("silence", set()), ("closed", {"1006"})])
def test_1006_is_the_servers_close_where_the_connection_broke(kind: str | None, expected: set[str]) -> None:
    given = report()
    peer = next(p for p in given["peers"] if p["id"].startswith("w") and p["close"] is None and p["phases_ms"])
    peer["close"] = {"code": "1006", "reason": ""}
    peer["failure"] = {"kind": kind, "phase": "created", "detail": ""} if kind else None
    assert {d.there for d in compare(given).differences} == expected


@pytest.mark.parametrize("base_url", ["", "http://", "https://shop.example/v1"])
def test_a_report_with_nothing_to_ask_again_is_one_clear_line(base_url: str) -> None:
    given = report()
    given["target"]["base_url"] = base_url
    with pytest.raises(ValueError, match=r"^nothing in this report can be asked again: it went to another server$"):
        compare(given)


def test_a_report_without_exchanges_is_one_clear_line() -> None:
    with pytest.raises(ValueError, match=r"^nothing in this report can be asked again$"):
        compare({**report(), "exchanges": [], "events": [], "peers": []})


def test_a_cassette_names_no_account() -> None:
    given = report()
    one = exchange(given, "GET", "/models", 200)
    named = ["API-Key", "X-Api-Key", "OpenAI-Organization", "openai-project"]
    one["request_headers"] += [[name, "acme-0"] for name in named] + [["OpenAI-Beta", "of-acme"]]
    one["status"] = 503
    text = as_cassette(compare(given))
    assert "acme-0" not in text
    assert "of-acme" in text


def rtdiag_emulator(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return rtdiag("emulator", *map(str, arguments))


def written(folder: Path, given: dict[str, Any]) -> Path:
    (folder / "report.json").write_text(json.dumps(given), encoding="utf-8")
    return folder / "report.json"


@pytest.mark.parametrize(("name", "words"), [("", "that is a folder"), ("none/x.yaml", "there is no folder")])
def test_a_cassette_that_cannot_be_written_is_told_before_anything_is_asked(
    tmp_path: Path, name: str, words: str
) -> None:
    done = rtdiag_emulator("--compare", tmp_path / "there is none.json", "--cassette", tmp_path / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"rtdiag: --cassette {tmp_path}")
    assert words in done.stderr


def test_a_cassette_with_nothing_to_hold_is_told(tmp_path: Path) -> None:
    old = tmp_path / "old.yaml"
    old.write_text("old", encoding="utf-8")
    done = rtdiag_emulator("--compare", written(tmp_path, report()), "--cassette", old)
    assert (done.returncode, old.read_text(encoding="utf-8")) == (0, "old")
    assert done.stderr == f"rtdiag: {old}: not written, for no HTTP exchange differs\n"


def test_a_wrong_report_is_one_line_of_the_command(tmp_path: Path) -> None:
    given = report()
    given["exchanges"][0]["status"] = "200"
    path = written(tmp_path, given)
    done = rtdiag_emulator("--compare", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f'rtdiag: {path}: not a whole report of rtdiag: exchanges[0].status cannot be "200"\n'


def test_an_interrupted_comparison_ends_with_130(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "rtdiag", "emulator", "--compare", str(pipe)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        pipe.open("wb"),  # opens when the command has: it waits for the report now
    ):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "rtdiag: interrupted; nothing was compared to the end\n"


def test_an_empty_host_is_refused() -> None:
    done = rtdiag_emulator("--host", "")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "rtdiag: the host is empty: give an address, such as 127.0.0.1\n"


def test_a_pace_that_is_no_number_is_refused() -> None:
    done = rtdiag_emulator("--pace", "nan")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "rtdiag: the pace is nan: give a number from 0 on, such as 1\n"


def test_a_control_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = rtdiag_emulator("--control-port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert "127.0.0.1 port 0" not in done.stderr
    assert str(port) in done.stderr


def test_what_cannot_be_asked_again_is_said() -> None:
    given = report()
    own, shop = exchange(given, "GET", "/models", 401), exchange(given, "GET", "/models", 200)
    own.update(credential="own-token", request_headers=[["authorization", "Bearer ek_**********************"]])
    shop.update(url="https://shop.example/token")
    cut = next(x for x in given["exchanges"] if x["url"].endswith("/hangup"))
    cut.update(status=None, failure={"kind": "interrupted", "phase": "answer", "detail": "the run was interrupted"})
    found = compare(given)
    assert found.differences == ()
    assert left_out(found) == {own["id"], shop["id"], cut["id"]}
    assert "it went to another server" in text_of(found)


def test_events_whose_channel_is_not_known_are_said() -> None:
    given = report()
    for peer in given["peers"]:
        peer["offered_in"] = None
    found = compare(given)
    assert found.differences == ()
    assert left_out(found) == {e["id"] for e in given["events"]}


def test_audio_is_no_difference_for_a_report_carries_none() -> None:
    given = report()
    event, _ = received(given, "session.created")
    place = given["events"].index(event)
    spoken = {**event, "id": "e900"}
    put(spoken, {"type": "input_audio_buffer.speech_started", "audio_start_ms": 12})
    given["events"].insert(place + 1, spoken)
    found = compare(given)
    assert found.differences == ()
    assert left_out(found) == {"e900"}


def test_a_servers_clock_is_its_own() -> None:
    given = report()
    for one in given["exchanges"]:
        one["response_headers"] = [[k, later(v) if k.lower() == "date" else v] for k, v in one["response_headers"]]
    found = [d for d in compare(given).differences if d.what == "clock"]
    assert [(d.id, d.here) for d in found] == [("run", "the clocks agree")]
    assert re.search(r" \+3[56]\d\d s off ", found[0].there), "an hour, less what the run took"


def later(moment: str) -> str:
    return format_datetime(parsedate_to_datetime(moment) + timedelta(hours=1), usegmt=True)
