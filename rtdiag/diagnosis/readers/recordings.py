"""HTTP traffic that other programs record, as entries of a HAR: a Charles session in JSON (.chlsj), a cassette of vcrpy or of
Ruby's VCR.

The shapes: Charles' Export Session as JSON, as public readers of it declare it (.chlsj, 2019 to 2026); vcrpy 9.4 serialize.py and
request.py; VCR 6 http_interaction.rb.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.readers.channel_log import Channel
from rtdiag.diagnosis.readers.forms import Reading
from rtdiag.diagnosis.readers.har_exchange import Exchange
from rtdiag.diagnosis.readers.har_stream import Entry
from rtdiag.diagnosis.readers.plain import at, text_at
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.diagnosis.readers.traffic import Traffic

_TAPES = ("interactions", "http_interactions")
_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_CHARLES = expression(r"\s{0,80}\[\s{0,80}\{\s{0,80}\"status\":\s{0,8}\"[A-Z_]{3,40}\",\s{0,80}\"method\":")
_COMPLETE = "COMPLETE"
_LONGEST_BODY = 1024 * 1024
_ANY_HEADER = 32  # of zlib: gzip or zlib, told by its first bytes


def is_charles(value: Any) -> bool:
    """Whether a JSON value is a session of Charles: a list of requests, each with its host and path apart."""
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, Mapping) and {"host", "path", "request"} <= first.keys() and "method" in first


def begins_as_charles(text: str) -> bool:
    """Whether a text begins as Charles writes a session."""
    return bool(_CHARLES.match(text))


def of_charles(value: list[Any]) -> Iterator[Entry]:
    """An entry for each request of a session; one that Charles did not complete says why in `response._error`."""
    for one in value:
        request, response = at(one, "request"), at(one, "response")
        status = text_at(one, "status") or ""
        said = text_at(one, "errorMessage") or text_at(response, "errorMessage") or text_at(one, "failureReason")
        yield {
            "startedDateTime": text_at(one, "times", "start"),
            "_resourceType": "websocket" if at(one, "webSocket") is True else "",
            "request.method": text_at(one, "method"),
            "request.url": _charles_url(one),
            "request.headers": _listed(at(request, "header", "headers")),
            "request.postData.text": _charles_body(request)[0],
            "request.postData.mimeType": text_at(request, "mimeType"),
            "response.status": at(response, "status"),
            "response._error": said or ("" if status in ("", _COMPLETE) else f"Charles says {status}"),
            "response.headers": _listed(at(response, "header", "headers")),
            "response.content.text": _charles_body(response)[0],
            "response.content.encoding": _charles_body(response)[1],
        }


def is_cassette(value: Any) -> bool:
    """Whether a value is a cassette: a mapping with a list of interactions."""
    return isinstance(value, Mapping) and any(isinstance(value.get(name), list) for name in _TAPES)


def of_cassette(value: Mapping[str, Any]) -> Iterator[Entry]:
    """An entry for each interaction."""
    for one in next(value[name] for name in _TAPES if isinstance(value.get(name), list)):
        request, response = at(one, "request"), at(one, "response")
        answered = _headers(at(response, "headers"))
        yield {
            "startedDateTime": _date(one, answered),
            "request.method": text_at(request, "method"),
            "request.url": text_at(request, "uri") or text_at(request, "url"),
            "request.headers": _headers(at(request, "headers")),
            "request.postData.text": _body(at(request, "body")),
            "response.status": at(response, "status", "code") or at(response, "status_code"),
            "response.statusText": text_at(response, "status", "message"),
            "response.headers": answered,
            "response.content.text": _body(at(response, "body") or at(response, "content")),
        }


def read_recording(form: str, entries: Iterator[Entry], learner: Learner) -> Reading:
    """The failed and suspicious requests of a recording."""
    traffic = Traffic(form, learner)
    for entry in entries:
        traffic.take(Exchange(traffic.count + 1, entry, learner), Channel())
    return traffic.reading()


def _charles_url(one: Any) -> str:
    scheme, host, port = text_at(one, "scheme") or "https", text_at(one, "host") or "", at(one, "actualPort")
    place = host if port is None or _PORTS.get(scheme) == port else f"{host}:{port}"
    query = text_at(one, "query")
    return f"{scheme}://{place}{text_at(one, 'path') or '/'}{f'?{query}' if query else ''}"


def _charles_body(message: Any) -> tuple[str | None, str]:
    """The text and its encoding: what Charles cannot show as text stands in `encoded`, in base64."""
    text = text_at(message, "body", "text")
    return (text, "") if text is not None else (text_at(message, "body", "encoded"), "base64")


def _listed(headers: Any) -> list[list[str]]:
    found = headers if isinstance(headers, list) else []
    return [
        [n, v] for one in found if (n := text_at(one, "name")) is not None and (v := text_at(one, "value")) is not None
    ]


def _headers(headers: Any) -> list[list[str]]:
    """Headers as cassettes hold them: each name with its value, or with a list of them."""
    found = headers if isinstance(headers, Mapping) else {}
    pairs = [(n, v) for n, values in found.items() for v in (values if isinstance(values, list) else [values])]
    return [[str(name), _text(value)] for name, value in pairs]


def _body(body: Any) -> str:
    """A body: text or bytes, alone or under `string`; what is compressed is read as far as a body matters."""
    held = at(body, "string") if isinstance(body, Mapping) else body
    if isinstance(held, bytes) and held[:2] in (b"\x1f\x8b", b"\x78\x9c"):
        try:
            held = zlib.decompressobj(zlib.MAX_WBITS | _ANY_HEADER).decompress(held, _LONGEST_BODY)
        except zlib.error:
            return ""
    return _text(held)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def _date(one: Any, answered: list[list[str]]) -> str | None:
    """When it was asked: VCR writes it down, of vcrpy's the answer's Date tells it."""
    told = text_at(one, "recorded_at") or next((v for n, v in answered if n.lower() == "date"), None)
    try:
        return parsedate_to_datetime(told).astimezone(UTC).isoformat() if told else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
