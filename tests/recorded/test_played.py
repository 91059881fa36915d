"""A recording of the emulator itself is answered alike, and whatever is changed in it is found, whoever gave the ids."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from rtdiag.compare.recording import Recording, Unlike, compared, reason, unexplained
from rtdiag.compare.recording.playing import Played, play
from rtdiag.emulator import Emulator
from tests import speech
from tests.emulator.clients import until, wire
from tests.emulator.heard import append, pieces

Json = dict[str, Any]

SAID: Json = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
SENT: tuple[tuple[Json, str], ...] = (
    ({"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}, "session.updated"),
    ({"type": "conversation.item.create", "item": SAID}, "conversation.item.done"),
    ({"type": "response.create"}, "response.done"),
)
PACE = 4  # slow enough to be spoken into on a busy machine
HEADER = {"family": "openai-ga", "transport": "ws"}


def recording(frames: list[Json], **header: str) -> Recording:
    """One of these frames."""
    import msgspec

    return msgspec.convert({"header": HEADER | header, "frames": frames}, Recording)


@cache
def recorded() -> tuple[Json, ...]:
    """The frames of one session: a text that is answered."""

    async def run() -> list[Json]:
        async with Emulator() as emulator, wire(emulator) as made:
            frames = _received(await until(made, "session.created"))
            for sent, end in SENT:
                await made.send(sent)
                frames += [{"direction": "sent", "data": sent}, *_received(await until(made, end))]
            return frames

    return tuple(asyncio.run(run()))


def _received(events: list[Json]) -> list[Json]:
    return [{"direction": "received", "data": event} for event in events]


@cache
def played() -> Played:
    """The same, asked of another emulator."""

    of = recording(list(recorded()))

    async def run() -> Played:
        async with Emulator() as emulator:
            return await play(of, emulator)

    return asyncio.run(run())


def test_a_session_of_the_emulator_is_alike() -> None:
    assert list(compared(played())) == []


def first(frames: list[Json], kind: str) -> Json:
    """The first event of that type."""
    found: Json = next(f["data"] for f in frames if f["data"]["type"] == kind)
    return found


def _reversed(event: Json) -> None:
    items = list(event.items())
    event.clear()
    event.update(reversed(items))


def _swap(frames: list[Json]) -> None:
    frames[-1], frames[-2] = frames[-2], frames[-1]


def _without(frames: list[Json], kind: str) -> None:
    frames.remove(next(f for f in frames if f["data"]["type"] == kind))


# What is changed in the recording, and what must be found then.
CHANGES: dict[str, Callable[[list[Json]], Any]] = {
    "response.created, order": lambda f: _reversed(first(f, "response.created")),
    "session.created session.object, value": lambda f: first(f, "session.created")["session"].update(object="x"),
    "session.created session.prompt, form": lambda f: first(f, "session.created")["session"].update(prompt=""),
    "session.created session.news, missing": lambda f: first(f, "session.created")["session"].update(news=None),
    "session.created session.tools, more": lambda f: first(f, "session.created")["session"].pop("tools"),
    "session.created event_id, form": lambda f: first(f, "session.created").update(event_id="event_" + "0" * 16),
    "session.created session.audio.output.speed, form": lambda f: first(f, "session.created")["session"]["audio"][
        "output"
    ].update(speed=1),
    "response.done response.output[].id, value": lambda f: first(f, "response.done")["response"]["output"][0].update(
        id=first(f, "conversation.item.added")["item"]["id"]
    ),
    "response.done, order": _swap,
    "response.content_part.done, more": lambda f: _without(f, "response.content_part.done"),
    "rate_limits.told, missing": lambda f: f.insert(-1, *_received([{"type": "rate_limits.told"}])),
    "response.output_text.delta obfuscation, rule": lambda f: [x["data"].pop("obfuscation", 0) for x in f],
    "response.output_text.done content_index, form": lambda f: first(f, "response.output_text.done").update(
        content_index=1
    ),
}


@pytest.mark.parametrize("place", CHANGES)
def test_what_is_changed_is_found(place: str) -> None:
    frames = copy.deepcopy(list(recorded()))
    CHANGES[place](frames)
    found = list(compared(replace(played(), recording=recording(frames))))
    assert [one for one in found if f"{one.place}, {one.what}" == place]


def test_speech_that_was_cut_out_interrupts_again() -> None:
    """Twice somebody speaks, the second time into the answer."""
    said = [append(piece) for piece in pieces(speech.speech(1.5) + speech.silence(1))]

    async def run() -> tuple[list[Json], Played]:
        async with Emulator(pace=PACE) as emulator:
            async with wire(emulator) as made:
                frames = _received(await until(made, "session.created"))
                for end in ("response.output_audio.delta", "response.done"):
                    for sent in said:
                        await made.send(sent)
                    frames += [{"direction": "sent", "data": {**sent, "audio": {"<audio>": 33}}} for sent in said]
                    frames += _received(await until(made, end))
            return frames, await play(recording(frames), emulator)

    frames, again = asyncio.run(run())
    assert frames[-1]["data"]["response"]["status_details"]["reason"] == "turn_detected"
    assert [str(one) for one in unexplained(compared(again))] == []


def test_turns_that_ended_by_their_words_end_here_after_silence() -> None:
    """Two of them, each recorded where half a second ends a turn, as a finished phrase does."""
    said = [append(piece) for piece in pieces(speech.speech(1.5) + speech.silence(1))]
    detection = {"type": "semantic_vad"}
    asked = {
        "type": "session.update",
        "session": {"type": "realtime", "audio": {"input": {"turn_detection": detection}}},
    }

    async def run() -> Played:
        async with Emulator(pace=0, ends=lambda _: 500) as server, wire(server) as made, Emulator(pace=0) as emulator:
            frames = _received(await until(made, "session.created"))
            await made.send(asked)
            frames += [{"direction": "sent", "data": asked}, *_received(await until(made, "session.updated"))]
            for _ in range(2):
                for sent in said:
                    await made.send(sent)
                frames += [{"direction": "sent", "data": {**sent, "audio": {"<audio>": 33}}} for sent in said]
                frames += _received(await until(made, "response.done"))
            return await play(recording(frames), emulator)

    assert [str(one) for one in unexplained(compared(asyncio.run(run())))] == []


def test_of_a_post_only_what_it_shows_is_compared() -> None:
    shown = [{"direction": "received", "data": {"type": "response.done", "response": {"object": "realtime.respo…"}}}]
    assert list(compared(replace(played(), recording=recording(shown, kind="as_posted")))) == []


def test_what_follows_the_end_of_a_recording_is_unknown() -> None:
    frames = [f for f in recorded() if f["data"]["type"] != "response.done"]
    assert list(compared(replace(played(), recording=recording(frames)))) == []


def test_a_reason_excuses_its_place_alone() -> None:
    words = Unlike("response.output_text.done text", "value", "Hi", "Hello")
    assert reason(words)
    assert not reason(replace(words, what="missing"))
    assert not reason(replace(words, place="session.created session.instructions"))


def test_what_is_in_a_cache_is_a_number_for_each_kind_of_token() -> None:
    details = "response.done response.usage.input_token_details.cached_tokens_details"
    assert reason(Unlike(f"{details}.text_tokens", "form", "64", "0"))
    assert not reason(Unlike(details, "form", "null", "{…}"))
