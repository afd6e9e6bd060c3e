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
    made = Made(path, content, uuid.uuid4(), block=block)
    count = -(-len(content) // block)
    name = parent.path.name if parent else ""
    rows, pieces, at = _vhd_locators(name, vhd_layout.TABLE_AT + vhd_layout.table_bytes(count))
    table = np.full(count, vhd_layout.ABSENT, ">u4")
    chosen = [n for n in range(count) if _bits(made, parent, n).any()]
    if order_seed is not None:
        np.random.default_rng(order_seed).shuffle(chosen)
    for number in chosen:
        bits = np.repeat(_bits(made, parent, number).reshape(-1, grain).any(axis=1), grain)
        bits |= not (parent or sparse_bits)
        table[number] = at // SECTOR
        bitmap = np.packbits(bits).tobytes().ljust(vhd_layout.bitmap_bytes(block), b"\0")
        pieces[at] = bitmap + _sectors(made, number, bits, junk if parent else 0)
        at += len(pieces[at])
    above = parent.identity if parent else uuid.UUID(int=0)
    kind = vhd_layout.DIFFERENCING if parent else vhd_layout.DYNAMIC
    pieces[0] = pieces[at] = vhd_layout.footer(len(content), kind, made.identity, 1)
    pieces[SECTOR] = vhd_layout.header(vhd_layout.TABLE_AT, count, block, above, 0, name, rows)
    pieces[vhd_layout.TABLE_AT] = table.tobytes().ljust(vhd_layout.table_bytes(count), b"\xff")
    made.parts = {"copy": (0, 512), "header": (512, 1_024), "table": (1_536, count * 4), "footer": (at, 512)}
    made.parts |= {f"locator {n}": (offset, length) for n, (_, length, offset) in enumerate(rows)}
    _write(path, pieces, at + SECTOR)
    return made


def _vhd_locators(name: str, at: int) -> tuple[list[tuple[bytes, int, int]], dict[int, bytes], int]:
    """Rows and texts of the two locators of a parent, each in a sector from ``at`` on, and where they end."""
    rows: list[tuple[bytes, int, int]] = []
    pieces: dict[int, bytes] = {}
    texts = {vhd_layout.RELATIVE: ".\\" + name, vhd_layout.ABSOLUTE: "C:\\vms\\" + name} if name else {}
    for code, text in texts.items():
        raw = text.encode("utf-16-le")
        rows.append((code, len(raw), at))
        pieces[at] = raw.ljust(SECTOR, b"\0")
        at += SECTOR
    return rows, pieces, at


def _bits(made: Made, parent: Made | None, number: int) -> np.ndarray:
    """Which sectors of a block differ from what is below it."""
    below = parent.content if parent else b""
    return sector_bits(made.content, below, number * made.block, made.block, made.sector)


def _sectors(made: Made, number: int, bits: np.ndarray, junk: int) -> bytes:
    """The data of a block, ``junk`` in the sectors that are not in it."""
    data = bytearray(made.content[number * made.block :][: made.block].ljust(made.block, b"\0"))
    np.frombuffer(data, np.uint8).reshape(-1, made.sector)[~bits] = junk
    return bytes(data)


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
    locator: dict[str, str] | None = None,
    junk: int = 0,
) -> Made:
    """A VHDX of any kind. A differencing one holds blocks as partial, whole, zero and absent, whatever fits.

    Zero blocks of a dynamic disk are made absent, zero, undefined and unmapped by turns: all read as zeros.
    ``junk`` fills the sectors of a differencing disk that are not in it; ``locator`` replaces the parent's usual one.
    """
    made = Made(path, content, uuid.uuid4(), block=block, sector=sector)
    ratio = vhdx_layout.chunk_ratio(sector, block)
    table = np.zeros(vhdx_layout.table_entries(len(content), block, ratio, bool(parent)), "<u8")
    table_bytes = -(-len(table) * 8 // MIB) * MIB
    pieces, end = _vhdx_blocks(made, parent, fixed, junk, table, vhdx_layout.TABLE_AT + table_bytes)
    items = vhdx_layout.disk_items(len(content), block, sector, uuid.uuid4(), fixed | bool(parent) << 1)
    if parent:
        values = locator or {
            "parent_linkage": "{" + str(parent.identity) + "}",
            "relative_path": ".\\" + parent.path.name,
            "absolute_win32_path": "\\\\?\\C:\\vms\\" + parent.path.name,
        }
        items.append((vhdx_layout.PARENT_LOCATOR, vhdx_layout.parent_locator(values), 4))
    rows, values_raw = vhdx_layout.metadata(items)
    pieces |= {0: vhdx_layout.identifier(), 2 * MIB: rows, 2 * MIB + 65_536: values_raw, 3 * MIB: table.tobytes()}
    pieces |= _vhdx_heads(made, table_bytes)
    _write(path, pieces, end)
    made.parts = {f"header {n}": (p, 4_096) for n, p in enumerate(vhdx_layout.HEADER_PLACES)}
    made.parts |= {f"regions {n}": (p, 16 + 64) for n, p in enumerate(vhdx_layout.REGION_PLACES)}
    made.parts |= {"identifier": (0, 8), "items": (2 * MIB, len(rows)), "values": (2 * MIB + 65_536, len(values_raw))}
    made.parts |= {"table": (3 * MIB, len(table) * 8)}
    return made


def _vhdx_heads(made: Made, table_bytes: int) -> dict[int, bytes]:
    """Headers and region tables."""
    regions = [
        Entry(vhdx_layout.REGION_METADATA, 2 * MIB, MIB, 1),
        Entry(vhdx_layout.REGION_BAT, 3 * MIB, table_bytes, 1),
    ]
    pieces = {place: vhdx_layout.region_table(regions) for place in vhdx_layout.REGION_PLACES}
    for sequence, place in enumerate(vhdx_layout.HEADER_PLACES, 1):
        header = Header(sequence, uuid.uuid4(), made.identity, vhdx_layout.NIL, 0, 1, MIB, MIB)
        pieces[place] = vhdx_layout.header(header)
    return pieces


def _vhdx_blocks(
    made: Made, parent: Made | None, fixed: bool, junk: int, table: np.ndarray, at: int
) -> tuple[dict[int, bytes], int]:
    """Blocks and bitmaps from ``at`` on, and where they end; fills in the table."""
    pieces: dict[int, bytes] = {}
    bitmaps: dict[int, bytearray] = {}
    ratio = vhdx_layout.chunk_ratio(made.sector, made.block)
    for number in range(-(-len(made.content) // made.block)):
        chunk, within = divmod(number, ratio)
        bits = _bits(made, parent, number)
        state = _vhdx_state(made, parent, fixed, number, bits)
        table[number + chunk] = state if state < 6 else at // MIB << 20 | state
        if state < 6:
            continue
        pieces[at] = _sectors(made, number, bits if state == 7 else np.ones_like(bits), junk)
        at += made.block
        if state == 7:
            packed = np.packbits(bits, bitorder="little").tobytes()
            bitmaps.setdefault(chunk, bytearray(MIB))[within * len(packed) : (within + 1) * len(packed)] = packed
    for chunk, bitmap in bitmaps.items():
        table[chunk * (ratio + 1) + ratio] = at // MIB << 20 | 6
        pieces[at] = bytes(bitmap)
        at += MIB
    return pieces, at


def _vhdx_state(made: Made, parent: Made | None, fixed: bool, number: int, bits: np.ndarray) -> int:
    """The state of a block that says most shortly what it holds."""
    if not parent:
        return 6 if fixed or bits.any() else number % 4
    if not bits.any():
        return 0
    if not any(made.content[number * made.block :][: made.block]):
        return 2
    return 6 if bits.all() else 7


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
