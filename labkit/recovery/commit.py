"""Commit: a failover or failback becomes final (rules 3.4-2, 3.5-2, 3.6-3)."""

from __future__ import annotations

from collections.abc import Callable

from labkit.disks import record
from labkit.engine import jobs
from labkit.engine.jobs import DONE, JobRecord, Outcome
from labkit.engine.world import World
from labkit.recovery import azurevms, states
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem


def commit(world: World, item: ProtectedItem) -> JobRecord:
    """Make a failover final: the recovery points are merged, none can be chosen any more (rule 3.4-2)."""
    items.request(world, item, "Commit")
    azurevms.require_working(world, item)
    return items.start(world, item, "CommitFailover")


@jobs.task("CommitFailover", "VmCommit")
def _merge(world: World, job: JobRecord) -> Outcome:
    item = world.get(ProtectedItem, job.target)
    if item.state not in (states.PLANNED_PENDING, states.UNPLANNED_PENDING):
        return DONE
    relation, used = items.relation(world, item), item.point
    assert used is not None
    relation.points = [used]
    relation.cut = used.cut
    replica = items.replica(world, item)
    if replica.sealed:  # Azure cannot fold it; what follows the point is cut off
        record.cut_off(world, replica, used.place)
    else:
        record.rebase(world, replica, used.place)
    return DONE


# What else happens at the commit of an item in a state: failback adds its own end.
COMMITTED: list[Callable[[World, ProtectedItem, str], None]] = []


@jobs.ending("CommitFailover")
def _committed(world: World, job: JobRecord) -> None:
    before = world.get(ProtectedItem, job.target).state
    items.settle(world, job, "Commit")
    if job.state == jobs.SUCCEEDED:
        for after in COMMITTED:
            after(world, world.get(ProtectedItem, job.target), before)
