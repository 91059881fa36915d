"""What two runs themselves differ in: whom they asked, with what, for what, and which rtdiag did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rtdiag.compare import normalize
from rtdiag.compare.diff.changes import Run, Setting
from rtdiag.model import Report
from rtdiag.report import phrases

# Another one for each embedded emulator.
_OF_AN_EMULATOR = ("base URL", "credential")


def run(report: Report) -> Run:
    """Which run that report tells of."""
    target = report.target
    banner = f"EMULATOR ({_emulated(report)}): nothing here was asked of the live API" if _emulated(report) else ""
    asked = normalize.cut(f"{target.base_url} ({target.recognised_as})")
    return Run(
        asked,
        f"{report.started_at:%Y-%m-%d %H:%M:%S}",
        normalize.cut(report.version),
        report.interrupted,
        normalize.cut(banner),
    )


def settings(old: Report, new: Report) -> Iterator[Setting]:
    """What differs, in the order in which it explains the rest."""
    emulated = old.target.emulator is not None and new.target.emulator is not None
    before, after = _told(old), _told(new)
    for name in before:
        if before[name] != after[name] and not (emulated and name in _OF_AN_EMULATOR):
            yield Setting(name, *_shown(before[name], after[name]))


def verdict(old: Report, new: Report) -> Setting | None:
    """The verdicts, where they are not the same."""
    before, after = phrases.verdict(old), phrases.verdict(new)
    return None if before == after else Setting("verdict", normalize.cut(before), normalize.cut(after))


def _told(report: Report) -> dict[str, Any]:
    target, credential = report.target, report.credential
    return {
        "base URL": target.base_url,
        "emulator": _emulated(report) or "none, a server",
        "recognised as": target.recognised_as,
        "dialects": _listed(target.dialects),
        "kinds": _listed(target.kinds),
        "model": target.model,
        "transcription model": target.transcription_model,
        "session": target.session,
        "credential": f"{credential.kind} {credential.masked} from {credential.source}",
        "rtdiag": report.version,
        "interrupted": "yes" if report.interrupted else "no",
    }


def _shown(old: Any, new: Any) -> tuple[str, str]:
    if isinstance(old, str) and isinstance(new, str):
        return normalize.cut(old), normalize.cut(new)
    return normalize.briefs(old, new)


def _emulated(report: Report) -> str:
    """`as of DAY, faults: …`, "" for a run against a server; old reports may say less of it."""
    emulator: Mapping[str, Any] | None = report.target.emulator
    if emulator is None:
        return ""
    faults = emulator.get("faults") or ()
    told = f", faults: {_listed(faults)}" if faults else ""
    return f"as of {emulator.get('as_of', '?')}{told}"


def _listed(names: Any) -> str:
    """Names in one line, in any order the same."""
    if not isinstance(names, list | tuple):
        return json.dumps(names, default=str)
    return ", ".join(sorted(map(str, names))) or "none"
