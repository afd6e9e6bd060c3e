"""What recorded workloads and those of an exact pace write, from docs/replication.md alone."""

from __future__ import annotations

import csv
import itertools
import struct
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from labkit.engine import resources
from labkit.engine.chance import mix
from labkit.site.model import Churn, Disk, Trace

SLOT, MINUTE, HOUR = 30_000, 60_000, 3_600_000


class Access(NamedTuple):
    """One write: when, in which slot, where on the disk, how long."""

    at: int
    slot: int
    offset: int
    size: int


class Recorded:
    """A block trace on one disk."""

    def __init__(self, text: str, trace: Trace, start: int, phase: int) -> None:
        rows = [line.split(",") for line in text.splitlines() if line and not line.startswith("Timestamp")]
        zero = min(int(row[0]) for row in rows) + trace.skip * 10_000
        ours = [row for row in rows if trace.host in ("", row[1]) and trace.disk in ("", row[2]) and row[3] == "Write"]
        late = [((int(row[0]) - zero) // 10_000, int(row[4]), int(row[5])) for row in ours if int(row[0]) >= zero]
        self.accesses = sorted(late, key=lambda access: access[0])
        length = (max(int(row[0]) for row in rows) - zero) // 10_000 + 1
        self.period = -(-length // MINUTE) * MINUTE if trace.repeat else None
        self.start, self.phase = start, phase

    def writes(self, after: int) -> Iterator[Access]:
        """All writes after an instant."""
        if not self.accesses:
            return
        for number in itertools.count() if self.period else [0]:
            for ms, offset, size in self.accesses:
                at = self.start + 1 + ms + number * (self.period or 0)
                if at > after and size:
                    yield Access(at, (at - self.phase - 1) // SLOT, offset, size)


class Meter:
    """Counters of one disk: bytes written from the start of the lab until an instant."""

    def __init__(self, text: str, trace: Trace, start: int) -> None:
        header, *rows = csv.reader(text.splitlines())
        of_disk = [place for place, name in enumerate(header) if f"({trace.disk}" in name]
        rates = [place for place in of_disk if "Write Bytes" in header[place]]
        counts = [place for place in of_disk if "Writes" in header[place]]
        instants = [
            round(datetime.strptime(f"{row[0]} +0000", "%m/%d/%Y %H:%M:%S.%f %z").timestamp() * 1000) for row in rows
        ]
        self.zero = instants[0] + trace.skip
        self.start, self.length = start, instants[-1] - self.zero
        self.period = -(-self.length // MINUTE) * MINUTE if trace.repeat else None
        self.spans: list[tuple[int, int, int]] = []
        both = [0, 0]
        for before, at, row in zip(instants, instants[1:], rows[1:], strict=False):
            rate = int(Decimal(row[rates[0]].strip() or 0) * 1000)
            count = int(Decimal(row[counts[0]].strip() or 0) * 1000) if counts else 0
            if rate and count:
                both = [both[0] + rate * (at - before), both[1] + count * (at - before)]
            begin = max(before, self.zero)
            if at > self.zero:
                self.spans.append((begin - self.zero, at - self.zero, rate * (at - begin) // 1_000_000))
        self.total = sum(amount for _, _, amount in self.spans)
        self.end = start + self.length if not self.period or not self.total else None
        mean = both[0] // both[1] if both[1] else 65_536
        self.write = max(size for size in (4_096, 8_192, 16_384, 32_768, 65_536) if size <= max(mean, 4_096))

    def until(self, at: int) -> int:
        """Bytes until an instant."""
        past, whole = max(0, at - self.start), 0
        if self.period:
            whole, past = divmod(past, self.period)
        found = whole * self.total
        for begin, end, amount in self.spans:
            if end <= past:
                found += amount
            elif begin < past:
                found += amount * (past - begin) // (end - begin)
        return found


class Shaped:
    """A rate under a shape at a site nine hours east of UTC: bytes from 1970 until an instant."""

    def __init__(self, churn: Churn) -> None:
        self.rate = churn.rate
        self.start, self.end = 0, None
        self.hours = resources.yaml("workloads.yml")[churn.shape].get("hours", [1000] * 24)

    def until(self, at: int) -> int:
        """Bytes until an instant."""
        days, rest = divmod(at + 9 * HOUR, 24 * HOUR)
        per_mille_ms = days * sum(self.hours) * HOUR
        for hour, factor in enumerate(self.hours):
            per_mille_ms += factor * min(max(0, rest - hour * HOUR), HOUR)
        return int(Fraction(self.rate * per_mille_ms, 1_000_000) // 1)


class Paced:
    """Writes at an exact pace on one disk."""

    def __init__(self, seed: int, stream: int, phase: int, disk: Disk, pace: Meter | Shaped, write: int) -> None:
        assert disk.churn is not None
        self.key, self.phase, self.pace, self.write = mix(seed, "paced", stream), phase, pace, write
        self.hot = max(1, disk.size * disk.churn.hot_permille // 1000 // write)
        self.kind = resources.yaml("workloads.yml")["kinds"][disk.churn.kind]

    def writes(self, after: int) -> Iterator[Access]:
        """All writes after an instant, for ever or until the pace ends."""
        for slot in itertools.count((after - self.phase - 1) // SLOT):
            begin = self.phase + SLOT * slot
            if self.pace.end is not None and begin > self.pace.end:
                return
            first, behind = (self.pace.until(instant) // self.write for instant in (begin, begin + SLOT))
            n = behind - first
            for i, q in enumerate(self._draws(slot, n)):
                from_ = max(begin, self.pace.start)
                at = from_ + 1 + ((2 * i + 1) * (begin + SLOT - from_ - 1)) // (2 * n)
                if at > after:
                    yield Access(at, slot, self._unit(first + i, q) * self.write, self.write)

    def _draws(self, slot: int, n: int) -> list[int]:
        from numpy.random import Philox

        many = (n + 1) // 2
        raw = Philox(key=[self.key, 1], counter=[0, slot, 0, 0]).random_raw(many).tolist() if n else []
        return [x >> 11 for x in struct.unpack(f"<{2 * many}I", struct.pack(f"<{many}Q", *raw))[:n]]

    def _unit(self, k: int, q: int) -> int:
        cube = (q * q * q) >> 31
        if self.kind["places"] == "sweep":
            return k % self.hot
        if self.kind["places"] == "chance":
            return (cube * self.hot) >> 32
        log = max(1, self.hot * self.kind["log_permille"] // 1000)
        if k % self.kind["log_every"] == self.kind["log_every"] - 1:
            return self.hot - log + k // self.kind["log_every"] % log
        return (cube * max(1, self.hot - log)) >> 32
