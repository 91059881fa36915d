"""Clips: where somebody speaks in them, which files are none, and that the one that ships is what it says."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from importlib.resources import files
from pathlib import Path

import av
import pytest
import yaml

from rtdiag.engine.config import Config, ConfigError, make
from rtdiag.speech import gate, price
from rtdiag.speech import make as making
from rtdiag.speech.clip import OWN, RATE_HZ, TAIL_MS, ClipError, clip, made
from tests import speech

HERE = files("rtdiag.speech")
TOLD = yaml.safe_load(HERE.joinpath("clip.yaml").read_text(encoding="utf-8"))
OFF_MS = 60


def near(found: object, truth: object) -> bool:
    flat = [[ms for phrase in phrases for ms in phrase] for phrases in (found, truth)]  # type: ignore[attr-defined]
    return len(flat[0]) == len(flat[1]) and all(abs(a - b) <= OFF_MS for a, b in zip(*flat, strict=True))


def test_the_clip_that_ships_is_small_and_holds_a_pause_and_ten_seconds_of_silence() -> None:
    own = clip()
    assert len(HERE.joinpath("clip.opus").read_bytes()) < 60_000
    (_, first), (second, last) = own.phrases
    assert (own.name, second - first) == (OWN, 3000)
    assert own.duration_ms - last == TAIL_MS
    assert abs(own.duration_ms - TOLD["duration_ms"]) <= OFF_MS
    assert (len(own.loudness), max(own.loudness)) == (own.duration_ms // 100, 100)
    assert set(own.loudness[first // 100 + 1 : second // 100]) == {0}


def test_its_offsets_are_found_where_they_are_said_to_be() -> None:
    assert near(made("again", clip().pcm).phrases, TOLD["phrases_ms"])


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_it_can_be_made_again() -> None:
    parts = [making.spoken(text) for text in making.PHRASES]
    pcm, offsets = making.assembled(parts, making.BEFORE_MS, making.PAUSE_MS, making.AFTER_MS)
    assert list(making.PHRASES) == TOLD["text"]
    assert near(offsets, TOLD["phrases_ms"])
    assert near(made("again", pcm).phrases, offsets)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_another_voice_is_measured_as_well() -> None:
    parts = [
        making.spoken("Could you tell me when", "en-us+f3", 130),
        making.spoken("the next train leaves?", "en-us+f3", 130),
    ]
    pcm, offsets = making.assembled(parts, 800, 2200, 500)
    assert near(made("another", pcm).phrases, offsets)


@pytest.mark.parametrize("noise", [0, 40, 150])
def test_phrases_are_found_in_faint_noise_too(noise: int) -> None:
    pcm = speech.silence(0.6) + speech.speech(2) + speech.silence(2) + speech.speech(1) + speech.silence(1)
    if noise:
        from array import array

        background = array("h", speech.noise(len(pcm) / 2 / speech.RATE_HZ, noise))
        mixed = (max(-32768, min(32767, a + b)) for a, b in zip(array("h", pcm), background, strict=True))
        pcm = array("h", mixed).tobytes()
    assert near(made("noisy", speech.at_48k(pcm)).phrases, [(600, 2600), (4600, 5600)])


def test_a_breath_is_no_pause_and_a_click_no_phrase() -> None:
    levels = [0.0] * 50 + [900.0] * 5 + [0.0] * 100 + [900.0] * 40 + [0.0] * 25 + [900.0] * 40 + [0.0] * 50
    assert gate.phrases(levels) == [(1550, 2600)]
    assert gate.phrases([0.0] * 100) == gate.phrases([]) == []


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"),
    [("a.wav", "pcm_s16le", 24000), ("a.mp3", "libmp3lame", 44100), ("a.flac", "flac", 16000)],
)
def test_any_format_that_ffmpeg_decodes_is_a_clip(tmp_path: Path, name: str, codec: str, rate_hz: int) -> None:
    pcm, truth = speech.clip()
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz)
        for frame in speech.converted(pcm, stream.format.name, "mono", rate_hz):  # type: ignore[union-attr]
            container.mux(stream.encode(frame))  # type: ignore[union-attr, arg-type]
        container.mux(stream.encode(None))  # type: ignore[union-attr]
    found = clip(str(tmp_path / name))
    assert found.name == name
    assert near(found.phrases, truth)
    assert found.duration_ms - found.phrases[-1][1] >= TAIL_MS - 10
    assert len(found.pcm) == found.duration_ms * RATE_HZ // 500


def written(path: Path, pcm: bytes) -> str:
    speech.wav(path, pcm)
    return str(path)


@pytest.mark.parametrize(
    ("pcm", "line"),
    [
        (speech.silence(3), "it is silent"),
        (speech.noise(3, 3), "it is silent"),
        (speech.speech(0.5), "0.5 s of audio, give at least 1 s"),
        (speech.silence(62), "more than 60 s of audio"),
        (b"", "0.0 s of audio"),
    ],
)
def test_what_nobody_can_be_heard_in_is_refused_in_one_line(tmp_path: Path, pcm: bytes, line: str) -> None:
    path = written(tmp_path / "given.wav", pcm)
    with pytest.raises(ClipError) as refused:
        clip(path)
    assert str(refused.value).startswith(f"{path}: {line}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "line"), [(b"no audio at all", "no audio that can be decoded"), (b"", "no audio that")]
)
def test_what_is_no_audio_is_refused_in_one_line(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "given.bin"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        make(Config(emulator=True, audio=str(path)), {})
    assert str(refused.value).startswith(f"--audio {path}: {line}")
    assert "\n" not in str(refused.value)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ClipError, match=r"pipe: not a file that can be read twice: save the audio first$"):
        clip(str(tmp_path / "pipe"))


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=rf"nowhere.wav: {os.strerror(errno.ENOENT)}$"):
        clip(str(tmp_path / "nowhere.wav"))
    with pytest.raises(ClipError, match=rf"{os.strerror(errno.EISDIR)}$"):
        clip(str(tmp_path))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("gpt-transcribe", "costs about 0.009 USD"),
        ("gpt-4o-transcribe", "your account's price for gpt-4o-transcribe"),
    ],
)
def test_what_it_costs_is_said(model: str, said: str) -> None:
    assert "120 s of audio" in price.sentence(120, model)
    assert said in price.sentence(120, model)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {url}\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "[playlist]\nFile1={url}\n",
    ],
)
def test_no_file_makes_it_ask_for_another(tmp_path: Path, text: str) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        (tmp_path / "clip.wav").write_text(text.format(url=f"http://127.0.0.1:{listening.getsockname()[1]}/x.wav"))
        with pytest.raises(ClipError, match=r"no audio that can be decoded: give it as Opus, MP3 or WAV$"):
            clip(str(tmp_path / "clip.wav"))
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_rate_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "slow.wav"
    speech.wav(path, speech.speech(2))
    content = path.read_bytes()
    path.write_bytes(content[:24] + (1).to_bytes(4, "little") + content[28:])
    with pytest.raises(ClipError, match=r"slow.wav: \d+ samples in a piece, 1 a second: no speech$"):
        clip(str(path))


def test_pieces_too_small_for_speech_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtdiag.speech.clip.MOST_FRAMES", 5)
    with pytest.raises(ClipError, match="samples in a piece"):
        clip(written(tmp_path / "given.wav", speech.speech(3)))


def test_no_more_of_a_clip_is_read_than_a_minute_can_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtdiag.speech.clip.LARGEST_BYTES", 10_000)
    with pytest.raises(ClipError, match="too large for a minute of speech"):
        clip(written(tmp_path / "given.wav", speech.speech(3)))
    monkeypatch.setattr("rtdiag.speech.clip.LARGEST_BYTES", 10_000_000)
    monkeypatch.setattr("rtdiag.speech.clip.LONGEST_WORK_S", -1)
    with pytest.raises(ClipError, match="decoding it takes too long"):
        clip(str(tmp_path / "given.wav"))
