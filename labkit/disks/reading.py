"""What every image is, whatever its format: a size, and bytes that lie in some file or are zeros."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from labkit.disks.blocks import BLOCK
from labkit.disks.content import ZEROS
from labkit.disks.imagefile import ImageFile
from labkit.engine.errors import LabError

_WINDOW = 16  # blocks read at once: 1 MiB


class Piece(NamedTuple):
    """Consecutive bytes of a disk: ``length`` bytes that lie in ``file`` from ``at`` on, or zeros (``file`` None)."""

    length: int
    file: ImageFile | None
    at: int = 0


class Extent(NamedTuple):
    """``length`` bytes of a disk from ``offset`` on: known to be ``zero``, or data (which may be zeros too)."""

    offset: int
    length: int
    zero: bool


class Image(ABC):
    """A disk image opened for reading; a context manager that closes all its files. Not to be shared by threads.

    ``size``: bytes of the disk, a positive multiple of 512. ``sector_size``: 512 or 4,096. ``container``: "raw", "vhd"
    or "vhdx"; ``kind``: the same with "fixed", "dynamic" or "differencing" before it. ``parent``: the image below a
    differencing one. What was read around (a damaged copy, a log replayed) stands in ``warnings``, in the person's
    language. Every method that reads raises ``LabError`` 900310-900349 for what is wrong with the files.
    """

    container: str
    kind: str
    size: int
    sector_size = 512

    def __init__(self, file: ImageFile) -> None:
        self.file = file
        self.parent: Image | None = None
        self.own_warnings: list[str] = []

    @abstractmethod
    def pieces(self, offset: int, length: int) -> Iterator[Piece]:
        """Where ``length`` bytes from ``offset`` on lie, in order; the caller stays within the disk."""

    @property
    def warnings(self) -> list[str]:
        """What the person should know about this image and the ones below it."""
        return self.own_warnings + (self.parent.warnings if self.parent else [])

    @property
    def files(self) -> list[Path]:
        """The files it is read from, the one that was opened first, its parents after it."""
        return [self.file.path, *(self.parent.files if self.parent else [])]

    def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes of the disk from ``offset`` on; ``LabError`` 900342 outside the disk."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise LabError(900342, path=self.file.path, offset=offset, length=length, size=self.size)
        data = bytearray(length)
        self.read_into(offset, memoryview(data))
        return bytes(data)

    def read_into(self, offset: int, view: memoryview) -> None:
        """Fill ``view`` with the bytes from ``offset`` on; the caller stays within the disk."""
        place = 0
        for piece in self.pieces(offset, len(view)):
            part = view[place : place + piece.length]
            if piece.file:
                piece.file.readinto(piece.at, part)
            else:
                _clear(part)
            place += piece.length

    def extents(self) -> Iterator[Extent]:
        """The whole disk in order, zeros and data by turns; holes of the files count as zeros, also within blocks."""
        last = Extent(0, 0, True)
        for extent in self._raw_extents():
            if extent.zero == last.zero or not last.length:
                last = Extent(last.offset, last.length + extent.length, extent.zero)
            else:
                yield last
                last = extent
        yield last

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Blocks of 64 KiB that are not all zeros, ascending: ``(number, 65,536 bytes)``; holes cost no time.

        A last block that the disk ends within is filled up with zeros.
        """
        buffer = bytearray(_WINDOW * BLOCK)
        view = memoryview(buffer)
        for first, end in self._block_spans():
            for number in range(first, end, _WINDOW):
                count = min(_WINDOW, end - number)
                length = min(count * BLOCK, self.size - number * BLOCK)
                self.read_into(number * BLOCK, view[:length])
                _clear(view[length : count * BLOCK])
                for place in range(count):
                    if not buffer.startswith(ZEROS, place * BLOCK):
                        yield number + place, bytes(view[place * BLOCK : (place + 1) * BLOCK])

    def close(self) -> None:
        """Close this image and the ones below it; closing twice does no harm."""
        self.file.close()
        if self.parent:
            self.parent.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _raw_extents(self) -> Iterator[Extent]:
        offset = 0
        for piece in self.pieces(0, self.size):
            if piece.file is None:
                yield Extent(offset, piece.length, True)
            else:
                for at, length, data in piece.file.ranges(piece.at, piece.length):
                    yield Extent(offset + at - piece.at, length, not data)
            offset += piece.length

    def _block_spans(self) -> Iterator[tuple[int, int]]:
        """Numbers of consecutive blocks (first, end) that touch data; no block twice."""
        first = end = 0
        for extent in self.extents():
            if extent.zero:
                continue
            start, stop = extent.offset // BLOCK, -(-(extent.offset + extent.length) // BLOCK)
            if start > end:
                if end > first:
                    yield first, end
                first = start
            end = max(end, stop)
        if end > first:
            yield first, end


class Run(NamedTuple):
    """``blocks`` blocks that are alike: ``state`` "below" (the parent's, or zeros), "zero", "whole" or "partial".

    ``at``: where the data begin in the file; whole blocks of a run lie one after another. A partial run is one block.
    """

    state: str
    blocks: int
    at: int = 0


class BlockImage(Image):
    """An image made of blocks of ``block_size`` bytes that a table places in the file."""

    block_size: int

    @abstractmethod
    def run(self, block: int, limit: int) -> Run:
        """The blocks from ``block`` on that are alike, at least one and at most ``limit``."""

    @abstractmethod
    def sectors(self, block: int, first: int, count: int) -> Iterator[tuple[int, bool]]:
        """Sectors of a partial block, in order, as ``(count, whether they lie in this file)``."""

    def pieces(self, offset: int, length: int) -> Iterator[Piece]:
        """See ``Image.pieces``."""
        end = offset + length
        while offset < end:
            block, within = divmod(offset, self.block_size)
            run = self.run(block, -(-end // self.block_size) - block)
            count = min(end, (block + run.blocks) * self.block_size) - offset
            if run.state == "whole":
                yield Piece(count, self.file, run.at + within)
            elif run.state == "zero":
                yield Piece(count, None)
            elif run.state == "below":
                yield from self._below(offset, count)
            else:
                yield from self._partial(block, within, count, run.at)
            offset += count

    def _below(self, offset: int, length: int) -> Iterator[Piece]:
        """Bytes that this file does not hold: the parent's; zeros past the parent's end or without a parent."""
        inside = max(0, min(length, self.parent.size - offset)) if self.parent else 0
        if self.parent and inside:
            yield from self.parent.pieces(offset, inside)
        if length > inside:
            yield Piece(length - inside, None)

    def _partial(self, block: int, within: int, length: int, at: int) -> Iterator[Piece]:
        """Bytes of one block, each sector from this file or from below; begins and ends anywhere in a sector."""
        first = within // self.sector_size
        last = -(-(within + length) // self.sector_size)
        for count, here in self.sectors(block, first, last - first):
            stop = min((first + count) * self.sector_size, within + length)
            if here:
                yield Piece(stop - within, self.file, at + within)
            else:
                yield from self._below(block * self.block_size + within, stop - within)
            first, within = first + count, stop


def bit_runs(bitmap: bytes, first: int, count: int, order: str) -> Iterator[tuple[int, bool]]:
    """Runs of equal bits, ``count`` from ``first`` on, as ``(count, bit)``; ``order`` "big": from the top bit.

    >>> list(bit_runs(bytes([0b11100000]), 0, 8, "big")), list(bit_runs(bytes([0b11100000]), 4, 4, "little"))
    ([(3, True), (5, False)], [(1, False), (3, True)])
    """
    wanted = bitmap[first // 8 : -(-(first + count) // 8)]
    if wanted.count(0xFF) == len(wanted):  # the usual case, and much the cheapest
        yield count, True
        return
    packed = np.frombuffer(wanted, np.uint8)
    bits = np.unpackbits(packed, bitorder="big" if order == "big" else "little")[first % 8 :][:count]
    edges = [0, *(np.flatnonzero(np.diff(bits)) + 1).tolist(), count]
    for start, stop in pairwise(edges):
        yield stop - start, bool(bits[start])


def _clear(view: memoryview) -> None:
    for start in range(0, len(view), BLOCK):
        part = view[start : start + BLOCK]
        part[:] = ZEROS[: len(part)]
