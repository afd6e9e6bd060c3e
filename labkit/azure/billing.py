"""What a lab cost: counted from its facts, priced by a dated list; what no list prices is named, not guessed.

What is counted, and how (docs/drills.md):

- *protection*: a VM counts for a day (of the site's zone) on which it was protected at any moment; each month's average
  is billed (rule 1.3-1). A VM is protected from the end of its first initial replication until protection is removed.
- *compute*: each run of a VM in Azure, test VMs included, from start to stop, begun minutes counted whole (F-12).
- *storage*: the replica's bytes that initial replication brought, from arrival to the replica's deletion. Blocks that
  only cycles wrote, and what VMs in Azure write, are not in it.
- *traffic*: bytes that crossed the line, in (to Azure) and out (failback); out is free up to the list's monthly amount.

All money is in micro-units of the list's currency (1,000,000 = 1 USD).
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from labkit.azure.prices import PriceList, price_list, protection_vm_days
from labkit.disks.blocks import BLOCK
from labkit.engine import resources
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.engine.units import DAY, MINUTE

GB = 1 << 30
_FAILBACK = "failback/"
_TRANSACTIONS = mark("the lab does not count transactions of storage accounts")


class Bill(NamedTuple):
    """``components`` in micro-units of ``currency``, None where nothing prices them (``not_priced`` says why).

    ``quantities`` says what was counted, as decimal texts with their unit; ``total`` is of what has a price.
    """

    currency: str
    price_list: str
    date: str
    components: dict[str, int | None]
    quantities: dict[str, str]
    not_priced: dict[str, str]
    total: int


class Usage:
    """What the facts say was used; filled by :func:`count`. Instants in ms."""

    def __init__(self) -> None:
        self.protected: list[tuple[str, int, int]] = []
        self.runs: list[tuple[str, str, int, int]] = []  # size, family, from, to
        self.stored: list[tuple[int, int, int]] = []  # bytes, from, to
        self.traffic: list[tuple[bool, int, int]] = []  # out, bytes, at


@functools.cache
def _families() -> dict[str, str]:
    found = {}
    for row in resources.yaml("guest-os.yml")["systems"]:
        for name in (row["name"], *row.get("aliases", ())):
            found[name] = row["family"]
    return found


class _Counter:
    """Reads facts one by one; what is open at the end ends at ``until``."""

    def __init__(self) -> None:
        self.usage = Usage()
        self._protected: dict[str, int] = {}
        self._machines: dict[str, tuple[str, str]] = {}
        self._running: dict[str, int] = {}
        self._replica: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def read(self, fact: dict[str, Any]) -> None:
        kind = str(fact["kind"]).replace(".", "_")
        reader = getattr(self, f"_on_{kind}", None)
        if reader is not None:
            reader(fact, str(fact["entity"]), int(fact["at"]))

    def _on_item_state(self, fact: dict[str, Any], vm: str, at: int) -> None:
        if fact["state"] == "Protected":
            self._protected.setdefault(vm, at)
        elif fact["state"] == "Unprotected":
            self._drop_replica(vm, at)
            since = self._protected.pop(vm, None)
            if since is not None:
                self.usage.protected.append((vm, since, at))

    def _on_azure_vm_created(self, fact: dict[str, Any], vm: str, _at: int) -> None:
        self._machines[vm] = (fact["size"], _families().get(fact["os"], "windows"))

    def _on_vm_started(self, _fact: dict[str, Any], vm: str, at: int) -> None:
        if vm in self._machines:
            self._running[vm] = at

    def _on_vm_stopped(self, _fact: dict[str, Any], vm: str, at: int) -> None:
        since = self._running.pop(vm, None)
        if since is not None:
            self.usage.runs.append((*self._machines[vm], since, at))

    def _on_initial_started(self, _fact: dict[str, Any], entity: str, at: int) -> None:
        if not entity.startswith(_FAILBACK):
            self._drop_replica(entity, at)

    def _on_initial_piece(self, fact: dict[str, Any], entity: str, at: int) -> None:
        self._on_cycle(fact, entity, at)
        if not entity.startswith(_FAILBACK):
            self._replica[entity].append((int(fact["blocks"]) * BLOCK, at))

    def _on_cycle(self, fact: dict[str, Any], entity: str, at: int) -> None:
        self.usage.traffic.append((entity.startswith(_FAILBACK), int(fact["bytes"]), at))

    def _drop_replica(self, vm: str, at: int) -> None:
        self.usage.stored += [(size, since, at) for size, since in self._replica.pop(vm, [])]

    def end(self, until: int) -> Usage:
        for vm, since in self._protected.items():
            self.usage.protected.append((vm, since, until))
        for vm, since in self._running.items():
            self.usage.runs.append((*self._machines[vm], since, until))
        for vm in list(self._replica):
            self._drop_replica(vm, until)
        return self.usage


def count(facts: Iterable[dict[str, Any]], until: int) -> Usage:
    """What was used until the instant ``until`` (ms)."""
    counter = _Counter()
    for fact in facts:
        counter.read(fact)
    return counter.end(until)


# --- calendar --------------------------------------------------------------------------------------------------------


def _day(at: int, offset_min: int) -> date:
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at, minutes=offset_min)).date()


def _days(since: int, until: int, offset_min: int) -> Iterator[date]:
    """Calendar days touched by ``[since, until)``; an instant touches its own."""
    first, last = _day(since, offset_min), _day(max(since, until - 1), offset_min)
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _length(day: date) -> int:
    """Days of the month of a day."""
    following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return (following - day.replace(day=1)).days


# --- pricing ---------------------------------------------------------------------------------------------------------


def _protection(usage: Usage, prices: PriceList, offset_min: int) -> tuple[int | None, str]:
    vms: dict[date, set[str]] = defaultdict(set)
    for vm, since, until in usage.protected:
        for day in _days(since, until, offset_min):
            vms[day].add(vm)
    months: dict[date, list[int]] = defaultdict(list)
    for day, found in vms.items():
        months[day.replace(day=1)].append(len(found))
    costs = [prices.protection(protection_vm_days(counts, _length(month)), "azure") for month, counts in months.items()]
    return _sum(costs), _("{count} VM-days").format(count=sum(map(len, vms.values())))


def _compute(usage: Usage, prices: PriceList) -> tuple[int | None, str]:
    minutes: dict[tuple[str, str], int] = defaultdict(int)
    for size, family, since, until in usage.runs:
        minutes[size, family] += -((since - until) // MINUTE)
    costs = [prices.compute(size, family, count) for (size, family), count in minutes.items()]
    shown = ", ".join(f"{count} min {size} ({family})" for (size, family), count in sorted(minutes.items()))
    return _sum(costs), shown or "0 min"


def _storage(usage: Usage, prices: PriceList, redundancy: str, offset_min: int) -> tuple[int | None, str]:
    gb_months = Fraction(0)
    for size, since, until in usage.stored:
        # A month is as long as the one in which the bytes arrived.
        gb_months += Fraction(size * (until - since), GB * DAY * _length(_day(since, offset_min)))
    cost = prices.cost(f"storage.{redundancy}", gb_months) if gb_months else 0
    return cost, _("{count} GB-months ({redundancy})").format(
        count=f"{float(gb_months):.4f}", redundancy=redundancy.upper()
    )


def _traffic(usage: Usage, prices: PriceList, offset_min: int, *, out: bool) -> tuple[int | None, str]:
    months: dict[date, int] = defaultdict(int)
    for leaves, size, at in usage.traffic:
        if leaves == out:
            months[_day(at, offset_min).replace(day=1)] += size
    total, name = sum(months.values()), "traffic.out" if out else "traffic.in"
    free = prices.free_amount(name) * GB
    costs = [prices.cost(name, Fraction(size - free, GB)) for size in months.values() if size > free]
    return _sum(costs), f"{total / GB:.3f} GB"


def _sum(costs: list[int | None]) -> int | None:
    found = [cost for cost in costs if cost is not None]
    return sum(found) if len(found) == len(costs) else None


def bill(
    facts: Iterable[dict[str, Any]],
    until: int,
    *,
    offset_min: int = 0,
    redundancy: str = "grs",
    prices: str = "usd",
) -> Bill:
    """The bill of everything the facts tell until the instant ``until`` (ms).

    ``offset_min``: the site's zone, in whose calendar days and months are counted; ``redundancy``: of the storage
    account ("lrs", "grs"); ``prices``: name of the price list (900241).
    """
    usage, listed = count(facts, until), price_list(prices)
    found = {
        "protection": _protection(usage, listed, offset_min),
        "compute": _compute(usage, listed),
        f"storage.{redundancy}": _storage(usage, listed, redundancy, offset_min),
        "storage.transactions": (None, _("not counted")),
        "traffic.in": _traffic(usage, listed, offset_min, out=False),
        "traffic.out": _traffic(usage, listed, offset_min, out=True),
    }
    components = {name: cost for name, (cost, _quantity) in found.items()}
    reasons = {"storage.transactions": _(_TRANSACTIONS)} | {
        name: _(reason) for name, reason in _reasons(usage, listed).items() if name in components
    }
    return Bill(
        currency=listed.currency,
        price_list=listed.name,
        date=listed.date,
        components=components,
        quantities={name: quantity for name, (_cost, quantity) in found.items()},
        not_priced={name: reasons[name] for name, cost in components.items() if cost is None},
        total=sum(cost or 0 for cost in components.values()),
    )


def _reasons(usage: Usage, prices: PriceList) -> dict[str, str]:
    """Why a component has no price; compute is known by size and family."""
    reasons = dict(prices.not_priced)
    for size, family, _since, _until in usage.runs:
        item = f"compute.{'windows' if family == 'windows' else 'linux'}.{size}"
        if item in prices.not_priced:
            reasons["compute"] = f"{item}: {prices.not_priced[item]}"
    return reasons


# --- what is left over -----------------------------------------------------------------------------------------------


def machine_per_day(size: str, system: str, prices: str = "usd") -> int | None:
    """Micro-units a day for a VM that runs in Azure; ``system`` is the guest's operating system."""
    return price_list(prices).compute(size, _families().get(system, "windows"), 24 * 60)


def protection_per_day(at: int, offset_min: int = 0, prices: str = "usd") -> int | None:
    """Micro-units a day for one protected VM, in the month of the instant ``at``."""
    return price_list(prices).protection(Fraction(1, _length(_day(at, offset_min))), "azure")


def storage_per_day(size: int, redundancy: str, at: int, offset_min: int = 0, prices: str = "usd") -> int | None:
    """Micro-units a day for ``size`` stored bytes; None where the kind of storage is not priced."""
    if not size:
        return 0
    return price_list(prices).cost(f"storage.{redundancy}", Fraction(size, GB * _length(_day(at, offset_min))))


def stored_now(facts: Iterable[dict[str, Any]], until: int) -> int:
    """Bytes of replicas that are still stored at the instant ``until``, the last one the facts tell of."""
    return sum(size for size, _since, end in count(facts, until).stored if end == until)
