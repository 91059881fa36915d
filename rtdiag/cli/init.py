"""`rtdiag init`: a file of targets to begin with, and the schema by which an editor knows what may stand there."""

from __future__ import annotations

import click

from rtdiag.cli.options import ENVIRONMENT
from rtdiag.cli.stderr import say
from rtdiag.cli.usage import refuse

_SCHEMA = "rtdiag.schema.json"


@click.command("init", context_settings=ENVIRONMENT)
@click.option("--schema", is_flag=True, help="Print the JSON schema of rtdiag.yaml, and write nothing.")
def command(schema: bool) -> None:
    """Write a commented rtdiag.yaml here, and beside it the schema that its first line names for editors.

    Nothing is overwritten. Exit code: 0 written, 2 where one is there already, or none can be written.
    """
    from rtdiag.cli.terminal import show
    from rtdiag.targets import YAML

    of_editors = _shipped(_SCHEMA)
    if schema:
        show(of_editors, "json")
    elif not _written(YAML, _shipped("rtdiag.example.yaml")):
        refuse(f"{YAML} is there already, and is not overwritten")
    elif not _written(_SCHEMA, of_editors):
        say(f"rtdiag: wrote {YAML}; {_SCHEMA} was there already: `rtdiag init --schema` prints this version's")
    else:
        say(f"rtdiag: wrote {YAML}, and {_SCHEMA} for editors; try `rtdiag run --target emulator`")


def _shipped(name: str) -> str:
    from importlib.resources import files

    return files("rtdiag.targets").joinpath(name).read_text(encoding="utf-8")


def _written(name: str, text: str) -> bool:
    """Whether that file was made; one that is there stays as it is."""
    from rtdiag.intake import why

    try:
        with open(name, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError as exc:
        refuse(f"{name}: {why(exc)}: it is not written")
    return True
