"""A VM's disks at one side, as a base and an ordered record of what was laid over it.

The record is the only thing an image is made of: a replica's segments are appended by initial replication and by
cycles, when they arrive, and by nothing else. Two consecutive spans of a run are joined, so that an undisturbed day is
one segment. A :class:`Place` names a state in the past of the same record: all segments before ``seq``, and segment
``seq`` as far as ``upto``.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec

from labkit.disks import streams
from labkit.disks.blocks import BLOCK, REAL
from labkit.disks.streams import OPEN
from labkit.engine.world import Entity, World, entity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from labkit.disks.frozen import Frozen

SPAN, CARGO, EDIT = 0, 1, 2
_CHUNK = 4_096  # blocks of a base chunk: 256 MiB of disk


class Place(msgspec.Struct, array_like=True, frozen=True):
    """A state of a record: segments below ``seq`` whole, segment ``seq`` as far as ``upto`` (ms)."""

    seq: int
    upto: int


class Segment(msgspec.Struct, array_like=True):
    """What was laid over the disks. SPAN: a run's writes in ``(after, upto]``; CARGO and EDIT: blocks of one disk.

    ``at`` is when it was laid (for a span: when its first part was).
    """

    seq: int
    kind: int
    at: int
    run: int = 0
    after: int = 0
    upto: int = 0
    disk: int = 0


@entity("disks")
class DiskSet(Entity):
    """All disks of a VM at one side. ``sizes`` in bytes; a set with a ``parent`` starts as the parent at ``place``."""

    number: int
    machine: str
    side: str
    names: list[str]
    sizes: list[int]
    segments: list[Segment] = msgspec.field(default_factory=list)
    parent: int = 0
    place: Place = Place(0, 0)
    base: Place = Place(0, 0)
    next_seq: int = 1


def create(world: World, machine: str, side: str, names: list[str], sizes: list[int]) -> DiskSet:
    """A set of empty disks."""
    number = world.next("disks")
    return world.add(DiskSet(str(number), number, machine, side, list(names), list(sizes)))


def overlay(world: World, parent: DiskSet, place: Place, machine: str, side: str) -> DiskSet:
    """A set that starts as another one at a place of its past and goes its own way from there."""
    child = create(world, machine, side, parent.names, parent.sizes)
    child.parent, child.place = parent.number, place
    return child


def delete(world: World, disks: DiskSet) -> None:
    """Remove a set with all that only it holds."""
    for key, _ in world.chunks.items(disks.number):
        world.chunks.drop(key)
    for key, _ in world.cargo.items(disks.number):
        world.cargo.drop(key)
    world.remove(disks)


def set_of(world: World, number: int) -> DiskSet:
    """A set by its number."""
    return world.get(DiskSet, str(number))


# --- appending --------------------------------------------------------------------------------------------------------


def _append(world: World, disks: DiskSet, kind: int, **details: int) -> Segment:
    segment = Segment(disks.next_seq, kind, world.now, **details)
    disks.next_seq += 1
    disks.segments.append(segment)
    return segment


def append_span(world: World, disks: DiskSet, run: int, after: int, upto: int) -> None:
    """A log that arrived: what ``run`` wrote in ``(after, upto]``."""
    last = disks.segments[-1] if disks.segments else None
    if last is not None and last.kind == SPAN and last.run == run and last.upto == after:
        last.upto = upto
    else:
        _append(world, disks, SPAN, run=run, after=after, upto=upto)


def append_blocks(
    world: World, disks: DiskSet, disk: int, blocks: NDArray[np.int64], stamps: NDArray[np.int64], kind: int = CARGO
) -> None:
    """Blocks that arrived one by one (initial replication, failback), or were changed by hand (``EDIT``)."""
    segment = _append(world, disks, kind, disk=disk)
    body = blocks.astype("<i8").tobytes() + stamps.astype("<i8").tobytes()
    world.cargo.put((disks.number, segment.seq, 0), zlib.compress(body, 1))


def close_span(disks: DiskSet, upto: int) -> None:
    """A guest that wrote into this set has stopped."""
    for segment in disks.segments:
        if segment.kind == SPAN and segment.upto == OPEN:
            segment.upto = upto


# --- folding ----------------------------------------------------------------------------------------------------------


def now_place(disks: DiskSet, now: int) -> Place:
    """The state of a record as it stands."""
    last = disks.segments[-1] if disks.segments else None
    if last is None:
        return disks.base
    return Place(last.seq, min(last.upto, now) if last.kind == SPAN else 0)


def place_at(disks: DiskSet, at: int) -> Place:
    """The state of a *live* set (a guest writes into it) at an instant of the past."""
    known = [segment for segment in disks.segments if segment.at <= at]
    if not known:
        return disks.base
    last = known[-1]
    return Place(last.seq, min(last.upto, at) if last.kind == SPAN else 0)


def extent(world: World, disks: DiskSet, disk: int) -> int:
    """How many blocks from the front may hold something: behind them a disk, however large, is zeros."""
    found = [extent(world, set_of(world, disks.parent), disk)] if disks.parent else [0]
    found += [(number + 1) * _CHUNK for _, _, number in world.chunks.keys(disks.number, disk)]
    for segment in disks.segments:
        if segment.kind == SPAN:
            found.append(streams.extent(world, streams.run_of(world, segment.run), disk))
        elif segment.disk == disk:
            found.append(int(cargo(world, disks, segment)[0].max(initial=-1)) + 1)
    return min(max(found), -(-disks.sizes[disk] // BLOCK))


def fold(
    world: World, disks: DiskSet, disk: int, place: Place | None = None, count: int | None = None
) -> NDArray[np.int64]:
    """The stamps of one disk (``int64``, one per block) at a place, by default as the record stands.

    ``count``: of so many blocks from the front only, not less than its :func:`extent`.
    """
    import numpy as np

    place = place or now_place(disks, world.now)
    if disks.parent:
        stamps = fold(world, set_of(world, disks.parent), disk, disks.place, count)
    else:
        stamps = np.zeros(-(-disks.sizes[disk] // BLOCK) if count is None else count, np.int64)
    _read_base(world, disks, disk, stamps)
    for segment in disks.segments:
        if segment.seq > place.seq:
            break
        _lay(world, disks, segment, disk, stamps, place.upto if segment.seq == place.seq else OPEN)
    return stamps


def _lay(world: World, disks: DiskSet, segment: Segment, disk: int, stamps: NDArray[np.int64], limit: int) -> None:
    if segment.kind == SPAN:
        run = streams.run_of(world, segment.run)
        streams.fold(world, run, disk, stamps, segment.after, min(segment.upto, limit, world.now))
    elif segment.disk == disk:
        blocks, values = cargo(world, disks, segment)
        stamps[blocks] = values


def cargo(world: World, disks: DiskSet, segment: Segment) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Blocks and stamps of a CARGO or EDIT segment."""
    import numpy as np

    body = world.cargo.get((disks.number, segment.seq, 0))
    if body is None:
        raise LookupError(f"cargo {segment.seq} of disks {disks.number} is missing")
    both = np.frombuffer(zlib.decompress(body), "<i8")
    return both[: len(both) // 2], both[len(both) // 2 :]


def frozen(world: World, disks: DiskSet, disk: int, place: Place | None = None) -> Frozen:
    """One disk at a place, ready to be read, compared, digested or exported."""
    from labkit.disks.frozen import Frozen

    stamps = fold(world, disks, disk, place)
    return Frozen(disks.sizes[disk], stamps, streams.reader(world))


# --- the base ---------------------------------------------------------------------------------------------------------


def _read_base(world: World, disks: DiskSet, disk: int, stamps: NDArray[np.int64]) -> None:
    import numpy as np

    for (_, _, chunk), body in world.chunks.items(disks.number, disk):
        values = np.frombuffer(zlib.decompress(body), "<i8")
        part = stamps[chunk * _CHUNK : chunk * _CHUNK + len(values)]
        np.copyto(part, values[: len(part)], where=values[: len(part)] >= 0)


def rebase(world: World, disks: DiskSet, place: Place) -> None:
    """Move the base up to a place; states before it cannot be looked at any more. The content does not change."""
    for disk in range(len(disks.sizes)):
        _write_base(world, disks, disk, fold(world, disks, disk, place, extent(world, disks, disk)))
    kept = []
    for segment in disks.segments:
        if segment.seq > place.seq:
            kept.append(segment)
        elif segment.kind != SPAN:
            world.cargo.drop((disks.number, segment.seq, 0))
        elif segment.seq == place.seq and segment.upto > place.upto:
            segment.after = place.upto
            kept.append(segment)
    disks.segments[:] = kept
    disks.base = place


def set_base(world: World, disks: DiskSet, disk: int, stamps: NDArray[np.int64]) -> None:
    """Give a new disk its first content: the stamps of its blocks from the front, as far as it has any."""
    _write_base(world, disks, disk, stamps)


def flatten(world: World, disks: DiskSet) -> None:
    """Make a set with a parent stand on its own; its content does not change."""
    counts = [extent(world, disks, disk) for disk in range(len(disks.sizes))]
    whole = [fold(world, disks, disk, Place(0, 0), count) for disk, count in enumerate(counts)]
    disks.parent = 0
    for disk, stamps in enumerate(whole):
        _write_base(world, disks, disk, stamps)


def _write_base(world: World, disks: DiskSet, disk: int, stamps: NDArray[np.int64]) -> None:
    import numpy as np

    held = np.arange(-(-len(stamps) // _CHUNK))
    if not disks.parent:  # a base of its own need not hold zeros
        held = np.flatnonzero(np.bincount(np.flatnonzero(stamps != 0) // _CHUNK))
    unused = world.chunks.keys(disks.number, disk)
    for number in held.tolist():
        part, key = stamps[number * _CHUNK : (number + 1) * _CHUNK], (disks.number, disk, number)
        unused.discard(key)
        world.chunks.put(key, zlib.compress(part.astype("<i8").tobytes(), 1))
    for key in unused:
        world.chunks.drop(key)


def stored_stamps(world: World, disks: DiskSet) -> set[int]:
    """Stamps of a set's base and cargo that name stored bytes."""
    import numpy as np

    named: set[int] = set()
    for _, body in (*world.chunks.items(disks.number), *world.cargo.items(disks.number)):
        values = np.frombuffer(zlib.decompress(body), "<i8")
        named.update(values[(values & REAL) != 0].tolist())
    return named
