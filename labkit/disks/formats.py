"""What an export has to know of a file format, and the formats it knows: raw, VHD, dynamic VHD, dynamic VHDX.

A format is made for one disk, from what is known before its bytes are: the size, and which blocks hold something. From
that alone it says where every byte of the file goes, so that a file is written from front to back, once, by a few
lines that are the same for all formats.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from labkit.disks import vhd_layout, vhdx_layout
from labkit.disks.blocks import BLOCK
from labkit.disks.vhdx_layout import MIB, Entry, Header
from labkit.engine.errors import LabError

_PAGE = 4_096


@dataclass(frozen=True)
class Plan:
    """A disk before its bytes are known.

    ``size``: bytes, a positive multiple of 512. ``held``: numbers of the 64 KiB blocks that may hold something,
    ascending. ``identity``, ``created`` (seconds since 2000-01-01 UTC): go into the file where it has room for them.
    ``block_size``, ``sector_size``: bytes, if not the format's own choice.
    """

    size: int
    held: npt.NDArray[np.int64]
    identity: uuid.UUID
    created: int = 0
    block_size: int | None = None
    sector_size: int | None = None


class Format(ABC):
    """A file format laid out for one disk. Making it raises ``LabError`` 900305 for a disk too large, 900309 for an
    option the format does not have; after that nothing here fails, reads or writes.
    """

    name: ClassVar[str]
    max_size: ClassVar[int]
    block_sizes: ClassVar[tuple[int, ...]] = ()
    sector_sizes: ClassVar[tuple[int, ...]] = (512,)

    def __init__(self, plan: Plan) -> None:
        if plan.size > self.max_size:
            raise LabError(900305, size=plan.size, format=self.name, limit=self.max_size >> 30)
        for option, found, allowed in (
            ("block_size", plan.block_size, self.block_sizes),
            ("sector_size", plan.sector_size, self.sector_sizes),
        ):
            if found is not None and found not in allowed:
                choices = ", ".join(map(str, allowed)) or "-"
                raise LabError(900309, format=self.name, option=option, found=found, choices=choices)
        self.size = plan.size

    @property
    @abstractmethod
    def file_size(self) -> int:
        """Bytes of the whole file."""

    @abstractmethod
    def structures(self) -> Iterator[tuple[int, bytes]]:
        """Everything in the file that is not the disk's: (place in the file, bytes), places ascending.

        No two share a byte, none shares one with the content. What neither structures nor content cover is zero.
        """

    @abstractmethod
    def places(self, offset: int, length: int) -> Iterator[tuple[int, int]]:
        """Where ``length`` bytes of the disk from ``offset`` on go: (place in the file, bytes), in order.

        The bytes lie in blocks of the plan's ``held``. Places ascend with offsets, also from one call to the next.
        """


class Raw(Format):
    """The bytes of the disk and nothing else."""

    name, max_size = "raw", (1 << 63) - 1

    @property
    def file_size(self) -> int:
        """See ``Format``."""
        return self.size

    def structures(self) -> Iterator[tuple[int, bytes]]:
        """See ``Format``."""
        return iter(())

    def places(self, offset: int, length: int) -> Iterator[tuple[int, int]]:
        """See ``Format``."""
        yield offset, length


class Vhd(Raw):
    """A fixed VHD: the bytes, then a footer."""

    name, max_size = "vhd", vhd_layout.MAX_SIZE

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._footer = vhd_layout.fixed_footer(plan.size, plan.identity, plan.created)

    @property
    def file_size(self) -> int:
        """See ``Format``."""
        return self.size + len(self._footer)

    def structures(self) -> Iterator[tuple[int, bytes]]:
        """See ``Format``."""
        yield self.size, self._footer


class _Blocks(Format):
    """A format that holds only blocks with something in them, in the order of the disk, at equal distances."""

    default_block: ClassVar[int]
    _first: int  # place in the file of the first block's data
    _stride: int  # from the data of one block to the data of the next

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.block_size = plan.block_size or self.default_block
        self._count = -(-plan.size // self.block_size)
        blocks = plan.held * BLOCK // self.block_size
        self._present = blocks[np.diff(blocks, prepend=-1) != 0]

    def places(self, offset: int, length: int) -> Iterator[tuple[int, int]]:
        """See ``Format``."""
        end = offset + length
        while offset < end:
            block, within = divmod(offset, self.block_size)
            count = min(end - offset, self.block_size - within)
            yield self._first + int(np.searchsorted(self._present, block)) * self._stride + within, count
            offset += count


class DynamicVhd(_Blocks):
    """A dynamic VHD: the data of each block begin on 4 KiB, a bitmap of ones before them."""

    name, max_size, default_block = "vhd-dynamic", vhd_layout.MAX_SIZE, vhd_layout.DEFAULT_BLOCK
    block_sizes = tuple(1 << bits for bits in range(19, 29))  # 512 KiB to 256 MiB

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._footer = vhd_layout.footer(plan.size, vhd_layout.DYNAMIC, plan.identity, plan.created)
        self._bitmap = vhd_layout.bitmap_bytes(self.block_size)
        table_end = vhd_layout.TABLE_AT + vhd_layout.table_bytes(self._count)
        self._first = -(-(table_end + self._bitmap) // _PAGE) * _PAGE
        self._stride = -(-(self.block_size + self._bitmap) // _PAGE) * _PAGE
        if (
            self.file_size // vhd_layout.SECTOR > vhd_layout.ABSENT
        ):  # small blocks, each with its bitmap, on a huge disk
            found, name = self.block_size, self.name
            raise LabError(900309, format=name, option="block_size", found=found, choices=f">= {self.default_block}")

    @property
    def file_size(self) -> int:
        """See ``Format``."""
        return self._end() + len(self._footer)

    def structures(self) -> Iterator[tuple[int, bytes]]:
        """See ``Format``."""
        yield 0, self._footer
        yield vhd_layout.SECTOR, vhd_layout.header(vhd_layout.TABLE_AT, self._count, self.block_size)
        table = np.full(vhd_layout.table_bytes(self._count) // 4, vhd_layout.ABSENT, ">u4")
        starts = self._first - self._bitmap + np.arange(len(self._present), dtype=np.int64) * self._stride
        table[self._present] = starts // vhd_layout.SECTOR
        yield vhd_layout.TABLE_AT, table.tobytes()
        ones = b"\xff" * self._bitmap
        for start in starts.tolist():
            yield start, ones
        yield self._end(), self._footer

    def _end(self) -> int:
        if not len(self._present):
            return vhd_layout.TABLE_AT + vhd_layout.table_bytes(self._count)
        return self._first + (len(self._present) - 1) * self._stride + self.block_size


class Vhdx(_Blocks):
    """A dynamic VHDX: blocks one after another behind the table, nothing between them."""

    name, max_size, default_block = "vhdx", vhdx_layout.MAX_SIZE, vhdx_layout.DEFAULT_BLOCK
    block_sizes = tuple(1 << bits for bits in range(20, 29))  # 1 MiB to 256 MiB
    sector_sizes = vhdx_layout.SECTORS

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._plan = plan
        self._sector = plan.sector_size or 512
        if plan.size % self._sector:
            allowed = ", ".join(str(size) for size in self.sector_sizes if not plan.size % size)
            raise LabError(900309, format=self.name, option="sector_size", found=self._sector, choices=allowed)
        ratio = vhdx_layout.chunk_ratio(self._sector, self.block_size)
        self._rows = self._present + self._present // ratio
        entries = vhdx_layout.table_entries(plan.size, self.block_size, ratio, False)
        self._table = -(-entries * 8 // MIB) * MIB
        self._first, self._stride = vhdx_layout.TABLE_AT + self._table, self.block_size

    @property
    def file_size(self) -> int:
        """See ``Format``."""
        return self._first + len(self._present) * self.block_size

    def structures(self) -> Iterator[tuple[int, bytes]]:
        """See ``Format``."""
        yield 0, vhdx_layout.identifier()
        identity = self._plan.identity
        writes = uuid.uuid5(identity, "file write"), uuid.uuid5(identity, "data write")
        for sequence, at in enumerate(vhdx_layout.HEADER_PLACES, 1):
            header = Header(sequence, *writes, vhdx_layout.NIL, 0, 1, MIB, vhdx_layout.LOG_AT)
            yield at, vhdx_layout.header(header)
        regions = [
            Entry(vhdx_layout.REGION_METADATA, vhdx_layout.METADATA_AT, vhdx_layout.METADATA_BYTES, 1),
            Entry(vhdx_layout.REGION_BAT, vhdx_layout.TABLE_AT, self._table, 1),
        ]
        for at in vhdx_layout.REGION_PLACES:
            yield at, vhdx_layout.region_table(regions)
        items = vhdx_layout.disk_items(self.size, self.block_size, self._sector, identity)
        table, values = vhdx_layout.metadata(items)
        yield vhdx_layout.METADATA_AT, table
        yield vhdx_layout.METADATA_AT + vhdx_layout.METADATA_TABLE_BYTES, values
        yield vhdx_layout.TABLE_AT, self._entries().tobytes()

    def _entries(self) -> npt.NDArray[np.uint64]:
        """The table as far as it holds anything."""
        entries = np.zeros(int(self._rows[-1]) + 1 if len(self._rows) else 0, "<u8")
        places = (self._first + np.arange(len(self._rows), dtype=np.int64) * self._stride) // MIB
        entries[self._rows] = places << 20 | vhdx_layout.WHOLE
        return entries


FORMATS: dict[str, type[Format]] = {each.name: each for each in (Raw, Vhd, DynamicVhd, Vhdx)}
