"""Targets for RPO, RTO and MTD per VM or plan, beside what each failover achieved (rule 1.1-3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import Entity, World, entity
from labkit.recovery import plans
from labkit.recovery.achieved import TO_AZURE, Switch, switches
from labkit.recovery.plans import PLANNED, SCENARIOS, TEST, UNPLANNED
from labkit.site import inventory

MET, MISSED, NOT_TESTED = "met", "missed", "not_tested"
_RUNS = tuple(SCENARIOS[kind] for kind in (TEST, PLANNED, UNPLANNED))


@entity("objective")
class Objective(Entity):
    """Targets of a VM (``id`` vm/NAME) or plan (plan/NAME) in ms; None: as the site's."""

    rto: int | None = None
    rpo: int | None = None
    mtd: int | None = None


class Verdict(NamedTuple):
    """One target beside what was achieved, in ms; ``verdict``: met, missed, or not_tested. ``name``: of VM or plan."""

    name: str
    operation: str
    at: int
    objective: str
    target: int | None
    achieved: int | None
    verdict: str


def set_targets(world: World, vm: str, rto: int | None, rpo: int | None, mtd: int | None) -> None:
    """Set a VM's targets; what is None is the site's again. 900896 for an MTD below the RTO."""
    inventory.machine(world, vm)
    store(world, f"vm/{vm}", rto, rpo, mtd)


def set_plan_targets(world: World, plan: str, rto: int | None, rpo: int | None, mtd: int | None) -> None:
    """Set a plan's targets; what is None is the site's again. 900010 no such plan, 900896."""
    plans.get(world, plan)
    store(world, f"plan/{plan}", rto, rpo, mtd)


def store(world: World, name: str, rto: int | None, rpo: int | None, mtd: int | None) -> None:
    """Keep targets under an id."""
    found = world.find(Objective, name)
    if found is not None:
        world.remove(found)
    made = Objective(name, rto, rpo, mtd)
    wanted = targets(world, name, made)
    if wanted["mtd"] is not None and wanted["rto"] is not None and wanted["mtd"] < wanted["rto"]:
        raise LabError(900896, name=name.partition("/")[2])
    world.add(made)
    world.fact("objectives.set", name, **{key: value for key, value in wanted.items() if value is not None})


def targets(world: World, name: str, own: Objective | None = None) -> dict[str, int | None]:
    """The targets that hold for a VM or plan: its own, else the site's (ms)."""
    site = inventory.site_of(world).objectives
    found = own or world.find(Objective, name)
    return {
        key: getattr(site, key) if found is None or getattr(found, key) is None else getattr(found, key)
        for key in ("rto", "rpo", "mtd")
    }


def verdicts(world: World, facts: list[dict[str, Any]]) -> list[Verdict]:
    """Every failover against the targets that hold now, VMs in order and then plans; a test tests the RTO only."""
    found = switches(world, facts)
    return [*(verdict for switch in found for verdict in _of_vm(world, switch)), *_of_plans(world, found)]


def _of_vm(world: World, switch: Switch) -> Iterator[Verdict]:
    record = switch.record
    real = record.operation in TO_AZURE
    achieved = {
        "rto": switch.rto,
        "rpo": record.rpo if real else None,
        "mtd": switch.outage_time if real else None,
    }
    yield from _beside(world, f"vm/{record.vm}", record.operation, record.at, achieved)


def _of_plans(world: World, found: list[Switch]) -> Iterator[Verdict]:
    """A plan's run: from its click to the last VM's answer, the worst VM's RPO, the outage to the last answer."""
    by_job = {switch.record.job: switch for switch in found}
    for job in world.all(JobRecord):
        if job.scenario not in _RUNS:
            continue
        members = [by_job[name] for name in job.data["jobs"].values() if name in by_job]
        if not members:
            continue
        answered = [switch.answered for switch in members if switch.answered is not None]
        last = max(answered) if len(answered) == len(job.data["jobs"]) else None
        outages = [switch.outage for switch in members if switch.outage is not None]
        real = job.scenario != SCENARIOS[TEST]
        achieved = {
            "rto": None if last is None else last - job.started,
            "rpo": max(switch.record.rpo for switch in members) if real else None,
            "mtd": last - min(outages) if real and last is not None and outages else None,
        }
        at = max(switch.record.at for switch in members)
        yield from _beside(world, f"plan/{job.target}", job.scenario, at, achieved)


def _beside(world: World, name: str, operation: str, at: int, achieved: dict[str, int | None]) -> Iterator[Verdict]:
    for key, target in targets(world, name).items():
        value = achieved[key]
        if target is None or (value is None and key != "rto"):
            word = NOT_TESTED
        else:
            word = MET if value is not None and value <= target else MISSED
        yield Verdict(name.partition("/")[2], operation, at, key, target, value, word)
