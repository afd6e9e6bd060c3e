"""What the door shows: jobs, items, recovery points. Every attribute is read from the file when it is asked for."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.engine import jobs, units
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord, Task
from labkit.engine.names import unknown
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.engine.world import World
from labkit.guest.machine import SITE
from labkit.lab.refusals import JOB_RULES, refusal
from labkit.lab.sides import Side, properties
from labkit.recovery import item as items
from labkit.recovery import planactions, states
from labkit.recovery.hostreplica import HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.replication import relation as replication
from labkit.replication import statistics, stops
from labkit.replication.relation import NORMAL, REPLICATING, RESYNC, RESYNCHRONISING, Relation
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab.door import Lab


class RecoveryPoint(NamedTuple):
    """A recovery point: ``id`` to choose it by, the instant it shows (ISO 8601 and ms), and its kind."""

    id: int
    time: str
    cut: int
    kind: str


class TaskView(NamedTuple):
    """A task of a job: its name, state, and ISO 8601 times (``None``: not yet); ``title`` in the session's language."""

    name: str
    state: str
    started: str | None
    ended: str | None
    note: str
    title: str = ""


class Job:
    """A job of the lab. ``complete(note)`` gives the operator's word when it waits for one."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab, self.id = lab, name

    def _record(self, world: World) -> JobRecord:
        return world.get(JobRecord, self.id)

    @property
    def scenario(self) -> str:
        """The service's name of the kind of job, such as ``PlannedFailover``."""
        return self._lab.read(lambda world: self._record(world).scenario)

    @property
    def target(self) -> str:
        """The VM, cloud or server the job works on."""
        return self._lab.read(lambda world: self._record(world).target)

    @property
    def state(self) -> str:
        """``InProgress``, ``Suspended`` (waits for a word), ``Succeeded``, ``Failed``, ``CompletedWithErrors``."""
        return self._lab.read(lambda world: self._record(world).state)

    @property
    def tasks(self) -> list[TaskView]:
        """The tasks in order."""
        return self._lab.read(lambda world: task_views(world, self._record(world)))

    @property
    def error(self) -> LabError | None:
        """What the job failed with."""
        return self._lab.read(lambda world: error_of(self._record(world)))

    @property
    def errors(self) -> list[LabError]:
        """What went wrong in a job that went on and ended as "CompletedWithErrors", in order."""
        found = self._lab.read(lambda world: copy.deepcopy(self._record(world).data.get("errors", [])))
        return [_error(error) for error in found]

    @property
    def instructions(self) -> str:
        """What the manual action of a recovery plan says that the job waits at; "" when it waits at none."""
        return self._lab.read(lambda world: planactions.instructions(self._record(world)))

    def complete(self, note: str = "") -> Job:
        """Give the operator's word ("Complete test", "Complete Failover", a manual action); it goes on with time."""
        return self._lab.vault.complete(self, note=note)

    def restart(self, certificate: str | Path | None = None, password: str | None = None) -> Job:
        """ "Restart" on the failed job of a recovery plan: on from the task that failed. 900921, 900928-900929, 532."""
        return self._lab.vault.restart(self, certificate=certificate, password=password)

    def skip(self, note: str = "") -> Job:
        """The lab's addition: leave out the action of a recovery plan that has failed, or waits. 900928, 900917."""
        return self._lab.vault.skip(self, note=note)

    def refusal(self, command: str) -> LabError | None:
        """What ``cancel``, ``restart``, ``skip`` or ``release_plan`` would be refused with now; None when allowed."""
        if command not in JOB_RULES:
            raise unknown("command", command, JOB_RULES)
        return refusal(self._lab, lambda world: JOB_RULES[command](world, self._record(world)))

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.scenario} {self.target}: {self.state}>"


def error_of(job: JobRecord) -> LabError | None:
    """The error a job failed with."""
    return None if job.error is None else _error(job.error)


def _error(error: dict[str, Any]) -> LabError:
    return LabError(error["code"], allowed=tuple(error["allowed"]), **error["details"])


def task_views(world: World, job: JobRecord) -> list[TaskView]:
    """The tasks of a job with times in the site's zone."""
    zone = inventory.site_of(world).offset_min

    def show(instant: int) -> str | None:
        return units.show_instant(instant, zone) if instant else None

    titles = jobs.titles(job.scenario)

    def view(task: Task) -> TaskView:
        title = _(titles.get(task.row, task.name)).format(**task.words)
        return TaskView(task.name, task.state, show(task.started), show(task.ended), task.note, title)

    return [view(task) for task in job.tasks]


class Jobs(Mapping[str, Job]):
    """All jobs by id, oldest first."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __iter__(self) -> Iterator[str]:
        return iter(self._lab.read(lambda world: [job.id for job in world.all(JobRecord)]))

    def __len__(self) -> int:
        return self._lab.read(lambda world: len(world.all(JobRecord)))

    def __contains__(self, name: object) -> bool:
        return self._lab.read(lambda world: world.find(JobRecord, str(name)) is not None)

    def get(self, name: str, default: Any = None) -> Any:
        """The one of that name, or ``default`` (``[name]`` refuses with what there is)."""
        if name not in self:
            return default
        return self[name]

    def export(self, path: str | Path) -> Path:
        """Write all jobs with their tasks to a CSV file, a row for each task ("Export jobs"); 900302, 900304."""
        from labkit.lab.exports import export_jobs

        return export_jobs(self, Path(path))

    def __getitem__(self, name: str) -> Job:
        self._lab.read(lambda world: world.get(JobRecord, name))
        return Job(self._lab, name)


class Item:
    """A protected item, as the portal's list shows it."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab, self.name = lab, name

    def _read(self, name: str) -> Any:
        return self._lab.read(lambda world: describe_state(world, items.get(world, self.name))[name])

    @property
    def state(self) -> str:
        """The service's name of the state, such as ``Protected``."""
        return str(self._read("state"))

    @property
    def description(self) -> str:
        """The service's description of the state."""
        return str(self._read("description"))

    @property
    def active_location(self) -> str:
        """``Primary`` (the site) or ``Recovery`` (Azure, or the site of the recovery cloud)."""
        return str(self._read("active_location"))

    @property
    def target_cloud(self) -> str:
        """The recovery cloud; "" for Azure."""
        return str(self._read("target_cloud"))

    @property
    def allowed_operations(self) -> tuple[str, ...]:
        """What may be asked for now; empty while an operation is under way."""
        return tuple(self._read("allowed_operations"))

    def refusal(self, operation: str) -> LabError | None:
        """What an operation would be refused with now, without asking for it; None when it is allowed."""
        return refusal(self._lab, lambda world: items.request(world, items.get(world, self.name), operation))

    @property
    def health(self) -> str:
        """``Normal`` or ``Critical`` (the guide's rule: a cycle that cannot end within the frequency)."""
        return str(self._read("health"))

    @property
    def rpo(self) -> float | None:
        """Seconds since the instant the newest log wholly applied shows; ``None`` while there is none."""
        found = self._read("rpo_ms")
        return None if found is None else found / 1000

    @property
    def pending(self) -> int | None:
        """Bytes written at the source and not yet at the replica; ``None`` while nothing is replicated."""
        return self._lab.read(lambda world: _pending(world, items.get(world, self.name)))

    @property
    def size(self) -> str:
        """The target size in Azure (rule 2.8-4)."""
        return str(self._read("size"))

    @property
    def properties(self) -> dict[str, Side]:
        """The page "Properties": both sides, "site" and "azure" (rule 3.4-3)."""
        return self._lab.read(lambda world: properties(world, items.get(world, self.name)))

    @property
    def recovery_points(self) -> list[RecoveryPoint]:
        """The recovery points there are, oldest first."""
        return self._lab.read(lambda world: recovery_points(world, items.get(world, self.name)))

    def __repr__(self) -> str:
        return f"<Item {self.name}: {self.state}>"


class Items(Mapping[str, Item]):
    """All protected items by the VM's name."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __repr__(self) -> str:
        return f"<Items {', '.join(self) or '-'}>"

    def __iter__(self) -> Iterator[str]:
        return iter(self._lab.read(lambda world: [item.id for item in world.all(ProtectedItem)]))

    def __len__(self) -> int:
        return self._lab.read(lambda world: len(world.all(ProtectedItem)))

    def __contains__(self, name: object) -> bool:
        return self._lab.read(lambda world: world.find(ProtectedItem, str(name)) is not None)

    def get(self, name: str, default: Any = None) -> Any:
        """The one of that name, or ``default`` (``[name]`` refuses with what there is)."""
        if name not in self:
            return default
        return self[name]

    @property
    def pending(self) -> int:
        """Bytes written at the sources and not yet at the replicas, of all items together."""
        return self._lab.read(lambda world: sum(_pending(world, item) or 0 for item in world.all(ProtectedItem)))

    def __getitem__(self, name: str) -> Item:
        self._lab.read(lambda world: items.get(world, name))
        return Item(self._lab, name)


def recovery_points(world: World, item: ProtectedItem) -> list[RecoveryPoint]:
    """The recovery points that can be chosen, oldest first; none once a failover is committed (rule 3.4-2)."""
    zone = inventory.site_of(world).offset_min
    points = items.points(world, item)
    return [RecoveryPoint(p.number, units.show_instant(p.cut, zone), p.cut, p.kind) for p in points]


def _pending(world: World, item: ProtectedItem) -> int | None:
    relation = world.find(Relation, item.id)
    if relation is None or relation.state not in (REPLICATING, RESYNC, RESYNCHRONISING):
        return None
    return replication.pending(world, relation, world.now)


def _failed(world: World, relation: Relation) -> dict[str, Any] | None:
    """What keeps replication from sending, how many attempts failed, when the next is; None while it sends."""
    if not relation.failed:
        return None
    due = world.timers.due(relation.retry)
    zone = inventory.site_of(world).offset_min
    instant = None if due is None else units.show_instant(due, zone)
    more = stops.refused(world, relation, relation.error)
    return {"reason": relation.error, "attempts": relation.failed, "next": instant, **more}


def _location(world: World, item: ProtectedItem, said: str) -> str:
    """Primary or Recovery: site to site the state alone does not tell."""
    replica = world.find(HostReplica, item.id) if item.to else None
    if replica is None:
        return said
    there = (replica.active != SITE) != (item.state in (states.UNPLANNED_PENDING,))
    return "Recovery" if there else "Primary"


def describe(world: World, item: ProtectedItem) -> dict[str, Any]:
    """An item as ``labkit status --json`` shows it; integers and texts."""
    points = [{"id": point.id, "time": point.time, "kind": point.kind} for point in recovery_points(world, item)]
    return {**describe_state(world, item), "recovery_points": points}


def describe_state(world: World, item: ProtectedItem) -> dict[str, Any]:
    """The same without its recovery points, which are most of the work."""
    words, relation = states.words(item.state), world.find(Relation, item.id)
    replicating = relation is not None and relation.state in (REPLICATING, RESYNC, RESYNCHRONISING)
    if item.state == states.ENABLING and relation is not None and not relation.snapshot:
        words["description"] = mark("Waiting for initial replication")  # rule 2.9-2
    job = world.find(JobRecord, item.job) if item.job else None
    health = statistics.health(world, relation) if relation is not None else NORMAL
    return {
        "state": words["service"],
        "description": words["description"],
        "active_location": _location(world, item, str(words["location"])),
        "allowed_operations": list(items.allowed(world, item)),
        "job": job.id if job is not None and job.state in (jobs.IN_PROGRESS, jobs.SUSPENDED) else None,
        "replication": relation.state if relation is not None else None,
        "paused": relation.paused if relation is not None else False,
        "reason": relation.reason if relation is not None and relation.state in (RESYNC, RESYNCHRONISING) else None,
        "failed": _failed(world, relation) if relation is not None else None,
        "health": health,
        # The two columns of the portal's list; the word after the dash is the health (rule 2.8-3).
        "status": words["status"] if health == NORMAL else words["status"].replace(" - OK", f" - {health}"),
        "failover": words["failover"],
        "size": item.size,
        "cloud": item.cloud,
        "target_cloud": item.to,
        "encrypted": bool(item.replica and items.replica(world, item).sealed),
        "rpo_ms": relation.rpo(world.now) if replicating and relation is not None else None,
        "cycles": relation.cycles if relation is not None else 0,
        "missed": relation.missed if relation is not None else 0,
    }
