"""Write streams: what one guest, from one power-on to one power-off, writes to each of its disks.

A :class:`Run` is one such time; each of its disks is a stream with a number of its own, which is part of every stamp
the run leaves. Churn is derived; explicit writes (the guest's database) are rows ``(stream, instant)``.
"""

from __future__ import annotations

import functools
import hashlib
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from labkit.disks import paced, trace, workload
from labkit.disks.blocks import BLOCK, PAGE, REAL
from labkit.disks.churn import Churn, Profile
from labkit.disks.source import Source
from labkit.disks.workload import ORDINARY, STEADY
from labkit.engine.world import Entity, World, entity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OPEN = 1 << 61  # the end of a run that has not ended


class StreamSpec(msgspec.Struct, array_like=True):
    """One disk of a run: the stream's number and its churn (rate 0: none), its shape by the hours of a zone.

    ``trace`` is the number of the recording that gives the churn instead (0: none), ``size`` that of the disk in bytes.
    """

    number: int
    rate: int
    write: int
    hot: int
    shape: str = STEADY
    offset_min: int = 0
    kind: str = ORDINARY
    trace: int = 0
    size: int = 0

    @property
    def writes(self) -> bool:
        """Whether anything but an application writes to the disk."""
        return self.rate > 0 or self.trace > 0


@entity("run")
class Run(Entity):
    """A power-on: ``(started, stopped]`` in ms; ``application`` is the disk that carries the database, or -1.

    ``answering``: from when the application took orders (0: not yet); ``settled``: until when they are on the disk.
    """

    number: int
    machine: str
    phase: int
    started: int
    streams: list[StreamSpec]
    stopped: int = OPEN
    application: int = -1
    answering: int = 0
    settled: int = 0

    @property
    def running(self) -> bool:
        """Not powered off yet."""
        return self.stopped == OPEN


class Explicit(NamedTuple):
    """Explicit writes of one instant: block numbers, stamps, and a mask of the 4 KiB pages written in each."""

    at: int
    blocks: NDArray[np.int32]
    stamps: NDArray[np.int64]
    masks: NDArray[np.uint16]


def run_of(world: World, number: int) -> Run:
    """A run by its number."""
    return world.get(Run, str(number))


def churn(world: World, run: Run, disk: int) -> Source:
    """What writes to one disk of a run beside an application, kept while the world is in memory."""
    spec = run.streams[disk]
    key = ("churn", spec.number)
    found: Source | None = world.cache.get(key)
    if found is None:
        found = world.cache[key] = _source(world, run.phase, spec)
    return found


def _source(world: World, phase: int, spec: StreamSpec) -> Source:
    profile = Profile(spec.rate, spec.write, spec.hot, spec.shape, spec.offset_min, spec.kind)
    if spec.trace and trace.has_places(world, spec.trace):
        return trace.BlockTrace(world, spec.trace, spec.number, phase, spec.size)
    if not spec.trace and not workload.paced(spec.kind):
        return Churn(world.seed, spec.number, phase, profile)
    if not spec.trace:
        return paced.Paced(world.seed, spec.number, phase, spec.size, profile, paced.by_shape(profile))
    meter = trace.Meter(world, spec.trace)
    return paced.Paced(world.seed, spec.number, phase, spec.size, profile, meter, meter.start)


def _churns(world: World, run: Run) -> list[Source]:
    """What writes to each disk of a run beside an application: asked for at every cut."""
    key = ("churns", run.number)
    found: list[Source] | None = world.cache.get(key)
    if found is None:
        found = world.cache[key] = [churn(world, run, disk) for disk, spec in enumerate(run.streams) if spec.writes]
    return found


# --- explicit writes --------------------------------------------------------------------------------------------------


def _pack(entry: Explicit) -> bytes:
    count = len(entry.blocks).to_bytes(4, "little")
    return zlib.compress(count + entry.blocks.tobytes() + entry.stamps.tobytes() + entry.masks.tobytes(), 1)


def _unpack(at: int, body: bytes) -> Explicit:
    import numpy as np

    raw = zlib.decompress(body)
    n = int.from_bytes(raw[:4], "little")
    blocks = np.frombuffer(raw, "<i4", n, 4)
    stamps = np.frombuffer(raw, "<i8", n, 4 + 4 * n)
    return Explicit(at, blocks, stamps, np.frombuffer(raw, "<u2", n, 4 + 12 * n))


def explicit(world: World, stream: int) -> dict[int, Explicit]:
    """All kept explicit writes of a stream by instant, in order."""
    key = ("explicit", stream)
    found = world.cache.get(key)
    if found is None:
        found = {at: _unpack(at, body) for (_, at, _), body in world.writes.items(stream)}
        world.cache[key] = found
    return found


def write(world: World, stream: int, changed: dict[int, tuple[bytes, int]]) -> None:
    """Keep what a guest wrote now: block -> (content, page mask). Blocks get stamps that name stored bytes."""
    import numpy as np

    if not changed:
        return
    rows, blocks, stamps, masks = explicit(world, stream), [], [], []
    for block in sorted(changed):
        content, mask = changed[block]
        blocks.append(block)
        stamps.append(store_bytes(world, content))
        masks.append(mask)
    entry = Explicit(world.now, np.array(blocks, "<i4"), np.array(stamps, "<i8"), np.array(masks, "<u2"))
    before = rows.get(world.now)
    if before is not None:
        entry = merge([before, entry])
    rows[world.now] = entry
    world.writes.put((stream, world.now, 0), _pack(entry))


def merge(entries: list[Explicit]) -> Explicit:
    """Several explicit writes as one at the last instant: the newest stamp of each block, all pages written."""
    import numpy as np

    newest: dict[int, tuple[int, int]] = {}
    for entry in entries:
        for block, stamp, mask in zip(entry.blocks.tolist(), entry.stamps.tolist(), entry.masks.tolist(), strict=True):
            newest[block] = (stamp, mask | newest.get(block, (0, 0))[1])
    order = sorted(newest)
    stamps = np.array([newest[block][0] for block in order], "<i8")
    masks = np.array([newest[block][1] for block in order], "<u2")
    return Explicit(entries[-1].at, np.array(order, "<i4"), stamps, masks)


def squash(world: World, stream: int, needed: list[int]) -> None:
    """Join explicit writes between instants that somebody may still look at (``needed``, ascending)."""
    rows = explicit(world, stream)
    groups: dict[int, list[Explicit]] = {}
    edge = 0
    for at in sorted(rows):
        while edge < len(needed) and needed[edge] < at:
            edge += 1
        groups.setdefault(edge, []).append(rows[at])
    for edge, group in groups.items():
        if len(group) > 1 and edge < len(needed):
            joined = merge(group)
            for entry in group[:-1]:
                del rows[entry.at]
                world.writes.drop((stream, entry.at, 0))
            rows[joined.at] = joined
            world.writes.put((stream, joined.at, 0), _pack(joined))


def forget(world: World, stream: int, upto: int) -> None:
    """Drop explicit writes at or before an instant: every image has moved its base past them."""
    rows = explicit(world, stream)
    for at in [at for at in rows if at <= upto]:
        del rows[at]
        world.writes.drop((stream, at, 0))


# --- stored bytes -----------------------------------------------------------------------------------------------------


def store_bytes(world: World, content: bytes) -> int:
    """Keep 65,536 bytes; returns the stamp that names them."""
    if len(content) != BLOCK:
        raise ValueError(f"a block has {BLOCK} bytes, not {len(content)}")
    number = world.next("blob")
    world.blobs.put((number, 0, 0), content)
    return REAL | number


_CACHED_BLOCKS = 256  # 16 MiB: the blocks a few databases work on
_READ_AHEAD = 16


def stored_bytes(world: World, stamp: int) -> bytes:
    """The 65,536 bytes a stamp names."""
    cached: dict[int, bytes] = world.cache.setdefault("bytes", {})
    found = cached.pop(stamp, None)
    if found is None:
        number = stamp & ~REAL
        if stamp - 1 in cached:  # somebody reads an imported disk from front to back
            ahead = world.blobs.following(number, _READ_AHEAD)
            cached.update({number | REAL: body for number, body in ahead.items()})
            found = cached.pop(stamp, None)
        found = found or world.blobs.get((number, 0, 0))
    if found is None:
        raise LookupError(f"no bytes are stored under {stamp:#x}")
    cached[stamp] = found
    while len(cached) > _CACHED_BLOCKS:
        del cached[next(iter(cached))]
    return found


def sha_of(world: World) -> Callable[[int], bytes]:
    """SHA-256 (32 bytes) of the bytes a stamp names: kept from an import on, else computed."""

    def found(stamp: int) -> bytes:
        return world.hashes.get((stamp & ~REAL, 0, 0)) or hashlib.sha256(stored_bytes(world, stamp)).digest()

    return found


def reader(world: World) -> Callable[[int], bytes]:
    """:func:`stored_bytes` of one world as one object: equal stamps under the same reader are equal bytes."""
    found: Callable[[int], bytes] = world.cache.setdefault("reader", functools.partial(stored_bytes, world))
    return found


# --- spans ------------------------------------------------------------------------------------------------------------


def pages_written(world: World, run: Run, after: int, upto: int) -> int:
    """Distinct 4 KiB pages that all disks of a run wrote in ``(after, upto]``: what a cycle has to send."""
    if after < run.started:
        after = run.started
    if upto > run.stopped:
        upto = run.stopped
    total = 0
    for found in _churns(world, run):
        total += found.pages_written(after, upto)
    if run.application >= 0:
        masks: dict[int, int] = {}
        for at, entry in explicit(world, run.streams[run.application].number).items():
            if after < at <= upto:
                for block, mask in zip(entry.blocks.tolist(), entry.masks.tolist(), strict=True):
                    masks[block] = masks.get(block, 0) | mask
        total += sum(mask.bit_count() for mask in masks.values())
    return total


def bytes_written(world: World, run: Run, after: int, upto: int) -> int:
    """Bytes all disks of a run wrote in ``(after, upto]``, repeats included: what the log on the host grows by.

    Of the application, the 4 KiB pages of each session.
    """
    after, upto = max(after, run.started), min(upto, run.stopped)
    total = sum(
        churn(world, run, disk).bytes_written(after, upto) for disk, spec in enumerate(run.streams) if spec.writes
    )
    if run.application >= 0:
        for at, entry in explicit(world, run.streams[run.application].number).items():
            if after < at <= upto:
                total += sum(mask.bit_count() for mask in entry.masks.tolist()) * PAGE
    return total


def bytes_pending(world: World, run: Run, after: int, upto: int) -> int:
    """Bytes a cycle over ``(after, upto]`` would send, without its overhead."""
    return pages_written(world, run, after, upto) * PAGE


def extent(world: World, run: Run, disk: int) -> int:
    """How many blocks from the front of a disk a run may have written to."""
    spec = run.streams[disk]
    most = -(-spec.hot * spec.write // BLOCK) if spec.rate else 0
    if spec.trace or workload.paced(spec.kind):
        most = -(-spec.size // BLOCK)  # a trace, a sweep, or a database with its log behind it
    if run.application == disk:
        most = max([most, *(int(entry.blocks[-1]) + 1 for entry in explicit(world, spec.number).values())])
    return most


def fold(world: World, run: Run, disk: int, stamps: NDArray[np.int64], after: int, upto: int) -> None:
    """Lay what a run wrote to one disk in ``(after, upto]`` over the disk's stamps, in place."""
    fold_churn(world, run, disk, stamps, after, upto)
    if run.application == disk:
        for entry in explicit_in(world, run, after, upto):
            stamps[entry.blocks] = entry.stamps


def fold_churn(world: World, run: Run, disk: int, stamps: NDArray[np.int64], after: int, upto: int) -> None:
    """Lay the derived writes of ``(after, upto]`` alone over a disk's stamps, in place."""
    if run.streams[disk].writes:
        churn(world, run, disk).fold(stamps, max(after, run.started), min(upto, run.stopped))


def explicit_in(world: World, run: Run, after: int, upto: int) -> list[Explicit]:
    """The explicit writes of a run in ``(after, upto]``, in order."""
    if run.application < 0:
        return []
    after, upto = max(after, run.started), min(upto, run.stopped)
    rows = explicit(world, run.streams[run.application].number)
    return [entry for at, entry in rows.items() if after < at <= upto]
