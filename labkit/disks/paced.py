"""Writing at an exact pace: write ``k`` of a stream falls when ``k`` times the size of a write has been reached.

The pace is a function of time (:data:`Amount`): from a rate and a shape, or from recorded counters (``counters``).
Where write ``k`` goes is said by the *kind* of workload (``data/workloads.yml``). Draws are made slot by slot from raw
Philox words, so that a slot costs memory for its own writes only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from labkit.disks import workload
from labkit.disks.blocks import PAGE
from labkit.disks.churn import Profile
from labkit.disks.source import SLOT, Batch, Batched
from labkit.engine.chance import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[Any]

Amount = Callable[[int], int]
"""Bytes written from some fixed instant until an instant (ms); never decreasing."""

_LOOK = 120  # slots that are passed over in one go when nothing is written in them


def by_shape(profile: Profile) -> Amount:
    """The pace of a rate under a shape, counted from 1970 on the clock of the profile's zone."""
    return lambda at: workload.written(profile.shape, profile.rate, at, profile.offset_min)


class Paced(Batched):
    """One stream of writes of ``profile.write`` bytes; ``phase`` (ms) shifts its grid, ``size``: bytes of the disk.

    ``origin`` (ms): nothing is written before; the writes of the slot it is in are spread over what follows it.
    """

    def __init__(
        self, seed: int, stream: int, phase: int, size: int, profile: Profile, amount: Amount, origin: int = 0
    ) -> None:
        super().__init__(stream, size)
        self._phase, self._write, self._amount, self._origin = phase, profile.write, amount, origin
        self._key = mix(seed, "paced", stream)
        self._places = _Places(workload.kind(profile.kind), profile.hot)

    def batches(self, after: int, upto: int) -> Iterator[Batch]:
        """The writes of ``(after, upto]``, one slot at a time."""
        first, behind = (after - self._phase) // SLOT, -((self._phase - upto) // SLOT)
        for start in range(first, behind, _LOOK):
            end = min(start + _LOOK, behind)
            if self._writes_until(start) == self._writes_until(end):
                continue
            for slot in range(start, end):
                batch = self._batch(slot, after, upto)
                if batch is not None:
                    yield batch

    def _writes_until(self, slot: int) -> int:
        """Number of writes before a slot."""
        return self._amount(self._phase + slot * SLOT) // self._write

    def _batch(self, slot: int, after: int, upto: int) -> Batch | None:
        import numpy as np

        begin = self._phase + slot * SLOT
        number = self._writes_until(slot)
        count = self._writes_until(slot + 1) - number
        if not count:
            return None
        units = self._places.units(number, count, self._words(slot, count))
        begun, end = max(begin, self._origin), begin + SLOT
        if after > begun or upto < end:
            index = np.arange(count, dtype=np.int64)
            instants = begun + 1 + ((2 * index + 1) * (end - begun - 1)) // (2 * count)
            units = units[(instants > after) & (instants <= upto)]
        first = units * (self._write // PAGE)
        last = first + (self._write // PAGE - 1)
        return Batch(np.full(len(units), slot, np.int64), first, last, len(units) * self._write)

    def _words(self, slot: int, count: int) -> Ints:
        """21 bits by chance for each write of a slot."""
        import numpy as np

        raw = np.random.Philox(key=[self._key, 1], counter=[0, slot, 0, 0]).random_raw((count + 1) // 2)
        return (raw.view(np.uint32)[:count] >> np.uint32(11)).astype(np.uint64)


class _Places:
    """Which unit of the hot part of a disk (``hot`` units of the size of a write) a write goes to."""

    def __init__(self, kind: workload.Kind, hot: int) -> None:
        self._kind, self._hot = kind, hot
        self._log = max(1, hot * kind.log_permille // 1000)
        self._head = max(1, hot - self._log)

    def units(self, number: int, count: int, words: Ints) -> Ints:
        """The units (``int64``) of writes ``number``, ``number + 1``, ..., with a word of chance for each."""
        if self._kind.places == workload.SWEEP:
            return _running(number, count, self._hot)
        if self._kind.places == workload.CHANCE:
            return _skewed(words, self._hot)
        units = _skewed(words, self._head)
        every = self._kind.log_every
        behind = (every - 1 - number) % every  # the first write that goes to the log, and from there each n-th
        logged = len(range(behind, count, every))
        units[behind::every] = self._hot - self._log + _running((number + behind) // every, logged, self._log)
        return units


def _skewed(words: Ints, units: int) -> Ints:
    """``units * u**3``, u uniform: the same as of ``churn``."""
    import numpy as np

    found: Ints = (((words * words * words) >> np.uint64(31)) * np.uint64(units)) >> np.uint64(32)
    return found.astype(np.int64)


def _running(number: int, count: int, units: int) -> Ints:
    """``count`` units one after another, beginning anew after the last."""
    import numpy as np

    return (number % units + np.arange(count, dtype=np.int64)) % units
