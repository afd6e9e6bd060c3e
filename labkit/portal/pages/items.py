"""Protected items: clouds; of a cloud its settings and virtual machines; of a VM both sides and its recovery points."""

from __future__ import annotations

from typing import Any

from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.portal import blocks, titles
from labkit.portal.blocks import Cell, Page
from labkit.portal.cells import health, instant, seconds
from labkit.portal.pages.context import Context, refusal_text
from labkit.views.titles import location, protected_to, setting, setting_name

_ROLES = {"protected": mark("Protected cloud"), "recovery": mark("Recovery cloud")}
# The bar of a protected VM: command, and the operation whose rules grey it (rule 3.1-5).
_BAR = (
    ("vault.test_failover", "TestFailover"),
    ("vault.complete_test", "TestFailoverCleanup"),
    ("vault.planned_failover", "PlannedFailover"),
    ("vault.unplanned_failover", "UnplannedFailover"),
    ("vault.change_recovery_point", "ChangePit"),
    ("vault.commit", "Commit"),
    ("vault.failback", "Failback"),
    ("vault.complete_failover", "CompleteFailover"),
    ("vault.reverse_replication", "ReverseReplicate"),
    ("vault.resynchronise", "Resynchronize"),
    ("vault.cancel_resynchronise", "CancelResynchronize"),
    ("vault.disable_protection", "DisableProtection"),
)


def page(context: Context) -> Page:
    """The list of clouds, a cloud's settings or VMs, or a VM."""
    cloud, part, vm = context.at(1), context.at(2), context.at(3)
    if not cloud:
        return _clouds(context)
    made = _vm(context, cloud, vm) if vm else _settings(context, cloud) if part == "settings" else _vms(context, cloud)
    made.tabs = [
        (_("Virtual Machines"), ("items", cloud, "vms")),
        (_("Settings"), ("items", cloud, "settings")),
    ]
    made.crumbs = [(_("Protected Items"), ("items",)), (cloud, ("items", cloud, "vms"))][: 2 if vm else 1]
    return made


def _clouds(context: Context) -> Page:
    made = Page(_("Protected Items"))
    columns = [
        _("Name"),
        _("Role"),
        _("Status"),
        _("VMM server"),
        _("Virtual Machines"),
        _("Target server"),
        _("Target cloud"),
    ]
    rows = []
    for row in context.lab.vault.clouds:
        role = _(_ROLES.get(row.role, ""))
        state = blocks.said(_("Configured"), blocks.GOOD) if row.state else blocks.said(_("Not configured"), blocks.OFF)
        name = blocks.link(row.name, "items", row.name, "vms")
        rows.append((row.name, [name, role, state, row.server, str(row.vms), row.target, row.target_cloud]))
    empty = _("No cloud is in the vault. Register a VMM server first: Quick Start shows the steps.")
    made.blocks.append(blocks.table("clouds", columns, rows, empty=empty, choose="one", chosen=context.rows("clouds")))
    chosen = next(iter(context.rows("clouds")), "")
    _cloud_commands(context, chosen)
    return made


def _cloud_commands(context: Context, cloud: str) -> None:
    row = next((one for one in context.lab.vault.clouds if one.name == cloud), None)
    choose = "" if row is not None else _("Choose a row first.")
    configured = row is not None and bool(row.state)
    already = _("The protection of this cloud is configured already.") if configured else ""
    not_yet = "" if configured else _("The protection of this cloud is not configured.")
    context.command("vault.configure_protection", {"cloud": cloud}, why=choose or already)
    context.command("vault.change_protection", {"cloud": cloud}, why=choose or not_yet)
    context.command("vault.enable_protection", {"_cloud": cloud or None}, why=choose or not_yet)
    context.command("vault.release_cloud", {"cloud": cloud}, why=choose or not_yet)


def _settings(context: Context, cloud: str) -> Page:
    made = Page(_("{cloud}: settings").format(cloud=cloud))
    found = context.lab.vault.settings(cloud)
    rows: list[tuple[str, Cell]] = [(setting_name(name), setting(name, value)) for name, value in found.items()]
    if rows:
        made.blocks.append(blocks.facts("settings", rows, title=_("Replication location and frequency")))
    else:
        made.blocks.append(
            blocks.note("settings", _("The protection of this cloud is not configured."), state=blocks.OFF)
        )
    _cloud_commands(context, cloud)
    return made


def _vms(context: Context, cloud: str) -> Page:
    made = Page(cloud)
    items = {name: item for name, item in context.status["items"].items() if item["cloud"] == cloud}
    rows = [(name, _item_row(context, cloud, name, item)) for name, item in items.items()]
    columns = [
        _("Name"),
        _("Active location"),
        _("Replication status"),
        _("Target size"),
        _("Failover status"),
        _("Replication health"),
        "RPO",
    ]
    empty = _("No virtual machines in the cloud are enabled for protection")
    made.blocks.append(blocks.table("vms", columns, rows, empty=empty, choose="one", chosen=context.rows("vms")))
    offered = context.lab.vault.protectable(cloud)
    why = "" if offered else _("No virtual machine of this cloud is left to protect.")
    context.command("vault.enable_protection", {"_cloud": cloud}, why=why)
    _vm_commands(context, next(iter(context.rows("vms")), ""))
    return made


def _item_row(context: Context, cloud: str, name: str, item: dict[str, Any]) -> list[Cell]:
    state = (
        blocks.BUSY
        if item["job"]
        else blocks.OFF
        if not item["failover"]
        else blocks.WARN
        if item["failover"] != "Ready"
        else blocks.GOOD
    )
    return [
        blocks.link(name, "items", cloud, "vms", name),
        location(item),
        _(item["status"]) or _(item["description"]),
        item["size"] or "-",
        blocks.said(_(item["failover"]) or "-", state),
        health(item["health"]),
        seconds(item["rpo_ms"]),
    ]


def _vm_commands(context: Context, vm: str) -> None:
    """The bar of a VM: what is not allowed is greyed, with the lab's own refusal as the reason (rule 3.1-5)."""
    item = context.lab.vault.items.get(vm) if vm else None
    for control, operation in _BAR:
        why = _("Choose a row first.") if item is None else refusal_text(item.refusal(operation))
        context.command(control, {"vm": vm}, why=why)
    choose = "" if item is not None else _("Choose a row first.")
    target = choose or refusal_text(context.lab.vault.target_refusal(vm))
    context.command("vault.set_target", {"vm": vm}, why=target)
    for control in ("vault.stop_managing", "vault.look_into", "vault.set_objectives"):
        context.command(control, {"vm": vm}, why=choose)
    context.command("vault.import_initial_replication", {"vm": vm}, why=choose)


def _vm(context: Context, cloud: str, vm: str) -> Page:
    item, made = context.lab.vault.items[vm], Page(vm)
    row = context.status["items"].get(vm, {})
    sides = item.properties
    second = protected_to(item.target_cloud)
    names = {"site": _("Site"), "azure": second, "replica": second}
    columns = ["", *(names.get(side, side) for side in sides)]
    fields = list(next(iter(sides.values()))._fields) if sides else []
    rows: list[tuple[str, list[Cell]]] = [
        (field, [titles.of(field), *(str(getattr(side, field)) for side in sides.values())]) for field in fields
    ]
    state: list[tuple[str, Cell]] = [
        (_("Replication status"), _(row["status"]) or _(row["description"])),
        (_("Failover status"), _(row["failover"]) or "-"),
        (_("Replication health"), health(row["health"])),
        (_("Active location"), location(row)),
    ]
    made.blocks.append(blocks.facts("state", state))
    made.blocks.append(blocks.table("sides", columns, rows, title=_("Source and target properties")))
    misfits = context.lab.vault.target(vm).misfits if "azure" in sides else ()
    if misfits:
        text = _("The size {size} has too little of: {what}").format(
            size=item.size, what=", ".join(titles.of(one) for one in misfits)
        )
        made.blocks.append(blocks.note("misfits", text, state=blocks.WARN))
    if "points" in context.charts:
        made.blocks.append(blocks.chart("points"))
    points = [
        (str(point.id), [str(point.id), instant(point.time), _(point.kind)]) for point in reversed(item.recovery_points)
    ]
    heads = [_("Number"), _("Time"), _("Kind")]
    made.blocks.append(
        blocks.table("points", heads, points, title=_("Recovery points"), choose="one", chosen=context.rows("points"))
    )
    _point_commands(context, vm)
    return made


def _point_commands(context: Context, vm: str) -> None:
    chosen = context.rows("points")
    _vm_commands(context, vm)
    if chosen:  # the point that is picked is what these dialogs begin with
        point = {"vm": vm, "point": int(chosen[0])}
        for command in context.commands:
            if command.control in ("vault.change_recovery_point", "vault.look_into", "vault.test_failover"):
                context.replace(command, {**point, "_open": ("point",)})
