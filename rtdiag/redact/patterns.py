"""What a secret looks like where its value is not known: keys of well-known shapes, and what stands in a place for secrets.

Other vendors' shapes are those of their own documentation, as secret scanners use them. Every pattern takes time linear in the
length of the text: none may begin anew inside what it has just read to the end.
"""

from __future__ import annotations

import re

# What a field, a parameter of a URL, a variable or a header is called that holds a secret, whoever made the name: its end tells.
_ENDS = "secret|token|jwt|password|passwd|credential|bearer|auth|authorization|ticket|signature"
_OF_KEYS = "api|access|secret|private|master|virtual|session|subscription|ephemeral|shared|function|functions"


def _behind(words: str, more: str = "") -> str:
    """A pattern for the place behind one of those words, each with `more` behind it."""
    return "|".join(f"(?<={word}{more})" for word in words.split("|"))


_NAMED = rf"[\w.-]{{1,60}}+(?i:{_behind(_ENDS)}|(?<=key)(?:{_behind(_OF_KEYS, 'key')}|{_behind(_OF_KEYS, '[-_]key')}))"
_ASSIGNED = "|".join(f"{of}{mark}key" for of in ("api", "subscription", "functions") for mark in ("", "-", "_", " "))

# (kind, what a text in small letters must hold for it, one of these, and the pattern whose group 1 is the secret). A pattern that
# begins with letters is looked for by these; one that began by looking back would be tried at each character.
PATTERNS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (kind, tuple(hints.split("|")), re.compile(pattern))
    for kind, hints, pattern in (
        (
            "private-key",
            "private key-----",
            r"(-----BEGIN [A-Z ]*PRIVATE KEY-----"
            r"(?:[^\"-]*+(?:-(?!----)[^\"-]*+)*+-----END [A-Z ]*PRIVATE KEY-----|[A-Za-z0-9+/=\s]*+))",
        ),
        ("api-key", "sk-", r"(sk-(?<![A-Za-z0-9]sk-)[A-Za-z0-9_-]{16,})"),
        ("ephemeral", "ek_", r"(ek_(?<![A-Za-z0-9]ek_)(?=[A-Za-z_-]{0,64}\d)[A-Za-z0-9_-]{16,})"),
        ("jwt", "eyj", r"(eyJ(?<![A-Za-z0-9]eyJ)[\w-]{6,}={0,2}\.[\w-]{4,}={0,2}(?:\.[\w-]*={0,2})?)"),
        ("basic", "basic", r"(?i:basic)(?: |%20|\+)++([A-Za-z0-9+/_-]{4,}(?:=|%3[Dd]){0,2})"),
        (
            "bearer",
            "bearer",
            r"(?i:\bbearer)(?: |%20|\+)++(?!(?:sess|rtc|req|event|item|resp)_)"
            r"([\w.~/$](?=[^\s\d\"'*\\,;]{0,256}\d)[^\s\"'*\\,;]{11,})",
        ),
        ("sub-protocol", "openai-insecure-api-key", r"openai-insecure-api-key\.([^\s,\"'*]{8,})"),
        ("ice-pwd", "ice-pwd", r"a=ice-pwd:([^\s\\\"]+)"),
        ("url-userinfo", "@", r"://([^/\s?#\"'\\@<>]+)(?=@)"),
        (
            "url-query",
            "?|&",
            rf"[?&](?:{_NAMED}|(?i:key|code|sig))=((?=[^&#\s\"'\d]{{0,256}}\d)[^&#\s\"'*\\]{{12,}})",
        ),
        (
            "named",
            f"{_ENDS}|key",
            r"\"(?=[\w.-]{1,60}+\"\s{0,4}:\s{0,4}\"[^\"\s*\\]{12})"
            rf"{_NAMED}\"\s{{0,4}}:\s{{0,4}}\"((?!gpt-)(?=[^\"\s*\d]{{0,256}}\d)[^\"\s*\\]{{12,}})",
        ),
        (
            "assigned",
            _ASSIGNED,
            rf"(?i:{_ASSIGNED})(?: provided)?[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?"
            r"((?!gpt-)(?=[^\s\"'\d]{0,256}\d)[\w~.+/=-]{16,})",  # a model is none
        ),
        (
            "cookie",
            "__cf_bm=|_cfuvid=|cf_clearance=|__secure-",
            r"(?:__cf_bm|_cfuvid|cf_clearance|__Secure-[\w-]{1,64})=([^;\s\"'\\]+)",
        ),
        (
            "github",
            "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_",
            r"(?<!\w)(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})",
        ),
        ("gitlab", "glpat-", r"(?<![\w-])(glpat-[\w-]{20,})"),
        ("aws", "akia|asia", r"(?<!\w)((?:AKIA|ASIA)[A-Z0-9]{16})(?!\w)"),
        ("google", "aiza", r"(?<![\w-])(AIza[\w-]{30,})"),
        ("slack", "xox", r"(?<!\w)(xox[abeprs]-[A-Za-z0-9-]{10,})"),
        ("slack", "hooks.slack.com", r"hooks\.slack\.com/services/(T\w{1,20}/B\w{1,20}/\w{16,})"),
        ("stripe", "k_live_|k_test_", r"(?<!\w)((?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,})"),
        ("twilio", "sk", r"(SK(?<!\wSK)[0-9a-f]{32})(?!\w)"),
        ("azure-storage", "accountkey=", r"AccountKey=([A-Za-z0-9+/]{40,}={0,2})"),
        ("huggingface", "hf_", r"(?<!\w)(hf_[A-Za-z0-9]{30,})"),
        ("groq", "gsk_", r"(?<!\w)(gsk_[A-Za-z0-9]{30,})"),
        ("xai", "xai-", r"(?<!\w)(xai-(?:realtime-client-secret-[\w-]{8,}|[A-Za-z0-9]{30,}))"),
        ("sub-protocol", "xai-client-secret", r"xai-client-secret\.([^\s,\"'*]{8,})"),
        ("azure", "jqqj99", r"(?<!\w)([A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26})(?!\w)"),
        ("localai", "lai-sess:", r"(?<!\w)(lai-sess:[\w:-]{16,})"),
        ("elevenlabs", "sk_", r"(sk_(?<!\wsk_)[0-9a-f]{40,})(?!\w)"),
        ("npm", "npm_", r"(?<!\w)(npm_[A-Za-z0-9]{30,})"),
        ("pypi", "pypi-", r"(?<![\w-])(pypi-[\w-]{30,})"),
        ("sendgrid", "sg.", r"(?<!\w)(SG\.[\w-]{16,}\.[\w-]{16,})"),
    )
)

# The same by each of the hints, to be gone through for every text.
HINTED = tuple((hint, place) for place, (_, hints, _) in enumerate(PATTERNS) for hint in hints)

# What our own keys and tokens begin with: it is shown of them, and is no secret.
PREFIX = re.compile(r"sk-(?:proj-|svcacct-|admin-|or-v1-|bf-)?|ek_(?:bf_)?|xai-(?:realtime-client-secret-)?|lai-sess:")

# Of these kinds a value is hidden in every other place, too, once it was seen in its own.
LEARNT = frozenset({"ice-pwd", "cookie", "sub-protocol"})
