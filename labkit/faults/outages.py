"""What a trainer can break at the site and on the line, and how it is mended.

Symptoms: while the line is lost, RPO climbs and nothing arrives; when the site is lost, its guests are dead as after a
power failure, and VMM cannot be reached.
"""

from __future__ import annotations

from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.faults.host import CRASH
from labkit.guest import machine as guests
from labkit.guest.machine import SITE, Machine
from labkit.recovery.item import ProtectedItem
from labkit.replication import initial, line, resync
from labkit.replication import relation as replication
from labkit.replication.relation import INITIAL, REPLICATING, RESYNC, RESYNCHRONISING, Relation
from labkit.site import inventory


def _wake(world: World) -> None:
    """Jobs that wait for the line or the site look again."""
    for job in world.all(JobRecord):
        jobs.resume(world, job)


def lose_line(world: World) -> None:
    """Pull the plug between site and Azure."""
    line.set_connected(world, False)
    _wake(world)


def restore_line(world: World) -> None:
    """Put the plug back."""
    line.set_connected(world, True)
    _wake(world)


def lose_site(world: World) -> None:
    """The whole site loses power at this instant; 900530 when it is lost already."""
    site = inventory.state(world)
    if site.lost_at:
        raise LabError(900530)
    site.lost_at = world.now
    world.fact("site.lost", "site")
    site.ran = [machine.id for machine in world.all(Machine) if machine.side == SITE and machine.run]
    for name in site.ran:
        power_failure(world, world.get(Machine, name))
    for relation in world.all(Relation):
        replication.halt(world, relation)  # nothing is left that could send or receive
    _wake(world)


def power_failure(world: World, machine: Machine) -> None:
    """One guest dies: what its application had taken is on its disk, and nothing is flushed."""
    guests.power_off(world, machine, clean=False)


def restore_site(world: World) -> None:
    """Power is back: VMs start that ran before and are not active in Azure, replication goes on; else 900531."""
    site = inventory.state(world)
    if not site.lost_at:
        raise LabError(900531)
    site.lost_at = 0
    world.fact("site.restored", "site")
    for name in site.ran:
        machine = world.get(Machine, name)
        if not _elsewhere(world, machine) and not machine.run:
            guests.power_on(world, machine)
    for relation in world.all(Relation):
        _replicate_again(world, relation, site.ran)
    _wake(world)


def _replicate_again(world: World, relation: Relation, ran: list[str]) -> None:
    """After a power failure: the log of a VM that ran was not closed cleanly (facts.md 1.8); others go on."""
    if relation.state == INITIAL:
        initial.go_on(world, relation)
    elif relation.state == RESYNC:
        resync.schedule(world, relation)
    elif relation.state == RESYNCHRONISING or (relation.state == REPLICATING and relation.machine in ran):
        replication.require(world, relation, CRASH)
    elif relation.state == REPLICATING:
        replication.go_on(world, relation)


def _elsewhere(world: World, machine: Machine) -> bool:
    item = world.find(ProtectedItem, machine.name)
    return item is not None and item.point is not None
