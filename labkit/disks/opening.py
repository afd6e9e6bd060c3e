"""Opening a sealed set: its content for a VM in Azure, piece by piece; and what it need not keep any more."""

from __future__ import annotations

from labkit.disks import bodies, record, streams
from labkit.disks.blocks import REAL
from labkit.disks.record import DiskSet, Place
from labkit.disks.sealing import Key
from labkit.engine.world import World

_OPENED = 512  # real blocks opened at a time: 32 MiB


def open_some(
    world: World, parent: DiskSet, place: Place, child: DiskSet, piece: tuple[int, int], key: Key | None
) -> tuple[int, int] | None:
    """Give ``child`` the content of a sealed set at a place, a piece at a time; not sealed any more, and on its own.

    ``piece``: the disk, and how many of its real blocks are done; the answer is the next one, None when all is done.
    900380 without the key, 900381 for what does not open.
    """
    disk, done = piece
    then = record.frozen(world, parent, disk, place, key)
    real = then.real_blocks()
    if not done:
        stamps = then.stamps.copy()
        stamps[real] = 0
        record.set_base(world, child, disk, stamps)
    blocks = real[done : done + _OPENED]
    if len(blocks):
        stamps = then.stamps[blocks]
        for number, stamp in enumerate(stamps.tolist()):
            stamps[number] = streams.store_bytes(world, then.stored(stamp))
        record.append_blocks(world, child, disk, blocks, stamps)
    if done + len(blocks) < len(real):
        return disk, done + len(blocks)
    return (disk + 1, 0) if disk + 1 < len(parent.sizes) else None


def drop_contents(world: World, disks: DiskSet, key: Key | None) -> None:
    """Drop the contents of a sealed set that neither its base nor its record names any more."""
    for stamp in bodies.contents_of(world.cargo, disks.number) - record.stored_stamps(world, disks, key):
        world.cargo.drop((disks.number, stamp & ~REAL, 1))
