"""Azure's tables: sizes (rule 2.8-4) and prices (rules 1.3-1, 1.3-2)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from labkit.azure import prices, sizes
from labkit.engine.errors import LabError

GB = 2**30
LIMITS = [  # the rule's own numbers: CPUs, GB
    ("XS", 1, 0.75),
    ("S", 1, 1.75),
    ("M", 2, 3.5),
    ("L", 4, 7),
    ("XL", 8, 14),
    ("A5", 2, 14),
    ("A6", 4, 28),
    ("A7", 8, 56),
]


@pytest.mark.rule("2.8-4")
@pytest.mark.parametrize(("name", "cpu", "memory"), LIMITS)
def test_every_size_has_the_rules_cpus_and_memory(name: str, cpu: int, memory: float) -> None:
    """The table's CPUs and memory are those of the rule, and a VM of exactly that is not a misfit; one more is."""
    size = sizes.named(name)
    assert (size.cores, size.memory) == (cpu, int(memory * GB))
    assert size.misfits(cpu, size.memory, size.data_disks) == ()
    assert size.misfits(cpu + 1, size.memory + 1, size.data_disks + 1) == ("cpu", "memory", "data_disks")


@pytest.mark.rule("2.8-4")
@pytest.mark.parametrize(
    ("cpu", "memory", "disks", "expected"),
    [
        (1, 0.75, 1, "XS"),
        (1, 0.76, 1, "S"),
        (1, 0.5, 2, "S"),
        (1, 1.75, 2, "S"),
        (1, 1.76, 0, "M"),
        (1, 1, 3, "M"),
        (2, 0.5, 0, "M"),
        (2, 3.5, 4, "M"),
        (2, 3.6, 4, "A5"),  # A5 comes before L
        (2, 14, 4, "A5"),
        (2, 3.5, 5, "L"),
        (3, 3.5, 0, "L"),
        (4, 7, 8, "L"),
        (2, 14.1, 0, "A6"),
        (4, 7.1, 8, "A6"),
        (4, 28, 8, "A6"),
        (4, 7, 9, "XL"),
        (5, 14, 16, "XL"),
        (8, 14, 16, "XL"),
        (8, 14.1, 0, "A7"),
        (1, 28.1, 0, "A7"),
        (8, 56, 16, "A7"),
        (2, 1024, 0, "A7"),  # the guide's picture: 2 CPUs, maximum 1 TB
        (9, 1, 0, "A7"),
        (1, 1, 17, "A7"),
    ],
)
def test_choice_on_both_sides_of_every_limit(cpu: int, memory: float, disks: int, expected: str) -> None:
    """The first that fits in the order XS S M A5 L A6 XL A7 is chosen; where none fits, A7."""
    assert sizes.choose(cpu, int(memory * GB), disks).name == expected


@pytest.mark.rule("1.4-16")
def test_sizes_are_a_dated_table() -> None:
    """The table names its date."""
    assert sizes.dated() == "2014-09-30"


def test_a_size_is_found_by_any_of_its_names() -> None:
    """Portal name, series and instance name mean one size, which shows itself as the guide prints it."""
    assert sizes.named("m") is sizes.named("A2") is sizes.named("standard_a2")
    assert sizes.named("XS").title == "XS (1 CPU, 0.75 GB RAM)"
    assert sizes.named("M").instance == "Standard_A2"


def test_an_unknown_size_is_refused_with_the_known_ones() -> None:
    """A size that does not exist is refused with what there is and what was probably meant."""
    with pytest.raises(LabError) as caught:
        sizes.named("XXL")
    assert caught.value.code == 900240
    assert "XS, S, M" in str(caught.value)
    assert "Did you mean 'XL'?" in str(caught.value)


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


@pytest.mark.parametrize("code", [900241, 900242])
def test_unknown_lists_and_items_are_refused(code: int) -> None:
    """A list or an item that does not exist is refused with those that do."""
    with pytest.raises(LabError) as caught:
        if code == 900241:
            prices.price_list("yen")
        else:
            prices.price_list("usd").cost("protection.azur", 1)
    assert caught.value.code == code
    assert ("usd" if code == 900241 else "Did you mean 'protection.azure'?") in str(caught.value)
