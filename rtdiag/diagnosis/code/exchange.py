"""Rules about the exchange of offer and answer, and about the mint: where what is posted, in which form, and what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from rtdiag.api import models
from rtdiag.api.endpoints import BETA_SESSIONS, BETA_TRANSCRIPTION_SESSIONS, CALLS, CLIENT_SECRETS, REALTIME
from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code import mint, unchecked_answer
from rtdiag.diagnosis.code.flaws import Hit
from rtdiag.diagnosis.code.literals import declared, trimmed
from rtdiag.diagnosis.code.source_text import Edit, Source
from rtdiag.diagnosis.code.urls import moved, place, without_model
from rtdiag.diagnosis.code.wire import Post, carries_offer, is_offer, names_offer, posts

_MINTS = (BETA_SESSIONS, BETA_TRANSCRIPTION_SESSIONS, CLIENT_SECRETS)
_PROJECT_KEY = expression(
    r"process\.env\.(?!NEXT_PUBLIC|VITE|REACT_APP)\w{0,40}OPENAI\w{0,40}KEY|os\.(?:environ|getenv)[^\n]{0,20}OPENAI\w{0,40}KEY|(?i:\bopenai_?api_?key\b)"
)
_TRIMMED = expression(
    r"(?P<what>[A-Za-z_$][\w$.?!]{0,100}?)(?P<trim>\??\.(?:trim|trimEnd|strip|rstrip)\(\s*\)"
    r"|\??\.replace(?:All)?\(\s*(?:/\\r\\n\??/g?|/\\r/g|[\"']\\r\\n[\"'])\s*,)"
)
_CONTENT_TYPE = expression(
    r",\s*[\"']content-type[\"']\s*:\s*[\"'][^\"'\n]*[\"']|[\"']content-type[\"']\s*:\s*[\"'][^\"'\n]*[\"']\s*,?\s*",
    re.I,
)
_HEADERS = expression(r"\bheaders\s*[:=]\s*\{")
_APPENDED = expression(r"\.(?:append|set|add_field)\s*\(\s*[\"']sdp[\"']\s*,\s*")


def find(source: Source) -> Iterator[Hit]:
    """What is wrong with requests to OpenAI's own hosts."""
    for post in posts(source):
        offer = carries_offer(source, post)
        as_json = post.form == "json" and post.body is not None and names_offer(source, post.body)
        if post.url.path in _MINTS and (offer or as_json):
            yield Hit("offer-to-mint", place(source, post.url), moved(source, post.url, CALLS), {"path": post.url.path})
        elif post.url.path in _MINTS[:2]:
            yield Hit("beta-mint", place(source, post.url), mint.corrected(source, post), {"path": post.url.path})
        elif post.url.path == REALTIME and (offer or as_json or post.form == "multipart"):
            yield Hit("beta-sdp-url", place(source, post.url), _to_calls(source, post))
        if offer and post.url.path in (*_MINTS, CALLS):
            yield from _model_in_query(source, post)
        if offer or as_json:
            yield from _form(source, post, as_json)
        if offer or as_json or post.form == "multipart":
            yield from unchecked_answer.unchecked(source, post)
        yield from _altered(source, post)


def _has_project_key(source: Source, post: Post) -> bool:
    """Whether a request goes with an API key, as far as its headers or the constants in them name the variable of one."""
    if _PROJECT_KEY.search(post.headers):
        return True
    names = dict.fromkeys(re.findall(r"(?<![\w.])[A-Za-z_]\w*", post.headers))
    values = (declared(source, name, post.at) for name in islice(names, 20))
    return any(_PROJECT_KEY.search(source.code[value[0] : value[1]]) for value in values if value)


def _model_in_query(source: Source, post: Post) -> Iterator[Hit]:
    named = re.search(r"[?&]model=", post.url.query)
    if not named or _has_project_key(source, post):
        return
    at = post.url.known.origin[post.url.query_at + named.start()]
    start = post.url.written(post.url.path_at, len(post.url.path))
    moves = post.url.path in _MINTS and start >= 0 and source.line(start) == source.line(at)
    line = without_model(source, at, [(start, start + len(post.url.path), CALLS)] if moves else ())
    yield Hit("model-in-query", at, line, {}, post.url.path == CALLS)


def _form(source: Source, post: Post, as_json: bool) -> Iterator[Hit]:
    """An offer that is sent as JSON, or raw with an API key."""
    if as_json and post.body and post.url.path in (CALLS, REALTIME):
        start, end = post.body
        yield Hit("offer-as-json", start, _as_sdp(source, post, start, end))
    elif post.content_type == "application/json":
        written = re.search(r"(?i)application/json", source.code[post.at : post.end])
        at = post.at + written.start() if written else post.at
        instead = source.edited(at, at, [(at, at + 16, "application/sdp")] if written else [])
        yield Hit("offer-named-json", at, instead if written else "")
    elif (
        post.url.path == CALLS
        and post.form == "raw"
        and not post.url.query
        and _has_project_key(source, post)
        and post.body
    ):
        yield Hit("raw-sdp-with-key", post.body[0], _in_two_parts(source, post))


def _to_calls(source: Source, post: Post) -> str:
    """The line of an offer's URL in GA. With an API key the model stays in it, or the session goes along with the offer."""
    with_key = post.form == "raw" and _has_project_key(source, post)
    if (
        with_key
        and "model=" not in post.url.query
        and post.body
        and (start := post.url.written(post.url.path_at, 1)) >= 0
    ):
        return _in_two_parts(source, post, [(start, start + len(post.url.path), CALLS)])
    return moved(source, post.url, CALLS, keep_model=with_key)


def _as_sdp(source: Source, post: Post, start: int, end: int) -> str:
    """The lines that send the offer raw, with the content type that belongs to it."""
    edits = [(start, end, _raw_offer(source, start, end))]
    name = re.compile(r"\bjson\s*=\s*\Z").search(source.bare, max(0, start - 20), start)
    edits += [(name.start(), name.start() + 4, "data")] if name else []
    named = re.compile(r"(?i)application/json").search(source.code, post.at, post.end)
    edits.append((*named.span(), "application/sdp") if named else _typed(source, post, end))
    return source.edited(min(edit[0] for edit in edits), max(start, *(edit[1] - 1 for edit in edits)), edits)


def _typed(source: Source, post: Post, end: int) -> Edit:
    """The edit that gives a request the content type of an offer: among its headers, or as its only one behind the body."""
    headers = _HEADERS.search(source.code, post.at, post.end)
    if headers:
        return headers.end(), headers.end(), ' "Content-Type": "application/sdp",'
    mark = "headers=" if source.language == "Python" else "headers: "
    return end, end, f', {mark}{{"Content-Type": "application/sdp"}}'


def _raw_offer(source: Source, start: int, end: int) -> str:
    """The raw offer in what was turned into JSON: `offer.sdp` of `JSON.stringify({ sdp: offer.sdp })`."""
    text = source.code[start:end]
    dotted = re.search(r"[\w$.]+\??\.sdp\b", text)
    if dotted:
        return dotted.group()
    name = re.search(r"(?i)\b\w*(?:offer|localdescription)\w*", text)
    return "sdp" if not name else name.group() if name.group().lower().endswith("sdp") else f"{name.group()}.sdp"


def _in_two_parts(source: Source, post: Post, also: Iterable[Edit] = ()) -> str:
    """The lines that send the offer and a session as multipart, for which the client writes the content type itself."""
    start, end = post.body or (post.at, post.at)
    name = re.compile(r"\b(?:data|content)\s*=\s*\Z").search(source.bare, max(0, start - 20), start)
    edits = [*also, (name.start() if name else start, end, _form_of(source, source.code[start:end]))]
    typed = _CONTENT_TYPE.search(source.code, post.at, post.end)
    edits += [(*typed.span(), "")] if typed else []
    return source.edited(min(edit[0] for edit in edits), max(edit[1] for edit in edits), edits)


def _form_of(source: Source, offer: str) -> str:
    model = models.default("realtime")
    if source.language == "Python":
        session = f'{{"type": "realtime", "model": "{model}"}}'
        return f"""files={{"sdp": (None, {offer}, "application/sdp"), "session": (None, '{session}', "application/json")}}"""
    session = f'JSON.stringify({{ type: "realtime", model: "{model}" }})'
    return f'(() => {{ const form = new FormData(); form.set("sdp", {offer}); form.set("session", {session}); return form; }})()'


def _altered(source: Source, post: Post) -> Iterator[Hit]:
    """An offer that is trimmed on its way into the body."""
    if post.url.path not in (CALLS, REALTIME, *_MINTS):
        return
    spans = [post.body] if post.body else []
    if post.form == "multipart":
        for found in _APPENDED.finditer(source.code):
            opened = source.enclosing(found.end(), "(")
            if opened is not None and source.string_at(found.start()) is None:
                spans += trimmed(source, found.end(), source.pairs[opened])
    for start, end in spans:
        yield from _trims(source, start, end)


def _trims(source: Source, start: int, end: int) -> Iterator[Hit]:
    name = source.code[start:end]
    value = declared(source, name, start) if re.fullmatch(r"[\w$]+", name) else None
    for left, right in [(start, end), *([value] if value else [])]:
        found = _TRIMMED.search(source.code, left, right)
        if (
            found
            and "answer" not in found["what"].lower()
            and (value or is_offer(source, found.span("what")) or "sdp" in found["what"].lower())
        ):
            closed = source.pairs.get(source.bare.find("(", found.start("trim")), found.end("trim") - 1) + 1
            yield Hit(
                "offer-altered",
                found.start(),
                source.edited(found.start(), closed, [(found.start("trim"), closed, "")]),
            )
            return
