"""Content of blocks: the frozen test vectors, and that every way of reading a disk gives the same bytes."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from labkit.disks.blocks import BLOCK, REAL, ZERO, is_real, synthetic_stamp
from labkit.disks.content import KEY, fill, synthetic
from labkit.disks.frozen import Frozen
from labkit.engine.errors import LabError

# stamp, block, first 16 bytes, SHA-256 of all 65,536: made with the openssl command line tool, frozen for ever.
VECTORS = [
    (
        synthetic_stamp(7, 0),
        3,
        "012e303f6995d67e1c7949d5e966eeaf",
        "c71308d589bd903ea25edbe7cf2331aa83120a22540b0464bb5672653bd171dc",
    ),
    (
        (1 << 62) - 1,
        (1 << 32) - 1,
        "67ea0da9d672e76aa5e00dc2a13846d0",
        "85f3682e91aca1244c8a72cdfa6fe75ffc83973e278eff57436b99d7c7f8eefc",
    ),
]
ODD = 37 * (1 << 20) + 3_584


@pytest.mark.parametrize(("stamp", "block", "head", "sha"), VECTORS)
def test_synthetic_content_is_frozen(stamp: int, block: int, head: str, sha: str) -> None:
    """Synthetic bytes are those of the published vectors: no version of any library may change a lab's disks."""
    data = synthetic(stamp, block)
    assert len(data) == BLOCK
    assert data[:16].hex() == head
    assert hashlib.sha256(data).hexdigest() == sha


def test_another_aes_makes_the_same_bytes(tool: Callable[..., str]) -> None:
    """The rule in the docs is enough to make the bytes anew with a tool that knows nothing of labkit."""
    stamp, block = synthetic_stamp(12, 345), 678
    counter = stamp.to_bytes(8, "big") + block.to_bytes(4, "big") + bytes(4)
    command = [tool("openssl", "openssl"), "enc", "-aes-128-ctr", "-nosalt", "-K", KEY.hex(), "-iv", counter.hex()]
    made = subprocess.run(command, input=bytes(BLOCK), stdout=subprocess.PIPE, check=True).stdout
    assert made == synthetic(stamp, block)


def test_stamp_and_block_number_both_matter() -> None:
    """Neighbouring stamps and neighbouring blocks share no 16-byte cell, so stamps may stand for content."""
    near = [synthetic(stamp, block) for stamp in (1, 2, 256) for block in (0, 1, 256)]
    cells = {data[start : start + 16] for data in near for start in range(0, BLOCK, 16)}
    assert len(cells) == 9 * BLOCK // 16


def test_stamps_say_what_they_are() -> None:
    """The last slot of the last stream is still synthetic, and no synthetic stamp is zero or repeats."""
    last = synthetic_stamp((1 << 22) - 1, (1 << 40) - 2)
    assert last == REAL - 1
    assert not is_real(last)
    assert is_real(REAL)
    assert synthetic_stamp(0, 0) != ZERO
    assert synthetic_stamp(0, (1 << 40) - 2) < synthetic_stamp(1, 0)


def test_fill_byte_runs_and_read_agree(mixed_disk: Callable[..., Frozen]) -> None:
    """Filling memory, running over the bytes and reading block by block give the same disk, the cut last block too."""
    disk = mixed_disk(ODD)
    whole = b"".join(disk.read(block) for block in range(len(disk.stamps)))
    assert len(whole) == ODD
    buffer = bytearray(b"\xaa" * (len(disk.stamps) * BLOCK))
    assert fill(disk, 0, len(disk.stamps), buffer) == ODD
    assert buffer[:ODD] == whole
    assert not any(buffer[ODD:])
    for chunk in (1, 3 * BLOCK, 1 << 20):
        image = bytearray(ODD)
        for offset, data in disk.byte_runs(chunk):
            assert len(data) <= max(chunk, BLOCK)
            image[offset : offset + len(data)] = data
        assert image == whole


def test_held_counts_the_bytes_of_blocks_with_a_stamp(mixed_disk: Callable[..., Frozen]) -> None:
    """``held`` is the sum of the lengths of all non-zero blocks, whether or not the cut last one is among them."""
    lasts = set()
    for seed in range(8):
        disk = mixed_disk(5 * BLOCK + 512, seed, holes=0.6)
        lasts.add(bool(disk.stamps[-1]))
        assert disk.held() == sum(disk.length(int(block)) for block in disk.nonzero())
    assert lasts == {True, False}


@pytest.mark.parametrize(
    ("size", "stamps"),
    [
        (0, np.zeros(0, np.int64)),
        (BLOCK + 100, np.zeros(2, np.int64)),
        (BLOCK, np.zeros(2, np.int64)),
        (BLOCK, np.zeros(1, np.float64)),
        (BLOCK, np.zeros((1, 1), np.int64)),
    ],
)
def test_a_disk_that_does_not_fit_its_stamps_is_refused(size: int, stamps: npt.NDArray[np.generic]) -> None:
    """Sizes that are no whole sectors, and arrays of another length or type, are refused when the disk is made."""
    with pytest.raises(LabError) as refused:
        Frozen(size, stamps, lambda stamp: b"")  # type: ignore[arg-type]
    assert refused.value.code == 900300
    assert str(size) in refused.value.message


def test_stored_bytes_of_a_wrong_length_are_an_error() -> None:
    """A damaged store is reported, never padded: in reading and in filling."""
    disk = Frozen(BLOCK, np.array([REAL | 1], np.int64), lambda stamp: bytes(100))
    for read in (lambda: disk.read(0), lambda: fill(disk, 0, 1, bytearray(BLOCK))):
        with pytest.raises(LabError) as refused:
            read()
        assert (refused.value.code, refused.value.exit_status) == (900306, 2)


@pytest.mark.parametrize("block", [-1, 2])
def test_a_block_outside_the_disk_is_refused(block: int) -> None:
    """There is no block before the first and none after the last; negative numbers do not count from the end."""
    disk = Frozen(2 * BLOCK, np.array([1, 2], np.int64), lambda stamp: b"")
    for read in (lambda: disk.read(block), lambda: fill(disk, block, 1, bytearray(BLOCK))):
        with pytest.raises(LabError) as refused:
            read()
        assert refused.value.code == 900307
