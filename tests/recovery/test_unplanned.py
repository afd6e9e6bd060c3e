"""Unplanned failover: lost is exactly what was written after the state last received whole (rules 3.5, 1.1-4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.lab import Lab
from labkit.recovery.evidence import FailoverRecord
from tests.recovery.labs import MINUTE, SECOND, SHOP, error_of, export, facts, new_lab, records, rows, task_states


def _check_loss(lab: Lab) -> FailoverRecord:
    """Count the loss from both exported databases: exactly the orders of the window, and what the record says."""
    record = records(lab, "UnplannedFailover", "SHOP")[0]
    site, azure = (rows(export(lab, "SHOP", "data", side, point), "orders") for side, point in _SIDES)
    placed = {token: at for token, at in site.items() if at <= record.source_at}
    assert azure.keys() <= placed.keys()
    assert {token: placed[token] for token in azure} == azure
    lost = placed.keys() - azure.keys()
    assert lost == {token for token, at in placed.items() if at > record.cut}
    assert record.lost.orders == len(lost)
    assert record.lost.duplicated == 0
    assert record.lost.seconds_ms == record.source_at - max(azure.values())
    assert all(disk.equal and disk.sample_equal for disk in record.integrity)
    return record


_SIDES = (("site", "latest"), ("azure", "failover"))


@pytest.mark.rule("1.1-4")
def test_the_loss_is_the_window_since_the_last_log(shop: Lab) -> None:
    """A line that keeps up: at most the interval plus the transfer of one cycle is lost, order by order."""
    shop.run("250s")
    shop.faults.lose_site()
    shop.run("10min")
    shop.vault.unplanned_failover("SHOP", wait=True)
    record = _check_loss(shop)
    slowest = max(fact["at"] - fact["started"] for fact in facts(shop, "cycle", "SHOP"))
    assert 0 < record.rpo <= 300 * SECOND + slowest
    assert record.lost.orders is not None
    assert 15 < record.lost.orders <= (record.rpo // SECOND) // 10 + 1
    assert record.source_at == facts(shop, "vm.stopped", "site/SHOP")[-1]["at"]
    assert shop.verify(full=True) == []


@pytest.mark.parametrize("seconds", [7, 60, 113, 171, 229, 287])
def test_at_any_moment_of_the_interval(shop: Lab, seconds: int) -> None:
    """Wherever in the interval the site is lost, the orders lost are those of the window and no others."""
    shop.run(f"{seconds}s")
    shop.faults.lose_site()
    shop.vault.unplanned_failover("SHOP", wait=True)
    _check_loss(shop)


@pytest.mark.rule("1.1-4")
def test_a_thin_line_loses_more(tmp_path: Path) -> None:
    """When replication lags, more than the interval is lost, and health, RPO and record say so."""
    with new_lab(tmp_path, SHOP, bandwidth="24kbps") as lab:
        lab.run("6h")
        item = lab.vault.items["SHOP"]
        rpo = item.rpo
        assert rpo is not None
        assert rpo > 300
        assert item.health == "Critical"
        lab.faults.lose_site()
        lab.vault.unplanned_failover("SHOP", wait=True)
        record = _check_loss(lab)
        assert record.rpo == int(rpo * 1000)
        assert record.lost.orders is not None
        assert record.lost.orders > 30


@pytest.mark.rule("3.5-1")
def test_with_the_site_running_its_guest_goes_on(shop: Lab) -> None:
    """Without the option the site's VM is not touched: it runs on, and only what it took until then counts as lost."""
    shop.run("200s")
    job = shop.vault.unplanned_failover("SHOP", wait=True)
    assert task_states(job)["VmShutdownVmOnPrimary"] == "Skipped"
    assert shop.site.machines["SHOP"].answering
    shop.run("2h")
    record = _check_loss(shop)
    assert record.lost.orders
    site = rows(export(shop, "SHOP", "data", "site"), "orders")
    assert max(site.values()) > record.source_at + 50 * MINUTE
    assert shop.verify() == []


@pytest.mark.rule("3.5-1")
def test_the_last_synchronisation_saves_everything(shop: Lab) -> None:
    """With "shut down and synchronise" and the site in reach: shut down in order, all sent, nothing lost."""
    shop.run("200s")
    job = shop.vault.unplanned_failover("SHOP", synchronise=True, wait=True)
    assert set(task_states(job).values()) == {"Succeeded"}
    record = _check_loss(shop)
    assert (record.rpo, record.lost.orders, record.lost.blocks) == (0, 0, 0)
    assert shop.site.machines["SHOP"].state == "Off"


@pytest.mark.rule("3.5-1", "3.1-1")
@pytest.mark.parametrize("outage", ["lose_site", "lose_line"])
def test_without_the_site_it_goes_on_with_the_last_data(shop: Lab, outage: str) -> None:
    """The option asks the site; the site cannot be reached, so the failover goes on with the last replicated data."""
    shop.run("200s")
    getattr(shop.faults, outage)()
    shop.run("3min")
    job = shop.vault.unplanned_failover("SHOP", synchronise=True, wait=True)
    assert task_states(job)["VmShutdownVmOnPrimary"] == "Skipped"
    assert task_states(job)["VmPrepareForUnPlannedFailover"] == "Skipped"
    assert job.state == "Succeeded"
    assert _check_loss(shop).lost.orders


@pytest.mark.rule("3.5-1")
@pytest.mark.parametrize("outage", ["lose_site", "lose_line"])
def test_cut_off_in_the_middle_of_the_synchronisation(tmp_path: Path, outage: str) -> None:
    """Line or site lost while the rest is under way: half a log is no log; the newest whole one is used, at once."""
    with new_lab(tmp_path, SHOP, bandwidth="100kbps") as lab:
        lab.run("1h")
        job = lab.vault.unplanned_failover("SHOP", synchronise=True)
        lab.run("45s")
        assert task_states(job)["VmPrepareForUnPlannedFailover"] == "InProgress"
        before = lab.vault.items["SHOP"].recovery_points[-1]
        getattr(lab.faults, outage)()
        lab.wait(job)
        record = _check_loss(lab)
        assert (record.point, record.cut) == (before.id, before.cut)
        stopped = facts(lab, "vm.stopped", "site/SHOP")[-1]["at"]
        assert record.source_at == stopped
        assert record.rpo == stopped - before.cut
        assert record.lost.orders
        assert lab.verify() == []


@pytest.mark.rule("3.5-2")
def test_it_waits_for_commit(shop: Lab) -> None:
    """Ends in "waiting for commit", Azure active and its VM answering; committed, only failback or removal is left."""
    shop.vault.unplanned_failover("SHOP", wait=True)
    item = shop.vault.items["SHOP"]
    assert (item.state, item.active_location) == ("UnplannedFailoverCommitPendingStatesBegin", "Recovery")
    assert item.allowed_operations == ("Commit", "ChangePit", "DisableProtection")
    shop.run("5min")
    assert shop.azure.machines["SHOP"].answering
    shop.vault.commit("SHOP", wait=True)
    assert item.allowed_operations == ("Failback", "DisableProtection")


@pytest.mark.rule("3.1-1")
def test_vmm_need_not_be_reachable(shop: Lab) -> None:
    """Site and line both gone: the unplanned failover runs, the planned one is refused at its check."""
    shop.faults.lose_site()
    shop.faults.lose_line()
    planned = shop.vault.planned_failover("SHOP")
    assert error_of(lambda: shop.wait(planned)).code == 900521
    shop.vault.unplanned_failover("SHOP", wait=True)
    assert shop.vault.items["SHOP"].active_location == "Recovery"


@pytest.mark.rule("3.1-2")
def test_the_latest_point_is_used(shop: Lab) -> None:
    """The failover uses the newest recovery point there is when replication is given up."""
    shop.run("299s")
    shop.vault.unplanned_failover("SHOP", wait=True)
    newest = shop.vault.items["SHOP"].recovery_points[-1]
    assert (records(shop)[0].point, records(shop)[0].cut) == (newest.id, newest.cut)
    assert newest.cut == facts(shop, "cycle", "SHOP")[-1]["cut"]


def test_the_dead_guest_recovers_its_log_in_azure(shop: Lab) -> None:
    """A crash-consistent point holds a log: the database in Azure recovers frames when it is opened, and answers."""
    shop.run("200s")
    shop.faults.lose_site()
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.run("10min")
    opened = facts(shop, "database.opened", "azure/SHOP")
    assert opened[0]["recovered"] > 0
    assert facts(shop, "application.answers", "azure/SHOP")[0]["at"] > opened[0]["at"]


def test_a_planned_failover_leaves_no_log_to_recover(shop: Lab) -> None:
    """Shut down in order, the database comes up in Azure with nothing to recover."""
    shop.vault.planned_failover("SHOP", wait=True)
    shop.run("10min")
    assert facts(shop, "database.opened", "azure/SHOP")[0]["recovered"] == 0
