"""Reading images: made by qemu-img, by the makers of these tests and by ourselves; judged by foreign readers."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
import uuid
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.disks import imagefile, vhd_layout, vhdx_layout
from labkit.disks.blocks import BLOCK
from labkit.disks.image import Image, open_image
from labkit.disks.vhdx_layout import MIB
from labkit.engine.errors import LabError
from tests.disks import makers, referees

SIZES = [512, 3_584, 5 * MIB, 37 * MIB + 3_584]
QEMU = [
    ("vhd", "vpc", "subformat=fixed,force_size=on"),
    ("vhd", "vpc", "subformat=dynamic,force_size=on"),
    ("vhdx", "vhdx", "subformat=dynamic"),
    ("vhdx", "vhdx", "subformat=fixed"),
    ("vhdx", "vhdx", "block_size=1048576,block_state_zero=off"),
    ("vhdx", "vhdx", "block_size=33554432,log_size=4194304"),
]


def body(size: int, seed: int = 1) -> bytes:
    """Bytes of a disk: mostly zeros, some runs that begin and end anywhere."""
    rng, data = np.random.default_rng(seed), bytearray(size)
    for _ in range(12):
        start = int(rng.integers(size))
        length = min(size - start, int(rng.integers(1, MIB)))
        data[start : start + length] = rng.bytes(length)
    return bytes(data)


def from_blocks(image: Image) -> bytes:
    """The disk put together from its blocks, which must ascend, hold something and have 65,536 bytes each."""
    data, last = bytearray(-(-image.size // BLOCK) * BLOCK), -1
    for number, block in image.blocks():
        assert number > last
        assert len(block) == BLOCK
        assert any(block)
        data[number * BLOCK : (number + 1) * BLOCK] = block
        last = number
    assert not any(data[image.size :])
    return bytes(data[: image.size])


def assert_holds(image: Image, content: bytes) -> None:
    """Every way to read the image gives the same bytes; extents cover the disk without a gap, by turns."""
    assert image.size == len(content)
    assert image.read(0, image.size) == content
    assert from_blocks(image) == content
    place, before = 0, None
    for extent in image.extents():
        assert extent.offset == place
        assert extent.length > 0
        assert extent.zero is not before
        if extent.zero:
            assert not any(content[place : place + extent.length])
        place, before = place + extent.length, extent.zero
    assert place == image.size


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("suffix", "form", "options"), QEMU)
def test_images_of_qemu_are_read(
    tmp_path: Path, qemu_img: str, size: int, suffix: str, form: str, options: str
) -> None:
    """What qemu-img writes in each sub-format, block size and odd size is read byte for byte."""
    content, raw, path = body(size), tmp_path / "a.raw", tmp_path / f"a.{suffix}"
    raw.write_bytes(content)
    command = [qemu_img, "convert", "-f", "raw", "-O", form, "-o", options, str(raw), str(path)]
    subprocess.run(command, check=True)
    with open_image(path) as image:
        assert image.container == suffix
        assert_holds(image, content)


def test_size_comes_from_the_footer_not_from_the_geometry(tmp_path: Path, qemu_img: str) -> None:
    """A VHD of another creator keeps the size its footer says, which qemu-img rounds up to whole cylinders."""
    content, raw, path = body(5 * MIB), tmp_path / "a.raw", tmp_path / "a.vhd"
    raw.write_bytes(content)
    subprocess.run([qemu_img, "convert", "-f", "raw", "-O", "vpc", str(raw), str(path)], check=True)
    size = referees.qemu_size(qemu_img, path, "vhd")
    assert size > len(content)
    with open_image(path) as image:
        assert_holds(image, content.ljust(size, b"\0"))


@pytest.mark.parametrize("size", [*SIZES, 100])
def test_raw_files_are_read_in_whole_sectors(tmp_path: Path, size: int) -> None:
    """A raw file is the disk; one that ends within a sector is filled up with zeros, and the person is told."""
    (tmp_path / "disk.img").write_bytes(body(size))
    with open_image(tmp_path / "disk.img") as image:
        assert_holds(image, body(size).ljust(-(-size // 512) * 512, b"\0"))
        assert bool(image.warnings) == bool(size % 512)
        assert image.kind == "raw"


@pytest.mark.parametrize("footer_bytes", [512, 511])
def test_fixed_vhd_with_old_and_new_footer(tmp_path: Path, footer_bytes: int) -> None:
    """A fixed VHD is read, also with the footer of 511 bytes that an early product wrote."""
    made = makers.fixed_vhd(tmp_path / "a.vhd", body(5 * MIB), footer_bytes)
    with open_image(made.path) as image:
        assert image.kind == "fixed vhd"
        assert_holds(image, made.content)


@pytest.mark.parametrize("block", [4_096, 512 << 10, 2 << 20, 32 << 20])
@pytest.mark.parametrize("grain", [1, 8])
def test_vhd_chains_agree_with_foreign_readers(
    tmp_path: Path, pyvhdi: ModuleType, sevenzip: str, block: int, grain: int
) -> None:
    """A chain of three differencing VHDs reads as libvhdi and 7-Zip read it, whatever fills the absent sectors.

    libvhdi (20260901) takes sectors in groups of eight, misreads bitmaps of blocks under 1 MiB, and shows what lies in
    the place of a sector that no file of the chain holds: it judges only the rest. 7-Zip reads all of these.
    """
    junk = 0xEE if grain == 1 else 0
    base = makers.vhd(tmp_path / "base.vhd", body(9 * MIB + 3_584), block=block, order_seed=1)
    middle = makers.random_changes(base.content, 1, 512)
    child = makers.vhd(tmp_path / "middle.avhd", middle, parent=base, block=block, junk=junk, grain=grain)
    last = makers.random_changes(middle, 2, 512)
    top = makers.vhd(tmp_path / "top.vhd", last, parent=child, block=block, junk=junk, grain=grain)
    with open_image(top.path) as image:
        assert image.kind == "differencing vhd"
        assert image.files == [top.path, child.path, base.path]
        assert_holds(image, top.content)
    if block > 4_096:
        assert referees.sevenzip_content(sevenzip, top.path) == top.content
        if grain == 8 and block >= MIB:
            assert referees.libvhdi_content(pyvhdi, top.path, child.path, base.path) == top.content


@pytest.mark.parametrize("sparse_bits", [False, True])
def test_dynamic_vhd_honours_its_bitmaps(tmp_path: Path, sevenzip: str, sparse_bits: bool) -> None:
    """A dynamic VHD with bits only for sectors that hold something reads right; its blocks may stand in any order."""
    made = makers.vhd(tmp_path / "a.vhd", body(9 * MIB + 512), order_seed=7, sparse_bits=sparse_bits)
    with open_image(made.path) as image:
        assert image.kind == "dynamic vhd"
        assert_holds(image, made.content)
    assert referees.sevenzip_content(sevenzip, made.path) == made.content


@pytest.mark.parametrize(("sector", "block"), [(512, MIB), (512, 8 * MIB), (4_096, MIB), (4_096, 32 * MIB)])
@pytest.mark.parametrize("fixed", [False, True])
def test_vhdx_chains_agree_with_foreign_readers(
    tmp_path: Path, pyvhdi: ModuleType, sevenzip: str, sector: int, block: int, fixed: bool
) -> None:
    """Fixed, dynamic and differencing VHDX with both sector sizes read as libvhdi and 7-Zip read them."""
    base = makers.vhdx(tmp_path / "base.vhdx", body(37 * MIB + 8_192), block=block, sector=sector, fixed=fixed)
    middle = makers.random_changes(base.content, 1, sector, 2)
    child = makers.vhdx(tmp_path / "middle.avhdx", middle, parent=base, block=block, sector=sector)
    last = makers.random_changes(middle, 2, sector, 0.5)
    top = makers.vhdx(tmp_path / "top.vhdx", last, parent=child, block=block, sector=sector, junk=0xEE)
    for made, chain in ((base, [base.path]), (top, [top.path, child.path, base.path])):
        with open_image(made.path) as image:
            assert image.sector_size == sector
            assert image.files == chain
            assert image.warnings == []
            assert_holds(image, made.content)
        assert referees.libvhdi_content(pyvhdi, *chain) == made.content
        assert referees.sevenzip_content(sevenzip, made.path) == made.content


@pytest.mark.parametrize("make", [makers.vhd, makers.vhdx])
@pytest.mark.parametrize("change", [-4 * MIB, 4 * MIB])
def test_child_larger_or_smaller_than_its_parent(tmp_path: Path, make: object, change: int) -> None:
    """A child that was made larger reads zeros past its parent's end; a smaller one never looks there."""
    assert callable(make)
    base = make(tmp_path / "base", body(8 * MIB))
    content = makers.random_changes(base.content, 3, 512)
    content = content.ljust(len(content) + change, b"\0") if change > 0 else content[:change]
    child = make(tmp_path / "child", content, parent=base)
    with open_image(child.path) as image:
        assert_holds(image, content)


def test_parent_in_another_folder_must_be_named(tmp_path: Path) -> None:
    """A parent elsewhere is read only from a folder the caller names; a path that leaves the folder is not followed."""
    (tmp_path / "base").mkdir()
    (tmp_path / "child" / "sub").mkdir(parents=True)
    base = makers.vhdx(tmp_path / "base" / "p.vhdx", body(2 * MIB))
    linkage = "{" + str(base.identity) + "}"
    for relative in ("..\\base\\p.vhdx", "sub\\p.vhdx"):
        locator = {"parent_linkage": linkage, "relative_path": relative}
        makers.vhdx(tmp_path / "child" / "c.vhdx", body(2 * MIB, 2), parent=base, locator=locator)
        with pytest.raises(LabError) as refused:
            open_image(tmp_path / "child" / "c.vhdx")
        assert refused.value.code == 900330
        assert str(tmp_path / "child" / "p.vhdx") in refused.value.message
        assert str(tmp_path / "base") not in refused.value.message
        with open_image(tmp_path / "child" / "c.vhdx", parent_folders=[tmp_path / "base"]) as image:
            assert_holds(image, body(2 * MIB, 2))
    (tmp_path / "child" / "sub" / "p.vhdx").write_bytes(base.path.read_bytes())
    with open_image(tmp_path / "child" / "c.vhdx") as image:
        assert image.files[1] == tmp_path / "child" / "sub" / "p.vhdx"


def dirty(path: Path, wrap: bool = False) -> tuple[makers.Made, bytes]:
    """A VHDX whose log moves block 0 to the end of the file, in three entries after an older sequence; new content."""
    made = makers.vhdx(path, body(5 * MIB))
    length = path.stat().st_size
    log = uuid.uuid4()
    with path.open("r+b") as file:
        file.seek(3 * MIB)
        table = bytearray(file.read(4_096))
        file.truncate(length + MIB)
        file.seek(length)
        file.write(b"n" * MIB)
    table[:8] = ((length // MIB) << 20 | 6).to_bytes(8, "little")
    wrong = b"\xff" * 4_096
    end = MIB - 8_192 if wrap else 5 * 8_192
    stale = makers.log_entry(log, 5, 8_192, [(3 * MIB, wrong)], length, length)
    first = makers.log_entry(log, 8, end, [(3 * MIB, wrong)], length, length)
    second = makers.log_entry(log, 9, end, [(3 * MIB, MIB)], length, length)
    third = makers.log_entry(log, 10, end, [(3 * MIB, bytes(table))], length + MIB, length + 2 * MIB)
    entries = [(8_192, stale), (end, first), (end + len(first), second), (end + len(first) + len(second), third)]
    makers.put_log(path, entries, log)
    return made, b"n" * MIB + made.content[MIB:]


@pytest.mark.parametrize("wrap", [False, True])
def test_log_is_replayed_in_memory_as_qemu_replays_it_on_a_copy(tmp_path: Path, qemu_img: str, wrap: bool) -> None:
    """The newest sequence of a log is laid over the file, also around the log's end; the file itself stays untouched.

    qemu-img repairs a copy and then finds the same bytes.
    """
    made, content = dirty(tmp_path / "a.vhdx", wrap)
    before = made.path.read_bytes()
    with open_image(made.path) as image:
        assert "log" in image.warnings[0]
        assert_holds(image, content)
    assert made.path.read_bytes() == before
    copy, raw = tmp_path / "copy.vhdx", tmp_path / "a.raw"
    copy.write_bytes(before)
    raw.write_bytes(content)
    referees.qemu_check(qemu_img, copy, "-r", "all")
    referees.qemu_equal(qemu_img, copy, "vhdx", raw)
    with open_image(copy) as image:
        assert image.warnings == []
        assert_holds(image, content)


def test_systems_without_holes_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system cannot say what is a hole (Windows), everything counts as data and reads the same."""
    made = [makers.vhdx(tmp_path / "a.vhdx", body(9 * MIB)), makers.vhd(tmp_path / "a.vhd", body(9 * MIB))]
    monkeypatch.setattr(imagefile, "_SEEK_DATA", None)
    monkeypatch.setattr(imagefile, "_SEEK_HOLE", None)
    for each in made:
        with open_image(each.path) as image:
            assert_holds(image, each.content)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only on Linux can holes be dug in a file")
def test_holes_of_the_file_are_known_as_zeros(tmp_path: Path) -> None:
    """A hole within a block of a VHDX, and one in a raw file, are zeros without being read."""
    content = bytes(8 * MIB) + b"x" * BLOCK + bytes(8 * MIB)
    (tmp_path / "a.img").touch()
    for path in (tmp_path / "a.img", makers.vhdx(tmp_path / "a.vhdx", content, block=32 * MIB).path):
        if path.suffix == ".img":
            with path.open("wb") as file:
                file.seek(8 * MIB)
                file.write(b"x" * BLOCK)
                file.truncate(len(content))
        else:
            subprocess.run(["fallocate", "--dig-holes", str(path)], check=True)
        with open_image(path) as image:
            data = [extent for extent in image.extents() if not extent.zero]
            assert data == [(8 * MIB, BLOCK, False)]
            assert_holds(image, content)


def test_parts_can_be_read_at_any_place(tmp_path: Path) -> None:
    """Any part of a chain of partial blocks reads as that part of the content; outside the disk is refused."""
    base = makers.vhdx(tmp_path / "a.vhdx", body(3 * MIB))
    child = makers.vhdx(tmp_path / "b.vhdx", makers.random_changes(base.content, 4, 512, 3), parent=base)
    with open_image(child.path) as image:

        @given(st.integers(0, 3 * MIB), st.integers(0, 2 * MIB))
        def part(offset: int, length: int) -> None:
            length = min(length, 3 * MIB - offset)
            assert image.read(offset, length) == child.content[offset : offset + length]

        part()
        for offset, length in ((-1, 1), (0, 3 * MIB + 1), (3 * MIB, 1), (1, -1)):
            with pytest.raises(LabError) as refused:
                image.read(offset, length)
            assert refused.value.code == 900342


@given(st.data())
def test_any_disk_in_any_kind_of_image(tmp_path: Path, data: st.DataObject) -> None:
    """Random content in random block and sector sizes comes back, from single files and from chains of all depths."""
    kind = data.draw(st.sampled_from(["vhd", "vhdx"]))
    sector = 512 if kind == "vhd" else data.draw(st.sampled_from([512, 4_096]))
    blocks = [4_096, 65_536, 2 * MIB] if kind == "vhd" else [MIB, 2 * MIB, 4 * MIB]
    block = data.draw(st.sampled_from(blocks))
    content = body(data.draw(st.integers(1, 3 * MIB // sector)) * sector, data.draw(st.integers(0, 99)))
    made = None
    for depth in range(data.draw(st.integers(1, 4))):
        path = tmp_path / f"{depth}.{kind}"
        if made:
            content = makers.random_changes(content, depth, sector, data.draw(st.sampled_from([0.01, 0.3, 5])))
        if kind == "vhd":
            made = makers.vhd(path, content, parent=made, block=block, order_seed=depth, junk=depth)
        else:
            made = makers.vhdx(path, content, parent=made, block=block, sector=sector, junk=depth)
    assert made
    with open_image(made.path) as image:
        assert_holds(image, content)


@pytest.mark.skipif(sys.platform == "win32", reason="only on systems where such files are holes")
@pytest.mark.parametrize("with_data", [False, True])
def test_largest_vhdx_costs_no_memory(tmp_path: Path, with_data: bool) -> None:
    """A VHDX of 64 TiB with blocks of 1 MiB, its table a hole of 512 MiB, opens and is searched in a few MB."""
    path, block = tmp_path / "huge.vhdx", MIB
    made = makers.vhdx(path, body(MIB))
    items = vhdx_layout.disk_items(64 << 40, block, 512, uuid.uuid4())
    entries = vhdx_layout.table_entries(64 << 40, block, 4_096, False)
    table = -(-entries * 8 // MIB) * MIB
    rows = [(vhdx_layout.REGION_METADATA, 2 * MIB, MIB, 1), (vhdx_layout.REGION_BAT, 3 * MIB, table, 1)]
    with path.open("r+b") as file:
        file.truncate(2 * MIB)
        for place in vhdx_layout.REGION_PLACES:
            file.seek(place)
            file.write(vhdx_layout.region_table([vhdx_layout.Entry(*row) for row in rows]))
        for place, raw in zip((2 * MIB, 2 * MIB + 65_536), vhdx_layout.metadata(items), strict=True):
            file.seek(place)
            file.write(raw)
        if with_data:
            file.seek(3 * MIB + (entries - 1) * 8)
            file.write(((3 * MIB + table) // MIB << 20 | 6).to_bytes(8, "little"))
            file.seek(3 * MIB + table + MIB - 5)
            file.write(b"z")
        file.truncate(4 * MIB + table)
    assert made.path.stat().st_blocks * 512 < 8 * MIB
    tracemalloc.start()
    with open_image(path) as image:
        found = [(number, data.index(b"z")) for number, data in image.blocks()]
        assert image.size == 64 << 40
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == ([((64 << 40) // BLOCK - 1, BLOCK - 5)] if with_data else [])
    assert peak < 96 * MIB


def test_sound_copies_stand_in_for_damaged_ones(tmp_path: Path) -> None:
    """With one of two headers, region tables or footers damaged the disk reads right, and the person is told which."""
    vhdx = makers.vhdx(tmp_path / "a.vhdx", body(3 * MIB))
    vhd = makers.vhd(tmp_path / "a.vhd", body(3 * MIB))
    places = [(vhdx, place + 100) for place in (*vhdx_layout.HEADER_PLACES, *vhdx_layout.REGION_PLACES)]
    places += [(vhd, vhd.parts["footer"][0] + 20), (vhd, 20)]
    for made, place in places:
        before = made.path.read_bytes()
        made.path.write_bytes(before[:place] + b"\x5a" + before[place + 1 :])
        with open_image(made.path) as image:
            assert_holds(image, made.content)
            assert len(image.warnings) == 1
        made.path.write_bytes(before)


def test_a_block_in_a_gap_is_told_of(tmp_path: Path) -> None:
    """An entry moved by a sector into a gap between blocks overlaps nothing; that it lies unlike the others is said."""
    count, stride = 12, 2 * MIB + 4_096
    entries = np.array([8 - 1 + n * stride // 512 for n in range(count)], ">u4")
    entries[5] -= 1
    footer = vhd_layout.footer(count * 2 * MIB, vhd_layout.DYNAMIC, uuid.uuid4())
    path, end = tmp_path / "a.vhd", 4_096 + count * stride
    with path.open("wb") as file:
        file.write(footer + vhd_layout.header(vhd_layout.TABLE_AT, count, 2 * MIB) + entries.tobytes())
        file.seek(end)
        file.write(footer)
    with open_image(path) as image:
        assert [("block 5 " in text) for text in image.warnings] == [True]
