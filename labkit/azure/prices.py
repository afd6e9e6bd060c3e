"""Prices: dated lists with a currency (``data/azure/prices-NAME.yml``), integer micro-units of it (1,000,000 = $1).

What no source prices is not guessed: its cost is ``None``, and the list says why.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction

import msgspec

from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.names import meant

MICRO = 1_000_000


class Price(msgspec.Struct, frozen=True):
    """What ``per`` units cost: ``price`` is a decimal text; ``dated`` and ``source`` say where it comes from."""

    price: str
    per: int
    unit: str
    dated: str
    of_2014: bool
    source: str

    def exact(self, quantity: int | Fraction) -> Fraction:
        """What ``quantity`` units cost, in the currency."""
        return Fraction(self.price) * quantity / self.per

    def cost(self, quantity: int | Fraction) -> int:
        """Micro-units of the currency for ``quantity`` units, rounded half up."""
        return int(self.exact(quantity) * MICRO + Fraction(1, 2))


class Free(msgspec.Struct, frozen=True):
    """An amount that is free of charge each month."""

    amount: int
    unit: str
    dated: str
    of_2014: bool
    source: str


class PriceList(msgspec.Struct, frozen=True):
    """A price list: ``rows`` and ``free`` by item; ``not_priced`` says why an item has no row."""

    name: str
    currency: str
    date: str
    rows: dict[str, Price]
    free: dict[str, Free]
    not_priced: dict[str, str]

    def cost(self, item: str, quantity: int | Fraction) -> int | None:
        """Micro-units for so many units of an item, ``None`` when it is not priced; 900242 for an unknown item.

        A free amount is not taken off here: it is for the month of a whole subscription (``free_amount``).
        """
        row = self._row(item)
        return None if row is None else row.cost(quantity)

    def exact(self, item: str, quantity: int | Fraction) -> Fraction | None:
        """As :meth:`cost`, exactly, in the list's currency."""
        row = self._row(item)
        return None if row is None else row.exact(quantity)

    def _row(self, item: str) -> Price | None:
        if item in self.rows or item in self.not_priced:
            return self.rows.get(item)
        items = sorted({*self.rows, *self.not_priced})
        raise LabError(900242, found=item, list=self.name, items=", ".join(items), meant=meant(item, items))

    def free_amount(self, item: str) -> int:
        """Units of an item that are free each month; 0 when none are."""
        free = self.free.get(item)
        return free.amount if free else 0

    def protection(self, average: Fraction, target: str) -> int | None:
        """Micro-units for a month's average of protected VMs; ``target`` is ``"azure"`` or ``"site"`` (rule 1.3-2)."""
        return self.cost(f"protection.{target}", average)

    def compute(self, size: str, family: str, minutes: int) -> int | None:
        """Micro-units for an Azure VM that ran so many minutes (F-12: by the minute).

        ``size`` is a portal name (M). ``family`` is the guest's of ``data/guest-os.yml``: Windows costs its own
        price, licence included; everything else the price of Linux.
        """
        guest = "windows" if family == "windows" else "linux"
        return self.cost(f"compute.{guest}.{size}", Fraction(minutes, 60))


def lists() -> list[str]:
    """Names of the price lists that ship with labkit."""
    return sorted(path.stem.removeprefix("prices-") for path in resources.data("azure").glob("prices-*.yml"))


@functools.cache
def price_list(name: str = "usd") -> PriceList:
    """The price list of that name; 900241 when there is none."""
    if name not in lists():
        raise LabError(900241, found=name, lists=", ".join(lists()))
    source = resources.yaml("azure", f"prices-{name}.yml")
    return msgspec.convert({**source, "date": str(source["date"])}, PriceList)


def protection_vm_days(daily_counts: Sequence[int], days_in_month: int) -> Fraction:
    """The month's average of the daily number of protected VMs, not rounded (rule 1.3-1).

    ``daily_counts`` has one number for each day so far, days that are missing count as 0. A VM counts for a day on
    which it was protected at any moment: the caller counts. ``ValueError`` for more days than the month has or a
    negative count.

    >>> protection_vm_days([20] * 15, 30)
    Fraction(10, 1)
    """
    if not 28 <= days_in_month <= 31 or len(daily_counts) > days_in_month or min(daily_counts, default=0) < 0:
        raise ValueError(f"{len(daily_counts)} daily counts for a month of {days_in_month} days")
    return Fraction(sum(daily_counts), days_in_month)
