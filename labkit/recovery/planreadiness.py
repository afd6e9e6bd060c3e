"""What a run of a plan would fail at if it began now; nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from labkit.azure import hosting, sizes
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest.machine import AZURE, TEST, Machine
from labkit.recovery import azurevms, encryption, hostreplica, planmembers, plans, sitefailover, targets
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.recovery.plans import SCRIPT, RecoveryPlan
from labkit.recovery.requirements import FAILS, WARNS

_MAKE_VMS = (plans.TEST, plans.PLANNED, plans.UNPLANNED)


class Obstacle(NamedTuple):
    """One thing: the VM or plan it is about, "fails" or "warns", the error's code, and its text."""

    about: str
    severity: str
    code: int
    text: str


def check(
    world: World,
    plan: RecoveryPlan,
    kind: str,
    *,
    direction: str = planmembers.RECOVERY,
    certificate: bool = False,
) -> list[Obstacle]:
    """What a run of a kind would fail at; ``certificate``: the one of an encrypted cloud will be given.

    States and names of the VMs, the certificate, sizes, network mappings (a warning), the site where it is needed,
    runbooks and their accounts, the quota of cores. Site to site: states, and the hosts that are needed.
    """
    if kind not in plans.KINDS:
        raise LabError(900545, found=kind, choices=", ".join(plans.KINDS))
    try:
        side = planmembers.destination(plan, kind, direction)
    except LabError as error:
        if error.code == 900545:
            raise
        return [Obstacle(plan.id, FAILS, error.code, error.message)]
    found = [*_of_plan(world, plan, kind)]
    if kind in _MAKE_VMS and not plan.to_site:
        found += _try(plan.id, lambda: _room(world, plan, kind))
    for vm in plan.vms:
        found += _of_vm(world, plan, vm, kind, side, certificate=certificate)
    if not any(one.severity == FAILS for one in found):
        found += _try(plan.id, lambda: planmembers.require_work(world, plan, kind, side))
    return found


def allowed(world: World, plan: RecoveryPlan) -> tuple[str, ...]:
    """What can be asked for now: kinds of runs, and "delete"; none while it runs (rule 3.1-5)."""
    if plans.running(world, plan.id) is not None:
        return ()
    return (*(kind for kind in plans.SCENARIOS if _may_run(world, plan, kind)), "delete")


def _may_run(world: World, plan: RecoveryPlan, kind: str) -> bool:
    """In one direction at least, site to site."""
    for direction in planmembers.SIDES:
        try:
            planmembers.require_work(world, plan, kind, planmembers.destination(plan, kind, direction))
        except LabError:
            continue
        return True
    return False


def _try(about: str, question: Callable[[], object], severity: str = FAILS) -> Iterator[Obstacle]:
    try:
        question()
    except LabError as error:
        yield Obstacle(about, severity, error.code, error.message)


def _of_plan(world: World, plan: RecoveryPlan, kind: str) -> Iterator[Obstacle]:
    yield from _try(plan.id, lambda: plans.free(world, plan.id, "RunPlan"))
    if kind in planmembers.STOPS and not items.site_reachable(world, *filter(None, [plan.server])):
        error = LabError(900521, vm=plan.id)
        yield Obstacle(plan.id, FAILS, error.code, error.message)
    for group in plan.groups:
        for action in (*group.before, *group.after):
            if action.action == SCRIPT and action.belongs_to(kind):
                yield from _try(plan.id, lambda action=action: plans.require_runbook(world, plan.id, action))  # type: ignore[misc]


def _room(world: World, plan: RecoveryPlan, kind: str) -> None:
    """The quotas have room (900814) for the VMs that a run makes; those that wait to be started count already."""
    side, cores, shared = (TEST if kind == plans.TEST else AZURE), 0, set()
    for item in filter(None, (planmembers.found_item(world, vm) for vm in plan.vms)):
        name = f"{TEST}/{item.id}-test" if kind == plans.TEST else f"{AZURE}/{item.id}"
        if world.find(Machine, name) is None and item.size and _goes(world, item, kind):
            cores += sizes.named(item.size).cores
            # The network of a test is not chosen yet: one for all.
            network = "" if kind == plans.TEST else targets.network(world, item)
            shared.add(azurevms.sharing(side, network, plan.id))
    hosting.require_quotas(world, cores, sum(not hosting.there(world, words) for words in shared))


def _goes(world: World, item: ProtectedItem, kind: str) -> bool:
    """Whether a run has work with the VM; one that cannot begin is named by itself."""
    try:
        return planmembers.taken_over(world, item, kind) is not None or planmembers.may_begin(world, item, kind)
    except LabError:
        return False


def _hosts(world: World, item: ProtectedItem, kind: str, side: str) -> None:
    """A planned failover needs both sides' hosts and the line between, any other the side that takes over."""
    replica = world.get(hostreplica.HostReplica, item.id)
    if planmembers.active_side(world, item.id) == side:
        return
    if kind == plans.PLANNED:
        sitefailover.require_planned(world, replica)
    else:
        sitefailover.require_sides(world, replica, hostreplica.other(replica))


def _of_vm(world: World, plan: RecoveryPlan, vm: str, kind: str, side: str, *, certificate: bool) -> Iterator[Obstacle]:
    item = planmembers.found_item(world, vm)
    if item is None:
        yield from _try(vm, lambda: items.get(world, vm))
        return
    if plans.target_of(item) != plan.target:
        yield from _try(vm, lambda: plans.check_member(world, plan.id, plan.server, plan.target, vm))
        return
    if planmembers.taken_over(world, item, kind, side):
        return
    yield from _try(vm, lambda: planmembers.may_begin(world, item, kind, side))
    if item.to:
        yield from _try(vm, lambda: _hosts(world, item, kind, side))
    if kind == plans.FAILBACK or item.to:
        return
    yield from _try(vm, lambda: targets.require_name(item))
    yield from _try(vm, lambda: targets.require_slots(world, item))
    if not certificate:
        yield from _try(vm, lambda: encryption.unlock(world, item, None))
    if not targets.network(world, item):
        error = LabError(900923, vm=vm)
        yield Obstacle(vm, WARNS, error.code, error.message)
