"""The views a notebook asks for by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from labkit.engine import units
from labkit.portal import heart
from labkit.portal.chartparts import ChurnPart, CostPart, JobsPart, PointsPart
from labkit.portal.mappart import MapPart
from labkit.portal.parts import ClockPart, RpoPart
from labkit.portal.widget import View
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab import Lab


def rpo_chart(lab: Lab, vms: Iterable[str] | None = None, *, target: str | None = None) -> View:
    """RPO of all protected VMs, or of ``vms``, live; ``target``: a duration ("15min"), default the site's objective."""
    beating = heart.of(lab)
    return View("rpo_chart", beating, [RpoPart(beating, vms, None if target is None else units.duration(target))])


def clock_bar(lab: Lab) -> View:
    """The clock: play, pause, 60x, 600x, 3,600x, skip to the next event."""
    beating = heart.of(lab)
    return View("clock_bar", beating, [ClockPart(beating)])


def watch(lab: Lab, vms: Iterable[str] | None = None, *, target: str | None = None) -> View:
    """Clock and chart in one; arguments as of :func:`rpo_chart`."""
    beating = heart.of(lab)
    chart = RpoPart(beating, vms, None if target is None else units.duration(target))
    return View("watch", beating, [ClockPart(beating), chart])


def churn_chart(lab: Lab, *, sites: bool | None = None) -> View:
    """What all VMs write against what the line carries, live; ``sites``: the line between two sites, if there are."""
    beating = heart.of(lab)
    return View("churn_chart", beating, [ChurnPart(beating, sites=sites)])


def recovery_points(lab: Lab, vm: str, *, on_pick: Callable[[int | None], None] | None = None) -> View:
    """The recovery points of a VM over time; a point that is picked is looked into, and ``on_pick`` called with its id.

    900010 for a VM the lab has not.
    """
    beating = heart.of(lab)
    name = lab.read(lambda world: inventory.machine(world, vm).name)
    return View("recovery_points", beating, [PointsPart(beating, name, on_pick=on_pick)])


def job_chart(lab: Lab) -> View:
    """Jobs and their tasks over virtual time, the latest first, live."""
    beating = heart.of(lab)
    return View("job_chart", beating, [JobsPart(beating)])


def cost_chart(lab: Lab, *, prices: str = "usd", currency: str = "USD") -> View:
    """Cost by day and component, live; ``prices``: a price list (900241), ``currency``: "USD" or "JPY"."""
    beating = heart.of(lab)
    return View("cost_chart", beating, [CostPart(beating, prices=prices, currency=currency)])


def open_portal(lab: Lab, *path: str, side: bool = False) -> View:
    """The portal, in this cell or (``side``) in a tab beside the notebook; ``path``: the page, such as ("jobs",).

    A lab has one tab in a Jupyter kernel: a cell that is run again opens it anew. A page there is not says so (900985).
    """
    from labkit.portal.portalview import PortalView

    made = PortalView(heart.of(lab), path or ("quick",))
    if side:
        made.aside()
    return made


def site_map(lab: Lab) -> View:
    """The site map, live: both sides, the line with traffic and backlog, replicas, and whom clients reach."""
    beating = heart.of(lab)
    return View("site_map", beating, [MapPart(beating)])
