"""Servers that a user has written down by name, in rtdiag.yaml or in pyproject.toml, to be asked with one word."""

from rtdiag.targets.config_file import YAML as YAML
from rtdiag.targets.config_file import ConfigFile as ConfigFile
from rtdiag.targets.config_file import found as found
from rtdiag.targets.declared import Target as Target
from rtdiag.targets.declared import header as header
from rtdiag.targets.wanted import wanted as wanted
