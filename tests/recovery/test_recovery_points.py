"""Another recovery point before commit; none after it (rules 3.4-2, 3.1-2)."""

from __future__ import annotations

import pytest

from labkit.lab import Lab
from tests.recovery.labs import error_of, export, facts, records, rows


@pytest.mark.rule("3.4-2", "3.1-2")
def test_an_older_point_loses_more_the_newest_nothing(shop: Lab) -> None:
    """After a planned failover: an hour-old point loses the orders since it, the newest none; the VM starts anew."""
    shop.vault.planned_failover("SHOP", wait=True)
    site = rows(export(shop, "SHOP", "data", "site"), "orders")
    points = shop.vault.items["SHOP"].recovery_points
    assert len(points) == 13
    for point in (points[0], points[6], points[-1]):
        shop.vault.change_recovery_point("SHOP", point.id, wait=True)
        record = records(shop, "ChangePit")[-1]
        azure = rows(export(shop, "SHOP", "data", "azure", "failover"), "orders")
        assert azure == {token: at for token, at in site.items() if at <= point.cut}
        assert (record.point, record.cut, record.lost.orders) == (point.id, point.cut, len(site) - len(azure))
        assert record.rpo == max(0, record.source_at - point.cut)
        assert all(disk.equal and disk.sample_equal for disk in record.integrity)
        assert facts(shop, "vm.started", "azure/SHOP")[-1]["at"] == facts(shop, "job.task", "SHOP")[-1]["at"]
    lost = [record.lost.orders or 0 for record in records(shop, "ChangePit")]
    assert lost[0] > 300
    assert lost[0] > lost[1] > lost[2] == 0
    assert shop.verify(full=True) == []


def test_what_azure_wrote_before_the_change_is_gone(shop: Lab) -> None:
    """The VM of the first point took orders for two hours; after the change its disks show the point and no more."""
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.run("2h")
    first = rows(export(shop, "SHOP", "data", "azure"), "orders")
    shop.vault.change_recovery_point("SHOP", shop.vault.items["SHOP"].recovery_points[3].id, wait=True)
    second = rows(export(shop, "SHOP", "data", "azure"), "orders")
    assert second.keys() < first.keys()
    assert max(second.values()) <= shop.vault.items["SHOP"].recovery_points[3].cut


@pytest.mark.rule("3.4-2")
@pytest.mark.parametrize("operation", ["planned_failover", "unplanned_failover"])
def test_after_commit_none_can_be_chosen(shop: Lab, operation: str) -> None:
    """Commit merges the points: choosing is refused, and Azure's disks are those of the point in use."""
    getattr(shop.vault, operation)("SHOP", wait=True)
    point = shop.vault.items["SHOP"].recovery_points[5]
    shop.vault.change_recovery_point("SHOP", point.id, wait=True)
    before = rows(export(shop, "SHOP", "data", "azure", "failover"), "orders")
    shop.vault.commit("SHOP", wait=True)
    assert error_of(lambda: shop.vault.change_recovery_point("SHOP")).code == 900501
    assert rows(export(shop, "SHOP", "data", "azure", "failover"), "orders") == before
    assert {p.id for p in shop.vault.items["SHOP"].recovery_points} <= {point.id}
    shop.run("26h")  # the lab tidies up meanwhile
    assert rows(export(shop, "SHOP", "data", "azure", "failover"), "orders") == before
    assert shop.verify(full=True) == []


def test_a_point_that_was_never_there_is_refused(shop: Lab) -> None:
    """900522 with the numbers there are; the failover stands as it is."""
    shop.vault.unplanned_failover("SHOP", wait=True)
    digest = shop.events_digest
    error = error_of(lambda: shop.vault.change_recovery_point("SHOP", 4_711))
    assert error.code == 900522
    assert str(shop.vault.items["SHOP"].recovery_points[-1].id) in error.cause
    assert shop.events_digest == digest


def test_each_point_shows_its_own_instant(shop: Lab) -> None:
    """Every recovery point there is holds exactly the orders placed until its instant, read by our own SQL."""
    shop.run("3h")
    site = rows(export(shop, "SHOP", "data", "site"), "orders")
    points = shop.vault.items["SHOP"].recovery_points
    assert len(points) == 15
    for point in points:
        azure = rows(export(shop, "SHOP", "data", "azure", str(point.id)), "orders")
        assert azure == {token: at for token, at in site.items() if at <= point.cut}
