"""Damage to image files, with checksums repaired where a wrong value is to be found behind a right one."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest

from labkit.disks import vhd_layout, vhdx_layout
from labkit.disks.image import open_image
from labkit.disks.vhdx_layout import MIB
from labkit.engine.errors import LabError

# Places in the VHDX files of the makers: metadata table, its items, BAT.
ITEMS, VALUES, TABLE = 2 * MIB, 2 * MIB + 65_536, 3 * MIB
BODY = np.random.default_rng(1).bytes(3 * MIB) + bytes(2 * MIB) + np.random.default_rng(2).bytes(MIB)


def refused(path: Path, code: int, *texts: str, named: str = "") -> LabError:
    """Reading the image ends with this code; the message names the file (or ``named``) and what else is asked for."""
    with pytest.raises(LabError) as found, open_image(path) as image:
        for _ in image.blocks():
            pass
    message = found.value.message
    assert found.value.code == code, found.value
    assert not re.search(r"\{[a-z]+\}", str(found.value)), "a placeholder without its detail"
    for text in (named or path.name, *texts):
        assert text in message
    return found.value


def patch(path: Path, at: int, data: bytes) -> None:
    """Overwrite bytes of a file; a place below zero counts from the end."""
    with path.open("r+b") as file:
        file.seek(at if at >= 0 else path.stat().st_size + at)
        file.write(data)


def reseal_vhd(path: Path, place: int, length: int, checksum_at: int, at: int, data: bytes) -> None:
    """Change a structure of a VHD and repair its checksum."""
    with path.open("r+b") as file:
        place = place if place >= 0 else path.stat().st_size + place
        file.seek(place)
        raw = bytearray(file.read(length))
        raw[at : at + len(data)] = data
        raw[checksum_at : checksum_at + 4] = struct.pack(">I", vhd_layout.counted(bytes(raw), checksum_at))
        file.seek(place)
        file.write(raw)


def footer(path: Path, at: int, data: bytes) -> None:
    """Change both copies of a footer."""
    reseal_vhd(path, -512, 512, 64, at, data)
    if path.read_bytes()[:8] == b"conectix":
        reseal_vhd(path, 0, 512, 64, at, data)


def header(path: Path, at: int, data: bytes) -> None:
    """Change the header of a dynamic VHD."""
    reseal_vhd(path, 512, 1_024, 36, at, data)


def reseal_vhdx(path: Path, places: tuple[int, ...], length: int, at: int, data: bytes) -> None:
    """Change structures of a VHDX and repair their checksums."""
    for place in places:
        with path.open("r+b") as file:
            file.seek(place)
            raw = bytearray(file.read(length))
            raw[at : at + len(data)] = data
            file.seek(place)
            file.write(vhdx_layout.sealed(bytes(raw)))


def heads(path: Path, at: int, data: bytes) -> None:
    """Change both headers of a VHDX."""
    reseal_vhdx(path, vhdx_layout.HEADER_PLACES, 4_096, at, data)


def regions(path: Path, at: int, data: bytes) -> None:
    """Change both region tables of a VHDX."""
    reseal_vhdx(path, vhdx_layout.REGION_PLACES, 65_536, at, data)


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def unknown_region(path: Path) -> bytes:
    """Count and entries of a region table with a third region that nobody knows and everybody must."""
    known = path.read_bytes()[vhdx_layout.REGION_PLACES[0] + 16 :][:64]
    return u32(3) + bytes(4) + known + vhdx_layout.REGION.pack(b"\7" * 16, 0, 0, 1)


def moved(path: Path) -> bytes:
    """The second entry of a VHD's table, one sector less."""
    (entry,) = struct.unpack(">I", path.read_bytes()[1_540:1_544])
    return struct.pack(">I", entry - 1)
