"""What the picture of a hearing says in words: names of the modes, times, a legend, and what one sees in it.

The sentences compare places and judge nothing: the judgement is the check's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from rtdiag.report.hearing.modes import Hearing, Mode, Turn
from rtdiag.report.spelling import one_line

TITLE = "What the server made of the clip"
NOTE = (
    "Each line is one setting. Settings that take effect end turns at different places; "
    "where two lines are alike, one of the settings changed nothing here."
)
SIGNS = {"[───]": "one turn, as the server cut it", "C": "committed by hand", "T": "transcript"}
OPEN_SIGN = {"[──>": "never ended"}

# Ends that are no further apart are at the same place for the sentences. Assumed, as the check's own limit is.
_SAME_MS = 300
_LONGEST_NAME, _MOST_PHRASES = 30, 4


def label(mode: Mode) -> str:
    """The name of its line: `server_vad, 200 ms of silence`; at most 30 characters."""
    kind, setting = _setting(mode.sent)
    if mode.sent == {}:
        return one_line(mode.id, _LONGEST_NAME)
    unit = "of silence" if kind == "server_vad" else "eagerness"
    return one_line(f"{kind}, {setting} {unit}" if setting else kind, _LONGEST_NAME)


def name(mode: Mode) -> str:
    """Its name in a sentence: `server_vad 200 ms`."""
    return " ".join(filter(None, _setting(mode.sent))) if mode.sent != {} else one_line(mode.id, _LONGEST_NAME)


def _setting(detection: Mapping[str, Any] | None) -> tuple[str, str]:
    """The kind of a turn detection and the setting that tells it from others of its kind."""
    if detection is None:
        return "no turn detection", ""
    kind = one_line(str(detection.get("type", "?")), _LONGEST_NAME)
    silence_ms, eagerness = detection.get("silence_duration_ms"), detection.get("eagerness")
    if kind == "server_vad" and isinstance(silence_ms, int):
        return kind, one_line(f"{silence_ms} ms", 12)
    return kind, one_line(eagerness, 12) if kind == "semantic_vad" and isinstance(eagerness, str) else ""


def seconds(at_ms: float) -> str:
    """`3.1`."""
    return f"{at_ms / 1000:.1f}"


def figures(mode: Mode, room: int) -> str:
    """Its turns and what was committed by hand, in seconds: `0.5–3.1, 5.9–7.5`, `C 17.0`; what exceeds the room is counted."""
    told = [told_of(turn) for turn in mode.turns]
    told += [f"C {seconds(at_ms)}" for at_ms in mode.committed_alone_ms]
    for shown in range(len(told), -1, -1):
        more = [f"+{len(told) - shown}"] if shown < len(told) else []
        line = ", ".join([*told[:shown], *more])
        if len(line) <= room:
            return line
    return ""


def told_of(turn: Turn) -> str:
    """`0.5–3.1`; an end that was not told is left out."""
    return "–".join("" if at_ms is None else seconds(at_ms) for at_ms in (turn.begin_ms, turn.end_ms))


def signs(hearing: Hearing) -> Mapping[str, str]:
    """What the signs of the drawing mean."""
    return SIGNS | (OPEN_SIGN if never_ended(hearing) else {})


def never_ended(hearing: Hearing) -> bool:
    """Whether there is a turn without an end."""
    return any(turn.end_ms is None for mode in hearing.modes for turn in mode.turns)


def clip(hearing: Hearing) -> str:
    """What is said in it, and when."""
    named = f" ({one_line(hearing.clip, 60)})" if hearing.clip else ""
    lasts = f"The clip{named} lasts {seconds(hearing.duration_ms)} s"
    said = [f"{seconds(begin)}–{seconds(end)}" for begin, end in hearing.phrases]
    if not said:
        return f"{lasts}."
    more = [f"{len(said) - _MOST_PHRASES} more"] if len(said) > _MOST_PHRASES else []
    pauses = [f"{seconds(after - before)} s" for (_, before), (after, _) in pairwise(hearing.phrases)]
    between = f", a pause of {pauses[0]} between" if len(pauses) == 1 else ", pauses between" if pauses else ""
    unit = "" if more else " s"
    return f"{lasts}: speech at {_list([*said[:_MOST_PHRASES], *more])}{unit}{between}."


def sentences(hearing: Hearing) -> tuple[str, ...]:
    """What one sees, a line each: which modes end the first turn at one place, where the others do, what else stands out."""
    asked = [mode for mode in hearing.modes if not mode.failed]
    detecting = [mode for mode in asked if mode.sent is not None]
    found = [*_ends(hearing, detecting), *(_without(mode) for mode in asked if mode.sent is None)]
    return (*found, *_replaced(asked), *_untranscribed(asked), *_unjudged(hearing.modes))


def _ends(hearing: Hearing, modes: Sequence[Mode]) -> Iterator[str]:
    if modes and not any(mode.turns for mode in modes):
        yield f"With {_list(map(name, modes))} the server never says that it hears anybody speak."
        return
    groups = _places(modes)
    for group in (group for group in groups if len(group) > 1):
        spread = dict.fromkeys(seconds(mode.ends_ms[0]) for mode in (group[0], group[-1]))
        where = _where(hearing, group[0].ends_ms[0])
        yield f"{_list(map(name, group))} end the first turn at the same place, {' to '.join(spread)} s{where}."
    if alone := [group[0] for group in groups if len(group) == 1]:
        told = _list(f"{name(m)} at {seconds(m.ends_ms[0])} s{_where(hearing, m.ends_ms[0])}" for m in alone)
        yield f"{_head(len(groups), len(alone))} {told}."
    if endless := [mode for mode in modes if not mode.ends_ms]:
        yield f"No turn is ended by {_list(map(name, endless))}."


def _head(places: int, alone: int) -> str:
    if alone < places:
        return "Elsewhere it is ended by"
    return "Each setting ends the first turn at another place:" if alone > 1 else "The first turn is ended by"


def _places(modes: Iterable[Mode]) -> list[list[Mode]]:
    """The modes by where their first turn ends; in one group are those that do so at the same place."""
    groups: list[list[Mode]] = []
    for mode in sorted((mode for mode in modes if mode.ends_ms), key=lambda mode: mode.ends_ms[0]):
        if groups and mode.ends_ms[0] - groups[-1][0].ends_ms[0] <= _SAME_MS:
            groups[-1].append(mode)
        else:
            groups.append([mode])
    return groups


def _where(hearing: Hearing, at_ms: float) -> str:
    """What the clip does there."""
    if not hearing.phrases:
        return ""
    if at_ms >= hearing.phrases[-1][1]:
        return " (after the last word)"
    speaking = any(begin <= at_ms < end for begin, end in hearing.phrases)
    return " (while somebody speaks)" if speaking else " (in the pause)"


def _without(mode: Mode) -> str:
    """What the mode without turn detection does."""
    if mode.turns:
        return "Without turn detection turns are cut all the same."
    if mode.by_itself:
        return f"Without turn detection the server commits by itself, at {seconds(mode.committed_alone_ms[0])} s."
    by_hand = mode.committed_alone_ms
    until = f" until the audio is committed by hand, at {seconds(by_hand[0])} s" if by_hand else ""
    return f"Without turn detection nothing is cut{until}."


def _replaced(modes: Iterable[Mode]) -> Iterator[str]:
    """Where the server names another kind or setting than it was sent."""
    found: dict[str, list[str]] = {}
    for mode in modes:
        (kind, setting), own = _setting(mode.sent), _setting(mode.echoed)
        if mode.sent != {} and mode.echoed != {} and (own[0] != kind or (own[1] or setting) != setting):
            found.setdefault(" ".join(filter(None, own)), []).append(name(mode))
    for own_name, names in found.items():
        yield f"Asked for {_list(names)}, the server says that it uses {own_name}."


def _untranscribed(modes: Sequence[Mode]) -> Iterator[str]:
    """What was committed and has no transcript."""
    counts = [(name(mode), len(mode.at_ms("transcript")), len(mode.at_ms("committed"))) for mode in modes]
    if missing := [f"{named} ({came} of {committed} came)" for named, came, committed in counts if came < committed]:
        whole = all(not came for _, came, _ in counts)
        yield "No transcript came at all." if whole else f"Transcripts are missing with {_list(missing)}."


def _unjudged(modes: Iterable[Mode]) -> Iterator[str]:
    """What is drawn of sessions that came to no proper end."""
    found: dict[str, list[str]] = {}
    for mode in modes:
        if mode.failed and mode.drawn:
            found.setdefault(one_line(mode.failed, 80), []).append(name(mode))
    yield from (f"Not judged: {_list(names)}, for {why}." for why, names in found.items())


def _list(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} and {last}" if first else last
