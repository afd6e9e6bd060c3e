"""A data disk as the guest sees it: copied on the first write, with a directory of its few files in block 0.

Layout of the disk (little-endian; blocks of 64 KiB):

=========================  ==========================================================================
block 0, bytes 0-1,023     the directory: header, entries, checksum (below); the rest of the block is unused
blocks 1-15                unused
blocks 16 to half          the database file, growing upwards
half to the end            the database's log (the file whose name ends in ``-wal``), growing upwards
=========================  ==========================================================================

*Directory*: magic ``LABKITFS``; u32 version (1); u32 block size; u64 size of the disk in bytes; u32 number of entries;
u32 zero. From byte 32, 64 bytes each: name (32 bytes, UTF-8, padded with zeros), u64 first block, u64 blocks reserved,
u64 size of the file in bytes, u64 zero. Bytes 1,020-1,023: CRC-32 of bytes 0-1,019. All zeros: never laid out.

Existence and size of a file are on the disk and nowhere else, so that a recovery point knows no file of the future.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from labkit.disks.blocks import BLOCK, PAGE
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _

Content = bytes | bytearray

MAGIC, VERSION = b"LABKITFS", 1
DIRECTORY_BYTES, FIRST_BLOCK, LEAST_BLOCKS = 1024, 16, 64
LOG_SUFFIX = "-wal"

_HEAD = struct.Struct("<8sIIQII")
_ENTRY = struct.Struct("<32sQQQQ")
_SIZE_IN_ENTRY = 48
_CRC_AT = DIRECTORY_BYTES - 4
_MOST_FILES = (_CRC_AT - _HEAD.size) // _ENTRY.size


class NoSpaceError(Exception):
    """A file cannot grow: its reserved blocks are used up. SQLite gets it as ``SQLITE_FULL``."""


class Volume:
    """An emulated disk, copied on write: what is below stays as it is.

    ``size`` in bytes; ``read(block)`` gives the 65,536 bytes of a block, or None for zeros, and must give the same
    as long as the volume lives; ``name`` is how errors call the disk.
    """

    def __init__(self, size: int, read: Callable[[int], Content | None], *, name: str = "data") -> None:
        self.size = size
        self.name = name
        self._below = read
        self._seen: dict[int, Content | None] = {}
        self._over: dict[int, bytearray] = {}
        self._pages: dict[int, int] = {}

    def block(self, number: int) -> Content | None:
        """The 65,536 bytes of a block as they are now, or None for zeros; not to be changed by the caller."""
        over = self._over.get(number)
        if over is not None:
            return over
        if number not in self._seen:
            content = self._below(number)
            if content is not None and len(content) != BLOCK:
                raise ValueError(f"block {number}: {len(content)} bytes, not {BLOCK}")
            self._seen[number] = content
        return self._seen[number]

    def read(self, at: int, length: int) -> bytes:
        """``length`` bytes from byte ``at`` of the disk."""
        number, start = divmod(at, BLOCK)
        if start + length <= BLOCK:
            content = self.block(number)
            return bytes(length) if content is None else bytes(content[start : start + length])
        here = BLOCK - start
        return self.read(at, here) + self.read(at + here, length - here)

    def write(self, at: int, data: Content | memoryview) -> None:
        """Write bytes at byte ``at`` of the disk; beyond its end is a fault of the caller (ValueError)."""
        if at < 0 or at + len(data) > self.size:
            raise ValueError(f"bytes {at} to {at + len(data)} are not on a disk of {self.size} bytes")
        while data:
            number, start = divmod(at, BLOCK)
            part = data[: BLOCK - start]
            end = start + len(part)
            self._writable(number)[start:end] = part
            self._pages[number] |= (2 << (end - 1) // PAGE) - (1 << start // PAGE)
            at, data = at + len(part), data[len(part) :]

    def _writable(self, number: int) -> bytearray:
        over = self._over.get(number)
        if over is None:
            over = self._over[number] = bytearray(self.block(number) or BLOCK)
            self._pages[number] = 0
        return over

    def changed(self) -> dict[int, tuple[bytes, int]]:
        """What was written: block -> (its 65,536 bytes, 16-bit mask of the 4 KiB pages written), in order of blocks."""
        return {number: (bytes(self._over[number]), self._pages[number]) for number in sorted(self._over)}

    def overlay(self) -> Volume:
        """A further copy on write above this one, which must not be written while the copy lives."""
        return Volume(self.size, self.block, name=self.name)


@dataclass(slots=True)
class File:
    """A directory entry: ``blocks`` blocks are reserved from block ``first``, the first ``size`` bytes are used."""

    name: str
    first: int
    blocks: int
    size: int = 0

    @property
    def room(self) -> int:
        """Bytes the file may grow to."""
        return self.blocks * BLOCK


class Directory:
    """The files of a volume; every change of existence or size is on the disk when the call returns."""

    def __init__(self, volume: Volume, files: Iterable[File] = ()) -> None:
        self.volume = volume
        self._list = list(files)
        self.files = {file.name: file for file in self._list}
        self._bytes = bytearray()

    @classmethod
    def load(cls, volume: Volume) -> Directory | None:
        """The directory on the disk, None when the disk was never laid out; LabError 900401 when it is damaged."""
        raw = volume.read(0, DIRECTORY_BYTES)
        if not any(raw):
            return None
        return cls(volume, _parse(raw, volume))

    @classmethod
    def lay_out(cls, volume: Volume, name: str, content: bytes) -> Directory:
        """Put the file ``name`` and its empty log on a blank disk; LabError 900400 or 900402 when it is too small.

        The directory is written last, so that the disk is blank or has the whole file, whenever it is cut.
        """
        blocks = volume.size // BLOCK
        if blocks < LEAST_BLOCKS:
            raise LabError(900400, disk=volume.name, found=volume.size, least=LEAST_BLOCKS * BLOCK)
        half = blocks // 2
        file = File(name, FIRST_BLOCK, half - FIRST_BLOCK, len(content))
        if file.size > file.room:
            raise LabError(900402, disk=volume.name, database=name, size=volume.size)
        volume.write(file.first * BLOCK, content)
        made = cls(volume, [file, File(name + LOG_SUFFIX, half, blocks - half)])
        made._save()
        return made

    def read(self, name: str, at: int, length: int) -> bytes:
        """Up to ``length`` bytes of a file; fewer at its end."""
        file = self.files[name]
        return self.volume.read(file.first * BLOCK + at, max(0, min(length, file.size - at)))

    def write(self, name: str, at: int, data: Content | memoryview) -> None:
        """Write bytes of a file, which grows as needed (a gap reads as zeros); NoSpaceError when it cannot."""
        file = self.files[name]
        end = at + len(data)
        if end > file.room:
            raise NoSpaceError(name)
        if at > file.size:
            self.volume.write(file.first * BLOCK + file.size, bytes(at - file.size))
        self.volume.write(file.first * BLOCK + at, data)
        if end > file.size:
            self._resize(file, end)

    def truncate(self, name: str, size: int) -> None:
        """Set the size of a file; what is cut off stays on the disk, unreachable, as on a real one."""
        file = self.files[name]
        if size < file.size:
            self._resize(file, size)
        elif size > file.size:
            self.write(name, size, b"")

    def _resize(self, file: File, size: int) -> None:
        file.size = size
        if not self._bytes:
            self._save()
            return
        entry = _HEAD.size + self._list.index(file) * _ENTRY.size
        struct.pack_into("<Q", self._bytes, entry + _SIZE_IN_ENTRY, size)
        self._seal()

    def _save(self) -> None:
        self._bytes = bytearray(DIRECTORY_BYTES)
        _HEAD.pack_into(self._bytes, 0, MAGIC, VERSION, BLOCK, self.volume.size, len(self._list), 0)
        for number, file in enumerate(self._list):
            at = _HEAD.size + number * _ENTRY.size
            _ENTRY.pack_into(self._bytes, at, file.name.encode("utf-8"), file.first, file.blocks, file.size, 0)
        self._seal()

    def _seal(self) -> None:
        view = memoryview(self._bytes)
        struct.pack_into("<I", self._bytes, _CRC_AT, zlib.crc32(view[:_CRC_AT]))
        self.volume.write(0, view)


def _parse(raw: bytes, volume: Volume) -> list[File]:
    def damaged(found: str) -> LabError:
        return LabError(900401, disk=volume.name, found=found)

    magic, version, block, size, count, _rest = _HEAD.unpack_from(raw)
    if magic != MAGIC:
        raise damaged(_("it begins with {found}").format(found=magic.hex()))
    if zlib.crc32(raw[:_CRC_AT]) != int.from_bytes(raw[_CRC_AT:], "little"):
        raise damaged(_("its checksum is wrong"))
    if (version, block) != (VERSION, BLOCK) or size > volume.size or count > _MOST_FILES:
        found = f"{version}, {block}, {size}, {count}"
        raise damaged(_("version, block size, disk size, files: {found}").format(found=found))
    files = []
    for number in range(count):
        name, first, blocks, used, _rest = _ENTRY.unpack_from(raw, _HEAD.size + number * _ENTRY.size)
        if first < 1 or (first + blocks) * BLOCK > volume.size or used > blocks * BLOCK:
            raise damaged(_("file {number} is not within the disk").format(number=number))
        files.append(File(name.rstrip(b"\0").decode("utf-8", "replace"), first, blocks, used))
    return files
