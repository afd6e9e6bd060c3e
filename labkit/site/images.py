"""Images that a site file names: looked at while the file is read, brought into the lab when it is made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from labkit.disks import record
from labkit.disks.blocks import BLOCK, ZERO
from labkit.engine import host
from labkit.engine.errors import LabError
from labkit.engine.progress import Progress
from labkit.engine.store import Store
from labkit.engine.world import Entity, World, entity
from labkit.site import model
from labkit.site.model import Disk, SiteFile

if TYPE_CHECKING:
    from labkit.disks.importing import Imported

Contents = dict[tuple[str, str], "Imported"]


class Look(NamedTuple):
    """What an image is before it is imported: bytes of its disk, and how many of them are no known zeros."""

    size: int
    held: int


@entity("image")
class ImportedDisk(Entity):
    """Where a disk's first content came from: ``id`` is ``VM/disk``, ``file`` the image's name; sizes in bytes."""

    file: str
    kind: str
    size: int
    blocks: int
    digest: str
    notes: list[str]


def look(path: Path) -> Look:
    """Open an image with all its checks; ``LabError`` 900310-900349."""
    from labkit.disks.image import open_image
    from labkit.disks.importing import held

    with open_image(path) as image:
        whole = -(-held(image) // BLOCK) * BLOCK
        return Look(image.size, min(whole, image.size))


def resolved(site: SiteFile) -> SiteFile:
    """A site in which each disk with an image has its size, and as ``used`` what the image holds."""
    return model.with_disks(site, lambda disk: _resolved(disk) if disk.image else disk)


def _resolved(disk: Disk) -> Disk:
    if disk.size and disk.used:
        return disk
    found = look(Path(disk.image or ""))
    return msgspec.structs.replace(disk, size=disk.size or found.size, used=found.held)


def without_folders(site: SiteFile) -> SiteFile:
    """A site as a lab keeps it: of an image, which it does not need any more, only the name."""
    return model.with_disks(
        site, lambda disk: msgspec.structs.replace(disk, image=Path(disk.image).name) if disk.image else disk
    )


def wanted(site: SiteFile) -> list[tuple[str, Disk]]:
    """All disks with an image, each with the name of its VM."""
    return [(vm.name, disk) for vm in site.vms for disk in vm.disks if disk.image]


def room(path: Path, site: SiteFile) -> int:
    """Bytes that all images hold; 900346 when the folder of a lab file has no room for them."""
    total = sum(disk.used for _, disk in wanted(site))
    free = host.free_bytes(path.parent)
    if total > free:
        raise LabError(900346, path=path, needed=total, free=free)
    return total


def fill(store: Store, site: SiteFile, progress: Progress) -> Contents:
    """Keep the bytes of all images of a resolved site in a lab file that is being filled.

    ``progress(done, total)``: bytes of all images. ``LabError``: 900310-900349 an image.
    """
    contents: Contents = {}
    total, before, first = sum(disk.used for _, disk in wanted(site)), 0, 1
    for vm, disk in wanted(site):
        from labkit.disks.importing import import_image

        part = _part_of(progress, before, total)
        found = import_image(store, Path(disk.image or ""), first, limit=disk.size, progress=part)
        contents[vm, disk.name] = found
        before, first = before + disk.used, first + len(found.blocks)
    return contents


def _part_of(progress: Progress, before: int, total: int) -> Progress:
    """How far all is, told by how far one of several parts is."""
    return lambda done, _: progress(min(total, before + done), total)


def lay(world: World, disks: record.DiskSet, number: int, vm: str, disk: Disk, found: Imported) -> None:
    """Give a new disk what its image holds.

    The first block of an application's disk is left empty: what the image has there is no directory of the guest's,
    which lays the disk out anew (and ``sitefile.warnings`` says so).
    """
    stamps = found.stamps(disk.size)
    if disk.application:
        stamps[0] = ZERO
    record.set_base(world, disks, number, stamps)
    name = Path(disk.image or "").name
    kept = ImportedDisk(
        f"{vm}/{disk.name}", name, found.kind, found.size, len(found.blocks), found.digest(disk.size), found.notes
    )
    world.add(kept)
    world.fact("disk.imported", kept.id, size=found.size, blocks=kept.blocks, digest=kept.digest)


def notes(world: World) -> list[str]:
    """What was noticed while the images were read, such as a log that was replayed."""
    return [note for kept in world.all(ImportedDisk) for note in kept.notes]
