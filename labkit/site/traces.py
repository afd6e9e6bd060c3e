"""Traces that a site file names: looked at while the file is read, brought into the lab when it is made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from labkit.disks.trace import BLOCKS, Trace
from labkit.engine.errors import LabError
from labkit.engine.progress import Progress
from labkit.engine.store import Store
from labkit.engine.units import MINUTE
from labkit.engine.world import World
from labkit.site import model
from labkit.site.model import Churn, Disk, SiteFile

if TYPE_CHECKING:
    from labkit.disks.tracing import Kept

Recordings = dict[tuple[str, str], "Kept"]


def looked_at(churn: Churn, size: int) -> Churn:
    """A disk's churn with all that its trace says of itself; ``size``: bytes of the disk, 0 where it is not known.

    ``churn.write`` 0 stands for the size that the counters tell. ``LabError`` 900360-900374.
    """
    from labkit.disks.tracing import Choice, look

    trace = churn.trace
    if trace is None:
        return churn
    if trace.format:  # looked at before, perhaps for a disk of another size
        if size and trace.needed > size:
            raise LabError(900375, path=trace.file, needed=trace.needed, size=size)
        return churn
    found = look(Path(trace.file), Choice(trace.host, trace.disk, trace.skip), size, churn.write)
    known = msgspec.structs.replace(
        trace, format=found.format, zero=found.zero, length=found.length, needed=found.needed
    )
    return msgspec.structs.replace(churn, write=found.write or churn.write, trace=known)


def resolved(site: SiteFile) -> SiteFile:
    """A site in which all is known of each trace; the sizes of disks must be."""
    return model.with_disks(
        site, lambda disk: msgspec.structs.replace(disk, churn=disk.churn and looked_at(disk.churn, disk.size))
    )


def without_folders(site: SiteFile) -> SiteFile:
    """A site as a lab keeps it: of a trace, which it does not need any more, only the name."""
    return model.with_disks(site, _without_folder)


def _without_folder(disk: Disk) -> Disk:
    if disk.churn is None or disk.churn.trace is None:
        return disk
    named = msgspec.structs.replace(disk.churn.trace, file=Path(disk.churn.trace.file).name)
    return msgspec.structs.replace(disk, churn=msgspec.structs.replace(disk.churn, trace=named))


def wanted(site: SiteFile) -> list[tuple[str, str, model.Trace]]:
    """All traces of a site: VM, disk, and which; the order gives them their numbers, from 1 on."""
    return [
        (vm.name, disk.name, disk.churn.trace)
        for vm in site.vms
        for disk in vm.disks
        if disk.churn and disk.churn.trace
    ]


def file_sizes(site: SiteFile) -> int:
    """Bytes of the files of all traces, those that are used twice counted twice."""
    return sum(Path(trace.file).stat().st_size for _, _, trace in wanted(site))


def bring_in(store: Store, site: SiteFile, progress: Progress) -> Recordings:
    """Keep all traces of a resolved site in a lab file that is being filled; ``progress`` as of :func:`file_sizes`."""
    found: Recordings = {}
    before, total = 0, file_sizes(site) if wanted(site) else 0
    for number, (vm, disk, trace) in enumerate(wanted(site), 1):
        from labkit.disks.tracing import Choice, Look
        from labkit.disks.tracing import bring_in as keep

        path, choice = Path(trace.file), Choice(trace.host, trace.disk, trace.skip)
        known = Look(trace.format, trace.zero, trace.length, trace.needed)
        done = before
        found[vm, disk] = keep(store, number, path, choice, known, lambda at, done=done: progress(done + at, total))  # type: ignore[misc]
        before += path.stat().st_size
    return found


def lay(world: World, site: SiteFile, kept: Recordings) -> dict[tuple[str, str], int]:
    """Make the traces known to a new lab that has them; returns the number of each, by VM and disk."""
    numbers = {}
    for number, (vm, disk, trace) in enumerate(wanted(site), 1):
        numbers[vm, disk], rows = number, kept[vm, disk]
        period = -(-trace.length // MINUTE) * MINUTE if trace.repeat else 0
        owner, name = f"{vm}/{disk}", Path(trace.file).name
        times = (trace.format, world.now, trace.length, period)
        world.add(Trace(str(number), owner, name, *times, rows.writes, rows.total, rows.parts, rows.digest))
        details = {"writes": rows.writes, "bytes": rows.total, "length": trace.length, "digest": rows.digest}
        world.fact("trace.imported", owner, **details)
    return numbers


def is_blocks(churn: Churn) -> bool:
    """Whether a churn comes from a block trace, which says itself where and how much is written."""
    return churn.trace is not None and churn.trace.format == BLOCKS
