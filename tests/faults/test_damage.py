"""Damage that nothing reports by itself: each makes verify fail, integrity unequal, and the exports differ."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.lab import Lab
from tests.recovery.labs import (
    QUIET,
    SHOP,
    blocks_that_differ,
    error_of,
    export,
    facts,
    new_lab,
    records,
    state_of,
)

FAULTS: dict[str, Callable[[Lab], None]] = {
    "flip": lambda lab: lab.faults.flip_block("SHOP", "os", 100),
    "drop": lambda lab: lab.faults.drop_cycle("SHOP"),
    "double": lambda lab: lab.faults.double_cycle("SHOP"),
    "swap": lambda lab: lab.faults.swap_cycles("SHOP"),
    "cut": lambda lab: lab.faults.cut_cycle("SHOP"),
}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """SHOP, protected for half an hour; it writes some blocks again and again, and others once in hours."""
    lab = new_lab(tmp_path, SHOP.replace("churn: 20KB/s", "churn: {rate: 20KB/s, write: 64KB, hot: 100%}"))
    lab.run("30min")
    return lab


def _compare(qemu_img: str, one: Path, two: Path) -> int:
    command = [qemu_img, "compare", "-f", "raw", "-F", "raw", str(one), str(two)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def _newest(lab: Lab) -> tuple[Path, Path]:
    """The os disk of both sides at the newest recovery point."""
    point = str(lab.vault.items["SHOP"].recovery_points[-1].id)
    return export(lab, "SHOP", "os", "site", point), export(lab, "SHOP", "os", "azure", point)


def test_undamaged_all_agree(lab: Lab, qemu_img: str) -> None:
    """The control: without a fault verify is content, the exports are identical, the digests equal."""
    with lab:
        lab.run("11min")
        assert lab.verify(full=True) == []
        assert _compare(qemu_img, *_newest(lab)) == 0
        lab.vault.planned_failover("SHOP", wait=True)
        assert all(disk.equal and disk.sample_equal for disk in records(lab)[0].integrity)


@pytest.mark.promise(2)
@pytest.mark.parametrize("fault", FAULTS)
def test_verify_and_a_foreign_program_see_it(lab: Lab, fault: str, qemu_img: str) -> None:
    """verify names VM, disk and first block; qemu-img finds both sides different; the first block is the right one."""
    with lab:
        FAULTS[fault](lab)
        lab.run("11min")
        problems = lab.verify()
        one, two = _newest(lab)
        differ = blocks_that_differ(one, two)
        assert differ
        assert _compare(qemu_img, one, two) == 1
        text = next(line for line in problems if "disk os" in line)
        assert "SHOP" in text
        assert str(len(differ)) in text
        assert text.endswith(f"block {differ[0]}")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", ["planned_failover", "unplanned_failover"])
def test_a_failover_tells_that_the_disk_is_not_the_sites(lab: Lab, fault: str, operation: str, qemu_img: str) -> None:
    """The record of the failover: digests differ on the damaged disk, and so do the exports at its point."""
    with lab:
        FAULTS[fault](lab)
        lab.run("11min")
        getattr(lab.vault, operation)("SHOP", wait=True)
        disk = next(disk for disk in records(lab)[0].integrity if disk.disk == "os")
        assert disk.source_digest != disk.target_digest
        assert not disk.equal
        sides = [export(lab, "SHOP", "os", side, "failover") for side in ("site", "azure")]
        assert _compare(qemu_img, *sides) == 1
        assert any("disk os" in line for line in lab.verify())


def test_a_flip_is_one_bit(lab: Lab) -> None:
    """Exactly the lowest bit of byte 0 of that block differs; flipped back, all is well again."""
    with lab:
        lab.faults.flip_block("SHOP", "os", 100)
        point = str(lab.vault.items["SHOP"].recovery_points[-1].id)
        one = export(lab, "SHOP", "os", "azure", "latest").read_bytes()
        whole = export(lab, "SHOP", "os", "site", point).read_bytes()
        found = [n for n in range(100 * 65_536, 101 * 65_536) if one[n] != whole[n]]
        assert found == [100 * 65_536]
        assert one[found[0]] ^ whole[found[0]] == 1
        lab.faults.flip_block("SHOP", "os", 100)
        lab.run("6min")
        assert _newest(lab)[0].read_bytes() == _newest(lab)[1].read_bytes()


def test_a_flip_that_only_bytes_show(lab: Lab) -> None:
    """Digest and sample agree on the finding for the data disk too, where the blocks are stored bytes."""
    with lab:
        lab.run("1h")
        lab.vault.planned_failover("SHOP", wait=True)
        assert lab.verify() == []
        lab.faults.flip_block("SHOP", "data", 16)
        assert any("disk data" in line and line.endswith("block 16") for line in lab.verify())


def test_a_flip_after_failover_reaches_the_azure_vm(lab: Lab) -> None:
    """The block of a VM that runs in Azure: its export differs there, and an older point shows it too or is spared."""
    with lab:
        lab.vault.planned_failover("SHOP", wait=True)
        before = export(lab, "SHOP", "os", "azure")
        lab.faults.flip_block("SHOP", "os", 120)
        assert blocks_that_differ(before, export(lab, "SHOP", "os", "azure")) == [120]


def test_healthy_cycles_do_not_hide_it(tmp_path: Path) -> None:
    """A block that nobody writes again stays wrong for ever: half a day of good cycles later verify still tells."""
    with new_lab(tmp_path, SHOP) as lab:
        lab.faults.flip_block("SHOP", "os", 110)
        lab.run("12h")
        assert any(line.endswith("block 110") for line in lab.verify())


def test_only_the_damaged_vm_is_named(tmp_path: Path) -> None:
    """The neighbour's replica is untouched, and verify says nothing of it."""
    with new_lab(tmp_path, SHOP, QUIET) as lab:
        lab.run("30min")
        lab.faults.drop_cycle("SHOP")
        lab.run("11min")
        assert lab.verify()
        assert not any("QUIET" in line for line in lab.verify())


def test_a_fault_is_a_fact(lab: Lab) -> None:
    """What a trainer broke is in the log, with its kind."""
    with lab:
        for work in FAULTS.values():
            work(lab)
        assert [fact["fault"] for fact in facts(lab, "fault")] == list(FAULTS)


def test_what_cannot_be_damaged_is_refused(tmp_path: Path) -> None:
    """No replica, no such disk, no such block, no such VM: each in words, and nothing happens."""
    with new_lab(tmp_path, SHOP, QUIET.replace("disks:", "protected: no, disks:")) as lab:
        digest = lab.events_digest
        assert error_of(lambda: lab.faults.drop_cycle("QUIET")).code == 900502
        assert "SHOP" in error_of(lambda: lab.faults.drop_cycle("SHOPP")).cause
        assert "os, data" in error_of(lambda: lab.faults.flip_block("SHOP", "dat", 0)).action
        for block in (-1, 384):
            error = error_of(lambda b=block: lab.faults.flip_block("SHOP", "os", b))  # type: ignore[misc]
            assert (error.code, "383" in error.action) == (900533, True)
        assert lab.events_digest == digest
        lab.vault.planned_failover("SHOP", wait=True)
        assert error_of(lambda: lab.faults.drop_cycle("SHOP")).code == 900532
        assert state_of(lab, "SHOP") == "PlannedCommitPending"


def test_failback_mends_it(lab: Lab) -> None:
    """After failover with a damaged block and back, both sides agree: the site has what Azure had, damage included."""
    with lab:
        lab.faults.flip_block("SHOP", "os", 105)
        lab.run("6min")
        lab.vault.planned_failover("SHOP", wait=True)
        assert not records(lab)[0].integrity[0].equal
        lab.vault.commit("SHOP", wait=True)
        lab.vault.failback("SHOP", synchronise="during", wait=True)
        assert all(disk.equal for disk in records(lab, "Failback")[0].integrity)
        lab.vault.commit("SHOP", wait=True)
        lab.vault.reverse_replication("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        assert lab.verify(full=True) == []


def test_a_flip_shows_at_once(lab: Lab, qemu_img: str) -> None:
    """No cycle later: verify names disk and block, and a failover from the newest point recovers the damaged disk."""
    with lab:
        lab.faults.flip_block("SHOP", "os", 100)
        assert "SHOP, disk os" in lab.verify()[0]
        assert "block 100" in lab.verify()[0]
        assert _compare(qemu_img, *_newest(lab)) == 1
        lab.vault.unplanned_failover("SHOP", wait=True)
        assert not next(disk.equal for disk in records(lab)[0].integrity if disk.disk == "os")
        lab.vault.commit("SHOP", wait=True)
        assert len(lab.verify()) == 1


def test_a_flip_after_the_failover_reaches_the_azure_vm(lab: Lab) -> None:
    """Flipped while Azure is active: the disk the VM runs on is damaged, before and after the commit."""
    with lab:
        lab.vault.planned_failover("SHOP", wait=True)
        assert lab.verify() == []
        lab.faults.flip_block("SHOP", "os", 100)
        assert len(lab.verify()) == 1
        lab.vault.commit("SHOP", wait=True)
        assert len(lab.verify()) == 1


def test_a_flip_on_an_older_point_leaves_the_replica(lab: Lab) -> None:
    """The Azure VM runs on an older recovery point: a flip damages its disks and moves no recovery point."""
    with lab:
        lab.vault.unplanned_failover("SHOP", wait=True)
        older = lab.vault.items["SHOP"].recovery_points[-3].id
        lab.vault.change_recovery_point("SHOP", older, wait=True)
        before = export(lab, "SHOP", "os", "azure", "latest").read_bytes()
        lab.faults.flip_block("SHOP", "os", 300)
        after = export(lab, "SHOP", "os", "azure", "latest").read_bytes()
        assert len(before) == len(after)
        assert [at for at in range(len(before)) if before[at] != after[at]][:2] == [300 * 65_536]
        assert lab.verify() == []
