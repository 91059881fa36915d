"""What in a pasted text is a person's prose and not code, and whether a text without a name is code at all."""

from __future__ import annotations

import json
import re

from rtdiag.api.expressions import expression
from rtdiag.diagnosis.code.languages import guess

_WORDS_OF_CODE = (
    "abstract and as async assert await break case catch class const continue declare def default delete do elif else enum export"
    " extends finally for from function get global if implements import in instanceof interface is lambda let new None not of or"
    " pass private protected public raise readonly return self set static switch throw try type typeof var void while with yield"
)
_CODE_WORD = expression(rf"(?:{'|'.join(_WORDS_OF_CODE.split())})\Z")
_QUOTED = expression(r"\"[^\"\n]{0,2000}\"|'[^'\n]{0,2000}'|`[^`\n]{0,2000}`")
_FENCE = expression(r"^\s{0,6}(?:```|~~~)")
_SENTENCE_WORD = expression(r"(?:[A-Za-z][a-z’']*|[A-Z]{2,6})\Z")
_REMARK = expression(r"^\s*(?://|/?\*|#|<!--)")
_REMARK_AFTER = expression(r"(?<!:)//.*|\s#\s.*")

_TOUCHES = expression(
    r"/v1/realtime|realtime/(?:calls|client_secrets|(?:transcription_)?sessions)\b|\boai-events\b|openai-beta\.realtime"
    r"|openai-insecure-api-key|\bgpt-(?:4o-)?(?:mini-)?realtime|realtime=v1|\.realtime\.(?:connect|calls|clientSecrets|client_secrets"
    r"|sessions|transcription)|openai/(?:beta/)?realtime|agents[/-]realtime|\btranscription_session\.update"
    r"|\b(?:session\.update|response\.create|conversation\.item\.create)\b|\bOpenAIRealtime\w+|\brealtime-api-beta\b|\bOPENAI_REALTIME\w*|\bturn_detection\b"
    r"|\b(?:in|out)put_audio_(?:format|transcription)\b"
    r"|\binput_audio_buffer\.(?:append|commit)|conversation\.item\.input_audio_transcription|\bresponse\.(?:output_)?(?:audio|text)"
    r"|/realtime/(?:client_secrets|calls|(?:transcription_)?sessions)\b|\bsession_update\b|\bopenai[-_]beta\b.{0,20}realtime|\bgpt-4o-[a-z-]*transcribe"
)
_CODE_LINES = (
    expression(r"^[ \t]*(?:export\s+)?(?:const|let|var)\s+[\w${\[]", re.M),
    expression(r"^[ \t]*(?:export\s+)?(?:default\s+)?(?:async\s+)?(?:function\b|def\s+\w)", re.M),
    expression(r"^[ \t]*(?:import\s+[\w{*\"']|from\s+[\w.]+\s+import\b)", re.M),
    expression(r"\);[ \t]*(?://[^\n]*)?$", re.M),
    expression(r"=>\s*[{(\w]", re.M),
    expression(r"\bawait\s+[\w.]+\s*\(|\basync\s+with\b", re.M),
    expression(r"^[ \t]*[\w.$]+\s*(?:=|\()[^\n]{0,300}[;{(,][ \t]*$", re.M),
    expression(r"<script[\s>]|^[ \t]*(?:with|for|if|try)\b[^\n]{0,200}:[ \t]*$", re.M),
    expression(r"^[ \t]*[\w.]+\s*=\s*(?:await\s+)?[\w.]+\([^\n]{0,300}\)?[ \t]*$", re.M),
)
_ENOUGH = 3  # lines that only code has
_GUESSED = 200_000  # characters in which such lines of other languages are looked for


def touches_realtime(code: str) -> bool:
    """Whether a text names anything of the Realtime API: a path, an event, a model, a header of it."""
    return bool(_TOUCHES.search(code))


def looks_like_code(text: str) -> bool:
    """Whether a text without a name holds source code that touches the Realtime API, between prose or alone.

    A JSON text (an error body, a HAR, a report), an event log and a command line of curl are no code.
    """
    text = text[:1_000_000]
    if not touches_realtime(text) or _is_json(text):
        return False
    code = without_prose(text)
    return (
        sum(sum(1 for _ in pattern.finditer(code)) for pattern in _CODE_LINES) >= _ENOUGH
        or guess(code[:_GUESSED])[1] >= _ENOUGH
    )


def without_prose(text: str) -> str:
    """The text with lines of prose and the marks of fenced blocks turned to blanks, at the same length."""
    return "\n".join(" " * len(line) if _FENCE.match(line) or is_prose(line) else line for line in text.split("\n"))


def is_prose(line: str) -> bool:
    """Whether a line is a sentence: three words in a row that no language puts beside each other outside strings."""
    if _REMARK.match(line):
        return False
    row = 0
    for word in _REMARK_AFTER.sub("", _QUOTED.sub("§", line[:2000])).rstrip(" .?!\r").split():
        plain = _SENTENCE_WORD.match(word) and not _CODE_WORD.match(word)
        row = (
            row + 1
            if plain
            else (row if word.lower() in ("a", "i", "is", "in", "of", "to", "as", "not", "and", "or") else 0)
        )
        if row >= 3:
            return True
    return False


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return all(line.lstrip()[:1] in ("", "{", "[") for line in text.splitlines()[:50])
    return True
