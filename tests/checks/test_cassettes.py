"""What lies in cassettes/: vcrpy replays it, rtdiag judges it as its README says, and no secret is in it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import httpx
import pytest
import vcr
from detect_secrets.core.plugins.initialize import from_plugin_classname

from rtdiag.emulator import load_faults
from rtdiag.engine import registry
from rtdiag.engine.context import INVALID_OFFER, speaks
from rtdiag.engine.rejudge import replay
from rtdiag.model import Exchange, Observation, Report
from rtdiag.recorded import report_in, unfolding
from rtdiag.redact import Mask, Secret
from rtdiag.report import cassette
from rtdiag.testing import finding, judge
from rtdiag.transport.http import Credential, Http
from rtdiag.transport.recorder import Deadlines, Recorder
from tests.checks import make_cassettes
from tests.checks.broken import WHOLE
from tests.checks.make_cassettes import BEGIN, CASSETTES, END

CHECKS = registry.load(()).checks
FILES = {path.relative_to(CASSETTES).as_posix(): path for path in sorted(CASSETTES.rglob("*.yaml"))}
TOKEN = Credential("transcription-token", Secret("ek_67e7aFAKE000000000000000000000026ea"))
TLS = ssl.create_default_context()
LARGEST_BYTES, LARGEST_ALTOGETHER_BYTES = 10_000, 600_000


def text_of(name: str) -> str:
    return FILES[name].read_text(encoding="utf-8")


def judged(name: str) -> Report:
    return make_cassettes.judged(FILES[name])


def rows() -> dict[str, tuple[str, str, str | None]]:
    """The table of the README: case, status and cause by file."""
    table = (CASSETTES / "README.md").read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {
        re.sub(r"\[(.+)\]\(\1\)", r"\1", name): (case, status, None if cause == "–" else cause)
        for name, case, status, cause, _ in cells
    }


def test_the_readmes_table_is_what_the_generator_writes_of_this_folder() -> None:
    readme = (CASSETTES / "README.md").read_text(encoding="utf-8")
    assert set(rows()) == set(FILES)
    assert readme.partition(BEGIN)[2].partition(END)[0] == make_cassettes.table()


@pytest.mark.parametrize("name", FILES)
def test_a_cassette_is_judged_as_the_readme_says(name: str) -> None:
    case, status, cause = rows()[name]
    found = finding(judged(name), case)
    assert (found.status, found.cause) == (status, cause)
    assert name.partition("/")[0] == case.partition(".")[0] == judged(name).checks[0].id
    assert len(judged(name).checks) == 1


def test_what_a_check_sees_of_a_fault_has_a_cassette_but_for_the_newest() -> None:
    """Whoever adds a fault need not record it; one in ten may wait for the next run of the generator."""
    seen = {
        f"{check.id}/{fault.id}.yaml"
        for check in CHECKS.values()
        for fault in WHOLE.values()
        if any(fnmatchcase(f"{check.id}.{case.id}", glob) for case in check.cases for glob in fault.sees)
    }
    missing = seen - FILES.keys()
    assert len(missing) <= len(seen) // 10, f"`python -m tests.checks.make_cassettes` writes {sorted(missing)}"


@pytest.mark.parametrize("name", FILES)
def test_a_header_says_where_the_cassette_comes_from(name: str) -> None:
    assert make_cassettes.origin(text_of(name))
    recorded = text_of(name).startswith("# Recorded from the emulator")
    assert recorded == (judged(name).target.recognised_as == "emulator")


@pytest.mark.parametrize("text", ["", "interactions: []", "# Recorded yesterday.", "# Transcribed from memory: 401"])
def test_any_other_header_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="where the cassette comes from"):
        make_cassettes.origin(text)


def test_they_are_small() -> None:
    sizes = {name: path.stat().st_size for name, path in FILES.items()}
    assert {name: size for name, size in sizes.items() if size > LARGEST_BYTES} == {}
    assert sum(sizes.values()) < LARGEST_ALTOGETHER_BYTES


@pytest.mark.parametrize(
    "name",
    ["key/key-revoked", "key/no-answer", "token/mint-refused", "token/token-never-expires", "vad/own-session-flat"],
)
def test_the_generator_writes_what_lies_here(name: str) -> None:
    path = CASSETTES / f"{name}.yaml"
    situation = next(one for one in make_cassettes.situations() if one.path == path)
    assert make_cassettes.text_of(situation) == path.read_text(encoding="utf-8")


def test_every_file_from_the_emulator_has_its_situation_and_the_other_way_round_but_for_a_fault() -> None:
    written = {situation.path: situation.id for situation in make_cassettes.situations()}
    recorded = {FILES[name] for name in FILES if "Recorded from the emulator" in text_of(name)}
    assert recorded <= written.keys()
    assert {written[path] for path in written.keys() - recorded} <= load_faults().keys()


# --- vcrpy itself


@pytest.mark.parametrize("name", FILES)
def test_vcrpy_replays_it_to_any_client(name: str) -> None:
    held = unfolding.parsed(text_of(name))["interactions"]
    with (
        vcr.use_cassette(str(FILES[name]), record_mode="none") as played,
        httpx.Client(verify=TLS, trust_env=False) as http,
    ):
        for one in held:
            asked, told = one["request"], one["response"]
            headers = {name: ", ".join(values) for name, values in asked["headers"].items()}
            answer = http.request(asked["method"], asked["uri"], headers=headers, content=asked["body"])
            body = told["body"]["string"]
            assert answer.status_code == told["status"]["code"]
            assert answer.content == (body if isinstance(body, bytes) else body.encode())
        assert played.play_count == len(held)
        with pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException):
            http.get("http://127.0.0.1:8090/not/in/it")


def replayed(
    name: str, path: str, base_url: str = "https://api.openai.com/v1", method: str = "POST", **content: Any
) -> Exchange:
    """One request through rtdiag's own client, answered by a cassette; a request that it does not hold raises."""

    async def ask() -> Exchange:
        http = Http(base_url, Recorder(Mask()), Deadlines())
        exchange = (await http.send(method, path, TOKEN, **content)).exchange
        await http.aclose()
        return exchange

    with vcr.use_cassette(str(FILES[name]), record_mode="none"):
        return asyncio.run(ask())


def test_the_founding_report() -> None:
    exchange = replayed(
        "endpoint/offer-to-transcription-sessions-2025-03.yaml",
        "/realtime/transcription_sessions?model=gpt-4o-transcribe",
        content=INVALID_OFFER,
        headers={"content-type": "application/sdp"},
    )
    assert exchange.status == 401
    assert "ek_67e7a***********************26ea" in (exchange.body or ""), "the server's own mask is left as it is"
    seen = Observation("transcription-sessions-transcription-token", (exchange,))
    found = judge(CHECKS["endpoint"], [seen], dialects=["beta"])[seen.case]
    assert (found.status, found.show_body) == ("pass", True)
    assert found.hint is not None
    assert "/realtime/calls and drop ?model=" in found.hint


def test_the_betas_mint_after_its_end() -> None:
    body = {"model": "gpt-4o-realtime-preview"}
    exchange = replayed("token/beta-mint-after-its-end.yaml", "/realtime/sessions", json_body=body)
    assert not speaks(exchange)
    found = judge(CHECKS["token"], [Observation("beta-mint-realtime", (exchange,))])["beta-mint-realtime"]
    assert (found.status, found.measured) == ("info", "404 Invalid URL")


def test_one_from_the_emulator_through_rtdiags_own_client() -> None:
    exchange = replayed("key/key-wrong-region.yaml", "/models", "http://127.0.0.1:8090/v1", "GET")
    found = judge(CHECKS["key"], [Observation("accepted", (exchange,))])["accepted"]
    assert (found.status, found.cause) == ("fail", "wrong-regional-host")


# --- part of a recording


def test_a_part_holds_what_its_cases_rest_on_and_nothing_else() -> None:
    whole = make_cassettes.situations()
    report = next(one for one in whole if one.id == "wrong-fingerprint").recorded()
    part = cassette.only(report, ["sdp.dtls-realtime"])
    assert [f"{o.id}.{r.id}" for o in part.checks for r in o.rows] == ["sdp.dtls-realtime"]
    assert [p.offered_in for p in part.peers] == [x.id for x in part.exchanges]
    assert part.events == ()
    again = replay(report_in(cassette.render(part)), CHECKS)
    assert finding(again, "sdp.dtls-realtime") == finding(report, "sdp.dtls-realtime")
    assert cassette.only(report, []).exchanges == ()


def test_the_name_of_an_organization_is_left_out_of_a_recording() -> None:
    report = next(one for one in make_cassettes.situations() if one.id == "key-revoked").recorded()
    assert any("openai-organization" in x.correlation for x in report.exchanges)
    assert "organization" not in cassette.render(cassette.only(report, ["key.accepted"]))


# --- secrets

# All that know the shape of a secret; those that go by entropy, names or addresses find something in every id.
_DETECTORS = (
    *("ArtifactoryDetector", "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "CloudantDetector"),
    *(
        "DiscordBotTokenDetector",
        "GitHubTokenDetector",
        "GitLabTokenDetector",
        "IbmCloudIamDetector",
        "IbmCosHmacDetector",
    ),
    *(
        "JwtTokenDetector",
        "MailchimpDetector",
        "NpmDetector",
        "OpenAIDetector",
        "PrivateKeyDetector",
        "PypiTokenDetector",
    ),
    *("SendGridDetector", "SlackDetector", "SoftlayerDetector", "SquareOAuthDetector", "StripeDetector"),
    *("TelegramBotTokenDetector", "TwilioKeyDetector"),
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")


def texts(value: Any) -> Iterator[str]:
    """Every text inside: keys and values, bytes as text, JSON in text, and what base64 hides; each as often as it is wrapped."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)
    elif isinstance(value, bytes):
        yield from texts(value.decode("utf-8", "replace"))
    elif isinstance(value, str):
        yield value
        yield from texts(_inside(value))


def _inside(text: str) -> list[Any]:
    found: list[Any] = []
    for encoded in _BASE64.findall(text):
        whole = encoded.rstrip("=")
        decoded = base64.b64decode(whole[: len(whole) - (len(whole) % 4 == 1)] + "==")
        found += [decoded] if decoded.isascii() else []
    if text.lstrip()[:1] in ("{", "["):
        try:
            found.append(json.loads(text))
        except ValueError:
            found += []
    return found


def secrets_in(text: str) -> set[str]:
    """The kinds of secrets that rtdiag's mask and detect-secrets find anywhere in a cassette, comments and bodies alike."""
    lines = {line for one in {text, *texts(unfolding.parsed(text))} for line in one.splitlines()}
    mask = Mask()
    for line in lines:
        mask(line, "cassette")
    return {redaction.kind for redaction in mask.ledger()}.union(*map(_detected, lines))


@cache
def _detected(line: str) -> frozenset[str]:
    return frozenset(plugin.secret_type for plugin in _plugins() if any(plugin.analyze_string(line)))


@cache
def _plugins() -> tuple[Any, ...]:
    return tuple(map(from_plugin_classname, _DETECTORS))


@pytest.mark.parametrize("name", FILES)
def test_no_secret_is_in_it(name: str) -> None:
    assert secrets_in(text_of(name)) == set()


KEY = f"sk-{'A' * 20}T3BlbkFJ{'B' * 20}"


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        (KEY, "OpenAI Token"),
        (KEY, "api-key"),
        (f"ek_{'c0' * 16}", "ephemeral"),
        ("AKIA" + "D" * 16, "AWS Access Key"),
        ("ghp_" + "E" * 36, "GitHub Token"),
        (f"sk_live_{'F' * 24}", "Stripe Access Key"),
        ("xoxb-1234567890-FAKEFAKEFAKE", "Slack Token"),
        ("-----BEGIN RSA PRIVATE KEY-----", "Private Key"),
        ("https://fake:password@gateway.test/v1", "Basic Auth Credentials"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJmYWtlIjoidHJ1ZSJ9.RkFLRUZBS0VGQUtFRkFLRQ", "JSON Web Token"),
    ],
)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda secret: secret,
        lambda secret: json.dumps({"error": {"message": f"refused: {secret}"}}),
        lambda secret: json.dumps({"raw": json.dumps({"token": secret})}),
        lambda secret: f"refused: {secret}".encode(),
        lambda secret: base64.b64encode(f"refused: {secret}".encode()).decode(),
    ],
    ids=["plain", "json", "json in json", "bytes", "base64"],
)
def test_a_secret_that_was_left_in_a_body_would_be_found(planted: str, kind: str, wrap: Any) -> None:
    whole = unfolding.parsed(text_of("key/key-revoked.yaml"))
    whole["interactions"][0]["response"]["body"]["string"] = wrap(planted)
    assert kind in secrets_in(cassette.dumped(whole))


def test_a_secret_in_an_event_or_a_comment_would_be_found_too() -> None:
    whole = unfolding.parsed(text_of("websocket/socket-key-refused.yaml"))
    whole["rtdiag"]["events"][0]["raw"] = json.dumps({"session": {"key": KEY}})
    assert "OpenAI Token" in secrets_in(cassette.dumped(whole))
    assert "OpenAI Token" in secrets_in(f"# {KEY}\n{text_of('key/key-revoked.yaml')}")
