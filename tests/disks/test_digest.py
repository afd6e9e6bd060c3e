"""Digest and comparison of disks: the encoding, and that nothing that changes content escapes them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.disks.blocks import BLOCK, REAL, synthetic_stamp
from labkit.disks.digest import byte_sample, compare_bytes, differing, digest
from labkit.disks.frozen import Frozen
from labkit.engine.errors import LabError

# Stored bytes by number: 1 and 2 are equal, 3 is zeros, 4 differs from 1 in its last byte only,
# 5 is what the synthetic stamp 77 makes at block 0.
STORED = {
    REAL | 1: b"a" * BLOCK,
    REAL | 2: b"a" * BLOCK,
    REAL | 3: bytes(BLOCK),
    REAL | 4: b"a" * (BLOCK - 1) + b"b",
    REAL | 5: Frozen(BLOCK, np.array([77], np.int64), lambda stamp: b"").read(0),
}
STAMPS = st.sampled_from([0, 1, 77, synthetic_stamp(2, 5), synthetic_stamp(2, 6), *STORED])
DISKS = st.lists(STAMPS, min_size=1, max_size=6)


def disk_of(stamps: list[int], cut: int = 0) -> Frozen:
    """A disk of these stamps whose last block is ``cut`` bytes short."""
    return Frozen(len(stamps) * BLOCK - cut, np.array(stamps, np.int64), STORED.__getitem__)


def plain_digest(disk: Frozen) -> str:
    """The digest by the letter of its definition, block by block, without NumPy's help."""
    whole = hashlib.sha256()
    for block, stamp in enumerate(disk.stamps.tolist()):
        data = disk.read(block).ljust(BLOCK, b"\0")
        if not any(data):
            continue
        real = stamp >= REAL
        content = hashlib.sha256(data).digest() if real else stamp.to_bytes(8, "little") + bytes(24)
        whole.update(block.to_bytes(8, "little") + bytes([2 if real else 1]) + content)
    return whole.hexdigest()


def test_the_encoding_is_frozen() -> None:
    """A digest written down by one version is found again by every later one."""
    assert digest(disk_of([0, 0, REAL | 3])) == hashlib.sha256(b"").hexdigest()
    assert digest(disk_of([5, 0, REAL | 1])) == "eb2915ef6ac351235c6d723ae1420b60d71ef89e3f92095c324b9cff8d6a383a"


@given(DISKS, st.sampled_from([0, 512, BLOCK - 512]))
def test_digest_is_what_its_definition_says(stamps: list[int], cut: int) -> None:
    """The vectorised digest equals the plain one, with and without the caller's own SHA-256 of stored bytes."""
    disk = disk_of(stamps, cut)
    kept = {stamp: hashlib.sha256(data).digest() for stamp, data in STORED.items()}
    assert digest(disk) == plain_digest(disk) == digest(disk, kept.__getitem__)


def test_digest_of_more_than_one_chunk() -> None:
    """Where the disk is worked through in chunks, the seams do not show."""
    stamps = np.arange(1, 70_001, dtype=np.int64)
    stamps[::7] = 0
    stamps[65_530:65_545] = REAL | 1
    disk = Frozen(len(stamps) * BLOCK, stamps, STORED.__getitem__)
    expected = hashlib.sha256()
    for block, stamp in enumerate(stamps.tolist()):
        real = stamp >= REAL
        content = hashlib.sha256(b"a" * BLOCK).digest() if real else stamp.to_bytes(8, "little") + bytes(24)
        if stamp:
            expected.update(block.to_bytes(8, "little") + bytes([2 if real else 1]) + content)
    assert digest(disk) == expected.hexdigest()


@given(DISKS, DISKS, st.sampled_from([0, 512]))
def test_differing_is_what_the_bytes_say(first: list[int], second: list[int], cut: int) -> None:
    """``differing`` names exactly the blocks whose bytes differ, whatever their kind; ``compare_bytes`` the first."""
    count = min(len(first), len(second))
    a, b = disk_of(first[:count], cut), disk_of(second[:count], cut)
    expected = [block for block in range(count) if a.read(block) != b.read(block)]
    assert differing(a, b).tolist() == differing(b, a).tolist() == expected
    assert compare_bytes(a, b, range(count)) == (expected[0] if expected else None)
    if expected:
        assert digest(a) != digest(b)


@given(DISKS, st.data())
def test_one_changed_block_changes_the_digest(stamps: list[int], data: st.DataObject) -> None:
    """Any one block given other bytes changes the digest and is the only one that differs."""
    place = data.draw(st.integers(0, len(stamps) - 1))
    before, changed = disk_of(stamps), list(stamps)
    changed[place] = data.draw(STAMPS)
    after = disk_of(changed)
    if before.read(place) != after.read(place):
        assert digest(before) != digest(after)
        assert differing(before, after).tolist() == [place]


@given(DISKS, st.randoms(use_true_random=False))
def test_moved_blocks_change_the_digest(stamps: list[int], chance: random.Random) -> None:
    """The same blocks in another order are another disk: the number is part of what is hashed."""
    moved = list(stamps)
    chance.shuffle(moved)
    a, b = disk_of(stamps), disk_of(moved)
    assert (digest(a) == digest(b)) == (plain_digest(a) == plain_digest(b))
    if differing(a, b).size:
        assert digest(a) != digest(b)


def test_equal_bytes_under_two_names_are_equal() -> None:
    """Two stored copies of the same bytes give one digest and no difference; so do stored zeros and nothing at all."""
    a, b = disk_of([REAL | 1, REAL | 3, 8]), disk_of([REAL | 2, 0, 8])
    assert digest(a) == digest(b)
    assert differing(a, b).size == 0


def test_bytes_past_the_end_of_the_disk_do_not_count() -> None:
    """Stored bytes that differ only past the end of a cut last block are equal for reader, comparison and digest."""
    a, b = disk_of([REAL | 1], cut=512), disk_of([REAL | 4], cut=512)
    assert a.read(0) == b.read(0)
    assert digest(a) == digest(b)
    assert differing(a, b).size == 0
    assert digest(disk_of([REAL | 1])) != digest(disk_of([REAL | 4]))


def test_one_stamp_in_two_stores_is_compared_by_bytes() -> None:
    """Equal real stamps prove nothing when the two disks read them from different places."""
    stamps = np.array([REAL | 1, 5], np.int64)
    a = Frozen(2 * BLOCK, stamps, lambda stamp: b"a" * BLOCK)
    b = Frozen(2 * BLOCK, stamps, lambda stamp: b"b" * BLOCK)
    assert differing(a, b).tolist() == [0]


def test_stored_bytes_are_not_read_where_stamps_decide() -> None:
    """The quick way is quick: with one store and equal stamps nothing is fetched to say that nothing differs."""
    fetched: list[int] = []

    def real(stamp: int) -> bytes:
        fetched.append(stamp)
        return STORED[stamp]

    a = Frozen(3 * BLOCK, np.array([REAL | 1, 5, 6], np.int64), real)
    b = Frozen(3 * BLOCK, np.array([REAL | 1, 5, 7], np.int64), real)
    assert differing(a, b).tolist() == [2]
    assert fetched == []


def test_disks_of_different_sizes_are_refused() -> None:
    """A longer disk is not compared as if it were the same one, though its digest may well be equal."""
    a, b = disk_of([5]), disk_of([5, 0])
    assert digest(a) == digest(b)
    for compare in (
        lambda: differing(a, b),
        lambda: compare_bytes(a, b, [0]),
        lambda: byte_sample(a, 1, other=b),
    ):
        with pytest.raises(LabError) as refused:
            compare()
        assert refused.value.code == 900301
        assert str(2 * BLOCK) in str(refused.value)


def test_sample_is_seeded_and_drawn_among_what_is_there(mixed_disk: Callable[..., Frozen]) -> None:
    """A sample repeats for its seed, changes with it, has no block twice, and takes only blocks that hold something."""
    a, b = mixed_disk(600 * BLOCK, 1, 0.4), mixed_disk(600 * BLOCK, 2, 0.4)
    either = set(a.nonzero().tolist()) | set(b.nonzero().tolist())
    sample = byte_sample(a, 7, other=b)
    assert len(sample) == len(set(sample)) == 256
    assert sample == sorted(sample)
    assert set(sample) <= either
    assert set(sample) - set(a.nonzero().tolist()), "blocks only the other disk holds are drawn too"
    assert sample == byte_sample(a, 7, other=b) == byte_sample(b, 7, other=a)
    assert sample != byte_sample(a, 8, other=b)
    assert byte_sample(a, 7, 10_000) == a.nonzero().tolist()


def test_sample_is_frozen() -> None:
    """The draw is plain integer arithmetic: this machine draws what every other one draws."""
    disk = Frozen(1_000 * BLOCK, np.arange(1, 1_001, dtype=np.int64), lambda stamp: b"")
    assert byte_sample(disk, 1, 5) == [437, 453, 653, 800, 886]


def test_every_block_is_drawn_about_equally_often() -> None:
    """No block is favoured: over 2,000 seeds each of 20 blocks is among 5 drawn about 500 times (5 sigma = 97)."""
    disk = Frozen(20 * BLOCK, np.arange(1, 21, dtype=np.int64), lambda stamp: b"")
    counts = np.bincount([block for seed in range(2_000) for block in byte_sample(disk, seed, 5)], minlength=20)
    assert counts.min() > 403
    assert counts.max() < 597
