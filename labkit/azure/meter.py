"""What is used of Azure, counted from facts: day by day of a zone, VM by VM, by the items of a price list.

- *protection*: a VM counts for a day on which it was protected at any moment (rule 1.3-1), from the end of its first
  initial replication until protection is removed; to Azure, or site to site where its replica is on a host.
- *storage*: bytes that initial replication brought into an account, from their arrival until the disks are deleted.
  They stay with a VM that is left in Azure, and with ``disks.left`` when the vault stops managing a VM.
- *transactions*: each begun ``transaction`` (``data/azure/meter.yml``) of a transfer to or from the account is one.
- *traffic*: bytes over the line, in (to Azure) and out (failback).
- *gateway*: the time for which a virtual network has a VPN gateway.
- *compute*: each run of a VM in Azure, test VMs included, by its begun minutes (F-12).
- *licences*: paid on the day they are bought and on the first of each month after that, until they are ended.

Replication from host to host uses nothing of Azure.
"""

from __future__ import annotations

import copy
import functools
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from labkit.engine import resources, units
from labkit.engine.units import DAY, MINUTE

_FAILBACK = "failback/"
_EPOCH = date(1970, 1, 1)
AZURE, SITE, LICENCE = "protection.azure", "protection.site", "licence.azure"
TRANSACTIONS, IN, OUT, GATEWAY = "storage.transactions", "traffic.in", "traffic.out", "vpn.gateway"


class Use(NamedTuple):
    """Of what, on which ``day`` (since 1970-01-01 in the zone); ``vm``: whose, of a gateway the network's name."""

    day: int
    item: str
    vm: str


class Stored(NamedTuple):
    """Bytes that are stored now. ``account`` is "" in labs that did not tell it; ``held``: "replica", "vm", "left"."""

    account: str
    vm: str
    held: str
    size: int


class Licences(NamedTuple):
    """``held``: so many licences, from their first to their last day (None: they go on)."""

    held: int
    first: int
    last: int | None


class Usage(NamedTuple):
    """``used`` by item: VM-days, licences, byte-ms of storage, transactions, bytes, gateway-ms, begun minutes."""

    used: dict[Use, int]
    licences: list[Licences]
    stored: list[Stored]


class _Disks:
    """Bytes in an account, and since when there are so many."""

    def __init__(self, account: str, item: str, since: int) -> None:
        self.account, self.item, self.since, self.size = account, item, since, 0


@functools.cache
def _families() -> dict[str, str]:
    found = {}
    for row in resources.yaml("guest-os.yml")["systems"]:
        for name in (row["name"], *row.get("aliases", ())):
            found[name] = row["family"]
    return found


def compute_item(size: str, system: str) -> str:
    """The item of a running VM: Windows costs its own price, every other guest that of Linux.

    >>> compute_item("M", "Windows Server 2012 R2"), compute_item("XS", "FreeBSD 10.0")
    ('compute.windows.M', 'compute.linux.XS')
    """
    family = _families().get(system, "windows")
    return f"compute.{'windows' if family == 'windows' else 'linux'}.{size}"


@functools.cache
def transaction() -> int:
    """Bytes that one storage transaction carries at most."""
    return units.size(resources.yaml("azure", "meter.yml")["transaction"]["size"])


# --- calendar --------------------------------------------------------------------------------------------------------


def day_of(at: int, offset_min: int) -> int:
    """The day of an instant (ms) in a zone, counted from 1970-01-01."""
    return (at + offset_min * MINUTE) // DAY


def date_of(day: int) -> date:
    """A day as a date."""
    return _EPOCH + timedelta(days=day)


def number_of(day: date) -> int:
    """A date as a day."""
    return (day - _EPOCH).days


def month_length(day: date) -> int:
    """Days of the month of a day."""
    return (next_month(day) - day.replace(day=1)).days


def next_month(day: date) -> date:
    """The first day of the month after that of a day."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def month_of(at: int, offset_min: int) -> str:
    """The month of an instant, as "2014-10"."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at, minutes=offset_min)).strftime("%Y-%m")


# --- counting --------------------------------------------------------------------------------------------------------


class _Counter:
    """Reads facts one by one; what is open at the end is counted as far as ``until``."""

    def __init__(self, offset_min: int, redundancy: str) -> None:
        self._offset, self._redundancy = offset_min, redundancy
        self._used: dict[Use, int] = defaultdict(int)
        self._protected: dict[str, tuple[int, str]] = {}
        self._on_hosts: set[str] = set()  # VMs whose replica is on a host: nothing of it is Azure's
        self._kinds: dict[str, str] = {}
        self._accounts: dict[str, str] = {}
        self._disks: dict[tuple[str, str, str], _Disks] = {}  # held, account ("" but for "left"), vm
        self._machines: dict[str, str] = {}
        self._failed_over: set[str] = set()  # VMs in Azure that stand on the replica of now, not on an earlier one
        self._running: dict[str, int] = {}
        self._gateways: dict[str, int] = {}
        self._licences: list[Licences] = []

    def read(self, fact: dict[str, Any]) -> None:
        reader = _READERS.get(fact["kind"])
        if reader is not None:
            reader(self, fact, str(fact["entity"]), int(fact["at"]))

    def copy(self) -> _Counter:
        """The same as far as it is, which can be ended while this one goes on."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | set | list):
                setattr(other, name, value.copy())
        other._disks = {key: copy.copy(disks) for key, disks in self._disks.items()}
        return other

    def end(self, until: int) -> Usage:
        for vm in list(self._protected):
            self._stop_protection(vm, until)
        for name in list(self._running):
            self._stop(name, until)
        for name in list(self._gateways):
            self._close(name, until)
        for (_held, _account, vm), disks in self._disks.items():
            self._settle(vm, disks, until)
        stored = [Stored(disks.account, vm, held, disks.size) for (held, _, vm), disks in self._disks.items()]
        for licences in self._licences:
            self._pay(licences, until)
        return Usage(dict(self._used), self._licences, sorted(one for one in stored if one.size))

    def _spread(self, item: str, vm: str, each: int, since: int, until: int) -> None:
        """``each`` for every ms, laid down day by day."""
        day = day_of(since, self._offset)
        while since < until:
            end = min(until, (day + 1) * DAY - self._offset * MINUTE)
            self._used[Use(day, item, vm)] += each * (end - since)
            since, day = end, day + 1

    # --- protection and licences --------------------------------------------------------------------------------------

    def _on_state(self, fact: dict[str, Any], vm: str, at: int) -> None:
        if fact["state"] == "Protected":
            self._protected.setdefault(vm, (at, SITE if vm in self._on_hosts else AZURE))
        elif fact["state"] == "Unprotected":
            self._stop_protection(vm, at)
            self._release(vm, at)

    def _stop_protection(self, vm: str, at: int) -> None:
        since, item = self._protected.pop(vm, (0, ""))
        if item:
            last = day_of(max(since, at - 1), self._offset)
            for day in range(day_of(since, self._offset), last + 1):
                self._used[Use(day, item, vm)] = 1

    def _on_bought(self, fact: dict[str, Any], _entity: str, at: int) -> None:
        self._licences.append(Licences(int(fact["count"]), day_of(at, self._offset), None))

    def _on_ended(self, _fact: dict[str, Any], _entity: str, at: int) -> None:
        last = number_of(next_month(date_of(day_of(at, self._offset)))) - 1
        self._licences = [one._replace(last=last) if one.last is None else one for one in self._licences]

    def _pay(self, licences: Licences, until: int) -> None:
        day, last = licences.first, day_of(until - 1, self._offset)
        if licences.last is not None:
            last = min(last, licences.last)
        while day <= max(last, licences.first):
            self._used[Use(day, LICENCE, "")] += licences.held
            day = number_of(next_month(date_of(day)))

    # --- storage and traffic ------------------------------------------------------------------------------------------

    def _on_account(self, fact: dict[str, Any], name: str, _at: int) -> None:
        self._kinds[name] = str(fact["redundancy"]).lower()

    def _on_replica(self, fact: dict[str, Any], vm: str, at: int) -> None:
        self._release(vm, at)
        self._failed_over.discard(vm)
        self._accounts[vm] = str(fact["account"])

    def _on_host_replica(self, _fact: dict[str, Any], vm: str, _at: int) -> None:
        self._on_hosts.add(vm)

    def _on_host_replica_gone(self, _fact: dict[str, Any], vm: str, _at: int) -> None:
        self._on_hosts.discard(vm)

    def _on_initial(self, _fact: dict[str, Any], vm: str, at: int) -> None:
        if not vm.startswith(_FAILBACK) and vm not in self._on_hosts:
            self._release(vm, at)  # begun anew, in empty disks

    def _on_piece(self, fact: dict[str, Any], entity: str, at: int) -> None:
        self._on_transfer(fact, entity, at)
        if entity.startswith(_FAILBACK) or entity in self._on_hosts:
            return
        account = self._accounts.get(entity, "")
        disks = self._disks.get(("replica", "", entity))
        if disks is None:
            item = f"storage.{self._kinds.get(account, self._redundancy)}"
            disks = self._disks["replica", "", entity] = _Disks(account, item, at)
        self._settle(entity, disks, at)
        disks.size += int(fact["blocks"]) << 16

    def _on_transfer(self, fact: dict[str, Any], entity: str, at: int) -> None:
        vm, size = entity.removeprefix(_FAILBACK), int(fact["bytes"])
        if vm in self._on_hosts:
            return
        day = day_of(at, self._offset)
        self._used[Use(day, OUT if entity.startswith(_FAILBACK) else IN, vm)] += size
        self._used[Use(day, TRANSACTIONS, vm)] += -(-size // transaction())

    def _settle(self, vm: str, disks: _Disks, at: int) -> None:
        if disks.size:
            self._spread(disks.item, vm, disks.size, disks.since, at)
        disks.since = at

    def _release(self, vm: str, at: int) -> None:
        """The replica's disks are gone, or are those of the VM in Azure that stands on them."""
        disks = self._disks.pop(("replica", "", vm), None)
        if disks is None:
            return
        if vm in self._failed_over:
            self._join(("vm", "", vm), disks, at)
        else:
            self._settle(vm, disks, at)

    def _on_left(self, fact: dict[str, Any], vm: str, at: int) -> None:
        disks = self._disks.pop(("replica", "", vm), None)
        if disks is not None:
            self._join(("left", str(fact["account"]), vm), disks, at)

    def _join(self, key: tuple[str, str, str], disks: _Disks, at: int) -> None:
        self._settle(key[2], disks, at)
        there = self._disks.setdefault(key, disks)
        if there is not disks:
            self._settle(key[2], there, at)
            there.size += disks.size

    def _on_disks_deleted(self, fact: dict[str, Any], vm: str, at: int) -> None:
        disks = self._disks.pop(("left", str(fact["account"]), vm), None)
        if disks is not None:
            self._settle(vm, disks, at)

    # --- machines and gateways ----------------------------------------------------------------------------------------

    def _on_made(self, fact: dict[str, Any], machine: str, _at: int) -> None:
        self._machines[machine] = compute_item(fact["size"], fact["os"])
        side, _, vm = machine.partition("/")
        if side == "azure":
            self._failed_over.add(vm)

    def _on_deleted(self, _fact: dict[str, Any], machine: str, at: int) -> None:
        self._stop(machine, at)
        self._machines.pop(machine, None)
        side, _, vm = machine.partition("/")
        if side != "azure":
            return
        self._failed_over.discard(vm)
        disks = self._disks.pop(("vm", "", vm), None)
        if disks is not None:
            self._settle(vm, disks, at)

    def _on_started(self, _fact: dict[str, Any], machine: str, at: int) -> None:
        if machine in self._machines:
            self._running[machine] = at

    def _on_stopped(self, _fact: dict[str, Any], machine: str, at: int) -> None:
        self._stop(machine, at)

    def _stop(self, machine: str, at: int) -> None:
        """A run has ended: each of its minutes belongs to the day on which it began."""
        since = self._running.pop(machine, None)
        if since is None:
            return
        item, vm = self._machines[machine], machine.partition("/")[2]
        begin = since
        while begin < at:
            day = day_of(begin, self._offset)
            end = min(at, (day + 1) * DAY - self._offset * MINUTE)
            self._used[Use(day, item, vm)] += -((since - end) // MINUTE) + (since - begin) // MINUTE
            begin = end

    def _on_network(self, fact: dict[str, Any], name: str, at: int) -> None:
        if fact.get("vpn"):
            self._gateways[name] = at

    def _on_network_deleted(self, _fact: dict[str, Any], name: str, at: int) -> None:
        self._close(name, at)

    def _close(self, name: str, at: int) -> None:
        since = self._gateways.pop(name, None)
        if since is not None:
            self._spread(GATEWAY, name, 1, since, at)


_READERS = {
    "item.state": _Counter._on_state,
    "licences.bought": _Counter._on_bought,
    "licences.ended": _Counter._on_ended,
    "storage.created": _Counter._on_account,
    "replica.stored": _Counter._on_replica,
    "replica.enabled": _Counter._on_host_replica,
    "replica.removed": _Counter._on_host_replica_gone,
    "initial.started": _Counter._on_initial,
    "initial.piece": _Counter._on_piece,
    "cycle": _Counter._on_transfer,
    "resync.chunk": _Counter._on_transfer,
    "disks.left": _Counter._on_left,
    "disks.deleted": _Counter._on_disks_deleted,
    "azure.vm.created": _Counter._on_made,
    "azure.vm.deleted": _Counter._on_deleted,
    "vm.started": _Counter._on_started,
    "vm.stopped": _Counter._on_stopped,
    "network.created": _Counter._on_network,
    "network.deleted": _Counter._on_network_deleted,
}


def count(facts: Iterable[dict[str, Any]], until: int, offset_min: int = 0, redundancy: str = "grs") -> Usage:
    """What was used until the instant ``until`` (ms), in the days of a zone.

    ``redundancy``: of replicas whose storage account the facts do not tell (labs of before).
    """
    counter = _Counter(offset_min, redundancy)
    for fact in facts:
        counter.read(fact)
    return counter.end(until)


class Running:
    """Counts fact by fact as they come; arguments as of :func:`count`."""

    def __init__(self, offset_min: int = 0, redundancy: str = "grs") -> None:
        self._counter = _Counter(offset_min, redundancy)

    def read(self, facts: Iterable[dict[str, Any]]) -> None:
        """Go on with the facts that follow those read before."""
        for fact in facts:
            self._counter.read(fact)

    def usage(self, until: int, more: Iterable[dict[str, Any]] = ()) -> Usage:
        """What was used until the instant ``until`` (ms), not before the last fact; it can be read on after it.

        ``more``: facts that follow and are counted this once.
        """
        counter = self._counter.copy()
        for fact in more:
            counter.read(fact)
        return counter.end(until)
