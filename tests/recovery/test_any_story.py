"""Random stories of three VMs: whatever is allowed is done, line and site come and go, and all stays whole."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.engine.errors import LabError
from labkit.lab import Lab
from labkit.lab.views import Job
from tests.conftest import EFFORT
from tests.recovery.labs import BILLS, BUSY, SHOP, new_lab, records

VMS = ("SHOP", "BILLS", "BUSY")
TIMES = ("1s", "7s", "30s", "45s", "200s", "20min", "1h", "5h")
LINES, FREQUENCIES, RETENTIONS = ("100Mbps", "2Mbps", "300kbps"), ("30s", "5min", "15min"), ("0h", "3h")

Step = Callable[[Lab, str, random.Random], Job]
OUTAGES = ("lose_line", "restore_line", "restore_line", "lose_site", "restore_site", "restore_site", "crash_host")

STEPS: dict[str, Step] = {
    "DisableProtection": lambda lab, vm, _: lab.vault.disable_protection(vm),
    "TestFailover": lambda lab, vm, _: lab.vault.test_failover(vm),
    "TestFailoverCleanup": lambda lab, vm, _: lab.vault.complete_test(vm),
    "PlannedFailover": lambda lab, vm, _: lab.vault.planned_failover(vm),
    "UnplannedFailover": lambda lab, vm, dice: lab.vault.unplanned_failover(vm, synchronise=dice.random() < 0.5),
    "ChangePit": lambda lab, vm, dice: lab.vault.change_recovery_point(
        vm, dice.choice(lab.vault.items[vm].recovery_points).id
    ),
    "Commit": lambda lab, vm, _: lab.vault.commit(vm),
    "Failback": lambda lab, vm, dice: lab.vault.failback(vm, synchronise=dice.choice(("before", "during"))),
    "CompleteFailover": lambda lab, vm, _: lab.vault.complete_failover(vm),
    "Resynchronize": lambda lab, vm, _: lab.vault.resynchronise(vm),
    "CancelResynchronize": lambda lab, vm, _: lab.vault.cancel_resynchronise(vm),
    "ReverseReplicate": lambda lab, vm, _: lab.vault.reverse_replication(vm),
}


def _step(lab: Lab, vm: str, dice: random.Random) -> str:
    """Do something that is allowed with a VM; returns what."""
    if vm not in lab.vault.items:
        if vm in lab.azure.machines:
            lab.azure.delete_machine(vm)
        lab.vault.enable_protection(vm)
        return "EnableProtection"
    allowed = [op for op in lab.vault.items[vm].allowed_operations if op != "DisableProtection" or dice.random() < 0.1]
    if not allowed:
        return "-"
    operation = dice.choice(allowed)
    STEPS[operation](lab, vm, dice)
    return operation


@pytest.mark.promise(2, 6)
@pytest.mark.parametrize("seed", range(6 * EFFORT))
def test_any_story_ends_well(tmp_path: Path, seed: int) -> None:
    """60 steps of operations, time, and outages of line and site: no step breaks the lab, verify is content
    after each, every failover's digests are equal, and no planned one loses anything.
    """
    dice, told = random.Random(seed), []
    site = {
        "bandwidth": dice.choice(LINES),
        "frequency": dice.choice(FREQUENCIES),
        "retention": dice.choice(RETENTIONS),
    }
    with new_lab(tmp_path, SHOP, BILLS, BUSY, seed=seed, **site) as lab:
        for _ in range(60):
            vm, chance = dice.choice(VMS), dice.random()
            if chance < 0.5:
                told.append(dice.choice(TIMES))
                lab.run(told[-1])
            elif chance < 0.9:
                told.append(f"{_step(lab, vm, dice)} {vm}")
            else:
                told.append(dice.choice(OUTAGES))
                with contextlib.suppress(LabError):  # a lost site cannot be lost again
                    getattr(lab.faults, told[-1])()
            assert lab.verify() == [], told
        for record in records(lab):
            assert all(disk.equal and disk.sample_equal for disk in record.integrity), told
            if record.operation in ("PlannedFailover", "Failback"):
                assert (record.rpo, record.lost.blocks, record.lost.orders or 0) == (0, 0, 0), told
