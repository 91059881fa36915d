"""Functions: which one is called by the rule, with what, and in which events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtdiag.emulator.session.functions import arguments, called
from tests.emulator.clients import types
from tests.emulator.made import error, session, told

Json = dict[str, Any]

WEATHER: Json = {
    "type": "function",
    "name": "get_weather",
    "description": "Look up the conditions.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME: Json = {"type": "function", "name": "currentTime", "description": "Which hour it is."}
MCP: Json = {"type": "mcp", "server_label": "docs"}
TEXT = {"output_modalities": ["text"]}


def said(text: str) -> Json:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


SPOKEN: Json = {"type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}
RESULT: Json = {"type": "function_call_output", "call_id": "call_1", "output": "weather"}


@pytest.mark.parametrize(
    ("choice", "last", "name"),
    [
        ("auto", said("What is the weather in London?"), "get_weather"),
        ("auto", said("What time is it?"), "currentTime"),
        ("auto", said("What hour?"), "currentTime"),
        ("auto", said("Hello there."), None),
        ("auto", SPOKEN, "get_weather"),
        ("auto", RESULT, None),
        ("auto", None, None),
        ("none", said("What is the weather?"), None),
        ("required", said("Hello."), "get_weather"),
        ("required", said("What time is it?"), "currentTime"),
        ("required", RESULT, "get_weather"),
        ({"type": "function", "name": "currentTime"}, said("weather"), "currentTime"),
        ({"type": "function", "name": "unknown"}, said("weather"), None),
    ],
)
def test_which_function_is_called(choice: Any, last: Json | None, name: str | None) -> None:
    found = called([MCP, WEATHER, TIME], choice, last)
    assert (found and found["name"]) == name
    assert called([MCP], choice, last) is None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "something"),
        ({"type": "object"}, {}),
        (WEATHER["parameters"], {"city": "something"}),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": ["null", "boolean"]}, True),
        ({"type": "null"}, None),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 7}, 7),
        ({"type": "string", "format": "date"}, "2026-01-02"),
        ({"type": "string", "minLength": 12, "maxLength": 14}, "something..."),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2}, [1, 1]),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, True),
        ({"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}, {"a": 1}),
        ({"$ref": "#/nowhere"}, {}),
        (["no", "schema"], {}),
    ],
)
def test_arguments_come_from_the_schema(schema: Any, value: Any) -> None:
    assert arguments(schema) == value


@pytest.mark.parametrize(
    "shape",
    [
        {"properties": {"a": {"$ref": "#/$defs/t"}}},
        {"properties": {f"p{number}": {"$ref": "#/$defs/t"} for number in range(50)}},
        {"type": "array", "minItems": 10**9, "items": {"$ref": "#/$defs/t"}},
        {"$ref": "#/$defs/t"},
    ],
)
def test_a_schema_that_refers_to_itself_ends(shape: Json) -> None:
    assert len(json.dumps(arguments({"$defs": {"t": shape}, "$ref": "#/$defs/t"}))) < 50_000


@pytest.mark.parametrize(
    "many",
    [
        {"const": "x" * 15_000},
        {"enum": [["x"] * 5_000]},
        {"type": "number", "minimum": "x" * 15_000},
        {"type": "string", "minLength": 9_000},
        {"type": "object", "properties": {"x" * 15_000: {}}},
    ],
)
def test_what_a_schema_says_once_it_does_not_say_a_thousand_times(many: Json) -> None:
    schema = {"type": "object", "properties": {f"p{number}": {"$ref": "#/$defs/t"} for number in range(1000)}}
    assert len(json.dumps(arguments({"$defs": {"t": many}, **schema}))) < 50_000


def test_a_call_comes_in_the_recorded_order() -> None:
    one = session(given=TEXT | {"model": "gpt-realtime", "tools": [WEATHER]})
    told(one, "conversation.item.create", item=said("What is the weather in London?"))
    events = told(one, "response.create")
    assert types(events) == [
        *("response.created", "response.output_item.added", "conversation.item.added"),
        *("response.function_call_arguments.delta", "response.function_call_arguments.done"),
        *("conversation.item.done", "response.output_item.done", "response.done", "rate_limits.updated"),
    ]
    begun, done = events[1]["item"], events[-2]["response"]["output"][0]
    assert list(begun) == ["id", "type", "status", "name", "call_id", "arguments"]
    assert (begun["status"], begun["arguments"], done["status"]) == ("in_progress", "", "completed")
    told_whole = next(e for e in events if e["type"] == "response.function_call_arguments.done")
    assert json.loads(done["arguments"]) == json.loads(told_whole["arguments"]) == {"city": "something"}
    assert "".join(e["delta"] for e in events if "delta" in e) == done["arguments"]
    made = told(one, "conversation.item.create", item=RESULT | {"call_id": done["call_id"]})
    assert list(made[0]["item"]) == ["id", "type", "call_id", "output"]
    assert "response.output_text.done" in types(told(one, "response.create"))


def test_a_model_that_reasons_says_something_before_it_calls() -> None:
    """The call's arguments stream before the message ends: recorded, 2026."""
    one = session(given=TEXT | {"model": "gpt-realtime-2.1", "tools": [WEATHER], "tool_choice": "required"})
    events = told(one, "response.create")
    names = types(events)
    message, call = events[-2]["response"]["output"]
    assert (message["phase"], call["type"]) == ("commentary", "function_call")
    assert names.index("response.function_call_arguments.delta") < names.index("response.output_text.done")
    added = [(e["output_index"], e["item"]["id"]) for e in events if e["type"] == "response.output_item.added"]
    assert added == [(0, message["id"]), (1, call["id"])]
    answer = told(one, "response.create", response={"tool_choice": "none"})[-2]["response"]
    assert answer["output"][0]["phase"] == "final_answer"
    assert answer["usage"]["output_token_details"]["reasoning_tokens"] > 0


def test_the_tools_of_one_response_are_its_own() -> None:
    one = session(given=TEXT | {"tools": [WEATHER], "tool_choice": "required"})
    done = told(one, "response.create", response={"tools": []})[-2]["response"]
    assert [each["type"] for each in done["output"]] == ["message"]


def test_a_result_is_of_a_call_that_was_made() -> None:
    found = error(session(), "conversation.item.create", item=RESULT)
    assert (found["code"], found["message"]) == (
        "invalid_tool_call_id",
        "Tool call ID 'call_1' not found in conversation.",
    )
