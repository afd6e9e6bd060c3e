"""Logs of VHDX files that cannot be replayed, or only keep a reader busy: refused, and soon."""

from __future__ import annotations

import os
import struct
import uuid
from pathlib import Path

import numpy as np
import pytest

from labkit.disks import vhdx_layout, vhdx_log
from labkit.disks.image import open_image
from labkit.disks.vhdx_layout import MIB
from tests.disks import makers
from tests.disks.damage import BODY, TABLE, heads, patch, refused, u32, u64

LOG = uuid.UUID(int=77)


def one_entry(file_bytes: int, **changes: int) -> bytes:
    """A sound entry with sequence number 3 that clears a page of the table and rewrites another, then changed."""
    page = np.random.default_rng(4).bytes(4_096)
    pages: list[tuple[int, bytes | int]] = [(TABLE + 4_096, page), (TABLE + 8_192, 4_096)]
    raw = bytearray(makers.log_entry(LOG, 3, 0, pages, file_bytes, file_bytes))
    places = {"length": (8, "<I"), "tail": (12, "<I"), "sequence": (16, "<Q"), "count": (24, "<I")}
    places |= {"flushed": (48, "<Q"), "zeros": (64 + 32 + 8, "<Q"), "place": (64 + 16, "<Q"), "number": (64 + 24, "<Q")}
    places |= {"mark": (64, "<I"), "sector": (4_096, "<I"), "low": (8_188, "<I")}
    for name, value in changes.items():
        at, form = places[name]
        struct.pack_into(form, raw, at, value)
    return vhdx_layout.sealed(bytes(raw))


LOG_FAULTS: list[tuple[dict[str, int], int]] = [
    ({"length": 4_100}, 900327),
    ({"length": 2 * MIB}, 900327),
    ({"length": 0}, 900327),
    ({"tail": 4_096}, 900327),
    ({"tail": 5}, 900327),
    ({"sequence": 4}, 900327),
    ({"sequence": 0}, 900327),
    ({"count": 1 << 31}, 900327),
    ({"flushed": 1 << 40}, 900314),
    ({"zeros": 100}, 900327),
    ({"place": TABLE + 3}, 900327),
    ({"number": 9}, 900327),
    ({"mark": 0}, 900327),
    ({"sector": 0}, 900327),
    ({"low": 9}, 900327),
]


@pytest.mark.parametrize(("changes", "code"), LOG_FAULTS)
def test_logs_that_cannot_be_replayed(tmp_path: Path, changes: dict[str, int], code: int) -> None:
    """An entry with one wrong field is no entry, even with a right checksum; the disk is not read without its log."""
    made = makers.vhdx(tmp_path / "a.vhdx", BODY)
    length = made.path.stat().st_size
    makers.put_log(made.path, [(0, one_entry(length))], LOG)
    with open_image(made.path) as image:
        assert len(image.warnings) == 1
    makers.put_log(made.path, [(0, one_entry(length, **changes))], LOG)
    refused(made.path, code)


def test_damaged_entry_and_foreign_log(tmp_path: Path) -> None:
    """An entry whose checksum is wrong, that belongs to another log, or that is not there at all: refused."""
    made = makers.vhdx(tmp_path / "a.vhdx", BODY)
    makers.put_log(made.path, [], LOG)
    refused(made.path, 900327)
    entry = bytearray(one_entry(made.path.stat().st_size))
    entry[5_000] ^= 1
    makers.put_log(made.path, [(0, bytes(entry))], LOG)
    refused(made.path, 900327)
    makers.put_log(made.path, [(0, one_entry(made.path.stat().st_size))], uuid.UUID(int=78))
    refused(made.path, 900327)


def test_damaged_header_beside_a_log(tmp_path: Path) -> None:
    """When the header that told of a log is damaged, the other one would read the disk as it was before: refused."""
    made = makers.vhdx(tmp_path / "a.vhdx", BODY)
    makers.put_log(made.path, [(40_960, one_entry(made.path.stat().st_size))], LOG)
    patch(made.path, vhdx_layout.HEADER_PLACES[1] + 99, b"x")
    refused(made.path, 900329)


def test_logs_made_to_keep_a_reader_busy(tmp_path: Path) -> None:
    """Entries that claim the whole log from every sector, and more changes than memory should hold, end soon."""
    made = makers.vhdx(tmp_path / "a.vhdx", BODY)
    heads(made.path, 68, u32(48 * MIB) + u64(64 * MIB))
    os.truncate(made.path, 112 * MIB)
    makers.put_log(made.path, [], LOG)
    claim = vhdx_log.ENTRY.pack(b"loge", 0, 48 * MIB, 0, 1, 1, 0, LOG.bytes_le, 0, 0)
    for sector in range(12_288):
        patch(made.path, 64 * MIB + sector * 4_096, claim)
    refused(made.path, 900328)
    heads(made.path, 68, u32(65 * MIB))
    makers.put_log(made.path, [], LOG)
    os.truncate(made.path, 129 * MIB)
    refused(made.path, 900328)
