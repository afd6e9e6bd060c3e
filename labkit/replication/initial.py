"""Initial replication: a snapshot of the source goes over the line, piece by piece (facts.md 1.2, rule 2.9-1).

What is not zeros is sent, disk after disk. Each piece that has arrived is appended to the replica's record as blocks.
Writes of the guest meanwhile stay in the change log and go as the first cycle.
"""

from __future__ import annotations

from labkit.disks import record
from labkit.disks.blocks import BLOCK
from labkit.engine import resources
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.replication import line
from labkit.replication.line import Flow
from labkit.replication.relation import Relation, announce, overhead


def start(world: World, relation: Relation) -> None:
    """Take the snapshot and send the first piece; :func:`announce` tells when the last one has arrived."""
    machine = world.get(Machine, relation.machine)
    guests.settle(world, machine, "cycle")
    relation.snapshot, relation.piece = world.now, [0, 0]
    world.fact("initial.started", relation.id, bytes=size(world, relation))
    _send_piece(world, relation)


def size(world: World, relation: Relation) -> int:
    """Bytes that initial replication has to send: all blocks of the snapshot that are not zeros."""
    disks = record.set_of(world, relation.source)
    return sum(len(_blocks(world, relation, disk)) * BLOCK for disk in range(len(disks.sizes)))


def arrived(world: World, relation: Relation) -> int:
    """Bytes of the snapshot that have arrived."""
    disk, sent = relation.piece
    whole = sum(len(_blocks(world, relation, earlier)) for earlier in range(disk))
    return (whole + sent) * BLOCK


def _stamps(world: World, relation: Relation, disk: int):  # type: ignore[no-untyped-def]
    key = ("snapshot", relation.id)
    found = world.cache.get(key)
    if found is None or found[0] != (relation.snapshot, disk):
        source = record.set_of(world, relation.source)
        stamps = record.fold(world, source, disk, record.place_at(source, relation.snapshot))
        found = world.cache[key] = ((relation.snapshot, disk), stamps)
    return found[1]


def _blocks(world: World, relation: Relation, disk: int):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.flatnonzero(_stamps(world, relation, disk))


def _send_piece(world: World, relation: Relation) -> None:
    """Send the next piece; past the last one, tell that all has arrived."""
    disks = record.set_of(world, relation.source)
    disk, sent = relation.piece
    while disk < len(disks.sizes):
        count = min(_piece_blocks(), len(_blocks(world, relation, disk)) - sent)
        if count > 0:
            relation.piece = [disk, sent]
            line.send(world, relation.direction, "initial", relation.id, count * BLOCK + overhead()["piece"])
            return
        disk, sent = disk + 1, 0
    relation.piece = [disk, 0]
    world.cache.pop(("snapshot", relation.id), None)
    world.fact("initial.ended", relation.id)
    announce(world, relation)


def _piece_blocks() -> int:
    return int(resources.yaml("replication.yml")["piece_blocks"])


@line.arrival("initial")
def _piece_arrived(world: World, flow: Flow) -> None:
    relation = world.get(Relation, flow.target)
    disk, sent = relation.piece
    blocks = _blocks(world, relation, disk)[sent : sent + _piece_blocks()]
    stamps = _stamps(world, relation, disk)[blocks]
    record.append_blocks(world, record.set_of(world, relation.replica), disk, blocks, stamps)
    relation.piece = [disk, sent + len(blocks)]
    world.fact("initial.piece", relation.id, disk=disk, blocks=len(blocks), bytes=flow.size, started=flow.started)
    _send_piece(world, relation)


def complete(world: World, relation: Relation) -> bool:
    """Whether every piece of the snapshot has arrived."""
    return relation.piece[0] >= len(record.set_of(world, relation.source).sizes)
