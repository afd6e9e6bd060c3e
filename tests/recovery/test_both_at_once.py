"""The site's VM and the one in Azure at the same time: refused after a planned failover, a conflict after another."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit import views
from labkit.lab import Lab
from tests.recovery.labs import BUSY, blocks_that_differ, error_of, export, fail_back, new_lab, records, rows

RDP = 3389


@pytest.mark.rule("3.4-4")
def test_a_planned_failover_holds_the_sites_vm(shop: Lab) -> None:
    """Starting it fails before and after the commit, and VMM shows it stopped, with the status failed."""
    assert (shop.site.vmm.vms["SHOP"].state, shop.site.vmm.vms["SHOP"].status) == ("Running", "OK")
    shop.vault.planned_failover("SHOP", wait=True)
    for _ in range(2):
        error = error_of(lambda: shop.site.start("SHOP"))
        assert (error.code, error.guide) == (900965, "3.4")
        assert (shop.site.vmm.vms["SHOP"].state, shop.site.vmm.vms["SHOP"].status) == ("Off", "Failed")
        if shop.vault.items["SHOP"].allowed_operations[0] == "Commit":
            shop.vault.commit("SHOP", wait=True)
    assert shop.journal[-1]["code"] == 900965 or error_of(lambda: shop.site.start("SHOP")).code == 900965
    fail_back(shop, "SHOP")
    assert (shop.site.vmm.vms["SHOP"].state != "Off", shop.site.vmm.vms["SHOP"].status) == (True, "OK")
    shop.site.shut_down("SHOP")
    shop.site.start("SHOP")  # the failback ended it


@pytest.mark.rule("3.5-3")
@pytest.mark.parametrize("synchronise", [False, True])
def test_an_unplanned_failover_blocks_nothing(shop: Lab, synchronise: bool) -> None:
    """Lab: never blocked, also when the shut-down succeeded; VMM shows no failure."""
    shop.vault.unplanned_failover("SHOP", synchronise=synchronise, wait=True)
    if not synchronise:
        shop.site.turn_off("SHOP")
    shop.site.start("SHOP")
    shop.run("5min")
    assert shop.site.machines["SHOP"].answering
    assert shop.azure.machines["SHOP"].answering
    assert shop.site.vmm.vms["SHOP"].status == "OK"


@pytest.mark.rule("3.5-3")
def test_the_name_stands_twice(shop: Lab) -> None:
    """Joined by the VPN both have one name: shown by reach, on the VM's page and in the table; the last one gets it."""
    shop.azure.create_network("Corp", "East Asia", "10.9.0.0/16", vpn="site-to-site")
    shop.vault.map_network(target="Corp", wait=True)
    shop.vault.unplanned_failover("SHOP", synchronise=True, wait=True)
    shop.run("5min")
    assert shop.reach("site", "SHOP", RDP).conflict == ()
    shop.site.start("SHOP")
    shop.run("5min")
    both = ("azure/SHOP", "site/SHOP")
    answer = shop.reach("site", "SHOP", RDP)
    assert (answer.machine, answer.conflict) == ("site/SHOP", both)
    assert shop.azure.machine("SHOP").conflict == both
    table = views.reach(shop).set_index(["client", "target"])
    assert table.loc[("site", "SHOP"), "conflict"] == ", ".join(both)
    assert error_of(lambda: shop.azure.connect("SHOP", client="site")).code == 900960
    shop.site.shut_down("SHOP")
    assert shop.reach("site", "azure:SHOP", RDP).conflict == ()
    shop.faults.lose_vpn()
    shop.site.start("SHOP")
    shop.run("5min")
    assert shop.reach("site", "SHOP", RDP).conflict == ()  # nothing joins the two any more


@pytest.mark.rule("3.5-3", "1.1-4")
@pytest.mark.parametrize("synchronise", ["before", "during"])
def test_what_the_site_took_is_lost_and_counted(shop: Lab, synchronise: str) -> None:
    """Orders taken at the site after the failover: as many as its disk has beyond the failover; gone afterwards."""
    shop.vault.unplanned_failover("SHOP", wait=True)  # the site's VM goes on
    failed_over = records(shop, "UnplannedFailover")[0]
    shop.vault.commit("SHOP", wait=True)
    shop.run("1h")
    shop.site.shut_down("SHOP")
    taken = {
        t: at for t, at in rows(export(shop, "SHOP", "data", "site"), "orders").items() if at > failed_over.source_at
    }
    assert len(taken) > 300
    fail_back(shop, "SHOP", synchronise)
    record = records(shop, "Failback")[0]
    assert record.discarded == len(taken)
    assert shop.vault.failovers[-1].discarded == len(taken)
    assert [one.discarded for one in shop.vault.failovers[:-1]] == [0]
    after = rows(export(shop, "SHOP", "data", "site"), "orders")
    assert not set(taken) & set(after)
    assert all(disk.equal for disk in record.integrity)
    assert views.failovers(shop)["discarded"].tolist() == [0, len(taken)]


@pytest.mark.rule("3.5-3")
def test_a_site_that_stayed_off_loses_nothing(shop: Lab) -> None:
    """Shut down with the failover, the site took nothing: 0; and after a planned failover, too."""
    shop.vault.unplanned_failover("SHOP", synchronise=True, wait=True)
    shop.vault.commit("SHOP", wait=True)
    shop.run("1h")
    fail_back(shop, "SHOP")
    assert records(shop, "Failback")[0].discarded == 0
    shop.vault.commit("SHOP", wait=True)
    shop.wait(shop.vault.items["SHOP"])
    shop.vault.reverse_replication("SHOP", wait=True)
    shop.run("1h")
    shop.vault.planned_failover("SHOP", wait=True)
    shop.vault.commit("SHOP", wait=True)
    fail_back(shop, "SHOP", "during")
    assert [record.discarded for record in records(shop, "Failback")] == [0, 0]


def test_a_vm_without_an_application(tmp_path: Path) -> None:
    """Where no application runs nothing is counted, and the disks are alike all the same."""
    with new_lab(tmp_path, BUSY) as lab:
        lab.run("30min")
        lab.vault.unplanned_failover("BUSY", wait=True)
        lab.vault.commit("BUSY", wait=True)
        lab.run("30min")
        lab.vault.failback("BUSY", synchronise="during", wait=True)
        record = records(lab, "Failback")[0]
        assert record.discarded == 0
        assert all(disk.equal for disk in record.integrity)


def test_after_the_failback_the_copies_agree(shop: Lab) -> None:
    """The site wrote to its own disks meanwhile; after the failback they are Azure's, byte for byte."""
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.vault.commit("SHOP", wait=True)
    shop.run("1h")
    shop.vault.failback("SHOP", synchronise="during", wait=True)
    shop.site.shut_down("SHOP")
    assert all(disk.equal for disk in records(shop, "Failback")[0].integrity)
    assert len(blocks_that_differ(export(shop, "SHOP", "os", "site"), export(shop, "SHOP", "os", "azure"))) < 384
    assert shop.verify() == []
