"""The faults that only a client meets: what it is told, and what rtdiag explains of its log."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from rtdiag.diagnosis.explaining import explain
from rtdiag.emulator import load_faults
from rtdiag.redact import Mask
from tests.emulator.clients import types
from tests.emulator.made import rules, session, told

Json = dict[str, Any]

TOOL: Json = {
    "type": "function",
    "name": "now",
    "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}},
}
MET = [fault for fault in load_faults().values() if not (fault.sees or fault.profiles)]


def log(fault_id: str) -> list[Json]:
    """A function called, its result given, and the answer asked for."""
    one = session(given={"tools": [TOOL], "tool_choice": "required"}, of=rules(**load_faults()[fault_id].set))
    events = told(one, "response.create")
    for call_id in [e["call_id"] for e in events if "call_id" in e][:1]:
        result = {"type": "function_call_output", "call_id": call_id, "output": "noon"}
        events += told(one, "conversation.item.create", item=result)
    return events + told(one, "response.create", response={"tool_choice": "none"})


@pytest.mark.parametrize("fault", MET, ids=lambda fault: fault.id)
def test_what_a_client_meets_is_explained(fault: Any) -> None:
    text = "\n".join(json.dumps(event) for event in log(fault.id))
    (found,) = explain(io.BytesIO(text.encode()), "-", Mask())
    assert [one.cause for one in found.diagnosis[:1]] == ([fault.cause] if fault.cause else [])


def test_each_of_them_shows() -> None:
    logs = {fault.id: log(fault.id) for fault in MET}
    assert "response.done" in types(logs["function-arguments-cut"])
    cut = next(e["arguments"] for e in logs["function-arguments-cut"] if e["type"].endswith("arguments.done"))
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(cut)
    assert types(logs["function-result-unanswered"])[-1] == "conversation.item.done"
    (failed, *_) = (e["response"] for e in logs["response-fails"] if e["type"] == "response.done")
    assert (failed["status"], failed["status_details"]["error"]["type"]) == ("failed", "server_error")
