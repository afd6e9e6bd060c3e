"""The change log on the host: how large it is while it cannot be sent, and when it is too large (facts.md 1.1, 1.8).

The log itself is not kept: what a guest wrote is a function of its stream and of time. Its size is every byte written
since the newest log wholly applied, repeats included: what is under way is held until it has arrived.
"""

from __future__ import annotations

from labkit.disks import streams
from labkit.disks.record import SPAN, DiskSet
from labkit.engine import resources
from labkit.engine.world import World


def limit(disks: DiskSet) -> int:
    """Bytes all logs of a VM may have together: 50 % of the size of its disks (facts.md 1.8)."""
    return sum(disks.sizes) * int(resources.yaml("replication.yml")["log_limit_percent"]) // 100


def count(world: World, disks: DiskSet, cut: int, counted: list[int]) -> list[int]:
    """Bytes of all logs since ``cut``, before this instant, as ``[cut, counted up to, bytes]``.

    ``counted`` is the answer of the last time, or empty: what it has is not counted again.
    """
    since, upto, found = counted if counted and counted[0] == cut else (cut, cut, 0)
    # A guest may still write at this very instant: that is counted the next time.
    before = world.now - 1
    return [since, max(upto, before), found + written(world, disks, upto, before)]


def written(world: World, disks: DiskSet, after: int, upto: int) -> int:
    """Bytes written into a live set in ``(after, upto]``, repeats included."""
    found = 0
    for segment in disks.segments:
        if segment.kind == SPAN and segment.upto > after and segment.after < upto:
            run = streams.run_of(world, segment.run)
            found += streams.bytes_written(world, run, max(after, segment.after), min(upto, segment.upto))
    return found
