"""Is a turn detection accepted, and is it the one that the session then shows?

Asks: your own `--session FILE` first, at the mint, in a session opened with it, and by update, each field followed
through all three; where it is refused, which fields are why, and what is taken without them. Then `server_vad`,
`semantic_vad` at each eagerness and null, at the mint and by update, for a realtime and for a transcription session.
Whether it is also effective takes audio and is another check.
Costs: 12 mints of 60 seconds, whose tokens later checks use; the sessions are those of the check `sdp`, and a session and a
token more where a server has room for one alone. `--session` adds a mint and a session, or, where the mint refuses it, up
to 14 more mints (mostly 2: updates are asked first, and take nothing). In the other dialect than the server's own it adds a
mint and a session to send updates to.
Sources: developers.openai.com/api/docs/guides/realtime-vad (autumn 2026: gpt-live-transcribe and gpt-realtime-whisper
take none); openai 3.54.0 types/realtime/realtime_audio_input_turn_detection.py; record 65913593649
(2026-08-20: gpt-live-transcribe refuses it at the mint, in the same words for both types); livekit/agents#3331 (2025-09-05:
semantic_vad in a transcription session); openai-openapi @ f85dbe2 line 55921 says only server_vad there: so that is
measured, never asserted. What each model takes is in rtdiag/api/models.yaml.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

from rtdiag import session
from rtdiag.api import models, sessions
from rtdiag.api.endpoints import KINDS, Kind
from rtdiag.api.sessions import TURN_DETECTIONS, Json
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context
from rtdiag.engine.findings import ANOTHER_TURN_DETECTION, differences, in_short, not_begun
from rtdiag.model import Cost, Evidence, Finding, Observation, Status
from rtdiag.session.judged import refused

_CASES = (
    Case("own-mint", "is your own session accepted at the mint and echoed as sent?", ("key.accepted", "server.mint")),
    Case(
        "own-connect", "is a session opened with your own the one that you asked for?", ("key.accepted", "server.mint")
    ),
    Case("own-update", "is your own session accepted as an update and echoed as sent?", ("key.accepted",)),
    Case("own-culprit", "is every field of your own session taken?", ("key.accepted",)),
    *(
        Case(
            f"{way}-{kind}-{name}", f"{kind}: is {name} {how} accepted and echoed as sent?", (needs.format(kind),), kind
        )
        for kind in KINDS
        for way, how, needs in (("mint", "at the mint", "token.mint-{}"), ("update", "by update", "sdp.created-{}"))
        for name in TURN_DETECTIONS
    ),
)


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """The user's session, then every turn detection at both places."""
    await ctx.due(*session.CASES)
    async for seen in session.probe(ctx):
        yield seen
    kinds = ctx.kinds
    minting = {*kinds}
    async for seen in ctx.beside(
        *(source for kind in kinds for source in (_mints(ctx, kind, minting), _updates(ctx, kind)))
    ):
        yield seen


async def _mints(ctx: Context, kind: Kind, minting: set[Kind]) -> AsyncGenerator[Observation]:
    """Every turn detection at the mint; the last of the kinds that are `minting` leaves its tokens."""
    await ctx.due(*(f"mint-{kind}-{name}" for name in TURN_DETECTIONS))
    async for seen in ctx.politely(
        *(_mint(ctx, kind, name) for name in TURN_DETECTIONS if ctx.wants(f"mint-{kind}-{name}"))
    ):
        yield seen
    minting.remove(kind)
    if not minting:
        ctx.leave_spares()


async def _mint(ctx: Context, kind: Kind, name: str) -> AsyncGenerator[Observation]:
    model, dialect = await ctx.model(kind), (await ctx.minted(kind)).dialect
    minted = await ctx.mint(kind, dialect, sessions.session(kind, dialect, model, TURN_DETECTIONS[name]))
    ctx.keep(kind, minted)
    facts = {"kind": kind, "model": model, "sent": TURN_DETECTIONS[name]}
    echoed = _echo(sessions.turn_detection_of(minted.session))
    yield Observation(f"mint-{kind}-{name}", (minted.exchange,), facts=facts | echoed)


async def _updates(ctx: Context, kind: Kind) -> AsyncGenerator[Observation]:
    """Every turn detection by update."""
    await ctx.due(*(f"update-{kind}-{name}" for name in TURN_DETECTIONS))
    wanted = [name for name in TURN_DETECTIONS if ctx.wants(f"update-{kind}-{name}")]
    if not wanted:
        return
    async with ctx.using(kind) as opened:
        if opened is None:
            return
        if not opened.begun:
            for name in wanted:
                yield opened.unbegun(f"update-{kind}-{name}")
            return
        model, dialect = await ctx.model(kind), (await ctx.minted(kind)).dialect
        sent = [sessions.session(kind, dialect, model, TURN_DETECTIONS[name]) for name in wanted]
        answers = ctx.updates(opened, [sessions.update(kind, dialect, one) for one in sent])
        for name in wanted:
            answered = await anext(answers)
            echoed = _session_of(answered.answer.json if answered.answer else None)
            facts = {"kind": kind, "model": model, "sent": TURN_DETECTIONS[name], **answered.facts}
            yield Observation(
                f"update-{kind}-{name}", events=answered.events, facts=facts | _echo(sessions.turn_detection_of(echoed))
            )


def _session_of(parsed: Any) -> Json:
    found = parsed.get("session") if isinstance(parsed, dict) else None
    return found if isinstance(found, dict) else {}


def _echo(echoed: Any) -> dict[str, Any]:
    return {} if echoed is ... else {"echoed": echoed}


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    for case, seen in evidence.seen.items():
        if unbegun := not_begun(case, seen):
            yield unbegun
        elif case.startswith("own-"):
            yield session.judge(case, seen)
        else:
            yield _turn_detection(case, seen, stranger=evidence.stranger)


def _turn_detection(case: str, seen: Observation, *, stranger: bool) -> Finding:
    facts = seen.facts
    sent = facts["sent"]
    rule = "unconfirmed" if stranger and sent else _rule(str(facts["model"]), sent)
    error, unusable = refused(case, seen)
    expected = {
        "yes": "accepted and echoed",
        "no": "a refusal: this model takes none",
        "unconfirmed": "no public source",
    }[rule]
    if unusable:
        return unusable
    if error and rule == "no":
        return Finding(
            case,
            "pass",
            f"refused: {in_short(error)}",
            expected,
            hint="send turn_detection null, and commit the audio yourself",
        )
    if error and rule == "unconfirmed":
        return Finding(
            case, "info", f"refused: {in_short(error)}", expected, hint="use server_vad for this kind of session"
        )
    if error:
        return Finding(case, "fail", f"refused: {in_short(error)}", expected)
    if "echoed" not in facts and stranger:
        return Finding(case, "info", "accepted, and not shown in the echo", expected)
    if "echoed" not in facts:
        measured = "accepted, no turn_detection in the echo"
        return Finding(case, "fail", measured, expected, (ANOTHER_TURN_DETECTION,), _NOT_APPLIED)
    if lost := list(_lost(sent, facts["echoed"])):
        status: Status = "warn" if stranger else "fail"
        return Finding(case, status, "; ".join(lost), expected, (ANOTHER_TURN_DETECTION,), _NOT_APPLIED)
    return Finding(case, "info" if rule == "no" else "pass", "accepted and echoed", expected)


_NOT_APPLIED = "accepted is not applied: the session detects turns in another way than was asked"


def _rule(model: str, turn_detection: Json | None) -> models.Known:
    """Whether this model takes this turn detection, by the contract."""
    known = models.find(model)
    if turn_detection is None:
        return "yes"
    if known is None:
        return "unconfirmed"
    return known.server_vad if turn_detection["type"] == "server_vad" else known.semantic_vad


def _lost(sent: Json | None, echoed: Any) -> Iterator[str]:
    """The differences, but for `auto`, which the API may show as what it stands for (medium)."""
    if sent and sent.get("eagerness") == "auto" and isinstance(echoed, dict) and echoed.get("eagerness") == "medium":
        sent = {**sent, "eagerness": "medium"}
    yield from differences({"turn_detection": sent}, {"turn_detection": echoed})


CHECK = Check(
    id="vad",
    title="Is turn detection accepted and applied?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    cost=Cost(requests=12, tokens_minted=12),
    spares=12,
    order=60,
    beside=True,
)
