"""Bills, counted from facts by hand."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.azure import billing, meter

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
OCTOBER = 1_412_089_200_000  # 2014-10-01T00:00:00+09:00
ZONE = 540


def fact(at: int, kind: str, entity: str, **details: Any) -> dict[str, Any]:
    """A fact ``at`` ms after the first of October."""
    return {"at": OCTOBER + at, "kind": kind, "entity": entity, **details}


def state(at: int, vm: str, name: str) -> dict[str, Any]:
    """A protected item's new state."""
    return fact(at, "item.state", vm, state=name)


@pytest.mark.rule("1.3-1")
def test_the_guide_s_example() -> None:
    """20 VMs for 15 days and none after that: in a month of 30 days billed as 10 (September has 30)."""
    september = -30 * DAY
    facts = [state(september, f"VM{number}", "Protected") for number in range(20)]
    facts += [state(september + 15 * DAY - 1, f"VM{number}", "Unprotected") for number in range(20)]
    bill = billing.bill(facts, OCTOBER, offset_min=ZONE)
    assert bill.components["protection.azure"] == 10 * 54_000_000
    assert bill.quantities["protection.azure"] == "300 VM-days"


@pytest.mark.rule("1.3-1")
def test_a_moment_counts_for_its_day() -> None:
    """Protected across midnight of the site's zone, twice a day or for a second: each VM counts once a day."""
    facts = [
        state(23 * HOUR, "A", "Protected"),
        state(25 * HOUR, "A", "Unprotected"),
        state(30 * HOUR, "A", "Protected"),
        state(31 * HOUR, "A", "PlannedCommitPending"),
        state(32 * HOUR, "A", "Unprotected"),
        state(5 * DAY, "B", "Protected"),
        state(5 * DAY + 1000, "B", "Unprotected"),
    ]
    bill = billing.bill(facts, OCTOBER + 10 * DAY, offset_min=ZONE)
    assert bill.quantities["protection.azure"] == "3 VM-days"
    assert bill.components["protection.azure"] == round(54_000_000 * 3 / 31)


def test_months_are_billed_one_by_one() -> None:
    """A VM protected over the end of a month: each month has its own number of days."""
    bill = billing.bill([state(30 * DAY, "A", "Protected")], OCTOBER + 32 * DAY, offset_min=ZONE)
    assert bill.components["protection.azure"] == round(54_000_000 / 31) + round(54_000_000 / 30)


@pytest.mark.rule("F-12")
def test_compute_by_the_minute() -> None:
    """Each run in Azure counts its begun minutes, Windows and Linux at their own prices; the site's are free."""
    facts = [
        fact(0, "vm.started", "site/A", run=1),
        fact(0, "azure.vm.created", "azure/A", size="M", os="Windows Server 2012 R2"),
        fact(0, "vm.started", "azure/A", run=2),
        fact(59 * MINUTE + 1, "vm.stopped", "azure/A", run=2, clean=1),
        fact(60 * MINUTE, "azure.vm.created", "test/B-test", size="S", os="Ubuntu Server 14.04"),
        fact(60 * MINUTE, "vm.started", "test/B-test", run=3),
    ]
    bill = billing.bill(facts, OCTOBER + 90 * MINUTE, offset_min=ZONE)
    assert bill.components["compute"] == 180_000 + 30_000
    assert "60 min M (windows)" in bill.quantities["compute"]
    assert bill.components["protection.azure"] == 0


def test_unpriced_size_is_named() -> None:
    """A size without a price makes compute unpriced, and the reason names it."""
    facts = [
        fact(0, "azure.vm.created", "azure/A", size="A8", os="Windows Server 2012 R2"),
        fact(0, "vm.started", "azure/A", run=1),
    ]
    bill = billing.bill(facts, OCTOBER + HOUR)
    assert bill.components["compute"] is None
    assert list(bill.not_priced) == ["compute.windows.A8"]


def test_storage_from_arrival_to_deletion() -> None:
    """Stored bytes count from their piece's arrival until the replica goes; locally redundant storage has a price."""
    gb = 16_384  # blocks of 64 KiB
    facts = [
        fact(0, "initial.started", "A", bytes=gb << 16),
        fact(0, "initial.piece", "A", disk=0, blocks=gb * 25, bytes=1, started=0),
        state(31 * DAY, "A", "Unprotected"),
        fact(31 * DAY, "initial.piece", "failback/A", disk=0, blocks=5, bytes=1, started=0),
    ]
    bill = billing.bill(facts, OCTOBER + 60 * DAY, offset_min=ZONE, redundancy="lrs")
    assert bill.components["storage"] == 2_330_000
    assert billing.bill(facts, OCTOBER + 60 * DAY).components["storage"] is None
    stored = meter.count(facts[:2], OCTOBER + DAY).stored
    assert [tuple(one) for one in stored] == [("", "A", "replica", gb * 25 << 16)]
    assert meter.count(facts, OCTOBER + 60 * DAY).stored == []


def test_traffic_out_is_free_up_to_the_list() -> None:
    """Failback counts as traffic out: free up to 5 GB a month, unpriced beyond it; traffic in costs nothing."""

    def out(gigabytes: int) -> billing.Bill:
        facts = [
            fact(0, "cycle", "failback/A", bytes=gigabytes << 30, cut=0, started=0, late=0),
            fact(0, "cycle", "A", bytes=100 << 30, cut=0, started=0, late=0),
        ]
        return billing.bill(facts, OCTOBER + DAY)

    assert out(5).components["traffic.out"] == 0
    assert out(6).components["traffic.out"] is None
    assert "traffic.out" in out(6).not_priced
    assert out(6).components["traffic.in"] == 0
    transactions = (6 + 100) * 256  # of 4 MB each, 0.10 USD a million
    assert out(6).total == out(6).components["storage.transactions"] == round(transactions / 10)


def test_per_day() -> None:
    """What is left over costs by the day: a VM its 24 hours, protection its share of the month."""
    assert billing.machine_per_day("M", "Windows Server 2012 R2") == 24 * 180_000
    assert billing.machine_per_day("XS", "FreeBSD 10.0") == 24 * 20_000
    assert billing.protection_per_day(OCTOBER, ZONE) == round(54_000_000 / 31)
    assert billing.storage_per_day(25 << 30, "lrs", OCTOBER, ZONE) == round(2_330_000 / 31)
    assert billing.storage_per_day(1 << 30, "grs", OCTOBER) is None
    assert billing.storage_per_day(0, "grs", OCTOBER) == 0
