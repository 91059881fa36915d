"""Is the key a key, does this server take it, and would it refuse another?

Asks: nothing for the key's shape and its surroundings; `GET /models` with the key, and the same with a made-up key as
the control: where that one is taken too, no other green says anything about credentials. Both are asked at the same time where TLS,
or a network of your own, keeps the key from others. The list names the models' shutdown dates.
Costs: one request beside that of the check `network`, which is the control; nothing that is billed.
Sources: help.openai.com 8867743 (prefixes); developers.openai.com/api/reference/overview (as of 2026-11-10: key
changes take up to 15 minutes); openai 3.54.0 types/model.py:26 (`shutdown_date`); messages as posted in
openai/codex#1000, earendil-works/pi#956, PowerToys#32989.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date
from urllib.parse import urlsplit

from rtdiag.api import keys, models
from rtdiag.api.endpoints import KINDS
from rtdiag.engine.check import Case, Check
from rtdiag.engine.context import Context, lists_models, model_ids
from rtdiag.engine.findings import (
    ALIKE,
    BY_OPENAI,
    KEY_REFUSED,
    NOT_IN_SHAPE,
    REFUSED,
    TAKES_ANYTHING,
    beside_made_up,
    lacks_a_scope,
    names_a_reason,
    no_answer,
    not_this_key,
    refused,
    refused_alike,
    said,
)
from rtdiag.model import Cost, Evidence, Exchange, Finding, Observation, Status
from rtdiag.servers import base_url_meant, issuer_elsewhere

# How long before its end a model is worth a warning.
_SOON_DAYS = 90

_CASES = (
    Case("shape", "does the API key look like one?"),
    Case("environment", "what else is set beside the key?"),
    Case("base-url", "does the base URL end where the API begins?"),
    Case("accepted", "does the server take the API key?", requires=("key.shape", "network.answer")),
    Case("control", "does the server refuse a made-up key?", requires=("network.answer",)),
    *(Case(f"model-{kind}", f"will the {kind} model last?", requires=("key.accepted",), kind=kind) for kind in KINDS),
)

# Where it is seen what a key is good for, of a server whose list of models tells nothing of it.
_DOORS = frozenset({"server.mint", "server.calls", "server.websocket"})

_WRONG_KEY = (
    "make sure that it is the whole key and still exists; one that was just created or changed can need 15 minutes"
)


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    """Look at the key as given, then ask `GET /models` with it and with a made-up one."""
    options = ctx.options
    key = options.api_key.secret.reveal() if options.api_key else None
    shape = ctx.key_shape
    keyless = {"keyless": True} if options.keyless else {}
    issuer = issuer_elsewhere(key or "", ctx.asked.known)
    whose = {"issuer": issuer.name} if issuer and not options.emulated else {}
    source = {"source": options.api_key.source if options.api_key else ""}
    yield Observation("shape", facts=shape | keyless | whose | source)
    yield Observation("environment", facts=dict(options.environment))
    meant = base_url_meant(options.base_url, ctx.asked.known if options.profile else None)
    urls = {"base_url": options.base_url, "meant": meant}
    yield Observation("base-url", facts={name: ctx.recorder.mask(url, "facts") for name, url in urls.items()})
    control = await ctx.first_answer() if await ctx.due("control") else None
    if control is not None:
        yield Observation("control", (control,))
    if not (await ctx.due("accepted") and ctx.key_may_be_asked):
        return
    listed = await ctx.listed_models()
    if control is None and not (listed.ok and lists_models(listed)):
        control = await ctx.first_answer()
    alone = {} if ctx.at_home or _DOORS & options.planned else {"alone": True}
    anything = {"made_up_taken": True} if listed.ok and control and control.ok and not lists_models(listed) else {}
    yield Observation("accepted", (listed,), facts=beside_made_up(listed, control) | anything | alone)
    for kind in options.kinds:
        model = await ctx.model(kind)
        entry = model_ids(listed).get(model)
        yield Observation(f"model-{kind}", (listed,), facts={"model": model, "entry": entry, "listed": listed.ok})


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding per case seen."""
    control = evidence.seen.get("control")
    for case, seen in evidence.seen.items():
        if case == "shape":
            yield _by_form(_shape(seen, evidence.official, taken=_is_taken(evidence)), evidence)
        elif case == "environment":
            yield _environment(seen)
        elif case == "base-url":
            yield _by_form(_base_url(seen, evidence.official, evidence.seen.get("accepted")), evidence)
        elif case == "control" and seen.exchange:
            yield _control(seen.exchange, evidence)
        elif case == "accepted" and seen.exchange:
            void = bool(control and control.exchange and control.exchange.ok)
            if evidence.stranger and (odd := _of_a_stranger(seen)):
                yield odd
            elif seen.facts.get("made_up_taken"):
                yield _anything("accepted", seen.exchange, "200")
            else:
                yield _accepted(seen.exchange, seen.facts.get("made_up"), void=void, stranger=evidence.stranger)
        elif case.startswith("model-"):
            found = _model(case, seen, evidence.today)
            yield _of_openai_alone(found) if evidence.stranger else found


def _by_form(found: Finding, evidence: Evidence) -> Finding:
    """What passes by its form alone proves nothing at a server whose forms are not known."""
    return replace(found, status="info") if evidence.stranger and found.status == "pass" else found


def _is_taken(evidence: Evidence) -> bool:
    """Whether the server lists models to the key and refuses a made-up one: then it knows this key, whatever its form."""
    listed, control = (evidence.seen.get(case, Observation(case)).exchange for case in ("accepted", "control"))
    return bool(listed and listed.ok and lists_models(listed) and control and control.status in REFUSED)


def _shape(seen: Observation, official: bool, *, taken: bool) -> Finding:
    facts = seen.facts
    if facts.get("keyless"):
        return Finding("shape", "info", "no key was given: the server is asked without one")
    if facts.get("missing"):
        return Finding("shape", "skip", "no API key was given, only a token")
    if "problem" in facts:
        hint = f"{facts['source']}: {facts['hint']}"
        return Finding("shape", "fail", str(facts["problem"]), "a key", (keys.observed(facts),), hint)
    if placeholder := facts.get("placeholder"):
        hint = "a server that asks for no key takes any text; of one that asks for a key it is none"
        return Finding("shape", "info", f"{placeholder}, from {facts['source']}", "a key", hint=hint)
    measured = f"{facts['kind']}, {facts['length']} characters, from {facts['source']}"
    if issuer := facts.get("issuer"):
        hint = f"{facts['source']}: it has the form of {issuer}'s keys"
        if taken:
            return Finding("shape", "info", measured, hint=f"{hint}, and this server takes it")
        return Finding(
            "shape", "warn", measured, "a key of this server", ("a key that another server has issued",), hint
        )
    if official and facts["kind"] != "api-key":
        hint = "OpenAI's keys begin with sk-"
        return Finding("shape", "warn", measured, "sk-…", ("a key that does not begin as OpenAI's do",), hint)
    return Finding("shape", "pass", measured)


def _environment(seen: Observation) -> Finding:
    found = ", ".join(f"{name}={value}" for name, value in seen.facts.items())
    return Finding("environment", "info", found or "nothing: no other OPENAI_ variable and no proxy is set")


def _base_url(seen: Observation, official: bool, listed: Observation | None) -> Finding:
    """What goes on after its version, or has it twice, is wrong; one without a version only where no models are listed below it."""
    url = str(seen.facts["base_url"])
    meant = str(seen.facts.get("meant", base_url_meant(url)))
    if meant == url.rstrip("/"):
        return Finding("base-url", "pass", url)
    added = meant == f"{url.rstrip('/')}/v1" and not official
    if added and listed and listed.exchange and model_ids(listed.exchange):
        return Finding("base-url", "pass", f"{url}, without a version, and models are listed there")
    status: Status = "warn" if added else "fail"
    observed = "the base URL has no version" if added else "the base URL does not end where the API begins"
    return Finding("base-url", status, url, f"…{urlsplit(meant).path}", (observed,), f"did you mean {meant} ?")


def _control(exchange: Exchange, evidence: Evidence) -> Finding:
    official, accepted = evidence.official, evidence.seen.get("accepted")
    taken = accepted is not None and accepted.exchange is not None and accepted.exchange.ok
    if evidence.stranger and exchange.status and not (exchange.ok and lists_models(exchange)):
        status: Status = "pass" if taken and exchange.status in REFUSED else "info"
        return Finding("control", status, said(exchange), "401")
    if unusable := no_answer("control", exchange, wants_json=True):
        return unusable
    if evidence.stranger and exchange.ok and accepted and accepted.exchange and accepted.exchange.credential == "none":
        return Finding(
            "control", "info", f"{exchange.status}, as without a key", hint="no key is asked for here: any text will do"
        )
    if exchange.ok and not lists_models(exchange):
        return _anything("control", exchange, "401")
    if exchange.ok:
        return Finding(
            "control",
            "fail" if official else "warn",
            f"{exchange.status}: it was taken",
            "401",
            (TAKES_ANYTHING, *((BY_OPENAI,) if official else ())),
            "it asks for no key, or something between answers in its place: no green about keys and tokens means anything",
        )
    if exchange.status in REFUSED and accepted and accepted.exchange:
        own = _accepted(accepted.exchange, accepted.facts.get("made_up"), void=False)
        if ALIKE in own.observed:
            hint = "the key gets the same: this refusal says nothing about keys"
            return Finding("control", "info", said(exchange), "401", hint=hint)
    if exchange.status in REFUSED:
        return Finding("control", "pass", said(exchange), "401")
    return Finding(
        "control",
        "info",
        said(exchange),
        "401",
        hint="neither taken nor refused as a credential: the control says nothing here",
    )


def _of_a_stranger(seen: Observation) -> Finding | None:
    """The finding of a list that is none, of a server that is not OpenAI's: only what it says of this key alone ends a run.

    Some have no list, some have another, and some guard it by another key. None where it is to be judged as anybody's.
    """
    exchange = seen.exchanges[0]
    status = exchange.status or 0
    if exchange.kept and seen.facts.get("made_up"):
        return not_this_key("accepted", exchange, "200")
    if exchange.failure or 300 <= status < 400 or status in (407, 511):
        return None
    if exchange.ok and lists_models(exchange):
        told = f"200, {len(model_ids(exchange))} models listed, without a key"
        return Finding("accepted", "pass", told, "200") if exchange.credential == "none" else None
    judged_here = seen.facts.get("made_up") is False or seen.facts.get("alone")
    if status in REFUSED and judged_here and not exchange.looks_like_html:
        return None
    if seen.facts.get("alone"):
        hint = "the list of models tells nothing of keys here: a whole run asks where sessions begin"
        return no_answer("accepted", exchange) or Finding("accepted", "inconclusive", said(exchange), "200", hint=hint)
    return Finding(
        "accepted",
        "info",
        said(exchange),
        "200",
        hint="the list of models tells nothing of keys here; what comes later does",
    )


def _anything(case: str, exchange: Exchange, expected: str) -> Finding:
    """The finding of an answer that takes every key and is no list of models: who gave it knows nothing of the API."""
    if unusable := no_answer(case, exchange, wants_json=True):
        return unusable
    hint = "a made-up key gets 200, too, and neither is a list of models: something answers in the place of the API"
    return Finding(case, "inconclusive", f"{said(exchange)}, no list of models", expected, (NOT_IN_SHAPE,), hint)


def _accepted(exchange: Exchange, made_up: bool | None, *, void: bool, stranger: bool = False) -> Finding:
    if unusable := no_answer("accepted", exchange, wants_json=True):
        return unusable
    if exchange.ok and void:
        hint = "see key.control: this proves nothing"
        return Finding("accepted", "info", "200, but so is a made-up key", "200", hint=hint)
    if exchange.ok:
        return Finding("accepted", "pass", f"200, {len(model_ids(exchange))} models listed", "200")
    if lacks_a_scope(exchange):
        hint = "the key is known, but may not list models (api.model.read); that is not a bad key"
        return Finding("accepted", "info", said(exchange), "200", ("the key may not list models",), hint)
    if exchange.status == 404:
        hint = "this server lists no models: the key is judged by the later checks"
        return Finding("accepted", "info", said(exchange), "200", hint=hint)
    if exchange.status in REFUSED and made_up and (elsewhere := not_this_key("accepted", exchange, "200")):
        return elsewhere
    if exchange.status in REFUSED:
        return refused("accepted", exchange, "200", made_up, (KEY_REFUSED,), _WRONG_KEY, stranger=stranger)
    if made_up and not names_a_reason(exchange):
        return refused_alike("accepted", exchange, "200")
    return Finding("accepted", "fail" if names_a_reason(exchange) else "inconclusive", said(exchange), "200")


def _model(case: str, seen: Observation, today: date) -> Finding:
    model, entry = str(seen.facts["model"]), seen.facts.get("entry")
    known = models.find(model)
    listed = entry.get("shutdown_date") if isinstance(entry, dict) else None
    ends = _as_date(listed) or (known.shutdown if known else None)
    kind = case.removeprefix("model-")
    flag = "--model" if kind == "realtime" else "--transcription-model"
    better = models.default("realtime" if kind == "realtime" else "transcription")
    if ends and ends <= today:
        measured = f"{model} was shut down on {ends}"
        return Finding(case, "fail", measured, "a living model", (models.ENDED,), f"use {flag} {better}")
    if ends and (ends - today).days <= _SOON_DAYS:
        hint = f"move to {better}; {flag} {better} tries it"
        return Finding(
            case,
            "warn",
            f"{model} is shut down on {ends}, in {(ends - today).days} days",
            "a living model",
            (models.ENDS_SOON,),
            hint,
        )
    if not seen.facts.get("listed", True):
        return Finding(case, "info", f"{model}; the list of models cannot be read with this key")
    if entry is None:
        return Finding(
            case,
            "info",
            f"{model} is not listed for this key",
            hint="lists are per project; the mint and the call decide",
        )
    return Finding(case, "pass", f"{model}, {f'until {ends}' if ends else 'no end announced'}")


def _of_openai_alone(found: Finding) -> Finding:
    """When OpenAI ends a model says little of another's of that name."""
    if not {models.ENDED, models.ENDS_SOON} & {*found.observed}:
        return found
    return replace(found, status="info", measured=f"{found.measured} by OpenAI", observed=(), hint=None)


def _as_date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


CHECK = Check(
    id="key",
    title="Is the key valid?",
    cases=_CASES,
    probe=probe,
    judge=judge,
    cost=Cost(requests=1),
    order=10,
    beside=True,
)
