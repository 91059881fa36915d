"""Command lines of curl that stand without an answer: what in the request itself is known not to work."""

from __future__ import annotations

import re

from rtdiag.api.endpoints import BETA_SESSIONS, BETA_TRANSCRIPTION_SESSIONS, CALLS, CLIENT_SECRETS, TRANSLATION_SECRETS
from rtdiag.diagnosis.log_lines import tells
from rtdiag.diagnosis.readers.forms import Draft, Reading
from rtdiag.diagnosis.readers.http_answers import read_commands
from rtdiag.diagnosis.readers.routes import host_of, is_realtime, path_of
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.model import counted

_MINTS = (CLIENT_SECRETS, TRANSLATION_SECRETS)
_RETIRED = (BETA_SESSIONS, BETA_TRANSCRIPTION_SESSIONS)
_ALONE = "the request alone, without an answer"  # what the signs of the catalogue know it by
_ASK = "run it with -i, and give what it prints"


def read_alone(text: str, learner: Learner) -> Reading | None:
    """What is wrong with the requests of a text that holds no answer; None where it does, or asks nothing of the Realtime API."""
    found, beside = read_commands(text, learner)
    asked = [draft for draft in found if is_realtime(draft.url or "")]
    if not asked or any(tells(line) or "{" in line for line in beside):
        return None
    odd = [draft for draft in asked if is_odd(draft)]
    for draft in odd:
        draft.circumstances.append(_ALONE)
    commands = counted(len(asked), "command")
    note = "" if odd else f"{commands} without an answer, of which nothing is known not to work: {_ASK}"
    return Reading("curl command", odd, note=note)


def is_odd(draft: Draft) -> bool:
    """Whether a request is known not to work as it stands; what follows from that, the signs of the catalogue say."""
    path, kind = path_of(draft.url or ""), draft.content_type or ""
    if path.endswith(_RETIRED) or draft.credential == "none" or any("OpenAI-Beta" in c for c in draft.circumstances):
        return host_of(draft.url or "") not in ("localhost", "127.0.0.1")
    if path.endswith(_MINTS):
        return draft.method != "POST" or draft.credential == "ek" or "json" not in kind
    raw = kind.startswith("application/sdp") and draft.credential == "sk" and "?" not in (draft.url or "")
    return path.endswith(CALLS) and (draft.method != "POST" or raw or not re.search("sdp|multipart", kind))
