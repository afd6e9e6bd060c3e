"""What an administrator does to one VM at its host: start, shut down, turn off, pause and resume replication."""

from __future__ import annotations

from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.recovery import item as items
from labkit.replication import resume as resuming
from labkit.replication import stops
from labkit.replication.relation import Relation
from labkit.site import inventory


def start(world: World, vm: str) -> None:
    """Start a VM of the site that is off. A clean stop and start needs no resynchronisation."""
    machine = inventory.machine(world, vm)
    if inventory.state(world).dark:
        raise LabError(900530)
    if machine.run:
        raise LabError(900551, vm=vm, found=machine.state)
    job = jobs.of_target(world, vm)
    if job is not None and job.scenario == "Failback":  # its disks are being written to
        raise LabError(532, vm=vm, operation="-", job=job.id, scenario=job.scenario, task=job.task.name)
    guests.power_on(world, machine)


def stop(world: World, vm: str, *, clean: bool) -> None:
    """Shut a VM down, or turn it off: the guest dies, but its host closes the log in order."""
    machine = inventory.machine(world, vm)
    if not machine.run:
        raise LabError(900553, vm=vm, found=machine.state)
    guests.power_off(world, machine, clean=clean)


def _hosts(world: World) -> None:
    if inventory.state(world).dark:
        raise LabError(900530)


def _relation(world: World, vm: str) -> Relation:
    items.get(world, vm)
    relation = world.find(Relation, vm)
    if relation is None:
        raise LabError(900532, vm=vm)
    return relation


def pause(world: World, vm: str) -> None:
    """Pause replication of a VM; 900530 while no host works."""
    _hosts(world)
    stops.pause(world, _relation(world, vm))


def resume(world: World, vm: str) -> None:
    """Resume it, or try again at once after a failure: the log goes at once."""
    _hosts(world)
    resuming.resume(world, _relation(world, vm))
