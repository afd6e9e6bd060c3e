"""The part of ``lab.azure`` that tells what things cost: meter, bills, prices, licences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.azure import billing, licences, meter, services
from labkit.azure.billing import Charge
from labkit.azure.licences import Check
from labkit.azure.prices import MICRO, PriceList, price_list
from labkit.engine.world import World
from labkit.recovery import leftovers
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab.door import Lab


class MeterRow(NamedTuple):
    """What one VM (of a gateway: one network) used of one thing on one day, and what of it is charged.

    ``day``: "2014-10-01", of the site's zone. ``item`` is the price list's ("compute.windows.M"), ``component`` what it
    is shown under; quantities in ``unit``. Money is None where no list prices the item.
    """

    day: str
    component: str
    item: str
    vm: str
    quantity: float
    charged: float
    unit: str
    dollars: float | None
    yen: float | None


class ComponentView(NamedTuple):
    """A component of a bill: what was counted, as a text, and its price (None: no list prices it)."""

    quantity: str
    dollars: float | None
    yen: float | None


class BillView(NamedTuple):
    """A bill; ``month`` "2014-10", or None for all of them. Totals are of what has a price; ``not_priced`` says why.

    ``price_list`` of ``date``; ``yen_per_dollar``: the rate yen are counted by.
    """

    month: str | None
    components: dict[str, ComponentView]
    dollars: float
    yen: float
    not_priced: dict[str, str]
    price_list: str
    date: str
    yen_per_dollar: int


class PriceRow(NamedTuple):
    """A price: ``price`` for ``per`` units, where it was found and of when it is; None and the reason for none."""

    item: str
    price: str | None
    per: int | None
    unit: str | None
    dated: str | None
    of_2014: bool
    source: str


class LeftoverView(NamedTuple):
    """A thing that still runs, costs, or is in the way: dollars and yen a day (None: not priced), and what to do."""

    kind: str
    name: str
    dollars_per_day: float | None
    yen_per_day: float | None
    action: str


def charges(world: World, prices: str = "usd") -> list[Charge]:
    """What a lab costs so far, day by day, in the days of its site."""
    zone, kind = inventory.site_of(world).offset_min, services.redundancy(world)
    return billing.priced(billing.usage(world, zone, kind), price_list(prices))


def read_ahead(world: World, most: int) -> None:
    """Do some of the work of the next question for costs: so many facts of it."""
    billing.read_ahead(world, inventory.site_of(world).offset_min, services.redundancy(world), most)


def _row(charge: Charge, prices: PriceList) -> MeterRow:
    cost = charge.cost
    return MeterRow(
        day=charge.day.isoformat(),
        component=charge.component,
        item=charge.item,
        vm=charge.vm,
        quantity=float(charge.quantity),
        charged=float(charge.charged),
        unit=charge.unit,
        dollars=None if cost is None else float(billing.in_dollars(cost, prices)),
        yen=None if cost is None else float(billing.in_yen(cost, prices)),
    )


def _money(micro: int | None, change: Callable[[Fraction, PriceList], Fraction], prices: PriceList) -> float | None:
    return None if micro is None else float(change(Fraction(micro, MICRO), prices))


def _bill(charged: list[Charge], month: str | None, prices: str) -> BillView:
    listed = price_list(prices)
    found = billing.bill_of(charged, listed, month)
    components = {
        name: ComponentView(
            found.quantities[name],
            _money(cost, billing.in_dollars, listed),
            _money(cost, billing.in_yen, listed),
        )
        for name, cost in found.components.items()
    }
    total = Fraction(found.total, MICRO)
    return BillView(
        month=month,
        components=components,
        dollars=float(billing.in_dollars(total, listed)),
        yen=float(billing.in_yen(total, listed)),
        not_priced=found.not_priced,
        price_list=found.price_list,
        date=found.date,
        yen_per_dollar=billing.rate(),
    )


def leftover_views(world: World) -> list[LeftoverView]:
    """What is left in a lab, as the door shows it."""
    prices = price_list()
    return [
        LeftoverView(
            one.kind,
            one.name,
            _money(one.per_day, billing.in_dollars, prices),
            _money(one.per_day, billing.in_yen, prices),
            one.action,
        )
        for one in leftovers.find(world)
    ]


class CostsDoor:
    """Meter, bills, prices and licences."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def _do(self, command: str, work: Callable[[World], object], /, **arguments: Any) -> None:
        def done(world: World) -> None:
            work(world)

        self._lab.command(f"azure.{command}", arguments, done)

    def meter(self, prices: str = "usd") -> list[MeterRow]:
        """The running meter (rules 1.3-1 to 1.3-4): what was used and what it costs, by day, thing and VM.

        ``prices``: the price list (900241). A day that is over never changes.
        """
        listed = price_list(prices)
        return [_row(charge, listed) for charge in self._lab.read(lambda world: charges(world, prices))]

    def bill(self, month: str | None = None, prices: str = "usd") -> BillView:
        """The bill of a month ("2014-10"), as far as it has come, by default the clock's month; 900941 for no month."""

        def found(world: World) -> BillView:
            now = meter.month_of(world.now, inventory.site_of(world).offset_min)
            return _bill(charges(world, prices), month or now, prices)

        return self._lab.read(found)

    def bills(self, prices: str = "usd") -> dict[str, BillView]:
        """The bills of all months in which something was used, by month."""

        found = self._lab.read(lambda world: charges(world, prices))
        months = sorted({charge.day.isoformat()[:7] for charge in found})
        return {month: _bill(found, month, prices) for month in months}

    def total(self, prices: str = "usd") -> BillView:
        """The bill of everything so far."""
        return _bill(self._lab.read(lambda world: charges(world, prices)), None, prices)

    def prices(self, prices: str = "usd") -> list[PriceRow]:
        """A price list with where each price was found, when, and whether it is of 2014 (rule 1.3-2)."""
        listed = price_list(prices)
        rows = [
            PriceRow(item, row.price, row.per, row.unit, row.dated, row.of_2014, row.source)
            for item, row in listed.rows.items()
        ]
        return rows + [PriceRow(item, None, None, None, None, False, why) for item, why in listed.not_priced.items()]

    @property
    def licences(self) -> int:
        """Subscription licences that were bought and not ended."""
        return self._lab.read(licences.held)

    def buy_licences(self, count: int) -> None:
        """Buy subscription licences (rule 1.3-4), each for one VM protected to Azure; 900944.

        A licence is paid for whole months, from this one on, and includes 100 GB a month of its VM's storage and
        traffic out, and its transactions while the VM is within that.
        """
        self._do("buy_licences", lambda world: licences.buy(world, count), count=count)

    def end_licences(self) -> None:
        """Let all licences end with this month; 900945 when there are none."""
        self._do("end_licences", licences.end)

    def licence_checklist(self, products: Iterable[str]) -> list[Check]:
        """What to check of the licences of installed products before they run in Azure (F-12)."""
        return licences.checklist(products)
