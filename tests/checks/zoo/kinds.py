"""The zoo: every server of it, by name."""

from __future__ import annotations

from tests.checks.zoo.fronts import FRONTS
from tests.checks.zoo.own import OWN
from tests.checks.zoo.rights import Kind

ZOO: dict[str, Kind] = OWN | FRONTS
