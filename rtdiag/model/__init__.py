"""The values that travel through rtdiag: frozen, without behaviour beyond reading themselves, and free of secrets.

Whatever holds text from a wire holds it masked already (see redact/). Every name is imported from here.
"""

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
from rtdiag.model.report import (
    LEDGER_NAMES,
    CredentialShown,
    Emulated,
    LedgerEntry,
    Redaction,
    Report,
    Target,
    WorkingRequests,
)
from rtdiag.model.result import CUT_SHORT, SEVERITY, THE_WAY, Cost, Finding, Ignored, Outcome, Row, Status, counted

__all__ = [
    "CUT_SHORT",
    "LEDGER_NAMES",
    "SEVERITY",
    "THE_WAY",
    "ApiError",
    "Brief",
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
