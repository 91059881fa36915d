"""What differs between recordings and the emulator, as a text: alike differences once, the most frequent first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rtdiag.compare.recording.excuses import reason
from rtdiag.compare.recording.values import Unlike
from rtdiag.model import counted
from rtdiag.redact import Mask


def listing(found: Mapping[str, Sequence[Unlike]]) -> str:
    """Lines of plain text that is Markdown too, of the differences in each recording."""
    lines = [line for section in (_differences(found), _excused(found)) for line in section]
    text = Mask()("\n".join(lines) + "\n", "recordings")
    return text.encode("utf-8", "replace").decode()  # half a surrogate, which JSON can spell, fits into no file


def _differences(found: Mapping[str, Sequence[Unlike]]) -> Iterator[str]:
    alike: dict[Unlike, list[str]] = defaultdict(list)
    for name, unlikes in found.items():
        for one in unlikes:
            if not reason(one):
                alike[one].append(name)
    count = sum(map(len, alike.values()))
    yield f"{counted(len(found), 'recording')} played again: {counted(count, 'difference') if count else 'no difference'}."
    if alike:
        yield from ("", "## There, and here", "")
    for one, names in sorted(alike.items(), key=lambda each: (-len(each[1]), each[0].place)):
        times = f" ({len(names)} times; first in {names[0]})" if len(found) > 1 else f" ({len(names)} times)"
        yield f"- {one}{times if len(names) > 1 else f' ({names[0]})' if len(found) > 1 else ''}"


def _excused(found: Mapping[str, Sequence[Unlike]]) -> Iterator[str]:
    excused = Counter(why.reason for unlikes in found.values() for one in unlikes if (why := reason(one)))
    if excused:
        yield from ("", "## Cannot be alike", "")
    for words, count in excused.most_common():
        yield f"- {counted(count, 'time')}: {words}"
