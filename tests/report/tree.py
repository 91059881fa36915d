"""HTML as a tree, read by the standard library's parser, which is strict here: every element is closed, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br"}


@dataclass
class Node:
    """An element: its name, its attributes (None becomes ""), its elements and texts."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    inside: list[Node | str] = field(default_factory=list)

    def all(self, name: str = "", class_: str = "") -> Iterator[Node]:
        """Every element in it of that name and class, in order."""
        for node in self.inside:
            if isinstance(node, Node):
                if name in ("", node.name) and (not class_ or class_ in node.attributes.get("class", "").split()):
                    yield node
                yield from node.all(name, class_)

    def one(self, name: str = "", class_: str = "") -> Node:
        """The first of them."""
        return next(self.all(name, class_))

    @property
    def text(self) -> str:
        """All text in it; of a `pre` without the newline at its beginning, which a browser drops."""
        found = "".join(node if isinstance(node, str) else node.text for node in self.inside)
        return found.removeprefix("\n") if self.name == "pre" else found

    def section(self, name: str) -> Node:
        """The section that the heading of this id names."""
        return next(node for node in self.all("section") if node.attributes["aria-labelledby"] == name)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    unknown_decl = handle_pi = handle_comment


def read(text: str) -> Node:
    """The tree of a whole file; raises AssertionError where an element is not closed, or in the wrong place."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert len(reader.open) == 1
    return reader.open[0]
