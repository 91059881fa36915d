"""The door for files of others: how much is read, in which encoding, and what JSON and YAML become."""

from __future__ import annotations

import contextlib
import io
import json
import os
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdiag.intake import (
    Limit,
    Malformed,
    Source,
    Unusable,
    json_of,
    odd,
    opened,
    text_of,
    yaml_of,
)
from rtdiag.model.json_report import SCHEMA_VERSION
from rtdiag.recorded import refuse_other_version

FEW = Limit(1024, "give less")
PLENTY = Limit(1 << 20, "give less")


class Drops(io.RawIOBase):
    """A source that gives what it has in small parts, and counts them."""

    def __init__(self, content: bytes, most: int) -> None:
        self._content, self._most, self.given = io.BytesIO(content), most, 0

    def read(self, size: int = -1) -> bytes:
        part = self._content.read(min(size, self._most))
        self.given += len(part)
        return part


# --- how much, and from where


def test_no_more_than_one_byte_beyond_the_limit_is_read() -> None:
    drops = Drops(b"x" * 10_000, 7)
    with pytest.raises(Unusable, match=r"^it is larger than 1 KiB: give less$"):
        Source(drops, FEW).rest()
    assert drops.given == FEW.most_bytes + 1
    assert Source(Drops(b"x" * 1024, 7), FEW).rest() == b"x" * 1024


def test_what_was_looked_at_is_still_there() -> None:
    source = Source(Drops(b"abcdefgh", 3), FEW)
    assert source.peek(4) == b"abcd"
    assert source.peek(2) == b"ab"
    assert source.read(3) + source.rest() == b"abcdefgh"
    assert source.read(3) == source.peek(3) == b""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/dev/zero", "it is a device, not a file"),
        ("/dev/null", "it is a device, not a file"),
        ("/nowhere/at/all", "No such file or directory"),
        (".", "Is a directory"),
        ("a\0b", "no file can be called so"),
        ("x" * 5000, "File name too long"),
    ],
)
def test_what_is_no_file_is_said(name: str, why: str) -> None:
    with pytest.raises(Unusable, match=f"^{why}"), opened(name, FEW):
        pass


def test_links_in_a_circle_and_pipes_that_nobody_writes_into_are_said(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unusable, match=r"^Too many levels of symbolic links$"):
        text_of(str(tmp_path / "circle"), FEW)
    with pytest.raises(Unusable, match=r"^nobody writes into that pipe$"):
        text_of(str(tmp_path / "pipe"), FEW)


def test_a_pipe_is_read_to_its_end_however_slowly_it_comes(tmp_path: Path) -> None:
    pipe, begun = tmp_path / "pipe", threading.Event()
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:  # opens when the reader has
            file.write(b"one ")
            begun.wait()
            file.write(b"two")

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    with opened(str(pipe), FEW) as source:
        first = source.peek(1)
        begun.set()
        assert first + source.rest()[1:] == b"one two"
    writer.join()


def test_a_pipe_is_read_no_further_than_the_limit(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), (tmp_path / "pipe").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 65536)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    with pytest.raises(Unusable, match=r"^it is larger than 1 MiB"):
        text_of(str(tmp_path / "pipe"), PLENTY)
    writer.join()


# --- encodings


ENCODED: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "utf-8 with two marks": lambda text: b"\xef\xbb\xbf" + text.encode("utf-8-sig"),
    "utf-16-le": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "utf-16-be": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
}


@pytest.mark.parametrize("encoding", ENCODED)
@settings(max_examples=50, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\ufffd")), most=st.integers(1, 5)
)
def test_each_encoding_is_read_whatever_the_parts_that_it_comes_in(encoding: str, text: str, most: int) -> None:
    source = Source(Drops(ENCODED[encoding](text), most), PLENTY)
    source.peek(most)
    assert source.text() == text


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"caf\xe9", "it is not UTF-8 text (byte 3): save it as UTF-8"),
        (b"\xff\xfea", "it is broken as UTF-16 text: save it as UTF-8"),
        (b"\xff\xfea\x00\x00\xd8b\x00", "it is broken as UTF-16 text: save it as UTF-8"),
        ("text".encode("utf-32"), "it is binary: give text, in UTF-8"),
        ("text".encode("utf-16-le"), "it is binary: give text, in UTF-8"),
        (b"\x1f\x8b\x08\x00", "it is compressed with gzip: unpack it first"),
        (b"PK\x03\x04", "it is a ZIP archive: unpack it first"),
    ],
)
def test_what_is_no_text_is_said(raw: bytes, why: str) -> None:
    with pytest.raises(Unusable) as refused:
        Source(io.BytesIO(raw), FEW).text()
    assert str(refused.value) == why


@pytest.mark.parametrize("raw", [b"", b"\xef", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_what_is_shorter_than_a_mark_or_nothing_else_is_no_harm(raw: bytes) -> None:
    assert Source(io.BytesIO(raw), FEW).peek(9) == (raw if raw == b"\xef" else b"")


# --- JSON


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ('{"a": 1', "line 1: the JSON ends too early: is the file whole?"),
        ('{"a":\n "b', "line 2: the text that begins in column 2 has no end: is the file whole?"),
        ('{"a": 1}\n{"b": 2}', "line 2: the JSON has ended, and something follows from column 1 on"),
        ("{'a': 1}", "line 1: no JSON from column 2 on; JSON takes double quotes alone"),
        ('{"a": "\n"}', "line 1: no JSON from column 8 on; "),
        ('{"a": 1,}', "line 1: no JSON from column"),
    ],
)
def test_where_and_why_a_text_is_no_json(text: str, why: str) -> None:
    with pytest.raises(Malformed) as refused:
        json_of(text)
    assert str(refused.value).startswith(why)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 100_000, "it is nested deeper than 100 levels"),
        ("[" * 101 + "]" * 101, "it is nested deeper than 100 levels"),
        ('{"a":' * 500 + "1" + "}" * 500, "it is nested deeper than 100 levels"),
        ("[" + "[]," * 400_000 + "[]]", "it holds more than 300000 values"),
        ("[" + "{}," * 5_000_000 + "{}]", "it holds more than 300000 values"),
        ('{"a": {"b": 1, "b": 2}}', "the name 'b' stands twice in one object"),
    ],
)
def test_json_that_could_do_harm_is_refused(text: str, why: str) -> None:
    with pytest.raises(Unusable) as refused:
        json_of(text)
    assert str(refused.value).startswith(why)


def test_where_the_last_counts_a_name_may_stand_twice() -> None:
    assert json_of('{"a": 1, "a": 2}', once=False) == {"a": 2}
    assert json_of("[" * 100 + "]" * 100) is not None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": {"b": [NaN]}}', "a.b[0] is nan, which JSON does not have"),
        ('{"a": -Infinity}', "a is infinite, or too large for a number"),
        ('{"a": 1e999}', "a is infinite, or too large for a number"),
        (f'{{"a": {"9" * 5000}}}', "a is infinite, or too large for a number"),
        ('{"a": "\\ud800"}', "a is no whole text: it holds half a character (\\ud800)"),
        ('{"a": {"\\udfff": 1}}', "a name in a is no whole text: it holds half a character (\\udfff)"),
        ('{"a": ["\\ud83d\\ude00", 1.5, true, null, {}]}', ""),
    ],
)
def test_what_cannot_be_sent_is_named_with_its_place(text: str, why: str) -> None:
    assert odd(json_of(text)) == why


# --- YAML


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_what_pyyaml_writes_comes_back(value: Any) -> None:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    try:
        json.dumps(value, ensure_ascii=False).encode()
        text = yaml.dump([value, value], Dumper=dumper, allow_unicode=True, sort_keys=False)
    except UnicodeEncodeError:
        return
    assert yaml_of(text) == [value, value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: [yes, No, on, ~, null, 'yes']", [True, False, True, None, None, "yes"]),
        ("a: [1, -2, +3, 1.5, .5, 1.0e+3, 1e3]", [1, -2, 3, 1.5, 0.5, 1000.0, "1e3"]),
        ("a: !!str 1", "1"),
        ('a: !!int "1"', 1),
        ("a: !!binary aGk=", b"hi"),
        ("a: =", "="),
        ("a: <<", "<<"),
        ("a: &x {b: [1]}\nc: *x", {"b": [1]}),
        ("a: {<<: {x: 1, y: 2}, x: 3}", {"x": 3, "y": 2}),
        ("a: {x: 3, <<: [{x: 1}, {x: 2, y: 2}]}", {"x": 3, "y": 2}),
        ("k: &k a\n*k : 5", 5),
    ],
)  # fmt: skip
def test_what_yaml_means(text: str, value: Any) -> None:
    found = yaml_of(text)
    assert (found["a"] if found else found) == value


def test_what_stands_in_two_places_is_two_values() -> None:
    found = yaml_of("a: &x {b: []}\nc: *x\n")
    found["a"]["b"].append(1)
    assert found == {"a": {"b": [1]}, "c": {"b": []}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("&a\ntype: realtime\nme: *a\n", "line 3: what *a stands for contains itself"),
        ("&a [*a]", "line 1: what *a stands for contains itself"),
        ("&a {<<: *a}", "line 1: what *a stands for contains itself"),
        ("a: &a [x]\nb: &a [*a]", "line 2: what *a stands for contains itself"),
        ("[" + "*a," * 17 + "]", "line 1: *a stands for nothing that came before"),
        ("- &a x\n" + "- *a\n" * 17, "it holds more than 16 aliases: write the values out"),
        ("- &a " + "x" * 600_000 + "\n" + "- *a\n" * 4, "its aliases multiply it: write the values out"),
        ("[" * 100_000, "it is nested deeper than 100 levels"),
        ("- " * 101 + "x", "it is nested deeper than 100 levels"),
        ("? " * 5_000, "it is nested deeper than 100 levels"),
        ("".join(" " * n + "a:\n" for n in range(3000)), "it is nested deeper than 100 levels"),
        ("- a\n" * 300_001, "it holds more than 300000 values"),
        ("a: 1\nb: 2\na: 3", "line 3: the name 'a' stands twice"),
        ("<<: {a: 1}\n<<: {b: 1}", "line 2: the name '<<' stands twice"),
        ("<<: 5", "line 1: << takes a mapping, or a list of mappings"),
        ("<<: [{a: 1}, 5]", "line 1: << takes a mapping, or a list of mappings"),
        ("? [a]\n: 1", "line 1: a list or mapping where a name must stand"),
        ("a: !!python/object/apply:os.system ['true']", "line 1: the tag !!python/object/apply:os.system is not taken"),
        ("%TAG ! tag:x,2000:\n---\na: !foo x", "line 3: the tag tag:x,2000:foo is not taken"),
        ("a: !!set {b, c}", "line 1: the tag !!set is not taken"),
        ("a: !!omap [b: 1]", "line 1: the tag !!omap is not taken"),
        ("a: !!map [b]", "line 1: the tag !!map is not taken"),
        ("a: !!bool maybe", "line 1: the tag bool is not taken"),
        ("a: !!binary é", "line 1: this is no base64, which !!binary announces"),
    ],
)  # fmt: skip
def test_yaml_that_could_do_harm_is_refused(text: str, why: str) -> None:
    with pytest.raises(Unusable) as refused:
        yaml_of(text)
    assert str(refused.value).startswith(why)
    assert "\n" not in str(refused.value)


def test_aliases_of_aliases_are_counted_as_they_would_stand() -> None:
    names = "abcdefgh"
    doubled = "- &a [" + "1," * 300 + "]\n"
    doubled += "".join(f"- &{name} [*{before}, *{before}]\n" for before, name in pairwise(names))
    assert yaml_of(doubled)[7]
    with pytest.raises(Unusable, match="it holds more than 300000 values"):
        yaml_of(doubled.replace("1,", "1,1,1,1,1,1,1,1,1,"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [1,\nb: }", "line 2: no YAML from column"),
        ("a: [\n", "line 2: the YAML ends too early: is the file whole?"),
        ("a:\n\tb: 1", "line 2: a tab, where YAML takes blanks alone"),
        ("a: 1\n---\nb: 2", "line 2: another document begins: give one"),
        ("%YAML 9.9\n---\na: 1", "line 1: no YAML from column 1 on"),
        ("a: \x1b", "it holds a control character, which YAML does not take"),
        ("a: *b", "line 1: *b stands for nothing that came before"),
    ],
)
def test_where_and_why_a_text_is_no_yaml(text: str, why: str) -> None:
    with pytest.raises(Malformed) as refused:
        yaml_of(text)
    assert str(refused.value).startswith(why)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "written",
    ["010", "0x1F", "0b11", "1_000", "190:20:30", "!!int foo", "!!int ''", "!!float ''", "9" * 400],
)
def test_a_number_that_json_spells_otherwise_stays_as_it_is_written_and_is_told(written: str) -> None:
    found = yaml_of(f"a: {written}")
    assert found["a"] == written.partition(" ")[2].strip("'") if written[0] == "!" else written
    assert odd(found) == "a is a number in YAML's own spelling, which JSON does not have: put it in quotes"


@pytest.mark.parametrize("written", ["2026-01-01", "2026-99-99", "2001-12-14t21:59:43.10-05:00", "!!timestamp foo"])
def test_a_date_stays_as_it_is_written_and_is_told(written: str) -> None:
    found = yaml_of(f"a: {written}")
    assert found["a"] == written.rpartition(" ")[2]
    assert odd(found) == "a is a date, which JSON does not have: put it in quotes"


def test_the_slower_parser_is_held_by_the_same_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtdiag.api.own_yaml.loader", lambda: yaml.SafeLoader)
    for text in ("&a [*a]", "[" * 2_000, "a: \x00", "a: 1\n---\nb: 2", "a: !!python/name:os.system ''"):
        with pytest.raises(Unusable):
            yaml_of(text)
    assert odd(yaml_of('a: "\\ud800"')).startswith("a is no whole text")
    assert yaml_of("a: [1, {b: 'c'}]") == {"a": [1, {"b": "c"}]}


# --- reports of other versions

NEWER = (
    f"written by a newer rtdiag 9.1 (schema {SCHEMA_VERSION + 1}, this rtdiag reads {SCHEMA_VERSION}): upgrade rtdiag"
)


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ({"schema_version": SCHEMA_VERSION + 1, "tool": {"version": "9.1"}}, NEWER),
        ({"schema_version": 10**400, "tool": {"version": "\x1b[31m"}}, "written by a newer rtdiag (schema 10000000000000000000"),
        ({"schema_version": 0}, f"written by an older rtdiag (schema 0, this rtdiag reads {SCHEMA_VERSION}): run it again"),
        ({"schema_version": "1"}, "written by something else than rtdiag"),
        ({"schema_version": True}, "written by something else than rtdiag"),
        ({"schema_version": SCHEMA_VERSION}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_report_of_another_version_is_told(report: dict[str, Any], why: str) -> None:
    if not why:
        refuse_other_version(report)
        return
    with pytest.raises(Unusable) as refused:
        refuse_other_version(report)
    assert str(refused.value).startswith(why)
