"""What rtdiag has recorded, read back: a report from its JSON, its ndjson or a cassette of `--record`, by one decoder.

Whatever reads a report goes through `report_in`, or `report` where the JSON is parsed: replay, diff, explain and drift.
"""

from rtdiag.recorded.ndjson_lines import joined
from rtdiag.recorded.reading import FILE, report, report_in
from rtdiag.recorded.version import refuse_other_version

__all__ = ["FILE", "joined", "refuse_other_version", "report", "report_in"]
