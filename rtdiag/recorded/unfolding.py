"""The JSON report that a cassette of `--record` holds: see report/cassette.py, which writes it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from rtdiag.intake import Malformed, Unusable, yaml_of
from rtdiag.recorded.version import refuse_other_version


def parsed(text: str) -> Any:
    """What stands in that YAML. Raises Unusable where it is none."""
    try:
        return yaml_of(text)
    except Malformed as error:
        raise Malformed(f"not a report of rtdiag: no JSON, no YAML ({error})") from None
    except Unusable as error:
        raise Unusable(f"not a report of rtdiag: {error}") from None


def is_cassette(value: Any) -> bool:
    """Whether a parsed file is a cassette."""
    return isinstance(value, Mapping) and isinstance(value.get("interactions"), list)


def unfolded(value: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON report that a cassette holds. Raises Unusable where it holds none."""
    whole, interactions = value.get("rtdiag"), value["interactions"]
    if not isinstance(whole, Mapping):
        raise Unusable(
            "a cassette without rtdiag's part, which says which case each exchange belongs to: nothing to judge"
        )
    refuse_other_version(whole)
    try:
        return {**whole, "exchanges": [_whole(x, interactions) for x in whole.get("exchanges") or ()]}
    except (KeyError, TypeError, IndexError, AttributeError):
        raise Unusable("not a whole cassette of rtdiag: an exchange lacks its interaction, or a part of it") from None


def _whole(given: Mapping[str, Any], interactions: Sequence[Any]) -> dict[str, Any]:
    if "interaction" not in given:
        return dict(given)
    one = interactions[given["interaction"]]
    request, response = one["request"], one["response"]
    body = response["body"]["string"]
    encoded = base64.b64encode(body).decode("ascii") if isinstance(body, bytes) else body
    sent = request["body"]
    return {
        "credential": "none",
        **{k: v for k, v in given.items() if k != "interaction"},
        "method": request["method"],
        "url": request["uri"],
        "request_headers": _pairs(request["headers"]),
        "request_body": (sent.decode("utf-8", "replace") if isinstance(sent, bytes) else sent) or None,
        "status": response["status"]["code"],
        "response_headers": _pairs(response["headers"]),
        "body": encoded,
        "body_encoding": "base64" if isinstance(body, bytes) else "utf-8",
    }


def _pairs(headers: Mapping[str, Sequence[str]]) -> list[list[str]]:
    return [[name, value] for name, values in headers.items() for value in values]
