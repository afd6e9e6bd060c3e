"""Test failover: a VM beside production, made from the replica, which stays as it is (rules 3.3)."""

from __future__ import annotations

import pytest

from labkit.lab import Lab
from tests.recovery.labs import blocks_that_differ, error_of, export, facts, records, rows, state_of, task_states


@pytest.mark.rule("3.3-2")
def test_the_test_vm_is_made_and_the_job_waits(shop: Lab) -> None:
    """The job makes and starts NAME-test, then stops at "Complete test" and waits for action."""
    job = shop.vault.test_failover("SHOP", wait=True)
    assert job.state == "Suspended"
    assert job.tasks[4].name == "WaitForStopTestFailover"
    assert job.tasks[4].state == "Suspended"
    assert [task.state for task in job.tasks[:4]] == ["Succeeded"] * 4
    assert list(shop.azure.machines) == ["SHOP-test"]
    shop.run("5min")
    assert shop.azure.machines["SHOP-test"].state == "Running"
    assert shop.azure.machines["SHOP-test"].answering


@pytest.mark.rule("3.1-1")
def test_production_and_replication_go_on(shop: Lab) -> None:
    """Beside the test VM the site's VM runs and answers, cycles go on at their frequency, recovery points appear."""
    job = shop.vault.test_failover("SHOP", wait=True)
    newest = shop.vault.items["SHOP"].recovery_points[-1]
    shop.run("31min")
    assert shop.site.machines["SHOP"].answering
    points = shop.vault.items["SHOP"].recovery_points
    assert [p.cut for p in points if p.cut > newest.cut] == [newest.cut + 300_000 * n for n in range(1, 7)]
    assert job.state == "Suspended"
    assert shop.verify() == []


@pytest.mark.rule("3.3-5")
def test_the_replica_is_unchanged_by_the_test(shop: Lab) -> None:
    """The recovery point tested is the same byte for byte after 45 minutes of the test VM's work and the clean-up."""
    point = str(shop.vault.items["SHOP"].recovery_points[-1].id)
    before = {disk: export(shop, "SHOP", disk, "azure", point) for disk in ("os", "data")}
    job = shop.vault.test_failover("SHOP", wait=True)
    shop.run("45min")
    shop.wait(job.complete(note="guest answers"))
    assert job.state == "Succeeded"
    assert shop.azure.machines == {}
    assert state_of(shop, "SHOP") == "Protected"
    for disk, image in before.items():
        assert blocks_that_differ(image, export(shop, "SHOP", disk, "azure", point)) == []
    assert shop.verify(full=True) == []


def test_the_test_vm_writes_orders_of_its_own(shop: Lab) -> None:
    """The test VM's guest works on its own disks: what it writes appears neither at the site nor in the replica."""
    job = shop.vault.test_failover("SHOP", wait=True)
    shop.run("1h")
    shop.wait(job.complete())
    shop.vault.planned_failover("SHOP", wait=True)
    site, azure = (rows(export(shop, "SHOP", "data", side, "failover"), "orders") for side in ("site", "azure"))
    assert site == azure
    assert len({token >> 40 for token in site}) == 1  # one stream: no order of the test's guest
    assert records(shop, "PlannedFailover")[0].lost.orders == 0


def test_a_test_can_be_made_of_an_older_point(shop: Lab) -> None:
    """The test VM shows the recovery point it was asked for, digests equal to the site's disks at that instant."""
    point = shop.vault.items["SHOP"].recovery_points[2]
    shop.vault.test_failover("SHOP", point=point.id, wait=True)
    record = records(shop, "TestFailover")[0]
    assert (record.point, record.cut) == (point.id, point.cut)
    assert [disk.equal and disk.sample_equal for disk in record.integrity] == [True, True]


@pytest.mark.parametrize("outage", ["lose_site", "lose_line"])
def test_a_test_needs_no_site(shop: Lab, outage: str) -> None:
    """A test can be run, and completed, whatever the state of the site."""
    getattr(shop.faults, outage)()
    shop.run("10min")
    job = shop.vault.test_failover("SHOP", wait=True)
    assert task_states(job)["VmTfoBootTestVm"] == "Succeeded"
    shop.wait(job.complete())
    assert shop.azure.machines == {}


def test_an_unknown_network_is_refused(shop: Lab) -> None:
    """A test on a virtual network that does not exist is refused with the networks there are, and nothing is made."""
    digest = shop.events_digest
    error = error_of(lambda: shop.vault.test_failover("SHOP", network="AzureNetwrk"))
    assert error.code == 900010
    assert "AzureNetwork" in error.cause + error.action
    assert shop.events_digest == digest


def test_an_unknown_point_is_refused(shop: Lab) -> None:
    """A recovery point that was never there is refused with the numbers of those there are."""
    error = error_of(lambda: shop.vault.test_failover("SHOP", point=9_999))
    assert error.code == 900522
    assert str(shop.vault.items["SHOP"].recovery_points[0].id) in error.cause


def test_the_note_is_kept(shop: Lab) -> None:
    """What the operator says at the end of a test is kept with the task and in the journal."""
    job = shop.vault.test_failover("SHOP", wait=True)
    shop.wait(job.complete(note="ログオンできた"))
    assert job.tasks[4].note == "ログオンできた"
    assert "ログオンできた" in shop.journal[-1]["arguments"]
    assert len(facts(shop, "job.answered")) == 1
