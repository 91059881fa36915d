"""Properties of the mask alone: what it was told, or what looks like a secret, is hidden at its length; all else stays."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtdiag.api.keys import MADE_UP
from rtdiag.redact import Mask, stars
from rtdiag.redact.knowledge import Known
from rtdiag.transport.http import LARGEST_BODY_BYTES, recorded
from tests.secrets.canaries import PROPERTY, SPELLINGS, canaries, leaks, made, plain

# What may stand right before or behind a secret. Some of it makes an escape together with the first characters of the secret:
# what no other spelling but the plain one can stand behind.
AROUND = ("", " ", '"', "'", "\\", "\\n", "%", "%20", "%2", "=", "x", "\\u", "é", "a=", "/", "+", "\\\\", "\n")


@PROPERTY
@given(canaries(), st.sampled_from(sorted(SPELLINGS)), st.sampled_from(AROUND), st.sampled_from(AROUND))
def test_what_was_told_is_hidden_however_it_is_spelt(canary: str, spelling: str, before: str, behind: str) -> None:
    before = "" if before in ("%", "%2", "\\", "\\u") and spelling != "raw" else before
    mask = Mask()
    mask.learn(canary)
    text = f"said: {before}{SPELLINGS[spelling](canary)}{behind}; end"
    masked = mask(text, "here")
    assert not leaks(masked, canary)
    assert len(masked) == len(text), "a masked span keeps its length"
    assert masked.startswith("said: "), "and its place"
    assert masked.endswith("; end")
    assert sum(r.count for r in mask.ledger()) >= 1
    assert mask(masked, "again") == masked


CROWD = [made(f"crowd {n}", 40 + n % 20) for n in range(200)]  # they begin alike, as keys do


def knowing(secrets: Iterable[str]) -> Mask:
    mask = Mask()
    for one in secrets:
        mask.learn(one)
    return mask


@PROPERTY
@given(canaries(), st.sampled_from(sorted(SPELLINGS)), st.sampled_from(AROUND), st.integers(0, 7), st.integers(0, 60))
def test_among_many_others_it_is_hidden_as_when_it_is_known_alone(
    canary: str, spelling: str, before: str, filled: int, cut: int
) -> None:
    alone, among = knowing([canary]), knowing([*CROWD, canary])
    text = f"said{'.' * filled}{before}{SPELLINGS[spelling](canary)}"
    for one in (text, f"{text}; end", text[: len(text) - cut]):
        assert among(one, "here") == alone(one, "here")
    assert among.ledger() == alone.ledger()


@pytest.mark.parametrize("short", ["hunter2", "a1b2c3", "10.1.2.3", "::1"])
def test_among_many_others_a_short_one_is_hidden(short: str) -> None:
    mask = knowing([*CROWD, short])
    mask.learn_address("" if short.isalnum() else short)
    for filled in range(4):
        assert mask(f"{'-' * filled}({short})", "here") == f"{'-' * filled}({'*' * len(short)})"


@pytest.mark.parametrize(
    ("known", "more", "searches"),
    [(CROWD[:1], "", 0), (CROWD[:1], CROWD[0], 1), (CROWD, "", 0), (CROWD, CROWD[99], 1), (CROWD, CROWD[99][:20], 1)],
)
def test_a_text_is_walked_over_once_however_many_are_known(
    known: list[str], more: str, searches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is searched for one after the other is what is there, and no other that begins like it."""
    searched, found = Counter[str](), Known.found

    def counted(one: Known, text: str) -> Iterator[tuple[int, int]]:
        searched[one.text] += 1
        return found(one, text)

    monkeypatch.setattr(Known, "found", counted)
    event = json.dumps({"type": "session.created", "key": "sk-proj-****************abcd", "id": "event_0123456789"})
    knowing(known)(event + more, "here")
    assert len(searched) == searches


@PROPERTY
@given(canaries(), st.binary(max_size=20))
def test_a_body_that_is_no_text_is_searched_as_bytes(canary: str, around: bytes) -> None:
    mask = Mask()
    mask.learn(canary)
    body, encoding = recorded(b"\xff\xfe" + around + canary.encode() + around, mask)
    assert encoding == "base64"
    assert not leaks(base64.b64decode(body), canary)
    assert not leaks(body, canary)


@pytest.mark.parametrize("begin", [b"", b"\xff", "é".encode() * 7])
@pytest.mark.parametrize("before", [1, 12, 35])
def test_a_secret_across_the_cut_of_a_long_body_is_hidden_whole(begin: bytes, before: int) -> None:
    mask, canary = Mask(), made(before)
    mask.learn(canary)
    filled = b"x" * (LARGEST_BODY_BYTES - before - len(begin))
    body, encoding = recorded(begin + filled + canary.encode() + b"y" * 99 + "é".encode()[:1], mask)
    shown = body.encode() if encoding == "utf-8" else base64.b64decode(body)
    assert len(shown) == LARGEST_BODY_BYTES
    assert not leaks(shown[-99:], canary)
    assert canary[:before][8:] not in shown.decode("latin-1")[-99:] or before <= 8


@PROPERTY
@given(plain(("sk-proj-", "sk-svcacct-", "sk-", "ek_")), st.sampled_from(AROUND))
def test_a_key_that_nobody_told_us_about_is_hidden_where_a_word_begins(canary: str, before: str) -> None:
    text = f"said {before}{canary}"
    reads_on = before in ("x", "é", "%2", "\\u", "a=") and before != "a="
    assert reads_on or not leaks(Mask()(text, "here"), canary)


def test_well_known_shapes_of_others_are_hidden() -> None:
    body = made("others", 64, "")[:36]
    part = base64.urlsafe_b64encode(b'{"alg": "HS256"}').decode().rstrip("=")
    shapes = [
        f"{part}.{part}.{body}", *(f"gh{kind}_{body}" for kind in "pousr"), f"github_pat_{body}", f"glpat-{body}",
        "AKIA" + body.upper()[:16], "ASIA" + body.upper()[:16], f"AIza{body}", f"xoxb-{body}", f"sk_live_{body}",
        f"rk_test_{body}", f"hf_{body}", f"gsk_{body}", f"xai-{body}", f"npm_{body}", f"pypi-{body}", f"SG.{body}.{body}",
        "SK" + body.lower()[:32], f"sk-ant-api03-{body}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----", f"-----BEGIN PRIVATE KEY-----\n{body}",
    ]  # fmt: skip
    for shape in shapes:
        for spelt in (shape, json.dumps(shape), json.dumps(json.dumps(f"\n{shape}"))):
            assert not leaks(Mask()(f"a key: {spelt}", "here"), body[4:-4] + "    "), shape


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('{"client_secret": "odd-0123456789abcdef"}', "odd-0123456789abcdef"),
        ("wss://h/openai/realtime?api-key=0123456789abcdef&x=1", "0123456789abcdef"),
        ("http:\\/\\/user:pass1234@proxy\\/", "user:pass1234"),
        ("http%3A%2F%2Fuser:pass1234@proxy", "user:pass1234"),
        ("a=ice-pwd:0123456789abcdefghijkl\r\n … 0123456789abcdefghijkl", "0123456789abcdefghijkl"),
        *(
            (f"{name}=0123456789abcdef; path=/; then 0123456789abcdef", "0123456789abcdef")
            for name in ("__cf_bm", "_cfuvid", "cf_clearance", "__Secure-session")
        ),
    ],
)
def test_what_stands_in_a_place_for_secrets_is_hidden(text: str, secret: str) -> None:
    masked = Mask()(text, "here")
    assert secret not in masked
    assert len(masked) == len(text)


# What others call a field, a parameter or a header that holds a secret.
NAMES = (
    "token", "session_token", "sessionToken", "x-auth-token", "security_token", "jwt", "ticket", "clientSecret", "secret_key",
    "api_key", "apiKey", "x-api-key", "Ocp-Apim-Subscription-Key", "virtual_key", "access-key", "x-functions-key", "password",
    "authorization",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_is_called_like_a_secret_is_hidden_whoever_made_the_name(name: str) -> None:
    secret = made(name, 40, "")
    assert not leaks(Mask()(json.dumps({"detail": {name: secret}}), "here"), secret)
    assert not leaks(Mask()(f"wss://h/v1/realtime?model=m&{name}={secret}&x=1", "here"), secret)


@pytest.mark.parametrize(
    "name", ["x-session-token", "x-auth", "apikey", "x-functions-key", "cf-access-client-secret", "xi-api-key"]
)
def test_a_header_that_is_called_like_a_credential_holds_one(name: str) -> None:
    assert Mask().header(name, "a1b2c3", "here") == (name, "******")


@pytest.mark.parametrize(
    "name", ["www-authenticate", "x-ratelimit-remaining-tokens", "x-cache-key", "sec-websocket-key", "x-model-id"]
)
def test_a_header_that_is_not_stays(name: str) -> None:
    assert Mask().header(name, "a1b2c3 7", "here") == (name, "a1b2c3 7")


SAID = [
    "curl -H 'api-key: %s' h",
    "AZURE_API_KEY=%s",
    "Received API Key = %s, no such",
    'apikey="%s"',
    "API key provided: %s.",
]


@pytest.mark.parametrize("said", SAID)
def test_a_key_without_a_shape_is_hidden_where_it_is_called_one(said: str) -> None:
    """Azure's, of 32 hexadecimal digits, for one."""
    secret = made(said, 32, "").lower()
    assert not leaks(Mask()(said % secret, "here"), secret)


@pytest.mark.parametrize("password", ["p@ss/w0rd-0001", "hunter2", "s3cr3t", "a b+c%41/0001", "pässwört-1234"])
def test_name_and_password_of_a_url_are_hidden_wherever_they_occur(password: str) -> None:
    from urllib.parse import quote

    mask = Mask()
    mask.learn_url(f"http://somebody-1:{quote(password, safe='')}@proxy:3128")
    pair = base64.b64encode(f"somebody-1:{password}".encode()).decode()
    for text in (f"refused {password}.", f"refused {quote(password)}", json.dumps({"said": password}), f"{{{pair}}}"):
        masked = mask(text, "here")
        assert password not in masked
        assert pair.rstrip("=") not in masked
        assert "somebody" not in mask("for somebody-1!", "here")
        assert len(masked) == len(text)


def test_a_url_that_is_none_gives_its_password_away_no_more_than_others() -> None:
    mask = Mask()
    mask.learn_url("http://user:pa/ss-word-1@host:1")
    assert "ss-word" not in mask("not a URL: http://user:pa/ss-word-1@host:1", "here")
    mask = Mask()
    mask.learn_url("https://api.openai.com:443/v1/@x")
    assert mask("https://api.openai.com:443/v1/@x", "here") == "https://api.openai.com:443/v1/@x"


def test_short_values_are_hidden_where_they_stand_alone_and_words_never() -> None:
    mask = Mask()
    for short in ("sk-1234", "undefined", "null", "hunter2", "12345678", "proxy"):
        mask.learn(short)
    told = "key sk-1234, hunter2; xhunter2 undefined null 12345678 proxy"
    assert mask(told, "here") == "key sk-****, *******; xhunter2 undefined null 12345678 proxy"


IDS = ("sess_", "rtc_", "req_", "event_", "item_", "resp_", "chatcmpl-", "proj_", "org-")
WORDS = st.sampled_from(
    ["Bearer", "Basic authentication", "token", "Incorrect API key provided: sk-…abcd.", "api_key", "basic", "bearer token",
     "https://platform.openai.com/account/api-keys", "user@example.com", "2026-11-22T10:00:00Z", "Missing bearer or basic",
     "Invalid value: 'sk-'.", "sk-your-key-here", "ek_...", "session.audio.input.turn_detection", "100%", "C:\\new", "a+b",
     "Basic realm=\"api\"", "client_secret_expired", "password", "%20", "\\u0041", "invalid_request_error", "Bearer undefined",
     "Basic understanding", "Authorization: Bearer YOUR_KEY", "eyJ", "://", "@", "=", "sk-proj-****************wxyz",
     "API key: undefined", "api_key=YOUR_API_KEY", "?code=expired_session", "api-key: ", "subscription key provided: none"]
)  # fmt: skip


@PROPERTY
@given(st.lists(WORDS, min_size=1, max_size=6), st.sampled_from(IDS), st.integers(0, 99), canaries())
def test_what_the_api_says_of_a_failure_stays(words: list[str], kind: str, seed: int, known: str) -> None:
    mask = Mask()
    mask.learn(known)
    mask.learn_url("http://proxyuser7:hunter2@proxy:3128")
    error = {
        "type": "invalid_request_error",
        "code": "_".join(("invalid", *re.findall(r"[a-z]+", " ".join(words).lower()))),
        "message": f"{' '.join(words)} ({kind}{made(seed, 32, '')})",
        "param": "session.audio.input.turn_detection",
    }
    body = json.dumps({"error": error, "event_id": f"event_{made(seed, 24, '')}"}, indent=2)
    assert mask(body, "here") == body
    assert mask.values(error, "here") == error
    assert not mask.ledger()


def test_the_challenge_of_a_server_is_no_credential() -> None:
    for name in ("www-authenticate", "proxy-authenticate"):
        for value in ('Basic realm="a proxy"', 'Basic realm="a:b", charset="UTF-8"', "Bearer error=invalid_token"):
            assert Mask().header(name, value, "here") == (name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer sk-12"),
        ("authorization", "odd-secret"),
        ("api-key", "0a1b2c"),
        ("Proxy-Authorization", "Basic dTpw"),
        ("cookie", "a=b1; session=c2"),
        ("set-cookie", "sid=a1b2; Path=/"),
    ],
)
def test_the_headers_of_credentials_show_none_however_short(name: str, value: str) -> None:
    mask = Mask()
    _, masked = mask.header(name, value, "here")
    assert len(masked) == len(value)
    secrets = re.findall(r"(?<=[= ])[\w-]+(?=;|$)|^[\w-]+$|(?<==)\w+", value.partition("; Path")[0])
    assert secrets
    assert not any(secret in masked for secret in secrets if secret not in ("Bearer", "Basic"))
    assert mask.ledger()


@PROPERTY
@given(plain())
def test_a_masked_key_is_as_the_dashboard_shows_it(canary: str) -> None:
    kind = next(p for p in ("sk-proj-", "sk-svcacct-", "sk-", "ek_", "") if canary.startswith(p))
    shown = stars(canary)
    assert len(shown) == len(canary)
    assert re.fullmatch(rf"{re.escape(kind)}\*+{re.escape(canary[-4:]) if kind else ''}", shown)
    mask = Mask()
    mask.learn(canary)
    assert mask(f"x {canary} y", "place") == f"x {shown} y"
    assert [(r.where, r.count) for r in mask.ledger()] == [("place", 1)]


def test_made_up_controls_stay() -> None:
    for control in MADE_UP:
        for text in (control, f"Bearer {control}", json.dumps({"k": control}), f"openai-insecure-api-key.{control}"):
            assert Mask()(text, "here") == text


@pytest.mark.parametrize(
    "again",
    ["eyJ=", "eyJaaaaaa.aaaa.", "bearer+", "bearer ", "basic aaaa ", "://a", "sk-", "SG.", "__Secure-", "-----BEGIN ",
     "-----BEGIN PRIVATE KEY-----", "%41", "\\\\", "\\u0041", "xoxb-", "a=ice-pwd:", "?key=", "\"token\":\"", "10.1.2.3."],
)  # fmt: skip
def test_no_text_takes_time_beyond_its_length(again: str) -> None:
    """At this length, a search that begins anew inside what it has read takes minutes, and hangs the suite."""
    mask = Mask()
    mask.learn(made(1))
    mask.learn_address("10.1.2.3")
    text = again * (200_000 // len(again))
    assert len(mask(text, "here")) == len(text)
