"""Jobs: lists of named tasks that go on from the task they are at, whoever stopped in between (promise 3).

A task has a usual length (``data/timings.yml``) and a function that does its work at the end of that length. The
function answers ``DONE``, ``SKIPPED``, :class:`Until` (call me again then), ``EVENT`` (somebody will call
:func:`resume`) or ``OPERATOR`` (a person has to give the word); a :class:`LabError` fails the task and the job.
A function checks before it changes anything.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec

from labkit.engine import resources
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.world import Entity, World, entity

NOT_STARTED, IN_PROGRESS, SUSPENDED = "NotStarted", "InProgress", "Suspended"
SUCCEEDED, FAILED, SKIPPED_STATE = "Succeeded", "Failed", "Skipped"
COMPLETED_WITH_ERRORS = "CompletedWithErrors"


class Task(msgspec.Struct):
    """One step: state and times in ms (0 = not yet); ``note`` is what the operator said.

    Of a job that is given its tasks: ``kind``, the row of ``data/timings.yml`` with its title and length, and under
    which its function is registered, and ``words`` that fill the title; "" and empty: the row of the task's own name.
    """

    name: str
    state: str = NOT_STARTED
    started: int = 0
    ended: int = 0
    note: str = ""
    kind: str = ""
    words: dict[str, str | int] = msgspec.field(default_factory=dict)

    @property
    def row(self) -> str:
        """The task's row in ``data/timings.yml``."""
        return self.kind or self.name


@entity("job")
class JobRecord(Entity):
    """A job as it stands in the file. ``data`` are its parameters, integers and short texts.

    ``variant``: the same scenario done another way, with functions (and perhaps tasks) of its own under
    ``SCENARIO/VARIANT``.
    ``data["errors"]``: what went wrong in tasks that did not stop it (:func:`note_error`).
    """

    scenario: str
    target: str
    tasks: list[Task]
    data: dict[str, Any]
    started: int
    state: str = IN_PROGRESS
    ended: int = 0
    step: int = 0
    ask: int = 0
    waits_for_event: bool = False
    error: dict[str, Any] | None = None
    variant: str = ""

    @property
    def kind(self) -> str:
        """What its functions are registered under."""
        return f"{self.scenario}/{self.variant}" if self.variant else self.scenario

    @property
    def running(self) -> bool:
        """Neither ended well nor badly."""
        return self.state in (IN_PROGRESS, SUSPENDED)

    @property
    def task(self) -> Task:
        """The task the job is at."""
        return self.tasks[self.step]


class Until(msgspec.Struct, frozen=True):
    """Call the task's function again at this instant."""

    at: int


DONE, SKIPPED, EVENT, OPERATOR = "done", "skipped", "event", "operator"
GONE_ON = "gone on"  # the task failed, and the job goes on; see note_error
Outcome = str | Until
TaskFunction = Callable[[World, JobRecord], Outcome]
EndFunction = Callable[[World, JobRecord], None]
_FUNCTIONS: dict[tuple[str, str], TaskFunction] = {}
_ENDINGS: dict[str, EndFunction] = {}
_CHECKS: dict[str, EndFunction] = {}
# Whether a job has to stand still now; whoever says so resumes it later.
HOLDS: list[Callable[[World, JobRecord], bool]] = []
# Whether the task a job has come to must not begin yet; whoever says so resumes it later. Unlike one that is held, such
# a task has not spent its length.
GATES: list[Callable[[World, JobRecord], bool]] = []
# Told whenever a task has ended, a job waits for the operator, or has ended.
WATCHERS: list[Callable[[World, JobRecord], None]] = []


def task(scenario: str, name: str) -> Callable[[TaskFunction], TaskFunction]:
    """Register the function of a task; a task without one only takes its time."""

    def register(function: TaskFunction) -> TaskFunction:
        _FUNCTIONS[scenario, name] = function
        return function

    return register


def check(scenario: str) -> Callable[[EndFunction], EndFunction]:
    """Register what is looked at before each task of this kind of job ends; an error fails the task and the job."""

    def register(function: EndFunction) -> EndFunction:
        _CHECKS[scenario] = function
        return function

    return register


def ending(scenario: str) -> Callable[[EndFunction], EndFunction]:
    """Register what happens when a job of this kind ends, well or badly (``job.state`` tells)."""

    def register(function: EndFunction) -> EndFunction:
        _ENDINGS[scenario] = function
        return function

    return register


@functools.cache
def timings(scenario: str) -> tuple[tuple[str, int], ...]:
    """The tasks of a kind of job in order, with their usual length in ms (``data/timings.yml``)."""
    table = resources.yaml("timings.yml")
    return tuple((row["task"], int(row["ms"])) for row in table.get(scenario) or table[scenario.partition("/")[0]])


def titles(scenario: str) -> dict[str, str]:
    """English labels of a job's tasks, to be translated where they are shown."""
    return {row["task"]: row["title"] for row in resources.yaml("timings.yml")[scenario]}


def start(
    world: World, scenario: str, target: str, variant: str = "", *, tasks: list[Task] | None = None, **data: Any
) -> JobRecord:
    """Begin a job; no time has passed when this returns. ``tasks``: its own instead of those its kind always has."""
    number = world.next("job")
    job = world.add(JobRecord(f"job-{number:04d}", scenario, target, [], data, world.now, variant=variant))
    job.tasks = [Task(name) for name, _ in timings(job.kind)] if tasks is None else tasks
    world.fact("job.started", target, job=number, scenario=scenario)
    _begin(world, job)
    return job


def of_target(world: World, target: str) -> JobRecord | None:
    """The job that runs on a target, if one does."""
    return next((job for job in world.all(JobRecord) if job.running and job.target == target), None)


def resume(world: World, job: JobRecord) -> None:
    """What the job waited for may have happened: its task is asked again now. Nothing, when it does not wait."""
    if not job.waits_for_event or job.state != IN_PROGRESS:
        return
    if job.task.state == NOT_STARTED:
        _begin(world, job)
    else:
        _ask_at(world, job, world.now)


def answer(world: World, job: JobRecord, note: str = "") -> None:
    """The operator gives the word; refused (900020) when the job does not wait for one."""
    if job.state != SUSPENDED:
        raise LabError(900020, job=job.id, state=job.state)
    job.state = job.task.state = IN_PROGRESS
    job.task.note = note
    job.data["answered"] = job.step
    world.fact("job.answered", job.target, job=_number(job), task=job.task.name)
    _ask_at(world, job, world.now)


def answered(job: JobRecord) -> bool:
    """Whether the operator has given the word for the task the job is at."""
    return job.data.get("answered") == job.step


def _number(job: JobRecord) -> int:
    return int(job.id.removeprefix("job-"))


def _begin(world: World, job: JobRecord) -> None:
    current = job.task
    if any(gate(world, job) for gate in GATES):
        current.state, job.waits_for_event = NOT_STARTED, True
        return
    current.state, current.started = IN_PROGRESS, world.now
    _ask_at(world, job, world.now + dict(timings(job.kind))[current.row])


def restart(world: World, job: JobRecord, *, skip: bool = False) -> None:
    """A failed job goes on at the task it failed at, or with ``skip`` after it; 900921 when it has not failed."""
    if job.state != FAILED:
        raise LabError(900921, job=job.id, state=job.state)
    job.state, job.ended, job.error = IN_PROGRESS, 0, None
    world.fact("job.restarted", job.target, job=_number(job), task=job.task.name, skip=int(skip))
    if skip:
        _next(world, job, SKIPPED_STATE)
    else:
        job.task.ended = 0
        _begin(world, job)


def skip(world: World, job: JobRecord, note: str = "") -> None:
    """A running job leaves the task it is at and goes on with the next."""
    job.state, job.task.note = IN_PROGRESS, note
    world.timers.cancel(job.ask)
    job.waits_for_event = False
    _next(world, job, SKIPPED_STATE)


def note_error(job: JobRecord, error: LabError) -> None:
    """Something failed that does not stop the job: it ends as "completed with errors"."""
    job.data.setdefault("errors", []).append(_as_data(error))


def _as_data(error: LabError) -> dict[str, Any]:
    details = {name: value for name, value in error.details.items() if isinstance(value, int | str)}
    return {"code": error.code, "details": details, "allowed": list(error.allowed)}


def _ask_at(world: World, job: JobRecord, due: int) -> None:
    # One timer per job: a second one would end the next task before its time.
    world.timers.cancel(job.ask)
    job.waits_for_event = False
    job.ask = world.timers.add(due, "job.ask", job.id)


@on("job.ask")
def _ask(world: World, timer: Timer) -> None:
    job = world.get(JobRecord, timer.entity)
    if job.state != IN_PROGRESS:
        return
    if any(hold(world, job) for hold in HOLDS):
        job.waits_for_event = True
        return
    function, looked_at = _FUNCTIONS.get((job.kind, job.task.row)), _CHECKS.get(job.kind)
    try:
        if looked_at is not None:
            looked_at(world, job)
        outcome = function(world, job) if function else DONE
    except LabError as error:
        _fail(world, job, error)
        return
    if isinstance(outcome, Until):
        _ask_at(world, job, outcome.at)
    elif outcome == EVENT:
        job.waits_for_event = True
    elif outcome == OPERATOR:
        job.state = job.task.state = SUSPENDED
        world.fact("job.waiting", job.target, job=_number(job), task=job.task.name)
        _tell(world, job)
    else:
        _next(world, job, _STATES.get(outcome, SUCCEEDED))


_STATES = {SKIPPED: SKIPPED_STATE, GONE_ON: FAILED}


def _tell(world: World, job: JobRecord) -> None:
    for watcher in WATCHERS:
        watcher(world, job)


def _end_task(world: World, job: JobRecord, state: str) -> None:
    current = job.task
    current.state, current.ended = state, world.now
    world.fact("job.task", job.target, job=_number(job), task=current.name, state=state, started=current.started)


def _next(world: World, job: JobRecord, state: str) -> None:
    _end_task(world, job, state)
    if job.step + 1 < len(job.tasks):
        job.step += 1
        _begin(world, job)
        _tell(world, job)
    else:
        _end(world, job, COMPLETED_WITH_ERRORS if job.data.get("errors") else SUCCEEDED)


def _fail(world: World, job: JobRecord, error: LabError) -> None:
    _end_task(world, job, FAILED)
    job.error = _as_data(error)
    _end(world, job, FAILED, code=error.code)


def fail(world: World, job: JobRecord, error: LabError) -> None:
    """End a running job with an error that came from outside its tasks."""
    _fail(world, job, error)


def _end(world: World, job: JobRecord, state: str, **details: int) -> None:
    job.state, job.ended = state, world.now
    world.timers.cancel(job.ask)
    world.fact("job.ended", job.target, job=_number(job), scenario=job.scenario, state=state, **details)
    if job.kind in _ENDINGS:
        _ENDINGS[job.kind](world, job)
    _tell(world, job)
