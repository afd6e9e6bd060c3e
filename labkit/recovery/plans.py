"""Recovery plans: groups of VMs that start one after the other, with actions between them (rules 3.2-1 to 3.2-5).

What a plan is, and what is refused of it. Its failover is :mod:`labkit.recovery.planruns`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.names import unknown
from labkit.engine.units import DAY
from labkit.engine.world import Entity, World, entity
from labkit.recovery import automation
from labkit.recovery import item as items
from labkit.recovery.automation import AutomationAccount, Runbook
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vault import WHEN_DELETED, Cloud
from labkit.recovery.vaults import the_vault

TO_AZURE = "azure"
_LONGEST = 30 * DAY  # of an action, in virtual ms
MOST_GROUPS = 8  # the first, and up to 7 added to it; source: facts.md 2.7
TEST, PLANNED, UNPLANNED, FAILBACK = "test", "planned", "unplanned", "failback"
COMMIT, REVERSE = "commit", "reverse"
KINDS = (TEST, PLANNED, UNPLANNED, FAILBACK)
MANUAL, SCRIPT, CHECK = "manual", "script", "check"
ACTIONS = (MANUAL, SCRIPT, CHECK)
SCENARIOS = {
    TEST: "PlanTestFailover",
    PLANNED: "PlanPlannedFailover",
    UNPLANNED: "PlanUnplannedFailover",
    FAILBACK: "PlanFailback",
    COMMIT: "PlanCommitFailover",
    REVERSE: "PlanReverseReplicate",
}


class Action(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A pause, a script or a check at a place in a plan.

    ``kinds``: the failovers it belongs to ("test", "planned", "unplanned", "failback"), all when empty. "manual":
    ``text`` tells what to do. "script": a ``runbook`` of an automation ``account``; it ``takes`` so many ms of virtual
    time and at most ``timeout`` seconds of real time. "check": the application of ``vm`` answers within ``limit`` ms.
    """

    name: str
    action: str
    text: str = ""
    kinds: tuple[str, ...] = ()
    account: str = ""
    runbook: str = ""
    takes: int = 60_000
    timeout: int = 300
    vm: str = ""
    limit: int = 1_800_000

    def belongs_to(self, kind: str) -> bool:
        """Whether it is done in a kind of failover; runbooks go towards Azure only (rule 3.2-4)."""
        if self.action == SCRIPT and kind == FAILBACK:
            return False
        return not self.kinds or kind in self.kinds


class Group(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """VMs that start together, and what is done before and after."""

    vms: list[str] = msgspec.field(default_factory=list)
    before: list[Action] = msgspec.field(default_factory=list)
    after: list[Action] = msgspec.field(default_factory=list)


@entity("plan")
class RecoveryPlan(Entity):
    """A plan. ``server``: the VMM server of its VMs' clouds. ``tested``: the version tested last, 0 for none.

    ``target``: "azure", or the name of the cloud that its VMs are protected to.
    """

    server: str
    target: str
    groups: list[Group]
    version: int = 1
    tested: int = 0

    @property
    def to_site(self) -> bool:
        """Whether its VMs are protected to another cloud."""
        return self.target != TO_AZURE

    @property
    def vms(self) -> list[str]:
        """All its VMs in the order they start."""
        return [vm for group in self.groups for vm in group.vms]

    @property
    def changed(self) -> bool:
        """Whether it is not what was tested last, or was never tested."""
        return self.tested != self.version


def get(world: World, name: str) -> RecoveryPlan:
    """The plan; 900010 with the names there are."""
    found = world.find(RecoveryPlan, name)
    if found is None:
        raise unknown("recovery plan", name, [plan.id for plan in world.all(RecoveryPlan)])
    return found


def running(world: World, name: str) -> JobRecord | None:
    """The job of the plan that is under way or waits for the operator."""
    scenarios = SCENARIOS.values()
    found = (job for job in world.all(JobRecord) if job.running and job.target == name and job.scenario in scenarios)
    return next(found, None)


def free(world: World, name: str, operation: str) -> None:
    """Refuse what cannot be done while the plan runs (532)."""
    job = running(world, name)
    if job is not None:
        raise LabError(532, vm=name, operation=operation, job=job.id, scenario=job.scenario, task=job.task.name)


def create(world: World, name: str, members: Sequence[str], server: str | None = None) -> RecoveryPlan:
    """Make a plan of one group (rule 3.2-1); its target is the first VM's, its source that VM's cloud's ``server``."""
    the_vault(world)
    check_name(world, name)
    first = items.get(world, members[0]) if members else None
    source = server or ("" if first is None else server_of(world, first))
    target = TO_AZURE if first is None else target_of(first)
    return add(world, RecoveryPlan(name, source, target, [Group(list(members))]))


def add(world: World, plan: RecoveryPlan) -> RecoveryPlan:
    """Put a new plan into the vault, once it is found to be a good one."""
    check_name(world, plan.id)
    check(world, plan.id, plan.server, plan.target, plan.groups)
    world.add(plan)
    world.fact("plan.created", plan.id, vms=", ".join(plan.vms), groups=len(plan.groups))
    return plan


def save(world: World, name: str, groups: list[Group]) -> RecoveryPlan:
    """Keep a customised plan, all of it or nothing (rule 3.2-5); 532 while it runs."""
    plan = get(world, name)
    free(world, name, "EditPlan")
    check(world, name, plan.server, plan.target, groups)
    if groups != plan.groups:
        plan.groups, plan.version = groups, plan.version + 1
        world.fact("plan.changed", name, vms=", ".join(plan.vms), groups=len(groups), version=plan.version)
    return plan


def delete(world: World, name: str) -> None:
    """Delete a plan; its VMs stay as they are. 532 while it runs."""
    plan = get(world, name)
    free(world, name, "EditPlan")
    world.remove(plan)
    world.fact("plan.deleted", name)


# --- what is refused (rule 3.2-5) -------------------------------------------------------------------------------------


def check_name(world: World, name: str) -> None:
    """Refuse a name that cannot be a plan's (900900) or is another's (900809)."""
    if not re.fullmatch(r"\w(?:[\w .-]{0,61}\w)?", str(name)):
        raise LabError(900900, found=name)
    if name.casefold() in {plan.id.casefold() for plan in world.all(RecoveryPlan)}:  # as names in Azure are
        raise LabError(900809, kind="recovery plan", name=name)


def server_of(world: World, item: ProtectedItem) -> str:
    """The VMM server of a VM's cloud."""
    return world.get(Cloud, item.cloud).server


def target_of(item: ProtectedItem) -> str:
    """The target that a plan with this VM has: "azure", or a cloud's name."""
    return item.to or TO_AZURE


def check(world: World, name: str, server: str, target: str, groups: list[Group]) -> None:
    """Refuse a plan that is not a good one: 900502, 900901 to 900907, 900927, 900010."""
    if len(groups) > MOST_GROUPS:
        raise LabError(900905, plan=name, found=len(groups), most=MOST_GROUPS)
    members = [vm for group in groups for vm in group.vms]
    if not members:
        raise LabError(900904, plan=name)
    for vm in members:
        if members.count(vm) > 1:
            raise LabError(900901, plan=name, vm=vm)
        check_member(world, name, server, target, vm)
    for number, group in enumerate(groups, start=1):
        if not (group.vms or group.before or group.after):
            raise LabError(900903, plan=name, group=number)
        for action in (*group.before, *group.after):
            _check_action(world, name, number, action, members, to_site=target != TO_AZURE)


def check_member(world: World, plan: str, server: str, target: str, vm: str) -> None:
    """Refuse a VM that is not protected (900502) or is of another source or target (900902)."""
    item = items.get(world, vm)
    source = server_of(world, item)
    if source != server:
        raise LabError(900902, plan=plan, vm=vm, found=source, wanted=server)
    if target_of(item) != target:
        raise LabError(900902, plan=plan, vm=vm, found=target_of(item), wanted=target)


def _check_action(world: World, plan: str, group: int, action: Action, members: list[str], *, to_site: bool) -> None:
    if to_site and action.action == SCRIPT:  # rule 3.2-4: towards Azure only
        raise LabError(900927, plan=plan, group=group, name=action.name)
    for field, found, choices in _faults(action, members, to_site=to_site):
        raise LabError(900907, plan=plan, group=group, name=action.name, field=field, found=str(found), choices=choices)
    if action.action == SCRIPT:
        require_runbook(world, plan, action)


def _faults(action: Action, members: list[str], *, to_site: bool) -> Iterator[tuple[str, object, str]]:
    """What is wrong with an action: the field, what it is, and what it may be. Site to site there is no failback."""
    if not action.name.strip():
        yield "name", action.name, "..."
    if action.action not in ACTIONS:
        yield "action", action.action, ", ".join(ACTIONS)
    allowed = (TEST, PLANNED, UNPLANNED) if to_site or action.action == SCRIPT else KINDS
    yield from (("kinds", kind, ", ".join(allowed)) for kind in action.kinds if kind not in allowed)
    if action.action == MANUAL and not action.text.strip():
        yield "text", action.text, "..."
    if action.action == CHECK and action.vm not in members:
        yield "vm", action.vm, ", ".join(members)
    for field, least, most in (("takes", 0, _LONGEST), ("limit", 1, _LONGEST), ("timeout", 1, DAY // 1000)):
        if not least <= getattr(action, field) <= most:
            yield field, getattr(action, field), f"{least} - {most}"


def require_runbook(world: World, plan: str, action: Action) -> Runbook:
    """The runbook of a script action; 900906 without an automation account, 900010 for one that is not there."""
    if not world.any(AutomationAccount):
        raise LabError(900906, plan=plan, name=action.name)
    return automation.runbook(world, action.account, action.runbook)


def _with_the_vault(world: World) -> None:
    """Plans are the vault's, and go with it."""
    for plan in world.all(RecoveryPlan):
        world.remove(plan)


WHEN_DELETED.append(_with_the_vault)
