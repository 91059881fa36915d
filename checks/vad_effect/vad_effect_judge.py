"""What the time lines of the modes prove: the judgement of the check `vad-effect`, pure, from its facts alone.

Three things are told apart: accepted but not applied (the echo differs from what was sent), applied but not effective (the echo
is right, and turns end as if it were not), and what this clip cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rtdiag.engine.findings import ANOTHER_TURN_DETECTION, differences
from rtdiag.model import Finding, Status
from rtdiag.speech.heard import NEAR_MS, Mode, pauses

SHORT_MS, LONG_MS = 200, 4000
PADDING_MS = 300
OFF_MS = 500  # how far an offset may lie from the clip's: a guess
SERVER = ("server-200", "server-4000")
SEMANTIC = ("semantic-low", "semantic-high")

# What is observed: the echo is right, and turns end as if it were not; the same where it is semantic_vad.
NOT_HEEDED, NOT_EFFECTIVE = "turns end as if the settings were others", "semantic_vad acts as server_vad does"
DEAF = "audio is sent and nothing comes of it"
NO_TRANSCRIPTS = "turns are committed and not transcribed"
ELSEWHERE = "turns begin where nobody speaks"
# What leaves room for doubt.
BY_EAR, PARTLY = "compared with no recording of the live API", "in a part of what was heard"

_OF_ANSWERS = ("create_response", "interrupt_response")
_ANOTHER_CLIP = (
    "this clip cannot tell: give one with an unfinished phrase, a pause of about 3 s and its end (--audio FILE), "
    "or leave --audio out"
)
_NO_MEASURE = "server_vad itself did not do as it was told, so nothing can be compared"
_AGAIN = "run it again; `-v` shows what each session went through"


class Judged:
    """The facts of a run, and the finding of each case."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._modes = {name: Mode(name, mode) for name, mode in facts["modes"].items()}
        self._interrupted = bool(facts.get("interrupted"))
        self._phrases = facts["clip"]["phrases"]
        self._duration_ms = int(facts["clip"]["duration_ms"])
        self._pauses = pauses(self._phrases, SHORT_MS, LONG_MS)
        # No recording of the live API plays one clip to several sessions: what is asserted of it by ear is no more than a warning.
        self._red: Status = "fail" if facts.get("emulated") else "warn"

    def finding(self, case: str) -> Finding:
        """The finding of that case of the check."""
        judges = {
            "speech-started": self._speech_started,
            "offsets": self._offsets,
            "silence-matters": self._silence_matters,
            "semantic-differs": self._semantic_differs,
            "eagerness-matters": self._eagerness_matters,
            "null-waits": self._null_waits,
            "transcripts": self._transcripts,
        }
        if self._interrupted:
            return Finding(case, "skip", "the run was interrupted")
        return judges[case](case)

    def _speech_started(self, case: str) -> Finding:
        expected = "input_audio_buffer.speech_started in each mode that detects turns"
        named = [self._modes[name] for name in (*SERVER, *SEMANTIC)]
        played = [mode for mode in named if not mode.failed]
        reasons = "; ".join(f"{mode.name}: {mode.failed}" for mode in named if mode.failed)
        started = [mode for mode in played if mode.at("started")]
        if not played:
            lost = [line for mode in named for line in self._not_applied(mode.name)]
            if lost:
                hint = "the echo differs: see the cases below"
                return Finding(case, "warn", reasons, expected, (ANOTHER_TURN_DETECTION, PARTLY), hint)
            hint = "no session could be played to"
            return Finding(case, "inconclusive", reasons, expected, self._why(*(mode.name for mode in named)), hint)
        if not started:
            hint = (
                "the clip was sent and nothing came of it: is UDP let through after the handshake, "
                "and does this server listen to WebRTC audio?"
            )
            return Finding(case, self._red, f"none in {_names(played)}", expected, self._heard(DEAF), hint)
        if deaf := [mode for mode in played if mode not in started]:
            observed = NOT_EFFECTIVE if {mode.name for mode in deaf} <= set(SEMANTIC) else DEAF
            hint = "these modes are accepted and never speak again: use one of the others here"
            if any(self._differs(mode.name) for mode in deaf):
                observed = ANOTHER_TURN_DETECTION
                hint = "the echo of these differs from what was sent: see the cases below"
            return Finding(case, "warn", f"none in {_names(deaf)}", expected, (observed, PARTLY), hint)
        first = ", ".join(f"{mode.name} {_s(mode.at('started')[0])}" for mode in started)
        if reasons:
            return Finding(case, "pass", f"{first}; {reasons}", expected)
        return Finding(case, "pass", first, expected)

    def _offsets(self, case: str) -> Finding:
        mode = self._modes["server-200"]
        truth = [(max(0, int(b) - PADDING_MS), int(e) + SHORT_MS) for b, e in self._phrases]
        expected = f"as the clip, within {OFF_MS} ms: {_turns(truth)}"
        if missing := self._missing(case, expected, "server-200"):
            return missing
        # A turn may hold several phrases: each must begin with one, and end with one.
        found = list(zip(mode.at("started"), mode.at("stopped"), strict=False))
        begins, ends = ([pair[side] for pair in truth] for side in (0, 1))
        if not found:
            return Finding(case, "inconclusive", f"no turn ended{self._errors('server-200')}", expected, hint=_AGAIN)
        if not all(_near(begin, begins, PADDING_MS) for begin, _ in found):
            hint = "turns begin where nobody does: the server counts from elsewhere, or hears something else"
            return Finding(case, self._red, _turns(found), expected, self._heard(ELSEWHERE), hint)
        heard = [any(begin < e and end > b for begin, end in found) for b, e in self._phrases]
        if not all(heard) or len(mode.at("started")) != len(mode.at("stopped")):
            said = f"{_turns(found)}: a phrase was not heard to its end"
            return Finding(case, "inconclusive", said, expected, hint=_AGAIN)
        if not all(_near(end, ends) for _, end in found):
            hint = f"turns begin with the clip and do not end {SHORT_MS} ms after it: is the silence heeded?"
            observed = ANOTHER_TURN_DETECTION if self._differs("server-200") else NOT_HEEDED
            return Finding(case, "warn", _turns(found), expected, (observed, PARTLY), hint)
        return Finding(case, "pass", _turns(found), expected)

    def _silence_matters(self, case: str) -> Finding:
        expected = f"{SHORT_MS} ms end a turn in the pause, {LONG_MS} ms do not"
        if found := self._unusable(case, expected, *SERVER):
            return found
        if not self._pauses:
            return self._cannot_tell(case, expected, f"no pause between {_s(SHORT_MS)} and {_s(LONG_MS)}")
        short, long = (self._modes[name] for name in SERVER)
        measured = f"{SHORT_MS} ms: {_ends(short)}; {LONG_MS} ms: {_ends(long)}"
        if not (short.at("started") and long.at("started")):
            return Finding(case, "inconclusive", f"no speech was noticed: {measured}", expected, hint=_AGAIN)
        in_short, in_long = (self._closings(mode) for mode in (short, long))
        if all(in_short) and not any(in_long):
            if not long.at("stopped"):
                return Finding(case, "inconclusive", measured, expected, hint=_AGAIN)
            return Finding(case, "pass", measured, expected)
        if _same(in_short, in_long) or (not any(in_short) and _same(short.at("stopped"), long.at("stopped"))):
            hint = (
                "silence_duration_ms is echoed and not heeded: choose another way to wait, or null and your own commits"
            )
            return Finding(case, self._red, measured, expected, self._heard(NOT_HEEDED), hint)
        if any(in_long):
            hint = "a turn ends in a pause that is shorter than silence_duration_ms"
            return Finding(case, self._red, measured, expected, self._heard(NOT_HEEDED), hint)
        return Finding(case, "inconclusive", measured, expected, hint=_ANOTHER_CLIP)

    def _semantic_differs(self, case: str) -> Finding:
        expected = f"low or high ends a turn elsewhere than server_vad at {SHORT_MS} ms"
        if found := self._unusable(case, expected, "server-200", *SEMANTIC):
            return found
        short, low, high = (self._modes[name] for name in ("server-200", *SEMANTIC))
        measured = f"server_vad: {_ends(short)}; low: {_ends(low)}; high: {_ends(high)}"
        if not short.at("started"):
            return Finding(case, "inconclusive", f"no speech was noticed: {measured}", expected, hint=_AGAIN)
        if not (low.at("started") or high.at("started")):
            if not self._server_heeds():
                return self._cannot_tell(case, expected, measured, _NO_MEASURE)
            hint = "semantic_vad is accepted and echoed, and never notices anybody: use server_vad here"
            return Finding(
                case, self._red, f"no speech_started; {measured}", expected, self._heard(NOT_EFFECTIVE), hint
            )
        ended = [mode for mode in (low, high) if mode.at("stopped")]
        if not all(_same(short.at("stopped"), mode.at("stopped")) for mode in ended):
            return Finding(case, "pass", measured, expected)
        if len(ended) < len(SEMANTIC):
            return self._cannot_tell(case, expected, measured, f"one of them has ended no turn: {_AGAIN}")
        if not self._pauses or not all(self._closings(short)):
            return self._cannot_tell(case, expected, measured)
        if not self._acts_as_server():
            return self._cannot_tell(case, expected, measured, _NO_MEASURE)
        hint = (
            "semantic_vad is echoed and acts as server_vad does: use server_vad with a longer silence_duration_ms here"
        )
        return Finding(case, self._red, measured, expected, self._heard(NOT_EFFECTIVE), hint)

    def _eagerness_matters(self, case: str) -> Finding:
        expected = f"low ends a turn more than {NEAR_MS} ms after high"
        if found := self._unusable(case, expected, *SEMANTIC):
            return found
        low, high = (self._modes[name] for name in SEMANTIC)
        measured = f"low: {_ends(low)}; high: {_ends(high)}"
        ends = list(zip(low.at("stopped"), high.at("stopped"), strict=False))
        if not ends:
            return self._cannot_tell(case, expected, measured, f"one of them has ended no turn: {_AGAIN}")
        apart = [late - soon for late, soon in ends if abs(late - soon) > NEAR_MS]
        if apart and apart[0] > 0:
            return Finding(case, "pass", measured, expected)
        if self._acts_as_server():
            hint = "eagerness is echoed and changes nothing: use server_vad with a silence_duration_ms of your own here"
            return Finding(case, self._red, measured, expected, self._heard(NOT_EFFECTIVE), hint)
        hint = "both may have taken these words for finished, or waited for more: " + _ANOTHER_CLIP
        return self._cannot_tell(case, expected, measured, hint)

    def _null_waits(self, case: str) -> Finding:
        expected = "nothing until input_audio_buffer.commit, then committed"
        if found := self._unusable(case, expected, "null"):
            return found
        mode = self._modes["null"]
        asked_ms = int(mode.facts.get("commit_ms", self._duration_ms))
        early = [ms for ms in mode.at("committed") if ms < asked_ms]
        if mode.at("started") or mode.at("stopped") or early:
            hint = "turns are detected although the session shows that they are not: commit by hand is not safe here"
            said = f"speech_started {len(mode.at('started'))}, committed {len(early)} before the commit"
            return Finding(case, self._red, said, expected, self._heard(NOT_HEEDED), hint)
        if not mode.at("committed"):
            said = f"the commit was not answered{self._errors('null')}"
            return Finding(
                case, self._red, said, expected, self._heard(DEAF), "the audio did not arrive, or the commit was lost"
            )
        return Finding(case, "pass", f"committed {_s(mode.at('committed')[0])}, after the commit", expected)

    def _transcripts(self, case: str) -> Finding:
        expected = "a transcript for each committed turn"
        played = [mode for mode in self._modes.values() if not mode.failed]
        committed = sum(len(mode.at("committed")) for mode in played)
        if not committed:
            reasons = "; ".join(f"{m.name}: {m.failed}" for m in self._modes.values() if m.failed)
            return Finding(case, "inconclusive", f"nothing was committed; {reasons}".strip("; "), expected, hint=_AGAIN)
        told = sum(min(len(mode.at("transcript")), len(mode.at("committed"))) for mode in played)
        measured = f"{told} of {committed}"
        if told < committed:
            errors = "".join(self._errors(mode.name) for mode in played)
            hint = "turns are committed and their transcripts do not come: look for …transcription.failed, and at the model"
            return Finding(case, self._red, measured + errors, expected, self._heard(NO_TRANSCRIPTS), hint)
        return Finding(case, "pass", measured, expected)

    def _unusable(self, case: str, expected: str, *names: str) -> Finding | None:
        """What is to be said where the echo differs, or a session is missing."""
        if lost := [line for name in names for line in self._not_applied(name)]:
            hint = "accepted is not applied: the session detects turns in another way than was asked"
            return Finding(case, "fail", "; ".join(lost), expected, (ANOTHER_TURN_DETECTION,), hint)
        return self._missing(case, expected, *names)

    def _missing(self, case: str, expected: str, *names: str) -> Finding | None:
        reasons = [f"{name}: {self._modes[name].failed}" for name in names if self._modes[name].failed]
        why = self._why(*names)
        return Finding(case, "inconclusive", "; ".join(reasons), expected, why, _AGAIN) if reasons else None

    def _heard(self, observed: str) -> tuple[str, ...]:
        """What was observed by ear, with the doubt that is in it where it is not the emulator that was heard."""
        return (observed,) if self._red == "fail" else (observed, BY_EAR)

    def _why(self, *names: str) -> tuple[str, ...]:
        """What was observed of the first of these sessions that could not be begun; nothing where that is not known."""
        return next((tuple(o) for name in names if (o := self._modes[name].facts.get("observed"))), ())

    def _not_applied(self, name: str) -> Iterator[str]:
        """The first difference between what was sent to that mode and its echo; nothing where no update was accepted."""
        facts = self._modes[name].facts
        if "echoed" not in facts:
            if facts["sent"] is not None and not facts.get("failed"):
                yield f"{name}: turn_detection is not in the echo"
            return
        sent, echoed = _detection(facts["sent"]), _detection(facts["echoed"])
        for line in list(differences({"turn_detection": sent}, {"turn_detection": echoed}))[:1]:
            yield f"{name}: {line}"

    def _differs(self, name: str) -> bool:
        return any(self._not_applied(name))

    def _acts_as_server(self) -> bool:
        """All that "not effective" needs: `server_vad` does as it was told, and both eagernesses end each turn where it does."""
        short = self._modes["server-200"]
        alike = all(_same(short.at("stopped"), self._modes[name].at("stopped")) for name in SEMANTIC)
        return bool(self._pauses) and self._server_heeds() and alike

    def _server_heeds(self) -> bool:
        """Whether `server_vad` ends its turn in each pause at 200 ms, and in none at 4,000 ms, as both were asked to."""
        short, long = (self._modes[name] for name in SERVER)
        if short.failed or long.failed or self._differs("server-200") or self._differs("server-4000"):
            return False
        if not long.at("started"):
            return False
        return all(self._closings(short)) and not any(self._closings(long))

    def _closings(self, mode: Mode) -> list[int | None]:
        return [mode.closes_in(pause) for pause in self._pauses]

    def _cannot_tell(self, case: str, expected: str, measured: str, hint: str = _ANOTHER_CLIP) -> Finding:
        return Finding(case, "inconclusive", measured, expected, hint=hint)

    def _errors(self, name: str) -> str:
        mode = self._modes[name]
        return "".join(f"; {name}: {text}" for text in (*mode.texts("error"), *mode.texts("untold")))


def _detection(shown: Any) -> Any:
    """Without the two fields that decide of answers: which turns are found does not hang on them."""
    return {k: v for k, v in shown.items() if k not in _OF_ANSWERS} if isinstance(shown, Mapping) else shown


def _same(one: list[Any], other: list[Any]) -> bool:
    """Whether both end their turns at the same places, some of them at least."""
    both = list(zip(one, other, strict=False))
    return (
        len(one) == len(other)
        and any(one)
        and all(a == b or (a is not None and b is not None and abs(a - b) <= NEAR_MS) for a, b in both)
    )


def _near(at_ms: int, places: list[int], more_ms: int = 0) -> bool:
    return any(place - OFF_MS <= at_ms <= place + OFF_MS + more_ms for place in places)


def _names(modes: list[Mode]) -> str:
    return ", ".join(mode.name for mode in modes)


def _ends(mode: Mode) -> str:
    """Where a mode ended its turns."""
    return ", ".join(_s(ms) for ms in mode.at("stopped")) or "never"


def _turns(turns: list[tuple[int, int]]) -> str:
    return ", ".join(f"{begin / 1000:.1f} to {_s(end)}" for begin, end in turns) or "none"


def _s(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"
