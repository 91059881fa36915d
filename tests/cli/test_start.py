"""What each command imports: what it does not use would be waited for at every start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LIBRARIES = {"asyncio", "httpx", "aiortc", "av", "aiohttp", "websockets", "ijson", "cryptography", "dns", "ssl"}
PARSERS = {"yaml", "importlib.metadata", "importlib.resources"}
REPORTS = {"tabulate", "rtdiag.report.table", "rtdiag.model.report"}
JUDGES = {"rtdiag.diagnosis.features", "rtdiag.diagnosis.catalogue", "rtdiag.diagnosis.readers", "rtdiag.redact"}
ASKING = {"rtdiag.engine.config", "rtdiag.engine.context", "rtdiag.transport", "rtdiag.checks.key", "rtdiag.session"}
BODY = '{"error": {"code": "invalid_api_key", "message": "Incorrect API key provided: sk-FAKE."}}'


def imported(arguments: list[str], cache: Path) -> set[str]:
    """What is imported when the command ends, which is not the first of its kind on this machine."""
    code = f"import sys; from rtdiag.cli import main; main({arguments!r}, standalone_mode=False)"
    told = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {code}"
    path = ":".join(sys.path)
    environment = {"XDG_CACHE_HOME": str(cache), "PATH": "", "PYTHONPATH": path}
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, env=environment)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "without"),
    [
        (["--version"], LIBRARIES | PARSERS | REPORTS | JUDGES | ASKING | {"msgspec", "rtdiag.cli.run"}),
        (["--help"], LIBRARIES | PARSERS | REPORTS | JUDGES | ASKING | {"msgspec"}),
        (["list"], LIBRARIES | PARSERS | REPORTS | JUDGES | ASKING | {"rtdiag.cli.run", "rtdiag.emulator"}),
        (["emulator", "--list-faults"], LIBRARIES | PARSERS | REPORTS | JUDGES | ASKING | {"rtdiag.emulator.embedded"}),
        (
            ["explain", "invalid_api_key"],
            LIBRARIES
            | PARSERS
            | REPORTS
            | ASKING
            | {"logging", "rtdiag.diagnosis.features", "rtdiag.diagnosis.readers"},
        ),
        (["explain", "BODY"], LIBRARIES | PARSERS | REPORTS | ASKING | {"logging", "rtdiag.diagnosis.code.scanning"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_imports_what_it_uses(arguments: list[str], without: set[str], tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text(BODY)
    given = [str(tmp_path / "body.json") if one == "BODY" else one for one in arguments]
    found = imported(given, tmp_path)
    assert found >= {"click", "rtdiag.cli"}
    assert found & without == set()
