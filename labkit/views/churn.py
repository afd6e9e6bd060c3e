"""What VMs write against what the line carries, from facts: where the line is too thin, and what then waits for it.

A cycle tells how many bytes crossed the line for what was written from the cut before to its own: that is the VM's
churn of that time. All VMs are added up by minutes; the rest of a minute that no cycle has told yet is not known, so
the sum is whole until the oldest of the newest cuts only (``known``). What waits at an instant is all that was written
by then (as it went over the line later) less what had arrived. The line is what its transfers may take together:
bandwidth, storage account, loss and throttles, by :func:`labkit.replication.line.rates`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from labkit.engine.facts import Fact
from labkit.engine.units import MINUTE
from labkit.replication import line
from labkit.replication import relation as replication
from labkit.replication.relation import REPLICATING, RESYNC, RESYNCHRONISING, Relation
from labkit.site import inventory
from labkit.views.lines import Capacity, Step

if TYPE_CHECKING:
    import pandas as pd

    from labkit.engine.world import World
    from labkit.lab import Lab

_FAILBACK = "failback/"
_GIVES_UP = ("VmPrepareForUnPlannedFailover", "DisableProtectionOnPrimary")
_SILENT = ("replication.paused", "replication.failed", "resync.required")
_MOST_TOUCHED = 100_000
# Columns of a chart: minutes in each, the first of these that gives at most ``MOST_COLUMNS``.
WIDTHS, MOST_COLUMNS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080), 240


class Interval(NamedTuple):
    """One cycle of a VM: ``size`` bytes crossed the line for what was written in ``(begin, end]`` (ms).

    ``sent``: when the transfer began, ``arrived``: when its last byte was there.
    """

    vm: str
    begin: int
    end: int
    size: int
    sent: int
    arrived: int


class Column(NamedTuple):
    """``length`` minutes from minute ``begin`` (since 1970): bytes ``written`` in them, ``waiting`` at their end."""

    begin: int
    length: int
    written: float
    waiting: float


class _Cuts:
    """The newest cut of each VM, and whose facts are those of another line."""

    def __init__(self, *, sites: bool) -> None:
        self._sites = sites
        self._on_hosts: set[str] = set()
        self._begun: dict[str, int] = {}
        self.newest: dict[str, int] = {}
        self._last: int | None = None
        self.silent: set[str] = set()

    def read(self, fact: Fact) -> Interval | None:
        """Take in a fact; the interval it tells, if it is that of a cycle over this line."""
        kind, vm, at = fact["kind"], str(fact["entity"]), int(fact["at"])
        if kind == "cycle":
            return self._cycle(fact, vm, at)
        if kind == "replica.enabled":
            self._on_hosts.add(vm)
        elif kind == "replica.removed":
            self._on_hosts.discard(vm)
            self._end(vm)
        elif kind == "initial.started":
            self._end(vm)
            self._begun[vm] = at
        elif kind == "resync.ended":
            self._begun[vm] = self.newest[vm] = int(fact["since"])
            self.silent.discard(vm)
        elif _ends(fact):
            self._end(vm)
        elif kind in _SILENT:
            self.silent.add(vm)
        return None

    def _end(self, vm: str) -> None:
        """Nothing is sent any more; if replication is taken up again, the next log follows on the newest cut."""
        if vm in self.newest:
            self._begun[vm] = self.newest.pop(vm)
        self.silent.discard(vm)

    def _cycle(self, fact: Fact, vm: str, at: int) -> Interval | None:
        if vm.startswith(_FAILBACK) or (vm in self._on_hosts) != self._sites:
            return None
        cut = int(fact["cut"])
        begin = self.newest.get(vm, self._begun.get(vm, cut))
        self.newest[vm] = cut
        self._last = max(cut, self._last or 0)
        self.silent.discard(vm)
        return Interval(vm, begin, cut, int(fact["bytes"]), int(fact["started"]), at)

    @property
    def known(self) -> int | None:
        """Until when (ms) all is told of those who send; None before the first log. When nobody sends: the last cut."""
        return min((cut for vm, cut in self.newest.items() if vm not in self.silent), default=self._last)


def _ends(fact: Fact) -> bool:
    """Whether a fact says that a VM is replicated no more."""
    if fact["kind"] == "job.task":
        return fact["task"] in _GIVES_UP
    return fact["kind"] in ("failover", "replica.failover") and fact.get("operation") != "TestFailover"


class Churn:
    """Churn, line and backlog of a lab, kept up with its facts. ``sites``: of the line between two sites.

    ``written``, ``arrived``: bytes by minute since 1970, of cycles alone; ``steps``: the line.
    """

    sites = False
    history: ClassVar[bool] = True

    def __init__(self, lab: Lab) -> None:
        self._capacity = Capacity(lab, sites=self.sites)
        self._begin()

    def _begin(self) -> None:
        self._cuts = _Cuts(sites=self.sites)
        self.written: defaultdict[int, int] = defaultdict(int)
        self.arrived: defaultdict[int, int] = defaultdict(int)
        self._touched: list[int] = []
        self._dropped = 0

    def forget(self) -> None:
        """Begin anew."""
        self._capacity.begin()
        self._begin()

    @property
    def steps(self) -> list[Step]:
        """What the line carries, from the beginning of the lab on."""
        return self._capacity.steps

    @property
    def known(self) -> int | None:
        """Until when (ms) the churn of all VMs that send is told; None before the first log."""
        return self._cuts.known

    @property
    def silent(self) -> int:
        """Number of VMs that are to be replicated and send nothing now: paused, failing, to be compared."""
        return len(self._cuts.silent)

    def feed(self, facts: Iterable[Fact]) -> None:
        """Go on with the facts that follow those fed before."""
        for fact in facts:
            at, senders = int(fact["at"]), len(self._cuts.newest)
            self._capacity.advance(at)
            interval = self._cuts.read(fact)
            if interval is not None:
                self._take(interval)
            if len(self._cuts.newest) != senders:
                self._capacity.send(self._cuts.newest)
            if self._capacity.read(fact) or len(self._cuts.newest) != senders or not self.steps:
                self._capacity.step(at)
        if len(self._touched) > _MOST_TOUCHED:
            self._dropped += len(self._touched)
            self._touched.clear()

    def advance(self, until: int) -> None:
        """Go on to an instant without a fact: the line may change by the hour of the day."""
        self._capacity.advance(until)

    def _take(self, interval: Interval) -> None:
        for minute, size in spread(interval):
            self.written[minute] += size
            self._touched.append(minute)
        self.arrived[interval.arrived // MINUTE] += interval.size
        self._touched.append(interval.arrived // MINUTE)

    # --- what is new --------------------------------------------------------------------------------------------------

    @property
    def place(self) -> int:
        """Where the list of changes ends now; see :meth:`changed`."""
        return self._dropped + len(self._touched)

    def changed(self, place: int) -> list[int] | None:
        """The minutes that have changed since a place; None when that is too long ago."""
        return sorted(set(self._touched[place - self._dropped :])) if place >= self._dropped else None

    def minutes(self, numbers: Iterable[int]) -> list[tuple[int, int, int]]:
        """Minute, bytes written in it, bytes that arrived in it."""
        return [(number, self.written.get(number, 0), self.arrived.get(number, 0)) for number in numbers]

    def older(self, before: int) -> list[tuple[int, int, int]]:
        """The same by hours (first minute, bytes) for all that is before a minute that begins an hour."""
        hours: dict[int, list[int]] = {}
        for place, table in enumerate((self.written, self.arrived)):
            for minute, size in table.items():
                if minute < before:
                    hours.setdefault(minute // 60 * 60, [0, 0])[place] += size
        return [(hour, sums[0], sums[1]) for hour, sums in sorted(hours.items())]


class ChurnBetweenSites(Churn):
    """The same for replication from host to host, over the line between the sites."""

    sites = True


def spread(interval: Interval) -> Iterator[tuple[int, int]]:
    """An interval's bytes by minute (since 1970), evenly; their sum is exact.

    >>> list(spread(Interval("VM", 30_000, 120_000, 300, 120_000, 121_000)))
    [(0, 100), (1, 200)]
    """
    begin, end, size = interval.begin, interval.end, interval.size
    if end <= begin:
        yield end // MINUTE, size
        return
    done, minute = 0, begin // MINUTE
    while done < size or minute * MINUTE < end:
        edge = min(end, (minute + 1) * MINUTE)
        upto = size * (edge - begin) // (end - begin)
        if upto > done:
            yield minute, upto - done
        done, minute = upto, minute + 1
        if edge == end:
            return


def columns(churn: Churn, begin: int, until: int) -> list[Column]:
    """The columns of a chart from ``begin`` to ``until`` (ms), at most ``MOST_COLUMNS``, all of them whole minutes."""
    first, last = begin // MINUTE, max(until // MINUTE, begin // MINUTE + 1)
    length = next((width for width in WIDTHS if (last - first) / width <= MOST_COLUMNS), WIDTHS[-1])
    first -= first % length
    sums: dict[int, int] = defaultdict(int)
    waiting, changes = 0, defaultdict[int, int](int)
    for table, sign in ((churn.written, 1), (churn.arrived, -1)):
        for minute, size in table.items():
            if minute < first:
                waiting += sign * size
            elif minute < last:
                changes[(minute - first) // length] += sign * size
                if sign > 0:
                    sums[(minute - first) // length] += size
    found = []
    for number in range((last - first) // length):
        waiting += changes[number]
        found.append(Column(first + number * length, length, sums[number], waiting))
    return found


def pending(world: World, *, sites: bool = False) -> int:
    """Bytes written at the sources and not yet applied at the replicas, of all VMs.

    The lab's own count (:func:`labkit.replication.relation.pending`), VM by VM.
    """
    ways = line.SITES if sites else (line.UP,)
    states = (REPLICATING, RESYNC, RESYNCHRONISING)
    relations = (one for one in world.all(Relation) if one.direction in ways and one.state in states and one.cut)
    return sum(replication.pending(world, one, world.now) for one in relations)


def between_sites(lab: Lab) -> bool:
    """Whether a lab's VMs go to a second site rather than to Azure."""
    return lab.read(lambda world: inventory.site_of(world).replica_site is not None)


# --- tables ----------------------------------------------------------------------------------------------------------


def intervals(facts: Iterable[Fact], *, sites: bool = False) -> list[Interval]:
    """All cycles, in the order in which they arrived."""
    cuts = _Cuts(sites=sites)
    return [found for fact in facts if (found := cuts.read(fact)) is not None]


def frame(lab: Lab) -> pd.DataFrame:
    """One row per cycle: ``vm, begin, end, bytes, bytes_per_s, arrived``; instants in the site's zone."""
    import pandas as pd

    rows = [
        (one.vm, one.begin, one.end, one.size, one.size * 1000 / max(1, one.end - one.begin), one.arrived)
        for one in intervals(lab.facts, sites=between_sites(lab))
    ]
    table = pd.DataFrame(rows, columns=["vm", "begin", "end", "bytes", "bytes_per_s", "arrived"])
    return _in_zone(table, lab, "begin", "end", "arrived")


def line_frame(lab: Lab) -> pd.DataFrame:
    """One row per change of what the line carries: ``at`` (in the site's zone), ``bits_per_s``."""
    import pandas as pd

    churn = of(lab)
    table = pd.DataFrame(churn.steps, columns=["at", "bits_per_s"])
    return _in_zone(table, lab, "at")


def _in_zone(table: pd.DataFrame, lab: Lab, *names: str) -> pd.DataFrame:
    import pandas as pd

    zone = timezone(timedelta(minutes=lab.read(lambda world: inventory.site_of(world).offset_min)))
    for name in names:
        table[name] = pd.to_datetime(table[name], unit="ms", utc=True).dt.tz_convert(zone)
    return table


def of(lab: Lab) -> Churn:
    """Churn, line and backlog of a lab as far as now."""
    now, _count, facts = lab.news(0)
    made = ChurnBetweenSites(lab) if between_sites(lab) else Churn(lab)
    made.feed(facts)
    made.advance(now)
    return made
