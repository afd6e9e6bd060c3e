"""The change log on the host: how large it is while it cannot be sent, and when it is too large (facts.md 1.1, 1.8).

The log itself is not kept: what a guest wrote is a function of its stream and of time. Its size is every byte written
since the newest log wholly applied, repeats included: what is under way is held until it has arrived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.disks import record, streams
from labkit.disks.record import SPAN, DiskSet
from labkit.engine import resources
from labkit.engine.world import World

if TYPE_CHECKING:
    from labkit.replication.relation import Relation


def limit(disks: DiskSet) -> int:
    """Bytes all logs of a VM may have together: 50 % of the size of its disks (facts.md 1.8)."""
    return sum(disks.sizes) * int(resources.yaml("replication.yml")["log_limit_percent"]) // 100


def size(world: World, relation: Relation) -> int:
    """Bytes of all logs of a relation before this instant; what was counted already is not counted again."""
    cut = relation.cut
    since, upto, counted = relation.logged if relation.logged and relation.logged[0] == cut else (cut, cut, 0)
    # A guest may still write at this very instant: that is counted the next time.
    before = world.now - 1
    counted += written(world, record.set_of(world, relation.source), upto, before)
    relation.logged = [since, max(upto, before), counted]
    return counted


def overflows(world: World, relation: Relation) -> bool:
    """Whether the logs are larger than the limit."""
    return size(world, relation) > limit(record.set_of(world, relation.source))


def written(world: World, disks: DiskSet, after: int, upto: int) -> int:
    """Bytes written into a live set in ``(after, upto]``, repeats included."""
    found = 0
    for segment in disks.segments:
        if segment.kind == SPAN and segment.upto > after and segment.after < upto:
            run = streams.run_of(world, segment.run)
            found += streams.bytes_written(world, run, max(after, segment.after), min(upto, segment.upto))
    return found
