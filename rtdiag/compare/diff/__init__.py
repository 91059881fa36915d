"""Two reports side by side: `diff(old, new)` finds what changed, `text` tells it to a person and `as_json` to a script.

Nothing is judged anew and nothing is asked; ids, tokens and times, which differ between any two runs, do not count.
"""

from rtdiag.compare.diff.as_lines import as_json, text
from rtdiag.compare.diff.changes import Diff
from rtdiag.compare.diff.of_reports import diff

__all__ = ["Diff", "as_json", "diff", "text"]
