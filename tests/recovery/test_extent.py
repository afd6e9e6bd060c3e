"""Behind its extent a disk is zeros, at both sides, whatever has happened to it: nobody has to look there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from labkit.disks import record
from labkit.disks.record import DiskSet
from labkit.engine.world import World
from labkit.lab import Lab
from tests.recovery.labs import BILLS, BUSY, SHOP, fail_back, new_lab


def check(lab: Lab) -> int:
    """Every disk of every set: the blocks up to its extent are all it has. Returns how many were smaller than whole."""

    def look(world: World) -> int:
        smaller = 0
        for disks in world.all(DiskSet):
            for disk in range(len(disks.sizes)):
                whole, count = record.fold(world, disks, disk), record.extent(world, disks, disk)
                assert not whole[count:].any()
                assert np.array_equal(record.fold(world, disks, disk, count=count), whole[:count])
                smaller += count < len(whole)
        return smaller

    return lab.read(look)


def edited(lab: Lab) -> None:
    """The last block of a disk of a VM that is off is changed."""
    lab.site.shut_down("SHOP")
    lab.faults.edit_disk("SHOP", "os", 16_383)
    lab.site.start("SHOP")
    lab.run("9h")


def failed_over(lab: Lab) -> None:
    """To Azure, on, committed: the VM there has disks that stand on the replica's."""
    lab.wait(lab.vault.unplanned_failover("SHOP"))
    lab.run("2h")
    lab.wait(lab.vault.commit("SHOP"))
    lab.run("3h")


def back_again(lab: Lab) -> None:
    """To Azure and back."""
    failed_over(lab)
    fail_back(lab, "SHOP")
    lab.wait(lab.vault.commit("SHOP"))
    lab.run("2h")


def flipped(lab: Lab) -> None:
    """One bit of the replica's last block."""
    lab.faults.flip_block("BUSY", "os", 16_383)
    lab.run("2h")


@pytest.mark.parametrize("story", [edited, failed_over, back_again, flipped])
def test_behind_the_extent_are_zeros(tmp_path: Path, story: Callable[[Lab], None]) -> None:
    """Through a day of cycles and tidying, and what follows."""
    large = [vm.replace("size: 24MB", "size: 1GB") for vm in (SHOP, BILLS, BUSY)]
    with new_lab(tmp_path, *large, retention="2h") as lab:
        lab.run("14h")
        assert check(lab) > 0
        story(lab)
        check(lab)
        assert [problem for problem in lab.verify() if "BUSY" not in problem] == []
