"""What a command ends with that was given what it cannot use; apart, for most commands need no more of a run's options."""

from __future__ import annotations


class ConfigError(Exception):
    """The user's input cannot be used; the text is one line."""
