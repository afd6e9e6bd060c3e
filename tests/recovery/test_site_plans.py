"""Recovery plans of VMs whose cloud is protected to another cloud (rules 1.2-3, 1.2-4, 1.2-8, 3.2-2)."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit.engine.errors import LabError
from labkit.lab import Lab
from labkit.lab.views import Job
from labkit.recovery import planforecast, plans
from tests.conftest import Rounds
from tests.recovery.labs import error_of, facts, records, state_of, task_states, twin
from tests.recovery.planlabs import APP, DB, MEMBERS, TIERS, WEB1, WEB2, any_groups, check, manual, order
from tests.recovery.test_cloud_to_cloud import THEIRS, two_clouds


@pytest.fixture(scope="module")
def shop_over_two_sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with two_clouds(tmp_path_factory.mktemp("tiers"), DB, APP, WEB1, WEB2) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=THEIRS, points=3, wait=True)
        for vm in MEMBERS:
            lab.vault.enable_protection(vm, wait=True)
        for vm in MEMBERS:
            lab.wait(lab.vault.items[vm])
        lab.run("30min")
        lab.vault.create_plan("Shop", list(MEMBERS))
        lab.vault.save_plan("Shop", TIERS)
        return lab.path


@pytest.fixture
def tiers(shop_over_two_sites: Path, tmp_path: Path) -> Iterator[Lab]:
    """The shop in three tiers over two sites, half an hour after it was protected, with its plan."""
    with labkit.open(shop_over_two_sites, read_only=True) as lab:
        lab.copy(tmp_path / "tiers.lab")
    with labkit.open(tmp_path / "tiers.lab") as lab:
        yield lab


def started_in_order(lab: Lab, side: str, since: int = 0) -> None:
    """The VMs of a group started only when all of the groups before were up; the web servers together."""
    started, up = (
        {vm: at for vm, at in order(lab, kind, f"{side}/") if at >= since} for kind in ("vm.started", "guest.up")
    )
    for before, after in itertools.pairwise(TIERS):
        assert max(up[vm] for vm in before) <= min(started[vm] for vm in after)
    assert started["WEB1"] == started["WEB2"]


def stopped_in_reverse(lab: Lab, side: str, since: int = 0) -> None:
    stopped = {vm: at for vm, at in order(lab, "vm.stopped", f"{side}/") if at >= since}
    assert stopped["WEB1"] == stopped["WEB2"] < stopped["APP"] < stopped["DB"]


def at_rest(lab: Lab) -> set[tuple[str, str]]:
    """States and active sides, once the replication has turned round everywhere."""
    for vm in MEMBERS:
        lab.wait(lab.vault.items[vm])
    return {(lab.vault.items[vm].state, lab.vault.items[vm].active_location) for vm in MEMBERS}


# --- making -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("3.2-1")
def test_a_plan_between_two_sites(tiers: Lab, tmp_path: Path) -> None:
    """Its target is the cloud of its VMs, in the wizard, in a file and back."""
    plan = tiers.vault.plans["Shop"]
    assert (plan.server, plan.target, plan.vms) == ("SC01", THEIRS, list(MEMBERS))
    assert plan.allowed_operations == ("test", "planned", "unplanned", "delete")
    tiers.vault.export_plan("Shop", tmp_path / "shop.yml")
    assert tiers.vault.import_plan(tmp_path / "shop.yml", "Shop 2").target == THEIRS
    text = (tmp_path / "shop.yml").read_text("utf-8")
    for target in ("azure", "Nowhere"):
        (tmp_path / "other.yml").write_text(text.replace(THEIRS, target), encoding="utf-8")
        refused = error_of(lambda: tiers.vault.import_plan(tmp_path / "other.yml", "Shop 3"))
        assert (refused.code, refused.details["found"], refused.details["wanted"]) == (900902, THEIRS, target)
    assert tiers.vault.plan_vms() == []
    assert tiers.vault.plan_vms(target=THEIRS) == sorted(MEMBERS)
    wizard = tiers.vault.plan_wizard()
    assert error_of(lambda: wizard.next(name="Web", target="moon")).code == 900633
    wizard.next(name="Web", target=THEIRS)
    wizard.next(vms=["WEB1"])
    assert wizard.finish().target == THEIRS


@pytest.mark.rule("3.2-4")
def test_what_such_a_plan_cannot_have(tiers: Lab) -> None:
    """No runbooks, no actions of a failback, no failback; to Azure no direction; and only two directions."""
    script = {"name": "s", "action": "script", "account": "runbooks", "runbook": "switch"}
    for action, code in ((script, 900927), (manual(kinds=["failback"]), 900907)):
        assert error_of(lambda a=action: tiers.vault.save_plan("Shop", [{"vms": ["DB"], "after": [a]}])).code == code
    plan, count = tiers.vault.plans["Shop"], len(tiers.jobs)
    assert error_of(lambda: tiers.vault.failback_plan("Shop")).code == 900925
    assert error_of(lambda: plan.forecast("failback")).code == 900925
    assert [found.code for found in plan.readiness("failback")] == [900925]
    for run in (tiers.vault.planned_failover_plan, tiers.vault.unplanned_failover_plan):
        assert error_of(lambda run=run: run("Shop", direction="sideways")).code == 900545
        assert error_of(lambda run=run: run("Shop", direction="primary")).code == 900909
    assert error_of(lambda: tiers.vault.test_failover_plan("Shop", "Nowhere")).code == 900010
    assert len(tiers.jobs) == count


def test_to_azure_there_is_no_direction(tmp_path: Path) -> None:
    """A plan to Azure is refused one with the word for its way back."""
    from tests.recovery.planlabs import tiers_lab

    with tiers_lab(tmp_path, WEB1, groups=[["WEB1"]]) as lab:
        for run in (lab.vault.planned_failover_plan, lab.vault.unplanned_failover_plan):
            assert error_of(lambda run=run: run("Shop", direction="primary")).code == 900926
        assert [found.code for found in lab.vault.plans["Shop"].readiness(direction="primary")] == [900926]


def test_a_plan_whose_vms_have_another_target_now(tmp_path: Path) -> None:
    """Protected to Azure since, they are refused by the plan between the sites; a new plan takes them."""
    with two_clouds(tmp_path, WEB1) as lab:
        vault = lab.vault
        for server in ("SC01", "SC02"):
            vault.register_server(server, wait=True)
        vault.configure_protection(target=THEIRS, wait=True)
        vault.enable_protection("WEB1", wait=True)
        lab.wait(vault.items["WEB1"])
        plan = vault.create_plan("Web", ["WEB1"])
        vault.disable_protection("WEB1", wait=True)
        assert error_of(lambda: vault.planned_failover_plan("Web")).code == 900502
        vault.release_cloud(wait=True)
        vault.configure_protection(wait=True)
        vault.enable_protection("WEB1", wait=True)
        lab.wait(vault.items["WEB1"])
        assert error_of(lambda: vault.planned_failover_plan("Web")).code == 900902
        assert ("WEB1", 900902) in {(found.about, found.code) for found in plan.readiness()}
        assert plan.allowed_operations == ("delete",)
        assert vault.create_plan("Web 2", ["WEB1"]).target == "azure"


# --- runs -------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("1.2-3", "1.2-4", "3.2-2")
def test_planned_there_and_back(tiers: Lab) -> None:
    """Down in reverse order, up group by group, nothing lost; replication turns round by itself; the same way back."""
    vault, plan = tiers.vault, tiers.vault.plans["Shop"]
    assert plan.readiness("planned") == []
    job = vault.planned_failover_plan("Shop", wait=True)
    assert job.state == "Succeeded"
    assert list(task_states(job).values()) == ["Succeeded"] * 7
    stopped_in_reverse(tiers, "site")
    started_in_order(tiers, "replica")
    assert at_rest(tiers) == {("Protected", "Recovery")}
    assert error_of(lambda: vault.planned_failover_plan("Shop")).code == 900909  # all are there
    assert plan.allowed_operations == ("test", "planned", "unplanned", "delete")
    tiers.run("1h")
    assert tiers.verify(full=True) == []
    begun = tiers.clock.ms
    assert plan.readiness("planned", direction="primary") == []
    assert vault.planned_failover_plan("Shop", direction="primary", wait=True).state == "Succeeded"
    stopped_in_reverse(tiers, "replica", begun)
    started_in_order(tiers, "site", begun)
    assert at_rest(tiers) == {("Protected", "Primary")}
    assert len(records(tiers)) == 8
    assert {(record.rpo, record.lost.blocks, record.lost.orders or 0) for record in records(tiers)} == {(0, 0, 0)}
    assert tiers.verify(full=True) == []


def test_a_planned_run_needs_the_line_between(tiers: Lab) -> None:
    """The inter-site line is lost: readiness says so of every VM, the run fails and shuts nothing down."""
    tiers.faults.lose_line("replica-site")
    plan = tiers.vault.plans["Shop"]
    assert {(found.about, found.code) for found in plan.readiness("planned")} == {(vm, 900949) for vm in MEMBERS}
    assert plan.readiness("unplanned") == []
    assert error_of(lambda: tiers.vault.planned_failover_plan("Shop", wait=True)).code == 900949
    assert order(tiers, "vm.stopped", "site") == []


@pytest.mark.rule("1.2-8", "3.2-2")
def test_unplanned_after_the_loss_of_the_site(tiers: Lab) -> None:
    """Up group by group at the other site; committed; the site is back, reversed: all are protected the other way."""
    vault, plan = tiers.vault, tiers.vault.plans["Shop"]
    tiers.run("4min")
    tiers.faults.lose_site()
    assert 900521 in {found.code for found in plan.readiness("planned")}
    assert plan.readiness("unplanned") == []
    job = vault.unplanned_failover_plan("Shop", wait=True)
    assert job.state == "Succeeded"
    started_in_order(tiers, "replica")
    assert {state_of(tiers, vm) for vm in MEMBERS} == {"UnplannedCommitPending"}
    assert all(0 < record.rpo <= 320_000 for record in records(tiers))
    assert plan.allowed_operations == ("commit", "reverse", "delete")
    vault.commit_plan("Shop", wait=True)
    assert plan.allowed_operations == ("reverse", "delete")
    tiers.run("30min")
    tiers.faults.restore_site()
    tiers.run("10min")
    assert vault.reverse_replication_plan("Shop", wait=True).state == "Succeeded"
    assert at_rest(tiers) == {("Protected", "Recovery")}
    begun = tiers.clock.ms
    vault.planned_failover_plan("Shop", direction="primary", wait=True)
    started_in_order(tiers, "site", begun)
    assert at_rest(tiers) == {("Protected", "Primary")}
    assert {record.rpo for record in records(tiers)[4:]} == {0}
    assert tiers.verify(full=True) == []


def test_unplanned_with_the_last_changes(tiers: Lab) -> None:
    """Asked to synchronise, the site is shut down in reverse order and nothing is lost."""
    job = tiers.vault.unplanned_failover_plan("Shop", synchronise=True, wait=True)
    assert job.state == "Succeeded"
    stopped_in_reverse(tiers, "site")
    started_in_order(tiers, "replica")
    assert {record.rpo for record in records(tiers)} == {0}


def test_common_points_show_one_instant(tiers: Lab) -> None:
    """Each VM starts at once from its newest point not after the newest instant that all can show."""
    tiers.run("17min")
    points = {vm: tiers.vault.items[vm].recovery_points for vm in MEMBERS}
    instant = min(found[-1].cut for found in points.values())
    wanted = {vm: max(point.cut for point in found if point.cut <= instant) for vm, found in points.items()}
    tiers.vault.unplanned_failover_plan("Shop", point="common", wait=True)
    assert {record.vm: record.cut for record in records(tiers)} == wanted
    assert len(records(tiers)) == 4


@pytest.mark.rule("1.2-8", "3.3-2")
@pytest.mark.parametrize("network", [None, "VirtualSwitch - FrontEnd", "automatic"])
def test_a_test_waits_once_and_cleans_up_all(tiers: Lab, network: str | None) -> None:
    """Test VMs group by group beside production; one word, and all are gone."""
    plan = tiers.vault.plans["Shop"]
    assert plan.changed
    job = tiers.vault.test_failover_plan("Shop", network, wait=True)
    assert (job.state, task_states(job)["WaitForStopTestFailover"]) == ("Suspended", "Suspended")
    started_in_order(tiers, "host-test")
    assert error_of(lambda: tiers.vault.complete_test("DB")).code == 532
    tiers.wait(job.complete("all there"))
    assert job.state == "Succeeded"
    assert sorted(tiers.hyperv.machines) == sorted(MEMBERS)
    assert order(tiers, "vm.stopped", "site") == []
    assert at_rest(tiers) == {("Protected", "Primary")}
    assert not plan.changed
    assert tiers.verify() == []


@pytest.mark.rule("3.2-3")
def test_actions(tiers: Lab) -> None:
    """A manual action holds the groups after it, and nothing else; a check waits for the database."""
    groups: list[Any] = [{"vms": ["DB"], "after": [manual(), check("DB")]}, ["APP", "WEB1", "WEB2"]]
    tiers.vault.save_plan("Shop", groups)
    job = tiers.vault.planned_failover_plan("Shop", wait=True)
    assert (job.state, job.instructions) == ("Suspended", "Switch the name server.")
    tiers.run("1h")
    assert [vm for vm, _ in order(tiers, "vm.started", "replica")] == ["DB"]
    assert {tiers.vault.items[vm].allowed_operations for vm in MEMBERS} == {()}
    assert error_of(lambda: tiers.vault.planned_failover("APP")).code == 532
    with pytest.raises(LabError):
        tiers.site.start("APP")  # its disks there are the replica's now
    tiers.wait(job.complete("switched"))
    assert job.state == "Succeeded"
    assert at_rest(tiers) == {("Protected", "Recovery")}
    assert {record.rpo for record in records(tiers)} == {0}
    tiers.run("30min")
    assert tiers.verify(full=True) == []


def test_a_plan_called_like_its_vm(tiers: Lab) -> None:
    """Replication turns round all the same."""
    tiers.vault.create_plan("DB", ["DB"])
    tiers.vault.planned_failover_plan("DB", wait=True)
    tiers.wait(tiers.vault.items["DB"])
    assert (state_of(tiers, "DB"), tiers.vault.items["DB"].active_location) == ("Protected", "Recovery")


@pytest.mark.parametrize("kind", ["test", "planned", "unplanned"])
def test_the_forecast_is_what_a_run_takes(tiers: Lab, kind: str) -> None:
    """Within the seconds that the last data takes, and the recovery of a database."""
    expected = tiers.read(lambda world: planforecast.forecast(world, plans.get(world, "Shop"), kind))
    begun = tiers.clock.ms
    run: dict[str, Any] = {
        "test": tiers.vault.test_failover_plan,
        "planned": tiers.vault.planned_failover_plan,
        "unplanned": tiers.vault.unplanned_failover_plan,
    }
    run[kind]("Shop", wait=True)
    up = max(at for _, at in order(tiers, "guest.up", "host-test/" if kind == "test" else "replica/"))
    assert 0 <= up - begun - expected <= 5_000


# --- failures ---------------------------------------------------------------------------------------------------------


def _hosts(lab: Lab) -> dict[str, str]:
    return {vm: lab.hyperv.replicas[vm].replica for vm in MEMBERS}


@pytest.mark.rule("3.2-4", "F-7")
def test_a_vm_that_fails_does_not_stop_an_unplanned_run(tiers: Lab) -> None:
    """A host of the other site is down: its VMs fail, the others start; the host is back, and the plan is repeated."""
    there = _hosts(tiers)
    assert set(there.values()) == {"HV11", "HV12"}
    failing = [vm for vm in MEMBERS if there[vm] == "HV12"]
    tiers.site.stop_server("HV12")
    assert {found.about for found in tiers.vault.plans["Shop"].readiness("unplanned")} == set(failing)
    job = tiers.vault.unplanned_failover_plan("Shop", wait=True)
    assert job.state == "CompletedWithErrors"
    assert [error.code for error in job.errors] == [900521] * len(failing)
    assert {vm for vm, _ in order(tiers, "vm.started", "replica")} == set(MEMBERS) - set(failing)
    assert {state_of(tiers, vm) for vm in failing} == {"Protected"}
    tiers.site.start_server("HV12")
    again = tiers.vault.unplanned_failover_plan("Shop", wait=True)
    assert again.state == "Succeeded"
    assert {state_of(tiers, vm) for vm in MEMBERS} == {"UnplannedCommitPending"}
    assert len(records(tiers)) == 4
    assert tiers.verify() == []


@pytest.mark.rule("3.2-4", "F-7")
def test_a_vm_that_fails_stops_a_planned_run(tiers: Lab) -> None:
    """A host is down when the web servers are off: these are held before their start, the others stay; then once more.

    Instead of a restart the plan is run again, or what is held is let go without it.
    """
    assert _hosts(tiers)["APP"] == "HV12"
    job = tiers.vault.planned_failover_plan("Shop")
    tiers.run("40s")
    tiers.site.stop_server("HV12")
    refused = error_of(lambda: tiers.wait(job))
    assert (refused.code, refused.details["vm"]) == (900521, "APP")
    assert job.state == "Failed"
    assert {name for name, _ in order(tiers, "vm.stopped", "site")} == {"WEB1", "WEB2"}
    assert [state_of(tiers, vm) for vm in ("DB", "APP")] == ["Protected", "Protected"]
    tiers.site.start_server("HV12")
    assert tiers.vault.plans["Shop"].readiness() == []
    other, third = twin(tiers, "other.lab"), twin(tiers, "third.lab")
    tiers.run("10min")
    assert order(tiers, "vm.started", "replica") == []  # not before the groups before them
    assert error_of(lambda: tiers.vault.planned_failover_plan("Shop", direction="primary")).code == 532
    tiers.wait(job.restart())
    assert job.state == "Succeeded"
    started_in_order(tiers, "replica")
    assert at_rest(tiers) == {("Protected", "Recovery")}
    assert tiers.verify(full=True) == []
    with other:
        again = other.vault.planned_failover_plan("Shop", wait=True)
        assert again.state == "Succeeded"
        started_in_order(other, "replica")
        assert at_rest(other) == {("Protected", "Recovery")}
    with third:
        third.vault.release_plan(third.jobs[job.id])
        third.run("20min")
        assert {vm for vm, _ in order(third, "vm.started", "replica")} == {"WEB1", "WEB2"}
        assert third.verify(full=True) == []


def test_only_the_start_fails(tiers: Lab) -> None:
    """The other VMM stops between switch and start: the VM is off at the other side, protected, and comes back."""
    host, job = _hosts(tiers)["DB"], tiers.vault.planned_failover("DB")
    tiers.run("3min")
    assert job.tasks[2].state == "Succeeded"
    assert error_of(lambda: tiers.site.stop_server(host)).code == 900841  # the host is not shut down under it
    tiers.site.stop_server("SC02")
    assert error_of(lambda: tiers.wait(job)).code == 900521
    tiers.site.start_server("SC02")
    tiers.run("10min")
    assert (state_of(tiers, "DB"), tiers.vault.items["DB"].active_location) == ("Protected", "Recovery")
    tiers.vault.planned_failover("DB", wait=True)
    tiers.run("10min")
    assert tiers.site.machines["DB"].answering
    assert tiers.verify(full=True) == []


# --- a process that is killed -----------------------------------------------------------------------------------------

_KILLED = """
import os, sys, labkit
lab = labkit.open(sys.argv[1])
lab.vault.planned_failover_plan("Shop")
for _ in range(7):
    lab.run("40s")
os.kill(os.getpid(), 9)
"""


def test_killed_in_the_middle(tiers: Lab) -> None:
    """The process dies during the run; opened again it goes on, and ends as one that was never disturbed."""
    other = twin(tiers, "other.lab")
    path = other.path
    other.close()
    done = subprocess.run([sys.executable, "-c", _KILLED, str(path)], env=dict(os.environ), check=False)
    assert done.returncode == -9
    undisturbed = tiers.vault.planned_failover_plan("Shop", wait=True)
    with labkit.open(path) as lab:
        job = lab.jobs[undisturbed.id]
        assert job.state == "InProgress"
        lab.wait(job)
        assert job.state == "Succeeded"
        assert facts(lab, "vm.started") == facts(tiers, "vm.started")
        assert at_rest(lab) == {("Protected", "Recovery")}
        assert lab.verify(full=True) == []


# --- anything ---------------------------------------------------------------------------------------------------------


def _any_run(lab: Lab, chance: random.Random) -> Job | None:
    """A run that is allowed, in any direction; None when it is refused."""
    vault, direction = lab.vault, chance.choice(["recovery", "primary"])
    runs: dict[str, Any] = {
        "test": lambda: vault.test_failover_plan("Shop", chance.choice([None, "automatic"])),
        "planned": lambda: vault.planned_failover_plan("Shop", direction=direction),
        "unplanned": lambda: vault.unplanned_failover_plan("Shop", direction=direction, **_how(chance)),
        "commit": lambda: vault.commit_plan("Shop"),
        "reverse": lambda: vault.reverse_replication_plan("Shop"),
    }
    allowed = [kind for kind in vault.plans["Shop"].allowed_operations if kind in runs]
    if not allowed:
        return None
    try:
        return runs[chance.choice(allowed)]()
    except LabError as error:
        if error.code not in (20013, 532, 900501, 900502, 900909, 900922):
            raise
        return None


def _how(chance: random.Random) -> dict[str, Any]:
    return chance.choice([{}, {"synchronise": True}, {"point": "common"}])


def _play(lab: Lab, chance: random.Random, job: Job | None) -> None:
    """Let a run come to its end, whatever it waits for, with troubles on the way."""
    host = chance.choice(["HV11", "HV12"])
    troubles = [
        (lab.faults.lose_line, lab.faults.restore_line),
        (lab.faults.lose_site, lab.faults.restore_site),
        (lambda: lab.faults.lose_line("replica-site"), lambda: lab.faults.restore_line("replica-site")),
        (lambda: lab.site.stop_server(host), lambda: lab.site.start_server(host)),
        (lab.faults.crash_host, lambda: None),
    ]
    cure = None
    for _ in range(40):
        if chance.random() < 0.4 and cure is None:
            trouble, cure = chance.choice(troubles)
            with contextlib.suppress(LabError):
                trouble()
        lab.run(f"{chance.randint(1, 90)}s")
        if cure is not None and chance.random() < 0.3:
            with contextlib.suppress(LabError):
                cure()
            cure = None
        if job is not None and not _goes_on(lab, job, chance):
            break
    if cure is not None:
        with contextlib.suppress(LabError):
            cure()
    for _ in range(40):
        if job is None or job.state not in ("InProgress", "Suspended"):
            return
        if job.state == "Suspended":
            job.complete()
        lab.run("30min")
    raise AssertionError(f"{job.id} hangs at {[task.name for task in job.tasks if task.state == 'InProgress']}")


def _goes_on(lab: Lab, job: Job, chance: random.Random) -> bool:
    if job.state == "Suspended":
        job.complete()
    if job.state != "Failed":
        return job.state == "InProgress"
    with contextlib.suppress(LabError):
        (job.restart if chance.random() < 0.7 else lambda: lab.vault.release_plan(job))()
    return job.state == "InProgress"


@pytest.mark.slow
def test_any_plan_between_sites_with_any_trouble(
    shop_over_two_sites: Path, tmp_path: Path, effort: int, rounds: Rounds
) -> None:
    """Random groups, actions and runs, sites, lines and hosts lost: no run hangs, no planned one loses anything."""
    for number in rounds(24, 20):
        chance = random.Random(number if effort == 1 else time.time_ns())
        with labkit.open(shop_over_two_sites, read_only=True) as lab:
            path = lab.copy(tmp_path / f"any-{number}.lab")
        with labkit.open(path) as lab:
            lab.vault.save_plan("Shop", any_groups(chance))
            told: list[Any] = [number]
            for _ in range(6):
                job = _any_run(lab, chance)
                told.append(None if job is None else job.scenario)
                _play(lab, chance, job)
                told.append(None if job is None else job.state)
                assert lab.verify() == [], told
                lab.run(f"{chance.randint(1, 120)}min")
            assert lab.verify(full=True) == [], told
            for record in records(lab):
                assert all(disk.equal for disk in record.integrity), told
                if record.operation == "PlannedFailover":
                    assert (record.rpo, record.lost.blocks, record.lost.orders or 0) == (0, 0, 0), told
        path.unlink()
