"""codes.yaml has every status, close code, error and event that anything here names, once; its causes are in the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from rtdiag.api import codes
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.code import flaws
from rtdiag.diagnosis.features import features
from rtdiag.emulator.bodies import all_bodies
from tests.diagnosis.example import examples


def typed(*unions: Any) -> set[str]:
    return {
        get_args(one.model_fields["type"].annotation)[0] for union in unions for one in get_args(get_args(union)[0])
    }


def of_kind(*kinds: codes.Kind) -> set[str]:
    return {name for first, code in codes.all_codes().items() if code.kind in kinds for name in (first, *code.also)}


def in_examples() -> Iterator[str]:
    """Statuses and close codes; the codes of errors in them may be another product's."""
    for one in examples():
        told = features(one.situation)
        yield from (told[name] for name in ("status", "close") if re.fullmatch(r"101|[2-5]\d\d|[134]\d{3}", told[name]))


def test_every_event_of_the_api_has_an_entry() -> None:
    from openai.types import realtime as ga
    from openai.types.beta import realtime as beta

    client = typed(ga.RealtimeClientEvent, beta.RealtimeClientEvent, ga.RealtimeTranslationClientEvent)
    server = typed(ga.RealtimeServerEvent, beta.RealtimeServerEvent, ga.RealtimeTranslationServerEvent)
    assert client | set(flaws.names().client) <= of_kind("client event")
    assert server | set(flaws.names().server) <= of_kind("server event")


def test_every_code_that_an_error_here_has_has_an_entry() -> None:
    bodies = {str(body.error.get(name) or "") for body in all_bodies().values() for name in ("code", "type")} - {""}
    told = {code for code in (*bodies, *in_examples()) if "{" not in code}
    assert {code for code in told if codes.first_name(code) is None} == set()


def test_no_name_stands_twice() -> None:
    found = [name.lower() for first, code in codes.all_codes().items() for name in (first, *code.also)]
    assert sorted(found) == sorted(set(found))


def test_every_cause_that_an_entry_names_is_in_the_catalogue() -> None:
    named = {cause for code in codes.all_codes().values() for cause in code.causes}
    assert named <= set(catalogue.causes())


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("401", "401"),
        ("418", "4xx"),
        ("599", "5xx"),
        ("522", "520"),
        ("4123", "4xxx"),
        ("Session.Update", "session.update"),
        ("response.audio.delta", "response.output_audio.delta"),
        ("invalid_request_error.beta_api_shape_disabled", "beta_api_shape_disabled"),
        ("max_sessions_reached", "session_limit_reached"),
        ("99999", None),
        ("²", None),
        ("x" * 100_000, None),
        ("", None),
    ],
)
def test_a_code_is_found_however_it_is_written(given: str, name: str | None) -> None:
    assert codes.first_name(given) == name
