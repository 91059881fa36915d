"""What was read once is kept for the next start, and counts only where it is whole and was made of the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rtdiag.api import own_yaml
from rtdiag.api.kept import kept
from rtdiag.api.models import Model
from rtdiag.diagnosis import catalogue, needles

VALUE = {"a": [1, 2.5, None, True, "ä"], 14: {"day": date(2026, 11, 30)}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "rtdiag"


def making(value: Any, times: list[int]) -> Callable[[], Any]:
    def make() -> Any:
        times.append(1)
        return value

    return make


def times_made(value: Any = VALUE, sources: tuple[bytes, ...] = (b"x", b"x")) -> int:
    made: list[int] = []
    assert all(kept("name", source, making(value, made)) == value for source in sources)
    return len(made)


def test_the_same_bytes_are_read_once_and_their_dates_stay_dates() -> None:
    assert times_made() == 1
    assert times_made(sources=(b"x",)) == 0


def test_other_bytes_are_read_again() -> None:
    assert times_made(sources=(b"x", b"y", b"x")) == 3


@pytest.mark.parametrize("value", [{1, 2}, (1, 2), b"x", object()], ids=["set", "tuple", "bytes", "object"])
def test_what_would_come_back_as_something_else_is_not_kept(value: Any) -> None:
    assert times_made(value) == (1 if isinstance(value, bytes) else 2)


@pytest.mark.parametrize("spoilt", [b"", b"\x92", b"\x92\xc4\x01x\xc4\x01\xc1", b"no msgpack", bytes([0x91]) * 100_000])
def test_what_is_no_longer_whole_is_made_again(folder: Path, spoilt: bytes) -> None:
    times_made()
    (folder / "name.msgpack").write_bytes(spoilt)
    assert times_made() == 1


def test_each_beginning_of_what_was_kept_is_refused(folder: Path) -> None:
    times_made()
    whole = (folder / "name.msgpack").read_bytes()
    for end in range(len(whole)):
        (folder / "name.msgpack").write_bytes(whole[:end])
        assert times_made() == 1
    assert os.listdir(folder) == ["name.msgpack"]


def test_where_nothing_can_be_kept_nobody_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write_text("in its place")
    assert times_made() == 2
    folder.unlink()
    (folder / "name.msgpack").mkdir(parents=True)
    assert times_made() == 2
    assert os.listdir(folder) == ["name.msgpack"]
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(folder)
    assert times_made() == 2
    assert os.listdir(folder) == ["name.msgpack"]


def test_a_home_stands_where_no_other_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    times_made()
    assert (tmp_path / ".cache" / "rtdiag" / "name.msgpack").is_file()
    assert (tmp_path / ".cache" / "rtdiag").stat().st_mode & 0o777 == 0o700


def test_a_file_of_ours_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = own_yaml.listed(Model, ("rtdiag.api", "models.yaml"))
    monkeypatch.setattr(own_yaml, "loader", lambda: pytest.fail("it was kept"))
    assert own_yaml.listed(Model, ("rtdiag.api", "models.yaml")) == first


def test_a_mistake_is_the_same_line_where_the_file_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_data").mkdir()
    (tmp_path / "acme_data" / "__init__.py").touch()
    (tmp_path / "acme_data" / "models.yaml").write_text("- id: a\n- id: b\n  colour: red\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    told = []
    for _ in range(2):
        with pytest.raises(own_yaml.BadData) as caught:
            own_yaml.listed(Model, ("acme_data", "models.yaml"))
        told.append(str(caught.value))
    assert told[0] == told[1]
    assert told[0].startswith("acme_data/models.yaml, line 1: a: ")


def test_the_catalogue_is_made_once_and_comes_back_as_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = catalogue._all.__wrapped__()
    monkeypatch.setattr(catalogue, "gathered", lambda *_: pytest.fail("it was kept"))
    assert catalogue._all.__wrapped__() == made


def test_the_catalogue_is_made_again_where_a_file_of_it_or_what_reads_it_is_another() -> None:
    folder = Path(catalogue.__file__).parent
    files = [*folder.glob("*.yaml"), folder / "__init__.py", Path(needles.__file__)]
    assert all(file.read_bytes() in catalogue._made_of() for file in files)
