"""Recovery plans: the list, and of a plan its groups and actions in an editor, its readiness, and its bar."""

from __future__ import annotations

from typing import Any

from labkit.engine.errors import listed, word
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab.plans import Plan
from labkit.portal import blocks, plandrafts
from labkit.portal.blocks import Cell, Page
from labkit.portal.pages.context import Context
from labkit.portal.pages.jobs import said

_BAR = (
    ("vault.test_failover_plan", "test"),
    ("vault.planned_failover_plan", "planned"),
    ("vault.unplanned_failover_plan", "unplanned"),
    ("vault.commit_plan", "commit"),
    ("vault.failback_plan", "failback"),
    ("vault.reverse_replication_plan", "reverse"),
    ("vault.delete_plan", "delete"),
)
_ACTIONS = {"manual": mark("Manual action"), "script": mark("Script"), "check": mark("Check of the application")}
_KINDS = (
    ("planned", mark("Planned failover")),
    ("unplanned", mark("Unplanned failover")),
    ("test", mark("Test failover")),
)
_MEMBER, _ACTION = "vm", "action"


def page(context: Context) -> Page:
    """The list, or one plan."""
    return _one(context, context.at(1)) if context.at(1) else _list(context)


def _tested(plan: Plan) -> str:
    if not plan.tested:
        return _("not tested")
    return _("changed since last tested") if plan.changed else _("tested")


def _list(context: Context) -> Page:
    made = Page(_("Recovery Plans"))
    rows: list[tuple[str, list[Cell]]] = []
    for name, plan in context.lab.vault.plans.items():
        tested = blocks.said(_tested(plan), blocks.WARN if plan.changed else blocks.GOOD)
        target = _("Microsoft Azure") if plan.target == "azure" else plan.target
        cells = [blocks.link(name, "plans", name), plan.server, target, ", ".join(plan.vms), tested]
        rows.append((name, cells))
    columns = [_("Name"), _("Source"), _("Target"), _("Virtual machines"), _("Test")]
    empty = _("No recovery plan was made yet.")
    made.blocks.append(blocks.table("plans", columns, rows, empty=empty, choose="one", chosen=context.rows("plans")))
    context.command("vault.create_plan")
    context.command("vault.import_plan")
    _commands(context, next(iter(context.rows("plans")), ""))
    return made


def _commands(context: Context, name: str) -> None:
    plan = context.lab.vault.plans.get(name) if name else None
    for control, kind in _BAR:
        why = _("Choose a row first.") if plan is None else _why(plan, kind)
        context.command(control, {"name": name}, why=why)
    choose = "" if plan is not None else _("Choose a row first.")
    context.command("vault.export_plan", {"name": name}, why=choose)
    context.command("vault.set_plan_objectives", {"plan": name}, why=choose)


def _why(plan: Plan, kind: str) -> str:
    """Why a run is greyed: the plan runs, or what it would be refused with; what is allowed."""
    allowed = plan.allowed_operations
    if kind in allowed:
        return ""
    job = plan.job
    if job is not None:
        return _("The plan runs: {job}.").format(job=job.id)
    reasons = [one.text for one in plan.readiness(kind)] if kind in ("test", "planned", "unplanned", "failback") else []
    reason = reasons[0] if reasons else _("No virtual machine of the plan waits for it.")
    return _("{reason} Allowed now: {operations}").format(
        reason=reason, operations=listed(word("plan_operation", one) for one in allowed)
    )


def _one(context: Context, name: str) -> Page:
    plan = context.lab.vault.plans[name]
    held = plandrafts.of(context.lab, context.drafts, name)
    made = Page(name, crumbs=[(_("Recovery Plans"), ("plans",))])
    job = plan.job
    facts: list[tuple[str, Cell]] = [
        (_("Source"), plan.server),
        (_("Target"), _("Microsoft Azure") if plan.target == "azure" else plan.target),
        (_("Version"), str(plan.version)),
        (_("Test"), _tested(plan)),
        (_("Expected duration of a planned failover"), plan.forecast("planned")),
    ]
    if job is not None:
        facts.append((_("Job"), blocks.link(f"{job.id}", "jobs", job.id)))
        facts.append((_("Status"), said(job.state)))
    made.blocks.append(blocks.facts("plan", facts))
    made.blocks += _unsaved(held)
    made.blocks.append(_editor(context, held.draft))
    made.blocks.append(_readiness(plan))
    _editing(context, name, changed=held.changed)
    _commands(context, name)
    return made


def _unsaved(held: plandrafts.Held) -> list[blocks.Block]:
    """What has to be known of a draft before it is saved."""
    texts = []
    if held.changed:
        texts.append(_("There are changes that are not saved."))
        if held.late:
            told = _("The plan was saved elsewhere after version {version}; saving here replaces that.")
            texts.append(told.format(version=held.version))
    elif held.dropped:
        texts.append(_("The plan was made anew; changes of the one before are dropped."))
    return [blocks.note("unsaved", "\n".join(texts), state=blocks.WARN)] if texts else []


def _editor(context: Context, draft: Any) -> blocks.Block:
    """Groups, their actions and members in the order of a start, one row each."""
    rows: list[tuple[str, list[Cell]]] = []
    for number, group in enumerate(draft.groups, 1):
        head = _("Group {number}").format(number=number)
        for action in group.before:
            rows.append((f"{number}:{_ACTION}:{action.name}", [head, *_action(action, _("before"))]))
        for vm in group.vms:
            rows.append((f"{number}:{_MEMBER}:{vm}", [head, vm, _("Virtual machine"), "", ""]))
        if not group.vms and not group.before and not group.after:
            rows.append((f"{number}::", [head, "-", _("empty"), "", ""]))
        for action in group.after:
            rows.append((f"{number}:{_ACTION}:{action.name}", [head, *_action(action, _("after"))]))
    columns = [_("Group"), _("Name"), _("Kind"), _("Place"), _("Detail")]
    return blocks.table(
        "groups", columns, rows, title=_("Groups and actions"), choose="one", chosen=context.rows("groups")
    )


def _action(action: Any, place: str) -> list[Cell]:
    detail = {"manual": action.text, "script": f"{action.account} / {action.runbook}", "check": action.vm}[
        action.action
    ]
    kinds = f" ({listed(word('plan_operation', kind) for kind in action.kinds)})" if action.kinds else ""
    return [action.name, _(_ACTIONS[action.action]) + kinds, place, detail]


def _readiness(plan: Plan) -> blocks.Block:
    rows: list[tuple[str, list[Cell]]] = []
    for kind, title in _KINDS:
        for place, one in enumerate(plan.readiness(kind)):
            state = blocks.BAD if one.severity == "fails" else blocks.WARN
            told = blocks.said(_("fails") if one.severity == "fails" else _("warns"), state)
            rows.append((f"{kind}-{place}", [_(title), one.about, told, one.text]))
    columns = [_("Failover"), _("About"), _("Severity"), _("Reason")]
    empty = _("Nothing stands in the way of a failover now.")
    return blocks.table("readiness", columns, rows, title=_("Readiness"), empty=empty)


def _editing(context: Context, name: str, *, changed: bool) -> None:
    """The commands of the editor: what is chosen is what they are about."""
    number, kind, chosen = next(iter(context.rows("groups")), "::").split(":", 2)
    group = int(number) if number else None
    preset = {"_draft": name}
    no_group = "" if group is not None else _("Choose a row of the group first.")
    no_vm = "" if kind == _MEMBER else _("Choose a virtual machine of the plan first.")
    no_action = "" if kind == _ACTION else _("Choose an action first.")
    context.command("draft.add_group", preset)
    context.command("draft.move", {**preset, "vm": chosen}, why=no_vm)
    context.command("draft.remove", {**preset, "vm": chosen}, why=no_vm)
    context.command("draft.remove_group", {**preset, "number": group}, why=no_group)
    for control in ("draft.add_manual", "draft.add_script", "draft.add_check"):
        context.command(control, {**preset, "group": group}, why=no_group)
    context.command("draft.remove_action", {**preset, "group": group, "name": chosen}, why=no_action)
    for control in ("draft.save", "draft.discard"):
        context.command(control, preset, why="" if changed else _("Nothing was changed."))
