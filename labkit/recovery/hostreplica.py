"""Plain Hyper-V Replica: replication from host to host, without VMM and vault (rule 1.1-2; facts.md 1.3, 1.4, 1.12, 6).

Each VM has two machines, ``site/NAME`` and ``replica/NAME``, of which one is active. The relation goes from the active
one's disks to the other's; turned round, it goes the other way, and what is alike does not cross the line.
"""

from __future__ import annotations

from typing import Any

from labkit.disks import record
from labkit.disks.record import DiskSet
from labkit.engine.errors import LabError
from labkit.engine.names import unknown
from labkit.engine.world import Entity, World, entity
from labkit.guest import machine as guests
from labkit.guest.machine import SITE, Machine
from labkit.recovery import evidence, failover, vault
from labkit.recovery.item import ProtectedItem
from labkit.replication import cycles, initial, line, statistics, stops
from labkit.replication import relation as replication
from labkit.replication.points import Point
from labkit.replication.relation import INITIAL, REPLICATING, STOPPED, Relation
from labkit.site import inventory

REPLICA = "replica"
INITIALISING, ENABLED, PREPARING = "WaitingForInitialReplication", "Replicating", "PreparingPlannedFailover"
WAITING, FAILED_OVER = "FailedOverWaitingCompletion", "FailedOver"
# (state, operation) -> state. The names of states follow Msvm_ReplicationRelationship (facts.md 1.7).
TABLE: dict[tuple[str, str], str] = {
    (INITIALISING, "ImportInitialReplica"): INITIALISING,
    (INITIALISING, "Begin"): ENABLED,
    (INITIALISING, "Remove"): "",
    (ENABLED, "TestFailover"): ENABLED,
    (ENABLED, "EndTest"): ENABLED,
    (ENABLED, "PlannedFailover"): PREPARING,
    (ENABLED, "Failover"): WAITING,
    (ENABLED, "Remove"): "",
    (PREPARING, "Switch"): INITIALISING,
    (PREPARING, "CancelPlannedFailover"): ENABLED,
    (WAITING, "Cancel"): ENABLED,
    (WAITING, "Complete"): FAILED_OVER,
    (FAILED_OVER, "Reverse"): INITIALISING,
    (FAILED_OVER, "Remove"): "",
}
_BY_ITSELF = ("Begin", "Switch")
MOST_POINTS = {"Windows Server 2012 R2": 24, "Windows Server 2012": 15}  # additional ones, hourly; facts.md 1.4


@entity("host-replica")
class HostReplica(Entity):
    """``id`` is the VM's name; ``active``: the side that runs it; ``test``: whether a test VM is there.

    ``settings``: frequency (ms), points, app_consistent (h), ratio (per mille). From an unplanned failover until it is
    completed, ``replica`` is the set the replica had before, ``point`` the recovery point used.
    """

    host: str
    settings: dict[str, int]
    active: str = SITE
    state: str = INITIALISING
    replica: int = 0
    point: Point | None = None
    test: bool = False


def get(world: World, vm: str) -> HostReplica:
    """The replica of a VM on a host; 900581 when it has none, 900010 when there is no such VM."""
    found = world.find(HostReplica, vm)
    if found is None:
        inventory.machine(world, vm)
        raise LabError(900581, vm=vm)
    return found


def allowed(replica: HostReplica) -> tuple[str, ...]:
    """What may be asked for now."""
    found = [operation for state, operation in TABLE if state == replica.state and operation not in _BY_ITSELF]
    if replica.test:
        return tuple(operation for operation in found if operation in ("EndTest", "Failover"))
    return tuple(operation for operation in found if operation != "EndTest")


def _request(replica: HostReplica, operation: str) -> None:
    if operation not in allowed(replica):
        raise LabError(900582, vm=replica.id, operation=operation, state=replica.state, allowed=allowed(replica))


def _move(world: World, replica: HostReplica, operation: str) -> None:
    replica.state = TABLE[replica.state, operation]
    world.fact("replica.state", replica.id, state=replica.state, operation=operation)


def active(world: World, replica: HostReplica) -> Machine:
    """The machine that runs, or would run, the VM."""
    return world.get(Machine, f"{replica.active}/{replica.id}")


def standby(world: World, replica: HostReplica) -> Machine:
    """The machine on the other host."""
    return world.get(Machine, f"{_other(replica)}/{replica.id}")


def _other(replica: HostReplica) -> str:
    return REPLICA if replica.active == SITE else SITE


# --- enabling ---------------------------------------------------------------------------------------------------------


def check(world: World, settings: dict[str, int]) -> None:
    """Refuse settings that hosts of this system do not know (900514, rule 1.1-1; facts.md 1.4, 1.5)."""
    system = inventory.site_of(world).servers.host_os
    vault.check_frequency(world, settings["frequency"])
    count, snapshots = settings["points"], settings["app_consistent"]
    if not 0 <= count <= MOST_POINTS[system]:
        raise LabError(900514, setting="points", found=count, values=f"0-{MOST_POINTS[system]}")
    if not 0 <= snapshots <= min(12, count):  # it must be less often than there are points
        raise LabError(900514, setting="app_consistent", found=snapshots, values=f"0-{min(12, count)} h")


def enable(world: World, vm: str, host: str, settings: dict[str, int], *, offline: bool) -> None:
    """Replicate a VM to a host of the replica site; initial replication begins at once, or is exported.

    900580 without a replica site, 900010 for a host it has not, 900583 when the VM is replicated already.
    """
    machine, site = inventory.machine(world, vm), inventory.site_of(world)
    if site.replica_site is None:
        raise LabError(900580)
    if host not in site.replica_site.hosts:
        raise unknown("host", host, site.replica_site.hosts)
    taken = (ProtectedItem, vm), (HostReplica, vm), (Machine, f"{REPLICA}/{vm}")
    if any(world.find(kind, name) is not None for kind, name in taken):
        raise LabError(900583, vm=vm)
    check(world, settings)
    disks = record.set_of(world, machine.disks)
    copy = record.create(world, vm, REPLICA, disks.names, disks.sizes)
    guests.twin(world, machine, f"{REPLICA}/{vm}", vm, REPLICA, copy.number)
    replica = world.add(HostReplica(vm, host, settings))
    world.fact("replica.enabled", vm, host=host, **settings)
    _relate(world, replica, offline=offline)


def _relate(world: World, replica: HostReplica, *, offline: bool = False, compare: bool = False) -> Relation:
    """The relation from the active machine to the other; ``compare``: what is alike there is not sent."""
    source, target, settings = active(world, replica), standby(world, replica), replica.settings
    there = record.set_of(world, target.disks)
    made = world.add(
        Relation(
            id=replica.id,
            machine=source.id,
            source=source.disks,
            replica=target.disks,
            direction=line.LAN if replica.active == SITE else line.LAN_BACK,
            frequency=settings["frequency"],
            retention=settings["points"],
            snapshots=settings["app_consistent"],
            ratio=settings["ratio"],
            first_hour=False,
            offline=offline,
            there=replica.host,
            compared=record.now_place(there, world.now) if compare else None,
        )
    )
    initial.start(world, made)
    return made


def bring(world: World, replica: HostReplica) -> None:
    """Import at the replica what was exported; 900584 unless it was."""
    _request(replica, "ImportInitialReplica")
    relation = world.get(Relation, replica.id)
    if not relation.offline or initial.complete(world, relation):
        raise LabError(900584, vm=replica.id)
    initial.bring(world, relation)


def _announced(world: World, relation: Relation) -> None:
    """Initial replication is through, or a last log has arrived."""
    replica = world.find(HostReplica, relation.id)
    if replica is None:
        return
    if replica.state == INITIALISING and relation.state == INITIAL and initial.complete(world, relation):
        cycles.begin(world, relation)
        _move(world, replica, "Begin")
    elif replica.state == PREPARING:
        _try_switch(world, replica)


replication.WAITERS.append(_announced)


# --- test -------------------------------------------------------------------------------------------------------------


def test_failover(world: World, replica: HostReplica, number: int | None) -> None:
    """A machine "NAME - Test" from a recovery point, not connected; replication goes on (facts.md 1.12)."""
    _request(replica, "TestFailover")
    relation = world.get(Relation, replica.id)
    point = failover.point_of(relation, number)
    guests.settle(world, active(world, replica), "cycle")
    parent = record.set_of(world, relation.replica)
    name = _test_name(replica)
    disks = record.overlay(world, parent, point.place, name, _other(replica))
    machine = guests.twin(world, standby(world, replica), f"{disks.side}/{name}", name, disks.side, disks.number)
    replica.test = True
    _move(world, replica, "TestFailover")
    _keep(world, replica, "TestFailover", machine, point)
    guests.power_on(world, machine)


def _test_name(replica: HostReplica) -> str:
    return f"{replica.id} - Test"


def end_test(world: World, replica: HostReplica) -> None:
    """Delete the test machine with all it wrote."""
    _request(replica, "EndTest")
    machine = world.get(Machine, f"{_other(replica)}/{_test_name(replica)}")
    _delete(world, machine)
    replica.test = False
    _move(world, replica, "EndTest")


def _delete(world: World, machine: Machine) -> None:
    guests.power_off(world, machine, clean=False)
    record.delete(world, guests.disks_of(world, machine))
    world.remove(machine)


def _keep(world: World, replica: HostReplica, operation: str, target: Machine, point: Point) -> None:
    source = active(world, replica)
    evidence.take(world, operation=operation, job="", triggered=world.now, source=source, target=target, point=point)
    world.fact("replica.failover", replica.id, operation=operation, point=point.number, cut=point.cut)


# --- planned ----------------------------------------------------------------------------------------------------------


def planned(world: World, replica: HostReplica) -> None:
    """From the primary: the VM is off, the rest is sent, the other machine starts, replication turns round by itself.

    900550 while the VM runs, 900530 while the site has no power. A last log that cannot be sent is tried again.
    """
    _request(replica, "PlannedFailover")
    machine = active(world, replica)
    if machine.run:
        raise LabError(900550, vm=replica.id, found=machine.state)
    _reachable(world)
    _move(world, replica, "PlannedFailover")
    _try_switch(world, replica)


def cancel_planned(world: World, replica: HostReplica) -> None:
    """Give a planned failover up before the rest has arrived; replication goes on as before."""
    _request(replica, "CancelPlannedFailover")
    relation = world.get(Relation, replica.id)
    relation.final = False
    _move(world, replica, "CancelPlannedFailover")
    if not relation.failed:
        cycles.go_on(world, relation)


def _reachable(world: World) -> None:
    if inventory.state(world).dark:
        raise LabError(900530)


def _try_switch(world: World, replica: HostReplica) -> None:
    relation = world.get(Relation, replica.id)
    if relation.state != REPLICATING or not cycles.finish(world, relation, active(world, replica).stopped_at):
        return
    target, point = standby(world, replica), relation.points[-1]
    stops.stop(world, relation)
    _keep(world, replica, "PlannedFailover", target, point)
    stops.remove(world, relation)
    _move(world, replica, "Switch")
    replica.active = _other(replica)
    guests.power_on(world, target)
    _relate(world, replica, compare=True)


def shut_down(world: World, replica: HostReplica) -> None:
    """Shut the VM down where it is active; 900553 when it is off."""
    machine = active(world, replica)
    if not machine.run:
        raise LabError(900553, vm=replica.id, found=machine.state)
    guests.power_off(world, machine, clean=True)


# --- unplanned --------------------------------------------------------------------------------------------------------


def unplanned(world: World, replica: HostReplica, number: int | None) -> None:
    """From the replica, to a recovery point; 900585 while the VM runs: it must not run twice (facts.md 1.12)."""
    _request(replica, "Failover")
    source, target = active(world, replica), standby(world, replica)
    if source.run:
        raise LabError(900585, vm=replica.id)
    relation = world.get(Relation, replica.id)
    point = failover.point_of(relation, number)
    if replica.test:
        end_test(world, replica)
    stops.halt(world, relation)
    stops.stop(world, relation)
    parent = record.set_of(world, relation.replica)
    replica.replica, replica.point = parent.number, point
    target.disks = record.overlay(world, parent, point.place, replica.id, target.side).number
    _move(world, replica, "Failover")
    _keep(world, replica, "UnplannedFailover", target, point)
    guests.power_on(world, target)


def cancel(world: World, replica: HostReplica) -> None:
    """Before it is completed: the replica is as it was, what the failed-over VM wrote is gone, replication goes on."""
    _request(replica, "Cancel")
    _reachable(world)
    target = standby(world, replica)
    guests.power_off(world, target, clean=False)
    record.delete(world, guests.disks_of(world, target))
    target.disks, replica.replica, replica.point = replica.replica, 0, None
    _move(world, replica, "Cancel")
    relation = world.get(Relation, replica.id)
    relation.state, relation.stopped = REPLICATING, 0
    if relation.reason:  # the primary's host crashed before
        stops.require(world, relation, relation.reason)
    else:
        cycles.go_on(world, relation)


def complete(world: World, replica: HostReplica) -> None:
    """Make it final: the recovery points are merged. The VM is not replicated until it is turned round by hand."""
    _request(replica, "Complete")
    target = standby(world, replica)
    record.flatten(world, guests.disks_of(world, target))
    record.delete(world, record.set_of(world, replica.replica))
    stops.remove(world, world.get(Relation, replica.id))
    replica.replica, replica.point = 0, None
    _move(world, replica, "Complete")
    replica.active = _other(replica)


def reverse(world: World, replica: HostReplica) -> None:
    """Turn replication round by hand: the old primary is compared and becomes the replica; 900550 while it runs."""
    _request(replica, "Reverse")
    _reachable(world)
    old = standby(world, replica)
    if old.run:
        raise LabError(900550, vm=replica.id, found=old.state)
    _move(world, replica, "Reverse")
    _relate(world, replica, compare=True)


# --- the end ----------------------------------------------------------------------------------------------------------


def remove(world: World, replica: HostReplica) -> None:
    """Remove replication; the machine that is not active is deleted with its disks, the site's VM never is."""
    _request(replica, "Remove")
    relation = world.find(Relation, replica.id)
    if relation is not None:
        stops.remove(world, relation)
    if replica.active == SITE:
        _delete(world, standby(world, replica))
    world.remove(replica)
    world.fact("replica.removed", replica.id)


def describe(world: World, replica: HostReplica) -> dict[str, Any]:
    """A replica as ``labkit status --json`` shows it; ``rpo_ms`` is None while nothing is replicated."""
    relation = world.find(Relation, replica.id)
    here, there = inventory.host_of(world, replica.id), replica.host
    primary, other = (here, there) if replica.active == SITE else (there, here)
    replicates = relation is not None and relation.state not in (INITIAL, STOPPED)
    return {
        "state": replica.state,
        "primary": primary,
        "replica": other,
        "health": statistics.health(world, relation) if relation is not None else replication.NORMAL,
        "rpo_ms": relation.rpo(world.now) if relation is not None and replicates else None,
        "allowed_operations": list(allowed(replica)),
    }


def pairs(world: World) -> list[tuple[Relation, DiskSet, DiskSet]]:
    """For ``verify``: the relation of each replica that stands, the source's disks and the replica's."""
    found = []
    for replica in world.all(HostReplica):
        relation = world.find(Relation, replica.id)
        if relation is not None and relation.state not in (INITIAL, STOPPED) and relation.points:
            source, copy = (record.set_of(world, number) for number in (relation.source, relation.replica))
            found.append((relation, source, copy))
    return found


def elsewhere(world: World, vm: str) -> bool:
    """Whether a VM's other machine has taken over, so that the site's must not start by itself."""
    found = world.find(HostReplica, vm)
    return found is not None and (found.active != SITE or found.state == WAITING)
