"""The command line of curl, where it stands above its output: what was asked, of which URL, with which body."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from rtdiag.api.expressions import expression

_COMMAND = expression(
    r"\A\s{0,20}(?:[\w@:~./-]{0,80}[$#%>]\s{1,4})?curl(?:\.exe)?\s{1,8}(?:-|['\"]?(?:https?:|[\w.-]{1,200}\.\w{2,20}/)|[\\^`]\Z|\\)"
)
_DATA = frozenset({"-d", "--data", "--data-binary", "--data-raw", "--data-ascii", "--json", "-F", "--form"})
_TOKEN = "--oauth2-bearer"
_OTHER_VALUES = frozenset(
    {
        *(
            "-o",
            "--output",
            "-m",
            "--max-time",
            "--connect-timeout",
            "-x",
            "--proxy",
            "-u",
            "--user",
            "-A",
            "--user-agent",
            "-w",
        ),
        *(
            "--write-out",
            "--cacert",
            "--retry",
            "--resolve",
            "-b",
            "--cookie",
            "-e",
            "--referer",
            "-T",
            "--upload-file",
            _TOKEN,
        ),
    }
)
_NAMED = frozenset({"-X", "--request", "-H", "--header", "--url"})
_FORM = "application/x-www-form-urlencoded"  # what curl calls data of which no header says what it is
# Ends of lines that go on: of sh, of cmd and of PowerShell.
_GOES_ON = expression(r"[\\^`]\n")
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
        words = shlex.split(_GOES_ON.sub(" ", text[text.find("curl") :]))
    except ValueError:
        words = lines[index].split()
    return _command(words[1:]), end


def _complete(text: str) -> bool:
    if text.rstrip().endswith(("\\", " ^", " `")):
        return False
    try:
        shlex.split(_GOES_ON.sub(" ", text))
    except ValueError:
        return False
    return True


def _command(words: list[str]) -> Command:
    found = Command()
    rest = iter(words)
    for word in rest:
        option, value = _option(word)
        if option in _NAMED or option in _DATA or option in _OTHER_VALUES:
            _take(found, option, next(rest, "") if value is None else value)
        elif not word.startswith("-") and found.url is None:
            found.url = word if "://" in word else f"https://{word}"
    if found.method is None and found.url is not None:
        found.method = "POST" if found.body else "GET"
    if found.body and not any(name.lower() == "content-type" for name, _ in found.headers):
        found.headers.append(("content-type", _FORM))
    return found


def _option(word: str) -> tuple[str, str | None]:
    """The option that a word is, and its value where that is joined to it; of `-sSX` the X."""
    if word.startswith("--"):
        option, _, joined = word.partition("=")
        return option, joined or None
    for place, letter in enumerate(word[1:], 1) if word.startswith("-") else ():
        option = f"-{letter}"
        if option in _NAMED or option in _DATA or option in _OTHER_VALUES:
            return option, word[place + 1 :] or None
    return word, None


def _take(found: Command, option: str, value: str) -> None:
    if option in ("-X", "--request"):
        found.method = value.upper()
    elif option in ("-H", "--header"):
        name, _, text = value.partition(":")
        found.headers.append((name, text))
    elif option == _TOKEN:
        found.headers.append(("authorization", f"Bearer {value}"))
    elif option == "--url":
        found.url = value
    elif option in _DATA:
        found.body += ("\n" if found.body else "") + value
        if option == "--json" or option in ("-F", "--form"):
            found.headers.append(("content-type", "application/json" if option == "--json" else "multipart/form-data"))
