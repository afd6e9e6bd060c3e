"""How long each step of a drill is expected to take, before it is played; and what it is played with."""

from __future__ import annotations

import platform
import sqlite3
from importlib import metadata
from typing import Any

import labkit
from labkit.drills.listing import Drill
from labkit.engine import jobs, units
from labkit.site import inventory
from labkit.site.model import SiteFile

_PACKAGES = ("numpy", "cryptography", "apsw", "msgspec")


def of(drill: Drill, values: dict[str, Any], site: SiteFile) -> list[dict[str, Any]]:
    """The steps with their expected length in ms, in order: ``{step, ms}``."""
    return [
        {"step": step.name, "ms": sum(_length(part, drill, values, site) for part in step.planned)}
        for step in drill.steps
    ]


def _length(part: str, drill: Drill, values: dict[str, Any], site: SiteFile) -> int:
    """One part of a step: a parameter, ``initial``, ``boot``, a duration, or a kind of job."""
    if part in values:
        return int(drill.parameter(part).read(values[part]) or 0)
    protected = [vm for vm in site.vms if vm.protected]
    if part == "initial":
        used = sum(disk.used for vm in protected for disk in vm.disks if not disk.application)
        return used * 8 * 1000 // site.line.bandwidth
    if part == "boot":
        return max(inventory.boot_time(vm.os) for vm in protected)
    if part[0].isdigit():
        return units.duration(part)
    return sum(ms for _task, ms in jobs.timings(part))


def versions() -> dict[str, str]:
    """What the drill is played with: labkit, Python, and the packages that make numbers and bytes."""
    found = {"labkit": labkit.__version__, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "-"
    found["system"] = f"{platform.system()} {platform.machine()}"
    return found
