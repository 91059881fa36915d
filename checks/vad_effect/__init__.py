"""Does a turn detection act as it says? Speech is played over WebRTC, and what each mode makes of it is laid side by side.

Asks: five sessions at once hear one clip in real time: `server_vad` at 200 and at 4,000 ms of silence, `semantic_vad` low
and high, and null with a commit at the end. The clip is rtdiag's own (an unfinished phrase, a pause of 3 s, its end, 10 s of
silence), or your `--audio FILE`. In realtime sessions `create_response` and `interrupt_response` are false, so the model
never answers. It needs `--allow audio`; on the emulator naming it is enough.
Costs: 5 mints of 60 seconds, 5 sessions and the end of the one before, the clip five times with some silence around it;
transcripts are billed by the minute.
Sources: the waits of `eagerness` (high 2 s, low 8 s at most) are those of openai 3.54.0
types/realtime/realtime_audio_input_turn_detection.py; "it behaves same as server_vad": community.openai.com 1148799 (2025-04).
That two ends of turns within 300 ms are the same place, and that offsets may lie 500 ms off, are guesses. No recording
of the live API plays one clip to several sessions (those of 2026-07 hold single turns of server_vad, without their
audio): against anything but the emulator what audio alone shows is a warn, with the time line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rtdiag.api import sessions
from rtdiag.api.endpoints import Kind
from rtdiag.api.sessions import Json
from rtdiag.checks.vad_effect import vad_effect_judge
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, SessionAttempt
from rtdiag.engine.findings import no_room_for, said
from rtdiag.model import Cost, Event, Evidence, Finding, Observation
from rtdiag.speech import heard
from rtdiag.speech.clip import Clip, clip
from rtdiag.speech.heard import Mode
from rtdiag.transport.audio import Encoded, Voice

OWN_S = 17  # the clip that ships, rounded up
# Silence around the clip, mostly less: until all sessions are ready, and until the last event has come.
AROUND_S = 3
PATIENCE = 3  # times the length of the clip
_WAITS_S = 60  # so long, and five sessions that are set up at once

MODES: Mapping[str, Json | None] = {
    "server-200": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": vad_effect_judge.PADDING_MS,
        "silence_duration_ms": vad_effect_judge.SHORT_MS,
    },
    "server-4000": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": vad_effect_judge.PADDING_MS,
        "silence_duration_ms": vad_effect_judge.LONG_MS,
    },
    "semantic-low": {"type": "semantic_vad", "eagerness": "low"},
    "semantic-high": {"type": "semantic_vad", "eagerness": "high"},
    "null": None,
}
_SERVER = ("server-200", "server-4000")
_SEMANTIC = ("semantic-low", "semantic-high")

_ALL = "speech-started"
_FIRST = f"vad-effect.{_ALL}"
_CASES = (
    Case(
        _ALL,
        "is speech noticed in every mode that detects turns?",
        ("sdp.created-realtime",),
        allow="audio",
        waits_s=_WAITS_S,
    ),
    Case("offsets", "do turns begin and end where the clip does?", (_FIRST,), allow="audio", waits_s=_WAITS_S),
    Case(
        "silence-matters",
        "does silence_duration_ms decide whether a pause ends a turn?",
        (_FIRST,),
        allow="audio",
        waits_s=_WAITS_S,
    ),
    Case(
        "semantic-differs",
        "does semantic_vad end turns elsewhere than server_vad?",
        (_FIRST,),
        allow="audio",
        waits_s=_WAITS_S,
    ),
    Case("eagerness-matters", "does low eagerness wait longer than high?", (_FIRST,), allow="audio", waits_s=_WAITS_S),
    Case("null-waits", "does everything wait for the commit with null?", (_FIRST,), allow="audio", waits_s=_WAITS_S),
    Case("transcripts", "does each committed turn get its transcript?", (_FIRST,), allow="audio", waits_s=_WAITS_S),
)


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Open and set up all modes, play to all at once, and say what each made of it."""
    kind = ctx.options.kinds[0]
    speech = await asyncio.to_thread(clip, ctx.options.audio)
    encoding = asyncio.create_task(asyncio.to_thread(Encoded, speech.pcm))
    await ctx.minted(kind)
    await ctx.model("transcription")
    await ctx.make_room()
    encoded = await encoding
    runs = [
        _Run(ctx, kind, name, speech, Voice(encoded, ctx.recorder.now_ms, ctx.options.audio_speed)) for name in MODES
    ]
    facts = {
        "kind": kind,
        "model": await ctx.model(kind),
        "emulated": ctx.options.emulated,
        "clip": _told(speech),
    }
    try:
        await _all(run.prepare() for run in runs)
        ctx.recorder.notice(f"playing {speech.duration_ms / 1000:g} s of speech to {len(runs)} sessions")
        await _all(run.play() for run in runs)
        await _all(ctx.end(run.opened) for run in runs if run.opened)
    except asyncio.CancelledError:
        for run in runs:
            run.cut_short()
        for seen in _seen(runs, facts | {"interrupted": True}):
            yield seen
        raise
    finally:
        sent_s = sum(run.voice.sent_ms for run in runs) / 1000
        ctx.recorder.spend(Cost(audio_seconds=round(sent_s, 1)))
    for seen in _seen(runs, facts):
        yield seen


async def _all(works: Iterable[Awaitable[None]]) -> None:
    """Do them side by side, and let each come to its end before one that broke is told of."""
    for result in await asyncio.gather(*works, return_exceptions=True):
        if result is not None:
            raise result


def _told(speech: Clip) -> dict[str, Any]:
    return {
        "name": speech.name,
        "duration_ms": speech.duration_ms,
        "phrases": [list(phrase) for phrase in speech.phrases],
        "loudness": list(speech.loudness),
    }


def _seen(runs: Sequence[_Run], facts: dict[str, Any]) -> Iterator[Observation]:
    """One Observation per case; the first holds the facts of all."""
    facts = facts | {"modes": {run.name: run.facts() for run in runs}}
    exchanges = tuple(run.opened.exchange for run in runs if run.opened)
    traces = tuple(run.opened.session.trace() for run in runs if run.opened and run.opened.session)
    yield Observation(_ALL, exchanges, tuple(e for run in runs for e in run.events()), traces, facts)
    for case, (names, types) in _LOOKS_AT.items():
        events = tuple(e for run in runs if run.name in names for e in run.events(types))
        yield Observation(case, events=events, facts={"as": _ALL})


_COMMITS = ("input_audio_buffer.committed", "conversation.item.input_audio_transcription.")
_TURNS = ("input_audio_buffer.speech_",)
# The modes, and how the types of their events begin, that a case rests on.
_LOOKS_AT: Mapping[str, tuple[Collection[str], tuple[str, ...]]] = {
    "offsets": (("server-200",), _TURNS),
    "silence-matters": (_SERVER, _TURNS),
    "semantic-differs": (("server-200", *_SEMANTIC), _TURNS),
    "eagerness-matters": (_SEMANTIC, _TURNS),
    "null-waits": (("null",), ("",)),
    "transcripts": (tuple(MODES), _COMMITS),
}


def might_answer(echoed: Any, kind: Kind, *, emulated: bool) -> bool:
    """Answers cost money: nobody but the emulator is spoken to where the echo (... for none) does not show that they are off."""
    off = echoed is None or (isinstance(echoed, dict) and echoed.get("create_response") is False)
    return not off and kind == "realtime" and not emulated


class _Run:
    """One mode's session, from its token to its last event."""

    def __init__(self, ctx: Context, kind: Kind, name: str, speech: Clip, voice: Voice) -> None:
        self.name, self.voice, self.opened = name, voice, None
        self._ctx, self._kind, self._clip = ctx, kind, speech
        self._failed = ""
        self._observed: tuple[str, ...] = ()
        self._commit: Event | None = None
        self._asked: tuple[Event, ...] = ()
        self._echo: dict[str, Any] = {}
        wanted = MODES[name]
        quiet = {"create_response": False, "interrupt_response": False} if kind == "realtime" and wanted else {}
        self._sent = {**wanted, **quiet} if wanted else None

    opened: SessionAttempt | None

    async def prepare(self) -> None:
        """Open the session and set it up; what goes wrong is kept as its reason."""
        self._failed = await self._prepared()

    async def _prepared(self) -> str:
        ctx, kind = self._ctx, self._kind
        opened = self.opened = await ctx.fresh(kind, self.name, self.voice, others="keep")
        if opened is None:
            return "no token was to be had"
        if opened.session is None:
            full = no_room_for("", opened.exchange)
            self._observed = full.observed if full else ()
            return f"no session: {said(opened.exchange)}"
        if not opened.usable:
            failure = opened.session.failure
            return f"no session: {failure.phase}: {failure.detail}" if failure else "the session ended at once"
        answered = await ctx.update(opened, sessions.update(kind, opened.dialect, await self._session(opened)))
        self._asked = answered.events
        if answered.answer is None:
            return "the update got no answer"
        if answered.answer.error:
            return f"the update was refused: {answered.answer.error}"
        parsed = answered.answer.json
        echoed = parsed.get("session") if isinstance(parsed, dict) else None
        found = sessions.turn_detection_of(echoed) if isinstance(echoed, dict) else ...
        self._echo = {} if found is ... else {"echoed": found}
        if might_answer(found, kind, emulated=ctx.options.emulated):
            return "not played: it might answer, for the echo does not show create_response false"
        return ""

    async def _session(self, opened: SessionAttempt) -> Json:
        """The turn detection of this mode, with transcripts."""
        ctx, kind = self._ctx, self._kind
        wanted = sessions.session(kind, opened.dialect, await ctx.model(kind), self._sent)
        if kind == "realtime":
            asked = {"model": await ctx.model("transcription")}
            if opened.dialect == "ga":
                wanted["audio"]["input"]["transcription"] = asked
            else:
                wanted["input_audio_transcription"] = asked
        return wanted

    def cut_short(self) -> None:
        """The run ends now: what was not heard to its end is not judged."""
        self._failed = self._failed or "the run was interrupted"

    async def play(self) -> None:
        """Play the clip and wait for all that must come of it; without turn detection commit at its end."""
        session = self.opened.session if self.opened else None
        if self._failed or session is None:
            return
        limit_s = self._ctx.deadlines.event_s
        self.voice.play()
        # A connection that dies ends this; a machine that is too busy to keep pace is given time.
        await session.until(lambda: self.voice.ended, PATIENCE * self._clip.duration_ms / 1000 + limit_s)
        if not self.voice.ended:
            self._failed = "the clip was not sent in time" if session.open else "the session ended before the clip did"
            return
        if self._sent is None and session.open:
            self._commit = session.send({"type": "input_audio_buffer.commit"})
        await session.until(self._complete, limit_s)

    def _complete(self) -> bool:
        """Whether every turn has begun, ended and got its transcript, as far as can be known."""
        mode = Mode(self.name, {"events": self._events()})
        begun, closed, committed = (len(mode.at(name)) for name in ("started", "stopped", "committed"))
        told = len(mode.at("transcript")) + len(mode.at("untold"))
        turns = begun > 0 and begun == closed if self._sent else self._commit_answered(mode)
        return turns and 0 < committed <= told and (not self._sent or committed >= closed)

    def _commit_answered(self, mode: Mode) -> bool:
        """Whether something answers the commit at the end of the clip; turns that a server ended before it do not."""
        if self._commit is None or self._start is None:
            return False
        asked_ms = self._start.ms(self._commit)
        return any(ms >= asked_ms for ms in (*mode.at("committed"), *mode.at("error")))

    def _events(self) -> list[list[Any]]:
        return heard.timeline(self._received(), self._start) if self._start else []

    @property
    def _start(self) -> heard.Start | None:
        voice = self.voice
        if voice.clip_at_ms is None or voice.began_ms is None:
            return None
        return heard.Start(voice.clip_at_ms, voice.began_ms, self._ctx.options.audio_speed)

    def _received(self) -> list[Event]:
        """What came after the answer to the update."""
        session = self.opened.session if self.opened else None
        events = session.received if session else []
        known = {event.id for event in self._asked}
        after = next((i for i, event in enumerate(events) if event.id in known), -1)
        return events[after + 1 :]

    def events(self, types: tuple[str, ...] = ("",)) -> tuple[Event, ...]:
        """The update with its answer, and what came after of those types."""
        after = (*filter(None, (self._commit,)), *self._received())
        return (*self._asked, *(e for e in after if e.type.startswith((*types, "error"))))

    def facts(self) -> dict[str, Any]:
        """This mode's part of the facts."""
        told = {"sent": self._sent, **self._echo, "failed": self._failed, "events": self._events()}
        told |= {"observed": list(self._observed)} if self._observed else {}
        return told | ({"commit_ms": self._start.ms(self._commit)} if self._commit and self._start else {})


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    if _ALL in evidence.seen:
        judged = vad_effect_judge.Judged(evidence.seen[_ALL].facts)
        yield from (judged.finding(case) for case in evidence.seen)


CHECK = Check(
    id="vad-effect",
    title="Does turn detection have the effect that it promises?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    cost=Cost(requests=16, tokens_minted=5, sessions_opened=5, audio_seconds=len(MODES) * (OWN_S + AROUND_S)),
    order=80,
)
