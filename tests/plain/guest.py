"""What a guest writes, one write after another, from docs/replication.md alone."""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import NamedTuple

from labkit.engine import resources
from labkit.engine.chance import below, mix
from labkit.guest import orders
from labkit.guest.volume import Volume
from labkit.site.model import DAY, Disk, Vm
from labkit.site.model import Churn as SiteChurn
from tests.plain.workloads import Access, Meter, Paced, Recorded, Shaped

BLOCK, PAGE, SLOT, PAGE_SLOTS = 65_536, 4_096, 30_000, 120
HOUR = 3_600_000

Content = int | bytes
Blocks = dict[int, Content]


class Write(NamedTuple):
    """One write: when, on which disk (its place in the VM), blocks and their new content, pages of 4 KiB, bytes."""

    at: int
    disk: int
    blocks: tuple[int, ...]
    content: Content
    pages: tuple[int, ...]
    size: int


@functools.cache
def poisson(rate: int, write: int) -> list[int]:
    """The table of 65,536 numbers of writes of a slot, by its least values."""
    table: list[int] = []
    with localcontext() as context:
        context.prec = 60
        mean = Decimal(rate * SLOT) / Decimal(write * 1000)
        chance = (-mean).exp()
        upto, k = chance, 0
        while True:
            edge = int((65_536 * upto).to_integral_value(ROUND_HALF_EVEN))
            table += [k] * (edge - len(table))
            if edge >= 65_536 or (k > mean and chance * 65_536 * 64 < 1):
                return table + [k] * (65_536 - len(table))
            k += 1
            chance = chance * mean / k
            upto += chance


class Churn:
    """The synthetic writing of one stream."""

    def __init__(self, seed: int, stream: int, phase: int, disk: Disk) -> None:
        assert disk.churn is not None
        self.key, self.stream, self.phase = mix(seed, "churn", stream), stream, phase
        self.write = disk.churn.write
        self.hot = max(1, disk.size * disk.churn.hot_permille // 1000 // self.write)
        self.rate, self.shape, self.seed = disk.churn.rate, disk.churn.shape, seed

    def factor(self, page: int) -> int:
        """Per mille of the mean rate in the hour of a page, at a site nine hours east of UTC."""
        figures = resources.yaml("workloads.yml")[self.shape]
        begin = self.phase + SLOT * PAGE_SLOTS * page
        if "hours" in figures:
            return int(figures["hours"][(begin + 9 * HOUR) % (24 * HOUR) // HOUR])
        if "chance" in figures:
            drawn = below(1000, self.seed, "burst", self.stream, begin // HOUR)
            return int(figures["busy"] if drawn < figures["chance"] else figures["quiet"])
        return 1000

    def rows(self, page: int) -> list[list[int]]:
        """The units written in each of the 120 slots of a page of draws, in order."""
        from numpy.random import Philox

        self.table = poisson(self.rate * self.factor(page) // 1000, self.write)
        self.width = self.table[-1]
        many = (120 * self.width + 1) // 2
        raw = Philox(key=[self.key, 1], counter=[0, page, 0, 0]).random_raw(many + 30).tolist()
        x = struct.unpack(f"<{2 * many}I", struct.pack(f"<{many}Q", *raw[:many]))
        counts = [self.table[entry] for entry in struct.unpack("<120H", struct.pack("<30Q", *raw[many:]))]
        return [[self._unit(x[row * self.width + i]) for i in range(n)] for row, n in enumerate(counts)]

    def _unit(self, x: int) -> int:
        q = x >> 11
        return (((q * q * q) >> 31) * self.hot) >> 32

    def writes(self, disk: int, after: int) -> Iterator[Write]:
        """All writes after an instant, for ever."""
        slot = (after - self.phase - 1) // SLOT
        page, row = divmod(slot, PAGE_SLOTS)
        while True:
            for place, units in enumerate(self.rows(page)):
                if place >= row:
                    for write in self._slot(disk, page * PAGE_SLOTS + place, units):
                        if write.at > after:
                            yield write
            page, row = page + 1, 0

    def _slot(self, disk: int, slot: int, units: list[int]) -> Iterator[Write]:
        begin, n = self.phase + SLOT * slot, len(units)
        for i, unit in enumerate(units):
            at = begin + 1 + ((2 * i + 1) * 29_999) // (2 * n)
            first = unit * self.write // PAGE
            pages = tuple(range(first, first + self.write // PAGE))
            yield Write(at, disk, (unit * self.write // BLOCK,), self.stream << 40 | (slot + 1), pages, self.write)


def accesses(found: Iterator[Access], stream: int, disk: int) -> Iterator[Write]:
    """Writes of a stream that are told by place and length."""
    for at, slot, offset, size in found:
        blocks, pages = (tuple(range(offset // unit, (offset + size - 1) // unit + 1)) for unit in (BLOCK, PAGE))
        yield Write(at, disk, blocks, stream << 40 | (slot + 1), pages, size)


def _none() -> Iterator[Write]:
    return iter(())


@dataclass
class Guest:
    """One VM: its disks, the log of what it wrote, and its application. It never comes back after a power-off."""

    seed: int
    vm: Vm
    started: int
    disks: list[Blocks]
    traces: Mapping[str, str] = field(default_factory=dict)
    streams: list[int] = field(default_factory=list)
    stopped: int | None = None
    log: list[Write] = field(default_factory=list)
    session_at: int = 0

    def __post_init__(self) -> None:
        self.phase = below(SLOT, self.seed, "phase", self.vm.name)
        self.session_at = self.started
        self.coming = [_none() for _ in self.vm.disks]
        self.next: list[Write | None] = [None for _ in self.vm.disks]

    def power_on(self, streams: list[int]) -> None:
        """Give each disk its stream and look at the first write of each."""
        self.streams = streams
        for place, disk in enumerate(self.vm.disks):
            if disk.churn is not None and (disk.churn.rate or disk.churn.trace):
                self.coming[place] = self._writes(place, disk, disk.churn, streams[place])
            self.next[place] = next(self.coming[place], None)

    def _writes(self, place: int, disk: Disk, churn: SiteChurn, stream: int) -> Iterator[Write]:
        """What will be written to a disk, for ever."""
        kinds = resources.yaml("workloads.yml")["kinds"]
        pace: Meter | Shaped = Shaped(churn)
        if churn.trace is not None:
            text = self.traces[churn.trace.file]
            if not text.startswith('"(PDH-CSV'):
                found = Recorded(text, churn.trace, self.started, self.phase).writes(self.started)
                return accesses(found, stream, place)
            pace = Meter(text, churn.trace, self.started)
        elif kinds[churn.kind]["places"] == "chance":
            return Churn(self.seed, stream, self.phase, disk).writes(place, self.started)
        write = churn.write or (pace.write if isinstance(pace, Meter) else 0)
        paced = Paced(self.seed, stream, self.phase, disk, pace, write)
        return accesses(paced.writes(self.started), stream, place)

    def run(self, now: int) -> None:
        """Perform all churn up to and including an instant, in order of time."""
        while self.stopped is None:
            due = [write for write in self.next if write is not None and write.at <= now]
            if not due:
                return
            write = min(due)
            self._perform(write)
            self.next[write.disk] = next(self.coming[write.disk], None)

    def _perform(self, write: Write) -> None:
        self.disks[write.disk].update(dict.fromkeys(write.blocks, write.content))
        self.log.append(write)

    def pages(self, after: int, upto: int) -> int:
        """Distinct pages written in ``(after, upto]``."""
        written = [write for write in self.log if after < write.at <= upto]
        return len({(write.disk, page) for write in written for page in write.pages})

    # --- the application -------------------------------------------------------------------------------------------

    @property
    def application(self) -> int | None:
        """Place of the application's disk."""
        return next((place for place, disk in enumerate(self.vm.disks) if disk.application), None)

    def session(self, now: int, kind: orders.Kind, taker: Guest | None) -> None:
        """Let the application write what is due; ``taker`` is the guest whose orders this one invoices."""
        self.run(now)
        place = self.application
        if place is None or self.stopped is not None:
            return
        volume = Volume(self.vm.disks[place].size, lambda block: self._bytes(place, block))
        orders.session(
            volume,
            seed=self.seed,
            stream=self.streams[place],
            now=now,
            started=self.started,
            since=self.session_at,
            interval=DAY // (self.vm.orders_per_day or DAY),
            kind=kind,
            role="invoices" if self.vm.invoices else "orders",
            source=taker.placed(*orders.invoice_window(self.session_at, now)) if taker else None,
        )
        self.session_at = now
        for block, (content, mask) in volume.changed().items():
            pages = tuple(block * 16 + bit for bit in range(16) if mask >> bit & 1)
            self._perform(Write(now, place, (block,), content, pages, PAGE * len(pages)))

    def _bytes(self, place: int, block: int) -> bytes | None:
        content = self.disks[place].get(block)
        assert not isinstance(content, int), "an application's disk carries no churn"
        return content

    def placed(self, since: int, now: int) -> list[orders.Due]:
        """The orders placed with this guest in ``(since, now]``, as long as it ran."""
        place = self.application
        assert place is not None
        assert self.vm.orders_per_day is not None
        end = now if self.stopped is None else min(now, self.stopped)
        interval = DAY // self.vm.orders_per_day
        begin = max(since, self.started)
        return list(orders.due_orders(self.seed, self.streams[place], self.started, interval, begin, end))

    def power_off(self, now: int, *, clean: bool, taker: Guest | None) -> None:
        """A last session, then nothing more is written."""
        self.session(now, "shutdown" if clean else "cycle", taker)
        self.stopped = now
