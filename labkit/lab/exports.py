"""Exporting any disk of any side and recovery point to a file that other programs open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from labkit.disks import record
from labkit.disks.record import DiskSet, Place
from labkit.disks.sealing import Key
from labkit.engine import pace
from labkit.engine.errors import LabError
from labkit.engine.progress import Progress, shown
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.lab.opener import Opener
from labkit.recovery import encryption, failover
from labkit.recovery import item as items
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.disks.export import Exported
    from labkit.disks.frozen import Frozen
    from labkit.lab.views import Jobs

FORMATS = ("raw", "vhd", "vhd-dynamic", "vhdx")
_SUFFIXES = {".vhd": "vhd", ".vhdx": "vhdx"}
_LOOKED = 1 << 61  # numbers that no stored bytes have: of blocks made only to be looked at


def export_disk(
    world: World,
    vm: str,
    disk: str,
    out: Path,
    *,
    side: str = "site",
    point: str = "latest",
    format: str | None = None,
    sha256: bool = False,
    overwrite: bool = False,
    certificate: str | Path | None = None,
    password: str | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write a disk to ``out``.

    A running guest's application writes what is due before the disk is read, and the lab keeps nothing of that.
    ``side``: "site" or "azure" (the Azure VM's disk after a failover, else the replica). ``point``: "latest",
    "failover" (the recovery point the last failover used) or a recovery point's id. ``format``: one of ``FORMATS``, if
    left out what the name's ending says (.vhd, .vhdx), else raw; a fixed VHD of Azure's side is padded to whole MiB,
    as Azure wants it. ``certificate``, ``password``: the ``.pfx`` of an encrypted cloud, needed for a replica (900563).
    Errors and further options: ``labkit.disks.export``. Without ``progress`` a bar is shown.
    """
    from labkit.disks.export import export

    frozen = _frozen(world, vm, disk, side, point, Opener(certificate, password))
    written = format or _SUFFIXES.get(out.suffix.lower(), "raw")
    with shown(_("Exporting {file}").format(file=out.name), progress) as show:
        return export(
            frozen,
            out,
            format=written,
            whole_mib=side == "azure" and written == "vhd",
            overwrite=overwrite,
            sha256=sha256,
            progress=show,
            created=pace.seconds_since_2000(),
        )


def _frozen(world: World, vm: str, disk: str, side: str, point: str, opener: Opener) -> Frozen:
    """The disk as it is to be written."""
    disks, place = _where(world, vm, side, point)
    number = guests.disk_number(disks, disk)
    key = None
    if disks.sealed:
        secret = encryption.unlock(world, items.get(world, vm), opener.private())
        key = Key(secret) if secret is not None else None
    frozen = record.frozen(world, disks, number, place, key)
    running = _running_on(world, disks, number) if point == "latest" else None
    return frozen if running is None else _with_blocks(frozen, guests.unsettled(world, running))


def _running_on(world: World, disks: DiskSet, number: int) -> Machine | None:
    """The guest whose application writes to a disk now."""
    for machine in world.all(Machine):
        if machine.disks == disks.number and machine.application and machine.application.disk == number:
            return machine
    return None


def _with_blocks(frozen: Frozen, blocks: dict[int, bytes]) -> Frozen:
    """A disk with some blocks as its guest would have written them by now."""
    from labkit.disks.blocks import REAL
    from labkit.disks.frozen import Frozen

    stamps, contents = frozen.stamps.copy(), {}
    for stamp, (block, content) in enumerate(blocks.items(), REAL | _LOOKED):
        stamps[block], contents[stamp] = stamp, content
    return Frozen(frozen.size, stamps, lambda stamp: contents[stamp] if stamp in contents else frozen.real(stamp))


def _where(world: World, vm: str, side: str, point: str) -> tuple[DiskSet, Place]:
    machine = inventory.machine(world, vm)
    if side == "site":
        disks = guests.disks_of(world, machine)
        return disks, record.place_at(disks, world.now if point == "latest" else _point(world, vm, point)[0])
    if side != "azure":
        raise LabError(900545, found=side, choices="site, azure")
    item = items.get(world, vm)
    if point == "latest":
        active = items.target(world, item)
        disks = guests.disks_of(world, active) if active else items.replica(world, item)
        return disks, record.now_place(disks, world.now)
    return items.replica(world, item), _point(world, vm, point)[1]


def _point(world: World, vm: str, point: str) -> tuple[int, Place]:
    item = items.get(world, vm)
    if point == "failover":
        if item.point is None:
            raise LabError(900543, vm=vm)
        return item.point.cut, item.point.place
    if not point.isdigit():
        raise LabError(900542, name=point)
    found = failover.point_of(items.relation(world, item), int(point))
    return found.cut, found.place


def export_jobs(jobs: Jobs, path: Path) -> Path:
    """All jobs with their tasks as CSV that spreadsheets read in any language.

    900302 for a file that exists, 900304 for one that cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8-sig", newline="") as file:
            _write_jobs(jobs, file)
    except FileExistsError:
        raise LabError(900302, path=path) from None
    except OSError as error:
        raise LabError(900304, path=path, reason=error.strerror or str(error)) from error
    return path


def _write_jobs(jobs: Jobs, file: TextIO) -> None:
    import csv

    writer = csv.writer(file)
    writer.writerow(["job", "scenario", "target", "state", "task", "task_state", "started", "ended", "note", "error"])
    for name, job in jobs.items():
        code = job.error.code if job.error is not None else ""
        for task in job.tasks:
            row = (task.name, task.state, task.started or "", task.ended or "", task.note)
            writer.writerow([name, job.scenario, job.target, job.state, *row, code])
