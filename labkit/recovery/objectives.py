"""Targets for RPO, RTO and MTD per VM or plan, beside what each failover achieved (rule 1.1-3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from labkit.engine.errors import LabError
from labkit.engine.world import Entity, World, entity
from labkit.recovery.achieved import TO_AZURE, Switch, switches
from labkit.site import inventory

MET, MISSED, NOT_TESTED = "met", "missed", "not_tested"


@entity("objective")
class Objective(Entity):
    """Targets of a VM (``id`` vm/NAME) or plan (plan/NAME) in ms; None: as the site's."""

    rto: int | None = None
    rpo: int | None = None
    mtd: int | None = None


class Verdict(NamedTuple):
    """One target beside what was achieved, in ms; ``verdict``: met, missed, or not_tested."""

    vm: str
    operation: str
    at: int
    name: str
    target: int | None
    achieved: int | None
    verdict: str


def set_targets(world: World, vm: str, rto: int | None, rpo: int | None, mtd: int | None) -> None:
    """Set a VM's targets; what is None is the site's again. 900896 for an MTD below the RTO."""
    inventory.machine(world, vm)
    store(world, f"vm/{vm}", rto, rpo, mtd)


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
    """Every failover against the targets that hold now, in order; a test tests the RTO only."""
    return [verdict for switch in switches(world, facts) for verdict in _of(world, switch)]


def _of(world: World, switch: Switch) -> Iterable[Verdict]:
    record, wanted = switch.record, targets(world, f"vm/{switch.record.vm}")
    real = record.operation in TO_AZURE
    achieved = {
        "rto": switch.rto,
        "rpo": record.rpo if real else None,
        "mtd": switch.outage_time if real else None,
    }
    for name, target in wanted.items():
        value = achieved[name]
        if target is None or (value is None and name != "rto"):
            word = NOT_TESTED
        else:
            word = MET if value is not None and value <= target else MISSED
        yield Verdict(record.vm, record.operation, record.at, name, target, value, word)
