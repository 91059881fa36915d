"""Writes anew what lies in cassettes/ from the emulator, and the table in its README.md: `python -m tests.checks.make_cassettes`.

One cassette per check and situation, with the fewest cases that show it. What differs from run to run is evened out, so that a
second run writes the same again. `python -m tests.checks.make_cassettes FILE CASE...` prints the part of a recorded FILE that
these cases rest on, as it is.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path
from typing import Any

from aiohttp import web

from rtdiag.engine import registry
from rtdiag.engine.rejudge import replay
from rtdiag.model import SEVERITY, Finding, Observation, Report
from rtdiag.recorded import report_in
from rtdiag.redact import Secret
from rtdiag.report import cassette
from rtdiag.testing import finding, run_on_emulator
from rtdiag.transport.http import Credential
from tests.checks.broken import WHOLE, run
from tests.checks.evened import evened
from tests.checks.test_own import run_with, session

CASSETTES = Path(__file__).parents[2] / "cassettes"
CHECKS = registry.load(()).checks
# How a header begins: what was recorded says from where and by which version, what was transcribed its public address and day.
_ORIGIN = re.compile(
    r"Recorded from the emulator as of \d{4}-\d\d-\d\d( with the fault [a-z-]+)?, by rtdiag [\w.+]+\."
    r"|Recorded from (the live API|https?://\S+) on \d{4}-\d\d-\d\d, by rtdiag [\w.+]+\."
    r"|Transcribed from .+?, \d{4}-\d\d(-\d\d)?:"
)
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"


@dataclass(frozen=True)
class Situation:
    """What is recorded as `<check>/<id>.yaml`: the case that shows it, what it is in words, and the run that has it."""

    id: str
    case: str
    story: str
    recorded: Callable[[], Report]

    @property
    def path(self) -> Path:
        return CASSETTES / self.case.partition(".")[0] / f"{self.id}.yaml"


def situations() -> Iterator[Situation]:
    """One for each check that sees a fault, and those that need none."""
    for fault in WHOLE.values():
        for check in CHECKS.values():
            cases = [f"{check.id}.{case.id}" for case in check.cases]
            case = next((case for case in cases if any(fnmatchcase(case, glob) for glob in fault.sees)), None)
            if case is not None:
                yield Situation(fault.id, case, fault.story, partial(run, fault.id, case))
    yield from _by_day()
    yield from _given()


def _by_day() -> Iterator[Situation]:
    day, story = "2025-03-21", "between two changes of the server no URL takes a transcription token with an offer"
    for case in ("token.accepted-transcription", "endpoint.intent-transcription-token", "sdp.answer-transcription"):
        yield _asked(f"transcription-refused-{day}", case, story, as_of=date.fromisoformat(day))
    story = "the beta's last weeks beside GA: a token is sent where tokens are minted, which wants the API key"
    case = "endpoint.client-secrets-realtime-token"
    yield _asked("token-sent-to-the-mint-2026-05-11", case, story, as_of=date(2026, 5, 11))
    story = "a token that nobody minted gets past the credential check, where offers went in the beta"
    yield _asked(
        "made-up-token-accepted-2025-04-10",
        "endpoint.model-made-up",
        story,
        as_of=date(2025, 4, 10),
        faults=["made-up-token-accepted"],
    )


def _given() -> Iterator[Situation]:
    """What is wrong with what the user gives: key, base URL, model, token, token URL, session."""
    key = "sk-proj-FAKE0000000000000000000000000000abcd"
    for name, text, case, story in (
        ("key-with-a-newline", f"{key}\n", "key.shape", "the API key given ends in a newline"),
        ("key-is-undefined", "undefined", "key.shape", "the API key given is the text undefined"),
        ("key-unknown", key, "key.accepted", "the API key given is one that the server does not know"),
    ):
        given = Credential("api-key", Secret(text), "OPENAI_API_KEY")
        yield _asked(name, case, story, api_key=given)
    url = "http://127.0.0.1:8090/v1/realtime/calls"
    yield _asked("base-url-too-long", "key.base-url", f"the base URL given is {url}", base_url=url)
    model = "gpt-4o-realtime-preview"
    story = f"--model {model}, which was shut down"
    yield _asked("model-of-the-beta", "key.model-realtime", story, realtime_model=model)
    yield Situation(
        "own-token-null", "token.own", "the token given is the text null", partial(run_with, lambda _: "null")
    )
    unknown = partial(run_with, lambda _: f"ek_{'f' * 32}")
    yield Situation("own-token-unknown", "token.own", "the token given was minted by somebody else", unknown)
    ended = partial(run_with, lambda minted: minted, faults=("token-born-expired",))
    yield Situation("own-token-ended", "token.own", "the token given has ended", ended)
    for name, body, status in (
        ("token-url-without-token", {"token": "in another place"}, 200),
        ("token-url-refuses", {"error": "unauthorized"}, 401),
    ):
        route = partial(_answer, body, status)
        yield Situation(
            name, "token.url", f"the token URL answers {status} {body}", partial(run_with, None, route=route)
        )
    yield from _sessions()


def _sessions() -> Iterator[Situation]:
    story = "--session FILE holds {}: refused at the mint"
    for name, own in (
        ("own-session-fields-of-other-mode", session({"type": "semantic_vad", "threshold": 0.5})),
        ("own-session-response-fields", session({"type": "server_vad", "create_response": True}, "transcription")),
        ("own-session-flat", {"type": "realtime", "turn_detection": None}),
        ("own-session-without-type", {"audio": {}}),
        ("own-session-unknown-vad-field", session({"type": "server_vad", "post_speech_silence_ms": 500})),
        ("own-session-unknown-field", {"type": "realtime", "bogus": 1}),
        ("own-session-format-string", {"type": "realtime", "audio": {"input": {"format": "pcm16"}}}),
    ):
        yield _asked(name, "vad.own-mint", story.format(own), session=own)
    story = "--session FILE asks for semantic_vad: session.updated comes and shows the old session"
    own = session({"type": "semantic_vad", "eagerness": "low"})
    yield _asked("own-session-not-applied", "vad.own-update", story, session=own, faults=["update-not-applied"])


def _asked(name: str, case: str, story: str, **options: Any) -> Situation:
    return Situation(name, case, story, partial(run_on_emulator, only=[case], **options))


def _answer(body: object, status: int, _: str) -> web.Response:
    return web.json_response(body, status=status)


def text_of(situation: Situation) -> str:
    """The cassette of a situation, recorded now."""
    report = situation.recorded()
    even = evened(cassette.content(_smallest(report, situation.case)))
    whole = evened(cassette.content(replay(report_in(cassette.dumped(even)), CHECKS)))  # judged as it is read
    emulator = report.target.emulator
    assert emulator
    faults = f" with the fault {', '.join(emulator['faults'])}" if emulator["faults"] else ""
    header = (
        f"Recorded from the emulator as of {emulator['as_of']}{faults}, by rtdiag {report.version}.",
        f"{situation.story[0].upper()}{situation.story[1:]}.",
        "Ids, ports, addresses and times are evened out; credentials and what belongs to one connection are left out.",
    )
    return "".join(f"# {line}\n" for part in header for line in textwrap.wrap(part, 118)) + cassette.dumped(whole)


def _smallest(report: Report, case: str) -> Report:
    """The report of that case alone, or with those of its check that its judgement takes into account too."""
    told = finding(report, case)
    check = next(outcome for outcome in report.checks if outcome.id == case.partition(".")[0])
    for other in ("", *(f"{check.id}.{row.id}" for row in check.rows)):
        part = cassette.only(report, {case, other})
        part = _facts_alone(part) if check.cost.audio_seconds else part
        again = finding(replay(part, CHECKS), case)
        if (again.status, again.cause) == (told.status, told.cause):
            return part
    raise AssertionError(f"{case}: no part of the run is judged {told.status}, {told.cause}")


def _facts_alone(report: Report) -> Report:
    """What was heard is judged by its time line alone; five sessions with all their events would be twenty times as long."""
    bare = [
        replace(o, rows=tuple(replace(r, seen=Observation(r.id, facts=r.seen.facts)) for r in o.rows))
        for o in report.checks
    ]
    return replace(report, checks=tuple(bare), exchanges=(), events=(), peers=())


def table() -> str:
    """A line per cassette: the file, the case that it is about, how that is judged now, and where it comes from."""
    lines = ["| file | check.case | status | cause | origin |", "|---|---|---|---|---|"]
    for path in sorted(CASSETTES.rglob("*.yaml")):
        name, comes_from = path.relative_to(CASSETTES).as_posix(), origin(path.read_text(encoding="utf-8"))
        case, found = told(judged(path))
        lines.append(f"| [{name}]({name}) | {case} | {found.status} | {found.cause or '–'} | {comes_from} |")
    return "\n".join(lines) + "\n"


@cache
def judged(path: Path) -> Report:
    """What a cassette holds, judged by the checks of today."""
    return replay(report_in(path.read_text(encoding="utf-8")), CHECKS)


def told(report: Report) -> tuple[str, Finding]:
    """The case that a cassette is about, by its full id, with its finding: the one that names a cause, the worst first."""
    rows = [(f"{outcome.id}.{row.id}", row.finding) for outcome in report.checks for row in outcome.rows]
    return min(rows, key=lambda row: (row[1].cause is None, SEVERITY.index(row[1].status)))


def origin(text: str) -> str:
    """What the header says of where a cassette comes from. Raises ValueError where it has none of the forms allowed."""
    header = " ".join(line.removeprefix("# ") for line in text.splitlines() if line.startswith("#"))
    found = _ORIGIN.match(header)
    if found is None:
        raise ValueError(f"a header that does not say where the cassette comes from: {header[:80]}")
    return found[0].rstrip(":.")


def _write() -> None:
    for situation in situations():
        situation.path.parent.mkdir(exist_ok=True)
        situation.path.write_text(text_of(situation), encoding="utf-8")
    readme = CASSETTES / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    readme.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")


def _print_part(file: str, *cases: str) -> None:
    report = report_in(Path(file).read_text(encoding="utf-8"))
    sys.stdout.write(cassette.render(replay(cassette.only(report, cases), CHECKS)))


if __name__ == "__main__":
    _print_part(*sys.argv[1:]) if len(sys.argv) > 1 else _write()
