"""The HTML report in chromium: it asks for nothing, fits a phone, can be read in the dark and on paper, and stays text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rtdiag.model import Exchange, Report
from rtdiag.report import html, ledger
from rtdiag.report.spelling import spelt
from rtdiag.testing import run_on_emulator
from tests.browser.chromium import Tab, Window
from tests.checks.broken import run
from tests.report.hostile import filled

# The contrast (WCAG 2.2, 1.4.3) of every element that has text of its own and is rendered, with what it is and its two colours.
CONTRASTS = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      const parts = channels(color);
      if (parts.length < 4 || parts[3] === 1) return color;
    }
    throw new Error("nothing behind it");
  };
  const told = [...document.body.querySelectorAll("*")]
    .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
    .filter((node) => !["title", "desc"].includes(node.tagName) && node.checkVisibility());
  return told.map((node) => {
    const style = getComputedStyle(node);
    const [ink, paper] = [node.namespaceURI.endsWith("svg") ? style.fill : style.color, behind(node)];
    const [a, b] = [light(channels(ink)), light(channels(paper))].sort((x, y) => y - x);
    return [`${node.tagName}.${node.getAttribute("class")}`, ink, paper, (a + 0.05) / (b + 0.05)];
  });
}"""
UNFOLD = "() => document.querySelectorAll('details').forEach((node) => { node.open = true; })"
SEEN = "(selector) => [...document.querySelectorAll(selector)].filter((node) => node.checkVisibility()).length"
WIDTHS = "() => [document.documentElement.scrollWidth, innerWidth]"
# Of each line of the folded groups: its id, and where its bars begin and how wide they are, in pixels from the left of its box.
BARS = """() => [...document.querySelectorAll(".group .lane")].map((line) => {
  const left = line.querySelector("svg").getBoundingClientRect();
  const bars = [...line.querySelectorAll("rect")].map((bar) => {
    const box = bar.getBoundingClientRect();
    return [box.left - left.left, box.width];
  });
  const [begin, , span] = line.querySelector("svg").getAttribute("viewBox").split(" ").map(Number);
  return [line.querySelector(".quiet").textContent, begin, span, left.width, bars];
})"""


@cache
def healthy() -> Report:
    return run_on_emulator()


def revoked() -> Report:
    return run("key-revoked")


@asynccontextmanager
async def shown(window: Window, report: Report, folder: Path, *, width: int = 1280) -> AsyncIterator[Tab]:
    """The report, opened from a file. When it is left, nothing else may have been asked for, and nothing said on the console."""
    path = folder / "report.html"
    path.write_text(html.render(report), encoding="utf-8")
    asked: list[str] = []
    async with window.sheet() as opened:
        opened.page.on("request", lambda request: asked.append(request.url))
        await opened.page.set_viewport_size({"width": width, "height": 800})
        await opened.page.goto(path.as_uri())
        yield opened
        assert asked == [path.as_uri()]
        assert opened.console == []


def evaluated(window: Window, report: Report, folder: Path, *scripts: str, width: int = 1280) -> list[Any]:
    """What these scripts say there, one after another."""

    async def go() -> list[Any]:
        async with shown(window, report, folder, width=width) as opened:
            return [await opened.page.evaluate(script) for script in scripts]

    return window.run(go())


@pytest.mark.parametrize("make", [healthy, lambda: filled(revoked())], ids=["healthy", "hostile"])
def test_the_page_never_scrolls_sideways(make: Callable[[], Report], window: Window, tmp_path: Path) -> None:
    report = make()

    async def go() -> list[list[int]]:
        async with shown(window, report, tmp_path, width=360) as opened:
            found = [await opened.page.evaluate(WIDTHS)]
            await opened.page.evaluate(UNFOLD)
            for width in (360, 1280):
                await opened.page.set_viewport_size({"width": width, "height": 800})
                found.append(await opened.page.evaluate(WIDTHS))
            return found

    assert window.run(go()) == [[360, 360], [360, 360], [1280, 1280]]


@pytest.mark.parametrize("make", [healthy, revoked], ids=["healthy", "revoked"])
def test_every_text_stands_out_in_the_light_and_in_the_dark(
    make: Callable[[], Report], window: Window, tmp_path: Path
) -> None:
    report = make()

    async def go() -> tuple[list[Any], list[Any]]:
        async with shown(window, report, tmp_path) as opened:
            await opened.page.evaluate(UNFOLD)
            light = await opened.page.evaluate(CONTRASTS)
            await opened.page.emulate_media(color_scheme="dark")
            return light, await opened.page.evaluate(CONTRASTS)

    light, dark = window.run(go())
    assert len(light) == len(dark) > 100
    assert [found for found in (*light, *dark) if found[3] < 4.5] == []
    assert not {tuple(found[1:3]) for found in light} & {tuple(found[1:3]) for found in dark}


def test_verdict_and_ledger_can_be_read_from_the_page(window: Window, tmp_path: Path) -> None:
    report = revoked()
    verdict, fix, ids, first = evaluated(
        window,
        report,
        tmp_path,
        "document.querySelector('.lead').innerText",
        "document.querySelector('.fix').innerText",
        "[...document.querySelectorAll('.ledger tbody th')].map((cell) => cell.textContent)",
        "document.querySelector('.case[open] .body').textContent",
    )
    found = report.diagnosis[0]
    assert verdict == found.summary
    assert fix.startswith(f"What to do: {found.fix}")
    assert ids == ["x2", *(entry.source for entry in ledger.entries(report))]
    assert first == report.exchanges[1].body


def test_the_verdict_fits_the_first_screen_of_a_phone(window: Window, tmp_path: Path) -> None:
    bottoms = [f"document.querySelector('{one}').getBoundingClientRect().bottom" for one in ("h1", ".lead", ".fix p")]
    assert max(evaluated(window, revoked(), tmp_path, *bottoms, width=360)) <= 800


def test_a_bar_lies_where_its_times_say(window: Window, tmp_path: Path) -> None:
    report = healthy()
    _, lines = evaluated(window, report, tmp_path, UNFOLD, BARS)
    exchanges = {x.id: x for x in report.exchanges}
    drawn = {name: (begin, span, width, bars) for name, begin, span, width, bars in lines if name in exchanges}
    assert set(drawn) == set(exchanges)
    for name, (begin, span, width, bars) in drawn.items():
        exchange = exchanges[name]
        assert bars[0][0] == pytest.approx((exchange.at_ms - begin) * width / span, abs=1)
        total_px = sum(bar[1] for bar in bars)
        shown = 1.5 + len(bars)  # none is so thin that it is not seen
        assert total_px == pytest.approx(exchange.timing_ms["total"] * width / span, abs=shown)
        assert all(a[0] + a[1] == pytest.approx(b[0], abs=1) for a, b in pairwise(bars))


def test_on_paper_nothing_stays_folded(window: Window, tmp_path: Path) -> None:
    report = healthy()

    async def go() -> tuple[list[int], bytes]:
        async with shown(window, report, tmp_path) as opened:
            counts = [await opened.page.evaluate(SEEN, "td, .lane")]
            await opened.page.emulate_media(media="print")
            counts += [await opened.page.evaluate(SEEN, "td, .lane"), await opened.page.locator("td, .lane").count()]
            return counts, await opened.page.pdf(format="A4")

    (folded, printed, whole), pdf = window.run(go())
    assert folded < printed == whole
    assert pdf.count(b"/Type /Page\n") > 5


def test_what_a_server_says_stays_text(window: Window, tmp_path: Path) -> None:
    body = (
        "\n</pre><script>alert(1)</script></style></head></title></textarea></svg><img src=x onerror=alert(1)>"
        "<!--<svg onload=alert(1)>&lt;\r\n\x00\u202e\ud800"
    )

    def swapped(exchange: Exchange) -> Exchange:
        return replace(exchange, body=body)

    report = revoked()
    network, key, *others = report.checks
    rows = tuple(replace(r, seen=replace(r.seen, exchanges=tuple(map(swapped, r.seen.exchanges)))) for r in key.rows)
    swapped_in = replace(report, checks=(replace(network, rows=()), replace(key, rows=rows), *others))
    text, scripts, last = evaluated(
        window,
        swapped_in,
        tmp_path,
        "document.querySelector('.body').textContent",
        "document.querySelectorAll('script, img, [onload], [onerror]').length",
        "document.body.lastElementChild.tagName",
    )
    assert (text, scripts, last) == (spelt(body), 0, "FOOTER")


def test_a_report_full_of_hostile_texts_has_the_shape_of_a_sane_one(window: Window, tmp_path: Path) -> None:
    names = ["h1", "h2", "h3", "section", "details", "table", "svg", "rect", "script", "img"]
    shape = f"{names}.map((name) => document.querySelectorAll(name).length)"
    (sane,), (hostile,) = (evaluated(window, report, tmp_path, shape) for report in (revoked(), filled(revoked())))
    assert hostile == sane


def test_a_script_that_got_in_all_the_same_would_not_run(window: Window, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    text = html.render(revoked())
    broken.write_text(text.replace("<main>", "<main><script>document.title = 'ran'</script>", 1), encoding="utf-8")

    async def go() -> tuple[str, list[str]]:
        async with window.sheet() as opened:
            await opened.page.goto(broken.as_uri())
            return await opened.page.title(), list(opened.console)

    title, console = window.run(go())
    assert title.startswith("rtdiag: something is wrong")
    assert "Content Security Policy" in console[0]


def test_headings_follow_each_other_and_every_table_and_drawing_has_a_name(window: Window, tmp_path: Path) -> None:
    levels, unnamed = evaluated(
        window,
        healthy(),
        tmp_path,
        "[...document.querySelectorAll('h1, h2, h3, h4')].map((node) => Number(node.tagName[1]))",
        """[...document.querySelectorAll('svg:not([aria-hidden])')].filter((node) => !node.querySelector('title').textContent)
            .concat([...document.querySelectorAll('.wide')].filter((node) => !node.ariaLabel)).length""",
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert unnamed == 0
