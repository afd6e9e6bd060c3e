"""What an administrator does to one VM at its host: start, shut down, turn off, pause and resume replication."""

from __future__ import annotations

from labkit.engine import jobs, units
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.recovery import hostreplica, states
from labkit.recovery import item as items
from labkit.replication import resume as resuming
from labkit.replication import resync, stops
from labkit.replication.relation import Relation
from labkit.site import inventory, servers
from labkit.site.schema import DATA_DISK_LIMIT, OS_DISK_LIMIT
from labkit.site.vms import VmSettings

# Jobs during which the site's VM must stay off: its last log is being sent, or its disks are being written to.
_AT_WORK = ("PlannedFailover", "Failback")


def start(world: World, vm: str) -> None:
    """Start a VM of the site that is off. A clean stop and start needs no resynchronisation."""
    machine = inventory.machine(world, vm)
    if inventory.state(world).dark:
        raise LabError(900530)
    servers.running(world, inventory.host_of(world, vm))
    if machine.run:
        raise LabError(900551, vm=vm, found=machine.state)
    job = jobs.of_target(world, vm)
    if job is not None and job.scenario in _AT_WORK:
        raise LabError(532, vm=vm, operation="-", job=job.id, scenario=job.scenario, task=job.task.name)
    if hostreplica.locked(world, vm):
        raise LabError(900587, vm=vm)
    if _gone(world, vm):
        raise LabError(900995, vm=vm)
    if held(world, vm):
        raise LabError(900965, vm=vm)
    guests.power_on(world, machine)


def _gone(world: World, vm: str) -> bool:
    """Whether the site's VM was lost and has not been made anew by a failback."""
    found = world.find(VmSettings, vm)
    return found is not None and found.gone


def held(world: World, vm: str) -> bool:
    """Whether a planned failover stands, during which the site's VM cannot be started (rule 3.4-4)."""
    item = world.find(items.ProtectedItem, vm)
    return item is not None and item.state in (states.PLANNED_PENDING, states.PLANNED_COMMITTED)


def stop(world: World, vm: str, *, clean: bool) -> None:
    """Shut a VM down, or turn it off: the guest dies, but its host closes the log in order."""
    machine = inventory.machine(world, vm)
    if not machine.run:
        raise LabError(900553, vm=vm, found=machine.state)
    guests.power_off(world, machine, clean=clean)


def resize(world: World, vm: str, disk: str, size: int) -> None:
    """Make a disk larger; 900572 while the VM is protected, 900573 for a size that is not larger, or too large.

    The new part is zeros. Azure takes disks as they were when protection was enabled (facts.md 1.8).
    """
    disks = guests.disks_of(world, inventory.machine(world, vm))
    number = guests.disk_number(disks, disk)
    if any(world.find(kind, vm) is not None for kind in (items.ProtectedItem, hostreplica.HostReplica)):
        raise LabError(900572, vm=vm, disk=disk)
    most = units.size(OS_DISK_LIMIT if number == 0 else DATA_DISK_LIMIT)
    if not disks.sizes[number] < size <= most or size % 512:
        there, wanted = units.show_size(disks.sizes[number]), units.show_size(size)
        raise LabError(900573, vm=vm, disk=disk, found=wanted, size=there, most=units.show_size(most))
    world.fact("disk.resized", vm, disk=disk, size=size, was=disks.sizes[number])
    disks.sizes[number] = size


def resync_hours(world: World, vm: str, window: tuple[int, int] | None) -> None:
    """When a resynchronisation of a VM may begin by itself (minutes of the host's day); None: only at a click."""
    relation_of(world, vm)
    resync.set_hours(world, vm, window)


def _hosts(world: World) -> None:
    if inventory.state(world).dark:
        raise LabError(900530)


def relation_of(world: World, vm: str) -> Relation:
    """How a VM is replicated, to Azure or to a host; 900010 without such a VM, 900502 or 900532 when it is not."""
    relation = world.find(Relation, vm)
    if relation is None:
        items.get(world, vm)
        raise LabError(900532, vm=vm)
    return relation


def pause(world: World, vm: str, side: str) -> None:
    """Pause replication of a VM on one side; 900530 while no host works, 900571 for a side that is none."""
    _hosts(world)
    if side not in (stops.PRIMARY, stops.REPLICA):
        raise LabError(900571, found=side, choices=f"{stops.PRIMARY}, {stops.REPLICA}")
    stops.pause(world, relation_of(world, vm), side)


def resume(world: World, vm: str) -> None:
    """Resume it, or try again at once after a failure: the log goes at once. A failback that fails is resumed, too."""
    _hosts(world)
    back = world.find(Relation, f"failback/{vm}")
    resuming.resume(world, back if back is not None else relation_of(world, vm))
