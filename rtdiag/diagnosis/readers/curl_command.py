"""The command line of curl, where it stands above its output: what was asked, of which URL, with which body."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

_COMMAND = re.compile(r"\A\s{0,20}(?:[\w@:~./-]{0,80}[$#%>]\s{1,4})?curl(?:\.exe)?\s{1,8}(?:-|['\"]?https?:|\\)")
_DATA = frozenset({"-d", "--data", "--data-binary", "--data-raw", "--data-ascii", "--json", "-F", "--form"})
_OTHER_VALUES = frozenset(
    {"-o", "--output", "-m", "--max-time", "-x", "--proxy", "-u", "--user", "-A", "--cacert", "-w"}
)
_MOST_LINES = 60


@dataclass
class Command:
    """A curl command as far as it matters: method and URL, headers as pairs, and the body sent ("" where none)."""

    url: str | None = None
    method: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""


def is_command(line: str) -> bool:
    """Whether the line is, or begins, a curl command."""
    return bool(_COMMAND.match(line[:1000]))


def command_at(lines: list[str], index: int) -> tuple[Command, int]:
    """The command that begins on this line, and the line after it; options that do not matter are passed over."""
    end = index + 1
    while end < min(len(lines), index + _MOST_LINES) and not _complete("\n".join(lines[index:end])):
        end += 1
    text = "\n".join(lines[index:end])
    try:
        words = shlex.split(text[text.find("curl") :].replace("\\\n", " "))
    except ValueError:
        words = lines[index].split()
    return _command(words[1:]), end


def _complete(text: str) -> bool:
    if text.rstrip().endswith("\\"):
        return False
    try:
        shlex.split(text.replace("\\\n", " "))
    except ValueError:
        return False
    return True


def _command(words: list[str]) -> Command:
    found = Command()
    rest = iter(words)
    for word in rest:
        option, _, joined = word.partition("=") if word.startswith("--") else (word, "", "")
        if option in ("-X", "--request", "-H", "--header", "--url") or option in _DATA or option in _OTHER_VALUES:
            _take(found, option, joined or next(rest, ""))
        elif word.startswith("-X") and len(word) > 2:
            found.method = word[2:]
        elif not word.startswith("-") and found.url is None:
            found.url = word
    if found.method is None and found.url is not None:
        found.method = "POST" if found.body else "GET"
    return found


def _take(found: Command, option: str, value: str) -> None:
    if option in ("-X", "--request"):
        found.method = value.upper()
    elif option in ("-H", "--header"):
        name, _, text = value.partition(":")
        found.headers.append((name, text))
    elif option == "--url":
        found.url = value
    elif option in _DATA:
        found.body += ("\n" if found.body else "") + value
        if option == "--json" or option in ("-F", "--form"):
            found.headers.append(("content-type", "application/json" if option == "--json" else "multipart/form-data"))
