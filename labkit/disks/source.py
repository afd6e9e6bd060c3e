"""What writes to a disk, as replication sees it: a :class:`Source` answers for any span of time.

:class:`Batched` answers from writes that are made or read again, a batch at a time: its memory grows with the disk
(2 bytes for a block at most), never with the number of writes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from labkit.disks.blocks import BLOCK, PAGE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[Any]

SLOT = 30_000  # ms of a guest's grid; which one a write falls into is part of the stamp it leaves
_PER_BLOCK = BLOCK // PAGE
_FULL = 0xFFFF
_MANY_RANGES = 1 << 17


class Source(Protocol):
    """What one stream writes. A span is ``(after, upto]`` in ms; pages are those of 4 KiB."""

    idle: bool

    def pages_written(self, after: int, upto: int) -> int:
        """Number of distinct pages written in a span: what a cycle has to send."""
        ...

    def bytes_written(self, after: int, upto: int) -> int:
        """Every byte written in a span, repeats included: what the log on the host grows by."""
        ...

    def fold(self, stamps: Ints, after: int, upto: int) -> None:
        """Lay the writes of a span over a disk's stamps (one ``int64`` per block), in place."""
        ...


class Batch(NamedTuple):
    """Some writes: the slot of each, its first and its last page (``int64``), and all their bytes together."""

    slots: Ints
    first: Ints
    last: Ints
    size: int


class Batched(ABC):
    """A source that can tell its writes; ``size``: bytes of the disk."""

    idle = False

    def __init__(self, stream: int, size: int) -> None:
        self._base, self._blocks = stream << 40, -(-size // BLOCK)

    @abstractmethod
    def batches(self, after: int, upto: int) -> Iterator[Batch]:
        """The writes of ``(after, upto]``, slot after slot; within one slot in any order."""

    def pages_written(self, after: int, upto: int) -> int:
        """Number of distinct 4 KiB pages written in ``(after, upto]``."""
        pages = PageSet(self._blocks)
        for batch in self._written(after, upto):
            pages.add(batch.first, batch.last)
        return pages.count()

    def bytes_written(self, after: int, upto: int) -> int:
        """Every byte written in ``(after, upto]``, repeats included."""
        return sum(batch.size for batch in self._written(after, upto))

    def fold(self, stamps: Ints, after: int, upto: int) -> None:
        """Lay the writes of ``(after, upto]`` over a disk's stamps, in place: of two to one block the later stays."""
        for batch in self._written(after, upto):
            writes, blocks = spread(batch.first // _PER_BLOCK, batch.last // _PER_BLOCK)
            stamps[blocks] = self._base | (batch.slots[writes] + 1)

    def _written(self, after: int, upto: int) -> Iterator[Batch]:
        return iter(()) if self.idle or upto <= after else self.batches(after, upto)


def spread(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """All numbers of some ranges, one range after another, and for each number which range it is of.

    >>> import numpy as np
    >>> [found.tolist() for found in spread(np.array([5, 2]), np.array([7, 2]))]
    [[0, 0, 0, 1], [5, 6, 7, 2]]
    """
    import numpy as np

    counts = last - first + 1
    which = np.repeat(np.arange(len(first)), counts)
    begins = np.cumsum(counts) - counts
    return which, first[which] + (np.arange(len(which)) - begins[which])


def united(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Ranges in order that have the same numbers in them, no two of which touch.

    >>> import numpy as np
    >>> [found.tolist() for found in united(np.array([7, 1, 2, 9]), np.array([8, 3, 2, 9]))]
    [[1, 7], [3, 9]]
    """
    import numpy as np

    if len(first) < 2:
        return first, last
    order = np.argsort(first, kind="stable")
    first, upto = first[order], np.maximum.accumulate(last[order])
    begins = np.ones(len(first), bool)
    begins[1:] = first[1:] > upto[:-1] + 1
    return first[begins], upto[np.append(begins[1:], True)]


class PageSet:
    """Distinct pages of a disk: few as ranges, many as a mask of the 16 pages of each block."""

    def __init__(self, blocks: int) -> None:
        import numpy as np

        self._blocks = blocks
        self._first = self._last = np.zeros(0, np.int64)
        self._masks: Ints | None = None

    def add(self, first: Ints, last: Ints) -> None:
        """Put the pages of some ranges in."""
        import numpy as np

        if self._masks is not None:
            _mark(self._masks, *united(first, last))
            return
        if len(self._first):
            first, last = np.concatenate((self._first, first)), np.concatenate((self._last, last))
        self._first, self._last = united(first, last)
        if len(self._first) > _MANY_RANGES:
            self._masks = np.zeros(self._blocks, np.uint16)
            _mark(self._masks, self._first, self._last)

    def count(self) -> int:
        """How many there are."""
        import numpy as np

        if self._masks is None:
            return int((self._last - self._first + 1).sum())
        bits = np.array([value.bit_count() for value in range(_FULL + 1)], np.uint8)
        step = 1 << 20
        return sum(
            int(bits[self._masks[at : at + step]].sum(dtype=np.int64)) for at in range(0, len(self._masks), step)
        )


def _mark(masks: Ints, first: Ints, last: Ints) -> None:
    """Set the bits of ranges no two of which overlap."""
    import numpy as np

    heads, tails = first // _PER_BLOCK, last // _PER_BLOCK
    from_first = (_FULL << (first % _PER_BLOCK)) & _FULL
    upto_last = _FULL >> (_PER_BLOCK - 1 - last % _PER_BLOCK)
    single = heads == tails
    ends = np.where(single, from_first & upto_last, from_first)
    np.bitwise_or.at(masks, heads, ends.astype(np.uint16))
    np.bitwise_or.at(masks, tails[~single], upto_last[~single].astype(np.uint16))
    _, between = spread(heads[~single] + 1, tails[~single] - 1)
    masks[between] = _FULL
