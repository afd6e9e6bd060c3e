"""The part of ``lab.vault`` that has recovery plans (rules 3.1-2, 3.2-1 to 3.2-5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.engine import units
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.lab.opener import Opener
from labkit.lab.plandraft import PlanDraft
from labkit.lab.views import Job
from labkit.lab.wizards import Wizard
from labkit.recovery import planforecast, planreadiness, planruns, plans, plantext, planwizard
from labkit.recovery.planactions import RunbookRun
from labkit.recovery.planmembers import RECOVERY
from labkit.recovery.planreadiness import Obstacle
from labkit.recovery.plans import TO_AZURE
from labkit.site import inventory
from labkit.site.wizard import Values

if TYPE_CHECKING:
    from labkit.lab.door import Lab


class RunbookView(NamedTuple):
    """A run of a runbook: ``at`` ISO 8601, ``outcome`` "ended", "failed" or "timed out", exit code (-1: none)."""

    id: str
    job: str
    runbook: str
    at: str
    outcome: str
    code: int
    output: str


def _runs(world: World) -> list[RunbookView]:
    zone = inventory.site_of(world).offset_min
    return [
        RunbookView(run.id, run.job, run.runbook, units.show_instant(run.at, zone), run.outcome, run.code, run.output)
        for run in sorted(world.all(RunbookRun), key=lambda run: (run.at, run.id))
    ]


class Plan:
    """A recovery plan, as the portal's page shows it."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab, self.name = lab, name

    def _read(self, question: Callable[[World, plans.RecoveryPlan], Any]) -> Any:
        return self._lab.read(lambda world: question(world, plans.get(world, self.name)))

    @property
    def server(self) -> str:
        """The source: the VMM server of its VMs' clouds."""
        return str(self._read(lambda world, plan: plan.server))

    @property
    def target(self) -> str:
        """The target: "azure", or the cloud that its VMs are protected to."""
        return str(self._read(lambda world, plan: plan.target))

    @property
    def vms(self) -> list[str]:
        """Its VMs in the order they start."""
        return list(self._read(lambda world, plan: plan.vms))

    @property
    def groups(self) -> list[dict[str, Any]]:
        """Its groups: each ``vms``, and the actions ``before`` and ``after``, as :meth:`PlansDoor.save_plan` takes."""
        return list(self._read(lambda world, plan: [plantext.group_to_data(group) for group in plan.groups]))

    @property
    def version(self) -> int:
        """1, and one more each time it was saved with a change."""
        return int(self._read(lambda world, plan: plan.version))

    @property
    def tested(self) -> int:
        """The version that was tested last; 0 for none."""
        return int(self._read(lambda world, plan: plan.tested))

    @property
    def changed(self) -> bool:
        """Whether it is another than the one tested last, or was never tested."""
        return bool(self._read(lambda world, plan: plan.changed))

    @property
    def job(self) -> Job | None:
        """Its job that is under way or waits for the operator."""
        found = self._read(lambda world, plan: getattr(plans.running(world, plan.id), "id", None))
        return None if found is None else Job(self._lab, found)

    @property
    def allowed_operations(self) -> tuple[str, ...]:
        """What is not greyed now: "test", "planned", "unplanned", "failback", "commit", "reverse", "delete"."""
        return tuple(self._read(planreadiness.allowed))

    def readiness(
        self, kind: str = plans.PLANNED, *, direction: str = RECOVERY, certificate: bool = False
    ) -> list[Obstacle]:
        """What a run of a kind ("test", "planned", "unplanned", "failback") would fail at now.

        ``direction`` as of :meth:`PlansDoor.planned_failover_plan`; ``certificate``: the one of an encrypted cloud will
        be given.
        """
        work = lambda world, plan: planreadiness.check(  # noqa: E731
            world, plan, kind, direction=direction, certificate=certificate
        )
        return list(self._read(work))

    def forecast(self, kind: str = plans.PLANNED) -> str:
        """How long a run will take until the last VM's application answers, waits for people left out."""
        return units.show_duration(self._read(lambda world, plan: planforecast.forecast(world, plan, kind)))

    def draft(self) -> PlanDraft:
        """A copy to customise: move VMs, add groups and actions, then ``save()``."""
        return PlanDraft(self._lab, self.name, plantext.groups_of(self.groups))

    def __repr__(self) -> str:
        return f"<Plan {self.name}: {', '.join(self.vms)}>"


class Plans(Mapping[str, Plan]):
    """All recovery plans by name."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def _names(self) -> list[str]:
        return self._lab.read(lambda world: [plan.id for plan in world.all(plans.RecoveryPlan)])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def get(self, name: str, default: Any = None) -> Any:
        """The one of that name, or ``default`` (``[name]`` refuses with what there is)."""
        if name not in self:
            return default
        return self[name]

    def __getitem__(self, name: str) -> Plan:
        self._lab.read(lambda world: plans.get(world, name).id)
        return Plan(self._lab, name)

    def __repr__(self) -> str:
        return f"<Plans {', '.join(self) or '-'}>"


class PlansDoor:
    """Making, changing and running recovery plans."""

    _lab: Lab
    _do: Callable[..., Job]

    @property
    def plans(self) -> Plans:
        """The recovery plans by name."""
        return Plans(self._lab)

    def plan_wizard(self) -> Wizard:
        """The wizard "Create Recovery Plan": name, source and target; then the VMs (rule 3.2-1).

        ``next(name=...)``, ``next(vms=[...])``, ``finish()`` gives the plan. Errors as of :meth:`create_plan`.
        """
        sources = self._lab.read(planwizard.sources)
        subject = sources[0] if sources else ""

        def finish(values: Values) -> Plan:
            return self.create_plan(values["name"], values["vms"], values["source"])

        return Wizard(self._lab, planwizard.NAME, subject, {"server": subject}, finish)

    def plan_vms(self, server: str | None = None, target: str = TO_AZURE) -> list[str]:
        """The VMs that the wizard's second page offers: of one source (default: the first) and one target."""

        def work(world: World) -> list[str]:
            return planwizard.offered(world, server or next(iter(planwizard.sources(world)), ""), target)

        return self._lab.read(work)

    def create_plan(self, name: str, vms: Sequence[str], server: str | None = None) -> Plan:
        """Make a plan of protected VMs, all in one group (rule 3.2-1); its target is that of the first one.

        ``server``: the VMM server of their clouds, by default that of the first one. 900900 for the name, 900809 when
        it is taken; 900502, 900901, 900902, 900904 for the VMs, which have one source and one target.
        """
        work = lambda world: plans.create(world, name, list(vms), server).id  # noqa: E731
        self._lab.command("vault.create_plan", {"name": name, "vms": list(vms), "server": server}, work)
        return Plan(self._lab, name)

    def save_plan(self, name: str, groups: Sequence[Any]) -> Plan:
        """Keep other groups and actions, all of them or nothing (rule 3.2-5).

        ``groups``: each a list of VMs, or a mapping with ``vms``, ``before`` and ``after``, these lists of actions:
        ``{"name", "action": "manual", "text"}``, ``{"name", "action": "script", "account", "runbook", "takes": "1min",
        "timeout": 300}`` (virtual time; seconds of real time), ``{"name", "action": "check", "vm", "limit": "30min"}``;
        each with ``kinds`` if it is not for all failovers. Errors: 900901 to 900907, 900910, 532.
        """
        made = plantext.groups_of(list(groups))
        work = lambda world: plans.save(world, name, made).id  # noqa: E731
        self._lab.command("vault.save_plan", {"name": name, "groups": [group.vms for group in made]}, work)
        return Plan(self._lab, name)

    def delete_plan(self, name: str) -> None:
        """Delete a plan; 532 while it runs."""
        self._lab.command("vault.delete_plan", {"name": name}, lambda world: plans.delete(world, name))

    def export_plan(self, name: str, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write a plan to a file of YAML, or of JSON when its name ends in ".json"; 900302 when it exists."""
        return self._lab.read(lambda world: plantext.write(plans.get(world, name), Path(path), overwrite=overwrite))

    def import_plan(self, path: str | Path, name: str | None = None) -> Plan:
        """Make a plan from a file, under its name there or another one; 900910, and errors as of making one."""
        read = plantext.read(Path(path))
        read.id = name or read.id
        self._lab.command("vault.import_plan", {"name": read.id}, lambda world: plans.add(world, read).id)
        return Plan(self._lab, read.id)

    # --- running ------------------------------------------------------------------------------------------------------

    def test_failover_plan(
        self,
        name: str,
        network: str | None = None,
        *,
        point: str = "latest",
        certificate: str | Path | None = None,
        password: str | None = None,
        wait: bool = False,
    ) -> Job:
        """Test VMs for all VMs of a plan; waits at "Complete testing" and then deletes them all (rule 3.3-2).

        ``point``: "latest", or "common": the newest instant that all VMs can show (900920, 900922). ``network``: a
        virtual network; site to site a logical network of the recovery cloud, or "automatic".
        """
        opener = Opener(certificate, password)
        work = lambda world: planruns.test(world, name, network, point, opener.private())  # noqa: E731
        return self._do("test_failover_plan", wait, work, plan=name, network=network, point=point)

    def planned_failover_plan(
        self,
        name: str,
        *,
        direction: str = RECOVERY,
        certificate: str | Path | None = None,
        password: str | None = None,
        wait: bool = False,
    ) -> Job:
        """Shut down in reverse order, send the rest, start group after group; the first failure stops it.

        ``direction``, of a plan site to site: to the "recovery" cloud, or back to the "primary" one (900926 to Azure).
        """
        opener = Opener(certificate, password)
        work = lambda world: planruns.planned(world, name, direction, opener.private())  # noqa: E731
        arguments = {"plan": name, "direction": direction, "certificate": opener.name}
        return self._do("planned_failover_plan", wait, work, **arguments)

    def unplanned_failover_plan(
        self,
        name: str,
        *,
        direction: str = RECOVERY,
        synchronise: bool = False,
        point: str = "latest",
        certificate: str | Path | None = None,
        password: str | None = None,
        wait: bool = False,
    ) -> Job:
        """Start group after group from the newest recovery points; goes on when something fails.

        Then it ends as "CompletedWithErrors" (``job.errors``). ``point`` as of :meth:`test_failover_plan`,
        ``direction`` as of :meth:`planned_failover_plan`.
        """
        opener = Opener(certificate, password)
        work = lambda world: planruns.unplanned(  # noqa: E731
            world, name, direction, synchronise=synchronise, point=point, private=opener.private()
        )
        arguments = {
            "plan": name,
            "direction": direction,
            "synchronise": synchronise,
            "point": point,
            "certificate": opener.name,
        }
        return self._do("unplanned_failover_plan", wait, work, **arguments)

    def commit_plan(self, name: str, *, wait: bool = False) -> Job:
        """Commit all VMs of a plan that wait for it, after a failover or a failback."""
        return self._do("commit_plan", wait, lambda world: planruns.commit(world, name), plan=name)

    def failback_plan(self, name: str, *, synchronise: str = "before", wait: bool = False) -> Job:
        """Back to the site; "before" waits for one word for all VMs (``job.complete()``), "during" does not.

        900925 for a plan site to site: there it is the planned failover to "primary".
        """
        work = lambda world: planruns.fail_back(world, name, synchronise)  # noqa: E731
        return self._do("failback_plan", wait, work, plan=name, synchronise=synchronise)

    def reverse_replication_plan(self, name: str, *, wait: bool = False) -> Job:
        """Reverse replication of all VMs of a plan that wait for it."""
        return self._do("reverse_replication_plan", wait, lambda world: planruns.reverse(world, name), plan=name)

    @property
    def runbook_runs(self) -> list[RunbookView]:
        """The runs of runbooks so far, oldest first, with the end of what each said."""
        return self._lab.read(_runs)

    # --- a run that has stopped ---------------------------------------------------------------------------------------

    def _on_job(self, name: str, job: Job, work: Callable[[World, JobRecord], JobRecord], **more: Any) -> Job:
        return self._do(name, False, lambda world: work(world, world.get(JobRecord, job.id)), job=job.id, **more)

    def restart(self, job: Job, *, certificate: str | Path | None = None, password: str | None = None) -> Job:
        """ "Restart" on a plan's failed job: on from the task that failed, with VMs that failed once more.

        900928 for the job of no plan, 900921 when it has not failed, 900929 when the plan has run once more since.
        """
        opener = Opener(certificate, password)
        work = lambda world, record: planruns.restart(world, record, opener.private())  # noqa: E731
        return self._on_job("restart", job, work, certificate=opener.name)

    def skip(self, job: Job, *, note: str = "") -> Job:
        """The lab's addition: leave out the action at which a plan has failed or waits; 900917 for other tasks, 900928.

        Of one that has failed as :meth:`restart`.
        """
        return self._on_job("skip", job, lambda world, record: planruns.skip(world, record, note), note=note)

    def release_plan(self, job: Job) -> Job:
        """The lab's addition: VMs that a failed plan holds before their start go on without it; as :meth:`restart`."""
        return self._on_job("release_plan", job, planruns.release)
