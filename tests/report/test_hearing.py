"""The picture of what a server heard: in characters, in Markdown and as HTML, against the facts that it is drawn from."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from rtdiag.model import Report
from rtdiag.recorded import reading
from rtdiag.report import html, markdown, table
from rtdiag.report import json as as_json
from rtdiag.report.hearing import characters, modes, words
from rtdiag.report.spelling import spelt
from tests.report.heard_runs import PHRASES, RUNS, facts, heard
from tests.report.hostile import HOSTILE, filled
from tests.report.tree import Node, read

LABELS = {
    "server-200": "server_vad, 200 ms of silence",
    "server-4000": "server_vad, 4000 ms of silence",
    "semantic-low": "semantic_vad, low eagerness",
    "semantic-high": "semantic_vad, high eagerness",
    "null": "no turn detection",
}
BY_HAND = "Without turn detection nothing is cut until the audio is committed by hand, at 17.3 s."
SENTENCES = {
    "healthy": [
        "Each setting ends the first turn at another place: server_vad 200 ms at 3.1 s (in the pause), "
        "semantic_vad high at 4.9 s (in the pause), server_vad 4000 ms at 11.3 s (after the last word) "
        "and semantic_vad low at 15.3 s (after the last word).",
        BY_HAND,
    ],
    "vad-not-effective": [
        "server_vad 200 ms, semantic_vad low and semantic_vad high end the first turn at the same place, 3.1 s (in the pause).",
        "Elsewhere it is ended by server_vad 4000 ms at 11.3 s (after the last word).",
        BY_HAND,
    ],
    "no-speech-started": [
        "With server_vad 200 ms, server_vad 4000 ms, semantic_vad low and semantic_vad high "
        "the server never says that it hears anybody speak.",
        BY_HAND,
    ],
    "silence-ignored": [
        "server_vad 200 ms and server_vad 4000 ms end the first turn at the same place, 3.4 s (in the pause).",
        "Elsewhere it is ended by semantic_vad high at 4.9 s (in the pause) and semantic_vad low at 15.3 s (after the last word).",
        BY_HAND,
    ],
    "vad-silently-replaced": [
        "server_vad 200 ms, server_vad 4000 ms, semantic_vad low and semantic_vad high "
        "end the first turn at the same place, 3.4 s (in the pause).",
        "Without turn detection turns are cut all the same.",
        "Asked for server_vad 200 ms, server_vad 4000 ms, semantic_vad low, semantic_vad high and no turn detection, "
        "the server says that it uses server_vad 500 ms.",
    ],
}
SENTENCES["transcripts-missing"] = [*SENTENCES["healthy"], "No transcript came at all."]


def changed(mode: str, **more: Any) -> dict[str, Any]:
    """The facts of a healthy run in which this mode has something else."""
    found = deepcopy(facts())
    found["modes"][mode] |= more
    return found


def seen(found: Mapping[str, Any]) -> modes.Hearing:
    picture = modes.of_run(heard(found))
    assert picture is not None
    return picture


def lines(found: Mapping[str, Any]) -> list[str]:
    return characters.drawn(seen(found)).split("\n")


def lane(found: Mapping[str, Any], label: str) -> str:
    (line,) = [line for line in lines(found) if line.startswith(label)]
    return line


def axis(found: Mapping[str, Any]) -> tuple[int, float]:
    """From the figures alone: the column of 0, and how many milliseconds a column has."""
    line = lane(found, "seconds of the clip").removesuffix("turns (s)")
    figures = [(place.start(), float(place[0])) for place in re.finditer(r"[\d.]+", line)]
    (first, zero), (second, after) = figures[:2]
    step_ms = (after - zero) * 1000 / (second - first)
    assert zero == 0
    assert all((column - first) * step_ms == pytest.approx(figure * 1000) for column, figure in figures)
    return first, step_ms


def clip_of(duration_ms: int) -> dict[str, Any]:
    """A healthy run's facts with everything at places that belong to a clip so long."""
    found: dict[str, Any] = json.loads(json.dumps(facts()))
    factor = duration_ms / found["clip"]["duration_ms"]
    found["clip"] |= {
        "duration_ms": duration_ms,
        "phrases": [[at * factor for at in one] for one in found["clip"]["phrases"]],
        "loudness": [i % 101 for i in range(duration_ms // 100)],
    }
    for mode in found["modes"].values():
        mode["events"] = [[kind, at * factor, *rest] for kind, at, *rest in mode["events"]]
    return found


ALIGNED = {**RUNS, **{f"{length} ms": clip_of(length) for length in (1000, 5000, 33_000, 60_000, 500_000)}}


@pytest.mark.parametrize("name", ALIGNED)
def test_every_turn_stands_at_the_columns_of_its_times(name: str) -> None:
    found = ALIGNED[name]
    zero, step_ms = axis(found)
    for mode, given in found["modes"].items():
        line = lane(found, LABELS[mode])
        at = {
            kind: [zero + int(one[1] // step_ms) for one in given["events"] if one[0] == kind]
            for kind in ("started", "stopped")
        }
        drawn = [(i, sign) for i, sign in enumerate(line) if sign in "[]"]
        ends = dict.fromkeys(at["started"], "[") | dict.fromkeys(at["stopped"], "]")
        assert drawn == sorted(ends.items())
        between = [line[a + 1 : b] for a, b in zip(at["started"], at["stopped"], strict=True)]
        assert all(set(inside) <= set("─T") for inside in between)


@pytest.mark.parametrize("name", RUNS)
def test_a_letter_stands_at_its_moment_or_just_after_it(name: str) -> None:
    found = RUNS[name]
    zero, step_ms = axis(found)
    for mode, given in found["modes"].items():
        drawn = lane(found, LABELS[mode])[zero:].partition("  C ")[0]
        columns = [i for i, sign in enumerate(drawn) if sign == "T"]
        moments = [int(one[1] // step_ms) for one in given["events"] if one[0] == "transcript"]
        assert len(columns) == len(moments)
        assert all(0 <= column - moment <= 2 for column, moment in zip(columns, moments, strict=True))


def test_what_was_committed_by_hand_has_a_letter_and_what_a_turn_committed_has_none() -> None:
    zero, step_ms = axis(RUNS["healthy"])
    drawn = {mode: lane(RUNS["healthy"], label) for mode, label in LABELS.items()}
    assert drawn["null"][zero + int(17_300 // step_ms)] == "C"
    assert drawn["null"].endswith("  C 17.3")
    assert not any("C" in drawn[mode] for mode in LABELS if mode != "null")


def test_the_blocks_rise_where_somebody_speaks_and_nowhere_else() -> None:
    zero, step_ms = axis(facts())
    blocks = lane(facts(), "how loud it is")[zero:]
    spoken = {column for begin, end in PHRASES for column in range(int(begin // step_ms), -int(-end // step_ms))}
    assert {column for column, block in enumerate(blocks) if block != "▁"} == spoken
    assert "█" in blocks


def test_turns_stand_in_figures_at_the_right() -> None:
    assert lane(facts(), LABELS["server-200"]).endswith("  0.5–3.1, 5.9–7.5")
    assert lane(facts(), LABELS["server-4000"]).endswith("  0.5–11.3")
    many = changed("null", events=[(kind, at_ms) for at_ms in range(0, 9000, 600) for kind in ("started", "stopped")])
    assert lane(many, LABELS["null"]).endswith("  0.0–0.0, +14")


@pytest.mark.parametrize("name", RUNS)
def test_the_sentences_say_where_turns_end(name: str) -> None:
    assert [*words.sentences(seen(RUNS[name]))] == SENTENCES[name]


def test_the_clip_and_the_signs_are_told() -> None:
    text = "\n".join(lines(facts()))
    assert "The clip (rtdiag's own) lasts 17.3 s: speech at 0.5–2.9 and 5.9–7.3 s, a pause of 3.0 s between.\n" in text
    assert "\n[───] one turn, as the server cut it   C committed by hand   T transcript\n" in text
    assert "where two lines are alike" in text.replace("\n ", "")


def test_modes_that_cut_alike_have_lines_alike_and_no_two_healthy_ones_do() -> None:
    def drawn(name: str) -> dict[str, str]:
        return {mode: lane(RUNS[name], label).removeprefix(label).strip() for mode, label in LABELS.items()}

    healthy, faulty = drawn("healthy"), drawn("vad-not-effective")
    assert len(set(healthy.values())) == len(LABELS)
    assert faulty["server-200"] == faulty["semantic-low"] == faulty["semantic-high"] == healthy["server-200"]
    assert faulty["server-4000"] == healthy["server-4000"]


def test_a_turn_without_an_end_goes_on_and_one_without_a_beginning_is_its_end() -> None:
    found = changed("null", events=[("stopped", 2000), ("started", 4000), ("started", 8000), ("stopped", 12_000)])
    assert (
        lane(found, LABELS["null"])[axis(found)[0] :] == "     ]    [─────────[─────────]                –2.0, 4.0–, +1"
    )
    found = changed("null", events=[("started", 8000)])
    assert lane(found, LABELS["null"])[axis(found)[0] :] == " " * 20 + "[────────────────────────> 8.0–"
    assert "[──> never ended" in "\n".join(lines(found))
    assert "[──>" not in "\n".join(lines(facts()))


def test_what_begins_before_the_clip_is_drawn_at_its_beginning_and_told_as_it_is() -> None:
    found = changed("server-200", events=[("started", -260), ("stopped", 3100)])
    zero, _ = axis(found)
    line = lane(found, LABELS["server-200"])
    assert line[zero] == "["
    assert line.endswith(" -0.3–3.1")


def test_a_session_that_never_came_says_why_in_its_line() -> None:
    found = changed("semantic-low", failed="400 invalid_value", events=[])
    assert lane(found, LABELS["semantic-low"]).endswith("  400 invalid_value")
    assert not any("semantic_vad low" in sentence for sentence in words.sentences(seen(found)))
    assert "400 invalid_value" in html.render(heard(found))


def test_what_was_heard_before_a_session_ended_is_drawn_and_not_judged() -> None:
    found = changed("semantic-low", failed="the session ended before the clip did")
    assert lane(found, LABELS["semantic-low"]) == lane(facts(), LABELS["semantic-low"])
    told = words.sentences(seen(found))
    assert told[-1] == "Not judged: semantic_vad low, for the session ended before the clip did."
    assert "not judged" in html.render(heard(found))


def test_what_a_server_commits_by_itself_is_not_by_hand() -> None:
    told = words.sentences(seen(changed("null", events=[("committed", 2500)], commit_ms=17_300)))
    assert "Without turn detection the server commits by itself, at 2.5 s." in told


def test_ends_within_300_ms_are_one_place_and_a_millisecond_more_is_another() -> None:
    for apart_ms, same in ((300, True), (301, False)):
        found = changed("semantic-low", events=[("started", 480), ("stopped", 3100 + apart_ms)])
        together = (
            "server_vad 200 ms and semantic_vad low end the first turn at the same place, 3.1 to 3.4 s (in the pause)."
        )
        assert (together in words.sentences(seen(found))) is same


def test_missing_transcripts_and_modes_that_never_end_are_told() -> None:
    found = changed("semantic-low", events=[("started", 480)])
    found["modes"]["server-200"]["events"] = found["modes"]["server-200"]["events"][:-1]
    told = words.sentences(seen(found))
    assert "No turn is ended by semantic_vad low." in told
    assert "Transcripts are missing with server_vad 200 ms (1 of 2 came)." in told


@pytest.mark.parametrize(
    ("echoed", "told"),
    [
        ({"type": "server_vad"}, "server_vad"),
        (None, "no turn detection"),
        ({"type": "semantic_vad", "eagerness": "auto"}, "semantic_vad auto"),
        ({"type": "semantic_vad"}, ""),
        ({}, ""),
    ],
)
def test_an_echo_that_differs_is_told(echoed: Any, told: str) -> None:
    sentences = words.sentences(seen(changed("semantic-low", echoed=echoed)))
    replaced = f"Asked for semantic_vad low, the server says that it uses {told}."
    assert (replaced in sentences) is bool(told)
    assert len(sentences) == len(SENTENCES["healthy"]) + bool(told)


@pytest.mark.parametrize("phrases", [[], [[500, 2900]], [[i * 1000, i * 1000 + 600] for i in range(15)]])
def test_any_number_of_phrases_can_be_told(phrases: list[list[int]]) -> None:
    found = deepcopy(facts())
    found["clip"]["phrases"] = phrases
    told = words.clip(seen(found))
    assert ("speech at" in told) is bool(phrases)
    assert ("pause" in told) is (len(phrases) > 1)
    assert max(map(len, lines(found))) <= characters.WIDTH


ODD: list[Any] = [None, [], {}, "", "x", True, 0, -1, float("nan"), float("inf"), 10**400, [[]], {"a": {}}]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd)[:9])
def test_without_a_clip_or_a_mode_there_is_no_picture(odd: Any) -> None:
    whole = facts()
    broken = [{"clip": odd}, {"clip": whole["clip"] | {"duration_ms": odd}}]
    broken += [{"modes": odd}] if odd != {"a": {}} else []
    for change in broken:
        assert modes.of_run(heard(whole | change)) is None
        assert words.TITLE not in html.render(heard(whole | change))
    assert modes.of_run(heard({})) is None


def test_a_run_without_the_check_has_no_picture() -> None:
    report = heard(facts())
    others = Report(**{**vars(report), "checks": report.checks[:-1]})
    for text in (html.render(others), markdown.render(others), table.render(others, verbose=True)):
        assert words.TITLE not in text


def test_whatever_stands_in_the_facts_is_drawn_or_left_out() -> None:
    choose = random.Random(6)

    def junk(value: Any, depth: int = 0) -> Any:
        if depth > 1 and choose.random() < 0.15:
            return choose.choice([*ODD, HOSTILE, -5000, 1e5, 5e5])
        if isinstance(value, Mapping):
            return {key: junk(one, depth + 1) for key, one in value.items()}
        return [junk(one, depth + 1) for one in value] if isinstance(value, list | tuple) else value

    drawn = 0
    for _ in range(300):
        report = heard(junk(facts()))
        picture = modes.of_run(report)
        read(html.render(report).removeprefix("<!DOCTYPE html>"))
        if picture:
            text = characters.drawn(picture)
            drawn += 1
            assert spelt(text) == text
            assert max(map(len, text.split("\n"))) <= characters.WIDTH
    assert drawn > 100


def hostile() -> dict[str, Any]:
    """Facts whose every text is hostile, but for the words by which the events are known."""
    found = dict(filled(heard(facts())).checks[-1].rows[-1].seen.facts)
    for mode, own in found["modes"].items():
        own["events"] = [[one[0], one[1], HOSTILE] for one in facts()["modes"][mode]["events"]]
        own["failed"] = HOSTILE if mode == "semantic-low" else ""
    return found | {"modes": {HOSTILE + mode: own for mode, own in found["modes"].items()}}


def test_hostile_texts_stay_in_their_line() -> None:
    report = heard(hostile())
    text = characters.drawn(seen(hostile()))
    assert max(map(len, text.split("\n"))) <= characters.WIDTH
    assert spelt(text) == text
    assert text in "".join(line.removeprefix("    ") + "\n" for line in table.render(report).split("\n"))
    assert f"```\n{text}\n```" in markdown.render(report)
    page = read(html.render(report).removeprefix("<!DOCTYPE html>"))
    section = page.section("hearing")
    assert not {node.name for node in page.all()} & {"script", "img"}
    assert len([*section.all("svg", "")]) == len([*drawing(facts()).all("svg", "")])


def test_a_crowd_of_modes_and_events_stays_small() -> None:
    found = changed("null", events=[("started", i) for i in range(100_000)])
    found["modes"] = {f"mode {i}": found["modes"]["null"] for i in range(1000)}
    found["clip"]["loudness"] = [50] * 1_000_000
    assert len(html.render(heard(found))) < 1_000_000
    assert len(lines(found)) < 100


def test_the_terminal_shows_it_whenever_the_check_ran() -> None:
    text = table.render(heard(facts()))
    drawn = characters.drawn(seen(facts()))
    assert "".join(f"    {line}\n" if line else "\n" for line in drawn.split("\n")) in text
    assert max(len(line) for line in text.split("\n") if line.startswith("    ")) <= 100


def test_a_report_read_back_shows_the_same() -> None:
    report = heard(facts())
    again = reading.report_in(as_json.render(report))
    assert f"```\n{characters.drawn(seen(facts()))}\n```" in markdown.render(again)
    assert html.render(again).count("</svg>") == html.render(report).count("</svg>")


def drawing(found: Mapping[str, Any]) -> Node:
    return read(html.render(heard(found)).removeprefix("<!DOCTYPE html>")).section("hearing")


@pytest.mark.parametrize("name", RUNS)
def test_the_drawing_says_to_everybody_what_it_shows(name: str) -> None:
    section = drawing(RUNS[name])
    shown = [node for node in section.all("svg") if node.attributes.get("role") == "img"]
    assert [svg.one("title").text for svg in shown] == ["how loud the clip is", *LABELS.values()]
    assert all(svg.one("desc").text for svg in shown)
    assert [node.text for node in section.one("ul", "seen").all("li")] == SENTENCES[name]
    assert len([*section.all("rect", "turn")]) - 2 == sum(
        1 for mode in RUNS[name]["modes"].values() for one in mode["events"] if one[0] == "stopped"
    )
