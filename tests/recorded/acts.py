"""How to do what a recorded error answers: each was posted alone, without what led to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from rtdiag.compare.recording import Recording

Json = dict[str, Any]

ITEM = "<the id of the last item>"  # in what is sent
PREVIEW = "model=gpt-4o-realtime-preview-2024-12-17"
TRANSCRIPTION = "intent=transcription"
SAID: Json = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
HELLO: Json = {"type": "conversation.item.create", "item": SAID}
ANSWER: Json = {"type": "response.create"}
# A key that no server gave, as long as one of a project.
BAD_KEY = "sk-proj-" + "madeup" * 3 + "no" + "ueba"


@dataclass(frozen=True)
class Act:
    """Over a socket: it `begins` with that event, or is refused where none is named; `before` is sent, `until` an event of
    that type comes; then `sent`, or what was recorded, is answered.

    `used_token`: with a token that has been used. `key` is another credential than the emulator's, offered as a sub-protocol.
    """

    query: str = "model=gpt-realtime"
    begins: str = "session.created"
    before: tuple[Json, ...] = ()
    until: str = ""
    sent: Json | None = None
    as_of: date | None = None
    faults: tuple[str, ...] = ()
    key: str = ""
    used_token: bool = False


def update(**session: Any) -> Json:
    """An update of a GA session."""
    return {"type": "session.update", "session": {"type": "realtime", **session}}


def truncate(item_id: str, end_ms: int) -> Json:
    """The user has heard so much of it."""
    return {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": end_ms}


def tools(*parameters: Any) -> Json:
    """An update with a function for each."""
    names = ["keyboard_type" if not p.get("type") else f"tool_{n}" for n, p in enumerate(parameters)]
    return update(
        tools=[{"type": "function", "name": n, "parameters": p} for n, p in zip(names, parameters, strict=True)]
    )


OBJECT: Json = {"type": "object", "properties": {}}
UNION: Json = {"anyOf": [OBJECT, OBJECT]}
DAY_OF_BETA = date(2025, 6, 30)

ACTS: dict[str, Act] = {
    "openai-ga/err__commit_empty_zero": Act(TRANSCRIPTION),
    "openai-ga/err__credit_balance_exhausted_uuid_event_id": Act(begins="", faults=("socket-no-credit",)),
    "openai-ga/err__calls_quota_429": Act(faults=("quota-exhausted-at-calls",)),
    "openai-ga/err__ephemeral_token_already_used_ws": Act("", begins="", used_token=True),
    "openai-ga/err__invalid_api_key_transcription_ws": Act(TRANSCRIPTION, begins="", key=BAD_KEY),
    "openai-ga/err__invalid_function_parameters": Act(sent=tools(*[OBJECT] * 34, UNION)),
    "openai-ga/err__missing_session_type_drift_probe": Act(sent={"type": "session.update", "session": {}}),
    "openai-ga/err__output_modalities_both": Act(sent=update(output_modalities=["text", "audio"])),
    "openai-ga/err__rate_16000_below_min": Act(),
    "openai-ga/err__reasoning_unsupported_option": Act(),
    "openai-ga/err__response_cancel_not_active": Act(),
    "openai-ga/err__responses_model_in_realtime": Act("model=gpt-6-luna", begins=""),
    "openai-ga/err__tool_call_id_not_found": Act(),
    "openai-ga/err__truncate_audio_already_shorter": Act(
        before=(HELLO, ANSWER), until="response.done", sent=truncate(ITEM, 600_000)
    ),
    "openai-beta/err__access_not_enabled": Act(
        "model=gpt-4o-realtime-preview-2024-10-01", begins="", faults=("access-not-enabled",)
    ),
    "openai-beta/err__active_response_code_null": Act(PREVIEW, before=(HELLO, ANSWER), until="response.created"),
    "openai-beta/err__commit_buffer_empty_2024": Act("model=gpt-4o-realtime-preview-2024-10-01"),
    "openai-beta/err__invalid_intent_close_4000": Act(f"{PREVIEW}&intent=foo", begins=""),
    "openai-beta/err__item_id_pattern": Act(
        PREVIEW,
        sent={"type": HELLO["type"], "event_id": "chat_ctx_create_2d3051e3fd6b", "item": SAID | {"id": "a/b"}},
    ),
    "openai-beta/err__realtime_update_on_transcription_session": Act(
        TRANSCRIPTION,
        begins="transcription_session.created",
        sent={"type": "session.update", "session": {"voice": "alloy"}},
        as_of=DAY_OF_BETA,
    ),
    "openai-beta/err__server_error_full_2025_04": Act(
        PREVIEW, sent={"type": "session.update", "session": {"voice": "alloy"}}, faults=("update-server-error",)
    ),
    "openai-beta/err__session_audio_unknown_on_beta": Act(PREVIEW),
    "openai-beta/err__truncate_only_model_audio": Act(
        "model=gpt-4o-realtime-preview-2024-10-01",
        before=(HELLO,),
        until="conversation.item.created",
        sent=truncate(ITEM, 100),
    ),
    "openai-beta/err__unknown_parameter_transcription_type": Act(PREVIEW, as_of=DAY_OF_BETA),
    "azure-ga/err__azure_transcription_delay_unknown": Act(
        sent=update(audio={"input": {"transcription": {"model": "gpt-realtime-whisper", "delay": "low"}}})
    ),
    "azure-ga/err__item_call_id_pattern": Act(
        sent={
            "type": HELLO["type"],
            "item": {"type": "function_call_output", "call_id": "call_x/update_1", "output": ""},
        }
    ),
    "azure-ga/err__missing_session_type": Act(),
    "azure-ga/err__unknown_parameter": Act(),
    "azure-preview/err__preview_session_type_unknown": Act(
        PREVIEW,
        sent={
            "type": "session.update",
            "event_id": "333e6c6a-adbd-479a-8b97-22fa8c2a90f6",
            "session": {"type": "realtime"},
        },
    ),
    "azure-preview/err__response_failed_server_error_azure": Act(
        PREVIEW, before=(HELLO,), until="conversation.item.created", faults=("response-fails",)
    ),
}


def beta(recording: Recording) -> bool:
    """Whether it is of the beta's dialect."""
    return recording.header.family in ("openai-beta", "azure-preview")
