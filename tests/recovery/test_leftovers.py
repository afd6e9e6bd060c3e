"""What is left, and a meter that counts a lab's own facts (rules 1.2-5, 1.3, 4.4-1; decision 10)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from labkit import views
from labkit.engine.units import DAY, HOUR, MINUTE
from labkit.lab import Lab
from tests.recovery.labs import BUSY, QUIET, SHOP, error_of, facts, new_lab
from tests.recovery.test_cloud_to_cloud import THEIRS, two_clouds

BLOCK = 65_536


def take_down(lab: Lab) -> None:
    """Everything from the VMs to the services, in the guide's order."""
    for vm in list(lab.vault.items):
        lab.vault.disable_protection(vm, wait=True)
    lab.vault.release_cloud(wait=True)
    lab.vault.unregister_server(wait=True)
    lab.vault.delete(wait=True)
    lab.azure.delete_storage("mysiterecovery")
    lab.azure.delete_network("AzureNetwork")


@pytest.mark.rule("4.1-1", "4.4-1")
def test_nothing_is_left_and_the_meter_stands_still(tmp_path: Path) -> None:
    """After the whole teardown: no leftovers, and ten days later the bill is what it was."""
    with new_lab(tmp_path, SHOP, BUSY) as lab:
        lab.run("1d")
        lab.vault.test_failover("SHOP", wait=True)
        kinds = [row.kind for row in lab.leftovers()]
        assert kinds == [
            *("vm", "protection", "protection", "cloud protection", "registration", "vault"),
            *("storage account", "network"),
        ]
        lab.vault.complete_test("SHOP", wait=True)
        take_down(lab)
        assert lab.leftovers() == []
        meter, total = lab.azure.meter(), lab.azure.total()
        assert total.dollars > 0
        lab.run("10d")
        assert (lab.azure.meter(), lab.azure.total()) == (meter, total)
        assert lab.leftovers() == []


@pytest.mark.rule("4.1-3", "4.3-1", "4.4-1")
def test_the_other_way_down_leaves_nothing_either(tmp_path: Path) -> None:
    """VMM not connected: the vault forgets VM and server, and by hand everything that is left is taken away."""
    with new_lab(tmp_path, SHOP) as lab:
        lab.run("6h")
        lab.site.vmm.stop_service()
        lab.vault.stop_managing("SHOP", wait=True)
        lab.vault.unregister_server(reason="unreachable", wait=True)
        lab.vault.delete(wait=True)
        lab.site.vmm.start_service()
        stored = lab.azure.bill().components["storage"].quantity
        lab.run("10d")
        assert lab.azure.bill().components["storage"].quantity > stored  # the disks go on costing
        assert lab.azure.bill().components["protection.azure"].quantity == "1 VM-days"
        kinds = [row.kind for row in lab.leftovers()]
        assert kinds == [
            *("vmm settings", "replication relationship", "server settings"),
            *("disks", "storage account", "network"),
        ]
        lab.site.vmm.clear_dr_protection("SHOP")
        lab.site.remove_replication_relationship("SHOP", "HV01.demo.contoso.com")
        lab.site.clean_up_registration()
        lab.azure.delete_disks("mysiterecovery", "SHOP")
        lab.azure.delete_storage("mysiterecovery")
        lab.azure.delete_network("AzureNetwork")
        assert lab.leftovers() == []
        meter = lab.azure.meter()
        lab.run("10d")
        assert lab.azure.meter() == meter
        assert lab.verify() == []


def test_each_step_takes_its_part_away(tmp_path: Path) -> None:
    """Going by the list from the top, each thing that is done is gone from it, until it is empty."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.vault.planned_failover("QUIET", wait=True)
        lab.vault.disable_protection("QUIET", wait=True)
        steps = {
            "vm": lambda: lab.azure.delete_machine("QUIET"),
            "cloud protection": lambda: lab.vault.release_cloud(wait=True),
            "registration": lambda: lab.vault.unregister_server(wait=True),
            "vault": lambda: lab.vault.delete(wait=True),
            "storage account": lambda: lab.azure.delete_storage("mysiterecovery"),
            "network": lambda: lab.azure.delete_network("AzureNetwork"),
        }
        for kind, step in steps.items():
            assert lab.leftovers()[0].kind == kind
            step()
        assert lab.leftovers() == []


@pytest.mark.rule("1.2-5")
def test_no_compute_before_a_failover(tmp_path: Path) -> None:
    """Protected for days: protection, storage and traffic are used, and not a minute of compute."""
    with new_lab(tmp_path, SHOP) as lab:
        lab.run("3d")
        used = {row.component for row in lab.azure.meter()}
        assert used == {"protection.azure", "storage", "storage.transactions", "traffic.in"}
        assert lab.azure.total().components["compute"].dollars == 0
        lab.vault.planned_failover("SHOP", wait=True)
        lab.run("1min")
        assert "compute" in {row.component for row in lab.azure.meter()}


@pytest.mark.rule("1.3-3", "F-12")
def test_a_lab_s_month_by_hand(tmp_path: Path) -> None:
    """The meter of a played story equals what its instants and sizes give by plain arithmetic."""
    with new_lab(tmp_path, SHOP) as lab:
        lab.run("5d")
        lab.vault.planned_failover("SHOP", wait=True)
        lab.run("7h")
        lab.vault.disable_protection("SHOP", wait=True)
        lab.run("2d")
        lab.azure.delete_machine("SHOP")
        lab.run("1d")
        begun = next(fact["at"] for fact in facts(lab, "item.state", "SHOP") if fact["state"] == "Protected")
        ended = facts(lab, "item.state", "SHOP")[-1]["at"]
        zone, length = 9 * HOUR, 31
        days = (ended + zone) // DAY - (begun + zone) // DAY + 1
        bill = lab.azure.bill("2014-10")
        assert bill.components["protection.azure"].dollars == pytest.approx(54 * days / length, abs=1e-6)
        up = facts(lab, "vm.started", "azure/SHOP")[0]["at"]
        down = facts(lab, "azure.vm.deleted", "azure/SHOP")[0]["at"]
        minutes = -((up - down) // MINUTE)
        size = facts(lab, "azure.vm.created", "azure/SHOP")[0]["size"]
        hour = {"XS": 0.02, "S": 0.09, "M": 0.18}[size]
        assert bill.components["compute"].dollars == pytest.approx(hour * minutes / 60, abs=1e-6)
        byte_ms = sum((down - piece["at"]) * piece["blocks"] * BLOCK for piece in facts(lab, "initial.piece", "SHOP"))
        rows = [row for row in lab.azure.meter() if row.item == "storage.grs"]
        assert sum(row.quantity for row in rows) == pytest.approx(byte_ms / (2**30 * DAY * length))
        assert {row.dollars for row in rows} == {None}
        assert list(bill.not_priced) == ["storage.grs"]
        parts = [one.dollars for one in bill.components.values() if one.dollars is not None]
        assert (bill.dollars, bill.yen) == (pytest.approx(sum(parts)), pytest.approx(112 * sum(parts)))


@pytest.mark.rule("1.3-2")
def test_replication_between_hosts_uses_nothing_of_azure(tmp_path: Path) -> None:
    """A cloud protected to another one costs the site-to-site price; plain Hyper-V Replica costs nothing at all."""
    with two_clouds(tmp_path, SHOP, BUSY) as lab:
        lab.vault.register_server(wait=True)
        lab.vault.register_server("SC02", wait=True)
        lab.vault.configure_protection(target=THEIRS, wait=True)
        lab.hyperv.enable("BUSY")
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        lab.run("1h")
        assert [(row.item, row.vm) for row in lab.azure.meter()] == [("protection.site", "SHOP")]
        assert lab.azure.bill().dollars == pytest.approx(float(Fraction(16, 31)), abs=1e-6)
        left = {row.kind: row for row in lab.leftovers()}
        assert left["protection"].dollars_per_day == pytest.approx(16 / 31, abs=1e-6)
        assert "vm" not in left
        lab.vault.disable_protection("SHOP", wait=True)
        lab.run("3d")
        assert {row.day for row in lab.azure.meter()} == {"2014-10-01"}


@pytest.mark.rule("1.3-4")
def test_licences_are_bought_and_ended(tmp_path: Path) -> None:
    """Only a whole number from one can be bought; ended they are no leftover any more, and there are none to end."""
    with new_lab(tmp_path, QUIET) as lab:
        for wrong, code in ((0, 900944), (-1, 900944), (1_000_001, 900944), (1.5, 900063), (True, 900063)):
            assert error_of(lambda wrong=wrong: lab.azure.buy_licences(wrong)).code == code  # type: ignore[misc]
        assert error_of(lab.azure.end_licences).code == 900945
        lab.azure.buy_licences(2)
        assert lab.azure.licences == 2
        assert ("licences", "2") in {(row.kind, row.name) for row in lab.leftovers()}
        lab.run("3d")
        bill = lab.azure.bill()
        assert (bill.components["licences"].dollars, bill.components["storage.transactions"].dollars) == (108, 0)
        lab.azure.end_licences()
        assert lab.azure.licences == 0
        assert "licences" not in {row.kind for row in lab.leftovers()}
        assert error_of(lab.azure.end_licences).code == 900945


def test_a_gateway_costs_by_the_hour(tmp_path: Path) -> None:
    """A network with a VPN is metered while it is there and has no price; a closed one costs nothing."""
    with new_lab(tmp_path, QUIET, stage="prepared") as lab:
        lab.azure.create_network("Vpn", "East Asia", vpn="site-to-site")
        lab.run("36h")
        left = {row.name: row.dollars_per_day for row in lab.leftovers() if row.kind == "network"}
        assert left == {"Vpn": None, "AzureNetwork": 0}
        lab.azure.delete_network("Vpn")
        lab.run("1d")
        rows = [row for row in lab.azure.meter() if row.item == "vpn.gateway"]
        assert (sum(row.quantity for row in rows), {row.vm for row in rows}) == (36, {"Vpn"})
        assert lab.azure.bill().components["vpn.gateway"].dollars is None


def test_frames_and_bills(tmp_path: Path) -> None:
    """Frames have the views' rows; bills are by month, and a month is written with its year."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.run("32d")
        assert list(lab.azure.bills()) == ["2014-10", "2014-11"]
        assert sum(bill.dollars for bill in lab.azure.bills().values()) == pytest.approx(lab.azure.total().dollars)
        for wrong in ("2014", "2014-13", "October", "2014-1"):
            assert error_of(lambda wrong=wrong: lab.azure.bill(wrong)).code == 900941
        table = views.meter(lab)
        assert len(table) == len(lab.azure.meter())
        assert views.costs_by_day(lab)["total"].sum() == pytest.approx(lab.azure.total().dollars, abs=1e-4)
        assert set(views.bills(lab)["month"]) == {"2014-10", "2014-11"}
        assert len(views.leftovers(lab)) == len(lab.leftovers())
        assert any(row.item == "protection.azure" and row.of_2014 and row.source for row in lab.azure.prices())
