"""A class: what a learner's process writes, and what a trainer sees of forty of them."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

from labkit import course
from labkit.cli import main
from labkit.course import board, telling, writer
from labkit.engine.errors import LabError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A class folder, with Hanako at the keyboard."""
    made = tmp_path / "class"
    made.mkdir()
    monkeypatch.setenv("LABKIT_CLASS", str(made))
    monkeypatch.setenv("LABKIT_LEARNER", "花子@pc-07")
    return made


def _entry(folder: Path) -> dict[str, Any]:
    assert telling.flush()
    (path,) = folder.iterdir()
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_what_is_told_and_when(folder: Path) -> None:
    """Begun, checked, refused, done, hand up and down: after each the file has it, whole and in its place."""
    lab = course.start("evaluation-site")
    assert (_entry(folder)["lesson"], _entry(folder)["step"]) == ("evaluation-site", "find-the-host")
    course.check("find-the-host")
    course.check("find-the-host")
    assert _entry(folder)["tries"] == 2
    course.answer("find-the-host", "HV01")
    assert (_entry(folder)["step"], _entry(folder)["done"]) == ("first-hour", ["find-the-host"])
    with pytest.raises(LabError):
        lab.site.start_server("HV01")
    assert _entry(folder)["refusal"]["code"] == 900678
    course.raise_hand("The host?")
    assert (_entry(folder)["hand"] is not None, _entry(folder)["hand_note"]) == (True, "The host?")
    course.lower_hand()
    assert _entry(folder)["hand"] is None
    course.call_me("花子")
    assert _entry(folder)["name"] == "花子"


def test_nobody_is_told_of_what_nobody_watches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unattended run writes nothing into the class."""
    monkeypatch.setenv("LABKIT_COURSE", "new")
    course.start("evaluation-site").close()
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_gone_stops_no_lesson(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The learner is told once that the class is not, and goes on."""
    monkeypatch.setitem(telling._state, "silent", False)
    folder.rmdir()
    course.start("evaluation-site")
    assert telling.flush()
    course.check("first-hour")
    assert capsys.readouterr().out.count("class is not told") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a file whose writing hangs")
def test_a_folder_that_hangs_holds_up_no_lesson(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cells go on while the class folder does not answer, it is said, and the latest is told when it answers again."""
    monkeypatch.setitem(telling._state, "silent", False)
    course.start("evaluation-site")
    own = folder / telling.file_name("花子@pc-07")
    pipe = own.with_name(f".{own.name}.{os.getpid()}.part")
    assert telling.flush()
    os.mkfifo(pipe)
    clock = time.perf_counter()
    for _ in range(5):
        course.check("find-the-host")
    assert time.perf_counter() - clock < 2
    monkeypatch.setattr(telling, "_HANGS", 0.0)
    course.raise_hand("Nobody answers?")
    assert "class is not told" in capsys.readouterr().out
    pipe.read_bytes()  # the share is there again
    assert _entry(folder)["hand_note"] == "Nobody answers?"


def test_a_file_that_is_being_read_is_replaced_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses to replace it while the trainer reads; it is tried again, and nothing stays beside it."""
    replace, refused = Path.replace, []

    def once(self: Path, target: Path) -> Path:
        if not refused:
            refused.append(target)
            raise PermissionError(13, "The process cannot access the file")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", once)
    monkeypatch.setattr(writer, "_PAUSE", 0.0)
    course.call_me("花子")
    assert _entry(folder)["name"] == "花子"
    assert (folder / telling.file_name("花子@pc-07")).exists()
    assert refused


def test_a_name_whose_bytes_are_no_letters(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with marks in their place, and two such names have two files."""
    monkeypatch.setenv("LABKIT_LEARNER", "caf\udce9")
    course.start("evaluation-site")
    course.call_me("\ud800")
    assert (_entry(folder)["learner"], _entry(folder)["name"]) == ("caf?", "?")
    assert telling.file_name("caf\udce9") != telling.file_name("caf\udce8")


def test_a_refusal_that_was_told_holds_no_lab(folder: Path) -> None:
    """What was told of it is kept, the error with its traceback is not."""
    lab = course.start("evaluation-site")
    try:
        lab.site.start_server("HV01")
    except LabError as error:
        held = weakref.ref(error)
    gc.collect()
    assert held() is None
    assert _entry(folder)["refusal"]["code"] == 900678


def _simulated(folder: Path, count: int) -> None:
    for number in range(count):
        entry = {
            "schema": telling.SCHEMA,
            "learner": f"user{number}@pc",
            "name": f"Learner Number {number}",
            "lesson": "test-failover",
            "step": "complete-test" if number else "",
            "steps": ["start-test", "connect-test-vm", "complete-test", "test-plan", "unreachable-guest"],
            "done": ["start-test", "connect-test-vm"],
            "tries": number % 3,
            "since": f"2014-10-01T09:{number:02}:00+09:00",
            "refusal": {"code": 900502, "message": "MYWSV02 is not protected.", "at": "2014-10-01T09:00:00+09:00"},
            "hand": "2014-10-01T09:30:00+09:00" if number == 39 else None,
            "hand_note": "Kanji <b>",
            "updated": "2014-10-01T09:40:00+09:00",
        }
        (folder / telling.file_name(str(entry["learner"]))).write_text(json.dumps(entry), encoding="utf-8")


def test_forty_learners(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty files make a board: a raised hand first, then who is longest at a step; stuck and tried in words."""
    _simulated(folder, 40)
    monkeypatch.setattr(board.pace, "wall_time", lambda: "2014-10-01T09:41:30.000+09:00")
    clock = time.perf_counter()
    found = board.classroom(folder)
    text = repr(found)
    print(f"read and shown in {time.perf_counter() - clock:.3f} s (goal: under a second)")
    assert [one.name for one in found.learners[:3]] == ["Learner Number 39", "Learner Number 1", "Learner Number 2"]
    assert [one.stuck for one in found.learners[:3]] == [2, 40, 39]
    assert "40 (stuck)" in text
    assert "tried 2" in text
    assert "900502: MYWSV02 is not protected." in text
    assert found.learners[-1].stuck is None or found.learners[-1].stuck < 5
    page = found._repr_html_()
    assert "Kanji &lt;b&gt;" in page
    assert "http" not in page


def test_names_can_be_hidden(folder: Path) -> None:
    """No name, account or note of a learner is in the board then, in text, page and JSON."""
    _simulated(folder, 3)
    found = board.classroom(folder, hide_names=True)
    shown = repr(found) + found._repr_html_() + json.dumps(found.as_dict())
    assert "Learner Number" not in shown
    assert "user1" not in shown
    assert "Kanji" not in shown
    assert "Learner 2" in shown


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"schema": 1}', b"\xff\xfe", b"{" * 100_000, b"x" * 300_000, b'{"schema": 9, "learner": "x"}'],
)
def test_strange_files_are_named(folder: Path, content: bytes) -> None:
    """Broken, foreign, huge, or of another version: named with a reason, and the others are shown."""
    _simulated(folder, 2)
    (folder / "strange.json").write_bytes(content)
    (folder / "notes.txt").write_text("mine")
    (folder / "folder.json").mkdir()
    found = board.classroom(folder)
    assert len(found.learners) == 2
    assert set(found.strange) == {"strange.json", "folder.json"}
    assert all(found.strange.values())
    assert "strange.json" in repr(found)


def test_hidden_names_are_nowhere(folder: Path) -> None:
    """Neither in the names of strange files and their reasons, nor in what a lab refused, nor in the folder."""
    _simulated(folder, 2)
    whole = json.loads(next(folder.iterdir()).read_text("utf-8"))
    strange = {
        "taro.yamada-1": {"schema": 9},
        "taro.yamada-2": {"updated": "taro.yamada"},
        "taro.yamada-3": {"schema": 9},
    }
    for name, change in strange.items():
        (folder / f"{name}.json").write_text(json.dumps({**whole, **change}))
    refusal = {"code": 900010, "message": "C:/Users/taro.yamada/x.lab", "at": ""}
    (folder / "own.json").write_text(json.dumps({**whole, "refusal": refusal}))
    assert "taro.yamada" in repr(board.classroom(folder))
    found = board.classroom(folder, hide_names=True)
    assert "taro" not in repr(found) + found._repr_html_() + json.dumps(found.as_dict()) + str(found.strange)
    assert str(folder) not in json.dumps(found.as_dict())
    assert "900010" in repr(found)
    assert "2 (of another version of labkit), 1 (not whole)" in found.table().note


def test_foreign_texts_are_cleaned(folder: Path) -> None:
    """Half letters, orders to a terminal, turned writing and endless texts: all can be shown, short and in one line."""
    _simulated(folder, 1)
    whole = json.loads(next(folder.iterdir()).read_text("utf-8"))
    texts = ["\ud800x", "\x1b[2J\x1b]0;owned\x07T", "\u202egnp.exe", "x" * 10_000, "a\nb\rc"]
    for number, text in enumerate(texts):
        change = dict.fromkeys(("learner", "name", "lesson", "step", "hand_note", "hand", "since", "language"), text)
        more = {"refusal": {"code": 1, "message": text, "at": text}, "steps": [text], "done": [text]}
        (folder / f"{number}.json").write_text(json.dumps({**whole, **change, **more}))
    found = board.classroom(folder)
    shown = repr(found) + found._repr_html_() + json.dumps(found.as_dict(), ensure_ascii=False)
    assert len(found.learners) == 6
    assert len(shown.encode("utf-8")) < 40_000
    assert all(len(line) < 600 for line in repr(found).splitlines())
    assert not {"\x1b", "\x07", "\u202e", "\r"} & set(shown)


@pytest.mark.parametrize(
    "change",
    [
        {"tries": 10**400},
        {"tries": -1},
        {"steps": ["x"] * 5000},
        {"refusal": {"code": {"a": [1]}}},
        {"learner": " "},
        {"updated": "2014-10-01"},
        {"done": 7},
    ],
)
def test_what_is_not_whole_is_no_learner(folder: Path, change: dict[str, Any]) -> None:
    """Counts, lists and instants that no learner's file has: named with the reason."""
    _simulated(folder, 1)
    whole = json.loads(next(folder.iterdir()).read_text("utf-8"))
    (folder / "own.json").write_text(json.dumps({**whole, **change}))
    found = board.classroom(folder)
    assert (len(found.learners), list(found.strange)) == (1, ["own.json"])
    assert found.strange["own.json"]


def test_instants_at_the_end_of_time(folder: Path) -> None:
    """A clock that is wrong by thousands of years makes no board fail."""
    _simulated(folder, 1)
    whole = json.loads(next(folder.iterdir()).read_text("utf-8"))
    for number, instant in enumerate(("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-23:59")):
        (folder / f"{number}.json").write_text(json.dumps({**whole, "since": instant, "updated": instant}))
    assert len(board.classroom(folder).learners) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links")
def test_only_regular_files_are_opened(folder: Path, tmp_path: Path) -> None:
    """A pipe nobody writes to, a link to elsewhere, a device: not opened, and named."""
    _simulated(folder, 1)
    os.mkfifo(folder / "pipe.json")
    outside = next(folder.glob("user*")).rename(tmp_path / "outside")
    (folder / "link.json").symlink_to(outside)
    (folder / "zero.json").symlink_to("/dev/zero")
    found = board.classroom(folder)
    assert (found.learners, set(found.strange)) == ([], {"pipe.json", "link.json", "zero.json"})


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``labkit class`` prints text or JSON alone, and refuses a folder that is none."""
    _simulated(folder, 3)
    assert main(["class", str(folder)]) == 0
    assert "3 learners" in capsys.readouterr().out
    assert main(["class", str(folder), "--json", "--hide-names"]) == 0
    assert len(json.loads(capsys.readouterr().out)["learners"]) == 3
    assert main(["class", str(folder / "nowhere")]) == 3
    assert "901107" in capsys.readouterr().err


def test_learners_have_files_of_their_own() -> None:
    """Two learners never share a file, whatever letters their names have; the name is safe on every system."""
    names = ["山田@pc", "山本@pc", "a/b", "a_b", "A_B", "..", "x" * 300]
    files = [telling.file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert all(os.path.basename(file) == file and len(file) < 90 and file.endswith(".json") for file in files)  # noqa: PTH119
