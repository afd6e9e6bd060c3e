"""Reading VHDX files: fixed, dynamic and differencing, with a log to replay or without. Layout: ``vhdx_layout``.

All structures are checked when the file is opened; bitmaps of blocks are read with the blocks.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from labkit.disks import checks, vhdx_layout, vhdx_log
from labkit.disks.chain import Chain
from labkit.disks.checks import Part
from labkit.disks.imagefile import ImageFile
from labkit.disks.reading import BlockImage, Image, Run
from labkit.disks.vhdx_layout import MIB, NIL, Entry, Header
from labkit.disks.vhdx_table import FIELD as TABLE_FIELD
from labkit.disks.vhdx_table import BlockTable
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _

_REGIONS = {vhdx_layout.REGION_BAT: TABLE_FIELD, vhdx_layout.REGION_METADATA: "metadata region"}
_ITEMS = {
    vhdx_layout.FILE_PARAMETERS: "file parameters",
    vhdx_layout.DISK_SIZE: "virtual disk size",
    vhdx_layout.DISK_ID: "virtual disk ID",
    vhdx_layout.LOGICAL_SECTOR: "logical sector size",
    vhdx_layout.PHYSICAL_SECTOR: "physical sector size",
    vhdx_layout.PARENT_LOCATOR: "parent locator",
}
_LENGTHS = {"file parameters": 8, "virtual disk size": 8, "virtual disk ID": 16}
_LENGTHS |= {"logical sector size": 4, "physical sector size": 4}
_MAX_LOCATOR = 4_096


def is_vhdx(file: ImageFile) -> bool:
    """Whether a file begins as a VHDX, or has one's tables where they belong (its identifier is damaged then)."""
    begins = file.length >= 8 and file.read(0, 8, "file identifier") == vhdx_layout.IDENTIFIER
    if begins or file.length < vhdx_layout.HEADER_AREA:
        return begins
    marks = [(vhdx_layout.HEADER_PLACES[0], b"head"), (vhdx_layout.REGION_PLACES[0], b"regi")]
    return all(file.read(at, len(mark), "signature") == mark for at, mark in marks)


def open_vhdx(file: ImageFile, chain: Chain) -> Image:
    """The image in a VHDX file, its parents opened through ``chain``; ``LabError`` 900310-900349."""
    return Vhdx(file, chain)


class Vhdx(BlockImage):
    """A VHDX of any kind. ``data_write`` changes whenever the content does; children know their parent by it."""

    container = "vhdx"

    def __init__(self, file: ImageFile, chain: Chain) -> None:
        super().__init__(file)
        path = file.path
        found = file.read(0, len(vhdx_layout.IDENTIFIER), "file identifier")
        checks.signature(path, "file identifier", found, vhdx_layout.IDENTIFIER)
        file.read(0, vhdx_layout.HEADER_AREA, "header area")
        header = self._newest_header()
        self.data_write = header.data_write
        parts = [Part(0, vhdx_layout.HEADER_AREA, "header area"), self._log(header)]
        regions = self._regions()
        parts += [_region_part(path, entry, self.file.length) for entry in regions.values()]
        checks.disjoint(path, parts)
        items = _Items(self.file, regions[vhdx_layout.REGION_METADATA])
        self.block_size, flags = items.parameters()
        self.size, self.sector_size = items.disk(self.block_size)
        self._blocks = self._table(regions[vhdx_layout.REGION_BAT], bool(flags & vhdx_layout.HAS_PARENT), parts)
        self.kind = ("fixed" if flags & vhdx_layout.LEAVE_ALLOCATED else "dynamic") + " vhdx"
        if flags & vhdx_layout.HAS_PARENT:
            self.kind = "differencing vhdx"
            self._open_parent(items.locator(), chain)
        else:
            items.refuse_locator()
        self._warn(bool(flags & vhdx_layout.LEAVE_ALLOCATED))

    def run(self, block: int, limit: int) -> Run:
        """See ``BlockImage.run``."""
        return self._blocks.run(block, limit)

    def sectors(self, block: int, first: int, count: int) -> Iterator[tuple[int, bool]]:
        """See ``BlockImage.sectors``."""
        return self._blocks.sectors(block, first, count)

    def _note(self, text: str, **details: object) -> None:
        self.own_warnings.append(text.format(path=self.file.path, **details))

    def _newest_header(self) -> Header:
        places, path = vhdx_layout.HEADER_PLACES, self.file.path
        raws = [self.file.read(at, vhdx_layout.HEADER_BYTES, "header") for at in places]
        raw, damaged = _either(raws, "header", lambda raw, field: _check_sealed(path, raw, b"head", field))
        headers = [vhdx_layout.parse_header(each) for each in raws]
        self._one_header = damaged
        if damaged:
            self._note(_("{path}: one of the two headers is damaged; the other one was used."))
            header = vhdx_layout.parse_header(raw)
        elif headers[0].sequence == headers[1].sequence and raws[0] != raws[1]:
            raise LabError(900321, path=path, field="header: sequence number", found=headers[0].sequence)
        else:
            header = max(headers, key=lambda each: each.sequence)
        checks.one_of(path, "header: version", header.version, (1,))
        checks.one_of(path, "header: log version", header.log_version, (0,))
        return header

    def _log(self, header: Header) -> Part:
        """Where the log lies; if there is something in it, it is replayed and the file from now on read through it."""
        path, part = self.file.path, Part(header.log_offset, header.log_length, "log")
        checks.multiple(path, "header: log offset", part.at, MIB)
        checks.multiple(path, "header: log length", part.length, MIB)
        checks.fits(path, part, self.file.length)
        if header.log == NIL and self._one_header and vhdx_log.holds_entries(self.file, part.at, part.length):
            raise LabError(900329, path=path)
        if header.log != NIL:
            self.file = vhdx_log.replay(self.file, part.at, part.length, header.log)
            self._note(_("{path}: was not closed properly; its log was replayed in memory, the file is unchanged."))
        return part

    def _regions(self) -> dict[uuid.UUID, Entry]:
        raws = [self.file.read(at, vhdx_layout.REGION_BYTES, "region table") for at in vhdx_layout.REGION_PLACES]
        raw, damaged = _either(raws, "region table", self._check_regions)
        if damaged or raws[0] != raws[1]:
            self._note(_("{path}: one of the two region tables is damaged; the other one was used."))
        count = vhdx_layout.REGION_TABLE.unpack_from(raw)[2]
        regions = _unique(self.file, vhdx_layout.parse_regions(raw, count), "region")
        for identity, entry in regions.items():
            if identity not in _REGIONS and entry.flags & 1:
                raise LabError(900322, path=self.file.path, field="region", found=identity)
        for identity, name in _REGIONS.items():
            if identity not in regions:
                raise LabError(900326, path=self.file.path, field=name)
        return regions

    def _check_regions(self, raw: bytes, field: str) -> None:
        _check_sealed(self.file.path, raw, b"regi", field)
        count = vhdx_layout.REGION_TABLE.unpack_from(raw)[2]
        checks.between(self.file.path, f"{field}: entry count", count, 0, vhdx_layout.MAX_REGIONS)

    def _table(self, region: Entry, parent: bool, parts: list[Part]) -> BlockTable:
        table = BlockTable(self.file, region.offset, self.size, self.block_size, self.sector_size, parent)
        need = vhdx_layout.table_entries(self.size, self.block_size, table.ratio, parent) * 8
        checks.between(self.file.path, "BAT: region length", region.length, need, 1 << 32)
        table.check(parts)
        return table

    def _open_parent(self, locator: dict[str, str], chain: Chain) -> None:
        field = "parent locator: parent_linkage"
        try:
            wanted = uuid.UUID(locator["parent_linkage"])
        except (KeyError, ValueError):
            raise LabError(900326, path=self.file.path, field=field) from None

        def check(parent: Image) -> None:
            found = parent.data_write if isinstance(parent, Vhdx) else NIL
            if found != wanted:
                below = parent.file.path
                raise LabError(900333, path=self.file.path, parent=below, field=field, found=found, expected=wanted)

        keys = ("relative_path", "absolute_win32_path", "volume_path")
        self.parent = chain.parent(self, [locator[key] for key in keys if key in locator], check)

    def _warn(self, fixed: bool) -> None:
        absent, misplaced = self._blocks.absent, self._blocks.misplaced
        if fixed and absent and not self.parent:
            self._note(_("{path}: {count} blocks of this fixed disk are absent; they read as zeros."), count=absent)
        if self._blocks.cut_short:
            self._note(_("{path}: the last block of the disk is cut short, or its BAT entry is damaged."))
        if misplaced:
            text = _("{path}: {count} blocks count as absent and yet have a place in the file; the BAT may be damaged.")
            self._note(text, count=misplaced)


class _Items:
    """The metadata: a table, and the items it places in its region."""

    def __init__(self, file: ImageFile, region: Entry) -> None:
        self._file, self._region = file, region
        path = file.path
        raw = file.read(region.offset, vhdx_layout.METADATA_TABLE_BYTES, "metadata table")
        mark, _reserved, count, _rest = vhdx_layout.METADATA_TABLE.unpack_from(raw)
        checks.signature(path, "metadata table", mark, b"metadata")
        checks.between(path, "metadata table: entry count", count, 0, vhdx_layout.MAX_ITEMS)
        self._items = _unique(file, vhdx_layout.parse_items(raw, count), "metadata item")
        parts = [Part(0, vhdx_layout.METADATA_TABLE_BYTES, "metadata table")]
        for identity, entry in self._items.items():
            parts.append(self._part(identity, entry))
        checks.disjoint(path, parts)

    def parameters(self) -> tuple[int, int]:
        """Bytes of a block and flags."""
        block, flags = struct.unpack("<II", self._value(vhdx_layout.FILE_PARAMETERS))
        low, high = vhdx_layout.MIN_BLOCK, vhdx_layout.MAX_BLOCK
        checks.power_of_two(self._file.path, "file parameters: block size", block, low, high)
        if flags & ~(vhdx_layout.LEAVE_ALLOCATED | vhdx_layout.HAS_PARENT):
            raise LabError(900323, path=self._file.path, field="file parameters: flags", found=hex(flags))
        return block, flags

    def disk(self, block: int) -> tuple[int, int]:
        """Bytes of the disk and of a logical sector."""
        path = self._file.path
        (size,) = struct.unpack("<Q", self._value(vhdx_layout.DISK_SIZE))
        (sector,) = struct.unpack("<I", self._value(vhdx_layout.LOGICAL_SECTOR))
        (physical,) = struct.unpack("<I", self._value(vhdx_layout.PHYSICAL_SECTOR))
        self._value(vhdx_layout.DISK_ID)
        checks.one_of(path, "logical sector size", sector, vhdx_layout.SECTORS)
        checks.one_of(path, "physical sector size", physical, vhdx_layout.SECTORS)
        checks.between(path, "virtual disk size", size, sector, vhdx_layout.MAX_SIZE)
        checks.multiple(path, "virtual disk size", size, sector)
        return size, sector

    def locator(self) -> dict[str, str]:
        """Keys and values of the parent locator."""
        path, raw = self._file.path, self._value(vhdx_layout.PARENT_LOCATOR)
        checks.between(path, "parent locator: length", len(raw), vhdx_layout.LOCATOR.size, _MAX_LOCATOR)
        kind, _reserved, count = vhdx_layout.LOCATOR.unpack_from(raw)
        checks.one_of(path, "parent locator: type", uuid.UUID(bytes_le=kind), (vhdx_layout.VHDX_PARENT,))
        end = vhdx_layout.LOCATOR.size + count * vhdx_layout.LOCATOR_ENTRY.size
        checks.between(path, "parent locator: key value count", end, 0, len(raw))
        values: dict[str, str] = {}
        for places in vhdx_layout.LOCATOR_ENTRY.iter_unpack(raw[vhdx_layout.LOCATOR.size : end]):
            key, value = (self._text(raw, at, length) for at, length in zip(places[:2], places[2:], strict=True))
            if key in values:
                raise LabError(900321, path=path, field="parent locator: key", found=key)
            values[key] = value
        return values

    def refuse_locator(self) -> None:
        """``LabError`` 900323 for a disk that names a parent and says it has none: one of the two must be damage."""
        if vhdx_layout.PARENT_LOCATOR in self._items:
            raise LabError(900323, path=self._file.path, field="file parameters: has parent", found=0)

    def _text(self, raw: bytes, at: int, length: int) -> str:
        checks.between(self._file.path, "parent locator: key or value", at + length, 0, len(raw))
        try:
            return raw[at : at + length].decode("utf-16-le")
        except UnicodeDecodeError:
            raise LabError(900337, path=self._file.path, field="parent locator: key or value") from None

    def _value(self, identity: uuid.UUID) -> bytes:
        entry = self._items.get(identity)
        if entry is None:
            raise LabError(900326, path=self._file.path, field=_ITEMS[identity])
        return self._file.read(self._region.offset + entry.offset, entry.length, _ITEMS[identity])

    def _part(self, identity: uuid.UUID, entry: Entry) -> Part:
        """A known item's place in the region, checked; unknown ones are passed over if the file allows it."""
        path = self._file.path
        name = _ITEMS.get(identity)
        if entry.flags & ~7 or entry.reserved or (name and entry.flags & vhdx_layout.USER_ITEM):
            raise LabError(900323, path=path, field=f"metadata item {identity}: flags", found=hex(entry.flags))
        if name is None:
            if entry.flags & vhdx_layout.REQUIRED_ITEM:
                raise LabError(900322, path=path, field="metadata item", found=identity)
            name = f"metadata item {identity}"
        length = _LENGTHS.get(name)
        checks.between(path, f"{name}: length", entry.length, length or 0, length or MIB)
        part = Part(entry.offset, entry.length, name)
        checks.fits(path, part, self._region.length)
        return part


def _region_part(path: Path, entry: Entry, length: int) -> Part:
    name = _REGIONS.get(entry.identity, f"region {entry.identity}")
    checks.multiple(path, f"{name}: file offset", entry.offset, MIB)
    checks.multiple(path, f"{name}: length", entry.length, MIB)
    checks.between(path, f"{name}: length", entry.length, MIB, 1 << 32)
    part = Part(entry.offset, entry.length, name)
    checks.fits(path, part, length)
    return part


def _unique(file: ImageFile, entries: list[Entry], field: str) -> dict[uuid.UUID, Entry]:
    found: dict[uuid.UUID, Entry] = {}
    for entry in entries:
        if entry.identity in found:
            raise LabError(900321, path=file.path, field=field, found=entry.identity)
        found[entry.identity] = entry
    return found


def _either(raws: list[bytes], field: str, check: Callable[[bytes, str], None]) -> tuple[bytes, bool]:
    """The first of two copies that passes a check, and whether one does not; the first one's error if none does."""
    errors: list[LabError] = []
    sound: list[bytes] = []
    for number, raw in enumerate(raws, 1):
        try:
            check(raw, f"{field} {number}")
            sound.append(raw)
        except LabError as error:
            errors.append(error)
    if not sound:
        raise errors[0]
    return sound[0], bool(errors)


def _check_sealed(path: Path, raw: bytes, mark: bytes, field: str) -> None:
    checks.signature(path, f"{field}: signature", raw[:4], mark)
    (found,) = struct.unpack_from("<I", raw, vhdx_layout.CHECKSUM_AT)
    checks.checksum(path, f"{field}: checksum", found, vhdx_layout.counted(raw))
