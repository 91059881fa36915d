"""Rules about keys and tokens: an API key where everybody can read it, and a token read from a place where the answer has none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rtdiag.api.endpoints import BETA_SESSIONS, BETA_TRANSCRIPTION_SESSIONS, CLIENT_SECRETS
from rtdiag.api.expressions import expression
from rtdiag.api.keys import MADE_UP, shape_of
from rtdiag.diagnosis.code.flaws import Hit
from rtdiag.diagnosis.code.languages import SETTINGS
from rtdiag.diagnosis.code.literals import fields
from rtdiag.diagnosis.code.source_text import Source, is_judged_whole
from rtdiag.diagnosis.code.wire import posts

_KEY = expression(
    r"(?P<quote>[\"'`])(?P<before>(?:Bearer |openai-insecure-api-key\.)?)(?P<key>sk-(?!admin)[A-Za-z0-9_-]{20,300})(?P=quote)"
)
_BROWSER = expression(
    r"\b(?:RTCPeerConnection|navigator\.|window\.|document\.|useState|useEffect|useRef|localStorage)|[\"']use client[\"']"
    r"|new WebSocket\("
)
_SERVER = expression(
    r"\brequire\(\s*[\"'](?:express|http|fs|ws)[\"']|from\s+[\"'](?:express|node:\w+|ws|next/server|fastify|hono)[\"']"
    r"|#!/usr/bin/env node"
)
_PUBLIC_NAME = (
    r"(?P<name>(?:NEXT_PUBLIC|REACT_APP|VITE|EXPO_PUBLIC|GATSBY|PUBLIC|VUE_APP)_"
    r"\w{0,40}OPENAI\w{0,40}?(?:KEY|SECRET)\w{0,40})"
)
_PUBLIC = expression(rf"(?:process\.env|import\.meta\.env)\.{_PUBLIC_NAME}")
_PUBLIC_SETTING = expression(rf"^(?:export\s+)?{_PUBLIC_NAME}\s*=[ \t]*\S", re.M)
_ALLOWED = expression(r"\bdangerouslyAllowBrowser\s*:\s*true\b")
_SHORT_LIVED = expression(r"(?i)token|ephemeral|client_?secret|\bek\b|\bvalue\b")
_NESTED = expression(
    r"(?P<of>[\w$\])])(?P<path>\??\.client_secret\??\.value\b|\[[\"']client_secret[\"']\]\[[\"']value[\"']\])"
)
_EITHER = expression(r"\?\?|\|\||\bor\b|\bif\b|\belse\b|\?[^.]")
_TOKEN_ROUTE = 'await (await fetch("/token")).json()'


def find(source: Source) -> Iterator[Hit]:
    """What is wrong with the keys and tokens of a file."""
    yield from _literal_keys(source)
    if source.language == SETTINGS:
        for found in _PUBLIC_SETTING.finditer(source.code):
            yield Hit("public-variable", found.start(), "", {"name": found["name"]})
    if not is_judged_whole(source):
        return
    if source.language == "JavaScript" and _BROWSER.search(source.code) and not _SERVER.search(source.code):
        yield from _public_variables(source)
        yield from _allowed(source)
    yield from _token_places(source)


def _literal_keys(source: Source) -> Iterator[Hit]:
    for found in _KEY.finditer(source.code):
        key = found["key"]
        if key in MADE_UP or "problem" in shape_of(key, "api-key") or not _looks_issued(key):
            continue
        server = source.language != "JavaScript" or not _BROWSER.search(source.code)
        whole = (found.start(), found.end())
        edits = [(*whole, _replacement(source, found["before"], server))]
        line = source.edited(found.start(), found.start(), edits) if is_judged_whole(source) else ""
        yield Hit("key-in-code" if server else "key-in-page", found.start(), line)


def _looks_issued(key: str) -> bool:
    return bool(
        re.search(r"\d", key) and re.search(r"[A-Z]", key) and re.search(r"[a-z]", key[3:]) and len(set(key)) > 9
    )


def _replacement(source: Source, before: str, server: bool) -> str:
    """What stands in the key's place: the server's own variable, or a token that the user's server minted."""
    if source.language == "Python":
        return f'"{before}" + os.environ["OPENAI_API_KEY"]' if before else 'os.environ["OPENAI_API_KEY"]'
    value = "process.env.OPENAI_API_KEY" if server else f"({_TOKEN_ROUTE}).value"
    return f"`{before}${{{value}}}`" if before else value


def _public_variables(source: Source) -> Iterator[Hit]:
    for found in _PUBLIC.finditer(source.code):
        line = source.edited(found.start(), found.start(), [(*found.span(), f"({_TOKEN_ROUTE}).value")])
        yield Hit("public-variable", found.start(), line, {"name": found["name"]})


def _allowed(source: Source) -> Iterator[Hit]:
    """The switch that lets an SDK run with a key in a browser, unless what it is given is a token by its name."""
    for found in _ALLOWED.finditer(source.bare):
        opened = source.enclosing(found.start(), "{")
        given = fields(source, opened) if opened is not None else {}
        key = given.get("apiKey")
        text = source.code[key.start : key.end] if key else ""
        if not _SHORT_LIVED.search(text) and not _PUBLIC.search(text):
            edits = [(*found.span(), found.group().replace("true", "false"))]
            edits += [(key.start, key.end, f"({_TOKEN_ROUTE}).value")] if key else []
            first = min(found.start(), key.start if key else found.start())
            last = max(found.end(), key.end if key else found.end())
            yield Hit("allowed-in-browser", found.start(), source.edited(first, last, edits), {}, not text)


def _token_places(source: Source) -> Iterator[Hit]:
    """`client_secret.value` of GA's mint, and `value` of the beta's."""
    asked = list(posts(source))
    paths = {p.url.path for p in asked if p.url.path in (CLIENT_SECRETS, BETA_SESSIONS, BETA_TRANSCRIPTION_SESSIONS)}
    sdk = bool(re.search(r"(?<!beta)\.realtime\.(?:clientSecrets|client_secrets)\.create\s*\(", source.bare))
    if paths == {CLIENT_SECRETS} or (sdk and not paths):
        for found in _NESTED.finditer(source.code):
            if not _EITHER.search(source.line_text(found.start())) and not source.string_at(found.start()):
                path = '["value"]' if found["path"].startswith("[") else ".value"
                yield Hit(
                    "nested-token",
                    found.start(),
                    source.edited(found.start(), found.start(), [(*found.span("path"), path)]),
                )
    elif paths and CLIENT_SECRETS not in paths and not sdk:
        for name in {p.response for p in asked if p.url.path in paths and p.response}:
            yield from _flat_tokens(source, name)


def _flat_tokens(source: Source, response: str) -> Iterator[Hit]:
    given = re.compile(rf"([A-Za-z_$][\w$]*)\s*=\s*(?:await\s+)?{re.escape(response)}\.json\(\)")
    for name in {m[1] for m in given.finditer(source.bare)}:
        for found in re.finditer(
            rf"(?<![\w$.]){re.escape(name)}(?:\??\.value\b|\[\"value\"\]|\['value'\])", source.code
        ):
            if not _EITHER.search(source.line_text(found.start())) and not source.string_at(found.start()):
                yield Hit("flat-token", found.start())
