"""Failovers of a VM whose cloud is protected to another cloud (rules 1.2-1, 1.2-3, 1.2-4, 1.2-8)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit
from labkit.engine.errors import LabError
from labkit.guest import machine as guests
from labkit.lab import Lab
from labkit.recovery import states
from labkit.recovery.item import ProtectedItem
from tests.recovery.labs import MINUTE, SHOP, error_of, facts, records, task_states
from tests.recovery.test_cloud_to_cloud import THEIRS, two_clouds


@pytest.fixture(scope="session")
def _two_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with two_clouds(tmp_path_factory.mktemp("pair"), SHOP) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=THEIRS, points=3, wait=True)
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        lab.run("2h")
        return lab.path


@pytest.fixture
def pair(_two_hours: Path, tmp_path: Path) -> Iterator[Lab]:
    """SHOP, protected to the other cloud for two hours."""
    shutil.copy(_two_hours, tmp_path / "pair.lab")
    with labkit.open(tmp_path / "pair.lab") as lab:
        yield lab


def _at_rest(lab: Lab) -> tuple[str, str]:
    item = lab.vault.items["SHOP"]
    lab.wait(item)
    return item.state, item.active_location


@pytest.mark.rule("1.2-4", "1.2-8")
def test_planned_turns_round_by_itself(pair: Lab) -> None:
    """Nothing lost; the VM runs at the other site, protected the other way with no further click; and back again."""
    job = pair.vault.planned_failover("SHOP", wait=True)
    assert list(task_states(job).values()) == ["Succeeded"] * 5
    assert _at_rest(pair) == ("Protected", "Recovery")
    assert not pair.site.machines["SHOP"].answering
    pair.run("1h")
    assert pair.hyperv.machines["SHOP"].answering
    assert pair.vault.items["SHOP"].rpo <= 310
    assert pair.verify(full=True) == []
    pair.vault.planned_failover("SHOP", wait=True)
    assert _at_rest(pair) == ("Protected", "Primary")
    pair.run("5min")
    assert pair.site.machines["SHOP"].answering
    assert [(record.lost.orders, record.rpo) for record in records(pair)] == [(0, 0), (0, 0)]
    assert all(disk.equal for record in records(pair) for disk in record.integrity)
    assert pair.azure.machines == {}


@pytest.mark.rule("1.2-3")
def test_failback_brings_what_was_written_there(pair: Lab) -> None:
    """Orders taken at the recovery site are in the database after the way back: none lost, none twice."""
    pair.vault.planned_failover("SHOP", wait=True)
    _at_rest(pair)
    pair.run("3h")
    pair.vault.planned_failover("SHOP", wait=True)
    _at_rest(pair)
    back = records(pair)[-1]
    assert (back.lost.orders, back.lost.duplicated, back.lost.blocks) == (0, 0, 0)
    there, here = (records(pair)[number].at for number in (0, 1))
    taken = pair.read(lambda world: guests.look(world, world.get(guests.Machine, "site/SHOP"))).orders
    assert sum(there + 5 * MINUTE < order.placed_at < here for order in taken) > 6 * 60 * 2.5  # hours there, 6 a minute


@pytest.mark.rule("1.2-8")
def test_unplanned_leaves_it_unprotected_until_reversed(pair: Lab) -> None:
    """The site is lost: the newest state starts there and is not replicated until it is reversed."""
    pair.run("4min")
    pair.faults.lose_site()
    pair.vault.unplanned_failover("SHOP", wait=True)
    item = pair.vault.items["SHOP"]
    assert item.allowed_operations == ("Commit", "ChangePit", "ReverseReplicate")
    lost = records(pair)[-1]
    assert 0 < lost.rpo <= 310_000
    assert lost.lost.orders == pytest.approx(lost.rpo / 10_000, abs=1.5)
    pair.vault.commit("SHOP", wait=True)
    assert item.allowed_operations == ("ReverseReplicate",)
    pair.run("1h")
    assert (item.rpo, item.recovery_points) == (None, [])
    assert error_of(lambda: pair.vault.reverse_replication("SHOP", wait=True)).code in (900521, 900525)
    pair.faults.restore_site()
    job = pair.vault.reverse_replication("SHOP", wait=True)
    assert list(task_states(job))[:2] == ["VmReverseReplicationPrerequisitesCheck", "VmCommit"]
    assert _at_rest(pair) == ("Protected", "Recovery")
    pair.run("1h")
    assert item.rpo <= 310
    assert pair.verify(full=True) == []


def test_reverse_commits_too(pair: Lab) -> None:
    """Reversed without a commit before: the job commits, shuts the old side down that ran on, and turns round."""
    pair.vault.unplanned_failover("SHOP", wait=True)
    assert pair.site.machines["SHOP"].answering  # it runs twice (rule 3.5-3)
    pair.run("30min")
    job = pair.vault.reverse_replication("SHOP", wait=True)
    assert set(task_states(job).values()) == {"Succeeded"}
    assert not pair.site.machines["SHOP"].answering
    assert _at_rest(pair) == ("Protected", "Recovery")
    assert pair.verify(full=True) == []


def test_with_the_last_changes(pair: Lab) -> None:
    """Unplanned with synchronise, the site answers: shut down, the rest is sent, nothing is lost."""
    pair.run("4min")
    pair.vault.unplanned_failover("SHOP", synchronise=True, wait=True)
    assert (records(pair)[-1].rpo, records(pair)[-1].lost.orders) == (0, 0)


def test_another_point(pair: Lab) -> None:
    """Before commit the VM starts again from an older point: losses are counted anew, the newest is still there."""
    pair.vault.unplanned_failover("SHOP", wait=True)
    points = pair.vault.items["SHOP"].recovery_points
    pair.vault.change_recovery_point("SHOP", points[0].id, wait=True)
    older = records(pair)[-1]
    assert older.cut == points[0].cut
    assert older.rpo > 60 * MINUTE
    pair.vault.change_recovery_point("SHOP", wait=True)
    assert records(pair)[-1].cut == points[-1].cut
    assert all(disk.equal for disk in records(pair)[-1].integrity)
    pair.vault.commit("SHOP", wait=True)
    assert error_of(lambda: pair.vault.change_recovery_point("SHOP")).code == 900501


@pytest.mark.rule("1.2-8")
def test_test_failover_there(pair: Lab) -> None:
    """Beside production on the replica's host; on no network, one there, one made for it; nothing stays."""
    refused = error_of(lambda: pair.vault.test_failover("SHOP", "Nowhere"))
    assert (refused.code, "automatic" in refused.details["choices"]) == (900010, True)
    before = facts(pair, "cycle")[-1]["at"]
    for network in (None, "VirtualSwitch - FrontEnd", "automatic"):
        test = pair.vault.test_failover("SHOP", network, wait=True)
        assert test.state == "Suspended"
        assert pair.site.machines["SHOP"].answering
        pair.run("11min")
        assert pair.hyperv.machines["SHOP - Test"].answering
        assert error_of(lambda: pair.vault.planned_failover("SHOP")).code == 20013
        pair.wait(test.complete(note="fine"))
        assert list(pair.hyperv.machines) == ["SHOP"]
    assert [fact["made"] for fact in facts(pair, "test.network")] == [1, 0]
    assert facts(pair, "cycle")[-1]["at"] > before
    assert pair.verify(full=True) == []


def test_planned_waits_for_the_line(pair: Lab) -> None:
    """The line between the sites is lost after the shut-down: the rest waits for it, and arrives; nothing is lost."""
    pair.run("4min")
    job = pair.vault.planned_failover("SHOP")
    while job.tasks[1].state != "Succeeded":
        pair.run("5s")
    pair.faults.lose_line("replica-site")
    pair.run("30min")
    assert (job.state, job.tasks[2].state) == ("InProgress", "InProgress")  # the rest waits for the line
    pair.faults.restore_line("replica-site")
    pair.wait(job)
    assert _at_rest(pair) == ("Protected", "Recovery")
    assert records(pair)[-1].lost.orders == 0


def test_what_is_refused_at_the_other_side(pair: Lab) -> None:
    """Active there, protection is not removed (its machine is the replica's), the site's VM does not start."""
    pair.vault.planned_failover("SHOP", wait=True)
    _at_rest(pair)
    assert error_of(lambda: pair.vault.disable_protection("SHOP")).code == 900590
    with pytest.raises(LabError):
        pair.site.start("SHOP")
    assert error_of(lambda: pair.vault.failback("SHOP")).code == 900501


def test_every_state_and_operation() -> None:
    """The table leads nowhere that is not a state, and each state but the first can be left and reached."""
    table = states.table(to_site=True)
    reached = {states.UNPROTECTED, *table.values()}
    assert {state for state, _ in table} == reached
    for state in reached:
        item = ProtectedItem("VM", "cloud", state=state, to="other")
        assert states.allowed(item.state, to_site=True) == tuple(
            operation for found, operation in table if found == state and operation not in states.INTERNAL
        )


def test_a_lost_site_fails_a_planned_failover(pair: Lab) -> None:
    """The site has no power: the job fails at its first task with 900521, the item stays protected."""
    pair.faults.lose_site()
    job = pair.vault.planned_failover("SHOP")
    assert error_of(lambda: pair.wait(job)).code == 900521
    assert pair.vault.items["SHOP"].state == "Protected"


@pytest.mark.rule("1.2-4")
@pytest.mark.parametrize("active", ["site", "replica"])
def test_a_lost_line_fails_a_planned_failover(pair: Lab, active: str) -> None:
    """The inter-site line is lost: refused at the first task, in both directions, and the VM runs on where it was."""
    if active == "replica":
        pair.vault.planned_failover("SHOP", wait=True)
        _at_rest(pair)
    pair.faults.lose_line("replica-site")
    job = pair.vault.planned_failover("SHOP")
    assert error_of(lambda: pair.wait(job)).code == 900949
    assert job.tasks[0].state == "Failed"
    assert pair.read(lambda world: world.get(guests.Machine, f"{active}/SHOP").run)
    assert "PlannedFailover" in pair.vault.items["SHOP"].allowed_operations
    pair.faults.restore_line("replica-site")
    assert pair.vault.planned_failover("SHOP", wait=True).state == "Succeeded"


@pytest.mark.rule("4.1-2")
def test_a_stranded_vm_is_let_go(pair: Lab) -> None:
    """Failed over from a site that is lost for good: the vault stops managing it, and the VM goes on running there."""
    pair.faults.lose_site()
    pair.vault.unplanned_failover("SHOP", wait=True)
    pair.vault.commit("SHOP", wait=True)
    assert error_of(lambda: pair.vault.disable_protection("SHOP")).code == 900501
    pair.vault.stop_managing("SHOP", wait=True)
    assert list(pair.vault.items) == []
    pair.run("2h")
    assert pair.hyperv.machines["SHOP"].answering
    assert pair.verify() == []


def test_managing_ends_during_initial_replication(tmp_path: Path) -> None:
    """The vault forgets a VM that is being replicated for the first time: its hosts go on, and time as well."""
    with two_clouds(tmp_path, SHOP) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=THEIRS, wait=True)
        lab.vault.enable_protection("SHOP", wait=True)
        lab.vault.stop_managing("SHOP", wait=True)
        lab.run("3h")
        assert lab.hyperv.replicas["SHOP"].state == "Replicating"
        assert lab.verify(full=True) == []
