"""What a recorded client sent, sent to the emulator: over HTTP and WebSockets, each frame when what it waited for came."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from rtdiag.api.expressions import expression
from rtdiag.compare.recording.ids import Names
from rtdiag.compare.recording.recording import APPEND, CUT, Close, Exchange, Frame, Recording
from rtdiag.compare.recording.voice import BYTES_PER_MS, Voice, ends_by_words, voice_of
from rtdiag.emulator import Emulator
from rtdiag.emulator.timeline import models_alive
from rtdiag.intake import Unusable

if TYPE_CHECKING:
    import httpx
    from websockets.asyncio.client import ClientConnection

Json = dict[str, Any]

QUIET_S = 5  # nothing comes for so long: then what is still missing does not come
_PATIENCE = 3  # so often that is waited for on one socket
_NUDGE, _STOPPED = "input_audio_buffer.timeout_triggered", "input_audio_buffer.speech_stopped"
_MORE = 20  # seconds of silence, at most, for what follows it: the emulator may speak or wait longer than was recorded
_SECOND_OF_SILENCE = base64.b64encode(bytes(1000 * BYTES_PER_MS)).decode()
_ROOM = expression(r"\w+://[^/]+(?:/openai)?/v1(?=/)")
_CALL = expression(r"rtc_\w+")
_OF_THE_CLIENT = frozenset({"accept", "content-type", "origin", "openai-beta", "openai-safety-identifier"})
# All that comes is read at once, also the close behind it.
_AS_IT_COMES: Any = {"proxy": None, "compression": None, "max_size": None, "max_queue": None}
SPOKEN = ("openai-ga", "openai-beta", "azure-ga", "azure-preview", "azure-voice-live", "gateway", "xai")


@dataclass(frozen=True)
class Answer:
    """The emulator's answer to one recorded request."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: str


@dataclass
class Played:
    """A recording, and what the emulator said to the same, from when to when, in unix seconds: answers, events, the close."""

    recording: Recording
    names: Names = field(default_factory=Names)
    began_s: float = field(default_factory=time.time)
    ended_s: float = 0
    answers: list[Answer] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    close: Close | None = None


async def play(recording: Recording, emulator: Emulator, call: Recording | None = None) -> Played:
    """Play it. `call` is the recording with the offer of the call that a sideband belongs to. Raises Unusable."""
    import httpx

    refuse_foreign(recording)
    played = Played(recording)
    async with httpx.AsyncClient(verify=False, trust_env=False, timeout=30) as client:  # plain HTTP: no store is read
        asking = _Asking(played, emulator, client)
        if recording.header.transport == "sideband":
            offer = next((e for e in (call.exchanges if call else ()) if e.request.url.endswith("/calls")), None)
            if offer is None:
                raise Unusable(
                    "it is the sideband of a call: the recording with that call's offer must lie beside it, "
                    "as ws__x.yaml beside ws_sideband__x.yaml"
                )
            await asking.ask(offer)
        for exchange in recording.exchanges:
            played.answers.append(await asking.ask(exchange))
        if recording.frames:
            await _socket(played, emulator, asking.call_id)
        if recording.header.transport == "sideband":
            await client.post(f"{emulator.base_url}/realtime/calls/{asking.call_id}/hangup", headers=asking.bearer())
    played.ended_s = time.time()
    return played


def refuse_foreign(recording: Recording) -> None:
    """Raises Unusable for a recording of an API that the emulator does not speak."""
    if recording.header.family not in SPOKEN:
        raise Unusable(f"it is of {recording.header.family}, which the emulator does not speak: {', '.join(SPOKEN)}")
    if not any(e.get("type") for e in recording.received) and recording.frames:
        raise Unusable("its frames are not those of the Realtime API")


class _Asking:
    """Requests, one after the other: which token and which call came of them."""

    def __init__(self, played: Played, emulator: Emulator, client: httpx.AsyncClient) -> None:
        self._played, self._emulator, self._client = played, emulator, client
        self._token = ""
        self.call_id = ""

    def bearer(self, *, token: bool = False) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token if token and self._token else self._emulator.key}"}

    async def ask(self, exchange: Exchange) -> Answer:
        """The emulator's answer. A raw offer carries the token that was minted before it, all else the key."""
        import httpx

        request, names = exchange.request, self._played.names
        headers = {
            k.lower(): v for k, v in request.headers.items() if k.lower() in _OF_THE_CLIENT and isinstance(v, str)
        }
        offers = headers.get("content-type", "").startswith("application/sdp")
        path = names.translated(_ROOM.sub("", request.url))
        try:
            response = await self._client.request(
                request.method,
                self._emulator.base_url + path,
                headers=headers | self.bearer(token=offers),
                content=_content(names, request.body),
            )
        except (ValueError, httpx.InvalidURL, httpx.ProtocolError):
            raise Unusable(f"{request.method} {request.url}: it is no request that can be sent again") from None
        self._learn(exchange, response)
        return Answer(response.status_code, response.headers.multi_items(), response.text)

    def _learn(self, exchange: Exchange, response: httpx.Response) -> None:
        if found := _CALL.search(response.headers.get("location", "")):
            self.call_id = found[0]
            there = _CALL.search(str(exchange.response.headers.get("location", "")))
            self._played.names.learn(there[0] if there else None, found[0])
        with suppress(ValueError):
            here = response.json()
            self._played.names.learn((exchange.response.body or {}).get("json"), here)
            self._token = here.get("value", "") if isinstance(here, dict) else ""


def _content(names: Names, body: Any) -> bytes | None:
    if not body:
        return None
    text = json.dumps(body["json"]) if "json" in body else str(body.get("text", ""))
    return str(names.translated(text)).encode()


async def _socket(played: Played, emulator: Emulator, call_id: str) -> None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus, InvalidURI

    recording = played.recording
    headers = {"authorization": f"Bearer {emulator.key}"}
    if recording.header.family == "openai-beta":
        headers["openai-beta"] = "realtime=v1"
    url = f"{emulator.ws_url}/realtime?{_query(recording, call_id, emulator.as_of)}"
    try:
        async with connect(url, additional_headers=headers, **_AS_IT_COMES) as connection:
            await _Playing(played, connection).play()
    except Unusable:
        raise
    except (ValueError, InvalidURI):
        raise Unusable("the request that opened its socket cannot be sent again") from None
    except InvalidStatus as refusal:
        played.close = Close(refusal.response.status_code, "HTTP")


def _query(recording: Recording, call_id: str, day: date) -> str:
    """What the socket was opened with, as far as what was recorded tells."""
    opened = next((f.request.url for f in recording.frames if f.request), "")
    if "?" in opened:
        return opened.partition("?")[2]
    if recording.header.transport == "sideband":
        return urlencode({"call_id": call_id})
    sessions = [e["session"] for e in recording.received if isinstance(e.get("session"), dict)]
    shown = sessions[0] if sessions else {}
    if shown.get("type") == "transcription" or "transcription" in str(shown.get("object")):
        return "intent=transcription"
    return urlencode({"model": shown.get("model") or _model_of(day)})


def _model_of(day: date) -> str:
    """A model that there was on that day, gpt-realtime if it was one."""
    alive = [model.id for model in models_alive(day) if model.kind == "realtime"]
    return next((name for name in alive if name == "gpt-realtime"), alive[0])


class _Playing:
    """One socket: what is to be sent waits until everything that stands before it in the recording has come."""

    def __init__(self, played: Played, connection: ClientConnection) -> None:
        self._played, self._connection = played, connection
        self._voice = voice_of(played.recording)
        self._there = _by_label(played.recording.received)
        self._came: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._over = False
        self._patience = _PATIENCE
        self._more = _MORE
        self._after_silence = (_NUDGE, _STOPPED) if ends_by_words(played.recording) else (_NUDGE,)

    async def play(self) -> None:
        reading = asyncio.create_task(self._read())
        try:
            wanted: Counter[str] = Counter()
            for frame in self._played.recording.frames:
                if frame.direction == "received" and frame.event:
                    wanted[label(frame.event)] += 1
                elif frame.direction == "sent" or frame.omitted:
                    await self._until(wanted)
                    await self._send(frame)
                elif frame.close:
                    await self._until(wanted, ends=True)
            await self._until(wanted)
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _read(self) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            async for text in self._connection:
                event = json.loads(text)
                name = label(event)
                known = self._there.get(name, [])
                # of deltas each side has its own number
                if self._came[name] < len(known) and not name.endswith(".delta"):
                    self._played.names.learn(known[self._came[name]], event)
                self._came[name] += 1
                self._played.events.append(event)
                self._news.set()
        except ConnectionClosed:
            pass
        self._played.close = Close(self._connection.close_code, self._connection.close_reason or "")
        self._over = True
        self._news.set()

    async def _until(self, wanted: Counter[str], *, ends: bool = False) -> None:
        """Until all of that has come, of deltas of one kind one; or the socket ends, or nothing comes any more."""
        while self._patience and not self._over and (ends or self._lacks(wanted)):
            self._news.clear()
            nudged = self._more > 0 and any(self._came[name] < wanted[name] for name in self._after_silence)
            if nudged:
                self._more -= 1
                await self._connection.send(json.dumps({"type": APPEND, "audio": _SECOND_OF_SILENCE}))
            try:
                async with asyncio.timeout(QUIET_S / _MORE if nudged else QUIET_S):
                    await self._news.wait()
            except TimeoutError:
                if not nudged:
                    self._patience -= 1
                    return

    def _lacks(self, wanted: Counter[str]) -> bool:
        return any(self._came[name] < (1 if name.endswith(".delta") else n) for name, n in wanted.items())

    async def _send(self, frame: Frame) -> None:
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            if frame.omitted and frame.omitted.direction == "sent" and frame.omitted.type == APPEND:
                await self._hear(frame.omitted.pieces)
            elif frame.event:
                sent = self._played.names.translated(frame.event)
                await self._connection.send(json.dumps(_voiced(sent, self._voice)))

    async def _hear(self, pieces: int) -> None:
        for _ in range(pieces):
            await self._connection.send(json.dumps(_append(self._voice)))


def label(event: Json) -> str:
    """What an event is called here: its type, and of which item it tells: `conversation.item.added[message/user]`."""
    item = event.get("item")
    if not isinstance(item, dict):
        return str(event.get("type"))
    role = f"/{item['role']}" if item.get("role") else ""
    return f"{event.get('type')}[{item.get('type')}{role}]"


def _by_label(events: Sequence[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for event in events:
        found.setdefault(label(event), []).append(event)
    return found


def _append(voice: Voice) -> Json:
    return {"type": APPEND, "audio": _sound(voice)}


def _sound(voice: Voice, stored_bytes: int = 0) -> str:
    return base64.b64encode(voice.next(stored_bytes)).decode()


def _voiced(value: Any, voice: Voice) -> Any:
    """What is sent, with sound in the place of what was cut out of it."""
    if isinstance(value, list):
        return [_voiced(each, voice) for each in value]
    if not isinstance(value, dict):
        return value
    if CUT in value:
        return _sound(voice, value[CUT] if isinstance(value[CUT], int) else 0)
    return {key: _voiced(each, voice) for key, each in value.items()}
