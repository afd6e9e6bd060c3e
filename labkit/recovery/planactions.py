"""The actions of a plan: a manual one waits for a word, a runbook is run, a check waits for an answer (3.2-3, 3.2-4).

A runbook is run by the process that lets time pass, outside of any transaction (:mod:`labkit.lab.runbooks`): the task
leaves an order, the clock stands still until the order's outcome is recorded, and the task ends when the virtual time
that the action declares has passed. Nothing of how long it really took comes into the lab's history.
"""

from __future__ import annotations

from typing import Any

import msgspec

from labkit.azure import hosted
from labkit.engine import jobs
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, EVENT, GONE_ON, OPERATOR, JobRecord, Outcome
from labkit.engine.world import Entity, World, entity
from labkit.guest.machine import Machine
from labkit.recovery import planmembers, plans
from labkit.recovery.planruns import plan_task
from labkit.recovery.plans import Action

ENDED, FAILED, TIMED_OUT = "ended", "failed", "timed out"
_DIRECTIONS = {plans.FAILBACK: "SecondaryToPrimary"}


@entity("runbook order")
class RunbookOrder(Entity):
    """A runbook that is to be run now. ``id``: the run's, the same after a crash; ``context``: what it is given."""

    job: str
    runbook: str
    context: dict[str, Any]
    timeout: int


@entity("runbook run")
class RunbookRun(Entity):
    """How a run ended: its exit code (-1: none) and the end of what it said."""

    job: str
    task: str
    runbook: str
    at: int
    outcome: str
    code: int
    output: str


def action_of(job: JobRecord) -> Action:
    """The action that a plan's job is at."""
    return msgspec.convert(job.data["actions"][job.task.name], Action)


def instructions(job: JobRecord) -> str:
    """What the manual action says that a job waits at; "" when it waits at none."""
    return action_of(job).text if job.state == jobs.SUSPENDED and job.task.kind == "ManualAction" else ""


def _failed(job: JobRecord, error: LabError) -> Outcome:
    planmembers.failed(job, error)
    return GONE_ON


@plan_task("ManualAction")
def _manual(world: World, job: JobRecord) -> Outcome:
    return DONE if jobs.answered(job) else OPERATOR


# --- scripts ----------------------------------------------------------------------------------------------------------


def _role(world: World, machine: Machine | None) -> dict[str, str]:
    """The names a runbook finds a VM by; a VM of another site is in no cloud service."""
    if machine is None:
        return {}
    service = hosted.of(world, machine).service
    return {**({"CloudServiceName": service} if service else {}), "RoleName": machine.label}


def context(world: World, job: JobRecord, run: str) -> dict[str, Any]:
    """What a runbook is told: the product's names (RecoveryPlanContext), and the run's id."""
    kind, machines = planmembers.kind_of(job), {}
    for number, group in enumerate(planmembers.groups(job), start=1):
        for vm in group:
            machine = planmembers.machine(world, job, vm)
            machines[vm] = {"Group": f"Group{number}", **_role(world, machine)}
    return {
        "RecoveryPlanName": job.target,
        "FailoverType": kind.capitalize(),
        "FailoverDirection": _DIRECTIONS.get(kind, "PrimaryToSecondary"),
        "GroupId": f"Group{job.task.words['group']}",
        "VmMap": machines,
        "RunId": run,
    }


@plan_task("ScriptAction")
def _script(world: World, job: JobRecord) -> Outcome:
    action, runs = action_of(job), job.data.setdefault("runs", {})
    name = runs.get(job.task.name)
    if name is None:
        return _order(world, job, action)
    run = world.find(RunbookRun, name)
    if run is None:
        return EVENT
    if world.now < run.at + action.takes:
        return jobs.Until(run.at + action.takes)
    if run.outcome == ENDED:
        return DONE
    del runs[job.task.name]  # a restart is another run
    details: dict[str, Any] = {"plan": job.target, "name": action.name, "runbook": run.runbook, "run": run.id}
    if run.outcome == TIMED_OUT:
        return _failed(job, LabError(900914, seconds=action.timeout, **details))
    return _failed(job, LabError(900913, found=run.code, output=run.output[-200:].strip() or "-", **details))


def _order(world: World, job: JobRecord, action: Action) -> Outcome:
    try:
        book = plans.require_runbook(world, job.target, action)
    except LabError as error:
        return _failed(job, error)
    number = world.next("runbook")
    name = f"run-{number:04d}"
    job.data["runs"][job.task.name] = name
    world.add(RunbookOrder(name, job.id, book.id, context(world, job, name), action.timeout))
    world.fact("runbook.ordered", job.target, run=number, runbook=book.id, task=job.task.name)
    return EVENT


def ordered(world: World) -> bool:
    """Whether a runbook is to be run before the clock goes on."""
    return world.any(RunbookOrder)


def record(world: World, name: str, outcome: str, code: int, output: str) -> None:
    """Keep how a run ended; nothing when that is recorded already."""
    order = world.find(RunbookOrder, name)
    if order is None:
        return
    world.remove(order)
    job = world.get(JobRecord, order.job)
    world.add(RunbookRun(name, job.id, job.task.name, order.runbook, world.now, outcome, code, output))
    number = int(name.removeprefix("run-"))
    world.fact("runbook.ended", job.target, run=number, runbook=order.runbook, outcome=outcome, code=code)
    jobs.resume(world, job)


# --- checks -----------------------------------------------------------------------------------------------------------


def _answers(world: World, job: JobRecord, vm: str) -> bool:
    machine = planmembers.machine(world, job, vm)
    if machine is None:
        return False
    return bool(machine.answering_at if machine.application else machine.up_at)


@plan_task("CheckAction")
def _check(world: World, job: JobRecord) -> Outcome:
    action = action_of(job)
    if _answers(world, job, action.vm):
        return DONE
    limit = job.task.started + action.limit
    if world.now >= limit:
        return _failed(job, LabError(900916, plan=job.target, name=action.name, vm=action.vm, limit=action.limit))
    if job.data.get("limit") != limit:
        job.data["limit"] = limit
        world.timers.add(limit, "plan.limit", job.id)
    return EVENT


@on("plan.limit")
def _limit(world: World, timer: Timer) -> None:
    job = world.find(JobRecord, timer.entity)
    if job is not None:
        jobs.resume(world, job)
