"""Price lists and what is charged by them (rules 1.3-1, 1.3-2)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from labkit.azure import prices, sizes
from labkit.engine.errors import LabError


@pytest.mark.rule("1.3-1")
@pytest.mark.parametrize(
    ("counts", "days", "average"),
    [
        ([20] * 15, 30, Fraction(10)),
        ([20] * 15 + [0] * 15, 30, Fraction(10)),
        ([20] * 15, 31, Fraction(300, 31)),  # not rounded, and of the days of that month
        ([1], 28, Fraction(1, 28)),
        ([], 30, Fraction(0)),
    ],
)
def test_protection_is_the_months_average_of_daily_counts(counts: list[int], days: int, average: Fraction) -> None:
    """20 VMs for 15 of 30 days are billed as 10; the average is exact."""
    assert prices.protection_vm_days(counts, days) == average


@pytest.mark.parametrize(("counts", "days"), [([1] * 31, 30), ([-1], 30), ([1], 27), ([1], 32)])
def test_impossible_months_are_refused(counts: list[int], days: int) -> None:
    """More days than the month has, negative counts and impossible months are errors of the caller."""
    with pytest.raises(ValueError, match="daily counts"):
        prices.protection_vm_days(counts, days)


@pytest.mark.rule("1.3-2")
def test_the_two_deployments_have_their_own_price() -> None:
    """The unit price differs between the deployments and comes from a dated list with a currency."""
    usd = prices.price_list("usd")
    assert (usd.currency, usd.date) == ("USD", "2014-09-30")
    assert usd.protection(Fraction(10), "azure") == 540_000_000
    assert usd.protection(Fraction(10), "site") == 160_000_000
    assert usd.protection(Fraction(300, 31), "azure") == 522_580_645  # 300 / 31 x $54, rounded to a micro-dollar


def test_compute_is_charged_by_the_minute_and_by_the_guest() -> None:
    """90 minutes of an M cost one and a half hours; every guest that is not Windows costs what Linux costs."""
    usd = prices.price_list()
    assert usd.compute("M", "windows", 90) == 270_000
    assert usd.compute("M", "linux", 90) == usd.compute("M", "other", 90) == 180_000
    assert usd.compute("M", "linux", 1) == 2_000


def test_what_was_not_found_has_no_price() -> None:
    """Geo-redundant storage, traffic out and the gateway are named as not priced instead of guessed."""
    usd = prices.price_list()
    for item in ("storage.grs", "traffic.out", "vpn.gateway"):
        assert usd.cost(item, 100) is None
        assert "no price" in usd.not_priced[item]
    assert usd.cost("traffic.in", 100) == 0
    assert usd.free_amount("traffic.out") == 5
    assert usd.cost("storage.lrs", 25) == 2_330_000


def test_every_list_is_sourced_dated_and_complete() -> None:
    """Every row has a source and a date, no item is both priced and not, and every size is one or the other."""
    for name in prices.lists():
        found = prices.price_list(name)
        assert all(row.source and row.dated and row.per > 0 for row in found.rows.values())
        assert not set(found.rows) & set(found.not_priced)
        for size in sizes.table():
            assert {f"compute.windows.{size}", f"compute.linux.{size}"} <= {*found.rows, *found.not_priced}


def test_unknown_lists_and_items_are_refused() -> None:
    """A list or an item that does not exist is refused with those that do."""
    with pytest.raises(LabError) as no_list:
        prices.price_list("yen")
    with pytest.raises(LabError) as no_item:
        prices.price_list("usd").cost("protection.azur", 1)
    assert (no_list.value.code, no_item.value.code) == (900241, 900242)
    assert "usd" in no_list.value.action
    assert "Did you mean 'protection.azure'?" in no_item.value.message
