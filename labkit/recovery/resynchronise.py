"""The vault's job that starts a resynchronisation, and giving one up (facts.md 1.8, 2.6)."""

from __future__ import annotations

from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, JobRecord, Outcome
from labkit.engine.world import World
from labkit.recovery import item as items
from labkit.recovery import vault
from labkit.recovery.item import ProtectedItem
from labkit.replication import resync
from labkit.replication.relation import RESYNC, Relation


def start(world: World, item: ProtectedItem) -> JobRecord:
    """Start "Resynchronize the virtual machine"; the comparison goes on after the job."""
    items.request(world, item, "Resynchronize")
    return items.start(world, item, "RepairVMReplication")


@jobs.task("RepairVMReplication", "RepairVmReplicationTask")
def _begin(world: World, job: JobRecord) -> Outcome:
    relation = world.get(Relation, job.target)
    if not items.site_reachable(world, *vault.managers(world, world.get(ProtectedItem, job.target).cloud)):
        raise LabError(900525, what=job.target)
    if relation.state == RESYNC:  # it may have begun by itself meanwhile
        resync.start(world, relation)
    return DONE


@jobs.ending("RepairVMReplication")
def _ended(world: World, job: JobRecord) -> None:
    world.get(ProtectedItem, job.target).job = ""


def cancel(world: World, item: ProtectedItem) -> None:
    """Give a resynchronisation up; it starts over in the hours set aside for it, or at a click."""
    items.request(world, item, "CancelResynchronize")
    resync.cancel(world, world.get(Relation, item.id))
