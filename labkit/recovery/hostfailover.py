"""Failover of plain Hyper-V Replica: test, planned, unplanned, and turning replication round (facts.md 1.12)."""

from __future__ import annotations

from labkit.disks import record
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import SITE, Machine
from labkit.recovery import evidence, failover
from labkit.recovery.hostreplica import (
    PREPARING,
    TEST,
    HostReplica,
    active,
    allowed,
    by_itself,
    delete_machine,
    move,
    other,
    reachable,
    relate,
    request,
    standby,
)  # fmt: skip
from labkit.recovery.item import ProtectedItem
from labkit.replication import cycles, stops
from labkit.replication import relation as replication
from labkit.replication.points import Point
from labkit.replication.relation import REPLICATING, RESYNC, RESYNCHRONISING, Relation
from labkit.site import servers


def _announced(world: World, relation: Relation) -> None:
    """A last log has arrived, or none will."""
    replica = world.find(HostReplica, relation.id)
    if replica is not None and replica.state == PREPARING:
        _try_switch(world, replica)


replication.WAITERS.append(_announced)


# --- test -------------------------------------------------------------------------------------------------------------


def _powered(world: World, replica: HostReplica) -> None:
    """Refuse to start a machine at the site while that has no power (900530), or on a host that is off (900621)."""
    if other(replica) == SITE:
        reachable(world)
    else:
        servers.running(world, replica.host)


def test_failover(world: World, replica: HostReplica, number: int | str | None) -> None:
    """A machine "NAME - Test" from a recovery point, not connected; replication goes on (facts.md 1.12)."""
    request(replica, "TestFailover")
    _powered(world, replica)
    relation = _compared(world, replica)
    point = failover.point_of(relation, number)
    guests.settle(world, active(world, replica), "cycle")
    parent = record.set_of(world, relation.replica)
    name = _test_name(replica)
    disks = record.overlay(world, parent, point.place, name, other(replica))
    machine = guests.twin(world, standby(world, replica), _test_id(replica), name, disks.side, disks.number)
    replica.test = True
    move(world, replica, "TestFailover")
    _keep(world, replica, "TestFailover", machine, point)
    _start(world, replica, machine)


def _test_name(replica: HostReplica) -> str:
    return f"{replica.id} - Test"


def _test_id(replica: HostReplica) -> str:
    return f"{TEST}/{replica.id}"


def end_test(world: World, replica: HostReplica) -> None:
    """Delete the test machine with all it wrote."""
    request(replica, "EndTest")
    machine = world.get(Machine, _test_id(replica))
    delete_machine(world, machine)
    replica.test = False
    move(world, replica, "EndTest")


def _keep(world: World, replica: HostReplica, operation: str, target: Machine, point: Point) -> None:
    source, job = active(world, replica), _asked_by(world, replica)
    name, triggered = ("", world.now) if job is None else (job.id, job.started)
    evidence.take(world, operation=operation, job=name, triggered=triggered, source=source, target=target, point=point)
    world.fact("replica.failover", replica.id, operation=operation, point=point.number, cut=point.cut)


def _asked_by(world: World, replica: HostReplica) -> JobRecord | None:
    """The vault's job that switches; None where Hyper-V Manager does."""
    item = world.find(ProtectedItem, replica.id)
    return world.find(JobRecord, item.job) if item is not None and item.job else None


def _start(world: World, replica: HostReplica, machine: Machine) -> None:
    if by_itself(world, replica):
        guests.power_on(world, machine)


# --- planned ----------------------------------------------------------------------------------------------------------


def planned(world: World, replica: HostReplica) -> None:
    """From the primary: the VM is off, the rest is sent, the other machine starts, replication turns round by itself.

    Of a protected item it does not start here: the vault's job has a task for that, which a recovery plan can hold.
    900550 while the VM runs, 900530 while the site has no power. A last log that cannot be sent is tried again.
    """
    request(replica, "PlannedFailover")
    machine = active(world, replica)
    if machine.run:
        raise LabError(900550, vm=replica.id, found=machine.state)
    reachable(world)
    _compared(world, replica)
    move(world, replica, "PlannedFailover")
    _try_switch(world, replica)


def cancel_planned(world: World, replica: HostReplica) -> None:
    """Give a planned failover up before the rest has arrived; replication goes on as before."""
    request(replica, "CancelPlannedFailover")
    relation = world.get(Relation, replica.id)
    move(world, replica, "CancelPlannedFailover")
    cycles.keep_on(world, relation)


def _compared(world: World, replica: HostReplica) -> Relation:
    """The relation; 900546 while both sides are being compared, or have to be (facts.md 1.8)."""
    relation = world.get(Relation, replica.id)
    if relation.state in (RESYNC, RESYNCHRONISING):
        raise LabError(900546, vm=replica.id)
    return relation


def _try_switch(world: World, replica: HostReplica) -> None:
    relation = world.get(Relation, replica.id)
    if relation.state == RESYNC:  # the rest cannot be sent as a log any more
        move(world, replica, "CancelPlannedFailover")
        return
    if relation.state != REPLICATING or active(world, replica).run:
        return
    if not cycles.finish(world, relation, active(world, replica).stopped_at):
        return
    target, point = standby(world, replica), relation.points[-1]
    stops.stop(world, relation)
    _keep(world, replica, "PlannedFailover", target, point)
    stops.remove(world, relation)
    move(world, replica, "Switch")
    replica.active = other(replica)
    _start(world, replica, target)
    relate(world, replica, compare=True)


def start(world: World, replica: HostReplica) -> None:
    """Start the VM where it is active; 900551 when it runs, 900582 while a planned failover is prepared."""
    machine = active(world, replica)
    if replica.state == PREPARING:
        raise LabError(900582, vm=replica.id, operation="Start", state=replica.state, allowed=allowed(replica))
    if machine.side == SITE:
        reachable(world)
    if machine.run:
        raise LabError(900551, vm=replica.id, found=machine.state)
    guests.power_on(world, machine)


def shut_down(world: World, replica: HostReplica) -> None:
    """Shut the VM down where it is active; 900553 when it is off."""
    machine = active(world, replica)
    if not machine.run:
        raise LabError(900553, vm=replica.id, found=machine.state)
    guests.power_off(world, machine, clean=True)


# --- unplanned --------------------------------------------------------------------------------------------------------


def unplanned(world: World, replica: HostReplica, number: int | str | None, *, beside: bool = False) -> None:
    """From the replica, to a recovery point; 900585 while the VM runs: it must not run twice (facts.md 1.12).

    ``beside``: Site Recovery lets it run on (rule 3.5-3); what it writes from now on is lost when it is turned round.
    """
    request(replica, "Failover")
    _powered(world, replica)
    source, target = active(world, replica), standby(world, replica)
    if source.run and not beside:
        raise LabError(900585, vm=replica.id)
    guests.settle(world, source, "cycle")
    relation = world.get(Relation, replica.id)
    point = failover.point_of(relation, number)
    if replica.test:
        end_test(world, replica)
    stops.halt(world, relation)
    stops.stop(world, relation)
    parent = record.set_of(world, relation.replica)
    replica.replica, replica.point = parent.number, point
    target.disks = record.overlay(world, parent, point.place, replica.id, target.side).number
    move(world, replica, "Failover")
    _keep(world, replica, "UnplannedFailover", target, point)
    _start(world, replica, target)


def cancel(world: World, replica: HostReplica) -> None:
    """Before it is completed: the replica is as it was, what the failed-over VM wrote is gone, replication goes on."""
    request(replica, "Cancel")
    reachable(world)
    target = standby(world, replica)
    guests.power_off(world, target, clean=False)
    record.delete(world, guests.disks_of(world, target))
    target.disks, replica.replica, replica.point = replica.replica, 0, None
    move(world, replica, "Cancel")
    cycles.take_up(world, world.get(Relation, replica.id))


def change_point(world: World, replica: HostReplica, number: int | str | None) -> None:
    """Before it is completed: the failed-over VM starts again from another recovery point; what it wrote is gone."""
    request(replica, "Cancel")
    point = failover.point_of(world.get(Relation, replica.id), number)
    target = standby(world, replica)
    guests.power_off(world, target, clean=False)
    record.delete(world, guests.disks_of(world, target))
    parent = record.set_of(world, replica.replica)
    target.disks = record.overlay(world, parent, point.place, replica.id, target.side).number
    replica.point = point
    _keep(world, replica, "ChangePit", target, point)
    _start(world, replica, target)


def complete(world: World, replica: HostReplica) -> None:
    """Make it final: the recovery points are merged. The VM is not replicated until it is turned round by hand."""
    request(replica, "Complete")
    target = standby(world, replica)
    record.flatten(world, guests.disks_of(world, target))
    record.delete(world, record.set_of(world, replica.replica))
    stops.remove(world, world.get(Relation, replica.id))
    replica.replica, replica.point = 0, None
    move(world, replica, "Complete")
    replica.active = other(replica)


def reverse(world: World, replica: HostReplica) -> None:
    """Turn replication round by hand: the old primary is compared and becomes the replica; 900550 while it runs."""
    request(replica, "Reverse")
    reachable(world)
    old = standby(world, replica)
    if old.run:
        raise LabError(900550, vm=replica.id, found=old.state)
    move(world, replica, "Reverse")
    relate(world, replica, compare=True)
