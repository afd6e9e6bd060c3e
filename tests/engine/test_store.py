"""The lab file: shelves, what is no lab, copies."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import labkit
from labkit import LabError
from labkit.engine.shelf import Shelf
from labkit.engine.store import Store


@pytest.fixture(scope="module")
def closed_lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab file nobody has open."""
    path = tmp_path_factory.mktemp("closed") / "closed.lab"
    labkit.create(path, stage="registered").close()
    return path


def refusal(path: Path) -> LabError:
    """The error that opening gives; the file is not touched by it."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(LabError) as refused:
        labkit.open(path)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert str(path) in str(refused.value)
    return refused.value


# --- shelves ----------------------------------------------------------------------------------------------------------


def test_a_look_ahead_sees_what_is_not_committed_yet(tmp_path: Path) -> None:
    """Several values in one look: those of the file, in their numbers' range, less what is changed or dropped since."""
    store = Store.create(tmp_path / "a.lab")
    shelf = Shelf(store, "blobs", packed=65_536)
    with store.writing():
        for number in range(1, 7):
            shelf.put((number, 0, 0), bytes([number]) * 65_536)
        shelf.flush()
    shelf.drop((3, 0, 0))
    shelf.put((4, 0, 0), b"new" + bytes(65_533))
    assert shelf.following(2, 4) == {2: b"\2" * 65_536, 5: b"\5" * 65_536}
    store.close()


def test_what_does_not_shrink_is_stored_as_it_is(tmp_path: Path) -> None:
    """Random bytes take their own length in the file, others less; both are read back by a fresh shelf."""
    store = Store.create(tmp_path / "a.lab")
    shelf = Shelf(store, "blobs", packed=65_536)
    values = {(1, 0, 0): random.Random(1).randbytes(65_536), (2, 0, 0): b"x" * 65_536}
    with store.writing():
        for key, value in values.items():
            shelf.put(key, value)
        shelf.flush()
    lengths = [length for (length,) in store.rows("SELECT length(body) FROM blobs ORDER BY k1")]
    assert lengths[0] == 65_536
    assert lengths[1] < 1_000
    fresh = Shelf(store, "blobs", packed=65_536)
    assert {key: fresh.get(key) for key in values} == values
    store.close()


@pytest.mark.parametrize("packed", [0, 65_536])
def test_a_shelf_reads_what_is_not_committed_yet(tmp_path: Path, packed: int) -> None:
    """Pending and dropped values are seen by get, items and all_keys at once, and by the file after the commit."""
    path = tmp_path / "a.lab"
    store = Store.create(path)
    shelf = Shelf(store, "blobs", packed=packed)
    long = b"labkit" * 10_000
    shelf.put((1, 1, 1), b"one")
    shelf.put((1, 1, 2), long)
    shelf.put((1, 2, 1), b"other")
    assert shelf.items(1, 1) == [((1, 1, 1), b"one"), ((1, 1, 2), long)]
    with store.writing():
        shelf.flush()
    shelf.drop((1, 1, 1))
    shelf.put((1, 1, 0), b"zero")
    shelf.put((1, 1, 2), b"two")
    assert shelf.get((1, 1, 1)) is None
    assert shelf.items(1) == [((1, 1, 0), b"zero"), ((1, 1, 2), b"two"), ((1, 2, 1), b"other")]
    assert shelf.all_keys() == {(1, 1, 0), (1, 1, 2), (1, 2, 1)}
    fresh = Shelf(store, "blobs", packed=packed)
    assert fresh.items(1, 1) == [((1, 1, 1), b"one"), ((1, 1, 2), long)]
    with store.writing():
        shelf.flush()
    assert fresh.items(1) == shelf.items(1)
    assert fresh.get((9, 9, 9)) is None
    store.close()


def test_what_is_put_and_dropped_never_reaches_the_file(tmp_path: Path) -> None:
    """A value that came and went between two commits leaves no trace, packed too early or not."""
    store = Store.create(tmp_path / "a.lab")
    shelf = Shelf(store, "blobs", packed=65_536)
    shelf.put((1, 0, 0), b"gone")
    shelf.prepare()
    shelf.drop((1, 0, 0))
    shelf.put((2, 0, 0), b"old")
    shelf.prepare()
    shelf.put((2, 0, 0), b"new")
    with store.writing():
        shelf.flush()
    fresh = Shelf(store, "blobs", packed=65_536)
    assert fresh.all_keys() == {(2, 0, 0)}
    assert fresh.get((2, 0, 0)) == b"new"
    store.close()


# --- what is no lab ---------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    """A missing file and a folder are no lab files; a missing folder is named."""
    assert refusal(tmp_path / "missing.lab").code == 900003
    assert refusal(tmp_path).code == 900003
    with pytest.raises(LabError) as refused:
        labkit.create(tmp_path / "no" / "a.lab")
    assert refused.value.code == 900002


@pytest.mark.parametrize("size", [0, 1, 50, 100, 4_096, 16_384, 16_385, 49_152, -16_384])
def test_a_truncated_file_is_no_lab(tmp_path: Path, closed_lab: Path, size: int) -> None:
    """However much of the file is missing, opening says so in plain words and leaves it alone."""
    path = tmp_path / "cut.lab"
    path.write_bytes(closed_lab.read_bytes()[:size])
    assert refusal(path).code == 900004


def test_a_file_of_another_kind_is_no_lab(tmp_path: Path, closed_lab: Path) -> None:
    """Text, another program's database, and a lab whose inside is damaged are refused."""
    text, foreign, damaged = tmp_path / "text.lab", tmp_path / "foreign.lab", tmp_path / "damaged.lab"
    text.write_text("labkit " * 1000, encoding="utf-8")
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE meta (key, value)")
    content = bytearray(closed_lab.read_bytes())
    content[16_384::7] = bytes(byte ^ 0x5A for byte in content[16_384::7])
    damaged.write_bytes(content)
    assert [refusal(path).code for path in (text, foreign, damaged)] == [900004, 900004, 900004]


def test_a_newer_format_is_refused(tmp_path: Path, closed_lab: Path) -> None:
    """A file of a newer labkit is refused with both numbers."""
    path = tmp_path / "newer.lab"
    shutil.copy(closed_lab, path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
    with pytest.raises(LabError) as refused:
        labkit.open(path)
    assert refused.value.code == 900005
    assert "7" in refused.value.message


def test_names_that_cannot_be(tmp_path: Path) -> None:
    """A name that is too long for the file system is refused with a code, not with the system's error."""
    with pytest.raises(LabError) as refused:
        labkit.create(tmp_path / ("x" * 400 + ".lab"))
    assert refused.value.code == 900006


def test_a_lab_is_never_written_over(tmp_path: Path, closed_lab: Path) -> None:
    """Neither create nor copy touches a file or folder that exists."""
    path = tmp_path / "a.lab"
    shutil.copy(closed_lab, path)
    before = path.read_bytes()
    for attempt in (lambda: labkit.create(path), lambda: labkit.create(tmp_path)):
        with pytest.raises(LabError) as refused:
            attempt()
        assert refused.value.code == 900001
    with labkit.open(closed_lab) as lab, pytest.raises(LabError) as refused:
        lab.copy(path)
    assert refused.value.code == 900001
    assert path.read_bytes() == before


def test_a_lab_that_could_not_be_made_leaves_no_file(tmp_path: Path) -> None:
    """A refused create leaves the name free; the folder stands for one that a client synchronises."""
    folder = tmp_path / "Dropbox"
    folder.mkdir()
    with pytest.raises(LabError) as refused:
        labkit.create(folder / "a.lab", stage="registered")
    assert refused.value.code == 900033
    assert list(folder.iterdir()) == []


@pytest.mark.promise(9)
def test_paths_with_spaces_and_japanese_letters(tmp_path: Path) -> None:
    """A lab lives in any folder a person may have, and is copied there."""
    folder = tmp_path / "私の ラボ & more #1?"
    folder.mkdir()
    with labkit.create(folder / "訓練 1%41.lab") as lab:
        copied = lab.copy(folder / "控え.lab")
        assert lab.verify() == []
        digest = lab.events_digest
    with labkit.open(copied, read_only=True) as again:
        assert again.events_digest == digest
    assert sorted(path.name for path in folder.iterdir()) == ["控え.lab", "訓練 1%41.lab"]


@pytest.mark.promise(1)
def test_a_leftover_of_a_copy_that_was_cut_off_is_no_hindrance(tmp_path: Path) -> None:
    """A copy that died half way leaves only its ``.part``; the next one succeeds."""
    with labkit.create(tmp_path / "a.lab") as lab:
        (tmp_path / "b.lab.part").write_bytes(b"SQLite format 3\0 half")
        (tmp_path / "b.lab.part-wal").write_bytes(b"old")
        lab.copy(tmp_path / "b.lab")
        digest = lab.events_digest
    with labkit.open(tmp_path / "b.lab") as copied:
        assert copied.verify() == []
        assert copied.events_digest == digest


def test_a_closed_lab_says_so(tmp_path: Path) -> None:
    """After close everything answers 900009, closing again does nothing, and the repr still works."""
    lab = labkit.create(tmp_path / "a.lab")
    lab.close()
    lab.close()
    for attempt in (lambda: lab.now, lambda: lab.run("1h"), lambda: list(lab.facts), lab.faults.lose_line):
        with pytest.raises(LabError) as refused:
            attempt()
        assert refused.value.code == 900009
    assert repr(lab) == "<Lab a.lab closed>"


def test_read_only_writes_nothing(tmp_path: Path, closed_lab: Path) -> None:
    """A lab that is opened to be read refuses commands and time, and its file stays byte for byte the same."""
    path = tmp_path / "a.lab"
    shutil.copy(closed_lab, path)
    before = path.read_bytes()
    with labkit.open(path, read_only=True) as lab:
        assert lab.verify() == []
        for attempt in (lambda: lab.run("1h"), lab.faults.lose_line):
            with pytest.raises(LabError) as refused:
                attempt()
            assert refused.value.code == 900008
    assert path.read_bytes() == before
