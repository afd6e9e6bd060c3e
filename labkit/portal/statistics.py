"""The figures of the window "Replication Health" (rule 2.9-2), with what it calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.engine import units
from labkit.engine.texts import gettext as _
from labkit.portal import blocks
from labkit.portal.blocks import Block, Cell
from labkit.portal.cells import health, instant
from labkit.replication.statistics import Statistics
from labkit.views.titles import relation_state

if TYPE_CHECKING:
    from labkit.lab import Lab


def block(lab: Lab, one: Statistics, key: str, title: str) -> Block:
    """A VM's figures over the time they are counted for."""
    show, size = lab.show_instant, units.show_size
    rows: list[tuple[str, Cell]] = [
        (_("Replication status"), relation_state(one.state)),
        (_("Replication health"), health(one.health)),
        (_("Primary server"), one.primary_server),
        (_("Replica server"), one.replica_server),
        (_("Statistics from"), f"{instant(show(one.monitoring_start))} - {instant(show(one.monitoring_end))}"),
        (_("Average size"), size(one.average_size)),
        (_("Maximum size"), size(one.maximum_size)),
        (_("Average latency"), units.show_duration(one.average_latency)),
        (_("Errors encountered"), str(one.errors)),
        (
            _("Successful replication cycles"),
            _("{count} of {expected}").format(count=one.successful_count, expected=one.expected_count),
        ),
        (_("Size of data yet to be replicated"), size(one.pending_size)),
        (_("Last synchronized at"), instant(show(one.last_applied)) if one.last_applied else "-"),
    ]
    return blocks.facts(key, rows, title=title)
