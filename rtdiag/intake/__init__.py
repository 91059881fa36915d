"""The one door for what a user or another program has written: from a name to text, from text to plain values, and no harm.

However hostile a file is, reading it ends soon, in little memory, with a value or an Unusable of one line. Whatever reads a file,
standard input, JSON or YAML that is not rtdiag's own goes through here. It knows nothing of rtdiag but the loader of YAML.
"""

from rtdiag.intake.from_yaml import nodes_of, yaml_of
from rtdiag.intake.json_values import json_of, odd, refuse_many
from rtdiag.intake.limits import Limit, Malformed, Unreadable, Unusable
from rtdiag.intake.source import Readable, Source, called, no_text, opened, text_of, why

__all__ = [
    "Limit",
    "Malformed",
    "Readable",
    "Source",
    "Unreadable",
    "Unusable",
    "called",
    "json_of",
    "no_text",
    "nodes_of",
    "odd",
    "opened",
    "refuse_many",
    "text_of",
    "why",
    "yaml_of",
]
