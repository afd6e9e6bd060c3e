"""Tables and still charts of a lab, made from break points and records; shared by reports, notebooks and widgets."""

from __future__ import annotations

from labkit.views.frames import (
    alerts,
    bills,
    costs_by_day,
    event_log,
    failovers,
    items,
    leftovers,
    meter,
    reach,
    replication,
)

__all__ = [
    "alerts",
    "bills",
    "costs_by_day",
    "event_log",
    "failovers",
    "items",
    "leftovers",
    "meter",
    "reach",
    "replication",
]
