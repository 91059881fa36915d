"""What is read and masked: one event, a HAR of many entries, a report of many megabytes. All of it is made here."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from rtdiag.redact import Mask
from rtdiag.report.json import written
from tests.benchmarks.commands import LIMIT_S, ROOT, RTDIAG, alone, ours, peak_mb, python, variables
from tests.benchmarks.measuring import OURS, Bench, Place, Sample
from tests.diagnosis.hars import entry

ENTRIES = 50_000
REPORT_BYTES = 19_000_000
_IJSON = "import ijson, sys\nfor _ in ijson.items(open(sys.argv[1], 'rb'), 'log.entries.item'): pass"
_JSON = "import json, sys\njson.load(open(sys.argv[1], encoding='utf-8'))"
_MASKED_AT_ONCE = 50
_numbers = count(1)


def event() -> str:
    """About 1 KB as a session sends it, JSON in JSON, with a secret in it; no two alike, for what was seen may be remembered."""
    number = next(_numbers)
    wanted = {
        "said": f'It\u2019s call number {number}, "please". ' * 15,
        "headers": {"authorization": f"Bearer {_secret(0)}"},
    }
    item = {"id": f"item_{number:021}", "type": "function_call", "name": "forward", "arguments": json.dumps(wanted)}
    return json.dumps({"type": "conversation.item.added", "event_id": f"event_{number:021}", "item": item})


def masking(secrets: int) -> Callable[[Place], Bench]:
    """One event, with so many secrets known."""

    def samples(_: Place) -> dict[str, Sample]:
        found = {OURS: _each_ms(_mask(secrets))}
        return found | ({"one known": _each_ms(_mask(1))} if secrets > 1 else {"json.loads": _each_ms(json.loads)})

    return alone(samples)


def _mask(secrets: int) -> Callable[[str], str]:
    mask = Mask()
    for number in range(secrets):
        mask.learn(_secret(number))
    return lambda text: mask(text, "events.raw")


def _secret(number: int) -> str:
    """As unlike each other as those that servers make."""
    return f"FAKE{sha256(str(number).encode()).hexdigest()[:40]}"


def _each_ms(work: Callable[[str], Any]) -> Sample:
    def sample() -> float:
        texts = [event() for _ in range(_MASKED_AT_ONCE)]
        began = time.perf_counter()
        for text in texts:
            work(text)
        return (time.perf_counter() - began) * 1000 / len(texts)

    return sample


def a_har(place: Place) -> dict[str, Sample]:
    """How long it takes to explain it, beside only reading it."""
    path = str(har(place.folder))
    return {**ours("explain", path), "ijson alone": python(_IJSON, path)}


def memory_of_a_har(place: Place) -> dict[str, Sample]:
    """What that holds of the memory."""
    path = str(har(place.folder))
    return {OURS: lambda: peak_mb(*RTDIAG, "explain", path)}


@cache
def har(folder: Path) -> Path:
    """Of a page that did much else; among all that its mint was refused."""
    path = folder / "page.har"
    refused = {"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key", "param": None}}
    with path.open("w", encoding="utf-8") as file:
        file.write('{"log": {"version": "1.2", "creator": {"name": "WebInspector"}, "pages": [], "entries": [\n')
        for number in range(ENTRIES - 1):
            url = f"https://shop.example/assets/{number}.js"
            file.write(json.dumps(entry("GET", url, body="x" * 200, headers={"accept": "*/*"})) + ",\n")
        mint = "https://api.openai.com/v1/realtime/client_secrets"
        file.write(json.dumps(entry("POST", mint, 401, refused)) + "]}}\n")
    return path


def reads(*arguments: str, times: int = 1) -> Callable[[Place], Bench]:
    """A command that is given that report so many times, beside reading its JSON alone."""

    def samples(place: Place) -> dict[str, Sample]:
        path = str(report(place.folder))
        return {**ours(*arguments, *[path] * times), "json.load": python(_JSON, path)}

    return alone(samples)


@cache
def report(folder: Path) -> Path:
    """Of one run, whose events are there again and again, with other ids; sealed, as rtdiag writes it."""
    path = folder / "report.json"
    asked = [*RTDIAG, "run", "--emulator", "-o", "json"]
    ran = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=LIMIT_S, cwd=ROOT, env=variables())
    made: dict[str, Any] = json.loads(ran.stdout)
    room = (REPORT_BYTES - len(ran.stdout)) // max(1, len(json.dumps(made["events"])))
    made["events"] += [one for again in range(room) for one in _again(made["events"], again)]
    made["seal"] = ""
    path.write_text(written(made), encoding="utf-8")
    return path


def _again(events: list[dict[str, Any]], time: int) -> Iterator[dict[str, Any]]:
    for one in events:
        raw = re.sub(r'"event_id": "event_[^"]{5}', f'"event_id": "event_{time:05}', one["raw"])
        yield {**one, "id": f"{one['id']}-{time}", "raw": raw}
