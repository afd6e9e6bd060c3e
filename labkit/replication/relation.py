"""A replication relation: from one machine's disks, over the line, to a replica, in cycles.

One cycle: the change log is swapped (its *cut*), what the guest wrote since the last cut goes over the line, and when
the last byte has arrived it is appended to the replica's record. A late cycle delays the next one, which then begins
at once; there is never more than one under way (facts.md 1.3).
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import msgspec

from labkit.disks import record, streams
from labkit.disks.blocks import PAGE
from labkit.disks.record import SPAN, DiskSet
from labkit.engine import resources
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.units import HOUR, MINUTE, SECOND
from labkit.engine.world import Entity, World, entity
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.replication import changelog, line, points
from labkit.replication.line import Flow
from labkit.replication.points import Point
from labkit.site import inventory

INITIAL, REPLICATING, STOPPED = "initial", "replicating", "stopped"
RESYNC, RESYNCHRONISING = "resync-required", "resynchronising"
NORMAL, CRITICAL = "Normal", "Critical"
FREQUENCIES = (30 * SECOND, 5 * MINUTE, 15 * MINUTE)

Span = tuple[int, int, int]  # run, after, upto


class Log(msgspec.Struct, array_like=True):
    """A swapped change log: what was written in ``(after, upto]``, and whether a freeze made it consistent."""

    after: int
    upto: int
    size: int
    started: int
    kind: str


@entity("relation", parts="points")
class Relation(Entity):
    """``id`` is the VM's name. ``cut``: source time of the newest log wholly applied; ``swapped``: of the last cut.

    ``snapshots``: hours between snapshots that freeze the guest (0: none, rule 2.7-6), ``frozen``: the last one.
    ``compared``: what initial replication compares with (failback: the site's disks as they were); ``stopped``: since
    when nothing is sent any more. ``logged``: bytes of the logs as last counted (``changelog``); ``reason`` of a
    resynchronisation, ``staging``: the set in which it gathers what has arrived.
    """

    machine: str
    source: int
    replica: int
    direction: str
    frequency: int
    retention: int
    snapshots: int = 0
    frozen: int = 0
    state: str = INITIAL
    snapshot: int = 0
    piece: list[int] = msgspec.field(default_factory=lambda: [0, 0])
    cut: int = 0
    swapped: int = 0
    anchor: int = 0
    timer: int = 0
    flight: Log | None = None
    final: bool = False
    cycles: int = 0
    missed: int = 0
    late: bool = False
    last_late: bool = False
    next_point: int = 1
    points: list[Point] = msgspec.field(default_factory=list)
    faults: list[str] = msgspec.field(default_factory=list)
    held: list[Log] = msgspec.field(default_factory=list)
    compared: record.Place | None = None
    stopped: int = 0
    logged: list[int] = msgspec.field(default_factory=list)
    paused: bool = False
    reason: str = ""
    staging: int = 0

    def rpo(self, now: int) -> int:
        """RPO in ms: now minus the cut of the newest log wholly applied."""
        return now - self.cut

    def overran(self, now: int) -> bool:
        """Whether the last cycle, or the one under way, did not end within the frequency."""
        under_way = self.flight is not None and now - self.flight.started > self.frequency
        return self.last_late or under_way

    def health(self, now: int) -> str:
        """The guide's rule (2.9-4): critical from the first cycle that overran until one that did not.

        Critical too from the moment a resynchronisation is required until it has ended (facts.md 1.8).
        """
        if self.state in (RESYNC, RESYNCHRONISING):
            return CRITICAL
        return CRITICAL if self.state == REPLICATING and self.overran(now) else NORMAL


@functools.cache
def overhead() -> dict[str, int]:
    """Bytes beside the data itself: of a cycle, of a piece of initial replication (``data/replication.yml``)."""
    return dict(resources.yaml("replication.yml")["overhead"])


# Called in order; each looks for itself whether the news concerns it.
WAITERS: list[Callable[[World, Relation], None]] = []


def announce(world: World, relation: Relation) -> None:
    """Tell the layer above that something a job may wait for has happened."""
    for waiter in WAITERS:
        waiter(world, relation)


# --- spans of the source ----------------------------------------------------------------------------------------------


def spans(world: World, disks: DiskSet, after: int, upto: int) -> list[Span]:
    """What was written into a live set in ``(after, upto]``, run by run."""
    if not disks.segments:
        return []  # nobody has written since the base was moved up
    last = disks.segments[-1]
    if last.kind == SPAN and last.after <= after:
        return [(last.run, after, min(upto, last.upto))] if last.upto > after else []
    found = []
    for segment in disks.segments:
        if segment.kind == SPAN and segment.upto > after and segment.after < upto:
            found.append((segment.run, max(after, segment.after), min(upto, segment.upto)))
    return found


def pages(world: World, disks: DiskSet, after: int, upto: int) -> int:
    """Distinct 4 KiB pages written in ``(after, upto]``."""
    total = 0
    for run, first, last in spans(world, disks, after, upto):
        total += streams.pages_written(world, streams.run_of(world, run), first, last)
    return total


def pending(world: World, relation: Relation, now: int) -> int:
    """Bytes written at the source and not yet applied at the replica: what would be lost now."""
    source = record.set_of(world, relation.source)
    return pages(world, source, relation.cut, now) * PAGE


# --- cycles -----------------------------------------------------------------------------------------------------------


def begin(world: World, relation: Relation) -> None:
    """Initial replication is done: the replica shows the snapshot; the first log goes at once, then on the grid."""
    machine = world.get(Machine, relation.machine)
    relation.state = REPLICATING
    relation.paused = False
    relation.cut = relation.swapped = relation.frozen = relation.snapshot
    _add_point(relation, points.CRASH, record.now_place(record.set_of(world, relation.replica), world.now))
    # Cuts lie on the guest's grid of 30 s slots, so that a cycle in time covers whole slots.
    phase = guests.phase(world, machine)
    slots = -((phase - world.now) // (30 * SECOND))
    relation.anchor = (phase + slots * 30 * SECOND) % relation.frequency
    _tell_grid(world, relation)
    _schedule(world, relation)
    swap(world, relation)
    if relation.reason:  # a disk was changed behind the log's back during initial replication
        require(world, relation, relation.reason)


def _tell_grid(world: World, relation: Relation) -> None:
    """From now on cycles are due at instants congruent to ``anchor`` modulo ``frequency`` (ms)."""
    world.fact("grid", relation.id, anchor=relation.anchor, frequency=relation.frequency)


def change(world: World, relation: Relation, frequency: int, retention: int, snapshots: int) -> None:
    """Other settings from now on (rule 2.7-10); the points are thinned by them at the next cycle.

    The new frequency's grid has the old one's anchor, which lies on the guest's slots for any of them.
    """
    relation.frequency, relation.retention, relation.snapshots = frequency, retention, snapshots
    if relation.state == REPLICATING:
        _tell_grid(world, relation)
        if not (relation.late or relation.paused or relation.final or inventory.state(world).dark):
            _schedule(world, relation)


def _schedule(world: World, relation: Relation) -> None:
    rest = (relation.anchor - world.now - 1) % relation.frequency + 1
    world.timers.cancel(relation.timer)
    relation.timer = world.after(rest, "cycle.due", relation.id, priority=30)


@on("cycle.due")
def _due(world: World, timer: Timer) -> None:
    relation = world.get(Relation, timer.entity)
    if relation.paused:
        _watch_log(world, relation)
    elif relation.flight is None:
        _schedule(world, relation)
        swap(world, relation)
    else:
        relation.late = True
        _watch_log(world, relation)


def _watch_log(world: World, relation: Relation) -> None:
    """Nothing can be sent: a log that has grown too large ends in a resynchronisation (facts.md 1.8)."""
    source = record.set_of(world, relation.source)
    relation.logged = changelog.count(world, source, relation.cut, relation.logged)
    if relation.direction == line.UP and relation.logged[2] > changelog.limit(source):
        require(world, relation, "log full")
    else:
        wait = int(resources.yaml("replication.yml")["log_check_ms"])
        relation.timer = world.after(wait, "log.check", relation.id, priority=30)


@on("log.check")
def _check_log(world: World, timer: Timer) -> None:
    _watch_log(world, world.get(Relation, timer.entity))


def _freeze(world: World, relation: Relation, machine: Machine) -> str:
    """The kind of the next recovery point; a guest is frozen for it when a snapshot is due and the guest runs."""
    if not relation.snapshots or not machine.up_at or world.now < relation.frozen + relation.snapshots * HOUR:
        return points.CRASH
    return points.APPLICATION if machine.os.startswith("Windows") else points.FILES


def swap(world: World, relation: Relation) -> None:
    """Swap the change log now and send what it holds; nothing while the site has no power (:func:`go_on` does then)."""
    if inventory.state(world).dark or relation.paused or relation.state != REPLICATING:
        return
    machine = world.get(Machine, relation.machine)
    kind = _freeze(world, relation, machine)
    guests.settle(world, machine, "cycle" if kind == points.CRASH else "freeze")
    source = record.set_of(world, relation.source)
    size = pages(world, source, relation.swapped, world.now) * PAGE + overhead()["cycle"]
    relation.flight = Log(relation.swapped, world.now, size, world.now, kind)
    relation.swapped = world.now
    line.send(world, relation.direction, "cycle", relation.id, size)


@line.arrival("cycle")
def _arrived(world: World, flow: Flow) -> None:
    relation = world.get(Relation, flow.target)
    log = relation.flight
    assert log is not None
    relation.flight = None
    replica = record.set_of(world, relation.replica)
    if relation.faults or relation.held:
        _apply_badly(world, relation, replica, log)
    else:
        _apply(world, relation, replica, log)
    late, relation.late = relation.late, False
    relation.cut = log.upto
    if log.kind != points.CRASH:
        relation.frozen = log.upto
    relation.cycles += 1
    relation.missed += late
    relation.last_late = late
    _add_point(relation, log.kind, record.now_place(replica, world.now))
    points.keep(relation.points, relation.frequency, relation.retention)
    frozen = {} if log.kind == points.CRASH else {"consistency": log.kind}
    world.fact("cycle", relation.id, cut=log.upto, bytes=log.size, started=log.started, late=int(late), **frozen)
    if late and not relation.final:
        _schedule(world, relation)
        swap(world, relation)
    if relation.final:
        announce(world, relation)


def _apply(world: World, relation: Relation, replica: DiskSet, log: Log) -> None:
    source = record.set_of(world, relation.source)
    for run, after, upto in spans(world, source, log.after, log.upto):
        record.append_span(world, replica, run, after, upto)


def _apply_badly(world: World, relation: Relation, replica: DiskSet, log: Log) -> None:
    """What a trainer broke: the relation believes that all is well, the replica's record says what arrived."""
    if relation.held:
        again = relation.held.pop()
        _apply(world, relation, replica, log)
        _apply(world, relation, replica, again)
        return
    fault = relation.faults.pop(0)
    if fault == "cut":
        log_part = Log(log.after, (log.after + log.upto) // 2, log.size, log.started, log.kind)
        _apply(world, relation, replica, log_part)
    elif fault == "double":
        _apply(world, relation, replica, log)
        relation.held.append(log)
    elif fault == "swap":
        relation.held.append(log)
    # "drop": nothing of this log is laid over the replica.


def _add_point(relation: Relation, kind: str, place: record.Place) -> None:
    relation.points.append(Point(relation.next_point, relation.cut, kind, place))
    relation.next_point += 1


# --- the end ----------------------------------------------------------------------------------------------------------


def finish(world: World, relation: Relation, upto: int) -> bool:
    """Send what was written until ``upto`` and then no more; True when all of it has arrived.

    Called once the source has stopped writing; :func:`announce` tells when a log has arrived, and it is asked again.
    """
    if relation.state in (RESYNC, RESYNCHRONISING):
        raise LabError(900546, vm=relation.id)
    world.timers.cancel(relation.timer)
    if relation.flight is not None:
        relation.final = True
        return False
    relation.paused = False  # whoever wants the rest has the last word
    if relation.swapped >= upto:
        relation.final = False
        return True
    relation.final = True
    swap(world, relation)
    return False


def halt(world: World, relation: Relation) -> None:
    """Transfers under way are gone; a log that was under way is swapped again later, as a whole."""
    world.timers.cancel(relation.timer)
    line.cancel(world, relation.id)
    if relation.flight is not None:
        relation.swapped, relation.flight, relation.late = relation.flight.after, None, False


def pause(world: World, relation: Relation) -> None:
    """Send nothing until :func:`resume`; writes go on being logged. 900548 unless it replicates and is not paused."""
    if relation.state not in (REPLICATING, RESYNCHRONISING) or relation.paused or relation.final:
        raise LabError(900548, vm=relation.id)
    halt(world, relation)
    relation.paused = True
    world.fact("replication.paused", relation.id)
    if relation.state == REPLICATING:
        _watch_log(world, relation)


def require(world: World, relation: Relation, reason: str) -> None:
    """Resynchronisation is required: nothing is sent or logged any more (facts.md 1.8); ``reason`` is told."""
    if relation.state not in (REPLICATING, RESYNCHRONISING):
        return
    halt(world, relation)
    drop_staging(world, relation)
    relation.state, relation.reason, relation.paused, relation.final = RESYNC, reason, False, False
    world.fact("resync.required", relation.id, reason=reason)
    for waiter in WHEN_REQUIRED:
        waiter(world, relation)
    announce(world, relation)


# What schedules the resynchronisation (the layer of it is above this one).
WHEN_REQUIRED: list[Callable[[World, Relation], None]] = []


def drop_staging(world: World, relation: Relation) -> None:
    """Forget what a resynchronisation has brought over so far."""
    if relation.staging:
        record.delete(world, record.set_of(world, relation.staging))
        relation.staging = 0


def stop(world: World, relation: Relation) -> None:
    """End replication: transfers under way are gone, the replica stays as it is."""
    world.timers.cancel(relation.timer)
    line.cancel(world, relation.id)
    drop_staging(world, relation)
    relation.flight, relation.paused, relation.final, relation.late = None, False, False, False
    relation.state, relation.stopped = STOPPED, world.now


def go_on(world: World, relation: Relation) -> None:
    """What kept the log from being sent is over: the next one goes at once, then on the grid."""
    if relation.flight is None:
        if not relation.final:
            _schedule(world, relation)
        swap(world, relation)


def remove(world: World, relation: Relation) -> None:
    """End replication and forget it."""
    stop(world, relation)
    world.remove(relation)
