"""Every check of the readers: a file with one fault is refused with the error that names the file and the field."""

from __future__ import annotations

import os
import struct
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from labkit.disks import vhd, vhdx_layout
from labkit.disks.image import open_image
from labkit.disks.vhdx_layout import MIB
from labkit.engine.errors import LabError
from tests.disks import makers
from tests.disks.damage import (
    BODY,
    ITEMS,
    TABLE,
    VALUES,
    footer,
    header,
    heads,
    moved,
    patch,
    refused,
    regions,
    u32,
    u64,
    unknown_region,
)
from tests.disks.makers import Made

VHD_FAULTS: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "both footers": (lambda p: (patch(p, -512, b"x"), patch(p, 0, b"x")), 900312, "vhd"),
    "checksums": (lambda p: (patch(p, -400, b"x"), patch(p, 400, b"x")), 900316, "footer: checksum"),
    "version": (lambda p: footer(p, 12, b"\0\2\0\0"), 900317, "version"),
    "type": (lambda p: footer(p, 60, b"\0\0\0\x07"), 900317, "disk type"),
    "saved state": (lambda p: footer(p, 84, b"\x09"), 900317, "saved state"),
    "size 0": (lambda p: footer(p, 48, bytes(8)), 900318, "current size"),
    "size too large": (lambda p: footer(p, 48, struct.pack(">Q", 2_041 << 30)), 900318, "current size"),
    "size odd": (lambda p: footer(p, 48, struct.pack(">Q", 1_000)), 900319, "current size"),
    "header's place": (lambda p: footer(p, 16, struct.pack(">Q", 513)), 900319, "data offset"),
    "header past the end": (lambda p: footer(p, 16, struct.pack(">Q", 1 << 62)), 900314, "dynamic disk header"),
    "header's cookie": (lambda p: header(p, 0, b"x"), 900315, "cookie"),
    "header's checksum": (lambda p: patch(p, 512 + 900, b"x"), 900316, "dynamic disk header: checksum"),
    "header's version": (lambda p: header(p, 24, b"\0\2\0\0"), 900317, "header version"),
    "block no power": (lambda p: header(p, 32, struct.pack(">I", 3 << 20)), 900319, "block size"),
    "block 0": (lambda p: header(p, 32, bytes(4)), 900318, "block size"),
    "block too large": (lambda p: header(p, 32, struct.pack(">I", 1 << 31)), 900318, "block size"),
    "entries too few": (lambda p: header(p, 28, struct.pack(">I", 1)), 900318, "max table entries"),
    "table's place": (lambda p: header(p, 16, struct.pack(">Q", 1_537)), 900319, "table offset"),
    "table past the end": (lambda p: header(p, 16, struct.pack(">Q", 1 << 40)), 900314, "BAT"),
    "table on the header": (lambda p: header(p, 16, struct.pack(">Q", 1_024)), 900324, "dynamic disk header"),
    "block past the end": (lambda p: patch(p, 1_536, struct.pack(">I", 1 << 31)), 900314, "block 0"),
    "block on the header": (lambda p: patch(p, 1_536, struct.pack(">I", 1)), 900324, "block 0"),
    "two blocks": (lambda p: patch(p, 1_536 + 8, p.read_bytes()[1_536:1_540]), 900324, "block"),
    "block moved by a sector": (lambda p: patch(p, 1_540, moved(p)), 900324, "block 1"),
}


@pytest.mark.parametrize("fault", VHD_FAULTS)
def test_faults_of_a_dynamic_vhd(tmp_path: Path, fault: str) -> None:
    """One fault each in footer, header and table, with checksums repaired where a wrong value is to be found."""
    damage, code, text = VHD_FAULTS[fault]
    made = makers.vhd(tmp_path / "a.vhd", BODY)
    damage(made.path)
    refused(made.path, code, text)


VHDX_FAULTS: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "identifier": (lambda p: patch(p, 0, b"x"), 900315, "file identifier"),
    "both headers' marks": (lambda p: [patch(p, at, b"x") for at in vhdx_layout.HEADER_PLACES], 900315, "header 1"),
    "both headers": (lambda p: [patch(p, at + 99, b"x") for at in vhdx_layout.HEADER_PLACES], 900316, "header 1"),
    "version": (lambda p: heads(p, 66, b"\2\0"), 900317, "header: version"),
    "log version": (lambda p: heads(p, 64, b"\2\0"), 900317, "log version"),
    "log's place": (lambda p: heads(p, 72, u64(MIB + 1)), 900319, "log offset"),
    "log's length": (lambda p: heads(p, 68, u32(4_096)), 900319, "log length"),
    "log past the end": (lambda p: heads(p, 72, u64(1 << 40)), 900314, "log"),
    "log on the table": (lambda p: heads(p, 72, u64(3 * MIB)), 900324, "log"),
    "equal headers": (lambda p: heads(p, 8, u64(7)), 900321, "sequence number"),
    "region marks": (lambda p: [patch(p, at, b"x") for at in vhdx_layout.REGION_PLACES], 900315, "region table 1"),
    "region tables": (
        lambda p: [patch(p, at + 40, b"x") for at in vhdx_layout.REGION_PLACES],
        900316,
        "region table 1",
    ),
    "region count": (lambda p: regions(p, 8, u32(2_048)), 900318, "entry count"),
    "region missing": (lambda p: regions(p, 8, u32(1)), 900326, "BAT"),
    "region twice": (lambda p: regions(p, 48, vhdx_layout.REGION_METADATA.bytes_le), 900321, "region"),
    "region unknown": (lambda p: regions(p, 8, unknown_region(p)), 900322, "region"),
    "region's place": (lambda p: regions(p, 48 + 16, u64(3 * MIB + 4)), 900319, "BAT: file offset"),
    "region's length": (lambda p: regions(p, 48 + 24, u32(4_096)), 900319, "BAT: length"),
    "region empty": (lambda p: regions(p, 48 + 24, u32(0)), 900318, "BAT: length"),
    "region past the end": (lambda p: regions(p, 48 + 16, u64(1 << 50)), 900314, "BAT"),
    "region on the log": (lambda p: regions(p, 48 + 16, u64(MIB)), 900324, "log"),
    "metadata mark": (lambda p: patch(p, ITEMS, b"x"), 900315, "metadata table"),
    "item count": (lambda p: patch(p, ITEMS + 10, b"\xff\xff"), 900318, "entry count"),
    "item missing": (lambda p: patch(p, ITEMS + 10, b"\4\0"), 900326, "physical sector size"),
    "item twice": (lambda p: patch(p, ITEMS + 64, vhdx_layout.FILE_PARAMETERS.bytes_le), 900321, "metadata item"),
    "item unknown": (lambda p: patch(p, ITEMS + 32, b"\7" * 16), 900322, "metadata item"),
    "item's flags": (lambda p: patch(p, ITEMS + 32 + 24, u32(0x84)), 900323, "flags"),
    "item of a user": (lambda p: patch(p, ITEMS + 32 + 24, u32(5)), 900323, "flags"),
    "item's length": (lambda p: patch(p, ITEMS + 32 + 20, u32(9)), 900318, "file parameters: length"),
    "item past the end": (lambda p: patch(p, ITEMS + 32 + 16, u32(MIB)), 900314, "file parameters"),
    "item on the table": (lambda p: patch(p, ITEMS + 32 + 16, u32(64)), 900324, "metadata table"),
    "items on each other": (lambda p: patch(p, ITEMS + 64 + 16, u32(65_540)), 900324, "virtual disk size"),
    "block size": (lambda p: patch(p, VALUES, u32(3 * MIB)), 900319, "block size"),
    "block size 0": (lambda p: patch(p, VALUES, u32(0)), 900318, "block size"),
    "block too large": (lambda p: patch(p, VALUES, u32(512 * MIB)), 900318, "block size"),
    "reserved flags": (lambda p: patch(p, VALUES + 4, u32(4)), 900323, "file parameters: flags"),
    "parent without a locator": (lambda p: patch(p, VALUES + 4, u32(2)), 900326, "parent locator"),
    "size 0": (lambda p: patch(p, VALUES + 8, u64(0)), 900318, "virtual disk size"),
    "size too large": (lambda p: patch(p, VALUES + 8, u64((64 << 40) + 512)), 900318, "virtual disk size"),
    "size odd": (lambda p: patch(p, VALUES + 8, u64(1_000)), 900319, "virtual disk size"),
    "size past the table": (lambda p: patch(p, VALUES + 8, u64(1 << 40)), 900318, "BAT: region length"),
    "sector": (lambda p: patch(p, VALUES + 32, u32(1_024)), 900317, "logical sector size"),
    "physical sector": (lambda p: patch(p, VALUES + 40, u32(0)), 900317, "physical sector size"),
    "state 4": (lambda p: patch(p, TABLE, b"\4"), 900325, "block 0"),
    "state 7 without a parent": (lambda p: patch(p, TABLE, b"\7"), 900325, "block 0"),
    "reserved bits": (lambda p: patch(p, TABLE, b"\x0e"), 900323, "block 0"),
    "block past the end": (lambda p: patch(p, TABLE, u64(500 << 20 | 6)), 900314, "block 0"),
    "block at the end of all": (lambda p: patch(p, TABLE, u64((1 << 64) - (1 << 20) | 6)), 900314, "block 0"),
    "block on the log": (lambda p: patch(p, TABLE, u64(1 << 20 | 6)), 900324, "log"),
    "block on the table": (lambda p: patch(p, TABLE, u64(3 << 20 | 6)), 900324, "BAT"),
    "two blocks": (lambda p: patch(p, TABLE, p.read_bytes()[TABLE + 8 : TABLE + 16]), 900324, "block 0"),
    "empty": (lambda p: os.truncate(p, 0), 900312, "vhdx"),
    "cut in the headers": (lambda p: os.truncate(p, 100_000), 900314, "header area"),
    "cut in the metadata": (lambda p: os.truncate(p, 2 * MIB + 70_000), 900314, "metadata region"),
    "cut in the data": (lambda p: os.truncate(p, p.stat().st_size - 512), 900314, "block"),
}


@pytest.mark.parametrize("fault", VHDX_FAULTS)
def test_faults_of_a_vhdx(tmp_path: Path, fault: str) -> None:
    """One fault each in every structure, with checksums repaired where a wrong value is to be found."""
    damage, code, text = VHDX_FAULTS[fault]
    made = makers.vhdx(tmp_path / "a.vhdx", BODY)
    damage(made.path)
    refused(made.path, code, text)


@pytest.mark.parametrize("make", [makers.vhd, makers.vhdx, makers.fixed_vhd])
def test_every_truncation_is_noticed(tmp_path: Path, make: Callable[..., Made], effort: int) -> None:
    """Wherever a file is cut, reading it ends with an error of ours: nothing that is missing reads as zeros."""
    made = make(tmp_path / ("a.vhdx" if make is makers.vhdx else "a.vhd"), BODY)
    whole = made.path.stat().st_size
    rng = np.random.default_rng(3)
    cuts = [0, 1, 7, 511, 512, 1_024, 65_536, 70_000, MIB, whole - 512, whole - 513, whole - 2]
    cuts = [cut for cut in cuts if cut < whole] + rng.integers(0, whole, 30 * effort).tolist()
    for cut in sorted(set(cuts), reverse=True):
        os.truncate(made.path, cut)
        # A dynamic VHD that lost its last footer only is read with the copy, which a warning tells.
        if make is makers.vhd and cut >= whole - 512:
            with open_image(made.path) as image:
                assert image.read(0, image.size) == BODY
                assert image.warnings
            continue
        with pytest.raises(LabError) as found, open_image(made.path) as image:
            image.read(0, image.size)
        assert 900310 <= found.value.code < 900350


def test_a_file_cut_while_it_is_read(tmp_path: Path) -> None:
    """A file that gets shorter after it was opened ends with an error, not with zeros."""
    made = makers.vhdx(tmp_path / "a.vhdx", BODY)
    with open_image(made.path) as image:
        os.truncate(made.path, 5 * MIB)
        with pytest.raises(LabError) as found:
            image.read(0, image.size)
    assert found.value.code == 900314


def test_vhdx_that_ends_within_its_last_block(tmp_path: Path) -> None:
    """The same in a VHDX; and a last block moved onto its neighbour with what is not the disk's is refused."""
    made = makers.vhdx(tmp_path / "a.vhdx", BODY[: 5 * MIB + 512 * 3] + b"x" * 512, block=4 * MIB)
    os.truncate(made.path, made.path.stat().st_size - 2 * MIB)
    with open_image(made.path) as image:
        assert image.read(0, image.size) == made.content
        assert "cut short" in image.warnings[0]
    first, last = struct.unpack("<QQ", made.path.read_bytes()[TABLE : TABLE + 16])
    patch(made.path, TABLE, u64(last) + u64(first))
    refused(made.path, 900314, "block 0")
    os.truncate(made.path, 64 * MIB)
    patch(made.path, TABLE, u64(first) + u64(first - (2 << 20)))
    refused(made.path, 900324, "block 1")


def test_vhd_that_ends_within_its_last_block(tmp_path: Path) -> None:
    """A writer that ends the file where the disk ends, within the last block, is understood, and it is said."""
    made = makers.vhd(tmp_path / "a.vhd", BODY[: 5 * MIB + 512 * 3])
    raw = made.path.read_bytes()
    (entry,) = struct.unpack(">I", raw[1_536 + 8 : 1_536 + 12])
    made.path.write_bytes(raw[: entry * 512 + 512 + MIB + 512 * 3] + raw[-512:])
    with open_image(made.path) as image:
        assert image.read(0, image.size) == made.content
        assert "cut short" in image.warnings[0]
    os.truncate(made.path, made.path.stat().st_size - 1_024)
    refused(made.path, 900314, "block 2")


@pytest.mark.parametrize("head", [b"QFI\xfb", b"KDMV", b"# Disk DescriptorFile", b"<<< Oracle VM", b"\x1f\x8b"])
def test_other_formats_are_not_taken_for_raw(tmp_path: Path, head: bytes) -> None:
    """Files of formats that are not read are refused by their first bytes, unless the caller says they are raw."""
    path = tmp_path / "a.img"
    path.write_bytes(head.ljust(4_096, b"\1"))
    refused(path, 900313)
    with open_image(path, format="raw") as image:
        assert image.read(0, len(head)) == head


def test_names_that_promise_another_content(tmp_path: Path) -> None:
    """A raw file named .vhd, and a VHDX named .vhd, are refused; with the format given they are read."""
    (tmp_path / "a.vhd").write_bytes(BODY)
    assert refused(tmp_path / "a.vhd", 900312).details["found"] == "raw"
    made = makers.vhdx(tmp_path / "b.vhd", BODY)
    assert refused(made.path, 900312).details["found"] == "vhdx"
    with open_image(made.path, format="vhdx") as image:
        assert image.read(0, image.size) == BODY
    with pytest.raises(LabError) as found:
        open_image(made.path, format="qcow2")
    assert found.value.code == 900340


def test_system_that_fails_to_read(tmp_path: Path) -> None:
    """When the system refuses to read (here: the file was opened for writing), the error names file and reason."""
    made = makers.vhdx(tmp_path / "a.vhdx", BODY)
    with open_image(made.path) as image, (tmp_path / "other").open("wb") as other:
        os.dup2(other.fileno(), image.file._file.fileno())
        with pytest.raises(LabError) as found:
            image.read(0, image.size)
    assert (found.value.code, found.value.exit_status) == (900311, 2)
    assert "a.vhdx" in found.value.message
    assert "{" not in found.value.message


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """Nothing, a folder, an empty file and a pipe (which nobody writes to) are refused at once."""
    refused(tmp_path / "none", 900310)
    refused(tmp_path, 900310)
    (tmp_path / "empty").touch()
    refused(tmp_path / "empty", 900314)
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
        refused(tmp_path / "pipe", 900310)
        child = makers.vhd(tmp_path / "a.vhd", BODY, parent=Made(tmp_path / "pipe", BODY, uuid.uuid4()))
        refused(child.path, 900330)


def test_tables_that_claim_much_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A VHD that claims more blocks than any program makes is refused before its table is read."""
    made = makers.vhd(tmp_path / "a.vhd", BODY, block=4_096)
    footer(made.path, 48, struct.pack(">Q", 2_040 << 30))
    header(made.path, 28, struct.pack(">I", 0xFFFF_FFFF))
    refused(made.path, 900318, "blocks of the disk")
    monkeypatch.setattr(vhd, "MAX_ENTRIES", 1 << 30)
    refused(made.path, 900314, "BAT")
