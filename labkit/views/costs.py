"""Costs by day and component, from the lab's own meter and prices (:mod:`labkit.azure.billing`), kept up with facts.

A day that is over never changes, and a month's charges do not depend on another month: of what is new only the months
since the last look are priced.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from labkit.azure import billing, meter, services
from labkit.azure.billing import COMPONENTS, Charge
from labkit.azure.prices import price_list
from labkit.engine.facts import Fact
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab import Lab

Days = dict[date, dict[str, float]]
CURRENCIES = ("USD", "JPY")


class Meter:
    """The meter of a lab, kept up with its facts."""

    history: ClassVar[bool] = True

    def __init__(self, lab: Lab) -> None:
        self.offset_min = lab.read(lambda world: inventory.site_of(world).offset_min)
        self._redundancy = lab.read(services.redundancy)
        self._running = meter.Running(self.offset_min, self._redundancy)

    def forget(self) -> None:
        """Begin anew."""
        self._running = meter.Running(self.offset_min, self._redundancy)

    def feed(self, facts: Iterable[Fact]) -> None:
        """Go on with the facts that follow those fed before."""
        self._running.read(facts)

    def day(self, at: int) -> date:
        """The day of an instant (ms) in the site's zone."""
        return meter.date_of(meter.day_of(at, self.offset_min))

    def charges(self, until: int, since: date | None = None, prices: str = "usd") -> list[Charge]:
        """What the lab costs until an instant (ms), of the months from that of ``since`` on; None: of all."""
        usage = self._running.usage(until)
        if since is not None:
            first = meter.number_of(since.replace(day=1))
            usage = usage._replace(used={use: amount for use, amount in usage.used.items() if use.day >= first})
        return billing.priced(usage, price_list(prices))


def by_day(charges: Iterable[Charge], currency: str = "USD", prices: str = "usd") -> Days:
    """Amounts by day and component, of what has a price; days without any use are not there."""
    listed = price_list(prices)
    change = billing.in_yen if currency == "JPY" else billing.in_dollars
    sums: dict[date, dict[str, Fraction]] = {}
    for charge in charges:
        of_day = sums.setdefault(charge.day, {})
        if charge.cost:
            of_day[charge.component] = of_day.get(charge.component, Fraction(0)) + charge.cost
    return {
        day: {name: float(change(of_day[name], listed)) for name in COMPONENTS if name in of_day}
        for day, of_day in sums.items()
    }


def not_priced(charges: Iterable[Charge]) -> list[str]:
    """The components of which something was used that no list prices, in their order."""
    found = {charge.component for charge in charges if charge.cost is None}
    return [name for name in COMPONENTS if name in found]


def show(amount: float, currency: str) -> str:
    """An amount as it is written.

    >>> show(1234.5, "USD"), show(0.004, "USD"), show(1234.5, "JPY")
    ('$1,234.50', '$0.00', '¥1,234')
    """
    return f"¥{amount:,.0f}" if currency == "JPY" else f"${amount:,.2f}"
