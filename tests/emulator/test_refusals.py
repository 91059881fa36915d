"""What a session, an update, an item or a response may not ask for, and the words of the refusal."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from rtdiag.api.endpoints import Dialect
from rtdiag.emulator.bodies import Refused, error_object
from rtdiag.emulator.session.settings import configured
from tests.emulator.made import BOTH_DIALECTS, error, rules, session, told

Json = dict[str, Any]
NO_MATCH = "Invalid '{}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
OPTIONS: list[Json] = [{"reasoning": {"effort": "low"}}, {"parallel_tool_calls": True}, {"parallel_tool_calls": False}]


def of_model(model: str, given: Json, as_of: date | None = None) -> Json:
    return configured("realtime", "ga", {"type": "realtime", "model": model} | given, {}, rules(as_of))


def updated(one: Any, **settings: Any) -> Json:
    return error(one, "session.update", session={"type": "realtime"} | settings)


def tool(**fields: Any) -> Json:
    return {"type": "function", "name": "get_weather"} | fields


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("model", ["gpt-realtime", "gpt-realtime-2025-08-28", "gpt-realtime-mini", "gpt-realtime-1.5"])
def test_a_model_that_does_not_reason_refuses_what_is_for_that(model: str, option: Json) -> None:
    with pytest.raises(Refused) as caught:
        of_model(model, option)
    expected = {
        "type": "invalid_request_error",
        "code": "invalid_value",
        "message": "Unsupported option for this model",
    }
    assert error_object(caught.value) == expected | {"param": None}
    one = session(given={"model": model})
    assert updated(one, **option)["message"] == expected["message"]
    assert error(one, "response.create", response=option)["message"] == expected["message"]


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("model", ["gpt-realtime-2", "gpt-realtime-2.1", "gpt-realtime-2.1-mini", "one-of-my-own"])
def test_a_model_that_reasons_or_that_nobody_knows_takes_it(model: str, option: Json) -> None:
    assert of_model(model, option).items() >= option.items()
    assert told(session(given={"model": model}), "response.create", response=option)[0]["type"] == "response.created"


@pytest.mark.parametrize("option", OPTIONS)
def test_before_the_first_model_that_reasons_it_was_unknown(option: Json) -> None:
    with pytest.raises(Refused, match="unknown-parameter"):
        of_model("gpt-realtime", option, date(2026, 5, 6))


@pytest.mark.parametrize("name", ["weather.get", "get weather", "", "größe", "get_weather\n"])
def test_a_tool_has_a_name_of_letters_digits_and_dashes(name: str) -> None:
    found = updated(session(), tools=[tool(), tool(name=name)])
    assert (found["code"], found["param"]) == ("invalid_value", "session.tools[1].name")
    assert found["message"] == NO_MATCH.format("session.tools[1].name")
    assert (
        error(session(), "response.create", response={"tools": [tool(name=name)]})["param"] == "response.tools[0].name"
    )


@pytest.mark.parametrize(
    ("schema", "named"),
    [({}, "None"), ({"properties": {}}, "None"), ({"type": "string"}, "string"), ({"type": "array"}, "array")],
)
@pytest.mark.parametrize("dialect", ["ga", "beta"])
def test_the_schema_of_a_tool_is_of_an_object(dialect: Dialect, schema: Json, named: str) -> None:
    start = {"type": "realtime"} if dialect == "ga" else {}
    tools = {"tools": [tool(), tool(name="keyboard_type", parameters=schema)]}
    found = error(session(dialect=dialect), "session.update", session=start | tools)
    assert (found["code"], found["param"]) == ("invalid_function_parameters", "session.tools[1].parameters")
    assert found["message"] == (
        "Invalid schema for function 'keyboard_type': schema must be a JSON Schema of 'type: \"object\"', "
        f"got 'type: \"{named}\"'."
    )


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": "message", "role": "user", "id": "a.b"}, "item.id"),
        ({"type": "message", "role": "user", "id": ""}, "item.id"),
        ({"type": "function_call_output", "call_id": "call_x/update_1", "output": ""}, "item.call_id"),
        ({"type": "function_call", "call_id": "a b", "name": "f", "arguments": "{}"}, "item.call_id"),
    ],
)
def test_ids_are_of_letters_digits_and_dashes(item: Json, param: str) -> None:
    found = error(session(), "conversation.item.create", item=item)
    assert (found["code"], found["param"]) == ("invalid_value", param)
    assert found["message"] == NO_MATCH.format(param)


def test_the_id_of_an_item_has_32_characters_at_most() -> None:
    start = {"type": "message", "role": "user", "content": []}
    found = error(session(), "conversation.item.create", item=start | {"id": "a" * 39})
    assert (found["code"], found["param"]) == ("string_above_max_length", "item.id")
    assert found["message"].endswith("maximum length 32, but got a string with length 39 instead.")
    assert told(session(), "conversation.item.create", item=start | {"id": "a" * 32})[0]["item"]["id"] == "a" * 32


@pytest.mark.parametrize(
    ("part", "lacks"),
    [({"type": "input_text"}, "text"), ({"type": "input_audio"}, "audio"), ({"type": "input_image"}, "image_url")],
)
def test_a_part_of_an_item_holds_what_its_type_says(part: Json, lacks: str) -> None:
    found = error(session(), "conversation.item.create", item={"type": "message", "role": "user", "content": [part]})
    assert found["message"] == f"Missing required parameter: 'item.content[0].{lacks}'."


@pytest.mark.parametrize(
    ("dialect", "role", "kind", "must"),
    [
        ("ga", "user", "text", "Supported values are: 'input_text' and 'input_audio'."),
        ("ga", "user", "output_text", "Supported values are: 'input_text' and 'input_audio'."),
        ("ga", "assistant", "input_text", "Value must be 'output_text'."),
        ("ga", "assistant", "text", "Value must be 'output_text'."),
        ("ga", "system", "text", "Value must be 'input_text'."),
        ("ga", "system", "output_text", "Value must be 'input_text'."),
        ("beta", "assistant", "input_text", "Value must be 'text'."),
    ],
)
def test_each_role_has_its_parts(dialect: Dialect, role: str, kind: str, must: str) -> None:
    item = {"type": "message", "role": role, "content": [{"type": kind, "text": "Hi."}]}
    found = error(session(dialect=dialect), "conversation.item.create", item=item)
    assert (found["code"], found["param"]) == ("invalid_value", "item.content[0].type")
    assert found["message"] == f"Invalid value: '{kind}'. {must}"


@pytest.mark.parametrize(
    ("dialect", "role", "part"),
    [
        ("ga", "user", {"type": "input_text", "text": "Hi."}),
        ("ga", "user", {"type": "input_image", "image_url": "data:,"}),
        ("ga", "assistant", {"type": "output_text", "text": "Hi."}),
        ("ga", "system", {"type": "input_text", "text": "Hi."}),
        ("beta", "assistant", {"type": "text", "text": "Hi."}),
    ],
)
def test_a_part_of_its_role_is_taken(dialect: Dialect, role: str, part: Json) -> None:
    item = {"type": "message", "role": role, "content": [part]}
    assert told(session(dialect=dialect), "conversation.item.create", item=item)[0]["item"]["content"] == [part]


def test_a_message_has_a_role_and_an_item_of_the_beta_one_of_four_kinds() -> None:
    assert error(session(), "conversation.item.create", item={"type": "message", "content": []})["param"] == "item.role"
    found = error(session(dialect="beta"), "conversation.item.create", item={"type": "text", "text": "Hi."})
    assert found["message"] == (
        "Invalid value: 'text'. Supported values are: 'message', 'function_call', 'function_call_output', and"
        " 'item_reference'."
    )


def test_a_prompt_and_what_is_noted_of_a_response_have_their_lengths() -> None:
    found = updated(session(), audio={"input": {"transcription": {"model": "whisper-1", "prompt": "a" * 1034}}})
    assert found["message"] == (
        "Invalid 'session.audio.input.transcription.prompt': string too long. Expected a string with maximum length"
        " 1024, but got a string with length 1034 instead."
    )
    found = error(session(), "response.create", response={"metadata": {"note": "a" * 694}})
    assert (found["code"], found["param"]) == ("string_above_max_length", "response.metadata.note")


@pytest.mark.parametrize(
    ("output", "code", "param"),
    [
        ({"format": "pcm16"}, "invalid_type", "format"),
        ({"format": {}}, "missing_required_parameter", "format.type"),
        ({"voice": "bob"}, "invalid_value", "voice"),
        ({"speed": 2}, "unknown_parameter", "speed"),
        ("pcm16", "invalid_type", ""),
    ],
)
def test_the_sound_of_one_response_is_checked_as_that_of_the_session(output: Any, code: str, param: str) -> None:
    found = error(session(), "response.create", response={"audio": {"output": output}})
    assert (found["code"], found["param"]) == (code, f"response.audio.output.{param}".rstrip("."))


def test_a_tool_choice_in_the_shape_of_chat_lacks_its_name() -> None:
    found = updated(session(), tool_choice={"type": "function", "function": {"name": "f"}})
    assert (found["code"], found["param"]) == ("missing_required_parameter", "session.tool_choice.name")


def test_an_mcp_server_and_a_stored_prompt_are_named() -> None:
    assert updated(session(), tools=[{"type": "mcp"}])["param"] == "session.tools[0].server_label"
    assert updated(session(), prompt={})["param"] == "session.prompt.id"


def test_a_variable_of_a_stored_prompt_is_an_object() -> None:
    found = updated(session(), prompt={"id": "pmpt_one", "variables": {"city": {"type": "input_text"}, "to": "it"}})
    assert (
        found["message"]
        == "Invalid type for 'session.prompt.variables.to': expected an object, but got a string instead."
    )


@pytest.mark.parametrize(
    ("asked", "end"),
    [
        ({"turn_detection": {"type": "none"}}, "Supported values are: 'server_vad' and 'semantic_vad'."),
        (
            {"transcription": {"model": "gpt-live-transcribe", "delay": "bogus"}},
            "Supported values are: 'minimal', 'low', 'medium', 'high', and 'xhigh'.",
        ),
    ],
)
def test_the_values_that_there_are_are_listed(asked: Json, end: str) -> None:
    found = updated(session(), audio={"input": asked})
    assert found["code"] == "invalid_value"
    assert found["message"].endswith(end)


@pytest.mark.parametrize(
    ("dialect", "other", "same"),
    [
        (
            "ga",
            {"type": "realtime", "audio": {"output": {"voice": "cedar"}}},
            {"audio": {"output": {"voice": "alloy"}}},
        ),
        ("beta", {"voice": "echo"}, {"voice": "alloy"}),
    ],
)
def test_the_voice_is_fixed_once_it_was_heard(dialect: Dialect, other: Json, same: Json) -> None:
    of = rules(BOTH_DIALECTS)
    start = {"type": "realtime"} if dialect == "ga" else {}
    before = configured("realtime", dialect, start, {}, of)
    with pytest.raises(Refused) as caught:
        configured("realtime", dialect, start | other, before, of, spoken=True)
    assert error_object(caught.value) == {
        "type": "invalid_request_error",
        "code": "cannot_update_voice",
        "message": "Cannot update a conversation's voice if assistant audio is present.",
        "param": None,
    }
    assert configured("realtime", dialect, start | same, before, of, spoken=True) == before
    assert configured("realtime", dialect, start | other, before, of) != before
