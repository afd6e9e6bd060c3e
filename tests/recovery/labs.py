"""Small labs from site files made on the spot, and what a sceptic reads out of them by himself."""

from __future__ import annotations

import copy
import json
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import labkit
from labkit.engine.errors import LabError
from labkit.lab import Lab
from labkit.recovery.evidence import FailoverRecord
from labkit.recovery.item import ProtectedItem

BLOCK, PAGE = 65_536, 4_096
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
START = 1_412_121_600_000  # 2014-10-01T09:00:00+09:00

SHOP = (
    "{name: SHOP, os: Windows Server 2012 R2, churn: 20KB/s, orders: 6/min,"
    " disks: [{name: os, size: 24MB, used: 8MB}, {name: data, size: 20MB}]}"
)
BILLS = (
    "{name: BILLS, os: Windows Server 2012 R2, churn: 5KB/s, invoices: yes,"
    " disks: [{name: os, size: 24MB, used: 4MB}, {name: data, size: 20MB}]}"
)
BUSY = "{name: BUSY, os: FreeBSD 10.0, churn: 20KB/s, disks: [{name: os, size: 24MB, used: 4MB}]}"
QUIET = "{name: QUIET, os: FreeBSD 10.0, disks: [{name: os, size: 24MB, used: 8MB}]}"


def site_file(
    folder: Path,
    *vms: str,
    bandwidth: str = "100Mbps",
    latency: str = "20ms",
    frequency: str = "5min",
    retention: str = "24h",
    more: str = "",
) -> Path:
    """A site file with these VMs (each a YAML mapping on one line)."""
    text = [
        "site: small",
        f"line: {{bandwidth: {bandwidth}, latency: {latency}}}",
        f"cloud: {{frequency: {frequency}, retention: {retention}{more}}}",
        "vms:",
        *(f"  - {vm}" for vm in vms),
    ]
    path = folder / f"site-{len(list(folder.iterdir()))}.yml"
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


def new_lab(folder: Path, *vms: str, stage: str = "protected", seed: int = 1, **site: str) -> Lab:
    """A new lab of a small site; by default SHOP alone, protected."""
    path = site_file(folder, *(vms or (SHOP,)), **site)
    return labkit.create(path.with_suffix(".lab"), site=path, seed=seed, stage=stage)


def twin(lab: Lab, name: str) -> Lab:
    """The same lab once more, so that one history can go on in two ways."""
    return labkit.open(lab.copy(lab.path.with_name(name)))


def records(lab: Lab, operation: str | None = None, vm: str | None = None) -> list[FailoverRecord]:
    """What failovers recovered and lost, oldest first."""
    found = lab.read(lambda world: copy.deepcopy(world.all(FailoverRecord)))
    return [r for r in found if operation in (None, r.operation) and vm in (None, r.vm)]


def state_of(lab: Lab, vm: str) -> str:
    """The item's state in the lab's own table; the state of a VM that is no item is Unprotected."""
    found = lab.read(lambda world: world.find(ProtectedItem, vm) and world.get(ProtectedItem, vm).state)
    return str(found or "Unprotected")


def facts(lab: Lab, kind: str, entity: str | None = None) -> list[dict[str, Any]]:
    """The facts of a kind, in order."""
    return [fact for fact in lab.facts if fact["kind"] == kind and entity in (None, fact["entity"])]


def error_of(work: Callable[[], object]) -> LabError:
    """The error a call is refused with; fails when it is not refused."""
    try:
        work()
    except LabError as error:
        return error
    raise AssertionError("it was accepted")


def guesses(text: str, name: str) -> bool:
    """Whether a refusal asks "Did you mean NAME?", in whatever quotes."""
    return f"Did you mean {name}?" in text.replace("'", "").replace('"', "")


def fail_back(lab: Lab, vm: str, synchronise: str = "before") -> None:
    """A failback as far as its commit pending."""
    job = lab.vault.failback(vm, synchronise=synchronise, wait=True)
    if synchronise == "before":
        lab.wait(job.complete("now"))


def task_states(job: Any) -> dict[str, str]:
    """State of each task of a job."""
    return {task.name: task.state for task in job.tasks}


# --- reading a disk without labkit ------------------------------------------------------------------------------------


def export(lab: Lab, vm: str, disk: str, side: str, point: str = "latest") -> Path:
    """A raw export in the lab's folder, under a new name."""
    folder = lab.path.parent
    out = folder / f"{vm}-{disk}-{side}-{point}-{len(list(folder.iterdir()))}.raw"
    lab.export_disk(vm, disk, out, side=side, point=point)
    return out


def blocks_that_differ(one: Path, two: Path) -> list[int]:
    """Numbers of the 64 KiB blocks in which two raw images differ."""
    with one.open("rb") as a, two.open("rb") as b:
        found, number = [], 0
        while left := a.read(BLOCK):
            if left != b.read(BLOCK):
                found.append(number)
            number += 1
        assert b.read(1) == b""
    return found


def carve(image: Path) -> Path:
    """The database and its log, cut out of a raw image by the layout of docs/guest-application.md."""
    folder = image.with_suffix(".files")
    folder.mkdir()
    with image.open("rb") as disk:
        directory = disk.read(1_024)
        magic, _, _, size, count = struct.unpack_from("<8sIIQI", directory)
        assert magic == b"LABKITFS"
        assert size == image.stat().st_size
        for number in range(count):
            name, first, _, used = struct.unpack_from("<32sQQQ", directory, 32 + 64 * number)
            disk.seek(first * BLOCK)
            (folder / name.rstrip(b"\0").decode()).write_bytes(disk.read(used))
    return folder


def rows(image: Path, table: str) -> dict[int, int]:
    """Token -> instant of all rows of ``orders`` or ``invoices`` in a data disk, read by Python's own SQLite."""
    folder = carve(image)
    column = {"orders": "placed_at", "invoices": "invoiced_at"}[table]
    with closing(sqlite3.connect(folder / f"{table}.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = dict(database.execute(f"SELECT token, {column} FROM {table}").fetchall())
    shutil.rmtree(folder)
    return found


def journal_tail(lab: Lab) -> dict[str, Any]:
    """The newest entry of the journal, its arguments as a dictionary."""
    entry = dict(lab.journal[-1])
    entry["arguments"] = json.loads(entry["arguments"])
    return entry


def instants(first: int, step: int, count: int) -> Iterator[int]:
    """``count`` instants, ``step`` ms apart."""
    yield from range(first, first + step * count, step)
