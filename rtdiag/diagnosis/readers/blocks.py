"""Objects as consoles print them, over one line or many: where one begins, where it ends, and whether it tells of an error."""

from __future__ import annotations

from rtdiag.api.expressions import expression

# What a hostile paste may cost: characters looked at while searching for ends of objects.
_BUDGET = 8 * 1024 * 1024
_LONGEST_BLOCK = 256 * 1024

_OPENING = expression(
    r"\{\s{0,40}(?:['\"]?(?:error|type|event_id|message|code|status|statusCode|detail|param|title|object|item_id|headers|name)"
    r"['\"]?\s{0,4}[:=]|\Z)"
)
_PARTS = expression(r"\"(?:[^\"\\\n]|\\.){0,4000}\"|'(?:[^'\\\n]|\\.){0,4000}'|[{}]")
_TELLING = expression(r"(?:\berror|\bmessage|\bdetail)['\"]?\s{0,4}[:=]|\btype['\"]?\s{0,4}[:=]\s{0,4}['\"]?error\b")
_KEY = expression(
    r"\A[\s▶▼▾▸►▹⯈•|>-]{0,20}['\"]?(error|code|event_id|message|param|type|status|item_id|content_index|\[\[Prototype\]\]|<prototype>)"
    r"['\"]?\s{0,4}[:=](?:\s|['\"{\[]|$)"
)
_COLLAPSED = expression(r"\{(?:…|\.\.\.)\}")
_NEXT = expression(r"(?:GET|POST|OPTIONS) (?:https?|wss?)://|Uncaught\b|Failed to (?:load|execute)")
_STRING_END = expression(r"\A\s{0,12}['\"]")


class Blocks:
    """Finds objects among lines, within a budget of characters looked at."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._left = _BUDGET
        self._no_keys_before = 0

    def object_at(self, index: int) -> int | None:
        """The line after the object that begins on this line, or None where none does or it tells of no error.

        An object that is never closed ends with the paste's next empty line, or with the paste.
        """
        line = self._lines[index]
        opening = self._opening(index, line)
        if opening is None or self._left <= 0:
            return None
        end = self._end(index, opening)
        text = "\n".join(self._lines[index:end])
        return end if _TELLING.search(text, opening) else None

    def keys_at(self, index: int) -> int | None:
        """The line after a run of `key: value` lines of an error, or None where fewer than two keys stand together."""
        if index < self._no_keys_before:
            return None
        end, keys = index, set()
        while end < len(self._lines) and (found := _KEY.match(self._lines[end])):
            keys.add(found.group(1))
            end = self._end_of_value(end)
        telling = {"message", "error"} & keys or {"type", "code"} <= keys
        if len(keys) >= 2 and telling:
            return end
        self._no_keys_before = end
        return None

    def is_collapsed(self, index: int) -> bool:
        """Whether the line is a preview with parts left out: `{type: 'error', error: {…}}`."""
        return bool(_COLLAPSED.search(self._lines[index]))

    def _opening(self, index: int, line: str) -> int | None:
        if "{" not in line:
            return None
        found = next((m for m in _OPENING.finditer(line) if m.end() < len(line) or m.group(0).strip() != "{"), None)
        if found:
            return found.start()
        following = self._lines[index + 1] if index + 1 < len(self._lines) else ""
        last = line.rfind("{")
        alone = not line[last + 1 :].strip()
        return last if alone and _OPENING.match("{" + following[:200]) and following.strip() else None

    def _end(self, index: int, opening: int) -> int:
        depth, seen = 0, 0
        for number in range(index, len(self._lines)):
            line = self._lines[number][opening if number == index else 0 :]
            for part in _PARTS.finditer(line):
                depth += {"{": 1, "}": -1}.get(part.group(0), 0)
                if depth == 0 and part.group(0) == "}":
                    self._left -= seen + len(line)
                    return number + 1
            seen += len(line) + 1
            if seen > min(_LONGEST_BLOCK, self._left) or (number > index and not line.strip()):
                break
        self._left -= seen
        return self._unclosed_end(index)

    def _unclosed_end(self, index: int) -> int:
        end = index + 1
        while end < len(self._lines) and end - index < 60 and self._lines[end].strip():
            if _NEXT.search(self._lines[end][:400]):
                break
            end += 1
        return end

    def _end_of_value(self, index: int) -> int:
        """Past a value that was wrapped onto lines of its own: those that are indented or begin with a quote."""
        end = index + 1
        while end < len(self._lines) and end - index < 20 and _wrapped(self._lines[end]):
            end += 1
        return end


def _wrapped(line: str) -> bool:
    return bool(line[:1] in " \t" and line.strip() and not _KEY.match(line) and _STRING_END.match(line))
