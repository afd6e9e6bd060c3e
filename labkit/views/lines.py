"""What the line carries over time, from facts: bandwidth, storage account, loss, throttles by the hour of the day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from labkit.engine.facts import Fact
from labkit.replication import line
from labkit.replication.line import Line
from labkit.replication.throttle import Throttle
from labkit.replication.throttle import at as throttle_at
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.engine.world import World
    from labkit.lab import Lab


class Step(NamedTuple):
    """From ``at`` (ms) on the line carries ``bits`` a second for all VMs together; 0: it is lost."""

    at: int
    bits: int


class Capacity:
    """What the line carries, step by step."""

    def __init__(self, lab: Lab, *, sites: bool) -> None:
        self._site = lab.read(inventory.site_of)
        self._name = line.LAN if sites else line.UP
        self._entity = line.entity_of(line.SITES if sites else line.AZURE)
        there = self._site.replica_site
        self._told = there.line if sites and there is not None else self._site.line
        self._account = lab.read(lambda world: getattr(world.find(Line, self._name), "account", 0))
        self._lab = lab
        self.begin()

    def begin(self) -> None:
        """As the site file has it."""
        self._bandwidth, self._connected = self._told.bandwidth, True
        self._each = line.most_of_one(self._name, self._told.latency, self._told.loss)
        self._throttles: dict[str, Throttle] = {}
        self._edges: dict[str, int] = {}  # host -> the next instant at which its limit may change
        self._limits: dict[str, int] = {}
        self._senders: tuple[str, ...] = ()
        self.steps: list[Step] = []

    def read(self, fact: Fact) -> bool:
        """Take in a fact; whether it says something of the line."""
        kind, at = fact["kind"], int(fact["at"])
        if kind == "throttle.set":
            found = Throttle(str(fact["entity"]), fact["work"], fact["other"], fact["begin"], fact["end"])
            self._throttles[found.id] = found
            self._edge(found.id, at)
        elif fact["entity"] != self._entity:
            return False
        elif kind == "line.bandwidth":
            self._bandwidth = int(fact["bandwidth"])
        elif kind == "line.quality":
            self._each = line.most_of_one(self._name, int(fact["latency"]), int(fact["loss"]))
        elif kind in ("line.lost", "line.connected"):
            self._connected = kind == "line.connected"
        else:
            return False
        return True

    def _edge(self, host: str, at: int) -> None:
        throttle = self._throttles[host]
        self._limits[host], wait = throttle_at(throttle, at, self._site.offset_min)
        self._edges[host] = at + wait
        if not (throttle.work or throttle.other):
            del self._throttles[host], self._edges[host], self._limits[host]

    def advance(self, until: int) -> None:
        """Go on to an instant: working hours begin and end."""
        while self._edges and (at := min(self._edges.values())) <= until:
            for host in [host for host, edge in self._edges.items() if edge == at]:
                self._edge(host, at)
            self.step(at)

    def send(self, vms: Iterable[str]) -> None:
        """These VMs send; the others do not."""
        self._senders = tuple(vms)

    def step(self, at: int) -> None:
        """Note what the line carries from an instant on, if that is another amount than before."""
        bits = self._carries() if self._connected else 0
        if not self.steps or self.steps[-1].bits != bits:
            self.steps.append(Step(at, bits))

    def _carries(self) -> int:
        limited = {host: limit for host, limit in self._limits.items() if limit and self._name == line.UP}
        hosts = Counter(self._lab.read(self._hosts)) if limited else Counter({"": len(self._senders)})
        free = sum(count for host, count in hosts.items() if host not in limited)
        lanes = [(free, 0), *((hosts[host], limit) for host, limit in sorted(limited.items()))]
        if not any(count for count, _ in lanes):
            lanes = [(1, 0)]  # nobody sends: what one would get
        total = min(self._bandwidth, self._account or self._bandwidth)
        return sum(line.rates(total, self._each, lanes))

    def _hosts(self, world: World) -> list[str]:
        return [inventory.host_of(world, vm) for vm in self._senders]
