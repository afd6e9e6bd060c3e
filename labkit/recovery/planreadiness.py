"""What a run of a plan would fail at if it began now; nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from labkit.azure import services, sizes
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.recovery import encryption, planmembers, plans, targets
from labkit.recovery import item as items
from labkit.recovery.plans import SCRIPT, RecoveryPlan
from labkit.recovery.requirements import FAILS, WARNS


class Obstacle(NamedTuple):
    """One thing: the VM or plan it is about, "fails" or "warns", the error's code, and its text."""

    about: str
    severity: str
    code: int
    text: str


def check(world: World, plan: RecoveryPlan, kind: str, *, certificate: bool = False) -> list[Obstacle]:
    """What a run of a kind would fail at; ``certificate``: the one of an encrypted cloud will be given.

    States and names of the VMs, the certificate, sizes, network mappings (a warning), the site where it is needed,
    runbooks and their accounts, the quota of cores.
    """
    if kind not in plans.KINDS:
        raise LabError(900545, found=kind, choices=", ".join(plans.KINDS))
    found = [*_of_plan(world, plan, kind)]
    for vm in plan.vms:
        found += _of_vm(world, vm, kind, certificate=certificate)
    if not any(one.severity == FAILS for one in found):
        found += _try(plan.id, lambda: planmembers.require_work(world, plan, kind))
    return found


def allowed(world: World, plan: RecoveryPlan) -> tuple[str, ...]:
    """What can be asked for now: kinds of runs, and "delete"; none while it runs (rule 3.1-5)."""
    if plans.running(world, plan.id) is not None:
        return ()
    return (*(kind for kind in plans.SCENARIOS if _may_run(world, plan, kind)), "delete")


def _may_run(world: World, plan: RecoveryPlan, kind: str) -> bool:
    try:
        planmembers.require_work(world, plan, kind)
    except LabError:
        return False
    return True


def _try(about: str, question: Callable[[], object], severity: str = FAILS) -> Iterator[Obstacle]:
    try:
        question()
    except LabError as error:
        yield Obstacle(about, severity, error.code, error.message)


def _of_plan(world: World, plan: RecoveryPlan, kind: str) -> Iterator[Obstacle]:
    yield from _try(plan.id, lambda: plans.free(world, plan.id, "RunPlan"))
    if kind in planmembers.STOPS and not items.site_reachable(world):
        error = LabError(900521, vm=plan.id)
        yield Obstacle(plan.id, FAILS, error.code, error.message)
    for group in plan.groups:
        for action in (*group.before, *group.after):
            if action.action == SCRIPT and action.belongs_to(kind):
                yield from _try(plan.id, lambda action=action: plans.require_runbook(world, plan.id, action))  # type: ignore[misc]
    if kind != plans.FAILBACK:
        there = (planmembers.found_item(world, vm) for vm in plan.vms)
        cores = sum(sizes.named(item.size).cores for item in there if item is not None and item.size)
        yield from _try(plan.id, lambda: services.claim(world, "cores", cores))


def _of_vm(world: World, vm: str, kind: str, *, certificate: bool) -> Iterator[Obstacle]:
    item = planmembers.found_item(world, vm)
    if item is None:
        yield from _try(vm, lambda: items.get(world, vm))
        return
    yield from _try(vm, lambda: planmembers.may_begin(world, item, kind))
    if kind == plans.FAILBACK:
        return
    yield from _try(vm, lambda: targets.require_name(item))
    yield from _try(vm, lambda: targets.require_slots(world, item))
    if not certificate:
        yield from _try(vm, lambda: encryption.unlock(world, item, None))
    if not targets.network(world, item):
        error = LabError(900923, vm=vm)
        yield Obstacle(vm, WARNS, error.code, error.message)
