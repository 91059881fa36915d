"""Which packages offer causes that cannot be used."""

from __future__ import annotations

from rtdiag.api import plugins
from rtdiag.api.plugins import Broken


def broken_causes() -> tuple[Broken, ...]:
    """The packages whose causes cannot be used; where none offers any, no cause is read."""
    if not tuple(plugins.entry_points(group=plugins.CAUSES)):
        return ()
    from rtdiag.diagnosis import catalogue

    return catalogue.broken()
