"""What a drill's notebook works with: a lab of its own, the steps of the plan, and the time people take.

Nothing here knows more than a notebook could: all is done by the commands of :class:`labkit.Lab`. Steps and words go
into the lab's journal (they are what was asked, not what happened in the world), where the report finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

import labkit
from labkit.drills import listing, plan
from labkit.drills.listing import Drill
from labkit.engine import jobs, units
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.guest.machine import AZURE, SITE, Machine
from labkit.lab import Lab, build
from labkit.lab.views import Item, Job
from labkit.recovery import item as items
from labkit.recovery import states
from labkit.site.model import SiteFile

BEGIN, STEP, WORD, END = "drill.begin", "drill.step", "drill.word", "drill.end"
BEGUN, DONE, FAILED = "begun", "done", "failed"


def begin(
    name: str,
    *,
    site: str | Path = "contoso",
    seed: int = 1,
    lab_file: str | Path = "drill.lab",
    **parameters: object,
) -> Play:
    """Make the lab of a drill; ``parameters`` as in the catalogue, what is left out or None has its default.

    Errors: 900600 to 900602 (drill, parameters), 900605 (nothing is protected), 9002xx (site), 900001 (file exists).
    """
    drill = listing.describe(name)
    values = drill.check({key: value for key, value in parameters.items() if value is not None})
    chosen = with_values(build.read_site(site), drill, values)
    lab = labkit.create(lab_file, site=chosen, seed=seed, stage="prepared", surface="drill")
    play = Play(lab, drill, values, chosen)
    steps = plan.of(drill, values, chosen)
    told = in_force(values, chosen)
    play.note(BEGIN, drill=name, parameters=told, clean=drill.clean, plan=steps, versions=plan.versions())
    return play


def with_values(site: SiteFile, drill: Drill, values: dict[str, Any]) -> SiteFile:
    """The site with the parameters that override it; 900605 when it protects no VM."""
    if not any(vm.protected for vm in site.vms):
        raise LabError(900605, site=site.site)
    given = {key: drill.parameter(key).read(value) for key, value in values.items() if value is not None}

    def replaced(part: Any, **names: str) -> Any:
        found = {field: given[name] for field, name in names.items() if name in given}
        return msgspec.structs.replace(part, **found)

    return msgspec.structs.replace(
        site,
        line=replaced(site.line, bandwidth="bandwidth"),
        cloud=replaced(site.cloud, frequency="frequency", retention_h="retention"),
        objectives=replaced(site.objectives, rto="rto", rpo="rpo"),
    )


def in_force(values: dict[str, Any], site: SiteFile) -> dict[str, Any]:
    """The parameters with what the site says where a drill leaves it to the site file."""
    said = {
        "bandwidth": units.write_bandwidth(site.line.bandwidth),
        "frequency": units.write_duration(site.cloud.frequency),
        "retention": f"{site.cloud.retention_h}h",
        "rto": units.write_duration(site.objectives.rto),
        "rpo": units.write_duration(site.objectives.rpo),
    }
    return {name: said.get(name) if value is None else value for name, value in values.items()}


class Play:
    """A drill under way. ``lab`` is its lab, ``vms`` the names of the VMs it protects."""

    def __init__(self, lab: Lab, drill: Drill, values: dict[str, Any], site: SiteFile) -> None:
        self.lab, self.drill, self.values = lab, drill, values
        self.vms = [vm.name for vm in site.vms if vm.protected]
        self._step = ""

    # --- the plan ----------------------------------------------------------------------------------------------------

    def note(self, entry: str, **arguments: Any) -> None:
        """An entry in the lab's journal; the world does not change."""
        self.lab.command(entry, arguments, lambda world: None)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step of the plan, with its beginning and its end in the journal; 900613 for a step that is not in it."""
        known = [step.name for step in self.drill.steps]
        if name not in known:
            raise LabError(900613, found=name, choices=", ".join(known))
        self._step = name
        self.note(STEP, step=name, state=BEGUN)
        try:
            yield
        except BaseException as error:
            self.note(STEP, step=name, state=FAILED, **_described(error))
            raise
        self.note(STEP, step=name, state=DONE)
        title = _(self.drill.steps[known.index(name)].title)
        print(_("{time}  done: {title}").format(time=self.lab.now, title=title))

    def value(self, name: str) -> Any:
        """What a parameter means: ms, bit/s, hours, a truth or a word; None: as in the site file."""
        return self.drill.parameter(name).read(self.values[name])

    # --- time --------------------------------------------------------------------------------------------------------

    def run(self, parameter: str) -> None:
        """Let the time of a parameter (such as ``run_before``) or a duration pass."""
        self.lab.run(str(self.values.get(parameter, parameter)))

    def decide(self) -> None:
        """The time somebody needs from an outage to the word for a failover."""
        self._word(_("decision to fail over"), "decision_delay")

    def confirm(self, what: str) -> None:
        """The time a person takes for one word, such as the commit."""
        self._word(what, "confirm_delay")

    def _word(self, what: str, delay: str) -> None:
        self.lab.run(str(self.values[delay]))
        self.note(WORD, what=what, delay=delay, ms=self.value(delay), step=self._step)

    def wait(self, *things: Job | Item) -> None:
        """Wait until jobs end or want a word, and items are at rest; raises a job's error, 900610 out of patience."""
        for thing in things:
            done = _job_stopped(thing.id) if isinstance(thing, Job) else _at_rest(thing.name)
            self._until(done, _waited_for(thing))
            if isinstance(thing, Job) and thing.error is not None:
                raise thing.error

    def until_answering(self, vms: Sequence[str] | None = None, side: str = AZURE) -> None:
        """Wait until the VMs answer at a side ("azure", "site", "test"); without an application: are up."""
        for vm in self.vms if vms is None else vms:
            name = f"{side}/{vm}-test" if side == "test" else f"{side}/{vm}"
            self._until(_answers(name), _("{machine} answers").format(machine=name))

    def _until(self, done: Callable[[World], bool], what: str) -> None:
        limit = str(self.values["patience"])
        if not self.lab.run_until(done, within=limit):
            raise LabError(900610, limit=limit, what=what)

    # --- what drills have in common ----------------------------------------------------------------------------------

    def protect(self) -> None:
        """Register the server, configure the cloud, map the network, enable protection of all VMs, and wait."""
        vault = self.lab.vault
        self.wait(vault.register_server())
        self.wait(vault.configure_protection())
        self.wait(vault.map_network())
        self.each(vault.enable_protection)
        self.wait(*vault.items.values())

    def each(self, command: Callable[..., Job], vms: Sequence[str] | None = None, **options: Any) -> list[Job]:
        """Give a command for each VM at the same instant, then wait for all their jobs."""
        started = [command(vm, **options) for vm in (self.vms if vms is None else vms)]
        self.wait(*started)
        return started

    def until_protected(self) -> None:
        """Wait until all VMs replicate to Azure again after a failback."""
        self.wait(*self.lab.vault.items.values())

    def answer_at_site(self, vms: Sequence[str] | None = None) -> None:
        """Wait until the VMs answer at the site."""
        self.until_answering(vms, SITE)

    def end(self) -> list[str]:
        """The drill is through: close the lab; returns what it showed, a line each."""
        from labkit.drills import result

        self.note(END)
        lines = result.lines(result.build(self.lab))
        self.lab.close()
        return lines


def _waited_for(thing: Job | Item) -> str:
    if isinstance(thing, Item):
        return _("replication of {vm} is ready").format(vm=thing.name)
    return _("the job {job} ({scenario}, {target}) ends").format(
        job=thing.id, scenario=thing.scenario, target=thing.target
    )


def _described(error: BaseException) -> dict[str, Any]:
    if isinstance(error, LabError):
        details = {name: value if isinstance(value, int | str) else str(value) for name, value in error.details.items()}
        return {"code": error.code, "details": details, "allowed": list(error.allowed)}
    return {"code": 900611, "details": {"kind": type(error).__name__, "text": str(error)}, "allowed": []}


def _job_stopped(name: str) -> Callable[[World], bool]:
    return lambda world: world.get(JobRecord, name).state != jobs.IN_PROGRESS


def _at_rest(name: str) -> Callable[[World], bool]:
    def done(world: World) -> bool:
        item = items.get(world, name)
        job = world.find(JobRecord, item.job) if item.job else None
        return item.state != states.ENABLING and (job is None or job.state != jobs.IN_PROGRESS)

    return done


def _answers(name: str) -> Callable[[World], bool]:
    def done(world: World) -> bool:
        machine = world.find(Machine, name)
        if machine is None:
            return False
        return bool(machine.answering_at if machine.application else machine.up_at)

    return done
