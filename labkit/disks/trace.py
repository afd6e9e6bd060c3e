"""Recorded workloads replayed: a trace that was taken into the lab file, as the source of a disk's writes.

Time zero of a trace is the lab's start, whichever guest runs it and wherever: after a failover the workload goes on in
Azure where the clock says, and what it would have written while the guest was off is not written. A trace that is
repeated begins anew after ``period`` ms.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labkit.disks.blocks import PAGE
from labkit.disks.source import SLOT, Batch, Batched
from labkit.engine import tape
from labkit.engine.world import Entity, World, entity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[Any]

BLOCKS, COUNTERS = "blocks", "counters"
BLOCK_ROWS = ("<i8", "<u4", "<u2", "<u4")  # ms since time zero, first 4 KiB page, number of pages, bytes
COUNTER_ROWS = ("<i8", "<i8")  # ms since time zero, bytes written by then
_CACHED = 64  # parts of all traces of a lab, 8,192 rows each: some 16 MiB


@entity("trace")
class Trace(Entity):
    """A trace in the lab file. ``id`` is its number, ``owner`` ``VM/disk``, ``file`` the name of the file it was.

    ``start`` is its time zero, ``length`` what it lasts, ``period`` after what it begins anew (0: never), all in ms;
    ``writes`` what it has (of counters: samples), ``total`` the bytes they write, ``digest`` the SHA-256 of its rows.
    """

    owner: str
    file: str
    format: str
    start: int
    length: int
    period: int
    writes: int
    total: int
    parts: int
    digest: str


class _Parts:
    """The parts of a trace, each read when it is needed; the parts used last stay in memory."""

    def __init__(self, world: World, number: int, rows: tuple[str, ...]) -> None:
        self._store, self._number, self._rows = world.store, number, rows
        self._cache: dict[tuple[int, int], list[Ints]] = world.cache.setdefault("tapes", {})
        self._parts = tape.parts(world.store, number)
        self._firsts = [part.first for part in self._parts]
        self._lasts = [part.last for part in self._parts]

    def between(self, low: int, high: int) -> Iterator[list[Ints]]:
        """The columns of all parts that have a row at an instant of ``[low, high]``, in order."""
        for place in range(bisect_left(self._lasts, low), bisect_right(self._firsts, high)):
            yield self._read(self._parts[place].part)

    def _read(self, part: int) -> list[Ints]:
        key = (self._number, part)
        found = self._cache.pop(key, None)
        if found is None:
            found = unpacked(tape.read(self._store, self._number, part), self._rows)
        self._cache[key] = found
        while len(self._cache) > _CACHED:
            del self._cache[next(iter(self._cache))]
        return found


def packed(columns: list[Ints], rows: tuple[str, ...]) -> bytes:
    """Columns of equal length as bytes, one after another."""
    return b"".join(column.astype(kind).tobytes() for column, kind in zip(columns, rows, strict=True))


def unpacked(body: bytes, rows: tuple[str, ...]) -> list[Ints]:
    """The columns again, as ``int64``."""
    import numpy as np

    kinds = [np.dtype(kind) for kind in rows]
    count, at, columns = len(body) // sum(kind.itemsize for kind in kinds), 0, []
    for kind in kinds:
        columns.append(np.frombuffer(body, kind, count, at).astype(np.int64))
        at += count * kind.itemsize
    return columns


class BlockTrace(Batched):
    """A block trace as the writes of one stream; ``phase`` (ms) shifts the guest's grid, ``size``: bytes of the disk.

    A write ``d`` ms after time zero happens at ``start + 1 + d``.
    """

    def __init__(self, world: World, number: int, stream: int, phase: int, size: int) -> None:
        super().__init__(stream, size)
        self._trace, self._phase = world.get(Trace, str(number)), phase
        self._parts = _Parts(world, number, BLOCK_ROWS)
        self.idle = not self._trace.total

    def pages_written(self, after: int, upto: int) -> int:
        """Number of distinct 4 KiB pages written in ``(after, upto]``; one whole round writes all there are."""
        return super().pages_written(self._last_round(after, upto), upto)

    def bytes_written(self, after: int, upto: int) -> int:
        """Every byte written in ``(after, upto]``, repeats included."""
        rest = self._last_round(after, upto)
        period, after = self._trace.period, max(after, self._trace.start)
        if rest <= after:
            return super().bytes_written(after, upto)
        rounds = (upto - after) // period
        return rounds * self._trace.total + super().bytes_written(after + rounds * period, upto)

    def fold(self, stamps: Ints, after: int, upto: int) -> None:
        """Lay the writes of ``(after, upto]`` over a disk's stamps, in place; of many rounds the last."""
        super().fold(stamps, self._last_round(after, upto), upto)

    def _last_round(self, after: int, upto: int) -> int:
        return max(after, upto - self._trace.period) if self._trace.period else after

    def batches(self, after: int, upto: int) -> Iterator[Batch]:
        """The writes of ``(after, upto]`` in order of time."""
        zero, period = self._trace.start + 1, self._trace.period
        low, high = max(after + 1 - zero, 0), upto - zero
        if not period:
            yield from self._rows(low, high, zero)
            return
        for number in range(low // period, high // period + 1):
            shift = number * period
            yield from self._rows(max(low - shift, 0), min(high - shift, period - 1), zero + shift)

    def _rows(self, low: int, high: int, zero: int) -> Iterator[Batch]:
        """The rows from ``low`` to ``high`` ms after ``zero``, both included."""
        for times, first, count, sizes in self._parts.between(low, high):
            begin, end = times.searchsorted(low, "left"), times.searchsorted(high, "right")
            if begin < end:
                slots = (times[begin:end] + (zero - self._phase - 1)) // SLOT
                pages = first[begin:end]
                yield Batch(slots, pages, pages + count[begin:end] - 1, int(sizes[begin:end].sum()))


class Meter:
    """Recorded counters as an amount: how many bytes were written from time zero until an instant.

    Between two samples the rate is even; after the last one nothing is written, or the trace begins anew.
    """

    def __init__(self, world: World, number: int) -> None:
        self._trace = world.get(Trace, str(number))
        self.start = self._trace.start
        self._parts = _Parts(world, number, COUNTER_ROWS)

    def __call__(self, at: int) -> int:
        """Bytes written until ``at`` (ms)."""
        trace = self._trace
        past, rounds = max(0, at - trace.start), 0
        if trace.period:
            rounds, past = divmod(past, trace.period)
        return rounds * trace.total + self._within(min(past, trace.length))

    def _within(self, past: int) -> int:
        for ends, upto in self._parts.between(past, past):
            place = max(1, int(ends.searchsorted(past, "left")))
            began, ended = int(ends[place - 1]), int(ends[place])
            before, behind = int(upto[place - 1]), int(upto[place])
            return before + (behind - before) * (past - began) // (ended - began)
        return 0


def pages_of(offsets: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """First page and number of pages of writes of at least one byte."""
    first = offsets // PAGE
    return first, (offsets + sizes - 1) // PAGE - first + 1


def has_places(world: World, number: int) -> bool:
    """Whether a trace says where its writes go; counters do not."""
    return world.get(Trace, str(number)).format == BLOCKS


def missing(world: World) -> list[Trace]:
    """Traces of which parts are not in the lab file."""
    return [found for found in world.all(Trace) if len(tape.parts(world.store, int(found.id))) != found.parts]
