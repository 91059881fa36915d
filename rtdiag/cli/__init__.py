"""The command line: `rtdiag` and its commands, one module each. No judgement lives here.

A command imports what it needs when it runs, so that `rtdiag --help` stays quick.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import click

from rtdiag import __version__
from rtdiag.cli.stderr import listening, say
from rtdiag.cli.usage import new_mask

_MODULES = {name: name for name in ("diff", "emulator", "explain", "init", "probe", "replay", "run")} | {
    "list": "list_checks"
}
# What a command imports and reads stays until it ends: by default it would be looked through a hundred times for what is garbage.
_BETWEEN_COLLECTIONS = 50_000


class _Commands(Mapping[str, click.Command]):
    """The commands by name, each imported when it is asked for: most starts of rtdiag want one."""

    def __getitem__(self, name: str) -> click.Command:
        command: click.Command = import_module(f"rtdiag.cli.{_MODULES[name]}").command
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


class _Guarded(click.Group):
    """Whatever breaks in a command is one line without a secret in it, and an exit code: 4, or 130 for an interruption."""

    def main(self, *arguments: Any, **more: Any) -> Any:
        with listening():
            return super().main(*arguments, **more)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as exc:
            vars(exc)["message"] = new_mask()(exc.message, "screen")
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            say("rtdiag: interrupted")
            sys.exit(130)
        except OSError as exc:
            from rtdiag.intake import why

            say(new_mask()(f"rtdiag: {exc.filename or 'standard output'}: {why(exc)}", "screen"))
        except Exception as exc:
            from rtdiag.cli.crash import defect

            defect("rtdiag", exc)
        sys.exit(4)


@click.group(cls=_Guarded, commands=_Commands(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rtdiag")
@click.option(
    "--debug", is_flag=True, envvar="RTDIAG_DEBUG", help="For authors: a traceback of whatever breaks in rtdiag."
)
@click.pass_context
def main(ctx: click.Context, debug: bool) -> None:
    """Find out why a realtime voice session will not start, and what to do about it."""
    if ctx.invoked_subcommand != "emulator":  # which has no end of its own
        gc.set_threshold(_BETWEEN_COLLECTIONS)
    if debug:
        from rtdiag.cli.crash import tracebacks

        ctx.with_resource(tracebacks())
