"""A report that is as rtdiag wrote it is not masked once more, but for what is known now; any other is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from rtdiag.compare.diff import diff
from rtdiag.diagnosis.explaining import explain_input
from rtdiag.model import Report
from rtdiag.recorded import report_in
from rtdiag.redact import Mask, seal
from rtdiag.report import render, side_by_side
from tests.secrets.canaries import SPELLINGS, leaks, made

KEY = made("sealed")
SAID = "the server said: "


def said(text: str, *, in_base64: bool = False) -> Report:
    """A report in which a server says that."""
    found = report_in((Path(__file__).parent / "fixtures" / "report.json").read_text(encoding="utf-8"))
    first = replace(found.exchanges[0], body=text)
    if in_base64:
        first = replace(first, body=base64.b64encode(text.encode()).decode(), body_encoding="base64")
    return replace(found, exchanges=(first, *found.exchanges[1:]))


def never(self: Mask, text: str, where: str) -> NoReturn:
    raise AssertionError(f"masked again: {text[:80]}")


FORMS: dict[str, Callable[[Report], str]] = {
    "json": lambda report: render(report, "json"),
    "ndjson": lambda report: render(report, "ndjson"),
    "of several": lambda report: side_by_side.render([report], "json"),
}
ODD = f'{SAID}"seal": "{"0" * 32}"}} \u202e\x1b[2J é 😀 \\u0041 %41\r\n\t'


@pytest.mark.parametrize("form", FORMS)
def test_a_sealed_report_is_read_without_masking(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    report = said(f"{ODD} sk-proj-{'*' * 20}{KEY[-4:]}")
    text = FORMS[form](report)
    masked = report_in(text.replace('"seal": ', '"was": '))
    monkeypatch.setattr(Mask, "__call__", never)
    assert report_in(text) == masked


def test_the_seal_is_no_difference() -> None:
    text = render(said(SAID), "json")
    assert diff(report_in(text), report_in(text.replace('"seal"', '"was"'))).same


def test_also_by_explain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report.json").write_text(render(said(SAID), "json"), encoding="utf-8")
    monkeypatch.setattr(Mask, "values", never)
    assert [one.form for one in explain_input(str(tmp_path / "report.json"), Mask())] == ["rtdiag report"]


CHANGES: dict[str, Callable[[str], str]] = {
    "a key put in": lambda text: text.replace(SAID, SAID + KEY),
    "and the seal taken out": lambda text: text.replace(SAID, SAID + KEY).replace('"seal"', '"was"'),
    "a key behind it": lambda text: text.rstrip().rstrip("}") + f', "left_open": ["{KEY}"]}}',
    "a key in place of it": lambda text: text.replace(json.loads(text)["seal"], KEY),
    "other line ends": lambda text: text.replace(SAID, SAID + KEY).replace("\n", "\r\n"),
    "a seal of other text": lambda text: text.replace(SAID, SAID + KEY).replace(
        json.loads(text)["seal"], json.loads(FORMS["json"](said("")))["seal"]
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_report_that_was_changed_is_masked(change: str) -> None:
    text = CHANGES[change](render(said(SAID), "json").replace('"left_open": [],', ""))
    assert KEY in text
    assert not seal.intact(text)
    if change != "a key in place of it":  # which is no field of a report
        assert not leaks(render(report_in(text), "json"), KEY)


def test_one_that_was_sealed_for_other_shapes_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(seal, "_shapes", lambda: b"fewer")
        text = render(said(SAID + KEY), "json")
    assert not leaks(render(report_in(text), "json"), KEY)


@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
@pytest.mark.parametrize("in_base64", [False, True])
@pytest.mark.parametrize("canary", [KEY, made("tail")[8:], made("odd")[8:30] + '"/é+%' + made("odder")[8:20]])
def test_a_secret_that_is_known_now_is_hidden_in_a_sealed_report(
    canary: str, spelling: str, monkeypatch: pytest.MonkeyPatch, *, in_base64: bool
) -> None:
    recorded = Mask()(SAID + SPELLINGS[spelling](canary), "body")
    text = render(said(recorded, in_base64=in_base64), "json")
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    read: Any = report_in(text).exchanges[0].body
    assert seal.intact(text)
    assert read == report_in(text.replace('"seal"', '"was"')).exchanges[0].body
    assert in_base64 or not leaks(read, canary)


def test_the_end_of_a_text_that_cuts_such_a_secret_is_hidden_too(monkeypatch: pytest.MonkeyPatch) -> None:
    text = render(said(SAID + KEY[:20]), "json")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert report_in(text).exchanges[0].body == f"{SAID}sk-proj-{'*' * 12}"
