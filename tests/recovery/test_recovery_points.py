"""Another recovery point before commit; none after it (rules 3.4-2, 3.1-2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.lab import Lab
from tests.recovery.labs import SHOP, carve, error_of, export, facts, new_lab, records, rows


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


@pytest.mark.rule("2.7-6")
def test_what_recovery_a_point_needs(tmp_path: Path) -> None:
    """A failover to a crash-consistent point has log frames to recover, to an application-consistent one none.

    Both databases pass their check afterwards, and Python's own SQLite finds an empty log, or one with frames, in the
    exported disk (facts.md 1.5: proof of consistency is a failover to that point).
    """
    with new_lab(tmp_path, SHOP, more=", app_consistent: 1h") as lab:
        lab.run("4h20min")
        points = lab.vault.items["SHOP"].recovery_points
        kinds: dict[str, list[int]] = {}
        for point in points:
            kinds.setdefault(point.kind, []).append(point.id)
        assert len(kinds["application-consistent"]) >= 2
        frames: dict[str, list[int]] = {kind: [] for kind in kinds}
        lab.faults.lose_site()
        lab.vault.unplanned_failover("SHOP", wait=True)
        for kind, numbers in kinds.items():
            for number in numbers[-2:]:
                image = export(lab, "SHOP", "data", "azure", str(number))
                assert len(rows(image, "orders")) > 1_000
                log = carve(image) / "orders.db-wal"
                assert (not log.exists() or log.stat().st_size == 0) == (kind == "application-consistent")
                lab.vault.change_recovery_point("SHOP", number, wait=True)
                lab.run("10min")
                frames[kind].append(facts(lab, "database.opened", "azure/SHOP")[-1]["recovered"])
        assert set(frames["application-consistent"]) == {0}
        assert min(frames["crash-consistent"]) > 0
        assert facts(lab, "application.failed") == []


def test_a_point_costs_what_changed_not_the_disk(tmp_path: Path) -> None:
    """A 100 GB disk into which 64 KB a second go: a day of points takes less than a thousandth of the disk.

    Without points the same day takes nearly as much: what is kept is the record of the logs, not copies.
    """
    vm = "{name: BIG, os: FreeBSD 10.0, churn: 64KB/s, disks: [{name: os, size: 100GB, used: 1GB}]}"
    sizes = {}
    for retention in ("0h", "24h"):
        with new_lab(tmp_path, vm, retention=retention) as lab:
            before = lab.path.stat().st_size
            lab.run("25h")
            sizes[retention] = lab.path.stat().st_size - before
            assert len(lab.vault.items["BIG"].recovery_points) == (36 if retention == "24h" else 12)
    assert sizes["24h"] < 100 * 2**30 // 1_000
    assert sizes["24h"] < 8 << 20
