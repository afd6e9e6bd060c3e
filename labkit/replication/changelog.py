"""The change log on the host: how large it is while it cannot be sent, and when it is too large (facts.md 1.1, 1.8).

The log itself is not kept: what a guest wrote is a function of its stream and of time. Its size is every byte written
since the newest log wholly applied, repeats included: what is under way is held until it has arrived.
"""

from __future__ import annotations

from labkit.disks import streams
from labkit.disks.record import SPAN, DiskSet
from labkit.engine import resources
from labkit.engine.world import World

Span = tuple[int, int, int]  # run, after, upto


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


# --- what a log holds -------------------------------------------------------------------------------------------------


def spans(world: World, disks: DiskSet, after: int, upto: int) -> list[Span]:
    """What was written into a live set in ``(after, upto]``, run by run."""
    if not disks.segments:
        return []  # nobody has written since the base was moved up
    last = disks.segments[-1]
    if last.kind == SPAN and last.after <= after:
        return [(last.run, after, min(upto, last.upto))] if last.upto > after else []
    found = []
    for segment in disks.segments:
        if segment.kind == SPAN and segment.upto > after and segment.after < upto:
            found.append((segment.run, max(after, segment.after), min(upto, segment.upto)))
    return found


def pages(world: World, disks: DiskSet, after: int, upto: int) -> int:
    """Distinct 4 KiB pages written in ``(after, upto]``."""
    newest = disks.segments[-1] if disks.segments else None
    if newest is not None and newest.kind == SPAN and newest.after <= after < newest.upto:  # nearly always
        return streams.pages_written(world, streams.run_of(world, newest.run), after, min(upto, newest.upto))
    total = 0
    for run, first, last in spans(world, disks, after, upto):
        total += streams.pages_written(world, streams.run_of(world, run), first, last)
    return total
