"""STEP 2 with anything wrong: each precondition shows at its own step and is cured there, alone and with others."""

from __future__ import annotations

import itertools
import random
import shutil
import time
from pathlib import Path

import pytest

from labkit.engine.errors import LabError
from tests.conftest import Rounds
from tests.recovery.labs import state_of
from tests.recovery.preconditions import (
    HARDWARE,
    ROWS,
    Act,
    Row,
    both,
    disk,
    disks_are,
    host_is,
    in_a_cluster,
    leave_out,
    say,
    vm_is,
)
from tests.recovery.walk import HOST, Shown, Stuck, Walk, go


class Mender:
    """Cures what shows, and keeps what was wrong still and at which steps each row showed."""

    def __init__(self, rows: tuple[Row, ...]) -> None:
        self.left, self.seen = list(rows), {row.name: set[str]() for row in rows}
        self.skipped = {step for row in rows for step in row.skips}

    def __call__(self, walk: Walk, told: Shown, error: LabError | Stuck) -> bool:
        """Mend the first of what is named; whether the call is to be made again."""
        named = [row for row in self.left if told.codes & {row.code, *row.also}]
        assert named, f"{told}: nobody broke this; left: {list(map(str, self.left))}: {error}"
        mine = [row for row in named if row.code in told.codes]
        assert {row.code for row in mine} | {code for row in named for code in row.also} >= told.codes, told
        here = [row for row in mine if row.step == told.step] or named
        if any(row.of_vm for row in here):
            wanted = {row.code for row in self.left if row.of_vm}
            assert told.codes == wanted, f"{told}, and not {wanted}: F-5"
        here.sort(key=lambda row: row.of_vm == HARDWARE)
        return self._cure(walk, here[0], told)

    def _cure(self, walk: Walk, row: Row, told: Shown) -> bool:
        """The row's cure; what another row puts in its way is cured first."""
        self.seen[row.name].add(told.step)
        late = row.step in self.skipped
        assert row.step == told.step or late or row.also, f"{row} shows at {told.step}"
        while True:
            try:
                again = row.cure(walk)
                break
            except LabError as error:
                self._cure(walk, self._in_the_way(row, error), told)
        self.left.remove(row)
        if row.of_vm == HARDWARE:
            for other in [one for one in self.left if one.of_vm]:
                self.seen[other.name].add(told.step)
                self.left.remove(other)
        return again is not False

    def _in_the_way(self, row: Row, error: LabError) -> Row:
        """What else is wrong, by which a row's cure is refused."""
        others = [one for one in self.left if one is not row and error.code in (one.code, *one.also)]
        assert others, f"{row}: its cure is refused: {error}"
        return others[0]


def walk_with(folder: Path, *rows: Row) -> tuple[list[Shown], Mender]:
    """Walk with these rows broken, to the end; what was shown."""
    walk, mender = Walk(folder), Mender(rows)
    for row in rows:
        row.breaks(walk)
    with walk.create() as lab:
        shown = go(walk, mender)
        assert not mender.left, f"never shown: {list(map(str, mender.left))}"
        assert state_of(lab, walk.vm) == "Protected"
        assert lab.verify() == []
    return shown, mender


@pytest.mark.rule("2.3-4", "2.7-8", "2.8-2")
def test_nothing_wrong(tmp_path: Path) -> None:
    """The way by itself: no step is refused."""
    assert walk_with(tmp_path)[0] == []


@pytest.mark.parametrize("row", [pytest.param(row, marks=pytest.mark.rule(row.rule), id=str(row)) for row in ROWS])
def test_each_precondition(tmp_path: Path, row: Row) -> None:
    """The steps before pass; the step is refused with the row's code, or its job fails with it; a refusal changes
    nothing; the cure is enough to come to "Protected".
    """
    shown, _ = walk_with(tmp_path, row)
    assert shown == [Shown(row.step, frozenset({row.code}), row.by_job)]


FIXED, DIFFERENCING = disk("fixed", format="vhd", type="fixed"), disk("differencing", type="differencing")
FINE: dict[str, tuple[str, Act, int]] = {
    "FreeBSD": ("1.4-5", both(vm_is(os="FreeBSD 10.0"), say("system", "Other Linux (64-bit)")), 900863),
    "no integration services": ("1.4-4", vm_is(integration="none"), 900862),
    "VHD, fixed, differencing": ("1.4-10", disks_are(FIXED, DIFFERENCING), 0),
    "16 data disks": ("1.4-9", disks_are(*(disk(f"data{number}") for number in range(16))), 0),
    "static address, Windows": ("1.4-12", vm_is(adapters=[{"name": "A", "address": "static"}]), 900870),
    "two adapters": ("1.4-13", vm_is(adapters=[{"name": "A"}, {"name": "B"}]), 900871),
    "no remote desktop": ("2.4-5", vm_is(remote=False), 900874),
    "firewall closed": ("2.4-5", vm_is(firewall="closed"), 900874),
    "host without the role": ("2.3-6", host_is(0, role=False), 0),
    "no update rollup": ("2.3-5", leave_out("update"), 0),
    "cluster with DHCP": ("1.4-3", in_a_cluster("dhcp"), 0),
    "no agent where no VM is": ("2.6-5", say("agent", {HOST: {}}), 0),
    "nothing mapped": ("2.7-9", both(leave_out("network"), leave_out("map")), 0),
    "made in the cloud": ("2.4-1", vm_is(made="cloud"), 0),
}  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.rule(FINE[name][0])) for name in FINE])
def test_what_is_no_precondition(tmp_path: Path, name: str) -> None:
    """What looks wrong and is not: no step is refused, and the check warns where somebody is to know it."""
    _, act, warning = FINE[name]
    walk, mender = Walk(tmp_path), Mender(())
    act(walk)
    with walk.create() as lab:
        assert go(walk, mender) == []
        assert state_of(lab, walk.vm) == "Protected"
        found = {finding.code for finding in lab.vault.check(walk.vm)}
        assert found - {0} == ({warning} - {0})
        assert lab.verify() == []


def _sample(chance: random.Random) -> tuple[Row, ...]:
    """Two or three rows that go together."""
    while True:
        rows = tuple(chance.sample(ROWS, chance.choice((2, 2, 3))))
        if all(one.goes_with(other) for one, other in itertools.combinations(rows, 2)):
            return rows


@pytest.mark.slow
@pytest.mark.rule("2.7-8", "F-3", "F-5")
def test_any_preconditions_together(tmp_path: Path, effort: int, rounds: Rounds) -> None:
    """Two or three preconditions at random: each shows at its own step, those of a VM all at once, and curing them
    in the order they show always ends in "Protected" with nothing for verify to find.
    """
    chance = random.Random(1 if effort == 1 else time.time_ns())
    for number in rounds(150, 20):
        rows = _sample(chance)
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            _, mender = walk_with(folder, *rows)
            assert all(mender.seen.values()), mender.seen
        except Exception as error:
            error.add_note(f"broken: {', '.join(map(str, rows))}")
            raise
        shutil.rmtree(folder)
