"""What a GitHub runner does with steps, as far as ours need it: expressions, the files that steps write, bash, and who goes on.

Told by docs.github.com (2026): contexts and `if`, workflow-syntax#jobsjob_idstepsshell, workflow-commands#environment-files.
A step that uses another action is only written down.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Step = Mapping[str, Any]
During = Callable[[subprocess.Popen[bytes]], None]

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_SHELL = {None: ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}
_PATIENCE_S = 120


class Runner:
    """One job. `variables` are what its environment holds, `temp` is RUNNER_TEMP, `during` is told the process of a step so named.

    `codes` are the exit codes by step, `log` is what they printed, `used` the steps that use another action, with their `with`.
    """

    def __init__(
        self, folder: Path, temp: Path, variables: Mapping[str, str], during: Mapping[str, During] | None = None
    ):
        self.workspace, self.files, self.temp = folder / "workspace", folder / "files", temp
        for made in (self.workspace, self.files, self.temp):
            made.mkdir(parents=True, exist_ok=True)
        self.variables, self.during = dict(variables), during or {}
        self.outputs: dict[str, dict[str, str]] = {}
        self.codes: dict[str, int] = {}
        self.used: list[tuple[str, dict[str, str]]] = []
        self.log = ""

    @property
    def summary(self) -> str:
        return self._told("GITHUB_STEP_SUMMARY")

    def action(self, file: Path, **inputs: str) -> dict[str, str]:
        """Runs the composite action with these inputs (`as_of` is `as-of`); its outputs."""
        action = yaml.safe_load(file.read_text(encoding="utf-8"))
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= action["inputs"].keys(), "an input that the action does not have"
        filled = {name: given.get(name, one["default"]) for name, one in action["inputs"].items()}
        self.steps(action["runs"]["steps"], {"inputs": filled}, {"GITHUB_ACTION_PATH": str(file.parent)})
        return {name: self._filled(one["value"], {"inputs": filled}) for name, one in action["outputs"].items()}

    def steps(self, steps: Sequence[Step], context: Mapping[str, Any], extra: Mapping[str, str] | None = None) -> None:
        """Runs them in turn; after a failure only those that say `always()`."""
        for step in steps:
            if step.get("id"):
                self.outputs.setdefault(step["id"], {})
            if not self._goes_on(step.get("if"), context):
                continue
            if "uses" in step:
                given = step.get("with", {})
                self.used.append((step["uses"], {k: self._filled(str(v), context) for k, v in given.items()}))
            else:
                self._bash(step, context, dict(extra or {}))

    def _goes_on(self, condition: str | None, context: Mapping[str, Any]) -> bool:
        if condition == "always()":
            return True
        if found := re.fullmatch(r"([\w.-]+) (!=|==) '([^']*)'", condition or ""):
            return (self._value(found[1], context) == found[3]) == (found[2] == "==")
        assert condition is None, f"no condition that this runner knows: {condition}"
        return not any(self.codes.values())

    def _bash(self, step: Step, context: Mapping[str, Any], extra: dict[str, str]) -> None:
        name = step["name"]
        script, printed = self.files / "script.sh", self.files / "printed"
        script.write_text(step["run"], encoding="utf-8")
        given = {k: self._filled(str(v), context) for k, v in step.get("env", {}).items()}
        command = [*_SHELL[step.get("shell")], str(script)]
        with printed.open("wb") as log:  # not a pipe: what a step leaves running may hold it open
            process = subprocess.Popen(
                command, cwd=self.workspace, env=self._environment() | extra | given, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip
            try:
                if name in self.during:
                    self.during[name](process)
                self.codes[name] = process.wait(_PATIENCE_S)
            finally:
                process.kill()
        self.log += printed.read_text(encoding="utf-8")
        self.outputs.setdefault(step.get("id", ""), {}).update(self._pairs("GITHUB_OUTPUT"))
        (self.files / "GITHUB_OUTPUT").unlink(missing_ok=True)

    def _environment(self) -> dict[str, str]:
        files = {
            name: str(self.files / name)
            for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        }
        paths = [*reversed(self._told("GITHUB_PATH").split()), self.variables["PATH"]]
        fixed = {"CI": "true", "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(self.temp)}
        return self.variables | fixed | files | self._pairs("GITHUB_ENV") | {"PATH": os.pathsep.join(paths)}

    def _filled(self, text: str, context: Mapping[str, Any]) -> str:
        return _EXPRESSION.sub(lambda found: self._value(found[1], context), text)

    def _value(self, expression: str, context: Mapping[str, Any]) -> str:
        """Raises KeyError for what there is not: a misspelt input, step or secret."""
        room, _, name = expression.partition(".")
        if room == "steps":
            step, _, output = name.partition(".outputs.")
            return self.outputs[step].get(output, "")
        return str(context[room][name])

    def _pairs(self, file: str) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self._told(file).splitlines())

    def _told(self, file: str) -> str:
        path = self.files / file
        return path.read_text(encoding="utf-8") if path.exists() else ""
