"""Where things lie in a VHD file. Source: Microsoft's Virtual Hard Disk Image Format Specification, version 1.0.

All numbers are big-endian. A fixed VHD is the disk's bytes, then a footer of one sector. Dynamic and differencing ones
begin with a copy of the footer; then come a header, a table with one 32-bit sector number for each block, and the
blocks, each a bitmap of its sectors (first sector in the top bit) and the data; the footer ends the file.
"""

from __future__ import annotations

import struct
import uuid
from typing import NamedTuple

SECTOR = 512
MAX_SIZE = 2_040 << 30
FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4
ABSENT = 0xFFFF_FFFF

# cookie, features, version, data offset, created, creator application, its version, host system, original size,
# current size, cylinders, heads, sectors per track, type, checksum, identity, saved state, reserved
FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
CHECKSUM_AT = 64
# An early Microsoft product wrote one byte less.
OLD_FOOTER = 511
# Where our own files have the table: behind the copy of the footer and the header.
TABLE_AT = 1_536

# cookie, data offset, table offset, version, entries, block size, checksum, parent's identity, its time, its name
HEADER = struct.Struct(">8sQQIIII16sI4x512s192s256x")
HEADER_CHECKSUM_AT = 36
LOCATOR = struct.Struct(">4sII4xQ")
LOCATORS = 8

COOKIE, HEADER_COOKIE = b"conectix", b"cxsparse"
VERSION = 0x0001_0000
DEFAULT_BLOCK, MIN_BLOCK, MAX_BLOCK = 2 << 20, 4 << 10, 256 << 20
# W2ru: relative path, W2ku: absolute path, both UTF-16, little-endian.
RELATIVE, ABSOLUTE = b"W2ru", b"W2ku"

_FEATURES, _NO_OFFSET = 2, (1 << 64) - 1
# Readers take the exact size from the footer only of creators they know, and C*H*S otherwise, which is up to 32 KiB
# less: so the file names Windows as its creator, as Hyper-V does.
_CREATOR, _CREATOR_VERSION, _HOST_SYSTEM = b"win ", 0x000A_0000, b"Wi2k"
_MAX_SECTORS, _WIDE_SECTORS = 65_535 * 16 * 255, 65_535 * 16 * 63


class Footer(NamedTuple):
    """What a reader needs of a footer; ``offset`` is the header's, ``checksum`` as in the file."""

    cookie: bytes
    version: int
    offset: int
    size: int
    kind: int
    checksum: int
    identity: bytes
    saved: int


class Header(NamedTuple):
    """The header of a dynamic or differencing VHD; ``name`` and ``locators`` undecoded."""

    cookie: bytes
    table: int
    version: int
    entries: int
    block: int
    checksum: int
    parent: bytes
    name: bytes
    locators: list[tuple[bytes, int, int]]  # code, length in bytes, offset


def geometry(size: int) -> tuple[int, int, int]:
    """Cylinders, heads, sectors per track for a disk of ``size`` bytes (the specification's appendix "CHS").

    >>> geometry(8 << 30), geometry(200 << 30)
    ((16644, 16, 63), (65535, 16, 255))
    """
    sectors = min(size // SECTOR, _MAX_SECTORS)
    if sectors >= _WIDE_SECTORS:
        return sectors // (16 * 255), 16, 255
    tracks = sectors // 17
    heads = max(4, -(-tracks // 1_024))
    if heads <= 16 and tracks < heads * 1_024:
        return tracks // heads, heads, 17
    per_track = 31 if sectors // 31 < 16 * 1_024 else 63
    return sectors // per_track // 16, 16, per_track


def checksum(structure: bytes) -> int:
    """Ones' complement of the sum of all bytes, the checksum's own field taken as zero by the caller; 32 bits."""
    return ~sum(structure) & 0xFFFF_FFFF


def counted(structure: bytes, at: int) -> int:
    """The checksum a structure of a file should have, whatever stands in its field at ``at``."""
    return checksum(structure[:at] + structure[at + 4 :])


def fixed_footer(size: int, identity: uuid.UUID, created: int = 0) -> bytes:
    """The 512 bytes at the end of a fixed VHD of ``size`` bytes; ``created`` is seconds since 2000-01-01 UTC."""
    return footer(size, FIXED, identity, created)


def footer(size: int, kind: int, identity: uuid.UUID, created: int = 0) -> bytes:
    """The 512 bytes of a footer; ``kind`` is ``FIXED``, ``DYNAMIC`` or ``DIFFERENCING``, the header then at 512."""

    def packed(check: int) -> bytes:
        offset = _NO_OFFSET if kind == FIXED else SECTOR
        head = (COOKIE, _FEATURES, VERSION, offset, created, _CREATOR, _CREATOR_VERSION, _HOST_SYSTEM)
        return FOOTER.pack(*head, size, size, *geometry(size), kind, check, identity.bytes, 0)

    return packed(checksum(packed(0)))


def header(
    table: int,
    entries: int,
    block: int,
    parent: uuid.UUID = uuid.UUID(int=0),  # noqa: B008 - a constant
    parent_created: int = 0,
    parent_name: str = "",
    locators: list[tuple[bytes, int, int]] | None = None,
) -> bytes:
    """The 1,024 bytes of a header; ``locators`` are (code, length in bytes, offset in the file), at most eight."""
    rows = b"".join(LOCATOR.pack(code, SECTOR, length, offset) for code, length, offset in locators or [])
    name = parent_name.encode("utf-16-be")

    def packed(check: int) -> bytes:
        head = (HEADER_COOKIE, _NO_OFFSET, table, VERSION, entries, block, check)
        return HEADER.pack(*head, parent.bytes, parent_created, name, rows)

    return packed(checksum(packed(0)))


def parse_footer(raw: bytes) -> Footer:
    """The fields of 512 bytes (or 511, as an early product wrote them), unchecked."""
    fields = FOOTER.unpack(raw.ljust(FOOTER.size, b"\0"))
    return Footer(fields[0], fields[2], fields[3], fields[9], fields[13], fields[14], fields[15], fields[16])


def parse_header(raw: bytes) -> Header:
    """The fields of 1,024 bytes, unchecked; locators without a code are left out."""
    cookie, _, table, version, entries, block, check, parent, _, name, rows = HEADER.unpack(raw)
    locators = [(code, length, offset) for code, _, length, offset in LOCATOR.iter_unpack(rows) if any(code)]
    return Header(cookie, table, version, entries, block, check, parent, name, locators)


def bitmap_bytes(block: int) -> int:
    """Bytes of the bitmap before the data of a block of ``block`` bytes: one bit a sector, whole sectors.

    >>> bitmap_bytes(2 << 20), bitmap_bytes(4 << 10), bitmap_bytes(32 << 20)
    (512, 512, 8192)
    """
    return -(-block // SECTOR // 8 // SECTOR) * SECTOR


def table_bytes(entries: int) -> int:
    """Bytes of a table with ``entries`` entries: whole sectors."""
    return -(-entries * 4 // SECTOR) * SECTOR
