"""A VM's disks at one side, as a base and an ordered record of what was laid over it.

The record is the only thing an image is made of: a replica's segments are appended by initial replication and by
cycles, when they arrive, and by nothing else. Two consecutive spans of a run are joined, so that an undisturbed day is
one segment. A :class:`Place` names a state in the past of the same record: all segments before ``seq``, and segment
``seq`` as far as ``upto``.

What a *sealed* set stores can be read with its data key only; whoever has none gets 900380 from every function that
reads or lays anything (docs/decisions/0007). Its segments say nothing but their order and time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from labkit.disks import bodies, streams
from labkit.disks.blocks import BLOCK, REAL
from labkit.disks.bodies import Content
from labkit.disks.sealing import Key
from labkit.disks.streams import OPEN
from labkit.engine.world import Entity, World, entity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from labkit.disks.frozen import Frozen

SPAN, CARGO, EDIT, LOG = 0, 1, 2, 3
_CHUNK = 4_096  # blocks of a base chunk: 256 MiB of disk


class Place(msgspec.Struct, array_like=True, frozen=True):
    """A state of a record: segments below ``seq`` whole, segment ``seq`` as far as ``upto`` (ms)."""

    seq: int
    upto: int


class Segment(msgspec.Struct, array_like=True):
    """What was laid over the disks. SPAN: a run's writes in ``(after, upto]``; CARGO and EDIT: blocks of one disk.

    LOG, in a sealed set only: a whole log, its spans in the body. ``at`` is when it was laid (for a span: when its
    first part was).
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
    """All disks of a VM at one side. ``sizes`` in bytes; a set with a ``parent`` starts as the parent at ``place``.

    ``sealed``: the cloud with whose data key all that it stores is sealed, "" for none.
    """

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
    sealed: str = ""


def create(world: World, machine: str, side: str, names: list[str], sizes: list[int], *, sealed: str = "") -> DiskSet:
    """A set of empty disks."""
    number = world.next("disks")
    return world.add(DiskSet(str(number), number, machine, side, list(names), list(sizes), sealed=sealed))


def overlay(world: World, parent: DiskSet, place: Place, machine: str, side: str) -> DiskSet:
    """A set that starts as another one at a place of its past and goes its own way; sealed as that one is."""
    child = create(world, machine, side, parent.names, parent.sizes, sealed=parent.sealed)
    child.parent, child.place = parent.number, place
    return child


def delete(world: World, disks: DiskSet) -> None:
    """Remove a set with all that only it holds."""
    for shelf in (world.chunks, world.cargo):
        for key in shelf.keys(disks.number):
            shelf.drop(key)
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


def append_log(world: World, disks: DiskSet, spans: list[tuple[int, int, int]], key: Key | None = None) -> None:
    """A log that arrived in a sealed set, run by run: ``(run, after, upto)``; it gets all it needs of it as its own."""
    segment = _append(world, disks, LOG)
    body = bodies.pack(disks, "cargo", segment.seq, 0, bodies.log(world, disks, spans, key), key)
    world.cargo.put((disks.number, segment.seq, 0), body)


def append_blocks(
    world: World,
    disks: DiskSet,
    disk: int,
    blocks: NDArray[np.int64],
    stamps: NDArray[np.int64],
    kind: int = CARGO,
    *,
    key: Key | None = None,
    content: Content | None = None,
) -> None:
    """Blocks that arrived one by one (initial replication, failback), or were changed by hand (``EDIT``).

    ``content``: the bytes of real blocks, for a sealed set that keeps its own; by default the lab's store.
    """
    if disks.sealed:
        real = stamps[(stamps & REAL) != 0].tolist()
        bodies.keep_contents(world, disks, real, content or streams.reader(world), key)
    segment = _append(world, disks, kind, disk=disk)
    body = blocks.astype("<i8").tobytes() + stamps.astype("<i8").tobytes()
    packed = bodies.pack(disks, "cargo", segment.seq, 0, body, key)
    world.cargo.put((disks.number, segment.seq, 0), packed)


def edit(world: World, disks: DiskSet, disk: int, block: int, content: bytes, key: Key | None = None) -> None:
    """Somebody changes a whole block by hand (65,536 bytes)."""
    import numpy as np

    stamp = REAL | world.next("blob") if disks.sealed else streams.store_bytes(world, content)
    changed, named = np.array([block]), np.array([stamp])
    append_blocks(world, disks, disk, changed, named, EDIT, key=key, content=lambda _: content)


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


def extent(world: World, disks: DiskSet, disk: int, key: Key | None = None) -> int:
    """How many blocks from the front may hold something: behind them a disk, however large, is zeros."""
    found = [extent(world, set_of(world, disks.parent), disk, key)] if disks.parent else [0]
    found += [(number + 1) * _CHUNK for _, _, number in world.chunks.keys(disks.number, disk)]
    for segment in disks.segments:
        if segment.kind == SPAN:
            found.append(streams.extent(world, streams.run_of(world, segment.run), disk))
        elif segment.kind == LOG:
            # What it has of explicit writes is its own: the source may have forgotten them.
            for part in _parts(world, disks, segment, key):
                found.append(streams.extent(world, streams.run_of(world, part.run), disk))
                found += [block + 1 for block in part.blocks if part.disk == disk]
        elif segment.disk == disk:
            found.append(int(cargo(world, disks, segment, key)[0].max(initial=-1)) + 1)
    return min(max(found), -(-disks.sizes[disk] // BLOCK))


def fold(
    world: World,
    disks: DiskSet,
    disk: int,
    place: Place | None = None,
    key: Key | None = None,
    *,
    count: int | None = None,
) -> NDArray[np.int64]:
    """The stamps of one disk (``int64``, one per block) at a place, by default as the record stands.

    ``count``: of so many blocks from the front only, not less than its :func:`extent`.
    """
    import numpy as np

    if disks.sealed:
        bodies.needed(disks, key)
    place = place or now_place(disks, world.now)
    if disks.parent:
        stamps = fold(world, set_of(world, disks.parent), disk, disks.place, key, count=count)
    else:
        stamps = np.zeros(-(-disks.sizes[disk] // BLOCK) if count is None else count, np.int64)
    _read_base(world, disks, disk, stamps, key)
    for segment in disks.segments:
        if segment.seq > place.seq:
            break
        _lay(world, disks, segment, disk, stamps, place.upto if segment.seq == place.seq else OPEN, key)
    return stamps


def _lay(
    world: World,
    disks: DiskSet,
    segment: Segment,
    disk: int,
    stamps: NDArray[np.int64],
    limit: int,
    key: Key | None,
) -> None:
    if segment.kind == SPAN:
        run = streams.run_of(world, segment.run)
        streams.fold(world, run, disk, stamps, segment.after, min(segment.upto, limit, world.now))
    elif segment.kind == LOG:
        for part in _parts(world, disks, segment, key):
            streams.fold_churn(world, streams.run_of(world, part.run), disk, stamps, part.after, part.upto)
            if part.disk == disk:
                stamps[part.blocks] = part.stamps
    elif segment.disk == disk:
        blocks, values = cargo(world, disks, segment, key)
        stamps[blocks] = values


def _body(world: World, disks: DiskSet, segment: Segment, key: Key | None) -> bytes:
    body = world.cargo.get((disks.number, segment.seq, 0))
    if body is None:
        raise LookupError(f"cargo {segment.seq} of disks {disks.number} is missing")
    return bodies.unpack(disks, "cargo", segment.seq, 0, body, key)


def _parts(world: World, disks: DiskSet, segment: Segment, key: Key | None) -> list[bodies.LogPart]:
    return bodies.log_parts(_body(world, disks, segment, key))


def spans(world: World, disks: DiskSet, key: Key | None = None) -> Iterator[Segment]:
    """The segments in order; a LOG as the spans it holds, each with the number and instant of the LOG."""
    for segment in disks.segments:
        if segment.kind == LOG:
            for part in _parts(world, disks, segment, key):
                yield Segment(segment.seq, SPAN, segment.at, part.run, part.after, part.upto)
        else:
            yield segment


def cargo(
    world: World, disks: DiskSet, segment: Segment, key: Key | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Blocks and stamps of a CARGO or EDIT segment."""
    import numpy as np

    both = np.frombuffer(_body(world, disks, segment, key), "<i8")
    return both[: len(both) // 2], both[len(both) // 2 :]


def frozen(world: World, disks: DiskSet, disk: int, place: Place | None = None, key: Key | None = None) -> Frozen:
    """One disk at a place, ready to be read, compared, digested or exported."""
    from labkit.disks.frozen import Frozen

    stamps = fold(world, disks, disk, place, key)
    return Frozen(disks.sizes[disk], stamps, content_of(world, disks, key))


def content_of(world: World, disks: DiskSet, key: Key | None = None) -> Content:
    """What gives the bytes of the real blocks of a set."""
    return bodies.reader(world, disks, lambda held: set_of(world, held.parent) if held.parent else None, key)


# --- the base ---------------------------------------------------------------------------------------------------------


def _read_base(world: World, disks: DiskSet, disk: int, stamps: NDArray[np.int64], key: Key | None) -> None:
    import numpy as np

    for (_, _, chunk), body in world.chunks.items(disks.number, disk):
        values = np.frombuffer(bodies.unpack(disks, "chunks", disk, chunk, body, key), "<i8")
        part = stamps[chunk * _CHUNK : chunk * _CHUNK + len(values)]
        np.copyto(part, values[: len(part)], where=values[: len(part)] >= 0)


def rebase(world: World, disks: DiskSet, place: Place, key: Key | None = None) -> None:
    """Move the base up to a place; states before it cannot be looked at any more. The content does not change."""
    counts = [extent(world, disks, disk, key) for disk in range(len(disks.sizes))]
    # All of them are folded before one is written: a sealed set may not open.
    whole = [fold(world, disks, disk, place, key, count=count) for disk, count in enumerate(counts)]
    for disk, stamps in enumerate(whole):
        _write_base(world, disks, disk, stamps, key)
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


def cut_off(world: World, disks: DiskSet, place: Place) -> None:
    """Forget all that was laid after a place; no key is needed for it."""
    for segment in [segment for segment in disks.segments if segment.seq > place.seq]:
        if segment.kind != SPAN:
            world.cargo.drop((disks.number, segment.seq, 0))
        disks.segments.remove(segment)
    for segment in disks.segments[-1:]:
        if segment.seq == place.seq and segment.kind == SPAN:
            segment.upto = min(segment.upto, place.upto)


def set_base(world: World, disks: DiskSet, disk: int, stamps: NDArray[np.int64]) -> None:
    """Give a new disk its first content: the stamps of its blocks from the front, as far as it has any."""
    _write_base(world, disks, disk, stamps)


def flatten(world: World, disks: DiskSet) -> None:
    """Make a set with a parent stand on its own; its content does not change."""
    counts = [extent(world, disks, disk) for disk in range(len(disks.sizes))]
    whole = [fold(world, disks, disk, Place(0, 0), count=count) for disk, count in enumerate(counts)]
    disks.parent = 0
    for disk, stamps in enumerate(whole):
        _write_base(world, disks, disk, stamps)


def _write_base(world: World, disks: DiskSet, disk: int, stamps: NDArray[np.int64], key: Key | None = None) -> None:
    import numpy as np

    held = np.arange(-(-len(stamps) // _CHUNK))
    if not disks.parent:  # a base of its own need not hold zeros
        held = np.flatnonzero(np.bincount(np.flatnonzero(stamps != 0) // _CHUNK))
    unused = world.chunks.keys(disks.number, disk)
    for number in held.tolist():
        part, where = stamps[number * _CHUNK : (number + 1) * _CHUNK], (disks.number, disk, number)
        unused.discard(where)
        world.chunks.put(where, bodies.pack(disks, "chunks", disk, number, part.astype("<i8").tobytes(), key))
    for where in unused:
        world.chunks.drop(where)


def stored_stamps(world: World, disks: DiskSet, key: Key | None = None) -> set[int]:
    """Stamps of a set's base and record that name stored bytes."""
    import numpy as np

    named: set[int] = set()
    for (_, disk, chunk), body in world.chunks.items(disks.number):
        values = np.frombuffer(bodies.unpack(disks, "chunks", disk, chunk, body, key), "<i8")
        named.update(values[(values & REAL) != 0].tolist())
    for segment in disks.segments:
        if segment.kind in (CARGO, EDIT):
            values = cargo(world, disks, segment, key)[1]
            named.update(values[(values & REAL) != 0].tolist())
        elif segment.kind == LOG:
            named.update(stamp for part in _parts(world, disks, segment, key) for stamp in part.stamps)
    return named
