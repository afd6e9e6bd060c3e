"""Cycles of replication: the change log is swapped, sent, applied; one after the other (facts.md 1.3).

At the swap, the log's *cut*, what the guest wrote since the last cut goes over the line; when the last byte has arrived
it is appended to the replica's record. A late cycle delays the next one, which then begins at once; there is never more
than one under way.
"""

from __future__ import annotations

from labkit.disks import record
from labkit.disks.blocks import PAGE
from labkit.disks.record import DiskSet
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.units import HOUR, SECOND
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.replication import alerts, changelog, keys, line, points, stops
from labkit.replication.line import Flow
from labkit.replication.points import Point
from labkit.replication.relation import (
    NORMAL,
    REPLICATING,
    RESYNC,
    RESYNCHRONISING,
    STOPPED,
    Log,
    Relation,
    announce,
    on_the_wire,
    overhead,
)
from labkit.site import inventory


def begin(world: World, relation: Relation) -> None:
    """Initial replication is done: the replica shows the snapshot; the first log goes at once, then on the grid."""
    machine = world.get(Machine, relation.machine)
    relation.state = REPLICATING
    relation.paused, relation.failed, relation.error = False, 0, ""
    relation.cut = relation.swapped = relation.frozen = relation.snapshot
    relation.compared = None
    _add_point(relation, points.CRASH, record.now_place(record.set_of(world, relation.replica), world.now))
    # Cuts lie on the guest's grid of 30 s slots, so that a cycle in time covers whole slots.
    phase = guests.phase(world, machine)
    slots = -((phase - world.now) // (30 * SECOND))
    relation.anchor = (phase + slots * 30 * SECOND) % relation.frequency
    _tell_grid(world, relation)
    _schedule(world, relation)
    swap(world, relation)
    alerts.look(world, relation)
    if relation.reason:  # a disk was changed behind the log's back during initial replication
        stops.require(world, relation, relation.reason)


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
        if not (_waits(relation) or inventory.state(world).dark):
            _schedule(world, relation)


def _waits(relation: Relation) -> bool:
    """Whether the next swap is not that of the grid."""
    awaits = relation.failed and relation.flight is None
    return bool(relation.late or relation.paused or relation.final or awaits)


def _schedule(world: World, relation: Relation) -> None:
    rest = (relation.anchor - world.now - 1) % relation.frequency + 1
    world.timers.cancel(relation.timer)
    relation.timer = world.after(rest, "cycle.due", relation.id, priority=30)


@on("cycle.due")
def _due(world: World, timer: Timer) -> None:
    relation = world.get(Relation, timer.entity)
    if relation.paused:
        stops.watch_log(world, relation)
    elif relation.flight is None:
        _schedule(world, relation)
        swap(world, relation)
    else:
        relation.late = True
        stops.watch_log(world, relation)


def _freeze(world: World, relation: Relation, machine: Machine) -> str:
    """The kind of the next recovery point; a guest is frozen for it when a snapshot is due and the guest runs.

    A snapshot that fails is tried again an interval later; the log goes without it (facts.md 1.5).
    """
    if not machine.up_at or world.now < relation.frozen + relation.snapshots * HOUR:
        return points.CRASH
    reason = stops.no_snapshot(world, relation, machine)
    if reason:
        relation.frozen = world.now
        world.fact("snapshot.failed", relation.id, reason=reason)
        alerts.tell(world, relation, "snapshot")
        return points.CRASH
    return points.APPLICATION if machine.windows else points.FILES


def swap(world: World, relation: Relation) -> None:
    """Swap the change log now and send what it holds; nothing while the site has no power (:func:`go_on` does then)."""
    if relation.paused or relation.state != REPLICATING or stops.dark(world, relation):
        return
    if error := stops.blocked(world, relation):
        stops.fail(world, relation, error)
        return
    now, machine = world.now, world.get(Machine, relation.machine)
    kind = _freeze(world, relation, machine) if relation.snapshots else points.CRASH
    if machine.application is not None:
        guests.settle(world, machine, "cycle" if kind == points.CRASH else "freeze")
    source = record.set_of(world, relation.source)
    data = changelog.pages(world, source, relation.swapped, now) * PAGE
    size = on_the_wire(relation, data) + overhead()["cycle"]
    relation.flight = Log(relation.swapped, now, size, now, kind)
    relation.swapped = now
    line.send(world, relation.direction, "cycle", relation.id, size)


@line.arrival("cycle")
def _arrived(world: World, flow: Flow) -> None:
    relation = world.get(Relation, flow.target)
    log = relation.flight
    assert log is not None
    relation.flight = None
    if relation.failed:
        stops.arrived(world, relation)
    known = relation.points
    if (relation.faults or (known and known[-1].cut != log.after)) and (reason := _refused(relation, log)):
        stops.require(world, relation, reason)
        return
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
    if relation.first_hour:
        points.keep(relation.points, relation.frequency, relation.retention)
    else:
        points.keep_hourly(relation.points, relation.retention)
    frozen = {} if log.kind == points.CRASH else {"consistency": log.kind}
    world.fact("cycle", relation.id, cut=log.upto, bytes=log.size, started=log.started, late=int(late), **frozen)
    if late and not relation.final:
        _schedule(world, relation)
        swap(world, relation)
    if late or relation.told != NORMAL:
        alerts.look(world, relation, urgent=False)
    if relation.final:
        announce(world, relation)


def _refused(relation: Relation, log: Log) -> str:
    """Why the replica does not take a log (facts.md 1.8): it does not follow on what is there, or is damaged itself."""
    if relation.points and relation.points[-1].cut != log.after:
        return "out of sequence"
    if relation.faults[:1] == ["corrupt"] and not relation.held:
        del relation.faults[0]
        return "invalid log"
    return ""


def _apply(world: World, relation: Relation, replica: DiskSet, log: Log) -> None:
    source = record.set_of(world, relation.source)
    found = changelog.spans(world, source, log.after, log.upto)
    if replica.sealed:
        record.append_log(world, replica, found, keys.of(world, replica))
    else:
        for run, after, upto in found:
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


def finish(world: World, relation: Relation, upto: int) -> bool:
    """Send what was written until ``upto`` and then no more; True when all of it has arrived.

    Called once the source has stopped writing; :func:`announce` tells when a log has arrived, and it is asked again.
    """
    if relation.state in (RESYNC, RESYNCHRONISING):
        raise LabError(900546, vm=relation.id)
    if relation.final and relation.failed:
        return False  # whoever asks again does not hurry the next attempt
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


def take_up(world: World, relation: Relation) -> None:
    """Replicate again after :func:`stops.stop`, where nothing has taken over; compared, if the log was worthless."""
    if relation.state != STOPPED:
        return
    relation.state, relation.stopped, relation.swapped = REPLICATING, 0, relation.cut
    _tell_grid(world, relation)
    if relation.reason:
        stops.require(world, relation, relation.reason)
    else:
        go_on(world, relation)


def keep_on(world: World, relation: Relation) -> None:
    """A planned failover was given up: cycles go on as before, or wait for the next attempt, or for a person."""
    relation.final = False
    if relation.state != REPLICATING or (relation.failed and relation.flight is None):
        return
    if world.timers.due(relation.timer) is None:
        go_on(world, relation)


def go_on(world: World, relation: Relation) -> None:
    """What kept the log from being sent is over: the next one goes at once, then on the grid."""
    if not relation.final:
        _schedule(world, relation)
    if relation.flight is None:
        swap(world, relation)
