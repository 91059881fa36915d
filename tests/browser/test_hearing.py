"""The drawing of what a server heard, in chromium: places, contrast, a phone, paper; and that it is told apart at a glance."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rtdiag.report import html
from rtdiag.report.hearing import axis, modes
from tests.browser.chromium import Window
from tests.browser.test_report import CONTRASTS, WIDTHS
from tests.report.heard_runs import PHRASES, RUNS, facts, heard

# Of each line of the drawing: how wide it is, and where its bars, strokes, letters and speech are, in pixels from its left.
PLACES = """() => [...document.querySelectorAll(".hearing .lane > svg")].map((svg) => {
  const whole = svg.getBoundingClientRect();
  const places = (selector) => [...svg.querySelectorAll(selector)].map((node) => {
    const box = node.getBoundingClientRect();
    return [box.left - whole.left, box.right - whole.left];
  });
  const names = {turns: "rect.turn", transcripts: ".transcript line", commits: ".committed line",
    letters: "g text", said: ".said", loud: ".loud"};
  return [whole.width, Object.fromEntries(Object.entries(names).map(([name, selector]) => [name, places(selector)]))];
})"""
FIGURES = """() => [...document.querySelectorAll(".hearing .scale text")].map((node) => {
  const [box, whole] = [node, node.closest("svg")].map((one) => one.getBoundingClientRect());
  return [Number(node.textContent), (box.left + box.right) / 2 - whole.left, whole.width];
})"""
# The colours of every bar and of the shape of the loudness: three to one against the page (WCAG 2.2, 1.4.11).
FILLS = """() => [...document.querySelectorAll(".hearing rect.turn, path.loud")].map((node) => getComputedStyle(node).fill)"""
PAPER = "() => getComputedStyle(document.body).backgroundColor"


def evaluated(
    window: Window,
    name: str,
    folder: Path,
    *scripts: str,
    width: int = 1280,
    scheme: Any = "light",
    media: Any = "screen",
) -> list[Any]:
    path = folder / "report.html"
    path.write_text(html.render(heard(RUNS[name])), encoding="utf-8")

    async def go() -> list[Any]:
        async with window.sheet() as opened:
            await opened.page.set_viewport_size({"width": width, "height": 800})
            await opened.page.emulate_media(color_scheme=scheme, media=media)
            await opened.page.goto(path.as_uri())
            found = [await opened.page.evaluate(script) for script in scripts]
            assert opened.console == []
            return found

    return window.run(go())


def luminance(color: str) -> float:
    channels = [int(one) / 255 for one in color.removeprefix("rgb(").removesuffix(")").split(", ")]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return sum(share * one for share, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("name", ["healthy", "vad-not-effective"])
@pytest.mark.parametrize("width", [360, 1280])
def test_everything_lies_where_its_times_say(name: str, width: int, window: Window, tmp_path: Path) -> None:
    figures, lanes = evaluated(window, name, tmp_path, FIGURES, PLACES, width=width)
    seconds, middle_px, whole_px = figures[-1]
    picture = modes.of_run(heard(RUNS[name]))
    assert picture is not None
    span_ms = axis.axis(picture).span_ms
    assert middle_px / whole_px == pytest.approx(seconds * 1000 / span_ms, abs=1 / whole_px)
    assert len(lanes) == 1 + len(RUNS[name]["modes"])
    for (width_px, places), mode in zip(lanes[1:], RUNS[name]["modes"].values(), strict=True):
        assert width_px == whole_px

        def at(kind: str, mode: Any = mode) -> list[float]:
            return [one[1] * whole_px / span_ms for one in mode["events"] if one[0] == kind]

        assert [left for left, _ in places["turns"]] == pytest.approx(at("started"), abs=1)
        assert [right for _, right in places["turns"]] == pytest.approx(at("stopped"), abs=1)
        assert [(left + right) / 2 for left, right in places["transcripts"]] == pytest.approx(at("transcript"), abs=1)
        alone = at("committed") if mode["sent"] is None else []
        assert [(left + right) / 2 for left, right in places["commits"]] == pytest.approx(alone, abs=1)
        for place, phrase in zip(places["said"], PHRASES, strict=True):
            assert place == pytest.approx([one * whole_px / span_ms for one in phrase], abs=1)
    (shape,) = lanes[0][1]["loud"]
    assert shape[1] == pytest.approx(facts()["clip"]["duration_ms"] * whole_px / span_ms, abs=1)


@pytest.mark.parametrize("width", [360, 1280])
def test_letters_stand_free_and_whole(width: int, window: Window, tmp_path: Path) -> None:
    _, *lanes = evaluated(window, "healthy", tmp_path, PLACES, width=width)[0]
    for width_px, places in lanes:
        letters = sorted(places["letters"])
        assert all(0 <= left < right <= width_px for left, right in letters)
        assert all(a[1] <= b[0] for a, b in pairwise(letters))


@pytest.mark.parametrize("name", RUNS)
def test_nothing_scrolls_sideways_on_a_phone(name: str, window: Window, tmp_path: Path) -> None:
    assert evaluated(window, name, tmp_path, WIDTHS, width=360) == [[360, 360]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_stands_out_from_the_page(scheme: str, window: Window, tmp_path: Path) -> None:
    told, fills, paper = evaluated(window, "healthy", tmp_path, CONTRASTS, FILLS, PAPER, scheme=scheme)
    assert [found for found in told if found[3] < 4.5] == []
    behind = luminance(paper)
    for fill in set(fills):
        light, dark = sorted((luminance(fill), behind), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3
    assert len(set(fills)) == 3


def test_server_and_semantic_modes_have_colours_of_their_own_and_each_line_its_name(
    window: Window, tmp_path: Path
) -> None:
    label = "[...document.querySelectorAll('.hearing .lane')].map((one) => one.innerText.split('\\n')[0])"
    (names,) = evaluated(window, "vad-not-effective", tmp_path, label)
    assert len(set(names)) == 6
    server, semantic = (
        f"getComputedStyle(document.querySelector('.hearing rect.{one}')).fill"
        for one in ("server_vad", "semantic_vad")
    )
    assert len(set(evaluated(window, "vad-not-effective", tmp_path, server, semantic))) == 2


def test_it_is_printed(window: Window, tmp_path: Path) -> None:
    shown, adjusted = evaluated(
        window,
        "healthy",
        tmp_path,
        "[...document.querySelectorAll('.hearing svg')].every((node) => node.checkVisibility())",
        "[...document.querySelectorAll('.hearing rect, path.loud')]"
        ".every((one) => getComputedStyle(one).printColorAdjust === 'exact')",
        media="print",
        width=700,
    )
    assert (shown, adjusted) == (True, True)
