"""Every output of every command, read off the command line itself, and what each writes when its inputs are full of secrets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
from click.testing import CliRunner

from rtdiag.cli import main
from rtdiag.report import FORMATS
from tests.secrets.canaries import made

PASSWORD = made("password", 24, "")


@dataclass(frozen=True)
class Planted:
    """A folder, and the secrets that its files, the environment and the server on `port` are full of, by their places."""

    folder: Path
    port: int
    secrets: dict[str, str] = field(default_factory=dict)

    def secret(self, place: str, length: int = 48, prefix: str = "sk-proj-") -> str:
        """The secret of that place; of another look where no prefix is wanted."""
        return self.secrets.setdefault(place, made(place, length, prefix))

    def userinfo(self, place: str) -> str:
        """A name and a password for a URL, the second one spelt as URLs need it."""
        return f"{self.secret(f'{place} user', 20, '')}:{quote(self.secret(f'{place} password', 24, '') + '/@%', safe='')}@"

    def environment(self) -> dict[str, str]:
        """The variables of a run."""
        host = f"127.0.0.1:{self.port}"
        return {
            "OPENAI_API_KEY": self.secret("OPENAI_API_KEY", 60, ""),
            "RTDIAG_TOKEN": self.secret("RTDIAG_TOKEN", 40, "ek_"),
            "RTDIAG_ICE_USERNAME": self.secret("RTDIAG_ICE_USERNAME", 20, ""),
            "RTDIAG_ICE_CREDENTIAL": self.secret("RTDIAG_ICE_CREDENTIAL", 32, ""),
            "OPENAI_BASE_URL": f"http://{host}/v1",
            "HTTPS_PROXY": f"http://{self.userinfo('proxy')}127.0.0.1:9",
            "OPENAI_ORG_ID": "org-stays",
            "COLUMNS": "200",
        }

    def file(self, name: str, text: str) -> str:
        """A file of the folder with that text."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)

    def called(self, *args: str, given: str = "", code: int | None = None) -> bytes:
        """All that the command wrote: both streams and every file."""
        before = set(self.folder.iterdir())
        result = CliRunner().invoke(main, args, env=self.environment(), input=given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        assert code is None or result.exit_code == code, result.output
        files = b"\n".join(path.read_bytes() for path in sorted(set(self.folder.iterdir()) - before))
        return result.stdout_bytes + b"\n" + (result.stderr_bytes or b"") + b"\n" + files


def outputs() -> Iterator[tuple[str, str]]:
    """Each command with each of its outputs: its formats, and the options that name a file to write."""
    for name, command in main.commands.items():
        options = {o.name: o for o in command.params}
        form = options.get("output")
        yield from (
            (name, str(one))
            for one in (form.type.choices if form and isinstance(form.type, click.Choice) else ("text",))
        )
        if "reports" in options:
            yield from ((name, f"--report {one}") for one in FORMATS)
            yield name, "summary of a step"
        yield from ((name, f"--{o}") for o in ("record", "cassette") if o in options)


def asked(planted: Planted, *more: str) -> bytes:
    """A run against a server that repeats everything, with secrets in all that can be given."""
    session = {"type": "realtime", "model": "gpt-realtime", "metadata": {"key": planted.secret("session"), "n": 1}}
    path = planted.file("session.json", json.dumps(session))
    url = f"http://{planted.userinfo('token URL')}127.0.0.1:{planted.port}/token"
    return planted.called("run", "--session", path, "--token-url", url, "--timeout", "5", *more, code=1)


def probed(planted: Planted, *more: str) -> bytes:
    """A page served for a browser that ends at once, at the same server."""
    path = Path(planted.file("chromium", "#!/bin/sh\n[ $1 = --version ] && echo Chromium 150\n"))
    path.chmod(0o700)
    return planted.called("probe", f"--browser={path}", *more, code=1)


def dirty(planted: Planted, report: Mapping[str, Any]) -> dict[str, Any]:
    """A report that was not masked, as an older tool or a hand may have made it: secrets in every kind of place."""
    key, userinfo, cookie = planted.secret("file"), planted.userinfo("file"), planted.secret("file cookie", 40, "")
    found: dict[str, Any] = json.loads(json.dumps(report))
    told = f"refused {key} at https://{userinfo}h/ and {planted.secret('file token', 40, 'ek_')}"
    for exchange in found["exchanges"]:
        exchange["request_headers"] += [
            ["Authorization", f"Bearer {planted.secret('file header', 40, '')}"],
            [f"x-{key}", key],
        ]
        exchange["response_headers"] += [["Set-Cookie", f"a={cookie}; Path=/"], ["x-said", told]]
        exchange["body"] = json.dumps({"error": {"message": told, "code": "invalid_api_key", key: told}})
        exchange["body_encoding"] = "utf-8"
        exchange["correlation"]["x-request-id"] = f"req_{key}"
        exchange["request_body"] = told
    for event in found["events"]:
        event["raw"] = json.dumps({"type": event["type"], "event_id": f"event_{key}", "said": told})
    for peer in found["peers"]:
        peer["failure"] = {"kind": "ice", "phase": "ice", "detail": told}
        peer["close"] = {"code": "4000", "reason": told}
    for check in found["checks"]:
        check["reason"] = told
        for case in check["cases"]:
            case |= {"measured": told, "expected": told, "hint": told, "facts": {"said": told, key: [told]}}
    found["target"] |= {"base_url": f"https://{userinfo}api.test/v1", "session": {"instructions": told}, "model": key}
    found["credential"] |= {"source": told, "masked": key}
    found["not_tested"], found["left_open"] = [told], [told]
    return found


def paste(planted: Planted) -> str:
    """What a person may give to explain: a request with its key and its answer, and a log."""
    key = planted.secret("paste")
    return (
        f"curl -H 'Authorization: Bearer {key}' -u {planted.userinfo('paste')[:-1]} https://{planted.userinfo('paste')}h/v1\n"
        f'{{"error": {{"message": "Incorrect API key provided: {key}.", "code": "invalid_api_key"}}}}\n'
        f"HTTP/1.1 401 Unauthorized\nSet-Cookie: __cf_bm={planted.secret('paste cookie', 40, '')}; Path=/\n"
        f"log: token={planted.secret('paste token', 40, 'ek_')} and {os.linesep}{planted.secret('OPENAI_API_KEY', 60, '')}\n"
    )


Case = Callable[[Planted, Mapping[str, Any]], bytes]


def _report(p: Planted, report: Mapping[str, Any], name: str = "dirty.json") -> str:
    return p.file(name, json.dumps(dirty(p, report)))


def _cases() -> Iterator[tuple[tuple[str, str], Case]]:
    quick = ("--only", "key")
    for form in FORMATS:
        yield ("run", form), lambda p, r, f=form: asked(p, "-o", f, *quick)  # type: ignore[misc]
        yield ("run", f"--report {form}"), lambda p, r, f=form: asked(p, *quick, "--report", f"{f}={p.folder}/out.{f}")  # type: ignore[misc]
        yield ("probe", form), lambda p, r, f=form: probed(p, "-o", f)  # type: ignore[misc]
        yield ("probe", f"--report {form}"), lambda p, r, f=form: probed(p, "--report", f"{f}={p.folder}/out.{f}")  # type: ignore[misc]
        yield ("replay", form), lambda p, r, f=form: p.called("replay", _report(p, r), "-o", f)  # type: ignore[misc]
        yield (
            ("replay", f"--report {form}"),
            lambda p, r, f=form: p.called("replay", _report(p, r), "--report", f"{f}={p.folder}/out.{f}"),  # type: ignore[misc]
        )
    yield ("run", "--record"), lambda p, r: asked(p, "--record", f"{p.folder}/out.yaml")
    for command in ("run", "probe", "replay"):
        yield (command, "summary of a step"), _summary(command)
    for form in ("table", "json"):
        yield (
            ("diff", form),
            lambda p, r, f=form: p.called("diff", p.file("clean.json", json.dumps(r)), _report(p, r), "-v", "-o", f),  # type: ignore[misc]
        )
        yield (
            ("explain", form),
            lambda p, r, f=form: b"".join(  # type: ignore[misc]
                p.called("explain", *more, "-", "-o", f, given=paste(p)) for more in ([], ["--brief"])
            ),
        )
    yield ("emulator", "text"), lambda p, r: p.called("emulator", "--compare", _report(p, r))
    yield (
        ("emulator", "--cassette"),
        lambda p, r: p.called("emulator", "--compare", _report(p, r), "--cassette", f"{p.folder}/out.yaml"),
    )
    yield ("init", "text"), lambda p, r: p.called("init", "--schema")
    yield ("list", "table"), lambda p, r: p.called("list", "-v") + p.called("list", "--causes")
    yield ("list", "json"), lambda p, r: p.called("list", "-o", "json") + p.called("list", "--causes", "-o", "json")


def _summary(command: str) -> Case:
    def case(p: Planted, r: Mapping[str, Any]) -> bytes:
        os.environ["GITHUB_STEP_SUMMARY"] = f"{p.folder}/summary.md"
        try:
            if command == "replay":
                return p.called("replay", _report(p, r), "-o", "github")
            return asked(p, "--only", "key", "-o", "github") if command == "run" else probed(p, "-o", "github")
        finally:
            del os.environ["GITHUB_STEP_SUMMARY"]

    return case


CASES: dict[tuple[str, str], Case] = dict(_cases())
