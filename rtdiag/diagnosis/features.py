"""What a situation says, as plain texts under fixed names, whatever form it was told in: what the signs of the catalogue look at.

| name | what it holds |
|---|---|
| `text` | what came back and what a person says of it, one record a line (records.py), quotes and blanks evened out |
| `said` | the error's message, or `text` where no error object could be read |
| `code`, `type`, `param`, `event` | of the error object and the event it came in; also as the message's wording tells them |
| `upstream` | what a gateway tells of its own at its upstream: `key refused: …`, `unreachable: …` (upstream.py) |
| `gateway` | by what an answer shows that a gateway wrote it, whole or cut off |
| `status`, `close`, `reason` | the HTTP status, the WebSocket's close code and reason, also where the text alone names them |
| `client` | what a client's library says has failed, in whatever words: `refused connect`, `upgrade refused 403` (lexicon/) |
| `full` | the words that say that there is no room for one more session (api/capacity.py) |
| `method`, `url`, `credential`, `content_type`, `sent`, `surface`, `dialect`, `when` | of the request, as told |
| `observed` | what a check of rtdiag has found that no text tells, in its words |
| `failure` | kind and phase of what went wrong below the answer, such as `timeout connect` (transport/failures.py) |
| `request`, `any` | all that was told of the request; that and `text` together |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from rtdiag.api.capacity import no_room
from rtdiag.api.expressions import expression
from rtdiag.diagnosis import lexicon, upstream, wording
from rtdiag.diagnosis.denial import undenied
from rtdiag.diagnosis.printed import error_fields, evened, straight
from rtdiag.diagnosis.records import Record, taken_apart
from rtdiag.diagnosis.situation import Situation

Features = Mapping[str, str]


_OF_THE_API = expression(
    r"(?i)\brealtime\b|\b(?:session|transcription_session|input_audio_buffer|output_audio_buffer|conversation|response)\.[a-z]\w+"
    r"|\b(?:semantic|server)_vad\b|\bek_|client.?secret|ephemeral|openai|\bsdp\b|\bice\b|webrtc|websocket|\bwss?:|turn_detection|error\b|exception\b"
)
# Characters of a text that are taken apart, and of those in which signs are looked for.
_LOOKED_AT, _LONGEST = 1 << 18, 65_536
_REMEMBERED = 128  # situations: each is asked about more than once, and those of one run again when it is judged anew
# How readers mark a circumstance that a person tells.
_A_PERSON_SAYS = ("said before it: ", "said after it: ")


@lru_cache(_REMEMBERED)
def features(situation: Situation) -> Features:
    """All that a situation says, under the names above; what it does not say is an empty text."""
    return _of(situation, [p for p in _records_of(situation) if p.kind in ("machine", "upstream", "person")])


@lru_cache(_REMEMBERED)
def of_machines(situation: Situation) -> Features:
    """The features without a person's words: what high confidence rests on."""
    told = tuple(c for c in situation.circumstances if not c.startswith(_A_PERSON_SAYS))
    pieces = [p for p in _records_of(situation) if p.kind in ("machine", "upstream")]
    return _of(replace(situation, circumstances=told), pieces)


@lru_cache(_REMEMBERED)
def _records_of(situation: Situation) -> tuple[Record, ...]:
    near = situation.text[:_LOOKED_AT]
    pieces = taken_apart(near if "\\" in near else straight(near))  # backslashes are a part of JSON
    return upstream.apart(pieces, situation)


def denies(situation: Situation) -> bool:
    """Whether a person says in it what is not the trouble."""
    return any(piece.kind == "denied" for piece in _records_of(situation))


def anchored(told: Features) -> bool:
    """Whether something of the API or of a machine stands in it, by which a cause can be looked for."""
    return any(told[name] for name in ("upstream", "code", "type", "param", "event", "close", "status")) or bool(
        _OF_THE_API.search(told["any"])
    )


def _enough(pieces: Iterable[Record]) -> list[Record]:
    """As many pieces as signs are looked for in: what a machine said before a person's words, in their order."""
    left, kept = _LONGEST, list[tuple[int, Record]]()
    for place, piece in sorted(enumerate(pieces), key=lambda one: one[1].kind == "person"):
        if left > 0:
            kept.append((place, piece))
            left -= len(piece.text) + 1
    return [piece for _, piece in sorted(kept, key=lambda one: one[0])]


def _of(situation: Situation, pieces: Iterable[Record]) -> Features:
    pieces = _enough(pieces)
    behind = "\n".join(evened(piece.text) for piece in pieces if piece.kind == "upstream")
    pieces = [piece for piece in pieces if piece.kind != "upstream"]
    raw = "\n".join(piece.text for piece in pieces)
    text = "\n".join(evened(piece.text) for piece in pieces)
    fields = error_fields(raw)
    found = dict.fromkeys(("method", "url", "credential", "content_type", "sent", "surface", "dialect"), "")
    found |= {name: evened(str(getattr(situation, name) or "")) for name in found}
    found |= {"text": text, "upstream": behind, "when": situation.when.isoformat() if situation.when else ""}
    found |= _numbers(situation, text)
    found["gateway"] = upstream.mark(situation.text)
    found["client"] = lexicon.facts_in(text)
    found |= _error(fields, text, found["close"])
    found["full"] = no_room(int(found["close"] or found["status"] or 0), text)
    found |= {} if found["url"] else wording.asked_in(evened(situation.text), in_words=not fields)
    parts = (
        *(found[n] for n in ("method", "url", "credential", "content_type", "sent")),
        *(undenied(evened(c)) if c.startswith(_A_PERSON_SAYS) else evened(c) for c in situation.circumstances),
    )
    found["request"] = " | ".join(part for part in parts if part)
    found |= {"observed": " | ".join(map(evened, situation.observed)), "failure": situation.failure}
    found["any"] = f"{found['request']} || {text}"
    return {name: value.strip() for name, value in found.items()}


def _error(fields: Mapping[str, str], text: str, close: str) -> dict[str, str]:
    """The features of the error object, with what its wording tells where a field is missing."""
    reason, reason_type, reason_code = wording.reason_in(text) if close or len(text) < 80 else ("", "", "")
    said = evened(fields.get("message", "")) or text
    given = fields.get("code", "")
    return {
        "event": fields.get("event", ""),
        "type": fields.get("type", "") or reason_type or wording.type_in(text),
        "code": given if "_" in given else reason_code or wording.code_in(said) or given,
        "param": fields.get("param", "") or wording.param_in(said),
        "said": said,
        "reason": reason if close else "",
    }


def _numbers(situation: Situation, text: str) -> dict[str, str]:
    told = "" if situation.status is None else str(situation.status)
    close = told if len(told) > 3 else ""
    status, closed = lexicon.numbers_in(text)
    return {
        "status": told if told and not close else status or wording.status_in(text),
        "close": close or closed or wording.close_in(text),
    }
