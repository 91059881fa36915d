"""The values that travel through rtdiag: frozen, without behaviour beyond reading themselves, and free of secrets.

Whatever holds text from a wire holds it masked already (see redact/). Every name is imported from here, its file when
it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtdiag.model.cost import Cost, counted
    from rtdiag.model.explanation import (
        Brief,
        Candidate,
        Confidence,
        Diagnosis,
        Explanation,
        Flaw,
        Meaning,
        Piece,
        PieceKind,
    )
    from rtdiag.model.observation import (
        ApiError,
        By,
        Event,
        Evidence,
        Exchange,
        Failure,
        Observation,
        Pair,
        PeerTrace,
        TcpCheck,
        api_error,
    )
    from rtdiag.model.redaction import Redaction
    from rtdiag.model.report import (
        LEDGER_NAMES,
        CredentialShown,
        Emulated,
        LedgerEntry,
        Report,
        Target,
        WorkingRequests,
    )
    from rtdiag.model.result import (
        CUT_SHORT,
        NOT_OFFERED,
        SEVERITY,
        THE_WAY,
        Finding,
        Ignored,
        Outcome,
        Row,
        Status,
    )

__all__ = [
    "CUT_SHORT",
    "LEDGER_NAMES",
    "NOT_OFFERED",
    "SEVERITY",
    "THE_WAY",
    "ApiError",
    "Brief",
    "By",
    "Candidate",
    "Confidence",
    "Cost",
    "CredentialShown",
    "Diagnosis",
    "Emulated",
    "Event",
    "Evidence",
    "Exchange",
    "Explanation",
    "Failure",
    "Finding",
    "Flaw",
    "Ignored",
    "LedgerEntry",
    "Meaning",
    "Observation",
    "Outcome",
    "Pair",
    "PeerTrace",
    "Piece",
    "PieceKind",
    "Redaction",
    "Report",
    "Row",
    "Status",
    "Target",
    "TcpCheck",
    "WorkingRequests",
    "api_error",
    "counted",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        for file in ("cost", "redaction", "explanation", "observation", "result", "report"):
            if hasattr(module := import_module(f"rtdiag.model.{file}"), name):
                globals()[name] = found = getattr(module, name)
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
