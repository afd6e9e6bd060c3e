"""The block allocation table of a VHDX file: checked once in pages, then looked up in pages.

After each ``ratio`` entries of payload blocks (a *chunk*) comes one of a bitmap block. Bits 0-2 are the state, bits
20-63 the place in MiB. A disk has at most 16,384 chunks of 4 GiB (512-byte sectors), so what is kept by chunk is small.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labkit.disks import vhdx_layout
from labkit.disks.checks import Part
from labkit.disks.imagefile import ImageFile, Table
from labkit.disks.reading import Run, bit_runs
from labkit.disks.vhdx_layout import MAX_PLACE, MIB, PARTIAL, WHOLE, ZERO
from labkit.engine.errors import LabError

FIELD = "BAT"
_STATE, _RESERVED, _PLACE = 7, 0xF_FFF8, 20
_ALLOWED = {False: [0, 1, 2, 3, 6], True: [0, 1, 2, 3, 6, 7]}


class BlockTable:
    """Where the blocks of a disk lie. ``size``, ``block`` (bytes), ``sector`` (bytes), ``parent``: it has one."""

    def __init__(self, file: ImageFile, region: int, size: int, block: int, sector: int, parent: bool) -> None:
        self._file, self._size, self._block, self._sector, self._parent = file, size, block, sector, parent
        self.ratio = vhdx_layout.chunk_ratio(sector, block)
        self.blocks = -(-size // block)
        self._table = Table(file, region, vhdx_layout.table_entries(size, block, self.ratio, parent), "<u8", FIELD)
        self.absent = self.misplaced = 0
        self.cut_short = False

    def check(self, parts: list[Part]) -> None:
        """Check all entries against each other, the file and its other ``parts``; ``LabError`` 900314-900325.

        Leaves the numbers of payload blocks without data in ``absent``, of those among them that name a place in the
        file all the same in ``misplaced``, and in ``cut_short`` whether the file ends within the disk's last block.
        """
        taken = _Taken(self._file, parts)
        chunks = -(-self.blocks // self.ratio)
        partial, mapped = np.zeros(chunks, np.bool_), np.zeros(chunks, np.bool_)
        self.absent = self.blocks
        for first, entries in self._table.pages(holes=False):
            numbers = np.flatnonzero(entries) + first
            values = entries[numbers - first]
            chunk, within = np.divmod(numbers, self.ratio + 1)
            bitmap = within == self.ratio
            payload = chunk * self.ratio + within
            used = bitmap | (payload < self.blocks)
            state = (values & np.uint64(_STATE)).astype(np.int64)
            self._check_states(payload[used], values[used], state[used], bitmap[used])
            self._check_places(payload[used], values[used], state[used], bitmap[used], taken)
            partial[chunk[(state == PARTIAL) & used & ~bitmap]] = True
            mapped[chunk[(state == WHOLE) & bitmap]] = True
            self._count(values[used & ~bitmap], state[used & ~bitmap])
        if (partial & ~mapped).any():
            raise self._error(900326, f"BAT entry of the bitmap of chunk {int((partial & ~mapped).argmax())}")

    def run(self, block: int, limit: int) -> Run:
        """See ``BlockImage.run``."""
        chunk, within = divmod(block, self.ratio)
        entries = self._table.entries(chunk * (self.ratio + 1) + within, min(limit, self.ratio - within))
        states = entries & np.uint64(_STATE)
        state, at = int(states[0]), (int(entries[0]) >> _PLACE) * MIB
        if state == PARTIAL:
            return Run("partial", 1, at)
        if state == WHOLE:
            step = np.uint64(self._block // MIB << _PLACE)
            alike = entries == entries[0] + np.arange(len(entries), dtype=np.uint64) * step
            return Run("whole", _leading(alike), at)
        if state == 0:
            return Run("below", _leading(states == 0))
        return Run("zero", _leading((states == 1) | (states == ZERO) | (states == 3)))

    def sectors(self, block: int, first: int, count: int) -> Iterator[tuple[int, bool]]:
        """See ``BlockImage.sectors``."""
        chunk, within = divmod(block, self.ratio)
        entry = int(self._table.entries(chunk * (self.ratio + 1) + self.ratio, 1)[0])
        bit = within * (self._block // self._sector) + first
        at = (entry >> _PLACE) * MIB + bit // 8
        length = -(-(bit + count) // 8) - bit // 8
        yield from bit_runs(self._file.read(at, length, f"bitmap of block {block}"), bit % 8, count, "little")

    def _check_states(
        self, blocks: npt.NDArray[Any], values: npt.NDArray[Any], state: npt.NDArray[Any], bitmap: npt.NDArray[Any]
    ) -> None:
        known = np.where(bitmap, np.isin(state, [0, WHOLE]), np.isin(state, _ALLOWED[self._parent]))
        if not known.all():
            worst = int((~known).argmax())
            raise self._error(900325, _name(blocks, bitmap, worst), found=int(state[worst]))
        reserved = (values & np.uint64(_RESERVED)) != 0
        if reserved.any():
            worst = int(reserved.argmax())
            raise self._error(900323, _name(blocks, bitmap, worst), found=hex(int(values[worst])))

    def _check_places(
        self,
        blocks: npt.NDArray[Any],
        values: npt.NDArray[Any],
        state: npt.NDArray[Any],
        bitmap: npt.NDArray[Any],
        taken: _Taken,
    ) -> None:
        here = state >= WHOLE
        blocks, bitmap = blocks[here], bitmap[here]
        starts = (values[here] >> np.uint64(_PLACE)).astype(np.int64)
        lengths = np.where(bitmap, MIB, self._block)
        needed = np.where(~bitmap & (blocks == self.blocks - 1), self._size - (self.blocks - 1) * self._block, lengths)
        beyond = (starts > MAX_PLACE) | (starts * MIB + needed > self._file.length)
        if beyond.any():
            worst = int(beyond.argmax())
            end = int(starts[worst]) * MIB + int(needed[worst])
            raise self._error(900314, _name(blocks, bitmap, worst), needed=end, length=self._file.length)
        # Only the last block of the disk can go past the end here, and only with what is not the disk's any more.
        inside = np.minimum(lengths, self._file.length - starts * MIB)
        self.cut_short |= bool((inside < lengths).any())
        taken.take(starts, -(-inside // MIB), blocks, bitmap)

    def _count(self, values: npt.NDArray[Any], state: npt.NDArray[Any]) -> None:
        self.absent -= int((state >= WHOLE).sum())
        placed = (values >> np.uint64(_PLACE)) != 0
        self.misplaced += int((placed & ((state == 0) | (state == ZERO))).sum())

    def _error(self, code: int, field: str, **details: Any) -> LabError:
        return LabError(code, path=self._file.path, field=field, **details)


class _Taken:
    """Which MiB of a file belong to somebody already: one byte each, of which the system gives only what is used."""

    def __init__(self, file: ImageFile, parts: list[Part]) -> None:
        self._path: Path = file.path
        self._parts = parts
        self._owned = np.zeros(min(-(-file.length // MIB), MAX_PLACE + 512) + 1, np.bool_)
        for part in parts:
            self._owned[part.at // MIB : -(-part.end // MIB)] = True

    def take(
        self, starts: npt.NDArray[Any], widths: npt.NDArray[Any], blocks: npt.NDArray[Any], bitmap: npt.NDArray[Any]
    ) -> None:
        """Take ``widths`` MiB from ``starts`` on for some blocks; ``LabError`` 900324 if somebody has one of them."""
        order = np.argsort(starts, kind="stable")
        starts, widths, blocks, bitmap = starts[order], widths[order], blocks[order], bitmap[order]
        close = np.flatnonzero(starts[:-1] + widths[:-1] > starts[1:])
        if len(close):
            place = int(close[0])
            first, second = _name(blocks, bitmap, place), _name(blocks, bitmap, place + 1)
            raise LabError(900324, path=self._path, first=first, second=second, at=int(starts[place + 1]) * MIB)
        for step in range(int(widths.max(initial=0))):
            still = widths > step
            if self._owned[starts[still] + step].any():
                place = int(np.flatnonzero(still)[int(self._owned[starts[still] + step].argmax())])
                raise self._overlap(int(starts[place]) + step, _name(blocks, bitmap, place))
        for step in range(int(widths.max(initial=0))):
            self._owned[starts[widths > step] + step] = True

    def _overlap(self, place: int, name: str) -> LabError:
        owner = (part.field for part in self._parts if part.at < (place + 1) * MIB and part.end > place * MIB)
        return LabError(900324, path=self._path, first=next(owner, "another block"), second=name, at=place * MIB)


def _name(blocks: npt.NDArray[Any], bitmap: npt.NDArray[Any], place: int) -> str:
    if bitmap[place]:
        return "BAT entry of a bitmap block"
    return f"BAT entry of block {int(blocks[place])}"


def _leading(alike: npt.NDArray[Any]) -> int:
    """How many values at the beginning are true."""
    return len(alike) if alike.all() else int(alike.argmin())
