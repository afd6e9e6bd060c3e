"""One suite that every export format passes: what each method promises, and what foreign programs make of the file."""

from __future__ import annotations

import hashlib
import sys
import uuid
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.disks.blocks import BLOCK
from labkit.disks.export import export, sidecar
from labkit.disks.formats import FORMATS, Plan
from labkit.disks.frozen import Frozen
from labkit.disks.image import open_image
from labkit.engine.errors import LabError
from tests.disks import referees

MIB = 1 << 20
SIZES = [512, 5 * MIB, 37 * MIB + 3_584, 70 * MIB]
KINDS = {"raw": "raw", "vhd": "fixed vhd", "vhd-dynamic": "dynamic vhd", "vhdx": "dynamic vhdx"}
SUFFIXES = {"raw": "img", "vhd": "vhd", "vhd-dynamic": "vhd", "vhdx": "vhdx"}
Make = Callable[..., Frozen]
every_format = pytest.mark.parametrize("name", list(FORMATS))


def content(disk: Frozen) -> bytes:
    """All bytes of a disk, read block by block."""
    return b"".join(disk.read(block) for block in range(len(disk.stamps)))


def options(name: str) -> list[int | None]:
    """Block sizes to try: the format's own choice, its smallest and a large one."""
    sizes = FORMATS[name].block_sizes
    return [None, sizes[0], 8 * MIB] if sizes else [None]


@every_format
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("holes", [0.0, 0.9, 1.0])
def test_foreign_readers_find_the_disk(
    mixed_disk: Make, tmp_path: Path, qemu_img: str, pyvhdi: ModuleType, name: str, size: int, holes: float
) -> None:
    """qemu-img, libvhdi and our own reader find exactly the disk's size and bytes, full, holed and empty."""
    disk, raw, path = mixed_disk(size, seed=size, holes=holes), tmp_path / "a.raw", tmp_path / f"b.{SUFFIXES[name]}"
    expected = content(disk)
    raw.write_bytes(expected)
    for block_size in options(name):
        done = export(disk, path, format=name, overwrite=True, block_size=block_size)
        assert (done.virtual_size, done.file_size) == (size, path.stat().st_size)
        referees.qemu_equal(qemu_img, path, name, raw)
        with open_image(path) as image:
            assert (image.kind, image.size, image.warnings) == (KINDS[name], size, [])
            assert image.read(0, size) == expected
        if name == "vhdx":
            referees.qemu_check(qemu_img, path)
        if name != "raw":
            assert referees.libvhdi_content(pyvhdi, path) == expected


@pytest.mark.parametrize("name", ["vhd", "vhd-dynamic", "vhdx"])
@pytest.mark.parametrize("size", [8_192, 5 * MIB, 37 * MIB + 3_584, 70 * MIB])
def test_sevenzip_unpacks_the_disk(mixed_disk: Make, tmp_path: Path, sevenzip: str, name: str, size: int) -> None:
    """7-Zip, a third opinion, unpacks exactly the disk's bytes; of VHDX it takes only disks of whole 4 KiB."""
    size -= size % 4_096 if name == "vhdx" else 0
    disk, path = mixed_disk(size, seed=size, holes=0.6), tmp_path / f"b.{SUFFIXES[name]}"
    export(disk, path, format=name)
    assert referees.sevenzip_content(sevenzip, path) == content(disk)


def test_sectors_of_4096_bytes(mixed_disk: Make, tmp_path: Path, pyvhdi: ModuleType, sevenzip: str) -> None:
    """A VHDX with sectors of 4,096 bytes is read by libvhdi, 7-Zip and ourselves; qemu-img does not know such disks."""
    disk, path = mixed_disk(37 * MIB + 8_192, holes=0.6), tmp_path / "a.vhdx"
    export(disk, path, format="vhdx", sector_size=4_096, block_size=MIB)
    expected = content(disk)
    with open_image(path) as image:
        assert (image.sector_size, image.read(0, image.size)) == (4_096, expected)
    assert referees.libvhdi_content(pyvhdi, path) == expected
    assert referees.sevenzip_content(sevenzip, path) == expected


@every_format
@given(data=st.data())
def test_every_byte_has_one_place(name: str, data: st.DataObject) -> None:
    """Structures and content never share a byte, ascend, and lie in the file; the file ends where it says."""
    size = data.draw(st.integers(1, 1 << 20)) * 512
    count = -(-size // BLOCK)
    held = sorted(data.draw(st.sets(st.integers(0, count - 1), max_size=40)))
    sizes = [None, *FORMATS[name].block_sizes]
    plan = Plan(size, np.array(held, np.int64), uuid.uuid4(), block_size=data.draw(st.sampled_from(sizes)))
    layout = FORMATS[name](plan)
    structures = [(at, at + len(raw)) for at, raw in layout.structures()]
    places = []
    for block in held:
        length = min(BLOCK, size - block * BLOCK)
        found = list(layout.places(block * BLOCK, length))
        assert sum(count for _, count in found) == length
        places += [(at, at + count) for at, count in found]
    for parts in (structures, places, sorted(structures + places)):
        assert all(before[1] <= after[0] for before, after in pairwise(parts))
    ends = [end for _, end in structures + places]
    assert max(ends, default=0) <= layout.file_size


@every_format
def test_runs_are_placed_as_their_blocks_are(name: str) -> None:
    """A run over several blocks of the file goes where its 64 KiB blocks would go one by one."""
    layout = FORMATS[name](Plan(80 * MIB, np.arange(1_280, dtype=np.int64), uuid.uuid4()))
    whole = list(layout.places(BLOCK, 70 * MIB))
    single = [place for n in range(1, 1_121) for place in layout.places(n * BLOCK, BLOCK)]
    joined = [(at + step, BLOCK) for at, length in whole for step in range(0, length, BLOCK)]
    assert joined == single


@every_format
@pytest.mark.parametrize("holes", [0.5, 1.0])
def test_sha256_is_that_of_the_file(mixed_disk: Make, tmp_path: Path, name: str, holes: float) -> None:
    """The digest beside the file is the one of the file as it is read, structures, holes and padding included."""
    target = tmp_path / "data.img"
    disk = mixed_disk(9 * MIB + 512, holes=holes)
    done = export(disk, target, format=name, whole_mib=True, sha256=True)
    assert done.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert sidecar(target).read_bytes() == f"{done.sha256}  data.img\n".encode()
    assert done.virtual_size == 10 * MIB


@every_format
def test_same_identity_same_file(mixed_disk: Make, tmp_path: Path, name: str) -> None:
    """With the identity given, two exports are equal byte by byte; without, those with an identity in them differ."""
    disk, paths = mixed_disk(2 * MIB), [tmp_path / letter for letter in "abc"]
    for path, identity in zip(paths, (uuid.UUID(int=1), uuid.UUID(int=1), None), strict=True):
        export(disk, path, format=name, identity=identity)
    a, b, c = (path.read_bytes() for path in paths)
    assert a == b
    assert (a == c) == (name == "raw")


@pytest.mark.skipif(sys.platform == "win32", reason="only on systems that keep holes")
@every_format
@pytest.mark.parametrize("gib", [40, 2_040])
def test_large_empty_disks_cost_nothing(tmp_path: Path, qemu_img: str, name: str, gib: int) -> None:
    """Up to 2,040 GiB a disk keeps its exact size in qemu's eyes and takes next to no room; its last block is there."""
    stamps = np.zeros((gib << 30) // BLOCK, np.int64)
    stamps[-1] = 5
    disk, target = Frozen(gib << 30, stamps, lambda stamp: b""), tmp_path / f"large.{SUFFIXES[name]}"
    export(disk, target, format=name)
    assert referees.qemu_size(qemu_img, target, name) == gib << 30
    assert target.stat().st_blocks * 512 < 6 * MIB
    with open_image(target) as image:
        assert list(image.blocks()) == [(len(stamps) - 1, disk.read(len(stamps) - 1))]


@every_format
def test_an_imported_disk_is_exported_the_same(mixed_disk: Make, tmp_path: Path, name: str) -> None:
    """What is read from an export, stored as real blocks and exported again, makes the same file."""
    first, second, identity = tmp_path / "a", tmp_path / "b", uuid.UUID(int=5)
    export(mixed_disk(9 * MIB + 512), first, format=name, identity=identity)
    with open_image(first) as image:
        stored = dict(image.blocks())
        stamps = np.zeros(-(-image.size // BLOCK), np.int64)
        for number in stored:
            stamps[number] = 1 << 62 | number
        again = Frozen(image.size, stamps, lambda stamp: stored[stamp & ~(1 << 62)])
    export(again, second, format=name, identity=identity)
    assert second.read_bytes() == first.read_bytes()


@every_format
def test_options_the_format_lacks_are_refused(mixed_disk: Make, tmp_path: Path, name: str) -> None:
    """A block or sector size the format cannot have, and a disk too large, are refused before anything is written."""
    disk = mixed_disk(MIB + 512)
    for wanted in ({"block_size": 12_345}, {"sector_size": 4_096}, {"sector_size": 520}):
        with pytest.raises(LabError) as refused:
            export(disk, tmp_path / "a", format=name, **wanted)
        assert refused.value.code == 900309
        assert "{" not in str(refused.value)
    if name != "raw":
        with pytest.raises(LabError) as refused:
            FORMATS[name](Plan((64 << 40) + 512, np.zeros(0, np.int64), uuid.uuid4()))
        assert refused.value.code == 900305
        assert "{" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_dynamic_vhd_that_its_table_could_not_address(tmp_path: Path) -> None:
    """A full disk of 2,040 GiB in blocks of 512 KiB would need sector numbers above 32 bits: refused, not cut short."""
    held = np.arange(0, (2_040 << 30) // BLOCK, 8, dtype=np.int64)
    with pytest.raises(LabError) as refused:
        FORMATS["vhd-dynamic"](Plan(2_040 << 30, held, uuid.uuid4(), block_size=512 << 10))
    assert refused.value.code == 900309
    assert FORMATS["vhd-dynamic"](Plan(2_040 << 30, held, uuid.uuid4())).file_size < 2_048 << 30
