"""Content of synthetic blocks, and quick ways to lay the content of a disk into memory.

A synthetic block holds the first 65,536 bytes of AES-128-CTR's key stream under one published key. Its initial counter
block is the stamp (8 bytes, big-endian), the block number (4 bytes, big-endian) and four zero bytes, in which the
4,096 cipher blocks are counted. No two blocks share a counter block, so two synthetic blocks with different
stamps or numbers differ in each of their 16-byte cells: AES is a permutation (FIPS 197; CTR: NIST SP 800-38A, 6.5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from labkit.disks.blocks import BLOCK, ZERO, is_real

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from labkit.disks.frozen import Frozen

# Published and frozen: a test vector holds it. It hides nothing, it makes bytes that look like nobody's.
KEY = b"labkit synthetic"
ZEROS = bytes(BLOCK)
_COUNTER_BLOCK = struct.Struct(">QI4x")


class Run(NamedTuple):
    """Consecutive bytes of a disk in a buffer: ``offset`` on the disk, ``start`` in the buffer, ``length`` (bytes)."""

    offset: int
    start: int
    length: int


class KeyStream:
    """Writes synthetic blocks, one after another, into memory; not to be shared by threads."""

    def __init__(self) -> None:
        self._encryptor = Cipher(algorithms.AES(KEY), modes.CTR(bytes(16))).encryptor()

    def into(self, stamp: int, block: int, view: memoryview) -> None:
        """Lay the 65,536 bytes of a synthetic block into ``view``."""
        self._encryptor.reset_nonce(_COUNTER_BLOCK.pack(stamp, block))
        self._encryptor.update_into(ZEROS, view)


def synthetic(stamp: int, block: int) -> bytes:
    """The 65,536 bytes of a synthetic block, from its stamp and block number alone."""
    data = bytearray(BLOCK)
    KeyStream().into(stamp, block, memoryview(data))
    return bytes(data)


def fill(frozen: Frozen, first: int, count: int, buffer: bytearray | memoryview) -> int:
    """Lay ``count`` consecutive blocks from ``first`` on into ``buffer`` (at least ``count * 65,536`` bytes).

    Returns the bytes among them that belong to the disk: fewer than ``count * 65,536`` only where the disk ends.
    """
    return _lay(frozen, range(first, first + count), memoryview(buffer))


def pack(frozen: Frozen, blocks: npt.NDArray[np.int64], buffer: bytearray | memoryview) -> list[Run]:
    """Lay ascending ``blocks`` one after another into ``buffer`` and say where the bytes belong on the disk.

    Returns as few runs as cover all of them, less the blocks that turned out to be all zeros.
    """
    import numpy as np

    numbers, view = blocks.tolist(), memoryview(buffer)
    _lay(frozen, numbers, view)
    cells = np.frombuffer(view[: len(numbers) * BLOCK], np.uint64).reshape(-1, BLOCK // 8)
    runs: list[Run] = []
    holding = set(np.flatnonzero(cells.any(axis=1)).tolist())
    for place, block in enumerate(numbers):
        if place not in holding:
            continue
        here = Run(block * BLOCK, place * BLOCK, frozen.length(block))
        last = runs[-1] if runs else None
        if last and (last.offset + last.length, last.start + last.length) == here[:2]:
            runs[-1] = last._replace(length=last.length + here.length)
        else:
            runs.append(here)
    return runs


def _lay(frozen: Frozen, blocks: Iterable[int], view: memoryview) -> int:
    stream, start, length = KeyStream(), 0, 0
    for block in blocks:
        inside, stamp = frozen.length(block), int(frozen.stamps[block])
        cell = view[start : start + BLOCK]
        if stamp == ZERO:
            cell[:] = ZEROS
        elif is_real(stamp):
            cell[:] = frozen.stored(stamp)
        else:
            stream.into(stamp, block, cell)
        if inside < BLOCK:
            cell[inside:] = ZEROS[inside:]
        start, length = start + BLOCK, length + inside
    return length
