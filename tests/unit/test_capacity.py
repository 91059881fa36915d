"""Which refusals say that there is no room for one more session, and which limits are others."""

from __future__ import annotations

import pytest

from rtdiag.api.capacity import no_room


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (503, '{"type":"error","error":{"type":"session_limit_reached","message":"All 1 session slots are in use."}}'),
        (1008, "All session slots are in use"),
        (1008, "limit exceeded"),
        (1013, ""),
        (1013, "Try again later"),
        (4000, "ServerAtCapacity"),
        (4001, "MaxSessionsReached"),
        (429, "Too many concurrent sessions"),
        (429, "Max parallel request limit reached"),
        (429, "Maximum active concurrent connections limit has been reached"),
        (429, '{"error":{"code":"concurrent_session_limit_exceeded"}}'),
        (429, '{"error":"Too many connected users"}'),
        (429, '{"error":"session is full"}'),
        (503, '{"error":"Server at capacity","code":"MAX_SESSIONS_REACHED"}'),
        (503, "Worker at capacity: 3 in-flight, 8 queued requests. Retry later."),
        (503, "The server is currently overloaded"),
        (403, "no free slots"),
        (None, "All 4 session slots are in use."),
    ],
)
def test_there_is_no_room(status: int | None, text: str) -> None:
    assert no_room(status, text)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (429, "Rate limit reached for requests per min (RPM): Limit 3, Used 3, Requested 1."),
        (429, "Too Many Requests"),
        (503, "too many requests"),
        (429, "You exceeded your current quota, please check your plan and billing details."),
        (429, "No deployments available for selected model, Try again in 5 seconds."),
        (429, "LiteLLM Rate Limit Handler: Crossed TPM / RPM / Max Parallel Request Limit."),
        (503, "Service Unavailable"),
        (503, "upstream connect error or disconnect/reset before headers"),
        (1008, "invalid api key"),
        (1008, "rate limit exceeded"),
        (1008, ""),
        (3000, "invalid_request_error.invalid_api_key"),
        (4000, "invalid_request_error.session_expired"),
        (1001, "Your session hit the maximum duration of 60 minutes."),
        (400, "Maximum session length"),
        (400, "Invalid value: 'max_output_tokens' is over the limit"),
        (200, ""),
    ],
)
def test_another_limit_or_none(status: int, text: str) -> None:
    assert no_room(status, text) == ""
