"""The tools of a session, mended: those of Chat Completions are flattened, and what a realtime tool does not have is removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtdiag.api.endpoints import Dialect
from rtdiag.api.expressions import expression
from rtdiag.api.sessions import Json
from rtdiag.remedy.repair.draft import Draft, Place
from rtdiag.remedy.repair.fields import PY

_FUNCTION = ("type", "name", "description", "parameters")
_SOURCE = PY + "realtime_function_tool.py"
# A `strict` there refused a whole mint: public file, record 60377326193; so does any other unknown field (livekit/agents#3398).
_UNKNOWN = "public file, record 60377326193: Unknown parameter: 'session.tools[0].strict'"
_MODES = ("auto", "none", "required")
_CHOICES: Mapping[str, tuple[str, ...]] = {"function": ("type", "name"), "mcp": ("type", "server_label", "name")}
_NO_LETTER = expression(r"[^a-zA-Z0-9_-]")
_NAMES = "public file, record 68975308613 (2026): Invalid 'session.tools[0].name'"
_SCHEMAS = "public file, record 10521418899 (2025): Invalid schema for function 'keyboard_type'"


def mend_tools(draft: Draft, place: Place, dialect: Dialect) -> None:
    """Leaves a list of function and MCP tools."""
    value = draft.get(place)
    if not isinstance(value, list):
        draft.refuse(place, "a list of tools", _SOURCE)
        return
    edits = [_mended(tool, dialect) for tool in value]
    if any(why for _, why, _ in edits):
        draft.session = {**draft.session, place[-1]: [tool for tool, _, _ in edits if tool is not None]}
    for index, (tool, why, source) in enumerate(edits):
        if why:
            draft.record((f"{place[-1]}[{index}]",), "removed" if tool is None else "rewritten", why, source)


def mend_tool_choice(draft: Draft, place: Place, dialect: Dialect) -> None:
    """Leaves a mode, or an object that names one tool and nothing else."""
    value, source = draft.get(place), PY + "realtime_tool_choice_config.py"
    inner = value.get("function") if isinstance(value, Mapping) else None
    if isinstance(inner, Mapping) and isinstance(inner.get("name"), str):
        wanted = {"type": "function", "name": inner["name"]}
        draft.put(place, wanted, "the shape of Chat Completions: the name stands beside the type", source)
    elif not (value in _MODES if isinstance(value, str) else _names_a_tool(value)):
        draft.drop(place, f"it is {', '.join(_MODES)}, or an object that names a tool", source)
    elif isinstance(value, Mapping):
        kept = {name: value[name] for name in _CHOICES[value["type"]] if isinstance(value.get(name), str)}
        if kept.keys() != value.keys():
            draft.put(place, kept, "it names the tool and nothing else", source)


def _names_a_tool(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return all(isinstance(value.get(name), str) for name in _CHOICES.get(str(value.get("type")), ("",))[:2])


def _mended(tool: Any, dialect: Dialect) -> tuple[Any, str, str]:
    """The tool to send, None when it cannot be one; why it was edited, "" when it was not; and the source."""
    if not isinstance(tool, Mapping):
        return None, "a tool is an object", _SOURCE
    if tool.get("type") == "mcp":
        if not isinstance(tool.get("server_label"), str):
            return None, "an MCP server has a server_label", PY + "realtime_tools_config_param.py"
        return (tool, "", "") if dialect == "ga" else (None, "MCP came with GA", PY + "realtime_tools_config_union.py")
    inner = tool.get("function")
    flat = {"type": "function", **inner} if isinstance(inner, Mapping) else {"type": "function", **tool}
    if flat["type"] != "function":
        return None, "a session takes tools of type function and mcp", PY + "realtime_tools_config_union.py"
    if not isinstance(flat.get("name"), str) or not flat["name"]:
        return None, "a function has a name", _SOURCE
    kept, why, source = _pruned(flat, tool)
    if why_not := _why_no_name(kept) or _why_no_schema(kept):
        return _fitted(kept), why_not, _NAMES if _why_no_name(kept) else _SCHEMAS
    return kept, why, source


def _why_no_name(tool: Json) -> str:
    return (
        "its name is of letters, digits, _ and -: your code hears the new one"
        if _NO_LETTER.search(tool["name"])
        else ""
    )


def _why_no_schema(tool: Json) -> str:
    schema = tool.get("parameters", {"type": "object"})
    return "" if schema.get("type") == "object" else "its parameters are a JSON Schema of type object"


def _fitted(tool: Json) -> Json:
    """A name that is taken, and a schema that says its type; one of another type goes."""
    named = tool | {"name": _NO_LETTER.sub("_", tool["name"])}
    if not _why_no_schema(tool):
        return named
    schema = named.pop("parameters")
    return named if "type" in schema else named | {"parameters": {**schema, "type": "object"}}


def _pruned(flat: Json, tool: Mapping[str, Any]) -> tuple[Json, str, str]:
    kept = {name: flat[name] for name in _FUNCTION if _is_right(name, flat.get(name))}
    if isinstance(tool.get("function"), Mapping):
        return kept, "the shape of Chat Completions: name and parameters stand beside the type", _SOURCE
    if missing := [name for name in flat if name not in kept]:
        return kept, f"without {', '.join(missing)}, which a realtime tool does not take so", _UNKNOWN
    return kept, "" if "type" in tool else "a tool names its type", _SOURCE


def _is_right(name: str, value: Any) -> bool:
    return isinstance(value, Mapping if name == "parameters" else str)
