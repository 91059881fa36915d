"""What several renderings say of a whole run in the same words: the verdict, the counts, the emulator's banner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from rtdiag import servers
from rtdiag.api.endpoints import DIALECT_NAMES
from rtdiag.model import CUT_SHORT, SEVERITY, THE_WAY, By, CredentialShown, Report, Status, Target
from rtdiag.report.cases import NEEDS_A_LOOK, Case, of_run
from rtdiag.report.pen import SIGNS as SIGNS
from rtdiag.report.spelling import one_line

_OVERALL: dict[Status, str] = {
    "pass": "all is well",
    "warn": "well, with warnings",
    "fail": "something is wrong",
    "inconclusive": "not all could be tested",
    "info": "nothing was proven",
    "skip": "nothing was asked",
    "error": "a check broke",
}
OPAQUE = "opaque"  # the failure of a request that was answered, for a page that may not read it
_LONGEST_LINE = 160
_ASKERS: dict[By, str] = {"": "", "browser": "browser: ", "page": "your page: "}
# Whose name says nothing that a reader would ask for.
_NOT_NAMED = ("openai", "emulator", "unknown", "compatible", "gateway")
# What passed, or was never asked, says nothing of a run that did not come to its end.
_UNPROVEN: frozenset[Status] = frozenset({"pass", "warn", "info", "skip"})


def banner(report: Report) -> str:
    """The line that says that all this is the emulator's; "" for a run against a server."""
    emulator = report.target.emulator
    if emulator is None:
        return ""
    faults = f", faults: {', '.join(emulator['faults'])}" if emulator["faults"] else ""
    profile = f", profile {emulator['profile']}" if "profile" in emulator else ""
    return f"EMULATOR (as of {emulator['as_of']}{profile}{faults}): nothing here was asked of the live API"


def whom(target: Target) -> str:
    """Whose server was asked, what showed it first, and what it speaks: `LiteLLM, by the list of models; GA`."""
    dialects = " and ".join(DIALECT_NAMES[d] for d in target.dialects) or "dialect unknown"
    if target.recognised_as == "emulator":
        return f"the emulator; {dialects}"
    by = f", by {target.recognised_by[0]}" if target.recognised_by else ""
    return f"{servers.named(target.recognised_as).name}{by}; {dialects}"


_DOORS = {
    "models": "a list of models",
    "mint": "tokens",
    "calls": "WebRTC",
    "websocket": "WebSockets",
    "transcription": "transcription",
}


def offered(target: Target) -> str:
    """What a server that is not OpenAI's offers, and what not: `offers WebRTC, WebSockets; no tokens`; "" where that is known."""
    has = [name for door, name in _DOORS.items() if target.offers.get(door)]
    lacks = [f"no {name.removeprefix('a ')}" for door, name in _DOORS.items() if target.offers.get(door) is False]
    told = "; ".join(filter(None, [", ".join(has), ", ".join(lacks)]))
    return f"offers {told}" if told else ""


def asker(by: By) -> str:
    """Who asked, before what was asked: `browser: `; "" for rtdiag itself."""
    return _ASKERS[by]


def by_what(credential: CredentialShown) -> str:
    """What was asked with, and where that came from: `with api-key sk-***0000 from GATEWAY_KEY`, `without a key`."""
    if credential.kind == "none":
        return f"with tokens from {credential.source}" if credential.source else "without a key"
    return f"with {credential.kind} {credential.masked} from {credential.source}".replace("  ", " ")


def overall(report: Report) -> Status:
    """The status of the whole run: of one that was cut short never better than inconclusive, whatever had passed by then."""
    return "inconclusive" if report.interrupted and report.overall in _UNPROVEN else report.overall


def status(report: Report) -> str:
    """The overall status in capitals, after INTERRUPTED where the run was."""
    return ("INTERRUPTED " if report.interrupted else "") + overall(report).upper()


def verdict(report: Report) -> str:
    """The status and what it comes from: `FAIL key-wrong-or-revoked (high)`, `PASS all is well`."""
    if not report.diagnosis:
        return f"{status(report)} {in_words(report)}"
    return f"{status(report)} {report.diagnosis[0].cause} ({report.diagnosis[0].confidence})"


def in_words(report: Report) -> str:
    """The overall status as a sentence's end: `something is wrong`; of what works with a warning, which one that is."""
    if report.interrupted and overall(report) == "inconclusive":
        return "not finished"
    works = report.overall == "warn" or _without_ice_servers(report)
    if works and (but := _but(report)):
        return but
    borne = sum(map(_is_borne, of_run(report))) if report.overall == "pass" else 0
    return f"{_OVERALL[report.overall]}{_at(report.target)}" + (f", {borne} ignored" if borne else "")


def _at(target: Target) -> str:
    """` at LiteLLM`, where it is neither OpenAI's nor the emulator, and known."""
    return "" if target.recognised_as in _NOT_NAMED else f" at {servers.named(target.recognised_as).name}"


def _is_borne(case: Case) -> bool:
    """Whether a case would count, were it not ignored."""
    return case.finding.ignored is not None and case.finding.status != case.finding.ignored.was


def _without_ice_servers(report: Report) -> bool:
    """Whether sessions found a way, and nothing is wrong but the STUN and TURN servers that were given."""
    found = {case.id: case.finding.status for case in of_run(report)}
    wrong = {name for name, status in found.items() if status in NEEDS_A_LOOK}
    return wrong == {"network.ice-servers"} and any(
        name.startswith("sdp.ice-") and status == "pass" for name, status in found.items()
    )


def _but(report: Report) -> str:
    """`works, but looking names up takes long: 3.0 s each time`, of what shows the first cause; "" where nothing passed."""
    found = of_run(report)
    warned = [case for case in found if case.finding.status in NEEDS_A_LOOK]
    if not warned or not any(case.finding.status == "pass" for case in found):
        return ""
    shown = report.diagnosis[0].evidence if report.diagnosis else ()
    first = next((case for case in warned if case.id in shown), warned[0])
    what = first.finding.observed[0] if first.finding.observed else first.id
    return one_line(f"works, but {what}: {first.finding.measured}", _LONGEST_LINE)


def way(report: Report) -> str:
    """What the way cost a run that works, where that was much: `the way: looking names up cost 3.0 s of 9.1 s`; else ""."""
    if overall(report) not in ("pass", "warn"):
        return ""
    told = (case.finding.measured for case in of_run(report) if THE_WAY in case.finding.observed)
    return next((one_line(f"{THE_WAY}: {text}", _LONGEST_LINE) for text in told), "")


def reached(report: Report) -> str:
    """How far a run had come that was cut short: `stopped at sdp.channel`; "" for one that came to its end."""
    if not report.interrupted:
        return ""
    cut = (f"{o.id}.{row.id}" for o in report.checks for row in o.rows if row.finding.measured == CUT_SHORT)
    places = {"at": next(cut, ""), "after": report.checks[-1].id if report.checks else "", "before": "the first check"}
    stopped = next(f"stopped {where} {place}" for where, place in places.items() if place)
    answered = report.events or any(x.status is not None for x in report.exchanges if x.by != "page")
    return stopped if answered else f"{stopped}, with nothing answered yet"


def ignored(report: Report) -> Iterator[str]:
    """A line for each reason to ignore cases that is in force: `ignored until 2026-12-31: no TURN here (sdp.turn: fail)`."""
    found: dict[str, list[str]] = {}
    for case in of_run(report):
        if (one := case.finding.ignored) and _is_borne(case):
            found.setdefault(f"{one.until}: {one.reason}", []).append(f"{case.id}: {one.was}")
    yield from (f"ignored until {why} ({', '.join(cases)})" for why, cases in found.items())


def answered(title: str, answer: str) -> str:
    """A title, mostly a question, and what came."""
    return f"{title}{' ' if title.endswith('?') else ': '}{answer}"


def tally(statuses: Iterable[Status]) -> str:
    """How many of each, the worst first: `1 fail, 3 pass`."""
    counts = Counter(statuses)
    return ", ".join(f"{counts[s]} {s}" for s in SEVERITY if counts[s]) or "no cases"
