"""Write-rate counters: the CSV of Windows' performance monitor (``typeperf``, ``relog``), one line for each sample.

A sample tells the mean of the time since the sample before it; the first one therefore tells nothing but where the
trace begins. Names of counters in English and Japanese: ``data/counters.yml``.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from labkit.disks.traceblocks import WINDOW, check_choice
from labkit.disks.tracefile import Lines, Row, shown
from labkit.engine import resources
from labkit.engine.errors import LabError, listed
from labkit.engine.texts import gettext as _

MOST_WRITES = 65_536  # a second
_PATH = re.compile(r"(?:\\\\(?P<host>[^\\]+))?\\[^\\(]+\((?P<disk>.*)\)\\(?P<counter>[^\\]+)")
_INSTANT = re.compile(r"([0-9]{2}/[0-9]{2}/[0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,3}))?")
_VALUE = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?")
_TOTAL = "_Total"
_DAY = 86_400_000
_MILLI = Decimal(1_000)
_MOST_BYTES = 1 << 40


class Sample(NamedTuple):
    """What was written in ``(after, upto]``, instants in ms on the recording machine's clock; ``line`` of the file.

    ``rate`` and ``writes`` are thousandths of a byte and of a write a second, -1 where nothing is known.
    """

    after: int
    upto: int
    rate: int
    writes: int
    line: int


class Counter(NamedTuple):
    """A column of the file: what it counts, of which disk of which host."""

    column: int
    what: str
    host: str
    disk: str


class Counters:
    """Counters being read for one disk; ``host`` and ``disk`` choose it, "" for a file that has one."""

    def __init__(self, lines: Lines, host: str, disk: str) -> None:
        self._lines = lines
        known = [found for place, name in enumerate(lines.header) if (found := _counter(place, name))]
        rates = [found for found in known if found.what == "bytes"]
        if not rates:
            names = [shown(name) for name in lines.header[1:9]]
            raise LabError(900371, path=lines.path, found=listed(names) or _("nothing"))
        self._rate = self._chosen(rates, host, disk)
        same = [c for c in known if c.what == "writes" and (c.host, c.disk) == (self._rate.host, self._rate.disk)]
        self._writes = same[0].column if same else -1

    def _chosen(self, rates: list[Counter], host: str, disk: str) -> Counter:
        hosts = [c for c in rates if not host or c.host.casefold() == host.casefold()]
        found = [c for c in hosts if c.disk.casefold() == disk.casefold()] if disk else hosts
        if not disk and len(found) > 1:
            found = [c for c in found if c.disk != _TOTAL] or found
        if disk and not found:  # "0" or "C:" for "0 C:"
            found = [c for c in hosts if disk.casefold() in c.disk.casefold().split()]
        there = [f"{shown(c.host)} {shown(c.disk)}".strip() for c in rates]
        check_choice(self._lines, len(found), there, f"{host} {disk}".strip())
        return found[0]

    def samples(self) -> Iterator[Sample]:
        """All samples but the first, in order; refuses what is wrong (900365, 900366, 900370)."""
        before = -1
        for first, rows in self._lines.batches():
            for line, row in enumerate(rows, first):
                if not row:
                    continue
                sample = self._sample(before, line, row)
                if before >= 0:
                    yield sample
                before = sample.upto

    def _sample(self, before: int, line: int, row: Row) -> Sample:
        path, header = self._lines.path, self._lines.header
        if len(row) != len(header):
            raise LabError(900365, path=path, line=line, found=len(row), expected=len(header))
        at = _instant(row[0])
        if at is None:
            expected = _("month/day/year hour:minute:second, such as 10/01/2014 09:00:15.123")
            raise LabError(900366, path=path, line=line, column="PDH-CSV", found=shown(row[0]), expected=expected)
        if at <= before:
            raise LabError(900370, path=path, line=line, limit=WINDOW)
        writes = self._value(row, self._writes, line) if self._writes >= 0 else -1
        return Sample(before, at, self._value(row, self._rate.column, line), writes, line)

    def _value(self, row: Row, column: int, line: int) -> int:
        text = row[column].strip()
        if not text:
            return -1
        value = Decimal(text) if _VALUE.fullmatch(text) else None
        if value is None or value > _MOST_BYTES:
            name, path = shown(self._lines.header[column]), self._lines.path
            expected = _("nothing, or a number from 0 to {most}").format(most=_MOST_BYTES)
            raise LabError(900366, path=path, line=line, column=name, found=shown(text), expected=expected)
        return int(value * _MILLI)


def _counter(column: int, name: str) -> Counter | None:
    match = _PATH.fullmatch(name.strip())
    what = _names().get(_plain(match["counter"])) if match else None
    return Counter(column, what, match["host"] or "", match["disk"].strip()) if match and what else None


def _plain(name: str) -> str:
    """A name of a counter without what differs from one Windows to another: blanks, width and case of letters."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


@functools.cache
def _names() -> dict[str, str]:
    table = resources.yaml("counters.yml")
    return {_plain(name): what for what in ("bytes", "writes") for name in table[what]}


@functools.lru_cache(maxsize=64)
def _day(text: str) -> int | None:
    try:
        return date(int(text[6:]), int(text[:2]), int(text[3:5])).toordinal() * _DAY
    except ValueError:
        return None


def _instant(text: str) -> int | None:
    """Milliseconds of a sample's time, on whatever clock it was."""
    match = _INSTANT.fullmatch(text.strip())
    day = _day(match[1]) if match else None
    if match is None or day is None:
        return None
    hour, minute, second = int(match[2]), int(match[3]), int(match[4])
    if hour > 23 or minute > 59 or second > 59:
        return None
    return day + ((hour * 60 + minute) * 60 + second) * 1000 + int((match[5] or "0").ljust(3, "0"))
