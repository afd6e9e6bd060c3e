"""Where things lie in a VHD file. Source: Microsoft's Virtual Hard Disk Image Format Specification, version 1.0.

All numbers are big-endian. A fixed VHD is the disk's bytes, then a footer of one sector.
"""

from __future__ import annotations

import struct
import uuid

SECTOR = 512
MAX_SIZE = 2_040 << 30
FIXED = 2

# cookie, features, version, data offset, created, creator application, its version, host system, original size,
# current size, cylinders, heads, sectors per track, type, checksum, identity, saved state, reserved
FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
CHECKSUM_AT = 64

_COOKIE, _FEATURES, _VERSION, _NO_OFFSET = b"conectix", 2, 0x0001_0000, (1 << 64) - 1
# Readers take the exact size from the footer only of creators they know, and C*H*S otherwise, which is up to 32 KiB
# less: so the file names Windows as its creator, as Hyper-V does.
_CREATOR, _CREATOR_VERSION, _HOST_SYSTEM = b"win ", 0x000A_0000, b"Wi2k"
_MAX_SECTORS, _WIDE_SECTORS = 65_535 * 16 * 255, 65_535 * 16 * 63


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


def fixed_footer(size: int, identity: uuid.UUID, created: int = 0) -> bytes:
    """The 512 bytes at the end of a fixed VHD of ``size`` bytes; ``created`` is seconds since 2000-01-01 UTC."""

    def packed(check: int) -> bytes:
        creator = (_CREATOR, _CREATOR_VERSION, _HOST_SYSTEM)
        head = (_COOKIE, _FEATURES, _VERSION, _NO_OFFSET, created, *creator)
        return FOOTER.pack(*head, size, size, *geometry(size), FIXED, check, identity.bytes, 0)

    return packed(checksum(packed(0)))
