"""What is wrong with what a run said of a server of the zoo, each in a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rtdiag.model import Report, Status
from tests.checks.zoo.rights import KEY, NO_KEY, Right

# The cases of which one is green where that part is there.
GREEN = {
    "mint": ("token.mint-realtime",),
    "calls": ("sdp.answer-realtime", "sdp.created-realtime"),
    "websocket": ("websocket.model-key",),
    "transcription": ("websocket.intent-key",),
}
# Causes that say something of a credential.
OF_CREDENTIALS = (*KEY, *NO_KEY, "credential-refused-at-websocket-alone", "token-of-another-issuer")


def statuses(report: Report) -> dict[str, Status]:
    """The status of each case."""
    return {f"{outcome.id}.{row.id}": row.finding.status for outcome in report.checks for row in outcome.rows}


def wrong(right: Right, report: Report, asked: int, missed: Mapping[str, int]) -> Iterator[str]:
    """Every false word: the exit code, a cause that is none, a fail where nothing is broken, a part that is there and not green.

    `asked` is how many requests the server counted, `missed` those for what it has not.
    """
    found = statuses(report)
    if report.exit_code not in right.exits:
        yield f"exit {report.exit_code}, not {right.exits}"
    named = [(cause.cause.split("/")[0], cause.confidence) for cause in report.diagnosis]
    for cause, confidence in named:
        if confidence == "high" and cause not in right.causes:
            yield f"a lie: {cause} (high)"
        elif confidence == "medium" and cause not in right.causes and not right.causes:
            yield f"a cause where nothing is broken: {cause} (medium)"
        elif confidence != "low" and cause in OF_CREDENTIALS and cause not in right.causes:
            yield f"blamed on a credential: {cause}"
    if right.causes and right.must and not {cause for cause, _ in named} & {*right.causes}:
        yield f"not named: {right.causes[0]}; instead {', '.join(f'{c} ({h})' for c, h in named) or 'nothing'}"
    if 0 in right.exits and 1 not in right.exits:
        for part in sorted(right.offers):
            if "pass" not in {found.get(case) for case in GREEN[part]}:
                yield f"{part} is there and not green"
        yield from (f"a fail that is none: {case}" for case, status in found.items() if status == "fail")
    answered = sum(x.status is not None for x in report.exchanges)  # what got no answer in time may not have come
    if not answered <= asked <= report.cost.requests:
        yield f"{report.cost.requests} requests are told of, and {asked} came"
    for what, times in missed.items():
        if times > (2 if what.startswith("GET") else 1):  # a list, by a made-up key and by the user's
            yield f"not offered, asked {times} times: {what}"
