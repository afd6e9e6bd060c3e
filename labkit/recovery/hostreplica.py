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
from labkit.recovery import cloudsettings, remains
from labkit.recovery.item import ProtectedItem
from labkit.replication import cycles, initial, line, statistics, stops
from labkit.replication import relation as replication
from labkit.replication.points import Point
from labkit.replication.relation import INITIAL, STOPPED, Relation
from labkit.site import inventory, servers

REPLICA = "replica"
TEST = "host-test"  # the id of a test machine is "host-test/NAME", at whichever side it is
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


def own(world: World, vm: str) -> HostReplica:
    """As :func:`get`, of a VM that Hyper-V Manager looks after itself; 900893 when Site Recovery does."""
    found = get(world, vm)
    if world.find(ProtectedItem, vm) is not None:
        raise LabError(900893, vm=vm)
    return found


def delete_left(world: World, vm: str) -> None:
    """Delete a VM at the replica site that nothing replicates to any more."""
    left = [m.name for m in world.all(Machine) if m.side == REPLICA and world.find(HostReplica, m.name) is None]
    if vm not in left:
        raise unknown("VM", vm, left)
    delete_machine(world, world.get(Machine, f"{REPLICA}/{vm}"))


def allowed(replica: HostReplica) -> tuple[str, ...]:
    """What may be asked for now."""
    found = [operation for state, operation in TABLE if state == replica.state and operation not in _BY_ITSELF]
    if replica.test:
        return tuple(operation for operation in found if operation in ("EndTest", "Failover"))
    return tuple(operation for operation in found if operation != "EndTest")


def request(replica: HostReplica, operation: str) -> None:
    """Pass, or refuse an operation (900582) with what is allowed."""
    if operation not in allowed(replica):
        raise LabError(900582, vm=replica.id, operation=operation, state=replica.state, allowed=allowed(replica))


def move(world: World, replica: HostReplica, operation: str) -> None:
    """An operation has succeeded: the next state, by the table."""
    replica.state = TABLE[replica.state, operation]
    world.fact("replica.state", replica.id, state=replica.state, operation=operation)


def active(world: World, replica: HostReplica) -> Machine:
    """The machine that runs, or would run, the VM."""
    return world.get(Machine, f"{replica.active}/{replica.id}")


def standby(world: World, replica: HostReplica) -> Machine:
    """The machine on the other host."""
    return world.get(Machine, f"{other(replica)}/{replica.id}")


def by_itself(world: World, replica: HostReplica) -> bool:
    """Whether a switch starts the other machine at once; of a protected item the vault's job does it."""
    return world.find(ProtectedItem, replica.id) is None


def other(replica: HostReplica) -> str:
    """The side that is not active."""
    return REPLICA if replica.active == SITE else SITE


# --- enabling ---------------------------------------------------------------------------------------------------------


def check(settings: dict[str, int], hosts: list[str]) -> None:
    """Refuse settings that not both hosts know, by their systems (900514, rule 1.1-1; facts.md 1.4, 1.5)."""
    cloudsettings.check_frequency(settings["frequency"], hosts)
    most = min(MOST_POINTS.get(system, min(MOST_POINTS.values())) for system in hosts)
    count, snapshots = settings["points"], settings["app_consistent"]
    if type(count) is not int or not 0 <= count <= most:
        raise LabError(900514, setting="points", found=count, values=f"0-{most}")
    if type(snapshots) is not int or not 0 <= snapshots <= min(
        12, count
    ):  # it must be less often than there are points
        raise LabError(900514, setting="app_consistent", found=snapshots, values=f"0-{min(12, count)} h")


def enable(world: World, vm: str, host: str, settings: dict[str, int], *, offline: bool) -> None:
    """Replicate a VM to a host of the replica site; initial replication begins at once, or is exported.

    900580 without a replica site, 900010 for a host it has not, 900583 when the VM is replicated already, 900931 and
    900932 when an earlier protection was not cleaned up.
    """
    machine, site = inventory.machine(world, vm), inventory.site_of(world)
    remains.require_clean(world, vm)
    if site.replica_site is None:
        raise LabError(900580)
    if host not in site.replica_site.hosts:
        raise unknown("host", host, site.replica_site.hosts)
    taken = (ProtectedItem, vm), (HostReplica, vm), (Machine, f"{REPLICA}/{vm}")
    if any(world.find(kind, name) is not None for kind, name in taken):
        raise LabError(900583, vm=vm)
    check(settings, [servers.get(world, name).os for name in (inventory.host_of(world, vm), host)])
    disks = record.set_of(world, machine.disks)
    copy = record.create(world, vm, REPLICA, disks.names, disks.sizes)
    guests.twin(world, machine, f"{REPLICA}/{vm}", vm, REPLICA, copy.number)
    replica = world.add(HostReplica(vm, host, settings))
    world.fact("replica.enabled", vm, host=host, **settings)
    relate(world, replica, offline=offline)


def relate(world: World, replica: HostReplica, *, offline: bool = False, compare: bool = False) -> Relation:
    """The relation from the active machine to the other; ``compare``: what is alike there is not sent."""
    made = make_relation(world, replica, offline=offline, compare=compare)
    initial.start(world, made)
    return made


def make_relation(world: World, replica: HostReplica, *, offline: bool = False, compare: bool = False) -> Relation:
    """The relation of :func:`relate`; initial replication has not begun."""
    source, target, settings = active(world, replica), standby(world, replica), replica.settings
    there = record.set_of(world, target.disks)
    return world.add(
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


def bring(world: World, replica: HostReplica) -> None:
    """Import at the replica what was exported; 900584 unless it was."""
    request(replica, "ImportInitialReplica")
    reachable(world)
    relation = world.get(Relation, replica.id)
    if not relation.offline or initial.complete(world, relation):
        raise LabError(900584, vm=replica.id)
    initial.bring(world, relation)


def reachable(world: World) -> None:
    """Refuse while the site has no power (900530)."""
    if inventory.state(world).dark:
        raise LabError(900530)


def delete_machine(world: World, machine: Machine) -> None:
    """Delete a machine with its disks."""
    guests.power_off(world, machine, clean=False)
    record.delete(world, guests.disks_of(world, machine))
    world.remove(machine)


def _announced(world: World, relation: Relation) -> None:
    """Initial replication is through."""
    replica = world.find(HostReplica, relation.id)
    if replica is None or world.find(ProtectedItem, relation.id) is not None:
        return  # of a protected item the vault's job does it
    if replica.state == INITIALISING and relation.state == INITIAL and initial.complete(world, relation):
        cycles.begin(world, relation)
        move(world, replica, "Begin")


replication.WAITERS.append(_announced)


# --- the end ----------------------------------------------------------------------------------------------------------


def remove(world: World, replica: HostReplica) -> None:
    """Remove replication and the replica with its disks; 900590 while the VM is active at the replica site."""
    request(replica, "Remove")
    if replica.active != SITE:
        raise LabError(900590, vm=replica.id)
    stops.remove(world, world.get(Relation, replica.id))
    delete_machine(world, standby(world, replica))
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
        if world.find(ProtectedItem, replica.id) is not None:
            continue  # looked at as a protected item
        if relation is not None and relation.state not in (INITIAL, STOPPED) and relation.points:
            source, copy = (record.set_of(world, number) for number in (relation.source, relation.replica))
            found.append((relation, source, copy))
    return found


def elsewhere(world: World, vm: str) -> bool:
    """Whether a VM's other machine has taken over, so that the site's must not start by itself."""
    found = world.find(HostReplica, vm)
    return found is not None and (other(found) if found.state == WAITING else found.active) != SITE


def locked(world: World, vm: str) -> bool:
    """Whether a VM must not be started at the site: it is prepared for a failover, or its disks are a replica."""
    found = world.find(HostReplica, vm)
    return found is not None and (found.state == PREPARING or (found.active != SITE and found.state != FAILED_OVER))
