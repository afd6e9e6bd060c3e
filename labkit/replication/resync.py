"""Resynchronisation: both sides are compared block by block, and what differs crosses the line (facts.md 1.8).

It begins at a click or by itself in the hours set aside for it. From its first moment writes are logged again. A chunk
of a disk is read at both sides, then its checksums and the blocks that differ are sent; they lie in a differencing set
beside the replica until the last one has arrived, and are then laid over it. The recovery points are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.disks import record
from labkit.disks.blocks import BLOCK
from labkit.engine import resources, units
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.units import DAY, HOUR
from labkit.engine.world import Entity, World, entity
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.replication import changelog, cycles, keys, line, stops
from labkit.replication.line import Flow
from labkit.replication.relation import RESYNC, RESYNCHRONISING, Relation, on_the_wire, overhead
from labkit.site import inventory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STAGING = "staging"


def _figures() -> dict[str, Any]:
    return dict(resources.yaml("replication.yml")["resync"])


# --- when -------------------------------------------------------------------------------------------------------------


@entity("resync-hours")
class Hours(Entity):
    """When a resynchronisation of a VM (``id``) may begin by itself: minutes of the host's day; alike: never."""

    begin: int
    end: int


def hours_of(world: World, vm: str) -> tuple[int, int] | None:
    """Those hours, as set or by default (0:00 to 6:00); None: only at a click."""
    found = world.find(Hours, vm)
    if found is not None:
        return (found.begin, found.end) if found.begin != found.end else None
    first, last = _figures()["window_h"]
    return int(first) * 60, int(last) * 60


def set_hours(world: World, vm: str, window: tuple[int, int] | None) -> None:
    """Change those hours; 900556 for hours that have no length. One that is due already is planned anew."""
    if window is not None and window[0] % 1440 == window[1] % 1440 and window != (0, 1440):
        raise LabError(900556, found=units.show_hours(*window))
    found = world.find(Hours, vm) or world.add(Hours(vm, 0, 0))
    found.begin, found.end = window or (0, 0)
    world.fact("resync.hours", vm, begin=found.begin, end=found.end)
    relation = world.find(Relation, vm)
    if relation is not None and relation.state == RESYNC:
        schedule(world, relation)


def window_opens(now: int, offset_min: int, window: tuple[int, int]) -> int:
    """The first instant, now or later, in such hours (they may go past midnight)."""
    first, last = (minute * 60_000 for minute in window)
    since_midnight = (now + offset_min * 60_000) % DAY
    if (since_midnight - first) % DAY < (last - first) % DAY or last - first == DAY:
        return now
    return now + (first - since_midnight) % DAY


def schedule(world: World, relation: Relation, since: int = 0) -> None:
    """Begin by itself when the hours for it come, now or later, but not before ``since`` (ms)."""
    world.timers.cancel(relation.timer)
    window = hours_of(world, relation.vm)
    if window is None:
        return
    opens = window_opens(max(world.now, since), inventory.site_of(world).offset_min, window)
    relation.timer = world.after(opens - world.now, "resync.window", relation.id, priority=30)


stops.WHEN_REQUIRED.append(schedule)


@on("resync.window")
def _window(world: World, timer: Timer) -> None:
    relation = world.get(Relation, timer.entity)
    if stops.dark(world, relation) or stops.blocked(world, relation):
        relation.timer = world.after(HOUR, "resync.window", relation.id, priority=30)  # not today, if it is not back
    else:
        start(world, relation)


def start(world: World, relation: Relation) -> None:
    """Begin now; 900547 unless it is required."""
    if relation.state != RESYNC:
        raise LabError(900547, vm=relation.id)
    guests.settle(world, world.get(Machine, relation.machine), "cycle")
    replica = record.set_of(world, relation.replica)
    world.timers.cancel(relation.timer)
    relation.state, relation.snapshot, relation.piece = RESYNCHRONISING, world.now, [0, 0]
    relation.logged = []
    relation.staging = record.overlay(world, replica, record.now_place(replica, world.now), relation.id, STAGING).number
    world.fact("resync.started", relation.id, bytes=sum(replica.sizes), reason=relation.reason)
    read(world, relation)


def cancel(world: World, relation: Relation) -> None:
    """Give it up; it starts over next time. 900547 unless one is under way."""
    if relation.state != RESYNCHRONISING:
        raise LabError(900547, vm=relation.id)
    world.fact("resync.cancelled", relation.id)
    stops.require(world, relation, relation.reason)
    window, zone = hours_of(world, relation.vm), inventory.site_of(world).offset_min
    if window is not None and window_opens(world.now, zone, window) == world.now:  # not once more this night
        since_midnight = (world.now + zone * 60_000) % DAY
        schedule(world, relation, world.now + (window[1] * 60_000 - since_midnight) % DAY)


# --- chunk by chunk ---------------------------------------------------------------------------------------------------


def _chunk(world: World, relation: Relation) -> tuple[int, int, int]:
    """Disk, first block and number of blocks of the chunk that is looked at; no blocks: all is done."""
    disks = record.set_of(world, relation.source)
    disk, first = relation.piece
    while disk < len(disks.sizes):
        blocks = -(-disks.sizes[disk] // BLOCK)
        if first < blocks:
            relation.piece = [disk, first]
            return disk, first, min(int(_figures()["chunk_blocks"]), blocks - first)
        disk, first = disk + 1, 0
    relation.piece = [disk, 0]
    return disk, 0, 0


def read(world: World, relation: Relation) -> None:
    """Read the next chunk at both sides; past the last one, all has arrived."""
    _, _, count = _chunk(world, relation)
    if not count:
        _merge(world, relation)
        return
    wait = -(-count * BLOCK * HOUR // int(_figures()["bytes_per_hour"]))
    relation.timer = world.after(wait, "resync.compared", relation.id, priority=30)


@on("resync.compared")
def _compared(world: World, timer: Timer) -> None:
    relation = world.get(Relation, timer.entity)
    source = record.set_of(world, relation.source)
    if changelog.written(world, source, relation.snapshot, world.now - 1) > changelog.limit(source):
        stops.require(world, relation, "log full")  # it took so long that the rule strikes again
        return
    disk, first, count = _chunk(world, relation)
    try:
        found = _differing(world, relation, disk, first, count)
    except LabError as closed:
        if closed.code != 900381:
            raise
        stops.fail(world, relation, "replica state")  # sealed, and it does not open: only a new replica helps
        return
    if error := stops.blocked(world, relation):
        stops.fail(world, relation, error)
        return
    size = on_the_wire(relation, len(found) * BLOCK) + count * int(_figures()["checksum"]) + overhead()["piece"]
    line.send(world, relation.direction, "resync", relation.id, size)


def _differing(world: World, relation: Relation, disk: int, first: int, count: int) -> NDArray[np.int64]:
    """Blocks of a chunk that differ: source and replica as they were at the start."""
    from labkit.disks.digest import differing

    kept: dict[int, Any] = world.cache.setdefault(("resync", relation.id, relation.snapshot), {})
    if disk not in kept:
        begun = record.set_of(world, relation.staging).place
        replica = _replica(world, relation)
        theirs = record.frozen(world, replica, disk, begun, keys.of(world, replica))
        kept[disk] = differing(_source(world, relation, disk), theirs)
    blocks: NDArray[np.int64] = kept[disk]
    return blocks[(blocks >= first) & (blocks < first + count)]


def _source(world: World, relation: Relation, disk: int) -> Any:
    disks = record.set_of(world, relation.source)
    return record.frozen(world, disks, disk, record.place_at(disks, relation.snapshot))


def _replica(world: World, relation: Relation) -> record.DiskSet:
    return record.set_of(world, relation.replica)


@line.arrival("resync")
def _arrived(world: World, flow: Flow) -> None:
    relation = world.get(Relation, flow.target)
    stops.arrived(world, relation)
    disk, first, count = _chunk(world, relation)
    blocks = _differing(world, relation, disk, first, count)
    if len(blocks):
        stamps = _source(world, relation, disk).stamps[blocks]
        staging = record.set_of(world, relation.staging)
        record.append_blocks(world, staging, disk, blocks, stamps, key=keys.of(world, staging))
    relation.piece = [disk, first + count]
    details = {"disk": disk, "first": first, "compared": count, "blocks": len(blocks), "bytes": flow.size}
    world.fact("resync.chunk", relation.id, **details)
    read(world, relation)


def _merge(world: World, relation: Relation) -> None:
    """Lay what has arrived over the replica; the recovery points are gone, the state compared is the first new one."""
    import numpy as np

    staging, replica = record.set_of(world, relation.staging), _replica(world, relation)
    moved, key = 0, keys.of(world, replica)
    content = record.content_of(world, staging, key)
    for segment in staging.segments:
        blocks, stamps = record.cargo(world, staging, segment, key)
        record.append_blocks(world, replica, segment.disk, blocks, stamps, key=key, content=content)
        moved += len(blocks)
    if not moved:  # nothing differed; that too is a beginning for the logs that follow
        nothing = np.zeros(0, np.int64)
        record.append_blocks(world, replica, 0, nothing, nothing, key=key)
    stops.drop_staging(world, relation)
    world.cache.pop(("resync", relation.id, relation.snapshot), None)
    relation.points.clear()
    relation.held.clear()
    relation.last_late = relation.late = False
    relation.reason = ""
    world.fact("resync.ended", relation.id, blocks=moved, since=relation.snapshot)
    cycles.begin(world, relation)


def progress(world: World, relation: Relation) -> tuple[int, int]:
    """Blocks compared so far and in all, while a resynchronisation is under way."""
    sizes = [-(-size // BLOCK) for size in record.set_of(world, relation.source).sizes]
    disk, first = relation.piece
    return sum(sizes[:disk]) + first, sum(sizes)
