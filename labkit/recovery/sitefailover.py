"""Failover of a VM of a cloud that is protected to another cloud (rules 1.2-3, 1.2-4, 1.2-8; facts.md section 6).

The jobs are those of the vault; the switch itself is the one of Hyper-V Replica (``hostfailover``), the start after it
a task of its own, where a recovery plan can hold the job. A planned failover
turns replication round by itself, an unplanned one leaves the VM unprotected until it is reversed. Either side can be
the active one: the same operations lead there and back.
"""

from __future__ import annotations

from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, EVENT, OPERATOR, SKIPPED, JobRecord, Outcome
from labkit.engine.names import unknown
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import SITE, Machine
from labkit.recovery import failover, hostfailover, hostreplica, protection, states
from labkit.recovery import item as items
from labkit.recovery.hostreplica import ENABLED, PREPARING, WAITING, HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vault import Cloud
from labkit.replication import cycles, line, stops
from labkit.replication.line import Line
from labkit.replication.relation import REPLICATING, Relation
from labkit.site import clouds, fabric, inventory
from labkit.site.servers import Server

VARIANT = "site"
NONE, CREATE = "", "automatic"


def _replica(world: World, job: JobRecord) -> HostReplica:
    return world.get(HostReplica, job.target)


def _item(world: World, job: JobRecord) -> ProtectedItem:
    return world.get(ProtectedItem, job.target)


def reachable(world: World, replica: HostReplica, side: str) -> bool:
    """Whether the vault reaches a side's hosts: the first site has power, the other site's host runs."""
    if side == SITE:
        return not inventory.state(world).dark
    return world.get(Server, replica.host).running


def managed(world: World, replica: HostReplica, side: str) -> bool:
    """Whether VMM of a side can be reached, and its hosts."""
    item = world.get(ProtectedItem, replica.id)
    cloud = world.find(Cloud, item.cloud if side == SITE else item.to)
    return reachable(world, replica, side) and cloud is not None and items.site_reachable(world, cloud.server)


def require_sides(world: World, replica: HostReplica, *sides: str) -> None:
    """Refuse what needs sides that are not all reached (900521)."""
    if not all(managed(world, replica, side) for side in sides):
        raise LabError(900521, vm=replica.id)


def connected(world: World) -> bool:
    """Whether the line between the sites stands; one plug is for both directions."""
    return world.get(Line, line.LAN).connected


def require_planned(world: World, replica: HostReplica) -> None:
    """Refuse to shut a VM down whose rest could not be sent: 900521 a side is not reached, 900949 the line is lost."""
    require_sides(world, replica, SITE, hostreplica.REPLICA)
    if not connected(world):
        raise LabError(900949, vm=replica.id)


def _ended(world: World, job: JobRecord, operation: str) -> None:
    items.settle(world, job, operation)
    found = world.find(Relation, job.target)
    item = world.find(ProtectedItem, job.target)
    if item is not None and found is not None:
        item.replica = found.replica  # turned round, the other set of disks is the replica
        protection.finalize(world, item)


def _start(world: World, job: JobRecord, side: str, name: str) -> Outcome:
    """Start the machine ``name`` at a side; one that runs already has been started by somebody else."""
    require_sides(world, _replica(world, job), side)
    machine = world.get(Machine, name)
    if not machine.run:
        guests.power_on(world, machine)
    return DONE


# --- test (rule 1.2-8) ------------------------------------------------------------------------------------------------


def test_failover(world: World, item: ProtectedItem, network: str | None, number: int | str | None) -> JobRecord:
    """A test VM on the replica's host: with no network (None), one that is there, or "automatic", made for the test."""
    items.request(world, item, "TestFailover")
    replica = world.get(HostReplica, item.id)
    wanted = network or NONE
    if wanted not in (NONE, CREATE):
        known = fabric.networks(world, clouds.get(world, item.to).server)
        if wanted not in known:
            raise unknown("logical network", wanted, (CREATE, *known))
    point = failover.point_of(world.get(Relation, replica.id), number)
    return items.start(world, item, "TestFailover", VARIANT, network=wanted, point=point.number)


@jobs.task("TestFailover/site", "VmTfoPrerequisitesCheck")
def _check_test(world: World, job: JobRecord) -> Outcome:
    replica = _replica(world, job)
    require_sides(world, replica, hostreplica.other(replica))
    return DONE


@jobs.task("TestFailover/site", "VmTfoPrepareTestVm")
def _make_test_vm(world: World, job: JobRecord) -> Outcome:
    replica = _replica(world, job)
    known = {point.number: point for point in world.get(Relation, replica.id).points}
    number = job.data["point"] if job.data["point"] in known else min(known)
    hostfailover.test_failover(world, replica, number)
    if job.data["network"] == CREATE:
        world.fact("test.network", replica.id, made=1)
    return DONE


@jobs.task("TestFailover/site", "VmTfoBootTestVm")
def _boot_test_vm(world: World, job: JobRecord) -> Outcome:
    return _start(world, job, hostreplica.other(_replica(world, job)), f"{hostreplica.TEST}/{job.target}")


@jobs.task("TestFailover/site", "WaitForStopTestFailover")
def _wait_for_end(world: World, job: JobRecord) -> Outcome:
    if jobs.answered(job):
        return DONE
    items.move(world, _item(world, job), "TestFailover")
    return OPERATOR


@jobs.task("TestFailover/site", "VmTfoDeleteTestVm")
def _delete_test_vm(world: World, job: JobRecord) -> Outcome:
    if _replica(world, job).test:
        hostfailover.end_test(world, _replica(world, job))
    if job.data["network"] == CREATE:
        world.fact("test.network", job.target, made=0)
    return DONE


@jobs.ending("TestFailover/site")
def _test_ended(world: World, job: JobRecord) -> None:
    replica = world.find(HostReplica, job.target)
    if job.state == jobs.FAILED and replica is not None and replica.test:
        hostfailover.end_test(world, replica)
    _ended(world, job, "TestFailoverCleanup")


# --- planned ----------------------------------------------------------------------------------------------------------


def planned(world: World, item: ProtectedItem) -> JobRecord:
    """Shut down, send the rest, start on the other side; replication turns round by itself (rule 1.2-4)."""
    items.request(world, item, "PlannedFailover")
    return items.start(world, item, "PlannedFailover", VARIANT)


@jobs.task("PlannedFailover/site", "VmPfoPrerequisitesCheck")
def _check_planned(world: World, job: JobRecord) -> Outcome:
    require_planned(world, _replica(world, job))
    return DONE


@jobs.task("PlannedFailover/site", "VmShutdownVmOnPrimary")
def _shut_down(world: World, job: JobRecord) -> Outcome:
    replica = _replica(world, job)
    require_planned(world, replica)
    guests.power_off(world, hostreplica.active(world, replica), clean=True)
    return DONE


@jobs.task("PlannedFailover/site", "VmPrepareForFailover")
def _send_rest(world: World, job: JobRecord) -> Outcome:
    """The rest is sent and the other side takes over, whenever the last log arrives."""
    replica = _replica(world, job)
    if "prepared" not in job.data:
        hostfailover.planned(world, replica)
        job.data["prepared"] = 1
    if replica.state == PREPARING:
        return EVENT
    if replica.state == ENABLED:
        raise LabError(900546, vm=job.target)
    return DONE


@jobs.task("PlannedFailover/site", "VmFoStartVmOnSecondary")
def _start_vm(world: World, job: JobRecord) -> Outcome:
    side = _replica(world, job).active
    return _start(world, job, side, f"{side}/{job.target}")


@jobs.ending("PlannedFailover/site")
def _planned_ended(world: World, job: JobRecord) -> None:
    replica = world.find(HostReplica, job.target)
    if job.state == jobs.FAILED and replica is not None:
        if replica.state == PREPARING:
            hostfailover.cancel_planned(world, replica)
        elif replica.state == ENABLED and not hostreplica.active(world, replica).run:
            cycles.keep_on(world, world.get(Relation, replica.id))
        elif replica.state == hostreplica.INITIALISING:  # it has been turned round; only the start failed
            items.move(world, _item(world, job), "PlannedFailover")
    _ended(world, job, "PlannedFailover")


# --- unplanned --------------------------------------------------------------------------------------------------------


def unplanned(
    world: World,
    item: ProtectedItem,
    *,
    synchronise: bool,
    number: int | str | None = None,
    straight: int | None = None,
) -> JobRecord:
    """Start the other side's VM from the newest point; ``synchronise`` first tries to shut down and send the rest.

    ``number``: then changed to this point; ``straight``: from this point at once.
    """
    items.request(world, item, "UnplannedFailover")
    chosen = failover.then(world, item, number)
    if straight is not None:
        relation = world.get(Relation, item.id)
        chosen["point"] = failover.point_of(relation, straight).number
        stops.halt(world, relation)  # another cycle could thin the point out
        stops.stop(world, relation)
    return items.start(world, item, "UnplannedFailover", VARIANT, synchronise=int(synchronise), **chosen)


def _asks(world: World, job: JobRecord) -> bool:
    replica = _replica(world, job)
    return bool(job.data["synchronise"]) and connected(world) and managed(world, replica, replica.active)


@jobs.task("UnplannedFailover/site", "VmUfoPrerequisitesCheck")
def _check_unplanned(world: World, job: JobRecord) -> Outcome:
    replica = _replica(world, job)
    require_sides(world, replica, hostreplica.other(replica))
    return DONE


@jobs.task("UnplannedFailover/site", "VmShutdownVmOnPrimary")
def _try_shut_down(world: World, job: JobRecord) -> Outcome:
    if not _asks(world, job):
        return SKIPPED
    guests.power_off(world, hostreplica.active(world, _replica(world, job)), clean=True)
    return DONE


@jobs.task("UnplannedFailover/site", "VmPrepareForUnPlannedFailover")
def _try_send_rest(world: World, job: JobRecord) -> Outcome:
    replica, relation = _replica(world, job), world.get(Relation, job.target)
    source = hostreplica.active(world, replica)
    if not _asks(world, job) or source.run or relation.state != REPLICATING:
        return SKIPPED
    return DONE if cycles.finish(world, relation, source.stopped_at) else EVENT


@jobs.task("UnplannedFailover/site", "VmFailover")
def _fail_over(world: World, job: JobRecord) -> Outcome:
    hostfailover.unplanned(world, _replica(world, job), job.data.get("point"), beside=True)
    return DONE


@jobs.task("UnplannedFailover/site", "VmFoStartVmOnSecondary")
@jobs.task("ChangePit/site", "VmFoStartVmOnSecondary")
def _start_failed_over(world: World, job: JobRecord) -> Outcome:
    side = hostreplica.other(_replica(world, job))  # the active side changes with the commit
    return _start(world, job, side, f"{side}/{job.target}")


@jobs.ending("UnplannedFailover/site")
def _unplanned_ended(world: World, job: JobRecord) -> None:
    replica = world.find(HostReplica, job.target)
    relation = world.find(Relation, job.target)
    if job.state == jobs.FAILED and replica is not None and replica.state == ENABLED and relation is not None:
        cycles.take_up(world, relation)  # stopped for a point that was chosen
        cycles.keep_on(world, relation)  # the rest was sent, and no cycle was due any more
    if job.state == jobs.FAILED and replica is not None and replica.state == WAITING:  # only the start failed
        items.move(world, _item(world, job), "UnplannedFailover")
    items.settle(world, job, "UnplannedFailover")
    failover.go_on_to_point(world, job, VARIANT)


# --- another point, commit, and turning round -------------------------------------------------------------------------


def change_point(world: World, item: ProtectedItem, number: int | str | None) -> JobRecord:
    """Start the failed-over VM again from another recovery point, before commit."""
    items.request(world, item, "ChangePit")
    point = failover.point_of(world.get(Relation, item.id), number)
    return items.start(world, item, "ChangePit", VARIANT, point=point.number)


@jobs.task("ChangePit/site", "VmFailover")
def _fail_over_again(world: World, job: JobRecord) -> Outcome:
    replica = _replica(world, job)
    require_sides(world, replica, hostreplica.other(replica))
    hostfailover.change_point(world, replica, job.data["point"])
    return DONE


@jobs.ending("ChangePit/site")
def _changed(world: World, job: JobRecord) -> None:
    items.settle(world, job, "ChangePit")


def commit(world: World, item: ProtectedItem) -> JobRecord:
    """Make the failover final; the VM is not replicated until it is reversed."""
    items.request(world, item, "Commit")
    return items.start(world, item, "CommitFailover", VARIANT)


@jobs.task("CommitFailover/site", "VmCommit")
@jobs.task("ReprotectReplicationGroup/site", "VmCommit")
def _merge(world: World, job: JobRecord) -> Outcome:
    replica = _replica(world, job)
    if replica.state != WAITING:
        return SKIPPED
    hostfailover.complete(world, replica)
    _item(world, job).replica = 0  # nothing is replicated until it is reversed
    return DONE


@jobs.ending("CommitFailover/site")
def _committed(world: World, job: JobRecord) -> None:
    items.settle(world, job, "Commit")


def reverse(world: World, item: ProtectedItem) -> JobRecord:
    """Replicate the other way after an unplanned failover; what the old side wrote meanwhile is lost (rule 3.5-3)."""
    items.request(world, item, "ReverseReplicate")
    return items.start(world, item, "ReprotectReplicationGroup", VARIANT)


@jobs.task("ReprotectReplicationGroup/site", "VmReverseReplicationPrerequisitesCheck")
def _check_reverse(world: World, job: JobRecord) -> Outcome:
    """Both sides answer, and the line between them stands (20011: no connection to the other host)."""
    replica = _replica(world, job)
    require_sides(world, replica, SITE, hostreplica.REPLICA)
    if not connected(world):
        raise LabError(20011, vm=job.target, host=replica.host)
    return DONE


@jobs.task("ReprotectReplicationGroup/site", "VmShutdownVmOnSecondary")
def _shut_old(world: World, job: JobRecord) -> Outcome:
    old = hostreplica.standby(world, _replica(world, job))
    if not old.run:
        return SKIPPED
    guests.power_off(world, old, clean=True)
    return DONE


@jobs.task("ReprotectReplicationGroup/site", "VmStartInitialReplication")
def _turn(world: World, job: JobRecord) -> Outcome:
    hostfailover.reverse(world, _replica(world, job))
    return DONE


@jobs.ending("ReprotectReplicationGroup/site")
def _reversed(world: World, job: JobRecord) -> None:
    if job.state == jobs.FAILED and _replica(world, job).state != WAITING:
        # the failover was committed before something went wrong
        item = _item(world, job)
        if item.state == states.UNPLANNED_PENDING:
            items.move(world, item, "Commit")
    _ended(world, job, "ReverseReplicate")
