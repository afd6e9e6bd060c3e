"""How the bodies of a set of disks lie in the file: compressed and, in a sealed set, sealed each at its place.

Shelves: ``chunks`` (set, disk, chunk): the base; ``cargo`` (set, segment, 0): what a segment laid over the disks;
``cargo`` (set, number, 1): in a sealed set, the content of the real block with that number, a copy of its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from labkit.disks import streams
from labkit.disks.blocks import REAL
from labkit.disks.sealing import Key
from labkit.engine.errors import LabError
from labkit.engine.shelf import Shelf
from labkit.engine.world import World

if TYPE_CHECKING:
    from labkit.disks.record import DiskSet

Content = Callable[[int], bytes]


def pack(disks: DiskSet, shelf: str, k2: int, k3: int, raw: bytes, key: Key | None) -> bytes:
    """A body as it is stored; 900380 for a sealed set without its key."""
    body = zlib.compress(raw, 1)
    return needed(disks, key).seal(_place(disks, shelf, k2, k3), body) if disks.sealed else body


def unpack(disks: DiskSet, shelf: str, k2: int, k3: int, body: bytes, key: Key | None) -> bytes:
    """What :func:`pack` was given; 900380 for a sealed set without its key, 900381 with a wrong one."""
    if disks.sealed:
        body = needed(disks, key).unseal(_place(disks, shelf, k2, k3), body)
    return zlib.decompress(body)


def needed(disks: DiskSet, key: Key | None) -> Key:
    """The key of a sealed set, or 900380."""
    if key is None:
        raise LabError(900380, vm=disks.machine, cloud=disks.sealed)
    return key


def _place(disks: DiskSet, shelf: str, k2: int, k3: int) -> str:
    return f"{shelf}/{disks.number}/{k2}/{k3}"


# --- the log of a sealed set ------------------------------------------------------------------------------------------


class LogPart(msgspec.Struct, array_like=True):
    """What one run wrote in ``(after, upto]``: derived writes by that span, explicit ones of ``disk`` by block."""

    run: int
    after: int
    upto: int
    disk: int
    blocks: list[int]
    stamps: list[int]


def log(world: World, disks: DiskSet, spans: list[tuple[int, int, int]], key: Key | None) -> bytes:
    """The body of a log, ``(run, after, upto)`` by ``(run, after, upto)``; the set gets the contents as its own."""
    parts = []
    for number, after, upto in spans:
        run = streams.run_of(world, number)
        entries = streams.explicit_in(world, run, after, upto)
        blocks: list[int] = []
        stamps: list[int] = []
        if entries:
            written = streams.merge(entries)
            blocks, stamps = written.blocks.tolist(), written.stamps.tolist()
            keep_contents(world, disks, stamps, streams.reader(world), key)
        parts.append(LogPart(number, after, upto, run.application, blocks, stamps))
    return msgspec.msgpack.encode(parts)


def log_parts(body: bytes) -> list[LogPart]:
    """What :func:`log` made."""
    return msgspec.msgpack.decode(body, type=list[LogPart])


# --- contents of a sealed set -----------------------------------------------------------------------------------------


def keep_contents(world: World, disks: DiskSet, stamps: list[int], content: Content, key: Key | None) -> None:
    """Let a sealed set have the content of real blocks as its own; what it has already is not stored again."""
    for number in dict.fromkeys(stamp & ~REAL for stamp in stamps if stamp & REAL):
        if world.cargo.get((disks.number, number, 1)) is None:
            body = pack(disks, "content", number, 1, content(number | REAL), key)
            world.cargo.put((disks.number, number, 1), body)


def reader(world: World, disks: DiskSet, parents: Callable[[DiskSet], DiskSet | None], key: Key | None) -> Content:
    """What gives the bytes of a set's real blocks: the lab's own store, or a sealed set's copies."""
    if not disks.sealed:
        return streams.reader(world)
    needed(disks, key)

    def content(stamp: int) -> bytes:
        holder: DiskSet | None = disks
        while holder is not None:
            body = world.cargo.get((holder.number, stamp & ~REAL, 1))
            if body is not None:
                return unpack(holder, "content", stamp & ~REAL, 1, body, key)
            holder = parents(holder)
        raise LookupError(f"disks {disks.number} have no bytes under {stamp:#x}")

    return content


def contents_of(shelf: Shelf, number: int) -> set[int]:
    """Stamps of the real blocks whose content a sealed set has."""
    return {key[1] | REAL for key in shelf.keys(number) if key[2] == 1}
