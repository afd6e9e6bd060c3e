"""Killed again and again, at any instant: nothing acknowledged is lost, and the end is the same (promises 2, 3, 4)."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import labkit
from tests.conftest import Rounds
from tests.crash import processes


class Undisturbed(NamedTuple):
    """The story told once without any kill: where it began and how it ended."""

    begun: Path
    origin: int
    before: int
    digest: str
    commands: list[tuple[Any, ...]]
    seconds: float


def commands_of(lab: labkit.Lab) -> list[tuple[Any, ...]]:
    """The journal without who and when on the wall clock."""
    return [tuple(row[name] for name in ("n", "at", "command", "arguments", "outcome", "code")) for row in lab.journal]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The story in one go, in this process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    begun = folder / "begun.lab"
    labkit.create(begun, stage="configured").close()
    shutil.copy(begun, folder / "played.lab")
    clock = time.perf_counter()
    with labkit.open(folder / "played.lab") as lab:
        origin, before = lab.clock.ms, len(lab.journal)
        processes.play_story(lab, origin, before, lambda **said: None)
        assert lab.verify(full=True) == []
        return Undisturbed(begun, origin, before, lab.events_digest, commands_of(lab), time.perf_counter() - clock)


def said_in(path: Path) -> list[dict[str, Any]]:
    """Whole lines of what a process told; a line that the kill cut off was not told."""
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


def killed(path: Path, told: Path, origin: int, before: int, delay: float) -> bool:
    """Let a process go on with the story and kill it ``delay`` seconds after it began; False when it had ended."""
    with told.open("w", encoding="utf-8") as file:
        process = processes.start("story", path, origin, before, told=file)
        try:
            while process.poll() is None and told.stat().st_size == 0:
                time.sleep(0.005)
            time.sleep(delay)
            running = process.poll() is None
        finally:
            process.kill()
            process.communicate()
    assert running or process.returncode == 0, told.read_text(encoding="utf-8")
    return running


def check(path: Path, told: Path, undisturbed: Undisturbed) -> None:
    """After a kill: the file is whole, every returned call is in it, and it is a beginning of the undisturbed story."""
    said = said_in(told)
    with labkit.open(path) as lab:
        assert lab.verify() == []
        journal = commands_of(lab)
        assert journal == undisturbed.commands[: len(journal)]
        assert len(journal) >= max((line["commands"] for line in said if "commands" in line), default=0)
        assert lab.clock.ms >= max((line["at"] for line in said if "at" in line), default=0)


@pytest.mark.promise(2, 3, 4)
@pytest.mark.slow
def test_a_story_killed_at_random_ends_as_if_nothing_had_been(
    tmp_path: Path, undisturbed: Undisturbed, effort: int, rounds: Rounds
) -> None:
    """Seven virtual days of commands and running, killed at random instants until their end is reached.

    After each kill ``verify`` finds nothing, every call that returned is in the journal, and the clock is not behind
    what was told. The end has the digest of the undisturbed story, always.
    """
    chance, kills = random.Random(time.time_ns() if effort > 1 else 20141001), 0
    for number in rounds(1, 16):
        longest, patience = undisturbed.seconds / 6, time.perf_counter() + 30
        path, told = tmp_path / f"{number}.lab", tmp_path / "told.txt"
        shutil.copy(undisturbed.begun, path)
        while killed(path, told, undisturbed.origin, undisturbed.before, chance.uniform(0, longest)):
            kills += 1
            check(path, told, undisturbed)
            if time.perf_counter() > patience:  # a machine too slow for the pace of the kills
                longest *= 2
        assert said_in(told)[-1] == {"digest": undisturbed.digest}
        check(path, told, undisturbed)
        with labkit.open(path) as lab:
            assert lab.verify(full=True) == []
        path.unlink()
    print(f"{kills} kills in stories of {undisturbed.seconds:.1f} s each")
    assert kills >= 5


@pytest.mark.promise(2)
def test_a_command_killed_in_the_middle_is_done_or_not(tmp_path: Path, effort: int) -> None:
    """A process that gives commands as fast as it can, killed: each that returned is there, at most one more is."""
    path, told = tmp_path / "a.lab", tmp_path / "told.txt"
    with labkit.create(path, stage="configured") as lab:
        base = len(lab.journal)
    chance = random.Random(7)
    for number in range(8 * effort):
        with told.open("w", encoding="utf-8") as file:
            process = processes.start("commands", path, 60, f"child{number}", told=file)
            while process.poll() is None and told.stat().st_size == 0:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
            process.communicate()
        returned = max((line.get("returned", 0) for line in said_in(told)), default=0)
        with labkit.open(path) as lab:
            mine = [row for row in lab.journal if row["surface"] == f"child{number}"]
            assert lab.verify() == []
            assert len(lab.journal) == base + len(mine)
            base += len(mine)
        assert returned <= len(mine) <= returned + 1
