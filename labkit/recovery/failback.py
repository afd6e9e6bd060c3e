"""Failback from Azure to the site, and reverse replication (rules 3.6-1 to 3.6-5, F-8, F-9).

Replication turns round: the Azure VM's disks are compared with the site's, what differs crosses the line and is laid
over the site's disks. With "synchronise before" the Azure VM runs meanwhile and the operator gives the word for the
short switch; with "synchronise during" it is shut down first.
"""

from __future__ import annotations

from labkit.azure import compute
from labkit.disks import record
from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, EVENT, OPERATOR, SKIPPED, JobRecord, Outcome
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import AZURE, Machine
from labkit.recovery import console, evidence, guestremote, protection, states
from labkit.recovery import item as items
from labkit.recovery.commit import COMMITTED
from labkit.recovery.evidence import FailoverRecord
from labkit.recovery.item import ProtectedItem
from labkit.replication import cycles, initial, line, stops
from labkit.replication import relation as replication
from labkit.replication.relation import Relation
from labkit.site import inventory, vms

BEFORE, DURING = "before", "during"


def start(world: World, item: ProtectedItem, synchronise: str) -> JobRecord:
    """Begin a failback; ``synchronise``: "before" (least downtime) or "during" (least data), else 900523."""
    if synchronise not in (BEFORE, DURING):
        raise LabError(900523, found=synchronise, choices=f"{BEFORE}, {DURING}")
    items.request(world, item, "Failback")
    if item.gone and synchronise == BEFORE:
        raise LabError(900899, vm=item.id)
    return items.start(world, item, "Failback", synchronise=synchronise)


def _parts(world: World, job: JobRecord) -> tuple[ProtectedItem, Machine, Machine]:
    item = world.get(ProtectedItem, job.target)
    return item, items.source(world, item), world.get(Machine, f"{AZURE}/{item.id}")


@jobs.task("Failback", "RpSrsPrerequisitesCheck")
def _check(world: World, job: JobRecord) -> Outcome:
    if not items.site_reachable(world):
        raise LabError(900521, vm=job.target)
    return DONE


@jobs.task("Failback", "PrepareVmOnPremForFailback")
def _prepare(world: World, job: JobRecord) -> Outcome:
    # Whatever a site's VM wrote after an unplanned failover is lost here (rule 3.5-3).
    item, site, _ = _parts(world, job)
    guests.power_off(world, site, clean=True)
    last = world.get(FailoverRecord, item.failovers[-1])
    job.data["discarded"] = console.since(world, site, last.source_at)
    return DONE


def _turn_round(world: World, job: JobRecord) -> Relation:
    item, site, azure = _parts(world, job)
    up = items.relation(world, item)
    disks = guests.disks_of(world, site)
    down = Relation(
        id=f"failback/{item.id}",
        machine=azure.id,
        source=azure.disks,
        replica=site.disks,
        direction=line.DOWN,
        frequency=up.frequency,
        retention=0,
        compared=record.now_place(disks, world.now),
    )
    world.add(down)
    initial.start(world, down)
    return down


@jobs.task("Failback", "DataSyncAllActionGroup")
def _synchronise(world: World, job: JobRecord) -> Outcome:
    if job.data["synchronise"] != BEFORE:
        return SKIPPED
    down = world.find(Relation, f"failback/{job.target}") or _turn_round(world, job)
    if not initial.complete(world, down):
        return EVENT
    cycles.begin(world, down)
    return DONE


@jobs.task("Failback", "WaitForUserInputForFailback")
def _wait_for_word(world: World, job: JobRecord) -> Outcome:
    if job.data["synchronise"] != BEFORE:
        return SKIPPED
    item = world.get(ProtectedItem, job.target)
    if jobs.answered(job):
        return DONE
    job.data["committed_as"] = item.state
    item.state = states.FAILBACK_WAITING
    world.fact("item.state", item.id, state=item.state, operation="Failback")
    return OPERATOR


def complete(world: World, item: ProtectedItem, note: str) -> JobRecord:
    """The operator's word for the switch ("Complete Failover")."""
    items.request(world, item, "CompleteFailover")
    job = world.get(JobRecord, item.job)
    jobs.answer(world, job, note)
    return job


@jobs.task("Failback", "ShutdownAllActionGroup")
def _shut_down(world: World, job: JobRecord) -> Outcome:
    if not items.site_reachable(world):
        return EVENT  # the Azure VM goes on until there is somewhere to go
    guests.power_off(world, _parts(world, job)[2], clean=True)
    return DONE


@jobs.task("Failback", "FailoverAllActionGroup")
def _switch(world: World, job: JobRecord) -> Outcome:
    item, site, azure = _parts(world, job)
    if not items.site_reachable(world):
        return EVENT
    down = world.find(Relation, f"failback/{item.id}") or _turn_round(world, job)
    if not initial.complete(world, down):
        return EVENT
    if down.state == replication.INITIAL:
        down.state, down.swapped, down.cut = replication.REPLICATING, down.snapshot, down.snapshot
    if not cycles.finish(world, down, azure.stopped_at):
        return EVENT
    _keep_evidence(world, job, site, azure)
    guestremote.inherit(world, site, azure)
    stops.remove(world, down)
    vms.get(world, item.id).gone = False  # one that was lost is made anew by all this
    return DONE


def _keep_evidence(world: World, job: JobRecord, site: Machine, azure: Machine) -> None:
    """Compare both sides once more, each folded from its own record, before the site's guest starts."""
    ours, theirs = guests.disks_of(world, azure), guests.disks_of(world, site)
    places = record.now_place(ours, world.now), record.now_place(theirs, world.now)
    number = world.next("failover")
    kept = FailoverRecord(
        id=f"failover-{number:04d}",
        vm=site.name,
        operation="Failback",
        job=job.id,
        triggered=job.data.get("triggered", job.started),
        at=world.now,
        source_at=azure.stopped_at,
        point=0,
        kind=job.data["synchronise"],
        cut=azure.stopped_at,
        machine=site.id,
        integrity=evidence.integrity(world, ours, places[0], theirs, places[1]),
        lost=evidence.lost(world, azure, azure.stopped_at, theirs, places[1], azure.stopped_at),
        discarded=int(job.data.get("discarded", 0)),
    )
    world.add(kept)
    world.get(ProtectedItem, job.target).failovers.append(kept.id)
    world.fact("failback", site.name, synchronise=kept.kind, stopped=azure.stopped_at)


@jobs.task("Failback", "BootGroup1ActionGroup")
def _boot(world: World, job: JobRecord) -> Outcome:
    if inventory.state(world).dark:
        return EVENT
    machine = _parts(world, job)[1]
    if not machine.run:
        guests.power_on(world, machine)
    return DONE


@jobs.ending("Failback")
def _ended(world: World, job: JobRecord) -> None:
    operation = "CompleteFailover" if job.data["synchronise"] == BEFORE else "Failback"
    item = world.get(ProtectedItem, job.target)
    if job.state == jobs.FAILED and "committed_as" in job.data:
        item.state = job.data["committed_as"]
    items.settle(world, job, operation)


def _commit(world: World, item: ProtectedItem, before: str) -> None:
    """The commit of a failback: Azure's VM goes, replication to Azure starts anew (rules 3.6-3 to 3.6-5)."""
    if before != states.FAILBACK_PENDING:
        return
    compute.delete_vm(world, world.get(Machine, f"{AZURE}/{item.id}"))
    stops.remove(world, items.relation(world, item))
    protection.drop_replica(world, item)
    item.point, item.gone = None, False
    protection.protect_anew(world, item)


COMMITTED.append(_commit)


def reverse(world: World, item: ProtectedItem) -> JobRecord:
    """ "Reverse replicate": ends the wait after a failback; replication runs already (rule 3.6-4)."""
    items.request(world, item, "ReverseReplicate")
    return items.start(world, item, "ReprotectReplicationGroup")


@jobs.ending("ReprotectReplicationGroup")
def _reversed(world: World, job: JobRecord) -> None:
    items.settle(world, job, "ReverseReplicate")
    protection.ready(world, world.get(ProtectedItem, job.target))
