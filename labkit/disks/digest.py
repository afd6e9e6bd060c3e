"""Digests of disks, and comparing two disks: by stamps where that proves it, by bytes where it does not.

The digest of a disk is SHA-256 over one record of 41 bytes for each block that is not zeros, in ascending order:

    8 bytes   block number, little-endian
    1 byte    kind: 1 = synthetic, 2 = real
    32 bytes  synthetic: the stamp, 8 bytes little-endian, then 24 zero bytes; real: SHA-256 of the block's 65,536 bytes

A real block that holds only zeros counts as zeros. Where the disk ends within its last block, what lies past the end
counts as zeros. The size of the disk is not part of the digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from labkit.disks.blocks import BLOCK, REAL
from labkit.disks.content import ZEROS
from labkit.disks.frozen import Frozen
from labkit.engine.errors import LabError

_SYNTHETIC, _REAL = 1, 2
_RECORD = np.dtype([("block", "<u8"), ("kind", "u1"), ("content", "u1", (32,))])
_CHUNK = 65_536
_SHA_OF_ZEROS = hashlib.sha256(ZEROS).digest()


def digest(frozen: Frozen, sha_of: Callable[[int], bytes] | None = None) -> str:
    """Digest of a disk, 64 hexadecimal digits; see the head of this module for the encoding.

    ``sha_of(stamp)`` gives the SHA-256 (32 bytes) of the bytes a real stamp names, for callers who keep them; without
    it they are computed. 2 million synthetic blocks (127 GB) take a fraction of a second and a few MB of memory.
    """
    stored = sha_of or (lambda stamp: hashlib.sha256(frozen.stored(stamp)).digest())
    whole = hashlib.sha256()
    blocks = frozen.nonzero()
    for first in range(0, len(blocks), _CHUNK):
        whole.update(_records(frozen, blocks[first : first + _CHUNK], stored))
    return whole.hexdigest()


def _records(frozen: Frozen, blocks: npt.NDArray[np.int64], stored: Callable[[int], bytes]) -> bytes:
    stamps = frozen.stamps[blocks]
    rows = np.zeros(len(blocks), _RECORD)
    rows["block"], rows["kind"] = blocks, _SYNTHETIC
    rows["content"][:, :8] = stamps.astype("<i8").view(np.uint8).reshape(-1, 8)
    keep = np.ones(len(blocks), np.bool_)
    for row in np.flatnonzero(stamps & REAL).tolist():
        sha = _sha_of_block(frozen, int(blocks[row]), stored)
        keep[row] = sha != _SHA_OF_ZEROS
        rows["kind"][row], rows["content"][row] = _REAL, np.frombuffer(sha, np.uint8)
    return (rows if keep.all() else rows[keep]).tobytes()


def _sha_of_block(frozen: Frozen, block: int, stored: Callable[[int], bytes]) -> bytes:
    if frozen.length(block) == BLOCK:
        return stored(int(frozen.stamps[block]))
    # Stored bytes past the end of the disk are nobody's: two disks that read alike must have one digest.
    return hashlib.sha256(frozen.read(block).ljust(BLOCK, b"\0")).digest()


def byte_sample(frozen: Frozen, seed: int, count: int = 256, *, other: Frozen | None = None) -> list[int]:
    """``count`` different block numbers, ascending, drawn among the non-zero blocks of the disk (or of either disk).

    All of them if there are no more than ``count``. Draw ``n`` is the first 8 bytes (big-endian) of SHA-256 of
    ``"SEED:n"``, modulo the range, in Floyd's algorithm for samples: the same on every machine and for ever.
    """
    blocks = frozen.nonzero()
    if other is not None:
        _same_size(frozen, other)
        blocks = np.flatnonzero((frozen.stamps != 0) | (other.stamps != 0))
    if len(blocks) <= count:
        return [int(block) for block in blocks]
    chosen: set[int] = set()
    for upper in range(len(blocks) - count, len(blocks)):
        word = hashlib.sha256(f"{seed}:{upper}".encode()).digest()[:8]
        drawn = int.from_bytes(word, "big") % (upper + 1)
        chosen.add(upper if drawn in chosen else drawn)
    return [int(blocks[place]) for place in sorted(chosen)]


def compare_bytes(a: Frozen, b: Frozen, blocks: Iterable[int]) -> int | None:
    """The first of ``blocks`` whose bytes differ, ``None`` if all are equal; every byte is produced on both sides.

    ``LabError`` 900301 for disks of different sizes.
    """
    _same_size(a, b)
    return next((block for block in blocks if a.read(block) != b.read(block)), None)


def differing(a: Frozen, b: Frozen) -> npt.NDArray[np.int64]:
    """Numbers of the blocks whose content differs, ascending; ``LabError`` 900301 for disks of different sizes.

    Where neither block is real the stamps decide (different stamps make different bytes). Where one is, its bytes are
    compared, unless both name the same stamp and are read through the same ``real``.
    """
    _same_size(a, b)
    unequal = a.stamps != b.stamps
    if a.real != b.real:
        unequal |= ((a.stamps | b.stamps) & REAL) != 0
    blocks = np.flatnonzero(unequal)
    real = ((a.stamps[blocks] | b.stamps[blocks]) & REAL) != 0
    differs = ~real
    for place in np.flatnonzero(real).tolist():
        block = int(blocks[place])
        differs[place] = a.read(block) != b.read(block)
    found: npt.NDArray[np.int64] = blocks[differs]
    return found


def _same_size(a: Frozen, b: Frozen) -> None:
    if a.size != b.size:
        raise LabError(900301, first=a.size, second=b.size)
