"""What `rtdiag explain` says of a file that a browser left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from rtdiag.cli import main


def explained(path: Path) -> Any:
    """The one entry of `rtdiag explain PATH -o json`."""
    result = CliRunner().invoke(main, ["explain", str(path), "-o", "json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (one,) = json.loads(result.stdout)
    return one
