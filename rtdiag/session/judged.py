"""What is said of the user's own session, case by case. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rtdiag.engine import findings
from rtdiag.engine.findings import ANOTHER_ECHO, REFUSED, in_short, no_answer, not_sent, said, unanswered
from rtdiag.model import ApiError, Finding, Observation, Status
from rtdiag.remedy.json_paths import Place, at, dotted, fate, leaves
from rtdiag.remedy.repair.draft import brief

_AS_SENT = "accepted, and echoed as sent"
_ALL_TAKEN = "every field is taken"
_NOT_APPLIED = "accepted is not applied: these fields were changed or dropped"


def judge(case: str, seen: Observation) -> Finding:
    """The finding of one of the `own-` cases."""
    facts = seen.facts
    if facts.get("given") is False:
        return Finding(case, "skip", "no --session FILE was given")
    if kind := facts.get("no_session"):
        return Finding(case, "skip", f"no {kind} session is open")
    if facts.get("not_minted"):
        return Finding(case, "skip", "the mint gave no token for your session")
    return _culprit(case, seen) if case == "own-culprit" else _followed(case, seen)


def _followed(case: str, seen: Observation) -> Finding:
    """Of a session that was minted, opened or sent as an update: refused, changed on the way, or as sent."""
    error, unusable = refused(case, seen)
    if unusable:
        return unusable
    if error:
        return Finding(case, "fail", in_short(error) + f": {error.message}", _AS_SENT)
    if seen.facts.get("created") is False:
        why = next((p.failure.detail for p in seen.peers if p.failure), "no session.created came")
        hint = "the cases of the check sdp say whether this is your network's doing or this session's"
        return Finding(case, "inconclusive", f"not opened: {why}", _AS_SENT, hint=hint)
    if lost := list(_lost(seen.facts["session"], seen.facts["echoed"])):
        return Finding(case, "fail", "; ".join(lost), _AS_SENT, (ANOTHER_ECHO,), _NOT_APPLIED)
    own_way = "; ".join(_own_way(seen.facts["session"], seen.facts["echoed"]))
    return Finding(case, "pass", f"{_AS_SENT}; {own_way}" if own_way else _AS_SENT, _AS_SENT)


def refused(case: str, seen: Observation) -> tuple[ApiError | None, Finding | None]:
    """The API's refusal, or the finding for what is neither a refusal nor an acceptance."""
    exchange = seen.exchange
    if exchange is not None:
        if unusable := no_answer(case, exchange):
            return None, unusable
        if exchange.ok:
            return None, None
        if exchange.status in REFUSED:  # what was sent is not what this is about
            hint = "the credential was taken before, and is refused here: read the body"
            return None, findings.refused(case, exchange, "", None, (), hint)
        return exchange.error or ApiError(message=said(exchange)), None
    if skipped := not_sent(case, seen.facts):
        return None, skipped
    if len(seen.events) < 2:
        return None, unanswered(case, seen.facts, "an echo")
    return seen.events[1].error, None


def _lost(sent: Any, echoed: Any) -> Iterator[str]:
    for place, value in leaves(sent):
        shown = at(echoed, place)
        came = {"absent": "not in the echo", "other": f"echoed {brief(shown if shown is not ... else None)}"}
        if (told := fate(value, shown)) in came and not _as_the_api_does(place, value, shown):
            yield f"{dotted(place)}: sent {brief(value)}, {came[told]}"


def _own_way(sent: Any, echoed: Any) -> Iterator[str]:
    for place, value in leaves(sent):
        if told := _as_the_api_does(place, value, at(echoed, place)):
            yield f"{dotted(place)}: {told}"


def _as_the_api_does(place: Place, sent: Any, shown: Any) -> str:
    """What is known of a field that the API takes and shows otherwise than it was sent, or not at all; "" for any other.

    A delay that is taken is not shown: record 70882954038 (2026-10-06). Empty instructions leave the API's own:
    pydantic/pydantic-ai @ 4fda389 tests/realtime/cassettes/test_azure_ws (2026-07-22).
    """
    if place[-2:] == ("transcription", "delay") and shown is ...:
        return "taken, and never shown"
    if place == ("instructions",) and sent == "" and isinstance(shown, str) and shown:
        return f"an empty text leaves the server's own, {brief(shown)}"
    return ""


def _culprit(case: str, seen: Observation) -> Finding:
    """Which fields are why; where something is missing in the session or its whole shape is wrong, what mends it."""
    facts = seen.facts
    culprits = [_named(culprit) for culprit in facts["culprits"]]
    mended = facts.get("changes", ()) if facts.get("mended") and not culprits else ()
    if not facts["refused_at"] and not (mended and not facts["taken_at"]):
        return _nothing_refused(case, facts)
    told = [*culprits, *(f"{change['field'] or 'the whole'}: {change['what']}" for change in mended)]
    if not told and facts["refused_at"] == ["created"]:
        hint = "the mint took it, and no session opens with it: own-connect has the answer; no field was tried there"
        return Finding(case, "inconclusive", "refused when a session was opened with it", _ALL_TAKEN, hint=hint)
    status: Status = "fail" if told else "inconclusive"
    if facts["undecided"] and not mended:
        more = f" and {len(facts['undecided']) - 4} more" if len(facts["undecided"]) > 4 else ""
        told.append(f"not decided: {', '.join(facts['undecided'][:4])}{more}")
    measured = "; ".join(told) or "refused, and no field of it alone is why"
    return Finding(case, status, measured, _ALL_TAKEN, hint=" ".join(_advice(facts)))


def _nothing_refused(case: str, facts: Mapping[str, Any]) -> Finding:
    if not facts["taken_at"]:
        return Finding(case, "skip", "this server said nothing of your session")
    where = " and ".join(_WHERE[step] for step in facts["taken_at"])
    return Finding(case, "pass", f"all {len(facts['fields'])} are taken {where}", _ALL_TAKEN)


_HOW = {"mint": " at the mint, and no session was opened with it", "updated": " by update"}
_WHERE = {"mint": "at the mint", "created": "at the opening", "updated": "by update"}


def _named(culprit: Mapping[str, Any]) -> str:
    error = culprit["error"]
    why = in_short(ApiError(**error)) if error else "refused"
    return f"{culprit['field']} = {brief(culprit['value'])}: {why}"


def _advice(facts: Mapping[str, Any]) -> Iterator[str]:
    """What to send instead, what was taken, and what it took to find out."""
    culprits = facts["culprits"]
    without = "leave it out" if facts["taken"] else "no session is taken without it"
    yield from (f"{culprit['field']}: {culprit['instead'] or without}." for culprit in culprits)
    if facts["taken"]:
        wholes = dict.fromkeys(c["left_out"] for c in culprits if c["left_out"] != c["field"])
        which = ("them" if len(culprits) > 1 else "it") + (f" ({', '.join(wholes)} as a whole)" if wholes else "")
        opened = " and opened it" if facts.get("opened") else _HOW.get(facts.get("taken_by") or "", "")
        yield f"Without {which if culprits else 'some of them'} this server took your session{opened}; it stands below."
    if facts.get("mended"):
        yield (
            "Changed like this it was taken, too."
            if facts["taken"]
            else "Changed like this it was taken; it stands below."
        )
    took = [f"{number} {name if number != 1 else name[:-1]}" for name, number in facts["asked"].items() if number]
    yield f"Finding this out took {' and '.join(took) or 'nothing'}."
