"""What makes a log worthless: a host that crashes, a log that cannot be written, disks changed behind its back.

Each leads to a resynchronisation (facts.md 1.8). Symptom: health Critical, RPO climbs although line and site are well.
"""

from __future__ import annotations

from labkit.disks import record, streams
from labkit.disks.blocks import BLOCK
from labkit.disks.record import EDIT, SPAN, DiskSet
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.faults.damage import disk_number
from labkit.guest import machine as guests
from labkit.guest.machine import SITE, Machine
from labkit.recovery import item as items
from labkit.replication import relation as replication
from labkit.replication.relation import REPLICATING, Relation
from labkit.site import inventory

CRASH, LOG_FAILED, EDITED, REVERTED = "host crash", "log write failed", "disk edited", "put back"
_BOOT = 5 * 60_000  # of a host; the lab's own figure


def crash_host(world: World) -> None:
    """The site's hosts stop dead and start again by themselves five minutes later, and their VMs with them."""
    if inventory.state(world).lost_at:
        raise LabError(900530)
    running = [machine for machine in world.all(Machine) if machine.side == SITE and machine.run]
    for machine in running:
        guests.power_off(world, machine, clean=False)
        relation = world.find(Relation, machine.name)
        if relation is not None and relation.state == REPLICATING:
            replication.halt(world, relation)
    world.fact("host.crashed", "site")
    for machine in running:
        world.after(_BOOT, "host.up", machine.id)


@on("host.up")
def _up(world: World, timer: Timer) -> None:
    machine = world.get(Machine, timer.entity)
    if inventory.state(world).lost_at:
        return
    if not machine.run:
        guests.power_on(world, machine)
    not_closed(world, machine)


def not_closed(world: World, machine: Machine) -> None:
    """The log of a VM that ran when its host died was not closed cleanly."""
    relation = world.find(Relation, machine.name)
    if relation is not None:
        replication.require(world, relation, CRASH)


def fail_log(world: World, vm: str) -> None:
    """One write to the VM's log fails."""
    relation = _replicating(world, vm)
    world.fact("fault", vm, fault="log")
    replication.require(world, relation, LOG_FAILED)


def edit_disk(world: World, vm: str, disk: str, block: int) -> None:
    """Somebody mounts a disk of a VM that is off, and changes one bit (the lowest of byte 0) of one block."""
    import numpy as np

    machine = _off(world, vm)
    disks = guests.disks_of(world, machine)
    number = disk_number(disks, disk)
    count = -(-disks.sizes[number] // BLOCK)
    if not 0 <= block < count:
        raise LabError(900533, vm=vm, disk=disk, found=block, last=count - 1)
    content = bytearray(record.frozen(world, disks, number).read(block).ljust(BLOCK, b"\0"))
    content[0] ^= 1
    stamp = streams.store_bytes(world, bytes(content))
    record.append_blocks(world, disks, number, np.array([block]), np.array([stamp]), EDIT)
    world.fact("fault", vm, fault="edit", disk=disk, block=block)
    _changed(world, vm, EDITED)


def revert(world: World, vm: str, back: int) -> None:
    """Put the disks of a VM that is off back to what they were ``back`` ms ago; 900549 when nobody knows that."""
    import numpy as np

    machine = _off(world, vm)
    disks, then = guests.disks_of(world, machine), world.now - back
    place = _place(disks, then, vm)
    for number in range(len(disks.sizes)):
        old, new = record.fold(world, disks, number, place), record.fold(world, disks, number)
        blocks = np.flatnonzero(old != new)
        if len(blocks):
            record.append_blocks(world, disks, number, blocks, old[blocks], EDIT)
    world.fact("fault", vm, fault="revert", to=then)
    _changed(world, vm, REVERTED)


def _place(disks: DiskSet, then: int, vm: str) -> record.Place:
    first = disks.segments[0] if disks.segments else None
    if first is None or then < (first.after if first.kind == SPAN else first.at):
        raise LabError(900552, vm=vm)
    return record.place_at(disks, then)


def _off(world: World, vm: str) -> Machine:
    machine = inventory.machine(world, vm)
    if machine.run:
        raise LabError(900550, vm=vm, found=machine.state)
    return machine


def _replicating(world: World, vm: str) -> Relation:
    items.get(world, vm)
    relation = world.find(Relation, vm)
    if relation is None or relation.state != REPLICATING:
        raise LabError(900532, vm=vm)
    return relation


def _changed(world: World, vm: str, reason: str) -> None:
    relation = world.find(Relation, vm)
    if relation is not None:
        replication.require(world, relation, reason)
