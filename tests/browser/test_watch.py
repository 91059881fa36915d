"""A user's own page with the watch line in it: what the run is told by it names the cause, and the page does what it did before."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rtdiag import Config, Report
from rtdiag import run as whole_run
from rtdiag.api.endpoints import BETA_TRANSCRIPTION_SESSIONS
from rtdiag.browser.account import Account, account_of
from rtdiag.emulator import Emulator
from rtdiag.engine import registry
from rtdiag.engine.rejudge import replay
from rtdiag.whole_run import Silent
from tests.browser.chromium import Window
from tests.browser.explained import explained
from tests.browser.site import site, source
from tests.browser.watching import WATCH, account_in, told, watched, watching

Json = dict[str, Any]
THE_WEEK = date(2025, 3, 21)

# What ordinary pages are made of, for the small ones below.
PARTS = """
const API = "https://api.openai.com/v1";
const token = async () => (await (await fetch("/token", { method: "POST" })).json()).value;
const opened = (target, event) => new Promise((done) => target.addEventListener(event, done, { once: true }));
async function call(key, url = `${API}/realtime/calls`) {
  const pc = new RTCPeerConnection();
  pc.addTransceiver("audio");
  const channel = pc.createDataChannel("oai-events"), events = [];
  const heard = (type) =>
    new Promise((done) => channel.addEventListener("message", ({ data }) => JSON.parse(data).type === type && done()));
  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/sdp" };
  const response = await fetch(url, { method: "POST", body: offer.sdp, headers });
  await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
  return { pc, channel, heard };
}
const SOCKETS = `${API.replace("http", "ws")}/realtime?model=gpt-realtime`;
const socket = (key) => new WebSocket(SOCKETS, ["realtime", `openai-insecure-api-key.${key}`]);
"""
PAGE = '<!doctype html><title>open</title><link rel="icon" href="data:,"><script type="module" src="page.js"></script>'
OVER = '\nmain().catch((error) => console.error("It did not start:", error)).then(() => (document.title = "over"));'


async def _account(window: Window, main: str, body: Json, html: str = PAGE) -> str:
    """The account of a page whose `main` has come to its end, as the run was told it."""
    async with Emulator() as emulator, watching() as serving, window.sheet() as opened:
        script = (PARTS + main + OVER).replace("https://api.openai.com", emulator.base_url.removesuffix("/v1"))
        scripts = {"page.html": watched(html, serving.watch_line), "page.js": script}
        async with site(emulator, body=body, scripts=scripts) as origin:
            await opened.page.goto(f"{origin}/page.html")
            await opened.page.wait_for_function("document.title === 'over'")
            return await account_in(opened)


def _explained(account: str, folder: Path) -> Json:
    path = folder / "account"
    path.write_text(account, encoding="utf-8")
    found: Json = explained(path)
    assert found["form"] == "page's account"
    return found


REALTIME = {"session": {"type": "realtime", "model": "gpt-realtime"}}
TRANSCRIPTION = {"session": {"type": "transcription"}}
UPDATE = '{ type: "session.update", session: { type: "realtime", instructions: "Be brief." } }'

# The page's `main`, what its token is for, and the cause that comes first, "" where nothing failed.
MISTAKES: Mapping[str, tuple[str, Json, str]] = {
    "used token": (
        """async function main() {
          const key = await token(), first = socket(key);
          await opened(first, "message");
          first.close();
          await opened(socket(key), "close");
        }""",
        REALTIME,
        "ephemeral-token-already-used high",
    ),
    "update of another kind": (
        f"""async function main() {{
          const {{ channel, heard }} = await call(await token());
          await heard("session.created");
          channel.send(JSON.stringify({UPDATE}));
          await heard("error");
        }}""",
        TRANSCRIPTION,
        "realtime-update-on-transcription-session medium",
    ),
    "the wrong field of the token's answer": (
        """async function main() {
          const data = await (await fetch("/token", { method: "POST" })).json();
          await call(data.client_secret);
        }""",
        REALTIME,
        "token-not-in-answer high",
    ),
    "a path that is none": (
        "async function main() { await call(await token(), `${API}/realtime/call`); }",
        REALTIME,
        "url-not-known-here high",
    ),
    "an error as an answer": (
        """async function main() {
          const pc = new RTCPeerConnection();
          pc.createDataChannel("oai-events");
          await pc.setLocalDescription();
          const headers = { Authorization: `Bearer ${await token()}` };
          const body = JSON.stringify(pc.localDescription);
          const response = await fetch(`${API}/realtime/calls`, { method: "POST", body, headers });
          await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
        }""",
        REALTIME,
        "sdp-content-type high",
    ),
    "the second attempt works": (
        """async function main() {
          const key = await token();
          const first = socket(key);
          await opened(first, "message");
          first.close();
          await opened(socket(key), "close");
          await opened(socket(await token()), "message");
        }""",
        REALTIME,
        "ephemeral-token-already-used high",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_page_with_a_mistake(window: Window, tmp_path: Path, case: str) -> None:
    main, body, cause = MISTAKES[case]
    found = _explained(window.run(_account(window, main, body)), tmp_path)
    first = found["diagnosis"][0]
    assert f"{first['cause']} {first['confidence']}" == cause
    assert ("a session came about after that" in found["note"]) == (case == "the second attempt works")
    assert [also["confidence"] for also in found["diagnosis"][1:] if also["confidence"] != "low"] == []


def test_a_page_that_works(window: Window, tmp_path: Path) -> None:
    main = 'async function main() { const { heard } = await call(await token()); await heard("session.created"); }'
    found = _explained(window.run(_account(window, main, REALTIME)), tmp_path)
    assert found["diagnosis"] == []
    assert re.search(
        r"holds 2 requests, 1 to the Realtime API; none of these failed; .*session\.created came on p\d+ at",
        found["note"],
    )


def test_a_page_whose_policy_forbids_the_api_and_the_telling(window: Window, tmp_path: Path) -> None:
    """What it did stays in the page, and the console says how it is brought to rtdiag."""
    policy = "<meta http-equiv=Content-Security-Policy content=\"connect-src 'self'\">"

    async def run() -> tuple[str, str]:
        main = "async function main() { await call(await token()); }"
        async with Emulator() as emulator, watching() as serving, window.sheet() as opened:
            script = (PARTS + main + OVER).replace("https://api.openai.com", emulator.base_url.removesuffix("/v1"))
            html = watched(PAGE.replace("<title>", f"{policy}<title>"), serving.watch_line)
            async with site(emulator, body=REALTIME, scripts={"page.html": html, "page.js": script}) as origin:
                await opened.page.goto(f"{origin}/page.html")
                how = await opened.printed("rtdiag explain -")
                return await account_in(opened), how

    account, how = window.run(run())
    assert "copy(rtdiagWatch.text())" in how
    found = _explained(account, tmp_path)
    assert (found["diagnosis"][0]["cause"], found["diagnosis"][0]["confidence"]) == ("content-security-policy", "high")
    assert "watched" not in account


def test_the_founding_page_tells_the_run_its_cause(window: Window, tmp_path: Path) -> None:
    """As of 2025-03-21, with the line pasted in: the page's own request and its answer, and the error that followed from it."""

    async def run() -> tuple[Account, str]:
        async with Emulator(as_of=THE_WEEK) as emulator, watching() as serving, window.sheet() as opened:
            scripts = {"thread.html": watched(source("thread.html", emulator), serving.watch_line)}
            async with site(emulator, mint=BETA_TRANSCRIPTION_SESSIONS, scripts=scripts) as origin:
                await opened.page.goto(f"{origin}/thread.html")
                await opened.page.click("#record")
                await opened.shows("#status", "Error")
                posted = await told(serving, lambda account: bool(account.peers and account.peers[0].wrong))
                return posted, await account_in(opened)

    posted, account = window.run(run())
    assert [(one.method, one.status) for one in posted.requests] == [("POST", 200), ("POST", 401)]
    assert "Incorrect API key provided: ek_" in (posted.requests[1].answer or "")
    assert posted.peers[0].offered_in == posted.requests[1].id
    found = _explained(account, tmp_path)
    (first, second) = found["diagnosis"]
    assert (first["cause"], first["confidence"]) == ("ek-sent-to-mint-endpoint", "high")
    assert "/v1/realtime/transcription_sessions" in first["evidence"][0]
    assert (second["cause"], second["confidence"]) == ("error-json-used-as-sdp-answer", "low")


SECRETS = {
    "key": "sk-proj-FAKEfakeFAKE0123456789fakeFAKE",
    "odd": "FAKE-0d41f3b2-odd-token-of-a-route",
    "named": "fake7named7secret7of7a7vendor",
    "asked": "fake9in9the9query9of9a9url",
    "user": "fakeuser:fakepassword1",
    "first": "fake1first1of1a1form",
    "part": "fake2part2of2a2form2",
    "listed": "fake3listed3token3",
    "letters": "fakesecretofnothingbutletters",
    "said": "fake4said4in4words",
    "dollar": "fake$5short5",
    "spoken": "fake6sub6protocol6of6another",
    "cookie": "fake8cookie8of8the8page",
    "rapid": "fake0header0of0a0vendor",
    "jwt": "eyJmYWtlIjoiZmFrZSJ9.eyJmYWtlIjoxMjM0NX0.ZmFrZWZha2VmYWtl",
}


def test_no_secret_leaves_the_page(window: Window) -> None:
    """Also one that only its later place shows to be a secret: it was the whole answer of a route, or a line in the console."""
    main = f"""const S = {json.dumps(SECRETS)};
    async function main() {{
      console.log("got", S.odd, {{ inside: S.odd }});
      const post = (body, headers = {{}}) => fetch("/told", {{ method: "POST", body, headers }});
      await post(JSON.stringify({{ note: S.odd, api_key: S.named, session: {{ client_secret: {{ value: S.jwt }} }} }}));
      const headers = {{ "X-Api-Key": S.named, Authorization: `Bearer ${{S.odd}}` }};
      await post(JSON.stringify(JSON.stringify({{ password: S.named }})), headers);
      document.cookie = `sid=${{S.cookie}}`;
      console.log(document.cookie, `password: ${{S.said}}`, {{ tokens: [S.listed] }}, `{{'secret': '${{S.letters}}'}}`);
      await post(JSON.stringify({{ password: S.dollar, encoded: btoa(S.key) }}), {{ "X-RapidAPI-Key": S.rapid }});
      const parts = new FormData();
      parts.set("api_key", S.part);
      await fetch("/page.js", {{ method: "POST", body: parts }});
      await fetch("/page.js", {{ method: "POST", body: `access_token=${{S.first}}&a=b` }});
      await opened(new WebSocket("ws://127.0.0.1:9/", ["token", S.spoken]), "close");
      await fetch(`/page.js?api_key=${{S.asked}}&model=x`, {{ headers: new Headers({{ Authorization: S.key }}) }});
      const form = new FormData();
      form.set("sdp", "v=0\\r\\na=ice-pwd:fakeicepwdfakeicepwd\\r\\n");
      await fetch("/page.js", {{ method: "POST", body: form }});
      const xhr = new XMLHttpRequest();
      xhr.open("GET", "/page.js");
      xhr.setRequestHeader("authorization", `Bearer ${{S.jwt}}`);
      xhr.send();
      await opened(xhr, "loadend");
      await opened(new WebSocket("ws://127.0.0.1:9/", ["realtime", `openai-insecure-api-key.${{S.key}}`]), "close");
      console.warn("Missing bearer or basic authentication in header");
      console.error(new Error(`refused for ${{S.key}} at https://${{S.user}}@host.example/`));
    }}"""
    account = window.run(_account(window, main, REALTIME))
    shown = account_of(account)
    encoded = base64.b64encode(SECRETS["key"].encode()).decode()
    assert [name for name, secret in {**SECRETS, "encoded": encoded}.items() if secret in account] == []
    assert "fakeicepwd" not in account
    assert "basic authentication in header" in account, "a word is no secret"
    assert [value for name, value in shown.requests[-2].headers if name == "content-type"] == ["multipart/form-data"]
    assert "sk-proj-" in shown.sockets[-1].offered[1]
    assert shown.sockets[-1].offered[1].endswith("FAKE")


def test_what_is_kept_is_bounded(window: Window) -> None:
    """A page that does very much, and answers that are large, are cut, counted, and do not hold the page up."""
    main = """async function main() {
      for (let n = 0; n < 2100; n++) console.log("line", n);
      await fetch("/told", { method: "POST", body: JSON.stringify({ long: "words ".repeat(20000) }) });
      const [one, other] = [new RTCPeerConnection(), new RTCPeerConnection()];
      one.onicecandidate = ({ candidate }) => candidate && other.addIceCandidate(candidate);
      other.onicecandidate = ({ candidate }) => candidate && one.addIceCandidate(candidate);
      const channel = one.createDataChannel("oai-events");
      await one.setLocalDescription();
      await other.setRemoteDescription(one.localDescription);
      await other.setLocalDescription();
      await one.setRemoteDescription(other.localDescription);
      await opened(channel, "open");
      for (let n = 0; n < 200; n++) channel.send(JSON.stringify({ type: "input_audio_buffer.append", audio: "A".repeat(2000) }));
      one.close();
      other.close();
    }"""
    account = window.run(_account(window, main, REALTIME))
    shown = account_of(account)
    assert len(shown.console) == 2000
    assert shown.left_out >= 100 + 100
    assert len(shown.requests[0].body or "") < 70_000
    assert len([one for one in shown.events if one.direction == "sent"]) == 100
    assert "(2000 characters left out)" in shown.events[0].raw


def test_pasted_into_a_console_it_says_what_it_cannot_know_and_records_from_then_on(window: Window) -> None:
    main = "async function main() { window.key = await token(); window.open_ = await call(await token()); }"

    async def run() -> tuple[str, list[str]]:
        async with Emulator() as emulator, window.sheet() as opened:
            script = (PARTS + main + OVER).replace("https://api.openai.com", emulator.base_url.removesuffix("/v1"))
            async with site(emulator, body=REALTIME, scripts={"page.html": PAGE, "page.js": script}) as origin:
                await opened.page.goto(f"{origin}/page.html")
                await opened.page.wait_for_function("document.title === 'over'")
                await opened.page.evaluate(f"() => {{ {WATCH} }}")
                await opened.page.evaluate("""async () => {
                    await fetch("/token", { method: "POST" });
                    const { channel, heard } = window.open_;
                    if (channel.readyState !== "open") await new Promise((done) => (channel.onopen = done));
                    channel.send(JSON.stringify({ type: "response.cancel" }));
                    await heard("error");
                }""")
                return await account_in(opened), opened.console

    account, console = window.run(run())
    shown = account_of(account)
    assert len(shown.requests) == 1
    types = [(event.direction, json.loads(event.raw)["type"]) for event in shown.events]
    assert ("sent", "response.cancel") in types
    assert ("received", "error") in types
    (line,) = [line for line in console if line.startswith("rtdiag")]
    assert "from now on" in line
    assert "rtdiag explain -" in line


class _Hearing(Silent):
    """An observer that keeps the watch line, as a person would copy it."""

    def __init__(self) -> None:
        self.line: Future[str] = Future()

    def to_do(self, line: str) -> None:
        if found := re.search("<script .*</script>", line):
            self.line.set_result(found[0])


def test_a_run_names_the_cause_of_the_founding_page(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the request of the page itself, and what it was answered."""

    async def run() -> Report:
        async with Emulator(as_of=THE_WEEK) as emulator, window.sheet() as opened:
            monkeypatch.setenv("OPENAI_API_KEY", emulator.key)
            config = Config(base_url=emulator.base_url, browser="print", only=["browser.own-page"])
            hearing = _Hearing()
            running = asyncio.create_task(asyncio.to_thread(whole_run, config, hearing))
            line = await asyncio.wrap_future(hearing.line)
            scripts = {"thread.html": watched(source("thread.html", emulator), line)}
            async with site(emulator, mint=BETA_TRANSCRIPTION_SESSIONS, scripts=scripts) as origin:
                await opened.page.goto(f"{origin}/thread.html")
                await opened.page.click("#record")
                await opened.shows("#status", "Error")
                return await running

    report = window.run(run())
    (cause,) = report.diagnosis
    assert (cause.cause, cause.confidence, cause.evidence) == (
        "ek-sent-to-mint-endpoint",
        "high",
        ("browser.own-page",),
    )
    (row,) = [row for check in report.checks for row in check.rows if row.id == "own-page"]
    assert (row.finding.status, row.seen.exchange and row.seen.exchange.status) == ("fail", 401)
    assert "Incorrect API key provided: ek_" in str(row.seen.exchange and row.seen.exchange.body)
    again = replay(report, registry.load(()).checks)
    assert [one.cause for one in again.diagnosis] == ["ek-sent-to-mint-endpoint"]
