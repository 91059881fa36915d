"""What a person gave: the record in a file, and the one line, without a secret in it, for what cannot be used."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

from rtdiag.cli.stderr import say

if TYPE_CHECKING:
    from rtdiag.api.plugins import Broken
    from rtdiag.model import Report
    from rtdiag.redact import Mask


def recorded(file: str, target: str = "") -> Report:
    """The report in that file, of several the one of that target; raises ConfigError, in one line, where there is none."""
    from rtdiag.engine.config_error import ConfigError
    from rtdiag.intake import Unusable, called, text_of
    from rtdiag.recorded import FILE, report_in

    try:
        return report_in(text_of(file, FILE), target=target)
    except Unusable as exc:
        raise ConfigError(f"{called(file)}: {exc}") from None


def refuse(line: str) -> NoReturn:
    """One line on standard error and exit code 2; what a person gave in the wrong place may be a secret, and is masked."""
    say(f"rtdiag: {new_mask()(line, 'screen')}")
    sys.exit(2)


def tell_broken(found: Iterable[Broken]) -> None:
    """A line on standard error for each thing of another package that cannot be used."""
    for one in found:
        say(f"rtdiag: {new_mask()(str(one), 'screen')}")


def of_the_emulator() -> tuple[Broken, ...]:
    """What other packages add to the emulator and cannot be used; where none adds anything, it is not imported."""
    from rtdiag.api import plugins

    if not any(tuple(plugins.entry_points(group=group)) for group in plugins.OF_THE_EMULATOR):
        return ()
    from rtdiag.emulator import Emulator

    return Emulator.broken()


def new_mask() -> Mask:
    """A mask that knows the secrets of the environment."""
    from rtdiag.redact import Mask

    mask = Mask()
    mask.learn_environment(os.environ)
    return mask
