"""The running meter, bills by month, licences: facts made by hand, priced by plain arithmetic beside the code's."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from labkit.azure import billing, licences, meter
from labkit.azure.prices import price_list

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOVEMBER = 1_414_767_600_000  # 2014-11-01T00:00:00+09:00: a month of 30 days
ZONE = 540
GB = 16_384  # blocks of 64 KiB


def fact(at: int, kind: str, entity: str, **details: Any) -> dict[str, Any]:
    """A fact ``at`` ms after the first of November."""
    return {"at": NOVEMBER + at, "kind": kind, "entity": entity, **details}


def state(at: int, vm: str, name: str, operation: str = "") -> dict[str, Any]:
    """A protected item's new state."""
    return fact(at, "item.state", vm, state=name, operation=operation)


def stored(at: int, vm: str, gigabytes: int) -> list[dict[str, Any]]:
    """A replica of so many GB in the locally redundant account ``one``, all of it there at once."""
    return [
        fact(at, "replica.stored", vm, account="one"),
        fact(at, "initial.started", vm, bytes=gigabytes << 30),
        fact(at, "initial.piece", vm, disk=0, blocks=gigabytes * GB, bytes=gigabytes << 30, started=0),
    ]


ACCOUNT = fact(0, "storage.created", "one", region="East Asia", redundancy="LRS")


def charges(facts: list[dict[str, Any]], until: int = 30 * DAY) -> list[billing.Charge]:
    """The charges until so many ms after the first of November, of facts in order of time."""
    told = sorted(facts, key=lambda one: int(one["at"]))
    return billing.charges(told, NOVEMBER + until, offset_min=ZONE)


def cost(found: list[billing.Charge], component: str) -> Fraction:
    """What a component costs in all, in dollars."""
    return sum((one.cost for one in found if one.component == component and one.cost), Fraction(0))


def charged(found: list[billing.Charge], component: str) -> Fraction:
    """What of a component is to be paid, in its unit."""
    return sum((one.charged for one in found if one.component == component), Fraction(0))


@pytest.mark.rule("1.3-1", "F-6")
def test_20_vms_for_15_of_30_days_are_billed_as_10() -> None:
    """Each day shows its own part; the average of the month is exactly 10, and costs ten times the price of one."""
    facts = [state(0, f"VM{number:02}", "Protected") for number in range(20)]
    facts += [state(15 * DAY, f"VM{number:02}", "Unprotected") for number in range(20)]
    found = charges(facts)
    assert charged(found, "protection.azure") == Fraction(10)
    assert cost(found, "protection.azure") == 10 * 54
    assert {one.day for one in found} == {date(2014, 11, day) for day in range(1, 16)}
    assert {sum(one.cost for one in found if one.day.day == day and one.cost) for day in range(1, 16)} == {36}
    later = charges([*facts, *(state(29 * DAY, f"VM{number:02}", "Protected") for number in range(20))])
    assert charged(later, "protection.azure") == Fraction(20 * 16, 30)


@pytest.mark.rule("1.3-2")
def test_each_deployment_at_its_own_price() -> None:
    """A VM whose replica is on a host is charged 16 USD a month and uses no storage and no traffic of Azure."""
    facts = [
        fact(0, "replica.enabled", "A", host="HV11"),
        fact(0, "initial.started", "A", bytes=1),
        fact(0, "initial.piece", "A", disk=0, blocks=GB, bytes=1 << 30, started=0),
        state(0, "A", "Protected"),
        fact(HOUR, "cycle", "A", bytes=1 << 30, cut=0, started=0, late=0),
    ]
    found = charges(facts)
    assert {one.component for one in found} == {"protection.site"}
    assert cost(found, "protection.site") == 16
    # The same VM, protected to Azure from the 16th on.
    facts += [state(15 * DAY, "A", "Unprotected"), fact(15 * DAY, "replica.removed", "A")]
    facts += [*stored(15 * DAY + HOUR, "A", 1), state(15 * DAY + 2 * HOUR, "A", "Protected"), ACCOUNT]
    found = charges(facts)
    assert (cost(found, "protection.site"), cost(found, "protection.azure")) == (8, 27)
    assert cost(found, "storage") > 0


def november() -> list[dict[str, Any]]:
    """A month with everything in it, of a VM of 50 GB, a test VM with Linux, and a network with a gateway."""
    return [
        ACCOUNT,
        *stored(6 * HOUR, "SHOP", 50),  # on the first of the month, at six
        state(8 * HOUR, "SHOP", "Protected"),
        fact(2 * DAY, "network.created", "Net", region="East Asia", vpn="site-to-site"),
        fact(2 * DAY, "network.created", "Quick", region="East Asia"),
        fact(10 * DAY, "cycle", "SHOP", bytes=10_000_000, cut=0, started=0, late=0),
        fact(12 * DAY - 90_000, "azure.vm.created", "azure/SHOP", size="M", os="Windows Server 2012 R2"),
        fact(12 * DAY - 90_000, "vm.started", "azure/SHOP", run=2),
        fact(12 * DAY + 61 * MINUTE, "vm.stopped", "azure/SHOP", run=2, clean=1),
        fact(13 * DAY, "azure.vm.created", "test/LINUX-test", size="S", os="Ubuntu Server 14.04"),
        fact(13 * DAY, "vm.started", "test/LINUX-test", run=3),
        fact(13 * DAY + 30 * MINUTE, "azure.vm.deleted", "test/LINUX-test"),
        fact(14 * DAY, "cycle", "failback/SHOP", bytes=4 << 30, cut=0, started=0, late=0),
        fact(15 * DAY, "azure.vm.deleted", "azure/SHOP"),
        fact(20 * DAY, "network.deleted", "Net"),
        state(20 * DAY, "SHOP", "Unprotected"),
    ]


@pytest.mark.rule("1.3-3")
def test_a_month_of_mixed_use() -> None:
    """Protection, storage, transactions, traffic out, gateway and compute of November, each worked out by hand."""
    found = charges(november())
    assert cost(found, "protection.azure") == Fraction(54 * 20, 30)
    days_stored = Fraction(20 * 24 - 6, 24)
    assert cost(found, "storage") == Fraction("2.33") / 25 * 50 * days_stored / 30
    transactions = 50 * 256 + 3 + 4 * 256  # 4 MB each: 50 GB, 10,000,000 bytes, 4 GB
    assert charged(found, "storage.transactions") == transactions
    assert cost(found, "storage.transactions") == Fraction("0.10") * transactions / 1_000_000
    assert [one.quantity for one in found if one.component == "traffic.out"] == [4]
    assert cost(found, "traffic.out") == cost(found, "traffic.in") == 0  # 5 GB out are free each month
    gateway = [one for one in found if one.component == "vpn.gateway"]
    assert sum(one.quantity for one in gateway) == 18 * 24
    assert {one.vm for one in gateway} == {"Net"}
    assert {one.cost for one in gateway} == {None}
    # The run of 62.5 minutes has begun 63: two of them on the 12th, the rest on the 13th.
    windows = [(one.day.day, one.quantity * 60) for one in found if one.item == "compute.windows.M"]
    assert windows == [(12, 2), (13, 61)]
    assert cost(found, "compute") == Fraction("0.18") * 63 / 60 + Fraction("0.06") * 30 / 60
    bill = billing.bill_of(found, price_list(), "2014-11")
    assert bill.not_priced == {"vpn.gateway": "no price of September 2014 was found for the hours of the VPN gateway"}
    by_hand = (
        Fraction(36)
        + Fraction("2.33") / 25 * 50 * days_stored / 30
        + Fraction("0.10") * transactions / 1_000_000
        + Fraction("0.189")
        + Fraction("0.03")
    )
    assert abs(bill.total - by_hand * 1_000_000) < 3  # each component is rounded to a micro-dollar
    assert bill.quantities["compute"] == "30 min S (linux), 63 min M (windows)"


@pytest.mark.rule("1.3-4")
def test_a_licence_includes_100_gb_of_its_vm() -> None:
    """100 GB stored and sent: nothing of it is paid, transactions neither; one GB more is that GB, and they are."""
    for sent, beyond in ((40, 0), (41, 1)):
        facts = [
            fact(0, "licences.bought", "subscription", count=1),
            ACCOUNT,
            *stored(0, "SHOP", 60),
            state(0, "SHOP", "Protected"),
            fact(30 * DAY - 1, "cycle", "failback/SHOP", bytes=sent << 30, cut=0, started=0, late=0),
        ]
        found = charges(facts)
        assert cost(found, "licences") == 54
        assert charged(found, "protection.azure") == 0
        storage = sum(one.quantity for one in found if one.component == "storage")
        assert storage == 60
        # 60 GB for the month and 40 GB out are the 100. What is beyond falls to the last day's traffic: 5 GB are free.
        out = [one for one in found if one.component == "traffic.out"]
        assert (charged(found, "storage"), out[0].charged) == (0, 0)
        late = [one.charged for one in found if one.component == "storage.transactions" and one.day.day == 30]
        assert late == [256 * sent if beyond else 0]
        assert sum(one.charged for one in found if one.component == "storage.transactions") == sum(late)


@pytest.mark.rule("1.3-4")
def test_beyond_100_gb_the_ordinary_rates_apply() -> None:
    """150 GB stored all month are 50 beyond; 10 GB out on the last day are then 5 free and 5 that nobody prices."""
    facts = [
        fact(0, "licences.bought", "subscription", count=1),
        ACCOUNT,
        *stored(0, "SHOP", 150),
        state(0, "SHOP", "Protected"),
        fact(29 * DAY, "cycle", "failback/SHOP", bytes=10 << 30, cut=0, started=0, late=0),
    ]
    found = charges(facts)
    assert charged(found, "storage") == 50
    assert cost(found, "storage") == Fraction("2.33") * 2
    assert [(one.charged, one.cost) for one in found if one.component == "traffic.out"] == [(5, None)]
    # 5 GB of it a day: the first 20 days are within the 100.
    days = [one.day.day for one in found if one.component == "storage" and one.charged]
    assert days == list(range(21, 31))


@pytest.mark.rule("1.3-4")
def test_licences_go_to_vms_protected_to_azure() -> None:
    """One licence, three VMs: the first by day has it, the second pays; the one site to site cannot have it."""
    facts = [
        fact(0, "licences.bought", "subscription", count=1),
        fact(0, "replica.enabled", "AAA", host="HV11"),
        state(0, "AAA", "Protected"),
        state(DAY, "CCC", "Protected"),
        state(2 * DAY, "BBB", "Protected"),
        state(3 * DAY, "CCC", "Unprotected"),
    ]
    found = charges(facts, 40 * DAY)
    paid = {one.vm for one in found if one.item == "protection.azure" and one.charged and one.day.month == 11}
    assert paid == {"BBB"}  # the licence is CCC's for the month
    december = {one.vm for one in found if one.item == "protection.azure" and one.charged and one.day.month == 12}
    assert december == set()  # and BBB's in the next one
    assert [one.day for one in found if one.item == "licence.azure"] == [date(2014, 11, 1), date(2014, 12, 1)]
    assert cost(found, "protection.site") == 16 + Fraction(16 * 10, 31)


@pytest.mark.rule("1.3-4")
def test_licences_end_with_their_month() -> None:
    """Pay as you go is the rule: without licences, and after their month, everything is at the ordinary rates."""
    facts = [
        state(0, "SHOP", "Protected"),
        fact(DAY, "licences.bought", "subscription", count=2),
        fact(3 * DAY, "licences.ended", "subscription"),
    ]
    found = charges(facts, 60 * DAY)
    assert [(one.day, one.cost) for one in found if one.component == "licences"] == [(date(2014, 11, 2), 108)]
    # The day before the purchase, and all of December that has passed.
    assert charged(found, "protection.azure") == Fraction(1, 30) + Fraction(30, 31)


@pytest.mark.rule("F-10")
def test_what_stays_in_azure_goes_on_costing() -> None:
    """Protection removed while active in Azure: compute and disks of the VM go on until it is deleted."""
    facts = [
        ACCOUNT,
        *stored(0, "SHOP", 30),
        state(0, "SHOP", "Protected"),
        fact(DAY, "azure.vm.created", "azure/SHOP", size="S", os="Windows Server 2012 R2"),
        fact(DAY, "vm.started", "azure/SHOP", run=2),
        state(2 * DAY, "SHOP", "Unprotected", "DisableProtection"),
        *stored(3 * DAY, "SHOP", 10),  # the site's VM is protected anew for two days: another replica
        state(5 * DAY, "SHOP", "Unprotected", "DisableProtection"),
        fact(10 * DAY, "azure.vm.deleted", "azure/SHOP"),
        fact(10 * DAY, "vm.stopped", "azure/SHOP", run=2, clean=0),
    ]
    found = charges(facts)
    assert cost(found, "compute") == Fraction("0.09") * 24 * 9
    assert charged(found, "storage") == Fraction(30 * 10 + 10 * 2, 30)
    assert charged(found, "protection.azure") == Fraction(2, 30)


@pytest.mark.rule("4.4-1")
def test_disks_that_are_left_go_on_costing() -> None:
    """A VM the vault stopped managing: no protection is charged, its disks are until they are deleted."""
    facts = [
        ACCOUNT,
        *stored(0, "SHOP", 30),
        state(0, "SHOP", "Protected"),
        fact(5 * DAY, "disks.left", "SHOP", account="one"),
        state(5 * DAY, "SHOP", "Unprotected", "StopManaging"),
    ]
    told = meter.count(facts, NOVEMBER + 30 * DAY, ZONE)
    assert [tuple(one) for one in told.stored] == [("one", "SHOP", "left", 30 << 30)]
    assert charged(charges(facts), "storage") == 30
    facts.append(fact(10 * DAY, "disks.deleted", "SHOP", account="one"))
    assert charged(charges(facts), "storage") == 10
    assert charged(charges(facts), "protection.azure") == Fraction(5, 30)


def test_a_day_that_is_over_never_changes() -> None:
    """The meter read at any instant of the month has, of the days before, what the bill at its end has."""
    facts = [
        ACCOUNT,
        fact(3 * DAY, "licences.bought", "subscription", count=1),
        *stored(HOUR, "SHOP", 200),
        *stored(HOUR, "BUSY", 90),
        state(2 * HOUR, "SHOP", "Protected"),
        state(2 * DAY, "BUSY", "Protected"),
        *(
            fact(day * DAY + HOUR, "cycle", f"failback/{vm}", bytes=3 << 30, cut=0, started=0, late=0)
            for day in range(25)
            for vm in ("SHOP", "BUSY")
        ),
    ]
    whole = charges(facts, 29 * DAY)
    for days in range(1, 29):
        until = [one for one in facts if one["at"] < NOVEMBER + days * DAY]
        assert charges(until, days * DAY) == [one for one in whole if one.day.day <= days]


def test_money_in_both_currencies_is_dated() -> None:
    """A dollar is 112 yen, of which the date is told; a bill names its list and the list's date."""
    bill = billing.bill([state(0, "SHOP", "Protected")], NOVEMBER + 30 * DAY, offset_min=ZONE, month="2014-11")
    assert (bill.total, bill.currency, bill.date, bill.month) == (54_000_000, "USD", "2014-09-30", "2014-11")
    assert billing.in_yen(Fraction(54), price_list()) == 54 * 112


@pytest.mark.rule("F-12")
def test_the_checklist_of_licences() -> None:
    """Windows Server is in the VM's price; Microsoft's server software asks for Software Assurance; the rest: check."""
    rows = licences.checklist(["Windows Server 2012 R2", "Microsoft SQL Server 2012 SP1", "Oracle Database 12c", "SQL"])
    assert [row.basis for row in rows] == ["included", "software assurance", "check", "check"]
    assert rows[0].questions == ()
    assert "Software Assurance" in rows[1].questions[0]
    assert any("public cloud" in question for question in rows[2].questions)
