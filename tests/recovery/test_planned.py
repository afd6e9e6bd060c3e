"""Planned failover: nothing is lost, and both sides' disks are the same (rules 3.4, 1.1-4)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labkit.lab import Lab
from tests.recovery.labs import BUSY, SHOP, error_of, export, facts, new_lab, records, rows, task_states, twin


@pytest.mark.rule("3.4-1", "1.1-4", "3.1-1")
def test_nothing_is_lost(shop: Lab) -> None:
    """RPO 0 and no order lost: counted by our own SQL on both sides' data disks, not by the lab."""
    shop.run("277s")  # in the middle of a cycle
    shop.vault.planned_failover("SHOP", wait=True)
    site, azure = (rows(export(shop, "SHOP", "data", side, "failover"), "orders") for side in ("site", "azure"))
    assert len(site) > 300
    assert site == azure
    record = records(shop, "PlannedFailover")[0]
    assert record.rpo == 0
    assert (record.lost.orders, record.lost.duplicated, record.lost.blocks, record.lost.bytes) == (0, 0, 0, 0)
    assert [(disk.disk, disk.equal, disk.sample_equal) for disk in record.integrity] == [
        ("os", True, True),
        ("data", True, True),
    ]
    assert shop.verify(full=True) == []


def test_both_exports_are_identical(shop: Lab, qemu_img: str) -> None:
    """A foreign program finds no difference between the site's disks and Azure's at the recovery point used."""
    shop.vault.planned_failover("SHOP", wait=True)
    shop.run("3h")  # the Azure VM writes meanwhile
    for disk in ("os", "data"):
        site, azure = export(shop, "SHOP", disk, "site"), export(shop, "SHOP", disk, "azure", "failover")
        command = [qemu_img, "compare", "-f", "raw", "-F", "raw", str(site), str(azure)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        newest = export(shop, "SHOP", disk, "azure")
        command[-1] = str(newest)
        assert subprocess.run(command, capture_output=True, check=False).returncode == 1  # it does write


@pytest.mark.rule("3.4-1")
def test_the_steps_in_order(shop: Lab) -> None:
    """Shut down, synchronise the rest, make and start the Azure VM: by the facts, in this order and no other."""
    job = shop.vault.planned_failover("SHOP", wait=True)
    assert set(task_states(job).values()) == {"Succeeded"}
    every = list(shop.facts)
    stop = every.index(facts(shop, "vm.stopped")[-1])
    kinds = ("vm.stopped", "cycle", "azure.vm.created", "vm.started")
    order = [(fact["kind"], fact["entity"]) for fact in every[stop:] if fact["kind"] in kinds]
    assert order == [
        ("vm.stopped", "site/SHOP"),
        ("cycle", "SHOP"),
        ("azure.vm.created", "azure/SHOP"),
        ("vm.started", "azure/SHOP"),
    ]
    assert every[stop]["clean"] == 1
    assert shop.site.machines["SHOP"].state == "Off"
    shop.run("10min")
    assert shop.site.machines["SHOP"].state == "Off"
    assert shop.azure.machines["SHOP"].answering


def test_the_last_log_waits_for_the_one_under_way(tmp_path: Path) -> None:
    """On a line so thin that a cycle is always under way, the rest is still sent whole before the Azure VM is made."""
    with new_lab(tmp_path, SHOP, bandwidth="300kbps") as lab:
        lab.run("2h")
        lab.vault.planned_failover("SHOP", wait=True)
        record = records(lab)[0]
        assert (record.rpo, record.lost.orders, record.lost.blocks) == (0, 0, 0)
        assert all(disk.equal for disk in record.integrity)


@pytest.mark.rule("3.4-2")
def test_commit_pending_then_committed(shop: Lab) -> None:
    """First "waiting for commit" with the Azure VM running; committed, active location Azure, ready for failback."""
    shop.vault.planned_failover("SHOP", wait=True)
    item = shop.vault.items["SHOP"]
    assert (item.state, item.active_location) == ("PlannedFailoverCommitRequired", "Recovery")
    assert item.allowed_operations == ("Commit", "ChangePit", "DisableProtection")
    assert shop.azure.machines["SHOP"].state != "Off"
    shop.vault.commit("SHOP", wait=True)
    assert (item.state, item.active_location) == ("PlannedFailoverStatesBegin", "Recovery")
    assert item.allowed_operations == ("Failback", "DisableProtection")
    assert item.rpo is None
    assert item.pending is None


@pytest.mark.rule("3.1-1")
@pytest.mark.parametrize("outage", ["lose_site", "lose_line"])
def test_the_site_must_be_reachable(shop: Lab, outage: str) -> None:
    """With the line or the site lost, a planned failover fails at its check, in words, and the item stays as it was."""
    getattr(shop.faults, outage)()
    job = shop.vault.planned_failover("SHOP")
    error = error_of(lambda: shop.wait(job))
    assert error.code == 900521
    assert job.state == "Failed"
    assert job.error is not None
    assert job.error.code == 900521
    assert shop.vault.items["SHOP"].allowed_operations[:2] == ("PlannedFailover", "UnplannedFailover")
    assert shop.azure.machines == {}


def test_a_line_lost_meanwhile_only_delays(shop: Lab) -> None:
    """The line lost while the rest is under way: the job waits, and ends without loss once the line is back."""
    shop.faults.set_bandwidth("100kbps")
    job = shop.vault.planned_failover("SHOP")
    shop.run("50s")
    shop.faults.lose_line()
    shop.run("3h")
    assert job.state == "InProgress"
    shop.faults.restore_line()
    shop.wait(job)
    assert (records(shop)[0].rpo, records(shop)[0].lost.orders) == (0, 0)


def test_a_dead_site_sends_nothing(shop: Lab) -> None:
    """The site lost after the check: nothing it had not sent can arrive, so the failover must not end with RPO 0."""
    job = shop.vault.planned_failover("SHOP")
    shop.run("10s")
    shop.faults.lose_site()
    before = len(facts(shop, "cycle", "SHOP"))
    shop.run("1h")
    assert len(facts(shop, "cycle", "SHOP")) == before
    assert job.state in ("InProgress", "Failed")


@pytest.mark.parametrize("after", ["40s", "10s"])
def test_a_site_that_comes_back_meanwhile_loses_nothing(shop: Lab, after: str) -> None:
    """The site lost and restored while a planned failover waits: it fails, or ends with RPO 0 and the site's VM off."""
    shop.faults.set_bandwidth("100kbps")
    job = shop.vault.planned_failover("SHOP")
    shop.run(after)
    shop.faults.lose_site()
    shop.run("10min")
    shop.faults.restore_site()
    shop.run("6h")
    if job.state == "Failed":
        assert shop.site.machines["SHOP"].answering
        assert shop.azure.machines == {}
    else:
        record = records(shop, "PlannedFailover")[0]
        assert (record.rpo, record.lost.orders, record.lost.blocks) == (0, 0, 0)
        assert shop.site.machines["SHOP"].state == "Off"


def test_two_vms_at_once(tmp_path: Path) -> None:
    """Two planned failovers begun at one instant share the line and both end without loss."""
    with new_lab(tmp_path, SHOP, BUSY, bandwidth="2Mbps") as lab:
        lab.run("1h")
        jobs = [lab.vault.planned_failover(name) for name in ("SHOP", "BUSY")]
        for job in jobs:
            lab.wait(job)
        assert {(r.vm, r.rpo, r.lost.blocks, r.lost.orders) for r in records(lab)} == {
            ("SHOP", 0, 0, 0),
            ("BUSY", 0, 0, None),
        }
        assert set(lab.azure.machines) == {"SHOP", "BUSY"}
        assert lab.verify() == []


def test_a_vm_without_application_counts_no_orders(tmp_path: Path) -> None:
    """Where no application runs, orders and their time are null; blocks and bytes are counted all the same."""
    with new_lab(tmp_path, BUSY) as lab:
        lab.run("1h")
        lab.vault.unplanned_failover("BUSY", wait=True)
        lost = records(lab)[0].lost
        assert (lost.orders, lost.duplicated, lost.without_invoice, lost.seconds_ms) == (None, None, None, None)
        assert lost.blocks > 0
        assert lost.bytes >= lost.blocks * 65_536


def test_same_history_same_failover(shop: Lab) -> None:
    """Two copies of one lab given the same command have the same digest of events after it."""
    with twin(shop, "twin.lab") as other:
        for lab in (shop, other):
            lab.run("90s")
            lab.vault.planned_failover("SHOP", wait=True)
        assert shop.events_digest == other.events_digest
        other.run("10min")
        assert shop.events_digest != other.events_digest
