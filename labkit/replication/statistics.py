"""Health and statistics of replication, as the host shows them (facts.md 1.6, 1.11; rules 2.9-2, 2.9-4).

Everything is counted from the facts of one monitoring interval and from where the relation stands. Two sets of rules
say what is healthy: the guide's (2.9-4), and those published for Windows Server 2012; the site file chooses.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from labkit.engine import facts, resources
from labkit.engine.errors import LabError
from labkit.engine.facts import Fact
from labkit.engine.units import HOUR
from labkit.engine.world import World
from labkit.replication import line
from labkit.replication import relation as replication
from labkit.replication.line import Line
from labkit.replication.relation import INITIAL, REPLICATING, RESYNC, RESYNCHRONISING, Relation
from labkit.site import inventory

NORMAL, WARNING, CRITICAL = "Normal", "Warning", "Critical"
GUIDE, WINDOWS_2012 = "guide", "windows-2012"
_CLOSED = 14  # intervals that the event log goes back: a week
_NEVER = 1 << 62
_NETWORK = ("network", "proxy")


class Statistics(msgspec.Struct, frozen=True):
    """One VM's replication in a monitoring interval, named as ``Measure-VMReplication`` does (facts.md 1.11).

    Instants and durations in ms (0: none yet), sizes in bytes. ``expected_count`` is how many cycles were due: the
    window "Replication Health" shows ``successful_count`` of it. ``errors`` are the three kinds of failures together:
    attempts that did not reach Azure, others (a resynchronisation required among them), snapshots.
    """

    vm: str
    state: str
    health: str
    details: tuple[str, ...]
    monitoring_start: int
    monitoring_end: int
    initial_size: int
    pending_size: int
    average_size: int
    maximum_size: int
    average_latency: int
    maximum_latency: int
    errors: int
    network_failures: int
    replication_failures: int
    snapshot_failures: int
    expected_count: int
    successful_count: int
    missed_count: int
    last_replication: int
    last_applied: int
    last_snapshot: int
    last_test_failover: int
    primary_server: str
    replica_server: str
    disks: tuple[str, ...]


# --- the monitoring interval ------------------------------------------------------------------------------------------


def interval_at(at: int, offset_min: int) -> tuple[int, int]:
    """The monitoring interval ``[begin, end)`` (ms) an instant is in: 12 h from 9:00 of the host's day."""
    figures = resources.yaml("replication.yml")["monitoring"]
    length, first = int(figures["interval_h"]) * HOUR, int(figures["start_h"]) * HOUR - offset_min * 60_000
    begin = at - (at - first) % length
    return begin, begin + length


def _began(told: Iterable[Fact]) -> int:
    """When cycles were first due (ms); 0 for never."""
    return next((int(fact["at"]) for fact in told if fact["kind"] == "grid"), 0)


def closed_intervals(told: list[Fact], now: int, offset_min: int) -> list[tuple[int, int]]:
    """The monitoring intervals in which cycles were due and that have ended, oldest first, of the last week."""
    since, grids = _began(told), _grids(told)
    found: list[tuple[int, int]] = []
    while since and since < now:
        end = interval_at(since, offset_min)[1]
        if end > now:
            break
        if any(grid.due(since, end) for grid in grids):
            found.append((since, end))
        since = end
    return found[-_CLOSED:]


# --- counting ---------------------------------------------------------------------------------------------------------


def measure(world: World, vm: str, told: list[Fact], *, begin: int | None = None, end: int | None = None) -> Statistics:
    """Statistics of a VM; ``told`` are the facts of the VM, in order. By default of the interval the clock is in.

    ``begin`` and ``end`` choose another one, ``end`` not after now. ``LookupError`` when the VM has no relation.
    """
    relation = world.find(Relation, vm)
    if relation is None:
        raise LookupError(vm)
    site = inventory.site_of(world)
    end = world.now if end is None else min(end, world.now)
    begin = interval_at(end, site.offset_min)[0] if begin is None else begin
    if end < begin:
        raise LabError(900558)
    resets = [int(fact["at"]) for fact in told if fact["kind"] == "statistics.reset" and fact["at"] <= end]
    begin = max(begin, _began(told), *resets)
    counted = count(told, begin, end)
    if end == world.now and relation.flight is not None and end - relation.flight.started <= relation.frequency:
        # The newest one due is still under way, and neither is yet.
        counted["missed_count"] = max(0, counted["missed_count"] - 1)
    health, details = judge(world, relation, counted)
    return Statistics(
        vm=vm,
        state=relation.state,
        health=health,
        details=details,
        monitoring_start=begin,
        monitoring_end=end,
        initial_size=next((int(f["bytes"]) for f in reversed(told) if f["kind"] == "initial.started"), 0),
        pending_size=replication.pending(world, relation, world.now) if relation.cut else 0,
        last_replication=relation.cut,
        last_applied=next((int(f["at"]) for f in reversed(told) if f["kind"] == "cycle"), 0),
        last_snapshot=next((int(f["cut"]) for f in reversed(told) if f["kind"] == "cycle" and "consistency" in f), 0),
        last_test_failover=_last_test(told),
        primary_server=servers_of(world, relation)[0],
        replica_server=servers_of(world, relation)[1],
        disks=tuple(_names(world, relation)),
        **counted,
    )


def servers_of(world: World, relation: Relation) -> tuple[str, str]:
    """Names of the primary and the replica server."""
    host = inventory.host_of(world, relation.vm)
    if relation.direction == line.UP:
        return host, "Microsoft Azure"
    return (host, relation.there) if relation.direction == line.LAN else (relation.there, host)


def _names(world: World, relation: Relation) -> list[str]:
    from labkit.disks import record

    return record.set_of(world, relation.source).names


def _last_test(told: list[Fact]) -> int:
    tests = (f for f in reversed(told) if f["kind"] == "job.started" and f["scenario"] == "TestFailover")
    return next((int(fact["at"]) for fact in tests), 0)


class _Grid(NamedTuple):
    """A time in which cycles were due: from ``begin`` until ``end``, every ``frequency``, at ``anchor`` modulo it."""

    begin: int
    end: int
    anchor: int
    frequency: int

    def due(self, begin: int, end: int) -> int:
        """How many cycles were due in ``(begin, end]``."""
        begin, end = max(begin, self.begin), min(end, self.end)
        return max(0, (end - self.anchor) // self.frequency - (begin - self.anchor) // self.frequency)

    def has(self, at: int) -> bool:
        """Whether one was due at that instant."""
        return self.begin <= at <= self.end and (at - self.anchor) % self.frequency == 0


# What ends the time in which cycles are due, until another grid is told.
_ENDS = ("resync.required", "failover", "replica.failover", "replica.removed")
_GIVES_UP = ("VmPrepareForUnPlannedFailover", "DisableProtectionOnPrimary")


def _grids(told: list[Fact]) -> list[_Grid]:
    found: list[_Grid] = []
    for fact in told:
        at = int(fact["at"])
        told_end = fact["kind"] in _ENDS and fact.get("operation") != "TestFailover"
        ends = told_end or (fact["kind"] == "job.task" and fact["task"] in _GIVES_UP)
        if found and (ends or fact["kind"] == "grid"):
            found[-1] = found[-1]._replace(end=min(found[-1].end, at))
        if fact["kind"] == "grid":
            found.append(_Grid(at, _NEVER, int(fact["anchor"]), int(fact["frequency"])))
    return found


def count(told: list[Fact], begin: int, end: int) -> dict[str, int]:
    """Sizes, latencies and numbers of the cycles of ``(begin, end]``, from the facts of a VM alone."""
    cycles = [fact for fact in told if fact["kind"] == "cycle" and begin < fact["at"] <= end]
    sizes = [int(fact["bytes"]) for fact in cycles]
    latencies = [int(fact["at"]) - int(fact["started"]) for fact in cycles]
    grids = _grids(told)
    due = sum(grid.due(begin, end) for grid in grids)
    successful = sum(not fact["late"] and any(grid.has(int(fact["started"])) for grid in grids) for fact in cycles)
    return {
        **_failures(told, begin, end),
        "average_size": sum(sizes) // len(sizes) if sizes else 0,
        "maximum_size": max(sizes, default=0),
        "average_latency": sum(latencies) // len(latencies) if latencies else 0,
        "maximum_latency": max(latencies, default=0),
        "expected_count": due,
        "successful_count": min(due, successful),
        "missed_count": max(0, due - successful),
    }


def _failures(told: list[Fact], begin: int, end: int) -> dict[str, int]:
    """Attempts and snapshots that failed; ``errors`` is all of them together (facts.md 1.11)."""
    inside = [fact for fact in told if begin < fact["at"] <= end]
    failed = [fact["reason"] for fact in inside if fact["kind"] == "replication.failed"]
    network = sum(reason in _NETWORK for reason in failed)
    required = sum(fact["kind"] == "resync.required" for fact in inside)
    snapshots = sum(fact["kind"] == "snapshot.failed" for fact in inside)
    replication_failures = len(failed) - network + required
    return {
        "errors": network + replication_failures + snapshots,
        "network_failures": network,
        "replication_failures": replication_failures,
        "snapshot_failures": snapshots,
    }


# --- judging ----------------------------------------------------------------------------------------------------------


def judge(world: World, relation: Relation, counted: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Health and its reasons, by the rules the site file names."""
    if not counts(world) or relation.state == replication.STOPPED:
        return _guides_health(world, relation), _by_the_guide(world, relation)
    critical = _critical(world, relation)
    warning = [] if critical else _warning(world, relation, counted)
    return CRITICAL if critical else WARNING if warning else NORMAL, tuple(critical or warning)


def _powerless(world: World, relation: Relation) -> bool:
    """Whether the site that should send has no power."""
    sends = relation.state in (INITIAL, REPLICATING) and relation.direction not in (line.LAN_BACK, line.DOWN)
    return sends and inventory.state(world).dark


def _guides_health(world: World, relation: Relation) -> str:
    """The guide's rule; a site without power ships nothing within its frequency."""
    return CRITICAL if _powerless(world, relation) else relation.health(world.now)


def _by_the_guide(world: World, relation: Relation) -> tuple[str, ...]:
    if _guides_health(world, relation) == NORMAL:
        return ()
    if relation.failed:
        return (relation.error,)
    if _powerless(world, relation):
        return ("cannot send",)
    return ("overran" if relation.state == REPLICATING else "resync",)


def counts(world: World) -> bool:
    """Whether health is counted from facts (the rules of 2012)."""
    return inventory.site_of(world).cloud.health_rules != GUIDE


def judged(world: World, relation: Relation) -> tuple[str, tuple[str, ...]]:
    """Health now and its reasons; by the guide's rules without reading facts.

    Those of the batch under way count as well: health must not depend on when a commit falls.
    """
    if not counts(world) or relation.state == replication.STOPPED:
        return judge(world, relation, {})
    told = [*facts.of(world.store, relation.id), *_unwritten(world, relation.id)]
    found = measure(world, relation.id, told)
    return found.health, found.details


def _unwritten(world: World, vm: str) -> list[Fact]:
    return [fact for fact in world.facts.unwritten() if fact["entity"] == vm]


def health(world: World, relation: Relation) -> str:
    """Health now, as one word; by the guide's rules without reading facts."""
    if not counts(world) or relation.state == replication.STOPPED:
        return _guides_health(world, relation)
    return _all_healths(world)[relation.id]


def _all_healths(world: World) -> dict[str, str]:
    """Health of all VMs, from one look at the facts: whoever asks for one asks for the next one too."""
    key = (world.facts.total, world.now)
    known, found = world.cache.get("healths", (None, {}))
    if known != key:
        told: dict[str, list[Fact]] = {relation.id: [] for relation in world.all(Relation)}
        # Of the cycles those of this monitoring interval alone count.
        before = facts.count_until(world.store, interval_at(world.now, inventory.site_of(world).offset_min)[0])
        counting = facts.read(world.store, before)
        written = itertools.chain(facts.read(world.store, 0, before, without="cycle"), counting)
        for fact in itertools.chain(written, world.facts.unwritten()):
            if fact["entity"] in told:
                told[fact["entity"]].append(fact)
        found = {vm: measure(world, vm, those).health for vm, those in told.items()}
        world.cache["healths"] = (key, found)
    return dict(found)


def _critical(world: World, relation: Relation) -> list[str]:
    """The primary cannot send, or has to be compared (facts.md 1.6)."""
    found = ["resync"] if relation.state in (RESYNC, RESYNCHRONISING) else []
    if not world.get(Line, relation.direction).connected or inventory.state(world).dark:
        found.append("cannot send")
    if relation.paused and relation.paused_at == "replica":
        found.append("replica paused")
    if not found and relation.failed and not relation.retry:
        found.append(relation.error)  # nothing is tried again before a person has done something
    return found


def _warning(world: World, relation: Relation, counted: dict[str, Any]) -> list[str]:
    """More than a fifth of the cycles missed, an hour behind, slow, not through, or paused (facts.md 1.6)."""
    found = []
    if relation.state == INITIAL:
        found.append("initial")
    if counted["missed_count"] * 5 > counted["expected_count"]:
        found.append("missed")
    if relation.state == REPLICATING and world.now - relation.cut > HOUR:
        found.append("behind")
    if counted["average_latency"] > relation.frequency:
        found.append("slow")
    if relation.paused and relation.paused_at != "replica":
        found.append("paused")
    if relation.failed:
        found.append("retrying")
    return found
