"""The VMs of a plan that runs: each has the ordinary job of a VM, which is held where the plan is not yet.

A VM's failover knows nothing of plans. Its job is held before a task (``jobs.GATES``) until the plan's own job has come
to the step that allows it; the plan looks again whenever one of them has ended a task (``jobs.WATCHERS``).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from labkit.engine import jobs
from labkit.engine.errors import LabError, in_words, listed
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import AZURE, SITE, TEST, Machine
from labkit.recovery import azurevms, failback, hostreplica, operations, plans, states
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.recovery.plans import SCENARIOS, RecoveryPlan
from labkit.replication import stops
from labkit.replication.relation import Relation

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

KIND_OF = {scenario: kind for kind, scenario in SCENARIOS.items()}
_OPERATIONS = {
    plans.TEST: "TestFailover",
    plans.PLANNED: "PlannedFailover",
    plans.UNPLANNED: "UnplannedFailover",
    plans.FAILBACK: "Failback",
    plans.COMMIT: "Commit",
    plans.REVERSE: "ReverseReplicate",
}
_JOBS = {
    plans.TEST: "TestFailover",
    plans.PLANNED: "PlannedFailover",
    plans.UNPLANNED: "UnplannedFailover",
    plans.FAILBACK: "Failback",
}
STOPS = (plans.PLANNED, plans.FAILBACK)  # a failure stops these; the others go on (rule 3.2-4)

_IN_AZURE = (states.PLANNED_PENDING, states.UNPLANNED_PENDING, states.PLANNED_COMMITTED, states.UNPLANNED_COMMITTED)
_AT_HOME = (states.FAILBACK_PENDING, states.RESTORED, states.ENABLING, states.PROTECTED)
# A VM that is there already is passed over, so that a plan can be run again after one of its VMs has failed (F-7).
_THERE: dict[str, tuple[str, ...]] = {
    plans.TEST: (),
    plans.PLANNED: _IN_AZURE,
    plans.UNPLANNED: _IN_AZURE,
    plans.FAILBACK: _AT_HOME,
    plans.COMMIT: states.STATES,
    plans.REVERSE: states.STATES,
}

START, SHUTDOWN, FAILOVER, BOOT = "start", "shut-down", "failover", "boot"
_STAGES = {
    ("TestFailover", "VmTfoPrerequisitesCheck"): START,
    ("TestFailover", "VmTfoInitiateFailover"): FAILOVER,
    ("TestFailover", "VmTfoBootTestVm"): BOOT,
    ("PlannedFailover", "VmPfoPrerequisitesCheck"): START,
    ("PlannedFailover", "VmShutdownVmOnPrimary"): SHUTDOWN,
    ("PlannedFailover", "VmPrepareForFailover"): FAILOVER,
    ("PlannedFailover", "VmFoStartVmOnSecondary"): BOOT,
    ("UnplannedFailover", "VmUfoPrerequisitesCheck"): START,
    ("UnplannedFailover", "VmShutdownVmOnPrimary"): SHUTDOWN,
    ("UnplannedFailover", "VmPrepareForUnPlannedFailover"): FAILOVER,
    ("UnplannedFailover", "VmFoStartVmOnSecondary"): BOOT,
    ("Failback", "RpSrsPrerequisitesCheck"): START,
    ("Failback", "ShutdownAllActionGroup"): SHUTDOWN,
    ("Failback", "FailoverAllActionGroup"): FAILOVER,
    ("Failback", "BootGroup1ActionGroup"): BOOT,
}
_PLAN_TASKS = {SHUTDOWN: "ShutdownAllActionGroup", FAILOVER: "FailoverAllActionGroup"}


# Which way a run goes: with plans site to site either way, with plans to Azure there is one (and the failback).
RECOVERY, PRIMARY = "recovery", "primary"
SIDES = {RECOVERY: hostreplica.REPLICA, PRIMARY: SITE}


class Choice(NamedTuple):
    """What a run was started with: test network, whether to synchronise and how to fail back, which points."""

    network: str = ""
    synchronise: int = 0
    failback: str = ""
    points: Mapping[str, int] = MappingProxyType({})
    private: RSAPrivateKey | None = None


def kind_of(job: JobRecord) -> str:
    """The kind of a plan's job: "test", "planned", ..."""
    return KIND_OF[job.scenario]


def side_of(job: JobRecord) -> str:
    """Where the machines of a plan's job are that goes from site to site (:func:`destination`); "" to Azure."""
    return str(job.data.get("side", ""))


def destination(plan: RecoveryPlan, kind: str, direction: str = RECOVERY) -> str:
    """The side that a run goes to, site to site: what the ids of its machines begin with; "" where there is none.

    900545 for a word that is no direction, 900926 for a direction to Azure, 900925 for a failback site to site.
    """
    if direction not in SIDES:
        raise LabError(900545, found=direction, choices=", ".join(SIDES))
    if not plan.to_site:
        if direction != RECOVERY:
            raise LabError(900926, plan=plan.id, found=direction)
        return ""
    if kind == plans.FAILBACK:
        raise LabError(900925, plan=plan.id)
    if kind == plans.TEST:
        return hostreplica.TEST
    return SIDES[direction] if kind in (plans.PLANNED, plans.UNPLANNED) else ""


def groups(job: JobRecord) -> list[list[str]]:
    """The VMs of each group, as they were when the job began."""
    found: list[list[str]] = job.data["groups"]
    return found


def child(world: World, job: JobRecord, vm: str) -> JobRecord | None:
    """The job of a VM in a plan's job; None for a VM that was passed over."""
    name = job.data["jobs"].get(vm)
    return world.find(JobRecord, name) if name else None


def children(world: World, job: JobRecord) -> list[JobRecord]:
    """The jobs of the VMs, in the plan's order."""
    found = (child(world, job, vm) for group in groups(job) for vm in group)
    return [one for one in found if one is not None]


def machine(world: World, job: JobRecord, vm: str) -> Machine | None:
    """The VM that the job starts, at the side it goes to; None while it is not made."""
    if side := side_of(job):
        return world.find(Machine, f"{side}/{vm}")
    if kind_of(job) == plans.FAILBACK:
        return items.source(world, items.get(world, vm))
    return world.find(Machine, f"{TEST}/{vm}-test" if kind_of(job) == plans.TEST else f"{AZURE}/{vm}")


# --- starting the jobs of the VMs -------------------------------------------------------------------------------------


def taken_over(world: World, item: ProtectedItem, kind: str, side: str = "") -> JobRecord | None:
    """The VM's job that an earlier run of a plan left standing when it stopped: the next run takes it over."""
    earlier = world.find(JobRecord, item.plan) if item.plan else None
    job = world.find(JobRecord, item.job) if item.job else None
    if earlier is None or job is None or earlier.state != jobs.FAILED or job.scenario != _JOBS.get(kind):
        return None
    return job if job.running and side_of(earlier) == side else None


def found_item(world: World, vm: str) -> ProtectedItem | None:
    """The item of a VM; None when it is not protected."""
    return world.find(ProtectedItem, vm)


def active_side(world: World, vm: str) -> str:
    """The side that runs a VM site to site, also before the commit of its failover."""
    return hostreplica.REPLICA if hostreplica.elsewhere(world, vm) else SITE


def may_begin(world: World, item: ProtectedItem, kind: str, side: str = "") -> bool:
    """Whether a run has to begin the VM's job; False when it is there already. Refuses as a VM alone would be.

    ``side``: where a run from site to site goes.
    """
    operation, idle = _OPERATIONS[kind], items.busy(world, item) is None
    if side and idle and active_side(world, item.id) == side:
        return False
    there = not side and item.state in _THERE[kind]
    if there and idle and operation not in items.allowed(world, item):
        return False
    items.request(world, item, operation)
    if kind in (plans.PLANNED, plans.UNPLANNED) and not item.to:
        items.name_free(world, item)
    return True


def require_work(world: World, plan: RecoveryPlan, kind: str, side: str = "") -> None:
    """Refuse a run in which every VM would be passed over (900909), or one of them as it would be alone.

    900902 for one that has been protected to another target since the plan was made.
    """
    for vm in plan.vms:
        plans.check_member(world, plan.id, plan.server, plan.target, vm)
    members = [items.get(world, vm) for vm in plan.vms]
    work = [item for item in members if taken_over(world, item, kind, side) or may_begin(world, item, kind, side)]
    if not work:
        raise LabError(
            900909, plan=plan.id, states=listed(f"{item.id}: {in_words('state', item.state)}" for item in members)
        )


def begin(world: World, job: JobRecord, members: list[str], choice: Choice) -> None:
    """Start the job of each VM, or take over the one it has. Refuses as a VM alone would be."""
    kind, side = kind_of(job), side_of(job)
    for vm in members:
        item = items.get(world, vm)
        held = taken_over(world, item, kind, side)
        if held is None:
            if not may_begin(world, item, kind, side):
                continue
            item.plan = job.id
            with items.acting(world, job.id):
                held = _start(world, item, kind, choice)
        item.plan = job.id
        job.data["jobs"][vm] = held.id
        if not item.to:
            held.data[azurevms.SERVICE] = job.target  # VMs of a plan share one cloud service and its address
        held.data["triggered"] = job.started  # the click was the plan's, however often it was begun anew
    keep(world, job)


def _start(world: World, item: ProtectedItem, kind: str, choice: Choice) -> JobRecord:
    number = choice.points.get(item.id)
    if kind == plans.TEST:
        return operations.test_failover(world, item, choice.network or None, number, choice.private)
    if kind == plans.PLANNED:
        return operations.planned(world, item, choice.private)
    if kind == plans.UNPLANNED:
        synchronise = bool(choice.synchronise)
        return operations.unplanned(world, item, synchronise=synchronise, private=choice.private, straight=number)
    if kind == plans.FAILBACK:
        return failback.start(world, item, choice.failback)
    return operations.commit(world, item) if kind == plans.COMMIT else operations.reverse(world, item)


# --- holding them -----------------------------------------------------------------------------------------------------


def _plan_of(world: World, job: JobRecord) -> JobRecord | None:
    """The plan's job that a VM's job belongs to."""
    item = world.find(ProtectedItem, job.target)
    plan = world.find(JobRecord, item.plan) if item is not None and item.plan else None
    return plan if plan is not None and _JOBS.get(kind_of(plan)) == job.scenario else None


def past(job: JobRecord, stage: str) -> bool:
    """Whether a VM's job is through its task of a stage, or has ended. "failover": the VM is made at the other side."""
    if not job.running:
        return True
    if stage == FAILOVER:  # from here on only the start is left
        return job.step >= _at(job, BOOT)
    return job.step > _at(job, stage)


def _at(job: JobRecord, stage: str) -> int:
    return next(at for at, task in enumerate(job.tasks) if _STAGES.get((job.scenario, task.name)) == stage)


def _opens(world: World, plan: JobRecord, job: JobRecord, stage: str) -> bool:
    """Whether the plan has come to where a VM's job may begin a stage."""
    if stage == START:
        return plan.step > 0
    if stage == FAILOVER and plan.state == jobs.FAILED:
        return True  # what has been shut down goes on to the switch
    number = next(number for number, group in enumerate(groups(plan), start=1) if job.target in group)
    name = _PLAN_TASKS.get(stage, f"BootGroup{number}ActionGroup")
    at = next(at for at, task in enumerate(plan.tasks) if task.name == name)
    if plan.step != at:
        return plan.step > at
    if stage != SHUTDOWN:
        return plan.running
    later = (child(world, plan, vm) for group in groups(plan)[number:] for vm in group)
    return plan.running and all(past(one, SHUTDOWN) for one in later if one is not None)


def _closed(world: World, job: JobRecord) -> bool:
    stage = _STAGES.get((job.scenario, job.task.name))
    if stage is None:
        return False
    plan = _plan_of(world, job)
    return plan is not None and not _opens(world, plan, job, stage)


def release(world: World, job: JobRecord) -> None:
    """Let the VMs' jobs that are held look whether they may go on."""
    for one in children(world, job):
        if one.running and one.task.state == jobs.NOT_STARTED:
            jobs.resume(world, one)


def _ended_a_task(world: World, job: JobRecord) -> None:
    if job.scenario not in KIND_OF:
        _look_again(world, job.target)


def _guest_changed(world: World, found: Machine) -> None:
    name = found.id.partition("/")[2]
    _look_again(world, name.removesuffix("-test") if found.side == TEST else name)


def _look_again(world: World, vm: str) -> None:
    item = world.find(ProtectedItem, vm)
    plan = world.find(JobRecord, item.plan) if item is not None and item.plan else None
    if plan is not None:
        jobs.resume(world, plan)


jobs.GATES.append(_closed)
jobs.WATCHERS.append(_ended_a_task)
guests.WATCHERS.append(_guest_changed)


# --- failures ---------------------------------------------------------------------------------------------------------


def look(world: World, job: JobRecord) -> None:
    """What went wrong in the VMs' jobs since the last look: it stops a planned run, any other takes note of it."""
    told: list[str] = job.data["told"]
    for one in children(world, job):
        if one.state != jobs.FAILED or one.id in told or one.error is None:
            continue
        told.append(one.id)
        details = {"vm": one.target, **one.error["details"]}
        failed(job, LabError(one.error["code"], allowed=tuple(one.error["allowed"]), **details))


def failed(job: JobRecord, error: LabError) -> None:
    """Raise the error where it stops the plan; note it where the plan goes on (rule 3.2-4)."""
    if kind_of(job) in STOPS:
        raise error
    jobs.note_error(job, error)


def keep(world: World, job: JobRecord) -> None:
    """Every VM of the plan belongs to its run, those that are passed over and those that are through as well."""
    for group in groups(job):
        for vm in group:
            item = found_item(world, vm)
            earlier = world.find(JobRecord, item.plan) if item is not None and item.plan else None
            if item is not None and (earlier is None or not earlier.running):
                item.plan = job.id


def stopped(world: World, job: JobRecord) -> None:
    """The plan has stopped: VMs not yet being shut down stay as they are, the others go on as far as to their start."""
    for one in children(world, job):
        if one.running and kind_of(job) in STOPS and _untouched(one):
            jobs.fail(world, one, LabError(900915, vm=one.target, plan=job.target, job=job.id))
            down = world.find(Relation, f"failback/{one.target}")
            if down is not None:
                stops.remove(world, down)
    let_go(world, job, ended_only=True)
    release(world, job)  # what has begun to shut down goes on to the switch


def _untouched(job: JobRecord) -> bool:
    at = _at(job, SHUTDOWN)
    return job.step < at or (job.step == at and job.task.state == jobs.NOT_STARTED)


def let_go(world: World, job: JobRecord, *, ended_only: bool = False) -> None:
    """The VMs belong to the run no more; with ``ended_only`` those whose own jobs have ended."""
    for item in world.all(ProtectedItem):
        own = world.find(JobRecord, item.job) if item.job else None
        if item.plan == job.id and not (ended_only and own is not None and own.running):
            item.plan = ""
