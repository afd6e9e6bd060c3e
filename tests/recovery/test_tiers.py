"""A database and the server that invoices its orders, failed over together and apart."""

from __future__ import annotations

from pathlib import Path

import pytest

import labkit
from labkit.lab import Lab
from tests.recovery.labs import BILLS, HOUR, SHOP, START, export, facts, fail_back, new_lab, records, rows


@pytest.fixture
def tiers(tmp_path: Path) -> Lab:
    """SHOP takes orders, BILLS invoices them, for two hours; their cycles lie two to three minutes apart."""
    lab = new_lab(tmp_path, SHOP, BILLS, stage="configured")
    for name in ("SHOP", "BILLS"):
        lab.vault.enable_protection(name, wait=True)
        lab.wait(lab.vault.items[name])
        lab.run("90s")
    lab.run("2h")
    return lab


def _lag(lab: Lab, behind: str) -> float:
    """Seconds by which the newest point of one VM is older than that of the other."""
    ahead = "SHOP" if behind == "BILLS" else "BILLS"
    return (lab.vault.items[behind].rpo or 0) - (lab.vault.items[ahead].rpo or 0)


def _both(lab: Lab, side: str, point: str) -> tuple[dict[int, int], dict[int, int]]:
    orders = rows(export(lab, "SHOP", "data", side, point), "orders")
    return orders, rows(export(lab, "BILLS", "data", side, point), "invoices")


def test_planned_keeps_orders_and_invoices(tiers: Lab) -> None:
    """Both planned: every order and every invoice is in Azure, counted by our own SQL."""
    with tiers as lab:
        for job in [lab.vault.planned_failover(name) for name in ("SHOP", "BILLS")]:
            lab.wait(job)
        site, azure = _both(lab, "site", "latest"), _both(lab, "azure", "failover")
        assert site == azure
        assert len(site[1]) > 600
        for record in records(lab):
            assert (record.rpo, record.lost.orders, record.lost.without_invoice) == (0, 0, 0)


def test_an_invoice_follows_its_order(tiers: Lab) -> None:
    """Each invoice belongs to an order that was placed 30 to 90 seconds before it."""
    with tiers as lab:
        lab.faults.lose_site()  # each guest has just written what it had taken
        orders, invoices = _both(lab, "site", "latest")
        assert invoices.keys() <= orders.keys()
        assert all(30_000 <= at - orders[token] <= 90_000 for token, at in invoices.items())


@pytest.mark.parametrize("behind", ["BILLS", "SHOP"])
def test_unequal_points_leave_orders_without_invoice(tiers: Lab, behind: str) -> None:
    """The site dies with one VM's replica a cycle behind the other's: recovered orders whose invoice is gone."""
    with tiers as lab:
        while _lag(lab, behind) < 90:  # so that an invoice is at most as old as the gap
            lab.run("10s")
            assert lab.clock.ms < START + 4 * HOUR
        lab.faults.lose_site()
        for job in [lab.vault.unplanned_failover(name) for name in ("SHOP", "BILLS")]:
            lab.wait(job)
        (site_orders, site_invoices), (orders, invoices) = _both(lab, "site", "latest"), _both(lab, "azure", "failover")
        record = records(lab, vm="SHOP")[0]
        assert record.lost.orders == len(site_orders.keys() - orders.keys())
        bare = (orders.keys() & site_invoices.keys()) - invoices.keys()
        assert record.lost.without_invoice == len(bare)
        assert bool(bare) == (behind == "BILLS")
        missing = site_invoices.keys() - invoices.keys()
        assert records(lab, vm="BILLS")[0].lost.without_invoice == len(missing)
        assert lab.verify() == []


def test_invoices_go_on_in_azure_and_at_home(tiers: Lab) -> None:
    """In Azure the orders of Azure's guest are invoiced, and after failback those of the site's again."""
    with tiers as lab:
        for name in ("SHOP", "BILLS"):
            lab.vault.planned_failover(name, wait=True)
            lab.vault.commit(name, wait=True)
        lab.run("5h")
        orders, invoices = _both(lab, "azure", "latest")
        away = {token for token in orders if token >> 40 != min(orders) >> 40}
        assert len(away & invoices.keys()) > 1_000
        for name in ("SHOP", "BILLS"):
            fail_back(lab, name, "during")
            lab.vault.commit(name, wait=True)
        lab.run("5h")
        home_orders, home_invoices = _both(lab, "site", "latest")
        assert orders.items() <= home_orders.items()
        assert invoices.items() <= home_invoices.items()
        assert len({token >> 40 for token in home_invoices}) == 3
        assert lab.verify() == []


def test_the_site_that_comes_with_labkit(tmp_path: Path) -> None:
    """three-tier: four VMs at once there and back; no order lost, all disks equal, all protected again."""
    with labkit.create(tmp_path / "tiers.lab", site="three-tier", seed=4, stage="protected") as lab:
        lab.run("1h")
        names = ("WEB01", "WEB02", "APP01", "DB01")
        for job in [lab.vault.planned_failover(name) for name in names]:
            lab.wait(job)
        assert {record.vm: (record.rpo, record.lost.blocks) for record in records(lab)} == dict.fromkeys(names, (0, 0))
        assert all(disk.equal for record in records(lab) for disk in record.integrity)
        for job in [lab.vault.commit(name) for name in names]:
            lab.wait(job)
        lab.run("1h")
        for job in [lab.vault.failback(name, synchronise="during") for name in names]:
            lab.wait(job)
        assert all(disk.equal for record in records(lab, "Failback") for disk in record.integrity)
        for name in names:
            lab.vault.commit(name, wait=True)
            lab.vault.reverse_replication(name, wait=True)
        for name in names:
            lab.wait(lab.vault.items[name])
        assert {lab.vault.items[name].state for name in names} == {"Protected"}
        assert len(facts(lab, "failback")) == 4
        assert lab.verify() == []


def test_lost_invoices_are_not_lost_orders(tiers: Lab) -> None:
    """The VM that invoices holds no orders: what it loses are invoices, and a sum of orders counts each order once."""
    with tiers as lab:
        lab.run("10min")
        lab.faults.lose_site()
        for job in [lab.vault.unplanned_failover(name) for name in ("SHOP", "BILLS")]:
            lab.wait(job)
        assert records(lab, vm="SHOP")[0].lost.orders
        assert records(lab, vm="BILLS")[0].lost.orders == 0
        assert records(lab, vm="BILLS")[0].lost.without_invoice


def test_what_a_failback_lost_is_counted(tiers: Lab) -> None:
    """Orders and invoices taken in Azure are looked for at home: none is missing, and the last order tells the time."""
    with tiers as lab:
        for name in ("SHOP", "BILLS"):
            lab.vault.planned_failover(name, wait=True)
            lab.vault.commit(name, wait=True)
        lab.run("2h")
        for name in ("SHOP", "BILLS"):
            fail_back(lab, name, "during")
        shop, bills = records(lab, "Failback", "SHOP")[0].lost, records(lab, "Failback", "BILLS")[0].lost
        assert (shop.orders, shop.duplicated, shop.without_invoice, shop.blocks) == (0, 0, None, 0)
        assert (bills.orders, bills.duplicated, bills.without_invoice, bills.blocks) == (0, 0, 0, 0)
        assert shop.seconds_ms is not None
        assert 0 <= shop.seconds_ms < 120_000
