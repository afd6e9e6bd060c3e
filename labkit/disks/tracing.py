"""Trace files taken into a lab file: looked at as a whole first, then read once more and kept, part by part.

Memory does not grow with the file: rows are read 8,192 at a time and kept in parts of as many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labkit.disks.blocks import BLOCK, PAGE
from labkit.disks.source import spread
from labkit.disks.trace import BLOCK_ROWS, BLOCKS, COUNTER_ROWS, packed, pages_of
from labkit.disks.traceblocks import TICKS, Blocks, Ints, Writes
from labkit.disks.tracecounters import MOST_WRITES, Counters, Sample
from labkit.disks.tracefile import ROWS, Lines, opened
from labkit.engine import tape
from labkit.engine.errors import LabError
from labkit.engine.store import Store
from labkit.engine.tape import Part
from labkit.engine.units import show_size

_PIECE = 16 << 20  # a larger write is kept as several of one instant, so that a row never stands for much memory


class Choice(NamedTuple):
    """What of a file is wanted: host and disk ("" for the only one there is), and how many ms of it to pass over."""

    host: str = ""
    disk: str = ""
    skip: int = 0


class Look(NamedTuple):
    """What a trace is. ``zero``: its first instant (100 ns, or ms of counters); ``length`` in ms from there.

    ``needed``: bytes of a disk that all writes fit into; ``write``: bytes of one write, as far as counters tell.
    """

    format: str
    zero: int
    length: int
    needed: int = 0
    write: int = 0


class Kept(NamedTuple):
    """What was taken in: rows, the bytes they write, the number of parts, the SHA-256 of the rows."""

    writes: int
    total: int
    parts: int
    digest: str


def look(path: Path, choice: Choice, size: int = 0, write: int = 0) -> Look:
    """Read a trace with all its checks; ``LabError`` 900360-900372, 900374.

    ``size``: bytes of the disk it is for, 0 for any; ``write``: bytes of one write when the site file says so.
    """
    with opened(path) as lines:
        found = _look_blocks(lines, choice, size) if lines.format == BLOCKS else _look_counters(lines, choice, write)
    if found.length <= 0:
        raise LabError(900374, path=path, length=(found.length + choice.skip) // 1000)
    return found


def _look_blocks(lines: Lines, choice: Choice, size: int) -> Look:
    blocks = Blocks(lines, choice.host, choice.disk)
    needed, beyond, count = 0, None, 0
    for writes in blocks.writes():
        ends = writes.offsets + writes.sizes
        needed, count = max(needed, int(ends.max(initial=0))), count + len(ends)
        outside = writes.lines[ends > size]
        if size and len(outside):
            line = int(outside.min())
            if beyond is None or line < beyond[0]:
                place = int(np.flatnonzero(writes.lines == line)[0])
                beyond = line, int(writes.offsets[place]), int(writes.sizes[place])
    if not count:
        raise LabError(900369, path=lines.path)
    if beyond is not None:
        line, offset, length = beyond
        raise LabError(900368, path=lines.path, line=line, offset=offset, length=length, size=size, needed=needed)
    zero = blocks.least + choice.skip * TICKS
    return Look(lines.format, zero, (blocks.most - zero) // TICKS + 1, needed)


def _look_counters(lines: Lines, choice: Choice, write: int) -> Look:
    counters = Counters(lines, choice.host, choice.disk)
    first, last, most, total, writes = -1, 0, Sample(0, 0, -1, 0, 0), 0, 0
    for sample in counters.samples():
        first, last = sample.after if first < 0 else first, sample.upto
        most = max(most, sample, key=lambda one: one.rate)
        if sample.rate > 0 and sample.writes > 0:
            total += sample.rate * (sample.upto - sample.after)
            writes += sample.writes * (sample.upto - sample.after)
    if most.rate < 0:
        raise LabError(900369, path=lines.path)
    write = write or (_power(total // writes) if writes else BLOCK)
    if most.rate > MOST_WRITES * write * 1000:
        found, limit = most.rate // 1000, MOST_WRITES * write
        raise LabError(900372, path=lines.path, line=most.line, found=found, limit=limit, write=show_size(write))
    zero = first + choice.skip
    return Look(lines.format, zero, last - zero, write=write)


def _power(size: int) -> int:
    """The largest size of a write (4 KiB to 64 KiB, a power of two) that is not above a mean."""
    return max(PAGE, min(BLOCK, 1 << max(0, size.bit_length() - 1)))


def bring_in(
    store: Store, number: int, path: Path, choice: Choice, known: Look, progress: Callable[[int], None]
) -> Kept:
    """Keep a trace that was looked at as tape ``number`` of a lab file that is being filled.

    ``progress`` is called with bytes of the file. 900373 when the file is not any more what it was, else as ``look``.
    """
    with opened(path) as lines:
        if lines.format != known.format:
            raise LabError(900373, path=path)
        rows = _block_rows(lines, choice, known) if lines.format == BLOCKS else _counter_rows(lines, choice, known)
        return _keep(store, number, rows, lines, progress)


class _Rows(NamedTuple):
    """Rows to be kept: columns, how many of the file they are, bytes they write, and what is hashed of them."""

    columns: list[Ints]
    kinds: tuple[str, ...]
    writes: int
    total: int
    hashed: bytes


def _keep(store: Store, number: int, found: Iterator[_Rows], lines: Lines, progress: Callable[[int], None]) -> Kept:
    digest, writes, total, parts = hashlib.sha256(), 0, 0, 0
    for rows in found:
        digest.update(rows.hashed)
        writes, total = writes + rows.writes, total + rows.total
        times = rows.columns[0]
        for at in range(0, len(times), ROWS):
            some = [column[at : at + ROWS] for column in rows.columns]
            part = Part(parts, int(some[0][0]), int(some[0][-1]))
            tape.write(store, number, part, packed(some, rows.kinds))
            parts += 1
        progress(lines.position)
    return Kept(writes, total, parts, digest.hexdigest())


def _block_rows(lines: Lines, choice: Choice, known: Look) -> Iterator[_Rows]:
    blocks = Blocks(lines, choice.host, choice.disk)
    needed = 0
    for writes in blocks.writes():
        needed = max(needed, int((writes.offsets + writes.sizes).max(initial=0)))
        kept = (writes.ticks >= known.zero) & (writes.sizes > 0)
        rows = Writes(*(column[kept] for column in writes))
        times = (rows.ticks - known.zero) // TICKS
        hashed = np.column_stack((times, rows.offsets, rows.sizes)).astype("<i8").tobytes()
        if needed > known.needed:
            break
        yield _Rows(_pieces(times, rows), BLOCK_ROWS, len(times), int(rows.sizes.sum()), hashed)
    length = (blocks.most - known.zero) // TICKS + 1
    if (needed, length) != (known.needed, known.length) or blocks.least + choice.skip * TICKS != known.zero:
        raise LabError(900373, path=lines.path)


def _pieces(times: Ints, rows: Writes) -> list[Ints]:
    """Columns of a part: each write as one row or, where it is large, as several."""
    counts = -(-rows.sizes // _PIECE)
    which, number = spread(np.zeros_like(counts), counts - 1)
    offsets = rows.offsets[which] + number * _PIECE
    sizes = np.minimum(rows.sizes[which] - number * _PIECE, _PIECE)
    return [times[which], *pages_of(offsets, sizes), sizes]


def _counter_rows(lines: Lines, choice: Choice, known: Look) -> Iterator[_Rows]:
    """Samples as (instant, bytes written until then); the first row of a part is the last of the one before."""
    before, ends, sums, first = (0, 0), [0], [0], -1
    for sample in Counters(lines, choice.host, choice.disk).samples():
        first = sample.after if first < 0 else first
        began, ended = max(sample.after, known.zero) - known.zero, sample.upto - known.zero
        if ended <= 0:
            continue
        before = ended, before[1] + max(0, sample.rate) * (ended - began) // 1_000_000
        ends.append(before[0])
        sums.append(before[1])
        if len(ends) == ROWS:
            yield _summed(ends, sums)
            ends, sums = [before[0]], [before[1]]
    if len(ends) > 1:
        yield _summed(ends, sums)
    if before[0] != known.length or first + choice.skip != known.zero:
        raise LabError(900373, path=lines.path)


def _summed(ends: list[int], sums: list[int]) -> _Rows:
    columns = [np.array(ends, np.int64), np.array(sums, np.int64)]
    hashed = np.column_stack([column[1:] for column in columns]).astype("<i8").tobytes()
    return _Rows(columns, COUNTER_ROWS, len(ends) - 1, sums[-1] - sums[0], hashed)
