"""What people say in other languages is read by its machine parts, and by English put beside a few of their words."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from rtdiag.api.own_yaml import BadData, named
from rtdiag.diagnosis.explaining import explain
from rtdiag.diagnosis.features import features
from rtdiag.diagnosis.lexicon import glossed
from rtdiag.diagnosis.lexicon.glosses import Meaning, meanings
from rtdiag.diagnosis.situation import Situation
from rtdiag.redact import Mask
from tests.diagnosis.example import examples


def first(text: str) -> str:
    return next(explain(io.BytesIO(text.encode()), "-", Mask())).diagnosis[0].cause


@pytest.mark.parametrize(
    ("english", "others"),
    [
        (
            "no sound from the assistant",
            [
                "assistant 没有声音",
                "アシスタントの音が出ない",
                "소리가 안 나요",
                "No hay sonido en la respuesta",
                "O assistente conecta mas sem som",
                "Il n'y a aucun son",
                "Kein Ton vom Assistenten",
                "Нет звука в ответе",
                "Nessun suono dalla risposta",
                "Asistandan ses gelmiyor",
            ],
        ),
        (
            "ephemeral token expired",
            [
                "临时 token 已过期",
                "el token ephemeral ha expirado",
                "токен ek_ истёк",
                "Der ephemeral token ist abgelaufen",
                "ephemeral token a expiré",
            ],
        ),
        ("my country is not supported", ["不支持的国家, 403", "region no soportada", "Land nicht unterstützt"]),
        (
            "microphone permission denied",
            ["麦克风 权限被拒绝", "Mikrofon: Zugriff verweigert", "micrófono: permiso denegado"],
        ),
    ],
)
def test_the_same_words_in_every_language_give_the_same_cause(english: str, others: list[str]) -> None:
    assert {text: first(text) for text in others} == dict.fromkeys(others, first(english))


@pytest.mark.parametrize(
    ("text", "gloss"),
    [
        ("没有 CORS 错误", "there is no) CORS"),
        ("No hay error de CORS", "there is no) error de CORS"),
        ("不再出现 ENOTFOUND", "no longer)"),
        ("Es kommt kein CORS Fehler mehr", "no longer)"),
        ("Der Token ist nicht abgelaufen", "is not) abgelaufen (expired)"),
        ("no funciona mas, la clave no es valida", "(invalid api key)"),
    ],
)
def test_what_is_denied_in_another_language_is_denied_in_english_too(text: str, gloss: str) -> None:
    assert gloss in glossed(text)


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"response.done","transcript":"no hay sonido"}',
        "2026-11-29 10:00:00 没有声音",
        "https://example.com/没有声音",
        "console.log('没有声音');",
        "I have no error, and it is not my son's laptop: no hardware, no echo, no export",
    ],
)
def test_what_a_machine_prints_and_english_stay_as_they_are(line: str) -> None:
    assert glossed(line) == line


def test_english_is_taken_for_no_other_language() -> None:
    english = [one.situation.text for one in examples() if one.source != "Windows"]
    assert [text for text in english if glossed(text) != text] == []


def test_the_english_beside_it_is_no_word_of_a_machine() -> None:
    told = features(Situation("Es steht da: Verbindung abgelehnt, Zeitüberschreitung"))
    assert "timed out" in told["text"]
    assert told["client"] == ""


def test_lines_stay_lines_and_no_meaning_is_missing() -> None:
    text = "没有声音\n\n{'a': 1}\nnicht gefunden"
    assert glossed(text).count("\n") == text.count("\n")
    assert all(len(meaning.said) >= 5 for meaning in meanings().values())


@pytest.mark.parametrize("phrase", ["a+", "(keeps)", "x?", "("])
def test_a_phrase_that_is_no_expression_or_has_no_bounds_is_refused(tmp_path: Path, phrase: str) -> None:
    file = tmp_path / "words.yaml"
    file.write_text(f"one: {{said: ['{phrase}']}}\n", encoding="utf-8")
    with pytest.raises(BadData, match="one"):
        named(Meaning, file)
