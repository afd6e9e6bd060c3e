"""Chains of differencing images: parents that are missing, others, too many, or the child itself."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.disks.image import open_image
from labkit.disks.vhdx_layout import MIB
from tests.disks import makers
from tests.disks.damage import BODY, TABLE, VALUES, patch, refused, u32, u64
from tests.disks.makers import Made


def chain(folder: Path, make: Callable[..., Made], suffix: str) -> tuple[Made, Made]:
    """A parent and a child beside each other."""
    base = make(folder / f"base.{suffix}", BODY)
    return base, make(folder / f"child.{suffix}", makers.random_changes(BODY, 1, 512), parent=base)


both = pytest.mark.parametrize(("make", "suffix"), [(makers.vhd, "vhd"), (makers.vhdx, "vhdx")])


@both
def test_missing_parent_names_what_was_tried(tmp_path: Path, make: Callable[..., Made], suffix: str) -> None:
    """Without its parent a child is refused, and the message lists the paths looked for."""
    base, child = chain(tmp_path, make, suffix)
    base.path.unlink()
    refused(child.path, 900330, str(base.path))


@both
def test_another_parent_is_refused(tmp_path: Path, make: Callable[..., Made], suffix: str) -> None:
    """A parent of the same name and size but another identity is not read: together they would make a wrong disk."""
    base, child = chain(tmp_path, make, suffix)
    make(base.path, BODY)
    refused(child.path, 900333, base.path.name)


@both
def test_parent_of_another_format(tmp_path: Path, make: Callable[..., Made], suffix: str) -> None:
    """A parent that is a raw file, or a VHD under a VHDX, is refused."""
    base, child = chain(tmp_path, make, suffix)
    base.path.write_bytes(BODY)
    assert refused(child.path, 900312, named="base").details["found"] == "raw"
    child = make(tmp_path / f"child.{suffix}", bytes(MIB), parent=Made(tmp_path / "plain", BODY, base.identity))
    (tmp_path / "plain").write_bytes(BODY)
    refused(child.path, 900334, "plain")


@both
def test_chain_that_comes_back_to_itself(tmp_path: Path, make: Callable[..., Made], suffix: str) -> None:
    """A child that names itself, or two that name each other (under a second name too), end at once."""
    itself = Made(tmp_path / f"a.{suffix}", bytes(len(BODY)), uuid.uuid4())
    made = make(itself.path, BODY, parent=itself)
    refused(made.path, 900331)
    first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix}"
    make(first, BODY, parent=Made(second, bytes(len(BODY)), uuid.uuid4()))
    make(second, BODY, parent=Made(tmp_path / f"third.{suffix}", bytes(len(BODY)), uuid.uuid4()))
    os.link(first, tmp_path / f"third.{suffix}")
    refused(first, 900331)


@both
def test_chain_that_is_too_long(tmp_path: Path, make: Callable[..., Made], suffix: str) -> None:
    """64 files are a chain that is read; with one more it is refused."""
    made = make(tmp_path / f"0.{suffix}", bytes(4_096))
    for number in range(1, 65):
        content = made.content[:512] + bytes([number]) + made.content[513:]
        made = make(tmp_path / f"{number}.{suffix}", content, parent=made)
        if number == 63:
            with open_image(made.path) as image:
                assert image.read(0, image.size) == content
                assert len(image.files) == 64
    refused(made.path, 900332)


def test_parent_with_other_sectors(tmp_path: Path) -> None:
    """Parent and child of a VHDX must have the same sector size."""
    base = makers.vhdx(tmp_path / "base.vhdx", BODY, sector=4_096)
    child = makers.vhdx(tmp_path / "child.vhdx", bytes(len(BODY)), parent=base)
    refused(child.path, 900335, "base.vhdx")


def test_partial_block_needs_its_bitmap(tmp_path: Path) -> None:
    """A partial block of a differencing VHDX whose bitmap block is absent is refused when the file is opened."""
    base = makers.vhdx(tmp_path / "base.vhdx", BODY)
    child = makers.vhdx(tmp_path / "child.vhdx", makers.random_changes(BODY, 1, 512), parent=base)
    patch(child.path, TABLE + 4_096 * 8, u64(0))
    refused(child.path, 900326, "bitmap")


@pytest.mark.parametrize(
    ("locator", "code", "text"),
    [
        ({"relative_path": "base.vhdx"}, 900326, "parent_linkage"),
        ({"parent_linkage": "nobody", "relative_path": "base.vhdx"}, 900326, "parent_linkage"),
        ({"parent_linkage": "{" + str(uuid.UUID(int=1)) + "}", "relative_path": "base.vhdx"}, 900333, "parent_linkage"),
        ({"parent_linkage": "{" + str(uuid.UUID(int=1)) + "}"}, 900330, "child.vhdx"),
        ({"parent_linkage": "{" + str(uuid.UUID(int=1)) + "}", "relative_path": "a\0b"}, 900330, "child.vhdx"),
        ({"parent_linkage": "{" + str(uuid.UUID(int=1)) + "}", "relative_path": ".."}, 900330, "child.vhdx"),
        ({"parent_linkage": "{" + str(uuid.UUID(int=1)) + "}", "relative_path": "x" * 900}, 900330, "child.vhdx"),
        ({f"key {n}": "x" * 200 for n in range(20)}, 900318, "parent locator: length"),
    ],
)
def test_locators_that_lead_nowhere(tmp_path: Path, locator: dict[str, str], code: int, text: str) -> None:
    """Parent locators without a linkage, without a path, with names no file has, and too long ones."""
    base = makers.vhdx(tmp_path / "base.vhdx", BODY)
    child = makers.vhdx(tmp_path / "child.vhdx", bytes(len(BODY)), parent=base, locator=locator)
    refused(child.path, code, text)


def test_locator_that_is_no_text(tmp_path: Path) -> None:
    """A value that is no UTF-16 is refused rather than read as some other name."""
    base = makers.vhdx(tmp_path / "base.vhdx", BODY)
    child = makers.vhdx(tmp_path / "child.vhdx", bytes(len(BODY)), parent=base)
    raw = child.path.read_bytes()
    patch(child.path, raw.index("base.vhdx".encode("utf-16-le")), b"\x00\xd8")
    refused(child.path, 900337, "parent locator")


def test_locator_of_a_disk_without_a_parent(tmp_path: Path) -> None:
    """A disk that names a parent and says it has none is refused: one of the two is damage."""
    base = makers.vhdx(tmp_path / "base.vhdx", BODY)
    child = makers.vhdx(tmp_path / "child.vhdx", bytes(len(BODY)), parent=base)
    patch(child.path, VALUES + 4, u32(0))
    refused(child.path, 900323, "has parent")
