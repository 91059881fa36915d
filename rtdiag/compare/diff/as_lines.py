"""What changed between two reports, as lines for a person, the worst first, and as JSON for a script."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice

from rtdiag.compare.diff.changes import Change, Diff, Judged, Pace, Run, Turned
from rtdiag.model import counted
from rtdiag.report.json import plain
from rtdiag.report.spelling import one_line

_HEADS = {"broken": "no longer pass", "worse": "worse", "better": "better", "changed": "tell something else"}
_TURNED = {"broken": "no longer passing", "worse": "worse", "better": "better", "changed": "telling something else"}
_MOST_LINES, _MOST_NAMES, _LONGEST = 30, 6, 200


def as_json(diff: Diff) -> str:
    """All of it as JSON, ending in a newline; `worse` decides the exit code."""
    found = {"worse": diff.worse, "same": diff.same, **plain(diff)}
    text = json.dumps(found, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"  # half a surrogate, as JSON spells it


def text(diff: Diff, *, verbose: bool = False) -> str:
    """Lines of plain text that end in a newline. `verbose` lists all there is, and what became faster."""
    most = None if verbose else _MOST_LINES
    sections = [
        _runs(diff),
        *(
            _section(head, list(_turned([t for t in diff.turned if t.kind == kind])), most)
            for kind, head in _HEADS.items()
        ),
        *(_section(how, list(_presences(diff, how)), most) for how in ("vanished", "appeared")),
        _section("other answers to the same question", [_answer(c) for c in diff.answers], most),
        _section("other defaults, as the server echoes a session", list(_defaults(diff.defaults)), most),
        _section("slower", [[_pace(p)] for p in diff.slower], most),
        _section("faster", [[_pace(p)] for p in diff.faster if verbose], most),
        _end(diff),
    ]
    return "\n".join(line for section in sections for line in section) + "\n"


def _runs(diff: Diff) -> Iterator[str]:
    yield f"--- old: {_run(diff.old)}"
    yield f"+++ new: {_run(diff.new)}"
    for setting in (*diff.settings, *([diff.verdict] if diff.verdict else [])):
        yield from _block(setting.name, setting.old, setting.new)


def _run(run: Run) -> str:
    interrupted = ", INTERRUPTED" if run.interrupted else ""
    return one_line(f"{run.banner or run.asked}; {run.started_at} UTC, rtdiag {run.version}{interrupted}", _LONGEST)


def _section(head: str, blocks: Sequence[Sequence[str]], most: int | None) -> Iterator[str]:
    """A blank line, the head, and the blocks; of many the first."""
    if not blocks:
        return
    yield ""
    yield f"## {head}"
    for block in islice(blocks, most):
        yield from block
    if most is not None and len(blocks) > most:
        yield f"… and {len(blocks) - most} more; -v or JSON has them all"


def _turned(cases: Sequence[Turned]) -> Iterator[list[str]]:
    """A block per case; cases that are skipped now for one reason share a line."""
    alike: dict[tuple[str, str], list[Turned]] = {}
    for turned in cases:
        key = (turned.old.status, turned.new.measured) if turned.new.status == "skip" else (turned.case, "")
        alike.setdefault(key, []).append(turned)
    for same in alike.values():
        if len(same) == 1:
            (one,) = same
            yield _block(f"{one.case}: {one.title}", _judged(one.old), _judged(one.new))
        else:
            yield _block(
                f"{len(same)} cases: {_names([t.case for t in same])}", same[0].old.status, _judged(same[0].new)
            )


def _presences(diff: Diff, how: str) -> Iterator[list[str]]:
    """A line for all cases that have one reason."""
    alike: dict[str, list[str]] = {}
    for presence in diff.presences:
        if presence.how == how:
            alike.setdefault(presence.why, []).append(f"{presence.case} ({presence.judged.status})")
    where = "in the new run" if how == "vanished" else "in the old run"
    yield from ([one_line(f"{_names(cases)}: {where} {why}", 2 * _LONGEST)] for why, cases in alike.items())


def _answer(change: Change) -> list[str]:
    of = f" {change.of}" if change.of else ""
    return _block(f"{_at([change])} {change.where}: {change.what}{of}", change.old, change.new)


def _defaults(changes: Sequence[Change]) -> Iterator[list[str]]:
    """A block per field and value, wherever it was echoed."""
    alike: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        alike.setdefault((change.of, change.old, change.new), []).append(change)
    for (of, old, new), same in alike.items():
        where = ", ".join(dict.fromkeys(change.where for change in same))
        yield _block(f"{_at(same)} {where}: {of}", old, new)


def _at(changes: Sequence[Change]) -> str:
    """The first case, with its exchanges or events, and how many more there are."""
    places = [place for change in changes for place in change.places]
    cases = {case for place in places for case in place.cases}
    first = places[0]
    more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
    return f"{first.cases[0]}{more} ({first.old or 'none'}, now {first.new or 'none'})"


def _pace(pace: Pace) -> str:
    told = f"{pace.where} {pace.phase}: {pace.old_ms:.0f} ms -> {pace.new_ms:.0f} ms"
    return one_line(f"{told} (medians; {pace.apart} of {pace.count})", _LONGEST)


def _end(diff: Diff) -> Iterator[str]:
    yield ""
    yield _verdict(diff)
    banners = {"old": diff.old.banner, "new": diff.new.banner}
    if all(banners.values()):
        yield "EMULATOR: nothing of either run was asked of the live API"
    elif any(banners.values()):
        yield f"EMULATOR: nothing of the {'old' if diff.old.banner else 'new'} run was asked of the live API"


def _verdict(diff: Diff) -> str:
    if not diff.compared:
        return "nothing to compare: no case was asked in both runs"
    if diff.same:
        return f"nothing changed: {counted(diff.compared, 'case')} compared"
    counts = {what: sum(t.kind == kind for t in diff.turned) for kind, what in _TURNED.items()}
    told = [f"{count} {what}" for what, count in counts.items() if count]
    answers = {"other answer": len(diff.answers), "other default": len(diff.defaults)}
    told += [counted(count, what) for what, count in answers.items() if count]
    told += [f"{len(diff.slower)} slower"] if diff.slower else []
    head, rest = "WORSE" if diff.worse else "changed", ", ".join(told) or "not the same cases"
    return f"{head}: {rest}; {counted(diff.compared, 'case')} compared"


def _judged(judged: Judged) -> str:
    cause = f" [{judged.cause}]" if judged.cause else ""
    return f"{judged.status}: {judged.measured}{cause}"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return one_line(", ".join(names[:_MOST_NAMES]) + more, 2 * _LONGEST)


def _block(head: str, old: str, new: str) -> list[str]:
    return [one_line(head, 2 * _LONGEST), f"- {one_line(old, _LONGEST)}", f"+ {one_line(new, _LONGEST)}"]
