"""The numbers and texts that fields are made of, with what may stand in them.

`Meta` without `extra_json_schema` holds when a report is read; what stands in that is asked of what rtdiag writes, and no more,
so that a report made by hand or by another version can be read.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

_MOST = 10**12  # of a time or a count; beyond is none
_WORDS = "[a-z0-9]+(-[a-z0-9]+)*"

Milliseconds = Annotated[float, Meta(ge=0, le=_MOST)]
Seconds = Annotated[float, Meta(ge=0, le=_MOST)]
Count = Annotated[int, Meta(ge=0, le=_MOST)]
Code = Annotated[str, Meta(extra_json_schema={"pattern": f"^{_WORDS}(/{_WORDS})?$"})]
