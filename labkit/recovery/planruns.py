"""A plan's failover, commit, failback, reverse replication: one job with its own tasks (rules 3.1-2, 3.2-2, 3.3-2).

Its VMs are shut down in the reverse order of the groups, switched together, and started group after group; a group
starts when the VMs before it are up and the actions before it are done. The tasks of the actions are in
:mod:`labkit.recovery.planactions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, EVENT, OPERATOR, SKIPPED, JobRecord, Outcome, Task, TaskFunction
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.recovery import failback, failover, planmembers, plans
from labkit.recovery import item as items
from labkit.recovery.planmembers import FAILOVER, SHUTDOWN, Choice
from labkit.recovery.plans import Action, RecoveryPlan

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LATEST, COMMON = "latest", "common"
ACTION_TASKS = {plans.MANUAL: "ManualAction", plans.SCRIPT: "ScriptAction", plans.CHECK: "CheckAction"}
_FIRST = {
    plans.TEST: ("RpSrsPrerequisitesCheck", "FailoverAllActionGroup"),
    plans.PLANNED: ("RpSrsPrerequisitesCheck", "ShutdownAllActionGroup", "FailoverAllActionGroup"),
    plans.UNPLANNED: ("RpSrsPrerequisitesCheck", "ShutdownAllActionGroup", "FailoverAllActionGroup"),
    plans.FAILBACK: (
        "RpSrsPrerequisitesCheck",
        "PrepareVmOnPremForFailback",
        "DataSyncAllActionGroup",
        "WaitForUserInputForFailback",
        "ShutdownAllActionGroup",
        "FailoverAllActionGroup",
    ),
    plans.COMMIT: ("RpSrsPrerequisitesCheck", "CommitAllActionGroup"),
    plans.REVERSE: ("RpSrsPrerequisitesCheck", "ReverseAllActionGroup"),
}
_LAST = {plans.TEST: ("WaitForStopTestFailover", "TestCleanupAllActionGroup", "EndRecoveryPlanTask")}
_END = ("EndRecoveryPlanTask",)


# --- starting ---------------------------------------------------------------------------------------------------------


def test(world: World, name: str, network: str | None, point: str, private: RSAPrivateKey | None) -> JobRecord:
    """Test failover of a plan: a test VM for each, together until "Complete testing" (rule 3.3-2)."""
    plan = plans.get(world, name)
    side = planmembers.destination(plan, plans.TEST)
    choice = Choice(network=network or "", points=points(world, plan, point, side), private=private)
    return _start(world, plan, plans.TEST, side, choice)


def planned(world: World, name: str, direction: str, private: RSAPrivateKey | None) -> JobRecord:
    """Planned failover of a plan (rules 3.1-2, 3.2-2); site to site in a ``direction``."""
    plan = plans.get(world, name)
    side = planmembers.destination(plan, plans.PLANNED, direction)
    return _start(world, plan, plans.PLANNED, side, Choice(private=private))


def unplanned(
    world: World, name: str, direction: str, *, synchronise: bool, point: str, private: RSAPrivateKey | None
) -> JobRecord:
    """Unplanned failover of a plan; "common" points only without ``synchronise`` (900920): that makes newer ones."""
    plan = plans.get(world, name)
    side = planmembers.destination(plan, plans.UNPLANNED, direction)
    if synchronise and point != LATEST:
        raise LabError(900920, plan=name, found=point)
    choice = Choice(synchronise=int(synchronise), points=points(world, plan, point, side), private=private)
    return _start(world, plan, plans.UNPLANNED, side, choice)


def fail_back(world: World, name: str, synchronise: str) -> JobRecord:
    """Failback of a plan; with "before" it waits for the operator's word (rules 3.6-1, 3.6-2)."""
    if synchronise not in (failback.BEFORE, failback.DURING):
        raise LabError(900523, found=synchronise, choices=f"{failback.BEFORE}, {failback.DURING}")
    plan = plans.get(world, name)
    side = planmembers.destination(plan, plans.FAILBACK)
    return _start(world, plan, plans.FAILBACK, side, Choice(failback=synchronise))


def commit(world: World, name: str) -> JobRecord:
    """Commit of all VMs of a plan that wait for it."""
    return _start(world, plans.get(world, name), plans.COMMIT, "", Choice())


def reverse(world: World, name: str) -> JobRecord:
    """Reverse replication of all VMs of a plan that wait for it."""
    return _start(world, plans.get(world, name), plans.REVERSE, "", Choice())


def points(world: World, plan: RecoveryPlan, point: str, side: str = "") -> dict[str, int]:
    """Numbers of the recovery points to use: none for "latest" (each VM its newest), 900920 for another word.

    "common": the newest instant for which every VM has a point at or before; each VM uses its newest one not later.
    900922 when a VM has none that old any more. VMs that are at ``side`` already are passed over.
    """
    if point == LATEST:
        return {}
    if point != COMMON:
        raise LabError(900920, plan=plan.id, found=point)
    going = [vm for vm in plan.vms if not side or planmembers.active_side(world, vm) != side]
    there = {vm: items.points(world, items.get(world, vm)) for vm in going}
    newest = {vm: max((p.cut for p in found), default=0) for vm, found in there.items()}
    instant, chosen = min(newest.values(), default=0), {}
    for vm, found in there.items():
        fitting = [p for p in found if p.cut <= instant]
        if not fitting:
            raise LabError(900922, plan=plan.id, vm=vm)
        chosen[vm] = max(fitting, key=lambda p: p.cut).number
    return chosen


def _start(world: World, plan: RecoveryPlan, kind: str, side: str, choice: Choice) -> JobRecord:
    plans.free(world, plan.id, "RunPlan")
    planmembers.require_work(world, plan, kind, side)
    tasks, actions = _tasks(plan, kind)
    job = jobs.start(
        world,
        plans.SCENARIOS[kind],
        plan.id,
        tasks=tasks,
        groups=[list(group.vms) for group in plan.groups],
        actions=actions,
        version=plan.version,
        jobs={},
        told=[],
        network=choice.network,
        synchronise=choice.synchronise,
        failback=choice.failback,
        side=side,
    )
    planmembers.begin(world, job, plan.vms, choice)
    return job


def _tasks(plan: RecoveryPlan, kind: str) -> tuple[list[Task], dict[str, dict[str, object]]]:
    """The tasks of a job in order, and the actions by the names of their tasks."""
    tasks, actions = [Task(name) for name in _FIRST[kind]], {}
    if kind in plans.KINDS:
        for task, action in _group_tasks(plan, kind):
            tasks.append(task)
            if action is not None:
                actions[task.name] = msgspec.to_builtins(action)
    return tasks + [Task(name) for name in _LAST.get(kind, _END)], actions


def _group_tasks(plan: RecoveryPlan, kind: str) -> Iterator[tuple[Task, Action | None]]:
    for number, group in enumerate(plan.groups, start=1):
        yield from _action_tasks(number, "Pre", group.before, kind)
        if group.vms:
            words: dict[str, str | int] = {"group": number, "count": len(group.vms)}
            yield Task(f"BootGroup{number}ActionGroup", kind="BootGroupActionGroup", words=words), None
        yield from _action_tasks(number, "Post", group.after, kind)


def _action_tasks(group: int, place: str, actions: list[Action], kind: str) -> Iterator[tuple[Task, Action]]:
    for number, action in enumerate(actions, start=1):
        if action.belongs_to(kind):
            words: dict[str, str | int] = {"group": group, "name": action.name}
            yield Task(f"Group{group}{place}Action{number}", kind=ACTION_TASKS[action.action], words=words), action


# --- the tasks --------------------------------------------------------------------------------------------------------


def plan_task(name: str) -> Callable[[TaskFunction], TaskFunction]:
    """Register the function of a task in the jobs of plans of every kind; it first looks what its VMs have come to."""

    def register(function: TaskFunction) -> TaskFunction:
        def looked(world: World, job: JobRecord) -> Outcome:
            planmembers.look(world, job)
            planmembers.release(world, job)
            return function(world, job)

        for scenario in plans.SCENARIOS.values():
            jobs.task(scenario, name)(looked)
        return function

    return register


def _all_past(world: World, job: JobRecord, stage: str) -> Outcome:
    return DONE if all(planmembers.past(one, stage) for one in planmembers.children(world, job)) else EVENT


def _running(world: World, job: JobRecord) -> list[JobRecord]:
    return [one for one in planmembers.children(world, job) if one.running]


@plan_task("ShutdownAllActionGroup")
def _shut_down(world: World, job: JobRecord) -> Outcome:
    if planmembers.kind_of(job) == plans.UNPLANNED and not job.data["synchronise"]:
        return SKIPPED
    return _all_past(world, job, SHUTDOWN)


@plan_task("FailoverAllActionGroup")
def _switch(world: World, job: JobRecord) -> Outcome:
    return _all_past(world, job, FAILOVER)


@plan_task("BootGroupActionGroup")
def _boot(world: World, job: JobRecord) -> Outcome:
    """The group's VMs are up, or will not be."""
    for vm in planmembers.groups(job)[int(job.task.words["group"]) - 1]:
        one = planmembers.child(world, job, vm)
        if one is None or one.state == jobs.FAILED:
            continue
        machine = planmembers.machine(world, job, vm)
        if one.state == jobs.IN_PROGRESS or (machine is not None and machine.state == guests.STARTING):
            return EVENT
    return DONE


@plan_task("PrepareVmOnPremForFailback")
def _prepared(world: World, job: JobRecord) -> Outcome:
    found = planmembers.children(world, job)
    return DONE if all(not one.running or one.step > 1 for one in found) else EVENT


@plan_task("DataSyncAllActionGroup")
def _synchronised(world: World, job: JobRecord) -> Outcome:
    if job.data["failback"] != failback.BEFORE:
        return SKIPPED
    return EVENT if any(_awaits_data(one) for one in _running(world, job)) else DONE


def _awaits_data(job: JobRecord) -> bool:
    return job.state == jobs.IN_PROGRESS and not planmembers.past(job, SHUTDOWN)


@plan_task("WaitForUserInputForFailback")
def _wait_for_word(world: World, job: JobRecord) -> Outcome:
    if job.data["failback"] != failback.BEFORE:
        return SKIPPED
    if not jobs.answered(job):
        return OPERATOR
    with items.acting(world, job.id):
        for one in _running(world, job):
            if one.state == jobs.SUSPENDED:
                failback.complete(world, items.get(world, one.target), job.task.note)
    return DONE


@plan_task("WaitForStopTestFailover")
def _wait_for_end(world: World, job: JobRecord) -> Outcome:
    return DONE if jobs.answered(job) else OPERATOR


@plan_task("TestCleanupAllActionGroup")
def _clean_up(world: World, job: JobRecord) -> Outcome:
    with items.acting(world, job.id):
        for one in _running(world, job):
            if one.state == jobs.SUSPENDED:
                failover.complete_test(world, items.get(world, one.target), job.tasks[job.step - 1].note)
    return EVENT if _running(world, job) else DONE


@plan_task("CommitAllActionGroup")
@plan_task("ReverseAllActionGroup")
@plan_task("EndRecoveryPlanTask")
def _all_ended(world: World, job: JobRecord) -> Outcome:
    return EVENT if _running(world, job) else DONE


def _job_ended(world: World, job: JobRecord) -> None:
    if job.state == jobs.FAILED:
        planmembers.stopped(world, job)
        return
    planmembers.let_go(world, job)
    plan = world.find(RecoveryPlan, job.target)
    if plan is not None and job.state == jobs.SUCCEEDED and planmembers.kind_of(job) == plans.TEST:
        plan.tested = job.data["version"]
        world.fact("plan.tested", plan.id, version=plan.tested)


for _scenario in plans.SCENARIOS.values():
    jobs.ending(_scenario)(_job_ended)


@plan_task("RpSrsPrerequisitesCheck")
def _check(world: World, job: JobRecord) -> Outcome:
    """Planned and back need the site; everything else the VMs' own jobs look for."""
    plan = world.get(plans.RecoveryPlan, job.target)
    if planmembers.kind_of(job) in planmembers.STOPS and not items.site_reachable(world, *filter(None, [plan.server])):
        raise LabError(900521, vm=job.target)
    return DONE


# --- the operator's word ----------------------------------------------------------------------------------------------


def is_of_plan(job: JobRecord) -> bool:
    """Whether it is the job of a plan."""
    return job.scenario in planmembers.KIND_OF


def complete(world: World, job: JobRecord, note: str) -> JobRecord:
    """The word a plan's job waits for: a manual action is done, a test is complete, or the switch of a failback."""
    jobs.answer(world, job, note)
    return job


def restart(world: World, job: JobRecord, private: RSAPrivateKey | None = None) -> JobRecord:
    """ "Restart" on a plan's failed job: on from the task that failed, with VMs that have failed once more.

    Errors of :func:`require_failed`, and those of the VMs' failovers.
    """
    require_failed(world, job)
    again = [vm for group in planmembers.groups(job) for vm in group if _begins_anew(world, job, vm)]
    chosen = Choice(job.data["network"], job.data["synchronise"], job.data["failback"], private=private)
    planmembers.begin(world, job, again, chosen)
    _require_cured(world, job, again)
    jobs.restart(world, job)
    return job


def _require_cured(world: World, job: JobRecord, again: list[str]) -> None:
    """A VM that failed, was not begun anew and does not run would be missing at the end: its error, once more."""
    for vm in again:
        one, machine = planmembers.child(world, job, vm), planmembers.machine(world, job, vm)
        if one is not None and one.state == jobs.FAILED and one.error and (machine is None or not machine.run):
            raise LabError(one.error["code"], allowed=tuple(one.error["allowed"]), **one.error["details"])


def require_failed(world: World, job: JobRecord) -> None:
    """Refuse a job that does not go on where it stopped.

    900928 it is of no plan, 900921 it has not failed, 532 the plan runs, 900929 the plan has run again since.
    """
    _require_plan(job)
    if job.state != jobs.FAILED:
        raise LabError(900921, job=job.id, state=job.state)
    plans.free(world, job.target, "RunPlan")
    latest = max((one for one in world.all(JobRecord) if one.target == job.target and is_of_plan(one)), key=_number)
    if latest is not job:
        raise LabError(900929, job=job.id, plan=job.target, latest=latest.id)


def _require_plan(job: JobRecord) -> None:
    if not is_of_plan(job):
        raise LabError(900928, job=job.id)


def _number(job: JobRecord) -> int:
    return int(job.id.removeprefix("job-"))


def _begins_anew(world: World, job: JobRecord, vm: str) -> bool:
    one = planmembers.child(world, job, vm)
    return one is not None and (one.state == jobs.FAILED or one.running)


def skippable(world: World, job: JobRecord) -> None:
    """Refuse a job that is at nothing which can be left out.

    900928 it is of no plan, 900917 it is at another task; of an action that has failed as :func:`require_failed`.
    """
    _require_plan(job)
    action = job.task.kind if job.task.kind in ACTION_TASKS.values() else ""
    waits = job.state == jobs.SUSPENDED or (job.state == jobs.IN_PROGRESS and action == ACTION_TASKS[plans.CHECK])
    if action and job.state == jobs.FAILED:
        require_failed(world, job)
    elif not (action and waits):
        raise LabError(900917, job=job.id, task=job.task.name, state=job.state)


def skip(world: World, job: JobRecord, note: str = "") -> JobRecord:
    """The lab's addition: a plan goes on without the action it failed at or waits for; see :func:`skippable`."""
    skippable(world, job)
    if job.state == jobs.FAILED:
        planmembers.keep(world, job)
        jobs.restart(world, job, skip=True)
    else:
        jobs.skip(world, job, note)
    return job


def release(world: World, job: JobRecord) -> JobRecord:
    """The lab's addition: what a failed plan has left standing goes on without it, each VM by itself."""
    require_failed(world, job)
    planmembers.let_go(world, job)
    planmembers.release(world, job)
    return job
