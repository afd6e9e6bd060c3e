"""A recovery plan being customised: nothing of it counts before it is saved (rule 3.2-5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from labkit.engine.errors import LabError
from labkit.engine.names import unknown
from labkit.recovery import plans, plantext
from labkit.recovery.plans import Action, Group

if TYPE_CHECKING:
    from labkit.lab.door import Lab
    from labkit.lab.plans import Plan

BEFORE, AFTER = "before", "after"


class PlanDraft:
    """``groups`` as they will be; numbers of groups begin at 1. Each method returns the draft, for a chain of them."""

    def __init__(self, lab: Lab, name: str, groups: list[Group]) -> None:
        self._lab, self.name, self.groups = lab, name, groups

    def _group(self, number: int) -> Group:
        if type(number) is not int or not 1 <= number <= len(self.groups):
            raise unknown("group", number, [str(one) for one in range(1, len(self.groups) + 1)])
        return self.groups[number - 1]

    def add_group(self, *vms: str) -> PlanDraft:
        """Add a group at the end, with VMs that were in none."""
        self.groups.append(Group(list(vms)))
        return self

    def remove_group(self, number: int) -> PlanDraft:
        """Remove a group with its actions; its VMs leave the plan."""
        self._group(number)
        del self.groups[number - 1]
        return self

    def move(self, vm: str, group: int) -> PlanDraft:
        """Put a VM into a group, out of the one it is in."""
        target = self._group(group)
        for one in self.groups:
            one.vms = [name for name in one.vms if name != vm]
        target.vms.append(vm)
        return self

    def remove(self, vm: str) -> PlanDraft:
        """Take a VM out of the plan."""
        holder = next((one for one in self.groups if vm in one.vms), None)
        if holder is None:
            raise unknown("VM", vm, [name for one in self.groups for name in one.vms])
        holder.vms.remove(vm)
        return self

    def _add(self, group: int, place: str, action: dict[str, Any]) -> PlanDraft:
        if place not in (BEFORE, AFTER):
            raise LabError(
                900907,
                plan=self.name,
                group=group,
                name=action["name"],
                field="place",
                found=place,
                choices=f"{BEFORE}, {AFTER}",
            )
        made = plantext.groups_of([{place: [action]}])[0]
        getattr(self._group(group), place).extend(getattr(made, place))
        return self

    def add_manual(
        self, group: int, name: str, text: str, *, place: str = AFTER, kinds: tuple[str, ...] = ()
    ) -> PlanDraft:
        """A pause before or after a group: ``text`` tells the operator what to do."""
        return self._add(group, place, {"name": name, "action": plans.MANUAL, "text": text, "kinds": list(kinds)})

    def add_script(
        self,
        group: int,
        name: str,
        account: str,
        runbook: str,
        *,
        takes: str = "1min",
        timeout: int = 300,
        place: str = AFTER,
        kinds: tuple[str, ...] = (),
    ) -> PlanDraft:
        """A runbook before or after a group: ``takes`` virtual time, at most ``timeout`` seconds of real time."""
        more = {"account": account, "runbook": runbook, "takes": takes, "timeout": timeout, "kinds": list(kinds)}
        return self._add(group, place, {"name": name, "action": plans.SCRIPT, **more})

    def add_check(
        self,
        group: int,
        name: str,
        vm: str,
        *,
        limit: str = "30min",
        place: str = AFTER,
        kinds: tuple[str, ...] = (),
    ) -> PlanDraft:
        """Wait before or after a group until the application of a VM answers; it fails after ``limit``."""
        more = {"vm": vm, "limit": limit, "kinds": list(kinds)}
        return self._add(group, place, {"name": name, "action": plans.CHECK, **more})

    def remove_action(self, group: int, name: str) -> PlanDraft:
        """Take an action out of a group."""
        one = self._group(group)
        known: list[Action] = [*one.before, *one.after]
        if name not in [action.name for action in known]:
            raise unknown("action", name, [action.name for action in known])
        one.before = [action for action in one.before if action.name != name]
        one.after = [action for action in one.after if action.name != name]
        return self

    def discard(self) -> PlanDraft:
        """Begin again from the plan as it is now; what was changed since the draft was taken is gone."""
        self.groups = self._lab.vault.plans[self.name].draft().groups
        return self

    def save(self) -> Plan:
        """Keep it all as one change; errors as of :meth:`labkit.lab.plans.PlansDoor.save_plan`."""
        return self._lab.vault.save_plan(self.name, [msgspec.to_builtins(group) for group in self.groups])
