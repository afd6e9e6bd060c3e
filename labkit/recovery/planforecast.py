"""How long a plan's run will take, from the usual lengths of tasks, boots and the times that actions declare.

From the operator's word until the last VM is up and its application answers. Left out is what cannot be known before:
data still to be sent, waits for a person, recovery of a database after a crash.
"""

from __future__ import annotations

from labkit.engine import jobs
from labkit.engine.world import World
from labkit.guest.machine import OPEN_DATABASE
from labkit.recovery import item as items
from labkit.recovery import planmembers, plans
from labkit.recovery.plans import CHECK, SCRIPT, RecoveryPlan

# The tasks of a VM's job in a plan: before the shut-down, the shut-down of one group, on to the switch, the start.
_PARTS = {
    plans.TEST: (
        "TestFailover",
        ("VmTfoPrerequisitesCheck", "VmTfoInitiateFailover", "VmTfoPrepareTestVm"),
        (),
        (),
        "VmTfoBootTestVm",
    ),
    plans.PLANNED: (
        "PlannedFailover",
        ("VmPfoPrerequisitesCheck",),
        ("VmShutdownVmOnPrimary",),
        ("VmPrepareForFailover", "VmFailover"),
        "VmFoStartVmOnSecondary",
    ),
    plans.UNPLANNED: (
        "UnplannedFailover",
        ("VmUfoPrerequisitesCheck", "VmShutdownVmOnPrimary", "VmPrepareForUnPlannedFailover", "VmFailover"),
        (),
        (),
        "VmFoStartVmOnSecondary",
    ),
    plans.FAILBACK: (
        "Failback",
        ("RpSrsPrerequisitesCheck", "PrepareVmOnPremForFailback"),
        ("ShutdownAllActionGroup",),
        ("FailoverAllActionGroup",),
        "BootGroup1ActionGroup",
    ),
}


def forecast(world: World, plan: RecoveryPlan, kind: str) -> int:
    """Milliseconds that a run of a kind ("test", "planned", "unplanned", "failback") will take.

    Site to site the same in both directions; 900925 for a failback there.
    """
    planmembers.destination(plan, kind)
    scenario, first, shut_down, switch, start = _PARTS[kind]
    lengths = dict(jobs.timings(scenario))
    full = [group for group in plan.groups if group.vms]
    total = dict(jobs.timings(plans.SCENARIOS[kind]))["RpSrsPrerequisitesCheck"]
    total += sum(lengths[task] for task in (*first, *switch)) + len(full) * sum(lengths[task] for task in shut_down)
    answered = total
    for group in plan.groups:
        total += sum(action.takes for action in group.before if action.action == SCRIPT and action.belongs_to(kind))
        for vm in group.vms:
            machine = items.source(world, items.get(world, vm))
            up = total + lengths[start] + machine.boot
            answered = max(answered, up + (OPEN_DATABASE if machine.application else 0))
        total += lengths[start] + _longest_boot(world, group.vms) if group.vms else 0
        total += sum(action.takes for action in group.after if action.action == SCRIPT and action.belongs_to(kind))
        if any(action.action == CHECK and action.belongs_to(kind) for action in (*group.before, *group.after)):
            total = max(total, answered)
    return max(total, answered)


def _longest_boot(world: World, vms: list[str]) -> int:
    return max(items.source(world, items.get(world, vm)).boot for vm in vms)
