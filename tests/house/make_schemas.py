"""What each YAML file of rtdiag's own is made of; and its JSON Schema, for editors, which lies beside it.

`python -m tests.house.make_schemas` writes the schemas anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rtdiag
from rtdiag.api import codes, models, own_yaml, turn_rules
from rtdiag.api.own_yaml import listed, named, whole
from rtdiag.compare.drift import questions
from rtdiag.compare.recording import excuses
from rtdiag.diagnosis import catalogue
from rtdiag.diagnosis.code import flaws, languages
from rtdiag.diagnosis.lexicon import client_lines, glosses, products
from rtdiag.emulator import bodies, faults, profiles, said, timeline
from rtdiag.emulator.session import shapes, tongue
from rtdiag.network import readers
from rtdiag.servers import Server
from rtdiag.speech import clip
from rtdiag.targets.declared import Targets

HOME = Path(rtdiag.__file__).parent


@dataclass(frozen=True)
class Kind:
    """A kind of file: which ones (a glob below rtdiag/), how one is read, what an entry is, and the name of the schema."""

    files: str
    read: Callable[[Any, Path], Any]
    of: Any
    schema: str

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return sorted(HOME.glob(self.files))

    @property
    def place(self) -> Path:
        """Where the schema lies."""
        return self.paths[0].with_name(self.schema)

    @property
    def text(self) -> str:
        """The schema."""
        form = list[self.of] if self.read is listed else dict[str, self.of] if self.read is named else self.of  # type: ignore[name-defined]
        head: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        pieces = {"patternProperties": {"^_": True}} if self.read is named else {}  # see own_yaml
        return json.dumps(head | own_yaml.json_schema(form) | pieces, indent=1, ensure_ascii=False) + "\n"


KINDS = [
    Kind("api/codes.yaml", named, codes.Code, "codes.schema.json"),
    Kind("api/models.yaml", listed, models.Model, "models.schema.json"),
    Kind("api/turn_rules.yaml", listed, turn_rules.Rule, "turn_rules.schema.json"),
    Kind("compare/drift/questions.yaml", listed, questions.Question, "questions.schema.json"),
    Kind("compare/recording/cannot_be_alike.yaml", listed, excuses.Reason, "cannot_be_alike.schema.json"),
    Kind("diagnosis/catalogue/*.yaml", named, catalogue.Entry, "causes.schema.json"),
    Kind("diagnosis/code/languages.yaml", named, languages.Tongue, "languages.schema.json"),
    Kind("diagnosis/code/names.yaml", whole, flaws.Names, "names.schema.json"),
    Kind("diagnosis/code/rules.yaml", named, flaws.Rule, "rules.schema.json"),
    Kind("diagnosis/lexicon/client_lines.yaml", named, client_lines.Library, "client_lines.schema.json"),
    Kind("diagnosis/lexicon/errnos.yaml", named, client_lines.Errno, "errnos.schema.json"),
    Kind("diagnosis/lexicon/products.yaml", named, products.Entry, "products.schema.json"),
    Kind("diagnosis/lexicon/words.yaml", named, glosses.Meaning, "words.schema.json"),
    Kind("emulator/bodies.yaml", listed, bodies.Body, "bodies.schema.json"),
    Kind("emulator/faults.yaml", listed, faults.Fault, "faults.schema.json"),
    Kind("emulator/shapes.yaml", named, shapes.Entry, "shapes.schema.json"),
    Kind("emulator/own_words.yaml", named, tuple[said.Said, ...], "own_words.schema.json"),
    Kind("emulator/profiles.yaml", listed, profiles.Profile, "profiles.schema.json"),
    Kind("emulator/tongues.yaml", named, tongue.Tongue, "tongues.schema.json"),
    Kind("emulator/timeline.yaml", listed, timeline.Entry, "timeline.schema.json"),
    Kind("network/interceptors.yaml", listed, readers.Interceptor, "interceptors.schema.json"),
    Kind("servers/servers.yaml", listed, Server, "servers.schema.json"),
    Kind("speech/clip.yaml", whole, clip.Known, "clip.schema.json"),
    Kind("targets/*.yaml", whole, Targets, "rtdiag.schema.json"),
]


def main() -> None:
    """Write every schema."""
    for kind in KINDS:
        kind.place.write_text(kind.text, encoding="utf-8")


if __name__ == "__main__":
    main()
