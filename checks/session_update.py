"""Which update event changes a session, and is it applied?

Asks, on the open session of each kind: `session.update` in GA shape, `session.update` in the beta's flat shape, and
`transcription_session.update`, each followed by what came back; what was sent is compared with what the echo shows.
Costs: no request; it uses the sessions of the check `sdp`. Where a server has room for one alone, a session and a token more.
Sources: live capture of 2026-09-18, record 69522944037 (GA: `session.type` is required, `transcription_session.update`
is `invalid_value`, a bad update is dropped whole); the founding thread community.openai.com 1148799 (2025-04:
`session.update` on a beta transcription session answers `server_error`); crmitchelmore/justspeaktoit#427 (2026-05-08).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator

from rtdiag.api.endpoints import KINDS, Dialect, Kind
from rtdiag.api.sessions import Json
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context
from rtdiag.engine.findings import in_short, not_begun, not_sent, unanswered, update
from rtdiag.model import Cost, Evidence, Finding, Observation

_FORMS: dict[str, str] = {
    "ga": "session.update in GA shape",
    "beta": "session.update in beta shape",
    "transcription-update": "transcription_session.update",
}

_CASES = tuple(
    Case(f"{kind}-{form}", f"{kind}: does {title} do what this dialect says?", (f"sdp.created-{kind}",), kind)
    for kind in KINDS
    for form, title in _FORMS.items()
)


def _event(kind: Kind, form: str, model: str) -> Json:
    """The event of one form: a harmless change that an echo can show."""
    change: dict[Dialect, Json]
    if kind == "realtime":
        change = {"ga": {"instructions": "Speak only when asked."}, "beta": {"instructions": "Speak only when asked."}}
    else:
        noise = {"type": "near_field"}
        change = {
            "ga": {"audio": {"input": {"transcription": {"model": model}, "noise_reduction": noise}}},
            "beta": {"input_audio_transcription": {"model": model}, "input_audio_noise_reduction": noise},
        }
    if form == "ga":
        return {"type": "session.update", "session": {"type": kind, **change["ga"]}}
    if form == "beta":
        return {"type": "session.update", "session": change["beta"]}
    flat = change["beta"] if kind == "transcription" else {"input_audio_noise_reduction": {"type": "near_field"}}
    return {"type": "transcription_session.update", "session": flat}


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Send the three forms to the session of each kind."""
    async for seen in ctx.beside(*(_forms(ctx, kind) for kind in ctx.kinds)):
        yield seen


async def _forms(ctx: Context, kind: Kind) -> AsyncGenerator[Observation]:
    await ctx.due(*(f"{kind}-{form}" for form in _FORMS))
    wanted = [form for form in _FORMS if ctx.wants(f"{kind}-{form}")]
    if not wanted:
        return
    async with ctx.using(kind) as opened:
        if opened is None:
            return
        if not opened.begun:
            for form in wanted:
                yield opened.unbegun(f"{kind}-{form}")
            return
        model = await ctx.model(kind)
        events = [_event(kind, form, model) for form in wanted]
        answers = ctx.updates(opened, events)
        for form, event in zip(wanted, events, strict=True):
            answered = await anext(answers)
            facts = {"dialect": opened.dialect, "sent": event["session"], **answered.facts}
            yield Observation(f"{kind}-{form}", events=answered.events, facts=facts)


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    for case, seen in evidence.seen.items():
        kind, _, form = case.partition("-")
        if unbegun := not_begun(case, seen):
            yield unbegun
            continue
        dialect: Dialect = seen.facts["dialect"]
        right = "ga" if dialect == "ga" else "beta" if kind == "realtime" else "transcription-update"
        yield _judge_one(case, seen, kind, form, right, stranger=evidence.stranger)


def _judge_one(case: str, seen: Observation, kind: str, form: str, right: str, *, stranger: bool) -> Finding:
    if form == right:
        return update(case, seen, stranger=stranger)
    expected = "a refusal"
    instead = f"send {_FORMS[right]}" + (f', with "type": "{kind}"' if right == "ga" else "")
    if skipped := not_sent(case, seen.facts):
        return skipped
    answer = seen.events[1] if len(seen.events) > 1 else None
    if answer is None and seen.facts.get("ended"):
        return Finding(case, "skip", "the session had ended")
    if answer is None:
        return unanswered(case, seen.facts, expected)
    if answer.error:
        return Finding(case, "pass", f"error {in_short(answer.error)}", expected, hint=instead)
    hint = "this server takes this form too; the API does not"
    return Finding(case, "info", f"{answer.type}: it was taken", expected, hint=hint)


CHECK = Check(
    id="session-update",
    title="Do sessions take the update event of their dialect?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    cost=Cost(),
    order=50,
    beside=True,
)
