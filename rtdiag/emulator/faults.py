"""Faults as data, from faults.yaml: an HTTP answer in place of the real one (`when`, `answer`), or switches (`set`).

Other packages that offer theirs (`rtdiag.faults`) have a faults.yaml, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal

import msgspec

from rtdiag.api import own_yaml, plugins
from rtdiag.emulator.bodies import all_bodies

GROUP = "rtdiag.faults"

_SHOWN = 80  # characters of an id that is none

Credential = Literal["api-key", "ephemeral", "made-up", "none"]


class UnknownFault(ValueError):  # noqa: N818 - the name is part of the interface
    """A fault id that faults.yaml does not hold."""


class Switches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a fault may turn in the emulator's behaviour; the defaults are the healthy API.

    `knows_key`: False takes the emulator's key for a made-up one. `model_shutdown`: the day that the models list gives for rtdiag's
    preferred models, or days after the date in force. `only_model`: all that it has is called so, and transcribes. `token_life_s`:
    life of every token, whatever was asked. `tokens_reusable`: whether a token is taken again after it has opened a session, None
    as the day has it. `tokens_used_by_any_request`: also after a request that opened none. `tokens_handed_out_used`: that was
    before anybody gets the token. `offers_answered_with`, `update_error`: id of a body. `first_event`: `session.created`, `none`,
    or the id of a body. `candidates`: `silent-ports` are those of this machine where nothing answers, and `silent-udp` such over
    UDP alone; `tcp-alone`: none over UDP; `nobodys`: an address that is no machine's. `turn_detection_refused`: the types (`null`
    for none) refused at mint and update. `turn_detection_rules`: what no turn detection may hold is refused, dropped in silence, or
    taken and shown unchecked. `drops_bad_updates_whole`: False applies a refused update but for the field that the error names.
    `offsets_late_ms`: by how much the offsets of turns lie behind the audio. `checks_model_kind`: on a WebSocket. `closes_early`:
    the first message of the client ends the session. `media_lasts`: False sends no datagram any more once the client has spoken
    over its data channel. `free_slots`: how many sessions may be open at a time. `lets_pages_read`: which answers name the origins
    that may read them; `anothers` names one that is nobody's, `twice` all of them two times. `page_headers_refused`: globs of what
    a preflight does not allow. `tcp_alone_to_pages`: `candidates` for them. `sound`: what a call sends of a response.
    """

    takes_any_credential: bool = False
    knows_key: bool = True
    takes_made_up_tokens: bool = False
    model_shutdown: date | int | None = None
    lists_preferred_models: bool = True
    only_model: str | None = None
    clock_ahead_s: int = 0
    token_prefix: str = "ek_"
    token_life_s: int | None = None
    tokens_expire: bool = True
    tokens_reusable: bool | None = None
    tokens_used_by_any_request: bool = False
    tokens_handed_out_used: bool = False
    takes_json_offers: bool = False
    offers_answered_with: str | None = None
    answer_form: Literal["sdp", "json", "truncated"] = "sdp"
    location_header: bool = True
    candidates: Literal["gathered", "silent-ports", "silent-udp", "tcp-alone", "nobodys", "none"] = "gathered"
    true_ice_password: bool = True
    true_fingerprint: bool = True
    names_setup: bool = True
    answers_dtls: bool = True
    opens_channel: bool = True
    first_event: str = "session.created"
    answers_updates: bool = True
    applies_updates: bool = True
    update_error: str | None = None
    turn_detection_refused: Sequence[str] = ()
    turn_detection_replaced: bool = False
    turn_detection_rules: Literal["kept", "dropped", "unchecked"] = "kept"
    drops_bad_updates_whole: bool = True
    heeds_intent: bool = True
    checks_model_kind: bool = True
    selects_subprotocol: bool = True
    reads_subprotocols: bool = True
    closes_early: bool = False
    media_lasts: bool = True
    free_slots: int | None = None
    hears_speech: bool = True
    semantic_vad_effective: bool = True
    silence_heeded: bool = True
    transcribes: bool = True
    offsets_late_ms: int = 0
    responses: Literal["made", "failed", "collide", "not-after-results"] = "made"
    calls_transcribe: bool = True
    whole_arguments: bool = True
    knows_calls: bool = True
    lets_pages_read: Literal["all", "none", "all-but-errors", "preflights-alone", "anothers", "twice"] = "all"
    page_headers_refused: Sequence[str] = ()
    exposes_location: bool = True
    tcp_alone_to_pages: bool = False
    sound: Literal["spoken", "silent", "none"] = "spoken"

    def __post_init__(self) -> None:
        for body in {self.offers_answered_with, self.update_error, self.first_event} - {
            None,
            "none",
            "session.created",
        }:
            _refuse_no_body(body)


class Turned(own_yaml.Written, of=Switches):
    """The switches that one fault turns."""


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The requests that a fault answers; a field left out matches all. `path` globs lie below `/v1`.

    `from_pages`: those alone that name an origin, as browsers do and other clients do not.
    """

    method: str = "*"
    path: Sequence[str] = ("*",)
    credential: Sequence[Credential] = ()
    content_type: str = "*"
    from_pages: bool = False

    def matches(self, method: str, path: str, credential: str, headers: Mapping[str, str]) -> bool:
        """Whether such a request is meant."""
        return (
            fnmatchcase(method, self.method)
            and any(fnmatchcase(path, glob) for glob in self.path)
            and (not self.credential or credential in self.credential)
            and fnmatchcase(headers.get("Content-Type", ""), self.content_type)
            and (not self.from_pages or "Origin" in headers)
        )


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is answered: `body`, the id of one of bodies.yaml, or `text`, or `json`, from something that is not the API.

    `padding_bytes` of spaces follow the text. `breaks` cuts the connection in place of an answer. `delay_s` comes before it.
    """

    status: int = 200
    body: str | None = None
    text: str | None = None
    json: Any = None
    headers: Mapping[str, str] = {}
    delay_s: float = 0
    padding_bytes: int = 0
    breaks: bool = False

    def __post_init__(self) -> None:
        if [self.body, self.text, self.json].count(None) < 2:
            raise ValueError("it has one of body, text and json")
        if self.body is not None:
            _refuse_no_body(self.body)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault.

    `sees`: globs of the cases that show it, with `status` and `cause` (None where nothing is wrong with what they show); none
    where only a client meets it, that asks for responses as no check does. A layer that it lacks is None or empty.
    `profiles`: at whose server it is, none for any.
    """

    id: str
    story: str
    source: str
    sees: Sequence[str]
    status: Literal["fail", "warn", "inconclusive", "info"]
    cause: str | None
    when: When | None = None
    answer: Answer | None = None
    set: Turned = Turned()
    profiles: Sequence[str] = ()

    def __post_init__(self) -> None:
        if (self.when is None) != (self.answer is None) or not (self.answer or self.set):
            raise ValueError("it needs when with answer, or set")


@cache
def load_faults() -> Mapping[str, Fault]:
    """Every fault by its id, also those of other packages. Raises BadData for one of ours that could not be carried out."""
    return _all()[0]


def broken() -> tuple[plugins.Broken, ...]:
    """The packages whose faults cannot be used."""
    return _all()[1]


@cache
def _all() -> tuple[Mapping[str, Fault], tuple[plugins.Broken, ...]]:
    return plugins.joined(_with({}, "rtdiag.emulator"), GROUP, "faults", lambda known, entry: _with(known, entry.value))


def _with(known: Mapping[str, Fault], package: str) -> Mapping[str, Fault]:
    """These and those of a package. Raises BadData."""
    source = (package, "faults.yaml")
    new = {fault.id: fault for fault in own_yaml.listed(Fault, source)}
    if twice := known.keys() & new:
        raise own_yaml.BadData(f"{own_yaml.shown(source)}: {min(twice)}: there is a fault of that id already")
    return {**known, **new}


def chosen(ids: Sequence[str], server: str = "openai") -> tuple[Fault, ...]:
    """The faults of these ids, in this order.

    Raises UnknownFault, which names the nearest ids, or what keeps some out, also for one that is not that server's.
    """
    known = load_faults()
    for one in ids:
        if one not in known:
            raise UnknownFault(f"unknown fault {one[:_SHOWN]!r}: {_hint(one[:_SHOWN])}")
        if (whose := known[one].profiles) and server not in whose:
            raise UnknownFault(f"the fault {one} is not one of {server}: add --profile {whose[0]}")
    return tuple(known[one] for one in ids)


def _hint(unknown: str) -> str:
    near = get_close_matches(unknown, load_faults(), n=3)
    if near or not broken():
        return f"did you mean {', '.join(near)}?" if near else "`rtdiag emulator --list-faults` lists them all"
    return str(broken()[0])


def switches(faults: Sequence[Fault], always: Turned = Turned()) -> Switches:  # noqa: B008 - nobody writes into it
    """The healthy switches, those that are `always` turned, and with those of every fault turned, the last one winning."""
    turned = Switches(**always)
    for one in faults:
        turned = msgspec.structs.replace(turned, **one.set)
    return turned


def _refuse_no_body(name: str | None) -> None:
    if name not in all_bodies():
        raise ValueError(f"there is no body {name}")
