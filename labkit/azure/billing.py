"""What a lab costs: its use of Azure (:mod:`labkit.azure.meter`) priced by a dated list, day by day and month by month.

A report, the running meter, a trial's credit and a drill all ask :func:`charges`, which knows no expected answer. What
no list prices is named, not guessed. A day's charge never changes once the day is over:

- *protection*: each VM-day is charged its part of the month, so that a month costs its average (rule 1.3-1).
- *licences* (rule 1.3-4): each goes for the month to one VM that is protected to Azure, in the order of the days on
  which they were first protected in it, then of names. From that day on its protection is not charged, and of its
  storage and traffic out the first 100 GB of the month are not, storage before traffic on one day; its transactions are
  free on each day at whose end it is within the 100.
- *traffic out* beyond the licences is free up to the list's monthly amount.

Money is exact (``Fraction``) in the list's currency by day, and whole micro-units (1,000,000 = 1 USD) in a bill.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from labkit.azure import meter, subscription
from labkit.azure.prices import MICRO, PriceList, price_list
from labkit.engine import facts as told
from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.units import DAY, HOUR
from labkit.engine.world import World

GB = 1 << 30
COMPONENTS = (
    "protection.azure",
    "protection.site",
    "licences",
    "storage",
    "storage.transactions",
    "traffic.in",
    "traffic.out",
    "vpn.gateway",
    "compute",
)
_UNITS = {
    meter.AZURE: "instance-months",
    meter.SITE: "instance-months",
    meter.LICENCE: "licence-months",
    "storage": "GB-months",
    meter.TRANSACTIONS: "transactions",
    meter.IN: "GB",
    meter.OUT: "GB",
    meter.GATEWAY: "hours",
    "compute": "hours",
}


class Charge(NamedTuple):
    """What one day of one item costs for one VM (of a gateway: its network).

    ``quantity`` was used and ``charged`` of it is paid for, in ``unit``; ``cost`` in the list's currency, None where no
    list prices the item.
    """

    day: date
    component: str
    item: str
    vm: str
    quantity: Fraction
    charged: Fraction
    unit: str
    cost: Fraction | None


class Bill(NamedTuple):
    """``components`` in micro-units of ``currency``, None where nothing prices them (``not_priced`` says why, by item).

    ``quantities`` says what was counted, as texts with their unit; ``total`` is of what has a price. ``month`` is None
    for all months together.
    """

    currency: str
    price_list: str
    date: str
    components: dict[str, int | None]
    quantities: dict[str, str]
    not_priced: dict[str, str]
    total: int
    month: str | None = None


def component_of(item: str) -> str:
    """The component an item of a price list is shown under.

    >>> component_of("compute.windows.M"), component_of("storage.grs"), component_of("storage.transactions")
    ('compute', 'storage', 'storage.transactions')
    """
    if item == meter.LICENCE:
        return "licences"
    return item if item in COMPONENTS else item.partition(".")[0]


# --- day by day ------------------------------------------------------------------------------------------------------


class _Month:
    """One month's charges, built day by day: who has a licence, and what is left of what is free."""

    def __init__(self, usage: meter.Usage, prices: PriceList, first: date) -> None:
        self._licences, self._prices = usage.licences, prices
        self._length = meter.month_length(first)
        self._free_out = Fraction(prices.free_amount(meter.OUT))
        self._licensed: dict[str, Fraction] = {}  # VM -> GB that were used under its licence
        self._first: dict[str, int] = {}  # VM -> the first day of the month on which it was protected

    def day(self, day: int, uses: dict[tuple[str, str], int]) -> Iterator[Charge]:
        """The charges of one day; ``uses`` by item and VM."""
        self._assign(day, sorted(vm for item, vm in uses if item == meter.AZURE))
        for (item, vm), used in sorted(uses.items(), key=lambda use: _order(*use[0])):
            quantity = self._quantity(item, used)
            charged = self._charged(item, vm, quantity)
            cost = self._prices.exact(item, charged) if charged else Fraction(0)
            component = component_of(item)
            unit = _UNITS.get(item) or _UNITS[component]
            yield Charge(meter.date_of(day), component, item, vm, quantity, charged, unit, cost)

    def _assign(self, day: int, protected: list[str]) -> None:
        held = sum(one.held for one in self._licences if one.first <= day and (one.last is None or day <= one.last))
        for vm in protected:
            self._first.setdefault(vm, day)
        for vm in sorted(protected, key=lambda vm: (self._first[vm], vm)):
            if vm not in self._licensed and len(self._licensed) < held:
                self._licensed[vm] = Fraction(0)

    def _quantity(self, item: str, used: int) -> Fraction:
        """A quantity in the unit that is priced."""
        if item in (meter.AZURE, meter.SITE):
            return Fraction(used, self._length)
        if item in (meter.IN, meter.OUT):
            return Fraction(used, GB)
        if item == meter.GATEWAY:
            return Fraction(used, HOUR)
        if item.startswith("compute."):
            return Fraction(used, 60)
        if item in (meter.TRANSACTIONS, meter.LICENCE):
            return Fraction(used)
        return Fraction(used, GB * DAY * self._length)

    def _charged(self, item: str, vm: str, quantity: Fraction) -> Fraction:
        """What of a quantity is to be paid, after the licence of its VM and what is free each month."""
        if vm in self._licensed:
            if item == meter.AZURE:
                return Fraction(0)
            if item == meter.OUT or component_of(item) == "storage":
                quantity = self._beyond(vm, quantity)
            elif item == meter.TRANSACTIONS and self._licensed[vm] <= included():
                return Fraction(0)
        if item != meter.OUT:
            return quantity
        free = min(self._free_out, quantity)
        self._free_out -= free
        return quantity - free

    def _beyond(self, vm: str, quantity: Fraction) -> Fraction:
        """What of a quantity is beyond the amount that the VM's licence includes."""
        before = self._licensed[vm]
        after = self._licensed[vm] = before + quantity
        return max(Fraction(0), after - included()) - max(Fraction(0), before - included())


def included() -> int:
    """GB a month that a licence includes for its VM."""
    return int(resources.yaml("azure", "meter.yml")["licence"]["included_gb"])


def _order(item: str, vm: str) -> tuple[int, str, str]:
    """Storage before traffic out before transactions: these depend on what the day has used of the others."""
    rank = {meter.OUT: 1, meter.TRANSACTIONS: 2}.get(item, 0)
    return rank, item, vm


def priced(usage: meter.Usage, prices: PriceList) -> list[Charge]:
    """All charges of a usage, in order of days."""
    days: dict[int, dict[tuple[str, str], int]] = defaultdict(dict)
    for use, amount in usage.used.items():
        days[use.day][use.item, use.vm] = amount
    found: list[Charge] = []
    months = itertools.groupby(sorted(days), key=lambda day: meter.date_of(day).replace(day=1))
    for first, numbers in months:
        month = _Month(usage, prices, first)
        for day in numbers:
            found += month.day(day, days[day])
    return found


def charges(
    facts: Iterable[dict[str, Any]], until: int, *, offset_min: int = 0, redundancy: str = "grs", prices: str = "usd"
) -> list[Charge]:
    """What everything the facts tell until the instant ``until`` (ms) costs, day by day.

    ``offset_min``: the zone in whose days and months is counted; ``redundancy``: of replicas whose storage account the
    facts do not tell; ``prices``: name of the price list (900241).
    """
    return priced(meter.count(facts, until, offset_min, redundancy), price_list(prices))


def usage(world: World, offset_min: int = 0, redundancy: str = "grs") -> meter.Usage:
    """What a world has used so far; arguments as of :func:`charges`. Only facts since the last question are read."""
    return read_ahead(world, offset_min, redundancy).usage(world.now, world.facts.unwritten())


def read_ahead(world: World, offset_min: int = 0, redundancy: str = "grs", most: int | None = None) -> meter.Running:
    """Read at most so many of the facts that the next question to :func:`usage` has to; None: all of them."""
    key, count = ("meter", offset_min, redundancy), world.facts.count
    # Taken out while it reads: broken off in the middle, it would count the same facts again.
    seen, running = world.cache.pop(key, None) or (0, meter.Running(offset_min, redundancy))
    until = count if most is None else min(count, seen + most)
    running.read(told.read(world.store, seen, until))
    world.cache[key] = (until, running)
    return running


def facts_of(world: World) -> Iterator[dict[str, Any]]:
    """All facts of a world, those of the transaction under way among them."""
    return itertools.chain(told.read(world.store), world.facts.unwritten())


# --- bills -----------------------------------------------------------------------------------------------------------


def bill(
    facts: Iterable[dict[str, Any]],
    until: int,
    *,
    offset_min: int = 0,
    redundancy: str = "grs",
    prices: str = "usd",
    month: str | None = None,
) -> Bill:
    """The bill of a month ("2014-10"), or of all of them; arguments as of :func:`charges`. 900941 for no month."""
    found = charges(facts, until, offset_min=offset_min, redundancy=redundancy, prices=prices)
    return bill_of(found, price_list(prices), month)


def bill_of(found: list[Charge], prices: PriceList, month: str | None = None) -> Bill:
    """Charges added up, of a month or of all."""
    if month is not None:
        _check_month(month)
        found = [charge for charge in found if charge.day.isoformat()[:7] == month]
    by_component = {name: [charge for charge in found if charge.component == name] for name in COMPONENTS}
    components = {name: _sum(rows) for name, rows in by_component.items()}
    unpriced = sorted({charge.item for charge in found if charge.cost is None})
    return Bill(
        currency=prices.currency,
        price_list=prices.name,
        date=prices.date,
        components=components,
        quantities={name: _shown(name, rows) for name, rows in by_component.items()},
        not_priced={item: _(prices.not_priced[item]) for item in unpriced},
        total=sum(cost or 0 for cost in components.values()),
        month=month,
    )


def reasons(found: Bill) -> dict[str, str]:
    """Why components of a bill, or parts of them, have no price: the items and the list's words."""
    told: dict[str, list[str]] = defaultdict(list)
    for item, why in found.not_priced.items():
        told[component_of(item)].append(f"{item}: {why}")
    return {component: "; ".join(texts) for component, texts in told.items()}


def _check_month(month: str) -> None:
    try:
        found = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise LabError(900941, found=month) from None
    if found.isoformat()[:7] != month:
        raise LabError(900941, found=month)


def _sum(rows: list[Charge]) -> int | None:
    """Micro-units of what has a price; None when there is something and nothing of it has one."""
    costs = [row.cost for row in rows if row.cost is not None]
    if rows and not costs:
        return None
    # An item without a price is not free: what is priced beside it (in a free amount) costs nothing, and hides it.
    if not any(costs) and len(costs) < len(rows):
        return None
    return micro(sum(costs, Fraction(0)))


def micro(amount: Fraction) -> int:
    """An amount of the currency in whole micro-units, rounded half up."""
    return int(amount * MICRO + Fraction(1, 2))


def _shown(component: str, rows: list[Charge]) -> str:
    """What was counted of a component."""
    amounts: dict[str, Fraction] = defaultdict(Fraction)
    for row in rows:
        amounts[row.item] += row.quantity
    if component.startswith("protection."):
        return _("{count} VM-days").format(count=len(rows))
    if component == "compute":
        parts = ((*item.split(".")[1:], str(int(amount * 60))) for item, amount in sorted(amounts.items()))
        return ", ".join(f"{minutes} min {size} ({family})" for family, size, minutes in parts) or "0 min"
    if component == "storage":
        text = _("{count} GB-months ({redundancy})")
        shown = [
            text.format(count=f"{float(amount):.4f}", redundancy=item.partition(".")[2].upper())
            for item, amount in sorted(amounts.items())
        ]
        return ", ".join(shown) or "0 GB"
    total = sum(amounts.values(), Fraction(0))
    if component.startswith("traffic."):
        return f"{float(total):.3f} GB"
    if component == "vpn.gateway":
        return f"{float(total):.2f} h"
    return str(int(total))


def in_yen(amount: Fraction | int, prices: PriceList) -> Fraction:
    """Yen for an amount of the list's currency, by the rate of ``data/azure/trial.yml``; a list in yen needs none."""
    return Fraction(amount) if prices.currency == "JPY" else Fraction(amount) * rate()


def in_dollars(amount: Fraction | int, prices: PriceList) -> Fraction:
    """Dollars for an amount of the list's currency."""
    return Fraction(amount) / rate() if prices.currency == "JPY" else Fraction(amount)


def rate() -> int:
    """Yen for a dollar (dated in ``data/azure/trial.yml``)."""
    return int(subscription.terms()["yen_per_dollar"]["value"])


# --- by the day ------------------------------------------------------------------------------------------------------


def machine_per_day(size: str, system: str, prices: str = "usd") -> int | None:
    """Micro-units a day for a VM that runs in Azure; ``system`` is the guest's operating system."""
    return price_list(prices).cost(meter.compute_item(size, system), 24)


def protection_per_day(at: int, offset_min: int = 0, prices: str = "usd", target: str = "azure") -> int | None:
    """Micro-units a day for one VM protected to ``target`` ("azure", "site"), in the month of the instant ``at``."""
    return price_list(prices).protection(Fraction(1, _length(at, offset_min)), target)


def storage_per_day(size: int, redundancy: str, at: int, offset_min: int = 0, prices: str = "usd") -> int | None:
    """Micro-units a day for ``size`` stored bytes; None where the kind of storage is not priced."""
    if not size:
        return 0
    return price_list(prices).cost(f"storage.{redundancy}", Fraction(size, GB * _length(at, offset_min)))


def gateway_per_day(prices: str = "usd") -> int | None:
    """Micro-units a day for the VPN gateway of a virtual network."""
    return price_list(prices).cost(meter.GATEWAY, 24)


def licence_per_day(at: int, offset_min: int = 0, prices: str = "usd") -> int | None:
    """Micro-units a day for one licence, in the month of the instant ``at``."""
    return price_list(prices).cost(meter.LICENCE, Fraction(1, _length(at, offset_min)))


def _length(at: int, offset_min: int) -> int:
    return meter.month_length(meter.date_of(meter.day_of(at, offset_min)))
