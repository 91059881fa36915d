"""A mint of the beta as GA wants it: its URL, and the user's own session inside `session`."""

from __future__ import annotations

import re

from rtdiag.api import models
from rtdiag.api.endpoints import BETA_TRANSCRIPTION_SESSIONS, CLIENT_SECRETS, Kind
from rtdiag.diagnosis.code import ga
from rtdiag.diagnosis.code.literals import fields
from rtdiag.diagnosis.code.source_text import Edit, Source
from rtdiag.diagnosis.code.urls import moved
from rtdiag.diagnosis.code.wire import Post


def corrected(source: Source, post: Post) -> str:
    """The lines of a mint in GA: its URL, and the user's own session where GA wants it."""
    kind: Kind = "transcription" if post.url.path == BETA_TRANSCRIPTION_SESSIONS else "realtime"
    start = post.url.written(post.url.path_at, len(post.url.path))
    place = _json_object(source, post)
    if place is None:
        tree: ga.Tree = {"session": _smallest(kind)}
        body = ga.written(tree, source.language == "Python")
        if post.body is None and start >= 0 and (added := _body_added(source, post, body)):
            return source.edited(start, added[1], [(start, start + len(post.url.path), CLIENT_SECRETS), added])
        return f"{moved(source, post.url, CLIENT_SECRETS)}\n" + (
            f"json={body}," if source.language == "Python" else f"body: JSON.stringify({body}),"
        )
    given = fields(source, place)
    session = ga.session(source, kind, given) if given else _smallest(kind)
    edit = (place, source.pairs[place] + 1, ga.written({"session": session}, source.language == "Python"))
    url = (start, start + len(post.url.path), CLIENT_SECRETS)
    if start >= 0 and 0 <= place - start < 1000:
        return source.edited(start, source.pairs[place], [url, edit])
    return f"{moved(source, post.url, CLIENT_SECRETS)}\n{source.edited(place, source.pairs[place], [edit])}"


def _body_added(source: Source, post: Post, body: str) -> Edit | None:
    """The edit that gives a call its body: its last argument in Python, the last of its options in JavaScript."""
    if source.language == "Python":
        return post.end - 1, post.end - 1, f", json={body}"
    opened = source.bare.find("{", post.at, post.end)
    closed = source.pairs.get(opened, -1)
    if closed < 0 or source.pairs.get(post.end - 1, closed) < 0:
        return None
    comma = "" if source.bare[opened + 1 : closed].rstrip().endswith(",") else ", "
    return closed, closed, f"{comma}body: JSON.stringify({body}) "


def _smallest(kind: Kind) -> ga.Tree:
    model: ga.Tree = {"model": f'"{models.default(kind)}"'}
    if kind == "realtime":
        return {"type": '"realtime"', **model}
    return {"type": '"transcription"', "audio": {"input": {"transcription": model}}}


def _json_object(source: Source, post: Post) -> int | None:
    """Where the object begins that a request sends as JSON, if it stands in the call."""
    if post.body is None or post.form != "json":
        return None
    at = source.bare.find("{", *post.body)
    before = source.bare[post.body[0] : at].strip() if at >= 0 else ""
    whole = at in source.pairs and source.pairs[at] < post.body[1]
    return at if whole and re.fullmatch(r"(?:(?:JSON\.stringify|json\.dumps)\s*\(\s*)?", before) else None
