"""rtdiag finds out why a realtime voice session will not start, and says what to do about it."""

__version__ = "0.1.0"
