"""Machines and disks of an inventory while they are put together from several rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from labkit.recovery.subjects import HYPER_V, Subject, SubjectAdapter, SubjectDisk

FORMATS = {".vhd": "vhd", ".avhd": "vhd", ".vhdx": "vhdx", ".avhdx": "vhdx", ".vhds": "vhds", ".vmdk": "vmdk"}


@dataclass
class Disk:
    """A disk while it is put together; ``spot`` orders disks as the controllers do."""

    values: dict[str, Any]
    path: str
    spot: tuple[int, int, int] | None


@dataclass
class Machine:
    """A machine while it is put together."""

    values: dict[str, Any]
    name: str
    ids: set[str]
    hosts: set[str]
    files: set[str]
    disks: list[Disk] | None = None
    adapters: list[SubjectAdapter] | None = None

    def differs(self, ids: set[str], hosts: set[str], values: dict[str, Any]) -> bool:
        """Whether a row of the same name must be of another machine."""
        if (ids and self.ids and ids != self.ids) or (hosts and self.hosts and hosts != self.hosts):
            return True
        pairs = ((self.values.get(key), values[key]) for key in ("generation", "cpu", "platform"))
        return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def is_disk(path: str) -> bool:
    """Whether a path (lower case) is that of a disk file, or Hyper-V's words for a host's disk: "disk 2 10.00 gb"."""
    return PurePosixPath(path.replace("\\", "/")).suffix in FORMATS or bool(re.match(r"(disk|ディスク) \d+ ", path))


def join(machine: Machine, disk: Disk) -> None:
    """Add a disk, or what is said anew of one."""
    machine.disks = machine.disks or []
    for other in machine.disks:
        if disk.path and other.path == disk.path:
            fill(other, disk)
            return
    machine.disks.append(disk)


def fill(disk: Disk, more: Disk) -> None:
    """Fill the gaps of a disk with what another row says of it."""
    for key, value in more.values.items():
        if disk.values[key] in (None, ""):
            disk.values[key] = value
    disk.spot = disk.spot or more.spot


def subject_of(machine: Machine) -> Subject:
    """The machine as the rules look at it, its disks in the order of the controllers where all tell it."""
    values = {**machine.values, "platform": machine.values.get("platform") or HYPER_V}
    disks = machine.disks
    if disks and all(disk.spot for disk in disks):
        disks = sorted(disks, key=lambda disk: disk.spot or (0, 0, 0))
    found = None
    if disks is not None:
        found = tuple(
            SubjectDisk(**{**disk.values, "name": disk.values["name"] or f"{number}"})
            for number, disk in enumerate(disks, 1)
        )
    adapters = None if machine.adapters is None else tuple(machine.adapters)
    return Subject(name=machine.name, disks=found, adapters=adapters, **values)
