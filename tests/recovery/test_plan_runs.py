"""Runs of a recovery plan: order of groups, manual actions, failures, one operation at a time (3.1-2, 3.2-2, 3.2-3)."""

from __future__ import annotations

import itertools
import random
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
from tests.recovery.planlabs import APP, DB, MEMBERS, TIERS, WEB1, WEB2, any_groups, check, manual, order, tiers_lab
from tests.recovery.test_encryption import encrypted_lab, pfx

TWO_DATA_DISKS = APP.replace("]}", ", {name: more, size: 20MB}]}")


@pytest.fixture(scope="module")
def shop_in_tiers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with tiers_lab(tmp_path_factory.mktemp("tiers")) as lab:
        return lab.path


@pytest.fixture
def tiers(shop_in_tiers: Path, tmp_path: Path) -> Iterator[Lab]:
    """The shop in three tiers with its plan."""
    with labkit.open(shop_in_tiers, read_only=True) as lab:
        lab.copy(tmp_path / "tiers.lab")
    with labkit.open(tmp_path / "tiers.lab") as lab:
        yield lab


def up_before_next(lab: Lab, side: str) -> None:
    """The VMs of a group started only when all of the groups before were up."""
    started, up = dict(order(lab, "vm.started", side)), dict(order(lab, "guest.up", side))
    suffix = "-test" if side == "test" else ""
    for before, after in itertools.pairwise(TIERS):
        assert max(up[vm + suffix] for vm in before) <= min(started[vm + suffix] for vm in after)
    assert len({started[vm + suffix] for vm in TIERS[2]}) == 1


def states(lab: Lab) -> list[str]:
    return [state_of(lab, vm) for vm in MEMBERS]


# --- order ------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("3.1-2", "3.2-2")
def test_planned_stops_in_reverse_order_and_starts_in_order(tiers: Lab) -> None:
    """One click: web servers, application, database stop; database, application, web servers start; nothing is lost."""
    plan = tiers.vault.plans["Shop"]
    assert plan.allowed_operations == ("test", "planned", "unplanned", "delete")
    job = tiers.vault.planned_failover_plan("Shop")
    assert plan.allowed_operations == ()
    assert plan.job is not None
    tiers.wait(job)
    assert job.state == "Succeeded"
    assert plan.allowed_operations == ("commit", "delete")
    stopped = dict(order(tiers, "vm.stopped", "site"))
    assert stopped["WEB1"] == stopped["WEB2"] < stopped["APP"] < stopped["DB"]
    assert stopped["DB"] < min(at for _, at in order(tiers, "vm.started", "azure"))
    up_before_next(tiers, "azure")
    assert [task.name for task in job.tasks] == [
        "RpSrsPrerequisitesCheck",
        "ShutdownAllActionGroup",
        "FailoverAllActionGroup",
        "BootGroup1ActionGroup",
        "BootGroup2ActionGroup",
        "BootGroup3ActionGroup",
        "EndRecoveryPlanTask",
    ]
    assert job.tasks[5].title == "Group 3: Start (2)"
    assert {record.rpo for record in records(tiers)} == {0}
    assert set(states(tiers)) == {"PlannedCommitPending"}
    tiers.vault.commit_plan("Shop", wait=True)
    assert set(states(tiers)) == {"PlannedCommitted"}
    assert plan.allowed_operations == ("failback", "delete")
    assert tiers.verify() == []


@pytest.mark.rule("3.1-2", "3.2-2")
@pytest.mark.parametrize("synchronise", [False, True])
def test_unplanned_starts_in_order(tiers: Lab, synchronise: bool) -> None:
    """From the latest points; asked to synchronise, the site is shut down in reverse order first."""
    if not synchronise:
        tiers.faults.lose_site()
    job = tiers.vault.unplanned_failover_plan("Shop", synchronise=synchronise, wait=True)
    assert job.state == "Succeeded"
    up_before_next(tiers, "azure")
    assert set(states(tiers)) == {"UnplannedCommitPending"}
    assert task_states(job)["ShutdownAllActionGroup"] == ("Succeeded" if synchronise else "Skipped")
    if synchronise:
        stopped = dict(order(tiers, "vm.stopped", "site"))
        assert stopped["WEB1"] == stopped["WEB2"] < stopped["APP"] < stopped["DB"]
        assert {record.rpo for record in records(tiers)} == {0}


@pytest.mark.rule("3.3-2")
def test_a_test_of_a_plan_waits_once_and_cleans_up_all(tiers: Lab) -> None:
    """One job waits at "Complete testing" with four test VMs; completed, all are gone and production went on."""
    job = tiers.vault.test_failover_plan("Shop", wait=True)
    assert (job.state, task_states(job)["WaitForStopTestFailover"]) == ("Suspended", "Suspended")
    up_before_next(tiers, "test")
    assert sorted(tiers.azure.machines) == ["APP-test", "DB-test", "WEB1-test", "WEB2-test"]
    tiers.wait(job.complete("all there"))
    assert job.state == "Succeeded"
    assert tiers.azure.machines == {}
    assert set(states(tiers)) == {"Protected"}
    assert order(tiers, "vm.stopped", "site") == []
    assert [task.note for task in job.tasks if task.note] == ["all there"]


@pytest.mark.rule("3.2-1", "3.2-2", "3.6-1")
@pytest.mark.parametrize("synchronise", ["before", "during"])
def test_there_and_back(tiers: Lab, synchronise: str) -> None:
    """A plan fails back together: one word for the switch, reverse order down, groups up, all protected anew."""
    vault = tiers.vault
    vault.planned_failover_plan("Shop", wait=True)
    assert error_of(lambda: vault.failback_plan("Shop")).code == 900501
    vault.commit_plan("Shop", wait=True)
    tiers.run("1h")
    begun = tiers.clock.ms
    job = vault.failback_plan("Shop", synchronise=synchronise, wait=True)
    if synchronise == "before":
        assert task_states(job)["WaitForUserInputForFailback"] == "Suspended"
        assert all(machine.state == "Running" for machine in tiers.azure.machines.values())
        tiers.wait(job.complete("now"))
    assert job.state == "Succeeded"
    stopped = dict(order(tiers, "vm.stopped", "azure"))
    assert stopped["WEB1"] == stopped["WEB2"] < stopped["APP"] < stopped["DB"]
    started = {vm: at for vm, at in order(tiers, "vm.started", "site") if at >= begun}
    assert started["DB"] < started["APP"] < started["WEB1"] == started["WEB2"]
    assert {record.lost.blocks for record in records(tiers, "Failback")} == {0}
    vault.commit_plan("Shop", wait=True)
    vault.reverse_replication_plan("Shop", wait=True)
    for vm in MEMBERS:
        tiers.wait(vault.items[vm])
    assert set(states(tiers)) == {"Protected"}
    assert tiers.azure.machines == {}
    assert error_of(lambda: vault.commit_plan("Shop")).code == 900909
    assert tiers.verify(full=True) == []


def test_what_is_asked_for_wrongly_begins_nothing(tmp_path: Path) -> None:
    """A bad word for points or synchronising, a network or plan that is not there, nothing to commit."""
    with tiers_lab(tmp_path, DB, groups=[["DB"]]) as lab:
        count = len(lab.jobs)
        for work, code in (
            (lambda: lab.vault.test_failover_plan("Shop", point="oldest"), 900920),
            (lambda: lab.vault.unplanned_failover_plan("Shop", point="common", synchronise=True), 900920),
            (lambda: lab.vault.test_failover_plan("Shop", "none such"), 900010),
            (lambda: lab.vault.failback_plan("Shop", synchronise="after"), 900523),
            (lambda: lab.vault.test_failover_plan("Nothing"), 900010),
        ):
            assert error_of(work).code == code
        assert error_of(lambda: lab.vault.commit_plan("Shop")).code == 900909
        assert len(lab.jobs) == count
        assert state_of(lab, "DB") == "Protected"


def test_an_encrypted_clouds_plan_needs_the_certificate(tmp_path: Path) -> None:
    """Without it the whole run is refused and no VM's job is begun; with it all VMs are opened, restarts included."""
    with encrypted_lab(tmp_path, DB, APP) as lab:
        lab.vault.create_plan("Shop", ["DB", "APP"])
        lab.vault.save_plan("Shop", [["DB"], ["APP"]])
        plan, count = lab.vault.plans["Shop"], len(lab.jobs)
        assert {found.code for found in plan.readiness("test")} >= {900563}
        assert 900563 not in {found.code for found in plan.readiness("test", certificate=True)}
        for run in (lab.vault.test_failover_plan, lab.vault.planned_failover_plan, lab.vault.unplanned_failover_plan):
            assert error_of(lambda run=run: run("Shop")).code == 900563
        assert len(lab.jobs) == count
        job = lab.vault.planned_failover_plan("Shop", **pfx(tmp_path))
        lab.run("40s")
        lab.faults.lose_line()
        with pytest.raises(LabError):
            lab.wait(job)
        lab.faults.restore_line()
        assert error_of(job.restart).code == 900563
        assert job.state == "Failed"
        lab.wait(job.restart(**pfx(tmp_path)))
        assert [state_of(lab, vm) for vm in ("DB", "APP")] == ["PlannedCommitPending"] * 2
        assert lab.verify() == []


def test_common_points_show_one_instant(tiers: Lab) -> None:
    """The newest instant that all can show: each uses its newest point not after it, and one of them is at it."""
    tiers.run("17min")
    newest = {vm: tiers.vault.items[vm].recovery_points[-1].cut for vm in MEMBERS}
    instant = min(newest.values())
    assert len(set(newest.values())) > 1
    wanted = {vm: max(p.cut for p in tiers.vault.items[vm].recovery_points if p.cut <= instant) for vm in MEMBERS}
    tiers.vault.unplanned_failover_plan("Shop", point="common", wait=True)
    assert {record.vm: record.cut for record in records(tiers)} == wanted
    assert instant in wanted.values()


# --- actions ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("3.2-3")
def test_a_manual_action_waits_for_a_word(tiers: Lab) -> None:
    """Between groups the job waits and shows the instructions; the word with its note lets it go on."""
    tiers.vault.save_plan("Shop", [{"vms": ["DB"], "after": [manual()]}, ["APP", "WEB1", "WEB2"]])
    job = tiers.vault.planned_failover_plan("Shop", wait=True)
    assert (job.state, job.instructions) == ("Suspended", "Switch the name server.")
    assert facts(tiers, "job.waiting", "Shop")[0]["task"] == "Group1PostAction1"
    assert [vm for vm, _ in order(tiers, "vm.started", "azure")] == ["DB"]
    tiers.run("20min")
    assert [vm for vm, _ in order(tiers, "vm.started", "azure")] == ["DB"]
    tiers.wait(job.complete("switched by hand"))
    assert job.state == "Succeeded"
    assert job.instructions == ""
    assert [task.note for task in job.tasks if task.note] == ["switched by hand"]
    assert error_of(job.complete).code == 900020


@pytest.mark.rule("3.2-3")
def test_an_action_belongs_to_kinds_of_failover(tiers: Lab) -> None:
    """One for planned and failback only is not among the tasks of a test."""
    tiers.vault.save_plan("Shop", [{"vms": list(MEMBERS), "before": [manual(kinds=["planned", "failback"])]}])
    other = twin(tiers, "other.lab")
    job = tiers.vault.test_failover_plan("Shop")
    assert not [task for task in job.tasks if "Action1" in task.name]
    with other:
        job = other.vault.planned_failover_plan("Shop", wait=True)
        assert job.state == "Suspended"
        assert order(other, "vm.started", "azure") == []
        other.wait(job.skip("not needed"))
        assert task_states(job)["Group1PreAction1"] == "Skipped"
        assert job.state == "Succeeded"


def test_a_check_waits_until_the_application_answers(tiers: Lab) -> None:
    """The next group starts at the very instant at which the database answers."""
    tiers.vault.save_plan("Shop", [{"vms": ["DB"], "after": [check("DB")]}, ["APP", "WEB1", "WEB2"]])
    job = tiers.vault.planned_failover_plan("Shop", wait=True)
    answered = next(fact["at"] for fact in facts(tiers, "application.answers", "azure/DB"))
    ended = {fact["task"]: fact["at"] for fact in facts(tiers, "job.task", "Shop")}
    assert ended["Group1PostAction1"] == answered > ended["BootGroup1ActionGroup"]
    assert job.state == "Succeeded"


def test_a_check_has_a_limit(tiers: Lab) -> None:
    """Planned: it fails there, and can be restarted. Unplanned: the run goes on and ends with the error."""
    tiers.vault.save_plan("Shop", [{"vms": ["DB"], "after": [check("DB", limit="1s")]}, ["APP", "WEB1", "WEB2"]])
    other = twin(tiers, "other.lab")
    job = tiers.vault.planned_failover_plan("Shop")
    assert error_of(lambda: tiers.wait(job)).code == 900916
    assert [vm for vm, _ in order(tiers, "vm.started", "azure")] == ["DB"]
    tiers.run("1min")
    tiers.wait(job.restart())
    assert job.state == "Succeeded"
    with other:
        job = other.vault.unplanned_failover_plan("Shop", wait=True)
        assert job.state == "CompletedWithErrors"
        assert [error.code for error in job.errors] == [900916]
        assert set(states(other)) == {"UnplannedCommitPending"}


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("3.2-4", "F-7")
def test_a_vm_that_fails_stops_a_planned_run_and_the_rest_can_be_repeated(tiers: Lab) -> None:
    """The line is lost while the web servers are down already: they go on to Azure, the others stay; then once more."""
    job = tiers.vault.planned_failover_plan("Shop")
    tiers.run("40s")
    tiers.faults.lose_line()
    assert error_of(lambda: tiers.wait(job)).code == 900521
    assert job.state == "Failed"
    assert [state_of(tiers, vm) for vm in ("DB", "APP")] == ["Protected", "Protected"]
    assert {name for name, _ in order(tiers, "vm.stopped", "site")} == {"WEB1", "WEB2"}
    tiers.faults.restore_line()
    tiers.run("10min")
    assert order(tiers, "vm.started", "azure") == []  # not before the groups before them
    tiers.wait(job.restart())
    assert job.state == "Succeeded"
    up_before_next(tiers, "azure")
    assert set(states(tiers)) == {"PlannedCommitPending"}
    assert tiers.verify() == []


@pytest.mark.rule("F-7")
def test_another_run_takes_over_what_a_failed_one_left(tiers: Lab) -> None:
    """Instead of a restart the plan is run again; or the VMs that are held are let go without it."""
    job = tiers.vault.planned_failover_plan("Shop")
    tiers.run("40s")
    tiers.faults.lose_line()
    with pytest.raises(LabError):
        tiers.wait(job)
    tiers.faults.restore_line()
    other = twin(tiers, "other.lab")
    again = tiers.vault.planned_failover_plan("Shop", wait=True)
    assert again.state == "Succeeded"
    assert set(states(tiers)) == {"PlannedCommitPending"}
    up_before_next(tiers, "azure")
    refused = error_of(job.restart)
    assert (refused.code, refused.details["latest"]) == (900929, again.id)
    with other:
        held = other.jobs[job.id]
        assert error_of(lambda: other.vault.planned_failover("WEB1")).code == 532
        other.vault.release_plan(held)
        other.run("10min")
        assert [state_of(other, vm) for vm in ("WEB1", "WEB2")] == ["PlannedCommitPending"] * 2
        assert {vm for vm, _ in order(other, "vm.started", "azure")} == {"WEB1", "WEB2"}
        assert other.verify() == []


@pytest.mark.rule("3.2-4", "F-7")
def test_a_vm_that_fails_does_not_stop_an_unplanned_run(tmp_path: Path) -> None:
    """A size without a slot for its disk: the VM fails, the others run, and the job ends with that error."""
    two = APP.replace("{name: data, size: 20MB}", "{name: data, size: 20MB}, {name: more, size: 20MB}")
    with tiers_lab(tmp_path, DB, two, WEB1, WEB2) as lab:
        lab.vault.save_plan("Shop", TIERS)
        lab.vault.set_target("APP", size="XS")
        job = lab.vault.unplanned_failover_plan("Shop", wait=True)
        assert (job.state, [error.code for error in job.errors]) == ("CompletedWithErrors", [900852])
        assert states(lab) == [
            "UnplannedCommitPending",
            "Protected",
            "UnplannedCommitPending",
            "UnplannedCommitPending",
        ]
        lab.vault.set_target("APP", size="M")
        assert lab.vault.unplanned_failover_plan("Shop", wait=True).state == "Succeeded"
        assert set(states(lab)) == {"UnplannedCommitPending"}
        assert len(records(lab)) == 4
        assert lab.verify() == []


def test_a_test_with_a_vm_that_fails_is_completed_all_the_same(tmp_path: Path) -> None:
    """It ends with errors, does not count as tested, and leaves nothing."""
    two = APP.replace("{name: data, size: 20MB}", "{name: data, size: 20MB}, {name: more, size: 20MB}")
    with tiers_lab(tmp_path, DB, two, groups=[["DB"], ["APP"]]) as lab:
        lab.vault.set_target("APP", size="XS")
        job = lab.vault.test_failover_plan("Shop", wait=True)
        assert job.state == "Suspended"
        lab.wait(job.complete())
        assert job.state == "CompletedWithErrors"
        assert lab.vault.plans["Shop"].changed
        assert lab.azure.machines == {}


# --- one operation at a time ------------------------------------------------------------------------------------------


@pytest.mark.rule("3.2-2")
def test_nobody_else_works_on_a_plan_or_vm_that_runs(tiers: Lab) -> None:
    """While it runs or waits: operations on its VMs, a second run and a change of the plan are refused: 532."""
    vault = tiers.vault
    job = vault.test_failover_plan("Shop", wait=True)
    assert vault.items["DB"].allowed_operations == ()
    for work in (
        lambda: vault.complete_test("DB"),
        lambda: vault.planned_failover("APP"),
        lambda: vault.disable_protection("WEB1"),
        lambda: vault.planned_failover_plan("Shop"),
        lambda: vault.save_plan("Shop", [["DB"]]),
        lambda: vault.delete_plan("Shop"),
        lambda: next(one for one in tiers.jobs.values() if one.target == "DB" and one.state == "Suspended").complete(),
    ):
        assert error_of(work).code == 532
    vault.create_plan("Part", ["DB"])
    assert error_of(lambda: vault.unplanned_failover_plan("Part")).code == 532
    tiers.wait(job.complete())
    assert "PlannedFailover" in vault.items["DB"].allowed_operations
    vault.delete_plan("Shop")
    assert state_of(tiers, "DB") == "Protected"


def test_only_an_action_can_be_skipped_and_only_a_failed_job_restarted(tiers: Lab) -> None:
    """A running or ended job is not restarted, the steps of a plan are not left out, and another job has none of it."""
    job = tiers.vault.planned_failover_plan("Shop")
    assert error_of(job.restart).code == 900921
    assert error_of(job.skip).code == 900917
    tiers.wait(job)
    assert error_of(job.restart).code == 900921
    assert error_of(job.skip).code == 900917
    alone = tiers.vault.commit("DB", wait=True)
    for work in (alone.restart, alone.skip, lambda: tiers.vault.release_plan(alone)):
        assert error_of(work).code == 900928


# --- forecast ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["test", "planned", "unplanned"])
def test_the_forecast_is_what_a_run_takes_without_data_to_send(tiers: Lab, kind: str) -> None:
    """Within the seconds that the last data and the recovery of a database take."""
    tiers.vault.save_plan("Shop", [{"vms": ["DB"], "after": [check("DB")]}, ["APP"], ["WEB1", "WEB2"]])
    expected = tiers.read(lambda world: planforecast.forecast(world, plans.get(world, "Shop"), kind))
    begun = tiers.clock.ms
    run: dict[str, Any] = {
        "test": tiers.vault.test_failover_plan,
        "planned": tiers.vault.planned_failover_plan,
        "unplanned": tiers.vault.unplanned_failover_plan,
    }
    run[kind]("Shop", wait=True)
    side = "test" if kind == "test" else "azure"
    taken = max(at for _, at in order(tiers, "guest.up", side)) - begun
    assert 0 <= taken - expected <= 5_000


# --- anything ---------------------------------------------------------------------------------------------------------


def _any_run(lab: Lab, chance: random.Random) -> Job:
    """A run of any kind; the ways back have been there first."""
    vault = lab.vault
    kind = chance.choice(["test", "planned", "unplanned", "unplanned", "before", "during"])
    if kind in ("before", "during"):
        there = vault.planned_failover_plan("Shop")
        for _ in range(40):
            if there.state not in ("InProgress", "Suspended"):
                break
            if there.state == "Suspended":
                there.complete()
            lab.run("5min")
        if there.state == "Failed":
            return there
        vault.commit_plan("Shop", wait=True)
        lab.run(f"{chance.randint(1, 90)}min")
        return vault.failback_plan("Shop", synchronise=kind)
    if kind == "unplanned":
        return vault.unplanned_failover_plan("Shop", synchronise=chance.random() < 0.5)
    return vault.test_failover_plan("Shop") if kind == "test" else vault.planned_failover_plan("Shop")


def _play(lab: Lab, chance: random.Random, job: Job) -> None:
    """Let a job come to its end, whatever it waits for, with troubles on the way."""
    troubles = [(lab.faults.lose_line, lab.faults.restore_line), (lab.faults.lose_site, lab.faults.restore_site)]
    cure = None
    for _ in range(60):
        if chance.random() < 0.1 and cure is None:
            trouble, cure = chance.choice(troubles)
            trouble()
        lab.run(f"{chance.randint(1, 300)}s")
        if cure is not None and chance.random() < 0.5:
            cure()
            cure = None
        if job.state == "Suspended":
            job.complete()
        elif job.state == "Failed" and not _goes_on(job, chance):
            break
    if cure is not None:
        cure()
    _to_the_end(lab, job)


def _goes_on(job: Job, chance: random.Random) -> bool:
    """Restart a failed job, or leave out the action it failed at; False when a VM has to be resynchronised first."""
    failed = next(task.name for task in job.tasks if task.state == "Failed")
    try:
        (job.skip if failed[-1].isdigit() and chance.random() < 0.3 else job.restart)()  # actions end in a number
    except LabError as error:
        if error.code != 900501:
            raise
        return False
    return True


def _to_the_end(lab: Lab, job: Job) -> None:
    """All causes are gone: what waits is given its word."""
    for _ in range(40):
        if job.state == "Suspended":
            job.complete()
        elif job.state != "InProgress":
            return
        lab.run("30min")


@pytest.mark.slow
def test_any_plan_with_any_trouble_comes_to_an_end(
    shop_in_tiers: Path, tmp_path: Path, effort: int, rounds: Rounds
) -> None:
    """Random groups and actions, runs of every kind, lines and sites lost: no run hangs, and verify finds nothing."""
    for number in rounds(60, 20):
        chance = random.Random(number if effort == 1 else time.time_ns())
        with labkit.open(shop_in_tiers, read_only=True) as lab:
            lab.copy(tmp_path / f"{number}.lab")
        with labkit.open(tmp_path / f"{number}.lab") as lab:
            lab.vault.save_plan("Shop", any_groups(chance))
            job = _any_run(lab, chance)
            _play(lab, chance, job)
            assert job.state not in ("InProgress", "Suspended"), (number, job, job.tasks)
            if job.state == "Failed":
                lab.vault.release_plan(job)
                lab.run("2h")
            assert lab.read(lambda world: [one.id for one in lab_items(world) if one.plan]) == [], number
            running = [one for one in lab.jobs.values() if one.state in ("InProgress", "Suspended")]
            assert running == [], (number, [(one, one.tasks) for one in running])
            assert lab.verify() == [], number
        (tmp_path / f"{number}.lab").unlink()


def lab_items(world: Any) -> list[Any]:
    """All protected items."""
    from labkit.recovery.item import ProtectedItem

    return list(world.all(ProtectedItem))


@pytest.mark.rule("3.4-5")
def test_vms_of_a_plan_share_one_name_in_the_internet(shop_in_tiers: Path, tmp_path: Path) -> None:
    """One cloud service and address with the plan's name, for a test with -test; changed points stay in it."""
    with labkit.open(shop_in_tiers, read_only=True) as lab:
        lab.copy(tmp_path / "own.lab")
    with labkit.open(tmp_path / "own.lab") as lab:
        test = lab.vault.test_failover_plan("Shop", wait=True)
        assert {lab.azure.machine(name).dns_name for name in lab.azure.machines} == {"Shop-test.cloudapp.net"}
        lab.wait(test.complete())
        lab.vault.unplanned_failover_plan("Shop", wait=True)
        pages = [lab.azure.machine(name) for name in lab.azure.machines]
        assert {(page.dns_name, page.vip) for page in pages} == {("Shop.cloudapp.net", pages[0].vip)}
        lab.vault.change_recovery_point("DB", lab.vault.items["DB"].recovery_points[0].id, wait=True)
        assert lab.azure.machine("DB").dns_name == "Shop.cloudapp.net"


@pytest.mark.rule("3.4-5")
def test_a_plan_shares_nothing_with_a_stranger_of_its_name(tmp_path: Path) -> None:
    """A VM of one's own called as the plan keeps its address for itself; a plan's odd name becomes one of letters."""
    with tiers_lab(tmp_path, DB, APP, groups=[["DB"], ["APP"]]) as lab:
        own = lab.azure.create_machine("Shop", network="AzureNetwork")
        assert own.dns_name == "Shop.cloudapp.net"
        assert error_of(lambda: lab.vault.create_plan("SHOP", ["DB"])).code == 900809
        lab.vault.create_plan("店の 復旧 no.1", ["DB", "APP"])
        test = lab.vault.test_failover_plan("店の 復旧 no.1", wait=True)
        names = {lab.azure.machine(name).dns_name for name in lab.azure.machines}
        assert names == {"Shop.cloudapp.net", "no-1-test.cloudapp.net"}
        lab.wait(test.complete())
        lab.vault.planned_failover_plan("Shop", wait=True)
        assert {lab.azure.machine(name).dns_name for name in ("DB", "APP")} == {"Shop-2.cloudapp.net"}
        assert lab.verify() == []
