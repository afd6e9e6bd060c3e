"""What a guest's workload writes, as a function of (seed, stream, slot): never stored, made when somebody looks.

A slot is 30 s of a guest's life. The number of writes in a slot is Poisson-distributed, each goes to unit
``hot * u**3`` (u uniform), a unit being the size of one write. Write ``i`` of ``n`` happens at a known instant inside
its slot, so a span of time may begin and end anywhere. Only raw Philox words and integers are used: NumPy promises the
words, not what its distributions make of them (engine-notes section 1).
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.disks import workload
from labkit.disks.blocks import BLOCK, PAGE
from labkit.disks.source import SLOT
from labkit.engine.chance import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[Any]
    Part = list[tuple[int, Ints]]  # slots of which only a part counts, with its units
    Slots = tuple[int, list[int]]  # the first one's number, and the bounds of each

SLOTS = 120  # of a page: one hour is made at once
_MANY_SLOTS = 240
_SPARSE = 64  # hot units for each one written from which sorting what was written beats marking it
_SMALL = 0xFFFF  # so many hot units at most are numbered in 16 bits: sorted faster, kept in half the memory


class Profile(NamedTuple):
    """A workload on one disk: bytes per second, bytes per write, and how many units are hot.

    ``shape`` spreads the rate over time (``workload``), by the hours of a day ``offset_min`` east of UTC; ``kind`` says
    where writes go.
    """

    rate: int
    write: int
    hot: int
    shape: str = workload.STEADY
    offset_min: int = 0
    kind: str = workload.ORDINARY


@functools.lru_cache(maxsize=64)
def poisson_table(mean: Fraction) -> Ints:
    """65,536 quantiles of the Poisson distribution, exact decimals so that every platform gets the same table."""
    import numpy as np

    with localcontext() as context:
        context.prec = 60
        lam = Decimal(mean.numerator) / Decimal(mean.denominator)
        chance, total, count = (-lam).exp(), Decimal(0), 0
        edges: list[int] = []
        while True:
            total += chance
            edges.append(min(65_536, int((total * 65_536).to_integral_value())))
            if edges[-1] >= 65_536 or (count > lam and chance * 65_536 * 64 < 1):
                break
            count += 1
            chance *= lam / count
    edges[-1] = 65_536
    return np.repeat(np.arange(len(edges)), np.diff(np.array([0, *edges]))).astype(np.int32)


_local = threading.local()


def _scratch(count: int) -> Ints:
    """Two rows of ``count`` words for sums in between, this thread's own.

    Memory that is asked for and given back each time costs more than the sums: the system makes every page anew.
    """
    import numpy as np

    found: Ints | None = getattr(_local, "words", None)
    if found is None or found.shape[1] < count:
        found = _local.words = np.empty((2, count), np.uint64)
    return found[:, :count]


class Churn:
    """The churn of one stream. ``phase`` (ms) shifts its grid of slots."""

    def __init__(self, seed: int, stream: int, phase: int, profile: Profile) -> None:
        self.seed, self.stream, self.phase, self.profile = seed, stream, phase, profile
        self._key = mix(seed, "churn", stream)
        self._steady = self._table_of(profile.rate) if profile.shape == workload.STEADY else None
        self._kind = "u2" if profile.hot <= _SMALL else "i4"
        self._pages_each = profile.write // PAGE
        self._pages: dict[int, tuple[Ints, list[int]]] = {}
        self._raw: tuple[int, Ints, Ints] | None = None
        self.idle = not profile.rate or (self._steady is not None and not self._steady[-1])

    # --- pages --------------------------------------------------------------------------------------------------------

    def _table_of(self, rate: int) -> Ints:
        return poisson_table(Fraction(rate * SLOT, self.profile.write * 1000))

    def _table(self, page: int) -> Ints:
        """Numbers of writes of a slot of this page, which is an hour."""
        if self._steady is not None:
            return self._steady
        profile, start = self.profile, self.phase + SLOT * SLOTS * page
        share = workload.factor(profile.shape, self.seed, self.stream, start, profile.offset_min)
        return self._table_of(profile.rate * share // 1000)

    def _draw(self, page: int) -> tuple[Ints, Ints]:
        """Units in order of writing, (SLOTS, width), and how many of each row count."""
        import numpy as np

        table = self._table(page)
        width = int(table[-1])
        source = np.random.Philox(key=[self._key, 1], counter=[0, page, 0, 0])
        words = source.random_raw((SLOTS * width + 1) // 2 + SLOTS // 4)
        counts = table[words[-(SLOTS // 4) :].view(np.uint16)]
        draws = words.view(np.uint32)[: SLOTS * width]
        draws >>= np.uint32(11)
        one, cube = _scratch(SLOTS * width)
        one[:] = draws
        np.multiply(one, one, out=cube)
        cube *= one
        cube >>= np.uint64(31)
        cube *= np.uint64(self.profile.hot)
        cube >>= np.uint64(32)
        return cube.astype(self._kind).reshape(SLOTS, width), counts

    def _unsorted(self, slot: int) -> Ints:
        page, row = divmod(slot, SLOTS)
        if self._raw is None or self._raw[0] != page:
            self._raw = (page, *self._draw(page))
        return self._raw[1][row, : self._raw[2][row]]

    def _page(self, page: int) -> tuple[Ints, list[int]]:
        """Distinct units of each slot, sorted, and the bounds of the slots."""
        found = self._pages.get(page)
        if found is None:
            import numpy as np

            units, counts = self._draw(page)
            none = np.iinfo(self._kind).max
            if not units.shape[1]:
                units = np.full((SLOTS, 1), none, self._kind)  # an hour without a write
            np.copyto(units, none, where=np.arange(units.shape[1], dtype=np.int32) >= counts[:, None])
            units.sort(axis=1)
            keep = np.empty(units.shape, bool)
            row, kept = units.ravel(), keep.ravel()  # views: one long row is compared faster than many short ones
            np.not_equal(row[1:], row[:-1], out=kept[1:])
            keep[:, 0] = True
            keep &= units != none
            numbers = np.add.reduce(keep.view(np.uint8), axis=1, dtype=np.uint32)
            bounds = [0, *np.cumsum(numbers).tolist()]
            found = (units[keep], bounds)
            while len(self._pages) >= 2:
                del self._pages[min(self._pages)]
            self._pages[page] = found
        return found

    # --- spans --------------------------------------------------------------------------------------------------------

    def _partial(self, slot: int, after: int, upto: int) -> Ints:
        """Units written in ``(after, upto]`` within one slot, in order."""
        import numpy as np

        units = self._unsorted(slot)
        n = len(units)
        start = self.phase + slot * SLOT
        instants = start + 1 + ((2 * np.arange(n, dtype=np.int64) + 1) * (SLOT - 1)) // max(1, 2 * n)
        return units[(instants > after) & (instants <= upto)]

    def _split(self, after: int, upto: int) -> tuple[Part, range, Part]:
        """A span as a part of a slot, whole slots, and a part of a slot."""
        first = -((self.phase - after) // SLOT)
        last = (upto - self.phase) // SLOT
        if first > last:
            return [(last, self._partial(last, after, upto))], range(0), []
        head, tail = self.phase + first * SLOT, self.phase + last * SLOT
        before = [(first - 1, self._partial(first - 1, after, head))] if after < head else []
        behind = [(last, self._partial(last, tail, upto))] if upto > tail else []
        return before, range(first, last), behind

    def pages_written(self, after: int, upto: int) -> int:
        """Number of distinct 4 KiB pages written in ``(after, upto]``: what a cycle has to send."""
        if upto - after == SLOT and not self.idle:
            page, row = divmod(after - self.phase, SLOT * SLOTS)
            if not row % SLOT:  # the usual cycle of 30 s: one whole slot
                bounds = (self._pages.get(page) or self._page(page))[1]
                row //= SLOT
                return (bounds[row + 1] - bounds[row]) * self._pages_each
        if self.idle or upto <= after:
            return 0
        return self._distinct(*self._split(after, upto)) * self._pages_each

    def _distinct(self, before: Part, slots: range, behind: Part) -> int:
        import numpy as np

        parts = [units for _, units in (*before, *behind)]
        if len(slots) <= _MANY_SLOTS:
            parts += [units for units, _ in self._walk(slots)]
            slots = range(0)
            if self.profile.hot > _SPARSE * sum(map(len, parts)):
                merged = np.sort(np.concatenate(parts))
                return int(np.count_nonzero(merged[1:] != merged[:-1])) + (1 if len(merged) else 0)
        seen = np.zeros(self.profile.hot, bool)
        for units in itertools.chain(parts, (units for units, _ in self._walk(slots))):
            seen[units.astype(np.intp)] = True  # numbers of any other kind are turned into these one by one
        return int(np.count_nonzero(seen))

    def _walk(self, slots: range, *, every: bool = False) -> Iterator[tuple[Ints, Slots]]:
        """Whole slots page by page: distinct units of each slot, and which slots with how many units.

        ``every``: a unit may come several times in a slot; sorting a page only to look at it once costs more.
        """
        for page in range(slots.start // SLOTS, -(-slots.stop // SLOTS)):
            found = self._pages.get(page)
            units, bounds = found or (self._as_written(page) if every else self._page(page))
            low = max(slots.start - page * SLOTS, 0)
            high = min(slots.stop - page * SLOTS, SLOTS)
            yield units[bounds[low] : bounds[high]], (page * SLOTS + low, bounds[low : high + 1])

    def _as_written(self, page: int) -> tuple[Ints, list[int]]:
        """All units of each slot in order of writing, and the bounds of the slots; not kept."""
        import numpy as np

        units, counts = self._draw(page)
        written = units[np.arange(units.shape[1], dtype=np.int32) < counts[:, None]]
        return written, [0, *np.cumsum(counts).tolist()]

    def bytes_written(self, after: int, upto: int) -> int:
        """Every byte written in ``(after, upto]``, repeats included: what the log on the host grows by."""
        if self.idle or upto <= after:
            return 0
        before, slots, behind = self._split(after, upto)
        count = sum(len(units) for _, units in (*before, *behind))
        return (count + sum(len(self._unsorted(slot)) for slot in slots)) * self.profile.write

    def fold(self, stamps: Ints, after: int, upto: int) -> None:
        """Lay the writes of ``(after, upto]`` over a disk's stamps (one ``int64`` per block), in place."""
        import numpy as np

        if self.idle or upto <= after:
            return
        per = BLOCK // self.profile.write
        base = self.stream << 40
        before, slots, behind = self._split(after, upto)
        for slot, units in before:
            stamps[units // per] = base | (slot + 1)
        for units, (first, bounds) in self._walk(slots, every=True):
            numbers = np.arange(first + 1, first + len(bounds))
            stamps[(units // per).astype(np.intp)] = base | np.repeat(numbers, np.diff(bounds))
        for slot, units in behind:
            stamps[units // per] = base | (slot + 1)
