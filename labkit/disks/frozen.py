"""A disk at one instant, as everybody who reads, compares or exports it receives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labkit.disks import content
from labkit.disks.blocks import BLOCK, REAL, ZERO, is_real
from labkit.engine.errors import LabError

SECTOR = 512


@dataclass(frozen=True, eq=False)
class Frozen:
    """A disk at one instant. Whoever makes it does not change ``stamps`` afterwards.

    ``size``: bytes, a positive multiple of 512. ``stamps``: ``int64``, shape ``(ceil(size / 65,536),)``.
    ``real(stamp)``: the 65,536 stored bytes of a real stamp; of a last block that the disk ends within, what lies
    past the end of the disk is never looked at. ``LabError`` 900300 if size and stamps do not fit each other.
    """

    size: int
    stamps: npt.NDArray[np.int64]
    real: Callable[[int], bytes]

    def __post_init__(self) -> None:
        blocks = -(-self.size // BLOCK)
        fits = self.stamps.dtype == np.int64 and self.stamps.shape == (blocks,)
        if self.size <= 0 or self.size % SECTOR or not fits:
            found = f"{self.stamps.dtype}{list(self.stamps.shape)}"
            raise LabError(900300, size=self.size, stamps=found, blocks=blocks)

    def length(self, block: int) -> int:
        """Bytes of a block that belong to the disk: 65,536, fewer only for a last one that the disk ends within."""
        if not 0 <= block < len(self.stamps):
            raise LabError(900307, block=block, last=len(self.stamps) - 1)
        return min(BLOCK, self.size - block * BLOCK)

    def stored(self, stamp: int) -> bytes:
        """The 65,536 bytes a real stamp names; ``LabError`` 900306 if there are more or fewer."""
        data = self.real(stamp)
        if len(data) != BLOCK:
            raise LabError(900306, stamp=stamp, found=len(data), expected=BLOCK)
        return data

    def read(self, block: int) -> bytes:
        """Content of one block, ``length(block)`` bytes."""
        length, stamp = self.length(block), int(self.stamps[block])
        if stamp == ZERO:
            return bytes(length)
        return (self.stored(stamp) if is_real(stamp) else content.synthetic(stamp, block))[:length]

    def nonzero(self) -> npt.NDArray[np.int64]:
        """Numbers of the blocks whose stamp is not 0, ascending (a real one among them may still hold only zeros)."""
        return np.flatnonzero(self.stamps != 0)

    def real_blocks(self) -> npt.NDArray[np.int64]:
        """Numbers of the blocks that name stored bytes, ascending."""
        return np.flatnonzero((self.stamps & REAL) != 0)

    def held(self) -> int:
        """Bytes of the blocks whose stamp is not 0: what reading or exporting has to produce."""
        blocks = self.nonzero()
        past_the_end = len(self.stamps) * BLOCK - self.size
        return len(blocks) * BLOCK - (past_the_end if len(blocks) and self.stamps[-1] else 0)

    def byte_runs(self, chunk: int = 1 << 20) -> Iterator[tuple[int, memoryview]]:
        """All bytes outside zero blocks, in order: ``(offset on the disk, bytes)``, each at most ``chunk`` bytes.

        ``chunk`` is rounded down to whole blocks, at least one. The memory is reused: the bytes of a step are valid
        until the next one.
        """
        blocks = self.nonzero()
        step = max(1, chunk // BLOCK)
        buffer = bytearray(step * BLOCK)
        for first in range(0, len(blocks), step):
            for run in content.pack(self, blocks[first : first + step], buffer):
                yield run.offset, memoryview(buffer)[run.start : run.start + run.length]
