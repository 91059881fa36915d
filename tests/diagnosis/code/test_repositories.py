"""A directory as a whole: what its files say of each other, what is not accused, and what is said not to have been read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from rtdiag.diagnosis.code import scan_path
from rtdiag.diagnosis.explaining import explain_input
from rtdiag.model import Explanation
from rtdiag.redact import Mask

TODAY = date(2026, 11, 22)
OPENAI = 'export const URL = "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1";\n'
QWEN = 'export const URL = "wss://dashscope.aliyuncs.com/api-ws/v1/realtime?model=qwen3-omni";\n'
SENDS = 'send({ type: "session.update", session: { voice: "verse", modalities: ["text", "audio"] } });\n'
HEARS = 'if (event.type === "response.audio.delta") play(event);\n'
WRONG = 'new WebSocket("wss://api.openai.com/v1/realtime/sessions");\n'
SOUND = "no call in it is known not to work"


def laid(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def told(path: Path) -> Explanation:
    [one] = explain_input(str(path), Mask())
    return one


@pytest.mark.parametrize(
    ("others", "confidence"),
    [
        ({}, "medium"),
        ({"url.ts": OPENAI}, "high"),
        ({"url.ts": OPENAI, "qwen.ts": QWEN}, "medium"),
        ({"qwen.ts": QWEN}, None),
        ({"app.py": "from openai import OpenAI\n"}, "high"),
    ],
)
def test_a_file_that_only_sends_or_hears_belongs_to_its_repository(
    others: dict[str, str], confidence: str | None, tmp_path: Path
) -> None:
    flaws = scan_path(laid(tmp_path, {"a.ts": SENDS, "b.ts": HEARS, **others}), Mask(), TODAY).flaws
    assert {flaw.confidence for flaw in flaws} == ({confidence} if confidence else set())
    assert {flaw.cause for flaw in flaws} == (
        {"flat-beta-fields-in-ga", "session-type-missing-ga", "client-unknown-event"} if confidence else set()
    )


def test_a_file_that_is_called_after_another_provider_is_its_own(tmp_path: Path) -> None:
    files = {"url.ts": OPENAI, "VoiceLiveConnection.ts": HEARS, "azure_client.py": SENDS}
    assert scan_path(laid(tmp_path, files), Mask(), TODAY).flaws == ()


def test_a_second_provider_silences_only_its_own_calls(tmp_path: Path) -> None:
    ours = f'function ours() {{\n  const ws = new WebSocket("wss://api.openai.com/v1/realtime?model=m");\n  {SENDS}}}\n'
    theirs = f'function theirs() {{\n  const ws = new WebSocket("wss://api.x.ai/v1/realtime?model=m");\n  {SENDS}}}\n'
    flaws = scan_path(laid(tmp_path, {"a.js": ours + theirs}), Mask(), TODAY).flaws
    assert {flaw.line for flaw in flaws} == {3}
    python = 'def ours():\n    connect("wss://api.openai.com/v1/realtime", "OpenAI-Beta: realtime=v1")\n'
    python += 'def theirs():\n    connect("wss://x.openai.azure.com/openai/realtime", "OpenAI-Beta: realtime=v1")\n'
    assert [f.line for f in scan_path(laid(tmp_path / "p", {"a.py": python}), Mask(), TODAY).flaws] == [2]


@pytest.mark.parametrize(
    "name",
    [
        "__tests__/a.ts",
        "tests/a.py",
        "a.test.ts",
        "a_test.go",
        "test_a.py",
        "ATest.java",
        "types/openai.d.ts",
        "spec/a_spec.rb",
    ],
)
def test_tests_and_declarations_are_not_accused_but_told(name: str, tmp_path: Path) -> None:
    scanned = scan_path(laid(tmp_path, {name: WRONG + HEARS, "app.ts": OPENAI}), Mask(), TODAY)
    assert (scanned.flaws, scanned.files) == ((), 1)
    assert "1 file of tests or type declarations passed over" in scanned.notes


def test_a_test_that_is_asked_for_by_name_is_read(tmp_path: Path) -> None:
    assert scan_path(laid(tmp_path, {"a.test.ts": WRONG}) / "a.test.ts", Mask(), TODAY).flaws


def test_languages_that_are_not_read_are_named_with_their_number(tmp_path: Path) -> None:
    note = told(laid(tmp_path, {"a.ts": OPENAI, "b.zig": "", "c.zig": "", "d.ex": "", "notes.md": ""})).note
    assert note.startswith("1 file read, 1 of which uses the Realtime API; no call in it is known not to work, ")
    assert note.endswith("not read, so nothing is known of them: 1 file of Elixir, 2 files of Zig")


@pytest.mark.parametrize("name", ["main.zig", "main.cpp", "app.ex", "Client.scala", "Main.hs"])
def test_a_file_that_is_not_read_gets_no_all_clear(name: str, tmp_path: Path) -> None:
    found = told(laid(tmp_path, {name: f'send("{WRONG}")'}) / name)
    assert (found.diagnosis, found.flaws) == ((), ())
    assert "not read" in found.note
    assert SOUND not in found.note


def test_there_is_no_all_clear_where_nothing_uses_the_api(tmp_path: Path) -> None:
    assert (
        told(laid(tmp_path, {"a.ts": "export const a = 1;\n"})).note
        == "1 file read, none of which uses the Realtime API"
    )


@pytest.mark.parametrize(
    "code",
    [
        'const handlers = {\n  "response.audio.delta": (event) => play(event),\n};',
        'dispatcher.register("response.audio.delta", play);',
        'socket.on("response.audio.delta", play);',
        'api.onMessage("response.audio.delta", play);',
        'const AUDIO = new Set(["response.audio.delta"]);',
        'if (["response.audio.delta", "error"].includes(event.type)) play(event);',
        'if (event.type !== "response.audio.delta") return;',
    ],
)
def test_a_name_of_the_beta_is_found_wherever_it_is_waited_for(code: str, tmp_path: Path) -> None:
    [flaw] = scan_path(laid(tmp_path, {"a.ts": OPENAI, "b.ts": f"{code}\n"}), Mask(), TODAY).flaws
    assert (flaw.file, flaw.cause) == ("b.ts", "client-unknown-event")
    assert '"response.output_audio.delta"' in flaw.instead


@pytest.mark.parametrize(
    "code",
    [
        'emit({ type: "response.audio.delta", delta });',
        'interface Delta {\n  type: "response.audio.delta";\n}',
        'type Name = "response.audio.delta" | "response.output_audio.delta";',
        'interface Events {\n  "response.audio.delta": Delta;\n}',
        'const NAMES = ["response.audio.delta", "response.output_audio.delta"];',
    ],
)
def test_a_name_that_nobody_waits_for_is_left_alone(code: str, tmp_path: Path) -> None:
    assert scan_path(laid(tmp_path, {"a.ts": OPENAI, "b.ts": f"{code}\n"}), Mask(), TODAY).flaws == ()


@pytest.mark.parametrize(
    "code",
    [
        'const BASE = process.env.OPENAI_BASE_URL || "https://api.openai.com/v1";\n'
        'fetch(`${BASE}/realtime/sessions`, { method: "POST" });',
        'const r = await fetch(config.openai.baseUrl + "/v1/realtime/sessions", { method: "POST" });',
        'const r = await fetch(`${process.env.OPENAI_BASE_URL}/realtime/sessions`, { method: "POST" });',
        'export const SESSIONS_URL = "https://api.openai.com/v1/realtime/sessions";',
    ],
)
def test_a_url_that_is_put_together_is_still_one(code: str, tmp_path: Path) -> None:
    flaws = scan_path(laid(tmp_path, {"a.ts": f"{code}\n"}), Mask(), TODAY).flaws
    assert [flaw.cause for flaw in flaws] == ["beta-mint-endpoint-retired"]


@pytest.mark.parametrize(
    "code",
    ['fetch("/realtime/sessions")', 'app.post("/v1/realtime/sessions", mint)', "fetch(`${API}/realtime/sessions`)"],
)
def test_a_route_of_ones_own_server_is_none(code: str, tmp_path: Path) -> None:
    assert scan_path(laid(tmp_path, {"a.ts": f"{code};\n", "b.ts": OPENAI}), Mask(), TODAY).flaws == ()


@pytest.mark.parametrize(
    "code",
    [
        'export const DEFAULTS = { session: { voice: "alloy", modalities: ["text"], input_audio_transcription: null } };',
        'function open(session = { voice: "alloy", output_audio_format: "pcm16" }) { return session; }',
        '<Client session={{ voice: "alloy", modalities: ["text"], turn_detection: null }} />;',
        'client.updateSession({ modalities: ["text"], turn_detection: null });',
        'const sessionConfig: Config = { instructions, input_audio_format: "pcm16" };',
    ],
)
def test_a_session_is_found_in_defaults_and_variables(code: str, tmp_path: Path) -> None:
    flaws = scan_path(laid(tmp_path, {"a.ts": OPENAI, "b.tsx": f"{code}\n"}), Mask(), TODAY).flaws
    assert [flaw.cause for flaw in flaws] == ["flat-beta-fields-in-ga"]


@pytest.mark.parametrize(
    "code",
    [
        "interface Session {\n  modalities: string[];\n  input_audio_format: string;\n}",
        'const session = { voice: "alloy", modalities: ["text"], inputAudioFormat: "pcm16" };',
        "const row = { modalities: row.modalities, voice: row.voice };",
    ],
)
def test_a_type_and_another_librarys_session_are_left_alone(code: str, tmp_path: Path) -> None:
    assert scan_path(laid(tmp_path, {"a.ts": OPENAI, "b.ts": f"{code}\n"}), Mask(), TODAY).flaws == ()


def test_a_session_that_is_computed_is_not_known(tmp_path: Path) -> None:
    code = 'session = {k: v for k, v in given.items() if v}\nsend({"type": "session.update", "session": session})\n'
    assert scan_path(laid(tmp_path, {"a.ts": OPENAI, "b.py": code}), Mask(), TODAY).flaws == ()


def test_many_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    """No file is held longer than it is judged: what a scan keeps are names and flaws."""
    import tracemalloc

    page = OPENAI + "const a = [1, 2, 3];\n" * 40
    laid(tmp_path, {f"src/{number // 50}/{number}.ts": page for number in range(500)})
    tracemalloc.start()
    scanned = scan_path(tmp_path, Mask(), TODAY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (scanned.files, scanned.using, scanned.flaws) == (500, 500, ())
    assert peak < 8 << 20
