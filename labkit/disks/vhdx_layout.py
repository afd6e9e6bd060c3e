"""Where things lie in a VHDX file. Source: Microsoft's VHDX Format Specification, version 1.00 ([MS-VHDX]).

All numbers are little-endian, all offsets and lengths of regions and blocks whole MiB. Checksums are CRC-32C with their
own field taken as zero; identifier, metadata items, BAT, bitmaps and data have none.
"""

from __future__ import annotations

import struct
import uuid
from typing import NamedTuple

import google_crc32c

MIB = 1 << 20
KIB = 1 << 10
MAX_SIZE = 64 << 40
MIN_BLOCK, DEFAULT_BLOCK, MAX_BLOCK = MIB, 32 * MIB, 256 * MIB
# No file has use for a place further out: 64 TiB of data and all that describes them stay far below.
MAX_PLACE = 128 << 20  # in MiB
SECTORS = (512, 4_096)

IDENTIFIER = b"vhdxfile"
HEADER_PLACES = (64 * KIB, 128 * KIB)
REGION_PLACES = (192 * KIB, 256 * KIB)
HEADER_AREA = MIB
HEADER_BYTES, REGION_BYTES, METADATA_TABLE_BYTES, METADATA_BYTES = 4 * KIB, 64 * KIB, 64 * KIB, MIB
MAX_REGIONS = MAX_ITEMS = 2_047
# Where our own files have things; a log of 1 MiB is always reserved, for readers refuse a file without one.
LOG_AT, METADATA_AT, TABLE_AT = MIB, 2 * MIB, 3 * MIB

# signature, checksum, sequence number, file write, data write, log, log version, version, log length, log offset
HEADER = struct.Struct("<4sIQ16s16s16sHHIQ")
# signature, checksum, entries, reserved; then identity, offset, length, required
REGION_TABLE = struct.Struct("<4sIII")
REGION = struct.Struct("<16sQII")
# signature, reserved, entries, reserved; then identity, offset, length, flags, reserved
METADATA_TABLE = struct.Struct("<8sHH20s")
ITEM = struct.Struct("<16sIIII")
# identity of the kind, reserved, entries; then key offset, value offset, key length, value length
LOCATOR = struct.Struct("<16sHH")
LOCATOR_ENTRY = struct.Struct("<IIHH")
CHECKSUM_AT = 4

REGION_BAT = uuid.UUID("2DC27766-F623-4200-9D64-115E9BFD4A08")
REGION_METADATA = uuid.UUID("8B7CA206-4790-4B9A-B8FE-575F050F886E")
FILE_PARAMETERS = uuid.UUID("CAA16737-FA36-4D43-B3B6-33F0AA44E76B")
DISK_SIZE = uuid.UUID("2FA54224-CD1B-4876-B211-5DBED83BF4B8")
DISK_ID = uuid.UUID("BECA12AB-B2E6-4523-93EF-C309E000C746")
LOGICAL_SECTOR = uuid.UUID("8141BF1D-A96F-4709-BA47-F233A8FAAB5F")
PHYSICAL_SECTOR = uuid.UUID("CDA348C7-445D-4471-9CC9-E9885251C556")
PARENT_LOCATOR = uuid.UUID("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C")
VHDX_PARENT = uuid.UUID("B04AEFB7-D19E-4A81-B789-25B8E9445913")
NIL = uuid.UUID(int=0)

USER_ITEM, DISK_ITEM, REQUIRED_ITEM = 1, 2, 4
LEAVE_ALLOCATED, HAS_PARENT = 1, 2

# States of payload blocks; bitmap blocks know ABSENT and WHOLE.
ABSENT, UNDEFINED, ZERO, UNMAPPED, WHOLE, PARTIAL = 0, 1, 2, 3, 6, 7


class Header(NamedTuple):
    """One of the two headers."""

    sequence: int
    file_write: uuid.UUID
    data_write: uuid.UUID
    log: uuid.UUID
    log_version: int
    version: int
    log_length: int
    log_offset: int


class Entry(NamedTuple):
    """A region of the file, or an item of the metadata (``offset`` then within its region)."""

    identity: uuid.UUID
    offset: int
    length: int
    flags: int  # region: 1 = required; item: the three flags above
    reserved: int = 0


def crc(structure: bytes) -> int:
    """CRC-32C."""
    return int(google_crc32c.value(structure))


def sealed(structure: bytes) -> bytes:
    """A structure with its checksum put in its field."""
    return structure[:CHECKSUM_AT] + struct.pack("<I", counted(structure)) + structure[CHECKSUM_AT + 4 :]


def counted(structure: bytes) -> int:
    """The checksum a structure should have, whatever stands in its field."""
    return crc(structure[:CHECKSUM_AT] + bytes(4) + structure[CHECKSUM_AT + 4 :])


def chunk_ratio(sector: int, block: int) -> int:
    """Payload blocks that one bitmap block of 1 MiB serves.

    >>> chunk_ratio(512, 32 << 20), chunk_ratio(4_096, 1 << 20)
    (128, 32768)
    """
    return (sector << 23) // block


def table_entries(size: int, block: int, ratio: int, parent: bool) -> int:
    """Entries of the BAT: one for a bitmap block follows each ``ratio`` payload blocks; with a parent also the last.

    >>> table_entries(64 << 20, 1 << 20, 4_096, False), table_entries(64 << 20, 1 << 20, 4_096, True)
    (64, 4097)
    """
    blocks = -(-size // block)
    return -(-blocks // ratio) * (ratio + 1) if parent else blocks + (blocks - 1) // ratio


def identifier() -> bytes:
    """The beginning of the file: the mark and who made it."""
    return IDENTIFIER + "labkit".encode("utf-16-le")


def header(fields: Header) -> bytes:
    """The 4 KiB of a header."""
    identities = (fields.file_write.bytes_le, fields.data_write.bytes_le, fields.log.bytes_le)
    log = (fields.log_version, fields.version, fields.log_length, fields.log_offset)
    return sealed(HEADER.pack(b"head", 0, fields.sequence, *identities, *log).ljust(HEADER_BYTES, b"\0"))


def parse_header(raw: bytes) -> Header:
    """The fields of a header, unchecked."""
    _, _, sequence, *identities, log_version, version, length, offset = HEADER.unpack_from(raw)
    file_write, data_write, log = (uuid.UUID(bytes_le=value) for value in identities)
    return Header(sequence, file_write, data_write, log, log_version, version, length, offset)


def region_table(entries: list[Entry]) -> bytes:
    """The 64 KiB of a region table."""
    rows = [REGION.pack(entry.identity.bytes_le, entry.offset, entry.length, entry.flags) for entry in entries]
    return sealed((REGION_TABLE.pack(b"regi", 0, len(rows), 0) + b"".join(rows)).ljust(REGION_BYTES, b"\0"))


def parse_regions(raw: bytes, count: int) -> list[Entry]:
    """``count`` entries of a region table, unchecked."""
    rows = REGION.iter_unpack(raw[REGION_TABLE.size :][: count * REGION.size])
    return [Entry(uuid.UUID(bytes_le=identity), *rest) for identity, *rest in rows]


def metadata(items: list[tuple[uuid.UUID, bytes, int]]) -> tuple[bytes, bytes]:
    """Table and items of a metadata region from (identity, value, flags): the items begin 64 KiB after the table."""
    rows, values = [], b""
    for identity, value, flags in items:
        rows.append(ITEM.pack(identity.bytes_le, METADATA_TABLE_BYTES + len(values), len(value), flags, 0))
        values += value.ljust(-(-len(value) // 8) * 8, b"\0")
    return METADATA_TABLE.pack(b"metadata", 0, len(rows), bytes(20)) + b"".join(rows), values


def disk_items(
    size: int, block: int, sector: int, identity: uuid.UUID, flags: int = 0
) -> list[tuple[uuid.UUID, bytes, int]]:
    """The five items every disk has; ``flags`` are ``LEAVE_ALLOCATED`` and ``HAS_PARENT``."""
    about_disk = REQUIRED_ITEM | DISK_ITEM
    return [
        (FILE_PARAMETERS, struct.pack("<II", block, flags), REQUIRED_ITEM),
        (DISK_SIZE, struct.pack("<Q", size), about_disk),
        (DISK_ID, identity.bytes_le, about_disk),
        (LOGICAL_SECTOR, struct.pack("<I", sector), about_disk),
        (PHYSICAL_SECTOR, struct.pack("<I", 4_096), about_disk),
    ]


def parse_items(raw: bytes, count: int) -> list[Entry]:
    """``count`` entries of a metadata table, unchecked."""
    rows = ITEM.iter_unpack(raw[METADATA_TABLE.size :][: count * ITEM.size])
    return [Entry(uuid.UUID(bytes_le=identity), *rest) for identity, *rest in rows]


def parent_locator(values: dict[str, str]) -> bytes:
    """The parent locator item for keys and values."""
    rows, texts, at = [], b"", LOCATOR.size + len(values) * LOCATOR_ENTRY.size
    for pair in values.items():
        key, value = (text.encode("utf-16-le") for text in pair)
        rows.append(LOCATOR_ENTRY.pack(at + len(texts), at + len(texts) + len(key), len(key), len(value)))
        texts += key + value
    return LOCATOR.pack(VHDX_PARENT.bytes_le, 0, len(values)) + b"".join(rows) + texts
