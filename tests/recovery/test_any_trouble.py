"""Random troubles: obstacles, pauses, worthless logs, encryption, host replicas; nothing stands still for ever."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit.engine.errors import LabError
from labkit.guest.machine import Machine
from labkit.lab import Lab
from labkit.replication.relation import INITIAL, STOPPED, Relation
from tests.conftest import EFFORT
from tests.recovery.labs import BILLS, BUSY, SHOP, records
from tests.recovery.test_any_story import STEPS, TIMES

VMS, HOSTED = ("SHOP", "BILLS"), "BUSY"
OBSTACLES = ("proxy", "disk space", "memory", "authorisation", "replica state")
NEEDS_KEY = ("TestFailover", "PlannedFailover", "UnplannedFailover", "ChangePit")

Act = Callable[[Lab, random.Random], object]
HOST_STEPS: tuple[Act, ...] = (
    lambda lab, dice: lab.hyperv.enable(HOSTED, points=dice.randrange(3), initial=dice.choice(("network", "export"))),
    lambda lab, dice: lab.hyperv.import_initial(HOSTED),
    lambda lab, dice: lab.hyperv.test_failover(HOSTED),
    lambda lab, dice: lab.hyperv.end_test(HOSTED),
    lambda lab, dice: lab.hyperv.shut_down(HOSTED),
    lambda lab, dice: lab.hyperv.start(HOSTED),
    lambda lab, dice: lab.hyperv.planned_failover(HOSTED),
    lambda lab, dice: lab.hyperv.cancel_planned_failover(HOSTED),
    lambda lab, dice: lab.hyperv.failover(HOSTED),
    lambda lab, dice: lab.hyperv.cancel_failover(HOSTED),
    lambda lab, dice: lab.hyperv.complete_failover(HOSTED),
    lambda lab, dice: lab.hyperv.reverse(HOSTED),
    lambda lab, dice: lab.hyperv.resynchronise(HOSTED),
    lambda lab, dice: dice.random() < 0.2 and lab.hyperv.remove(HOSTED),
)
TROUBLES: tuple[Act, ...] = (
    lambda lab, dice: lab.faults.obstruct(dice.choice(OBSTACLES[:4])),
    lambda lab, dice: lab.faults.obstruct(dice.choice(OBSTACLES), dice.choice((*VMS, HOSTED))),
    lambda lab, dice: lab.faults.clear(dice.choice(OBSTACLES)),
    lambda lab, dice: lab.faults.clear(dice.choice(OBSTACLES), dice.choice((*VMS, HOSTED))),
    lambda lab, dice: lab.site.pause_replication(dice.choice((*VMS, HOSTED))),
    lambda lab, dice: lab.site.resume_replication(dice.choice((*VMS, HOSTED))),
    lambda lab, dice: lab.faults.fail_log(dice.choice((*VMS, HOSTED))),
    lambda lab, dice: lab.faults.corrupt_cycle(dice.choice((*VMS, HOSTED))),
    lambda lab, dice: lab.faults.set_quality(loss=dice.choice(("0%", "0.1%", "5%"))),
    lambda lab, dice: lab.site.throttle(dice.choice((None, "1Mbps"))),
    lambda lab, dice: lab.vault.change_protection(frequency=dice.choice(("30s", "5min"))),
    lambda lab, dice: lab.faults.crash_host(),
    lambda lab, dice: lab.faults.lose_site(),
    lambda lab, dice: lab.faults.restore_site(),
    lambda lab, dice: lab.faults.restore_site(),
    lambda lab, dice: lab.faults.lose_line(dice.choice(("azure", "replica-site"))),
    lambda lab, dice: lab.faults.restore_line(dice.choice(("azure", "replica-site"))),
    lambda lab, dice: lab.site.shut_down(dice.choice((*VMS, HOSTED))),
    lambda lab, dice: lab.site.start(dice.choice((*VMS, HOSTED))),
)


def new(folder: Path, seed: int, dice: random.Random) -> tuple[Lab, dict[str, str]]:
    """A lab in which SHOP and BILLS are in a cloud, encrypted for every other seed; what opens their replicas."""
    path = folder / "site.yml"
    line = dice.choice(("100Mbps", "2Mbps"))
    cloud = f"cloud: {{frequency: {dice.choice(('30s', '5min'))}, app_consistent: {dice.choice(('none', '1h'))}}}"
    rules = dice.choice(("guide", "windows-2012"))
    cloud = cloud.replace("}", f", health_rules: {rules}}}")
    vms = "\n".join(f"  - {vm}" for vm in (SHOP, BILLS, BUSY))
    path.write_text(
        f"site: any\nline: {{bandwidth: {line}}}\n{cloud}\nreplica_site: {{hosts: [HV11]}}\nvms:\n{vms}\n", "utf-8"
    )
    lab = labkit.create(folder / "any.lab", site=path, seed=seed, stage="registered")
    given: dict[str, str] = {}
    if seed % 2:
        given = {"certificate": str(lab.site.make_certificate(folder, password="word")), "password": "word"}
    lab.vault.configure_protection(encrypt=bool(seed % 2), wait=True)
    lab.vault.map_network(wait=True)
    return lab, given


def _vault_step(lab: Lab, dice: random.Random, given: dict[str, Any]) -> str:
    vm = dice.choice(VMS)
    if vm not in lab.vault.items:
        if vm in lab.azure.machines:
            lab.azure.delete_machine(vm)
        lab.vault.enable_protection(vm)
        return f"EnableProtection {vm}"
    allowed = [op for op in lab.vault.items[vm].allowed_operations if op != "DisableProtection" or dice.random() < 0.1]
    if not allowed:
        return "-"
    operation = dice.choice(allowed)
    if operation in NEEDS_KEY and given:
        names = {"TestFailover": "test_failover", "PlannedFailover": "planned_failover"}
        names |= {"UnplannedFailover": "unplanned_failover", "ChangePit": "change_recovery_point"}
        getattr(lab.vault, names[operation])(vm, **given)
    else:
        STEPS[operation](lab, vm, dice)
    return f"{operation} {vm}"


def _try(lab: Lab, act: Act, dice: random.Random) -> str:
    """Do it; a refusal changes nothing in the world."""
    digest = lab.events_digest
    try:
        act(lab, dice)
    except LabError as refused:
        assert lab.events_digest == digest
        return f"refused {refused.code}"
    return "done"


def _runs_once(lab: Lab) -> bool:
    running = lab.read(lambda world: [m.id for m in world.all(Machine) if m.name == HOSTED and m.run])
    replica = lab.hyperv.replicas.get(HOSTED)
    return len(running) < 2 or (replica is not None and replica.state in ("FailedOver", "FailedOverWaitingCompletion"))


def _all_is_well(lab: Lab) -> None:
    """Every cause is taken away, and whoever can is resumed; then two days pass."""
    for act in (lab.faults.restore_site, lab.faults.restore_line, lambda: lab.faults.restore_line("replica-site")):
        _quietly(act)
    for reason in OBSTACLES:
        for vm in (None, *VMS, HOSTED):
            _quietly(lambda r=reason, v=vm: lab.faults.clear(r, v))  # type: ignore[misc]
    lab.site.throttle(None)
    lab.faults.set_quality(loss="0%")
    lab.faults.set_bandwidth("1Gbps")
    _quietly(lambda: lab.hyperv.import_initial(HOSTED))
    lab.run("10min")
    for vm in (*VMS, HOSTED):
        _quietly(lambda v=vm: lab.site.resume_replication(v))  # type: ignore[misc]
    lab.run("2d")


def _quietly(act: Callable[[], object]) -> None:
    try:
        act()
    except LabError:
        return


@pytest.mark.promise(2, 6)
@pytest.mark.parametrize("seed", range(8 * EFFORT))
def test_any_trouble_passes(tmp_path: Path, seed: int) -> None:
    """70 steps in which anything is tried: refusals change nothing, verify is content after each, no VM runs twice.

    When all causes are gone and two days have passed, whatever is replicated is behind by no more than two cycles, and
    both sides are equal byte for byte, also after the file was closed and opened.
    """
    dice, told = random.Random(seed), []
    lab, given = new(tmp_path, seed, dice)
    for _ in range(70):
        chance = dice.random()
        if chance < 0.4:
            told.append(dice.choice(TIMES))
            lab.run(told[-1])
        elif chance < 0.6:
            told.append(_vault_step(lab, dice, given))
        elif chance < 0.8:
            number = dice.randrange(len(HOST_STEPS))
            told.append(f"host {number}: {_try(lab, HOST_STEPS[number], dice)}")
        else:
            number = dice.randrange(len(TROUBLES))
            told.append(f"trouble {number}: {_try(lab, TROUBLES[number], dice)}")
        assert lab.verify() == [], told
        assert _runs_once(lab) or "trouble 18: done" in told, told
    _all_is_well(lab)
    lab.close()
    with labkit.open(lab.path) as again:
        assert again.verify(full=True) == [], told
        for name, state, rpo, frequency, paused in again.read(_behind):
            assert state in (STOPPED, INITIAL) or paused or rpo <= 2 * frequency + 5_000, (name, state, rpo, told)
        for record in records(again):
            assert all(disk.equal for disk in record.integrity), told


def _behind(world: Any) -> list[tuple[str, str, int, int, bool]]:
    return [(r.id, r.state, r.rpo(world.now), r.frequency, r.paused) for r in world.all(Relation)]
