"""Block traces: one line for each access to a disk, in the columns of the MSR Cambridge traces.

``Timestamp`` counts 100 ns (a Windows filetime), ``Type`` is Read or Write, ``Offset`` and ``Size`` are bytes; the
response time is not looked at, and reads only count for where the trace begins and ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from labkit.disks.tracefile import COLUMNS, ROWS, Lines, Row, shown, whole
from labkit.engine.errors import LabError, listed
from labkit.engine.texts import gettext as _

WINDOW = 65_536
"""Writes of the disk that may stand before one that happened earlier."""
TICKS = 10_000  # of 100 ns, in a millisecond
LARGEST_WRITE = 1 << 30
_MOST_DISKS, _DISKS_SHOWN = 1_000, 20
_NUMBERS = (0, 2, 4, 5)

Ints = npt.NDArray[np.int64]


class Writes(NamedTuple):
    """Some writes of the disk looked for: instant (100 ns), offset and size in bytes, number of the line."""

    ticks: Ints
    offsets: Ints
    sizes: Ints
    lines: Ints


class Blocks:
    """A block trace being read for one of its disks. ``host`` and ``disk`` choose it; "" for a file that has one.

    After :meth:`writes` has ended, ``least`` and ``most`` are the first and last instant of the whole file.
    """

    def __init__(self, lines: Lines, host: str, disk: str) -> None:
        self._lines, self._host, self._disk = lines, host.casefold(), plain_number(disk.casefold())
        self._seen: dict[tuple[str, str], bool] = {}
        self._chosen_ones: set[tuple[str, str]] = set()
        self.least = self.most = -1

    def writes(self) -> Iterator[Writes]:
        """All writes of the disk in order of time; refuses what is wrong (900363 to 900366, 900370)."""
        yield from in_order(self._unsorted(), self._lines)
        self._check_choice()

    def _unsorted(self) -> Iterator[Writes]:
        for first, rows in self._lines.batches():
            columns = self._columns(first, rows)
            if columns is not None:
                yield self._chosen(columns)

    def _columns(self, first: int, rows: list[Row]) -> list[tuple[Any, ...]] | None:
        """The seven columns and the numbers of the lines; ``None`` when there are empty lines only."""
        numbers: Sequence[int] = range(first, first + len(rows))
        if not all(rows):
            numbers = [number for number, row in zip(numbers, rows, strict=True) if row]
            rows = [row for row in rows if row]
        if not rows:
            return None
        columns = list(zip(*rows, strict=False))
        if set(map(len, rows)) != {len(COLUMNS)} or not all(whole(columns[place]) for place in _NUMBERS):
            self._explain(numbers, rows)
        if {kind.casefold() for kind in set(columns[3])} - {"read", "write"}:
            self._explain(numbers, rows)
        return [*columns, tuple(numbers)]

    def _explain(self, numbers: Sequence[int], rows: list[Row]) -> NoReturn:
        """Refuse the first row that is wrong."""
        path = self._lines.path
        for line, row in zip(numbers, rows, strict=True):
            if len(row) != len(COLUMNS):
                raise LabError(900365, path=path, line=line, found=len(row), expected=len(COLUMNS))
            for place in _NUMBERS:
                if not whole([row[place]]):
                    self._refuse(line, place, row[place], _("a whole number of at most 18 digits"))
            if row[3].casefold() not in ("read", "write"):
                self._refuse(line, 3, row[3], "Read, Write")
        raise AssertionError("each row by itself is right")

    def _refuse(self, line: int, place: int, found: str, expected: str) -> NoReturn:
        column = COLUMNS[place]
        raise LabError(900366, path=self._lines.path, line=line, column=column, found=shown(found), expected=expected)

    def _chosen(self, columns: list[tuple[Any, ...]]) -> Writes:
        ticks = np.array([*map(int, columns[0])], np.int64)
        least, most = int(ticks.min()), int(ticks.max())
        self.least = least if self.least < 0 else min(self.least, least)
        self.most = max(self.most, most)
        pairs = list(zip(columns[1], columns[2], strict=True))
        ours = {pair for pair in sorted(set(pairs)) if self._is_ours(pair)}
        writes = {kind for kind in set(columns[3]) if kind.casefold() == "write"}
        if len(self._chosen_ones) > 1:
            self._chosen_ones = set(sorted(self._chosen_ones)[:2])
            ours = set()  # to be refused at the end, when all that is there is known
        kept = np.array([pair in ours and kind in writes for pair, kind in zip(pairs, columns[3], strict=True)], bool)
        offsets, sizes = (np.array([*map(int, columns[place])], np.int64)[kept] for place in (4, 5))
        found = Writes(ticks[kept], offsets, sizes, np.array(columns[7], np.int64)[kept])
        if len(sizes) and sizes.max() > LARGEST_WRITE:
            place = int(np.argmax(sizes > LARGEST_WRITE))
            expected = _("0 to {most} bytes").format(most=LARGEST_WRITE)
            self._refuse(int(found.lines[place]), 5, str(sizes[place]), expected)
        return found

    def _is_ours(self, pair: tuple[str, str]) -> bool:
        """Whether a host and disk is the one asked for; they are remembered, for the list of what there is."""
        found = self._seen.get(pair)
        if found is not None:
            return found
        known = (pair[0].casefold(), plain_number(pair[1]))
        found = (not self._host or known[0] == self._host) and (not self._disk or known[1] == self._disk)
        if found:
            self._chosen_ones.add(known)
        if len(self._seen) < _MOST_DISKS:
            self._seen[pair] = found
        return found

    def _check_choice(self) -> None:
        """Refuse a trace in which the disk asked for is none or several."""
        there = sorted(f"{shown(host)} {shown(disk)}" for host, disk in self._seen)
        check_choice(self._lines, len(self._chosen_ones), there, f"{self._host} {self._disk}".strip())


def plain_number(text: str) -> str:
    """A number of a disk without zeros in front; what is no number stays as it is.

    >>> plain_number("00"), plain_number("c:")
    ('0', 'c:')
    """
    return str(int(text)) if text.isdecimal() and text.isascii() else text


def check_choice(lines: Lines, chosen: int, there: list[str], wanted: str) -> None:
    """Refuse a trace of no disk at all (900369), without the one that is wanted (900364), or with several (900363)."""
    if not there:
        raise LabError(900369, path=lines.path)
    shown_ones = there[:_DISKS_SHOWN] + (["..."] if len(there) > _DISKS_SHOWN else [])
    if not chosen:
        raise LabError(900364, path=lines.path, found=wanted, disks=listed(shown_ones))
    if chosen > 1:
        raise LabError(900363, path=lines.path, disks=listed(shown_ones))


def in_order(found: Iterator[Writes], lines: Lines) -> Iterator[Writes]:
    """Writes sorted by time (of one instant: as in the file), those that come at most ``WINDOW`` late put right."""
    held: list[Writes] = []
    count, told = 0, -1
    for some in found:
        held.append(some)
        count += len(some.ticks)
        if count < 2 * WINDOW + ROWS:
            continue
        ready, rest = _parted(_sorted(held), count - WINDOW)
        _check_order(ready, told, lines)
        told = int(ready.ticks[-1])
        held, count = [rest], WINDOW
        yield ready
    if count:
        ready = _sorted(held)
        _check_order(ready, told, lines)
        yield ready


def _sorted(held: list[Writes]) -> Writes:
    joined = [np.concatenate(columns) for columns in zip(*held, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return Writes(*(column[order] for column in joined))


def _parted(writes: Writes, count: int) -> tuple[Writes, Writes]:
    return Writes(*(column[:count] for column in writes)), Writes(*(column[count:] for column in writes))


def _check_order(writes: Writes, told: int, lines: Lines) -> None:
    if len(writes.ticks) and writes.ticks[0] < told:
        late = int(writes.lines[writes.ticks < told].min())
        raise LabError(900370, path=lines.path, line=late, limit=WINDOW)
