"""Export of disks, judged by qemu-img and by reading the files again."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from labkit.disks import vhd_layout
from labkit.disks.blocks import BLOCK, REAL
from labkit.disks.export import export
from labkit.disks.frozen import Frozen
from labkit.engine.errors import LabError

MIB = 1 << 20
SIZES = [512, 3_584, BLOCK, BLOCK + 512, 5 * MIB, 17 * MIB - 512, 37 * MIB + 3_584]
Make = Callable[..., Frozen]


def content(disk: Frozen) -> bytes:
    """All bytes of a disk, read block by block."""
    return b"".join(disk.read(block) for block in range(len(disk.stamps)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("holes", [0.0, 0.5, 1.0])
def test_raw_holds_the_bytes_of_the_disk(mixed_disk: Make, tmp_path: Path, size: int, holes: float) -> None:
    """A raw file has exactly the bytes and the length of the disk, full, holed or empty, and nothing lies beside it."""
    disk, target = mixed_disk(size, seed=size, holes=holes), tmp_path / "盤 1.img"
    done = export(disk, target)
    assert target.read_bytes() == content(disk)
    assert (done.virtual_size, done.file_size, done.padded_bytes, done.sha256) == (size, size, 0, None)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("whole_mib", [False, True])
def test_qemu_reads_a_fixed_vhd_equal_to_raw(
    mixed_disk: Make, tmp_path: Path, qemu_img: str, size: int, whole_mib: bool
) -> None:
    """qemu-img sees a VHD of the exact virtual size with the bytes of the raw file; padding is zeros to whole MiB."""
    disk, raw, vhd = mixed_disk(size, seed=size), tmp_path / "a.raw", tmp_path / "a.vhd"
    export(disk, raw, whole_mib=whole_mib)
    done = export(disk, vhd, format="vhd", whole_mib=whole_mib)
    assert raw.read_bytes() == content(disk).ljust(done.virtual_size, b"\0")
    info = [qemu_img, "info", "-f", "vpc", "--output=json", str(vhd)]
    seen = json.loads(subprocess.run(info, check=True, capture_output=True).stdout)
    assert seen["virtual-size"] == done.virtual_size == size + done.padded_bytes
    assert vhd.stat().st_size == done.file_size == done.virtual_size + 512
    assert done.padded_bytes == (-size % MIB if whole_mib else 0)
    compare = [qemu_img, "compare", "-f", "vpc", "-F", "raw", str(vhd), str(raw)]
    found = subprocess.run(compare, check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout.strip()) == (0, "Images are identical.")


def test_qemu_notices_one_other_block(mixed_disk: Make, tmp_path: Path, qemu_img: str) -> None:
    """The referee is awake: with one stamp changed it finds the first byte of that block to differ."""
    disk = mixed_disk(3 * MIB, holes=0.0)
    stamps = disk.stamps.copy()
    stamps[20] = 12_345
    export(disk, tmp_path / "a.raw")
    export(Frozen(disk.size, stamps, disk.real), tmp_path / "b.vhd", format="vhd")
    command = [qemu_img, "compare", "-f", "vpc", "-F", "raw", str(tmp_path / "b.vhd"), str(tmp_path / "a.raw")]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 1
    assert str(20 * BLOCK) in found.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="without holes these files would be written in full")
@pytest.mark.parametrize("gib", [1, 40, 127, 128, 1_023, 2_040])
def test_large_empty_disks_are_holes_and_keep_their_size(tmp_path: Path, qemu_img: str, gib: int) -> None:
    """Up to 2,040 GiB a disk keeps its exact size in qemu's eyes, on both sides of where CHS ends, at no cost."""
    stamps = np.zeros((gib << 30) // BLOCK, np.int64)
    stamps[-1] = 5
    disk, target = Frozen(gib << 30, stamps, lambda stamp: b""), tmp_path / "large.vhd"
    try:
        export(disk, target, format="vhd")
    except LabError as error:
        if error.code == 900304:
            pytest.skip("this file system does not take files of that size")
        raise
    info = [qemu_img, "info", "-f", "vpc", "--output=json", str(target)]
    seen = json.loads(subprocess.run(info, check=True, capture_output=True).stdout)
    assert seen["virtual-size"] == gib << 30
    blocks = getattr(target.stat(), "st_blocks", None)
    if blocks is not None:
        assert blocks * 512 < MIB


def test_footer_has_the_values_of_the_specification() -> None:
    """Every field of the footer, its checksum counted anew, an identity and a time given by the caller."""
    identity = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
    footer = vhd_layout.fixed_footer(8 << 30, identity, created=465_436_800)
    assert len(footer) == 512
    fields = vhd_layout.FOOTER.unpack(footer)
    assert fields[:8] == (b"conectix", 2, 0x10000, 2**64 - 1, 465_436_800, b"win ", 0xA0000, b"Wi2k")
    assert fields[8:14] == (8 << 30, 8 << 30, 16_644, 16, 63, 2)
    (check,) = struct.unpack_from(">I", footer, vhd_layout.CHECKSUM_AT)
    assert check == 0xFFFFFFFF - (sum(footer) - sum(footer[64:68]))
    assert footer[68:84] == identity.bytes
    assert not any(footer[84:])


@pytest.mark.parametrize("mib", [1, 17, 37, 100, 200, 504, 505, 2_016, 8_192, 32_255, 32_256, 129_000])
def test_geometry_is_the_one_qemu_chooses(tmp_path: Path, qemu_img: str, mib: int) -> None:
    """On both sides of each step of the CHS table, cylinders, heads and sectors are those qemu writes for a size."""
    theirs = tmp_path / "theirs.vhd"
    command = [qemu_img, "create", "-q", "-f", "vpc", "-o", "subformat=fixed", str(theirs), f"{mib}M"]
    subprocess.run(command, check=True)
    with theirs.open("rb") as file:
        file.seek(-512, 2)
        fields = vhd_layout.FOOTER.unpack(file.read())
    size, chosen = fields[9], fields[10:13]
    assert mib * MIB <= size < mib * MIB + 4 * MIB, "qemu rounds a size up to whole cylinders"
    assert vhd_layout.geometry(size) == chosen


def test_stored_zeros_stay_holes(tmp_path: Path) -> None:
    """Real blocks that hold only zeros are not written, so the file stays as small as its content."""
    disk = Frozen(64 * MIB, np.full(1_024, REAL | 1, np.int64), lambda stamp: bytes(BLOCK))
    export(disk, tmp_path / "a.raw")
    assert (tmp_path / "a.raw").stat().st_size == 64 * MIB
    assert getattr((tmp_path / "a.raw").stat(), "st_blocks", 0) * 512 < MIB


def test_progress_rises_to_the_whole(mixed_disk: Make, tmp_path: Path) -> None:
    """Progress starts at 0, never falls, and ends with everything the disk holds; an empty disk is done at once."""
    disk = mixed_disk(37 * MIB + 3_584)
    steps: list[tuple[int, int]] = []
    export(disk, tmp_path / "a", progress=lambda done, total: steps.append((done, total)))
    assert steps[0] == (0, disk.held())
    assert steps[-1] == (disk.held(), disk.held())
    assert steps == sorted(steps)
    assert len(steps) > 10
    empty: list[tuple[int, int]] = []
    export(mixed_disk(MIB, holes=1.0), tmp_path / "b", progress=lambda done, total: empty.append((done, total)))
    assert empty == [(0, 0)]


@pytest.mark.parametrize("existing", ["a.raw", "a.raw.sha256"])
def test_existing_files_are_kept_unless_overwriting(mixed_disk: Make, tmp_path: Path, existing: str) -> None:
    """A file that is there is refused and unharmed; told to overwrite, it is replaced and no stale digest stays."""
    disk, target = mixed_disk(MIB), tmp_path / "a.raw"
    (tmp_path / existing).write_bytes(b"mine")
    with pytest.raises(LabError) as refused:
        export(disk, target)
    assert refused.value.code == 900302
    assert existing in refused.value.message
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]
    export(disk, target, overwrite=True)
    assert target.read_bytes() == content(disk)
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_appears_meanwhile_is_kept(mixed_disk: Make, tmp_path: Path) -> None:
    """Somebody who makes the file during the export does not lose it."""
    target = tmp_path / "a.raw"

    def intrude(done: int, total: int) -> None:
        if done == total:
            target.write_bytes(b"mine")

    with pytest.raises(LabError) as refused:
        export(mixed_disk(MIB), target, progress=intrude)
    assert refused.value.code == 900302
    assert target.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [target]


def test_bytes_are_on_the_medium_before_the_name(
    mixed_disk: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole file is synchronised while it still has its temporary name, so that a name never precedes its bytes."""
    target, synchronise, seen = tmp_path / "a.vhd", os.fsync, []

    def watch(handle: int) -> None:
        synchronise(handle)
        seen.append((os.fstat(handle).st_size, target.exists()))

    monkeypatch.setattr(os, "fsync", watch)
    export(mixed_disk(3 * MIB), target, format="vhd")
    assert seen == [(3 * MIB + 512, False)]


def test_wrong_targets_are_refused_before_any_work(mixed_disk: Make, tmp_path: Path) -> None:
    """No folder, a folder as target, an unknown format, a disk too large for a VHD: refused, and nothing is written."""
    disk = mixed_disk(MIB)
    too_large = Frozen(2_041 << 30, np.zeros((2_041 << 30) // BLOCK, np.int64), lambda stamp: b"")
    (tmp_path / "folder").mkdir()
    for code, wanted, path, form in (
        (900303, disk, tmp_path / "missing" / "a", "raw"),
        (900303, disk, tmp_path / "folder", "raw"),
        (900305, too_large, tmp_path / "a", "vhd"),
        (900308, disk, tmp_path / "a", "qcow2"),
    ):
        with pytest.raises(LabError) as refused:
            export(wanted, path, format=form, overwrite=True)
        assert refused.value.code == code
        assert "{" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("old", [None, b"old"])
def test_failing_source_leaves_things_as_they_were(mixed_disk: Make, tmp_path: Path, old: bytes | None) -> None:
    """When stored bytes cannot be read half-way, no new file appears under any name and an old one is untouched."""
    target = tmp_path / "a.raw"
    if old:
        target.write_bytes(old)
    whole = mixed_disk(20 * MIB, holes=0.0)
    reads = []

    def real(stamp: int) -> bytes:
        reads.append(stamp)
        return whole.real(stamp) if len(reads) < 100 else b"short"

    with pytest.raises(LabError) as failed:
        export(Frozen(whole.size, whole.stamps, real), target, overwrite=True)
    assert failed.value.code == 900306
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([old] if old else [])


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from labkit.disks.export import export
from labkit.disks.frozen import Frozen
from labkit.engine.errors import LabError
resource.setrlimit(resource.RLIMIT_FSIZE, (5 << 20, 5 << 20))
disk = Frozen(int(sys.argv[2]), np.full(int(sys.argv[2]) // 65536, int(sys.argv[3]), np.int64), lambda stamp: b"")
try:
    export(disk, Path(sys.argv[1]), format="vhd", overwrite=True)
except LabError as error:
    print(error.code, error.exit_status, error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits of a process are POSIX")
@pytest.mark.parametrize("stamp", [5, 0])
def test_system_that_refuses_to_write_leaves_no_file(tmp_path: Path, stamp: int) -> None:
    """When the system stops the writing (or the lengthening of a hole), the error says why and nothing stays."""
    target = tmp_path / "a.vhd"
    target.write_bytes(b"old")
    command = [sys.executable, "-c", LIMITED, str(target), str(20 * MIB), str(stamp)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True)
    assert run.stdout.startswith("900304 2 ")
    assert "too large" in run.stdout
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


FULL = """
import sys
import numpy as np
from labkit.disks.export import export
from labkit.disks.frozen import Frozen
from labkit.engine.errors import LabError
disk = Frozen(8 << 20, np.arange(1, 129, dtype=np.int64), lambda stamp: b"")
try:
    export(disk, sys.argv[1] + "/a.raw")
except LabError as error:
    print(error.code, error.message)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a small file system can be made on Linux only")
def test_full_disk_leaves_no_file(tmp_path: Path) -> None:
    """On a real file system of 2 MB that fills up, the error names the lack of room and the folder is empty again."""
    mount = 'mount -t tmpfs -o size=2m lab "$1"'
    enter = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    try:
        subprocess.run([*enter, mount, "sh", str(tmp_path)], check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("this machine does not allow mounting in a namespace")
    script = f'{mount} && "$2" -c "$3" "$1" && ls -A "$1"'
    command = [*enter, script, "sh", str(tmp_path), sys.executable, FULL]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True)
    lines = run.stdout.splitlines()
    assert len(lines) == 1, "ls shows nothing after the error"
    assert lines[0].startswith("900304 ")
    assert "No space left" in lines[0]
