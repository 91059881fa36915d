"""Is a turn detection that breaks a rule refused, with an error that names the field, and does a refusal change nothing?

Asks, on the open session of each kind: a good turn detection first, then by update what each rule forbids, each time
beside a good change; where such an update is taken, the good one again. An update of nothing new then shows whether any
of the refused ones left something behind.
Costs: no request and no audio; about twenty updates for each kind, over the sessions of the check `sdp`.
Sources: rtdiag/api/turn_rules.yaml, rule by rule. Only where somebody has posted the refusal, in that dialect and kind of
session, is it asserted; everything else is measured and shown as info.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import Any

from rtdiag.api import sessions
from rtdiag.api.endpoints import KINDS, Dialect, Kind
from rtdiag.api.sessions import Json
from rtdiag.api.turn_rules import Rule, all_rules, rules_of
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, SessionAttempt, model_ids
from rtdiag.engine.findings import differences, in_short, not_begun, not_sent, unanswered
from rtdiag.engine.updates import UpdateAnswer
from rtdiag.model import ApiError, Cost, Event, Evidence, Finding, Observation

# What every session is set to first, and the good change that goes with each bad turn detection.
GOOD: Json = {"type": "server_vad", "threshold": 0.6, "prefix_padding_ms": 250, "silence_duration_ms": 650}
_BEFORE: dict[Kind, str] = {"realtime": "Speak only when asked.", "transcription": "near_field"}
_BESIDE: dict[Kind, str] = {"realtime": "Speak to everybody.", "transcription": "far_field"}


def _event(kind: Kind, dialect: Dialect, model: str, beside: str, rule: Rule | None = None) -> Json:
    """The update of a rule, or of the good settings; `beside` is the instructions or the noise reduction that go with it."""
    detection = GOOD if rule is None else rule.sends
    elsewhere = rule is not None and rule.elsewhere
    own: Json = sessions.session(kind, dialect, rule.model if rule and rule.model else model)
    place: Json = own
    if (dialect == "ga") != elsewhere:
        place = own.setdefault("audio", {}).setdefault("input", {})
    place["turn_detection"] = detection
    if kind == "realtime":
        own["instructions"] = beside
    elif dialect == "ga":
        own["audio"]["input"]["noise_reduction"] = {"type": beside}
    else:
        own["input_audio_noise_reduction"] = {"type": beside}
    return sessions.update(kind, dialect, own)


def _nothing_new(kind: Kind, dialect: Dialect, model: str) -> Json:
    """An update that leaves everything as it is, for its echo."""
    own = sessions.session(kind, dialect, model)
    return sessions.update(kind, dialect, own | ({"tool_choice": "auto"} if kind == "realtime" else {}))


def _about(rule: Rule) -> str:
    """What is known of a rule, for `rtdiag explain`."""
    error = f"{' or '.join(rule.refused.code)} at {rule.param('ga')}" if rule.refused.code else ""
    seen = [f"Observation in {' '.join(place.split('-'))} sessions: {source}." for place, source in rule.known.items()]
    return " ".join(
        [
            *([f"The API's error: {error}."] if error else []),
            *(seen or ["No public source shows the refusal: measured only."]),
            f"What is written of it: {rule.what}.",
            f"Send instead: {rule.instead}.",
            f"What the refusal means: rtdiag explain {' or '.join(rule.causes)}.",
        ]
    )


_CASES = tuple(
    Case(f"{kind}-{rule.id}", f"{kind}: {rule.title}", (f"vad.update-{kind}-server-vad",), kind, doc=_about(rule))
    for kind in KINDS
    for rule in rules_of(kind)
)


# What is asked where nothing else was refused.
_UNKNOWN = next(rule for rule in all_rules() if rule.id == "unknown-field")


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """What each rule forbids, to the session of each kind."""
    async for seen in ctx.beside(*(_rules(ctx, kind) for kind in ctx.kinds)):
        yield seen


async def _rules(ctx: Context, kind: Kind) -> AsyncGenerator[Observation]:
    await ctx.due(*(f"{kind}-{rule.id}" for rule in rules_of(kind)))
    wanted = [rule for rule in rules_of(kind) if ctx.wants(f"{kind}-{rule.id}")]
    if not wanted:
        return
    async with ctx.using(kind) as opened:
        if opened is None:
            return
        if not opened.begun:
            for rule in wanted:
                yield opened.unbegun(f"{kind}-{rule.id}")
            return
        asking = Asking(ctx, kind, opened, await ctx.model(kind), model_ids(await ctx.listed_models()))
        rules = sorted(wanted, key=lambda r: (r.source(kind, opened.dialect) is None, r.sends is None))
        for at, rule in enumerate(rules):
            await asking.ahead(rules[at:])
            yield await asking.about(rule)


class Asking:
    """The rules of one session, one after the other: it is set to the good settings whenever it has others.

    That every rule is refused, and the settings stay, is foreseen, and so asked ahead; where one is taken, half as many next.
    """

    def __init__(self, ctx: Context, kind: Kind, opened: SessionAttempt, model: str, listed: dict[str, Json]) -> None:
        self._ctx, self._kind, self._opened, self._model, self._listed = ctx, kind, opened, model, listed
        self._good: UpdateAnswer | None = None
        self._refused: list[UpdateAnswer] = []
        self._known: deque[tuple[Json, UpdateAnswer]] = deque()
        self._most = len(rules_of(kind))
        self._strayed = False
        self._unheard: UpdateAnswer | None = None  # of one sent ahead that was to be asked again

    async def ahead(self, rules: Sequence[Rule]) -> None:
        """Send ahead what will be asked for these, where the session has to be set to the good settings first."""
        asked = [rule for rule in rules if self._listed_for(rule)][: self._most]
        if self._good is not None or not asked:
            return
        if asked[0].sends is None:
            asked = [_UNKNOWN, asked[0]]
        events = [self._good_settings, *map(self._update, asked)]
        self._unheard = next((answered for _, answered in self._known if answered.answer is None), self._unheard)
        ahead = await self._ctx.ask_ahead(self._opened, events)
        self._known = deque(zip(events, ahead.answers, strict=False))
        silent = bool(ahead.answers) and ahead.answers[-1].answer is None  # and so it is asked nothing more
        self._strayed = len(ahead.answers) < ahead.sent and not silent
        self._most = max(1, self._most // 2)

    def _listed_for(self, rule: Rule) -> bool:
        return not rule.model or rule.model in self._listed

    async def about(self, rule: Rule) -> Observation:
        """What one rule's update got; for the rule about all of them, what an update of nothing new shows after them.

        A rule of a model is asked too where the session's own model takes no turn detection.
        """
        case = f"{self._kind}-{rule.id}"
        facts: dict[str, Any] = {"dialect": self._opened.dialect, "asked": True, "sent": rule.sends}
        if not self._listed_for(rule):
            return Observation(case, facts=facts | {"not_listed": rule.model})
        good = await self._at_the_start()
        if not _taken(good) and not rule.model:
            return Observation(case, events=good.events, facts=facts | _said(good) | {"unset": True})
        if rule.sends is None:
            return await self._read(rule, good, facts)
        answered = await self._send(rule)
        return Observation(case, events=answered.events, facts=facts | _said(answered))

    async def _at_the_start(self) -> UpdateAnswer:
        while self._good is None or (self._strayed and not self._known):
            self._good, self._refused = await self._ask(self._good_settings), []
        return self._good

    async def _ask(self, event: Json) -> UpdateAnswer:
        """What an update got, which may have been sent ahead; the first after one that got no answer got none either."""
        if unheard := self._unheard:
            self._unheard = None
            return unheard
        if self._known and self._known[0][0] == event:
            return self._known.popleft()[1]
        self._strayed = False
        self._known.clear()
        return await self._ctx.update(self._opened, event)

    async def _send(self, rule: Rule) -> UpdateAnswer:
        answered = await self._ask(self._update(rule))
        if _taken(answered):
            self._good = None
        else:
            self._refused.append(answered)
        return answered

    @property
    def _good_settings(self) -> Json:
        return _event(self._kind, self._opened.dialect, self._model, _BEFORE[self._kind])

    def _update(self, rule: Rule) -> Json:
        if rule.sends is None:
            return _nothing_new(self._kind, self._opened.dialect, self._model)
        return _event(self._kind, self._opened.dialect, self._model, _BESIDE[self._kind], rule)

    async def _read(self, rule: Rule, good: UpdateAnswer, facts: dict[str, Any]) -> Observation:
        """Where nothing was refused since the good settings, one bad update goes before it."""
        if not self._refused:
            await self._send(_UNKNOWN)
        case = f"{self._kind}-{rule.id}"
        count, last = len(self._refused), self._refused[-1].events if self._refused else ()
        if not count:
            return Observation(case, facts=facts | {"refused": 0})
        read = await self._ask(self._update(rule))
        return Observation(
            case, events=(*good.events, *last, *read.events), facts=facts | _said(read) | {"refused": count}
        )


def _taken(answered: UpdateAnswer) -> bool:
    return answered.answer is not None and answered.answer.error is None


def _said(answered: UpdateAnswer) -> dict[str, Any]:
    return {**answered.facts, "answered": answered.answer is not None}


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    for case, seen in evidence.seen.items():
        kind: Kind = "realtime" if case.startswith("realtime-") else "transcription"
        rule = next(r for r in rules_of(kind) if case == f"{kind}-{r.id}")
        unusable = not_begun(case, seen) or _unusable(case, seen)
        if unusable:
            yield unusable
        elif rule.sends is None:
            yield _left_behind(case, seen, rule, kind, stranger=evidence.stranger)
        else:
            yield _answered(case, seen, rule, kind, stranger=evidence.stranger)


def _unusable(case: str, seen: Observation) -> Finding | None:
    """The finding for a rule that could not be tried, or got no answer at all."""
    facts = seen.facts
    if model := facts.get("not_listed"):
        return Finding(case, "skip", f"this server lists no {model}")
    if skipped := not_sent(case, facts):
        return skipped
    if facts.get("refused") == 0:
        return Finding(case, "skip", "this server refused none of these updates")
    if facts["answered"]:
        error = seen.events[-1].error if facts.get("unset") else None
        unset = "the session does not take the settings to begin with: "
        return Finding(case, "skip", unset + in_short(error)) if error else None
    if facts["ended"]:
        return Finding(case, "skip", "the session had ended")
    return unanswered(case, facts, "a refusal")


def _answered(case: str, seen: Observation, rule: Rule, kind: Kind, *, stranger: bool) -> Finding:
    dialect: Dialect = seen.facts["dialect"]
    source, error = None if stranger else rule.source(kind, dialect), seen.events[-1].error
    expected = f"{' or '.join(rule.refused.code)} at {rule.param(dialect)}" if source else "no public source"
    instead = f"send {rule.instead}"
    if error is None:
        return _accepted(case, seen, expected, instead, known=source is not None)
    measured = f"refused: {in_short(error)}" + (f" at {error.param}" if error.param else "")
    if source is None:
        return Finding(case, "info", measured, expected, hint=f"{instead}; no public source says what the API answers")
    if not _as_known(error, rule, dialect):
        return Finding(case, "info", measured, expected, hint=f"{instead}; public sources show another error")
    return Finding(case, "pass", measured, expected, hint=instead)


def _accepted(case: str, seen: Observation, expected: str, instead: str, *, known: bool) -> Finding:
    echoed = _detection(seen.events[-1])
    lost = list(differences({"turn_detection": seen.facts["sent"]}, {"turn_detection": echoed}))
    measured = f"accepted, and not applied: {'; '.join(lost)}" if lost else "accepted and echoed"
    if not known:
        return Finding(case, "info", measured, expected, hint=f"{instead}; whether the API refuses it is not public")
    observed = "what the API refuses is taken and dropped" if lost else "what the API refuses is taken and shown"
    return Finding(case, "warn", measured, expected, (observed,), f"the API refuses the whole update: {instead}")


def _as_known(error: ApiError, rule: Rule, dialect: Dialect) -> bool:
    refused = rule.refused
    return error.code in refused.code and error.param == rule.param(dialect) and refused.says in (error.message or "")


def _left_behind(case: str, seen: Observation, rule: Rule, kind: Kind, *, stranger: bool) -> Finding:
    dialect: Dialect = seen.facts["dialect"]
    expected = "the settings from before"
    if error := seen.events[-1].error:
        return Finding(case, "info", f"an update of nothing new: error {in_short(error)}", expected, hint=rule.what)
    before, after = (_settings(event, kind, dialect) for event in (seen.events[1], seen.events[-1]))
    lost = list(differences(before, after))
    count = seen.facts["refused"]
    if not lost:
        return Finding(case, "pass", f"as before {count} refused update{'s' * (count != 1)}", expected, hint=rule.what)
    measured = "; ".join(lost).replace(": sent ", ": was ").replace(", echoed ", ", is now ")
    if stranger or rule.source(kind, dialect) is None:
        return Finding(case, "info", measured, expected, hint=rule.what)
    hint = "a refusal here does not mean that nothing happened: send all settings again after each error"
    return Finding(case, "fail", measured, expected, ("a refused update has changed the session",), hint)


def _settings(event: Event, kind: Kind, dialect: Dialect) -> Json:
    """The settings that these updates were about, as an event shows them."""
    session = _session(event)
    audio = session.get("audio")
    inside = audio.get("input") if isinstance(audio, dict) else None
    place = session if dialect == "beta" or kind == "realtime" else inside if isinstance(inside, dict) else {}
    name = "instructions" if kind == "realtime" else "noise_reduction"
    beside = place.get(name if kind == "realtime" or dialect == "ga" else f"input_audio_{name}")
    return {"turn_detection": _detection(event), name: beside}


def _detection(event: Event) -> Any:
    """The turn detection that an event shows; None too where it shows none."""
    shown = sessions.turn_detection_of(_session(event))
    return None if shown is ... else shown


def _session(event: Event) -> Json:
    found = event.json.get("session") if isinstance(event.json, dict) else None
    return found if isinstance(found, dict) else {}


CHECK = Check(
    id="vad-rules",
    title="Is a turn detection that breaks a rule refused?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    cost=Cost(),
    order=65,
    beside=True,
)
