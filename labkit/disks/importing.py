"""Disk images taken into a lab file: every block that holds something becomes stored bytes, zeros stay zeros.

The caller's thread reads and hashes while one other thread writes; what is under way at once is a few MiB.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from labkit.disks.blocks import BLOCK, REAL
from labkit.disks.digest import digest
from labkit.disks.frozen import Frozen
from labkit.disks.image import Image, open_image
from labkit.engine.errors import LabError
from labkit.engine.store import Store

_BATCH = 32  # blocks of one transaction: 2 MiB
_UNDER_WAY = 2


@dataclass(frozen=True)
class Imported:
    """An image in a lab file. ``blocks``: numbers of the 64 KiB blocks that hold something, ascending (``int64``).

    Their bytes are stored under ``first``, ``first + 1``, ... in that order; ``hashes``: their SHA-256, shape
    ``(len(blocks), 32)``. ``size``: bytes of the disk in the image. ``kind`` and ``notes`` as of ``Image``.
    """

    kind: str
    size: int
    first: int
    blocks: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint8]
    notes: list[str]

    def stamps(self, size: int) -> npt.NDArray[np.int64]:
        """Stamps of a disk of ``size`` bytes, at least the image's, that begins with the image."""
        stamps = np.zeros(-(-size // BLOCK), np.int64)
        stamps[self.blocks] = REAL | np.arange(self.first, self.first + len(self.blocks), dtype=np.int64)
        return stamps

    def digest(self, size: int) -> str:
        """Digest of that disk; no byte is read again."""
        hashes = self.hashes
        # Whole blocks: what was stored of a last block that is cut short ends in zeros, as a digest wants it.
        size = -(-size // BLOCK) * BLOCK

        def stored(stamp: int) -> bytes:
            raise LookupError(f"{stamp:#x} is not read: its hash is known")

        return digest(Frozen(size, self.stamps(size), stored), lambda s: hashes[(s & ~REAL) - self.first].tobytes())


def held(image: Image) -> int:
    """Bytes of an image that are not known to be zeros: what reading it has to look at."""
    return sum(extent.length for extent in image.extents() if not extent.zero)


def import_image(store: Store, path: Path, first: int, *, limit: int, progress: Callable[[int, int], None]) -> Imported:
    """Read an image into a lab file that is being filled, its bytes numbered from ``first`` on.

    ``limit``: bytes of the disk it is for; 900347 for an image that is larger. ``progress(done, total)`` is called with
    bytes. ``LabError`` 900310-900349 as ``open_image``.
    """
    with open_image(path) as image:
        if image.size > limit:
            raise LabError(900347, path=path, found=image.size, size=limit)
        blocks, hashes = array("q"), bytearray()
        under_way: deque[Future[None]] = deque()
        total, found = held(image), image.blocks()
        with ThreadPoolExecutor(1, "labkit-import") as writer:
            while batch := list(_hashed(islice(found, _BATCH))):
                if len(under_way) == _UNDER_WAY:
                    under_way.popleft().result()
                under_way.append(
                    writer.submit(store.fill, first + len(blocks), [(sha, data) for _, sha, data in batch])
                )
                blocks.extend(number for number, _, _ in batch)
                hashes += b"".join(sha for _, sha, _ in batch)
                progress(min(total, len(blocks) * BLOCK), total)
            for future in under_way:
                future.result()
        progress(total, total)
        shas = np.frombuffer(hashes, np.uint8).reshape(-1, 32)
        return Imported(image.kind, image.size, first, np.frombuffer(blocks, np.int64), shas, image.warnings)


def _hashed(blocks: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes, bytes]]:
    for number, data in blocks:
        yield number, hashlib.sha256(data).digest(), data
