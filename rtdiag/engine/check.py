"""What a check is: `Case` and `Check`, declared as data in one module of checks/.

A probe is an asynchronous generator that yields one `Observation` per case as soon as it has it, so that nothing seen is lost when
a run is cut short or a probe breaks. It asks only through the context (context.py), never raises for a bad answer, and stops early
where the next case makes no sense: the runner says of every case without an `Observation` which requirement was missing.

A judge is a pure function of the evidence that returns one `Finding` per case seen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rtdiag.api.endpoints import Kind
from rtdiag.model import Cost

if TYPE_CHECKING:
    from rtdiag.engine.context import Context
    from rtdiag.model import Evidence, Finding, Observation


@dataclass(frozen=True)
class Case:
    """One row of a check's table.

    `title` is the question that it asks, never a claim, which would read false beside a red mark. `requires` are full ids of
    checks (`key`) or cases (`token.mint-realtime`) without which it is not asked; of these, `also_without` may be what the server
    does not offer. `kind` ties it to a kind of session, for
    `--type`; `allow` to an opt-in (`wait`, `audio`, `browser`), and `waits_s` is how long it then waits by itself, beside what
    every request and session may take.
    `asks`: False where it asks the server nothing itself, so a check of such cases alone costs nothing.
    `line` and `column` place it in a matrix, when all cases of the check have them. `doc` is what is known of it, for
    `rtdiag explain`.
    """

    id: str
    title: str
    requires: tuple[str, ...] = ()
    kind: Kind | None = None
    allow: str | None = None
    waits_s: float = 0.0
    line: str = ""
    column: str = ""
    doc: str = ""
    also_without: tuple[str, ...] = ()
    asks: bool = True


@dataclass(frozen=True)
class Check:
    """A check: its cases as data, what it costs, how it asks (`probe`) and how it judges (`judge`).

    `cost` is what a default run adds: opt-ins, the user's own token and session, and a second dialect come on top; `of_strangers`
    is added where the server is neither OpenAI's nor the emulator. Of the tokens
    that it mints it leaves `spares` to later checks, and takes so many of earlier ones (`takes_spares`), where there are any,
    in place of minting. `order` is its place on the screen. `always`: it asks nothing, and looks at what the others have asked,
    so it is in every plan. `beside`: it may be asked while others are, for its probe awaits `ctx.due` before it asks for a case
    that rests on another check; any other check begins when all before it are done, and those after it when it is.
    `doc` is the docstring of its module: what it asks, what it costs, its sources.
    """

    id: str
    title: str
    cases: tuple[Case, ...]
    probe: Callable[[Context], AsyncIterator[Observation]]
    judge: Callable[[Evidence], Iterable[Finding]]
    cost: Cost = field(default_factory=Cost)
    of_strangers: Cost = field(default_factory=Cost)
    spares: int = 0
    takes_spares: int = 0
    order: int = 1000
    always: bool = False
    beside: bool = False
    doc: str = ""

    @property
    def requires(self) -> tuple[str, ...]:
        """The other checks that its cases rest on."""
        named = {r.partition(".")[0] for case in self.cases for r in case.requires}
        return tuple(sorted(named - {self.id}))
