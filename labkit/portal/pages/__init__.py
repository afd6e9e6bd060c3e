"""The pages of the portal, by their first name; each is a function from what is there to blocks and commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.portal.blocks import Page
from labkit.portal.pages import azure, dashboard, items, jobs, plans, quickstart, resources, site, workshop
from labkit.portal.pages.context import Context
from labkit.portal.pages.jobs import job_title

__all__ = ["build", "job_title", "tabs"]

_TABS: Mapping[str, tuple[str, Callable[[Context], Page]]] = {
    "quick": (mark("Quick Start"), quickstart.page),
    "dashboard": (mark("Dashboard"), dashboard.page),
    "items": (mark("Protected Items"), items.page),
    "plans": (mark("Recovery Plans"), plans.page),
    "resources": (mark("Resources"), resources.page),
    "jobs": (mark("Jobs"), jobs.page),
    "site": (mark("Site"), site.page),
    "azure": (mark("Azure"), azure.page),
    "map": (mark("Site map"), workshop.site_map),
    "lab": (mark("Lab"), workshop.page),
}


def tabs() -> list[tuple[str, tuple[str, ...]]]:
    """Titles and paths of the first pages, in order."""
    return [(_(title), (name,)) for name, (title, _page) in _TABS.items()]


def build(context: Context) -> Page:
    """The page that is open; 900985 for one that is not there (any more)."""
    found = _TABS.get(context.path[0])
    if found is None:
        raise LabError(900985, found="/".join(context.path))
    page = found[1](context)
    page.commands = context.commands
    return page
