"""The dashboard: health, RPO of every VM with its target, pending data, running jobs, the cost meter."""

from __future__ import annotations

from typing import Any

from labkit.engine import units
from labkit.engine.texts import gettext as _
from labkit.guest.machine import SITE
from labkit.portal import blocks
from labkit.portal.blocks import Block, Cell, Page
from labkit.portal.cells import health
from labkit.portal.pages.context import Context
from labkit.portal.pages.jobs import job_rows
from labkit.site import inventory

_MOST_JOBS = 20


def page(context: Context) -> Page:
    """Figures, the live chart, jobs under way, what is left to do."""
    made = Page(_("Dashboard"))
    made.blocks += [_figures(context), blocks.chart("rpo")]
    if "churn" in context.charts:
        made.blocks.append(blocks.chart("churn"))
    running: dict[str, Any] = context.status["jobs"]
    rows = job_rows(context, list(reversed(list(running)))[:_MOST_JOBS])
    columns = [_("Name"), _("Job"), _("Status"), _("Start time"), _("Duration")]
    made.blocks.append(blocks.table("jobs", columns, rows, title=_("Running jobs"), empty=_("No job is under way.")))
    if len(running) > len(rows):
        text = _("Of {count} jobs these are the latest; the page Jobs has all.").format(count=len(running))
        made.blocks.append(blocks.note("more-jobs", text))
    context.command("vault.declare_disaster")
    return made


def _figures(context: Context) -> Block:
    items: dict[str, Any] = context.status["items"]
    jobs: dict[str, Any] = context.status["jobs"]
    waiting = [job for job in jobs.values() if job["state"] == "Suspended"]
    sick = {name: item["health"] for name, item in items.items() if item["health"] != "Normal"}
    worst = "Normal" if not sick else "Critical" if "Critical" in sick.values() else "Warning"
    rows: list[tuple[str, Cell, str]] = [
        (_("Protected"), str(len(items)), _("of {count} virtual machines").format(count=_machines(context))),
        *_rpo(context, items),
        (_("Replication health"), health(worst), ", ".join(list(sick)[:3])),
        (_("Data yet to be replicated"), _pending(context), ""),
        (_("Running jobs"), str(len(jobs)), _("{count} wait for action").format(count=len(waiting))),
        (_("Cost so far"), *_cost(context)),
    ]
    return blocks.cards("figures", rows)


def _rpo(context: Context, items: dict[str, Any]) -> list[tuple[str, Cell, str]]:
    """The worst RPO beside the site's target, and who is over it."""
    target = context.lab.read(lambda world: inventory.site_of(world).objectives.rpo)
    known = {name: item["rpo_ms"] for name, item in items.items() if item["rpo_ms"] is not None}
    worst = max(known, key=lambda name: known[name], default=None)
    over = [name for name, rpo in known.items() if rpo > target]
    state = blocks.BAD if over else blocks.GOOD
    shown: Cell = "-"
    if worst is not None:
        shown = blocks.said(units.show_duration(known[worst] // 1000 * 1000), state)
    beside = _("{vm}; target {target}").format(vm=worst or "-", target=units.show_duration(target))
    return [
        (_("Worst RPO"), shown, beside),
        (_("Over target"), blocks.said(str(len(over)), state), ", ".join(over[:3])),
    ]


def _machines(context: Context) -> int:
    """The VMs of the site: a replica at the second site, a test's VM and the one in Azure are none of their own."""
    return sum(name.startswith(f"{SITE}/") for name in context.status["machines"])


def _pending(context: Context) -> str:
    return units.show_size(context.remembered("pending", lambda: context.lab.vault.items.pending))


def _cost(context: Context) -> tuple[str, str]:
    """The bill so far."""
    total = context.remembered("cost", context.lab.azure.total)
    return f"${total.dollars:,.2f}", f"¥{total.yen:,.0f}"
