"""Damage that nothing in the lab reports by itself: what a replica received wrongly, or lost afterwards.

The relation believes that all is well. Only the replica's record says otherwise, and with it every digest, ``verify``
and every export.
"""

from __future__ import annotations

from labkit.disks import record
from labkit.disks.blocks import BLOCK
from labkit.disks.record import DiskSet, Place
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.recovery import failover, hyperv
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.replication import keys
from labkit.replication.points import Point
from labkit.replication.relation import REPLICATING, Relation
from labkit.replication.resync import STAGING

CYCLES = ("drop", "double", "swap", "cut", "corrupt")


def next_cycle(world: World, vm: str, fault: str) -> None:
    """Damage the next log of a VM: ``drop``, ``double``, ``swap``, ``cut``, or ``corrupt``, which the replica sees."""
    relation = hyperv.relation_of(world, vm)
    if relation.state != REPLICATING:
        raise LabError(900532, vm=vm)
    relation.faults.append(fault)
    world.fact("fault", vm, fault=fault)


def restore_replica(world: World, vm: str, number: int) -> None:
    """Somebody puts an older copy of the replica in its place: that of a recovery point, newer ones are gone with it.

    The next log does not follow on it: a resynchronisation is required (facts.md 1.8). 900522 for a point that is none.
    """
    relation = hyperv.relation_of(world, vm)
    if relation.state != REPLICATING:
        raise LabError(900532, vm=vm)
    point = failover.point_of(relation, number)
    if any(child.parent == relation.replica for child in world.all(DiskSet)):
        raise LabError(900591, vm=vm)  # a test VM stands on it
    record.cut_off(world, record.set_of(world, relation.replica), point.place)
    relation.points = [known for known in relation.points if known.number <= number]
    relation.held.clear()
    world.fact("fault", vm, fault="old replica", to=point.cut)


def flip_block(world: World, vm: str, disk: str, block: int) -> None:
    """Flip one bit (the lowest of byte 0) of one block of the replica, or of the Azure VM's disk after a failover."""
    item = items.get(world, vm)
    if not item.replica:
        raise LabError(900532, vm=vm)
    replica = items.replica(world, item)
    number = guests.disk_number(replica, disk)
    count = -(-replica.sizes[number] // BLOCK)
    if not 0 <= block < count:
        raise LabError(900533, vm=vm, disk=disk, found=block, last=count - 1)
    stands = record.now_place(replica, world.now)
    attached = items.target(world, item)
    if item.point is not None and item.point.place != stands and attached is not None:
        # The VM in Azure runs on an older recovery point: only its own disks are what the guest sees.
        replica, stands = record.set_of(world, attached.disks), record.now_place(replica, world.now)
    key = keys.of(world, replica)
    content = bytearray(record.frozen(world, replica, number, None, key).read(block).ljust(BLOCK, b"\0"))
    content[0] ^= 1
    before = record.frozen(world, replica, number, None, key).read(block)
    record.edit(world, replica, number, block, bytes(content), key)
    _reach(world, item, replica, stands)
    if replica.sealed and attached is not None and item.point is not None:
        _reach_copy(world, record.set_of(world, attached.disks), number, block, before, bytes(content))
    world.fact("fault", vm, fault="flip", disk=disk, block=block)


def _reach(world: World, item: ProtectedItem, replica: DiskSet, before: Place) -> None:
    """What shows the replica as it stands is damaged with it: its newest recovery point, a VM attached to that."""
    after = record.now_place(replica, world.now)
    relation = world.find(Relation, item.id)
    if replica.number != item.replica or relation is None:
        return
    relation.points = [_moved(point, after) if point.place == before else point for point in relation.points]
    if item.point is not None and item.point.place == before:
        item.point = _moved(item.point, after)
    for child in world.all(DiskSet):
        # A comparison under way stays with the replica as it was when it began.
        if child.parent == replica.number and child.place == before and child.side != STAGING:
            child.place = after


def _reach_copy(world: World, copy: DiskSet, disk: int, block: int, before: bytes, after: bytes) -> None:
    """A VM made from a sealed replica has a copy of it: the block is damaged there, too, unless its guest wrote it."""
    if record.frozen(world, copy, disk).read(block) == before:
        record.edit(world, copy, disk, block, after)


def _moved(point: Point, place: Place) -> Point:
    return Point(point.number, point.cut, point.kind, place)
