"""What the emulator hears: turns lie where the voice is, in every format, in whatever pieces it comes."""

from __future__ import annotations

import wave
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from rtdiag.emulator.session.ears import FRAME_MS, RATE_HZ, Resampler, Voice
from rtdiag.emulator.session.turn_taking import PATIENCE_MS, Turn, Turns
from tests import speech

Json = dict[str, Any]
Feed = Callable[[Resampler], Iterator[bytes]]

OFF_MS = 100  # how far an offset may lie from the truth
SPREAD_MS = 60  # how far apart the same offset may lie in two formats
HELD_BACK_MS = 2  # what a resampler may keep for the next call
CHUNK_BYTES = 9600


def server_vad(silence_ms: int = 500, padding_ms: int = 300, threshold: float = 0.5) -> Json:
    return {
        "type": "server_vad",
        "threshold": threshold,
        "prefix_padding_ms": padding_ms,
        "silence_duration_ms": silence_ms,
    }


def semantic_vad(eagerness: str) -> Json:
    return {"type": "semantic_vad", "eagerness": eagerness}


def chunks(audio: bytes, name: str = "audio/pcm", size: int = CHUNK_BYTES) -> Feed:
    return lambda ears: (ears.of_bytes(audio[at : at + size], name) for at in range(0, len(audio), size))


def frames(pcm: bytes, fmt: str = "s16", layout: str = "stereo", rate_hz: int = 48000) -> Feed:
    """The clip as 20 ms frames, 48 kHz stereo as aiortc decodes them unless told otherwise."""
    return lambda ears: map(ears.of_frame, speech.converted(pcm, fmt, layout, rate_hz))


def heard(feed: Feed, detection: Json, threshold: float = 0.5) -> list[Turn]:
    ears, voice, turns = Resampler(), Voice(), Turns()
    voiced = (each for pcm in feed(ears) for each in voice.heard(pcm, threshold))
    return [turn for each in voiced if (turn := turns.step(each, detection))]


def stepped(turns: Turns, voiced: bool, frames: int, detection: Json | None) -> list[Turn]:
    return [turn for _ in range(frames) if (turn := turns.step(voiced, detection))]


def expected(truth: list[tuple[int, int]], silence_ms: int, padding_ms: int) -> list[Turn]:
    pairs = ((Turn("started", a - padding_ms), Turn("stopped", b + silence_ms)) for a, b in truth)
    return [turn for pair in pairs for turn in pair]


def assert_close(turns: list[Turn], wanted: list[Turn], within_ms: int) -> None:
    assert [turn.what for turn in turns] == [turn.what for turn in wanted]
    for turn, other in zip(turns, wanted, strict=True):
        assert abs(turn.at_ms - other.at_ms) <= within_ms, (turn, other)


@pytest.mark.parametrize("silence_ms", [200, 500, 1500])
@pytest.mark.parametrize("padding_ms", [0, 300])
def test_turns_of_server_vad_lie_where_the_voice_is(silence_ms: int, padding_ms: int) -> None:
    pcm, truth = speech.clip()
    turns = heard(chunks(pcm), server_vad(silence_ms, padding_ms))
    assert_close(turns, expected(truth, silence_ms, padding_ms), OFF_MS)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.75, 1.0])
def test_a_clear_voice_is_heard_at_every_threshold(threshold: float) -> None:
    pcm, truth = speech.clip()
    assert_close(heard(chunks(pcm), server_vad(), threshold), expected(truth, 500, 300), OFF_MS)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_digital_silence_is_never_a_voice(threshold: float) -> None:
    pcm = Resampler().of_bytes(speech.speech(1), "pcm16") + bytes(RATE_HZ * 2)
    voiced = Voice().heard(pcm, threshold)
    assert all(voiced[:49])
    assert not any(voiced[50:])


@pytest.mark.parametrize("level", [3, 30, 300])
def test_faint_noise_begins_no_turn_at_the_default_threshold(level: int) -> None:
    assert heard(chunks(speech.noise(5, level)), server_vad()) == []


def test_the_lowest_threshold_takes_the_first_of_that_noise_for_a_voice() -> None:
    turns = heard(chunks(speech.noise(5, 30)), server_vad(500), 0.0)
    assert [turn.what for turn in turns] == ["started", "stopped"]
    assert turns[0].at_ms == 0


def test_a_voice_in_noise_keeps_its_offsets() -> None:
    pcm, truth = speech.clip()
    mixed = (a + b for a, b in zip(array("h", pcm), array("h", speech.noise(10, 30)), strict=True))
    turns = heard(chunks(array("h", mixed).tobytes()), server_vad(500, 0))
    assert_close(turns, expected(truth, 500, 0), 2 * OFF_MS)


@pytest.mark.parametrize(
    ("codec", "names"), [("pcm_mulaw", ("audio/pcmu", "g711_ulaw")), ("pcm_alaw", ("audio/pcma", "g711_alaw"))]
)
def test_g711_is_heard_as_pcm_is(codec: Literal["pcm_mulaw", "pcm_alaw"], names: tuple[str, str]) -> None:
    pcm, _ = speech.clip()
    audio = speech.g711(pcm, codec)
    ga, beta = (heard(chunks(audio, name, 1600), server_vad()) for name in names)
    assert ga == beta
    assert_close(ga, heard(chunks(pcm), server_vad()), SPREAD_MS)


@pytest.mark.parametrize(
    ("fmt", "layout", "rate_hz"),
    [("s16", "stereo", 48000), ("s16", "mono", 16000), ("fltp", "stereo", 44100), ("s16", "mono", 8000)],
)
def test_frames_are_heard_as_pcm_is(fmt: str, layout: str, rate_hz: int) -> None:
    pcm, _ = speech.clip()
    assert_close(heard(frames(pcm, fmt, layout, rate_hz), server_vad()), heard(chunks(pcm), server_vad()), SPREAD_MS)


@pytest.mark.parametrize("size", [7, 479, 961, 48001])
def test_pieces_of_any_size_are_heard_alike(size: int) -> None:
    pcm = speech.silence(0.2) + speech.speech(0.5) + speech.silence(0.8)
    whole, pieces = Resampler(), Resampler()
    assert b"".join(chunks(pcm, size=size)(pieces)) == whole.of_bytes(pcm, "pcm16")
    assert heard(chunks(pcm, size=size), server_vad()) == heard(chunks(pcm), server_vad()) != []


def test_the_format_may_change_in_midstream() -> None:
    pcm, truth = speech.clip()
    cut = len(pcm) // 6 * 2
    first, second, third = pcm[:cut], pcm[cut : 2 * cut], pcm[2 * cut :]

    def feed(ears: Resampler) -> Iterator[bytes]:
        yield from chunks(first + b"\0")(ears)  # the odd byte belongs to no sample, and must not shift the next ones
        yield from frames(second)(ears)
        yield from chunks(speech.g711(third, "pcm_mulaw"), "audio/pcmu")(ears)

    assert_close(heard(feed, server_vad()), expected(truth, 500, 300), OFF_MS)


def test_no_audio_is_lost_over_a_minute() -> None:
    ears = Resampler()
    samples = sum(len(pcm) // 2 for pcm in chunks(speech.silence(60), size=960)(ears))
    assert 0 <= 60 * RATE_HZ - samples <= HELD_BACK_MS * RATE_HZ // 1000


def test_a_change_of_format_loses_no_audio_and_adds_none() -> None:
    ears, made = Resampler(), b""
    for _ in range(50):
        made += ears.of_bytes(speech.silence(0.02) + b"\1", "audio/pcm")
        made += ears.of_bytes(bytes(160), "audio/pcmu")
    assert 0 <= 2 * RATE_HZ - len(made) // 2 <= HELD_BACK_MS * RATE_HZ // 1000


def test_an_unknown_format_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Resampler().of_bytes(b"\0\0", "audio/opus")


@pytest.mark.parametrize("eagerness", ["low", "medium", "auto", "high"])
def test_semantic_vad_waits_as_long_as_its_eagerness_allows(eagerness: str) -> None:
    wait_ms = PATIENCE_MS[eagerness]
    pcm = speech.silence(0.5) + speech.speech(1) + speech.silence(wait_ms / 1000 + 0.2)
    turns = heard(chunks(pcm), semantic_vad(eagerness))
    assert_close(turns, [Turn("started", 500), Turn("stopped", 1500 + wait_ms)], OFF_MS)


def test_an_eager_semantic_vad_cuts_the_clip_where_a_patient_one_does_not() -> None:
    pcm, _ = speech.clip()
    pcm += speech.silence(6)
    high, low = (heard(chunks(pcm), semantic_vad(eagerness)) for eagerness in ("high", "low"))
    assert [turn.what for turn in low] == ["started", "stopped"]
    assert low[-1].at_ms - high[-1].at_ms == PATIENCE_MS["low"] - PATIENCE_MS["high"]


def test_another_rule_can_be_put_in_the_place_of_patience() -> None:
    turns = Turns(rule=lambda detection: 300)
    assert stepped(turns, True, 50, semantic_vad("low")) == [Turn("started", 0)]
    assert stepped(turns, False, 50, semantic_vad("low")) == [Turn("stopped", 1300)]


def test_without_turn_detection_there_are_no_turns_but_time_goes_on() -> None:
    turns = Turns()
    assert stepped(turns, True, 50, None) == []
    assert not turns.speaking
    assert turns.now_ms == 50 * FRAME_MS
    assert stepped(turns, True, 50, server_vad(padding_ms=0)) == [Turn("started", 1000)]


def test_an_open_turn_is_forgotten_when_detection_is_turned_off() -> None:
    turns = Turns()
    assert stepped(turns, True, 50, server_vad()) == [Turn("started", 0)]
    assert turns.speaking
    assert stepped(turns, False, 100, None) == []
    assert not turns.speaking
    assert stepped(turns, False, 100, server_vad()) == []


def test_a_new_wait_holds_for_the_turn_that_is_open() -> None:
    turns = Turns()
    assert stepped(turns, True, 50, semantic_vad("low")) == [Turn("started", 0)]
    assert stepped(turns, False, 20, semantic_vad("low")) == []
    assert stepped(turns, False, 20, server_vad(200)) == [Turn("stopped", 1420)]


def test_padding_reaches_neither_below_zero_nor_into_the_turn_before() -> None:
    turns, detection = Turns(), server_vad(200, 300)
    assert stepped(turns, True, 10, detection) == [Turn("started", 0)]
    assert stepped(turns, False, 12, detection) == [Turn("stopped", 400)]
    assert stepped(turns, True, 10, detection) == [Turn("started", 400)]


def test_a_click_begins_no_turn_and_a_gap_in_the_voice_ends_none() -> None:
    turns, detection = Turns(), server_vad(200, 0)
    assert stepped(turns, True, 4, detection) + stepped(turns, False, 20, detection) == []
    assert stepped(turns, True, 3, detection) + stepped(turns, False, 1, detection) == []
    assert stepped(turns, True, 2, detection) == [Turn("started", 480)]
    assert stepped(turns, False, 9, detection) + stepped(turns, True, 1, detection) == []
    assert stepped(turns, False, 10, detection) == [Turn("stopped", 1000)]


@pytest.mark.parametrize(("silence_ms", "frames"), [(0, 1), (20, 1), (21, 2), (500, 25)])
def test_a_wait_is_rounded_up_to_whole_frames(silence_ms: int, frames: int) -> None:
    turns, detection = Turns(), server_vad(silence_ms)
    stepped(turns, True, 50, detection)
    assert stepped(turns, False, frames - 1, detection) == []
    assert stepped(turns, False, 1, detection) == [Turn("stopped", 1000 + frames * FRAME_MS)]


def test_the_made_voice_is_one_stretch_at_the_strictest_threshold() -> None:
    voiced = Voice().heard(Resampler().of_bytes(speech.speech(30), "pcm16"), 1.0)
    assert len(voiced) == 1499
    assert all(voiced)


def test_the_clip_can_be_written_for_a_browser(tmp_path: Path) -> None:
    pcm, truth = speech.clip()
    speech.wav(tmp_path / "clip.wav", speech.at_48k(pcm), 48000)
    with wave.open(str(tmp_path / "clip.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (48000, 1, 480000)
        read = file.readframes(480000)
    silent_until = next(at for at, byte in enumerate(read) if byte) / 96
    assert abs(silent_until - truth[0][0]) < HELD_BACK_MS + 10
