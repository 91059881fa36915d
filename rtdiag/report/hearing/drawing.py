"""The picture of a hearing as HTML: the clip's loudness over an axis of seconds, and a lane for each mode under it.

Places are shares of a lane's width, so a moment stands at the same place in every lane, and letters keep their shape on any
screen. Behind each lane lies a band where somebody speaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rtdiag.report.hearing import words
from rtdiag.report.hearing.axis import Axis, axis
from rtdiag.report.hearing.modes import LOUDNESS_MS, Hearing, Mark, Mode, Turn
from rtdiag.report.markup import Markup, element
from rtdiag.report.spelling import one_line

_KINDS = ("server_vad", "semantic_vad")
# A commit is followed at once by its transcript, so its letter stands before the stroke.
_LETTERS = {"committed": ("C", "end", "-2.5"), "transcript": ("T", "start", "2.5")}
_KEYS = {
    "said": "somebody speaks",
    "turn server_vad": "one turn, as server_vad cut it",
    "turn semantic_vad": "as semantic_vad cut it",
}
_LONGEST_FIGURES, _LONGEST_TEXT = 40, 120


def picture(hearing: Hearing) -> Sequence[Markup]:
    """What the clip is, the drawing, what its signs mean, and what one sees."""
    scale = axis(hearing)
    lanes = [
        _line(element("span", "seconds of the clip", class_="label quiet"), _scale(scale), "scale"),
        _line(_label("how loud it is", ""), _loudness(hearing, scale), "lane loudness"),
        *(_line(_label(words.label(mode), _result(mode)), _lane(mode, hearing, scale)) for mode in hearing.modes),
    ]
    return (
        element("p", words.clip(hearing)),
        element("ol", *lanes, class_="lanes hearing", aria_label="what the server heard in each mode"),
        _legend(hearing),
        element("ul", *(element("li", sentence) for sentence in words.sentences(hearing)), class_="seen"),
    )


def _line(label: Markup, drawing: Markup, class_: str = "lane") -> Markup:
    return element("li", label, drawing, class_=class_)


def _label(what: str, result: str) -> Markup:
    shown = element("span", what, class_="what", title=what)
    return element("span", shown, element("span", result, class_="result"), class_="label")


def _result(mode: Mode) -> str:
    figures = words.figures(mode, _LONGEST_FIGURES)
    return "not judged" if mode.failed else f"{figures} s" if figures else ""


def _lane(mode: Mode, hearing: Hearing, scale: Axis) -> Markup:
    if mode.failed and not mode.drawn:
        failed = element("text", one_line(mode.failed, _LONGEST_TEXT), x="0%", y=12)
        return _drawing(words.label(mode), f"not judged: {one_line(mode.failed)}", failed)
    turns = (_turn(mode, *stretch, scale) for stretch in mode.stretches_ms(scale.span_ms))
    alone = mode.committed_alone_ms
    marks = (mark for mark in mode.marks if mark.kind == "transcript" or mark.at_ms in alone)
    parts = [*_ground(hearing, scale), *turns, *(_mark(mark, scale) for mark in marks)]
    return _drawing(words.label(mode), f"turns and commits: {_result(mode) or 'none'}", *parts)


def _drawing(title: str, described: str, *parts: Markup) -> Markup:
    return element("svg", element("title", title), element("desc", described), *parts, role="img")


def _ground(hearing: Hearing, scale: Axis) -> Iterator[Markup]:
    """Where somebody speaks, and the lines of the axis."""
    for begin_ms, end_ms in hearing.phrases:
        yield _rect("said", begin_ms, end_ms, scale, "0", "100%")
    for mark in scale.marks_ms:
        yield element("line", class_="grid", x1=_at(mark, scale), x2=_at(mark, scale), y1="0", y2="100%")


def _turn(mode: Mode, turn: Turn, begin_ms: float, end_ms: float, scale: Axis) -> Markup:
    kind = (mode.sent or {}).get("type")
    classes = ["turn", str(kind) if kind in _KINDS else "other", *(["open-ended"] if turn.end_ms is None else [])]
    told = element("title", f"{words.label(mode)}: a turn {words.told_of(turn)} s")
    return _rect(" ".join(classes), begin_ms, end_ms, scale, "3", "10", told)


def _rect(class_: str, begin_ms: float, end_ms: float, scale: Axis, y: str, height: str, *inside: Markup) -> Markup:
    begin_ms = max(begin_ms, 0.0)
    width = _at(max(end_ms - begin_ms, 0.0), scale)
    return element("rect", *inside, class_=class_, x=_at(begin_ms, scale), y=y, width=width, height=height)


def _mark(mark: Mark, scale: Axis) -> Markup:
    """A stroke at the moment, and its letter beside it."""
    at = _at(max(mark.at_ms, 0.0), scale)
    text = f": {one_line(mark.text, _LONGEST_TEXT)}" if mark.text else ""
    told = element("title", f"{mark.kind} at {words.seconds(mark.at_ms)} s{text}")
    stroke = element("line", class_="tick", x1=at, x2=at, y1="1", y2="15")
    letter, anchor, dx = _LETTERS[mark.kind]
    beside = element("text", letter, x=at, y="12.5", dx=dx, text_anchor=anchor)
    return element("g", told, stroke, beside, class_=mark.kind)


def _loudness(hearing: Hearing, scale: Axis) -> Markup:
    """One bar per 100 ms, from the ground up, as one shape."""
    tops = "".join(f"V{100 - loud:g}h{LOUDNESS_MS}" for loud in hearing.loudness)
    shape = element("path", class_="loud", d=f"M0 100{tops}V100Z")
    box = f"0 0 {scale.span_ms} 100"
    curve = element("svg", shape, viewBox=box, preserveAspectRatio="none", width="100%", height="100%")
    return _drawing("how loud the clip is", words.clip(hearing), *_ground(hearing, scale), curve)


def _scale(scale: Axis) -> Markup:
    marks = [
        element("text", f"{mark / 1000:g}", x=_at(mark, scale), y=12, text_anchor="middle" if mark else "start")
        for mark in scale.marks_ms
    ]
    return element("svg", *marks, aria_hidden="true")


def _legend(hearing: Hearing) -> Markup:
    unended = {"turn other open-ended": "never ended"} if words.never_ended(hearing) else {}
    swatches = [_key(class_, meaning) for class_, meaning in (_KEYS | unended).items()]
    letters = [element("span", element("b", sign), f" {words.SIGNS[sign]}", class_="key") for sign in "CT"]
    return element("p", *swatches, *letters, element("br"), words.NOTE, class_="quiet")


def _key(class_: str, meaning: str) -> Markup:
    rect = element("rect", class_=class_, width=12, height=10, y=1, x=1)
    return element("span", element("svg", rect, viewBox="0 0 14 12", aria_hidden="true"), meaning, class_="key")


def _at(at_ms: float, scale: Axis) -> str:
    """A place, or a length, as a share of the width."""
    return f"{100 * at_ms / scale.span_ms:.4g}%"
