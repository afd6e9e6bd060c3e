"""Initial replication: a snapshot of the source goes over the line, piece by piece (facts.md 1.2, rule 2.9-1).

What is not zeros is sent, disk after disk; at a failback what differs from the site's own disks. Each piece that has
arrived is appended to the replica's record as blocks.
Writes of the guest meanwhile stay in the change log and go as the first cycle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from labkit.disks import record
from labkit.disks.blocks import BLOCK
from labkit.engine import resources
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.replication import keys, line, stops
from labkit.replication.line import Flow
from labkit.replication.relation import Relation, announce, on_the_wire, overhead

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def start(world: World, relation: Relation) -> None:
    """Take the snapshot and send the first piece; :func:`announce` tells when the last one has arrived."""
    machine = world.get(Machine, relation.machine)
    guests.settle(world, machine, "cycle")
    relation.snapshot, relation.piece = world.now, [0, 0]
    world.fact("initial.started", relation.id, bytes=size(world, relation))
    if not relation.offline:
        _send_piece(world, relation)


def bring(world: World, relation: Relation) -> None:
    """Import what was exported at the start and carried there: all of the snapshot, none of it over the line."""
    replica = record.set_of(world, relation.replica)
    moved = 0
    for disk in range(len(replica.sizes)):
        snapshot = _snapshot(world, relation, disk)
        record.append_blocks(world, replica, disk, snapshot.blocks, snapshot.stamps, key=keys.of(world, replica))
        moved += len(snapshot.blocks) * BLOCK
    relation.piece = [len(replica.sizes), 0]
    world.fact("initial.imported", relation.id, bytes=moved)
    _send_piece(world, relation)


def size(world: World, relation: Relation) -> int:
    """Bytes that initial replication has to send."""
    disks = record.set_of(world, relation.source)
    return sum(len(_snapshot(world, relation, disk).blocks) * BLOCK for disk in range(len(disks.sizes)))


def arrived(world: World, relation: Relation) -> int:
    """Bytes of the snapshot that have arrived."""
    disk, sent = relation.piece
    whole = sum(len(_snapshot(world, relation, earlier).blocks) for earlier in range(disk))
    return (whole + sent) * BLOCK


class _Snapshot(NamedTuple):
    """What is to be sent of one disk: the numbers of its blocks, and their stamps. Kept: not as large as the disk."""

    blocks: NDArray[np.int64]
    stamps: NDArray[np.int64]


def _snapshot(world: World, relation: Relation, disk: int) -> _Snapshot:
    kept: dict[int, _Snapshot] = world.cache.setdefault(("snapshot", relation.id, relation.snapshot), {})
    if disk in kept:
        return kept[disk]
    made = _make(world, relation, disk)
    if world.now > relation.snapshot:  # at its own instant the guest may still write: a shut-down is part of it
        kept[disk] = made
    return made


def _make(world: World, relation: Relation, disk: int) -> _Snapshot:
    import numpy as np

    from labkit.disks.digest import differing

    source = record.set_of(world, relation.source)
    place = record.place_at(source, relation.snapshot)
    if relation.compared is None:
        stamps = record.fold(world, source, disk, place, count=record.extent(world, source, disk))
        blocks = np.flatnonzero(stamps != 0)  # of truth values: nine times as fast as of numbers
        return _Snapshot(blocks, stamps[blocks])
    ours, replica = record.frozen(world, source, disk, place), record.set_of(world, relation.replica)
    theirs = record.frozen(world, replica, disk, relation.compared, keys.of(world, replica))
    blocks = differing(ours, theirs)
    return _Snapshot(blocks, ours.stamps[blocks])


def go_on(world: World, relation: Relation) -> None:
    """What kept a piece from being sent is over: it is sent anew."""
    if relation.snapshot and not relation.offline and not complete(world, relation):
        _send_piece(world, relation)


def _send_piece(world: World, relation: Relation) -> None:
    """Send the next piece, if the site has power; past the last one, tell that all has arrived."""
    if stops.dark(world, relation):
        return
    disks = record.set_of(world, relation.source)
    disk, sent = relation.piece
    while disk < len(disks.sizes):
        count = min(_piece_blocks(), len(_snapshot(world, relation, disk).blocks) - sent)
        if count > 0:
            relation.piece = [disk, sent]
            if error := stops.blocked(world, relation):
                stops.fail(world, relation, error)
                return
            size = on_the_wire(relation, count * BLOCK) + overhead()["piece"]
            line.send(world, relation.direction, "initial", relation.id, size)
            return
        disk, sent = disk + 1, 0
    relation.piece = [disk, 0]
    world.cache.pop(("snapshot", relation.id, relation.snapshot), None)
    world.fact("initial.ended", relation.id)
    announce(world, relation)


def _piece_blocks() -> int:
    return int(resources.yaml("replication.yml")["piece_blocks"])


@line.arrival("initial")
def _piece_arrived(world: World, flow: Flow) -> None:
    relation = world.get(Relation, flow.target)
    stops.arrived(world, relation)
    disk, sent = relation.piece
    snapshot = _snapshot(world, relation, disk)
    blocks, stamps = (found[sent : sent + _piece_blocks()] for found in snapshot)
    replica = record.set_of(world, relation.replica)
    record.append_blocks(world, replica, disk, blocks, stamps, key=keys.of(world, replica))
    relation.piece = [disk, sent + len(blocks)]
    world.fact("initial.piece", relation.id, disk=disk, blocks=len(blocks), bytes=flow.size, started=flow.started)
    _send_piece(world, relation)


def complete(world: World, relation: Relation) -> bool:
    """Whether every piece of the snapshot has arrived."""
    return relation.piece[0] >= len(record.set_of(world, relation.source).sizes)
