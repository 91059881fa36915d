"""The waterfall as HTML: one overview on one axis for the whole run, and under it each check's lanes on an axis of its own.

A lane is an SVG whose unit along x is the millisecond since the run began, stretched over whatever width there is: so `x` and
`width` of a bar are its times, and nothing has to scroll on a narrow screen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rtdiag.model import Report
from rtdiag.report.cases import NEEDS_A_LOOK
from rtdiag.report.html.status_mark import sign
from rtdiag.report.lanes import PHASES, STEPS, Bar, Group, Lane, Tick, ms
from rtdiag.report.markup import Markup, element, joined
from rtdiag.report.waterfall import groups, sessions_from_their_offers

_HEIGHT, _MOST_INTERVALS = 16, 5
_LEGEND = {
    "Requests": (*STEPS, "rest"),
    "Sessions": PHASES,
    "Both": ("failed",),
}
_WORDS = {
    "dns": "dns (looking the name up)",
    "wait": "wait (to the first byte)",
    "rest": "rest (set-up, sending, reading)",
    "answer": "answer taken",
    "created": "session.created",
    "failed": "waited for in vain",
}
_NOTE = (
    "Times are milliseconds since the run began. Of steps and phases the lengths are measured; they are drawn one after another. "
    "What was waited for in vain ends, at the latest, where the next thing begins. "
    "A thin line is a session that is open; a stroke in its upper half is an event sent, in its lower half one received."
)


@dataclass(frozen=True)
class _Axis:
    """From `begin` over `count` intervals of `step`, all in milliseconds."""

    begin: float
    step: float
    count: int

    @property
    def span(self) -> float:
        return self.step * self.count

    @property
    def marks(self) -> tuple[float, ...]:
        return tuple(self.begin + self.step * i for i in range(self.count + 1))


def waterfall(report: Report) -> Markup:
    """Overview, legend, and a folded block for each check; one sentence where nothing was asked."""
    found = groups(report)
    if not found:
        return element("p", "Nothing was asked.")
    axis = _axis(lane for group in found for lane in group.lanes)
    lines = [_line(_label(group.id, _size(group)), _whole(group, axis), "whole") for group in found]
    return joined(_legend(), _lanes("the whole run, a line for each check", axis, lines), *(_group(g) for g in found))


def side_by_side(report: Report, peers: Sequence[str]) -> Markup:
    """The sessions of these two connections on one axis, each from its own offer on; nothing where there are not two."""
    lanes = sessions_from_their_offers(report, peers)
    if len(lanes) < 2:
        return Markup()
    axis = _axis(lanes)
    drawn = {bar.kind for lane in lanes for bar in lane.bars}
    keys = element("p", *(_key(kind) for kinds in _LEGEND.values() for kind in kinds if kind in drawn), class_="legend")
    lines = [_line(_lane_label(lane), _lane(lane, axis)) for lane in lanes]
    return joined(_lanes("both ways, from the offer on", axis, lines), keys)


def _group(group: Group) -> Markup:
    axis = _axis(group.lanes)
    lines = [_line(_lane_label(lane), _lane(lane, axis)) for lane in group.lanes]
    head = element(
        "summary", element("h3", group.id, ": ", group.title), " ", element("span", _size(group), class_="quiet")
    )
    opened = any(lane.status in NEEDS_A_LOOK for lane in group.lanes)
    return element("details", head, _lanes(group.id, axis, lines), class_="group", open=opened)


def _size(group: Group) -> str:
    """`7 requests, 2 sessions, 173 ms`; events only where there is nothing else."""
    begin, end = _ends(group.lanes)
    kinds = Counter(lane.kind for lane in group.lanes)
    found = [f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in kinds.items() if kind != "events"]
    return ", ".join([*(found or ["events"]), ms(end - begin)])


def _lanes(label: str, axis: _Axis, lines: Iterable[Markup]) -> Markup:
    scale = _line(element("span", "ms", class_="label quiet"), _scale(axis), "scale")
    return element("ol", scale, *lines, class_="lanes", aria_label=label)


def _line(label: Markup, drawing: Markup, class_: str = "lane") -> Markup:
    return element("li", label, drawing, class_=class_)


def _lane_label(lane: Lane) -> Markup:
    return _label(lane.what, lane.result, sign(lane.status), element("span", lane.id, class_="quiet"))


def _label(what: str, result: str, *before: Markup) -> Markup:
    shown = element("span", what, class_="what", title=what)
    return element("span", *before, shown, element("span", result, class_="result"), class_="label")


def _whole(group: Group, axis: _Axis) -> Markup:
    """All lanes of a check in one line: requests in the upper half, sessions in the lower."""
    bars = [_bar(bar, lane, 9 if lane.kind == "session" else 2, 5) for lane in group.lanes for bar in lane.bars]
    return _drawing(axis, group.lanes, group.id, bars)


def _lane(lane: Lane, axis: _Axis) -> Markup:
    stays = (
        [element("path", class_="open", d=f"M{_n(lane.open_ms[0])} 8H{_n(lane.open_ms[1])}")] if lane.open_ms else []
    )
    parts = [*stays, *(_bar(bar, lane, 3, 10) for bar in lane.bars), *(_tick(tick) for tick in lane.ticks)]
    return _drawing(axis, (lane,), f"{lane.id} {lane.what}: {lane.result}", parts)


def _drawing(axis: _Axis, lanes: tuple[Lane, ...], title: str, parts: Iterable[Markup]) -> Markup:
    box = f"{_n(axis.begin)} 0 {_n(axis.span)} {_HEIGHT}"
    grid = element("path", class_="grid", d="".join(f"M{_n(mark)} 0V{_HEIGHT}" for mark in axis.marks))
    begin, end = _ends(lanes)
    steps = [f"{bar.kind} {ms(bar.length_ms)}" for bar in lanes[0].bars] if len(lanes) == 1 else []
    described = ", ".join([f"from {begin:.1f} to {end:.1f} ms", *steps])
    told = element("title", title), element("desc", described)
    return element("svg", *told, grid, *parts, role="img", viewBox=box, preserveAspectRatio="none")


def _bar(bar: Bar, lane: Lane, y: int, height: int) -> Markup:
    told = element("title", f"{lane.id} {lane.what}: {bar.kind} {ms(bar.length_ms)}")
    return element("rect", told, class_=bar.kind, x=_n(bar.begin_ms), y=y, width=_n(bar.length_ms), height=height)


def _tick(tick: Tick) -> Markup:
    half = "0V7" if tick.kind == "sent" else "9V16"
    told = element("title", f"{tick.kind} {tick.type} at {tick.at_ms:.1f} ms")
    return element("path", told, class_="tick", d=f"M{_n(tick.at_ms)} {half}")


def _scale(axis: _Axis) -> Markup:
    anchors = {0: "start", axis.count: "end"}
    marks = [
        element("text", f"{mark:,.10g}", x=f"{100 * i / axis.count:g}%", y=12, text_anchor=anchors.get(i, "middle"))
        for i, mark in enumerate(axis.marks)
    ]
    return element("svg", *marks, aria_hidden="true")


def _axis(lanes: Iterable[Lane]) -> _Axis:
    """At most five intervals of 1, 2 or 5 times a power of ten, around all of it."""
    begin, end = _ends(tuple(lanes))
    step = 10.0 ** math.floor(math.log10(max(end - begin, 1.0) / _MOST_INTERVALS))
    for factor in (1, 2, 5, 10, 20):
        first, last = math.floor(begin / (step * factor)), math.ceil(end / (step * factor))
        if last - first <= _MOST_INTERVALS:
            break
    return _Axis(first * step * factor, step * factor, max(last - first, 1))


def _ends(lanes: tuple[Lane, ...]) -> tuple[float, float]:
    times = [at_ms for lane in lanes for at_ms in lane.times_ms]
    return min(times), max(times)


def _legend() -> Markup:
    lists = [
        element("li", element("b", name, ": "), *(_key(kind) for kind in kinds)) for name, kinds in _LEGEND.items()
    ]
    return joined(element("ul", *lists, class_="legend"), element("p", _NOTE, class_="quiet"))


def _key(kind: str) -> Markup:
    swatch = element(
        "svg", element("rect", class_=kind, width=12, height=10, y=1, x=1), viewBox="0 0 14 12", aria_hidden="true"
    )
    return element("span", swatch, _WORDS.get(kind, kind), class_="key")


def _n(value: float) -> str:
    """A number as SVG takes it, to a tenth of a millisecond."""
    return f"{value:.1f}".removesuffix(".0")
