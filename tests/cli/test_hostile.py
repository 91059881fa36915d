"""What a server says steers no terminal, loses no report and carries no secret out, however it is spelt."""

from __future__ import annotations

import asyncio
import base64
import json
import unicodedata
from pathlib import Path

import pytest

from rtdiag.cli.files import whole
from rtdiag.cli.terminal import show
from rtdiag.recorded import unfolding
from rtdiag.redact import Mask
from rtdiag.report import cassette
from rtdiag.report.spelling import spelt
from rtdiag.transport.http import masked_headers, recorded

KEY = "sk-proj-FAKE-hostile-0000000000000000"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
        ("\x1b[2J\x1b[31mred\x1b[8m", "\\u001b[2J\\u001b[31mred\\u001b[8m"),
        ("a\rb\r\nc\td\n", "a\\u000db\nc   d\n"),
        ("\u202etxt.exe \u200b\u2028\U000e0041", "\\u202etxt.exe \\u200b\\u2028\\udb40\\udc41"),
        ("\ud800 \x9b \x00", "\\ud800 \\u009b \\u0000"),
        ("wörtlich … ✓ 😀", "wörtlich … ✓ 😀"),
    ],
)
def test_control_characters_are_spelt_out_and_nothing_else(said: str, shown: str) -> None:
    assert spelt(said) == shown
    text = json.dumps({"said": said}, ensure_ascii=False)
    assert json.loads(spelt(text)) == {"said": said}, "in JSON they are the same text"


def test_no_character_that_is_unseen_stays_as_it_is() -> None:
    unseen = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    told = {c: spelt(c) for c in unseen if c not in "\n\t"}
    assert all(text.isascii() and json.loads(f'"{text}"') == c for c, text in told.items())


@pytest.mark.parametrize(
    "text", ["a\u200db", "\u202eb", "\xad", "a\tb\r\nc\rd", "\x85\x9b\x7f", "x\u2028y", "a\U000e0041b"]
)
def test_a_cassette_keeps_what_it_has_to_spell(text: str) -> None:
    assert unfolding.parsed(spelt(cassette.dumped({"held": text}))) == {"held": text}


def test_a_lone_surrogate_loses_no_report(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    whole(str(tmp_path / "report.txt"), "bad \ud800 good")
    show("bad \ud800 good")
    assert (tmp_path / "report.txt").read_text(encoding="utf-8") == "bad \\ud800 good"
    assert capfdbinary.readouterr().out == b"bad \\ud800 good"


def in_json(value: str) -> str:
    return "".join(f"\\u{ord(c):04X}" if n % 3 else c for n, c in enumerate(value))


def test_a_secret_is_masked_however_json_spells_it() -> None:
    mask = Mask()
    mask.learn(KEY)
    hidden = mask(json.dumps({"a": "x"})[:-1] + f', "k": "{in_json(KEY)}"}}', "test")
    assert KEY not in json.dumps(json.loads(hidden))


def test_a_secret_is_masked_in_bytes_and_in_the_names_of_headers() -> None:
    mask = Mask()
    mask.learn(KEY)
    body, encoding = recorded(b"\xff\xfe" + KEY.encode() + b"\x00", mask)
    assert encoding == "base64"
    assert KEY.encode() not in base64.b64decode(body)
    assert base64.b64decode(body).startswith(b"\xff\xfe")
    ((name, value),) = masked_headers([(f"x-{KEY}", f"v {KEY}")], mask)
    assert KEY not in name + value


def test_what_a_server_echoes_over_a_socket_is_in_no_record() -> None:
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.datastructures import Headers
    from websockets.http11 import Request, Response

    from rtdiag.redact import Secret
    from rtdiag.report.json import plain
    from rtdiag.transport.http import Credential
    from rtdiag.transport.recorder import Deadlines, Recorder
    from rtdiag.transport.ways import Ways
    from rtdiag.transport.websocket import Socket

    def echo(_: ServerConnection, __: Request, response: Response) -> Response:
        response.headers.update(Headers({"x-request-id": KEY, "cf-ray": KEY, f"x-{KEY}": "1"}))
        return response

    async def talk(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": KEY, "error": in_json(KEY)}))
        await connection.close(4000, KEY)

    async def run() -> str:
        mask = Mask()
        mask.learn(KEY)
        recorder = Recorder(mask)
        async with serve(talk, "127.0.0.1", 0, process_response=echo) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            socket = Socket("w1", recorder, Deadlines())
            await socket.connect(f"http://127.0.0.1:{port}/v1", Credential("api-key", Secret(KEY)), Ways())
            await socket.greeting(frozenset({"session.created"}))
            await socket.close()
        return json.dumps([plain(x) for x in (*recorder.exchanges, *recorder.events, *recorder.peers.values())])

    told = asyncio.run(run())
    assert "4000" in told
    assert KEY not in told
    assert KEY not in told.encode().decode("unicode_escape")
