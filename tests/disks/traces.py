"""Trace files made on the spot, and labs that are driven by them."""

from __future__ import annotations

from pathlib import Path

import labkit
from labkit.disks import streams
from labkit.lab import Lab
from labkit.site import inventory

ZERO = 128_166_372_003_061_629  # a Windows filetime: 100 ns since 1601
SECOND = 10_000_000  # of 100 ns
HEADER = "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\n"
PDH = '"(PDH-CSV 4.0) (Tokyo Standard Time)(-540)"'
WRITE_BYTES = r"\\HV01\PhysicalDisk(0 C:)\Disk Write Bytes/sec"


def row(ticks: int, offset: int, size: int, kind: str = "Write", host: str = "web", disk: str = "0") -> str:
    """One line of a block trace, ``ticks`` of 100 ns after its beginning."""
    return f"{ZERO + ticks},{host},{disk},{kind},{offset},{size},1153\n"


SIX_ROWS = "".join(
    [
        row(0, 0, 512, "Read"),
        row(3_600 * SECOND, 0, 4_096),  # page 0
        row(3_600 * SECOND + 1_000_000, 63_488, 4_096),  # pages 15 and 16, blocks 0 and 1
        row(3_600 * SECOND + 2_000_000, 0, 512),  # page 0 again
        row(3_600 * SECOND + 3_000_000, 1 << 20, 65_536),  # pages 256 to 271, block 16
        row(3_600 * SECOND + 4_000_000, (1 << 20) + 4_095, 2),  # pages 256 and 257 again
    ]
)
"""An hour after its beginning 74,242 bytes are written: 19 pages of 4 KiB, in blocks 0, 1 and 16."""


def counters(*samples: str, names: tuple[str, ...] = (WRITE_BYTES,)) -> str:
    """A file of counters; each sample is a time of the day and its values: ``"09:00:15.000 1048576.000"``."""
    lines = [",".join([PDH, *(f'"{name}"' for name in names)])]
    for sample in samples:
        time, *values = sample.split(" ")
        lines.append(",".join([f'"10/01/2014 {time}"', *(f'"{value or " "}"' for value in values)]))
    return "\n".join(lines) + "\n"


def site_file(folder: Path, churn: str, *, size: str = "24MB", frequency: str = "5min", more: str = "") -> Path:
    """A site with one VM, one disk of which has this churn."""
    path = folder / "site.yml"
    path.write_text(
        f"site: traces\ncloud: {{frequency: {frequency}}}\nvms:\n  - name: WEB\n    os: FreeBSD 10.0\n    disks:\n"
        f"      - {{name: os, size: {size}, used: 1MB, churn: {churn}}}\n{more}",
        "utf-8",
    )
    return path


def traced_lab(
    folder: Path, text: str, options: str = "", *, stage: str = "protected", seed: int = 1, **site: str
) -> Lab:
    """A lab whose disk is driven by a trace with this text."""
    (folder / "trace.csv").write_text(text, "utf-8")
    path = site_file(folder, f"{{trace: trace.csv{options}}}", **site)
    lab_file = folder / f"{len(list(folder.iterdir()))}.lab"
    return labkit.create(lab_file, site=path, seed=seed, stage=stage)


def pages(lab: Lab, after: int, upto: int) -> int:
    """Distinct pages that the VM at the site wrote in a span."""

    def asked(world: streams.World) -> int:
        return streams.pages_written(world, streams.run_of(world, inventory.machine(world, "WEB").run), after, upto)

    return lab.read(asked)


def written(lab: Lab, after: int, upto: int) -> int:
    """Bytes that the VM at the site wrote in a span."""

    def asked(world: streams.World) -> int:
        return streams.bytes_written(world, streams.run_of(world, inventory.machine(world, "WEB").run), after, upto)

    return lab.read(asked)


def blocks(lab: Lab, side: str = "site") -> dict[int, int]:
    """Blocks of the disk whose stamps come from a guest's run, and the slot of each."""
    from labkit.disks import record
    from labkit.guest.machine import Machine

    def asked(world: streams.World) -> dict[int, int]:
        machine = world.get(Machine, f"{side}/WEB")
        stamps = record.fold(world, record.set_of(world, machine.disks), 0)
        streams_of_runs = {spec.number for run in world.all(streams.Run) for spec in run.streams}
        return {
            block: (stamp & (1 << 40) - 1) - 1
            for block, stamp in enumerate(stamps.tolist())
            if stamp >> 40 in streams_of_runs
        }

    return lab.read(asked)
