"""What a probe can know of the step that asks in its task, and tell it; `asked_step.py` has it for the runner."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class Asking(Protocol):
    """The step that asks."""

    def wants(self, *case_ids: str) -> bool:
        """Whether any of these is to be asked, as far as is known."""

    async def due(self, *case_ids: str) -> bool:
        """The same, once it is known of all of them."""

    async def spares(self) -> None:
        """Wait until the steps before it have left the tokens that they do not need."""

    def leave_spares(self) -> None:
        """It mints no more tokens that others may use."""


# The step that asks in this task, and in those that it begins.
asking: ContextVar[Asking] = ContextVar("asking")
