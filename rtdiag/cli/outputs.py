"""Which reports were asked for, and where they go: one to standard output, any number to files, each of them always.

A format that breaks, or a file that cannot be written, costs none of the others: it is one line on standard error and exit code 4
where the run's own would be 0 or 3.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rtdiag.cli.crash import defect
from rtdiag.cli.files import Journal, Lasting, is_stream, refusal, whole
from rtdiag.cli.stderr import say, shown
from rtdiag.cli.terminal import encoding, show, wants_color, width
from rtdiag.engine.config_error import ConfigError
from rtdiag.model import Outcome, Report
from rtdiag.report import render
from rtdiag.report.spelling import spelt

BROKEN = 4
_SUMMARY = "GITHUB_STEP_SUMMARY"
_JOURNAL = ".journal.ndjson"

File = tuple[str, str]
Rendered = Callable[..., str]  # of a format, with what can be chosen of it


class Outputs:
    """`form` for standard output, `files` as pairs of format and path (a `cassette` among them for --record)."""

    def __init__(
        self,
        form: str,
        files: Iterable[File],
        environment: Mapping[str, str],
        *,
        color: str = "auto",
        verbose: bool = False,
    ) -> None:
        self._form, self._files = form, tuple(files)
        self._summary = environment.get(_SUMMARY) if "github" in (form, *(f for f, _ in self._files)) else None
        self._color, self._verbose = color, verbose
        self._journals: list[Journal] = []
        self._stream: Journal | None = None
        self._lasting: Lasting | None = None
        self._kept: Journal | None = None

    def check(self) -> None:
        """Refuse what cannot be written before anything is asked. Raises ConfigError."""
        taken = set[Path]()
        for form, path in self._files:
            option = "--record " if form == "cassette" else f"--report {form}="
            refused = "standard output takes its format from -o" if path == "-" else refusal(path, path + _JOURNAL)
            if not refused and Path(path).resolve() in taken:
                refused = "another report goes there, too"
            if refused:
                raise ConfigError(f"{option}{path}: {refused}")
            taken.add(Path(path).resolve())

    def open(self) -> None:
        """Begin the journals: lines of ndjson that are there as soon as they are true."""
        if self._form == "ndjson":
            self._stream = Journal(partial(show, form="ndjson"), lambda exc: _complain("standard output", exc))
            self._journals.append(self._stream)
        path = self._journal_path()
        if path is not None:
            try:
                self._lasting = Lasting(path)
            except OSError as exc:
                _complain(str(path), exc, "no journal is kept")
                return
            put, where = self._lasting.put, str(path)
            self._kept = Journal(
                lambda lines: put(_for(where, "ndjson", lines)), lambda exc: _complain(where, exc, "no journal is kept")
            )
            self._journals.append(self._kept)

    def began(self, so_far: Report) -> None:
        """The run begins."""
        for journal in self._journals:
            journal.began(so_far)

    def finished(self, outcome: Outcome, so_far: Report) -> None:
        """A check is done."""
        for journal in self._journals:
            journal.finished(outcome, so_far)

    def give(self, report: Report) -> int:
        """Write every report; the exit code, which is the run's own unless one of them could not be written."""
        return self._give(report.exit_code, partial(render, report), (report,))

    def give_all(self, reports: Sequence[Report]) -> int:
        """The same of several runs, together in each report."""
        from rtdiag.report.side_by_side import exit_code, render

        return self._give(exit_code(reports), partial(render, reports), reports)

    def _give(self, exit_code: int, rendered: Rendered, reports: Sequence[Report]) -> int:
        well = [self._write(form, path, rendered, reports) for form, path in self._files]
        if self._lasting is not None:
            self._lasting.close(remove=all(well) and "ndjson" not in dict(self._files))
        well += [self._print(rendered, reports), *map(self._summarize, reports)]
        return exit_code if all(well) or exit_code not in (0, 3) else BROKEN

    def _journal_path(self) -> Path | None:
        """The ndjson report, which then grows as the run goes on; without one a file beside the first report."""
        own = next((path for form, path in self._files if form == "ndjson"), None)
        if own is not None:
            return Path(own)
        first = next((Path(path) for _, path in self._files if not is_stream(path)), None)
        if first is None:
            return None
        beside = first.with_name(first.name + _JOURNAL)  # one that is there is of a run that was killed, or goes on
        return first.with_name(f"{first.name}.{os.getpid()}{_JOURNAL}") if beside.exists() else beside

    def _write(self, form: str, path: str, rendered: Rendered, reports: Sequence[Report]) -> bool:
        try:
            if form == "ndjson" and self._kept is not None and is_stream(path):
                self._kept.ended(reports[0])  # it has the lines before
                return not self._kept.broken
            whole(path, _for(path, form, rendered(form, verbose=self._verbose)))
        except OSError as exc:
            _complain(path, exc)
            return False
        except Exception as exc:
            defect(f"the format {form}", exc)
            return False
        return True

    def _print(self, rendered: Rendered, reports: Sequence[Report]) -> bool:
        try:
            if self._stream is not None:
                self._stream.ended(reports[0])
                return not self._stream.broken
            color = wants_color(self._color)
            text = rendered(self._form, color=color, verbose=self._verbose, encoding=encoding(), width=width())
            show(text, self._form)
        except OSError as exc:
            _complain("standard output", exc)
            return False
        except Exception as exc:
            defect(f"the format {self._form}", exc)
            return False
        return True

    def _summarize(self, report: Report) -> bool:
        """Append to the summary of the step, where a runner of GitHub Actions names a file for it."""
        if not self._summary:
            return True
        from rtdiag.report.github import summary

        try:
            with Path(self._summary).open("a", encoding="utf-8") as file:
                file.write(spelt(summary(report)))
        except OSError as exc:
            _complain(self._summary, exc, "the summary of the step is not written")
            return False
        except Exception as exc:
            defect("the format github", exc)
            return False
        return True


def _for(path: str, form: str, text: str) -> str:
    """The text for what is there: a stream may be read by a CI that takes lines for commands, as standard output may."""
    return shown(text, form, "utf-8") if is_stream(path) else text


def _complain(where: str, exc: Exception, so: str = "this report is not written") -> None:
    if isinstance(exc, OSError):
        say(f"rtdiag: {where}: {exc.strerror or exc}; {so}")
    else:
        defect(f"what goes to {where}", exc)
