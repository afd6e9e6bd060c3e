"""``image:`` in a site file: what is taken from the image, and what is refused, with everything else that is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labkit.engine.errors import LabError
from labkit.site import images, sitefile

MIB, GB = 1 << 20, 1 << 30


def site_text(disks: str) -> str:
    return f"site: images\nvms:\n  - name: FILES01\n    os: Ubuntu Server\n    disks:\n{disks}"


def sparse(path: Path, size: int, data: bytes = b"x" * 4096) -> Path:
    """A raw image that begins and ends with data and is a hole between."""
    with path.open("wb") as file:
        file.write(data)
        file.seek(size - len(data))
        file.write(data)
    return path


def faults_of(text: str, folder: Path) -> str:
    with pytest.raises(LabError) as refused:
        sitefile.parse(text, "site.yml", folder)
    assert refused.value.code == 900200
    return str(refused.value)


def test_the_disk_gets_its_size_and_what_it_holds_from_the_image(tmp_path: Path) -> None:
    """Size is the image's; ``used`` counts what is no known zero, in whole blocks; neither is written in the file."""
    size = 37 * MIB + 3_584
    sparse(tmp_path / "disk.img", size)
    disk = sitefile.parse(site_text("      - {name: os, image: disk.img}\n"), "site.yml", tmp_path).vms[0].disks[0]
    assert disk.size == size
    assert 0 < disk.used < MIB
    assert disk.used % 65_536 == 0
    assert disk.image == str(tmp_path / "disk.img")


@pytest.mark.parametrize(("disk", "limit"), [("os", 127 * GB), ("data", 1_023 * GB)])
def test_limits_of_disks_hold_for_images_too(tmp_path: Path, disk: str, limit: int) -> None:
    """An OS disk of 127 GB and a data disk of 1,023 GB are taken; 512 bytes more are refused, with the limit."""
    first = "" if disk == "os" else "      - {name: os, size: 20GB}\n"
    text = site_text(f"{first}      - {{name: {disk}, image: disk.img}}\n")
    os.truncate(sparse(tmp_path / "disk.img", 8_192), limit)
    assert sitefile.parse(text, "site.yml", tmp_path).vms[0].disks[-1].size == limit
    os.truncate(tmp_path / "disk.img", limit + 512)
    told = faults_of(text, tmp_path)
    assert f".{'disks[0]' if disk == 'os' else 'disks[1]'}.image" in told
    assert f"{limit // GB}GB" in told


@pytest.mark.parametrize(("size", "taken"), [("64MB", True), ("48MB", True), ("47MB", False)])
def test_a_size_beside_an_image_is_at_least_the_images(tmp_path: Path, size: str, taken: bool) -> None:
    """A disk may be larger than its image or as large, and not smaller."""
    sparse(tmp_path / "disk.img", 48 * MIB)
    text = site_text(f"      - {{name: os, image: disk.img, size: {size}}}\n")
    if taken:
        assert sitefile.parse(text, "site.yml", tmp_path).vms[0].disks[0].size == int(size[:-2]) * MIB
    else:
        told = faults_of(text, tmp_path)
        assert "vms[0].disks[0].size" in told
        assert f"{48 * MIB} bytes" in told


def test_a_damaged_image_is_one_fault_among_the_others(tmp_path: Path) -> None:
    """File, line and key of the image, the code of what is wrong in it, and the other faults of the file beside it."""
    (tmp_path / "broken.vhdx").write_bytes(b"vhdxfile" + bytes(100))
    text = site_text("      - {name: os, image: broken.vhdx}\n      - {name: data, size: 2000GB}\n")
    told = faults_of(text, tmp_path)
    assert "2 fault(s)" in told
    assert "site.yml:6: vms[0].disks[0].image" in told
    assert "900314" in told
    assert "site.yml:7: vms[0].disks[1].size" in told


def test_what_an_image_holds_is_not_said_in_the_file(tmp_path: Path) -> None:
    """``used`` beside an image is refused, also when it is right."""
    sparse(tmp_path / "disk.img", 48 * MIB)
    assert "vms[0].disks[0].used" in faults_of(site_text("      - {name: os, image: disk.img, used: 1MB}\n"), tmp_path)


def test_a_site_made_in_python_is_resolved_as_well(tmp_path: Path) -> None:
    """Sizes left at 0 are found; a missing image is refused by its own code."""
    sparse(tmp_path / "disk.img", 48 * MIB)
    read = sitefile.parse(site_text("      - {name: os, image: disk.img}\n"), "site.yml", tmp_path)
    import msgspec

    bare = msgspec.structs.replace(read.vms[0].disks[0], size=0, used=0)
    site = msgspec.structs.replace(read, vms=(msgspec.structs.replace(read.vms[0], disks=(bare,)),))
    assert images.resolved(site) == read
    (tmp_path / "disk.img").unlink()
    with pytest.raises(LabError) as refused:
        images.resolved(site)
    assert refused.value.code == 900310
