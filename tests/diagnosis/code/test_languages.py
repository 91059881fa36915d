"""Languages that are read for what is certain: each with what it gets wrong, and with the same words where they do no harm."""

from __future__ import annotations

import json
import textwrap
import time
from datetime import date

import pytest

from rtdiag.diagnosis.code import looks_like_code, scan
from rtdiag.diagnosis.code.languages import tongues
from rtdiag.diagnosis.code.source_text import read

TODAY = date(2026, 11, 22)
OLD = "gpt-4o-realtime-preview"

# name -> (file, code, the lines of each cause)
WRONG: dict[str, tuple[str, str, dict[str, list[int]]]] = {
    "Go": (
        "main.go",
        """
        headers := http.Header{}
        headers.Set("Authorization", "Bearer "+key)
        headers.Set("OpenAI-Beta", "realtime=v1")
        conn, _, err := websocket.DefaultDialer.Dial("wss://api.openai.com/v1/realtime?model=gpt-4o-realtime-preview", headers)
        switch event.Type {
        case "response.audio.delta", "response.audio.done":
        }
        body := []byte(`{"type": "transcription_session.update", "session": {}}`)
        """,
        {"beta-shape-retired": [3, 8], "model-retired": [4], "client-unknown-event": [6]},
    ),
    "Go, a map of headers": (
        "main.go",
        """
        h := http.Header{"Authorization": {"Bearer " + key}, "OpenAI-Beta": {"realtime=v1"}}
        c, err := dial("wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1", h)
        """,
        {"beta-shape-retired": [1]},
    ),
    "Go, a path behind a base": (
        "client.go",
        """
        req, err := http.NewRequest(http.MethodPost, c.openAIBase+"/realtime/sessions", body)
        """,
        {"beta-mint-endpoint-retired": [1]},
    ),
    "C#": (
        "Program.cs",
        """
        ws.Options.SetRequestHeader("OpenAI-Beta", "realtime=v1");
        await ws.ConnectAsync(new Uri($"wss://api.openai.com/v1/realtime?model={Model}"), default);
        const string Model = "gpt-4o-realtime-preview";
        var update = new { type = "session.update", session = new { input_audio_format = "pcm16" } };
        switch (type) { case "response.audio.delta": break; }
        """,
        {"beta-shape-retired": [1], "model-retired": [3], "flat-beta-fields-in-ga": [4], "client-unknown-event": [5]},
    ),
    "C#, a table of handlers": (
        "Events.cs",
        """
        // wss://api.openai.com/v1/realtime
        static readonly Dictionary<string, Action<JObject>> Handlers = new() {
            { "response.audio_transcript.done", j => Show(j) },
            { "session.created", j => Begin(j) },
        };
        """,
        {"client-unknown-event": [3]},
    ),
    "Swift": (
        "Client.swift",
        """
        var request = URLRequest(url: URL(string: "https://api.openai.com/v1/realtime/transcription_sessions")!)
        request.setValue("realtime=v1", forHTTPHeaderField: "OpenAI-Beta")
        if type == "conversation.item.created" { add(item) }
        """,
        {"beta-mint-endpoint-retired": [1], "beta-shape-retired": [2], "client-unknown-event": [3]},
    ),
    "Kotlin": (
        "Client.kt",
        """
        .url("https://api.openai.com/v1/realtime/sessions")
        .addHeader("OpenAI-Beta", "realtime=v1")
        .post("{\\"model\\":\\"gpt-4o-realtime-preview\\"}".toRequestBody())
        when (type) { "response.text.delta" -> show(delta) }
        """,
        {
            "beta-mint-endpoint-retired": [1],
            "beta-shape-retired": [2],
            "model-retired": [3],
            "client-unknown-event": [4],
        },
    ),
    "Java": (
        "Client.java",
        """
        builder.header("OpenAI-Beta", "realtime=v1")
            .buildAsync(URI.create("wss://api.openai.com/v1/realtime?model=gpt-4o-realtime-preview"), listener);
        if ("response.audio.delta".equals(type)) { play(delta); }
        """,
        {"beta-shape-retired": [1], "model-retired": [2]},
    ),
    "Dart": (
        "client.dart",
        """
        final channel = IOWebSocketChannel.connect(
          Uri.parse('wss://api.openai.com/v1/realtime?model=gpt-4o-realtime-preview'),
          headers: {'Authorization': 'Bearer $key', 'OpenAI-Beta': 'realtime=v1'},
        );
        switch (event['type']) { case 'response.audio.delta': play(event); }
        """,
        {"model-retired": [2], "beta-shape-retired": [3], "client-unknown-event": [5]},
    ),
    "Ruby": (
        "client.rb",
        """
        headers = { "Authorization" => "Bearer #{key}", "OpenAI-Beta" => "realtime=v1" }
        ws = connect("wss://api.openai.com/v1/realtime?model=gpt-4o-realtime-preview", headers: headers)
        case event["type"]
        when "response.audio.delta" then play(event)
        end
        """,
        {"beta-shape-retired": [1], "model-retired": [2], "client-unknown-event": [4]},
    ),
    "PHP": (
        "client.php",
        """
        <?php
        $ch = curl_init("https://api.openai.com/v1/realtime/sessions");
        curl_setopt($ch, CURLOPT_HTTPHEADER, ["Authorization: Bearer $key", "OpenAI-Beta: realtime=v1"]);
        """,
        {"beta-mint-endpoint-retired": [2], "beta-shape-retired": [3]},
    ),
    "Rust": (
        "client.rs",
        """
        const URL: &str = "wss://api.openai.com/v1/realtime?model=gpt-4o-realtime-preview";
        request.headers_mut().insert("OpenAI-Beta", "realtime=v1".parse()?);
        match event_type { "response.audio.delta" => play(delta), _ => {} }
        """,
        {"model-retired": [1], "beta-shape-retired": [2], "client-unknown-event": [3]},
    ),
    "shell": (
        "token.sh",
        """
        curl -s https://api.openai.com/v1/realtime/sessions -H "Authorization: Bearer $OPENAI_API_KEY" \\
          -H "OpenAI-Beta: realtime=v1" \\
          -d '{"model": "gpt-4o-realtime-preview"}'
        """,
        {"beta-mint-endpoint-retired": [1], "beta-shape-retired": [2], "model-retired": [3]},
    ),
    "settings": (
        ".env.example",
        """
        # OPENAI_REALTIME_MODEL=gpt-4o-realtime-preview-2024-10-01
        OPENAI_REALTIME_MODEL=gpt-4o-realtime-preview
        SESSION_URL="https://api.openai.com/v1/realtime/sessions"
        VITE_OPENAI_API_KEY=put-yours-here
        """,
        {"model-retired": [2], "beta-mint-endpoint-retired": [3], "api-key-in-browser": [4]},
    ),
    "a list of packages": (
        "package.json",
        '\n{"dependencies": {\n"ws": "8.18.0",\n"@openai/realtime-api-beta": "github:openai/openai-realtime-api-beta"\n}}',
        {"beta-shape-retired": [3]},
    ),
    "requirements": (
        "requirements-dev.txt",
        "\nwebsockets>=15\ngit+https://github.com/openai/openai-realtime-api-beta\n",
        {"beta-shape-retired": [2]},
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_certain_is_found_on_its_line(name: str) -> None:
    file, code, causes = WRONG[name]
    found: dict[str, list[int]] = {}
    for flaw in scan(textwrap.dedent(code).removeprefix("\n"), file, TODAY):
        found.setdefault(flaw.cause, []).append(flaw.line)
    assert {cause: sorted(set(lines)) for cause, lines in found.items()} == causes


PASTED = {
    "Go": 'package main\n\nimport "log"\n\nfunc handle(raw []byte) {\n\tswitch ev.Type {\n'
    '\tcase "response.output_audio.delta":\n\t\tplay(raw)\n\t}\n}',
    "Swift": 'import Foundation\nlet url = URL(string: "wss://api.openai.com/v1/realtime")!\n'
    'func open() async throws {\n  request.setValue("Bearer", forHTTPHeaderField: "Authorization")\n}',
    "PHP": '<?php\n$ch = curl_init("https://api.openai.com/v1/realtime/calls");\n'
    "curl_setopt($ch, CURLOPT_POST, 1);\n$a = curl_exec($ch);",
}


@pytest.mark.parametrize("language", PASTED)
def test_a_paste_is_known_by_its_signs(language: str) -> None:
    assert looks_like_code(PASTED[language])
    assert read(PASTED[language], "-").language == language
    assert scan(PASTED[language], "-", TODAY) == ()


def test_settings_in_a_log_are_no_code() -> None:
    assert not looks_like_code(
        "model = gpt-realtime-2.1\nurl = wss://api.openai.com/v1/realtime\nvoice = verse\nstate = open\n"
    )


def test_every_language_that_is_read_is_among_them() -> None:
    certain = {name for name, tongue in tongues().items() if tongue.rules == "certain"}
    assert certain <= {name.partition(",")[0] for name in WRONG}


RIGHT = {
    "Go, healthy": (
        "t.go",
        'switch ev.Type {\ncase "response.output_audio.delta":\n\tplay(raw)\ncase "error":\n}\n// v1/realtime',
    ),
    "Go, both names": (
        "t.go",
        'switch ev.Type {\ncase "response.audio.delta", "response.output_audio.delta":\n\tplay(raw)\n}',
    ),
    "Go, in a comment": (
        "t.go",
        '// h.Add("OpenAI-Beta", "realtime=v1")\n/* wss://api.openai.com/v1/realtime/sessions */\nx := 1',
    ),
    "Go, a test of its absence": ("t.go", 'if h.Get("OpenAI-Beta") == "realtime=v1" { return errBeta("v1/realtime") }'),
    "Go, a list of models": (
        "t.go",
        'const (\n\tGPT4oRealtimePreview Model = "gpt-4o-realtime-preview"\n)\n// v1/realtime',
    ),
    "Go, a route of one's own": (
        "t.go",
        'mux.HandleFunc("/realtime/sessions", mint) // calls /v1/realtime/client_secrets',
    ),
    "Go, tags of a type": (
        "t.go",
        'type S struct { F string `json:"input_audio_format,omitempty"` }\nconst U = "session.update"',
    ),
    "C#, another's": (
        "t.cs",
        'var u = "wss://x.openai.azure.com/openai/realtime?api-version=1";\nif (t == "response.audio.delta") { }',
    ),
    "Swift, a type": ("t.swift", '@CodedAs("response.audio.delta")\ncase audio(ResponseAudio) // v1/realtime'),
    "Rust, a type": ("t.rs", '#[serde(rename = "response.audio.delta")]\nAudio(Delta), // v1/realtime'),
    "Kotlin, healthy": (
        "t.kt",
        '.url("https://api.openai.com/v1/realtime/client_secrets")\n.post(body) // "session.update"',
    ),
    "Dart, a URL over HTTP that is no offer": (
        "t.dart",
        "final base = 'https://api.openai.com/v1/realtime';\nget('$base/calls');",
    ),
    "shell, a remark": ("t.sh", "# curl https://api.openai.com/v1/realtime/sessions\necho $OPENAI_REALTIME_MODEL"),
    "settings, Azure's": (".env", "AZURE_OPENAI_REALTIME_MODEL=gpt-4o-realtime-preview\n"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_same_words_elsewhere_are_left_alone(name: str) -> None:
    file, code = RIGHT[name]
    assert scan(code, file, TODAY) == ()


def test_a_notebook_is_read_in_its_code_cells_and_says_in_which() -> None:
    header = 'connect("wss://api.openai.com/v1/realtime?model=m", additional_headers={"OpenAI-Beta": "realtime=v1"})'
    cells = [
        {"cell_type": "markdown", "source": [f"{header}\n"]},
        {"cell_type": "code", "source": ["%pip install websockets\n", "import websockets"]},
        {"cell_type": "code", "source": f"async with websockets.{header} as ws:\n    pass"},
    ]
    [flaw] = scan(json.dumps({"cells": cells, "nbformat": 4}), "a.ipynb", TODAY)
    assert (flaw.file, flaw.line) == ("a.ipynb, code cell 2", 1)
    assert scan("{", "a.ipynb", TODAY) == scan('{"cells": 3, "x": "v1/realtime"}', "a.ipynb", TODAY) == ()


@pytest.mark.parametrize(
    "file", [*(f"a{tongue.suffixes[0]}" for tongue in tongues().values() if tongue.rules != "none"), ".env"]
)
def test_no_text_breaks_or_delays_any_language(file: str) -> None:
    texts = [
        "([{" * 2_500,
        '"' * 30_000,
        "'" * 30_000,
        "/* " * 2_500,
        "<<A " * 2_500,
        '"${' * 2_500,
        "\n \n" * 2_500,
        "realtime=v1 " * 2_500,
    ]
    texts += [
        'case "response.audio.delta": ' * 1_000,
        "'response.audio.delta',\n" * 1_000,
        "modalities: [" * 2_500,
        'r#"' * 2_500,
        "a b " * 2_500,
    ]
    for text in texts:
        started = time.process_time()
        scan(f'u = "https://api.openai.com/v1/realtime/sessions";\n{text}', file, TODAY)
        assert time.process_time() - started < 5, text[:20]
