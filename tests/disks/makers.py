"""Makers of images that labkit reads but does not write: differencing and fixed ones, dirty logs.

Written plainly from the specifications, on top of the structures of the layout modules only: what is written whole,
in memory, without the exporter's code.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from labkit.disks import vhd_layout, vhdx_layout, vhdx_log
from labkit.disks.vhdx_layout import MIB, Entry, Header

SECTOR = 512


@dataclass
class Made:
    """An image file, its disk's bytes, its identity for children, and its structures: name -> (at, length)."""

    path: Path
    content: bytes
    identity: uuid.UUID
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    block: int = 0
    sector: int = SECTOR


def random_changes(content: bytes, seed: int, unit: int, share: float = 0.2) -> bytes:
    """``content`` with a share of its units (bytes) changed: random bytes, zeros, and runs of both."""
    rng = np.random.default_rng(seed)
    data = bytearray(content)
    units = -(-len(data) // unit)
    for _ in range(max(1, int(units * share / 8))):
        start, count = int(rng.integers(units)), int(rng.integers(1, 17))
        end = min(len(data), (start + count) * unit)
        size = end - start * unit
        data[start * unit : end] = rng.bytes(size) if rng.random() < 0.75 else bytes(size)
    return bytes(data)


def sector_bits(content: bytes, below: bytes, start: int, length: int, sector: int) -> np.ndarray:
    """Which sectors of a part of the disk differ from what is below."""
    mine = content[start : start + length].ljust(length, b"\0")
    other = below[start : start + length].ljust(length, b"\0")
    rows = [np.frombuffer(data, np.uint8).reshape(-1, sector) for data in (mine, other)]
    return (rows[0] != rows[1]).any(axis=1)


def vhd(
    path: Path,
    content: bytes,
    *,
    parent: Made | None = None,
    block: int = 2 << 20,
    identity: uuid.UUID | None = None,
    parent_name: str | None = None,
    locators: bool = True,
    order_seed: int | None = None,
    sparse_bits: bool = False,
    junk: int = 0,
    grain: int = 1,
) -> Made:
    """A dynamic VHD, packed without gaps; with ``parent`` a differencing one that holds the sectors that differ.

    ``order_seed`` shuffles the blocks; ``sparse_bits`` clears the bits of zero sectors in a dynamic disk.
    ``junk`` fills the sectors of a differencing disk that are not in it: nobody may read them.
    ``grain``: sectors that are in the disk together, as writers do that write whole pages.
    """
    identity = identity or uuid.uuid4()
    kind = vhd_layout.DIFFERENCING if parent else vhd_layout.DYNAMIC
    count, bitmap = -(-len(content) // block), vhd_layout.bitmap_bytes(block)
    at = vhd_layout.TABLE_AT + vhd_layout.table_bytes(count)
    made = Made(path, content, identity, block=block)
    pieces: dict[int, bytes] = {}
    rows: list[tuple[bytes, int, int]] = []
    name = parent_name if parent_name is not None else parent.path.name if parent else ""
    if parent and locators:
        texts = {vhd_layout.RELATIVE: ".\\" + name, vhd_layout.ABSOLUTE: "C:\\vms\\" + name}
        for code, text in texts.items():
            raw = text.encode("utf-16-le")
            pieces[at] = raw.ljust(SECTOR, b"\0")
            rows.append((code, len(raw), at))
            at += SECTOR
    table = np.full(count, vhd_layout.ABSENT, ">u4")
    below = parent.content if parent else b""
    chosen = [n for n in range(count) if sector_bits(content, below, n * block, block, SECTOR).any()]
    if order_seed is not None:
        np.random.default_rng(order_seed).shuffle(chosen)
    for number in chosen:
        bits = sector_bits(content, below, number * block, block, SECTOR)
        bits = np.repeat(bits.reshape(-1, grain).any(axis=1), grain)
        if not parent and not sparse_bits:
            bits[:] = True
        table[number] = at // SECTOR
        pieces[at] = np.packbits(bits).tobytes().ljust(bitmap, b"\0")
        data = bytearray(content[number * block :][:block].ljust(block, b"\0"))
        rows_of = np.frombuffer(data, np.uint8).reshape(-1, SECTOR)
        if parent:
            rows_of[~bits] = junk
        pieces[at + bitmap] = bytes(data)
        at += bitmap + block
    footer = vhd_layout.footer(len(content), kind, identity, 1_000)
    above = parent.identity if parent else uuid.UUID(int=0)
    pieces |= {0: footer, SECTOR: vhd_layout.header(vhd_layout.TABLE_AT, count, block, above, 0, name, rows)}
    pieces |= {vhd_layout.TABLE_AT: table.tobytes().ljust(vhd_layout.table_bytes(count), b"\xff"), at: footer}
    made.parts = {"copy": (0, 512), "header": (512, 1_024), "table": (1_536, count * 4), "footer": (at, 512)}
    made.parts |= {f"locator {n}": (offset, length) for n, (_, length, offset) in enumerate(rows)}
    _write(path, pieces, at + SECTOR)
    return made


def fixed_vhd(path: Path, content: bytes, footer_bytes: int = SECTOR) -> Made:
    """A fixed VHD; ``footer_bytes=511`` as an early product wrote it."""
    identity = uuid.uuid4()
    footer = vhd_layout.fixed_footer(len(content), identity, 1_000)[:footer_bytes]
    path.write_bytes(content + footer)
    return Made(path, content, identity, {"footer": (len(content), footer_bytes)})


def vhdx(
    path: Path,
    content: bytes,
    *,
    parent: Made | None = None,
    block: int = MIB,
    sector: int = SECTOR,
    fixed: bool = False,
    linkage: uuid.UUID | None = None,
    locator: dict[str, str] | None = None,
    whole_blocks: bool = False,
    junk: int = 0,
) -> Made:
    """A VHDX of any kind. A differencing one holds blocks as partial, whole, zero and absent, whatever fits.

    Zero blocks of a dynamic disk are made absent, zero, undefined and unmapped by turns: all read as zeros.
    """
    identity, data_write = uuid.uuid4(), uuid.uuid4()
    ratio, count = vhdx_layout.chunk_ratio(sector, block), -(-len(content) // block)
    table = np.zeros(vhdx_layout.table_entries(len(content), block, ratio, bool(parent)), "<u8")
    table_bytes = -(-len(table) * 8 // MIB) * MIB
    at = vhdx_layout.TABLE_AT + table_bytes
    pieces: dict[int, bytes] = {}
    bitmaps: dict[int, bytearray] = {}
    below = parent.content if parent else b""
    for number in range(count):
        row = number + number // ratio
        part = content[number * block :][:block].ljust(block, b"\0")
        bits = sector_bits(content, below, number * block, block, sector)
        if not bits.any() and not (fixed and not parent):
            table[row] = 0 if parent else (0, 1, 2, 3)[number % 4]
            continue
        if parent and not any(part):
            table[row] = 2
            continue
        partial = bool(parent) and not bits.all() and not whole_blocks
        table[row] = at // MIB << 20 | (7 if partial else 6)
        pieces[at] = part
        if partial:
            chunk, start = number // ratio, (number % ratio) * (block // sector) // 8
            bitmap = bitmaps.setdefault(chunk, bytearray(MIB))
            packed = np.packbits(bits, bitorder="little").tobytes()
            bitmap[start : start + len(packed)] = packed
            rows = np.frombuffer(bytearray(part), np.uint8).reshape(-1, sector).copy()
            rows[~bits] = junk
            pieces[at] = rows.tobytes()
        at += block
    for chunk, bitmap in bitmaps.items():
        table[chunk * (ratio + 1) + ratio] = at // MIB << 20 | 6
        pieces[at] = bytes(bitmap)
        at += MIB
    flags = (1 if fixed else 0) | (2 if parent else 0)
    items = vhdx_layout.disk_items(len(content), block, sector, identity, flags)
    if parent:
        values = locator or {
            "parent_linkage": "{" + str(linkage or parent.identity) + "}",
            "relative_path": ".\\" + parent.path.name,
            "absolute_win32_path": "\\\\?\\C:\\vms\\" + parent.path.name,
        }
        items.append((vhdx_layout.PARENT_LOCATOR, vhdx_layout.parent_locator(values), 4))
    rows_raw, values_raw = vhdx_layout.metadata(items)
    pieces |= {2 * MIB: rows_raw, 2 * MIB + 65_536: values_raw, 3 * MIB: table.tobytes(), 0: vhdx_layout.identifier()}
    for sequence, place in enumerate(vhdx_layout.HEADER_PLACES, 1):
        header = Header(sequence, uuid.uuid4(), data_write, vhdx_layout.NIL, 0, 1, MIB, MIB)
        pieces[place] = vhdx_layout.header(header)
    regions = [
        Entry(vhdx_layout.REGION_METADATA, 2 * MIB, MIB, 1),
        Entry(vhdx_layout.REGION_BAT, 3 * MIB, table_bytes, 1),
    ]
    for place in vhdx_layout.REGION_PLACES:
        pieces[place] = vhdx_layout.region_table(regions)
    _write(path, pieces, at)
    made = Made(path, content, data_write, block=block, sector=sector)
    made.parts = {f"header {n}": (p, 4_096) for n, p in enumerate(vhdx_layout.HEADER_PLACES)}
    made.parts |= {f"regions {n}": (p, 16 + 64) for n, p in enumerate(vhdx_layout.REGION_PLACES)}
    made.parts |= {
        "identifier": (0, 8),
        "items": (2 * MIB, len(rows_raw)),
        "values": (2 * MIB + 65_536, len(values_raw)),
    }
    made.parts |= {"table": (3 * MIB, len(table) * 8)}
    return made


def log_entry(
    identity: uuid.UUID, sequence: int, tail: int, changes: list[tuple[int, bytes | int]], flushed: int, last: int
) -> bytes:
    """A log entry that gives 4 KiB pages new content (bytes) or clears a length of the file (int)."""
    rows, sectors = b"", b""
    for place, change in changes:
        if isinstance(change, int):
            rows += vhdx_log.DESCRIPTOR.pack(b"zero", bytes(4), struct.pack("<Q", change), place, sequence)
            continue
        rows += vhdx_log.DESCRIPTOR.pack(b"desc", change[-4:], change[:8], place, sequence)
        sectors += vhdx_log.DATA.pack(b"data", sequence >> 32, change[8:-4], sequence & 0xFFFF_FFFF)
    head_bytes = -(-(64 + len(rows)) // 4_096) * 4_096
    length = head_bytes + len(sectors)
    fields = (b"loge", 0, length, tail, sequence, len(changes), 0, identity.bytes_le, flushed, last)
    return vhdx_layout.sealed((vhdx_log.ENTRY.pack(*fields) + rows).ljust(head_bytes, b"\0") + sectors)


def put_log(path: Path, entries: list[tuple[int, bytes]], identity: uuid.UUID) -> None:
    """Put entries at places of the log (they go round its end) and name the log in the newer header."""
    with path.open("r+b") as file:
        for at, entry in entries:
            for start in range(0, len(entry), 4_096):
                file.seek(MIB + (at + start) % MIB)
                file.write(entry[start : start + 4_096])
        file.seek(vhdx_layout.HEADER_PLACES[1])
        header = vhdx_layout.parse_header(file.read(4_096))
        file.seek(vhdx_layout.HEADER_PLACES[1])
        file.write(vhdx_layout.header(header._replace(log=identity)))


def _write(path: Path, pieces: dict[int, bytes], length: int) -> None:
    with path.open("wb") as file:
        for at, data in sorted(pieces.items()):
            file.seek(at)
            file.write(data)
        file.truncate(length)
