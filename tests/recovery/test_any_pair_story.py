"""Random stories of VMs whose cloud is protected to another cloud: there and back, sites and lines go away."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from labkit.engine.errors import LabError
from labkit.lab import Lab
from tests.conftest import EFFORT
from tests.recovery.labs import BUSY, SHOP, records
from tests.recovery.test_any_story import STEPS, TIMES
from tests.recovery.test_cloud_to_cloud import THEIRS, two_clouds

VMS = ("SHOP", "BUSY")


def _outage(lab: Lab, dice: random.Random) -> str:
    told, work = dice.choice(
        [
            ("lose line", lambda: lab.faults.lose_line("replica-site")),
            ("restore line", lambda: lab.faults.restore_line("replica-site")),
            ("restore line", lambda: lab.faults.restore_line("replica-site")),
            ("lose site", lab.faults.lose_site),
            ("restore site", lab.faults.restore_site),
            ("restore site", lab.faults.restore_site),
            ("crash host", lab.faults.crash_host),
            ("lose Azure", lab.faults.lose_line),
            ("restore Azure", lab.faults.restore_line),
            ("restore Azure", lab.faults.restore_line),
            ("stop service", lab.site.vmm.stop_service),
            ("start service", lab.site.vmm.start_service),
            ("start service", lab.site.vmm.start_service),
            ("change", lambda: lab.vault.change_protection(frequency=dice.choice(("30s", "5min", "15min")))),
        ]
    )
    with contextlib.suppress(LabError):
        work()
    return told


def _step(lab: Lab, vm: str, dice: random.Random) -> str:
    """Do something that is allowed with a VM; what is refused for the sake of an outage is no fault."""
    if vm not in lab.vault.items:
        with contextlib.suppress(LabError):
            lab.vault.enable_protection(vm)
        return "EnableProtection"
    allowed = [op for op in lab.vault.items[vm].allowed_operations if op != "DisableProtection" or dice.random() < 0.1]
    if not allowed:
        return "-"
    operation = dice.choice(allowed)
    with contextlib.suppress(LabError):
        STEPS[operation](lab, vm, dice)
    return operation


@pytest.mark.promise(2, 6)
@pytest.mark.parametrize("seed", range(6 * EFFORT))
def test_any_pair_story_ends_well(tmp_path: Path, seed: int) -> None:
    """60 steps there and back: verify is content after each, digests are equal, no planned failover loses anything.

    With everything restored and a day gone by, each item is where a person can go on from, and its disks are whole.
    """
    dice, told = random.Random(1_000 + seed), []
    line = dice.choice(("1Gbps", "10Mbps", "500kbps"))
    with two_clouds(tmp_path, SHOP, BUSY, line=line) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        points, frequency = dice.choice((0, 3, 15)), dice.choice(("30s", "5min", "15min"))
        lab.vault.configure_protection(target=THEIRS, points=points, frequency=frequency, wait=True)
        for _ in range(60):
            vm, chance = dice.choice(VMS), dice.random()
            if chance < 0.45:
                told.append(dice.choice(TIMES))
                lab.run(told[-1])
            elif chance < 0.85:
                told.append(f"{_step(lab, vm, dice)} {vm}")
            else:
                told.append(_outage(lab, dice))
            assert lab.verify() == [], told
        for restore in (lab.faults.restore_site, lab.faults.restore_line, lab.site.vmm.start_service):
            with contextlib.suppress(LabError):
                restore()
        with contextlib.suppress(LabError):
            lab.faults.restore_line("replica-site")
        lab.run("1d")
        assert lab.verify(full=True) == [], told
        for name, item in lab.vault.items.items():
            assert item.allowed_operations, (name, told)
        for record in records(lab):
            assert all(disk.equal and disk.sample_equal for disk in record.integrity), told
            if record.operation == "PlannedFailover":
                assert (record.rpo, record.lost.blocks, record.lost.orders or 0) == (0, 0, 0), told
