"""Other workloads for the disks of random sites: traces of both formats, and the kinds of exact pace."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import msgspec

from labkit.site import model
from labkit.site.model import Churn, Disk, SiteFile, Trace

ZERO = 128_166_372_003_061_629
_KINDS = ("database", "defragmentation")


def recorded(chance: random.Random, site: SiteFile, length: int, writes: int) -> tuple[SiteFile, dict[str, str]]:
    """A site in which some disks' churn was exchanged, and the trace files. ``writes``: about as many of each disk."""
    files: dict[str, str] = {}

    def changed(disk: Disk) -> Disk:
        churn = disk.churn
        if churn is None or disk.application or chance.random() < 0.5:
            return disk
        draw = chance.random()
        if draw < 0.35:
            churn = _blocks(chance, disk, f"trace{len(files)}.csv", files, length, min(writes, 2_000))
        elif draw < 0.7:
            churn = _counters(chance, churn, f"trace{len(files)}.csv", files, length)
        else:
            shape = chance.choice(("steady", "diurnal", "batch", "night"))
            churn = msgspec.structs.replace(churn, shape=shape, kind=chance.choice(_KINDS))
        return msgspec.structs.replace(disk, churn=churn)

    return model.with_disks(site, changed), files


def _blocks(chance: random.Random, disk: Disk, name: str, files: dict[str, str], length: int, writes: int) -> Churn:
    repeat = chance.random() < 0.5
    lasts = max(1, int(length * chance.choice((0.05, 0.3, 1, 2))))
    count = max(1, int(chance.randrange(1, writes) * (min(1, lasts / length) if repeat else 1)))
    lines = []
    for _ in range(count):
        size = chance.choice((0, 512, 4_096, 8_192, 65_536, chance.randrange(200_000), min(disk.size, 3 << 20)))
        offset = chance.choice((disk.size - size, 0, chance.randrange(disk.size - size + 1)))
        if chance.random() < 0.7:
            offset = chance.randrange(max(1, (disk.size - size) // 512 // 20)) * 512
        what, host, number = chance.choice(("Write", "Write", "Write", "Read")), "web", chance.choice("0001")
        lines.append((chance.randrange(lasts * 10_000), f"{host},{number},{what},{offset},{size},77"))
    lines.append((chance.randrange(lasts * 10_000), "web,0,Write,0,4096,1"))
    lines.append((lasts * 10_000 - 1, "web,1,Read,0,512,1"))
    if chance.random() < 0.7:
        lines.sort()
    head = "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\n" if chance.random() < 0.5 else ""
    files[name] = head + "".join(f"{ZERO + at},{rest}\n" for at, rest in lines)
    least = min(at for at, _ in lines)
    skip = chance.choice((0, 0, chance.randrange((lasts * 10_000 - 1 - least) // 10_000 + 1)))
    return Churn(0, 65_536, 50, trace=Trace(name, "web", "0", repeat, skip))


def _counters(chance: random.Random, churn: Churn, name: str, files: dict[str, str], length: int) -> Churn:
    every = chance.choice((1_000, 15_000, 60_000, 700_000))
    count = min(500, max(2, int(length * chance.choice((0.1, 0.5, 1.2)) / every)))
    with_writes, mean = chance.random() < 0.5, max(churn.rate, 3_000)
    disks = ("0 C:", "1 D:")
    header = ["(PDH-CSV 4.0) (Tokyo Standard Time)(-540)"]
    header += [rf"\\HOST\PhysicalDisk({disk})\Disk Write Bytes/sec" for disk in disks]
    header += [rf"\\HOST\PhysicalDisk({disk})\Disk Writes/sec" for disk in disks] if with_writes else []
    lines, at = [header], datetime(2014, 10, 1, 9, tzinfo=UTC)
    for _ in range(count + 1):
        rates = [chance.choice((0, mean, chance.random() * 3 * mean)) for _ in disks]
        cells = [f"{rate:.6f}" if chance.random() < 0.9 else " " for rate in rates]
        if with_writes:
            cells += [f"{rate / chance.choice((3_000, 9_000, 40_000, 80_000)):.9f}" for rate in rates]
        lines.append([f"{at:%m/%d/%Y %H:%M:%S}.{at.microsecond // 1000:03}", *cells])
        at += timedelta(milliseconds=every + chance.choice((0, 0, 15, 1_000)))
    lines[-1][1] = "1500.5"  # something is known of the disk
    files[name] = "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in lines)
    skip = chance.choice((0, 0, chance.randrange(count * every)))
    write = churn.write if not with_writes or chance.random() < 0.3 else 0
    trace = Trace(name, "", "0", chance.random() < 0.5, skip)
    return Churn(0, write, churn.hot_permille, kind=chance.choice(("ordinary", *_KINDS)), trace=trace)
