"""What pages show is what the program prints: the options on the page of the command line, the samples of the first page.

After a wanted change, `python tests/cli/test_readme.py` writes the options anew; the samples are cut by hand.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from rtdiag.cli import main

ROOT = Path(__file__).parents[2]
OPTIONS = ROOT / "rtdiag" / "cli" / "README.md"
COMMANDS = ["rtdiag", *sorted(main.commands)]
SAMPLES = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def printed(command: str) -> str:
    """The help as a wide terminal shows it."""
    asked = ["--help"] if command == "rtdiag" else [command, "--help"]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(main, asked, prog_name="rtdiag")
    assert done.exit_code == 0
    return done.output.strip()


def block(command: str, text: str) -> str:
    return f"<!-- help:{command} -->\n```\n{text}\n```\n<!-- /help:{command} -->"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_shows_what_help_prints(command: str) -> None:
    assert block(command, printed(command)) in OPTIONS.read_text(encoding="utf-8")


def missing(shown: str, output: str) -> list[str]:
    """The lines that are shown and not printed in that order; `…` stands for any lines, at the end of one for its rest."""
    lines = iter(" ".join(line.split()) for line in output.splitlines())
    wanted = [" ".join(line.split()) for line in shown.splitlines() if line != "…"]
    return [
        w
        for w in wanted
        if not any(line == w or (w[-1:] == "…" and line.startswith(w[:-1].rstrip())) for line in lines)
    ]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.splitlines()[0])
def test_the_first_page_shows_what_was_printed(sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for step in sample.split("$ ")[1:]:
        command, _, shown = step.partition("\n")
        program, *words = shlex.split(command)
        if program == "cat":
            Path(words[0]).write_text(shown, encoding="utf-8")
        else:
            assert missing(shown, CliRunner().invoke(main, words, prog_name=program).stdout) == []


def test_a_line_that_is_not_printed_would_be_seen() -> None:
    assert missing("a\n…\nc d …\n", "a\nb\nc  d e\n") == []
    assert missing("c\na\n", "a\nb\nc\n") == ["a"]
    assert missing("c e …\n", "c d e\n") == ["c e …"]


if __name__ == "__main__":
    page = OPTIONS.read_text(encoding="utf-8")
    for one in COMMANDS:
        begin, end = block(one, "\n").split("\n\n\n")
        head, _, rest = page.partition(begin)
        page = head + block(one, printed(one)) + rest.partition(end)[2]
    OPTIONS.write_text(page, encoding="utf-8")
