"""The verdicts on what was heard: by tables, and from speech that is really played to the emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rtdiag.checks import vad_effect
from rtdiag.checks.vad_effect import CHECK
from rtdiag.diagnosis import catalogue
from rtdiag.emulator import Emulator
from rtdiag.engine import plan, registry, runner
from rtdiag.engine.context import RunOptions
from rtdiag.engine.rejudge import replay
from rtdiag.model import Cost, Event, Finding, Observation, Report
from rtdiag.recorded import report_in
from rtdiag.redact import Mask, Secret
from rtdiag.report import render
from rtdiag.speech import heard
from rtdiag.testing import finding, judge, row, run_on_emulator
from rtdiag.transport.http import Credential
from tests import speech
from tests.checks.broken import grouped, heard_well, run
from tests.checks.hearing import HEALTHY, committed, facts, turns

CASES = [case.id for case in CHECK.cases]
NOT_EFFECTIVE, NOT_APPLIED = "semantic-vad-accepted-but-not-effective", "vad-not-applied"
DEFAULT = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}


def judged(given: Mapping[str, Any]) -> Mapping[str, Finding]:
    seen = [Observation(case, facts={"as": "speech-started"}) for case in CASES[1:]]
    return judge(CHECK, [Observation("speech-started", facts=given), *seen])


def red(found: Mapping[str, Finding]) -> dict[str, tuple[str, str | None]]:
    return {case: (f.status, f.cause) for case, f in found.items() if f.status != "pass"}


SHORT = HEALTHY["server-200"]
QUARTER = turns((200, 2760), (5000, 7060))  # 260 ms after those
AS_SERVER = {"semantic-differs": ("fail", NOT_EFFECTIVE), "eagerness-matters": ("fail", NOT_EFFECTIVE)}
CANNOT = ("inconclusive", None)
UNAPPLIED = ("fail", NOT_APPLIED)
UNHEEDED = ("fail", "vad-accepted-but-not-effective")


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param({}, {}, id="all is well"),
        pytest.param({"semantic_low": SHORT, "semantic_high": SHORT}, AS_SERVER, id="semantic as server"),
        pytest.param({"semantic_low": QUARTER, "semantic_high": SHORT}, AS_SERVER, id="nearly as server"),
        pytest.param({"semantic_high": SHORT}, {}, id="high alone as server: low waits, so it has an effect"),
        pytest.param(
            {"semantic_low": turns((500, 3300), (5300, 7600)), "semantic_high": turns((500, 3250), (5300, 7550))},
            {"eagerness-matters": CANNOT},
            id="eagerness changes nothing, and server_vad ends elsewhere: the words may decide",
        ),
        pytest.param(
            {"semantic_low": turns((500, 7200)), "semantic_high": turns((500, 4300), (5300, 7200))},
            {},
            id="words decide: a finished phrase ends soon",
        ),
        pytest.param(
            {"semantic_low": turns((500, 7200)), "semantic_high": turns((500, 7100))},
            {"eagerness-matters": CANNOT},
            id="both wait through the pause and end after the last word",
        ),
        pytest.param(
            {"semantic_low": turns((500, 3000)), "semantic_high": turns((500, 4300))},
            {"eagerness-matters": CANNOT},
            id="low before high",
        ),
        pytest.param({"semantic_high": [["started", 500]]}, {"eagerness-matters": CANNOT}, id="high never ends"),
        pytest.param(
            {"semantic_low": [["started", 500]]}, {"eagerness-matters": CANNOT}, id="low never ends within the clip"
        ),
        pytest.param(
            {"semantic_low": [], "semantic_high": []},
            {
                "speech-started": ("warn", NOT_EFFECTIVE),
                "semantic-differs": ("fail", NOT_EFFECTIVE),
                "eagerness-matters": CANNOT,
            },
            id="semantic never speaks again",
        ),
        pytest.param(
            {"server_4000": turns((200, 2800), (5000, 7100)), "server_200": turns((200, 2800), (5000, 7100))},
            {"silence-matters": UNHEEDED},
            id="every silence is half a second",
        ),
        pytest.param({"server_4000": SHORT}, {"silence-matters": UNHEEDED}, id="4,000 ms are taken for 200"),
        pytest.param(
            {"server_200": turns((200, 10_600))},
            {"silence-matters": UNHEEDED, "offsets": ("warn", UNHEEDED[1])},
            id="200 ms are taken for 4,000",
        ),
        pytest.param(
            {
                "server_200": turns((200, 2800), (5000, 7100)),
                "server_4000": turns((200, 2800), (5000, 7100)),
                "semantic_low": turns((500, 2800), (5300, 7100)),
                "semantic_high": turns((500, 2800), (5300, 7100)),
            },
            {"silence-matters": UNHEEDED, "semantic-differs": CANNOT, "eagerness-matters": CANNOT},
            id="without a server_vad that heeds its silence semantic_vad cannot be compared",
        ),
        pytest.param(
            {"semantic_low": turns((500, 2600), (5300, 14_600)), "semantic_high": turns((500, 2550), (5300, 8600))},
            {},
            id="they part after the second phrase",
        ),
        pytest.param(
            {"semantic_low": [], "semantic_high": SHORT},
            {"speech-started": ("warn", NOT_EFFECTIVE), "semantic-differs": CANNOT, "eagerness-matters": CANNOT},
            id="deaf is no effect",
        ),
        pytest.param(
            {"server_4000": SHORT, "semantic_low": [], "semantic_high": []},
            {
                "speech-started": ("warn", NOT_EFFECTIVE),
                "silence-matters": UNHEEDED,
                "semantic-differs": CANNOT,
                "eagerness-matters": CANNOT,
            },
            id="deaf where server_vad does as it likes proves nothing",
        ),
        pytest.param({"server_200": turns((200, 2500))}, {"offsets": CANNOT}, id="half of the clip is unheard"),
        pytest.param({"server_4000": [["started", 200]]}, {"silence-matters": CANNOT}, id="4,000 ms never end"),
        pytest.param(
            {"server_200": turns((1700, 4000), (6500, 8300))},
            {"offsets": ("fail", "speech-offsets-elsewhere"), "semantic-differs": None},
            id="offsets lie elsewhere",
        ),
        pytest.param(
            {"null": [["started", 500], ["stopped", 2500], *committed()]},
            {"null-waits": UNHEEDED},
            id="null detects turns",
        ),
        pytest.param({"null": committed(2500)}, {"null-waits": UNHEEDED}, id="null commits by itself"),
        pytest.param({"null": []}, {"null-waits": ("fail", "silent-connection")}, id="the commit has no answer"),
        pytest.param(
            {name.replace("-", "_"): [e for e in HEALTHY[name] if e[0] != "transcript"] for name in HEALTHY},
            {"transcripts": ("fail", "transcripts-missing-or-late")},
            id="no transcripts",
        ),
        pytest.param(
            {"null": [["committed", 16_600], ["error", 16_700, "audio_unintelligible"]]},
            {"transcripts": ("fail", "transcripts-missing-or-late")},
            id="one transcript failed",
        ),
    ],
)
def test_the_time_lines_are_judged(heard: dict[str, Any], expected: dict[str, Any]) -> None:
    found = judged(facts(**heard))
    assert red(found) == {case: told for case, told in expected.items() if told}
    live = judged(facts(emulated=False, **heard))
    assert "fail" not in {f.status for f in live.values()}, (
        "no recording of the live API tells that this is wrong there"
    )
    assert {c: cause for c, (_, cause) in red(live).items()} == {c: cause for c, (_, cause) in red(found).items()}
    for told in found.values():
        assert told.measured
        assert told.status == "pass" or told.hint
        assert told.cause is None or told.cause in catalogue.causes()


def test_deaf_everywhere_is_a_silent_connection() -> None:
    deaf: dict[str, Any] = {name: [] for name in ("server_200", "server_4000", "semantic_low", "semantic_high")}
    found = judged(facts(**deaf))
    assert red(found)["speech-started"] == ("fail", "silent-connection")
    assert judged(facts(emulated=False, **deaf))["speech-started"].status == "warn"
    unsure = ("offsets", "silence-matters", "semantic-differs", "eagerness-matters")
    assert {found[case].status for case in unsure} == {"inconclusive"}


@pytest.mark.parametrize("emulated", [True, False])
@pytest.mark.parametrize(
    ("mode", "echo", "cases"),
    [
        ("server-4000", DEFAULT, {"silence-matters"}),
        ("semantic-low", DEFAULT, {"semantic-differs", "eagerness-matters"}),
        ("semantic-high", {"type": "semantic_vad", "eagerness": "auto"}, {"semantic-differs", "eagerness-matters"}),
        ("null", DEFAULT, {"null-waits"}),
        ("server-200", None, {"silence-matters", "semantic-differs"}),
    ],
)
def test_an_echo_that_differs_is_not_applied_wherever_it_comes_from(
    emulated: bool, mode: str, echo: Any, cases: set[str]
) -> None:
    found = judged(facts(emulated=emulated, echoed={mode: echo}))
    assert red(found) == dict.fromkeys(cases, UNAPPLIED)
    assert all(mode in found[case].measured for case in cases)


def test_what_decides_of_answers_alone_is_no_other_turn_detection() -> None:
    assert red(judged(facts(echoed={"server-200": {**DEFAULT, "create_response": True}}))) == {}


@pytest.mark.parametrize(
    ("phrases", "cases"),
    [
        ([[500, 6600]], {"silence-matters", "semantic-differs", "eagerness-matters"}),
        ([[500, 2300], [2700, 6600]], {"silence-matters", "semantic-differs", "eagerness-matters"}),
        ([[500, 2300], [9300, 10_600]], {"silence-matters", "semantic-differs", "eagerness-matters"}),
    ],
)
def test_a_clip_without_a_pause_that_decides_cannot_tell(phrases: Any, cases: set[str]) -> None:
    one = turns((phrases[0][0] - 300, phrases[-1][1] + 200))
    given: dict[str, Any] = dict.fromkeys(("server_200", "semantic_low", "semantic_high"), one)
    found = judged(facts(phrases=phrases, **given))
    assert {found[case].status for case in cases} == {"inconclusive"}
    assert all("clip" in (found[case].hint or "") for case in cases)


@pytest.mark.parametrize(
    ("mode", "cases"),
    [
        ("server_200", {"offsets", "silence-matters", "semantic-differs"}),
        ("server_4000", {"silence-matters"}),
        ("semantic_low", {"semantic-differs", "eagerness-matters"}),
        ("null", {"null-waits"}),
    ],
)
def test_one_session_that_is_missing_fails_nothing(mode: str, cases: set[str]) -> None:
    given: dict[str, Any] = {mode: "no session: 429 rate_limit_exceeded"}
    found = judged(facts(**given))
    assert red(found) == dict.fromkeys(cases, CANNOT)
    assert all("429" in found[case].measured for case in cases)


def test_no_session_at_all_is_inconclusive_and_says_why() -> None:
    given: dict[str, Any] = {name.replace("-", "_"): "no token was to be had" for name in HEALTHY}
    found = judged(facts(**given))
    assert {f.status for f in found.values()} == {"inconclusive"}
    assert all("no token" in f.measured for f in found.values())


def test_who_would_answer_is_not_spoken_to_and_the_echo_still_tells() -> None:
    names = [name for name in HEALTHY if name != "null"]
    why = dict.fromkeys((name.replace("-", "_") for name in names), "not played: it would answer")
    echoed = {name: {**DEFAULT, "create_response": True} for name in HEALTHY}
    found = judged(facts(emulated=False, echoed=echoed, null=committed(), **why))
    assert (found["speech-started"].status, found["speech-started"].cause) == ("warn", NOT_APPLIED)
    told = ("silence-matters", "semantic-differs", "eagerness-matters", "null-waits")
    assert {(found[case].status, found[case].cause) for case in told} == {UNAPPLIED}


@pytest.mark.parametrize("offset", ["NaN", "1" + "0" * 400, "Infinity", "true", '"soon"', "null", "-1e99"])
def test_an_offset_that_is_none_is_not_believed(offset: str) -> None:
    raw = f'{{"type": "input_audio_buffer.speech_stopped", "audio_end_ms": {offset}}}'
    event = Event("e1", "p1", "received", 4250.0, "input_audio_buffer.speech_stopped", raw)
    assert heard.timeline([event], heard.Start(sent_ms=100, at_ms=1000.0)) == [["stopped", 3250]]


@pytest.mark.parametrize(
    ("echoed", "emulated", "kind", "might"),
    [
        ({"type": "server_vad", "create_response": False}, False, "realtime", False),
        (None, False, "realtime", False),
        ({"type": "server_vad", "create_response": True}, False, "realtime", True),
        ({"type": "server_vad"}, False, "realtime", True),
        (..., False, "realtime", True),
        (..., True, "realtime", False),
        (..., False, "transcription", False),
    ],
)
def test_who_might_answer_is_told_by_the_echo(echoed: Any, emulated: bool, kind: Any, might: bool) -> None:
    assert vad_effect.might_answer(echoed, kind, emulated=emulated) is might


def test_a_null_that_is_not_echoed_is_judged_by_ear() -> None:
    given = facts()
    del given["modes"]["null"]["echoed"]
    assert red(judged(given)) == {}


def test_what_a_stranger_wrote_into_a_time_line_is_left_out() -> None:
    odd = [*HEALTHY["server-200"], ["started", None], [], 5, ["stopped"], ["started", True], ["stopped", float("nan")]]
    assert red(judged(facts(server_200=odd))) == {}


# --- with speech that is really played, at its own pace


def of_run(report: Report) -> dict[str, Finding]:
    return {case: finding(report, f"vad-effect.{case}") for case in CASES}


@pytest.mark.xdist_group("heard")
def test_todays_api_is_green() -> None:
    report = heard_well()
    assert red(of_run(report)) == {}
    assert (report.overall, report.exit_code, report.left_open) == ("pass", 0, ())


@pytest.mark.xdist_group("heard")
def test_a_run_takes_what_it_declares() -> None:
    outcome = next(o for o in heard_well().checks if o.id == "vad-effect")
    assert outcome.cost.requests == CHECK.cost.requests
    assert (outcome.cost.tokens_minted, outcome.cost.sessions_opened) == (5, 5)
    assert 5 * 16 < outcome.cost.audio_seconds <= CHECK.cost.audio_seconds
    assert len(outcome.rows[0].seen.peers) == len(outcome.rows[0].seen.exchanges) == 5


@pytest.mark.xdist_group("heard")
def test_the_facts_hold_what_a_picture_needs() -> None:
    given = row(heard_well(), "vad-effect.speech-started").seen.facts
    assert given["emulated"] is True
    assert (given["kind"], given["model"]) == ("realtime", "gpt-realtime-2.1")
    clip = given["clip"]
    assert (clip["name"], len(clip["phrases"])) == ("rtdiag's own", 2)
    assert len(clip["loudness"]) == clip["duration_ms"] // 100
    assert list(given["modes"]) == list(vad_effect.MODES)
    for name, mode in given["modes"].items():
        assert mode["failed"] == ""
        assert [e[0] for e in mode["events"]][-2:] == ["committed", "transcript"]
        assert (mode["sent"] is None) == (mode["echoed"] is None) == (name == "null")
        assert name == "null" or mode["sent"].items() <= mode["echoed"].items()
        assert name == "null" or mode["sent"]["create_response"] is mode["sent"]["interrupt_response"] is False
    assert not any(e.type.startswith("response.") for e in heard_well().events), "the model is never made to answer"


HEARD: dict[str, dict[str, Any]] = {
    "vad-silently-replaced": dict.fromkeys(
        ("silence-matters", "semantic-differs", "eagerness-matters", "null-waits"), UNAPPLIED
    ),
    "vad-not-effective": AS_SERVER,
    "no-speech-started": {"speech-started": ("fail", "silent-connection"), **dict.fromkeys(CASES[1:], ("skip", None))},
    "silence-ignored": {"silence-matters": UNHEEDED},
    "transcripts-missing": {"transcripts": ("fail", "transcripts-missing-or-late")},
    "offsets-late": {"offsets": ("fail", "speech-offsets-elsewhere")},
}


@pytest.mark.parametrize("fault", grouped((fault,) for fault in HEARD))
def test_a_fault_turns_its_cases_red_and_no_other(fault: str) -> None:
    report = run(fault)
    assert red(of_run(report)) == HEARD[fault]
    assert report.diagnosis[0].cause in {cause for _, cause in HEARD[fault].values()}


# --- with another rule for semantic_vad and another clip, faster than anybody speaks

SPEED = 6.0


def sooner(detection: Mapping[str, Any]) -> int:
    """A `semantic_vad` that waits less, as one that judges by words may."""
    if detection["type"] == "semantic_vad":
        return {"high": 900, "medium": 2500, "auto": 2500, "low": 6000}[detection["eagerness"]]
    return int(detection["silence_duration_ms"])


@pytest.fixture
def another_clip(tmp_path: Path) -> str:
    pcm = speech.silence(0.4) + speech.speech(1.5) + speech.silence(2.6) + speech.speech(0.8) + speech.silence(0.5)
    speech.wav(tmp_path / "another.wav", pcm)
    return str(tmp_path / "another.wav")


@pytest.mark.waits
def test_another_rule_is_green_too() -> None:
    report = run_on_emulator(only=["vad-effect"], ends=sooner, audio_speed=SPEED)
    assert red(of_run(report)) == {}


@pytest.mark.waits
def test_another_clip_is_green_too(another_clip: str) -> None:
    report = run_on_emulator(only=["vad-effect"], audio=another_clip, audio_speed=SPEED)
    assert red(of_run(report)) == {}
    assert row(report, "vad-effect.speech-started").seen.facts["clip"]["name"] == "another.wav"


@pytest.mark.waits
@pytest.mark.parametrize("kind", ["realtime", "transcription"])
def test_with_both_what_is_not_effective_is_red(another_clip: str, kind: Any) -> None:
    report = run_on_emulator(
        faults=["vad-not-effective"],
        only=["vad-effect"],
        ends=sooner,
        audio=another_clip,
        audio_speed=SPEED,
        kinds=(kind,),
    )
    assert red(of_run(report)) == AS_SERVER
    assert row(report, "vad-effect.speech-started").seen.facts["kind"] == kind


@pytest.mark.waits
def test_a_model_that_takes_no_turn_detection_is_no_failure() -> None:
    report = run_on_emulator(
        only=["vad-effect"],
        kinds=("transcription",),
        transcription_model="gpt-live-transcribe",
        audio_speed=SPEED,
        longest_s=2,
    )
    found = of_run(report)
    assert "fail" not in {f.status for f in found.values()}
    assert "refused" in found["speech-started"].measured


@pytest.mark.waits
def test_an_interrupted_run_keeps_what_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    complete, works = vad_effect._Run._complete, list[asyncio.Task[Report]]()

    def interrupting(played: Any) -> bool:
        done = bool(complete(played))
        if done:
            works[0].cancel()
        return done

    async def work() -> tuple[Report, int]:
        async with Emulator() as emulator:
            options = RunOptions(
                emulator.base_url, Credential("api-key", Secret(emulator.key)), audio_speed=SPEED, today=emulator.as_of
            )
            chosen = plan.make(registry.load(()).checks.values(), only=["vad-effect"], emulated=True)
            shown = {"as_of": "2026-11-13", "faults": []}
            works.append(asyncio.ensure_future(runner.run(chosen, options, mask=Mask(), emulator=shown)))
            return await works[0], emulator.open_calls

    monkeypatch.setattr(vad_effect._Run, "_complete", interrupting)
    report, calls = asyncio.run(work())
    assert (report.exit_code, report.left_open, calls) == (130, (), 0)
    assert {(f.status, f.measured) for f in of_run(report).values()} == {("skip", "the run was interrupted")}
    modes = row(report, "vad-effect.speech-started").seen.facts["modes"]
    assert [e[0] for e in modes["server-200"]["events"]].count("started") == 2
    assert "for the run was interrupted" in " ".join(render(report, "table").split())
    assert of_run(replay(report_in(render(report, "json")), registry.load(()).checks)) == of_run(report)


def test_without_an_opt_in_it_is_left_out() -> None:
    report = run_on_emulator(only=["vad*", "key.shape"], faults=["key-revoked"])
    assert finding(report, "vad-effect.transcripts").measured == "opt in with --allow audio"
    assert next(o for o in report.checks if o.id == "vad-effect").cost == Cost()
