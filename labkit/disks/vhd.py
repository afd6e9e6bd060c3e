"""Reading VHD files: fixed, dynamic and differencing. Layout and source: ``vhd_layout``.

All structures are checked when the file is opened; bitmaps of blocks are read with the blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from labkit.disks import checks, vhd_layout
from labkit.disks.chain import Chain
from labkit.disks.checks import Part
from labkit.disks.imagefile import ImageFile, Table
from labkit.disks.reading import BlockImage, Image, Piece, Run, bit_runs
from labkit.disks.vhd_layout import DIFFERENCING, DYNAMIC, FIXED, SECTOR, Footer, Header
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _

FOOTER_FIELD, COPY_FIELD, HEADER_FIELD, TABLE_FIELD = "footer", "copy of the footer", "dynamic disk header", "BAT"
# The largest disk in the smallest blocks in use (512 KiB); a file that claims more entries only costs memory.
MAX_ENTRIES = 1 << 22
_MAX_LOCATOR = 4_096


def is_vhd(file: ImageFile) -> bool:
    """Whether a file carries the cookie of a VHD at its end or its beginning."""
    places = [file.length - SECTOR, file.length - vhd_layout.OLD_FOOTER, 0]
    cookie = vhd_layout.COOKIE
    return any(at >= 0 and file.length >= at + 8 and file.read(at, 8, FOOTER_FIELD) == cookie for at in places)


def open_vhd(file: ImageFile, chain: Chain) -> Image:
    """The image in a VHD file, its parents opened through ``chain``; ``LabError`` 900310-900349."""
    found, end, warnings = _footer(file)
    path = file.path
    checks.one_of(path, "footer: disk type", found.kind, (FIXED, DYNAMIC, DIFFERENCING))
    checks.between(path, "footer: current size", found.size, SECTOR, vhd_layout.MAX_SIZE)
    checks.multiple(path, "footer: current size", found.size, SECTOR)
    image = FixedVhd(file, found, end) if found.kind == FIXED else DynamicVhd(file, found, end, chain)
    image.own_warnings[:0] = warnings
    return image


class FixedVhd(Image):
    """The disk's bytes, then a footer."""

    container, kind = "vhd", "fixed vhd"

    def __init__(self, file: ImageFile, footer: Footer, end: int) -> None:
        super().__init__(file)
        self.size, self.identity = footer.size, footer.identity
        checks.fits(file.path, Part(0, footer.size, "footer: current size"), end)
        if footer.size < end:
            text = _("{path}: {count} bytes between the disk and the footer were passed over.")
            self.own_warnings.append(text.format(path=file.path, count=end - footer.size))

    def pieces(self, offset: int, length: int) -> Iterator[Piece]:
        """See ``Image.pieces``."""
        yield Piece(length, self.file, offset)


class DynamicVhd(BlockImage):
    """A dynamic or differencing VHD."""

    container = "vhd"

    def __init__(self, file: ImageFile, footer: Footer, end: int, chain: Chain) -> None:
        super().__init__(file)
        self.size, self.identity = footer.size, footer.identity
        self.kind = "dynamic vhd" if footer.kind == DYNAMIC else "differencing vhd"
        header = _header(file, footer)
        self.block_size = header.block
        self._bitmap = vhd_layout.bitmap_bytes(header.block)
        need = -(-self.size // header.block)
        checks.between(file.path, "dynamic disk header: max table entries", header.entries, need, vhd_layout.ABSENT)
        checks.between(file.path, "dynamic disk header: blocks of the disk", need, 1, MAX_ENTRIES)
        table = Part(header.table, need * 4, TABLE_FIELD)
        checks.fits(file.path, table, end)
        self._table = Table(file, header.table, need, ">u4", TABLE_FIELD)
        parts = [Part(0, SECTOR, COPY_FIELD), Part(footer.offset, vhd_layout.HEADER.size, HEADER_FIELD)]
        parts += [table, Part(end, file.length - end, FOOTER_FIELD)]
        names = []
        if footer.kind == DIFFERENCING:
            names = _locators(file, header, parts, end)
        checks.disjoint(file.path, parts)
        self._check_blocks(parts, end)
        if footer.kind == DIFFERENCING:
            names.append(header.name.decode("utf-16-be", "replace").partition("\0")[0])
            self.parent = chain.parent(self, names, lambda parent: self._check_parent(parent, header.parent))

    def run(self, block: int, limit: int) -> Run:
        """See ``BlockImage.run``."""
        entries = self._table.entries(block, min(limit, 1 << 16))
        if entries[0] != vhd_layout.ABSENT:
            return Run("partial", 1, int(entries[0]) * SECTOR + self._bitmap)
        present = entries != vhd_layout.ABSENT
        return Run("below", int(present.argmax()) if present.any() else len(entries))

    def sectors(self, block: int, first: int, count: int) -> Iterator[tuple[int, bool]]:
        """See ``BlockImage.sectors``."""
        at = int(self._table.entries(block, 1)[0]) * SECTOR
        start = first // 8
        bitmap = self.file.read(at + start, -(-(first + count) // 8) - start, f"bitmap of block {block}")
        yield from bit_runs(bitmap, first - start * 8, count, "big")

    def _check_parent(self, parent: Image, wanted: bytes) -> None:
        found = parent.identity if isinstance(parent, FixedVhd | DynamicVhd) else b""
        if found != wanted:
            field = "dynamic disk header: parent unique ID"
            raise LabError(
                900333,
                path=self.file.path,
                parent=parent.file.path,
                field=field,
                found=found.hex(),
                expected=wanted.hex(),
            )

    def _check_blocks(self, parts: list[Part], end: int) -> None:
        """Every block within the file, none on another or on a structure.

        Some writers end the file where the disk ends, within its last block; that is let pass, with a warning.
        """
        blocks, starts = self._present(end)
        if not len(blocks):
            return
        order = np.argsort(starts, kind="stable")
        blocks, starts = blocks[order], starts[order]
        ends = starts + self._bitmap + self.block_size
        last = self._table.count - 1
        if ends[-1] > end and blocks[-1] == last:
            ends[-1] -= (last + 1) * self.block_size - self.size
            text = _("{path}: the last block of the disk is cut short, or its BAT entry is damaged.")
            self.own_warnings.append(text.format(path=self.file.path))
        if (ends > end).any():
            worst = int(ends.argmax())
            raise LabError(
                900314, path=self.file.path, field=_entry(blocks[worst]), needed=int(ends[worst]), length=end
            )
        self._check_overlaps(parts, blocks, starts, ends)
        self._warn_of_odd_places(blocks, starts)

    def _check_overlaps(
        self,
        parts: list[Part],
        blocks: npt.NDArray[np.int64],
        starts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
    ) -> None:
        path = self.file.path
        overlaps = np.flatnonzero(ends[:-1] > starts[1:])
        if len(overlaps):
            place = int(overlaps[0])
            first, second = _entry(blocks[place]), _entry(blocks[place + 1])
            raise LabError(900324, path=path, first=first, second=second, at=int(starts[place + 1]))
        for part in parts:
            # Blocks do not overlap: the only ones that can reach into a part are the last to begin before its end.
            place = int(np.searchsorted(starts, part.end)) - 1
            if part.length and place >= 0 and ends[place] > part.at:
                raise LabError(900324, path=path, first=part.field, second=_entry(blocks[place]), at=int(starts[place]))

    def _present(self, end: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Numbers of the blocks that are in the file, ascending, and where each begins."""
        blocks, starts, count = [], [], 0
        for first, entries in self._table.pages():
            here = np.flatnonzero(entries != vhd_layout.ABSENT)
            count += len(here)
            least = (count - 1) * (self._bitmap + self.block_size)
            checks.fits(self.file.path, Part(0, least, "BAT: blocks present"), end)
            blocks.append(here + first)
            starts.append(entries[here].astype(np.int64) * SECTOR)
        return np.concatenate(blocks), np.concatenate(starts)

    def _warn_of_odd_places(self, blocks: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]) -> None:
        """A block moved by a few sectors into a gap shows only by lying unlike the others: no checksum covers it."""
        places = starts % 4_096
        usual = int(np.bincount(places).argmax())
        odd = np.flatnonzero(places != usual)
        if 0 < len(odd) <= len(places) // 8:
            text = _("{path}: BAT entry of block {block} is not aligned like the others; it may be damaged.")
            self.own_warnings.append(text.format(path=self.file.path, block=int(blocks[odd[0]])))


def _entry(block: object) -> str:
    return f"BAT entry of block {block}"


def _footer(file: ImageFile) -> tuple[Footer, int, list[str]]:
    """The footer that is to be believed, where it begins (the end of the file if it is lost), and warnings."""
    length = vhd_layout.OLD_FOOTER if file.length % SECTOR == vhd_layout.OLD_FOOTER else SECTOR
    at = file.length - length
    raw = file.read(max(0, at), min(length, file.length), FOOTER_FIELD)
    copy = file.read(0, SECTOR, COPY_FIELD) if file.length >= SECTOR else b""
    copied = copy.startswith(vhd_layout.COOKIE) and vhd_layout.parse_footer(copy).kind in (DYNAMIC, DIFFERENCING)
    try:
        footer = _checked(file, raw, FOOTER_FIELD)
    except LabError:
        if not copied:
            raise
        footer = _checked(file, copy, COPY_FIELD)
        text = _("{path}: the footer is damaged; its copy at the beginning was used.")
        return footer, file.length, [text.format(path=file.path)]
    if footer.kind == FIXED or copy[:length] == raw:
        return footer, at, []
    text = _("{path}: the copy of the footer is damaged or older; the footer at the end was used.")
    return footer, at, [text.format(path=file.path)]


def _checked(file: ImageFile, raw: bytes, field: str) -> Footer:
    footer = vhd_layout.parse_footer(raw)
    checks.signature(file.path, f"{field}: cookie", footer.cookie, vhd_layout.COOKIE)
    counted = vhd_layout.counted(raw, vhd_layout.CHECKSUM_AT)
    checks.checksum(file.path, f"{field}: checksum", footer.checksum, counted)
    checks.one_of(file.path, f"{field}: file format version", footer.version, (vhd_layout.VERSION,))
    checks.one_of(file.path, f"{field}: saved state", footer.saved, (0, 1))
    return footer


def _header(file: ImageFile, footer: Footer) -> Header:
    path = file.path
    checks.multiple(path, "footer: data offset", footer.offset, SECTOR)
    raw = file.read(footer.offset, vhd_layout.HEADER.size, HEADER_FIELD)
    header = vhd_layout.parse_header(raw)
    checks.signature(path, f"{HEADER_FIELD}: cookie", header.cookie, vhd_layout.HEADER_COOKIE)
    counted = vhd_layout.counted(raw, vhd_layout.HEADER_CHECKSUM_AT)
    checks.checksum(path, f"{HEADER_FIELD}: checksum", header.checksum, counted)
    checks.one_of(path, f"{HEADER_FIELD}: header version", header.version, (vhd_layout.VERSION,))
    low, high = vhd_layout.MIN_BLOCK, vhd_layout.MAX_BLOCK
    checks.power_of_two(path, f"{HEADER_FIELD}: block size", header.block, low, high)
    checks.multiple(path, f"{HEADER_FIELD}: table offset", header.table, SECTOR)
    return header


def _locators(file: ImageFile, header: Header, parts: list[Part], end: int) -> list[str]:
    """Paths of the parent, relative ones first; where they stand is added to ``parts``."""
    names: dict[bytes, str] = {}
    for code, length, offset in header.locators:
        field = f"parent locator {code.decode('latin-1')!r}"
        checks.between(file.path, f"{field}: data length", length, 0, _MAX_LOCATOR)
        part = Part(offset, length, field)
        checks.fits(file.path, part, end)
        parts.append(part)
        if code in (vhd_layout.RELATIVE, vhd_layout.ABSOLUTE):
            names[code] = file.read(offset, length, field).decode("utf-16-le", "replace").partition("\0")[0]
    return [names[code] for code in (vhd_layout.RELATIVE, vhd_layout.ABSOLUTE) if code in names]
