"""Failover to Azure: test, planned, unplanned; changing the recovery point; commit (rules 3.3, 3.4, 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.azure import compute
from labkit.disks import opening, record
from labkit.disks.record import DiskSet
from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, EVENT, OPERATOR, SKIPPED, JobRecord, Outcome
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import AZURE, TEST, Machine
from labkit.recovery import azurevms, encryption, evidence, targets
from labkit.recovery import item as items
from labkit.recovery.evidence import FailoverRecord
from labkit.recovery.item import ProtectedItem
from labkit.replication import cycles, stops
from labkit.replication import relation as replication
from labkit.replication.points import Point
from labkit.replication.relation import Relation

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def _item(world: World, job: JobRecord) -> ProtectedItem:
    return world.get(ProtectedItem, job.target)


LATEST, CONSISTENT = "latest", "application-consistent"


def point_of(relation: Relation, number: int | str | None) -> Point:
    """A recovery point by its number, the newest for ``None`` or "latest", the newest "application-consistent" one.

    900522 with the numbers there are.
    """
    if number in (None, LATEST) and relation.points:
        return relation.points[-1]
    if number == CONSISTENT:
        number = next((point.number for point in reversed(relation.points) if point.kind == CONSISTENT), number)
    for point in relation.points:
        if point.number == number:
            return point
    choices = ", ".join(str(point.number) for point in relation.points)
    raise LabError(900522, vm=relation.id, found=number or LATEST, choices=choices or "-")


# --- test failover ----------------------------------------------------------------------------------------------------


def _begin(world: World, item: ProtectedItem, scenario: str, private: RSAPrivateKey | None, **data: Any) -> JobRecord:
    """Begin the job of a failover; with encryption on it needs the certificate, or nothing is begun (rule 3.3-1)."""
    targets.require_name(item)
    secret = encryption.unlock(world, item, private)
    job = items.start(world, item, scenario, **data)
    encryption.lend(world, job, secret)
    if "then" in data:
        encryption.lend_for_later(world, job, secret)
    return job


def then(world: World, item: ProtectedItem, number: int | str | None) -> dict[str, Any]:
    """An earlier point that a failover goes on to by itself (rule 3.1-2 has two steps); nothing for the latest."""
    if number in (None, LATEST):
        return {}
    return {"then": point_of(items.relation(world, item), number).number}


def go_on_to_point(world: World, job: JobRecord, variant: str = "") -> None:
    """The second step: a failover that succeeded is changed to the point that was asked for."""
    following = None
    if job.state == jobs.SUCCEEDED and "then" in job.data:
        known = [point.number for point in world.get(Relation, job.target).points]
        number = job.data["then"] if job.data["then"] in known else min(known)
        item = _item(world, job)
        shared = {} if variant else azurevms.shared_service(world, item)
        following = items.start(world, item, "ChangePit", variant, point=number, **shared)
    encryption.pass_on(world, job, following)


def test_failover(
    world: World, item: ProtectedItem, network: str | None, number: int | str | None, private: RSAPrivateKey | None
) -> JobRecord:
    """A VM ``NAME-test`` from the replica; replication goes on and the replica stays as it is (rule 3.3-2)."""
    items.request(world, item, "TestFailover")
    if network:
        azurevms.test_network(world, network)
    point = point_of(items.relation(world, item), number)
    return _begin(world, item, "TestFailover", private, point=point.number, network=network or "")


def _disks(world: World, job: JobRecord, point: Point, name: str, side: str) -> DiskSet | None:
    """Disks for the VM to be made, from the replica at a point; None while a sealed one is still being opened.

    That goes piece by piece, each a step of its own. What does not open (900381) leaves nothing behind.
    """
    parent = items.replica(world, _item(world, job))
    if not parent.sealed:
        return record.overlay(world, parent, point.place, name, side)
    if "disks" not in job.data:
        made = record.create(world, name, side, parent.names, parent.sizes)
        job.data["disks"], job.data["piece"] = made.number, (0, 0)
    child, (disk, done) = record.set_of(world, job.data["disks"]), job.data["piece"]
    try:
        piece = opening.open_some(world, parent, point.place, child, (disk, done), encryption.lent(world, job))
    except LabError:
        _forget(world, job)
        raise
    if piece is None:
        del job.data["disks"], job.data["piece"]
        return child
    job.data["piece"] = piece
    return None


def _forget(world: World, job: JobRecord) -> None:
    """The key a job was lent, and disks it has not made a VM of."""
    encryption.forget(world, job)
    if "disks" in job.data:
        record.delete(world, record.set_of(world, job.data["disks"]))
        del job.data["disks"], job.data["piece"]


@jobs.task("TestFailover", "VmTfoPrepareTestVm")
def _make_test_vm(world: World, job: JobRecord) -> Outcome:
    item = _item(world, job)
    relation = items.relation(world, item)
    known = {point.number: point for point in relation.points}
    # The point may have been thinned out while the job was under way: then the oldest one there is follows it.
    point = known.get(job.data["point"]) or min(known.values(), key=lambda p: p.number)
    azurevms.require_room(world, job)
    source = items.source(world, item)
    disks = _disks(world, job, point, f"{item.id}-test", TEST)
    if disks is None:
        return jobs.Until(world.now)
    guests.settle(world, source, "cycle")  # what the source has until now is on its disk before it is compared
    _count(world, job, source, azurevms.make(world, job, source, disks, point), point)
    return DONE


def _count(world: World, job: JobRecord, source: Machine, target: Machine, point: Point) -> FailoverRecord:
    """What the job's VM recovers and loses; the key the job was lent is given back."""
    return evidence.take(
        world,
        operation=job.scenario,
        job=job.id,
        triggered=job.data.get("triggered", job.started),
        source=source,
        target=target,
        point=point,
        key=encryption.take(world, job),
    )


@jobs.task("TestFailover", "VmTfoBootTestVm")
def _boot_test_vm(world: World, job: JobRecord) -> Outcome:
    azurevms.start(world, world.get(Machine, f"{TEST}/{job.target}-test"))
    return DONE


@jobs.task("TestFailover", "WaitForStopTestFailover")
def _wait_for_end(world: World, job: JobRecord) -> Outcome:
    if jobs.answered(job):
        return DONE
    items.move(world, _item(world, job), "TestFailover")
    return OPERATOR


def complete_test(world: World, item: ProtectedItem, note: str) -> JobRecord:
    """The operator's "Complete test": delete all that the test made (rule 3.3-5)."""
    items.request(world, item, "TestFailoverCleanup")
    job = world.get(JobRecord, item.job)
    jobs.answer(world, job, note)
    return job


@jobs.task("TestFailover", "VmTfoDeleteTestVm")
def _delete_test_vm(world: World, job: JobRecord) -> Outcome:
    compute.delete_vm(world, world.get(Machine, f"{TEST}/{job.target}-test"))
    return DONE


@jobs.ending("TestFailover")
def _test_ended(world: World, job: JobRecord) -> None:
    _forget(world, job)
    test = world.find(Machine, f"{TEST}/{job.target}-test")
    if test is not None:
        compute.delete_vm(world, test)
    items.settle(world, job, "TestFailoverCleanup")


# --- planned ----------------------------------------------------------------------------------------------------------


def planned(
    world: World, item: ProtectedItem, private: RSAPrivateKey | None, number: int | str | None = None
) -> JobRecord:
    """Shut down, send the rest, start in Azure (rule 3.4-1); ``number``: then from an earlier recovery point."""
    items.request(world, item, "PlannedFailover")
    items.name_free(world, item)
    return _begin(world, item, "PlannedFailover", private, **then(world, item, number))


@jobs.task("TestFailover", "VmTfoPrerequisitesCheck")
@jobs.task("UnplannedFailover", "VmUfoPrerequisitesCheck")
def _check(world: World, job: JobRecord) -> Outcome:
    targets.require_slots(world, _item(world, job))
    azurevms.require_room(world, job)
    return DONE


@jobs.task("PlannedFailover", "VmPfoPrerequisitesCheck")
def _check_planned(world: World, job: JobRecord) -> Outcome:
    targets.require_slots(world, _item(world, job))
    azurevms.require_room(world, job)
    if not items.site_reachable(world):
        raise LabError(900521, vm=job.target)
    return DONE


@jobs.task("PlannedFailover", "VmShutdownVmOnPrimary")
def _shut_down(world: World, job: JobRecord) -> Outcome:
    if not items.site_reachable(world):
        raise LabError(900521, vm=job.target)
    source = items.source(world, _item(world, job))
    if source.run and not targets.shuts_down(world, job.target):
        raise LabError(900853, vm=job.target)
    guests.power_off(world, source, clean=True)
    return DONE


@jobs.task("PlannedFailover", "VmPrepareForFailover")
def _send_rest(world: World, job: JobRecord) -> Outcome:
    relation = world.get(Relation, job.target)
    stopped = items.source(world, _item(world, job)).stopped_at
    return DONE if cycles.finish(world, relation, stopped) else EVENT


@jobs.ending("PlannedFailover")
def _planned_ended(world: World, job: JobRecord) -> None:
    _forget(world, job)
    relation = world.find(Relation, job.target)
    if job.state == jobs.FAILED and relation is not None and _item(world, job).point is None:
        cycles.keep_on(world, relation)
    azurevms.settle(world, job, "PlannedFailover")
    go_on_to_point(world, job)


# --- unplanned --------------------------------------------------------------------------------------------------------


def unplanned(
    world: World,
    item: ProtectedItem,
    *,
    synchronise: bool,
    private: RSAPrivateKey | None,
    number: int | str | None = None,
    straight: int | None = None,
) -> JobRecord:
    """From the newest recovery point; with ``synchronise`` the site is shut down and asked for the rest first.

    ``number``: then changed to this point; ``straight``: from this point at once, for a recovery plan whose VMs shall
    show one instant.
    """
    items.request(world, item, "UnplannedFailover")
    items.name_free(world, item)
    chosen = then(world, item, number)
    if straight is not None:
        chosen["point"] = point_of(items.relation(world, item), straight).number
    return _begin(world, item, "UnplannedFailover", private, synchronise=int(synchronise), **chosen)


def _asks_site(world: World, job: JobRecord) -> bool:
    """The shut-down is tried; a site or guest that does not answer does not stop the failover (rule 3.5-1)."""
    return bool(job.data["synchronise"]) and items.site_reachable(world) and targets.shuts_down(world, job.target)


@jobs.task("UnplannedFailover", "VmShutdownVmOnPrimary")
def _try_shut_down(world: World, job: JobRecord) -> Outcome:
    if not _asks_site(world, job):
        return SKIPPED
    return _shut_down(world, job)


@jobs.task("UnplannedFailover", "VmPrepareForUnPlannedFailover")
def _try_send_rest(world: World, job: JobRecord) -> Outcome:
    relation, source = world.get(Relation, job.target), items.source(world, _item(world, job))
    if _asks_site(world, job) and not source.run and relation.state == replication.REPLICATING:
        if not cycles.finish(world, relation, source.stopped_at):
            return EVENT
        stops.stop(world, relation)
        return DONE
    # The source may go on (rule 3.5-3); what it has taken until now is what can be lost.
    guests.settle(world, source, "cycle")
    stops.stop(world, relation)
    return SKIPPED


@jobs.ending("UnplannedFailover")
def _unplanned_ended(world: World, job: JobRecord) -> None:
    _forget(world, job)
    relation = world.find(Relation, job.target)
    if job.state == jobs.FAILED and relation is not None and _item(world, job).point is None:
        cycles.take_up(world, relation)  # nothing has taken over: the VM is replicated as before
    azurevms.settle(world, job, "UnplannedFailover")
    go_on_to_point(world, job)


# --- the VM in Azure --------------------------------------------------------------------------------------------------


def _attach(world: World, job: JobRecord, point: Point) -> Outcome:
    """Make the Azure VM from the replica at a point, and count what it has and has not."""
    azurevms.require_room(world, job)
    item = _item(world, job)
    disks = _disks(world, job, point, item.id, AZURE)
    if disks is None:
        return jobs.Until(world.now)
    source = items.source(world, item)
    if items.relation(world, item).state != replication.STOPPED:
        stops.stop(world, items.relation(world, item))
    item.point = point
    kept = _count(world, job, source, azurevms.make(world, job, source, disks, point), point)
    item.failovers.append(kept.id)
    details = {"point": point.number, "cut": point.cut, "source": kept.source_at}
    world.fact("failover", item.id, operation=job.scenario, consistency=point.kind, **details)
    return DONE


@jobs.task("PlannedFailover", "VmFailover")
@jobs.task("UnplannedFailover", "VmFailover")
def _fail_over(world: World, job: JobRecord) -> Outcome:
    return _attach(world, job, point_of(world.get(Relation, job.target), job.data.get("point")))


@jobs.task("PlannedFailover", "VmFoStartVmOnSecondary")
@jobs.task("UnplannedFailover", "VmFoStartVmOnSecondary")
@jobs.task("ChangePit", "VmFoStartVmOnSecondary")
def _start_vm(world: World, job: JobRecord) -> Outcome:
    azurevms.start(world, world.get(Machine, f"{AZURE}/{job.target}"))
    return DONE


# --- another recovery point -------------------------------------------------------------------------------------------


def change_point(
    world: World, item: ProtectedItem, number: int | str | None, private: RSAPrivateKey | None
) -> JobRecord:
    """Start the Azure VM again from another recovery point; what it wrote is gone (rule 3.4-2)."""
    items.request(world, item, "ChangePit")
    point = point_of(items.relation(world, item), number)
    return _begin(world, item, "ChangePit", private, point=point.number, **azurevms.shared_service(world, item))


@jobs.task("ChangePit", "ShutdownVmRecovery")
def _stop_azure_vm(world: World, job: JobRecord) -> Outcome:
    machine = world.find(Machine, f"{AZURE}/{job.target}")
    if machine is not None:  # an attempt before this one may have ended between the old VM and the new one
        guests.power_off(world, machine, clean=False)
    return DONE


@jobs.task("ChangePit", "CancelFailoverRecovery")
def _undo(world: World, job: JobRecord) -> Outcome:
    machine = world.find(Machine, f"{AZURE}/{job.target}")
    if machine is not None:
        compute.delete_vm(world, machine)
    return DONE


@jobs.task("ChangePit", "VmFailover")
def _fail_over_again(world: World, job: JobRecord) -> Outcome:
    return _attach(world, job, point_of(world.get(Relation, job.target), job.data["point"]))


@jobs.ending("ChangePit")
def _changed(world: World, job: JobRecord) -> None:
    _forget(world, job)
    items.settle(world, job, "ChangePit")
