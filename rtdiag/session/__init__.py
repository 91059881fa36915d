"""The user's own session: what a server makes of each of its fields, and which of them it refuses."""

from rtdiag.session.asking import CASES, probe
from rtdiag.session.judged import judge

__all__ = ["CASES", "judge", "probe"]
