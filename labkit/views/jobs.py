"""Jobs and their tasks over virtual time: which have changed is told by facts, what they are by their records."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from labkit.engine import jobs
from labkit.engine.facts import Fact
from labkit.engine.jobs import JobRecord, Task
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.site import inventory
from labkit.views import events

if TYPE_CHECKING:
    import pandas as pd

    from labkit.lab import Lab

MOST = 200  # jobs in a chart, the latest


class TaskRow(NamedTuple):
    """A task: ``title`` in the session's language, ``state`` (``data/states.yml``), instants in ms (0: not yet)."""

    title: str
    state: str
    started: int
    ended: int


class JobRow(NamedTuple):
    """A job: ``number`` counts up from 1; instants in ms (``ended`` 0: not yet)."""

    number: int
    id: str
    title: str
    target: str
    state: str
    started: int
    ended: int
    tasks: tuple[TaskRow, ...]


class JobLine(NamedTuple):
    """A job in a list: instants in ms at which its first task began and its last one ended (0: not yet)."""

    id: str
    scenario: str
    target: str
    state: str
    begun: int
    ended: int


class JobNews:
    """Which jobs may have changed; a reader of facts."""

    history: ClassVar[bool] = False

    def __init__(self, lab: Lab) -> None:
        self.changed: dict[int, int] = {}
        self._count = 0

    def forget(self) -> None:
        """Begin anew."""
        self.changed = {}

    def feed(self, facts: Iterable[Fact]) -> None:
        """Note the jobs that facts are about."""
        for fact in facts:
            if fact["kind"].startswith("job."):
                self._count += 1
                number = int(fact["job"])
                self.changed.pop(number, None)
                self.changed[number] = self._count  # the newest is last

    @property
    def place(self) -> int:
        """Where the list of changes ends now."""
        return self._count

    def since(self, place: int) -> list[int]:
        """Numbers of the jobs that facts were about since a place."""
        found = []
        for number, count in reversed(self.changed.items()):
            if count <= place:
                break
            found.append(number)
        return found


@functools.lru_cache(maxsize=256)
def _title(scenario: str, row: str) -> str:
    return jobs.titles(scenario).get(row, row)


def _task(job: JobRecord, task: Task) -> TaskRow:
    title = _(_title(job.scenario, task.row)).format(**task.words)
    return TaskRow(title, task.state, task.started, task.ended)


def row(job: JobRecord) -> JobRow:
    """A job as it stands."""
    number = int(job.id.removeprefix("job-"))
    tasks = tuple(_task(job, task) for task in job.tasks)
    return JobRow(number, job.id, events.job(job.scenario), job.target, job.state, job.started, job.ended, tasks)


def line(job: JobRecord) -> JobLine:
    """A job in a list."""
    begun = [task for task in job.tasks if task.started]
    first, last = (begun[0].started, begun[-1].ended) if begun else (0, 0)
    return JobLine(job.id, job.scenario, job.target, job.state, first, 0 if job.running else last)


def rows(world: World, numbers: Iterable[int]) -> list[JobRow]:
    """Jobs by their numbers, as they stand."""
    found = (world.find(JobRecord, f"job-{number:04d}") for number in numbers)
    return [row(job) for job in found if job is not None]


def latest(world: World, most: int = MOST) -> list[JobRow]:
    """The jobs that began last, the latest first."""
    every = sorted(world.all(JobRecord), key=lambda job: int(job.id.removeprefix("job-")), reverse=True)
    return [row(job) for job in every[:most]]


Sign = tuple[str, int, str, int]


def signs(world: World, numbers: Iterable[int]) -> dict[int, Sign]:
    """What is other of a job that has changed, quickly: its state, the task it is at, and that one's state."""
    found = ((number, world.find(JobRecord, f"job-{number:04d}")) for number in numbers)
    return {number: (job.state, job.step, job.task.state, job.task.started) for number, job in found if job is not None}


def runs(sign: Sign) -> bool:
    """Whether a job was still running."""
    return sign[0] in (jobs.IN_PROGRESS, jobs.SUSPENDED)


def running(world: World) -> dict[int, Sign]:
    """The signs of all jobs that run."""
    return signs(world, (int(job.id.removeprefix("job-")) for job in world.all(JobRecord) if job.running))


def _instants(task: Task) -> tuple[int | None, int | None]:
    return task.started or None, task.ended or None


def frame(lab: Lab) -> pd.DataFrame:
    """One row per task of every job: ``job, scenario, target, state, task, task_state, started, ended``.

    Instants are in the site's zone; NaT: not yet.
    """
    import pandas as pd

    def found(world: World) -> list[tuple[object, ...]]:
        return [
            (
                job.id,
                job.scenario,
                job.target,
                job.state,
                task.name,
                task.state,
                task.started or None,
                task.ended or None,
            )
            for job in world.all(JobRecord)
            for task in job.tasks
        ]

    columns = ["job", "scenario", "target", "state", "task", "task_state", "started", "ended"]
    table = pd.DataFrame(lab.read(found), columns=columns)
    zone = timezone(timedelta(minutes=lab.read(lambda world: inventory.site_of(world).offset_min)))
    for name in ("started", "ended"):
        table[name] = pd.to_datetime(table[name].astype("Int64"), unit="ms", utc=True).dt.tz_convert(zone)
    return table
